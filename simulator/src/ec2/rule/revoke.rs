//! `RevokeSecurityGroupIngress`.

use super::Rule;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::{client, missing, not_found};
use crate::ec2::permission::IpPermission;

/// `RevokeSecurityGroupIngress`: by rule ids, which is robust, or by exact
/// permissions.
#[derive(Debug, Clone, Default)]
pub struct RevokeSecurityGroupIngress {
    /// The group.
    pub group_id: String,
    /// Rules by id.
    pub security_group_rule_ids: Vec<String>,
    /// Rules by what they let in.
    pub ip_permissions: Vec<IpPermission>,
}

/// The answer to [`RevokeSecurityGroupIngress`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeSecurityGroupIngressResult {
    /// The rules that were taken away.
    pub revoked: Vec<Rule>,
    /// What there was no rule for; only in a default VPC, an error elsewhere.
    pub unknown_ip_permissions: Vec<IpPermission>,
}

impl World {
    /// Takes inbound rules away.
    pub fn revoke_security_group_ingress(
        &mut self,
        caller: &Caller,
        request: &RevokeSecurityGroupIngress,
    ) -> Result<RevokeSecurityGroupIngressResult, ApiError> {
        self.admit(caller, "RevokeSecurityGroupIngress")?;
        self.needs_on(
            caller,
            "ec2:RevokeSecurityGroupIngress",
            [&request.group_id],
        );
        if request.group_id.is_empty() {
            return Err(missing("groupId"));
        }
        let group = self.group(caller, &request.group_id, "InvalidGroup.NotFound")?;
        let in_default_vpc = self
            .ec2
            .vpcs
            .get(&group.vpc_id)
            .is_some_and(|vpc| vpc.is_default);
        let mut going: Vec<String> = Vec::new();
        let mut unknown_ip_permissions = Vec::new();
        match (
            request.security_group_rule_ids.is_empty(),
            request.ip_permissions.is_empty(),
        ) {
            (true, true) => return Err(missing("ipPermissions or securityGroupRuleIds")),
            (false, false) => {
                return Err(client(
                    "InvalidParameterCombination",
                    "ipPermissions and securityGroupRuleIds cannot be used together",
                ));
            }
            (false, true) => {
                for id in &request.security_group_rule_ids {
                    if !group
                        .rules
                        .iter()
                        .any(|rule| rule.id == *id && !rule.is_egress)
                    {
                        return Err(not_found(
                            "InvalidSecurityGroupRuleId.NotFound",
                            "security group rule ID",
                            id,
                        ));
                    }
                    going.push(id.clone());
                }
            }
            (true, false) => {
                for permission in &request.ip_permissions {
                    for wanted in permission.rules(&caller.account)? {
                        match group.rules.iter().find(|rule| rule.is(&wanted)) {
                            Some(rule) => going.push(rule.id.clone()),
                            None if in_default_vpc => {
                                unknown_ip_permissions.push(permission.clone());
                            }
                            None => {
                                return Err(client(
                                    "InvalidPermission.NotFound",
                                    "The specified rule does not exist in this security group.",
                                ));
                            }
                        }
                    }
                }
            }
        }
        let mut revoked = Vec::new();
        if let Some(group) = self.ec2.groups.get_mut(&request.group_id) {
            group.rules.retain(|rule| {
                let goes = going.contains(&rule.id);
                if goes {
                    revoked.push(rule.clone());
                }
                !goes
            });
        }
        Ok(RevokeSecurityGroupIngressResult {
            revoked,
            unknown_ip_permissions,
        })
    }
}
