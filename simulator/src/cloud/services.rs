//! Private endpoint services: Cockroach's side, one AWS endpoint service per
//! region of a cluster.

use std::time::Duration;

use super::access::Permission;
use super::cluster::Cluster;
use super::words::{CloudProvider, ClusterState, Plan, ServiceStatus};
use super::{ApiCaller, CloudHappening, aws, errors};
use crate::calls::ApiError;
use crate::scenario::{RegionSpec, Scenario, ServiceOutcome, ZoneSpec};
use crate::splitmix::{fold, mix};
use crate::world::{Happening, World};

/// An endpoint service (Cloud API, `PrivateEndpointService`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateEndpointService {
    pub region_name: String,
    pub cloud_provider: CloudProvider,
    pub status: ServiceStatus,
    /// The service name that an endpoint is made for.
    pub name: String,
    /// The cloud's id of the service.
    pub endpoint_service_id: String,
    /// Ids of the availability zones, which are the same in all accounts.
    pub availability_zone_ids: Vec<String>,
}

/// A service with what only AWS tells about it.
#[derive(Debug, Clone)]
pub(super) struct ServiceRecord {
    pub(super) service: PrivateEndpointService,
    pub(super) private_dns_name: Option<String>,
    pub(super) private_dns_verified: bool,
    asked: bool,
}

impl ServiceRecord {
    pub(super) fn new(cluster: &Cluster, region: &RegionSpec, scenario: &Scenario) -> Self {
        let spec = &region.service;
        let id = spec.id.clone().unwrap_or_else(|| {
            let seed = fold(&cluster.id) ^ mix(fold(&region.name));
            format!("vpce-svc-0{:016x}", mix(seed))
        });
        let name = spec
            .name
            .clone()
            .unwrap_or_else(|| match cluster.cloud_provider {
                CloudProvider::Aws => format!("com.amazonaws.vpce.{}.{id}", region.name),
                CloudProvider::Gcp | CloudProvider::Azure | CloudProvider::Unknown(_) => id.clone(),
            });
        let zones = zone_ids(region, scenario);
        let at_start = match cluster.plan {
            Plan::Standard => ServiceStatus::Available,
            Plan::Basic | Plan::Advanced | Plan::Unknown(_) => ServiceStatus::Absent,
        };
        let host = cluster
            .regions
            .iter()
            .find(|known| known.name == region.name);
        let private_dns_name = spec.private_dns_name.clone();
        ServiceRecord {
            service: PrivateEndpointService {
                region_name: region.name.clone(),
                cloud_provider: cluster.cloud_provider.clone(),
                status: spec.status.clone().unwrap_or(at_start),
                name,
                endpoint_service_id: id,
                availability_zone_ids: zones,
            },
            private_dns_name: private_dns_name
                .or_else(|| host.map(|host| host.internal_dns.clone()))
                .filter(|name| !name.is_empty()),
            private_dns_verified: !spec.private_dns_unverified,
            asked: false,
        }
    }

    fn is_listed(&self) -> bool {
        self.service.status != ServiceStatus::Absent
    }
}

/// Where a service is offered if the scenario does not say: in all ordinary
/// zones of its region.
fn zone_ids(region: &RegionSpec, scenario: &Scenario) -> Vec<String> {
    if !region.service.zone_ids.is_empty() {
        return region.service.zone_ids.clone();
    }
    let usual = ZoneSpec::usual(&region.name);
    let zones = if region.name == scenario.region {
        &scenario.zones
    } else {
        &usual
    };
    let ordinary = zones.iter().filter(|zone| zone.kind == "availability-zone");
    ordinary.map(|zone| zone.id.clone()).collect()
}

impl World {
    /// GET `/api/v1/clusters/{cluster_id}/networking/private-endpoint-services`.
    /// The list may be empty, and regions show up one after another.
    pub fn cloud_list_services(
        &mut self,
        caller: &ApiCaller,
        cluster_id: &str,
    ) -> Result<Vec<PrivateEndpointService>, ApiError> {
        let now = self.now;
        let permission = Permission::ManagePrivateEndpoints;
        let record = self
            .cloud
            .admit_networking(caller, permission, cluster_id, now)?;
        let listed = record.services.iter().filter(|service| service.is_listed());
        Ok(listed.map(|service| service.service.clone()).collect())
    }

