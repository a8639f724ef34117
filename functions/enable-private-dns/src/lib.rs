//! Makes private DNS of the endpoint be on.
//!
//! Only an endpoint that is available can take the change; afterwards it is
//! pending for some minutes, which `check-status` waits for. The undo is
//! `disable-private-dns`, or the deletion of the endpoint.

use serde::{Deserialize, Serialize};
use shared::ec2::{EndpointState, Endpoints};
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
    let Some(endpoint) = ec2.endpoint(id).await? else {
        return Err(StepError::new(Code::EndpointGone, format!("there is no endpoint {id} any more")));
    };
    if endpoint.private_dns {
        return Ok(Output { changed: false });
    }
    match endpoint.state {
        EndpointState::Available => {
            ec2.set_private_dns(id, true).await?;
            Ok(Output { changed: true })
        }
        // An earlier attempt took effect, and the endpoint does not show it yet.
        EndpointState::Pending | EndpointState::PendingAcceptance | EndpointState::Unknown(_) => {
            Err(StepError::new(
                Code::AwsResourceBusy,
                format!("endpoint {id} is {} and cannot be changed now", endpoint.state),
            ))
        }
        EndpointState::Deleting | EndpointState::Deleted => {
            Err(StepError::new(Code::EndpointGone, format!("endpoint {id} is {}", endpoint.state)))
        }
        EndpointState::Rejected => {
            Err(StepError::new(Code::EndpointRejected, format!("endpoint {id} is rejected")))
        }
        EndpointState::Failed => Err(StepError::new(Code::EndpointFailed, format!("endpoint {id} is failed"))),
        EndpointState::Expired => {
            Err(StepError::new(Code::EndpointExpired, format!("endpoint {id} is expired")))
        }
    }
}
