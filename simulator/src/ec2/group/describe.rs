//! `DescribeSecurityGroups`.

use super::SecurityGroup;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::filter::Filtered;
use crate::ec2::{Describe, Described, Source, Tags};

impl Filtered for SecurityGroup {
    const FILTERS: &'static [&'static str] = &[
        "egress.ip-permission.group-id",
        "group-id",
        "group-name",
        "ip-permission.group-id",
        "vpc-id",
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn values(&self, name: &str) -> Vec<&str> {
        match name {
            "egress.ip-permission.group-id" => self.groups_named(true),
            "group-id" => vec![self.id.as_str()],
            "group-name" => vec![self.name.as_str()],
            "ip-permission.group-id" => self.groups_named(false),
            _ => vec![self.vpc_id.as_str()],
        }
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.tags)
    }
}

impl SecurityGroup {
    /// The groups that its rules of one direction name.
    fn groups_named(&self, is_egress: bool) -> Vec<&str> {
        let rules = self.rules.iter().filter(|rule| rule.is_egress == is_egress);
        let named = rules.filter_map(|rule| match &rule.source {
            Source::Group(id) => Some(id.as_str()),
            Source::Ipv4(_) | Source::Ipv6(_) | Source::PrefixList(_) => None,
        });
        named.collect()
    }
}

impl World {
    pub fn describe_security_groups(
        &mut self,
        caller: &Caller,
        request: &Describe,
    ) -> Result<Described<SecurityGroup>, ApiError> {
        self.admit_describe::<SecurityGroup>(caller, "DescribeSecurityGroups", request)?;
        for id in &request.ids {
            self.group(caller, id, "InvalidGroup.NotFound")?;
        }
        let groups = self.ec2.groups.values();
        let wanted = groups.filter(|it| it.seen_by(caller, self.now) && request.wants(*it));
        request.page(wanted.cloned(), 5..=1000)
    }
}
