//! What the ledger remembers: of a connection that stands, whatever becomes of later
//! runs on it; of one that was given up; and of what could not be taken back.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use engine::Clock;
use serde_json::json;
use shared::Code;
use shared::ledger::{Connection, Phase};
use shared::settings::Settings;
use simulator::{Fault, FaultKind, Moment};
use system_tests::aftermath::{Snapshot, failed, ready, recorded, run};
use system_tests::books::{connections, end_leases, forget, notices};
use system_tests::change::{drifted, working};
use system_tests::crash::{bury, lost_everywhere};
use system_tests::parallel::in_parallel;
use system_tests::policies::HOME;
use system_tests::removal::Removal;
use system_tests::run::{
    Ending, Goal, LEASES_EXPIRE, Stage, block_on, changes, ending, faults_at, ready_after,
};
use system_tests::situations::{add_twin, connected};
use system_tests::standing::{self, ASKED, swept};
use system_tests::together::{claims, word};
use system_tests::verdict::Tally;

#[track_caller]
fn entry(stage: &Stage) -> Connection {
    recorded(stage).expect("an entry")
}

/// No registration can be removed.
fn registrations_stay() -> Fault {
    let operation = "cloud:DELETE private-endpoint-connection";
    Fault::from_then_on(operation, 1, FaultKind::ServerError, Moment::Before)
}

/// From now on nothing comes of private DNS, and no registration can be removed.
fn fails_and_leaves_its_registration(stage: &Stage) {
    let operation = "ec2:ModifyVpcEndpoint";
    stage.denies(operation, 1);
    stage.simulator.add_fault(registrations_stay());
}

/// A mistyped subnet, asked for without the protection that is in force.
#[test]
fn a_change_that_fails_leaves_a_connection_as_protected_and_as_live_as_before() {
    let stage = working().asking("protect", json!(true));
    ready(&stage);
    let former = entry(&stage);
    let mistyped = stage
        .for_request(&stage.request)
        .asking("protect", json!(false))
        .asking("subnet_ids", json!(["subnet-0a1000000000000ff"]));
    failed(&mistyped, "RolledBack", Code::SubnetNotFound);

    let after = entry(&stage);
    assert_eq!((after.phase, after.stands()), (Phase::Ready, true));
    assert!(after.request.protect);
    assert_eq!(after.stands_since, former.stands_since);
    let asked = after.asked.expect("what was asked for stands beside it");
    assert_eq!(asked.subnet_ids[0].as_str(), "subnet-0a1000000000000ff");
    stage.clock.advance(Duration::from_secs(9 * 24 * 3600));
    assert_eq!(swept(&stage).map(|(findings, _)| findings), Ok(vec![]));
    let Removal::Incomplete(refused) = Removal::of(&stage.deprovision("away")) else {
        panic!("disconnected");
    };
    assert_eq!(refused.code, Code::ConnectionProtected.as_str());
    // The next good run has nothing left to tell of.
    ready(&stage);
    assert_eq!(entry(&stage).asked, None);
}

#[test]
fn what_cannot_be_seen_to_work_is_not_said_to() {
    // One source more; its rule is made, and then the cluster stays silent.
    let sources = json!({ "cidrs": ["10.20.0.0/16", "10.30.0.0/16", "10.40.0.0/16"] });
    let stage = working().forked().asking("sources", sources);
    let stage = stage.with(Fault::from_then_on(
        "cloud:GET private-endpoint-connections",
        2,
        FaultKind::ServerError,
        Moment::Before,
    ));
    let failure = failed(&stage, "RolledBack", Code::CloudUnavailable);
    assert!(!failure.undone.is_empty(), "{failure:#?}");
    let after = entry(&stage);
    assert_eq!(
        (after.phase, after.stands()),
        (Phase::RollbackIncomplete, true)
    );
    let told = after.outcome.expect("an outcome").sentence;
    assert!(told.contains("has not been seen to work since"), "{told}");
}

