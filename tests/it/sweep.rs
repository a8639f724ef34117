//! `sweep` over worlds with orphans of every kind: what it finds, tells and has
//! removed, and that it touches nothing else. And the ledger that was lost.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::{Execution, Outcome};
use serde_json::{Value, json};
use shared::config::Config;
use shared::ec2::{Endpoints, Inventory, SecurityGroups};
use shared::executions::Machine;
use shared::ids::VpcId;
use shared::ledger::{Connection, HealthStatus, Phase};
use shared::place::Place;
use shared::settings::Settings;
use simulator::scenario::{EndpointSpec, KeySpec};
use simulator::step_functions::ExecutionStatus;
use simulator::{Fault, FaultKind, Moment, Scenario};
use system_tests::aftermath::recorded;
use system_tests::books::{connections, forget, notices};
use system_tests::policies::{HOME, OTHER, other_role};
use system_tests::run::{Ending, Stage, block_on, deployed, ending, ready_after};
use system_tests::situations::{numbered, sharing, vpc_id};

const DAY: u64 = 86_400;

/// So many VPCs like that of `fresh-vpc`, none of them connected yet.
fn scenario(vpcs: usize) -> Scenario {
    let mut scenario = Scenario::shipped("fresh-vpc").expect("a shipped scenario");
    let template = scenario.vpcs.remove(0);
    scenario.vpcs = (0..vpcs).map(|n| numbered(&template, n)).collect();
    scenario.habits.requests_per_second = 0;
    scenario
}

/// A world whose VPCs are all connected.
fn connected(scenario: &Scenario) -> Stage {
    let stage = Stage::of(scenario);
    for n in 0..scenario.vpcs.len() {
        connect(&stage, n);
    }
    stage
}

fn request(stage: &Stage, n: usize) -> Value {
    let mut request = stage.request.clone();
    request["vpc_id"] = json!(vpc_id(n));
    request
}

fn connect(stage: &Stage, n: usize) {
    let execution = stage
        .for_request(&request(stage, n))
        .provision(&format!("connect-{n}"));
    ready_after(&execution);
}

fn sweep_at(stage: &Stage, places: &str, input: Value) -> Execution {
    let ports = stage.ports();
    let config = Config::of(|name| match name {
        "OWN_ACCOUNT" => Some(HOME.to_owned()),
        "DEPROVISION_MACHINE" => Some(ports.machine_arn(Machine::Deprovision)),
        _ => None,
    });
    let region = "eu-west-1".parse().expect("a Region");
    let machine = steps::definition::sweep(&region, places, &Settings::default());
    let machine = deployed("sweep", machine);
    stage.execute(("sweep", &machine), "sweep", input, config)
}

/// A sweep that ends well.
fn sweep(stage: &Stage, input: Value) -> Value {
    let execution = sweep_at(stage, "", input);
    let Outcome::Succeeded(output) = execution.outcome else {
        panic!("{:?}", execution.outcome);
    };
    output
}

/// The cause of a sweep that fails.
fn failed(stage: &Stage, input: Value) -> Value {
    let execution = sweep_at(stage, "", input);
    let Outcome::Failed { error, cause } = execution.outcome else {
        panic!("{:?}", execution.outcome);
    };
    assert_eq!(error, "SweepFailed");
    serde_json::from_str(&cause).expect("JSON")
}

/// What was found, as kind and whether it is kept.
fn found(output: &Value) -> Vec<(String, bool)> {
    let found = output["found"].as_array().expect("a list").iter();
    let text = |it: &Value| it["kind"].as_str().unwrap_or_default().to_owned();
    let mut found: Vec<_> = found.map(|it| (text(it), !it["kept"].is_null())).collect();
    found.sort();
    found
}

fn started(output: &Value) -> usize {
    output["started"].as_array().expect("a list").len()
}

/// Runs everything that was started and not run yet; answers how each run ended.
fn run_started(stage: &Stage) -> Vec<Outcome> {
    let ran = stage.run_started().into_iter();
    ran.map(|execution| execution.outcome).collect()
}

