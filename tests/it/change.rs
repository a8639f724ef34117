//! Stories of connections that work and are changed: by another request, without an
//! outage at any moment, and back again where it does not come to good.

use serde_json::{Value, json};
use shared::Code;
use shared::ledger::Phase;
use shared::ownership::Origin;
use shared::report::{Explained, Ready};
use simulator::scenario::EndpointSpec;
use simulator::{Fault, FaultKind, Moment};
use std::collections::BTreeSet;
use system_tests::aftermath::{Snapshot, check, recorded};
use system_tests::change::{
    A, A2, B, C, ENDPOINT, GROUP, Look, NEW_SOURCES, SOURCES, changing, check_looks, of_asked,
    scenario, shut_out, take_group_off, watched, working,
};
use system_tests::crash::{bury, lost_everywhere};
use system_tests::run::{Ending, Goal, Stage, changes, ending};
use system_tests::situations::{LIST, NEIGHBOURS_GROUP, add_neighbour, connected, sources_by_name};

/// Runs the change, holds what is seen on the way and in the end against the
/// promises, and says what was seen.
#[track_caller]
fn changed(stage: &Stage) -> (Ready, Vec<Look>) {
    let before = Snapshot::settled(stage);
    let (execution, looks) = watched(stage, &name(stage));
    let ended = ending(&execution);
    check(stage, &before, &ended).unwrap_or_else(|broken| panic!("{broken}"));
    check_looks(&looks, wants_dns(stage)).unwrap_or_else(|broken| panic!("{broken}"));
    match ended {
        Ending::Ready(ready) => (*ready, looks),
        Ending::Failed(name, failure) => panic!("{name}: {failure:#?}"),
    }
}

/// The same for a change that does not come to good: all is as it was.
#[track_caller]
fn put_back(stage: &Stage) -> (Explained, Vec<Look>) {
    let before = Snapshot::settled(stage);
    let (execution, looks) = watched(stage, &name(stage));
    let ended = ending(&execution);
    check(stage, &before, &ended).unwrap_or_else(|broken| panic!("{broken}"));
    check_looks(&of_asked(&stage.request, &looks), wants_dns(stage))
        .unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(Snapshot::settled(stage), before);
    match ended {
        Ending::Failed(name, failure) => {
            assert_eq!(name, "RolledBack", "{failure:#?}");
            (*failure, looks)
        }
        Ending::Ready(ready) => panic!("{ready:#?}"),
    }
}

fn wants_dns(stage: &Stage) -> bool {
    stage.request["private_dns"] != json!(false)
}

fn name(stage: &Stage) -> String {
    format!("change-{}", stage.simulator.calls().len())
}

