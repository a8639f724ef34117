//! The CockroachDB Cloud side: clusters, their endpoint services, the
//! endpoints that are registered with them, and who may ask for what.
//!
//! Operations are methods of [`World`] (`cloud_get_cluster` and so on), because
//! registering an endpoint reaches into EC2. What takes time is scheduled as a
//! [`CloudHappening`]. Behaviour follows the official OpenAPI document of API
//! version 2024-09-16, cockroachdb/terraform-provider-cockroach 1.22.0, and
//! the documentation; where these are silent, [`Habits`] lets a scenario
//! choose.

mod access;
mod aws;
mod cluster;
mod connections;
mod errors;
mod habits;
mod lifecycle;
mod owners;
mod services;
mod words;

use std::collections::BTreeMap;

use time::OffsetDateTime;

pub use access::{ApiCaller, Keys, VERSION};
pub use cluster::{Cluster, ClusterRecord, Region};
pub use connections::Connection;
pub use habits::{AfterRemoval, ErrorBody, Habits, RetryAfter, SecondRegistration};
pub use lifecycle::ConnectionStep;
pub use owners::TrustedOwner;
pub use services::PrivateEndpointService;
pub use words::{CloudProvider, ClusterState, ConnectionStatus, Plan, ServiceStatus};

pub(crate) use aws::endpoint_turned;
pub(crate) use errors::{grpc_code, render_fault};

use crate::calls::ApiError;
use crate::scenario::Scenario;
use crate::world::{Happening, World};
use access::Permission;

/// Everything on the CockroachDB Cloud side.
#[derive(Debug, Clone)]
pub struct Cloud {
    /// How the service behaves where its documentation is silent.
    pub habits: Habits,
    /// The API keys that it knows.
    pub keys: Keys,
    clusters: BTreeMap<String, ClusterRecord>,
    owners_made: u64,
}

/// Something on this side that happens by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudHappening {
    /// A cluster that was being made, or locked, is in service.
    ClusterReady { cluster_id: String },
    /// An endpoint service shows up in the list.
    ServiceAppears {
        cluster_id: String,
        /// The region of the service.
        region: String,
    },
    /// An endpoint service is made, or is not.
    ServiceSettles {
        cluster_id: String,
        /// The region of the service.
        region: String,
    },
    /// A registration goes on.
    ConnectionMoves {
        cluster_id: String,
        endpoint_id: String,
        /// Which registration or removal of this endpoint is meant; a later
        /// one makes this happening void.
        attempt: u64,
        step: ConnectionStep,
    },
}

impl Cloud {
    /// This side as a scenario describes it.
    pub fn new(scenario: &Scenario, now: OffsetDateTime) -> Cloud {
        let clusters = scenario.clusters.iter();
        Cloud {
            habits: scenario.habits.clone(),
            keys: Keys::new(&scenario.keys),
            clusters: clusters
                .map(|spec| (spec.id.clone(), ClusterRecord::new(spec, scenario, now)))
                .collect(),
            owners_made: 0,
        }
    }

    /// A cluster with everything that belongs to it.
    pub fn cluster(&self, id: &str) -> Option<&ClusterRecord> {
        self.clusters.get(id)
    }

    /// The same, to be changed from outside.
    pub fn cluster_mut(&mut self, id: &str) -> Option<&mut ClusterRecord> {
        self.clusters.get_mut(id)
    }

    /// All clusters, in the order of their ids.
    pub fn clusters(&self) -> impl Iterator<Item = &ClusterRecord> {
        self.clusters.values()
    }

    /// Every word that this side says at the moment although the official
    /// document does not know it, so that a judge of answers can tell words
    /// that were planted from mistakes.
    pub fn unknown_words(&self) -> Vec<String> {
        let mut words: Vec<String> = self
            .clusters()
            .flat_map(ClusterRecord::unknown_words)
            .collect();
        words.sort();
        words.dedup();
        words
    }

