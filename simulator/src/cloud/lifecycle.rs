//! How a registration goes on by itself.
//!
//! `STATUS_PENDING`, then `STATUS_PENDING_ACCEPTANCE`, which stays for a while
//! after AWS already shows the endpoint as accepted, then `STATUS_AVAILABLE`.

use std::time::Duration;

use super::connections::{Connection, ConnectionRecord};
use super::words::ConnectionStatus;
use super::{AfterRemoval, CloudHappening, aws};
use crate::scenario::EndpointOutcome;
use crate::world::{Happening, World};

/// A step of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionStep {
    /// The cluster's side has seen the endpoint.
    Seen,
    /// The cluster's side accepts it, or does not.
    Decided,
    /// The list shows the decision.
    Noticed,
    /// An endpoint that was accepted is rejected after all.
    RejectedAfterAll,
    /// The registration is removed.
    Removed,
    /// The endpoint was deleted without the cluster being told.
    Stale,
    /// Nobody accepted the endpoint in time.
    Expired,
}

/// Registers an endpoint, anew or again.
pub(super) fn register(world: &mut World, cluster_id: &str, connection: Connection) {
    let endpoint_id = connection.endpoint_id.clone();
    let listed = world.now + world.pace.registration_listed;
    let Some(record) = world.cloud.cluster_mut(cluster_id) else {
        return;
    };
    match record.connection_mut(&endpoint_id) {
        Some(known) => *known = connection,
        None => record.connections.push(ConnectionRecord {
            connection,
            attempt: 0,
            listed,
        }),
    }
    let steps = steps(world, record_outcome(world, cluster_id));
    redirect(world, cluster_id, &endpoint_id, &steps);
}

/// Starts what is under way when the world begins.
pub(super) fn begin(world: &mut World, cluster_id: &str) {
    let Some(record) = world.cloud.cluster(cluster_id) else {
        return;
    };
    let known: Vec<(String, ConnectionStatus)> = record
        .connections()
        .map(|connection| (connection.endpoint_id.clone(), connection.status.clone()))
        .collect();
    for (endpoint_id, status) in known {
        let steps = match status {
            ConnectionStatus::Pending | ConnectionStatus::PendingAcceptance => {
                steps(world, record_outcome(world, cluster_id))
            }
            ConnectionStatus::Deleting => {
                vec![(world.pace.deregistration, ConnectionStep::Removed)]
            }
            ConnectionStatus::Available
            | ConnectionStatus::Rejected
            | ConnectionStatus::Deleted
            | ConnectionStatus::Failed
            | ConnectionStatus::Expired
            | ConnectionStatus::Stale
            | ConnectionStatus::Unknown(_) => continue,
        };
        redirect(world, cluster_id, &endpoint_id, &steps);
    }
}

fn record_outcome(world: &World, cluster_id: &str) -> EndpointOutcome {
    world
        .cloud
        .cluster(cluster_id)
        .map(|record| record.endpoint_outcome)
        .unwrap_or_default()
}

/// The steps of a registration with their times.
fn steps(world: &World, outcome: EndpointOutcome) -> Vec<(Duration, ConnectionStep)> {
    let pace = &world.pace;
    let seen = (pace.acceptance / 2, ConnectionStep::Seen);
    let decided = (pace.acceptance, ConnectionStep::Decided);
    let noticed = (
        pace.acceptance + pace.acceptance_noticed,
        ConnectionStep::Noticed,
    );
    match outcome {
        EndpointOutcome::Ignored => vec![seen],
        EndpointOutcome::Accepted
        | EndpointOutcome::Rejected
        | EndpointOutcome::Failed
        | EndpointOutcome::Expired => vec![seen, decided, noticed],
        EndpointOutcome::RejectedLater => {
            // Late enough that whoever waits for the endpoint and its private
            // DNS has seen both.
            let late = noticed.0 + 2 * (pace.endpoint_building + pace.private_dns);
            vec![
                seen,
                decided,
                noticed,
                (late, ConnectionStep::RejectedAfterAll),
            ]
        }
    }
}

/// Gives a registration a new direction: what was due for it is void.
pub(super) fn redirect(
    world: &mut World,
    cluster_id: &str,
    endpoint_id: &str,
    steps: &[(Duration, ConnectionStep)],
) {
    let Some(record) = world.cloud.cluster_mut(cluster_id) else {
        return;
    };
    record.attempts += 1;
    let attempt = record.attempts;
    let mut connections = record.connections.iter_mut();
    if let Some(known) = connections.find(|known| known.connection.endpoint_id == endpoint_id) {
        known.attempt = attempt;
    }
    for &(after, step) in steps {
        let (cluster_id, endpoint_id) = (cluster_id.to_owned(), endpoint_id.to_owned());
        let happening = CloudHappening::ConnectionMoves {
            cluster_id,
            endpoint_id,
            attempt,
            step,
        };
        world.schedule(after, Happening::Cloud(happening));
    }
}

