//! `DeleteSecurityGroup`.

use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::Source;
use crate::ec2::error::{client, missing};

#[derive(Debug, Clone, Default)]
pub struct DeleteSecurityGroup {
    pub group_id: String,
}

impl World {
    /// Deletes a group that nothing uses and no other group of its VPC speaks of. The
    /// interfaces of a deleted endpoint use it until they have drained. A rule of a peered
    /// VPC only becomes stale ("Work with stale security group rules", VPC peering guide).
    /// The answer is the id.
    pub fn delete_security_group(
        &mut self,
        caller: &Caller,
        request: &DeleteSecurityGroup,
    ) -> Result<String, ApiError> {
        self.admit(caller, "DeleteSecurityGroup")?;
        self.needs_on(caller, "ec2:DeleteSecurityGroup", [&request.group_id]);
        let id = &request.group_id;
        if id.is_empty() {
            return Err(missing("groupId"));
        }
        let group = self.group(caller, id, "InvalidGroup.NotFound")?;
        if group.is_default() {
            return Err(client(
                "CannotDelete",
                format!(
                    "the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"
                ),
            ));
        }
        let used = self.network_interfaces().any(|it| it.groups.contains(id));
        let spoken_of = self
            .ec2
            .groups
            .values()
            .filter(|other| other.id != *id && other.vpc_id == group.vpc_id)
            .flat_map(|other| other.rules.iter())
            .any(|rule| rule.source == Source::Group(id.clone()));
        if used || spoken_of {
            return Err(client(
                "DependencyViolation",
                format!("resource {id} has a dependent object"),
            ));
        }
        self.ec2.groups.remove(id);
        Ok(id.clone())
    }
}
