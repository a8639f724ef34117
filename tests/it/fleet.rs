//! `check-fleet` over worlds that `provision` has made connections in: what a
//! check finds, records and announces, and that nothing of it is lost.

use engine::{EventKind, Execution, Machine, Outcome};
use serde_json::{Value, json};
use shared::Code;
use shared::config::Config;
use shared::ids::{EndpointId, SecurityGroupId};
use shared::ledger::{Connection, Health, HealthStatus, Ledger, Phase};
use shared::notice::Notice;
use shared::settings::Settings;
use simulator::scenario::ClusterSpec;
use simulator::step_functions::{Execution as Started, ExecutionStatus};
use simulator::{Call, Fault, FaultKind, Moment, Scenario, World};
use std::time::Duration;
use system_tests::books::notices;
use system_tests::change::{default_group, shut_out};
use system_tests::policies::{HOME, OTHER, OTHER_ROLE, other_role};
use system_tests::run::{Stage, all_faults, block_on, deployed, ready_after};
use system_tests::situations::numbered;

/// The second cluster of [`two_clusters`].
const OTHER_CLUSTER: &str = "1a2b3c4d-0000-4000-8000-000000000002";

/// The tag that asks for clusters.
const ASKS: &str = "cockroachdb-privatelink:cluster-id";

thread_local! {
    static REPORT: Machine = machine(false, &Settings::default());
    static REPAIR: Machine = machine(true, &Settings::default());
}

fn machine(repair: bool, told: &Settings) -> Machine {
    let region = "eu-west-1".parse().expect("a Region");
    let machine = steps::definition::check_fleet(&region, "us-east-1", repair, told);
    deployed("check-fleet", machine)
}

/// A world with one connection that works.
fn connected() -> Stage {
    let stage = Stage::shipped("fresh-vpc");
    provision(&stage, "first");
    stage
}

fn provision(stage: &Stage, name: &str) {
    let execution = stage.provision(name);
    ready_after(&execution);
}

/// Runs `check-fleet` to its end, ten minutes after whatever was before.
fn check_by(stage: &Stage, input: Value, repair: bool) -> Execution {
    let check = |machine: &Machine| check_as(stage, machine, input);
    match repair {
        true => REPAIR.with(check),
        false => REPORT.with(check),
    }
}

/// The same by another definition.
fn check_as(stage: &Stage, machine: &Machine, input: Value) -> Execution {
    stage.clock.advance(Duration::from_secs(600));
    let told = |name: &str| match name {
        "OWN_ACCOUNT" => Some(HOME.to_owned()),
        "OTHER_ACCOUNT_ROLE" => Some("crdb-privatelink".to_owned()),
        _ => None,
    };
    let machine = ("check-fleet", machine);
    stage.execute(machine, "check", input, Config::of(told))
}

#[track_caller]
fn succeeded(execution: &Execution) {
    let outcome = &execution.outcome;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
}

/// A check of everything that ends well, and what it announced.
fn check(stage: &Stage) -> Vec<(String, Notice)> {
    let before = events(stage).len();
    let execution = check_by(stage, json!({}), false);
    succeeded(&execution);
    events(stage).split_off(before)
}

/// Everything that was ever announced about health.
fn events(stage: &Stage) -> Vec<(String, Notice)> {
    let mut notices = stage.simulator.look(notices);
    notices.retain(|(_, notice)| notice.health.is_some());
    notices
}

fn kinds(events: &[(String, Notice)]) -> Vec<&str> {
    events.iter().map(|(kind, _)| kind.as_str()).collect()
}

fn connections(stage: &Stage) -> Vec<Connection> {
    block_on(stage.ports().connections(None, 1000))
        .expect("a ledger")
        .connections
}

/// How the last check has found the first connection of the ledger.
fn health(stage: &Stage) -> Health {
    let health = connections(stage).remove(0).health;
    health.expect("a check")
}

fn status(stage: &Stage) -> HealthStatus {
    health(stage).status
}

/// What is told of a connection, and how somebody makes it so.
type Trouble = (Code, fn(&mut World, &Connection));

/// Somebody breaks the first connection of the ledger.
fn befall(stage: &Stage, (_, breaks): Trouble) {
    let connection = connections(stage).remove(0);
    stage.simulator.meddle(|world| breaks(world, &connection));
}

fn endpoint(connection: &Connection) -> &EndpointId {
    connection.endpoint_id.as_ref().expect("an endpoint")
}

