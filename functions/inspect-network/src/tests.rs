//! Whole inspections of worlds.

use in_process::stage::{Stage, assert_strict};
use shared::ec2::Source;
use shared::ownership::{Claim, Origin};
use simulator::Scenario;
use simulator::scenario::{EndpointSpec, PeeringSpec};

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

/// EC2 shows it to participants, and would refuse the endpoint at the very end.
#[test]
fn a_vpc_that_another_account_shares_is_refused_whatever_the_request_names() {
    const OWNER: &str = "444455556666";
    for asked in [None, Some(OWNER), Some("111122223333")] {
        let mut stage = fresh(|scenario| {
            scenario.vpcs[0].account = Some(OWNER.to_owned());
            scenario.vpcs[0].shared_with = vec!["111122223333".to_owned()];
        });
        stage.request.account_id = asked.map(|account| account.parse().unwrap());
        let error = inspect(&stage).unwrap_err();
        assert_eq!(error.code, Code::VpcShared, "{asked:?}");
        let named = format!("is owned by account {OWNER} and shared with 111122223333");
        assert!(error.detail.contains(&named), "{error}");
    }
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
