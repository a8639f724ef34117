//! Makes our security group be there with our rules: TCP 26257 from the planned
//! sources.
//!
//! Found again by name, the group must carry our tags; then missing rules are
//! added, and rules that we did not plan are reported, not removed. The undo is
//! `delete-security-group`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use shared::ec2::{IngressRule, NewSecurityGroup, SecurityGroups, Source};
use shared::ids::{ClusterId, SecurityGroupId, VpcId};
use shared::ownership::{Claim, Origin};
use shared::plan::SecurityGroupPlan;
use shared::report::SQL_PORT;
use shared::{Code, StepError};

/// What to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// In which VPC.
    pub vpc_id: VpcId,
    /// For which cluster.
    pub cluster_id: ClusterId,
    /// For which connection.
    pub connection_id: String,
    /// Name and sources.
    pub security_group: SecurityGroupPlan,
}

/// What is there now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The group.
    pub group_id: SecurityGroupId,
    /// What the reader should know.
    pub notes: Vec<String>,
}

/// Finds or creates the group and completes its rules.
///
/// # Errors
/// `security-group-name-taken` for a foreign group, and those of EC2.
pub async fn handle(ec2: &impl SecurityGroups, input: Input) -> Result<Output, StepError> {
    let plan = &input.security_group;
    let claim = Claim { cluster_id: input.cluster_id, connection_id: input.connection_id };
    let group_id = match find_ours(ec2, &input.vpc_id, &plan.name, &claim).await? {
        Some(found) => found,
        None => create(ec2, &input.vpc_id, &plan.name, &claim).await?,
    };
    let rules = ec2.ingress_rules(std::slice::from_ref(&group_id)).await?;
    let difference = compare(&rules, &plan.sources);
    if !difference.missing.is_empty() {
        ec2.authorize(&group_id, &difference.missing, &claim.rule_description()).await?;
    }
    let notes = difference
        .extra
        .iter()
        .map(|rule| format!("security group {group_id} has a rule that this connection did not ask for: {rule}"))
        .collect();
    Ok(Output { group_id, notes })
}

/// The group of that name, claimed for this connection.
async fn find_ours(
    ec2: &impl SecurityGroups,
    vpc: &VpcId,
    name: &str,
    claim: &Claim,
) -> Result<Option<SecurityGroupId>, StepError> {
    let Some(group) = ec2.group_named(vpc, name).await? else {
        return Ok(None);
    };
    if Origin::of(&group.tags) != Some(Origin::Made) {
        return Err(StepError::new(
            Code::SecurityGroupNameTaken,
            format!("{} in {vpc} is named {name} and does not carry our tags", group.id),
        ));
    }
    if !claim.is_in(&group.tags) {
        ec2.tag_group(&group.id, &claim.tags(Origin::Made)).await?;
    }
    Ok(Some(group.id))
}

async fn create(
    ec2: &impl SecurityGroups,
    vpc: &VpcId,
    name: &str,
    claim: &Claim,
) -> Result<SecurityGroupId, StepError> {
    let new = NewSecurityGroup {
        vpc_id: vpc.clone(),
        name: name.to_owned(),
        description: "CockroachDB Cloud over PrivateLink, managed by crdb-privatelink".to_owned(),
        tags: claim.tags(Origin::Made),
    };
    match ec2.create_group(&new).await {
        // An earlier attempt made it, and EC2 does not show it everywhere yet.
        Err(error) if error.code == Code::SecurityGroupNameTaken => {
            match find_ours(ec2, vpc, name, claim).await? {
                Some(found) => Ok(found),
                None => Err(StepError::new(
                    Code::AwsResourceBusy,
                    format!("a security group named {name} exists in {vpc} but is not visible yet"),
                )),
            }
        }
        created => created,
    }
}

struct Difference {
    missing: Vec<Source>,
    extra: Vec<String>,
}

/// Compares the rules there are with the sources there should be.
fn compare(rules: &[IngressRule], planned: &[Source]) -> Difference {
    let admitted: BTreeSet<&Source> =
        rules.iter().filter(|rule| rule.is_exactly_tcp(SQL_PORT)).map(|rule| &rule.source).collect();
    let missing = planned.iter().filter(|source| !admitted.contains(source)).cloned().collect();
    let extra = rules
        .iter()
        .filter(|rule| !rule.is_exactly_tcp(SQL_PORT) || !planned.contains(&rule.source))
        .map(|rule| {
            let ports = rule.ports.map_or("all ports".to_owned(), |(first, last)| format!("{first}-{last}"));
            format!("{} {ports} from {} ({})", rule.protocol, rule.source, rule.id)
        })
        .collect();
    Difference { missing, extra }
}
