//! What EC2 shows: asked for all connections of a place together.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use shared::StepError;
use shared::cidr::Cidr;
use shared::ec2::resolver::{self, PrivateName};
use shared::ec2::{
    Endpoint, Endpoints, IngressRule, Network, NetworkAcl, SecurityGroups, Subnet, VpcDns,
};
use shared::ids::{AccountId, ServiceName, VpcId, ZoneId};
use shared::ledger::Connection;
use shared::place::{Place, Places};
use shared::surroundings::Remark;
use shared::vpc_tags::TagKeys;

use crate::zones;

/// One place: its endpoints and VPCs, or why it could not be looked at.
pub(crate) type Seen = Result<PlaceSeen, StepError>;

/// What was seen in one place.
#[derive(Debug, Clone)]
pub(crate) struct PlaceSeen {
    /// Those of the connections' endpoints that exist.
    pub(crate) endpoints: Vec<Endpoint>,
    /// The inbound rules of all groups of these endpoints.
    pub(crate) rules: Vec<IngressRule>,
    /// The connections' VPCs. One that is gone or cannot be asked is no reason to
    /// know nothing about the others.
    pub(crate) vpcs: BTreeMap<VpcId, Result<Option<VpcSeen>, StepError>>,
    /// The network ACLs of the endpoints' subnets; `None` if nobody may ask. Not to see
    /// them is no reason to know nothing of the rest.
    pub(crate) acls: Result<Option<Vec<NetworkAcl>>, StepError>,
    /// The DNS servers of the VPCs' DHCP options, likewise.
    pub(crate) dns_servers: Result<Option<BTreeMap<String, Vec<String>>>, StepError>,
    /// What takes private hosts away from private DNS, and what of it could not be looked
    /// at.
    pub(crate) names: BTreeMap<PrivateName, Vec<Remark>>,
    /// The zones in which services are offered here, of those services whose endpoints
    /// could be in more zones.
    pub(crate) offered: BTreeMap<ServiceName, Result<BTreeSet<ZoneId>, StepError>>,
}

impl PlaceSeen {
    /// The connection's endpoint, if it is there.
    pub(crate) fn endpoint_of(&self, connection: &Connection) -> Option<&Endpoint> {
        let id = connection.endpoint()?;
        self.endpoints.iter().find(|endpoint| endpoint.id == *id)
    }

    /// The connection's VPC, if it was seen.
    fn vpc_of(&self, connection: &Connection) -> Option<&VpcSeen> {
        self.vpcs.get(&connection.vpc_id)?.as_ref().ok()?.as_ref()
    }
}

fn once_each<'a, T: Clone + Ord + 'a>(all: impl Iterator<Item = &'a T>) -> Vec<T> {
    let each: BTreeSet<&T> = all.collect();
    each.into_iter().cloned().collect()
}

/// What was seen of one VPC.
#[derive(Debug, Clone)]
pub(crate) struct VpcSeen {
    pub(crate) owner: AccountId,
    pub(crate) cidrs: Vec<Cidr>,
    /// The networks of its peers, if a connection asks for them.
    pub(crate) peer_cidrs: Vec<Cidr>,
    /// Its DNS attributes, if a connection needs them.
    pub(crate) dns: Option<VpcDns>,
    /// The id of its DHCP options, if a connection needs them and there are any.
    pub(crate) dhcp_options: Option<String>,
    /// Its subnets, if a connection did not name those of its endpoint.
    pub(crate) subnets: Vec<Subnet>,
}

/// The connection's host, if private DNS answers for it.
pub(crate) fn private_name(
    connection: &Connection,
    endpoint: &Endpoint,
    owner: &AccountId,
) -> Option<PrivateName> {
    let ready = connection.ready.as_ref();
    let host = &ready.filter(|_| connection.request.private_dns)?.host;
    let mut names = endpoint.dns_names.iter();
    names.find_map(|name| PrivateName::new(&connection.vpc_id, owner, name, host))
}

/// What was seen where this connection's VPC is.
pub(crate) fn of<'a>(connection: &Connection, seen: &'a BTreeMap<Place, Seen>) -> Option<&'a Seen> {
    seen.get(&connection.place())
}

/// Looks at the places of these connections.
pub(crate) async fn look<P>(
    places: &P,
    connections: &[&Connection],
    keys: &TagKeys,
) -> BTreeMap<Place, Seen>
where
    P: Places<Ec2: Network + Endpoints + SecurityGroups>,
{
    let mut by_place: BTreeMap<Place, Vec<&Connection>> = BTreeMap::new();
    for connection in connections {
        let of_place = by_place.entry(connection.place()).or_default();
        of_place.push(connection);
    }
    let looks = by_place.into_iter().map(async |(place, connections)| {
        let seen = look_at(places, &place, &connections, keys).await;
        (place, seen)
    });
    // At once, so that a place without an answer does not hold up the others.
    join_all(looks).await.into_iter().collect()
}

