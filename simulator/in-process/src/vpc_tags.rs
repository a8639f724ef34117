//! Tags of VPCs.

use shared::StepError;
use shared::ec2::VpcTags;
use shared::ids::VpcId;
use shared::ownership::Tags;

use super::{InProcess, filter};
use simulator::ec2::DescribeVpcs;

impl VpcTags for InProcess {
    async fn vpc_tags(&self, vpc: &VpcId) -> Result<Option<Tags>, StepError> {
        let request = DescribeVpcs {
            vpc_ids: vec![vpc.to_string()],
            ..Default::default()
        };
        let found = self
            .ask("DescribeVpcs", |world, caller| {
                world.describe_vpcs(caller, &request)
            })
            .await?;
        Ok(found.and_then(|mut answer| Some(answer.vpcs.pop()?.tags)))
    }

    async fn tagged_vpcs(&self, key_pattern: &str) -> Result<Vec<(VpcId, Tags)>, StepError> {
        let request = DescribeVpcs {
            filters: filter("tag-key", key_pattern),
            ..Default::default()
        };
        let answer = self
            .ec2("DescribeVpcs", |world, caller| {
                world.describe_vpcs(caller, &request)
            })
            .await?;
        let found = answer.vpcs.into_iter();
        Ok(found
            .filter_map(|vpc| Some((vpc.id.parse().ok()?, vpc.tags)))
            .collect())
    }

    async fn tag_vpc(&self, vpc: &VpcId, tags: &Tags) -> Result<(), StepError> {
        self.tag(vpc.as_str(), tags).await
    }

    async fn untag_vpc(&self, vpc: &VpcId, keys: &[String]) -> Result<(), StepError> {
        self.untag(vpc.as_str(), keys).await
    }
}