    /// Lets a caller at a cluster. Of a deleted one the details stay, and its state
    /// says what it is (terraform-provider-cockroach pull request 95).
    fn admit(
        &mut self,
        caller: &ApiCaller,
        permission: Permission,
        id: &str,
        now: OffsetDateTime,
    ) -> Result<&mut ClusterRecord, ApiError> {
        self.keys.enter(caller, &self.habits, now)?;
        check_uuid("cluster_id", id)?;
        let is_shown = self.keys.see_clusters(caller);
        let Some(record) = self.clusters.get_mut(id).filter(|_| is_shown) else {
            return Err(errors::cluster_not_found(id));
        };
        self.keys.allow(caller, permission, id)?;
        Ok(record)
    }

    /// Lets a caller at what lies under a cluster's `networking` path. It does
    /// not exist while the cluster is being made
    /// (terraform-provider-cockroach issue 34), nor after its end.
    fn admit_networking(
        &mut self,
        caller: &ApiCaller,
        permission: Permission,
        id: &str,
        now: OffsetDateTime,
    ) -> Result<&mut ClusterRecord, ApiError> {
        let record = self.admit(caller, permission, id, now)?;
        match record.cluster.state {
            ClusterState::Created | ClusterState::Locked | ClusterState::Unknown(_) => Ok(record),
            ClusterState::Creating | ClusterState::CreationFailed | ClusterState::Deleted => {
                Err(errors::cluster_not_found(id))
            }
        }
    }

    /// The same for a change, which a locked cluster refuses.
    fn admit_change(
        &mut self,
        caller: &ApiCaller,
        permission: Permission,
        id: &str,
        now: OffsetDateTime,
    ) -> Result<&mut ClusterRecord, ApiError> {
        let lock_status = self.habits.lock_status;
        let record = self.admit_networking(caller, permission, id, now)?;
        if record.cluster.state == ClusterState::Locked {
            return Err(errors::cluster_locked(lock_status, &record.cluster.name));
        }
        Ok(record)
    }
}

/// Starts what a scenario says is under way when the world begins.
pub(crate) fn begin(world: &mut World, scenario: &Scenario) {
    for spec in &scenario.clusters {
        let Some(record) = world.cloud.clusters.get(&spec.id) else {
            continue;
        };
        let ready = match record.cluster.state {
            ClusterState::Creating => Some(world.pace.cluster_creating),
            ClusterState::Locked => Some(world.pace.cluster_locked),
            ClusterState::Created
            | ClusterState::CreationFailed
            | ClusterState::Deleted
            | ClusterState::Unknown(_) => None,
        };
        if let Some(after) = ready {
            let cluster_id = spec.id.clone();
            world.schedule(
                after,
                Happening::Cloud(CloudHappening::ClusterReady { cluster_id }),
            );
        }
        services::begin(world, &spec.id);
        lifecycle::begin(world, &spec.id);
    }
}

/// Lets happen what is due.
pub(crate) fn happen(world: &mut World, happening: CloudHappening) {
    match happening {
        CloudHappening::ClusterReady { cluster_id } => {
            if let Some(record) = world.cloud.cluster_mut(&cluster_id)
                && matches!(
                    record.cluster.state,
                    ClusterState::Creating | ClusterState::Locked
                )
            {
                record.cluster.state = ClusterState::Created;
            }
        }
        CloudHappening::ServiceAppears { cluster_id, region } => {
            services::appear(world, &cluster_id, &region);
        }
        CloudHappening::ServiceSettles { cluster_id, region } => {
            services::settle(world, &cluster_id, &region);
        }
        CloudHappening::ConnectionMoves {
            cluster_id,
            endpoint_id,
            attempt,
            step,
        } => {
            lifecycle::proceed(world, &cluster_id, &endpoint_id, attempt, step);
        }
    }
}

pub(crate) fn is_uuid(text: &str) -> bool {
    let groups = text.split('-');
    let hexadecimal = |group: &str| group.bytes().all(|b| b.is_ascii_hexdigit());
    groups.clone().map(str::len).eq([8, 4, 4, 4, 12]) && groups.clone().all(hexadecimal)
}

/// Refuses what cannot be an id of this service.
fn check_uuid(field: &str, text: &str) -> Result<(), ApiError> {
    if is_uuid(text) {
        return Ok(());
    }
    let message = format!("{field}: {text:?} is not a valid UUID");
    Err(errors::invalid(message))
}

#[cfg(test)]
mod tests;
