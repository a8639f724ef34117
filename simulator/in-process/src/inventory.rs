//! Everything of ours in one account and Region.

use shared::StepError;
use shared::ec2::{Endpoint, Inventory, Managed, SecurityGroup};
use shared::ownership::{MANAGED_BY, OWNER};
use simulator::ec2::{DescribeSecurityGroups, DescribeVpcEndpoints};

use super::{InProcess, endpoints, filter};

impl Inventory for InProcess {
    async fn managed_endpoints(&self) -> Result<Vec<Managed<Endpoint>>, StepError> {
        let request = DescribeVpcEndpoints {
            filters: filter(&format!("tag:{MANAGED_BY}"), OWNER),
            ..Default::default()
        };
        let answer = self
            .ec2("DescribeVpcEndpoints", |world, caller| {
                world.describe_vpc_endpoints(caller, &request)
            })
            .await?;
        let found = answer.vpc_endpoints.into_iter().filter_map(|found| {
            Some(Managed {
                vpc_id: found.vpc_id.parse().ok()?,
                created_at: Some(found.creation_timestamp),
                it: endpoints::read(found)?,
            })
        });
        Ok(found.filter(|found| !found.it.state.is_gone()).collect())
    }

    async fn managed_groups(&self) -> Result<Vec<Managed<SecurityGroup>>, StepError> {
        let request = DescribeSecurityGroups {
            filters: filter(&format!("tag:{MANAGED_BY}"), OWNER),
            ..Default::default()
        };
        let answer = self
            .ec2("DescribeSecurityGroups", |world, caller| {
                world.describe_security_groups(caller, &request)
            })
            .await?;
        let found = answer.security_groups.into_iter().filter_map(|group| {
            Some(Managed {
                vpc_id: group.vpc_id.parse().ok()?,
                created_at: None,
                it: SecurityGroup {
                    id: group.id.parse().ok()?,
                    name: group.name,
                    tags: group.tags,
                },
            })
        });
        Ok(found.collect())
    }
}