/// The same where all of them are to end well.
#[track_caller]
fn run_started_well(stage: &Stage) {
    for outcome in run_started(stage) {
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    }
}

fn entries(stage: &Stage) -> BTreeMap<VpcId, Connection> {
    let entries = stage.simulator.look(connections).into_values();
    entries.map(|it| (it.vpc_id.clone(), it)).collect()
}

fn entry(stage: &Stage, n: usize) -> Option<Connection> {
    entries(stage).remove(&vpc_id(n).parse::<VpcId>().expect("an id"))
}

/// Somebody deletes the entry of a connection.
fn lose(stage: &Stage, n: usize) {
    let id = entry(stage, n).expect("an entry").connection_id;
    forget(stage, &id);
}

/// Somebody deletes the endpoint and the group of a connection.
fn raze(stage: &Stage, n: usize) {
    let it = entry(stage, n).expect("an entry");
    let ports = stage.ports();
    let endpoint = it.endpoint_id.expect("an endpoint");
    block_on(ports.delete_endpoint(&endpoint)).expect("deleted");
    stage.clock.advance(Duration::from_secs(3600));
    let group = it.security_group_id.expect("a group");
    block_on(ports.delete_group(&group)).expect("deleted");
}

/// What there is in EC2, at the cluster and in the ledger, for a VPC.
fn things(stage: &Stage, vpc: &str) -> String {
    stage.simulator.look(|world| {
        let ec2 = &world.ec2;
        let endpoints = ec2.endpoints.values().filter(|it| it.vpc_id == vpc);
        let endpoints: Vec<_> = endpoints.filter(|it| it.state.is_there()).collect();
        let groups: Vec<_> = ec2.groups.values().filter(|it| it.vpc_id == vpc).collect();
        let ids: Vec<_> = endpoints.iter().map(|it| it.id.as_str()).collect();
        let registrations: Vec<_> = world
            .cloud
            .clusters()
            .flat_map(|it| it.connections())
            .filter(|it| ids.contains(&it.endpoint_id.as_str()))
            .collect();
        format!("{endpoints:#?} {groups:#?} {registrations:#?}")
    })
}

/// Whether something of ours is left in a VPC.
fn is_anything_left(stage: &Stage, n: usize) -> bool {
    let ports = stage.ports();
    let endpoints = block_on(ports.managed_endpoints()).expect("endpoints");
    let groups = block_on(ports.managed_groups()).expect("groups");
    let vpcs = endpoints.iter().map(|it| &it.vpc_id);
    let mut vpcs = vpcs.chain(groups.iter().map(|it| &it.vpc_id));
    vpcs.any(|vpc| vpc.as_str() == vpc_id(n))
}

fn days(stage: &Stage, days: u64) {
    stage.clock.advance(Duration::from_secs(days * DAY));
}

fn orphaned(stage: &Stage) -> usize {
    let mut notices = stage.simulator.look(notices);
    notices.retain(|(kind, _)| kind == "Connection Orphaned");
    for (_, notice) in &notices {
        assert!(notice.fix.is_some(), "{notice:?}");
    }
    notices.len()
}

/// VPCs 0 to 3 are in order; 4 has lost its entry, 5 its endpoint and group, 6 its
/// registration, and 7 both entry and things. 8 belongs to somebody else.
fn every_kind() -> Stage {
    let mut scenario = scenario(9);
    let foreign = &mut scenario.vpcs[8];
    for n in 0..20 {
        foreign.endpoints.push(EndpointSpec {
            id: format!("vpce-0f{n:015x}"),
            service_name: "com.amazonaws.eu-west-1.sqs".to_owned(),
            state: simulator::ec2::EndpointState::Available,
            subnets: vec![foreign.subnets[0].id.clone()],
            groups: Vec::new(),
            traffic: None,
            hours_old: 0,
            private_dns: false,
            tags: BTreeMap::from([("Name".to_owned(), format!("theirs {n}"))]),
        });
    }
    let service = json!({ "name": "com.amazonaws.eu-west-1.sqs" });
    scenario
        .endpoint_services
        .push(serde_json::from_value(service).expect("a service"));
    let stage = Stage::of(&scenario);
    for n in 0..8 {
        connect(&stage, n);
    }
    lose(&stage, 4);
    raze(&stage, 5);
    let endpoint = entry(&stage, 6).and_then(|it| it.endpoint_id).expect("one");
    let cluster = entry(&stage, 6).expect("one").cluster_id;
    block_on(shared::cloud::Cloud::deregister(
        &stage.ports(),
        &cluster,
        &endpoint,
    ))
    .expect("gone");
    raze(&stage, 7);
    lose(&stage, 7);
    days(&stage, 2);
    stage
}

