//! Clusters, and the operation that reads one.

use time::{Duration, OffsetDateTime};

use super::access::Permission;
use super::connections::ConnectionRecord;
use super::owners::{self, TrustedOwner};
use super::services::ServiceRecord;
use super::words::{CloudProvider, ClusterState, Plan};
use super::{ApiCaller, Connection};
use crate::calls::ApiError;
use crate::scenario::{
    ClusterSpec, EndpointOutcome, RegionSpec, Scenario, ServiceOutcome, WordSpec,
};
use crate::splitmix::fold;
use crate::world::World;

/// What the service tells about a cluster (Cloud API, `Cluster`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The UUID.
    pub id: String,
    pub name: String,
    pub plan: Plan,
    pub cloud_provider: CloudProvider,
    pub state: ClusterState,
    /// What the cluster is doing; informational.
    pub operation_status: String,
    /// The public host of the whole cluster.
    pub sql_dns: String,
    /// The cloud account of the cluster, which belongs to Cockroach Labs.
    pub account_id: String,
    /// The routing id, present for plans without dedicated hardware. Whether
    /// it is present tells `config.serverless` from `config.dedicated`.
    pub routing_id: Option<String>,
    pub regions: Vec<Region>,
    pub created_at: OffsetDateTime,
    pub deleted_at: Option<OffsetDateTime>,
}

/// A region of a cluster (Cloud API, `Region`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    pub name: String,
    pub sql_dns: String,
    /// The host of the DB Console.
    pub ui_dns: String,
    /// The private host, which may be an empty text
    /// (cockroachdb/docs, `egress-perimeter-controls.md`).
    pub internal_dns: String,
    /// The number of nodes, 0 for plans without dedicated hardware.
    pub node_count: u32,
}

/// A cluster with everything that belongs to it.
#[derive(Debug, Clone)]
pub struct ClusterRecord {
    /// What the service tells about it.
    pub cluster: Cluster,
    /// The AWS accounts that may connect; everybody if `None`.
    pub trusted_owners: Option<Vec<TrustedOwner>>,
    /// What becomes of an endpoint that is registered.
    pub endpoint_outcome: EndpointOutcome,
    /// What becomes of an endpoint service that is asked for.
    pub service_outcome: ServiceOutcome,
    /// Words that the cluster says in place of the usual ones.
    pub words: WordSpec,
    pub(super) services: Vec<ServiceRecord>,
    pub(super) connections: Vec<ConnectionRecord>,
    pub(super) attempts: u64,
}

impl ClusterRecord {
    pub(super) fn new(spec: &ClusterSpec, scenario: &Scenario, now: OffsetDateTime) -> Self {
        let cluster = Cluster::new(spec, now);
        let services: Vec<ServiceRecord> = spec
            .regions
            .iter()
            .map(|region| ServiceRecord::new(&cluster, region, scenario))
            .collect();
        let connections = spec.connections.iter();
        ClusterRecord {
            connections: connections
                .map(|connection| ConnectionRecord::from_spec(connection, &services, scenario))
                .collect(),
            services,
            trusted_owners: spec
                .trusted_owners
                .as_ref()
                .map(|accounts| owners::from_spec(&spec.id, accounts, now)),
            cluster,
            endpoint_outcome: spec.endpoint_outcome,
            service_outcome: spec.service_outcome,
            words: spec.words.clone(),
            attempts: 0,
        }
    }

