//! What to do next, as the endpoint is now.

use std::collections::BTreeMap;
use std::fmt;

use shared::ec2::{Endpoint, EndpointState, Subnet};
use shared::ids::{SecurityGroupId, SubnetId, ZoneId};
use shared::ownership::Claim;
use shared::plan::EndpointShape;
use shared::subnets::list_ids;
use shared::{Code, StepError};

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: it is as it is to be.
    None,
    /// Nothing yet: EC2 takes no change now.
    Wait,
    /// Our security group, which is not on it.
    PutOn(SecurityGroupId),
    /// Our security group, which was not on it before.
    TakeOff(SecurityGroupId),
    /// These subnets are in zones that it lacks.
    Add(Vec<SubnetId>),
    /// These go: out of a zone that another subnet is wanted in, or for good.
    Remove(Vec<SubnetId>),
    /// Private DNS, on or off.
    Switch(bool),
    /// The tag that says that it is to be without private DNS.
    MarkWithoutDns,
    /// The same tag goes.
    UnmarkWithoutDns,
    /// The tag that says that the connection is protected, put on or taken off.
    MarkProtected(bool),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::None | Step::Wait => f.write_str("is not available yet"),
            Step::PutOn(group) => write!(f, "is getting security group {group}"),
            Step::TakeOff(group) => write!(f, "is losing security group {group}"),
            Step::Add(ids) => write!(f, "is being added to {}", list_ids(ids)),
            Step::Remove(ids) => write!(f, "is leaving {}", list_ids(ids)),
            Step::Switch(true) => f.write_str("is getting private DNS"),
            Step::Switch(false) => f.write_str("is losing private DNS"),
            Step::MarkWithoutDns | Step::UnmarkWithoutDns | Step::MarkProtected(_) => {
                f.write_str("is getting its tags")
            }
        }
    }
}

/// What to do next.
///
/// # Errors
/// `endpoint-…` for an endpoint at a bad end, and `only-zone-swapped`.
pub(crate) fn next(
    endpoint: &Endpoint,
    subnets: &[Subnet],
    shape: &EndpointShape,
    claim: &Claim,
) -> Result<Step, StepError> {
    if let Some(code) = endpoint.state.bad_end() {
        let detail = format!("endpoint {} is {}", endpoint.id, endpoint.state);
        return Err(StepError::new(code, detail));
    }
    // A change that is under way, whoever asked for it, comes to its end first.
    if endpoint.state != EndpointState::Available {
        return Ok(Step::Wait);
    }
    if let Some(group) = group_to_change(endpoint, shape, true) {
        return Ok(Step::PutOn(group));
    }
    let step = next_subnets(endpoint, subnets, &shape.subnet_ids)?;
    if step != Step::None {
        return Ok(step);
    }
    let step = next_dns(endpoint, shape.private_dns, claim);
    if step != Step::None {
        return Ok(step);
    }
    if let Some(group) = group_to_change(endpoint, shape, false) {
        return Ok(Step::TakeOff(group));
    }
    // Last, because a refusal is to hold up nothing else.
    match shape.protected {
        Some(protected) if claim.is_protected(&endpoint.tags) != protected => {
            Ok(Step::MarkProtected(protected))
        }
        Some(_) | None => Ok(Step::None),
    }
}

/// The group that is to be put on, or taken off. The only one stays: EC2 leaves no endpoint
/// without any (EC2 API reference, `ModifyVpcEndpoint`).
fn group_to_change(
    endpoint: &Endpoint,
    shape: &EndpointShape,
    on: bool,
) -> Option<SecurityGroupId> {
    let group = shape.group.as_ref().filter(|group| group.on == on)?;
    let has = &endpoint.group_ids;
    let is_to_change = match on {
        true => !has.contains(&group.id),
        false => has.contains(&group.id) && has.len() > 1,
    };
    is_to_change.then(|| group.id.clone())
}

fn next_subnets(
    endpoint: &Endpoint,
    subnets: &[Subnet],
    wanted: &[SubnetId],
) -> Result<Step, StepError> {
    let zone = |id: &SubnetId| {
        let subnet = subnets.iter().find(|subnet| subnet.id == *id)?;
        subnet.zone_id.clone()
    };
    let has = &endpoint.subnet_ids;
    let taken: BTreeMap<ZoneId, &SubnetId> =
        has.iter().filter_map(|id| Some((zone(id)?, id))).collect();
    let missing = wanted.iter().filter(|id| !has.contains(id));
    // One whose zone nobody tells is added, so that EC2 says what is wrong with it.
    let (blocked, free): (Vec<_>, Vec<_>) =
        missing.partition(|id| zone(id).is_some_and(|zone| taken.contains_key(&zone)));
    if !free.is_empty() {
        return Ok(Step::Add(free.into_iter().cloned().collect()));
    }
    if let Some(blocked) = blocked.first() {
        let Some(old) = zone(blocked).and_then(|zone| taken.get(&zone).copied()) else {
            return Ok(Step::None);
        };
        if has.len() > 1 {
            return Ok(Step::Remove(vec![old.clone()]));
        }
        let id = &endpoint.id;
        let detail =
            format!("endpoint {id} is in {old} only, and {blocked} is wanted in its place");
        return Err(StepError::new(Code::OnlyZoneSwapped, detail));
    }
    let surplus = has.iter().filter(|id| !wanted.contains(id));
    let surplus: Vec<SubnetId> = surplus.cloned().collect();
    // An endpoint without any subnet is never what is meant.
    if surplus.is_empty() || wanted.is_empty() {
        return Ok(Step::None);
    }
    Ok(Step::Remove(surplus))
}

/// The tag is there before private DNS goes, and goes after it is back: whatever is
/// seen in between is taken for a connection that works.
fn next_dns(endpoint: &Endpoint, wanted: Option<bool>, claim: &Claim) -> Step {
    let is_marked = endpoint.tags.contains_key(&claim.without_private_dns_key());
    match wanted {
        Some(false) if !is_marked => Step::MarkWithoutDns,
        Some(on) if endpoint.private_dns != on => Step::Switch(on),
        Some(true) if is_marked => Step::UnmarkWithoutDns,
        Some(_) | None => Step::None,
    }
}
