//! Everything of ours in one account and Region.

use shared::StepError;
use shared::ec2::{Endpoint, Inventory, Managed, SecurityGroup};
use shared::ownership::{MANAGED_BY, OWNER};
use time::OffsetDateTime;

use super::{AwsEc2, PAGE, filter, id};

impl Inventory for AwsEc2 {
    async fn managed_endpoints(&self) -> Result<Vec<Managed<Endpoint>>, StepError> {
        let operation = "DescribeVpcEndpoints";
        let request = self.client.describe_vpc_endpoints().filters(ours());
        let mut pages = request.into_paginator().page_size(PAGE).items().send();
        let mut found = Vec::new();
        while let Some(endpoint) = pages.next().await {
            let endpoint = endpoint.map_err(|error| self.failure(operation, error))?;
            let it = super::endpoints::read(operation, &endpoint)?;
            if !it.state.is_gone() {
                found.push(Managed {
                    vpc_id: id(operation, "vpcId", endpoint.vpc_id())?,
                    created_at: endpoint
                        .creation_timestamp()
                        .and_then(|at| OffsetDateTime::from_unix_timestamp(at.secs()).ok()),
                    it,
                });
            }
        }
        Ok(found)
    }

    async fn managed_groups(&self) -> Result<Vec<Managed<SecurityGroup>>, StepError> {
        let operation = "DescribeSecurityGroups";
        let request = self.client.describe_security_groups().filters(ours());
        let mut pages = request.into_paginator().page_size(PAGE).items().send();
        let mut found = Vec::new();
        while let Some(group) = pages.next().await {
            let group = group.map_err(|error| self.failure(operation, error))?;
            found.push(Managed {
                vpc_id: id(operation, "vpcId", group.vpc_id())?,
                created_at: None,
                it: super::groups::read(operation, &group)?,
            });
        }
        Ok(found)
    }
}

fn ours() -> aws_sdk_ec2::types::Filter {
    filter(&format!("tag:{MANAGED_BY}"), OWNER)
}
