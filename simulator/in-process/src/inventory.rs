//! Everything of ours in one account and Region.

use shared::StepError;
use shared::ec2::{Endpoint, Inventory, Managed, SecurityGroup};
use shared::ownership::{MANAGED_BY, OWNER};
use simulator::World;
use simulator::ec2::Filter;

use super::{InProcess, endpoints, groups};

fn ours() -> [Filter; 1] {
    [Filter::one(&format!("tag:{MANAGED_BY}"), OWNER)]
}

impl Inventory for InProcess {
    async fn managed_endpoints(&self) -> Result<Vec<Managed<Endpoint>>, StepError> {
        let found = self
            .described(
                "DescribeVpcEndpoints",
                World::describe_vpc_endpoints,
                ours(),
            )
            .await?;
        let managed = found.into_iter().filter_map(|found| {
            Some(Managed {
                vpc_id: found.vpc_id.parse().ok()?,
                created_at: Some(found.creation_timestamp),
                it: endpoints::read(found)?,
            })
        });
        Ok(managed.filter(|it| !it.it.state.is_gone()).collect())
    }

    async fn managed_groups(&self) -> Result<Vec<Managed<SecurityGroup>>, StepError> {
        let found = self
            .described(
                "DescribeSecurityGroups",
                World::describe_security_groups,
                ours(),
            )
            .await?;
        let managed = found.into_iter().filter_map(|group| {
            Some(Managed {
                vpc_id: group.vpc_id.parse().ok()?,
                created_at: None,
                it: groups::read_group(group)?,
            })
        });
        Ok(managed.collect())
    }
}
