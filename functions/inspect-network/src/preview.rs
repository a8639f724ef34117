//! What can be told of a plan before all is known: while the cluster has no endpoint
//! service yet, and where something stands in the way. Nothing is decided by it.

use std::collections::BTreeSet;

use shared::ec2::{EndpointService, Endpoints, Network, SecurityGroups, Source, Subnet};
use shared::ids::{AccountId, EndpointId, SecurityGroupId, ServiceName, SubnetId, ZoneId};
use shared::ownership::{Origin, security_group_name};
use shared::plan::ClusterFacts;
use shared::request::ProvisionRequest;
use shared::sources::AllowedSources;
use shared::vpc_tags::TagKeys;
use shared::{Code, StepError, bounds, subnets};

use crate::{dns, existing, find_vpc, sources, trust};

/// A plan as far as it is known.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The account that owns the VPC.
    pub account_id: AccountId,
    /// The endpoint that is there and would be used.
    pub existing: Option<EndpointId>,
    /// Its service, or that of the cluster.
    pub service_name: Option<ServiceName>,
    /// The endpoint's subnets; where none is there yet, the one that it would get in each
    /// zone.
    pub subnets: Vec<(SubnetId, Option<ZoneId>)>,
    /// Whether it is known in which zones the service is offered. Until then, a new
    /// endpoint gets only those of the subnets that are in such a zone.
    pub zones_known: bool,
    /// Our security group; `None` when an endpoint keeps the groups that it has.
    pub group: Option<GroupPreview>,
    /// The account to be added to the cluster's trusted owners, if any.
    pub trust_account: Option<AccountId>,
    /// The host that private DNS will answer for.
    pub private_host: Option<String>,
    /// What the reader should know.
    pub notes: Vec<String>,
    /// The first thing that stands in the way.
    pub in_the_way: Option<StepError>,
}

/// Our security group, as far as it is known.
#[derive(Debug, Clone)]
pub struct GroupPreview {
    /// Its name, which depends on the service.
    pub name: Option<String>,
    /// The group, if it is there.
    pub id: Option<SecurityGroupId>,
    /// Who may connect; empty if something stands in the way of knowing that.
    pub sources: Vec<Source>,
}

/// The first thing that stood in the way; the others are found when it is mended.
#[derive(Default)]
struct Obstacle(Option<StepError>);

impl Obstacle {
    /// The value, unless something stands in its way.
    fn or<T>(&mut self, looked: Result<T, StepError>) -> Option<T> {
        match looked {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.get_or_insert(error);
                None
            }
        }
    }
}

/// Looks once at what does not depend on what is unknown: the cluster's side (`cluster`)
/// or its private host (`host`).
///
/// # Errors
/// If not even the VPC can be seen.
pub async fn preview(
    ec2: &(impl Network + Endpoints + SecurityGroups),
    allowed: &AllowedSources,
    prefix: &str,
    request: &ProvisionRequest,
    cluster: Option<&ClusterFacts>,
    host: Option<String>,
) -> Result<Preview, StepError> {
    let (connection, keys) = (request.subject(), TagKeys::new(prefix));
    let (claim, vpc_id) = (connection.claim(), &connection.vpc_id);
    let vpc = find_vpc(ec2, &connection).await?;
    let (mut obstacle, mut notes) = (Obstacle::default(), Vec::new());

    let acting = ec2.account().await;
    let trusted = cluster.and_then(|it| it.trusted_accounts.as_deref());
    let may_add = request.add_trusted_owner;
    let trust = trust::decide(&connection, acting.as_ref(), &vpc.owner, trusted, may_add);
    let trust_account = obstacle.or(trust).flatten();

    let endpoints = obstacle.or(ec2.endpoints(vpc_id).await).unwrap_or_default();
    let standing = match cluster {
        Some(cluster) => existing::find(&endpoints, cluster, &claim, None),
        None => endpoints
            .iter()
            .filter(|it| it.is_interface && !it.state.is_dead())
            .find(|it| claim.is_in(&it.tags)),
    };
    let service_name = match cluster {
        Some(cluster) => Some(cluster.service_name.clone()),
        None => standing.and_then(|it| it.service_name.parse().ok()),
    };
    let service = match &service_name {
        Some(name) => obstacle.or(ec2.endpoint_service(name).await).flatten(),
        None => None,
    };

    let host = match (cluster, &service) {
        (Some(cluster), Some(service)) if request.private_dns => {
            obstacle.or(dns::private_host(cluster, service))
        }
        _ => host,
    };
    if request.private_dns {
        let attributes = ec2.vpc_dns(vpc_id).await;
        obstacle.or(attributes.and_then(|it| dns::check_attributes(vpc_id, it)));
    } else {
        notes.push(dns::note_without_private_dns(host.as_deref()));
    }
    let private_host = host.filter(|_| request.private_dns);
    if let Some(host) = &private_host {
        let is_on = standing.is_some_and(|it| it.private_dns);
        // Until its name can be seen, it answers for the host at least.
        let service = service.clone().unwrap_or_else(|| EndpointService {
            zone_ids: BTreeSet::new(),
            private_dns_name: Some(host.clone()),
            private_dns_verified: true,
        });
        if !is_on {
            obstacle.or(dns::check_zones(ec2, vpc_id, &service, host, &mut notes).await);
        }
        obstacle.or(dns::check_resolver(ec2, &vpc, &service, host, is_on, &mut notes).await);
    }

    let sources = sources::decide(ec2, allowed, request, &vpc, &mut notes).await;
    let sources = obstacle.or(sources).unwrap_or_default();

    let all = obstacle.or(ec2.subnets(vpc_id).await).unwrap_or_default();
    let offered = cluster.zip(service.as_ref());
    let offered =
        offered.map(|(cluster, service)| subnets::offered(&service.zone_ids, &cluster.zone_ids));
    let subnet_ids = match standing {
        Some(found) => found.subnet_ids.clone(),
        None => candidates(&all, offered.as_ref(), request, &keys, &mut obstacle),
    };

    let name = service_name.as_ref().map(security_group_name);
    let group = match &name {
        Some(name) => obstacle.or(ec2.group_named(vpc_id, name).await).flatten(),
        None => None,
    };
    let of_others = standing.filter(|it| Origin::of(&it.tags) != Some(Origin::Made));
    let keeps_groups = match of_others {
        Some(found) => {
            let kept = existing::check_groups(ec2, found, group.as_ref(), &sources).await;
            obstacle.or(kept).unwrap_or(true)
        }
        None => false,
    };

    Ok(Preview {
        account_id: vpc.owner,
        existing: standing.map(|it| it.id.clone()),
        service_name,
        subnets: subnets::with_zones(&all, &subnet_ids),
        zones_known: standing.is_some() || offered.is_some(),
        group: (!keeps_groups).then(|| GroupPreview {
            name,
            id: group.map(|group| group.id),
            sources,
        }),
        trust_account,
        private_host,
        notes: bounds::texts(notes, bounds::NOTES),
        in_the_way: obstacle.0,
    })
}

