//! What keeps a group that EC2 does not delete. EC2 says only that there is something.

use shared::StepError;
use shared::ec2::{NetworkInterface, SecurityGroup, SecurityGroups};
use shared::ids::{SecurityGroupId, VpcId};

/// What keeps a group.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Rules of other groups name it, and they do not go by themselves.
    Named(String),
    /// It is in use, which may pass.
    InUse {
        /// What is awaited.
        what: String,
        /// By what it is used, as far as EC2 tells.
        by: String,
    },
}

/// Asks EC2 what keeps the group. That it does not tell, for example because a role lacks
/// the permission, keeps nobody from trying once more.
pub(crate) async fn look(ec2: &impl SecurityGroups, vpc: &VpcId, group: &SecurityGroup) -> Kept {
    let naming = ec2.groups_naming(vpc, &group.id).await;
    let naming = naming.map(|naming| others(naming, &group.id));
    if let Ok(naming) = &naming
        && !naming.is_empty()
    {
        let named = |it: &SecurityGroup| format!("{} ({})", it.name, it.id);
        let naming: Vec<String> = naming.iter().map(named).collect();
        return Kept::Named(format!(
            "security group {} ({}) is named by rules of {}",
            group.name,
            group.id,
            naming.join(", ")
        ));
    }
    in_use(group, naming, ec2.interfaces_with(&group.id).await)
}

/// The groups without this one, which its own rules do not keep; each once, and in an order
/// that stays.
fn others(mut naming: Vec<SecurityGroup>, group: &SecurityGroupId) -> Vec<SecurityGroup> {
    naming.retain(|other| other.id != *group);
    naming.sort_by(|one, other| one.id.cmp(&other.id));
    naming.dedup_by(|one, other| one.id == other.id);
    naming
}

fn in_use(
    group: &SecurityGroup,
    naming: Result<Vec<SecurityGroup>, StepError>,
    interfaces: Result<Vec<NetworkInterface>, StepError>,
) -> Kept {
    let SecurityGroup { id, name, .. } = group;
    let mut what = format!("security group {name} is still in use");
    let by = match (naming, interfaces) {
        (_, Ok(interfaces)) if !interfaces.is_empty() => {
            what.push_str(" by network interfaces");
            let all: Vec<String> = interfaces.iter().map(ToString::to_string).collect();
            all.join(", ")
        }
        (Ok(_), Ok(_)) => format!(
            "by no network interface and no rule that EC2 shows; `aws ec2 \
             describe-security-group-vpc-associations --filters Name=group-id,Values={id}` \
             tells whether another VPC is associated with it"
        ),
        (Err(error), _) | (_, Err(error)) => {
            format!("{id}; what uses it could not be found out: {error}")
        }
    };
    Kept::InUse { what, by }
}