#[test]
fn each_kind_is_found_and_removed_and_nothing_else_is_touched() {
    let stage = every_kind();
    let untouched: Vec<String> = [0, 1, 2, 3, 6, 8].map(vpc_id).into();
    let before: Vec<String> = untouched.iter().map(|it| things(&stage, it)).collect();

    // Nobody has seen the group of VPC 4 before, so it may be new.
    let report = sweep(&stage, json!({}));
    let expected = |kept_group: bool| {
        [
            ("entry-only", true),
            ("registration-gone", true),
            ("registration-stale", true),
            ("unrecorded", kept_group),
        ]
        .map(|(kind, kept)| (kind.to_owned(), kept))
        .to_vec()
    };
    assert_eq!(found(&report), expected(true), "{report}");
    assert_eq!((started(&report), orphaned(&stage)), (0, 3));
    days(&stage, 2);
    let report = sweep(&stage, json!({}));
    assert_eq!(found(&report), expected(false), "{report}");
    assert_eq!(started(&report), 0);
    assert!(stage.ports().started().is_empty(), "it only reports");

    for turn in 0..2 {
        let removal = sweep(&stage, json!({ "apply": true }));
        assert_eq!(found(&removal), expected(false), "{removal}");
        assert_eq!(started(&removal), 1, "{removal}");
        assert_eq!(
            stage.ports().started().len(),
            1,
            "turn {turn}: the same runs"
        );
    }
    run_started_well(&stage);
    assert!(!is_anything_left(&stage, 4));
    // It is to work by the ledger, so it is not a sweep's to forget it.
    assert!(entry(&stage, 5).expect("an entry").stands());
    let after: Vec<String> = untouched.iter().map(|it| things(&stage, it)).collect();
    assert_eq!(after, before);

    // What is left are the three that nobody may remove.
    let last = sweep(&stage, json!({ "apply": true }));
    let kinds = ["entry-only", "registration-gone", "registration-stale"];
    assert_eq!(found(&last), kinds.map(|kind| (kind.to_owned(), true)));
    assert_eq!(started(&last), 0);
    assert_eq!(entries(&stage).len(), 6);
}

/// A world in which the connection of VPC 2 is an orphan that can be removed.
fn orphan() -> Stage {
    let stage = connected(&scenario(3));
    lose(&stage, 2);
    sweep(&stage, json!({}));
    days(&stage, 2);
    stage
}

#[test]
fn a_removal_that_cannot_be_started_is_told_and_made_up_for() {
    for (kind, is_told) in [(FaultKind::Denied, true), (FaultKind::Throttle, false)] {
        let fault = Fault::once("states:StartExecution", 1, kind, Moment::Before);
        let stage = orphan().with(fault);
        if is_told {
            let told = failed(&stage, json!({ "apply": true }));
            assert_eq!(told["failed_at"], "StartExecutionsForRemovals", "{told}");
            assert_eq!(stage.ports().started(), []);
        }
        assert_eq!(started(&sweep(&stage, json!({ "apply": true }))), 1);
        run_started_well(&stage);
        assert!(!is_anything_left(&stage, 2), "{kind:?}");
    }
}

#[test]
fn a_removal_that_never_began_is_started_again_in_the_next_hour() {
    let stage = orphan();
    assert_eq!(started(&sweep(&stage, json!({ "apply": true }))), 1);
    let lost = stage.ports().started().remove(0);
    stage.ports().end_run(&lost.arn, ExecutionStatus::Aborted);
    assert_eq!(started(&sweep(&stage, json!({ "apply": true }))), 0);
    stage.clock.advance(Duration::from_secs(3600));
    assert_eq!(started(&sweep(&stage, json!({ "apply": true }))), 1);
    run_started_well(&stage);
    assert!(!is_anything_left(&stage, 2));
}

