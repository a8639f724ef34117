//! The Describe operations.

use super::*;
use crate::scenario::AclSpec;

/// EC2 API reference, `DescribeVpcs`: `CidrBlock` is the primary range only.
#[test]
fn secondary_and_former_ranges_are_in_the_association_set() {
    let mut stage = Stage::new();
    let by_id = [Filter::one("vpc-id", VPC)];
    let vpc = stage.told(World::describe_vpcs, by_id).remove(0);
    assert_eq!(vpc.cidr_block.to_string(), "10.0.0.0/16");
    let ranges: Vec<_> = vpc
        .cidrs
        .iter()
        .map(|c| format!("{} {}", c.cidr, c.state.word()))
        .collect();
    assert_eq!(
        ranges,
        [
            "10.0.0.0/16 associated",
            "10.1.0.0/16 associated",
            "10.2.0.0/16 disassociated"
        ]
    );
}

/// "Availability Zone IDs": names are aliases of the account.
#[test]
fn zones_have_an_id_and_a_name_in_another_order() {
    let stage = Stage::new();
    let zones = stage.world.ec2.zones.iter();
    let pairs: Vec<_> = zones
        .map(|zone| (zone.id.as_str(), zone.name.as_str()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("euw1-az1", "eu-west-1b"),
            ("euw1-az2", "eu-west-1c"),
            ("euw1-az3", "eu-west-1a")
        ]
    );
}

/// EC2 API reference, `DescribeVpcEndpointServices`: only zones that provider
/// and consumer have in common.
#[test]
fn a_service_lists_only_zones_that_the_caller_has_too() {
    let mut stage = Stage::new();
    let mut ask = |name: &str| {
        let request = DescribeVpcEndpointServices {
            service_names: vec![name.to_owned()],
        };
        let Stage { world, caller } = &mut stage;
        world.describe_vpc_endpoint_services(caller, &request)
    };
    let answer = ask(SERVICE).unwrap();
    assert_eq!(answer.service_details[0].zone_ids, ["euw1-az1", "euw1-az2"]);
    assert_eq!(code(ask("com.example")), "InvalidServiceName");
}

/// EC2 API reference, "Filtering": names and values are case-sensitive.
#[test]
fn filters_are_case_sensitive_and_unknown_ones_are_refused() {
    let mut stage = Stage::new();
    let id = stage.available();
    let count = |stage: &mut Stage, name: &str, value: &str| {
        let request = Describe::filtered([Filter::one(name, value)]);
        let Stage { world, caller } = stage;
        let answer = world.describe_vpc_endpoints(caller, &request);
        answer.map(|answer| answer.items.len())
    };
    for (name, value, expected) in [
        ("vpc-endpoint-state", "available", 1),
        ("vpc-endpoint-state", "Available", 0),
        ("service-name", SERVICE, 1),
        ("vpc-id", VPC, 1),
        ("vpc-endpoint-id", id.as_str(), 1),
        ("tag-key", "none", 0),
    ] {
        assert_eq!(
            count(&mut stage, name, value),
            Ok(expected),
            "{name}={value}"
        );
    }
    for unknown in [
        "state",
        "Vpc-Id",
        "vpc-endpoint-states",
        "vpc-endpoint-type",
    ] {
        assert_eq!(
            code(count(&mut stage, unknown, "x")),
            "InvalidParameterValue"
        );
    }
}

#[test]
fn pages_of_endpoints_follow_one_another() {
    let mut stage = Stage::new();
    for _ in 0..3 {
        stage.create(in_one_subnet()).unwrap();
    }
    stage.wait(3);
    let mut page = |next_token: Option<String>| {
        let request = Describe {
            max_results: Some(2),
            next_token,
            ..Describe::default()
        };
        let Stage { world, caller } = &mut stage;
        world.describe_vpc_endpoints(caller, &request).unwrap()
    };
    let first = page(None);
    assert_eq!(first.items.len(), 2);
    let second = page(first.next_token);
    assert_eq!((second.items.len(), second.next_token), (1, None));
    assert!(!first.items.contains(&second.items[0]));
}

