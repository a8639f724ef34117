//! Every call of a run that changes a working connection, failed in every way, before
//! and after its effect: the connection works as before or as asked at every moment,
//! and what is left over is named and gone after the next run.

use std::time::Instant;

use shared::ledger::Connection;
use simulator::Fault;
use system_tests::aftermath::{Snapshot, check, ensure, recorded};
use system_tests::change::{Look, changing, changing_by_hand, check_looks, of_asked, watched};
use system_tests::parallel::in_parallel;
use system_tests::run::{Ending, LEASES_EXPIRE, Stage, ending, faults_at, ready_after};
use system_tests::standing::{self, ASKED};
use system_tests::together::word;
use system_tests::verdict::Tally;

/// A connection, asked to change, and how it is once it has changed.
struct Tried {
    stage: Stage,
    /// What the ledger has of it before.
    former: Connection,
    asked: Look,
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
    let name = word(&execution);
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
    ensure(parts(&entry) == parts(former), || {
        format!("the ledger has {:?}", parts(&entry))
    })
}

/// Tries every fault on each call of a run that changes a connection: one that we have
/// made, and one over an endpoint that was made by hand.
fn try_all(title: &str, lasts: bool) -> Tally {
    let began = Instant::now();
    let mut tally = Tally::default();
    for (name, stage) in [("made", changing()), ("adopted", changing_by_hand())] {
        Snapshot::settled(&stage);
        let good = stage.forked();
        let (execution, looks) = watched(&good, "tried");
        ready_after(&execution);
        check_looks(&looks, false).expect("a change that nobody notices");
        let tried = Tried {
            former: recorded(&stage).expect("an entry"),
            asked: settled(&good),
            stage,
        };
        let faults = faults_at(&good.simulator.calls(), lasts);
        let results = in_parallel(&faults, |fault| {
            standing::counted(|| try_out(&tried, fault))
        });
        tally.tried(name, &faults, results);
    }
    tally.conclude(title, began);
    assert!(tally.numbers[ASKED] > 0, "nobody asked whether it stands");
    tally
}

#[test]
fn no_single_fault_in_a_change_is_noticed() {
    let tally = try_all("single faults of a change", false);
    assert_eq!(tally.endings.get("RollbackIncomplete"), None);
}

#[test]
fn every_operation_that_fails_from_some_call_on_leaves_a_connection_that_works() {
    try_all("lasting faults of a change", true);
}
