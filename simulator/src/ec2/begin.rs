//! What is there when the world begins.

use time::OffsetDateTime;

use super::network::vpc::{CidrAssociation, CidrState};
use super::{
    Ec2, Ec2Happening, Endpoint, EndpointService, EndpointState, EndpointType, NetworkInterface,
    Peering, PeeringSide, PrefixList, Principals, Rule, SecurityGroup, Source, Subnet, Tags,
    Verification, Vpc,
};
use crate::World;
use crate::calls::Caller;
use crate::scenario::{
    EndpointServiceSpec, EndpointSpec, GroupSpec, PeeringSpec, PrefixListSpec, Scenario, VpcSpec,
};
use crate::world::Happening;

/// Puts everything that the scenario describes into the world. The endpoint
/// services of the clusters are there already.
pub(crate) fn begin(world: &mut World, scenario: &Scenario) {
    for service in &scenario.endpoint_services {
        let service = endpoint_service(service, scenario);
        world.ec2.publish_service(service);
    }
    for spec in &scenario.prefix_lists {
        let list = prefix_list(spec, scenario);
        world.ec2.prefix_lists.push(list);
    }
    for spec in &scenario.vpcs {
        let owner = Caller {
            account: spec
                .account
                .clone()
                .unwrap_or_else(|| scenario.account.clone()),
            region: spec
                .region
                .clone()
                .unwrap_or_else(|| scenario.region.clone()),
        };
        let vpc = vpc(&mut world.ec2, spec, &owner);
        world.ec2.vpcs.insert(vpc.id.clone(), vpc);
        if let Some(after) = spec.available_after {
            let happening = Ec2Happening::VpcAvailable(spec.id.clone());
            world.schedule(after, Happening::Ec2(happening));
        }
        subnets(world, spec, &owner);
        groups(world, spec, &owner);
        for endpoint in &spec.endpoints {
            add_endpoint(world, spec, endpoint, &owner);
        }
        for interface in &spec.interfaces {
            world.ec2.interfaces.push(NetworkInterface {
                id: interface.id.clone(),
                vpc_id: spec.id.clone(),
                owner: owner.account.clone(),
                region: owner.region.clone(),
                description: interface.description.clone(),
                groups: interface.groups.clone(),
            });
        }
        for peering in &spec.peerings {
            let peering = self::peering(spec, peering, &owner);
            world.ec2.peerings.push(peering);
        }
    }
}

fn vpc(ec2: &mut Ec2, spec: &VpcSpec, owner: &Caller) -> Vpc {
    let current = std::iter::once(&spec.cidr)
        .chain(&spec.secondary_cidrs)
        .map(|cidr| (cidr, CidrState::Associated));
    let former = spec
        .former_cidrs
        .iter()
        .map(|cidr| (cidr, CidrState::Disassociated));
    let cidrs = current
        .chain(former)
        .map(|(cidr, state)| CidrAssociation {
            id: ec2.new_id("vpc-cidr-assoc"),
            cidr: *cidr,
            state,
        })
        .collect();
    let ipv6_cidrs = spec
        .ipv6_cidrs
        .iter()
        .map(|cidr| CidrAssociation {
            id: ec2.new_id("vpc-cidr-assoc"),
            cidr: *cidr,
            state: CidrState::Associated,
        })
        .collect();
    Vpc {
        id: spec.id.clone(),
        owner: owner.account.clone(),
        shared_with: spec.shared_with.clone(),
        region: owner.region.clone(),
        available: spec.available_after.is_none(),
        cidr_block: spec.cidr,
        cidrs,
        ipv6_cidrs,
        dns_support: spec.dns_support,
        dns_hostnames: spec.dns_hostnames,
        is_default: spec.is_default,
        hosted_zones: spec.hosted_zones.clone(),
        resolver_rules: spec.resolver_rules.clone(),
        profile: spec.profile.clone(),
        dns_servers: spec.dns_servers.clone(),
        acls: spec.acls.clone(),
        tags: spec.tags.clone(),
    }
}

fn subnets(world: &mut World, vpc: &VpcSpec, owner: &Caller) {
    let now = world.now;
    for spec in &vpc.subnets {
        let zone_name = world
            .ec2
            .zone(&spec.zone)
            .map(|zone| zone.name.clone())
            .unwrap_or_default();
        let subnet = Subnet::new(spec, vpc, owner, &zone_name, now);
        match spec.appears_after {
            None => {
                world.ec2.subnets.insert(subnet.id.clone(), subnet);
            }
            Some(after) => {
                let happening = Ec2Happening::SubnetAppears(Box::new(subnet));
                world.schedule(after, Happening::Ec2(happening));
            }
        }
    }
}

fn groups(world: &mut World, vpc: &VpcSpec, owner: &Caller) {
    let now = world.now;
    let ec2 = &mut world.ec2;
    let ipv6 = !vpc.ipv6_cidrs.is_empty();
    let default_id = ec2.new_id("sg");
    let itself = GroupSpec {
        id: default_id.clone(),
        name: "default".to_owned(),
        description: "default VPC security group".to_owned(),
        tags: Tags::new(),
        rules: Vec::new(),
    };
    let mut default = group(ec2, &itself, vpc, owner, now);
    // The default group lets its own members talk to each other.
    let from = Source::Group(default_id);
    let rule = Rule::of_all(ec2.new_id("sgr"), &default, false, from);
    default.rules.push(rule);
    ec2.add_group(default, ipv6);
    for spec in &vpc.groups {
        let group = group(ec2, spec, vpc, owner, now);
        ec2.add_group(group, ipv6);
    }
}

