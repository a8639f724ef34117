//! `DescribeSecurityGroupRules`.

use super::Rule;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::filter::Filtered;
use crate::ec2::{Describe, Described};

impl Filtered for Rule {
    const FILTERS: &'static [&'static str] = &["group-id"];

    fn id(&self) -> &str {
        &self.id
    }

    fn values(&self, _: &str) -> Vec<&str> {
        vec![self.group_id.as_str()]
    }
}

impl World {
    /// Lists rules of all groups, inbound and outbound.
    pub fn describe_security_group_rules(
        &mut self,
        caller: &Caller,
        request: &Describe,
    ) -> Result<Described<Rule>, ApiError> {
        self.admit_describe::<Rule>(caller, "DescribeSecurityGroupRules", request)?;
        let groups = self.ec2.groups.values();
        let seen = groups.filter(|group| group.seen_by(caller, self.now));
        let wanted = seen
            .flat_map(|group| &group.rules)
            .filter(|rule| request.wants(*rule));
        request.page(wanted.cloned(), 5..=1000)
    }
}
