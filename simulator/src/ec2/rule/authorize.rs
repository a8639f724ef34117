//! `AuthorizeSecurityGroupIngress`.

use super::Rule;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::{client, missing};
use crate::ec2::permission::{IpPermission, Wanted};
use crate::ec2::{Ec2, SecurityGroup, Source};

#[derive(Debug, Clone, Default)]
pub struct AuthorizeSecurityGroupIngress {
    pub group_id: String,
    pub ip_permissions: Vec<IpPermission>,
}

impl World {
    /// Adds inbound rules, all of them or none, and answers with those that were made.
    pub fn authorize_security_group_ingress(
        &mut self,
        caller: &Caller,
        request: &AuthorizeSecurityGroupIngress,
    ) -> Result<Vec<Rule>, ApiError> {
        self.admit(caller, "AuthorizeSecurityGroupIngress")?;
        let action = "ec2:AuthorizeSecurityGroupIngress";
        self.needs_on(caller, action, [&request.group_id]);
        if request.group_id.is_empty() {
            return Err(missing("groupId"));
        }
        if request.ip_permissions.is_empty() {
            return Err(missing("ipPermissions"));
        }
        let group = self.group(caller, &request.group_id, "InvalidGroup.NotFound")?;
        let mut wanted: Vec<Wanted> = Vec::new();
        for permission in &request.ip_permissions {
            for rule in permission.rules(&caller.account)? {
                self.check_source(caller, group, &rule.source)?;
                if wanted.iter().any(|known| same(known, &rule)) || group.has(&rule) {
                    return Err(duplicate(&rule));
                }
                wanted.push(rule);
            }
        }
        check_quota(&self.ec2, group, &wanted)?;
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
            })
            .collect();
        if let Some(group) = self.ec2.groups.get_mut(&request.group_id) {
            group.rules.extend(made.iter().cloned());
        }
        Ok(made)
    }

    /// Whether this may be a source of the group: a prefix list that the caller can see, or
    /// a group in the same VPC or in one that is peered with it, within the Region
    /// ("Update your security groups to reference peer security groups", Amazon VPC
    /// peering guide). What EC2 says otherwise: aws-controllers-k8s community issue 2676,
    /// ansible issue 45782.
    fn check_source(
        &self,
        caller: &Caller,
        group: &SecurityGroup,
        source: &Source,
    ) -> Result<(), ApiError> {
        let group_of = match source {
            Source::Ipv4(_) | Source::Ipv6(_) => return Ok(()),
            Source::PrefixList(id) => return self.prefix_list(caller, id).map(|_| ()),
            Source::Group(text) => text,
        };
        let own = (caller.account.as_str(), group_of.as_str());
        let (account, id) = group_of.split_once('/').unwrap_or(own);
        let owner = Caller {
            account: account.to_owned(),
            region: caller.region.clone(),
        };
        let vpc = &self.group(&owner, id, "InvalidGroup.NotFound")?.vpc_id;
        let mut peerings = self.ec2.peerings.iter();
        if *vpc == group.vpc_id || peerings.any(|peering| peering.joins(vpc, &group.vpc_id)) {
            return Ok(());
        }
        Err(client(
            "InvalidGroup.NotFound",
            "You have specified two resources that belong to different networks.",
        ))
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
fn check_quota(ec2: &Ec2, group: &SecurityGroup, wanted: &[Wanted]) -> Result<(), ApiError> {
    for ipv6 in [false, true] {
        let before = group.rules.iter().filter(|rule| !rule.is_egress);
        let sources = before.map(|rule| &rule.source);
        let sources = sources.chain(wanted.iter().map(|rule| &rule.source));
        let rules: usize = sources
            .map(|source| source.counts_for(ipv6, &ec2.prefix_lists))
            .sum();
        if rules > ec2.quotas.rules_per_group as usize {
            return Err(client(
                "RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.",
            ));
        }
    }
    Ok(())
}
