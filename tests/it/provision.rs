//! The stories of the shipped scenarios, and of small changes to them, told to
//! their end.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::Clock;
use serde_json::json;
use shared::Code;
use simulator::cloud::{ClusterState, ConnectionStatus};
use simulator::ec2::EndpointState;
use simulator::scenario::{
    CloudProvider, ConnectionSpec, EndpointOutcome, EndpointSpec, Plan, ServiceOutcome,
    ServiceStatus,
};
use simulator::{Fault, FaultKind, Moment, Scenario};
use system_tests::aftermath::{Snapshot, failed, ready, run};
use system_tests::policies::{OTHER, other_role};
use system_tests::removal::Removal;
use system_tests::run::{Ending, Stage, changes, ending, ready_after};
use system_tests::situations::{LIST, NEIGHBOURS_GROUP, add_neighbour};

#[track_caller]
fn rolled_back(stage: &Stage, code: Code) -> shared::report::Explained {
    failed(stage, "RolledBack", code)
}

/// Refused by its code, before anything was made. Asking an Advanced cluster for
/// its endpoint service does not count: it is how one learns where it is offered.
#[track_caller]
fn refused(stage: &Stage, code: Code) {
    rolled_back(stage, code);
    let mut changed = changed(stage);
    changed.retain(|operation| operation != "cloud:POST private-endpoint-services");
    assert_eq!(changed, [""; 0], "{code} came too late");
}

/// What was called so far and has changed something.
fn changed(stage: &Stage) -> Vec<String> {
    let calls = stage.simulator.calls().into_iter();
    let operations = calls.map(|call| call.operation);
    operations.filter(|it| changes(it)).collect()
}

#[track_caller]
fn notes(ready: &shared::report::Ready, words: &str) {
    let mut notes = ready.notes.iter();
    assert!(notes.any(|it| it.contains(words)), "{words}: {ready:#?}");
}

/// A shipped world with a change.
fn world(name: &str, change: impl FnOnce(&mut Scenario)) -> Stage {
    let mut scenario = Scenario::shipped(name).expect("a shipped scenario");
    change(&mut scenario);
    Stage::of(&scenario)
}

/// An Advanced cluster that has its endpoint service, so that nothing needs to be asked for.
fn advanced(change: impl FnOnce(&mut Scenario)) -> Stage {
    world("fresh-vpc", |scenario| {
        scenario.clusters[0].regions[0].service.status = Some(ServiceStatus::Available);
        change(scenario);
    })
}

#[test]
fn a_fresh_vpc_is_connected_to_an_advanced_cluster() {
    let ready = ready(&Stage::shipped("fresh-vpc"));
    assert_eq!(
        ready.host,
        "internal-orders-k4x.aws-eu-west-1.cockroachlabs.cloud"
    );
    assert_eq!(
        ready.connection_string,
        "postgresql://USER@internal-orders-k4x.aws-eu-west-1.cockroachlabs.cloud:26257/defaultdb?sslmode=verify-full"
    );
}

#[test]
fn a_standard_cluster_is_never_asked_for_its_service_and_gets_its_routing_id() {
    let stage = Stage::shipped("standard-cluster");
    let string = ready(&stage).connection_string;
    assert!(string.ends_with("&options=--cluster%3Dpayments-2718"));
    assert_eq!(stage.count("cloud:POST private-endpoint-services"), 0);
}

#[test]
fn waits_end_well_when_the_world_is_slow_or_not_finished() {
    for name in [
        "slow-world",
        "cluster-is-creating",
        "fresh-vpc-without-subnets",
    ] {
        let stage = Stage::shipped(name);
        ready_after(&stage.provision("story"));
    }
}

#[test]
fn an_endpoint_made_by_hand_is_adopted_and_finished() {
    let stage = Stage::shipped("half-made-by-hand");
    let ready = ready(&stage);
    assert_eq!(ready.endpoint_id.as_str(), "vpce-0a10000000000000e");
    notes(&ready, "adopted");
    for made in [
        "ec2:CreateVpcEndpoint",
        "ec2:CreateSecurityGroup",
        "ec2:AuthorizeSecurityGroupIngress",
    ] {
        assert_eq!(stage.count(made), 0, "{made}");
    }
}

