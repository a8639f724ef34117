//! The stories of taking connections away, told to their end.

use std::time::Duration;

use engine::Clock;
use serde_json::{Value, json};
use shared::Code;
use shared::ledger::Phase;
use shared::ownership::MANAGED_BY;
use shared::report::Explained;
use simulator::Scenario;
use simulator::cloud::{ClusterState, ConnectionStatus};
use simulator::ec2::{Endpoint, EndpointState};
use simulator::scenario::{KeySpec, TrafficSpec};
use system_tests::aftermath::{Snapshot, recorded};
use system_tests::books::{connections, hold_lease, last_notice, leases};
use system_tests::crash::{bury, lost_everywhere};
use system_tests::removal::{Before, Removal, finish};
use system_tests::run::{Ending, Goal, OFFSETS, Stage, changes, ending, ready_after};
use system_tests::situations::{
    SITUATIONS, connected, registered_by_hand, sharing, taken_away, two_clusters, unrecorded,
};
use system_tests::together::check;

/// A cluster that was made anew behind the same host has another endpoint service.
#[test]
fn an_endpoint_to_a_former_service_is_replaced_by_disconnecting_and_connecting() {
    let (stage, empty) = standard();
    stage.simulator.meddle(|world| {
        let mut former = world.ec2.services[0].clone();
        former.name = format!("{}f", former.name);
        former.id = format!("{}f", former.id);
        for endpoint in world.ec2.endpoints.values_mut() {
            endpoint.service_name.clone_from(&former.name);
        }
        world.ec2.services.push(former);
    });
    let failure = match ending(&stage.provision("again")) {
        Ending::Failed(_, failure) => failure,
        Ending::Ready(ready) => panic!("{ready:#?}"),
    };
    assert_eq!(failure.code, Code::EndpointOfOtherService.as_str());
    let said = "disconnect, which deletes it, and connect again";
    assert!(failure.detail.contains(said), "{failure:#?}");
    disconnected(&stage, &empty);
    ready_after(&stage.provision("anew"));
}

/// The endpoint of the shipped scenarios that have one.
const ENDPOINT: &str = "vpce-0a10000000000000e";

/// A connection that works, and its world without it.
fn standard() -> (Stage, Snapshot) {
    let stage = Stage::shipped("standard-cluster");
    let empty = Snapshot::settled(&stage);
    (connected(stage), empty)
}

/// Takes the connection away and holds the ending against the world as it shall be.
fn remove(stage: &Stage, gone: &Snapshot) -> Removal {
    let before = Before::new(stage, gone);
    let name = format!("away-{}", stage.simulator.calls().len());
    let removal = Removal::of(&stage.deprovision(&name));
    before
        .check(stage, &removal)
        .unwrap_or_else(|broken| panic!("{broken}"));
    removal
}

#[track_caller]
fn disconnected(stage: &Stage, gone: &Snapshot) -> Vec<String> {
    match remove(stage, gone) {
        Removal::Disconnected(undone) => undone,
        Removal::Incomplete(failure) => panic!("{failure:#?}"),
    }
}

#[track_caller]
fn incomplete(stage: &Stage, gone: &Snapshot, code: Code) -> Explained {
    match remove(stage, gone) {
        Removal::Incomplete(failure) => {
            assert_eq!(failure.code, code.as_str(), "{failure:#?}");
            *failure
        }
        Removal::Disconnected(undone) => panic!("{undone:#?}"),
    }
}

/// Nothing is in the way any more, and the next run finishes.
#[track_caller]
fn finished(stage: &Stage, gone: &Snapshot) {
    finish(stage, gone).unwrap_or_else(|broken| panic!("{broken}"));
}

/// The last notice says this.
#[track_caller]
fn announced(stage: &Stage, words: &str) {
    let sentence = last_notice(stage).1.sentence;
    assert!(sentence.contains(words), "{words}: {sentence}");
}

