//! Looks at both sides once.

use shared::cloud::{Cloud, Plan as ClusterPlan};
use shared::ec2::{Endpoints, Network, SecurityGroups};
use shared::ids::SubnetId;
use shared::ownership::Origin;
use shared::plan::{ClusterFacts, NetworkPlan};
use shared::progress::{Pending, Progress, Wait};
use shared::request::ProvisionRequest;
use shared::sources::AllowedSources;
use shared::{StepError, bounds};
use time::OffsetDateTime;

use crate::price::Price;

/// What the inspections found.
#[derive(Debug, Clone)]
pub struct Found {
    /// What was asked for.
    pub request: ProvisionRequest,
    pub cluster: ClusterFacts,
    /// The network's side, and what will be made.
    pub plan: NetworkPlan,
    /// The endpoint's subnets with their zones, as far as these are known.
    pub subnets: Vec<(String, Option<String>)>,
    /// The security group, if it is there already.
    pub group: Option<String>,
}

/// What came of looking, if nothing stands in the way.
#[derive(Debug, Clone)]
pub enum Outlook {
    Planned(Box<Found>),
    NotYet {
        /// What is not ready.
        pending: Pending,
        /// Whether the cluster has no endpoint service and nobody has asked for it.
        service_missing: bool,
    },
}

/// Looks once. `prefix` is what people's tags begin with.
///
/// # Errors
/// Those of the inspections: what stands in the way, or could not be looked at.
pub async fn look(
    ec2: &(impl Network + Endpoints + SecurityGroups),
    cloud: &impl Cloud,
    allowed: &AllowedSources,
    prefix: &str,
    request: &ProvisionRequest,
    now: OffsetDateTime,
) -> Result<Outlook, StepError> {
    let wait = |limit_seconds| Wait {
        since: now,
        now,
        limit_seconds,
    };
    let connection = request.subject();
    let input = inspect_cluster::Input {
        connection: connection.clone(),
        may_request_service: false,
        wait: wait(request.limits.cluster_seconds),
    };
    let cluster = match inspect_cluster::handle(cloud, input).await? {
        Progress::Ready(cluster) => cluster,
        Progress::Pending(pending) => {
            return Ok(Outlook::NotYet {
                pending,
                service_missing: service_is_missing(cloud, request).await?,
            });
        }
    };
    let input = inspect_network::Input {
        connection,
        request: request.clone(),
        cluster: cluster.clone(),
        recorded: Vec::new(),
        endpoint_id: None,
        patient: false,
        growth: None,
        wait: wait(request.limits.network_seconds),
    };
    match inspect_network::handle(ec2, allowed, prefix, input).await? {
        Progress::Ready(plan) => {
            let found = details(ec2, request, cluster, plan).await?;
            Ok(Outlook::Planned(Box::new(found)))
        }
        Progress::Pending(pending) => Ok(Outlook::NotYet {
            pending,
            service_missing: false,
        }),
    }
}

/// Adds to a plan what a reader wants to know of it, and no later step needs.
///
/// # Errors
/// Those of EC2.
pub async fn details(
    ec2: &(impl Network + SecurityGroups),
    request: &ProvisionRequest,
    cluster: ClusterFacts,
    mut plan: NetworkPlan,
) -> Result<Found, StepError> {
    let group = match &plan.security_group {
        Some(group) => ec2.group_named(&request.vpc_id, &group.name).await?,
        None => None,
    };
    let ours = group
        .as_ref()
        .filter(|it| Origin::of(&it.tags) == Some(Origin::Made));
    if let (Some(group), Some(planned)) = (ours, &plan.security_group) {
        let rules = ec2.ingress_rules(std::slice::from_ref(&group.id)).await?;
        let (sources, claim) = (&planned.sources, request.subject().claim());
        let notes = create_security_group::notes(&group.id, &rules, sources, &claim);
        plan.notes = bounds::texts(plan.notes.into_iter().chain(notes), bounds::NOTES);
    }
    let all = ec2.subnets(&request.vpc_id).await?;
    let zone_of = |id: &SubnetId| {
        let subnet = all.iter().find(|subnet| subnet.id == *id)?;
        subnet.zone_id.as_ref().map(ToString::to_string)
    };
    let subnets = plan.endpoint.subnet_ids.iter();
    Ok(Found {
        request: request.clone(),
        cluster,
        subnets: subnets.map(|id| (id.to_string(), zone_of(id))).collect(),
        group: group.map(|group| group.id.to_string()),
        plan,
    })
}

/// Whether what is not ready is an endpoint service that must be asked for.
///
/// # Errors
/// Those of the Cloud API.
pub async fn service_is_missing(
    cloud: &impl Cloud,
    request: &ProvisionRequest,
) -> Result<bool, StepError> {
    let cluster = cloud.cluster(&request.cluster_id).await?;
    if !cluster.is_some_and(|cluster| cluster.plan == ClusterPlan::Advanced) {
        return Ok(false);
    }
    let services = cloud.endpoint_services(&request.cluster_id).await?;
    Ok(services
        .iter()
        .all(|service| service.region != request.region))
}

impl Found {
    /// Whether the endpoint is registered with the cluster and available.
    pub fn is_registered(&self) -> bool {
        let existing = self.plan.endpoint.existing.as_ref();
        existing.is_some_and(|endpoint| self.cluster.registered.contains(endpoint.as_str()))
    }

    /// What changes about the bill. An endpoint has one subnet for each zone.
    pub fn price(&self) -> Price {
        let zones = self.plan.endpoint.subnet_ids.len();
        if self.plan.endpoint.existing.is_none() {
            return Price::of(0, zones);
        }
        let change = self.plan.change.as_ref();
        let former = change.and_then(|it| it.former_endpoint.as_ref());
        Price::of(former.map_or(zones, |it| it.subnet_ids.len()), zones)
    }
}
