//! The undo of `create-endpoint`: takes this connection's claim off the endpoint,
//! and deletes it if we made it and nobody else claims it.
//!
//! Found by its tags and not only by its id, because a creation whose answer was
//! lost leaves no id behind. Absent is success, but only when it has been absent
//! for a while: EC2 may show a fresh endpoint late.

use serde::{Deserialize, Serialize};
use shared::ec2::{Endpoint, Endpoints};
use shared::ids::{ClusterId, EndpointId, ServiceName, VpcId};
use shared::ownership::{Claim, Origin};
use shared::plan::Undone;
use shared::progress::{Progress, SETTLING_SECONDS, Wait};
use shared::{Code, StepError};

/// What to delete.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// In which VPC.
    pub vpc_id: VpcId,
    /// To which service.
    pub service_name: ServiceName,
    /// The cluster of the connection.
    pub cluster_id: ClusterId,
    /// The connection that lets go.
    pub connection_id: String,
    /// The endpoint, if its creation was answered.
    pub endpoint_id: Option<EndpointId>,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// Lets go of the endpoint and says whether it is gone.
///
/// # Errors
/// `endpoint-not-gone-in-time`, and those of EC2.
pub async fn handle(ec2: &impl Endpoints, input: Input) -> Result<Progress<Undone>, StepError> {
    let claim = Claim { cluster_id: input.cluster_id.clone(), connection_id: input.connection_id.clone() };
    let claimed = find(ec2, &input, &claim).await?;
    let mut undone = Vec::new();
    let mut awaited = Vec::new();
    for endpoint in &claimed {
        let id = &endpoint.id;
        match release(endpoint, &claim) {
            Release::Untag(keys, why) => {
                ec2.untag_endpoint(id, &keys).await?;
                undone.push(format!("endpoint {id} let go ({why})"));
            }
            Release::Delete => {
                ec2.delete_endpoint(id).await?;
                awaited.push(format!("endpoint {id} to go ({})", endpoint.state));
            }
            Release::Await => awaited.push(format!("endpoint {id} to go ({})", endpoint.state)),
        }
    }
    if !awaited.is_empty() {
        return input.wait.pending(awaited.join(", "), Code::EndpointNotGoneInTime);
    }
    if claimed.is_empty() && input.wait.waited_seconds() < SETTLING_SECONDS {
        let awaited = "EC2 to show for certain that no endpoint is left";
        return input.wait.pending(awaited, Code::EndpointNotGoneInTime);
    }
    if undone.is_empty() {
        undone.push(match &input.endpoint_id {
            Some(id) => format!("endpoint {id} deleted"),
            None => "no endpoint of this connection is left".to_owned(),
        });
    }
    Ok(Progress::Ready(Undone::new(undone.join(", "))))
}

/// All endpoints that carry this connection's claim. One that is known by id
/// only may be too new to be listed.
async fn find(ec2: &impl Endpoints, input: &Input, claim: &Claim) -> Result<Vec<Endpoint>, StepError> {
    let mut found = ec2.endpoints(&input.vpc_id).await?;
    found.retain(|endpoint| endpoint.service_name == input.service_name.as_str());
    if let Some(id) = &input.endpoint_id
        && !found.iter().any(|endpoint| endpoint.id == *id)
    {
        found.extend(ec2.endpoint(id).await?);
    }
    found.retain(|endpoint| claim.is_in(&endpoint.tags));
    Ok(found)
}

enum Release {
    Untag(Vec<String>, String),
    Delete,
    Await,
}

/// How to let go of an endpoint.
fn release(endpoint: &Endpoint, claim: &Claim) -> Release {
    if endpoint.state.is_gone() {
        return Release::Await;
    }
    let others = claim.others_in(&endpoint.tags);
    match Origin::of(&endpoint.tags) {
        _ if !others.is_empty() => Release::Untag(
            vec![claim.key()],
            format!("cluster {} still uses it", others.join(" and cluster ")),
        ),
        Some(Origin::Made) => Release::Delete,
        Some(Origin::Adopted) | None => Release::Untag(claim.keys(), "it was not made by this tool".to_owned()),
    }
}