#[test]
fn an_endpoint_made_by_hand_that_shuts_the_vpc_out_is_reported() {
    let stage = world("half-made-by-hand", |scenario| {
        scenario.vpcs[0].groups[0].rules[0].source = "10.20.0.0/24".to_owned();
    });
    refused(&stage, Code::ExistingEndpointUnusable);
}

#[test]
fn dns_servers_and_acls_of_ones_own_are_told_and_hold_nothing_up() {
    let told = ready(&Stage::shipped("own-dns-and-acls"));
    notes(
        &told,
        "DNS servers other than Amazon's (10.20.0.53, 10.20.16.53)",
    );
    notes(&told, "the Resolver rule rslvr-rr-0a10000000000000a");
    notes(&told, "does not let TCP 26257 in from 10.20.48.0/20");
    notes(&told, "does not let TCP 1024-32767 out to 10.20.0.0/16");
    let denied = Stage::shipped("own-dns-and-acls")
        .denying("ec2:DescribeDhcpOptions", 1)
        .denying("ec2:DescribeNetworkAcls", 1)
        .denying("route53resolver:ListResolverRules", 1);
    let told = ready(&denied);
    notes(&told, "could not look at the VPC's DHCP options");
    notes(&told, "could not look at the network ACLs");
    notes(&told, "could not look at all Resolver rules");
    assert_eq!(told.notes.len(), 3, "{told:#?}");
    assert_eq!(ready(&Stage::shipped("standard-cluster")).notes, [""; 0]);
}

#[test]
fn two_clusters_share_an_endpoint_and_the_first_keeps_its_path() {
    let stage = Stage::shipped("shared-endpoint");
    let ready = ready(&stage);
    assert_eq!(ready.endpoint_id.as_str(), "vpce-0a10000000000000e");
    stage.simulator.look(|world| {
        let works = |it: &simulator::cloud::Connection| it.status == ConnectionStatus::Available;
        let mut clusters = world.cloud.clusters();
        assert!(clusters.all(|cluster| cluster.connections().any(works)));
    });
}

/// The registration was there before, as was the endpoint.
#[test]
fn what_was_registered_by_hand_stays_registered_when_a_run_fails() {
    let stage = world("half-made-by-hand", |scenario| {
        let endpoint = &mut scenario.vpcs[0].endpoints[0];
        endpoint.state = EndpointState::Available;
        scenario.clusters[0].connections = vec![ConnectionSpec {
            endpoint_id: endpoint.id.clone(),
            status: ConnectionStatus::Available,
            region: None,
        }];
    });
    let before = Snapshot::settled(&stage);
    stage.denies("ec2:ModifyVpcEndpoint", 1);
    let failure = rolled_back(&stage, Code::AwsAccessDenied);
    assert!(
        !failure
            .undone
            .iter()
            .any(|it| it.contains("private endpoint connection"))
    );
    assert_eq!(Snapshot::settled(&stage), before);
}

/// What is told as undone is what came to be.
#[test]
fn what_never_came_to_be_is_not_told_as_undone() {
    for (operation, came_to_be) in [
        ("cloud:POST private-endpoint-connections", 2),
        ("ec2:CreateVpcEndpoint", 1),
        ("ec2:CreateSecurityGroup", 0),
    ] {
        let stage = Stage::shipped("standard-cluster");
        stage.denies(operation, 1);
        let Ending::Failed(name, failure) = run(&stage) else {
            panic!("{operation} is refused");
        };
        assert_eq!(name, "RolledBack");
        assert_eq!(
            failure.undone.len(),
            came_to_be,
            "{operation}: {failure:#?}"
        );
    }
}

#[test]
fn a_registration_that_may_never_have_been_is_left_behind_with_that_doubt() {
    let stage = Stage::shipped("standard-cluster");
    stage.denies("cloud:GET private-endpoint-connections", 2);
    let Ending::Failed(_, failure) = run(&stage) else {
        panic!("the cluster cannot be asked");
    };
    let what = &failure.left[0].what;
    assert!(what.ends_with(", if there is one"), "{failure:#?}");
}

