//! Which subnets the endpoint gets: one for each zone that its service offers.
//!
//! Those that a request names, else by the tags that people set on subnets, else the
//! largest. An endpoint that is there keeps the subnets that it has, whatever would be
//! chosen today, but for those that tags shut out.

use std::collections::{BTreeMap, BTreeSet};

use crate::cidr::Cidr;
use crate::ec2::{Endpoint, Subnet};
use crate::ids::{SubnetId, ZoneId};
use crate::vpc_tags::TagKeys;
use crate::{Code, StepError};

/// Below this a subnet is used only if its zone has no better one, so that the
/// endpoint does not take the last addresses of somebody's workload.
const COMFORTABLE_FREE_ADDRESSES: u32 = 8;

/// Why a subnet of which nothing else is wrong cannot take the endpoint.
const NO_ADDRESS: &str = "has no free address";

/// The endpoint's subnets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// One for each zone.
    pub subnet_ids: Vec<SubnetId>,
    /// Their zones.
    pub zone_ids: BTreeSet<ZoneId>,
}

/// The zones to work with: what EC2 says, which is the zones that provider and
/// consumer have in common; what the Cloud API says only where EC2 says nothing.
pub fn offered(ec2: &BTreeSet<ZoneId>, cloud: &BTreeSet<ZoneId>) -> BTreeSet<ZoneId> {
    if ec2.is_empty() {
        cloud.clone()
    } else {
        ec2.clone()
    }
}

/// Chooses the subnets, or checks those that were asked for: whoever names subnets means
/// them, whatever their tags say.
///
/// # Errors
/// `no-subnet-in-service-zones`, `no-free-addresses`, `subnet-unusable`,
/// `tag-value-invalid` for a tag on a subnet, and those of subnets that were asked for and cannot be had.
pub fn choose(
    subnets: &[Subnet],
    offered: &BTreeSet<ZoneId>,
    asked: &[SubnetId],
    keys: &TagKeys,
) -> Result<Choice, StepError> {
    let chosen = if asked.is_empty() {
        check_tags(subnets, offered, keys)?;
        choose_freely(subnets, offered, keys)?
    } else {
        check_asked(subnets, offered, asked)?
    };
    Ok(Choice {
        subnet_ids: chosen.values().map(|subnet| subnet.id.clone()).collect(),
        zone_ids: chosen.into_keys().collect(),
    })
}

/// A tag that cannot be read may have meant any subnet.
fn check_tags(
    subnets: &[Subnet],
    offered: &BTreeSet<ZoneId>,
    keys: &TagKeys,
) -> Result<(), StepError> {
    for subnet in subnets {
        if let Some(Err(why)) = keys.use_of_subnet(&subnet.tags)
            && zone_in(subnet, offered).is_some()
        {
            let detail = format!("a tag of {}: {why}", subnet.id);
            return Err(StepError::new(Code::TagValueInvalid, detail));
        }
    }
    Ok(())
}

/// One subnet for each zone: one that its tag names, then a comfortable one, then the
/// largest, then the lowest id. So the small subnets that are kept for a transit gateway
/// or a firewall come last. The number of free addresses decides nothing else, because
/// it changes from minute to minute and the choice should not.
fn choose_freely<'a>(
    subnets: &'a [Subnet],
    offered: &BTreeSet<ZoneId>,
    keys: &TagKeys,
) -> Result<BTreeMap<ZoneId, &'a Subnet>, StepError> {
    let in_zones = || {
        subnets
            .iter()
            .filter_map(|subnet| Some((zone_in(subnet, offered)?, subnet)))
    };
    if in_zones().next().is_none() {
        return Err(StepError::new(
            Code::NoSubnetInServiceZones,
            format!(
                "the service is offered in {}; the VPC has subnets in {}",
                list(offered),
                list(&zones(subnets))
            ),
        ));
    }
    let mut best: BTreeMap<ZoneId, &Subnet> = BTreeMap::new();
    for (zone, subnet) in in_zones().filter(|(_, subnet)| not_chosen(subnet, keys).is_none()) {
        let rank = |subnet: &Subnet| {
            (
                keys.use_of_subnet(&subnet.tags) != Some(Ok(true)),
                subnet.free_addresses < COMFORTABLE_FREE_ADDRESSES,
                subnet.cidr.map_or(u8::MAX, Cidr::prefix_length),
                subnet.id.clone(),
            )
        };
        best.entry(zone)
            .and_modify(|current| {
                if rank(subnet) < rank(current) {
                    *current = subnet;
                }
            })
            .or_insert(subnet);
    }
    if best.is_empty() {
        let is_full = |subnet: &Subnet| unusable(subnet) == Some(NO_ADDRESS);
        let code = match in_zones().any(|(_, subnet)| is_full(subnet)) {
            true => Code::NoFreeAddresses,
            // To free addresses would help none of them.
            false => Code::SubnetUnusable,
        };
        let reasons: Vec<String> = in_zones()
            .filter_map(|(zone, subnet)| {
                Some(format!(
                    "{} in {zone} {}",
                    subnet.id,
                    not_chosen(subnet, keys)?
                ))
            })
            .collect();
        return Err(StepError::new(code, reasons.join("; ")));
    }
    Ok(best)
}

