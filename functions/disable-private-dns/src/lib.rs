//! The undo of `enable-private-dns` for an endpoint that stays: one that was
//! adopted, or that another connection uses too.
//!
//! An endpoint that is being changed cannot be changed again, so a change that
//! is still under way is waited for, whichever direction it has. An endpoint
//! that is dead has no private DNS, one that is absent neither, and one without
//! this connection's claim has no change of ours; but absent and unclaimed are
//! believed only when they have been so for a while.

use serde::{Deserialize, Serialize};
use shared::ec2::{Endpoint, EndpointState, Endpoints};
use shared::ids::{ClusterId, EndpointId};
use shared::ownership::Claim;
use shared::plan::Undone;
use shared::progress::{Progress, SETTLING_SECONDS, Wait};
use shared::{Code, StepError};

/// Which endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The cluster of the connection.
    pub cluster_id: ClusterId,
    /// The connection whose change is undone.
    pub connection_id: String,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// Switches private DNS off if it is on, and says whether it is off.
///
/// # Errors
/// `private-dns-not-off-in-time`, and those of EC2.
pub async fn handle(ec2: &impl Endpoints, input: Input) -> Result<Progress<Undone>, StepError> {
    let Input { endpoint_id: id, cluster_id, connection_id, wait } = input;
    let claim = Claim { cluster_id, connection_id };
    match next(ec2.endpoint(&id).await?.as_ref(), &claim, wait.waited_seconds()) {
        Next::Done => return Ok(Progress::Ready(Undone::new(format!("private DNS of endpoint {id} switched off again")))),
        Next::SwitchOff => ec2.set_private_dns(&id, false).await?,
        Next::Wait => {}
    }
    wait.pending(format!("private DNS of endpoint {id} to be off"), Code::PrivateDnsNotOffInTime)
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Done,
    SwitchOff,
    Wait,
}

fn next(endpoint: Option<&Endpoint>, claim: &Claim, waited_seconds: u64) -> Next {
    let settled = waited_seconds >= SETTLING_SECONDS;
    let Some(endpoint) = endpoint.filter(|endpoint| claim.is_in(&endpoint.tags)) else {
        return if settled { Next::Done } else { Next::Wait };
    };
    match (&endpoint.state, endpoint.private_dns) {
        (state, _) if state.is_dead() => Next::Done,
        // Private DNS cannot be switched on before the endpoint is accepted.
        (EndpointState::PendingAcceptance, _) => Next::Done,
        (EndpointState::Available, true) => Next::SwitchOff,
        // The change that is undone may have been asked for and not show yet.
        (EndpointState::Available, false) if settled => Next::Done,
        _ => Next::Wait,
    }
}