#[test]
fn what_is_younger_than_was_asked_for_is_kept() {
    let stage = connected(&scenario(4));
    lose(&stage, 3);
    for (input, expected) in [
        (json!({}), "younger than 24 hours"),
        (
            json!({ "minimum_age_hours": 100 }),
            "younger than 100 hours",
        ),
    ] {
        let output = sweep(&stage, input);
        let kept = output["found"][0]["kept"].as_str().expect("a reason");
        assert!(kept.contains(expected), "{kept}");
        days(&stage, 2);
    }
}

#[test]
fn a_connection_that_is_made_after_the_sweep_saw_it_stays() {
    let stage = connected(&scenario(4));
    lose(&stage, 3);
    sweep(&stage, json!({}));
    days(&stage, 2);
    assert_eq!(started(&sweep(&stage, json!({ "apply": true }))), 1);
    // Before the run gets to it, somebody connects again.
    connect(&stage, 3);
    let before = things(&stage, &vpc_id(3));
    let outcomes = run_started(&stage);
    let Outcome::Failed { cause, .. } = &outcomes[0] else {
        panic!("{outcomes:?}");
    };
    assert!(cause.contains("connection-changed"), "{cause}");
    assert_eq!(things(&stage, &vpc_id(3)), before);
    assert_eq!(entry(&stage, 3).expect("an entry").phase, Phase::Ready);
    assert_eq!(found(&sweep(&stage, json!({ "apply": true }))), []);
}

#[test]
fn an_adopted_endpoint_is_only_let_go() {
    let stage = Stage::shipped("half-made-by-hand");
    ready_after(&stage.provision("first"));
    let it = recorded(&stage).expect("an entry");
    forget(&stage, &it.connection_id);
    let complete = json!({ "apply": true, "ledger_is_complete": true });
    sweep(&stage, complete.clone());
    days(&stage, 2);
    assert_eq!(started(&sweep(&stage, complete)), 1);
    let outcomes = run_started(&stage);
    assert!(matches!(outcomes[0], Outcome::Succeeded(_)), "{outcomes:?}");
    assert_eq!(block_on(stage.ports().managed_endpoints()).unwrap(), []);
    let id = it.endpoint_id.unwrap();
    let endpoint = block_on(stage.ports().endpoint(&id)).unwrap();
    assert!(endpoint.is_some(), "{id} was there before us");
}

#[test]
fn other_accounts_and_regions_are_swept_and_one_that_is_closed_is_told() {
    let mut all = scenario(6);
    all.vpcs[4].account = Some(OTHER.to_owned());
    all.roles.push(other_role());
    let stage = Stage::of(&all);
    for n in [0, 1, 2, 3, 5] {
        connect(&stage, n);
    }
    // What is in the other account is made there.
    let place: Place = format!("{OTHER}/eu-west-1").parse().unwrap();
    let mut asked = request(&stage, 4);
    asked["account_id"] = json!(OTHER);
    let made = stage.for_request(&asked).provision("there");
    assert!(matches!(ending(&made), Ending::Ready(_)), "{made:?}");
    lose(&stage, 4);
    lose(&stage, 5);
    sweep_at(&stage, &place.to_string(), json!({}));
    days(&stage, 2);

    let only_home = sweep(&stage, json!({}));
    assert_eq!(
        found(&only_home).len(),
        1,
        "nobody knows of the other account"
    );
    let both = sweep_at(
        &stage,
        &format!("{place} us-east-1"),
        json!({ "apply": true }),
    );
    let Outcome::Succeeded(both) = both.outcome else {
        panic!("{both:?}");
    };
    assert_eq!(
        (both["sum"]["places"].clone(), started(&both)),
        (json!(3), 2),
        "{both}"
    );
    run_started_well(&stage);
    assert!(!is_anything_left(&stage, 5));
    let left = stage.simulator.look(|world| {
        let endpoints = world.ec2.endpoints.values();
        endpoints
            .filter(|it| it.vpc_id == vpc_id(4) && it.state.is_there())
            .count()
    });
    assert_eq!(left, 0);

    lose(&stage, 3);
    stage.simulator.meddle(|world| world.roles.clear());
    let told = failed(
        &stage,
        json!({ "places": [place.to_string(), "eu-west-1"] }),
    );
    let cause = told["cause"].as_str().unwrap();
    assert!(
        cause.starts_with("sweep-incomplete: 444455556666/eu-west-1: other-account-role-refused"),
        "{cause}"
    );
    assert_eq!(
        told["found"].as_array().unwrap().len(),
        1,
        "the rest is swept: {told}"
    );
}