fn group(connection: &Connection) -> &SecurityGroupId {
    connection.security_group_id.as_ref().expect("a group")
}

/// What a world has that is as `provision` made it.
const AS_MADE: &str = "as the world has it";

/// One that `provision` chooses.
const LATE_SUBNET: &str = "subnet-0a10000000000000c";

const TROUBLES: [Trouble; 7] = [
    (Code::EndpointGone, |world, connection| {
        let id = endpoint(connection);
        world.ec2.endpoints.remove(id.as_str());
    }),
    // A zone got its subnet after the endpoint was made.
    (Code::EndpointLacksZone, |world, connection| {
        let endpoint = world.ec2.endpoints.get_mut(endpoint(connection).as_str());
        let interfaces = &mut endpoint.expect(AS_MADE).interfaces;
        interfaces.retain(|it| it.subnet_id != LATE_SUBNET);
    }),
    // Somebody keeps a subnet for something else by now.
    (Code::EndpointInShutOutSubnet, |world, _| {
        shut_out(world, &[LATE_SUBNET])
    }),
    (Code::SecurityGroupDetached, |world, connection| {
        let default = default_group(world, connection.vpc_id.as_str());
        let endpoint = world.ec2.endpoints.get_mut(endpoint(connection).as_str());
        endpoint.expect(AS_MADE).groups = vec![default];
    }),
    (Code::SecurityGroupRuleMissing, |world, connection| {
        let group = world.ec2.groups.get_mut(group(connection).as_str());
        let rules = &mut group.expect(AS_MADE).rules;
        rules.retain(|rule| rule.is_egress || rule.source.text() != "100.64.0.0/18");
    }),
    (Code::PrivateDnsSwitchedOff, |world, connection| {
        let endpoint = world.ec2.endpoints.get_mut(endpoint(connection).as_str());
        endpoint.expect(AS_MADE).private_dns = false;
    }),
    (Code::RegistrationGone, |world, connection| {
        let cluster = world.cloud.cluster_mut(connection.cluster_id.as_str());
        let id = endpoint(connection).as_str();
        cluster.expect(AS_MADE).forget_connection(id);
    }),
];

/// A world with one connection that does not work any more.
fn drifted(trouble: Trouble) -> Stage {
    let stage = connected();
    befall(&stage, trouble);
    stage
}

/// Runs the one run of this kind that was started, which makes a connection.
#[track_caller]
fn run_one(stage: &Stage, kind: &str) {
    let ran = stage.run_started();
    assert_eq!(ran.len(), 1, "{kind}");
    assert!(ran[0].name.starts_with(kind), "{}", ran[0].name);
    ready_after(&ran[0]);
}

#[test]
fn drift_is_announced_once_and_repaired_where_that_is_wanted_and_so_is_its_end() {
    for trouble in TROUBLES {
        let (code, _) = trouble;
        let stage = connected();
        assert_eq!(check(&stage), []);
        let found = health(&stage);
        assert_eq!(
            (found.status, found.findings),
            (HealthStatus::Healthy, vec![])
        );
        befall(&stage, trouble);

        let told = check(&stage);
        assert_eq!(kinds(&told), ["Connection Drifted"], "{code}");
        let (_, notice) = &told[0];
        assert_eq!(notice.code.as_deref(), Some(code.as_str()));
        assert_eq!(notice.fix.as_deref(), Some(code.fix()));
        assert_eq!(notice.connection_id, connections(&stage)[0].connection_id);
        assert!(notice.execution.contains("check-fleet"), "{notice:?}");
        assert_eq!(status(&stage), HealthStatus::Drifted);
        assert_eq!(stage.ports().started(), [], "only reported");

        let known = events(&stage).len();
        succeeded(&check_by(&stage, json!({}), true));
        assert_eq!(events(&stage).len(), known, "{code}: it is known");
        run_one(&stage, "repair-");
        let told = check(&stage);
        assert_eq!(kinds(&told), ["Connection Recovered"], "{code}");
        assert_eq!(status(&stage), HealthStatus::Healthy);
        assert_eq!(check(&stage), []);
        assert_eq!(stage.run_started(), []);
    }
}

