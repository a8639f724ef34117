//! Private endpoint connections: the customer's endpoints that a cluster
//! knows.

use time::OffsetDateTime;

use super::access::Permission;
use super::lifecycle::{self, ConnectionStep};
use super::services::ServiceRecord;
use super::words::{CloudProvider, ConnectionStatus, Plan, ServiceStatus};
use super::{ApiCaller, SecondRegistration, aws, errors, owners};
use crate::calls::ApiError;
use crate::scenario::{ConnectionSpec, Scenario};
use crate::world::World;

/// The registration of an endpoint (Cloud API, `PrivateEndpointConnection`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub endpoint_id: String,
    pub region_name: String,
    pub cloud_provider: CloudProvider,
    /// How the cluster sees the endpoint.
    pub status: ConnectionStatus,
    /// The cloud's id of the service that the endpoint leads to.
    pub endpoint_service_id: String,
    pub service_name: String,
    /// The AWS account that owns the endpoint.
    pub external_owner_id: String,
}

/// A registration with the number of its latest change of direction.
#[derive(Debug, Clone)]
pub(super) struct ConnectionRecord {
    pub(super) connection: Connection,
    pub(super) attempt: u64,
    /// From when on it is in the list.
    pub(super) listed: OffsetDateTime,
}

impl ConnectionRecord {
    pub(super) fn from_spec(
        spec: &ConnectionSpec,
        services: &[ServiceRecord],
        scenario: &Scenario,
    ) -> Self {
        let region = spec.region.as_ref();
        let service = services
            .iter()
            .find(|service| region.is_none_or(|region| service.service.region_name == *region))
            .map(|service| &service.service);
        let from_service = |field: fn(&super::PrivateEndpointService) -> &String| {
            service.map(field).cloned().unwrap_or_default()
        };
        ConnectionRecord {
            connection: Connection {
                endpoint_id: spec.endpoint_id.clone(),
                region_name: from_service(|service| &service.region_name),
                cloud_provider: CloudProvider::Aws,
                status: spec.status.clone(),
                endpoint_service_id: from_service(|service| &service.endpoint_service_id),
                service_name: from_service(|service| &service.name),
                external_owner_id: scenario.account.clone(),
            },
            attempt: 0,
            listed: OffsetDateTime::UNIX_EPOCH,
        }
    }
}

impl World {
    /// GET `/api/v1/clusters/{cluster_id}/networking/private-endpoint-connections`.
    pub fn cloud_list_connections(
        &mut self,
        caller: &ApiCaller,
        cluster_id: &str,
    ) -> Result<Vec<Connection>, ApiError> {
        let now = self.now;
        let permission = Permission::ManagePrivateEndpoints;
        let record = self
            .cloud
            .admit_networking(caller, permission, cluster_id, now)?;
        let listed = record
            .connections
            .iter()
            .filter(|known| known.listed <= now);
        Ok(listed.map(|known| known.connection.clone()).collect())
    }

    /// POST to the same path: registers an endpoint, which must exist, be
    /// visible, lead to a service of this cluster, and belong to a trusted
    /// account. An endpoint whose registration was removed is attached again.
    pub fn cloud_add_connection(
        &mut self,
        caller: &ApiCaller,
        cluster_id: &str,
        endpoint_id: &str,
    ) -> Result<Connection, ApiError> {
        let now = self.now;
        let permission = Permission::ManagePrivateEndpoints;
        let record = self
            .cloud
            .admit_change(caller, permission, cluster_id, now)?;
        if record.cluster.plan == Plan::Basic {
            return Err(errors::invalid(
                "private endpoints are not supported for BASIC clusters",
            ));
        }
        let existing = record
            .connections()
            .find(|known| known.endpoint_id == endpoint_id)
            .cloned();
        if let Some(existing) = existing
            && let Some(answer) = self.registered_already(existing)
        {
            return answer;
        }
        let connection = self.new_connection(cluster_id, endpoint_id)?;
        lifecycle::register(self, cluster_id, connection.clone());
        Ok(connection)
    }

