//! `CreateSecurityGroup`.

use super::SecurityGroup;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::{client, invalid_value, missing};
use crate::ec2::permission::plain;
use crate::ec2::{TagSpecification, tag};

/// `CreateSecurityGroup`. It has no client token: look before you create.
#[derive(Debug, Clone, Default)]
pub struct CreateSecurityGroup {
    pub group_name: String,
    /// The description, which there must be.
    pub group_description: String,
    pub vpc_id: String,
    pub tag_specifications: Vec<TagSpecification>,
}

impl World {
    pub fn create_security_group(
        &mut self,
        caller: &Caller,
        request: &CreateSecurityGroup,
    ) -> Result<SecurityGroup, ApiError> {
        self.admit(caller, "CreateSecurityGroup")?;
        self.needs_for_group(caller, request);
        check_words(request)?;
        let tags = tag::of_new(&request.tag_specifications, "security-group")?;
        if request.vpc_id.is_empty() {
            // Only a default VPC could be meant.
            return Err(client("VPCIdNotSpecified", "No default VPC for this user"));
        }
        let vpc = self.vpc(caller, &request.vpc_id)?;
        let ipv6 = !vpc.ipv6_cidrs.is_empty();
        let taken = self.ec2.groups.values().any(|group| {
            group.vpc_id == request.vpc_id && group.name.eq_ignore_ascii_case(&request.group_name)
        });
        if taken {
            return Err(client(
                "InvalidGroup.Duplicate",
                format!(
                    "The security group '{}' already exists for VPC '{}'",
                    request.group_name, request.vpc_id
                ),
            ));
        }
        let count = self
            .ec2
            .groups
            .values()
            .filter(|group| group.owner == caller.account && group.region == caller.region)
            .count();
        if count >= self.ec2.quotas.groups_per_region as usize {
            return Err(client(
                "SecurityGroupLimitExceeded",
                "The maximum number of security groups has been reached.",
            ));
        }
        let group = SecurityGroup {
            id: self.ec2.new_id("sg"),
            name: request.group_name.clone(),
            description: request.group_description.clone(),
            vpc_id: request.vpc_id.clone(),
            owner: caller.account.clone(),
            region: caller.region.clone(),
            rules: Vec::new(),
            visible: self.now + self.pace.visible,
            tags,
        };
        self.ec2.add_group(group.clone(), ipv6);
        Ok(group)
    }
}

/// The rules for names and descriptions ("Security groups", VPC user guide).
fn check_words(request: &CreateSecurityGroup) -> Result<(), ApiError> {
    let name = &request.group_name;
    if name.is_empty() {
        return Err(missing("groupName"));
    }
    if request.group_description.is_empty() {
        return Err(missing("GroupDescription"));
    }
    if name.eq_ignore_ascii_case("default") {
        return Err(client(
            "InvalidGroup.Reserved",
            format!("The security group name '{name}' is reserved"),
        ));
    }
    if name.starts_with("sg-") {
        return Err(invalid_value(format!(
            "Invalid group name '{name}': it must not begin with 'sg-'"
        )));
    }
    for (what, text) in [
        ("groupName", name),
        ("GroupDescription", &request.group_description),
    ] {
        if text.chars().count() > 255 || !plain(text) {
            return Err(invalid_value(format!(
                "Value ({text}) for parameter {what} is invalid. Character sets beyond ASCII are \
                 not supported, and at most 255 characters of a-zA-Z0-9. _-:/()#,@[]+=&;{{}}!$* \
                 are allowed."
            )));
        }
    }
    Ok(())
}
