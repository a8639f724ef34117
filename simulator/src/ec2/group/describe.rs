//! `DescribeSecurityGroups`.

use super::SecurityGroup;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::filter::{self, Filter, Filtered};
use crate::ec2::{Page, Source, Tags, page};

/// `DescribeSecurityGroups`.
#[derive(Debug, Clone, Default)]
pub struct DescribeSecurityGroups {
    /// Groups by id.
    pub group_ids: Vec<String>,
    /// Filters.
    pub filters: Vec<Filter>,
    /// Which page.
    pub page: Page,
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
        "egress.ip-permission.group-id",
        "group-id",
        "group-name",
        "ip-permission.group-id",
        "vpc-id",
    ];

    fn value(&self, name: &str) -> &str {
        match name {
            "group-id" => &self.id,
            "group-name" => &self.name,
            _ => &self.vpc_id,
        }
    }

    /// The groups that its rules of one direction name.
    fn values(&self, name: &str) -> Vec<&str> {
        let is_egress = match name {
            "ip-permission.group-id" => false,
            "egress.ip-permission.group-id" => true,
            name => return vec![self.value(name)],
        };
        let rules = self.rules.iter().filter(|rule| rule.is_egress == is_egress);
        let named = rules.filter_map(|rule| match &rule.source {
            Source::Group(id) => Some(id.as_str()),
            Source::Ipv4(_) | Source::Ipv6(_) | Source::PrefixList(_) => None,
        });
        named.collect()
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }
}

impl World {
    /// Lists groups.
    pub fn describe_security_groups(
        &mut self,
        caller: &Caller,
        request: &DescribeSecurityGroups,
    ) -> Result<DescribeSecurityGroupsResult, ApiError> {
        self.admit(caller, "DescribeSecurityGroups")?;
        filter::check::<SecurityGroup>(&request.filters)?;
        for id in &request.group_ids {
            self.group(caller, id, "InvalidGroup.NotFound")?;
        }
        let list = self
            .ec2
            .groups
            .values()
            .filter(|group| {
                group.seen_by(caller, self.now)
                    && (request.group_ids.is_empty() || request.group_ids.contains(&group.id))
                    && filter::passes(*group, &request.filters)
            })
            .cloned()
            .collect();
        let (security_groups, next_token) = page::page(list, &request.page, 5..=1000)?;
        Ok(DescribeSecurityGroupsResult {
            security_groups,
            next_token,
        })
    }
}