/// Its endpoint can be led nowhere else.
#[test]
fn drift_that_no_run_mends_starts_none_and_keeps_none_from_mending_the_rest() {
    let stage = connected();
    stage.simulator.meddle(|world| {
        let subnets: Vec<String> = world.ec2.subnets.keys().cloned().collect();
        let subnets: Vec<&str> = subnets.iter().map(String::as_str).collect();
        shut_out(world, &subnets);
    });
    succeeded(&check_by(&stage, json!({}), true));
    assert_eq!(status(&stage), HealthStatus::Drifted);
    assert_eq!(stage.ports().started(), []);

    let codes = |stage: &Stage| -> Vec<String> {
        let findings = health(stage).findings.into_iter();
        findings.map(|it| it.code).collect()
    };
    let (gone, stays) = (Code::RegistrationGone, Code::SubnetUnusable);
    let mended = TROUBLES.into_iter().find(|(code, _)| *code == gone);
    befall(&stage, mended.expect("a trouble"));
    succeeded(&check_by(&stage, json!({}), true));
    assert_eq!(codes(&stage), [stays.as_str(), gone.as_str()]);
    run_one(&stage, "repair-");
    check(&stage);
    assert_eq!(codes(&stage), [stays.as_str()]);
}

/// A world in which a tag asks for a connection, and nobody has heard of it.
fn tagged() -> Stage {
    let stage = Stage::shipped("fresh-vpc");
    stage.tag_vpc(ASKS, Some(&stage.text("cluster_id")));
    stage
}

#[test]
fn what_a_tag_asks_for_is_made_and_taken_away_though_no_event_told_of_it() {
    let stage = tagged();
    assert_eq!(check(&stage), []);
    run_one(&stage, "tag-");
    let made = connections(&stage).remove(0);
    assert_eq!((made.phase, status_of_vpc(&stage)), (Phase::Ready, 1));
    assert_eq!(check(&stage), []);
    assert_eq!(stage.run_started(), []);
    assert_eq!(status(&stage), HealthStatus::Healthy);

    stage.tag_vpc(ASKS, None);
    assert_eq!(check(&stage), []);
    let gone = stage.run_started();
    assert_eq!(gone.len(), 1);
    succeeded(&gone[0]);
    assert_eq!((connections(&stage), status_of_vpc(&stage)), (vec![], 0));
    assert_eq!(check(&stage), []);
    assert_eq!(stage.run_started(), []);
}

/// How many tags tell of the VPC how a connection stands.
fn status_of_vpc(stage: &Stage) -> usize {
    let keys = stage.vpc_tags().into_keys();
    keys.filter(|key| key.starts_with("cockroachdb-privatelink:status:"))
        .count()
}

/// What a check starts executions for: the state, how the names of these begin, and a
/// world in which one is wanted.
fn wanted() -> [(&'static str, &'static str, Stage); 2] {
    let drifted = drifted(TROUBLES[0]);
    [
        ("StartExecutionsForTags", "tag-", tagged()),
        ("StartExecutionsForRepairs", "repair-", drifted),
    ]
}

#[test]
fn a_start_that_fails_is_made_up_for() {
    for (fault, is_told) in [(FaultKind::Denied, true), (FaultKind::Throttle, false)] {
        for (state, kind, stage) in wanted() {
            let fault = Fault::once("states:StartExecution", 1, fault, Moment::Before);
            let stage = stage.with(fault);
            if is_told {
                let failure = failure(&check_by(&stage, json!({}), true));
                assert_eq!(failure["failed_at"], state, "{failure}");
                assert_eq!(stage.ports().started(), []);
            }
            succeeded(&check_by(&stage, json!({}), true));
            run_one(&stage, kind);
            assert_eq!(connections(&stage)[0].phase, Phase::Ready, "{state}");
        }
    }
}

/// Somebody stops it before its first step, and its name stays taken.
#[test]
fn a_run_that_never_began_is_started_again_under_another_name() {
    for (_, kind, stage) in wanted() {
        succeeded(&check_by(&stage, json!({}), true));
        let lost = stage.ports().started().remove(0);
        stage.ports().end_run(&lost.arn, ExecutionStatus::Aborted);
        stage.clock.advance(Duration::from_secs(3600));
        succeeded(&check_by(&stage, json!({}), true));
        run_one(&stage, kind);
        assert_eq!(stage.ports().started().len(), 2, "{kind}");
    }
}

