//! Tags of VPCs.

use shared::StepError;
use shared::ec2::VpcTags;
use shared::ids::VpcId;
use shared::ownership::Tags;

use super::InProcess;
use simulator::World;
use simulator::ec2::Filter;

impl VpcTags for InProcess {
    async fn vpc_tags(&self, vpc: &VpcId) -> Result<Option<Tags>, StepError> {
        Ok(self.described_vpc(vpc).await?.map(|vpc| vpc.tags))
    }

    async fn tagged_vpcs(&self, key_pattern: &str) -> Result<Vec<(VpcId, Tags)>, StepError> {
        let filters = [Filter::one("tag-key", key_pattern)];
        let found = self
            .described("DescribeVpcs", World::describe_vpcs, filters)
            .await?;
        let read = found
            .into_iter()
            .filter_map(|vpc| Some((vpc.id.parse().ok()?, vpc.tags)));
        Ok(read.collect())
    }

    async fn tag_vpc(&self, vpc: &VpcId, tags: &Tags) -> Result<(), StepError> {
        self.tag(vpc.as_str(), tags).await
    }

    async fn untag_vpc(&self, vpc: &VpcId, keys: &[String]) -> Result<(), StepError> {
        self.untag(vpc.as_str(), keys).await
    }
}
