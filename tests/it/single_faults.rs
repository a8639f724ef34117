//! Every call that a good run makes, failed once in every way, before and after
//! its effect: the promise must hold every time.

use std::time::Instant;

use engine::Execution;
use simulator::{Call, Fault, FaultKind, Moment};
use system_tests::aftermath::{Snapshot, check, is_exact};
use system_tests::parallel::in_parallel;
use system_tests::rehearsal::Rehearsal;
use system_tests::run::{Ending, Goal, Stage, all_faults, ending, may_fail_from};
use system_tests::standing::{self, ASKED};
use system_tests::together::word;
use system_tests::variants::{VARIANTS, Variant};
use system_tests::verdict::Tally;

/// What is counted besides the runs.
const NAME_TOO_MUCH: &str = "reports that name too much";

fn count(tally: &mut Tally, what: &str, stage: &Stage, before: &Snapshot, run: &Execution) {
    let ending = ending(run);
    tally.add("runs", 1);
    tally.ended(word(run));
    let (held, asked) = standing::counted(|| check(stage, before, &ending));
    tally.add(ASKED, asked);
    if let (Ok(()), Ending::Failed(_, failure)) = (&held, &ending)
        && !is_exact(stage, before, failure)
    {
        tally.add(NAME_TOO_MUCH, 1);
        println!("{what} names too much: {:?}", failure.left);
    }
    tally.held(held, || what.to_owned());
}

/// Every kind of fault, before and after the effect of each of these calls of a good
/// run, on as many threads as there are cores.
fn run_all(
    title: &str,
    is_tried: fn(&Call) -> bool,
    fault: fn(String, u32, FaultKind, Moment) -> Fault,
) -> Tally {
    let began = Instant::now();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let shares: Vec<(&Variant, usize)> = VARIANTS
        .iter()
        .flat_map(|variant| (0..workers).map(move |worker| (variant, worker)))
        .collect();
    let tallies = in_parallel(&shares, |(variant, worker)| {
        let stage = (variant.stage)();
        let earlier = stage.simulator.called();
        let before = Snapshot::settled(&stage);
        let run = Rehearsal::of(&stage, Goal::Connect, "tried");
        let mut good = Tally::default();
        count(&mut good, variant.name, &stage, &before, &run.execution);
        assert!(good.endings.contains_key("Ready") && good.broken.is_empty());

        let calls = run.calls.iter().enumerate().skip(earlier);
        let calls = calls.filter(|(_, call)| is_tried(call));
        let mut tally = Tally::default();
        for (index, call) in calls.skip(*worker).step_by(workers) {
            for (kind, moment) in all_faults(&call.operation) {
                let fault = fault(call.operation.clone(), call.nth, kind, moment);
                let what = format!("{}, {fault:?}", variant.name);
                let (stage, execution) = run.with(index, fault);
                count(&mut tally, &what, &stage, &before, &execution);
            }
        }
        tally
    });
    let tally: Tally = tallies.into_iter().sum();
    tally.conclude(title, began);
    assert!(tally.numbers[ASKED] > 0, "nobody asked whether it stands");
    tally
}

#[test]
fn every_single_fault_keeps_the_promise() {
    let tally = run_all("single faults", |_| true, Fault::once);
    assert_eq!(tally.numbers.get(NAME_TOO_MUCH), None, "told above");
}

#[test]
fn every_operation_that_fails_from_some_call_on_keeps_the_promise() {
    run_all("lasting faults", may_fail_from, Fault::from_then_on);
}