/// The subnets that a new endpoint gets, as far as its service is offered in their zones.
fn candidates(
    all: &[Subnet],
    offered: Option<&BTreeSet<ZoneId>>,
    request: &ProvisionRequest,
    keys: &TagKeys,
    obstacle: &mut Obstacle,
) -> Vec<SubnetId> {
    let everywhere = all.iter().filter_map(|subnet| subnet.zone_id.clone());
    let everywhere: BTreeSet<ZoneId> = everywhere.collect();
    // Subnets are waited for, and nothing is in the way.
    if everywhere.is_empty() {
        return Vec::new();
    }
    let zones = offered.unwrap_or(&everywhere);
    match subnets::choose(all, zones, &request.subnet_ids, keys) {
        // That matters only if the service is offered in the zone.
        Err(error) if offered.is_none() && error.code == Code::TagValueInvalid => Vec::new(),
        choice => obstacle
            .or(choice)
            .map_or_else(Vec::new, |choice| choice.subnet_ids),
    }
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, at_once};
    use simulator::Scenario;

    use super::*;

    const HOST: &str = "internal-orders-k4x.aws-eu-west-1.cockroachlabs.cloud";

    fn seen(stage: &Stage) -> Result<Preview, StepError> {
        let allowed = AllowedSources::default();
        let (ports, request) = (&stage.ports, &stage.request);
        let looked = preview(ports, &allowed, "net", request, None, Some(HOST.to_owned()));
        let before = stage.things();
        let seen = at_once(looked);
        assert_eq!(stage.things(), before);
        seen
    }

    fn changed(change: impl FnOnce(&mut Scenario)) -> Preview {
        seen(&Stage::changed("fresh-vpc", change)).unwrap()
    }

    #[test]
    fn without_the_service_there_is_a_subnet_for_each_zone_and_all_that_stands_in_no_need_of_it() {
        let preview = changed(|_| {});
        let ids: Vec<String> = preview.subnets.iter().map(|it| it.0.to_string()).collect();
        let expected = ["a", "b", "c"].map(|end| format!("subnet-0a10000000000000{end}"));
        assert_eq!(ids, expected);
        assert!(!preview.zones_known && preview.in_the_way.is_none());
        assert_eq!(preview.private_host.as_deref(), Some(HOST));
        let group = preview.group.unwrap();
        assert_eq!((group.name, group.sources.len()), (None, 2));
    }

    #[test]
    fn what_stands_in_the_way_of_one_part_hides_no_other() {
        let preview = changed(|scenario| {
            scenario.vpcs[0].dns_hostnames = false;
            scenario.vpcs[0].hosted_zones = vec![HOST.to_owned()];
        });
        let code = preview.in_the_way.map(|error| error.code);
        assert_eq!(code, Some(Code::VpcDnsHostnamesDisabled));
        assert_eq!(preview.subnets.len(), 3);
        assert_eq!(preview.group.unwrap().sources.len(), 2);
    }

    /// Its cluster may be locked.
    #[test]
    fn an_endpoint_of_this_connection_is_found_without_the_clusters_side() {
        let preview = seen(&Stage::shipped("connected")).unwrap();
        let existing = preview.existing.unwrap();
        assert_eq!(existing.as_str(), "vpce-0a10000000000000e");
        let group = preview.group.unwrap();
        assert_eq!(group.id.unwrap().as_str(), "sg-0a10000000000000d");
        assert!(preview.zones_known && preview.service_name.is_some());
    }

    #[test]
    fn a_vpc_without_subnets_has_nothing_in_the_way() {
        let preview = changed(|scenario| scenario.vpcs[0].subnets.clear());
        assert!(preview.subnets.is_empty() && preview.in_the_way.is_none());
    }

    #[test]
    fn of_a_vpc_that_is_not_there_nothing_is_known() {
        let mut stage = Stage::shipped("fresh-vpc");
        stage.request.vpc_id = "vpc-00000000".parse().unwrap();
        assert_eq!(seen(&stage).unwrap_err().code, Code::VpcNotFound);
    }
}
