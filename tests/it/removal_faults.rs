//! Every call that a good run of `deprovision` makes, failed in every way, before
//! and after its effect: either nothing of the connection is left, or everything
//! that is left is named and the next run finishes the job.

use std::collections::BTreeMap;
use std::time::Instant;

use simulator::{Fault, FaultKind, Moment};
use system_tests::aftermath::{Broken, Snapshot, recorded};
use system_tests::books::leases;
use system_tests::parallel::in_parallel;
use system_tests::removal::{Before, Removal, finish};
use system_tests::run::{Stage, changes, keeps_books};
use system_tests::situations::{SITUATIONS, taken_away};
use system_tests::verdict;

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

/// How one run with a fault ended.
struct Result {
    ending: &'static str,
    ran_again: bool,
    broken: Option<String>,
}

/// One run with a fault, and one without if anything is left after it.
fn try_out(tried: &Tried, fault: &Fault) -> Result {
    let stage = tried.stage.forked().with(fault.clone());
    let before = Before::new(&stage, &tried.gone);
    let removal = Removal::of(&stage.deprovision("tried"));
    let left = !removal.is_complete()
        || recorded(&stage).is_some()
        || !stage.simulator.look(leases).is_empty();
    let run = || -> std::result::Result<(), Broken> {
        before.check(&stage, &removal)?;
        if left {
            finish(&stage, &tried.gone)?;
        }
        Ok(())
    };
    let broken = run().err();
    Result {
        ending: match removal {
            Removal::Disconnected(_) => "Disconnected",
            Removal::Incomplete(failure) => match failure.failed_at.as_str() {
                "GuardRemoval" => "DisconnectRefused",
                _ => "DisconnectIncomplete",
            },
        },
        ran_again: left,
        broken: broken.map(|broken| format!("{}, {fault:?}: {broken}", tried.name)),
    }
}

/// Tries every fault on each of these calls, and answers how often each ending
/// was reached.
fn try_all(
    title: &str,
    calls: impl Fn(&(String, u32)) -> bool,
    fault: fn(String, u32, FaultKind, Moment) -> Fault,
) -> BTreeMap<&'static str, u32> {
    let began = Instant::now();
    let all = tried();
    let mut jobs = Vec::new();
    for tried in &all {
        for (operation, nth) in tried.calls.iter().filter(|call| calls(call)) {
            for kind in FaultKind::ALL {
                for moment in Moment::ALL {
                    jobs.push((tried, fault(operation.clone(), *nth, kind, moment)));
                }
            }
        }
    }
    let results = in_parallel(&jobs, |(tried, fault)| try_out(tried, fault));
    let mut endings = BTreeMap::new();
    for result in &results {
        *endings.entry(result.ending).or_default() += 1;
    }
    let again = results.iter().filter(|result| result.ran_again).count();
    let broken: Vec<&String> = results
        .iter()
        .filter_map(|result| result.broken.as_ref())
        .collect();
    let told = format!(
        "{title}: {} runs, {endings:?}, {again} second runs",
        results.len()
    );
    verdict::conclude(&told, &broken, began);
    endings
}

#[test]
fn after_a_single_fault_a_connection_goes_or_what_stays_is_named() {
    let endings = try_all("single faults of deprovision", |_| true, Fault::once);
    let reached: Vec<_> = endings.into_keys().collect();
    // Who is refused once is not asked again: what stays is named, and the second run
    // takes it. Whoever asked whether it is in use and may not know keeps it all.
    assert_eq!(
        reached,
        ["DisconnectIncomplete", "DisconnectRefused", "Disconnected"]
    );
}

#[test]
fn every_operation_that_fails_from_some_call_on_is_named_and_finished_later() {
    // The first call of each operation is one point; every later one that changes
    // something is another.
    let calls = |(operation, nth): &(String, u32)| {
        *nth == 1 || changes(operation) || keeps_books(operation)
    };
    let endings = try_all("lasting faults of deprovision", calls, Fault::from_then_on);
    assert_eq!(endings.len(), 3, "{endings:?}");
}
