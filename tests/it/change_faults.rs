//! Every call of a run that changes a working connection, failed in every way, before
//! and after its effect: the connection works as before or as asked at every moment,
//! and what is left over is named and gone after the next run.

use std::collections::BTreeMap;
use std::time::Instant;

use shared::ledger::Connection;
use simulator::{Call, Fault, FaultKind, Moment};
use system_tests::aftermath::{Snapshot, check, recorded};
use system_tests::change::{Look, changing, changing_by_hand, check_looks, of_asked, watched};
use system_tests::parallel::in_parallel;
use system_tests::run::{Ending, LEASES_EXPIRE, Stage, changes, ending, keeps_books};
use system_tests::standing;
use system_tests::verdict;

/// A connection, asked to change, and how it is once it has changed.
struct Tried {
    name: &'static str,
    stage: Stage,
    /// What the ledger has of it before.
    former: Connection,
    asked: Look,
    calls: Vec<Call>,
}

/// One that we have made, and one over an endpoint that was made by hand.
fn all_tried() -> [Tried; 2] {
    [
        tried("made", changing()),
        tried("adopted", changing_by_hand()),
    ]
}

fn tried(name: &'static str, stage: Stage) -> Tried {
    Snapshot::settled(&stage);
    let good = stage.forked();
    let (execution, looks) = watched(&good, "tried");
    assert!(matches!(ending(&execution), Ending::Ready(_)));
    check_looks(&looks, false).expect("a change that nobody notices");
    Tried {
        name,
        former: recorded(&stage).expect("an entry"),
        asked: settled(&good),
        calls: good.simulator.calls(),
        stage,
    }
}

/// The connection once everything that was under way has happened.
fn settled(stage: &Stage) -> Look {
    Snapshot::settled(stage);
    stage.simulator.look(Look::at)
}

/// One run with a fault, and one without if the first one did not do it. Answers how
/// the first one ended.
fn try_out(tried: &Tried, fault: &Fault) -> Result<String, String> {
    let stage = tried.stage.forked().with(fault.clone());
    let before = Snapshot::settled(&stage);
    let (execution, looks) = watched(&stage, "tried");
    let ended = ending(&execution);
    check(&stage, &before, &ended)?;
    match ended {
        Ending::Ready(_) => check_looks(&looks, false)?,
        Ending::Failed(..) => check_looks(&of_asked(&stage.request, &looks), false)?,
    }
    check_ledger(&stage, &tried.former)?;
    let name = match ended {
        Ending::Ready(_) => "Ready".to_owned(),
        Ending::Failed(name, _) => name,
    };
    if name == "RolledBack" && Snapshot::settled(&stage).without_leases() != before.without_leases()
    {
        return Err("rolled back, and not as it was".to_owned());
    }
    stage.simulator.end_faults();
    // A lease that could not be given back expires.
    stage.clock.advance(LEASES_EXPIRE);
    let before = Snapshot::settled(&stage).without_leases();
    let (execution, looks) = watched(&stage, "once-more");
    let ended = ending(&execution);
    if !matches!(ended, Ending::Ready(_)) {
        return Err(format!("the run after it: {ended:#?}"));
    }
    check(&stage, &before, &ended)?;
    check_looks(&looks, false)?;
    match settled(&stage) == tried.asked {
        true => Ok(name),
        false => Err(format!("not as asked: {:#?}", settled(&stage))),
    }
}

/// The ledger knows what there is, however the run ended.
fn check_ledger(stage: &Stage, former: &Connection) -> Result<(), String> {
    let entry = recorded(stage).ok_or("the ledger has no entry")?;
    let parts = |it: &Connection| (it.endpoint_id.clone(), it.security_group_id.clone());
    match parts(&entry) == parts(former) {
        true => Ok(()),
        false => Err(format!("the ledger has {:?}", parts(&entry))),
    }
}

fn try_all(
    title: &str,
    is_tried: fn(&Call) -> bool,
    fault: fn(String, u32, FaultKind, Moment) -> Fault,
) -> BTreeMap<String, u32> {
    let began = Instant::now();
    let all = all_tried();
    let mut jobs: Vec<(&Tried, Fault)> = Vec::new();
    for tried in &all {
        for call in tried.calls.iter().filter(|call| is_tried(call)) {
            for kind in FaultKind::ALL {
                for moment in Moment::ALL {
                    let fault = fault(call.operation.clone(), call.nth, kind, moment);
                    jobs.push((tried, fault));
                }
            }
        }
    }
    let results = in_parallel(&jobs, |(tried, fault)| {
        standing::counted(|| try_out(tried, fault))
    });
    let mut endings = BTreeMap::new();
    let mut broken = Vec::new();
    let mut asked = 0;
    for ((result, asks), (tried, fault)) in results.into_iter().zip(&jobs) {
        asked += asks;
        match result {
            Ok(ending) => *endings.entry(ending).or_default() += 1,
            Err(why) => broken.push(format!("{}, {fault:?}: {why}", tried.name)),
        }
    }
    let told = format!(
        "{title}: {} runs, {endings:?}, asked {asked} times whether it stands",
        2 * jobs.len()
    );
    verdict::conclude(&told, &broken, began);
    assert!(asked > 0, "nobody asked whether it stands");
    endings
}

#[test]
fn no_single_fault_in_a_change_is_noticed() {
    let endings = try_all("single faults of a change", |_| true, Fault::once);
    assert!(!endings.contains_key("RollbackIncomplete"), "{endings:?}");
}

#[test]
fn every_operation_that_fails_from_some_call_on_leaves_a_connection_that_works() {
    // The first call of each operation is one point; every later one that changes
    // something is another.
    let is_tried =
        |call: &Call| call.nth == 1 || changes(&call.operation) || keeps_books(&call.operation);
    try_all("lasting faults of a change", is_tried, Fault::from_then_on);
}