fn group(
    ec2: &mut Ec2,
    spec: &GroupSpec,
    vpc: &VpcSpec,
    owner: &Caller,
    now: OffsetDateTime,
) -> SecurityGroup {
    let rules: Vec<Rule> = spec
        .rules
        .iter()
        .map(|rule| Rule {
            id: ec2.new_id("sgr"),
            group_id: spec.id.clone(),
            group_owner: owner.account.clone(),
            region: owner.region.clone(),
            is_egress: rule.is_egress,
            protocol: rule.protocol.clone(),
            from_port: rule.from_port,
            to_port: rule.to_port.or(rule.from_port),
            source: source(&rule.source),
            description: rule.description.clone(),
        })
        .collect();
    for rule in &rules {
        if let Source::PrefixList(id) = &rule.source
            && ec2.prefix_lists.iter().all(|list| list.id != *id)
        {
            ec2.prefix_lists.push(PrefixList {
                id: id.clone(),
                name: "networks".to_owned(),
                owner: owner.account.clone(),
                region: owner.region.clone(),
                ipv6: false,
                max_entries: 1,
            });
        }
    }
    SecurityGroup {
        id: spec.id.clone(),
        name: spec.name.clone(),
        description: spec.description.clone(),
        vpc_id: vpc.id.clone(),
        owner: owner.account.clone(),
        region: owner.region.clone(),
        rules,
        visible: now,
        tags: spec.tags.clone(),
    }
}

/// Reads the source of a rule; the scenario was checked to be readable.
fn source(text: &str) -> Source {
    if let Ok(net) = text.parse::<ipnet::Ipv4Net>() {
        Source::Ipv4(net.trunc())
    } else if let Ok(net) = text.parse::<ipnet::Ipv6Net>() {
        Source::Ipv6(net.trunc())
    } else if text.starts_with("pl-") {
        Source::PrefixList(text.to_owned())
    } else {
        Source::Group(text.to_owned())
    }
}

fn add_endpoint(world: &mut World, vpc: &VpcSpec, spec: &EndpointSpec, owner: &Caller) {
    let groups = if spec.groups.is_empty() {
        world
            .ec2
            .groups
            .values()
            .filter(|group| group.vpc_id == vpc.id && group.is_default())
            .map(|group| group.id.clone())
            .collect()
    } else {
        spec.groups.clone()
    };
    let interfaces = spec
        .subnets
        .iter()
        .filter_map(|id| world.make_interface(id))
        .collect();
    let endpoint = Endpoint {
        id: spec.id.clone(),
        owner: owner.account.clone(),
        region: owner.region.clone(),
        vpc_id: vpc.id.clone(),
        kind: EndpointType::Interface,
        service_name: spec.service_name.clone(),
        state: EndpointState::PendingAcceptance,
        state_since: world.now,
        created: world.now - time::Duration::hours(spec.hours_old.into()),
        visible: world.now,
        listed_until: None,
        groups,
        interfaces,
        private_dns: spec.private_dns,
        private_dns_wanted: None,
        last_error: None,
        tags: spec.tags.clone(),
        epoch: 0,
    };
    world.ec2.endpoints.insert(spec.id.clone(), endpoint);
    world.turn_endpoint(&spec.id, spec.state);
}

fn peering(vpc: &VpcSpec, spec: &PeeringSpec, owner: &Caller) -> Peering {
    let ours = PeeringSide {
        vpc_id: vpc.id.clone(),
        owner: owner.account.clone(),
        region: owner.region.clone(),
        cidrs: std::iter::once(vpc.cidr)
            .chain(vpc.secondary_cidrs.iter().copied())
            .collect(),
        ipv6_cidrs: vpc.ipv6_cidrs.clone(),
    };
    let theirs = PeeringSide {
        vpc_id: spec.peer_vpc.clone(),
        owner: spec
            .peer_account
            .clone()
            .unwrap_or_else(|| owner.account.clone()),
        region: spec
            .peer_region
            .clone()
            .unwrap_or_else(|| owner.region.clone()),
        cidrs: spec.peer_cidrs.clone(),
        ipv6_cidrs: spec.peer_ipv6_cidrs.clone(),
    };
    let (requester, accepter) = if spec.requested_by_peer {
        (theirs, ours)
    } else {
        (ours, theirs)
    };
    Peering {
        id: spec.id.clone(),
        requester,
        accepter,
        status: spec.status.clone(),
    }
}

fn prefix_list(spec: &PrefixListSpec, scenario: &Scenario) -> PrefixList {
    let or = |own: &Option<String>, other: &String| own.as_ref().unwrap_or(other).clone();
    PrefixList {
        id: spec.id.clone(),
        name: spec.name.clone(),
        owner: or(&spec.account, &scenario.account),
        region: or(&spec.region, &scenario.region),
        ipv6: spec.address_family == "IPv6",
        max_entries: spec.max_entries,
    }
}

fn endpoint_service(spec: &EndpointServiceSpec, scenario: &Scenario) -> EndpointService {
    let region = spec.region.as_ref().unwrap_or(&scenario.region);
    let zone_ids = if spec.zone_ids.is_empty() {
        scenario.zones.iter().map(|zone| zone.id.clone()).collect()
    } else {
        spec.zone_ids.clone()
    };
    EndpointService {
        kind: EndpointType::from_word(&spec.kind).unwrap_or(EndpointType::Interface),
        owner: spec.owner.clone(),
        verification: if spec.private_dns_verified {
            Verification::Verified
        } else {
            Verification::PendingVerification
        },
        principals: match &spec.allowed_accounts {
            None => Principals::All,
            Some(accounts) => Principals::Accounts(accounts.clone()),
        },
        acceptance_required: spec.acceptance_required,
        ..EndpointService::for_cluster(region, &spec.name, zone_ids, spec.private_dns_name.clone())
    }
}
