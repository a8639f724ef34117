//! Security groups.

use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, SecurityGroupRule,
    UserIdGroupPair,
};
use shared::ec2::{
    GroupRemoval, IngressRule, NetworkInterface, NewSecurityGroup, SecurityGroup, SecurityGroups,
    Source, errors,
};
use shared::ids::{SecurityGroupId, VpcId};
use shared::ownership::Tags;
use shared::report::SQL_PORT;
use shared::{Code, StepError};

use super::{AwsEc2, FILTER_VALUES, PAGE, filter, filter_any, id, said, tags_at_creation, tags_of};

pub(super) fn read(
    operation: &str,
    found: &aws_sdk_ec2::types::SecurityGroup,
) -> Result<SecurityGroup, StepError> {
    Ok(SecurityGroup {
        id: id(operation, "groupId", found.group_id())?,
        name: found.group_name().unwrap_or_default().to_owned(),
        tags: tags_of(found.tags()),
    })
}

impl SecurityGroups for AwsEc2 {
    async fn group_named(
        &self,
        vpc: &VpcId,
        name: &str,
    ) -> Result<Option<SecurityGroup>, StepError> {
        let operation = "DescribeSecurityGroups";
        let request = self
            .client
            .describe_security_groups()
            .filters(filter("vpc-id", vpc.as_str()))
            .filters(filter("group-name", name));
        let answer = request
            .send()
            .await
            .map_err(|error| self.failure(operation, error))?;
        answer
            .security_groups()
            .first()
            .map(|found| read(operation, found))
            .transpose()
    }

    async fn groups_tagged(&self, vpc: &VpcId, key: &str) -> Result<Vec<SecurityGroup>, StepError> {
        let operation = "DescribeSecurityGroups";
        let mut pages = self
            .client
            .describe_security_groups()
            .filters(filter("vpc-id", vpc.as_str()))
            .filters(filter("tag-key", key))
            .into_paginator()
            .send();
        let mut groups = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failure(operation, error))?;
            for found in page.security_groups() {
                groups.push(read(operation, found)?);
            }
        }
        Ok(groups)
    }

    async fn ingress_rules(
        &self,
        groups: &[SecurityGroupId],
    ) -> Result<Vec<IngressRule>, StepError> {
        let operation = "DescribeSecurityGroupRules";
        let mut rules = Vec::new();
        for groups in groups.chunks(FILTER_VALUES) {
            let mut pages = self
                .client
                .describe_security_group_rules()
                .filters(filter_any("group-id", groups))
                .into_paginator()
                .page_size(PAGE)
                .items()
                .send();
            while let Some(rule) = pages.next().await {
                let rule = rule.map_err(|error| self.failure(operation, error))?;
                rules.extend(ingress(&rule));
            }
        }
        Ok(rules)
    }

    async fn create_group(&self, new: &NewSecurityGroup) -> Result<SecurityGroupId, StepError> {
        let operation = "CreateSecurityGroup";
        let answer = self
            .client
            .create_security_group()
            .vpc_id(new.vpc_id.as_str())
            .group_name(&new.name)
            .description(&new.description)
            .tag_specifications(tags_at_creation(ResourceType::SecurityGroup, &new.tags))
            .send()
            .await
            .map_err(|error| self.failure(operation, error))?;
        id(operation, "groupId", answer.group_id())
    }

    async fn authorize(
        &self,
        group: &SecurityGroupId,
        sources: &[Source],
        description: &str,
    ) -> Result<(), StepError> {
        if self.authorize_all(group, sources, description).await? == Batch::Done {
            return Ok(());
        }
        // One rule that exists is enough for EC2 to refuse them all.
        for source in sources {
            self.authorize_all(group, std::slice::from_ref(source), description)
                .await?;
        }
        Ok(())
    }

    async fn revoke(&self, group: &SecurityGroupId, rule_ids: &[String]) -> Result<(), StepError> {
        if self.revoke_all(group, rule_ids).await? == Batch::Done {
            return Ok(());
        }
        // One rule that is absent is enough for EC2 to keep them all.
        for rule_id in rule_ids {
            self.revoke_all(group, std::slice::from_ref(rule_id))
                .await?;
        }
        Ok(())
    }

    async fn delete_group(&self, group: &SecurityGroupId) -> Result<GroupRemoval, StepError> {
        let sent = self
            .client
            .delete_security_group()
            .group_id(group.as_str())
            .send()
            .await;
        match sent {
            Err(error) if said(&error).is_some_and(|(code, why)| errors::is_in_use(code, why)) => {
                Ok(GroupRemoval::InUse)
            }
            sent => {
                let gone = self.unless_absent("DeleteSecurityGroup", sent.map(|_| ()));
                gone.map(|()| GroupRemoval::Gone)
            }
        }
    }

    async fn groups_naming(
        &self,
        vpc: &VpcId,
        group: &SecurityGroupId,
    ) -> Result<Vec<SecurityGroup>, StepError> {
        let operation = "DescribeSecurityGroups";
        let mut naming: Vec<SecurityGroup> = Vec::new();
        // EC2 joins different filters with *and*, so each direction is asked for alone.
        for direction in ["ip-permission.group-id", "egress.ip-permission.group-id"] {
            let request = self
                .client
                .describe_security_groups()
                .filters(filter("vpc-id", vpc.as_str()))
                .filters(filter(direction, group.as_str()));
            let mut pages = request.into_paginator().page_size(PAGE).items().send();
            while let Some(found) = pages.next().await {
                let found = found.map_err(|error| self.failure(operation, error))?;
                naming.push(read(operation, &found)?);
            }
        }
        Ok(naming)
    }

    async fn interfaces_with(
        &self,
        group: &SecurityGroupId,
    ) -> Result<Vec<NetworkInterface>, StepError> {
        let operation = "DescribeNetworkInterfaces";
        let request = self
            .client
            .describe_network_interfaces()
            .filters(filter("group-id", group.as_str()));
        let mut pages = request.into_paginator().page_size(PAGE).items().send();
        let mut interfaces = Vec::new();
        while let Some(found) = pages.next().await {
            let found = found.map_err(|error| self.failure(operation, error))?;
            interfaces.push(NetworkInterface {
                id: found.network_interface_id().unwrap_or_default().to_owned(),
                description: found.description().unwrap_or_default().to_owned(),
            });
        }
        Ok(interfaces)
    }

    async fn tag_group(&self, group: &SecurityGroupId, tags: &Tags) -> Result<(), StepError> {
        self.tag(group.as_str(), tags).await
    }

    async fn untag_group(&self, group: &SecurityGroupId, keys: &[String]) -> Result<(), StepError> {
        self.untag(group.as_str(), keys).await
    }
}