fn lose_everything(stage: &Stage, vpcs: usize) -> Vec<Connection> {
    let before: Vec<Connection> = (0..vpcs).filter_map(|n| entry(stage, n)).collect();
    for n in 0..vpcs {
        lose(stage, n);
    }
    before
}

#[test]
fn a_ledger_that_was_lost_is_not_taken_for_a_world_of_orphans() {
    let stage = connected(&scenario(3));
    lose_everything(&stage, 3);
    sweep(&stage, json!({}));
    days(&stage, 2);
    let refused = |stage: &Stage| {
        let told = failed(stage, json!({ "apply": true }));
        let cause = told["cause"].as_str().unwrap().to_owned();
        assert!(cause.starts_with("ledger-looks-lost: "), "{cause}");
        assert_eq!(stage.ports().started(), []);
    };
    refused(&stage);
    // Nor when all are asked for again and nobody can look at any.
    stage.denies("secretsmanager:GetSecretValue", 1);
    for n in 0..3 {
        let asked = stage.for_request(&request(&stage, n));
        let ended = ending(&asked.provision(&format!("in-vain-{n}")));
        assert!(matches!(ended, Ending::Failed(..)), "{ended:?}");
        assert!(entry(&stage, n).expect("an entry").leaves_nothing());
    }
    stage.simulator.end_faults();
    days(&stage, 2);
    refused(&stage);
    let rebuilt = sweep(&stage, json!({ "rebuild": true, "apply": true }));
    assert_eq!(rebuilt["sum"]["rebuilt"], 3, "{rebuilt}");
    for n in 0..3 {
        assert!(entry(&stage, n).expect("an entry").stands());
        lose(&stage, n);
    }
    // Nor when it begins to fill again.
    connect(&stage, 0);
    refused(&stage);
    let output = sweep(&stage, json!({ "apply": true, "ledger_is_complete": true }));
    assert_eq!(
        started(&output),
        2,
        "whoever says that it is complete is believed"
    );
}