#[test]
fn every_bad_end_of_an_endpoint_is_told_apart() {
    for (outcome, code) in [
        (EndpointOutcome::Rejected, Code::EndpointRejected),
        (EndpointOutcome::Failed, Code::EndpointFailed),
        (EndpointOutcome::Expired, Code::EndpointExpired),
    ] {
        let change = |it: &mut Scenario| it.clusters[0].endpoint_outcome = outcome;
        rolled_back(&world("standard-cluster", change), code);
    }
}

#[test]
fn an_unknown_word_is_waited_for_until_the_limit_and_then_named() {
    let stage = world("standard-cluster", |scenario| {
        scenario.clusters[0].words.registered =
            Some(ConnectionStatus::Unknown("STATUS_SOMETHING_NEW".to_owned()));
    });
    let failure = rolled_back(&stage, Code::EndpointNotAcceptedInTime);
    assert!(
        failure
            .detail
            .contains("unknown word `STATUS_SOMETHING_NEW`"),
        "{}",
        failure.detail
    );
}

#[test]
fn what_can_never_work_is_refused_before_anything_is_made() {
    for (name, code) in [
        ("zones-do-not-match", Code::NoSubnetInServiceZones),
        ("api-key-refused", Code::ApiKeyRefused),
        ("private-dns-conflict", Code::PrivateDnsConflict),
    ] {
        refused(&Stage::shipped(name), code);
    }
    let basic = |it: &mut Scenario| it.clusters[0].plan = Plan::Basic;
    let code = Code::ClusterPlanWithoutPrivatelink;
    refused(&world("standard-cluster", basic), code);
    type Change = fn(&mut Scenario);
    let changes: [(Code, Change); 4] = [
        (Code::ClusterNotOnAws, |it| {
            it.clusters[0].cloud = CloudProvider::Gcp;
        }),
        (Code::ClusterDeleted, |it| {
            it.clusters[0].state = ClusterState::Deleted;
        }),
        (Code::VpcDnsHostnamesDisabled, |it| {
            it.vpcs[0].dns_hostnames = false;
        }),
        (Code::AccountNotTrusted, |it| {
            it.clusters[0].trusted_owners = Some(vec!["999988887777".to_owned()]);
        }),
    ];
    for (code, change) in changes {
        refused(&advanced(change), code);
    }
}

#[test]
fn what_the_request_gets_wrong_is_refused_before_anything_is_made() {
    let no_cluster = json!("00000000-0000-4000-8000-000000000000");
    let one_zone = json!(["subnet-0a10000000000000a", "subnet-0a10000000000001a"]);
    let no_group = json!({"security_group_ids": ["sg-00000000"]});
    let no_list = json!({"prefix_list_ids": ["pl-00000000"]});
    for (field, value, code) in [
        ("vpc_id", json!("vpc-1"), Code::InvalidRequest),
        ("vpc_id", json!("vpc-00000000"), Code::VpcNotFound),
        (
            "account_id",
            json!("999988887777"),
            Code::OtherAccountRoleRefused,
        ),
        ("region", json!("us-east-1"), Code::ClusterNotInRegion),
        ("cluster_id", no_cluster, Code::ClusterNotFound),
        (
            "subnet_ids",
            json!(["subnet-00000000"]),
            Code::SubnetNotFound,
        ),
        ("subnet_ids", one_zone, Code::SubnetsShareZone),
        (
            "subnet_ids",
            json!(["subnet-0a10000000000001b"]),
            Code::SubnetUnusable,
        ),
        ("sources", no_group, Code::SourceGroupNotFound),
        ("sources", no_list, Code::PrefixListNotFound),
    ] {
        refused(&advanced(|_| {}).asking(field, value), code);
    }
}