    /// DELETE `…/private-endpoint-connections/{endpoint_id}`.
    pub fn cloud_delete_connection(
        &mut self,
        caller: &ApiCaller,
        cluster_id: &str,
        endpoint_id: &str,
    ) -> Result<(), ApiError> {
        let now = self.now;
        let permission = Permission::ManagePrivateEndpoints;
        let record = self
            .cloud
            .admit_change(caller, permission, cluster_id, now)?;
        let connection = record.connection_mut(endpoint_id);
        let Some(connection) = connection.filter(|known| known.status != ConnectionStatus::Deleted)
        else {
            let message = format!(
                "internal call failed: private endpoint connection '{endpoint_id}' not found"
            );
            return Err(errors::error(404, message));
        };
        // A removal that is under way goes on; asking again changes nothing.
        if connection.status != ConnectionStatus::Deleting {
            connection.status = ConnectionStatus::Deleting;
            let after = self.pace.deregistration;
            lifecycle::redirect(
                self,
                cluster_id,
                endpoint_id,
                &[(after, ConnectionStep::Removed)],
            );
        }
        Ok(())
    }

    /// What registering again answers, or nothing if it begins anew.
    fn registered_already(&self, existing: Connection) -> Option<Result<Connection, ApiError>> {
        let id = &existing.endpoint_id;
        match existing.status {
            ConnectionStatus::Rejected | ConnectionStatus::Deleted => None,
            ConnectionStatus::Pending
            | ConnectionStatus::PendingAcceptance
            | ConnectionStatus::Available
            | ConnectionStatus::Unknown(_) => Some(match self.cloud.habits.second_registration {
                SecondRegistration::Repeated => Ok(existing),
                SecondRegistration::Refused => Err(errors::invalid(format!(
                    "private endpoint '{id}' is already connected"
                ))),
                SecondRegistration::Conflict => Err(errors::error(
                    409,
                    format!("private endpoint '{id}' is already connected"),
                )),
            }),
            ConnectionStatus::Deleting
            | ConnectionStatus::Failed
            | ConnectionStatus::Expired
            | ConnectionStatus::Stale => Some(Err(errors::invalid(format!(
                "private endpoint '{id}' cannot be connected while it is {}",
                existing.status.as_str(),
            )))),
        }
    }

    /// The registration of an endpoint that may be registered.
    fn new_connection(&self, cluster_id: &str, endpoint_id: &str) -> Result<Connection, ApiError> {
        let Some(record) = self.cloud.cluster(cluster_id) else {
            return Err(errors::cluster_not_found(cluster_id));
        };
        let digits = endpoint_id.strip_prefix("vpce-").unwrap_or_default();
        if !matches!(digits.len(), 8..=17) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(errors::invalid(format!(
                "endpoint_id: {endpoint_id:?} is not an AWS endpoint ID"
            )));
        }
        let not_found = || {
            let message = format!("private endpoint '{endpoint_id}' not found");
            errors::error(self.cloud.habits.unknown_endpoint_status, message)
        };
        let endpoint = aws::endpoint(self, endpoint_id).ok_or_else(not_found)?;
        let service = record
            .services
            .iter()
            .map(|service| &service.service)
            .find(|service| {
                service.name == endpoint.service_name
                    && !matches!(
                        service.status,
                        ServiceStatus::Absent
                            | ServiceStatus::Creating
                            | ServiceStatus::CreateFailed
                    )
            });
        // The cluster's side only sees endpoints that lead to its service.
        let service = service.ok_or_else(not_found)?;
        if endpoint.is_dead {
            return Err(errors::invalid(format!(
                "private endpoint '{endpoint_id}' has failed or expired and cannot be connected",
            )));
        }
        if !owners::trusts(record, &endpoint.owner) {
            return Err(errors::invalid(format!(
                "private endpoint '{endpoint_id}' belongs to an account that is not a trusted owner",
            )));
        }
        Ok(Connection {
            endpoint_id: endpoint_id.to_owned(),
            region_name: service.region_name.clone(),
            cloud_provider: service.cloud_provider.clone(),
            status: record
                .words
                .registering
                .clone()
                .unwrap_or(ConnectionStatus::Pending),
            endpoint_service_id: service.endpoint_service_id.clone(),
            service_name: service.name.clone(),
            external_owner_id: endpoint.owner,
        })
    }
}