#[test]
fn a_connection_is_asked_for_and_taken_away_where_it_is() {
    let stage = connected(Stage::shipped("standard-cluster"));
    let former = entry(&stage);
    let elsewhere = stage
        .for_request(&stage.request)
        .asking("account_id", json!("999988887777"));
    let failure = failed(&elsewhere, "RolledBack", Code::AccountDiffers);
    assert!(failure.detail.contains("999988887777"), "{failure:?}");
    let after = entry(&stage);
    assert_eq!(
        (&after.execution, &after.request),
        (&former.execution, &former.request)
    );
    let before = Snapshot::settled(&stage);
    let Removal::Incomplete(refused) = Removal::of(&elsewhere.deprovision("elsewhere")) else {
        panic!("disconnected");
    };
    assert_eq!(refused.code, Code::AccountDiffers.as_str());
    assert_eq!((Snapshot::settled(&stage), entry(&stage)), (before, former));
    // Whoever asks need not know the account.
    let anywhere = stage
        .for_request(&stage.request)
        .asking("account_id", json!(null));
    assert!(Removal::of(&anywhere.deprovision("away")).is_complete());
    // A request that leaves the account out means that of the stack.
    let there = connected(Stage::shipped("standard-cluster"));
    let mut former = entry(&there);
    former.account_id = Some("999988887777".parse().expect("an account"));
    former.request.account_id = former.account_id.clone();
    there.ports().put_connection(&former);
    let failure = failed(&there, "RolledBack", Code::AccountDiffers);
    assert!(failure.detail.contains("999988887777"), "{failure:?}");
    assert_eq!(entry(&there), former);
    // Which the ARNs of executions name.
    former.request.account_id = Some(HOME.parse().expect("an account"));
    there.ports().put_connection(&former);
    ready_after(&there.provision("here"));
}

/// Of an earlier version, or written by hand.
#[test]
fn an_entry_that_says_no_more_than_ready_stands() {
    let stage = connected(Stage::shipped("standard-cluster"));
    let bare = Connection {
        stands_since: None,
        ..entry(&stage)
    };
    stage.ports().put_connection(&bare);
    let mistyped = stage
        .for_request(&stage.request)
        .asking("subnet_ids", json!(["subnet-0a1000000000000ff"]));
    failed(&mistyped, "RolledBack", Code::SubnetNotFound);
    let after = entry(&stage);
    assert_eq!((after.phase, after.stands()), (Phase::Ready, true));
    assert_eq!(after.request, bare.request);
    assert_eq!(swept(&stage).map(|(findings, _)| findings), Ok(vec![]));
}

#[test]
fn what_a_tag_asked_for_stays_the_tags() {
    let by_tag = Stage::shipped("standard-cluster").asking("requested_by", json!("vpc-tag"));
    ready(&by_tag);
    let by_call = by_tag
        .for_request(&by_tag.request)
        .asking("requested_by", json!("call"));
    ready(&by_call);
    let asks = entry(&by_tag).request.requested_by;
    assert_eq!(asks, shared::request::RequestedBy::VpcTag);
}

#[test]
fn a_refused_request_leaves_nothing_that_lasts() {
    for (field, value, code) in [
        (
            "account_id",
            json!("999988887777"),
            Code::OtherAccountRoleRefused,
        ),
        ("vpc_id", json!("vpc-0a1b2c3d4e5f60799"), Code::VpcNotFound),
    ] {
        let stage = Stage::shipped("standard-cluster").asking(field, value);
        failed(&stage, "RolledBack", code);
        let item = stage.simulator.look(|world| {
            let items = world.dynamodb.items(&world.stack.connections_table);
            items.into_values().next().expect("an item")
        });
        let expires: u64 = item["expires_at"]["N"]
            .as_str()
            .and_then(|seconds| seconds.parse().ok())
            .expect("a time to live");
        let now = u64::try_from(stage.clock.now().unix_timestamp()).expect("after 1970");
        assert!((now..now + 31 * 24 * 3600).contains(&expires), "{expires}");
        // It asks no sweep to look where nobody can.
        let (findings, sum) = swept(&stage).expect("a sweep");
        assert!(
            findings.is_empty() && sum.unseen.is_empty(),
            "{findings:#?}, {sum:#?}"
        );
        // And it can be taken out of the ledger.
        assert!(
            Removal::of(&stage.deprovision("away")).is_complete(),
            "{code}"
        );
        assert_eq!(recorded(&stage), None, "{code}");
    }
}