/// Every step asks EC2 in the account of the VPC, by the role there.
#[test]
fn a_vpc_of_another_account_is_connected_and_disconnected_there() {
    let stage = world("fresh-vpc", |scenario| {
        scenario.vpcs[0].account = Some(OTHER.to_owned());
        scenario.roles = vec![other_role()];
    })
    .asking("account_id", json!(OTHER));
    let before = Snapshot::settled(&stage);
    // In our own account nobody sees the VPC.
    let here = stage.for_request(&stage.request);
    refused(&here.asking("account_id", json!(null)), Code::VpcNotFound);

    ready(&stage);
    let owners: Vec<String> = stage.simulator.look(|world| {
        let endpoints = world.ec2.endpoints.values();
        endpoints.map(|endpoint| endpoint.owner.clone()).collect()
    });
    assert_eq!(owners, [OTHER]);
    assert!(Removal::of(&stage.deprovision("away")).is_complete());
    assert_eq!(Snapshot::settled(&stage), before);

    stage.simulator.meddle(|world| world.roles.clear());
    rolled_back(&stage, Code::OtherAccountRoleRefused);
}

/// EC2 shows the VPC to whom it is shared with, and would refuse the endpoint at the end.
#[test]
fn a_vpc_that_is_only_shared_is_refused_and_connected_in_its_owners_account() {
    let stage = advanced(|scenario| {
        scenario.vpcs[0].account = Some(OTHER.to_owned());
        scenario.vpcs[0].shared_with = vec![scenario.account.clone()];
        scenario.roles = vec![other_role()];
    });
    refused(&stage, Code::VpcShared);
    ready(&stage.asking("account_id", json!(OTHER)));
}

/// EC2 does not know the credentials there, and they are good.
#[test]
fn a_region_that_is_not_enabled_is_named() {
    let stage = advanced(|scenario| scenario.regions_off = vec!["eu-west-1".to_owned()]);
    let failure = rolled_back(&stage, Code::AwsRegionNotEnabled);
    assert!(failure.detail.contains(" in eu-west-1 "), "{failure:#?}");
}

/// It may be a new word for *busy*, and a step may be called twice.
#[test]
fn an_answer_that_nobody_knows_is_asked_for_again_before_anything_is_given_up() {
    let post = "cloud:POST private-endpoint-connections";
    let unknown = |repeat| Fault {
        repeat,
        ..Fault::once(post, 1, FaultKind::UnknownCode, Moment::Before)
    };
    ready(&advanced(|_| {}).with(unknown(3)));
    let stage = advanced(|_| {}).with(unknown(Fault::FOREVER));
    rolled_back(&stage, Code::UnexpectedCloudAnswer);
    assert_eq!(stage.count(post), 8, "once, and seven times more");
}

/// EC2 alone knows the quota of endpoints, which may have been raised for the account.
#[test]
fn a_quota_that_only_ec2_knows_is_named_and_rolled_back() {
    let with_fifty_endpoints = |quota| {
        advanced(|scenario| {
            scenario.quotas.endpoints_per_vpc = quota;
            let name = "com.amazonaws.eu-west-1.sts";
            let service = json!({ "name": name });
            scenario
                .endpoint_services
                .push(serde_json::from_value(service).expect("a service"));
            scenario.vpcs[0].endpoints.extend((0..50).map(|n| {
                let endpoint = json!({"id": format!("vpce-{n:017x}"), "service_name": name});
                serde_json::from_value::<EndpointSpec>(endpoint).expect("an endpoint")
            }));
        })
    };
    rolled_back(&with_fifty_endpoints(50), Code::EndpointQuotaReached);
    ready(&with_fifty_endpoints(51));
    let groups = advanced(|scenario| scenario.quotas.groups_per_region = 1);
    rolled_back(&groups, Code::SecurityGroupQuotaReached);
    let many: Vec<String> = (0..61).map(|n| format!("10.{n}.0.0/16")).collect();
    let with_many_rules = |quota| {
        let stage = advanced(|scenario| scenario.quotas.rules_per_group = quota);
        stage.asking("sources", json!({ "cidrs": many }))
    };
    rolled_back(&with_many_rules(60), Code::TooManySources);
    ready(&with_many_rules(61));
}

/// The zones of the subnets that the endpoint is in.
fn zones(stage: &Stage, ready: &shared::report::Ready) -> Vec<String> {
    stage.simulator.look(|world| {
        let endpoint = world.ec2.endpoint(ready.endpoint_id.as_str());
        let subnets = endpoint.expect("the endpoint").subnet_ids();
        let mut zones: Vec<String> = subnets
            .map(|id| world.ec2.subnets[id].zone_id.clone())
            .collect();
        zones.sort();
        zones
    })
}