/// For each offered zone that these subnets are not in, the best one if there is a
/// usable one.
pub fn of_other_zones(
    subnets: &[Subnet],
    offered: &BTreeSet<ZoneId>,
    has: &[SubnetId],
    keys: &TagKeys,
) -> Vec<SubnetId> {
    let zones = zones_of(subnets, has);
    let lacking: BTreeSet<ZoneId> = offered.difference(&zones).cloned().collect();
    // Without any there is nothing to add, which is no failure here.
    let best = choose_freely(subnets, &lacking, keys).unwrap_or_default();
    best.into_values().map(|subnet| subnet.id.clone()).collect()
}

/// Those of these subnets that a tag shuts out.
pub fn shut_out(subnets: &[Subnet], has: &[SubnetId], keys: &TagKeys) -> Vec<SubnetId> {
    let is_out = |subnet: &Subnet| keys.use_of_subnet(&subnet.tags) == Some(Ok(false));
    let of = |id: &SubnetId| subnets.iter().find(|subnet| subnet.id == *id);
    let out = has.iter().filter(|id| of(id).is_some_and(is_out));
    out.cloned().collect()
}

/// Where an endpoint goes that is there, and whose subnets nobody has named: out of those
/// that tags shut out, and into each offered zone that it is not in then. A subnet of which
/// the tags say nothing is kept.
///
/// # Errors
/// `subnet-unusable` if no subnet would be left, and `only-zone-swapped`.
pub fn led_by_tags(
    endpoint: &Endpoint,
    subnets: &[Subnet],
    offered: &BTreeSet<ZoneId>,
    keys: &TagKeys,
) -> Result<Vec<SubnetId>, StepError> {
    let has = &endpoint.subnet_ids;
    let out = shut_out(subnets, has, keys);
    let mut wanted: Vec<SubnetId> = has.iter().filter(|id| !out.contains(id)).cloned().collect();
    wanted.extend(of_other_zones(subnets, offered, &wanted, keys));
    if wanted.is_empty() && !out.is_empty() {
        let detail = format!(
            "endpoint {} is in {}, shut out by tags, and no other subnet of the VPC can take it",
            endpoint.id,
            list_ids(&out)
        );
        return Err(StepError::new(Code::SubnetUnusable, detail));
    }
    check_way(endpoint, subnets, &wanted)?;
    Ok(wanted)
}

/// Whether an endpoint can be led from the subnets that it has to these without an outage.
///
/// # Errors
/// `only-zone-swapped`.
pub fn check_way(
    endpoint: &Endpoint,
    subnets: &[Subnet],
    wanted: &[SubnetId],
) -> Result<(), StepError> {
    let has = &endpoint.subnet_ids;
    let both: Vec<SubnetId> = has.iter().chain(wanted).cloned().collect();
    let is_there = are_same(has, wanted) || has.is_empty();
    if is_there || zones_of(subnets, &both).len() > 1 {
        return Ok(());
    }
    let detail = format!(
        "endpoint {} is in {} only, and {} is to be in its place",
        endpoint.id,
        list_ids(has),
        list_ids(wanted)
    );
    Err(StepError::new(Code::OnlyZoneSwapped, detail))
}

