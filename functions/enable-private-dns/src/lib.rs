//! Makes private DNS of the endpoint be on.
//!
//! Only an endpoint that is available can take the change; afterwards it is
//! pending for some minutes, which `check-status` waits for. The undo is
//! `disable-private-dns`, or the deletion of the endpoint.

use serde::{Deserialize, Serialize};
use shared::ec2::{Endpoint, EndpointState, Endpoints};
use shared::ids::EndpointId;
use shared::{Code, StepError};

/// Which endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The endpoint.
    pub endpoint_id: EndpointId,
}

/// Private DNS is on, or on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Whether this call changed it.
    pub changed: bool,
}

/// Switches private DNS on unless it is.
///
/// # Errors
/// `private-dns-conflict` and others of EC2.
pub async fn handle(ec2: &impl Endpoints, input: Input) -> Result<Output, StepError> {
    let id = &input.endpoint_id;
    let changed = must_change(id, ec2.endpoint(id).await?.as_ref())?;
    if changed {
        ec2.set_private_dns(id, true).await?;
    }
    Ok(Output { changed })
}

/// Whether private DNS must be switched on, if it can be.
fn must_change(id: &EndpointId, endpoint: Option<&Endpoint>) -> Result<bool, StepError> {
    let Some(endpoint) = endpoint else {
        // It was available a moment ago. Not every part of EC2 shows what others
        // have shown; gone is another word.
        return Err(StepError::new(Code::AwsResourceBusy, format!("EC2 does not show endpoint {id} now")));
    };
    let cannot = |code| {
        Err(StepError::new(code, format!("endpoint {id} is {} and cannot be changed", endpoint.state)))
    };
    match endpoint.state {
        EndpointState::Deleting | EndpointState::Deleted => cannot(Code::EndpointGone),
        EndpointState::Rejected => cannot(Code::EndpointRejected),
        EndpointState::Failed => cannot(Code::EndpointFailed),
        EndpointState::Expired => cannot(Code::EndpointExpired),
        _ if endpoint.private_dns => Ok(false),
        EndpointState::Available => Ok(true),
        // An earlier attempt took effect, and the endpoint does not show it yet.
        EndpointState::Pending | EndpointState::PendingAcceptance | EndpointState::Unknown(_) => {
            cannot(Code::AwsResourceBusy)
        }
    }
}
