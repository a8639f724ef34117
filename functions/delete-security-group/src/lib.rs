//! The undo of `create-security-group`: takes this connection's claim and rules
//! off the group, and deletes it if nobody else claims it.
//!
//! Absent is success, but only when it has been absent for a while: EC2 may show
//! a fresh group late. A group stays in use until the endpoint's network
//! interfaces have drained, which is waited for.

use serde::{Deserialize, Serialize};
use shared::ec2::{GroupRemoval, SecurityGroup, SecurityGroups};
use shared::ids::{ClusterId, VpcId};
use shared::ownership::{Claim, Origin};
use shared::plan::Undone;
use shared::progress::{Progress, SETTLING_SECONDS, Wait};
use shared::{Code, StepError};

/// What to delete.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// In which VPC.
    pub vpc_id: VpcId,
    /// The group's name.
    pub name: String,
    /// The cluster of the connection.
    pub cluster_id: ClusterId,
    /// The connection that lets go.
    pub connection_id: String,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// Lets go of the group and says whether it is gone.
///
/// # Errors
/// `security-group-not-gone-in-time`, and those of EC2.
pub async fn handle(ec2: &impl SecurityGroups, input: Input) -> Result<Progress<Undone>, StepError> {
    let claim = Claim { cluster_id: input.cluster_id, connection_id: input.connection_id };
    let name = &input.name;
    let group = ec2.group_named(&input.vpc_id, name).await?;
    let Some(group) = group.filter(|group| claim.is_in(&group.tags)) else {
        if input.wait.waited_seconds() < SETTLING_SECONDS {
            let awaited = "EC2 to show for certain that no security group is left";
            return input.wait.pending(awaited, Code::SecurityGroupNotGoneInTime);
        }
        return Ok(Progress::Ready(Undone::new(format!("security group {name} deleted"))));
    };
    let others = claim.others_in(&group.tags);
    if Origin::of(&group.tags) == Some(Origin::Made) && others.is_empty() {
        return match ec2.delete_group(&group.id).await? {
            GroupRemoval::Gone => Ok(Progress::Ready(Undone::new(format!("security group {name} deleted")))),
            GroupRemoval::InUse => input.wait.pending(
                format!("security group {name} to be free (network interfaces drain)"),
                Code::SecurityGroupNotGoneInTime,
            ),
        };
    }
    revoke_own_rules(ec2, &group, &claim).await?;
    ec2.untag_group(&group.id, &[claim.key()]).await?;
    let undone = format!("security group {name} let go (cluster {} still uses it)", others.join(" and cluster "));
    Ok(Progress::Ready(Undone::new(undone)))
}

/// Takes off the rules that were added for this connection.
async fn revoke_own_rules(
    ec2: &impl SecurityGroups,
    group: &SecurityGroup,
    claim: &Claim,
) -> Result<(), StepError> {
    let rules = ec2.ingress_rules(std::slice::from_ref(&group.id)).await?;
    let description = claim.rule_description();
    let own: Vec<String> =
        rules.into_iter().filter(|rule| rule.description == description).map(|rule| rule.id).collect();
    if own.is_empty() {
        return Ok(());
    }
    ec2.revoke(&group.id, &own).await
}
