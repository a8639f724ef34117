//! Leads an endpoint that works to other subnets, and to private DNS on or off, and gives
//! it our security group back, without an outage: one change for each call, until the
//! endpoint is available and exactly as it is to be.
//!
//! First it gets our group, if that was taken off, and a subnet in each zone that it lacks.
//! Then subnets change places within their zones, one zone at a time, and only while the
//! endpoint is in another zone too: EC2 refuses two subnets of one zone, so the old one goes
//! first. Then the zones go that are not wanted any more, and private DNS is switched last.
//! An undo takes off a group that was put on, after that. The mark of protection is put on
//! or taken off in the end. Where EC2 refuses to put it on, as for the role of an older
//! version in another account, it stays away: it is a second copy of what the ledger has.
//! One that cannot be taken off is an error, because it would go on protecting.
//!
//! Where it has come to is seen from the endpoint alone, so a call may be repeated,
//! and a run that was lost is continued by the next one. The undo is the same
//! function with what the endpoint was before.

use serde::{Deserialize, Serialize};
use shared::ec2::{Endpoint, Endpoints, Network};
use shared::ids::EndpointId;
use shared::ownership::{Claim, Origin};
use shared::plan::{EndpointShape, Undone};
use shared::progress::{Progress, Wait};
use shared::subject::Subject;
use shared::subnets::list_ids;
use shared::{Code, StepError};

mod decide;

use decide::{Step, next};

/// What to change, and into what.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The connection that asks for the change. The subnets of its VPC tell their zones.
    pub connection: Subject,
    pub endpoint_id: EndpointId,
    /// What the endpoint is to be.
    pub shape: EndpointShape,
    /// What earlier looks have begun to change.
    pub begun: Vec<String>,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// Takes the next step, and says whether none is left.
///
/// # Errors
/// `endpoint-not-changed-in-time`, `only-zone-swapped`, `ownership-tags-missing` for
/// an endpoint that is not ours, `endpoint-…` for one that has come to a bad end,
/// and those of EC2.
pub async fn handle(
    ec2: &(impl Endpoints + Network),
    input: Input,
) -> Result<Progress<Undone>, StepError> {
    let (id, wait) = (&input.endpoint_id, &input.wait);
    let late = Code::EndpointNotChangedInTime;
    let Some(endpoint) = ec2.endpoint(id).await? else {
        if wait.is_settled() {
            let gone = format!("endpoint {id} is not there any more");
            return Err(StepError::new(Code::EndpointGone, gone));
        }
        return wait.pending(format!("endpoint {id} is not visible yet"), late);
    };
    let subnets = ec2.subnets(&input.connection.vpc_id).await?;
    let claim = input.connection.claim();
    let step = next(&endpoint, &subnets, &input.shape, &claim)?;
    check_ours(&endpoint, &claim, &step)?;
    let told = told(&input);
    let mut begun = input.begun.clone();
    begun.retain(|it| *it == told);
    if !matches!(step, Step::None | Step::Wait) && begun.is_empty() {
        begun.push(told.clone());
    }
    let awaited = match &step {
        Step::None if wait.is_settled() => {
            return Ok(Progress::Ready(Undone::of(&begun, told)));
        }
        Step::None => format!("checking that endpoint {id} stays as it is"),
        Step::Wait => format!("endpoint {id} is not available yet ({})", endpoint.state),
        Step::PutOn(_)
        | Step::TakeOff(_)
        | Step::Add(_)
        | Step::Remove(_)
        | Step::Switch(_)
        | Step::MarkWithoutDns
        | Step::UnmarkWithoutDns
        | Step::MarkProtected(_) => format!("endpoint {id} {step}"),
    };
    let puts_mark_on = step == Step::MarkProtected(true);
    let pending = match take(ec2, id, &claim, step).await {
        // It began to change between the look and the call.
        Err(busy) if busy.code == Code::AwsResourceBusy => {
            wait.pending_despite(awaited, &busy.detail, late)
        }
        Err(refused) if puts_mark_on && refused.code.is_refused_access() => {
            if wait.is_settled() {
                let code = refused.code;
                let unmarked = format!("{told} (the mark of protection was refused: {code})");
                return Ok(Progress::Ready(Undone::new(unmarked)));
            }
            wait.pending_despite(awaited, &refused.detail, late)
        }
        taken => taken.and_then(|()| wait.pending(awaited, late)),
    };
    pending.map(|pending| pending.having_begun(&begun))
}

async fn take(
    ec2: &impl Endpoints,
    id: &EndpointId,
    claim: &Claim,
    step: Step,
) -> Result<(), StepError> {
    match step {
        Step::None | Step::Wait => Ok(()),
        Step::PutOn(group) => ec2.set_group(id, &group, true).await,
        Step::TakeOff(group) => ec2.set_group(id, &group, false).await,
        Step::Add(subnets) => ec2.change_subnets(id, &subnets, &[]).await,
        Step::Remove(subnets) => ec2.change_subnets(id, &[], &subnets).await,
        Step::Switch(on) => ec2.set_private_dns(id, on).await,
        Step::MarkWithoutDns => {
            let tags = claim.private_dns_tags(false);
            ec2.tag_endpoint(id, &tags).await
        }
        Step::UnmarkWithoutDns => {
            let key = claim.without_private_dns_key();
            ec2.untag_endpoint(id, &[key]).await
        }
        Step::MarkProtected(true) => ec2.tag_endpoint(id, &claim.protection_tags(true)).await,
        Step::MarkProtected(false) => ec2.untag_endpoint(id, &[claim.protected_key()]).await,
    }
}

/// Only what serves this connection is changed, and only what we made gets other
/// subnets, or our group.
fn check_ours(endpoint: &Endpoint, claim: &Claim, step: &Step) -> Result<(), StepError> {
    let (id, tags) = (&endpoint.id, &endpoint.tags);
    let may = match step {
        Step::PutOn(_) | Step::TakeOff(_) | Step::Add(_) | Step::Remove(_) => {
            Origin::of(tags) == Some(Origin::Made)
        }
        Step::None
        | Step::Wait
        | Step::Switch(_)
        | Step::MarkWithoutDns
        | Step::UnmarkWithoutDns
        | Step::MarkProtected(_) => Origin::of(tags).is_some(),
    };
    if may && claim.is_in(tags) {
        return Ok(());
    }
    let detail = format!("endpoint {id} does not carry the tags of this connection");
    Err(StepError::new(Code::OwnershipTagsMissing, detail))
}

fn told(input: &Input) -> String {
    let subnets = list_ids(&input.shape.subnet_ids);
    let dns = match input.shape.private_dns {
        Some(true) => ", with private DNS",
        Some(false) => ", without private DNS",
        None => "",
    };
    let protected = match input.shape.protected {
        Some(true) => ", protected",
        Some(false) => ", not protected",
        None => "",
    };
    let group = input.shape.group.as_ref().map(|group| {
        let with = if group.on { "with" } else { "without" };
        format!(", {with} security group {}", group.id)
    });
    let (id, group) = (&input.endpoint_id, group.unwrap_or_default());
    format!("endpoint {id} is in {subnets}{dns}{protected}{group}")
}

#[cfg(test)]
mod tests;
