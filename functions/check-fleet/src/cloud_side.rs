//! What the Cloud API shows: asked once for each cluster.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use shared::cloud::{Cloud, Cluster, ClusterState, Registration};
use shared::ids::ClusterId;
use shared::ledger::Connection;
use shared::{Code, StepError};

/// Clusters that are asked about at once. The API takes 10 requests a second for
/// each key, and an answer takes about a fifth of a second; two also bound the
/// time that a silent API can cost: five clusters of eight seconds.
const AT_ONCE: usize = 2;

/// One cluster, or why it could not be looked at.
pub(crate) type Seen = Result<ClusterSeen, StepError>;

/// What was seen of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct ClusterSeen {
    pub(crate) cluster: Cluster,
    /// The endpoints that it knows.
    pub(crate) registrations: Vec<Registration>,
}

/// What was seen of this connection's cluster.
pub(crate) fn of<'a>(
    connection: &Connection,
    seen: &'a BTreeMap<ClusterId, Seen>,
) -> Option<&'a Seen> {
    seen.get(&connection.cluster_id)
}

/// The name of this connection's cluster: as it is now, or as the ledger has it.
pub(crate) fn name<'a>(connection: &'a Connection, seen: Option<&'a Seen>) -> Option<&'a str> {
    match seen {
        Some(Ok(seen)) => Some(&seen.cluster.name),
        Some(Err(_)) | None => connection.cluster_name.as_deref(),
    }
}

/// Looks at the clusters of these connections.
pub(crate) async fn look(
    cloud: &impl Cloud,
    connections: &[&Connection],
) -> BTreeMap<ClusterId, Seen> {
    let clusters: BTreeSet<&ClusterId> = connections
        .iter()
        .map(|connection| &connection.cluster_id)
        .collect();
    stream::iter(clusters)
        .map(async |cluster| (cluster.clone(), look_at(cloud, cluster).await))
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn look_at(cloud: &impl Cloud, id: &ClusterId) -> Seen {
    // A cluster that is not shown may be of another organization. If it is gone, the
    // endpoint shows it.
    let cluster = cloud.cluster(id).await?.ok_or_else(|| {
        let detail = format!("the Cloud API shows no cluster {id}");
        StepError::new(Code::ClusterNotFound, detail)
    })?;
    // A deleted cluster has no list to ask for.
    let registrations = if cluster.state == ClusterState::Deleted {
        Vec::new()
    } else {
        cloud.registrations(id).await?
    };
    Ok(ClusterSeen {
        cluster,
        registrations,
    })
}
