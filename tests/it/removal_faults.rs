//! Every call that a good run of `deprovision` makes, failed in every way, before
//! and after its effect: either nothing of the connection is left, or everything
//! that is left is named and the next run finishes the job.

use std::time::Instant;

use simulator::Fault;
use system_tests::aftermath::{Snapshot, recorded};
use system_tests::books::leases;
use system_tests::parallel::in_parallel;
use system_tests::removal::{Before, Removal, finish};
use system_tests::run::{Stage, faults_at};
use system_tests::situations::{SITUATIONS, taken_away};
use system_tests::together::word;
use system_tests::verdict::Tally;

/// A situation, and the world without its connection.
struct Tried {
    name: &'static str,
    stage: Stage,
    gone: Snapshot,
}

/// One run with a fault, and one without if anything is left after it.
fn try_out(tried: &Tried, fault: &Fault) -> Tally {
    let mut tally = Tally::default();
    let stage = tried.stage.forked().with(fault.clone());
    let before = Before::new(&stage, &tried.gone);
    let execution = stage.deprovision("tried");
    let removal = Removal::of(&execution);
    let is_left = !removal.is_complete()
        || recorded(&stage).is_some()
        || !stage.simulator.look(leases).is_empty();
    let held = before.check(&stage, &removal);
    let held = held.and_then(|()| match is_left {
        true => finish(&stage, &tried.gone),
        false => Ok(()),
    });
    tally.add("runs", 1);
    tally.add("second runs", usize::from(is_left));
    tally.ended(word(&execution));
    tally.held(held, || format!("{}, {fault:?}", tried.name));
    tally
}

/// Tries every fault on each call of a good run.
fn try_all(title: &str, lasts: bool) -> Tally {
    let began = Instant::now();
    let tallies = SITUATIONS.iter().flat_map(|situation| {
        let (stage, gone, calls) = taken_away(situation);
        let name = situation.name;
        let tried = Tried { name, stage, gone };
        in_parallel(&faults_at(&calls, lasts), |fault| try_out(&tried, fault))
    });
    let tally: Tally = tallies.sum();
    tally.conclude(title, began);
    tally
}

#[test]
fn after_a_single_fault_a_connection_goes_or_what_stays_is_named() {
    let tally = try_all("single faults of deprovision", false);
    let reached: Vec<_> = tally.endings.into_keys().collect();
    // Who is refused once is not asked again: what stays is named, and the second run
    // takes it. Whoever asked whether it is in use and may not know keeps it all.
    assert_eq!(
        reached,
        ["DisconnectIncomplete", "DisconnectRefused", "Disconnected"]
    );
}

#[test]
fn every_operation_that_fails_from_some_call_on_is_named_and_finished_later() {
    let tally = try_all("lasting faults of deprovision", true);
    assert_eq!(tally.endings.len(), 3, "{:?}", tally.endings);
}
