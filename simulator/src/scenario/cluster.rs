//! The CockroachDB Cloud part of a scenario, and the secrets.

use serde::Deserialize;

pub use crate::cloud::{CloudProvider, ClusterState, ConnectionStatus, Plan, ServiceStatus};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSpec {
    /// The UUID.
    pub id: String,
    pub name: String,
    pub plan: Plan,
    /// The cloud it runs on.
    #[serde(default)]
    pub cloud: CloudProvider,
    /// The state it begins in. A cluster in `creating` or `locked` becomes
    /// `created` at the pace of the world.
    #[serde(default)]
    pub state: ClusterState,
    pub regions: Vec<RegionSpec>,
    /// Where clients without a region connect, over the public network.
    pub sql_dns: Option<String>,
    /// The routing id of a Basic or Standard cluster.
    pub routing_id: Option<String>,
    /// The AWS accounts that may connect; everybody if left out. An entry `*`
    /// stands for all.
    pub trusted_owners: Option<Vec<String>>,
    /// Endpoints that are registered from the start.
    #[serde(default)]
    pub connections: Vec<ConnectionSpec>,
    /// What becomes of an endpoint that is registered.
    #[serde(default)]
    pub endpoint_outcome: EndpointOutcome,
    /// What becomes of an endpoint service that is asked for.
    #[serde(default)]
    pub service_outcome: ServiceOutcome,
    /// Words that this cluster says in place of the usual ones.
    #[serde(default)]
    pub words: WordSpec,
}

/// Words that a cluster says in place of the usual ones, known or not: the
/// service has added words without a new API version before.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WordSpec {
    /// For an endpoint that was just registered.
    pub registering: Option<ConnectionStatus>,
    /// For an endpoint that is accepted and usable.
    pub registered: Option<ConnectionStatus>,
    /// For an endpoint service that is being made.
    pub service_creating: Option<ServiceStatus>,
    /// What the cluster is doing, such as `MAINTENANCE_RUNNING`.
    pub operation_status: Option<String>,
}

/// A region of a cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionSpec {
    pub name: String,
    pub sql_dns: Option<String>,
    /// The private host. Some published answers carry an empty one.
    pub internal_dns: Option<String>,
    /// The endpoint service of this region.
    #[serde(default)]
    pub service: ServiceSpec,
}

/// The endpoint service of one region of one cluster. Names that are left out
/// are derived from the cluster.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceSpec {
    /// How it stands at the start. Left out, it is `available` for Standard
    /// clusters and `absent` for all others.
    pub status: Option<ServiceStatus>,
    pub name: Option<String>,
    pub id: Option<String>,
    /// The ids of the zones it is offered in; the scenario's zones if none.
    pub zone_ids: Vec<String>,
    /// The private DNS name of the service; the region's private host if left
    /// out, an empty text for none.
    pub private_dns_name: Option<String>,
    /// Whether the private DNS name is not verified yet.
    pub private_dns_unverified: bool,
}

/// An endpoint that a cluster knows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSpec {
    pub endpoint_id: String,
    /// How the cluster sees it.
    #[serde(default)]
    pub status: ConnectionStatus,
    /// The region of the service, if the cluster has several.
    pub region: Option<String>,
}

/// What becomes of an endpoint that is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointOutcome {
    #[default]
    Accepted,
    Rejected,
    /// It is accepted, and AWS fails to build it.
    Failed,
    /// Nobody accepts it, and it expires.
    Expired,
    /// Nobody accepts it, and nothing ever happens.
    Ignored,
    /// It is accepted, becomes available, and is rejected a while later.
    RejectedLater,
}

/// What becomes of an endpoint service that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceOutcome {
    #[default]
    Available,
    /// It cannot be made.
    CreateFailed,
    /// It is being made for ever.
    Never,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSpec {
    pub name: String,
    /// The text. A secret without one exists and has no version.
    pub value: Option<String>,
    /// Whether it is kept as bytes (`SecretBinary`), as somebody stored a file.
    #[serde(default)]
    pub binary: bool,
    /// Why it cannot be read, if it cannot.
    #[serde(default)]
    pub state: SecretState,
}

/// Whether a secret can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretState {
    /// It can.
    #[default]
    Readable,
    /// Somebody has scheduled it for deletion.
    ScheduledForDeletion,
    /// The caller has no permission to read it.
    Denied,
    /// The caller may not use the KMS key that it is encrypted with.
    Undecryptable,
}

impl std::fmt::Debug for SecretSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretSpec")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// An API key that CockroachDB Cloud knows.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySpec {
    /// The whole secret.
    pub secret: String,
    /// Its roles, in the words of the API, such as `CLUSTER_OPERATOR_WRITER`.
    #[serde(default = "operator")]
    pub roles: Vec<String>,
    /// The clusters that the roles are for; all if none.
    #[serde(default)]
    pub clusters: Vec<String>,
    /// Whether it is of another organization than the clusters.
    #[serde(default)]
    pub other_organization: bool,
}

impl std::fmt::Debug for KeySpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySpec")
            .field("roles", &self.roles)
            .field("clusters", &self.clusters)
            .field("other_organization", &self.other_organization)
            .finish_non_exhaustive()
    }
}

fn operator() -> Vec<String> {
    vec!["CLUSTER_OPERATOR_WRITER".to_owned()]
}