fn now(stage: &Stage) -> Look {
    stage.simulator.look(Look::at)
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// What a run has changed on the AWS side.
fn changing_calls(stage: &Stage, since: usize) -> Vec<String> {
    let calls = stage.simulator.calls().split_off(since);
    let operations = calls.into_iter().map(|call| call.operation);
    operations.filter(|operation| changes(operation)).collect()
}

#[test]
fn a_run_that_asks_for_what_is_there_changes_nothing() {
    let stage = working();
    let since = stage.simulator.calls().len();
    let (ready, looks) = changed(&stage);
    assert_eq!(looks.len(), 1, "{looks:#?}");
    assert_eq!(changing_calls(&stage, since), Vec::<String>::new());
    assert!(
        ready.notes.iter().all(|note| !note.contains("rule")),
        "{:?}",
        ready.notes
    );
}

#[test]
fn new_sources_are_let_in_before_old_ones_are_shut_out() {
    let stage = working().asking("sources", json!({ "cidrs": NEW_SOURCES }));
    let (_, looks) = changed(&stage);
    let seen: Vec<_> = looks.iter().map(|look| look.sources.clone()).collect();
    let both = set(&["10.20.0.0/16", "10.30.0.0/16", "10.40.0.0/16"]);
    assert_eq!(seen, [set(&SOURCES), both, set(&NEW_SOURCES)]);
}

#[test]
fn zones_come_and_go() {
    let stage = working().asking("subnet_ids", json!([A, B, C]));
    changed(&stage);
    assert_eq!(now(&stage).subnets, set(&[A, B, C]));
    let stage = stage.asking("subnet_ids", json!([C]));
    changed(&stage);
    assert_eq!(now(&stage).subnets, set(&[C]));
    let phase = recorded(&stage).map(|entry| entry.phase);
    assert_eq!(phase, Some(Phase::Ready));
}

/// Left out, the subnets are for the tool to choose: a zone that is offered and has
/// a subnet is taken, and what is there is not swapped.
#[test]
fn a_zone_that_the_vpc_has_got_a_subnet_in_is_added_unasked() {
    let stage = working().asking("subnet_ids", json!([]));
    changed(&stage);
    assert_eq!(now(&stage).subnets, set(&[A, B, C]));
}

#[test]
fn an_endpoint_is_led_out_of_subnets_that_tags_shut_out() {
    let stage = working().asking("subnet_ids", json!([]));
    changed(&stage);
    stage.simulator.meddle(|world| shut_out(world, &[A, C]));
    let (ready, looks) = changed(&stage);
    assert_eq!(now(&stage).subnets, set(&[A2, B]));
    let always = |subnet: &str| looks.iter().all(|look| look.subnets.contains(subnet));
    assert!(always(B), "the tags say nothing of it: {looks:#?}");
    let told = format!("leaves {A}, {C}, shut out by tags");
    assert!(
        ready.notes.iter().any(|it| it.contains(&told)),
        "{ready:#?}"
    );
    let failing = stage.forked();
    failing.simulator.meddle(|world| shut_out(world, &[B]));
    put_back(&failing.with(fails("cloud:GET private-endpoint-connections", 3)));
}

#[test]
fn where_tags_shut_out_all_subnets_the_endpoint_stays_where_it_is() {
    let stage = working().asking("subnet_ids", json!([]));
    changed(&stage);
    stage
        .simulator
        .meddle(|world| shut_out(world, &[A, A2, B, C]));
    let since = stage.simulator.calls().len();
    let (ready, _) = changed(&stage);
    assert_eq!(changing_calls(&stage, since), Vec::<String>::new());
    assert_eq!(now(&stage).subnets, set(&[A, B, C]));
    let told = "no other subnet of the VPC can take it";
    assert!(ready.notes.iter().any(|it| it.contains(told)), "{ready:#?}");
    // What is asked for is done all the same.
    let stage = stage.asking("sources", json!({ "cidrs": NEW_SOURCES }));
    changed(&stage);
    assert_eq!(now(&stage).sources, set(&NEW_SOURCES));
}

#[test]
fn the_only_zone_is_not_swapped_for_a_tag_either_and_the_rest_is_changed() {
    let stage = working().asking("subnet_ids", json!([A]));
    changed(&stage);
    stage.simulator.meddle(|world| shut_out(world, &[A, B, C]));
    let stage = stage
        .asking("subnet_ids", json!([]))
        .asking("sources", json!({ "cidrs": NEW_SOURCES }));
    let (ready, _) = changed(&stage);
    let look = now(&stage);
    assert_eq!((look.subnets, look.sources), (set(&[A]), set(&NEW_SOURCES)));
    let told = format!("{A2} is to be in its place");
    assert!(
        ready.notes.iter().any(|it| it.contains(&told)),
        "{ready:#?}"
    );
}

/// And goes again where the run comes to nothing.
#[test]
fn our_group_goes_back_on_the_endpoint_beside_what_was_put_on() {
    let stage = working();
    let groups = |stage: &Stage| {
        stage
            .simulator
            .look(|world| world.ec2.endpoints[ENDPOINT].groups.clone())
    };
    stage.simulator.meddle(take_group_off);
    let other = groups(&stage).remove(0);
    for moment in Moment::ALL {
        let fault = Fault::once("ec2:ModifyVpcEndpoint", 1, FaultKind::Denied, moment);
        let fork = stage.forked().with(fault);
        put_back(&fork);
        assert_eq!(groups(&fork), [other.as_str()]);
    }
    changed(&stage);
    assert_eq!(groups(&stage), [other.as_str(), GROUP]);
}

#[test]
fn a_subnet_is_swapped_while_another_zone_works() {
    let stage = working().asking("subnet_ids", json!([A2, B]));
    let (_, looks) = changed(&stage);
    assert_eq!(now(&stage).subnets, set(&[A2, B]));
    assert!(
        looks.iter().all(|look| look.subnets.contains(B)),
        "{looks:#?}"
    );
}

#[test]
fn all_subnets_of_an_endpoint_are_swapped_one_after_the_other() {
    let mut scenario = scenario();
    let mut twin = scenario.vpcs[0].subnets[1].clone();
    twin.id = "subnet-0a10000000000001b".to_owned();
    twin.cidr = "10.20.64.0/20".parse().expect("a network");
    let b2 = twin.id.clone();
    scenario.vpcs[0].subnets.push(twin);
    let stage = connected(Stage::of(&scenario)).asking("subnet_ids", json!([A2, b2]));
    changed(&stage);
    assert_eq!(now(&stage).subnets, set(&[A2, &b2]));
}

#[test]
fn the_only_zone_is_not_swapped_and_nothing_is_changed() {
    let stage = working().asking("subnet_ids", json!([A]));
    changed(&stage);
    let stage = stage
        .asking("subnet_ids", json!([A2]))
        .asking("sources", json!({ "cidrs": NEW_SOURCES }));
    let since = stage.simulator.calls().len();
    let (failure, _) = put_back(&stage);
    assert_eq!(failure.code, Code::OnlyZoneSwapped.as_str());
    assert_eq!(changing_calls(&stage, since), Vec::<String>::new());
    // The way that the fix describes.
    for subnets in [json!([A2, B]), json!([A2])] {
        changed(
            &stage
                .for_request(&stage.request)
                .asking("subnet_ids", subnets),
        );
    }
    assert_eq!(now(&stage).subnets, set(&[A2]));
}

#[test]
fn everything_changes_at_once_and_back_again() {
    let stage = changing();
    changed(&stage);
    let look = now(&stage);
    assert_eq!(look.subnets, set(&[A2, C]));
    assert_eq!(look.sources, set(&NEW_SOURCES));
    assert!(!look.private_dns);
    let asked = Value::Object(scenario().request);
    changed(&stage.for_request(&asked));
    let look = now(&stage);
    assert_eq!((look.subnets, look.sources), (set(&[A, B]), set(&SOURCES)));
    assert!(look.private_dns);
}

#[test]
fn rules_that_somebody_else_made_stay() {
    let mut scenario = scenario();
    scenario.vpcs[0].groups[0].rules[1].description = Some("by hand".to_owned());
    let stage = connected(Stage::of(&scenario));
    let stage = stage.asking("sources", json!({ "cidrs": NEW_SOURCES }));
    let (ready, _) = changed(&stage);
    let all = set(&["10.20.0.0/16", "10.30.0.0/16", "10.40.0.0/16"]);
    assert_eq!(now(&stage).sources, all);
    assert!(
        ready.notes.iter().any(|note| note.contains("10.30.0.0/16")),
        "{:?}",
        ready.notes
    );
}

/// The world with the endpoint claimed by another cluster, too.
fn shared() -> Stage {
    const OTHER: &str = "cockroachdb-privatelink:cluster:1a2b3c4d-0000-4000-8000-00000000000b";
    let mut scenario = scenario();
    let vpc = &mut scenario.vpcs[0];
    let claim = (OTHER.to_owned(), "c0ffee".to_owned());
    vpc.endpoints[0].tags.extend([claim.clone()]);
    vpc.groups[0].tags.extend([claim]);
    connected(Stage::of(&scenario))
}

#[test]
fn from_what_another_connection_shares_nothing_is_taken_away() {
    let stage = shared()
        .asking("subnet_ids", json!([A2, C]))
        .asking("sources", json!({ "cidrs": NEW_SOURCES }))
        .asking("private_dns", json!(false));
    let (ready, _) = changed(&stage);
    let look = now(&stage);
    assert_eq!(look.subnets, set(&[A, B, C]), "only what is new is added");
    let all = set(&["10.20.0.0/16", "10.30.0.0/16", "10.40.0.0/16"]);
    assert_eq!(look.sources, all);
    assert!(look.private_dns);
    let notes = ready.notes.join("\n");
    for told in [
        "keeps subnet-",
        "still lets in 10.30.0.0/16",
        "private DNS of endpoint",
    ] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    assert!(
        notes.contains("1a2b3c4d-0000-4000-8000-00000000000b uses it too"),
        "{notes}"
    );
}

#[test]
fn what_was_added_to_a_shared_endpoint_goes_again_when_the_run_fails() {
    let stage = shared()
        .asking("subnet_ids", json!([A, B, C]))
        .asking("sources", json!({ "cidrs": NEW_SOURCES }));
    let (failure, _) = put_back(
        &stage
            .forked()
            .with(fails("cloud:GET private-endpoint-connections", 3)),
    );
    assert!(!failure.undone.is_empty(), "{failure:#?}");
}

#[test]
fn an_adopted_endpoint_keeps_subnets_groups_and_private_dns() {
    let mut scenario = scenario();
    let EndpointSpec { tags, .. } = &mut scenario.vpcs[0].endpoints[0];
    tags.insert(
        "cockroachdb-privatelink:origin".to_owned(),
        "adopted".to_owned(),
    );
    assert_eq!(Origin::of(tags), Some(Origin::Adopted));
    let stage = connected(Stage::of(&scenario))
        .asking("subnet_ids", json!([A2, C]))
        .asking("private_dns", json!(false));
    let before = now(&stage);
    let (ready, _) = changed(&stage);
    assert_eq!(now(&stage), before);
    let notes = ready.notes.join("\n");
    for told in ["keeps its own subnets", "stays on"] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
}

/// The tag that says that a connection is to be without private DNS goes when that is
/// true no more, and is back with all else if the run comes to nothing.
#[test]
fn the_tag_of_a_connection_without_private_dns_goes_when_it_gets_it() {
    let stage = working().asking("private_dns", json!(false));
    changed(&stage);
    let is_marked = |stage: &Stage| {
        stage.simulator.look(|world| {
            let endpoint = world.ec2.endpoint(ENDPOINT).expect("the endpoint");
            let mut keys = endpoint.tags.keys();
            keys.any(|key| key.contains(":without-private-dns:"))
        })
    };
    assert!(is_marked(&stage));
    let stage = stage.asking("private_dns", json!(true));
    for moment in Moment::ALL {
        for fault in [
            Fault::from_then_on("ec2:DeleteTags", 1, FaultKind::Denied, moment),
            Fault::once("ec2:ModifyVpcEndpoint", 1, FaultKind::Denied, moment),
        ] {
            let fork = stage.forked();
            let before = Snapshot::settled(&fork);
            let fork = fork.with(fault);
            let ended = ending(&fork.provision("comes-to-nothing"));
            let is_rolled_back = matches!(&ended, Ending::Failed(name, _) if name == "RolledBack");
            assert!(is_rolled_back, "{ended:#?}");
            assert_eq!(Snapshot::settled(&fork), before);
            assert!(is_marked(&fork) && !now(&fork).private_dns);
        }
    }
    changed(&stage);
    assert!(!is_marked(&stage));
}

/// So does the mark that protects it from those who do not know the ledger.
#[test]
fn the_mark_of_a_protected_connection_follows_its_request() {
    let is_marked = |stage: &Stage| {
        stage.simulator.look(|world| {
            let endpoint = world.ec2.endpoint(ENDPOINT).expect("the endpoint");
            let mut keys = endpoint.tags.keys();
            keys.any(|key| key.contains(":protected:"))
        })
    };
    let stage = working().asking("protect", json!(true));
    assert!(!is_marked(&stage));
    // By the role of an older version it cannot be marked.
    let older = stage.forked().denying("ec2:CreateTags", 1);
    changed(&older);
    let entry = recorded(&older).expect("an entry");
    assert!(entry.request.protect && !is_marked(&older));
    changed(&stage);
    assert!(is_marked(&stage));
    let stage = stage.asking("protect", json!(false));
    for moment in Moment::ALL {
        let fork = stage.forked();
        let before = Snapshot::settled(&fork);
        let fault = Fault::from_then_on("ec2:DeleteTags", 1, FaultKind::Denied, moment);
        let fork = fork.with(fault);
        let ended = ending(&fork.provision("comes-to-nothing"));
        let is_rolled_back = matches!(&ended, Ending::Failed(name, _) if name == "RolledBack");
        assert!(is_rolled_back, "{ended:#?}");
        assert_eq!(Snapshot::settled(&fork), before);
        assert!(is_marked(&fork));
    }
    changed(&stage);
    assert!(!is_marked(&stage));
}

fn fails(operation: &str, nth: u32) -> Fault {
    Fault::once(operation, nth, FaultKind::Denied, Moment::Before)
}

/// What cannot be put back is named, and the next run finds it and goes on.
#[test]
fn what_cannot_be_put_back_is_named() {
    let stage = changing();
    let stage = stage.forked();
    let stage = stage.denying("ec2:ModifyVpcEndpoint", 2);
    let before = Snapshot::settled(&stage);
    let ended = ending(&stage.provision("change"));
    check(&stage, &before, &ended).unwrap_or_else(|broken| panic!("{broken}"));
    let Ending::Failed(name, failure) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(name, "RollbackIncomplete");
    let left: Vec<&str> = failure.left.iter().map(|left| left.what.as_str()).collect();
    assert_eq!(
        left,
        [format!(
            "subnets, security group and private DNS of endpoint {ENDPOINT}"
        )]
    );
    changed(&stage.forked());
}

/// A run that is lost at any of its tasks, before or after it: the next one leads to
/// the same end, and nobody notices either of them.
#[test]
fn a_change_that_is_lost_is_finished_by_the_next_run() {
    let stage = changing();
    let good = stage.forked();
    changed(&good);
    let good = now(&good);
    let runs = lost_everywhere(&stage, Goal::Connect, |stage, when| {
        bury(&stage);
        changed(&stage);
        assert_eq!(now(&stage), good, "{when}");
    });
    assert!(runs > 40, "only {runs}");
}

#[test]
fn prefix_lists_and_groups_of_other_accounts_come_and_go_without_an_outage() {
    let mut scenario = scenario();
    add_neighbour(&mut scenario);
    let stage = connected(Stage::of(&scenario)).asking("sources", sources_by_name());
    let (_, looks) = changed(&stage);
    let seen: Vec<_> = looks.iter().map(|look| look.sources.clone()).collect();
    let new = ["10.20.0.0/16", LIST, NEIGHBOURS_GROUP];
    let all = set(&["10.20.0.0/16", "10.30.0.0/16", LIST, NEIGHBOURS_GROUP]);
    assert_eq!(seen, [set(&SOURCES), all.clone(), set(&new)]);

    let since = stage.simulator.calls().len();
    changed(&stage);
    assert_eq!(changing_calls(&stage, since), Vec::<String>::new());

    let stage = stage.asking("sources", json!({ "cidrs": SOURCES }));
    let (_, looks) = changed(&stage);
    let seen: Vec<_> = looks.iter().map(|look| look.sources.clone()).collect();
    assert_eq!(seen, [set(&new), all, set(&SOURCES)]);
}

/// EC2 alone knows the groups of other accounts, and takes all new rules or none.
#[test]
fn a_group_of_another_account_that_is_not_there_changes_nothing() {
    let mut scenario = scenario();
    add_neighbour(&mut scenario);
    let asked = json!({
        "cidrs": NEW_SOURCES,
        "security_group_ids": ["222222222222/sg-0b20000000000000f"],
    });
    let stage = connected(Stage::of(&scenario)).asking("sources", asked);
    let (failure, _) = put_back(&stage);
    assert_eq!(failure.code, Code::SourceGroupNotFound.as_str());
}