/// Ours cannot be put back, and what the endpoint has in its place lets everybody in.
#[test]
fn a_group_that_was_deleted_is_given_up_where_others_let_in_what_was_asked_for() {
    let stage = connected();
    let connection = connections(&stage).remove(0);
    stage.simulator.meddle(|world| {
        let default = default_group(world, connection.vpc_id.as_str());
        let groups = &mut world.ec2.groups;
        let ours = groups.remove(group(&connection).as_str());
        let mut rules = ours.expect(AS_MADE).rules;
        for rule in &mut rules {
            rule.group_id.clone_from(&default);
        }
        let taken_over = groups.get_mut(&default).expect(AS_MADE);
        taken_over.rules.extend(rules);
        let endpoint = world.ec2.endpoints.get_mut(endpoint(&connection).as_str());
        endpoint.expect(AS_MADE).groups = vec![default];
    });
    succeeded(&check_by(&stage, json!({}), true));
    run_one(&stage, "repair-");
    assert_eq!(connections(&stage)[0].security_group_id, None);
    assert_eq!(kinds(&check(&stage)), ["Connection Recovered"]);
}

/// The notes of the plan are in the ledger.
#[test]
fn what_was_told_on_connecting_is_no_news() {
    let stage = Stage::shipped("own-dns-and-acls");
    provision(&stage, "first");
    assert_eq!(check(&stage), []);
    assert_eq!(health(&stage).findings, []);
}

/// The world of `fresh-vpc` with many VPCs, every second one for another cluster.
fn many(count: usize) -> Stage {
    let mut scenario = Scenario::shipped("fresh-vpc").expect("a shipped scenario");
    scenario.habits.requests_per_second = 0;
    let template = scenario.vpcs.remove(0);
    scenario.vpcs = (0..count).map(|n| numbered(&template, n)).collect();
    scenario.clusters.push(other(&scenario.clusters[0]));
    let mut stage = Stage::of(&scenario);
    for (n, vpc) in scenario.vpcs.iter().enumerate() {
        stage.request["vpc_id"] = json!(vpc.id);
        stage.request["cluster_id"] = json!(scenario.clusters[n % 2].id);
        provision(&stage, &format!("run-{n}"));
    }
    stage
}

fn other(template: &ClusterSpec) -> ClusterSpec {
    let mut cluster = template.clone();
    cluster.id = OTHER_CLUSTER.to_owned();
    cluster.name = "stock".to_owned();
    let service = &mut cluster.regions[0].service;
    service.name = Some("com.amazonaws.vpce.eu-west-1.vpce-svc-0ad0ad0ad0ad0ad02".to_owned());
    cluster.regions[0].internal_dns =
        Some("internal-stock-k4x.aws-eu-west-1.cockroachlabs.cloud".to_owned());
    cluster
}

#[test]
fn every_connection_is_checked_over_several_pages() {
    let stage = many(25);
    assert_eq!(check(&stage), []);
    let all = connections(&stage);
    assert_eq!(all.len(), 25);
    let is_healthy = |it: &Connection| it.health.as_ref().unwrap().status == HealthStatus::Healthy;
    assert!(all.iter().all(is_healthy));

    // All of them break. The events of one page fit into one call.
    stage.simulator.meddle(|world| {
        for endpoint in world.ec2.endpoints.values_mut() {
            endpoint.private_dns = false;
        }
    });
    let told = check(&stage);
    assert_eq!(kinds(&told), ["Connection Drifted"; 25]);
    let announced = stage.count("events:PutEvents");
    assert_eq!(announced, 3 + 25, "25 of them by provision");
    assert_eq!(check(&stage), []);
}

#[test]
fn only_the_connection_that_is_named_is_checked_and_nothing_is_looked_for() {
    let stage = many(2);
    let id = connections(&stage)[1].connection_id.clone();
    let execution = check_by(&stage, json!({ "connection_ids": [id] }), false);
    succeeded(&execution);
    let all = connections(&stage);
    assert!(all[0].health.is_none() && all[1].health.is_some());
    assert_eq!(visits(&execution, "StartExecutionsForTags"), 0);
}

/// How often a state was entered.
fn visits(execution: &Execution, name: &str) -> usize {
    let entered = |event: &&engine::Event| matches!(&event.kind, EventKind::StateEntered { state, .. } if state == name);
    execution.history.iter().filter(entered).count()
}

/// The report of a failed check.
fn failure(execution: &Execution) -> Value {
    match &execution.outcome {
        Outcome::Failed { error, cause } => {
            assert_eq!(error, "CheckFailed");
            serde_json::from_str(cause).expect("JSON")
        }
        Outcome::Succeeded(_) | Outcome::TimedOut => panic!("{:?}", execution.outcome),
    }
}