/// Whether these are the same subnets, in whatever order.
pub fn are_same(some: &[SubnetId], others: &[SubnetId]) -> bool {
    let set = |ids: &[SubnetId]| ids.iter().cloned().collect::<BTreeSet<_>>();
    set(some) == set(others)
}

/// The ids for a sentence.
pub fn list_ids(ids: &[SubnetId]) -> String {
    let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    ids.join(", ")
}

/// Checks the subnets that an endpoint is asked to have, of which it has some: with
/// an address in them, it matters no more whether another one is free.
///
/// # Errors
/// Those of subnets that were asked for and cannot be had.
pub fn check_wanted(
    subnets: &[Subnet],
    offered: &BTreeSet<ZoneId>,
    asked: &[SubnetId],
    has: &[SubnetId],
) -> Result<Vec<SubnetId>, StepError> {
    let mut known = subnets.to_vec();
    for subnet in known.iter_mut().filter(|subnet| has.contains(&subnet.id)) {
        subnet.free_addresses = subnet.free_addresses.max(1);
        subnet.available = true;
    }
    let mut zones = offered.clone();
    // A zone that is not offered any more is not given up for that.
    let kept: Vec<SubnetId> = asked
        .iter()
        .filter(|id| has.contains(id))
        .cloned()
        .collect();
    zones.extend(zones_of(subnets, &kept));
    let chosen = check_asked(&known, &zones, asked)?;
    Ok(chosen
        .into_values()
        .map(|subnet| subnet.id.clone())
        .collect())
}

fn check_asked<'a>(
    subnets: &'a [Subnet],
    offered: &BTreeSet<ZoneId>,
    asked: &[SubnetId],
) -> Result<BTreeMap<ZoneId, &'a Subnet>, StepError> {
    let refuse = |code, why: String| Err(StepError::new(code, why));
    let mut chosen: BTreeMap<ZoneId, &Subnet> = BTreeMap::new();
    for id in asked {
        let Some(subnet) = subnets.iter().find(|subnet| subnet.id == *id) else {
            return refuse(Code::SubnetNotFound, format!("the VPC has no subnet {id}"));
        };
        let Some(zone) = zone_in(subnet, offered) else {
            let zone = subnet
                .zone_id
                .as_ref()
                .map_or("no zone", |zone| zone.as_str());
            return refuse(
                Code::SubnetZoneNotOffered,
                format!(
                    "{id} is in {zone}; the service is offered in {}",
                    list(offered)
                ),
            );
        };
        if let Some(why) = unusable(subnet) {
            return refuse(Code::SubnetUnusable, format!("{id} {why}"));
        }
        if let Some(other) = chosen.insert(zone.clone(), subnet) {
            return refuse(
                Code::SubnetsShareZone,
                format!("{} and {id} are both in {zone}", other.id),
            );
        }
    }
    Ok(chosen)
}

/// Why the subnet cannot take a network interface of the endpoint.
fn unusable(subnet: &Subnet) -> Option<&'static str> {
    let reasons = [
        (subnet.on_outpost, "is on an Outpost"),
        (subnet.ipv6_only, "has no IPv4 network"),
        (!subnet.available, "is not available yet"),
        (subnet.free_addresses == 0, NO_ADDRESS),
    ];
    let first = reasons.into_iter().find(|(is_so, _)| *is_so);
    first.map(|(_, why)| why)
}

/// Why the subnet is not chosen unless it is asked for.
fn not_chosen(subnet: &Subnet, keys: &TagKeys) -> Option<&'static str> {
    unusable(subnet).or_else(|| match keys.use_of_subnet(&subnet.tags)? {
        Ok(true) => None,
        Ok(false) => Some("is shut out by its tag"),
        Err(_) => Some("has a tag that cannot be read"),
    })
}

