//! Security groups.

use shared::ec2::{
    GroupRemoval, IngressRule, NetworkInterface, NewSecurityGroup, SecurityGroup, SecurityGroups,
    Source, errors,
};
use shared::ids::{SecurityGroupId, VpcId};
use shared::ownership::Tags;
use shared::report::SQL_PORT;
use shared::{Code, StepError};

use super::InProcess;
use simulator::ec2::{
    self, AuthorizeSecurityGroupIngress, CreateSecurityGroup, DeleteSecurityGroup, Filter,
    GroupPair, IpPermission, IpRange, RevokeSecurityGroupIngress, TagSpecification,
};
use simulator::{Refusal, World};

impl InProcess {
    async fn groups(
        &self,
        vpc: &VpcId,
        name: &str,
        value: &str,
    ) -> Result<Vec<SecurityGroup>, StepError> {
        let filters = [Filter::one("vpc-id", vpc), Filter::one(name, value)];
        let found = self
            .described(
                "DescribeSecurityGroups",
                World::describe_security_groups,
                filters,
            )
            .await?;
        Ok(found.into_iter().filter_map(read_group).collect())
    }
}

impl SecurityGroups for InProcess {
    async fn group_named(
        &self,
        vpc: &VpcId,
        name: &str,
    ) -> Result<Option<SecurityGroup>, StepError> {
        Ok(self.groups(vpc, "group-name", name).await?.pop())
    }

    async fn groups_tagged(&self, vpc: &VpcId, key: &str) -> Result<Vec<SecurityGroup>, StepError> {
        self.groups(vpc, "tag-key", key).await
    }

    async fn ingress_rules(
        &self,
        groups: &[SecurityGroupId],
    ) -> Result<Vec<IngressRule>, StepError> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let rules = self
            .described(
                "DescribeSecurityGroupRules",
                World::describe_security_group_rules,
                [Filter::any("group-id", groups)],
            )
            .await?;
        Ok(rules.into_iter().filter_map(read).collect())
    }

    async fn create_group(&self, new: &NewSecurityGroup) -> Result<SecurityGroupId, StepError> {
        let request = CreateSecurityGroup {
            group_name: new.name.clone(),
            group_description: new.description.clone(),
            vpc_id: new.vpc_id.to_string(),
            tag_specifications: vec![TagSpecification::new("security-group", &new.tags)],
        };
        let created = self
            .ec2(
                "CreateSecurityGroup",
                World::create_security_group,
                &request,
            )
            .await?;
        created.id.parse().map_err(|error: shared::ids::Malformed| {
            StepError::new(shared::Code::UnexpectedAwsAnswer, error.to_string())
        })
    }

    async fn authorize(
        &self,
        group: &SecurityGroupId,
        sources: &[Source],
        description: &str,
    ) -> Result<(), StepError> {
        if self.authorize_all(group, sources, description).await? {
            return Ok(());
        }
        for source in sources {
            self.authorize_all(group, std::slice::from_ref(source), description)
                .await?;
        }
        Ok(())
    }

    async fn revoke(&self, group: &SecurityGroupId, rule_ids: &[String]) -> Result<(), StepError> {
        if self.revoke_all(group, rule_ids).await? {
            return Ok(());
        }
        for rule_id in rule_ids {
            self.revoke_all(group, std::slice::from_ref(rule_id))
                .await?;
        }
        Ok(())
    }

    async fn delete_group(&self, group: &SecurityGroupId) -> Result<GroupRemoval, StepError> {
        let action = "DeleteSecurityGroup";
        let request = DeleteSecurityGroup {
            group_id: group.to_string(),
        };
        match self
            .call(action, World::delete_security_group, &request)
            .await
        {
            Ok(_) => Ok(GroupRemoval::Gone),
            Err(Refusal::Answer(error)) if errors::is_absent(&error.code) => Ok(GroupRemoval::Gone),
            Err(Refusal::Answer(error)) if errors::is_in_use(&error.code, &error.message) => {
                Ok(GroupRemoval::InUse)
            }
            Err(refusal) => Err(self.failure(action, &refusal)),
        }
    }

    async fn groups_naming(
        &self,
        vpc: &VpcId,
        group: &SecurityGroupId,
    ) -> Result<Vec<SecurityGroup>, StepError> {
        let mut naming: Vec<SecurityGroup> = Vec::new();
        for filter in ["ip-permission.group-id", "egress.ip-permission.group-id"] {
            naming.extend(self.groups(vpc, filter, group.as_str()).await?);
        }
        Ok(naming)
    }

    async fn interfaces_with(
        &self,
        group: &SecurityGroupId,
    ) -> Result<Vec<NetworkInterface>, StepError> {
        let interfaces = self
            .described(
                "DescribeNetworkInterfaces",
                World::describe_network_interfaces,
                [Filter::one("group-id", group)],
            )
            .await?;
        let told = interfaces.into_iter().map(|it| NetworkInterface {
            id: it.id,
            description: it.description,
        });
        Ok(told.collect())
    }

    async fn tag_group(&self, group: &SecurityGroupId, tags: &Tags) -> Result<(), StepError> {
        self.tag(group.as_str(), tags).await
    }

    async fn untag_group(&self, group: &SecurityGroupId, keys: &[String]) -> Result<(), StepError> {
        self.untag(group.as_str(), keys).await
    }
}