/// A failing run on what an earlier one has left does not make it look like nothing.
#[test]
fn what_an_earlier_run_left_stays_in_the_record_when_the_next_one_is_refused() {
    let stage = Stage::shipped("standard-cluster").denying("ec2:DeleteVpcEndpoints", 1);
    let stage = stage.with(Fault::from_then_on(
        "cloud:GET private-endpoint-connections",
        3,
        FaultKind::ServerError,
        Moment::Before,
    ));
    let Ending::Failed(name, _) = run(&stage) else {
        panic!("ready");
    };
    assert_eq!(name, "RollbackIncomplete");
    let mistyped = stage
        .for_request(&stage.request)
        .asking("subnet_ids", json!(["subnet-0a1000000000000ff"]));
    stage.simulator.end_faults();
    failed(&mistyped, "RolledBack", Code::SubnetNotFound);
    let after = entry(&stage);
    assert_eq!(after.phase, Phase::RollbackIncomplete);
    assert!(after.endpoint_id.is_some() && !after.leaves_nothing());
}

/// Registrations that could not be removed, of two runs, are both found.
#[test]
fn every_registration_that_was_left_is_remembered() {
    let stage = Stage::shipped("standard-cluster");
    let empty = Snapshot::settled(&stage);
    let kept = |stage: &Stage| {
        let entries = stage.simulator.look(connections);
        entries.into_values().next().map(|it| it.registrations)
    };
    for n in 1..=2 {
        fails_and_leaves_its_registration(&stage);
        failed(&stage, "RollbackIncomplete", Code::AwsAccessDenied);
        assert_eq!(kept(&stage).map(|it| it.len()), Some(n));
        stage.simulator.end_faults();
    }
    // A run in between that goes well takes none of them from the record, unless it
    // could take them from the cluster.
    stage.simulator.add_fault(registrations_stay());
    let done = ready(&stage);
    assert_eq!(kept(&stage).map(|it| it.len()), Some(3));
    let stays = "which an earlier execution had left, stays for now";
    let told = |what| done.notes.iter().filter(|it| it.contains(what)).count();
    assert_eq!(told(stays), 2, "{:?}", done.notes);
    stage.simulator.end_faults();
    let done = ready(&stage);
    assert_eq!(kept(&stage).map(|it| it.len()), Some(1));
    let told = |what| done.notes.iter().filter(|it| it.contains(what)).count();
    assert_eq!(told("An earlier execution had left"), 2, "{:?}", done.notes);
    let registered = stage.simulator.look(|world| {
        let cluster = world.cloud.clusters().next().expect("a cluster");
        cluster.connections().count()
    });
    assert_eq!(registered, 1);
    assert!(Removal::of(&stage.deprovision("away")).is_complete());
    assert_eq!(Snapshot::settled(&stage), empty);
}

/// Where the ledger ends with the run, the endpoint has to lead to its registration.
#[test]
fn without_a_ledger_that_lasts_an_endpoint_stays_with_its_registration() {
    let machine = steps::definition::provision_unrecorded(&Settings::default()).expect("it loads");
    let stage = Stage::shipped("standard-cluster");
    let empty = Snapshot::settled(&stage);
    fails_and_leaves_its_registration(&stage);
    let execution = stage.provision_as(&machine, "unrecorded");
    let Ending::Failed(name, failure) = ending(&execution) else {
        panic!("ready");
    };
    let left: Vec<&str> = failure.left.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(name, "RollbackIncomplete");
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(
        left[0].starts_with("private endpoint connection of endpoint vpce-"),
        "{left:?}"
    );
    assert!(left[1].starts_with("endpoint vpce-"), "{left:?}");
    assert!(left[2].starts_with("security group "), "{left:?}");
    // The ledger is gone, and so is what was in the way.
    stage.simulator.end_faults();
    forget(&stage, &entry(&stage).connection_id);
    assert!(Removal::of(&stage.deprovision("away")).is_complete());
    assert_eq!(Snapshot::settled(&stage), empty);
}

