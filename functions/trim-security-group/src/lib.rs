//! Takes rules of this connection off our security group that let in whom it asks
//! for no more. Comes last, when the connection was found to work without them.
//!
//! A rule is this connection's own by the description that we write; rules of
//! anybody else stay, and so do older ones of a group that other connections share.
//! A repeated call finds nothing to do. Nothing that can fail comes after it; if it
//! fails itself, `create-security-group` puts the rules back. The same function with
//! the former sources is the undo of rules that a run added.

use serde::{Deserialize, Serialize};
use shared::StepError;
use shared::ec2::{IngressRule, SecurityGroups, Source};
use shared::ids::VpcId;
use shared::ownership::{Claim, Origin};
use shared::place::Place;
use shared::plan::{SecurityGroupPlan, Undone};
use shared::report::SQL_PORT;

/// What is to stay.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Where EC2 is asked.
    pub place: Place,
    pub vpc_id: VpcId,
    /// The connection whose rules are meant.
    pub claim: Claim,
    /// The group, and whom its rules let in when this is done.
    pub security_group: SecurityGroupPlan,
}

/// Removes the rules that are too many.
///
/// # Errors
/// Those of EC2.
pub async fn handle(ec2: &impl SecurityGroups, input: Input) -> Result<Undone, StepError> {
    let (SecurityGroupPlan { name, sources }, claim) = (&input.security_group, &input.claim);
    let group = ec2.group_named(&input.vpc_id, name).await?;
    let ours = group.filter(|it| Origin::of(&it.tags) == Some(Origin::Made));
    let Some(group) = ours.filter(|it| claim.is_in(&it.tags)) else {
        let nothing = format!("security group {name} has no rules of this connection");
        return Ok(Undone::of(&[], nothing));
    };
    let is_shared = !claim.others_in(&group.tags).is_empty();
    let rules = ec2.ingress_rules(std::slice::from_ref(&group.id)).await?;
    let surplus: Vec<&IngressRule> = rules
        .iter()
        .filter(|rule| is_surplus(rule, claim, is_shared, sources))
        .collect();
    if surplus.is_empty() {
        let done = format!("security group {name} has no rules that are too many");
        return Ok(Undone::of(&[], done));
    }
    let ids: Vec<String> = surplus.iter().map(|rule| rule.id.clone()).collect();
    ec2.revoke(&group.id, &ids).await?;
    let sources: Vec<String> = surplus.iter().map(|rule| rule.source.to_string()).collect();
    let done = format!(
        "security group {name} lets in {} no more",
        sources.join(", ")
    );
    Ok(Undone::new(done))
}

/// Whether the rule goes. In a shared group others may rely on all rules but those
/// that were added beside theirs.
fn is_surplus(rule: &IngressRule, claim: &Claim, is_shared: bool, stay: &[Source]) -> bool {
    let is_own = match is_shared {
        true => rule.description == claim.added_rule_description(),
        false => claim.is_own_rule(&rule.description),
    };
    is_own && rule.is_exactly_tcp(SQL_PORT) && !stay.contains(&rule.source)
}

#[cfg(test)]
mod tests;
