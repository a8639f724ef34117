//! `DescribeSecurityGroupRules`.

use super::Rule;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::not_found;
use crate::ec2::filter::{self, Filter, Filtered};
use crate::ec2::{Page, Tags, ids, page};

/// `DescribeSecurityGroupRules`.
#[derive(Debug, Clone, Default)]
pub struct DescribeSecurityGroupRules {
    /// Rules by id.
    pub security_group_rule_ids: Vec<String>,
    /// Filters.
    pub filters: Vec<Filter>,
    /// Which page.
    pub page: Page,
}

/// The answer to [`DescribeSecurityGroupRules`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeSecurityGroupRulesResult {
    /// The rules, those for traffic that leaves included.
    pub security_group_rules: Vec<Rule>,
    /// How to ask for the next page.
    pub next_token: Option<String>,
}

impl Filtered for Rule {
    const FILTERS: &'static [&'static str] = &["group-id"];

    fn value(&self, _: &str) -> &str {
        &self.group_id
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }
}

impl World {
    /// Lists rules of all groups, inbound and outbound.
    pub fn describe_security_group_rules(
        &mut self,
        caller: &Caller,
        request: &DescribeSecurityGroupRules,
    ) -> Result<DescribeSecurityGroupRulesResult, ApiError> {
        self.admit(caller, "DescribeSecurityGroupRules")?;
        filter::check::<Rule>(&request.filters)?;
        let visible = || {
            self.ec2
                .groups
                .values()
                .filter(|group| group.seen_by(caller, self.now))
                .flat_map(|group| group.rules.iter())
        };
        for id in &request.security_group_rule_ids {
            ids::check("sgr", id, "InvalidSecurityGroupRuleId.Malformed")?;
            if !visible().any(|rule| rule.id == *id) {
                return Err(not_found(
                    "InvalidSecurityGroupRuleId.NotFound",
                    "security group rule ID",
                    id,
                ));
            }
        }
        let wanted = &request.security_group_rule_ids;
        let list = visible()
            .filter(|rule| {
                (wanted.is_empty() || wanted.contains(&rule.id))
                    && filter::passes(*rule, &request.filters)
            })
            .cloned()
            .collect();
        let (security_group_rules, next_token) = page::page(list, &request.page, 5..=1000)?;
        Ok(DescribeSecurityGroupRulesResult {
            security_group_rules,
            next_token,
        })
    }
}
