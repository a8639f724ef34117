//! `RevokeSecurityGroupIngress`.

use super::Rule;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::{missing, not_found};

/// `RevokeSecurityGroupIngress`, by rule ids.
#[derive(Debug, Clone, Default)]
pub struct RevokeSecurityGroupIngress {
    pub group_id: String,
    pub security_group_rule_ids: Vec<String>,
}

impl World {
    /// Takes inbound rules away, all of them or none, and answers with them.
    pub fn revoke_security_group_ingress(
        &mut self,
        caller: &Caller,
        request: &RevokeSecurityGroupIngress,
    ) -> Result<Vec<Rule>, ApiError> {
        self.admit(caller, "RevokeSecurityGroupIngress")?;
        let action = "ec2:RevokeSecurityGroupIngress";
        self.needs_on(caller, action, [&request.group_id]);
        if request.group_id.is_empty() {
            return Err(missing("groupId"));
        }
        let group = self.group(caller, &request.group_id, "InvalidGroup.NotFound")?;
        let going = &request.security_group_rule_ids;
        if going.is_empty() {
            return Err(missing("securityGroupRuleIds"));
        }
        let inbound = |id: &String| group.rules.iter().any(|it| it.id == *id && !it.is_egress);
        if let Some(id) = going.iter().find(|id| !inbound(id)) {
            let code = "InvalidSecurityGroupRuleId.NotFound";
            return Err(not_found(code, "security group rule ID", id));
        }
        let Some(group) = self.ec2.groups.get_mut(&request.group_id) else {
            return Ok(Vec::new());
        };
        let (revoked, kept) = std::mem::take(&mut group.rules)
            .into_iter()
            .partition(|rule| going.contains(&rule.id));
        group.rules = kept;
        Ok(revoked)
    }
}
