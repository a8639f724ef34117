//! `AuthorizeSecurityGroupIngress`.

use super::Rule;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::{client, missing};
use crate::ec2::permission::{IpPermission, Wanted};
use crate::ec2::{SecurityGroup, Source, TagSpecification, tag};

/// `AuthorizeSecurityGroupIngress`.
#[derive(Debug, Clone, Default)]
pub struct AuthorizeSecurityGroupIngress {
    /// The group.
    pub group_id: String,
    /// What to let in.
    pub ip_permissions: Vec<IpPermission>,
    /// Tags for the rules.
    pub tag_specifications: Vec<TagSpecification>,
}

/// The answer to [`AuthorizeSecurityGroupIngress`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeSecurityGroupIngressResult {
    /// The rules that were made.
    pub security_group_rules: Vec<Rule>,
}

impl World {
    /// Adds inbound rules, all of them or none.
    pub fn authorize_security_group_ingress(
        &mut self,
        caller: &Caller,
        request: &AuthorizeSecurityGroupIngress,
    ) -> Result<AuthorizeSecurityGroupIngressResult, ApiError> {
        self.admit(caller, "AuthorizeSecurityGroupIngress")?;
        self.needs_for_rules(caller, request);
        if request.group_id.is_empty() {
            return Err(missing("groupId"));
        }
        if request.ip_permissions.is_empty() {
            return Err(missing("ipPermissions"));
        }
        let group = self.group(caller, &request.group_id, "InvalidGroup.NotFound")?;
        let mut wanted: Vec<Wanted> = Vec::new();
        for permission in &request.ip_permissions {
            for rule in permission.rules()? {
                if let Source::Group(id) = &rule.source {
                    self.group(caller, id, "InvalidGroup.NotFound")?;
                }
                if wanted.iter().any(|known| same(known, &rule)) || group.has(&rule) {
                    return Err(duplicate(&rule));
                }
                wanted.push(rule);
            }
        }
        check_quota(group, &wanted, self.ec2.quotas.rules_per_group)?;
        let tags = tag::of_new(&request.tag_specifications, "security-group-rule")?;
        let made: Vec<Rule> = wanted
            .into_iter()
            .map(|rule| Rule {
                id: self.ec2.new_id("sgr"),
                group_id: request.group_id.clone(),
                group_owner: caller.account.clone(),
                region: caller.region.clone(),
                is_egress: false,
                protocol: rule.protocol,
                from_port: rule.from_port,
                to_port: rule.to_port,
                source: rule.source,
                description: rule.description,
                tags: tags.clone(),
            })
            .collect();
        if let Some(group) = self.ec2.groups.get_mut(&request.group_id) {
            group.rules.extend(made.iter().cloned());
        }
        Ok(AuthorizeSecurityGroupIngressResult {
            security_group_rules: made,
        })
    }
}

fn same(one: &Wanted, other: &Wanted) -> bool {
    (&one.protocol, one.from_port, one.to_port, &one.source)
        == (
            &other.protocol,
            other.from_port,
            other.to_port,
            &other.source,
        )
}

fn duplicate(rule: &Wanted) -> ApiError {
    let ports = match (rule.from_port, rule.to_port) {
        (Some(from), Some(to)) => format!("from port: {from}, to port: {to}"),
        _ => "ALL".to_owned(),
    };
    client(
        "InvalidPermission.Duplicate",
        format!(
            "the specified rule \"peer: {}, {}, {ports}, ALLOW\" already exists",
            rule.source.text(),
            rule.protocol.to_uppercase()
        ),
    )
}

/// IPv4 and IPv6 rules are counted separately.
fn check_quota(group: &SecurityGroup, wanted: &[Wanted], most: u32) -> Result<(), ApiError> {
    for ipv6 in [false, true] {
        let before = group
            .rules
            .iter()
            .filter(|rule| !rule.is_egress && rule.source.counts_for(ipv6))
            .count();
        let more = wanted
            .iter()
            .filter(|rule| rule.source.counts_for(ipv6))
            .count();
        if before + more > most as usize {
            return Err(client(
                "RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.",
            ));
        }
    }
    Ok(())
}
