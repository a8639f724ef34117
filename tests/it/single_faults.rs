//! Every call that a good run makes, failed once in every way, before and after
//! its effect: the promise must hold every time.

use std::collections::BTreeMap;
use std::time::Instant;

use engine::Execution;
use simulator::{Call, Fault, FaultKind, Moment};
use system_tests::aftermath::{Snapshot, check, is_exact};
use system_tests::parallel::in_parallel;
use system_tests::rehearsal::Rehearsal;
use system_tests::run::{Ending, Goal, Stage, changes, ending, keeps_books};
use system_tests::standing;
use system_tests::variants::{VARIANTS, Variant};
use system_tests::verdict;

/// How the runs of one kind ended.
#[derive(Default)]
struct Tally {
    runs: u32,
    endings: BTreeMap<String, u32>,
    named_too_much: Vec<String>,
    broken: Vec<String>,
    /// How often it was asked whether a connection still stands.
    asked: u32,
}

impl Tally {
    fn count(&mut self, what: &str, stage: &Stage, before: &Snapshot, execution: &Execution) {
        let ending = ending(execution);
        let name = match &ending {
            Ending::Ready(_) => "Ready",
            Ending::Failed(name, _) => name,
        };
        *self.endings.entry(name.to_owned()).or_default() += 1;
        self.runs += 1;
        let (held, asked) = standing::counted(|| check(stage, before, &ending));
        self.asked += asked;
        match (held, &ending) {
            (Err(broken), _) => self.broken.push(format!("{what}: {broken}")),
            (Ok(()), Ending::Failed(_, failure)) if !is_exact(stage, before, failure) => {
                self.named_too_much
                    .push(format!("{what}: {:?}", failure.left));
            }
            (Ok(()), _) => {}
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.runs += other.runs;
        for (name, count) in other.endings {
            *self.endings.entry(name).or_default() += count;
        }
        self.named_too_much.extend(other.named_too_much);
        self.broken.extend(other.broken);
        self.asked += other.asked;
        self
    }

    fn conclude(self, title: &str, began: Instant) -> Vec<String> {
        let Self {
            runs,
            endings,
            named_too_much,
            broken,
            asked,
        } = self;
        let told = format!(
            "{title}: {runs} runs, {endings:?}, {} reports that name too much, asked {asked} \
             times whether a connection stands",
            named_too_much.len()
        );
        verdict::conclude(&told, &broken, began);
        assert!(asked > 0, "nobody asked whether a connection stands");
        named_too_much
    }
}

/// Every kind of fault, before and after the effect of each of these calls of a good
/// run, on as many threads as there are cores.
fn run_all(
    is_tried: fn(&Call) -> bool,
    fault: fn(String, u32, FaultKind, Moment) -> Fault,
) -> Tally {
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
        good.count(variant.name, &stage, &before, &run.execution);
        assert!(good.endings.contains_key("Ready") && good.broken.is_empty());

        let calls = run.calls.iter().enumerate().skip(earlier);
        let calls = calls.filter(|(_, call)| is_tried(call));
        let mut tally = Tally::default();
        for (index, call) in calls.skip(*worker).step_by(workers) {
            for (kind, moment) in all_faults() {
                let fault = fault(call.operation.clone(), call.nth, kind, moment);
                let what = format!("{}, {fault:?}", variant.name);
                let (stage, execution) = run.with(index, fault);
                tally.count(&what, &stage, &before, &execution);
            }
        }
        tally
    });
    tallies.into_iter().fold(Tally::default(), Tally::and)
}

fn all_faults() -> impl Iterator<Item = (FaultKind, Moment)> {
    let kinds = FaultKind::ALL.into_iter();
    kinds.flat_map(|kind| Moment::ALL.map(|moment| (kind, moment)))
}

#[test]
fn every_single_fault_keeps_the_promise() {
    let began = Instant::now();
    let tally = run_all(|_| true, Fault::once);
    let named_too_much = tally.conclude("single faults", began);
    assert!(named_too_much.is_empty(), "{named_too_much:#?}");
}

#[test]
fn every_operation_that_fails_from_some_call_on_keeps_the_promise() {
    // The first call of each operation is one point; every later one that changes
    // something is another.
    let is_tried =
        |call: &Call| call.nth == 1 || changes(&call.operation) || keeps_books(&call.operation);
    let began = Instant::now();
    run_all(is_tried, Fault::from_then_on).conclude("lasting faults", began);
}
