//! Looks at both sides: once, or until all is known.

use inspect_network::Preview;
use serde::Serialize;
use shared::cloud::{Cloud, ClusterState, Plan as ClusterPlan};
use shared::ec2::{Endpoint, Endpoints, Network, SecurityGroup, SecurityGroups, Source};
use shared::ids::{SubnetId, ZoneId};
use shared::ownership::Origin;
use shared::plan::{ClusterFacts, NetworkPlan};
use shared::progress::{Growth, Pending, Progress, Wait};
use shared::request::ProvisionRequest;
use shared::sources::AllowedSources;
use shared::{StepError, StepErrorName, bounds, subnets};
use time::OffsetDateTime;

/// What is looked at, and by which rules.
pub struct Sides<'a, E, C> {
    pub ec2: &'a E,
    pub cloud: &'a C,
    pub allowed: &'a AllowedSources,
    /// What people's tags begin with.
    pub prefix: &'a str,
}

/// A side that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Cluster,
    Network,
}

/// Who looks: when, how often, and what is told on the way.
pub trait Looks {
    /// The time.
    fn now(&self) -> OffsetDateTime;
    /// Whether a side that is not ready is looked at again.
    fn is_patient(&self) -> bool;
    /// A look begins.
    fn begins(&mut self, side: Side);
    /// What it has found: a [`Progress`].
    fn found(&mut self, side: Side, progress: &impl Serialize);
    /// Waits until the next look.
    async fn pause(&mut self, seconds: u64);
}

/// One look at each side, at this time.
pub struct Once(pub OffsetDateTime);

impl Looks for Once {
    fn now(&self) -> OffsetDateTime {
        self.0
    }

    fn is_patient(&self) -> bool {
        false
    }

    fn begins(&mut self, _: Side) {}

    fn found(&mut self, _: Side, _: &impl Serialize) {}

    async fn pause(&mut self, _: u64) {}
}

/// All that an execution would begin with.
#[derive(Debug, Clone)]
pub struct Found {
    pub cluster: ClusterFacts,
    /// The network's side, and what will be made.
    pub plan: NetworkPlan,
    /// The endpoint's subnets with their zones, as far as these are known.
    pub subnets: Vec<(SubnetId, Option<ZoneId>)>,
    /// The endpoint as it is, if it is there already.
    pub endpoint: Option<Endpoint>,
    /// The security group as it is, if it is there already.
    pub group: Option<SecurityGroup>,
    /// The planned sources that this group has no rule for.
    pub sources_missing: Vec<Source>,
}

/// What is known while not all is.
#[derive(Debug, Clone)]
pub struct Partly {
    pub cluster_name: Option<String>,
    /// The endpoints that are registered with the cluster and available, once that can be
    /// seen.
    pub registered: Option<Vec<String>>,
    pub network: Preview,
}

/// How much is known.
#[derive(Debug, Clone)]
pub enum Known {
    All(Box<Found>),
    Part(Box<Partly>),
    Nothing,
}

/// What came of looking.
#[derive(Debug, Clone)]
pub struct Outlook {
    /// What was asked for.
    pub request: ProvisionRequest,
    pub known: Known,
    /// What is not ready.
    pub pending: Option<Pending>,
    /// Whether the cluster has no endpoint service and nobody has asked for it.
    pub service_missing: bool,
    /// What stands in the way, or could not be looked at.
    pub in_the_way: Option<StepError>,
}

/// Looks at both sides by the inspections that an execution begins with, and says what is
/// known. `may_request_service` allows the only change: asking an Advanced cluster for its
/// endpoint service.
pub async fn look<E, C>(
    sides: &Sides<'_, E, C>,
    request: &ProvisionRequest,
    may_request_service: bool,
    looks: &mut impl Looks,
) -> Outlook
where
    E: Network + Endpoints + SecurityGroups,
    C: Cloud,
{
    let mut outlook = Outlook {
        request: request.clone(),
        known: Known::Nothing,
        pending: None,
        service_missing: false,
        in_the_way: None,
    };
    let cluster = match at_the_cluster(sides, request, may_request_service, looks).await {
        Ok(Progress::Ready(cluster)) => Some(cluster),
        Ok(Progress::Pending(pending)) => {
            outlook.pending = Some(pending);
            None
        }
        Err(error) => {
            outlook.in_the_way = Some(error);
            None
        }
    };
    if let Some(cluster) = &cluster {
        match in_the_network(sides, request, cluster, looks).await {
            Ok(Progress::Ready(found)) => {
                outlook.known = Known::All(Box::new(found));
                return outlook;
            }
            Ok(Progress::Pending(pending)) => outlook.pending = Some(pending),
            Err(error) => outlook.in_the_way = Some(error),
        }
    }
    // A side that does not answer is not asked for more.
    if outlook.in_the_way.as_ref().is_none_or(is_an_answer)
        && let Err(error) = outlook.learn(sides, cluster.as_ref()).await
    {
        outlook.in_the_way.get_or_insert(error);
    }
    outlook.service_missing &= outlook.pending.is_some() && !may_request_service;
    outlook
}

