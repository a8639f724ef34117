//! What may not be finished. Whoever makes a VPC makes it piece by piece, with its tags
//! first; a fresh endpoint service gets its zones, its private name and its permissions
//! one after the other; and EC2 shows what is new some seconds late.

use std::collections::BTreeSet;

use shared::ec2::Subnet;
use shared::ids::{VpcId, ZoneId};
use shared::progress::{Growth, Pending, Progress, Wait};
use shared::subnets::Choice;
use shared::{Code, StepError};

/// For how long it is looked at again what stands in the way and may only be unfinished.
/// CloudFormation and Terraform switch the DNS attributes of a VPC on when it is
/// available, by calls of their own; that takes some seconds.
const UNFINISHED_SECONDS: u64 = 60;

/// *Not yet* in place of an error that may pass, for a while.
///
/// # Errors
/// The error, if it does not pass.
pub(crate) fn wait_or<T>(error: StepError, wait: &Wait) -> Result<Progress<T>, StepError> {
    if !may_pass(error.code) || wait.waited_seconds() >= UNFINISHED_SECONDS {
        return Err(error);
    }
    let awaited = format!("{} (what is new may not be finished)", error.detail);
    wait.pending(awaited, error.code)
}

fn may_pass(code: Code) -> bool {
    matches!(
        code,
        Code::VpcNotFound
            | Code::VpcDnsSupportDisabled
            | Code::VpcDnsHostnamesDisabled
            | Code::ServiceNotVisible
            | Code::PrivateDnsNotOffered
            | Code::SubnetNotFound
            | Code::SubnetUnusable
            | Code::SourceGroupNotFound
            | Code::PrefixListNotFound
    )
}

/// The zones as one look saw them.
pub(crate) struct Seen<'a> {
    pub(crate) vpc_id: &'a VpcId,
    pub(crate) subnets: &'a [Subnet],
    /// All in which the service is offered, by EC2 or by the Cloud API.
    pub(crate) offered: BTreeSet<ZoneId>,
    /// What was chosen, if anything could be.
    pub(crate) chosen: Option<&'a Choice>,
}

/// The wait for more zones, while VPC and service may still grow.
pub(crate) fn more_zones(seen: &Seen<'_>, wait: &Wait, last: Option<Growth>) -> Option<Pending> {
    let is_chosen = |zone: &ZoneId| seen.chosen.is_some_and(|it| it.zone_ids.contains(zone));
    let lacking = seen.offered.iter().filter(|zone| !is_chosen(zone));
    let lacking: Vec<&str> = lacking.map(|zone| zone.as_str()).collect();
    if lacking.is_empty() && seen.chosen.is_some() {
        return None;
    }
    let zones = match lacking.as_slice() {
        [] => "any zone of the service".to_owned(),
        zones => zones.join(", "),
    };
    let awaited = format!(
        "more of {}: no usable subnet in {zones} yet (what is there is taken once nothing has \
         been added for a while)",
        seen.vpc_id
    );
    // A subnet that becomes available counts like one that is added.
    let available = seen.subnets.iter().filter(|it| it.available).count();
    let size = seen.subnets.len() + available + seen.offered.len();
    wait.while_growing(&awaited, size, last)
}
