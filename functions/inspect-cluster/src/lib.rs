//! Looks at the cluster's side, before anything is made.
//!
//! The cluster must be on AWS, in the Region, on a plan that offers PrivateLink
//! and in a state that can take it. Changes nothing, with one exception: an
//! Advanced cluster must be asked for its endpoint service once, and `provision`
//! lets this step ask. Asking again is harmless. There is no undo, because the
//! Cloud API has no call that deletes an endpoint service; it costs nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use shared::cloud::{
    Cloud, CloudService, Cluster, ClusterState, Plan, Registration, RegistrationStatus,
    ServiceStatus,
};
use shared::ids::{ClusterId, Region, ServiceName};
use shared::plan::ClusterFacts;
use shared::progress::{Progress, Wait};
use shared::{Code, StepError};

/// What to look at.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The cluster.
    pub cluster_id: ClusterId,
    /// The Region of the VPC.
    pub region: Region,
    /// Whether an Advanced cluster without endpoint service may be asked for one.
    pub may_request_service: bool,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// Looks once.
///
/// # Errors
/// The codes `cluster-…` and `service-…`, and those of the Cloud API.
pub async fn handle(cloud: &impl Cloud, input: Input) -> Result<Progress<ClusterFacts>, StepError> {
    let id = &input.cluster_id;
    let Some(cluster) = cloud.cluster(id).await? else {
        return Err(StepError::new(Code::ClusterNotFound, format!("the Cloud API knows no cluster {id}")));
    };
    let private_host = check_cluster(&cluster, &input.region)?;
    if let Some(awaited) = unready(&cluster) {
        return input.wait.pending(awaited, Code::ClusterNotReadyInTime);
    }

    let services = cloud.endpoint_services(id).await?;
    let service = services.iter().find(|service| service.region == input.region);
    let (service_name, zone_ids) = match look_at_service(service, &cluster, &input.region)? {
        Service::Ready(name, zone_ids) => (name, zone_ids),
        Service::NotYet(awaited) => return input.wait.pending(awaited, Code::ServiceNotReadyInTime),
        Service::Absent => {
            if input.may_request_service {
                cloud.request_endpoint_services(id).await?;
            }
            let asked = if input.may_request_service { "asked for" } else { "not asked for yet" };
            let awaited = format!("the endpoint service of {} in {} ({asked})", cluster.name, input.region);
            return input.wait.pending(awaited, Code::ServiceNotReadyInTime);
        }
    };

    // Only Advanced clusters keep a list of trusted owners (CockroachDB Cloud docs, "AWS PrivateLink").
    let trusted_accounts = match cluster.plan {
        Plan::Advanced => cloud.trusted_owners(id).await?,
        Plan::Standard { .. } | Plan::Basic => None,
    };
    let registrations = cloud.registrations(id).await?;
    Ok(Progress::Ready(ClusterFacts {
        cluster_name: cluster.name,
        service_name,
        zone_ids,
        private_host,
        routing_id: match cluster.plan {
            Plan::Standard { routing_id } => routing_id,
            Plan::Advanced | Plan::Basic => None,
        },
        // An empty list is taken for *everybody*: it is what a cluster has that
        // never used the feature.
        trusted_accounts: trusted_accounts
            .map(|owners| owners.into_iter().map(|owner| owner.account).collect::<Vec<_>>())
            .filter(|accounts| !accounts.is_empty()),
        registered: endpoints(&registrations, |status| *status == RegistrationStatus::Available),
        half_registered: endpoints(&registrations, |status| {
            *status != RegistrationStatus::Available && !status.is_gone()
        }),
    }))
}

/// Refuses a cluster that can never be reached; answers its private host in the Region.
fn check_cluster(cluster: &Cluster, region: &Region) -> Result<Option<String>, StepError> {
    let name = &cluster.name;
    let refuse = |code, why: String| Err(StepError::new(code, why));
    if cluster.cloud_provider != "AWS" {
        return refuse(Code::ClusterNotOnAws, format!("{name} runs on {}", cluster.cloud_provider));
    }
    if cluster.plan == Plan::Basic {
        return refuse(Code::ClusterPlanWithoutPrivatelink, format!("{name} is on the Basic plan"));
    }
    match &cluster.state {
        ClusterState::Deleted => return refuse(Code::ClusterDeleted, format!("{name} is deleted")),
        ClusterState::CreationFailed => {
            return refuse(Code::ClusterCreationFailed, format!("{name} could not be created"));
        }
        ClusterState::Creating | ClusterState::Created | ClusterState::Locked | ClusterState::Unknown(_) => {}
    }
    match cluster.regions.iter().find(|it| it.name == region.as_str()) {
        Some(found) => Ok(found.internal_dns.clone()),
        None => {
            let regions: Vec<&str> = cluster.regions.iter().map(|it| it.name.as_str()).collect();
            refuse(
                Code::ClusterNotInRegion,
                format!("{name} is not in {region}; it is in {}", regions.join(", ")),
            )
        }
    }
}

/// What is awaited of a cluster that is not idle.
fn unready(cluster: &Cluster) -> Option<String> {
    match &cluster.state {
        ClusterState::Created => None,
        ClusterState::Deleted | ClusterState::CreationFailed => None,
        ClusterState::Creating | ClusterState::Locked | ClusterState::Unknown(_) => {
            Some(format!("cluster {} ({})", cluster.name, cluster.state))
        }
    }
}

enum Service {
    Ready(ServiceName, BTreeSet<shared::ids::ZoneId>),
    NotYet(String),
    Absent,
}

/// How the endpoint service of the Region stands.
fn look_at_service(
    service: Option<&CloudService>,
    cluster: &Cluster,
    region: &Region,
) -> Result<Service, StepError> {
    let about = |status: &dyn std::fmt::Display| {
        format!("the endpoint service of {} in {region} ({status})", cluster.name)
    };
    let Some(service) = service else {
        return Ok(match cluster.plan {
            Plan::Advanced => Service::Absent,
            // Asking for it would be an error: Standard clusters have theirs.
            Plan::Standard { .. } | Plan::Basic => Service::NotYet(about(&"not listed yet")),
        });
    };
    match (&service.status, &service.name) {
        (ServiceStatus::Available, Some(name)) => {
            Ok(Service::Ready(name.clone(), service.zone_ids.iter().cloned().collect()))
        }
        (ServiceStatus::Available, None) => Ok(Service::NotYet(about(&"available, without a name yet"))),
        (status @ (ServiceStatus::Creating | ServiceStatus::Unknown(_)), _) => {
            Ok(Service::NotYet(about(status)))
        }
        (
            status @ (ServiceStatus::CreateFailed | ServiceStatus::Deleting | ServiceStatus::DeleteFailed),
            _,
        ) => Err(StepError::new(Code::ServiceCreationFailed, about(status))),
    }
}

fn endpoints(
    registrations: &[Registration],
    wanted: impl Fn(&RegistrationStatus) -> bool,
) -> BTreeSet<String> {
    registrations
        .iter()
        .filter(|registration| wanted(&registration.status))
        .map(|registration| registration.endpoint_id.clone())
        .collect()
}
