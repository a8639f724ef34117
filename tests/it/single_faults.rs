//! Every call that a good run makes, failed once in every way, before and after
//! its effect: the promise must hold every time.

use std::collections::BTreeMap;
use std::io::Write;

use simulator::{Fault, FaultKind, Moment};
use system_tests::aftermath::{Snapshot, check, is_exact};
use system_tests::run::{Ending, Stage, changes, ending, keeps_books};
use system_tests::variants::{VARIANTS, Variant, calls_of};

/// How the runs of one kind ended.
#[derive(Default)]
struct Tally {
    runs: u32,
    endings: BTreeMap<String, u32>,
    named_too_much: Vec<String>,
    broken: Vec<String>,
}

impl Tally {
    fn run(&mut self, what: &str, stage: &Stage) {
        let before = Snapshot::settled(stage);
        let execution = stage.provision("tried");
        let ending = ending(&execution);
        let name = match &ending {
            Ending::Ready(_) => "Ready",
            Ending::Failed(name, _) => name,
        };
        *self.endings.entry(name.to_owned()).or_default() += 1;
        self.runs += 1;
        match (check(stage, &before, &ending), &ending) {
            (Err(broken), _) => self.broken.push(format!("{what}: {broken}")),
            (Ok(()), Ending::Failed(_, failure)) if !is_exact(stage, &before, failure) => {
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
        self
    }

    fn conclude(self, title: &str) -> Vec<String> {
        let Self {
            runs,
            endings,
            named_too_much,
            broken,
        } = self;
        // Written past the capture of passing tests: these counts are for everybody.
        let _ = writeln!(
            std::io::stderr(),
            "{title}: {runs} runs, {endings:?}, {} leaks, {} reports that name too much",
            broken.len(),
            named_too_much.len()
        );
        let first: Vec<&String> = broken.iter().take(3).collect();
        assert!(
            broken.is_empty(),
            "{} broken promises, the first: {first:#?}",
            broken.len()
        );
        named_too_much
    }
}

/// One run: a variant and the fault that hits it.
type Job = (&'static Variant, Fault);

/// Every kind of fault, before and after the effect of each of these calls.
fn jobs(
    calls: impl Fn(&Variant) -> Vec<(String, u32)>,
    fault: fn(String, u32, FaultKind, Moment) -> Fault,
) -> Vec<Job> {
    let mut jobs = Vec::new();
    for variant in &VARIANTS {
        for (operation, nth) in calls(variant) {
            for kind in FaultKind::ALL {
                jobs.extend(
                    Moment::ALL
                        .map(|moment| (variant, fault(operation.clone(), nth, kind, moment))),
                );
            }
        }
    }
    jobs
}

/// Runs all jobs, on as many threads as there are cores.
fn run_all(jobs: &[Job]) -> Tally {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|worker| {
                let share = jobs.iter().skip(worker).step_by(workers);
                // On a small stack the JSONata library would map a new one for
                // every expression, which takes most of the time.
                std::thread::Builder::new()
                    .stack_size(64 << 20)
                    .spawn_scoped(scope, move || {
                        let mut tally = Tally::default();
                        for (variant, fault) in share {
                            tally.run(
                                &format!("{}, {fault:?}", variant.name),
                                &(variant.stage)().with(fault.clone()),
                            );
                        }
                        tally
                    })
                    .expect("a thread")
            })
            .collect();
        let tallies = handles
            .into_iter()
            .map(|handle| handle.join().expect("a tally"));
        tallies.fold(Tally::default(), Tally::and)
    })
}

#[test]
fn every_single_fault_keeps_the_promise() {
    let tally = run_all(&jobs(calls_of, Fault::once));
    let named_too_much = tally.conclude("single faults");
    assert!(named_too_much.is_empty(), "{named_too_much:#?}");
}

#[test]
fn every_operation_that_fails_from_some_call_on_keeps_the_promise() {
    // The first call of each operation is one point; every later one that changes
    // something is another.
    let calls = |variant: &Variant| {
        let mut calls = calls_of(variant);
        calls.retain(|(operation, nth)| *nth == 1 || changes(operation) || keeps_books(operation));
        calls
    };
    run_all(&jobs(calls, Fault::from_then_on)).conclude("lasting faults");
}