/// What became of several rules in one request, which EC2 takes all or none of.
#[derive(PartialEq)]
enum Batch {
    /// All of them are as they should be.
    Done,
    /// None was changed, because at least one was as it should be before.
    Untouched,
}

impl AwsEc2 {
    async fn authorize_all(
        &self,
        group: &SecurityGroupId,
        sources: &[Source],
        description: &str,
    ) -> Result<Batch, StepError> {
        let permissions = sources
            .iter()
            .map(|source| permission(source, description))
            .collect();
        let request = self
            .client
            .authorize_security_group_ingress()
            .group_id(group.as_str());
        match request.set_ip_permissions(Some(permissions)).send().await {
            Ok(_) => Ok(Batch::Done),
            Err(error)
                if said(&error).is_some_and(|(code, why)| errors::is_rule_there(code, why)) =>
            {
                Ok(if sources.len() == 1 {
                    Batch::Done
                } else {
                    Batch::Untouched
                })
            }
            Err(error) => {
                let is_source_absent = said(&error)
                    .is_some_and(|(code, why)| errors::is_source_absent(group, sources, code, why));
                let error = self.failure("AuthorizeSecurityGroupIngress", error);
                Err(match is_source_absent {
                    true => StepError::new(Code::SourceGroupNotFound, error.detail),
                    false => error,
                })
            }
        }
    }

    async fn revoke_all(
        &self,
        group: &SecurityGroupId,
        rule_ids: &[String],
    ) -> Result<Batch, StepError> {
        let request = self
            .client
            .revoke_security_group_ingress()
            .group_id(group.as_str());
        let sent = request
            .set_security_group_rule_ids(Some(rule_ids.to_vec()))
            .send()
            .await;
        let revoked = self.present("RevokeSecurityGroupIngress", sent)?;
        let is_done = revoked.is_some() || rule_ids.len() == 1;
        Ok(if is_done {
            Batch::Done
        } else {
            Batch::Untouched
        })
    }
}

fn permission(source: &Source, description: &str) -> IpPermission {
    let rule = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(i32::from(SQL_PORT))
        .to_port(i32::from(SQL_PORT));
    match source {
        Source::Cidr(cidr) if cidr.is_ipv6() => rule.ipv6_ranges(
            Ipv6Range::builder()
                .cidr_ipv6(cidr.to_string())
                .description(description)
                .build(),
        ),
        Source::Cidr(cidr) => rule.ip_ranges(
            IpRange::builder()
                .cidr_ip(cidr.to_string())
                .description(description)
                .build(),
        ),
        Source::Group(group) => rule.user_id_group_pairs(
            UserIdGroupPair::builder()
                .set_user_id(group.account().map(String::from))
                .group_id(group.id())
                .description(description)
                .build(),
        ),
        Source::PrefixList(list) => rule.prefix_list_ids(
            PrefixListId::builder()
                .prefix_list_id(list.as_str())
                .description(description)
                .build(),
        ),
    }
    .build()
}

/// The rule in our words; `None` for an outbound rule or a source of an unknown kind.
fn ingress(rule: &SecurityGroupRule) -> Option<IngressRule> {
    if rule.is_egress() == Some(true) {
        return None;
    }
    let cidr = rule
        .cidr_ipv4()
        .or(rule.cidr_ipv6())
        .and_then(|cidr| cidr.parse().ok());
    // EC2 tells the account of every group, also where it is the rule's own.
    let referenced = rule.referenced_group_info().and_then(|info| {
        let group = info.group_id()?;
        match info.user_id() {
            Some(account) if rule.group_owner_id() != Some(account) => {
                format!("{account}/{group}").parse().ok()
            }
            Some(_) | None => group.parse().ok(),
        }
    });
    let list = rule.prefix_list_id().and_then(|list| list.parse().ok());
    let source = cidr
        .map(Source::Cidr)
        .or(referenced.map(Source::Group))
        .or(list.map(Source::PrefixList))?;
    let port = |port: Option<i32>| port.and_then(|port| u16::try_from(port).ok());
    Some(IngressRule {
        id: rule.security_group_rule_id()?.to_owned(),
        group_id: rule.group_id()?.parse().ok()?,
        protocol: rule.ip_protocol().unwrap_or("-1").to_owned(),
        ports: port(rule.from_port()).zip(port(rule.to_port())),
        source,
        description: rule.description().unwrap_or_default().to_owned(),
    })
}