/// Refuses the next calls of an operation.
fn refuse_next(stage: &Stage, operation: &str, repeat: u32) {
    let nth = stage.count(operation) + 1;
    let fault = Fault::once(operation, nth, FaultKind::Denied, Moment::Before);
    stage.simulator.add_fault(Fault { repeat, ..fault });
}

#[test]
fn what_cannot_be_announced_is_announced_by_the_next_check() {
    let stage = drifted(TROUBLES[0]);
    refuse_next(&stage, "events:PutEvents", 6);
    let failure = failure(&check_by(&stage, json!({}), false));
    assert_eq!(failure["failed_at"], "AnnounceChanges");
    assert_eq!(
        (events(&stage), status(&stage)),
        (vec![], HealthStatus::Drifted)
    );
    assert_eq!(kinds(&check(&stage)), ["Connection Drifted"]);
    assert_eq!(check(&stage), []);
}

#[test]
fn that_requests_cannot_be_looked_for_is_told_after_everything_was_checked() {
    let stage = connected();
    refuse_search(&stage);
    let failure = failure(&check_by(&stage, json!({}), false));
    assert_eq!(failure["failed_at"], "StartExecutionsForTags");
    assert_eq!(status(&stage), HealthStatus::Healthy);
}

/// Refuses what the next check asks of the first place that it searches, which is
/// the last but one of those that it looks at.
fn refuse_search(stage: &Stage) {
    let vpcs = "ec2:DescribeVpcs";
    let before = stage.count(vpcs);
    check_by(stage, json!({}), false);
    let nth = 2 * stage.count(vpcs) - before - 1;
    let fault = Fault::once(vpcs, nth, FaultKind::Denied, Moment::Before);
    stage.simulator.add_fault(fault);
}

/// The VPCs that runs were started for.
fn started_for(stage: &Stage) -> Vec<String> {
    let started = stage
        .simulator
        .look(|world| world.step_functions.executions.clone());
    let vpc_of = |run: &Started| -> Value {
        let input: Value = serde_json::from_str(&run.input).expect("JSON");
        input["vpc_id"].clone()
    };
    let vpcs = started.iter().map(vpc_of);
    vpcs.filter_map(|vpc| vpc.as_str().map(str::to_owned))
        .collect()
}

/// A world with a connection that works, to which somebody adds these VPCs with this
/// value of the tag that asks for clusters, and the event about it is lost.
fn asking(region: &str, value: &str, count: usize) -> Stage {
    let mut scenario = Scenario::shipped("fresh-vpc").expect("a shipped scenario");
    for n in 0..count {
        let mut vpc = numbered(&scenario.vpcs[0], n);
        vpc.subnets.clear();
        vpc.region = Some(region.to_owned());
        vpc.tags = [(ASKS.to_owned(), value.to_owned())].into();
        scenario.vpcs.push(vpc);
    }
    let stage = Stage::of(&scenario);
    provision(&stage, "first");
    stage
}

#[test]
fn lost_events_of_every_place_that_the_stack_serves_are_made_up_for() {
    let stage = asking("us-east-1", OTHER_CLUSTER, 1);
    assert_eq!(check(&stage), []);
    assert_eq!(started_for(&stage), ["vpc-0b000000000000000"]);
}

/// It has no connection yet, so the ledger does not know it.
#[test]
fn lost_events_of_an_account_that_is_listed_are_made_up_for() {
    let mut scenario = Scenario::shipped("fresh-vpc").expect("a shipped scenario");
    for (n, account) in [(0, None), (1, Some(OTHER.to_owned()))] {
        let mut vpc = numbered(&scenario.vpcs[0], n);
        vpc.subnets.clear();
        vpc.account = account;
        vpc.tags = [(ASKS.to_owned(), OTHER_CLUSTER.to_owned())].into();
        scenario.vpcs.push(vpc);
    }
    let stage = Stage::of(&scenario);
    provision(&stage, "first");
    let told = |name: &str| match name {
        "OTHER_ACCOUNT_ROLE" => Some(OTHER_ROLE.to_owned()),
        "OTHER_ACCOUNTS" => Some(OTHER.to_owned()),
        _ => None,
    };
    let machine = machine(false, &Settings::of(told));

    // Nobody has made the role there, which is told when all else is done.
    let execution = check_as(&stage, &machine, json!({}));
    let failure = failure(&execution);
    assert_eq!(failure["failed_at"], "StartExecutionsForTags");
    let cause = failure["cause"].as_str().expect("a text");
    assert!(cause.starts_with("other-account-role-refused"), "{cause}");
    assert_eq!(visits(&execution, "StartExecutionsForTags"), 4);
    assert_eq!(status(&stage), HealthStatus::Healthy);
    assert_eq!(started_for(&stage), ["vpc-0b000000000000000"]);

    stage
        .simulator
        .meddle(|world| world.roles.push(other_role()));
    let execution = check_as(&stage, &machine, json!({}));
    succeeded(&execution);
    let both = ["vpc-0b000000000000000", "vpc-0b000000000000001"];
    assert_eq!(started_for(&stage), both);
}

