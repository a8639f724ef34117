//! Whole inspections of worlds.

use in_process::stage::{Stage, assert_strict};
use shared::ec2::Source;
use shared::ownership::{Claim, Origin};
use simulator::scenario::{EndpointSpec, PeeringSpec, PrefixListSpec};
use simulator::{Fault, FaultKind, Moment, Scenario};

use super::*;

const ENDPOINT: &str = "vpce-0a10000000000000e";

fn input(stage: &Stage, wait: Wait) -> Input {
    let cluster = ClusterFacts {
        cluster_name: "payments".to_owned(),
        service_name: stage.look(|world| world.ec2.services[0].name.parse().unwrap()),
        zone_ids: Default::default(),
        private_host: Some(
            "internal-payments-2718.j77.aws-eu-west-1.cockroachlabs.cloud".to_owned(),
        ),
        routing_id: None,
        trusted_accounts: None,
        registered: Default::default(),
        half_registered: Default::default(),
    };
    Input {
        connection: stage.request.subject(),
        request: stage.request.clone(),
        cluster,
        recorded: Vec::new(),
        endpoint_id: None,
        wait,
    }
}

fn inspect(stage: &Stage) -> Result<NetworkPlan, StepError> {
    let before = stage.things();
    let plan = stage.until_ready(async |wait| {
        handle(&stage.ports, &AllowedSources::default(), input(stage, wait)).await
    });
    assert_eq!(stage.things(), before, "an inspection changes nothing");
    plan
}

/// A VPC without an endpoint to the service, and a cluster that has one.
fn fresh(change: impl FnOnce(&mut Scenario)) -> Stage {
    Stage::changed("standard-cluster", change)
}

/// The only endpoint of a scenario, with a change.
fn standing(name: &str, change: impl FnOnce(&mut EndpointSpec, &Claim)) -> Stage {
    Stage::changed(name, |scenario| {
        let claim = in_process::stage::claim(scenario);
        change(&mut scenario.vpcs[0].endpoints[0], &claim);
    })
}

#[test]
fn a_fresh_vpc_gets_one_subnet_for_each_zone_and_all_its_networks_as_sources() {
    let stage = fresh(|scenario| {
        scenario.vpcs[0].secondary_cidrs = vec!["100.64.0.0/18".parse().unwrap()];
        scenario.vpcs[0].former_cidrs = vec!["10.99.0.0/16".parse().unwrap()];
    });
    let plan = inspect(&stage).unwrap();
    assert_eq!(
        (plan.endpoint.existing, plan.endpoint.subnet_ids.len()),
        (None, 3)
    );
    let sources: Vec<String> = plan
        .security_group
        .unwrap()
        .sources
        .iter()
        .map(Source::to_string)
        .collect();
    assert_eq!(sources, ["10.20.0.0/16", "100.64.0.0/18"]);
    assert_eq!(
        plan.undo,
        UndoPlan {
            anything: true,
            registration: true,
            private_dns: false
        }
    );
    assert_eq!((plan.private_host.is_some(), plan.notes), (true, vec![]));
}

#[test]
fn looking_twice_gives_the_same_plan() {
    for name in ["standard-cluster", "half-made-by-hand", "shared-endpoint"] {
        let stage = Stage::shipped(name);
        let (first, second) = stage.twice(async || {
            handle(
                &stage.ports,
                &AllowedSources::default(),
                input(&stage, stage.wait()),
            )
            .await
        });
        assert_eq!(first, second, "{name}");
    }
}

#[test]
fn subnets_that_come_late_are_waited_for_and_missed_at_the_limit() {
    let late = |seconds| {
        fresh(|scenario| {
            for subnet in &mut scenario.vpcs[0].subnets {
                subnet.appears_after = Some(std::time::Duration::from_secs(seconds));
            }
        })
    };
    assert_eq!(inspect(&late(60)).unwrap().endpoint.subnet_ids.len(), 3);
    assert_eq!(
        inspect(&late(6000)).unwrap_err().code,
        Code::SubnetsNotReadyInTime
    );
}