/// What zones without an endpoint mean.
pub fn notes(
    subnets: &[Subnet],
    offered: &BTreeSet<ZoneId>,
    choice: &Choice,
    keys: &TagKeys,
) -> Vec<String> {
    let mut notes = Vec::new();
    let with = |is: &dyn Fn(&Subnet) -> bool| -> BTreeSet<ZoneId> {
        let subnets = subnets.iter().filter(|subnet| is(subnet));
        subnets.filter_map(|it| it.zone_id.clone()).collect()
    };
    let usable = with(&|subnet| unusable(subnet).is_none());
    let free = with(&|subnet| not_chosen(subnet, keys).is_none());
    let uncovered = offered.difference(&choice.zone_ids).cloned();
    let (usable, without): (BTreeSet<ZoneId>, BTreeSet<ZoneId>) =
        uncovered.partition(|zone| usable.contains(zone));
    let (not_asked, excluded): (BTreeSet<ZoneId>, BTreeSet<ZoneId>) =
        usable.into_iter().partition(|zone| free.contains(zone));
    for (zones, why) in [
        (without, "the VPC has no usable subnet"),
        (excluded, "tags shut out the VPC's subnets"),
        (not_asked, "no subnet was asked for"),
    ] {
        if !zones.is_empty() {
            notes.push(format!(
                "the service is also offered in {}, where {why}: the endpoint has {} of {} zones",
                list(&zones),
                choice.zone_ids.len(),
                offered.len()
            ));
        }
    }
    let crossing: BTreeSet<ZoneId> = zones(subnets)
        .difference(&choice.zone_ids)
        .cloned()
        .collect();
    if !crossing.is_empty() {
        notes.push(format!(
            "clients in {} reach the cluster through another zone, which costs cross-zone traffic",
            list(&crossing)
        ));
    }
    if choice.zone_ids.len() == 1 {
        notes.push(
            "the endpoint is in a single zone; if that zone fails, so does the connection"
                .to_owned(),
        );
    }
    notes
}

/// The zones of the subnets with these ids.
pub fn zones_of(subnets: &[Subnet], ids: &[SubnetId]) -> BTreeSet<ZoneId> {
    subnets
        .iter()
        .filter(|subnet| ids.contains(&subnet.id))
        .filter_map(|subnet| subnet.zone_id.clone())
        .collect()
}

/// Each of these with its zone, as far as it is known.
pub fn with_zones(subnets: &[Subnet], ids: &[SubnetId]) -> Vec<(SubnetId, Option<ZoneId>)> {
    let zone_of = |id: &SubnetId| {
        let subnet = subnets.iter().find(|subnet| subnet.id == *id)?;
        subnet.zone_id.clone()
    };
    ids.iter().map(|id| (id.clone(), zone_of(id))).collect()
}

fn zone_in(subnet: &Subnet, offered: &BTreeSet<ZoneId>) -> Option<ZoneId> {
    subnet.zone_id.clone().filter(|zone| offered.contains(zone))
}

fn zones(subnets: &[Subnet]) -> BTreeSet<ZoneId> {
    subnets
        .iter()
        .filter_map(|subnet| subnet.zone_id.clone())
        .collect()
}