#[test]
fn an_endpoint_gets_all_zones_of_a_vpc_that_is_still_being_made() {
    let all = ["euw1-az1", "euw1-az2", "euw1-az3"];
    let run = |stage: &Stage| zones(stage, &ready_after(&stage.provision("story")));
    assert_eq!(run(&Stage::shipped("fresh-vpc-without-subnets")), all);
    // Nothing else is waited for, so looks come between the subnets.
    let stage = world("standard-cluster", |scenario| {
        for (subnet, after) in scenario.vpcs[0].subnets.iter_mut().zip([20, 27, 34]) {
            subnet.appears_after = Some(Duration::from_secs(after));
        }
    });
    assert_eq!(run(&stage), all);
}

/// Half a minute, where the endpoint would lack a zone, and only there.
#[test]
fn a_vpc_that_will_never_have_a_subnet_in_each_zone_is_not_kept_waiting() {
    let lasts = |count: usize| {
        let stage = world("standard-cluster", |scenario| {
            scenario.vpcs[0].subnets.truncate(count);
        });
        let begun = stage.clock.now();
        let ready = ready_after(&stage.provision("story"));
        let lasted = stage.clock.now() - begun;
        assert_eq!(zones(&stage, &ready).len(), count);
        lasted.whole_seconds()
    };
    let more = lasts(2) - lasts(3);
    assert!((25..=40).contains(&more), "{more} s");
}

#[test]
fn a_service_that_cannot_be_made_or_not_in_time_is_told_apart() {
    let stage = world("fresh-vpc", |scenario| {
        scenario.clusters[0].service_outcome = ServiceOutcome::CreateFailed
    });
    rolled_back(&stage, Code::ServiceCreationFailed);
    let stage = world("fresh-vpc", |scenario| {
        scenario.pace.service_creating = Duration::from_secs(4000)
    });
    rolled_back(&stage, Code::ServiceNotReadyInTime);
}

#[test]
fn secondary_and_ipv6_networks_become_sources() {
    let stage = advanced(|scenario| {
        scenario.vpcs[0].ipv6_cidrs = vec!["2001:db8:1234::/56".parse().expect("a network")];
        scenario.vpcs[0].former_cidrs = vec!["10.99.0.0/16".parse().expect("a network")];
    });
    let ready = ready(&stage);
    assert_eq!(
        sources(&stage, &ready),
        ["10.20.0.0/16", "100.64.0.0/18", "2001:db8:1234::/56"]
    );
}

#[test]
fn prefix_lists_and_groups_of_other_accounts_become_sources_and_go_again() {
    let by_name = json!({
        "prefix_list_ids": [LIST],
        "security_group_ids": [NEIGHBOURS_GROUP],
    });
    let stage = advanced(add_neighbour).asking("sources", by_name);
    let before = Snapshot::settled(&stage);
    let ready = ready(&stage);
    assert_eq!(sources(&stage, &ready), [NEIGHBOURS_GROUP, LIST]);
    let notes = ready.notes.join("\n");
    for told in [LIST, NEIGHBOURS_GROUP] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    assert!(Removal::of(&stage.deprovision("away")).is_complete());
    assert_eq!(Snapshot::settled(&stage), before);
}

/// Whether a group can be a source, EC2 says when its rule is made. A fresh group of ours
/// is waited for, a source that cannot be is not.
#[test]
fn a_group_that_cannot_be_a_source_is_named_and_rolled_back_at_once() {
    const ELSEWHERE: &str = "sg-0b30000000000000d";
    let world = |change: fn(&mut Scenario)| {
        advanced(|scenario| {
            add_neighbour(scenario);
            let mut elsewhere = scenario.vpcs[1].clone();
            elsewhere.id = "vpc-0b30000000000000a".to_owned();
            elsewhere.account = None;
            elsewhere.groups[0].id = ELSEWHERE.to_owned();
            scenario.vpcs.push(elsewhere);
            change(scenario);
        })
    };
    let unpeered: fn(&mut Scenario) =
        |scenario| scenario.vpcs[0].peerings[0].status = "deleted".to_owned();
    for (stage, group) in [
        (world(|_| {}), "222222222222/sg-0b20000000000000f"),
        (world(|_| {}), "333333333333/sg-0b20000000000000d"),
        (world(unpeered), NEIGHBOURS_GROUP),
        (world(|_| {}), ELSEWHERE),
    ] {
        let stage = stage.asking("sources", json!({ "security_group_ids": [group] }));
        let before = Snapshot::settled(&stage);
        let failure = rolled_back(&stage, Code::SourceGroupNotFound);
        assert!(failure.left.is_empty(), "{failure:#?}");
        assert_eq!(Snapshot::settled(&stage), before);
        let calls = stage.simulator.calls().into_iter();
        let tried = calls.filter(|call| call.operation == "ec2:AuthorizeSecurityGroupIngress");
        let tried = tried.count();
        assert!(tried < 10, "{group}: tried {tried} times");
    }
}