/// Takes a step that is due.
pub(super) fn proceed(
    world: &mut World,
    cluster_id: &str,
    endpoint_id: &str,
    attempt: u64,
    step: ConnectionStep,
) {
    let Some(record) = world.cloud.cluster_mut(cluster_id) else {
        return;
    };
    let outcome = record.endpoint_outcome;
    let usual = record.words.registering.is_none();
    let registered = record
        .words
        .registered
        .clone()
        .unwrap_or(ConnectionStatus::Available);
    let mut connections = record.connections.iter_mut();
    let known = connections
        .find(|known| known.connection.endpoint_id == endpoint_id && known.attempt == attempt)
        .map(|known| &mut known.connection);
    let Some(connection) = known else { return };
    match step {
        ConnectionStep::Seen if usual => connection.status = ConnectionStatus::PendingAcceptance,
        ConnectionStep::Seen => {}
        ConnectionStep::Decided => decide(world, endpoint_id, outcome),
        ConnectionStep::Noticed => {
            connection.status = match outcome {
                EndpointOutcome::Accepted | EndpointOutcome::RejectedLater => registered,
                EndpointOutcome::Rejected => ConnectionStatus::Rejected,
                EndpointOutcome::Failed => ConnectionStatus::Failed,
                EndpointOutcome::Expired => ConnectionStatus::Expired,
                EndpointOutcome::Ignored => return,
            };
        }
        ConnectionStep::RejectedAfterAll => {
            connection.status = ConnectionStatus::Rejected;
            reject_if_unused(world, cluster_id, endpoint_id);
        }
        ConnectionStep::Removed => remove(world, cluster_id, endpoint_id),
        ConnectionStep::Stale => connection.status = ConnectionStatus::Stale,
        ConnectionStep::Expired => connection.status = ConnectionStatus::Expired,
    }
}

/// What the provider of the service does with the endpoint in AWS.
fn decide(world: &mut World, endpoint_id: &str, outcome: EndpointOutcome) {
    let message = "An internal error occurred while the endpoint was created.";
    match outcome {
        EndpointOutcome::Accepted | EndpointOutcome::RejectedLater => {
            world.accept_endpoint(endpoint_id)
        }
        EndpointOutcome::Rejected => world.reject_endpoint(endpoint_id),
        EndpointOutcome::Failed => world.fail_endpoint(endpoint_id, "InternalError", message),
        EndpointOutcome::Expired => world.expire_endpoint(endpoint_id),
        EndpointOutcome::Ignored => false,
    };
}

fn remove(world: &mut World, cluster_id: &str, endpoint_id: &str) {
    let after_removal = world.cloud.habits.after_removal;
    let exists = aws::endpoint(world, endpoint_id).is_some();
    let Some(record) = world.cloud.cluster_mut(cluster_id) else {
        return;
    };
    let left = match after_removal {
        AfterRemoval::Rejected => Some(ConnectionStatus::Rejected),
        AfterRemoval::Deleted => Some(ConnectionStatus::Deleted),
        AfterRemoval::Absent => None,
    };
    // Of an endpoint that is gone nothing stays listed: deleting a stale entry
    // clears it (Cloud API, `PrivateEndpointConnectionStatus`).
    match (left.filter(|_| exists), record.connection_mut(endpoint_id)) {
        (Some(word), Some(connection)) => connection.status = word,
        _ => record.forget_connection(endpoint_id),
    }
    reject_if_unused(world, cluster_id, endpoint_id);
}

/// Several clusters may stand behind one service, and each has its own
/// registration of the same endpoint. The endpoint is only rejected when no
/// other cluster uses it.
fn reject_if_unused(world: &mut World, cluster_id: &str, endpoint_id: &str) {
    let used = world.cloud.clusters().any(|other| {
        other.cluster.id != cluster_id
            && other.connections().any(|connection| {
                connection.endpoint_id == endpoint_id
                    && matches!(
                        connection.status,
                        ConnectionStatus::Pending
                            | ConnectionStatus::PendingAcceptance
                            | ConnectionStatus::Available
                            | ConnectionStatus::Unknown(_)
                    )
            })
    });
    if !used {
        world.reject_endpoint(endpoint_id);
    }
}
