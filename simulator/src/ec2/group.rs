//! Security groups.

mod create;
mod delete;
mod describe;

use time::OffsetDateTime;

pub use create::CreateSecurityGroup;
pub use delete::DeleteSecurityGroup;

use super::error::not_found;
use super::permission::Wanted;
use super::{Ec2, Rule, Source, Tags, ids};
use crate::World;
use crate::calls::{ApiError, Caller};

/// A security group. Its name and description never change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroup {
    pub id: String,
    /// The name, unique in its VPC whatever the case of its letters.
    pub name: String,
    pub description: String,
    pub vpc_id: String,
    pub owner: String,
    pub region: String,
    /// Its rules, for both directions.
    pub rules: Vec<Rule>,
    /// From when on other calls can see it.
    pub visible: OffsetDateTime,
    pub tags: Tags,
}

impl SecurityGroup {
    /// Whether a call of this caller can see it: EC2 is consistent only after
    /// a while ("Eventual consistency", EC2 API reference, with the ids of
    /// groups as its example).
    pub(super) fn seen_by(&self, caller: &Caller, now: OffsetDateTime) -> bool {
        self.owner == caller.account && self.region == caller.region && self.visible <= now
    }

    /// Whether it is the group that every VPC comes with.
    pub fn is_default(&self) -> bool {
        self.name == "default"
    }

    /// Whether it has this inbound rule.
    pub(super) fn has(&self, wanted: &Wanted) -> bool {
        self.rules.iter().any(|rule| rule.is(wanted))
    }

    pub fn arn(&self) -> String {
        format!(
            "arn:aws:ec2:{}:{}:security-group/{}",
            self.region, self.owner, self.id
        )
    }
}

impl World {
    /// A group that the caller can see.
    pub(super) fn group(
        &self,
        caller: &Caller,
        id: &str,
        code: &str,
    ) -> Result<&SecurityGroup, ApiError> {
        ids::check("sg", id, "InvalidGroupId.Malformed")?;
        self.ec2
            .groups
            .get(id)
            .filter(|group| group.seen_by(caller, self.now))
            .ok_or_else(|| not_found(code, "security group", id))
    }
}

impl Ec2 {
    /// Puts a group with the rule that every new one has into the world: it
    /// lets everything out and nothing in.
    pub(super) fn add_group(&mut self, mut group: SecurityGroup, ipv6: bool) {
        let everywhere = [
            Some(Source::Ipv4(ipnet::Ipv4Net::default())),
            ipv6.then(|| Source::Ipv6(ipnet::Ipv6Net::default())),
        ];
        for source in everywhere.into_iter().flatten() {
            let id = self.new_id("sgr");
            let rule = Rule::of_all(id, &group, true, source);
            group.rules.push(rule);
        }
        self.groups.insert(group.id.clone(), group);
    }
}