/// Lost at each of its tasks, and run again at once, while EC2 does not show yet what
/// was made: one endpoint in the end, whether there is a ledger that lasts or not.
#[test]
fn a_run_after_one_that_was_lost_leaves_no_twin() {
    let unrecorded =
        steps::definition::provision_unrecorded(&Settings::default()).expect("it loads");
    let mut lost = 0;
    let mut removed = 0;
    for (name, lag, keeps_ledger) in [
        ("standard-cluster", 0, true),
        ("fresh-vpc", 0, true),
        ("standard-cluster", 60, true),
        ("standard-cluster", 60, false),
    ] {
        let mut scenario = simulator::Scenario::shipped(name).expect("a shipped scenario");
        scenario.pace.visible = Duration::from_secs(lag);
        scenario.pace.reads_behind = scenario.pace.visible;
        let fresh = Stage::of(&scenario);
        lost += lost_everywhere(&fresh, Goal::Connect, |stage, when| {
            let ready = if keeps_ledger {
                bury(&stage);
                ready_after(&stage.provision("again"))
            } else {
                end_leases(&stage);
                for id in stage.simulator.look(connections).into_keys() {
                    forget(&stage, &id);
                }
                ready_after(&stage.provision_as(&unrecorded, "again"));
                // EC2 may not have shown the first one to that run.
                Snapshot::settled(&stage);
                ready_after(&stage.provision_as(&unrecorded, "once-more"))
            };
            let tells = |it: &&String| it.starts_with("An earlier execution had left");
            removed += ready.notes.iter().filter(tells).count();
            Snapshot::settled(&stage);
            let living = stage.simulator.look(|world| {
                let all = world.ec2.endpoints.values();
                all.filter(|it| it.state.is_there()).count()
            });
            assert_eq!(living, 1, "{name}, {when}");
        });
    }
    assert!(lost > 60, "only {lost} runs were lost");
    assert!(removed > 0, "nothing was made twice");
}

/// A second endpoint of a connection that works costs. Only what nobody can be using
/// goes: not one that the cluster knows, and never the one in use.
#[test]
fn a_run_deletes_a_second_endpoint_of_the_connection_and_never_the_one_in_use() {
    for registered in [false, true] {
        let stage =
            connected(Stage::shipped("standard-cluster").asking("private_dns", json!(false)));
        let own = entry(&stage).endpoint_id.expect("an endpoint");
        let twin = add_twin(&stage);
        if registered {
            let (ports, cluster) = (stage.ports(), entry(&stage).cluster_id);
            let endpoint = twin.parse().expect("an id");
            let made = block_on(shared::cloud::Cloud::register(&ports, &cluster, &endpoint));
            made.expect("a registration");
        }
        Snapshot::settled(&stage);
        let (found, _) = swept(&stage.forked()).expect("a sweep");
        let found = found
            .iter()
            .find(|it| it.kind == find_orphans::Kind::MadeTwice);
        let found = found.expect("a second endpoint is told");
        assert_eq!(found.things, [format!("endpoint {twin}")]);
        assert_eq!(found.removal, None, "that would take away both");

        let ready = ready_after(&stage.provision("again"));
        assert_eq!(ready.endpoint_id, own);
        Snapshot::settled(&stage);
        let living = stage.simulator.look(|world| {
            let all = world.ec2.endpoints.values();
            let living = all.filter(|it| it.state.is_there());
            living.map(|it| it.id.clone()).collect::<BTreeSet<_>>()
        });
        let mut expected = BTreeSet::from([own.to_string()]);
        expected.extend(registered.then(|| twin.clone()));
        assert_eq!(living, expected);
        let told = format!("An earlier execution had left something: endpoint {twin} deleted");
        assert_eq!(
            ready.notes.contains(&told),
            !registered,
            "{:?}",
            ready.notes
        );
    }
}

