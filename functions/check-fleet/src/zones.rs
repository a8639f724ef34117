//! Where `provision` would lead an endpoint of which nobody has named the subnets: into
//! zones that it could be in and is not, because a subnet there came after the run that made
//! the endpoint or the service is offered there only now; and out of subnets that tags shut
//! out by now.

use std::collections::BTreeSet;

use shared::ec2::{Endpoint, EndpointState, Subnet};
use shared::ids::{SubnetId, ZoneId};
use shared::ledger::Connection;
use shared::ownership::Origin;
use shared::subnets::{self, list_ids, of_other_zones, zones_of};
use shared::vpc_tags::TagKeys;

/// The subnets that `provision` would add to the endpoint if the service is offered in
/// these zones.
pub(crate) fn lacking(
    connection: &Connection,
    endpoint: &Endpoint,
    subnets: &[Subnet],
    offered: &BTreeSet<ZoneId>,
    keys: &TagKeys,
) -> Vec<SubnetId> {
    if !is_led(connection, endpoint) {
        return Vec::new();
    }
    of_other_zones(subnets, offered, &endpoint.subnet_ids, keys)
}

/// Those of the endpoint's subnets that it is to leave. One that others use too loses
/// nothing.
pub(crate) fn shut_out(
    connection: &Connection,
    endpoint: &Endpoint,
    subnets: &[Subnet],
    keys: &TagKeys,
) -> Vec<SubnetId> {
    let is_shared = !connection.claim().others_in(&endpoint.tags).is_empty();
    if is_shared || !is_led(connection, endpoint) {
        return Vec::new();
    }
    subnets::shut_out(subnets, &endpoint.subnet_ids, keys)
}

/// Whether `provision` leads the endpoint to other subnets by itself: not where the request
/// names them, nor where the endpoint was made by somebody else. One that is changing, or
/// leads elsewhere, has other troubles.
fn is_led(connection: &Connection, endpoint: &Endpoint) -> bool {
    let service = connection.service_name.as_ref();
    connection.request.subnet_ids.is_empty()
        && Origin::of(&endpoint.tags) == Some(Origin::Made)
        && connection.claim().is_in(&endpoint.tags)
        && endpoint.state == EndpointState::Available
        && !endpoint.subnet_ids.is_empty()
        && service.is_some_and(|name| endpoint.service_name == name.as_str())
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
    format!(
        "endpoint {} is not in {}, where its service is offered and the VPC has {}",
        endpoint.id,
        zones.join(", "),
        list_ids(lacking)
    )
}