#[test]
fn an_endpoint_made_by_hand_is_planned_with_its_own_groups_and_subnets() {
    let plan = inspect(&Stage::shipped("half-made-by-hand")).unwrap();
    assert_eq!(plan.endpoint.existing.unwrap().as_str(), ENDPOINT);
    assert_eq!(
        (plan.endpoint.subnet_ids.len(), plan.security_group),
        (2, None)
    );
    assert_eq!(
        plan.undo,
        UndoPlan {
            anything: true,
            registration: true,
            private_dns: true
        }
    );
    assert!(plan.notes[0].contains("adopted"), "{:?}", plan.notes);
}

#[test]
fn an_endpoint_of_another_connection_is_shared_and_its_group_with_it() {
    let plan = inspect(&Stage::shipped("shared-endpoint")).unwrap();
    assert_eq!(plan.endpoint.existing.unwrap().as_str(), ENDPOINT);
    assert!(plan.security_group.is_some());
    assert!(
        plan.notes[0].contains("shared with cluster 5a0e8400"),
        "{:?}",
        plan.notes
    );
}

#[test]
fn a_dead_endpoint_of_ours_is_replaced() {
    let stage = standing("half-made-by-hand", |endpoint, claim| {
        endpoint.tags = claim.tags(Origin::Made);
        endpoint.state = simulator::ec2::EndpointState::Rejected;
    });
    assert_eq!(inspect(&stage).unwrap().endpoint.existing, None);
}

#[test]
fn an_endpoint_that_shuts_planned_sources_out_or_has_no_room_for_tags_is_refused() {
    let stage = Stage::changed("half-made-by-hand", |scenario| {
        scenario.vpcs[0].groups[0].rules[0].source = "10.20.0.0/24".to_owned();
    });
    let error = inspect(&stage).unwrap_err();
    assert_eq!(error.code, Code::ExistingEndpointUnusable);
    assert!(
        error
            .detail
            .contains("do not admit TCP 26257 from 10.20.0.0/16"),
        "{}",
        error.detail
    );
    for (source, said) in [
        ("pl-0123456789abcdef0", "prefix list pl-0123456789abcdef0"),
        (
            "222222222222/sg-0b000001",
            "security group 222222222222/sg-0b000001",
        ),
    ] {
        let stage = Stage::changed("half-made-by-hand", |scenario| {
            scenario.vpcs[0].groups[0].rules[0].source = source.to_owned();
        });
        let error = inspect(&stage).unwrap_err();
        assert_eq!(error.code, Code::ExistingEndpointUnusable);
        let said = format!(
            "let in {said} on TCP 26257, and 10.20.0.0/16 only as far as it is in there; ask for these"
        );
        assert!(error.detail.contains(&said), "{}", error.detail);
        assert!(!error.detail.contains("do not admit"), "{}", error.detail);
    }
    let stage = standing("half-made-by-hand", |endpoint, _| {
        endpoint.tags = (0..48)
            .map(|n| (format!("team:{n}"), String::new()))
            .collect();
    });
    assert_eq!(
        inspect(&stage).unwrap_err().code,
        Code::ExistingEndpointUnusable
    );
}

#[test]
fn an_endpoint_is_adopted_by_those_whom_its_groups_let_in() {
    let mut stage = Stage::changed("half-made-by-hand", |scenario| {
        scenario.prefix_lists = vec![prefix_list("pl-0123456789abcdef0", 20)];
        let rules = &mut scenario.vpcs[0].groups[0].rules;
        rules[0].source = "pl-0123456789abcdef0".to_owned();
        let mut rule = rules[0].clone();
        rule.source = "222222222222/sg-0b000001".to_owned();
        rules.push(rule);
    });
    let sources = &mut stage.request.sources;
    sources.prefix_list_ids = vec!["pl-0123456789abcdef0".parse().unwrap()];
    sources.security_group_ids = vec!["222222222222/sg-0b000001".parse().unwrap()];
    let plan = inspect(&stage).unwrap();
    assert_eq!(plan.endpoint.existing.unwrap().as_str(), ENDPOINT);
    assert_eq!(plan.security_group, None);
}

fn prefix_list(id: &str, max_entries: u32) -> PrefixListSpec {
    PrefixListSpec {
        id: id.to_owned(),
        name: "clients".to_owned(),
        account: None,
        region: None,
        address_family: "IPv4".to_owned(),
        max_entries,
    }
}

