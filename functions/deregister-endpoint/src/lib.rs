//! The undo of `register-endpoint`: makes the cluster forget the endpoint.
//!
//! An entry that is listed as removed is success, and so is none at all, but only
//! when it has been so for a while: the cluster's list may show a fresh
//! registration late. An account that the run added to the trusted owners is
//! taken off again, unless another endpoint that may be of that account is
//! registered by now.

use serde::{Deserialize, Serialize};
use shared::cloud::{Cloud, Registration, RegistrationStatus};
use shared::ids::{AccountId, ClusterId, EndpointId};
use shared::plan::Undone;
use shared::progress::{Progress, SETTLING_SECONDS, Wait};
use shared::{Code, StepError};

/// What to deregister.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// From which cluster.
    pub cluster_id: ClusterId,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The account that the run added to the trusted owners, if any.
    pub distrust_account: Option<AccountId>,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// Removes the registration and says whether it is gone.
///
/// # Errors
/// `registration-not-gone-in-time`, and those of the Cloud API.
pub async fn handle(cloud: &impl Cloud, input: Input) -> Result<Progress<Undone>, StepError> {
    let (cluster, endpoint) = (&input.cluster_id, &input.endpoint_id);
    let registrations = cloud.registrations(cluster).await?;
    let found = registrations.iter().find(|it| it.endpoint_id == endpoint.as_str());
    let pending = |awaited| input.wait.pending(awaited, Code::RegistrationNotGoneInTime);
    match next(found.map(|registration| &registration.status), input.wait.waited_seconds()) {
        Next::Settle => {
            return pending(format!("the cluster to show for certain that {endpoint} is not registered"));
        }
        Next::Remove(status) => {
            cloud.deregister(cluster, endpoint).await?;
            return pending(format!("the registration of {endpoint} to go ({status})"));
        }
        Next::Wait => return pending(format!("the registration of {endpoint} to go")),
        Next::Done => {}
    }
    let mut undone = format!("registration of {endpoint} removed from the cluster");
    if let Some(account) = &input.distrust_account {
        if may_be_used(account, &registrations) {
            undone.push_str(&format!("; account {account} stays trusted, for its other endpoints"));
        } else {
            distrust(cloud, cluster, account).await?;
        }
    }
    Ok(Progress::Ready(Undone::new(undone)))
}

#[derive(Debug, PartialEq, Eq)]
enum Next<'a> {
    Settle,
    Remove(&'a RegistrationStatus),
    Wait,
    Done,
}

/// What to do about the registration that there is.
fn next(status: Option<&RegistrationStatus>, waited_seconds: u64) -> Next<'_> {
    match status {
        Some(RegistrationStatus::Deleting) => Next::Wait,
        Some(status) if !status.is_gone() => Next::Remove(status),
        Some(_) | None if waited_seconds < SETTLING_SECONDS => Next::Settle,
        Some(_) | None => Next::Done,
    }
}

/// Whether a registration is left that may be of this account; the Cloud API
/// need not say whose it is.
fn may_be_used(account: &AccountId, registrations: &[Registration]) -> bool {
    registrations
        .iter()
        .filter(|it| !it.status.is_gone())
        .any(|it| it.account.as_deref().is_none_or(|owner| owner == account.as_str()))
}

async fn distrust(
    cloud: &impl Cloud,
    cluster: &ClusterId,
    account: &AccountId,
) -> Result<(), StepError> {
    let owners = cloud.trusted_owners(cluster).await?.unwrap_or_default();
    for owner in owners.iter().filter(|owner| owner.account == account.as_str()) {
        cloud.distrust_owner(cluster, &owner.id).await?;
    }
    Ok(())
}