/// Whether the other side has said no, other than nothing that we understand.
fn is_an_answer(error: &StepError) -> bool {
    match error.name() {
        StepErrorName::InvalidInput | StepErrorName::Denied | StepErrorName::Rejected => true,
        StepErrorName::Transient | StepErrorName::Unexpected => false,
    }
}

async fn at_the_cluster<E, C: Cloud>(
    sides: &Sides<'_, E, C>,
    request: &ProvisionRequest,
    may_request_service: bool,
    looks: &mut impl Looks,
) -> Result<Progress<ClusterFacts>, StepError> {
    let look = async |wait: Wait, _: Option<Growth>| {
        let input = inspect_cluster::Input {
            connection: request.subject(),
            may_request_service,
            wait,
        };
        // Boxed, because futures that call the SDK nest deeper than the compiler
        // wants to look.
        Box::pin(inspect_cluster::handle(sides.cloud, input)).await
    };
    // What nobody has asked for does not come by waiting.
    let is_vain = async || {
        let is_missing = !may_request_service
            && Box::pin(cluster_so_far(sides.cloud, request))
                .await?
                .service_missing;
        Ok::<bool, StepError>(is_missing)
    };
    let limit = request.limits.cluster_seconds;
    until_ready(Side::Cluster, limit, looks, look, is_vain).await
}

async fn in_the_network<E, C>(
    sides: &Sides<'_, E, C>,
    request: &ProvisionRequest,
    cluster: &ClusterFacts,
    looks: &mut impl Looks,
) -> Result<Progress<Found>, StepError>
where
    E: Network + Endpoints + SecurityGroups,
{
    let patient = looks.is_patient();
    let look = async |wait: Wait, growth: Option<Growth>| {
        let input = inspect_network::Input {
            connection: request.subject(),
            request: request.clone(),
            cluster: cluster.clone(),
            recorded: Vec::new(),
            endpoint_id: None,
            patient,
            growth,
            wait,
        };
        let (allowed, prefix) = (sides.allowed, sides.prefix);
        Box::pin(inspect_network::handle(sides.ec2, allowed, prefix, input)).await
    };
    let never = async || Ok::<bool, StepError>(false);
    let limit = request.limits.network_seconds;
    match until_ready(Side::Network, limit, looks, look, never).await? {
        Progress::Ready(plan) => {
            let found = Box::pin(details(sides.ec2, request, cluster.clone(), plan)).await?;
            Ok(Progress::Ready(found))
        }
        Progress::Pending(pending) => Ok(Progress::Pending(pending)),
    }
}

/// Looks at a side once or, if who looks is patient, until it is ready, the limit is
/// reached, or waiting is in vain.
async fn until_ready<T: Serialize>(
    side: Side,
    limit_seconds: u64,
    looks: &mut impl Looks,
    look: impl AsyncFn(Wait, Option<Growth>) -> Result<Progress<T>, StepError>,
    is_vain: impl AsyncFn() -> Result<bool, StepError>,
) -> Result<Progress<T>, StepError> {
    let since = looks.now();
    let mut last: Option<Pending> = None;
    loop {
        looks.begins(side);
        let wait = Wait {
            since,
            now: looks.now(),
            limit_seconds,
        };
        let progress = match look(wait, last.as_ref().and_then(|it| it.growth)).await {
            // A side that has answered before will answer again.
            Err(error) if last.is_some() && error.name() == StepErrorName::Transient => {
                wait.pending(error.detail, error.code)?
            }
            looked => looked?,
        };
        looks.found(side, &progress);
        let pending = match progress {
            Progress::Pending(pending) if looks.is_patient() => pending,
            progress @ (Progress::Ready(_) | Progress::Pending(_)) => return Ok(progress),
        };
        if matches!(is_vain().await, Ok(true)) {
            return Ok(Progress::Pending(pending));
        }
        looks.pause(pending.wait_seconds).await;
        last = Some(pending);
    }
}