    /// The registrations, in the order in which they were made.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.iter().map(|record| &record.connection)
    }

    /// The registration of an endpoint, to be changed from outside.
    pub fn connection_mut(&mut self, endpoint_id: &str) -> Option<&mut Connection> {
        let mut connections = self
            .connections
            .iter_mut()
            .map(|record| &mut record.connection);
        connections.find(|connection| connection.endpoint_id == endpoint_id)
    }

    /// Makes the registration of an endpoint vanish without a trace, as if
    /// somebody had removed it in the console a while ago.
    pub fn forget_connection(&mut self, endpoint_id: &str) {
        self.connections
            .retain(|record| record.connection.endpoint_id != endpoint_id);
    }

    pub(super) fn unknown_words(&self) -> Vec<String> {
        let services = self.services.iter().map(|service| &service.service.status);
        let services = services
            .filter(|word| !word.is_known())
            .map(|word| word.as_str().to_owned());
        let connections = self.connections().map(|connection| &connection.status);
        let connections = connections
            .filter(|word| !word.is_known())
            .map(|word| word.as_str().to_owned());
        let cluster = &self.cluster;
        let state = (!cluster.state.is_known()).then(|| cluster.state.as_str().to_owned());
        let plan = (!cluster.plan.is_known()).then(|| cluster.plan.as_str().to_owned());
        let cloud = (!cluster.cloud_provider.is_known())
            .then(|| cluster.cloud_provider.as_str().to_owned());
        let doing = self.words.operation_status.clone();
        services
            .chain(connections)
            .chain(state)
            .chain(plan)
            .chain(cloud)
            .chain(doing)
            .collect()
    }
}

impl Cluster {
    fn new(spec: &ClusterSpec, now: OffsetDateTime) -> Cluster {
        let dedicated = match spec.plan {
            Plan::Advanced | Plan::Unknown(_) => true,
            Plan::Basic | Plan::Standard => false,
        };
        let routing_id = spec.routing_id.clone();
        let regions: Vec<Region> = spec
            .regions
            .iter()
            .map(|region| Region::new(spec, region, dedicated))
            .collect();
        let sql_dns = spec
            .sql_dns
            .clone()
            .or_else(|| regions.first().map(|first| first.sql_dns.clone()));
        Cluster {
            id: spec.id.clone(),
            name: spec.name.clone(),
            plan: spec.plan.clone(),
            cloud_provider: spec.cloud.clone(),
            state: spec.state.clone(),
            operation_status: spec
                .words
                .operation_status
                .clone()
                .unwrap_or_else(|| "UNSPECIFIED".to_owned()),
            sql_dns: sql_dns.unwrap_or_default(),
            account_id: if dedicated {
                account_of(&spec.id)
            } else {
                String::new()
            },
            routing_id: (!dedicated).then(|| {
                routing_id.unwrap_or_else(|| format!("{}-{}", spec.name, fold(&spec.id) % 10_000))
            }),
            regions,
            created_at: now - Duration::days(30),
            deleted_at: (spec.state == ClusterState::Deleted).then(|| now - Duration::days(1)),
        }
    }
}

impl Region {
    fn new(cluster: &ClusterSpec, spec: &RegionSpec, dedicated: bool) -> Region {
        let host = host(cluster, spec);
        Region {
            name: spec.name.clone(),
            ui_dns: if dedicated {
                format!("admin-{host}")
            } else {
                String::new()
            },
            internal_dns: spec
                .internal_dns
                .clone()
                .unwrap_or_else(|| format!("internal-{host}")),
            sql_dns: host,
            node_count: if dedicated { 3 } else { 0 },
        }
    }
}

/// The public host of a region. The private one is the same with the prefix
/// `internal-` (Cloud API, example of `Cluster`).
fn host(cluster: &ClusterSpec, region: &RegionSpec) -> String {
    region.sql_dns.clone().unwrap_or_else(|| {
        let short = fold(&cluster.id) & 0xf_ffff;
        let cloud = cluster.cloud.as_str().to_ascii_lowercase();
        format!(
            "{}-{short:05x}.{cloud}-{}.cockroachlabs.cloud",
            cluster.name, region.name
        )
    })
}

/// An AWS account number that stands for the account of a cluster.
pub(super) fn account_of(cluster_id: &str) -> String {
    format!("{:012}", fold(cluster_id) % 1_000_000_000_000)
}

impl World {
    /// GET `/api/v1/clusters/{cluster_id}`.
    pub fn cloud_get_cluster(&mut self, caller: &ApiCaller, id: &str) -> Result<Cluster, ApiError> {
        let now = self.now;
        let record = self
            .cloud
            .admit(caller, Permission::ReadClusters, id, now)?;
        Ok(record.cluster.clone())
    }
}