/// VPC user guide, "Share your VPC subnets with other accounts": participants see VPC and
/// subnets with their owner, and can make groups there, but no endpoints.
#[test]
fn participants_see_a_shared_vpc_and_cannot_make_endpoints_in_it() {
    let mut stage = Stage::with(|scenario| {
        scenario.vpcs[0].shared_with = vec!["444455556666".to_owned()];
    });
    let participant = Caller {
        account: "444455556666".to_owned(),
        ..stage.caller.clone()
    };
    let mut told = |caller: &Caller| {
        let (all, world) = (Describe::default(), &mut stage.world);
        let vpcs = world.describe_vpcs(caller, &all).unwrap().items;
        let owners: Vec<String> = vpcs.into_iter().map(|vpc| vpc.owner).collect();
        let subnets = world.describe_subnets(caller, &all).unwrap().items;
        (owners, subnets.len())
    };
    assert_eq!(told(&participant), (vec!["111122223333".to_owned()], 4));
    let stranger = Caller {
        account: "777788889999".to_owned(),
        ..participant.clone()
    };
    assert_eq!(told(&stranger), (Vec::new(), 0));
    let refused = stage.world.create_vpc_endpoint(&participant, &request());
    assert_eq!(code(refused), "UnauthorizedOperation");
}

/// turbot/steampipe-plugin-aws issue 75.
#[test]
fn a_region_that_is_not_enabled_knows_no_credentials() {
    let mut stage = Stage::with(|scenario| scenario.regions_off = vec!["me-south-1".to_owned()]);
    let there = Caller {
        region: "me-south-1".to_owned(),
        ..stage.caller.clone()
    };
    let request = Describe::default();
    let refused = stage.world.describe_vpcs(&there, &request).unwrap_err();
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (401, "AuthFailure")
    );
    assert!(stage.world.describe_vpcs(&stage.caller, &request).is_ok());
}

/// EC2 API reference, "Error codes".
#[test]
fn what_is_not_there_has_a_code_for_each_kind() {
    let mut stage = Stage::new();
    let vpc = Describe::id("vpc-0fffffffffffffff0");
    let found = stage.world.describe_vpcs(&stage.caller, &vpc);
    assert_eq!(code(found), "InvalidVpcID.NotFound");
    let attribute = DescribeVpcAttribute {
        vpc_id: "vpc-0fffffffffffffff0".to_owned(),
        attribute: Attribute::EnableDnsSupport,
    };
    let found = stage
        .world
        .describe_vpc_attribute(&stage.caller, &attribute);
    assert_eq!(code(found), "InvalidVpcID.NotFound");
    assert_eq!(
        code(stage.describe("vpce-0fffffffffffffff0")),
        "InvalidVpcEndpointId.NotFound"
    );
    assert_eq!(
        code(stage.describe("vpce-zz")),
        "InvalidVpcEndpointId.Malformed"
    );
}

#[test]
fn other_accounts_and_regions_are_not_seen() {
    let mut stage = Stage::new();
    let Stage { world, caller } = &mut stage;
    let elsewhere = Caller {
        region: "us-east-1".to_owned(),
        ..caller.clone()
    };
    let stranger = Caller {
        account: "999999999999".to_owned(),
        ..caller.clone()
    };
    let all = Describe::default();
    for caller in [elsewhere, stranger] {
        assert_eq!(world.describe_vpcs(&caller, &all).unwrap().items, []);
        assert_eq!(world.describe_subnets(&caller, &all).unwrap().items, []);
    }
}

/// EC2 API reference, `DescribeVpcAttribute`: one attribute at a time.
#[test]
fn dns_attributes_are_read_one_at_a_time() {
    let mut stage = Stage::with(|scenario| scenario.vpcs[0].dns_hostnames = false);
    let mut value = |attribute| {
        let ask = DescribeVpcAttribute {
            vpc_id: VPC.to_owned(),
            attribute,
        };
        let answer = stage.world.describe_vpc_attribute(&stage.caller, &ask);
        answer.unwrap().value
    };
    assert!(value(Attribute::EnableDnsSupport));
    assert!(!value(Attribute::EnableDnsHostnames));
}

/// VPC user guide, "Subnet sizing": AWS keeps five addresses of each subnet.
#[test]
fn subnets_tell_their_free_addresses() {
    let mut stage = Stage::new();
    let free = |stage: &mut Stage| -> Vec<u32> {
        let by_vpc = [Filter::one("vpc-id", VPC)];
        let subnets = stage.told(World::describe_subnets, by_vpc).into_iter();
        subnets.map(|it| it.available_ip_address_count).collect()
    };
    assert_eq!(free(&mut stage), [251, 251, 1, 251]);
    stage.available();
    assert_eq!(free(&mut stage), [250, 251, 0, 251]);
}