/// Several rules in one request, which EC2 takes all or none of. `false` if it
/// took none because some of them were as they should be before.
impl InProcess {
    async fn authorize_all(
        &self,
        group: &SecurityGroupId,
        sources: &[Source],
        description: &str,
    ) -> Result<bool, StepError> {
        let action = "AuthorizeSecurityGroupIngress";
        let request = AuthorizeSecurityGroupIngress {
            group_id: group.to_string(),
            ip_permissions: sources
                .iter()
                .map(|source| permission(source, description))
                .collect(),
        };
        let answered = self
            .call(action, World::authorize_security_group_ingress, &request)
            .await;
        match answered {
            Ok(_) => Ok(true),
            Err(Refusal::Answer(error)) if errors::is_rule_there(&error.code, &error.message) => {
                Ok(sources.len() == 1)
            }
            Err(refusal) => {
                let is_source_absent = match &refusal {
                    Refusal::Answer(error) => {
                        errors::is_source_absent(group, sources, &error.code, &error.message)
                    }
                    Refusal::TimedOut | Refusal::CutOff => false,
                };
                let error = self.failure(action, &refusal);
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
    ) -> Result<bool, StepError> {
        let request = RevokeSecurityGroupIngress {
            group_id: group.to_string(),
            security_group_rule_ids: rule_ids.to_vec(),
        };
        let revoked = self
            .ask(
                "RevokeSecurityGroupIngress",
                World::revoke_security_group_ingress,
                &request,
            )
            .await?;
        Ok(revoked.is_some() || rule_ids.len() == 1)
    }
}

fn permission(source: &Source, description: &str) -> IpPermission {
    let port = Some(i32::from(SQL_PORT));
    let description = Some(description.to_owned());
    let mut permission = IpPermission {
        ip_protocol: "tcp".to_owned(),
        from_port: port,
        to_port: port,
        ..Default::default()
    };
    match source {
        Source::Cidr(cidr) if cidr.is_ipv6() => {
            permission.ipv6_ranges.push(IpRange {
                cidr: cidr.to_string(),
                description,
            });
        }
        Source::Cidr(cidr) => permission.ip_ranges.push(IpRange {
            cidr: cidr.to_string(),
            description,
        }),
        Source::Group(group) => permission.user_id_group_pairs.push(GroupPair {
            user_id: group.account().map(String::from),
            group_id: group.id().to_string(),
            description,
        }),
        Source::PrefixList(list) => {
            permission.prefix_list_ids.push(IpRange {
                cidr: list.to_string(),
                description,
            });
        }
    }
    permission
}

pub(super) fn read_group(group: ec2::SecurityGroup) -> Option<SecurityGroup> {
    Some(SecurityGroup {
        id: group.id.parse().ok()?,
        name: group.name,
        tags: group.tags,
    })
}

fn read(rule: ec2::Rule) -> Option<IngressRule> {
    if rule.is_egress {
        return None;
    }
    let source = match &rule.source {
        ec2::Source::Ipv4(net) => Source::Cidr(net.to_string().parse().ok()?),
        ec2::Source::Ipv6(net) => Source::Cidr(net.to_string().parse().ok()?),
        ec2::Source::Group(id) => Source::Group(id.parse().ok()?),
        ec2::Source::PrefixList(id) => Source::PrefixList(id.parse().ok()?),
    };
    let port = |port: Option<i32>| port.and_then(|port| u16::try_from(port).ok());
    Some(IngressRule {
        id: rule.id,
        group_id: rule.group_id.parse().ok()?,
        protocol: rule.protocol,
        ports: port(rule.from_port).zip(port(rule.to_port)),
        source,
        description: rule.description.unwrap_or_default(),
    })
}
