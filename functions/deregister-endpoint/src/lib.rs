//! The undo of `register-endpoint`: makes the cluster forget the endpoint.
//!
//! An entry that is listed as removed is success, and so is none at all, but only
//! when there has been none for a while: the cluster's list may show a fresh
//! registration late. An account that the run added to the trusted owners is taken off again, unless another
//! endpoint of that account is registered by now.

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
    match found.map(|registration| &registration.status) {
        None if input.wait.waited_seconds() < SETTLING_SECONDS => {
            let awaited = format!("the cluster to show for certain that {endpoint} is not registered");
            return input.wait.pending(awaited, Code::RegistrationNotGoneInTime);
        }
        None => {}
        Some(status) if status.is_gone() => {}
        Some(status) => {
            if *status != RegistrationStatus::Deleting {
                cloud.deregister(cluster, endpoint).await?;
            }
            return input.wait.pending(
                format!("the registration of {endpoint} to go ({status})"),
                Code::RegistrationNotGoneInTime,
            );
        }
    }
    if let Some(account) = &input.distrust_account {
        distrust(cloud, cluster, account, &registrations).await?;
    }
    Ok(Progress::Ready(Undone::new(format!("registration of {endpoint} removed from the cluster"))))
}

async fn distrust(
    cloud: &impl Cloud,
    cluster: &ClusterId,
    account: &AccountId,
    registrations: &[Registration],
) -> Result<(), StepError> {
    let still_used = registrations
        .iter()
        .any(|it| it.account.as_deref() == Some(account.as_str()) && !it.status.is_gone());
    if still_used {
        return Ok(());
    }
    let owners = cloud.trusted_owners(cluster).await?.unwrap_or_default();
    for owner in owners.iter().filter(|owner| owner.account == account.as_str()) {
        cloud.distrust_owner(cluster, &owner.id).await?;
    }
    Ok(())
}
