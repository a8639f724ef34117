//! Makes the cluster know the endpoint: list, post, list.
//!
//! The API has no idempotency key, so the list decides whether to post. A
//! registration that was removed before is attached again by posting; one whose
//! endpoint was deleted under the same id must be removed first. The undo is
//! `deregister-endpoint`.

use serde::{Deserialize, Serialize};
use shared::cloud::{Cloud, Registration, RegistrationStatus};
use shared::ids::{AccountId, ClusterId, EndpointId};
use shared::progress::{Progress, Wait};
use shared::{Code, StepError};

/// What to register.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// With which cluster.
    pub cluster_id: ClusterId,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The account to add to the cluster's trusted owners first, if any.
    pub trust_account: Option<AccountId>,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// The cluster knows the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {}

/// Registers the endpoint if the list says that it needs to be.
///
/// # Errors
/// The codes `registration-…`, and those of the Cloud API.
pub async fn handle(cloud: &impl Cloud, input: Input) -> Result<Progress<Output>, StepError> {
    let (cluster, endpoint) = (&input.cluster_id, &input.endpoint_id);
    if let Some(account) = &input.trust_account {
        trust(cloud, cluster, account).await?;
    }
    match next(find(cloud, cluster, endpoint).await?.as_ref(), endpoint)? {
        Next::Done => return Ok(Progress::Ready(Output {})),
        Next::Wait(awaited) => return input.wait.pending(awaited, Code::RegistrationNotAcceptedInTime),
        Next::Remove(awaited) => {
            // Posting before it is gone might be answered with what is going.
            cloud.deregister(cluster, endpoint).await?;
            return input.wait.pending(awaited, Code::RegistrationNotAcceptedInTime);
        }
        Next::Post => {}
    }
    match cloud.register(cluster, endpoint).await {
        Ok(()) => Ok(Progress::Ready(Output {})),
        Err(refused) if refused.code == Code::RegistrationRefused => {
            // It may have been taken all the same, or the endpoint may be too new
            // for the cluster's side to see it.
            match next(find(cloud, cluster, endpoint).await?.as_ref(), endpoint)? {
                Next::Done => Ok(Progress::Ready(Output {})),
                Next::Wait(_) | Next::Remove(_) | Next::Post => {
                    input.wait.pending(refused.detail, Code::RegistrationRefused)
                }
            }
        }
        Err(error) => Err(error),
    }
}

async fn trust(cloud: &impl Cloud, cluster: &ClusterId, account: &AccountId) -> Result<(), StepError> {
    let owners = cloud.trusted_owners(cluster).await?.unwrap_or_default();
    if owners.iter().any(|owner| owner.account == account.as_str() || owner.account == "*") {
        return Ok(());
    }
    cloud.trust_owner(cluster, account).await
}

async fn find(
    cloud: &impl Cloud,
    cluster: &ClusterId,
    endpoint: &EndpointId,
) -> Result<Option<Registration>, StepError> {
    let registrations = cloud.registrations(cluster).await?;
    Ok(registrations.into_iter().find(|registration| registration.endpoint_id == endpoint.as_str()))
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Done,
    Wait(String),
    Remove(String),
    Post,
}

/// What to do about the registration that there is.
fn next(found: Option<&Registration>, endpoint: &EndpointId) -> Result<Next, StepError> {
    let Some(registration) = found else {
        return Ok(Next::Post);
    };
    let status = &registration.status;
    let to_go = || format!("an earlier registration of {endpoint} to go ({status})");
    let dead = |code| Err(StepError::new(code, format!("the registration of {endpoint} is {status}")));
    match status {
        RegistrationStatus::Available
        | RegistrationStatus::Pending
        | RegistrationStatus::PendingAcceptance
        | RegistrationStatus::Unknown(_) => Ok(Next::Done),
        RegistrationStatus::Rejected | RegistrationStatus::Deleted => Ok(Next::Post),
        RegistrationStatus::Stale => Ok(Next::Remove(to_go())),
        RegistrationStatus::Deleting => Ok(Next::Wait(to_go())),
        RegistrationStatus::Failed => dead(Code::RegistrationFailed),
        RegistrationStatus::Expired => dead(Code::RegistrationExpired),
    }
}
