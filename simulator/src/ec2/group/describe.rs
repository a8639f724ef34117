//! `DescribeSecurityGroups`.

use std::borrow::Cow;

use super::SecurityGroup;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::not_found;
use crate::ec2::filter::{self, Filter, Filtered};
use crate::ec2::{Rule, Source, Tags, page};

/// `DescribeSecurityGroups`.
#[derive(Debug, Clone, Default)]
pub struct DescribeSecurityGroups {
    /// Only ask whether the call would be allowed.
    pub dry_run: bool,
    /// Groups by id.
    pub group_ids: Vec<String>,
    /// Groups of the default VPC by name.
    pub group_names: Vec<String>,
    /// Filters.
    pub filters: Vec<Filter>,
    /// The size of a page.
    pub max_results: Option<i32>,
    /// Where the last page ended.
    pub next_token: Option<String>,
}

/// The answer to [`DescribeSecurityGroups`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeSecurityGroupsResult {
    /// The groups.
    pub security_groups: Vec<SecurityGroup>,
    /// How to ask for the next page.
    pub next_token: Option<String>,
}

impl Filtered for SecurityGroup {
    const FILTERS: &'static [&'static str] = &[
        "description",
        "group-id",
        "group-name",
        "ip-permission.cidr",
        "ip-permission.from-port",
        "ip-permission.group-id",
        "ip-permission.ipv6-cidr",
        "ip-permission.prefix-list-id",
        "ip-permission.protocol",
        "ip-permission.to-port",
        "owner-id",
        "vpc-id",
    ];

    fn values(&self, name: &str) -> Vec<Cow<'_, str>> {
        if let Some(part) = name.strip_prefix("ip-permission.") {
            return self
                .rules
                .iter()
                .filter(|rule| !rule.is_egress)
                .filter_map(|rule| of_rule(rule, part))
                .collect();
        }
        vec![match name {
            "description" => (&self.description).into(),
            "group-id" => (&self.id).into(),
            "group-name" => (&self.name).into(),
            "owner-id" => (&self.owner).into(),
            _ => (&self.vpc_id).into(),
        }]
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }
}

fn of_rule<'a>(rule: &'a Rule, part: &str) -> Option<Cow<'a, str>> {
    match (part, &rule.source) {
        ("protocol", _) => Some((&rule.protocol).into()),
        ("from-port", _) => rule.from_port.map(|port| port.to_string().into()),
        ("to-port", _) => rule.to_port.map(|port| port.to_string().into()),
        ("cidr", Source::Ipv4(_))
        | ("ipv6-cidr", Source::Ipv6(_))
        | ("group-id", Source::Group(_))
        | ("prefix-list-id", Source::PrefixList(_)) => Some(rule.source.text().into()),
        _ => None,
    }
}

impl World {
    /// Lists groups.
    pub fn describe_security_groups(
        &mut self,
        caller: &Caller,
        request: &DescribeSecurityGroups,
    ) -> Result<DescribeSecurityGroupsResult, ApiError> {
        self.admit(caller, "DescribeSecurityGroups", request.dry_run)?;
        filter::check::<SecurityGroup>(&request.filters)?;
        for id in &request.group_ids {
            self.group(caller, id, "InvalidGroup.NotFound")?;
        }
        let in_default_vpc = |group: &SecurityGroup| {
            self.ec2
                .vpcs
                .get(&group.vpc_id)
                .is_some_and(|vpc| vpc.is_default)
        };
        for name in &request.group_names {
            let known = self.ec2.groups.values().any(|group| {
                group.name == *name && group.seen_by(caller, self.now) && in_default_vpc(group)
            });
            if !known {
                return Err(not_found("InvalidGroup.NotFound", "security group", name));
            }
        }
        let list = self
            .ec2
            .groups
            .values()
            .filter(|group| {
                group.seen_by(caller, self.now)
                    && (request.group_ids.is_empty() || request.group_ids.contains(&group.id))
                    && (request.group_names.is_empty()
                        || (request.group_names.contains(&group.name) && in_default_vpc(group)))
                    && filter::passes(*group, &request.filters)
            })
            .cloned()
            .collect();
        let (security_groups, next_token) = page::page(
            list,
            request.max_results,
            request.next_token.as_deref(),
            5..=1000,
        )?;
        Ok(DescribeSecurityGroupsResult {
            security_groups,
            next_token,
        })
    }
}
