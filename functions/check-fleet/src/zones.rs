//! Zones that an endpoint could be in and is not: a subnet there came after the run that
//! made the endpoint, or the service is offered there only now.

use std::collections::BTreeSet;

use shared::ec2::{Endpoint, EndpointState, Subnet};
use shared::ids::{SubnetId, ZoneId};
use shared::ledger::Connection;
use shared::ownership::Origin;
use shared::subnets::{of_other_zones, zones_of};
use shared::vpc_tags::TagKeys;

/// The subnets that `provision` would add to the endpoint if the service is offered in
/// these zones: none where the request names subnets, nor where the endpoint was made by
/// somebody else. One that is changing, or leads elsewhere, has other troubles.
pub(crate) fn lacking(
    connection: &Connection,
    endpoint: &Endpoint,
    subnets: &[Subnet],
    offered: &BTreeSet<ZoneId>,
    keys: &TagKeys,
) -> Vec<SubnetId> {
    let service = connection.service_name.as_ref();
    let may_grow = connection.request.subnet_ids.is_empty()
        && Origin::of(&endpoint.tags) == Some(Origin::Made)
        && connection.claim().is_in(&endpoint.tags)
        && endpoint.state == EndpointState::Available
        && !endpoint.subnet_ids.is_empty()
        && service.is_some_and(|name| endpoint.service_name == name.as_str());
    if !may_grow {
        return Vec::new();
    }
    of_other_zones(subnets, offered, &endpoint.subnet_ids, keys)
}

/// The zones of all these subnets: wherever the service may be offered.
pub(crate) fn all(subnets: &[Subnet]) -> BTreeSet<ZoneId> {
    let zones = subnets.iter().filter_map(|subnet| subnet.zone_id.clone());
    zones.collect()
}

/// What is wrong, for a person.
pub(crate) fn told(endpoint: &Endpoint, subnets: &[Subnet], lacking: &[SubnetId]) -> String {
    let zones: Vec<String> = zones_of(subnets, lacking)
        .iter()
        .map(ToString::to_string)
        .collect();
    let ids: Vec<&str> = lacking.iter().map(|id| id.as_str()).collect();
    format!(
        "endpoint {} is not in {}, where its service is offered and the VPC has {}",
        endpoint.id,
        zones.join(", "),
        ids.join(", ")
    )
}