/// It was decided before another run held the lease: what that one has done stays.
#[test]
fn a_repair_that_comes_too_late_does_nothing() {
    let stage = connected(Stage::shipped("standard-cluster"));
    let seen = entry(&stage);
    let repair = |stage: &Stage| {
        let stage = stage.for_request(&json!(seen.request));
        stage.asking("unless_changed", json!({ "execution": seen.execution }))
    };

    let unchanged = repair(&stage.forked());
    ready(&unchanged);
    let request = json!(entry(&unchanged).request);
    assert_eq!(request.get("unless_changed"), None, "of one run only");

    let changed = stage.forked().asking("protect", json!(true));
    ready(&changed);
    let removed = stage.forked();
    assert!(Removal::of(&removed.deprovision("away")).is_complete());
    for other in [changed, removed] {
        let before = (Snapshot::settled(&other), recorded(&other));
        let told = other.simulator.look(notices).len();
        let failure = failed(&repair(&other), "RolledBack", Code::ConnectionChanged);
        assert_eq!((failure.undone, failure.left), (vec![], vec![]));
        assert_eq!((Snapshot::settled(&other), recorded(&other)), before);
        assert_eq!(other.simulator.look(notices).len(), told);
    }
}

/// A run that repairs, failed at each call in every way: whatever stood before it still
/// stands, in the world and in the record, and the next run repairs it.
#[test]
fn no_fault_in_a_repair_takes_anything_away() {
    let began = Instant::now();
    let mut tally = Tally::default();
    for (drift, stage) in drifted() {
        let good = stage.forked();
        ready_after(&good.provision("good"));
        let calls = good.simulator.calls();
        let mut faults = faults_at(&calls, false);
        let lasting = calls.into_iter();
        let lasting = lasting.filter(|call| call.nth == 1 || changes(&call.operation));
        faults.extend(faults_at(&Vec::from_iter(lasting), true));
        let results = in_parallel(&faults, |fault| {
            standing::counted(|| repaired(&stage, fault))
        });
        tally.tried(&drift, &faults, results);
    }
    tally.conclude("faults of a repair", began);
    assert!(tally.numbers[ASKED] > 0, "nobody asked whether it stands");
    assert!(tally.endings.len() > 1, "{:?}", tally.endings);
}

fn repaired(drifted: &Stage, fault: &Fault) -> Result<String, String> {
    let stage = drifted.forked().with(fault.clone());
    let before = Snapshot::settled(&stage);
    let execution = stage.provision("repair");
    let (ended, name) = (ending(&execution), word(&execution));
    if let Ending::Failed(_, failure) = &ended {
        let former = before.standing(&stage).ok_or("it did not stand before")?;
        // Of what nothing is left a sweep may say so.
        match stage.simulator.look(claims).is_empty() {
            true => standing::in_force(&stage, former).map(|_| ())?,
            false => standing::check(&stage, former)?,
        }
        let lacks = Snapshot::settled(&stage).lacks(&before);
        if !lacks.is_empty() {
            return Err(format!("{name}: {lacks:?} is gone"));
        }
        let more = before.lacks(&Snapshot::settled(&stage));
        if failure.left.is_empty() && !more.is_empty() {
            return Err(format!("{name}: {more:?} is left, and nobody says so"));
        }
    } else {
        standing::live(&stage)?;
    }
    stage.simulator.end_faults();
    // A lease that could not be given back expires.
    stage.clock.advance(LEASES_EXPIRE);
    match ending(&stage.provision("once-more")) {
        Ending::Ready(_) => Ok(name),
        Ending::Failed(ended, failure) => Err(format!("then {ended}: {failure:#?}")),
    }
}