/// What the run has changed, besides the books.
fn changed(stage: &Stage, since: usize) -> Vec<String> {
    let calls = stage.simulator.calls().split_off(since);
    let operations = calls.into_iter().map(|call| call.operation);
    operations.filter(|operation| changes(operation)).collect()
}

fn left(failure: &Explained) -> Vec<&str> {
    failure.left.iter().map(|left| left.what.as_str()).collect()
}

fn endpoint(stage: &Stage) -> Option<Endpoint> {
    stage
        .simulator
        .look(|world| world.ec2.endpoint(ENDPOINT).cloned())
}

#[test]
fn what_was_connected_is_gone_on_both_sides_and_in_the_ledger() {
    for name in ["fresh-vpc", "standard-cluster"] {
        let stage = Stage::shipped(name);
        let empty = Snapshot::settled(&stage);
        let stage = connected(stage);
        assert_eq!(stage.simulator.look(connections).len(), 1);
        let undone = disconnected(&stage, &empty);
        assert_eq!(undone.len(), 3, "{undone:?}");
        assert_eq!(Snapshot::settled(&stage), empty, "{name}");
        assert_eq!(stage.simulator.look(connections).len(), 0);
        assert_eq!(stage.simulator.look(leases).len(), 0);
        let (kind, notice) = last_notice(&stage);
        assert_eq!(kind, "Connection Removed");
        assert_eq!(notice.phase, Some(Phase::Disconnected));
        announced(&stage, "nothing of the connection is left on either side.");
        // And it can be made again.
        connected(stage);
    }
}

#[test]
fn the_connected_world_is_as_a_run_of_provision_leaves_it() {
    let shipped = Stage::shipped("connected");
    let made = connected(Stage::shipped("connected"));
    let entry = |stage: &Stage| {
        let items = stage
            .simulator
            .look(|world| world.dynamodb.items(&world.stack.connections_table));
        let mut items: Vec<Value> = items.into_values().collect();
        assert_eq!(items.len(), 1);
        let mut item = items.remove(0);
        for of_the_run in [
            "timeline",
            "execution",
            "started_at",
            "updated_at",
            "outcome",
            "stands_since",
        ] {
            item.as_object_mut().expect("an item").remove(of_the_run);
        }
        // Texts of JSON are compared by what they say.
        for json in ["request", "registrations", "ready"] {
            let text = item[json]["S"].as_str().expect("a text");
            item[json] = serde_json::from_str(text).expect("JSON");
        }
        item
    };
    assert_eq!(entry(&shipped), entry(&made));
    assert_eq!(recorded(&shipped).map(|it| it.phase), Some(Phase::Ready));
    let changed = made.simulator.calls();
    let changed = changed.iter().filter(|call| changes(&call.operation));
    assert_eq!(changed.count(), 0, "nothing was missing");
}

#[test]
fn in_every_situation_the_connection_goes_and_nothing_else() {
    for situation in &SITUATIONS {
        let (stage, gone, _) = taken_away(situation);
        let undone = disconnected(&stage, &gone);
        let is_nothing = situation.name == "nothing there";
        assert_eq!(undone.is_empty(), is_nothing, "{}", situation.name);
        assert_eq!(recorded(&stage), None, "{}", situation.name);
        assert_eq!(Snapshot::settled(&stage), gone, "{}", situation.name);
        disconnected(&stage, &gone);
    }
}