#[test]
fn a_place_that_cannot_be_searched_does_not_keep_the_next_one_waiting() {
    let stage = asking("us-east-1", "", 1);
    refuse_search(&stage);
    stage.simulator.meddle(|world| {
        for vpc in world.ec2.vpcs.values_mut() {
            if let Some(value) = vpc.tags.get_mut(ASKS) {
                *value = OTHER_CLUSTER.to_owned();
            }
        }
    });
    let failure = failure(&check_by(&stage, json!({}), false));
    assert_eq!(failure["failed_at"], "StartExecutionsForTags");
    assert_eq!(started_for(&stage), ["vpc-0b000000000000000"]);
}

/// The longest value that a tag may have: 128 words, none of them an id.
#[test]
fn tags_of_the_greatest_length_do_not_stop_the_checks() {
    let words = vec!["x"; 128].join(" ");
    let stage = asking("eu-west-1", &words, 9);
    assert_eq!(check(&stage), []);
    assert_eq!(status(&stage), HealthStatus::Healthy);
}

#[test]
fn a_verdict_that_cannot_be_written_down_does_not_keep_the_others_from_being_judged() {
    let stage = many(3);
    refuse_next(&stage, "dynamodb:UpdateItem", 1);
    let failure = failure(&check_by(&stage, json!({}), false));
    assert_eq!(failure["failed_at"], "CheckFleet");
    let judged = |stage: &Stage| -> Vec<bool> {
        let all = connections(stage).into_iter();
        all.map(|connection| connection.health.is_some()).collect()
    };
    assert_eq!(judged(&stage), [false, true, true]);
    assert_eq!(check(&stage), []);
    assert_eq!(judged(&stage), [true; 3]);
}

/// Whatever call of a check fails once, in whatever way: the check or the next
/// one announces the drift, and it is known afterwards.
#[test]
fn no_single_fault_loses_an_announcement() {
    let broken = drifted(TROUBLES[2]);
    let good = broken.forked();
    check(&good);
    let made = good.simulator.calls();
    assert!(made.len() > 10, "{made:?}");
    for Call { operation, nth, .. } in made {
        for (kind, moment) in all_faults(&operation) {
            let fault = Fault::once(operation.as_str(), nth, kind, moment);
            let place = format!("{fault:?}");
            let stage = broken.forked().with(fault);
            check_by(&stage, json!({}), false);
            check(&stage);
            let told = events(&stage);
            assert!((1..=2).contains(&told.len()), "{place}: {told:?}");
            let is_drift = |kind: &&str| *kind == "Connection Drifted";
            assert!(kinds(&told).iter().all(is_drift), "{place}");
            assert_eq!(status(&stage), HealthStatus::Drifted, "{place}");
            assert_eq!(check(&stage), [], "{place}");
        }
    }
}

#[test]
fn a_connection_that_is_being_made_is_counted_and_not_judged() {
    let stage = connected();
    let mut connection = connections(&stage).remove(0);
    connection.phase = Phase::Registered;
    stage.ports().put_connection(&connection);
    befall(&stage, TROUBLES[0]);
    let execution = check_by(&stage, json!({}), true);
    let Outcome::Succeeded(output) = &execution.outcome else {
        panic!("{:?}", execution.outcome);
    };
    assert_eq!(output["counts"]["pending"], 1);
    assert!(output["counts"]["oldest_pending_seconds"].as_u64() > Some(600));
    assert_eq!(events(&stage), []);
    let started = stage.ports().started();
    assert!(!started.iter().any(|run| run.name.starts_with("repair-")));
    assert_eq!(connections(&stage)[0].health, None);
}

/// How a check finds one connection.
pub(crate) fn check_one(stage: &Stage, id: &str) -> HealthStatus {
    check_by(stage, json!({ "connection_ids": [id] }), false);
    let connection = block_on(stage.ports().connection(id)).expect("a ledger");
    let health = connection.and_then(|connection| connection.health);
    health.expect("a check").status
}