    /// POST to the same path: asks for the services of all regions at once. It
    /// is harmless to repeat, and an error for plans that have services from
    /// the start or none at all (terraform-provider-cockroach,
    /// `private_endpoint_services_resource.go`).
    pub fn cloud_create_services(
        &mut self,
        caller: &ApiCaller,
        cluster_id: &str,
    ) -> Result<Vec<PrivateEndpointService>, ApiError> {
        let now = self.now;
        let permission = Permission::ManagePrivateEndpoints;
        let record = self
            .cloud
            .admit_networking(caller, permission, cluster_id, now)?;
        match record.cluster.plan {
            Plan::Advanced | Plan::Unknown(_) => {}
            Plan::Basic | Plan::Standard => {
                return Err(errors::invalid(format!(
                    "private endpoint services cannot be created for {} clusters",
                    record.cluster.plan.as_str(),
                )));
            }
        }
        let asks = |service: &&mut ServiceRecord| !service.asked && !service.is_listed();
        let wanted = record
            .services
            .iter()
            .any(|service| !service.asked && !service.is_listed());
        if wanted && record.cluster.state == ClusterState::Locked {
            let name = record.cluster.name.clone();
            return Err(errors::cluster_locked(self.cloud.habits.lock_status, &name));
        }
        let mut regions = Vec::new();
        for service in record.services.iter_mut().filter(asks) {
            service.asked = true;
            regions.push(service.service.region_name.clone());
        }
        for (place, region) in regions.iter().enumerate() {
            self.schedule_service(cluster_id, region, place);
        }
        let listed = self
            .cloud
            .cluster(cluster_id)
            .into_iter()
            .flat_map(|record| &record.services);
        let listed = listed.filter(|service| service.is_listed());
        Ok(listed.map(|service| service.service.clone()).collect())
    }

    /// The first region shows up at once, each further one a while later
    /// (terraform-provider-cockroach, pull request 221).
    fn schedule_service(&mut self, cluster_id: &str, region: &str, place: usize) {
        let whole = self.pace.service_creating;
        let delay = (whole / 4).saturating_mul(u32::try_from(place).unwrap_or(u32::MAX));
        if place == 0 {
            appear(self, cluster_id, region);
        } else {
            self.schedule_for_service(delay, cluster_id, region, true);
        }
        let never = self
            .cloud
            .cluster(cluster_id)
            .is_some_and(|record| record.service_outcome == ServiceOutcome::Never);
        if !never {
            self.schedule_for_service(delay + whole, cluster_id, region, false);
        }
    }

    fn schedule_for_service(
        &mut self,
        after: Duration,
        cluster_id: &str,
        region: &str,
        appears: bool,
    ) {
        let (cluster_id, region) = (cluster_id.to_owned(), region.to_owned());
        let happening = if appears {
            CloudHappening::ServiceAppears { cluster_id, region }
        } else {
            CloudHappening::ServiceSettles { cluster_id, region }
        };
        self.schedule(after, Happening::Cloud(happening));
    }
}

/// Starts what is under way when the world begins.
pub(super) fn begin(world: &mut World, cluster_id: &str) {
    let Some(record) = world.cloud.cluster(cluster_id) else {
        return;
    };
    let outcome = record.service_outcome;
    let services: Vec<(String, ServiceStatus)> = record
        .services
        .iter()
        .map(|service| {
            (
                service.service.region_name.clone(),
                service.service.status.clone(),
            )
        })
        .collect();
    for (region, status) in services {
        match status {
            ServiceStatus::Creating if outcome != ServiceOutcome::Never => {
                let after = world.pace.service_creating;
                world.schedule_for_service(after, cluster_id, &region, false);
            }
            ServiceStatus::Available | ServiceStatus::Deleting | ServiceStatus::DeleteFailed => {
                aws::publish(world, cluster_id, &region);
            }
            ServiceStatus::Absent
            | ServiceStatus::Creating
            | ServiceStatus::CreateFailed
            | ServiceStatus::Unknown(_) => {}
        }
    }
}

/// A service that was asked for shows up in the list.
pub(super) fn appear(world: &mut World, cluster_id: &str, region: &str) {
    let Some(record) = world.cloud.cluster_mut(cluster_id) else {
        return;
    };
    let word = record
        .words
        .service_creating
        .clone()
        .unwrap_or(ServiceStatus::Creating);
    let mut services = record.services.iter_mut();
    if let Some(service) = services.find(|service| service.service.region_name == region)
        && !service.is_listed()
    {
        service.service.status = word;
    }
}

/// A service that was being made is made, or is not.
pub(super) fn settle(world: &mut World, cluster_id: &str, region: &str) {
    let Some(record) = world.cloud.cluster_mut(cluster_id) else {
        return;
    };
    let word = match record.service_outcome {
        ServiceOutcome::Available => ServiceStatus::Available,
        ServiceOutcome::CreateFailed => ServiceStatus::CreateFailed,
        ServiceOutcome::Never => return,
    };
    let made = word != ServiceStatus::CreateFailed;
    let mut services = record.services.iter_mut();
    let Some(service) = services.find(|service| service.service.region_name == region) else {
        return;
    };
    service.service.status = word;
    if made {
        aws::publish(world, cluster_id, region);
    }
}