#[test]
fn a_lost_ledger_is_rebuilt_from_tags() {
    let mut all = scenario(3);
    let key = format!("{}:cluster-id", shared::config::DEFAULT_TAG_PREFIX);
    let cluster = all.request["cluster_id"].as_str().unwrap().to_owned();
    all.vpcs[1].tags.insert(key, cluster);
    let stage = Stage::of(&all);
    for (n, change) in [
        json!({}),
        json!({ "requested_by": "vpc-tag" }),
        json!({ "sources": { "cidrs": ["10.9.0.0/16"] }, "private_dns": false }),
    ]
    .iter()
    .enumerate()
    {
        let mut asked = request(&stage, n);
        asked
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let made = stage.for_request(&asked).provision(&format!("connect-{n}"));
        ready_after(&made);
    }
    let before = lose_everything(&stage, 3);

    let told = sweep(&stage, json!({ "rebuild": true }));
    assert_eq!(told["sum"]["rebuilt"], 3, "{told}");
    assert_eq!(entries(&stage).len(), 0, "it only tells");
    let told = sweep(&stage, json!({ "rebuild": true, "apply": true }));
    assert_eq!(
        (&told["sum"]["rebuilt"], &told["sum"]["recorded"]),
        (&json!(3), &json!(0))
    );
    let after = entries(&stage);
    for was in &before {
        let is = &after[&was.vpc_id];
        let mut expected = was.clone();
        // What only the ledger knew, or what is new about it.
        expected.timeline.clone_from(&is.timeline);
        expected.execution.clone_from(&is.execution);
        (expected.started_at, expected.updated_at) = (is.started_at, is.updated_at);
        (expected.outcome, expected.ready) = (None, None);
        expected.cluster_name = None;
        expected.stands_since = is.stands_since;
        assert!(is.stands());
        expected.health.clone_from(&is.health);
        expected.account_id = HOME.parse().ok();
        expected
            .request
            .subnet_ids
            .clone_from(&is.request.subnet_ids);
        assert_eq!(*is, expected);
        assert_eq!(is.health.as_ref().unwrap().status, HealthStatus::Unknown);
        assert!(!is.request.subnet_ids.is_empty());
    }
    // Again there is nothing to write.
    let again = sweep(&stage, json!({ "rebuild": true, "apply": true }));
    assert_eq!(
        (&again["sum"]["rebuilt"], &again["sum"]["recorded"]),
        (&json!(0), &json!(3))
    );
    assert_eq!(entries(&stage), after);
    assert_eq!(found(&sweep(&stage, json!({}))), []);

    for connection in after.values() {
        let checked = crate::fleet::check_one(&stage, &connection.connection_id);
        assert_eq!(checked, HealthStatus::Healthy, "{connection:?}");
    }
    let gone = stage.for_request(&request(&stage, 2)).deprovision("away");
    assert!(matches!(gone.outcome, Outcome::Succeeded(_)), "{gone:?}");
    assert!(!is_anything_left(&stage, 2));
    assert_eq!(entries(&stage).len(), 2);
}

#[test]
fn two_connections_on_a_shared_endpoint_become_two_entries() {
    let stage = sharing().0;
    let ids = |stage: &Stage| {
        let ids = stage.simulator.look(connections).into_values();
        ids.map(|it| (it.connection_id, it.endpoint_id, it.cluster_id))
            .collect::<Vec<_>>()
    };
    let before = ids(&stage);
    for (id, ..) in &before {
        forget(&stage, id);
    }
    sweep(&stage, json!({ "rebuild": true, "apply": true }));
    assert_eq!((ids(&stage), before.len()), (before.clone(), 2));
}

/// Whether it is gone, or is another organization's than the key's.
#[test]
fn what_belongs_to_a_cluster_that_is_not_shown_stays() {
    let scenario = scenario(3);
    let stage = connected(&scenario);
    lose(&stage, 2);
    sweep(&stage, json!({}));
    days(&stage, 2);
    let key = KeySpec {
        other_organization: true,
        ..scenario.keys[0].clone()
    };
    stage.simulator.meddle(|world| world.cloud.keys.add(&key));
    let before = things(&stage, &vpc_id(2));
    let told = failed(&stage, json!({ "apply": true }));
    let cause = told["cause"].as_str().unwrap();
    assert!(cause.contains("cluster-not-found"), "{told}");
    assert_eq!(found(&told), [("unrecorded".to_owned(), true)]);
    assert!(stage.ports().started().is_empty());
    assert_eq!(things(&stage, &vpc_id(2)), before);

    stage
        .simulator
        .meddle(|world| world.cloud.keys.add(&scenario.keys[0]));
    assert_eq!(started(&sweep(&stage, json!({ "apply": true }))), 1);
    run_started_well(&stage);
    assert!(!is_anything_left(&stage, 2));
}

#[test]
fn a_silent_cluster_is_told_and_the_rest_is_swept() {
    let stage = connected(&scenario(3));
    lose(&stage, 2);
    let operation = "cloud:GET cluster";
    let next = stage.count(operation) + 1;
    let fault = Fault::once(operation, next, FaultKind::Denied, Moment::Before);
    stage.simulator.add_fault(fault);
    let told = failed(&stage, json!({}));
    assert!(
        told["cause"].as_str().unwrap().contains("cluster "),
        "{told}"
    );
    assert_eq!(told["found"].as_array().unwrap().len(), 1);
}