#[test]
fn lists_and_groups_of_others_become_sources_and_what_that_means_is_said() {
    let asked = "pl-0123456789abcdef0";
    let group = "222222222222/sg-0b000001";
    let planned = |max_entries: u32, sources: &str| {
        let mut stage = fresh(|scenario| {
            scenario.prefix_lists = vec![prefix_list(asked, max_entries)];
        });
        stage.request.sources = serde_json::from_str(sources).unwrap();
        inspect(&stage)
    };
    let both = format!(r#"{{"prefix_list_ids": ["{asked}"], "security_group_ids": ["{group}"]}}"#);
    let plan = planned(59, &both).unwrap();
    let sources = plan.security_group.unwrap().sources;
    let sources: Vec<String> = sources.iter().map(Source::to_string).collect();
    assert_eq!(sources, [group, asked]);
    let notes = plan.notes.join("\n");
    assert!(
        notes.contains("on prefix list pl-0123456789abcdef0"),
        "{notes}"
    );
    assert!(
        notes.contains("group 222222222222/sg-0b000001 can"),
        "{notes}"
    );
    assert_eq!(
        planned(60, &both).unwrap_err().code,
        Code::TooManySources,
        "the group is one rule more"
    );

    let own = r#"{"security_group_ids": ["111122223333/sg-0b000001"]}"#;
    let error = planned(1, own).unwrap_err();
    assert_eq!(error.code, Code::SourceGroupNotFound);
    assert!(
        error
            .detail
            .contains("has no security group sg-0b000001 in"),
        "{error}"
    );
    let absent = r#"{"prefix_list_ids": ["pl-0123456789abcdef1"]}"#;
    let error = planned(1, absent).unwrap_err();
    assert_eq!(error.code, Code::PrefixListNotFound);
    assert!(error.detail.contains("pl-0123456789abcdef1"), "{error}");
}

#[test]
fn what_is_allowed_holds_for_lists_and_groups_too() {
    let mut stage = fresh(|scenario| {
        scenario.prefix_lists = vec![prefix_list("pl-0123456789abcdef0", 1)];
    });
    stage.request.sources.prefix_list_ids = vec!["pl-0123456789abcdef0".parse().unwrap()];
    for (allowed, is_refused) in [("0.0.0.0/0", true), ("pl-0123456789abcdef0", false)] {
        let allowed = AllowedSources(vec![allowed.parse().unwrap()]);
        let looked = handle(&stage.ports, &allowed, input(&stage, stage.wait()));
        let refused = in_process::stage::at_once(looked).err();
        let expected = is_refused.then_some(Code::SourceNotAllowed);
        assert_eq!(refused.map(|error| error.code), expected);
    }
}

#[test]
fn what_stands_in_the_way_is_named() {
    let refused = |stage: Stage, code| assert_eq!(inspect(&stage).unwrap_err().code, code);
    let asking = |change: fn(&mut ProvisionRequest)| {
        let mut stage = fresh(|_| {});
        change(&mut stage.request);
        stage
    };
    refused(
        fresh(|it| it.vpcs[0].dns_support = false),
        Code::VpcDnsSupportDisabled,
    );
    refused(
        fresh(|it| it.vpcs[0].dns_hostnames = false),
        Code::VpcDnsHostnamesDisabled,
    );
    refused(
        fresh(|it| it.clusters[0].regions[0].service.private_dns_unverified = true),
        Code::PrivateDnsNotOffered,
    );
    refused(
        fresh(|it| {
            it.vpcs[0]
                .subnets
                .iter_mut()
                .for_each(|it| it.free_addresses = Some(0))
        }),
        Code::NoFreeAddresses,
    );
    refused(
        asking(|it| it.vpc_id = "vpc-00000000".parse().unwrap()),
        Code::VpcNotFound,
    );
    refused(
        asking(|it| it.account_id = "999988887777".parse().ok()),
        Code::VpcInOtherAccount,
    );
    refused(
        asking(|it| it.subnet_ids = vec!["subnet-00000000".parse().unwrap()]),
        Code::SubnetNotFound,
    );
    refused(
        asking(|it| it.sources.security_group_ids = vec!["sg-00000000".parse().unwrap()]),
        Code::SourceGroupNotFound,
    );
}

#[test]
fn ipv6_only_subnets_cannot_take_an_endpoint() {
    let ipv6_only = |count: usize| {
        fresh(|scenario| {
            for subnet in scenario.vpcs[0].subnets.iter_mut().take(count) {
                subnet.ipv6_native = true;
                subnet.ipv6_cidr = Some("2001:db8::/64".parse().unwrap());
            }
        })
    };
    assert_eq!(inspect(&ipv6_only(2)).unwrap().endpoint.subnet_ids.len(), 1);
    let error = inspect(&ipv6_only(3)).unwrap_err();
    assert_eq!(error.code, Code::SubnetUnusable);
    assert!(error.detail.contains("has no IPv4 network"), "{error}");
    let mut stage = ipv6_only(1);
    stage.request.subnet_ids = vec!["subnet-0a10000000000000a".parse().unwrap()];
    assert_eq!(inspect(&stage).unwrap_err().code, Code::SubnetUnusable);
}

const DHCP: &str = "ec2:DescribeDhcpOptions";
const ACLS: &str = "ec2:DescribeNetworkAcls";

fn calls(stage: &Stage, operation: &str) -> usize {
    let calls = stage.ports.simulator().calls();
    calls.iter().filter(|it| it.operation == operation).count()
}

#[test]
fn dns_servers_and_acls_of_ones_own_are_told_and_stand_in_nobodys_way() {
    let mut stage = Stage::shipped("own-dns-and-acls");
    let dns = "the VPC's DHCP options dopt-0a1b2c3d4e5f60718 name DNS servers other than Amazon's \
               (10.20.0.53, 10.20.16.53): clients resolve the private host only if these forward \
               it to the VPC's Route 53 Resolver";
    let a = "network ACL acl-0a10000000000000a (of subnet-0a10000000000000a, \
             subnet-0a10000000000000b) does not let TCP";
    let b = "network ACL acl-0a10000000000000b (of subnet-0a10000000000000c) does not let TCP";
    let acls = [
        format!(
            "{a} 26257 in from 10.20.48.0/20: clients there, if in other subnets, do not reach \
             the endpoint in these"
        ),
        format!(
            "{a} 1024-32767 out to 10.20.0.0/16: the endpoint's answers to these ports are lost"
        ),
        format!(
            "{b} 26257 in from 10.20.0.0/16: clients there, if in other subnets, do not reach \
             the endpoint in these"
        ),
    ];
    let plan = inspect(&stage).unwrap();
    assert_eq!(plan.notes[0], dns);
    assert_eq!(plan.notes[1..], acls);
    // Without private DNS another note says what DNS servers of one's own need.
    stage.request.private_dns = false;
    let plan = inspect(&stage).unwrap();
    assert_eq!(plan.notes[1..], acls);
    assert_eq!((calls(&stage, DHCP), calls(&stage, ACLS)), (1, 2));
}

#[test]
fn only_what_sources_and_subnets_are_about_is_told_of_acls() {
    let mut stage = Stage::shipped("own-dns-and-acls");
    stage.request.subnet_ids = vec!["subnet-0a10000000000000c".parse().unwrap()];
    stage.request.sources.cidrs = vec!["10.99.0.0/16".parse().unwrap()];
    let notes = inspect(&stage).unwrap().notes.join("\n");
    assert!(notes.contains("in from 10.99.0.0/16"), "{notes}");
    assert!(!notes.contains("acl-0a10000000000000a"), "{notes}");
}

/// An older role in another account does not have these permissions.
#[test]
fn what_may_not_be_looked_at_is_said_and_stands_in_nobodys_way() {
    let stage = Stage::shipped("own-dns-and-acls");
    for operation in [DHCP, ACLS] {
        let fault = Fault::from_then_on(operation, 1, FaultKind::Denied, Moment::Before);
        stage.ports.simulator().add_fault(fault);
    }
    let notes = inspect(&stage).unwrap().notes;
    assert_eq!(
        notes,
        [
            "could not look at the VPC's DHCP options, which name its DNS servers \
             (ec2:DescribeDhcpOptions is missing)",
            "could not look at the network ACLs of the endpoint's subnets \
             (ec2:DescribeNetworkAcls is missing)",
        ]
    );
}

#[test]
fn peered_networks_are_sources_only_when_asked_for() {
    let mut stage = fresh(|scenario| {
        scenario.vpcs[0].peerings = vec![PeeringSpec {
            id: "pcx-0a1b2c3d4e5f60718".to_owned(),
            peer_vpc: "vpc-0f0f0f0f0f0f0f0f0".to_owned(),
            peer_account: None,
            peer_region: None,
            peer_cidrs: vec!["172.31.0.0/16".parse().unwrap()],
            peer_ipv6_cidrs: vec![],
            status: "active".to_owned(),
            requested_by_peer: true,
        }];
    });
    let sources = |stage: &Stage| {
        inspect(stage)
            .unwrap()
            .security_group
            .unwrap()
            .sources
            .len()
    };
    assert_eq!(sources(&stage), 1);
    stage.request.sources.include_peered_vpcs = true;
    assert_eq!(sources(&stage), 2);
}

#[test]
fn without_private_dns_the_vpc_may_be_without_dns_too_and_a_note_says_what_that_means() {
    let mut stage = fresh(|scenario| scenario.vpcs[0].dns_support = false);
    stage.request.private_dns = false;
    let plan = inspect(&stage).unwrap();
    assert_eq!(plan.private_host, None);
    assert!(plan.notes[0].contains("verify-full"), "{:?}", plan.notes);
}

/// A removal has let the endpoint go, and was refused by the cluster.
#[test]
fn what_an_earlier_run_could_not_take_back_is_the_connections_own_again() {
    let stage = standing("half-made-by-hand", |_, _| {});
    let recorded = |id: &str, account: Option<&str>| OwnRegistration {
        endpoint_id: id.parse().unwrap(),
        trusted_account: account.map(|it| it.parse().unwrap()),
    };
    let other = "vpce-00000000000000001";
    for (recorded, owned, trusted) in [
        (vec![], false, None),
        (vec![recorded(other, None)], false, None),
        (vec![recorded(ENDPOINT, None)], true, None),
        (
            vec![recorded(ENDPOINT, Some("111122223333"))],
            true,
            Some("111122223333"),
        ),
        // Of the one that is not its own it has nothing to take back.
        (vec![recorded(other, Some("111122223333"))], false, None),
    ] {
        let mut input = input(&stage, stage.wait());
        input.cluster.registered.insert(ENDPOINT.to_owned());
        input.recorded = recorded;
        let told = format!("{:?}", input.recorded);
        let allowed = AllowedSources::default();
        let looked = handle(&stage.ports, &allowed, input);
        let plan = in_process::stage::at_once(looked).unwrap().ready().unwrap();
        assert_eq!(plan.undo.registration, owned, "{told}");
        let account = plan.trust_account.map(|it| it.to_string());
        assert_eq!(account.as_deref(), trusted, "{told}");
    }
}

/// A security group has at most 1000 rules (Amazon VPC user guide, "Amazon VPC quotas":
/// the quotas of rules and of groups, multiplied).
#[test]
fn the_longest_plan_fits_into_an_answer() {
    let stage = Stage::changed("connected", |scenario| {
        let group = &mut scenario.vpcs[0].groups[0];
        let rule = group.rules[0].clone();
        group.rules.extend((0..1000).map(|n| {
            let mut rule = rule.clone();
            rule.source = format!("2001:db8:{n:x}:ffff:ffff:ffff:ffff:ffff/128");
            rule
        }));
    });
    let plan = inspect(&stage).unwrap();
    let removed = plan
        .change
        .as_ref()
        .map(|change| change.sources_removed.len());
    assert_eq!(removed, Some(1000));
    let bytes = serde_json::to_string(&plan).unwrap().len();
    assert!(bytes <= bounds::ANSWER * 3 / 4, "{bytes} bytes");
}

#[test]
fn a_ledger_that_is_full_of_registrations_takes_none_more() {
    let look = |count: usize, id: &str| {
        let recorded: Vec<OwnRegistration> = (0..count)
            .map(|n| OwnRegistration {
                endpoint_id: format!("vpce-{n:017x}").parse().unwrap(),
                trusted_account: None,
            })
            .collect();
        let used: Option<EndpointId> = id.parse().ok();
        check_registrations(&recorded, used.as_ref()).map_err(|error| error.code)
    };
    let full = Err(Code::RegistrationNotGoneInTime);
    assert_eq!(look(9, ENDPOINT), Ok(()));
    assert_eq!(look(10, ENDPOINT), full);
    assert_eq!(look(10, "none yet"), full);
    assert_eq!(look(10, "vpce-00000000000000001"), Ok(()));
}

#[test]
fn a_misspelled_field_is_refused() {
    let stage = fresh(|_| {});
    assert_strict(&input(&stage, stage.wait()));
}