async fn look_at<P>(places: &P, place: &Place, connections: &[&Connection], keys: &TagKeys) -> Seen
where
    P: Places<Ec2: Network + Endpoints + SecurityGroups>,
{
    let ec2 = &places.ec2(place).await?;
    let ids = once_each(connections.iter().filter_map(|it| it.endpoint()));
    let endpoints = ec2.endpoints_by_id(&ids).await?;
    let groups = once_each(endpoints.iter().flat_map(|it| &it.group_ids));
    let rules = ec2.ingress_rules(&groups).await?;

    let mut by_vpc: BTreeMap<&VpcId, Vec<&Connection>> = BTreeMap::new();
    for connection in connections {
        let of_vpc = by_vpc.entry(&connection.vpc_id).or_default();
        of_vpc.push(connection);
    }
    let mut vpcs = BTreeMap::new();
    for (vpc, connections) in by_vpc {
        vpcs.insert(vpc.clone(), look_at_vpc(ec2, vpc, &connections).await);
    }
    let subnets = once_each(endpoints.iter().flat_map(|it| &it.subnet_ids));
    let acls = ec2.network_acls(&subnets).await;
    let seen = vpcs.values().filter_map(|vpc| vpc.as_ref().ok()?.as_ref());
    let options = once_each(seen.filter_map(|vpc| vpc.dhcp_options.as_ref()));
    let dns_servers = ec2.dns_servers(&options).await;
    let mut seen = PlaceSeen {
        endpoints,
        rules,
        vpcs,
        acls,
        dns_servers,
        names: BTreeMap::new(),
        offered: BTreeMap::new(),
    };
    let names = connections.iter().filter_map(|connection| {
        let owner = &seen.vpc_of(connection)?.owner;
        private_name(connection, seen.endpoint_of(connection)?, owner)
    });
    let names = names.collect();
    seen.names = resolver::look(ec2, names).await;
    let to_ask = connections.iter();
    let to_ask: BTreeSet<&ServiceName> = to_ask
        .filter_map(|connection| service_to_ask(&seen, connection, keys))
        .collect();
    for service in to_ask {
        let found = ec2.endpoint_service(service).await;
        // One that is not visible here offers nothing.
        let zones = found.map(|found| found.map_or_else(BTreeSet::new, |it| it.zone_ids));
        seen.offered.insert(service.clone(), zones);
    }
    Ok(seen)
}

/// The connection's service, if it matters where it is offered: the VPC has a subnet in
/// a zone that the endpoint is not in, or the endpoint is to leave one.
fn service_to_ask<'a>(
    seen: &PlaceSeen,
    connection: &'a Connection,
    keys: &TagKeys,
) -> Option<&'a ServiceName> {
    let vpc = seen.vpc_of(connection)?;
    let endpoint = seen.endpoint_of(connection)?;
    let everywhere = zones::all(&vpc.subnets);
    let lacking = zones::lacking(connection, endpoint, &vpc.subnets, &everywhere, keys);
    let shut_out = zones::shut_out(connection, endpoint, &vpc.subnets, keys);
    connection
        .service_name
        .as_ref()
        .filter(|_| !(lacking.is_empty() && shut_out.is_empty()))
}

/// Asks for no more than these connections need.
async fn look_at_vpc(
    ec2: &impl Network,
    vpc: &VpcId,
    connections: &[&Connection],
) -> Result<Option<VpcSeen>, StepError> {
    let needed = |what: fn(&Connection) -> bool| connections.iter().any(|one| what(one));
    let Some(found) = ec2.vpc(vpc).await? else {
        return Ok(None);
    };
    let mut seen = VpcSeen {
        owner: found.owner,
        cidrs: found.cidrs,
        peer_cidrs: Vec::new(),
        dns: None,
        dhcp_options: None,
        subnets: Vec::new(),
    };
    if needed(|connection| connection.request.private_dns) {
        seen.dns = Some(ec2.vpc_dns(vpc).await?);
        seen.dhcp_options = found.dhcp_options;
    }
    if needed(|connection| connection.request.sources.include_peered_vpcs) {
        let peers = ec2.peered_vpcs(vpc).await?;
        seen.peer_cidrs = peers.into_iter().flat_map(|peer| peer.cidrs).collect();
    }
    if needed(|connection| connection.request.subnet_ids.is_empty()) {
        seen.subnets = ec2.subnets(vpc).await?;
    }
    Ok(Some(seen))
}