#[test]
fn an_endpoint_that_lets_in_a_prefix_list_is_adopted_for_it_alone() {
    let stage = world("half-made-by-hand", |scenario| {
        add_neighbour(scenario);
        let rules = &mut scenario.vpcs[0].groups[0].rules;
        rules[0].source = LIST.to_owned();
        let mut rule = rules[0].clone();
        rule.source = NEIGHBOURS_GROUP.to_owned();
        rules.push(rule);
    });
    let failure = rolled_back(&stage, Code::ExistingEndpointUnusable);
    assert!(
        failure.detail.contains(
            "let in security group 222222222222/sg-0b20000000000000d and prefix list pl-0123456789abcdef0 on TCP 26257"
        ),
        "{}",
        failure.detail
    );
    assert_eq!(changed(&stage), [""; 0]);
    let asked = json!({
        "prefix_list_ids": [LIST],
        "security_group_ids": [NEIGHBOURS_GROUP],
    });
    ready(&stage.asking("sources", asked));
}

/// The sources of the rules of the endpoint's groups.
fn sources(stage: &Stage, ready: &shared::report::Ready) -> Vec<String> {
    stage.simulator.look(|world| {
        let endpoint = world
            .ec2
            .endpoint(ready.endpoint_id.as_str())
            .expect("the endpoint");
        let groups = endpoint.groups.iter().map(|id| &world.ec2.groups[id]);
        let mut sources: Vec<String> = groups
            .inspect(|group| assert_ne!(group.name, "default"))
            .flat_map(|group| &group.rules)
            .filter(|rule| !rule.is_egress)
            .map(|rule| rule.source.text())
            .collect();
        sources.sort();
        sources
    })
}

/// The tags of the endpoint and of its group, without those of ours.
fn own_tags(stage: &Stage) -> Vec<BTreeMap<String, String>> {
    stage.simulator.look(|world| {
        let endpoint = world.ec2.endpoints.values().next().expect("the endpoint");
        let groups = endpoint.groups.iter().map(|id| &world.ec2.groups[id].tags);
        let all = std::iter::once(&endpoint.tags).chain(groups);
        all.map(|tags| {
            let own = tags
                .iter()
                .filter(|(key, _)| !key.starts_with("cockroachdb-privatelink:"));
            own.map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        })
        .collect()
    })
}

#[test]
fn tags_of_the_customers_are_on_whatever_is_made_and_a_later_run_keeps_them() {
    let tags = json!({ "Name": "orders", "CostCenter": "41" });
    let stage = advanced(|_| {}).asking("tags", tags);
    ready(&stage);
    let both = |name: &str, cost: &str| {
        let tags = [("Name", name), ("CostCenter", cost)];
        let tags = BTreeMap::from(tags.map(|(key, value)| (key.to_owned(), value.to_owned())));
        vec![tags.clone(), tags]
    };
    assert_eq!(own_tags(&stage), both("orders", "41"));
    // Another value, and one that is asked for no more.
    let stage = stage.asking("tags", json!({ "CostCenter": "42" }));
    ready(&stage);
    assert_eq!(own_tags(&stage), both("orders", "42"));
}