/// Adds to a plan what a reader wants to know of it, and no later step needs.
async fn details(
    ec2: &(impl Network + Endpoints + SecurityGroups),
    request: &ProvisionRequest,
    cluster: ClusterFacts,
    mut plan: NetworkPlan,
) -> Result<Found, StepError> {
    let endpoint = match &plan.endpoint.existing {
        Some(id) => ec2.endpoint(id).await?,
        None => None,
    };
    let group = match &plan.security_group {
        Some(group) => ec2.group_named(&request.vpc_id, &group.name).await?,
        None => None,
    };
    let mut sources_missing = Vec::new();
    let ours = group
        .as_ref()
        .filter(|it| Origin::of(&it.tags) == Some(Origin::Made));
    if let (Some(group), Some(planned)) = (ours, &plan.security_group) {
        let rules = ec2.ingress_rules(std::slice::from_ref(&group.id)).await?;
        let (sources, claim) = (&planned.sources, request.subject().claim());
        let notes = create_security_group::notes(&group.id, &rules, sources, &claim);
        plan.notes = bounds::texts(plan.notes.into_iter().chain(notes), bounds::NOTES);
        sources_missing = create_security_group::missing(&rules, sources, &claim);
    }
    let all = ec2.subnets(&request.vpc_id).await?;
    Ok(Found {
        cluster,
        subnets: subnets::with_zones(&all, &plan.endpoint.subnet_ids),
        endpoint,
        group,
        sources_missing,
        plan,
    })
}

/// What the Cloud API tells of a cluster that cannot be used yet.
#[derive(Default)]
struct ClusterSoFar {
    name: Option<String>,
    private_host: Option<String>,
    service_missing: bool,
}

async fn cluster_so_far(
    cloud: &impl Cloud,
    request: &ProvisionRequest,
) -> Result<ClusterSoFar, StepError> {
    let Some(cluster) = cloud.cluster(&request.cluster_id).await? else {
        return Ok(ClusterSoFar::default());
    };
    // Until then the list is not to be had.
    let may_ask = cluster.plan == ClusterPlan::Advanced && cluster.state == ClusterState::Created;
    let service_missing = may_ask && {
        let services = cloud.endpoint_services(&request.cluster_id).await?;
        let mut services = services.iter();
        services.all(|service| service.region != request.region)
    };
    let here = |name: &str| name == request.region.as_str();
    let mut regions = cluster.regions.into_iter();
    let region = regions.find(|region| here(&region.name));
    Ok(ClusterSoFar {
        name: Some(cluster.name),
        private_host: region.and_then(|region| region.internal_dns),
        service_missing,
    })
}

impl Outlook {
    /// Nothing was looked at, because of this.
    pub fn refused(request: &ProvisionRequest, error: StepError) -> Self {
        Self {
            request: request.clone(),
            known: Known::Nothing,
            pending: None,
            service_missing: false,
            in_the_way: Some(error),
        }
    }

    /// Finds out what can be known without the rest.
    async fn learn<E, C>(
        &mut self,
        sides: &Sides<'_, E, C>,
        cluster: Option<&ClusterFacts>,
    ) -> Result<(), StepError>
    where
        E: Network + Endpoints + SecurityGroups,
        C: Cloud,
    {
        let so_far = match cluster {
            Some(cluster) => ClusterSoFar {
                name: Some(cluster.cluster_name.clone()),
                private_host: cluster.private_host.clone(),
                service_missing: false,
            },
            None => {
                let so_far = Box::pin(cluster_so_far(sides.cloud, &self.request)).await;
                match (so_far, &self.in_the_way) {
                    (Ok(so_far), _) => so_far,
                    // It has refused before, and that is said.
                    (Err(_), Some(_)) => ClusterSoFar::default(),
                    (Err(error), None) => return Err(error),
                }
            }
        };
        self.service_missing = so_far.service_missing;
        let network = inspect_network::preview(
            sides.ec2,
            sides.allowed,
            sides.prefix,
            &self.request,
            cluster,
            so_far.private_host,
        );
        let mut network = Box::pin(network).await?;
        if let Some(error) = network.in_the_way.take() {
            self.in_the_way.get_or_insert(error);
        }
        let registered = match cluster {
            Some(cluster) => Some(cluster.registered.iter().cloned().collect()),
            // Nothing can be registered before there is a service.
            None => so_far.service_missing.then(Vec::new),
        };
        self.known = Known::Part(Box::new(Partly {
            cluster_name: so_far.name,
            registered,
            network,
        }));
        Ok(())
    }
}
