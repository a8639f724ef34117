//! Every call that a good run of `deprovision` makes, failed in every way, before
//! and after its effect: either nothing of the connection is left, or everything
//! that is left is named and the next run finishes the job.

use std::time::Instant;

use simulator::{Fault, FaultKind, Moment};
use system_tests::aftermath::{Broken, Snapshot, recorded};
use system_tests::books::leases;
use system_tests::parallel::in_parallel;
use system_tests::removal::{Before, Removal, finish};
use system_tests::run::{Stage, all_faults, may_fail_from};
use system_tests::situations::{SITUATIONS, taken_away};
use system_tests::together::word;
use system_tests::verdict::Tally;

/// A situation, ready to be tried.
struct Tried {
    name: &'static str,
    stage: Stage,
    gone: Snapshot,
    calls: Vec<(String, u32)>,
}

fn tried() -> Vec<Tried> {
    let situations = SITUATIONS.iter().map(|situation| {
        let (stage, gone, calls) = taken_away(situation);
        Tried {
            name: situation.name,
            stage,
            gone,
            calls,
        }
    });
    situations.collect()
}

/// One run with a fault, and one without if anything is left after it. Answers how the
/// first one ended, whether there was a second one, and whether the promise was held.
fn try_out(tried: &Tried, fault: &Fault) -> (String, bool, Result<(), Broken>) {
    let stage = tried.stage.forked().with(fault.clone());
    let before = Before::new(&stage, &tried.gone);
    let execution = stage.deprovision("tried");
    let removal = Removal::of(&execution);
    let left = !removal.is_complete()
        || recorded(&stage).is_some()
        || !stage.simulator.look(leases).is_empty();
    let held = before.check(&stage, &removal).and_then(|()| match left {
        true => finish(&stage, &tried.gone),
        false => Ok(()),
    });
    (word(&execution), left, held)
}

/// Tries every fault on each of these calls.
fn try_all(
    title: &str,
    is_tried: fn(&str, u32) -> bool,
    fault: fn(String, u32, FaultKind, Moment) -> Fault,
) -> Tally {
    let began = Instant::now();
    let all = tried();
    let mut jobs = Vec::new();
    for tried in &all {
        let calls = tried.calls.iter();
        for (operation, nth) in calls.filter(|(operation, nth)| is_tried(operation, *nth)) {
            let faults = all_faults().map(|(kind, at)| fault(operation.clone(), *nth, kind, at));
            jobs.extend(faults.map(|fault| (tried, fault)));
        }
    }
    let results = in_parallel(&jobs, |(tried, fault)| try_out(tried, fault));
    let mut tally = Tally::default();
    for ((ending, ran_again, held), (tried, fault)) in results.into_iter().zip(&jobs) {
        tally.add("runs", 1);
        tally.add("second runs", usize::from(ran_again));
        tally.ended(ending);
        tally.held(held, || format!("{}, {fault:?}", tried.name));
    }
    tally.conclude(title, began);
    tally
}

#[test]
fn after_a_single_fault_a_connection_goes_or_what_stays_is_named() {
    let tally = try_all("single faults of deprovision", |_, _| true, Fault::once);
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
    let title = "lasting faults of deprovision";
    let tally = try_all(title, may_fail_from, Fault::from_then_on);
    assert_eq!(tally.endings.len(), 3, "{:?}", tally.endings);
}
