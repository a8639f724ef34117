//! The undo of `enable-private-dns` for an endpoint that stays: one that was
//! adopted, or that another connection uses too.
//!
//! An endpoint that is absent or on its way out has no private DNS; neither has
//! one that carries no claim of this connection any changes of ours.

use serde::{Deserialize, Serialize};
use shared::StepError;
use shared::ec2::Endpoints;
use shared::ids::{ClusterId, EndpointId};
use shared::ownership::Claim;
use shared::plan::Undone;

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
}

/// Switches private DNS off if it is on.
///
/// # Errors
/// Those of EC2.
pub async fn handle(ec2: &impl Endpoints, input: Input) -> Result<Undone, StepError> {
    let id = &input.endpoint_id;
    let claim = Claim { cluster_id: input.cluster_id, connection_id: input.connection_id };
    let on = ec2
        .endpoint(id)
        .await?
        .is_some_and(|endpoint| endpoint.private_dns && !endpoint.state.is_dead() && claim.is_in(&endpoint.tags));
    if on {
        ec2.set_private_dns(id, false).await?;
    }
    Ok(Undone::new(format!("private DNS of endpoint {id} is off again")))
}