#[test]
fn the_account_that_was_trusted_for_the_connection_is_so_no_longer() {
    let situation = SITUATIONS
        .iter()
        .find(|situation| situation.name == "Advanced, trusted owners")
        .expect("the situation");
    let (stage, ..) = taken_away(situation);
    let trusted = |stage: &Stage| {
        stage.simulator.look(|world| {
            let clusters = world.cloud.clusters();
            let owners = clusters.flat_map(|cluster| cluster.trusted_owners.iter().flatten());
            owners
                .map(|owner| owner.external_owner_id.clone())
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(trusted(&stage), ["999988887777", "111122223333"]);
    stage.deprovision("away");
    assert_eq!(trusted(&stage), ["999988887777"]);
}

#[test]
fn an_adopted_endpoint_stays_with_its_own_tags_and_without_ours() {
    for (stage, was_registered) in [
        (Stage::shipped("half-made-by-hand"), false),
        (registered_by_hand(), true),
    ] {
        let before = Snapshot::settled(&stage);
        let own_tags = endpoint(&stage).expect("the endpoint").tags;
        let stage = connected(stage);
        let tags = endpoint(&stage).expect("the endpoint").tags;
        assert!(tags.contains_key(MANAGED_BY) && tags.len() > own_tags.len());

        // Private DNS that was switched on stays as it is.
        let gone = before.with_private_dns_of(&Snapshot::settled(&stage));
        let undone = disconnected(&stage, &gone);
        let found = endpoint(&stage).expect("it stays");
        assert_eq!(found.tags, own_tags);
        let registered = stage.simulator.look(|world| {
            let mut clusters = world.cloud.clusters();
            clusters.any(|cluster| {
                let mut connections = cluster.connections();
                connections.any(|it| {
                    it.endpoint_id == ENDPOINT && it.status == ConnectionStatus::Available
                })
            })
        });
        assert_eq!(registered, was_registered, "{undone:?}");
        if was_registered {
            assert_eq!(found.state, EndpointState::Available);
        }
    }
}

/// The rules of all groups, as text.
fn rules(stage: &Stage) -> Vec<String> {
    stage.simulator.look(|world| {
        let groups = world.ec2.groups.values();
        let rules = groups.flat_map(|group| &group.rules);
        rules
            .filter(|rule| !rule.is_egress)
            .map(|rule| format!("{:?} {}", rule.from_port, rule.source.text()))
            .collect()
    })
}

#[test]
fn two_clusters_that_share_an_endpoint_go_one_after_the_other_in_either_order() {
    for swapped in [false, true] {
        let empty = Snapshot::settled(&two_clusters().0);
        let (one, other) = match (swapped, sharing()) {
            (false, (first, second)) => (first, second),
            (true, (first, second)) => (second, first),
        };
        check(&one).expect("both of them work");
        let rules_before = rules(&one);
        let shared = |stage: &Stage| {
            let endpoints = stage.simulator.look(|world| world.ec2.endpoints.clone());
            let living = endpoints.into_values().filter(|it| it.state.is_there());
            living
                .map(|endpoint| (endpoint.id, endpoint.groups))
                .collect::<Vec<_>>()
        };
        let endpoint_before = shared(&one);

        let since = one.simulator.calls().len();
        let removal = Removal::of(&one.deprovision("the-first-to-go"));
        assert!(removal.is_complete(), "{removal:?}");
        // What the ledger has as ready works, and nobody else has a claim.
        Snapshot::settled(&one);
        check(&one).unwrap_or_else(|broken| panic!("swapped {swapped}: {broken}"));
        assert_eq!(shared(&one), endpoint_before);
        assert_eq!(rules(&one), rules_before, "swapped: {swapped}");
        assert_eq!(recorded(&one), None);
        assert_eq!(recorded(&other).expect("an entry").phase, Phase::Ready);
        assert_eq!(
            changed(&one, since),
            [
                "cloud:DELETE private-endpoint-connection",
                "ec2:DeleteTags",
                "ec2:DeleteTags"
            ],
            "swapped: {swapped}"
        );

        let undone = disconnected(&other, &empty);
        assert_eq!(Snapshot::settled(&other), empty, "{undone:?}");
    }
}

#[test]
fn what_is_not_there_is_gone_already_and_nothing_is_changed() {
    for name in ["fresh-vpc", "half-made-by-hand", "shared-endpoint"] {
        let stage = Stage::shipped(name);
        let before = Snapshot::settled(&stage);
        let undone = disconnected(&stage, &before);
        assert_eq!(undone, [""; 0], "nothing was there");
        announced(
            &stage,
            "there was nothing of ours to remove in the VPC; the cluster was not asked",
        );
        assert_eq!(changed(&stage, 0), [""; 0], "{name}");
        assert_eq!(Snapshot::settled(&stage), before);
    }
}

#[test]
fn an_endpoint_that_somebody_has_deleted_leaves_nothing_either() {
    let (stage, empty) = standard();
    stage.simulator.meddle(|world| world.ec2.endpoints.clear());
    let undone = disconnected(&stage, &empty);
    assert!(
        undone[0].starts_with("private endpoint connection of vpce-"),
        "{undone:?}"
    );
    assert_eq!(Snapshot::settled(&stage), empty);
}

#[test]
fn with_the_vpc_gone_the_registration_goes_all_the_same() {
    let stage = Stage::shipped("standard-cluster");
    let vpc = stage.text("vpc_id");
    let delete_vpc = |stage: &Stage| {
        stage.simulator.meddle(|world| {
            world.ec2.endpoints.clear();
            world.ec2.groups.clear();
            world.ec2.vpcs.remove(&vpc);
        });
    };
    let without = stage.forked();
    delete_vpc(&without);
    let gone = Snapshot::settled(&without);
    let stage = connected(stage);
    delete_vpc(&stage);
    let undone = disconnected(&stage, &gone);
    assert!(
        undone[0].starts_with("private endpoint connection of vpce-"),
        "{undone:?}"
    );
}

#[test]
fn with_the_cluster_gone_the_vpc_is_cleared_all_the_same() {
    let (stage, empty) = standard();
    let cluster = stage.text("cluster_id");
    stage.simulator.meddle(|world| {
        let cluster = world.cloud.cluster_mut(&cluster).expect("the cluster");
        cluster.cluster.state = ClusterState::Deleted;
        let ids: Vec<String> = cluster
            .connections()
            .map(|it| it.endpoint_id.clone())
            .collect();
        for id in ids {
            cluster.forget_connection(&id);
        }
    });
    let undone = disconnected(&stage, &empty);
    assert!(undone[0].contains("is gone"), "{undone:?}");
}

/// The key of the world is of another organization, or of the cluster's again.
fn use_key_of(stage: &Stage, other_organization: bool) {
    let scenario = Scenario::shipped("standard-cluster").expect("a shipped scenario");
    let key = KeySpec {
        other_organization,
        ..scenario.keys[0].clone()
    };
    stage.simulator.meddle(|world| world.cloud.keys.add(&key));
}

/// What parts a key from its cluster, and what is told of it then.
type Parted = (fn(&Stage), Code);

const PARTED: [Parted; 2] = [
    // The cluster is there, and the key is answered as if it were not.
    (|stage| use_key_of(stage, true), Code::ClusterNotFound),
    (
        |stage| {
            for of in ["private-endpoint-connections", "cluster"] {
                let operation = format!("cloud:GET {of}");
                stage.denies(&operation, stage.count(&operation) + 1);
            }
        },
        Code::ApiKeyLacksRole,
    ),
];

#[test]
fn with_a_key_that_is_parted_from_the_cluster_what_is_billed_goes_and_the_rest_goes_later() {
    for (part, code) in PARTED {
        let (stage, empty) = standard();
        let id = recorded(&stage).and_then(|it| it.endpoint_id);
        let id = id.expect("the ledger has it");
        part(&stage);
        let failure = incomplete(&stage, &empty, code);
        let is_billed = stage.simulator.look(|world| {
            let mut endpoints = world.ec2.endpoints.values();
            endpoints.any(|it| it.state.is_there())
        });
        assert!(!is_billed, "{code}");
        let registration = format!("private endpoint connection of endpoint {id}");
        assert_eq!(left(&failure), [&registration]);
        let entry = recorded(&stage).expect("an entry");
        assert_eq!(entry.phase, Phase::DisconnectIncomplete);
        announced(&stage, &format!("Still there: {registration}."));
        use_key_of(&stage, false);
        finished(&stage, &empty);

        // Without the ledger the endpoint is the only trace of its registration.
        let stage = unrecorded();
        part(&stage);
        let failure = incomplete(&stage, &empty, code);
        assert_eq!(left(&failure).len(), 3, "{failure:#?}");
        assert!(endpoint(&stage).expect("it stays").state.is_there());
        use_key_of(&stage, false);
        finished(&stage, &empty);
    }
}

/// Who knows that the cluster is gone need not keep the entry for ever.
#[test]
fn what_a_cluster_has_that_is_said_to_be_gone_is_given_up() {
    let stage = connected(Stage::shipped("standard-cluster"));
    use_key_of(&stage, true);
    let said = stage.asking("cluster_is_gone", json!(true));
    let Removal::Disconnected(undone) = Removal::of(&said.deprovision("said")) else {
        panic!("the statement counts");
    };
    assert!(undone[0].contains("given up"), "{undone:?}");
    assert!(recorded(&said).is_none());
}

#[test]
fn where_ec2_cannot_be_asked_what_the_ledger_knows_goes_and_the_rest_is_named() {
    let (stage, empty) = standard();
    let stage = stage.forked();
    // As it is when the role in another account is gone.
    stage.denies("ec2:DescribeVpcEndpoints", 1);
    let failure = incomplete(&stage, &empty, Code::AwsAccessDenied);
    assert_eq!(failure.failed_at, "InspectConnection");
    assert!(
        failure.undone[0].starts_with("private endpoint connection of vpce-"),
        "{failure:#?}"
    );
    let left = left(&failure);
    assert!(
        left[0].starts_with("endpoint vpce-") && left[1].starts_with("security group of"),
        "{left:?}"
    );
    finished(&stage, &empty);

    // A registration that was there before the connection is not the ledger's to take.
    let stage = registered_by_hand();
    let gone = Snapshot::settled(&stage);
    let stage = connected(stage).forked();
    stage.denies("ec2:DescribeVpcEndpoints", 1);
    incomplete(&stage, &gone, Code::AwsAccessDenied);
    finished(&stage, &gone);
}

/// No interface drains, and the rule does not go by itself.
#[test]
fn a_group_that_another_one_names_is_left_at_once_and_goes_when_the_rule_is_off() {
    const APP: &str = "sg-0b20000000000000d";
    let mut scenario = Scenario::shipped("standard-cluster").expect("a shipped scenario");
    let app = json!({ "id": APP, "name": "payments-app" });
    let app = serde_json::from_value(app).expect("a group");
    scenario.vpcs[0].groups.push(app);
    let stage = Stage::of(&scenario);
    let empty = Snapshot::settled(&stage);
    let stage = connected(stage).forked();
    // Its owners let it out to the endpoint.
    stage.simulator.meddle(|world| {
        let mut groups = world.ec2.groups.values();
        let ours = groups.find(|it| it.tags.contains_key(MANAGED_BY));
        let ours = ours.expect("our group").id.clone();
        let app = world.ec2.groups.get_mut(APP).expect("the other one");
        let mut rule = app.rules[0].clone();
        rule.source = simulator::ec2::Source::Group(ours);
        app.rules = vec![rule];
    });
    let failure = incomplete(&stage, &empty, Code::SecurityGroupReferenced);
    assert_eq!(failure.failed_at, "DeleteSecurityGroup");
    assert_eq!(left(&failure).len(), 1, "{failure:#?}");
    let told = format!("payments-app ({APP})");
    assert!(failure.detail.contains(&told), "{failure:#?}");
    assert_eq!(stage.count("ec2:DeleteSecurityGroup"), 1);
    stage.simulator.meddle(|world| {
        let app = world.ec2.groups.get_mut(APP).expect("the other one");
        app.rules.clear();
    });
    finished(&stage, &empty);
}

/// The world of the stage as it was, but for leases that were taken and given back.
fn refused_as(stage: &Stage, code: Code, said: &str) {
    let (before, entry) = (Snapshot::settled(stage), recorded(stage));
    let since = stage.simulator.calls().len();
    let execution = stage.deprovision("refused");
    let Ending::Failed(ending, failure) = ending(&execution) else {
        panic!("{:?}", execution.outcome);
    };
    assert_eq!(ending, "DisconnectRefused");
    assert_eq!(failure.code, code.as_str());
    assert!(failure.detail.contains(said), "{}", failure.detail);
    assert_eq!(recorded(stage), entry, "the ledger is as it was");
    assert_eq!(changed(stage, since), [""; 0]);
    let after = Snapshot::settled(stage);
    assert!(after.lacks(&before).is_empty() && before.lacks(&after).is_empty());
    assert!(stage.simulator.look(leases).is_empty());
    let (kind, notice) = last_notice(stage);
    assert_eq!(kind, "Connection Failed");
    assert_eq!(notice.phase, Some(Phase::DisconnectRefused));
    assert_eq!(notice.code.as_deref(), Some(code.as_str()));
    announced(stage, said);
    announced(stage, "Nothing was changed.");
}

/// The tag that protects what is connected from a VPC.
const PROTECT: &str = "cockroachdb-privatelink:protect";

#[test]
fn what_is_protected_stays_as_it_is_until_it_is_forced_or_free() {
    // By the request, as the ledger has it.
    let (stage, empty) = standard();
    let stage = connected(stage.asking("protect", json!(true)));
    refused_as(&stage, Code::ConnectionProtected, "protect: true");
    // Asked again without, it is free.
    let free = connected(stage.forked().asking("protect", json!(false)));
    disconnected(&free, &empty);

    // By a tag on the VPC.
    let (stage, empty) = standard();
    stage.tag_vpc(PROTECT, Some("true"));
    refused_as(&stage, Code::ConnectionProtected, PROTECT);
    disconnected(&stage.forked().asking("force", json!(true)), &empty);
    stage.tag_vpc(PROTECT, None);
    disconnected(&stage, &empty);
}

#[test]
fn what_is_in_use_stays_until_it_is_forced_or_idle() {
    let (mut stage, empty) = standard();
    let id = recorded(&stage).and_then(|it| it.endpoint_id);
    let id = id.expect("the endpoint").to_string();
    stage.simulator.meddle(|world| {
        let traffic = TrafficSpec {
            new_connections: 3,
            active_connections: 12,
            bytes: 48_000,
            stopped_before: None,
        };
        world.cloudwatch.carry(&id, Some(traffic));
    });
    // Who does not ask for a look gets none.
    disconnected(&stage.forked(), &empty);
    stage.request["unless_traffic_minutes"] = json!(60);
    refused_as(
        &stage,
        Code::ConnectionCarriesTraffic,
        &format!(
            "{id}: 180 new connections, at most 12 at once, 2880000 bytes in the last 60 minutes"
        ),
    );
    disconnected(&stage.forked().asking("force", json!(true)), &empty);

    let blind = stage.forked();
    blind.denies("cloudwatch:GetMetricData", 1);
    refused_as(&blind, Code::TrafficUnknown, "AccessDenied");

    stage
        .simulator
        .meddle(|world| world.cloudwatch.carry(&id, None));
    disconnected(&stage, &empty);
}

#[test]
fn a_removal_that_has_begun_is_finished_although_it_is_protected_by_now() {
    let (stage, empty) = standard();
    stage.denies("ec2:DeleteSecurityGroup", 1);
    incomplete(&stage, &empty, Code::AwsAccessDenied);
    stage.tag_vpc(PROTECT, Some("true"));
    stage.simulator.end_faults();
    let removal = Removal::of(&stage.deprovision("again"));
    assert!(removal.is_complete(), "{removal:?}");
}

#[test]
fn a_vpc_that_another_run_changes_is_waited_for_and_left_alone_at_the_limit() {
    const OTHER: &str = "arn:a-run-that-lasts";
    let stage = connected(Stage::shipped("standard-cluster"));
    let entry = recorded(&stage).expect("an entry");
    hold_lease(
        &stage,
        OTHER,
        stage.clock.now().unix_timestamp() + 1_000_000,
    );
    let before = Snapshot::settled(&stage);
    let failure = incomplete(&stage, &before, Code::ConnectionBusy);
    assert!(
        failure.detail.contains("after 3600 s"),
        "{}",
        failure.detail
    );
    assert_eq!(Snapshot::settled(&stage), before);
    assert_eq!(recorded(&stage), Some(entry));
    announced(&stage, "Nothing was changed.");
}

#[test]
fn two_runs_that_take_the_same_connection_away_are_one() {
    for offset in OFFSETS {
        let (stage, empty) = standard();
        let run = (Goal::Disconnect, &stage.request);
        let both = stage.both([run, run], Duration::from_secs(offset));
        for execution in &both {
            let removal = Removal::of(execution);
            assert!(removal.is_complete(), "{offset} s later: {removal:?}");
        }
        assert_eq!(Snapshot::settled(&stage), empty, "{offset} s later");
        assert_eq!(recorded(&stage), None);
    }
}

#[test]
fn who_asked_by_a_tag_finds_its_answer_gone_with_the_connection() {
    let stage = Stage::shipped("standard-cluster").asking("requested_by", json!("vpc-tag"));
    let before = stage.vpc_tags();
    let stage = connected(stage);
    let cluster = stage.text("cluster_id");
    let key = format!("cockroachdb-privatelink:status:{cluster}");
    assert!(stage.vpc_tags().contains_key(&key));

    let failing = stage.forked();
    failing.denies("ec2:DeleteVpcEndpoints", 1);
    failing.deprovision("away");
    let status = failing.vpc_tags()[&key].clone();
    assert!(
        status.starts_with("disconnect-incomplete aws-access-denied 2030-"),
        "{status}"
    );

    assert!(Removal::of(&stage.deprovision("away")).is_complete());
    assert_eq!(stage.vpc_tags(), before);
}

/// A run is lost at each of its tasks, before it and after it, and run again once
/// its lease is given back.
#[test]
fn a_run_that_is_lost_at_any_point_is_finished_by_the_next_one() {
    let mut lost = 0;
    for situation in &SITUATIONS {
        let (stage, gone, _) = taken_away(situation);
        lost += lost_everywhere(&stage, Goal::Disconnect, |stage, when| {
            bury(&stage);
            finish(&stage, &gone)
                .unwrap_or_else(|broken| panic!("{}, {when}: {broken}", situation.name));
        });
    }
    assert!(lost > 200, "only {lost} runs were lost");
}

/// The same for what is being connected: taking it away finds whatever there is.
#[test]
fn a_connection_that_was_lost_half_made_can_be_taken_away() {
    let mut lost = 0;
    for variant in &system_tests::variants::VARIANTS {
        if variant.name.starts_with("works already") {
            continue;
        }
        let fresh = (variant.stage)();
        let before = Snapshot::settled(&fresh);
        lost += lost_everywhere(&fresh, Goal::Connect, |stage, when| {
            bury(&stage);
            let what = format!("{}, {when}", variant.name);
            let removal = Removal::of(&stage.deprovision("away"));
            assert!(removal.is_complete(), "{what}: {removal:#?}");
            let after = Snapshot::settled(&stage);
            // Private DNS that was switched on stays with an endpoint that stays.
            assert_eq!(after, before.clone().with_private_dns_of(&after), "{what}");
            assert_eq!(recorded(&stage), None, "{what}");
        });
    }
    assert!(lost > 500, "only {lost} runs were lost");
}