#[test]
fn explicit_subnets_and_sources_are_honoured() {
    let stage = advanced(|_| {})
        .asking(
            "subnet_ids",
            json!(["subnet-0a10000000000002a", "subnet-0a10000000000000b"]),
        )
        .asking(
            "sources",
            json!({"cidrs": ["10.20.7.9/20", "10.20.0.0/16"]}),
        );
    let before = Snapshot::settled(&stage);
    let ready = ready_after(&stage.provision("story"));
    assert_ne!(Snapshot::settled(&stage), before);
    assert_eq!(sources(&stage, &ready), ["10.20.0.0/16", "10.20.0.0/20"]);
    stage.simulator.look(|world| {
        let endpoint = world
            .ec2
            .endpoint(ready.endpoint_id.as_str())
            .expect("the endpoint");
        let mut subnets: Vec<&str> = endpoint.subnet_ids().collect();
        subnets.sort_unstable();
        assert_eq!(
            subnets,
            ["subnet-0a10000000000000b", "subnet-0a10000000000002a"]
        );
    });
}

#[test]
fn peered_networks_become_sources_by_option_and_the_answer_says_what_that_means() {
    let stage = advanced(|scenario| {
        let peering = json!({
            "id": "pcx-0a1b2c3d4e5f60718", "peer_vpc": "vpc-0f0f0f0f0f0f0f0f0", "peer_cidrs": ["172.31.0.0/16"],
        });
        scenario.vpcs[0].peerings.push(serde_json::from_value(peering).expect("a peering"));
    })
    .asking("sources", json!({"include_peered_vpcs": true}));
    let ready = ready(&stage);
    assert!(sources(&stage, &ready).contains(&"172.31.0.0/16".to_owned()));
    notes(&ready, "vpc-0f0f0f0f0f0f0f0f0");
}

#[test]
fn zones_that_the_vpc_does_not_cover_are_reported() {
    let stage = advanced(|scenario| {
        let subnets = &mut scenario.vpcs[0].subnets;
        subnets.retain(|subnet| subnet.zone != "euw1-az3");
    });
    notes(&ready(&stage), "also offered in euw1-az3");
}

#[test]
fn without_private_dns_the_endpoints_own_name_is_the_host() {
    let ready = ready(&advanced(|_| {}).asking("private_dns", json!(false)));
    assert!(ready.host.contains(".vpce.amazonaws.com"), "{}", ready.host);
    assert!(ready.connection_string.contains("sslmode=verify-ca"));
    notes(&ready, "verify-full");
}

#[test]
fn what_was_made_is_kept_on_request() {
    let stage = Stage::shipped("endpoint-rejected").asking("on_failure", json!("keep"));
    let Ending::Failed(name, failure) = ending(&stage.provision("story")) else {
        panic!("ready")
    };
    assert_eq!(name, "KeptAfterFailure");
    assert_eq!(failure.code, Code::EndpointRejected.as_str());
    stage.simulator.look(|world| {
        let mut endpoints = world.ec2.endpoints.values();
        assert!(endpoints.any(|it| it.state.is_there()));
    });

    // The next run replaces what can never become usable.
    stage.simulator.meddle(|world| {
        let cluster = world
            .cloud
            .cluster_mut("1a2b3c4d-0000-4000-8000-000000000001")
            .expect("the cluster");
        cluster.endpoint_outcome = EndpointOutcome::default();
    });
    let again = stage.for_request(&stage.request);
    let again = again.asking("on_failure", json!("rollback"));
    ready(&again);
    again.simulator.look(|world| {
        let endpoints = world.ec2.endpoints.values();
        let living = endpoints.filter(|it| it.state.is_there()).count();
        assert_eq!(living, 1, "the rejected endpoint is still there");
    });
}

#[test]
fn an_undo_that_fails_for_good_names_what_is_left() {
    let stage = Stage::shipped("endpoint-rejected").denying("ec2:DeleteVpcEndpoints", 1);
    let Ending::Failed(name, failure) = run(&stage) else {
        panic!("ready")
    };
    assert_eq!(name, "RollbackIncomplete");
    assert_eq!(
        failure.code,
        Code::EndpointRejected.as_str(),
        "the first error is kept"
    );
    let left: Vec<&str> = failure.left.iter().map(|left| left.what.as_str()).collect();
    assert!(
        left[0].starts_with("endpoint vpce-") && left[1].starts_with("security group crdb-"),
        "{left:?}"
    );
}