/// Subnets follow after the event that a VPC was created.
#[test]
fn a_vpc_that_was_just_made_gets_its_subnets_later() {
    let mut stage = Stage::with(|scenario| {
        scenario.vpcs[0].available_after = Some(Duration::from_secs(5));
        for subnet in &mut scenario.vpcs[0].subnets {
            subnet.appears_after = Some(Duration::from_secs(60));
        }
    });
    let seen = |stage: &mut Stage| {
        let by_vpc = || [Filter::one("vpc-id", VPC)];
        let vpcs = stage.told(World::describe_vpcs, by_vpc());
        let subnets = stage.told(World::describe_subnets, by_vpc());
        (vpcs[0].state(), subnets.len())
    };
    assert_eq!(seen(&mut stage), ("pending", 0));
    stage.wait(5);
    assert_eq!(seen(&mut stage), ("available", 0));
    stage.wait(55);
    assert_eq!(seen(&mut stage), ("available", 4));
}

/// VPC user guide, "DHCP option set concepts".
#[test]
fn a_vpc_has_the_default_dhcp_options_unless_it_was_given_others() {
    let mut stage = Stage::with(|scenario| {
        scenario.vpcs[0].dns_servers = Some(vec!["10.0.0.53".to_owned()]);
    });
    let ids = [VPC, DEFAULT_VPC].map(|vpc| stage.world.ec2.vpcs[vpc].dhcp_options_id());
    let mut ask = |id: &str| {
        let by_id = [Filter::one("dhcp-options-id", id)];
        let sets = stage.told(World::describe_dhcp_options, by_id).into_iter();
        sets.flat_map(|set| set.dns_servers).collect::<Vec<_>>()
    };
    assert_eq!(ask(&ids[0]), ["10.0.0.53"]);
    assert_eq!(ask(&ids[1]), ["AmazonProvidedDNS"]);
    assert!(ask("dopt-0fffffffffffffff0").is_empty());
}

/// VPC user guide, "Default network ACL": it allows everything, and every ACL ends with
/// a rule that denies the rest.
#[test]
fn each_subnet_has_one_acl_and_the_default_one_lets_everything_through() {
    let mut stage = Stage::with(|scenario| {
        scenario.vpcs[0].acls = vec![AclSpec {
            id: "acl-0a00000000000000a".to_owned(),
            subnets: vec![SUBNET_2.to_owned()],
            rules: Vec::new(),
        }];
    });
    let mut ask = |subnets: &[&str]| {
        let by_subnet = [Filter::any("association.subnet-id", subnets)];
        stage.told(World::describe_network_acls, by_subnet)
    };
    let numbers = |acl: &NetworkAcl| acl.rules.iter().map(|it| it.number).collect::<Vec<_>>();
    let acls = ask(&[SUBNET_1, SUBNET_1_TOO]);
    assert_eq!(acls.len(), 1);
    assert!(acls[0].is_default);
    assert_eq!(acls[0].subnet_ids, [SUBNET_1, SUBNET_1_TOO, SUBNET_3]);
    assert_eq!(numbers(&acls[0]), [32767, 32767, 100, 100]);
    let acls = ask(&[SUBNET_2]);
    assert_eq!((acls.len(), acls[0].is_default), (1, false));
    assert_eq!(numbers(&acls[0]), [32767, 32767]);
    assert_eq!(ask(&[SUBNET_1, SUBNET_2]).len(), 2);
    assert!(ask(&["subnet-0fffffffffffffff0"]).is_empty());
}

/// An endpoint is IPv4 unless it is asked for otherwise (EC2 API reference,
/// `CreateVpcEndpoint`, `IpAddressType`).
#[test]
fn an_ipv6_only_subnet_has_no_address_for_an_endpoint() {
    let mut stage = Stage::with(|scenario| scenario.vpcs[0].subnets[0].ipv6_native = true);
    let refused = stage.create(in_one_subnet());
    assert_eq!(code(refused), "InsufficientFreeAddressesInSubnet");
}
