//! The CockroachDB Cloud API in our words: the port, and what goes through it.
//!
//! The spellings of the API stop at the adapter. A word that we do not know is
//! kept as it is and treated as *not yet* until a limit is reached, because the
//! API gains words without a new version (`STATUS_STALE` came under 2024-09-16).

use crate::StepError;
use crate::ids::{AccountId, ClusterId, EndpointId, Region, RoutingId, ServiceName, ZoneId};

pub mod errors;

/// The version of the API that all this was written against.
pub const CC_VERSION: &str = "2024-09-16";

/// The calls of the Cloud API that we use.
pub trait Cloud {
    /// The cluster, if it exists.
    async fn cluster(&self, id: &ClusterId) -> Result<Option<Cluster>, StepError>;
    /// The cluster's endpoint services, one for each region that has one.
    async fn endpoint_services(&self, id: &ClusterId) -> Result<Vec<CloudService>, StepError>;
    /// Asks for endpoint services in all regions of the cluster. Harmless when they exist.
    async fn request_endpoint_services(&self, id: &ClusterId) -> Result<(), StepError>;
    /// All registered endpoints of the cluster.
    async fn registrations(&self, id: &ClusterId) -> Result<Vec<Registration>, StepError>;
    /// Registers an endpoint. [`crate::Code::RegistrationRefused`] when the API does not take it (yet).
    async fn register(&self, id: &ClusterId, endpoint: &EndpointId) -> Result<(), StepError>;
    /// Removes a registration; absent is success.
    async fn deregister(&self, id: &ClusterId, endpoint: &EndpointId) -> Result<(), StepError>;
    /// The accounts that may connect, or `None` where the cluster keeps no such list.
    async fn trusted_owners(&self, id: &ClusterId) -> Result<Option<Vec<TrustedOwner>>, StepError>;
    /// Adds an account to the trusted owners.
    async fn trust_owner(&self, id: &ClusterId, account: &AccountId) -> Result<(), StepError>;
    /// Removes an entry of the trusted owners; absent is success.
    async fn distrust_owner(&self, id: &ClusterId, owner_id: &str) -> Result<(), StepError>;
}

/// The plan of a cluster, as far as private endpoints care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Offers no PrivateLink.
    Basic,
    /// Has its endpoint services from the start.
    Standard {
        /// What a client sends along when the host is shared between clusters.
        routing_id: Option<RoutingId>,
    },
    /// Must ask for its endpoint services.
    Advanced,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterState {
    /// Being created.
    Creating,
    /// Idle and well.
    Created,
    /// Could not be created.
    CreationFailed,
    Deleted,
    /// Another exclusive operation is running.
    Locked,
    /// A word that we do not know.
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    pub name: String,
    /// The cloud it runs on, as the API writes it: `AWS`, `GCP`, `AZURE`.
    pub cloud_provider: String,
    pub plan: Plan,
    pub state: ClusterState,
    pub regions: Vec<ClusterRegion>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRegion {
    /// The region's name, on AWS the Region code.
    pub name: String,
    /// The host that resolves through PrivateLink; the API may leave it empty.
    pub internal_dns: Option<String>,
}

/// The state of an endpoint service on the Cloud side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceStatus {
    /// Being built.
    Creating,
    /// Usable.
    Available,
    /// Could not be built.
    CreateFailed,
    /// Going away.
    Deleting,
    /// Could not be removed.
    DeleteFailed,
    /// A word that we do not know.
    Unknown(String),
}

/// The cluster's endpoint service in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudService {
    pub region: Region,
    /// The name to give to `CreateVpcEndpoint`; `None` until the API tells one.
    pub name: Option<ServiceName>,
    /// Its state.
    pub status: ServiceStatus,
    /// The zones that it is offered in.
    pub zone_ids: Vec<ZoneId>,
}

/// The state of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationStatus {
    /// Being set up.
    Pending,
    /// Waiting for acceptance; also shown for a while after it (terraform-provider-cockroach PR 60).
    PendingAcceptance,
    /// Accepted and usable.
    Available,
    /// Removed before; registering again attaches it again.
    Rejected,
    /// Being removed.
    Deleting,
    /// Removed.
    Deleted,
    /// Could not be set up.
    Failed,
    /// Not accepted in time.
    Expired,
    /// The endpoint was deleted on the AWS side; the entry stays until it is removed.
    Stale,
    /// A word that we do not know.
    Unknown(String),
}

/// The cluster's record of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    pub endpoint_id: String,
    /// How it stands.
    pub status: RegistrationStatus,
    /// The account that owns the endpoint.
    pub account: Option<String>,
}

/// The registration of an endpoint, if it is among these.
pub fn registration_of<'a>(
    endpoint: &EndpointId,
    registrations: &'a [Registration],
) -> Option<&'a Registration> {
    registrations
        .iter()
        .find(|registration| registration.endpoint_id == endpoint.as_str())
}

impl RegistrationStatus {
    /// Whether the entry is as good as absent: removed, though perhaps still listed.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Rejected | Self::Deleted)
    }
}

/// An entry of the trusted owners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedOwner {
    /// The entry's own id.
    pub id: String,
    /// The account, or `*` for everybody.
    pub account: String,
}

macro_rules! words {
    ($type:ident { $($word:literal => $variant:ident,)* }) => {
        impl $type {
            /// Reads the word as the Cloud API spells it.
            pub fn parse(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)*
                    _ => Self::Unknown(word.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($word),)*
                    Self::Unknown(word) => write!(f, "unknown word `{word}`"),
                }
            }
        }
    };
}

words!(ClusterState {
    "CREATING" => Creating,
    "CREATED" => Created,
    "CREATION_FAILED" => CreationFailed,
    "DELETED" => Deleted,
    "LOCKED" => Locked,
});
words!(ServiceStatus {
    "CREATING" => Creating,
    "AVAILABLE" => Available,
    "CREATE_FAILED" => CreateFailed,
    "DELETING" => Deleting,
    "DELETE_FAILED" => DeleteFailed,
});
words!(RegistrationStatus {
    "STATUS_PENDING" => Pending,
    "STATUS_PENDING_ACCEPTANCE" => PendingAcceptance,
    "STATUS_AVAILABLE" => Available,
    "STATUS_REJECTED" => Rejected,
    "STATUS_DELETING" => Deleting,
    "STATUS_DELETED" => Deleted,
    "STATUS_FAILED" => Failed,
    "STATUS_EXPIRED" => Expired,
    "STATUS_STALE" => Stale,
});