fn list(zones: &BTreeSet<ZoneId>) -> String {
    if zones.is_empty() {
        return "no zone".to_owned();
    }
    zones
        .iter()
        .map(|zone| zone.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ec2::EndpointState;
    use crate::ownership::Tags;

    fn subnet(id: u32, zone: u32, free_addresses: u32) -> Subnet {
        Subnet {
            id: format!("subnet-{id:08x}").parse().unwrap(),
            zone_id: Some(zone_id(zone)),
            available: true,
            cidr: "10.0.0.0/24".parse().ok(),
            free_addresses,
            ipv6_only: false,
            on_outpost: false,
            tags: Tags::new(),
        }
    }

    /// A subnet of the first zone with this network, and with a tag that says whether it
    /// is to be used.
    fn tagged(id: u32, cidr: &str, tag: Option<&str>) -> Subnet {
        let tag = tag.map(|value| (keys().subnet(), value.to_owned()));
        Subnet {
            cidr: cidr.parse().ok(),
            tags: tag.into_iter().collect(),
            ..subnet(id, 1, 50)
        }
    }

    fn keys() -> TagKeys {
        TagKeys::new("net")
    }

    fn zone_id(zone: u32) -> ZoneId {
        format!("euw1-az{zone}").parse().unwrap()
    }

    fn offer(zones: &[u32]) -> BTreeSet<ZoneId> {
        zones.iter().copied().map(zone_id).collect()
    }

    fn asked(subnets: &[Subnet], offered: &[u32], ids: &[u32]) -> Result<Choice, Code> {
        let ids: Vec<SubnetId> = ids
            .iter()
            .map(|id| format!("subnet-{id:08x}").parse().unwrap())
            .collect();
        choose(subnets, &offer(offered), &ids, &keys()).map_err(|error| error.code)
    }

    #[test]
    fn the_largest_of_a_zone_is_chosen_unless_a_tag_names_another_or_shuts_it_out() {
        let (small, large) = ("10.0.9.0/28", "10.0.0.0/20");
        for (tags, chosen) in [
            ([None, None, None], Ok("subnet-00000002")),
            ([Some("true"), None, None], Ok("subnet-00000001")),
            ([Some("Yes"), Some("false"), None], Ok("subnet-00000001")),
            ([None, Some("no"), None], Ok("subnet-00000003")),
            ([None, Some("no"), Some("FALSE")], Ok("subnet-00000001")),
            // Of two that are named, the larger.
            ([Some(""), None, Some("true")], Ok("subnet-00000003")),
            ([Some("no"); 3], Err(Code::SubnetUnusable)),
            ([None, None, Some("maybe")], Err(Code::TagValueInvalid)),
        ] {
            let [first, second, third] = tags;
            let subnets = [
                tagged(1, small, first),
                tagged(2, large, second),
                tagged(3, large, third),
            ];
            let choice = asked(&subnets, &[1], &[]);
            let found = choice.map(|it| it.subnet_ids[0].to_string());
            assert_eq!(found, chosen.map(str::to_owned), "{tags:?}");
            // Whoever names one means it.
            let choice = asked(&subnets, &[1], &[3]).unwrap();
            assert_eq!(choice.subnet_ids[0].as_str(), "subnet-00000003");
        }
    }

    /// Whoever named it knows how few addresses it has.
    #[test]
    fn a_subnet_that_its_tag_names_comes_first_with_few_addresses_too() {
        let with_free = |free_addresses| Subnet {
            free_addresses,
            ..tagged(1, "10.0.9.0/28", Some("true"))
        };
        let other = tagged(2, "10.0.0.0/20", None);
        for (free, chosen) in [(3, "subnet-00000001"), (0, "subnet-00000002")] {
            let subnets = [with_free(free), other.clone()];
            let choice = asked(&subnets, &[1], &[]).unwrap();
            assert_eq!(choice.subnet_ids[0].as_str(), chosen, "{free} free");
        }
    }

    #[test]
    fn a_tag_that_cannot_be_read_matters_in_zones_of_the_service_only() {
        let mut elsewhere = tagged(2, "10.0.2.0/24", Some("maybe"));
        elsewhere.zone_id = Some(zone_id(2));
        let subnets = [subnet(1, 1, 50), elsewhere];
        assert!(asked(&subnets, &[1], &[]).is_ok());
        let both = asked(&subnets, &[1, 2], &[]);
        assert_eq!(both, Err(Code::TagValueInvalid));
    }

    #[test]
    fn an_endpoint_keeps_its_subnets_and_gets_those_that_no_tag_shuts_out() {
        let mut others = [
            tagged(2, "10.0.2.0/24", None),
            tagged(3, "10.0.3.0/24", Some("no")),
            tagged(4, "10.0.4.0/24", Some("maybe")),
        ];
        for (subnet, zone) in others.iter_mut().zip(2..) {
            subnet.zone_id = Some(zone_id(zone));
        }
        let mut subnets = vec![
            tagged(1, "10.0.9.0/28", Some("no")),
            tagged(9, "10.0.0.0/20", Some("yes")),
        ];
        subnets.extend(others);
        let has = [subnets[0].id.clone()];
        let more = of_other_zones(&subnets, &offer(&[1, 2, 3, 4]), &has, &keys());
        assert_eq!(more, [subnets[2].id.clone()]);
    }

    /// Where an endpoint is led that has some of these subnets, each with its zone and tag.
    fn led(subnets: &[(u32, Option<&str>)], has: &[usize]) -> Result<Vec<usize>, Code> {
        let all = (1..).zip(subnets).map(|(id, (zone, tag))| Subnet {
            zone_id: Some(zone_id(*zone)),
            ..tagged(id, "10.0.0.0/24", *tag)
        });
        let all: Vec<Subnet> = all.collect();
        let endpoint = Endpoint {
            id: "vpce-0a000001".parse().unwrap(),
            owner: None,
            is_interface: true,
            service_name: String::new(),
            state: EndpointState::Available,
            failure: None,
            subnet_ids: has.iter().map(|n| all[*n].id.clone()).collect(),
            group_ids: Vec::new(),
            private_dns: true,
            dns_names: Vec::new(),
            tags: Tags::new(),
        };
        let led = led_by_tags(&endpoint, &all, &offer(&[1, 2]), &keys());
        let place = |id: SubnetId| all.iter().position(|it| it.id == id).unwrap();
        let led = led.map_err(|error| error.code)?;
        Ok(led.into_iter().map(place).collect())
    }

    #[test]
    fn an_endpoint_is_led_out_of_subnets_that_tags_shut_out_and_out_of_no_other() {
        let no = Some("False");
        for (subnets, has, expected) in [
            // Another subnet of the zone takes over; without one, the zone is left.
            (
                &[(1, no), (1, None), (2, None)][..],
                &[0, 2][..],
                Ok(vec![2, 1]),
            ),
            (&[(1, no), (2, None)], &[0, 1], Ok(vec![1])),
            // Another zone is entered first.
            (&[(1, no), (2, None)], &[0], Ok(vec![1])),
            // Of these the tags say nothing, or nothing that can be read. One is in a
            // zone that is offered no more.
            (&[(1, None), (1, Some("yes"))], &[0], Ok(vec![0])),
            (&[(1, Some("tgw")), (3, None)], &[0, 1], Ok(vec![0, 1])),
            (&[(3, no), (1, None)], &[0, 1], Ok(vec![1])),
            (&[(1, no), (2, no)], &[0, 1], Err(Code::SubnetUnusable)),
            (&[(1, no), (3, None)], &[0], Err(Code::SubnetUnusable)),
            (&[(1, no), (1, None)], &[0], Err(Code::OnlyZoneSwapped)),
        ] {
            assert_eq!(led(subnets, has), expected, "{subnets:?}");
        }
    }

    #[test]
    fn a_zone_whose_subnets_are_shut_out_by_tags_is_told_as_that() {
        let mut shut_out = tagged(2, "10.0.2.0/24", Some("no"));
        shut_out.zone_id = Some(zone_id(2));
        let subnets = [subnet(1, 1, 50), shut_out];
        let choice = asked(&subnets, &[1, 2], &[]).unwrap();
        let notes = notes(&subnets, &offer(&[1, 2]), &choice, &keys());
        let told = "offered in euw1-az2, where tags shut out the VPC's subnets:";
        assert!(notes[0].contains(told), "{notes:?}");
    }

    #[test]
    fn a_full_subnet_gives_way_to_a_free_one_of_its_zone() {
        let subnets = [
            subnet(1, 1, 0),
            subnet(2, 1, 3),
            subnet(3, 1, 50),
            subnet(4, 1, 90),
        ];
        let choice = asked(&subnets, &[1], &[]).unwrap();
        assert_eq!(choice.subnet_ids[0].as_str(), "subnet-00000003");
        assert!(
            asked(&subnets[..2], &[1], &[]).is_ok(),
            "a scarce subnet is better than none"
        );
        assert_eq!(asked(&subnets[..1], &[1], &[]), Err(Code::NoFreeAddresses));
    }

    #[test]
    fn where_no_address_would_help_that_is_not_said_to_be_the_matter() {
        let ipv6_only = Subnet {
            ipv6_only: true,
            ..subnet(1, 1, 0)
        };
        let unusable =
            |subnets: &[Subnet]| choose(subnets, &offer(&[1]), &[], &keys()).unwrap_err();
        let error = unusable(std::slice::from_ref(&ipv6_only));
        let detail = "subnet-00000001 in euw1-az1 has no IPv4 network";
        assert_eq!((error.code, &*error.detail), (Code::SubnetUnusable, detail));
        let error = unusable(&[ipv6_only, subnet(2, 1, 0)]);
        assert_eq!(error.code, Code::NoFreeAddresses);
    }

    #[test]
    fn zones_that_do_not_match_are_told_apart_from_full_ones() {
        assert_eq!(
            asked(&[subnet(1, 4, 50)], &[1, 2], &[]),
            Err(Code::NoSubnetInServiceZones)
        );
    }

    #[test]
    fn subnets_that_were_asked_for_are_honoured_or_refused_by_name() {
        let subnets = [
            subnet(1, 1, 50),
            subnet(2, 1, 50),
            subnet(3, 2, 0),
            subnet(4, 3, 50),
        ];
        assert_eq!(
            asked(&subnets, &[1, 2], &[2]).unwrap().subnet_ids[0].as_str(),
            "subnet-00000002"
        );
        assert_eq!(asked(&subnets, &[1, 2], &[9]), Err(Code::SubnetNotFound));
        assert_eq!(
            asked(&subnets, &[1, 2], &[4]),
            Err(Code::SubnetZoneNotOffered)
        );
        assert_eq!(
            asked(&subnets, &[1, 2], &[1, 2]),
            Err(Code::SubnetsShareZone)
        );
        assert_eq!(asked(&subnets, &[1, 2], &[3]), Err(Code::SubnetUnusable));
    }

    #[test]
    fn zones_without_an_endpoint_are_reported_with_what_that_means() {
        let subnets = [subnet(1, 1, 50), subnet(2, 9, 50)];
        let choice = asked(&subnets, &[1, 2], &[]).unwrap();
        let notes = notes(&subnets, &offer(&[1, 2]), &choice, &keys()).join("\n");
        assert!(notes.contains("also offered in euw1-az2"), "{notes}");
        assert!(notes.contains("clients in euw1-az9"), "{notes}");
        assert!(notes.contains("single zone"), "{notes}");
    }

    #[test]
    fn a_zone_that_was_not_asked_for_is_not_said_to_have_no_subnet() {
        let subnets = [subnet(1, 1, 50), subnet(2, 2, 50), subnet(3, 3, 0)];
        let choice = asked(&subnets, &[1, 2, 3], &[1]).unwrap();
        let notes = notes(&subnets, &offer(&[1, 2, 3]), &choice, &keys()).join("\n");
        for expected in [
            "offered in euw1-az2, where no subnet was asked for: the endpoint has 1 of 3 zones",
            "offered in euw1-az3, where the VPC has no usable subnet: the endpoint has 1 of 3",
        ] {
            assert!(notes.contains(expected), "{notes}");
        }
    }

    prop_compose! {
        fn any_subnets()(specs in prop::collection::vec((1u32..5, 0u32..20, prop::bool::weighted(0.1), prop::bool::weighted(0.1)), 0..12)) -> Vec<Subnet> {
            specs
                .into_iter()
                .zip(1..)
                .map(|((zone, free, outpost, unavailable), id)| Subnet {
                    on_outpost: outpost,
                    available: !unavailable,
                    ..subnet(id, zone, free)
                })
                .collect()
        }
    }

    proptest! {
        #[test]
        fn a_choice_has_one_usable_subnet_for_each_zone_that_can_have_one(subnets in any_subnets(), zones in prop::collection::btree_set(1u32..5, 1..5)) {
            let offered: BTreeSet<ZoneId> = zones.into_iter().map(zone_id).collect();
            let usable: BTreeSet<ZoneId> = subnets
                .iter()
                .filter(|subnet| unusable(subnet).is_none())
                .filter_map(|subnet| zone_in(subnet, &offered))
                .collect();
            match choose(&subnets, &offered, &[], &keys()) {
                Ok(choice) => {
                    prop_assert_eq!(&choice.zone_ids, &usable);
                    prop_assert_eq!(choice.subnet_ids.len(), usable.len());
                    prop_assert_eq!(zones_of(&subnets, &choice.subnet_ids), usable);
                }
                Err(_) => prop_assert!(usable.is_empty()),
            }
        }

        #[test]
        fn the_order_in_which_ec2_lists_subnets_does_not_matter(subnets in any_subnets(), zones in prop::collection::btree_set(1u32..5, 1..5)) {
            let offered: BTreeSet<ZoneId> = zones.into_iter().map(zone_id).collect();
            let mut turned = subnets.clone();
            turned.reverse();
            let answer = |subnets: &[Subnet]| choose(subnets, &offered, &[], &keys()).map_err(|error| error.code);
            prop_assert_eq!(answer(&subnets), answer(&turned));
        }
    }
}
