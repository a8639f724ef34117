//! Tags of VPCs.

use shared::StepError;
use shared::ec2::VpcTags;
use shared::ids::VpcId;
use shared::ownership::Tags;

use super::{AwsEc2, PAGE, filter, id, tags_of};

impl VpcTags for AwsEc2 {
    async fn vpc_tags(&self, vpc: &VpcId) -> Result<Option<Tags>, StepError> {
        let request = self.client.describe_vpcs().vpc_ids(vpc.as_str());
        let answer = self.present("DescribeVpcs", request.send().await)?;
        let found = answer.and_then(|answer| answer.vpcs?.pop());
        Ok(found.map(|found| tags_of(found.tags())))
    }

    async fn tagged_vpcs(&self, key_pattern: &str) -> Result<Vec<(VpcId, Tags)>, StepError> {
        let operation = "DescribeVpcs";
        let request = self
            .client
            .describe_vpcs()
            .filters(filter("tag-key", key_pattern));
        let mut pages = request.into_paginator().page_size(PAGE).items().send();
        let mut found = Vec::new();
        while let Some(vpc) = pages.next().await {
            let vpc = vpc.map_err(|error| self.failure(operation, error))?;
            found.push((id(operation, "vpcId", vpc.vpc_id())?, tags_of(vpc.tags())));
        }
        Ok(found)
    }

    async fn tag_vpc(&self, vpc: &VpcId, tags: &Tags) -> Result<(), StepError> {
        self.tag(vpc.as_str(), tags).await
    }

    async fn untag_vpc(&self, vpc: &VpcId, keys: &[String]) -> Result<(), StepError> {
        self.untag(vpc.as_str(), keys).await
    }
}
