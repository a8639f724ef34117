//! Connections that come, go and come again, with a fault in any of the three runs:
//! in every way, before and after its effect. Once nothing is in the way any more,
//! one run brings the connection that a life without faults brings, and one run
//! takes all of it away.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Instant;

use engine::Execution;
use simulator::Fault;
use system_tests::aftermath::{Broken, Snapshot, check};
use system_tests::books::leases;
use system_tests::found::found;
use system_tests::parallel::in_parallel;
use system_tests::rehearsal::Rehearsal;
use system_tests::removal::{Before, Removal, finish};
use system_tests::run::{Goal, LEASES_EXPIRE, Stage, all_faults, ending};
use system_tests::together::word;
use system_tests::variants::{Variant, variant_of};
use system_tests::verdict::Tally;

const LIFE: [Goal; 3] = [Goal::Connect, Goal::Disconnect, Goal::Connect];

/// The variants whose connections can come again. An adopted endpoint cannot: taken
/// off the cluster it is rejected for good, and it is not ours to delete.
const TRIED: [&str; 4] = [
    "Advanced",
    "Advanced, trusted owners",
    "Standard",
    "shared endpoint",
];

/// A life up to one of its runs, and what it is held against.
struct Life {
    variant: &'static Variant,
    /// Which run is hit.
    run: usize,
    /// Before that run.
    stage: Stage,
    /// The world without the connection.
    gone: Snapshot,
    /// What is there in the end of a life without faults.
    good: String,
    /// The worlds from which the rest of the life was tried.
    known: Mutex<BTreeSet<String>>,
}

/// Runs one of the three, which must come to good.
fn run(stage: &Stage, goal: Goal, name: &str, gone: &Snapshot) -> Result<(), Broken> {
    if !stage.simulator.look(leases).is_empty() {
        // Nobody could give it back, so it has to expire.
        stage.clock.advance(LEASES_EXPIRE);
    }
    let before = Promise::new(stage, goal, gone);
    let execution = stage.run(goal, name);
    before.check(stage, &execution)?;
    match word(&execution).as_str() {
        "Ready" | "Disconnected" => Ok(()),
        other => Err(format!("{name}: {other}: {:?}", execution.outcome)),
    }
}

/// What a run is held against.
enum Promise {
    Connect(Box<Snapshot>),
    Disconnect(Box<Before>),
}

impl Promise {
    fn new(stage: &Stage, goal: Goal, gone: &Snapshot) -> Self {
        match goal {
            Goal::Connect => Self::Connect(Box::new(Snapshot::settled(stage))),
            Goal::Disconnect => {
                let gone = like(stage, gone);
                Self::Disconnect(Box::new(Before::new(stage, &gone)))
            }
        }
    }

    fn check(&self, stage: &Stage, execution: &Execution) -> Result<(), Broken> {
        match self {
            Self::Connect(before) => check(stage, before, &ending(execution)),
            Self::Disconnect(before) => before.check(stage, &Removal::of(execution)),
        }
    }
}

/// The world without the connection; an endpoint that stays may have kept the
/// private DNS that was switched on.
fn like(stage: &Stage, gone: &Snapshot) -> Snapshot {
    gone.clone().with_private_dns_of(&Snapshot::settled(stage))
}

/// The three lives of a variant that are each hit in another run.
fn lives(variant: &'static Variant) -> Vec<Life> {
    let stage = (variant.stage)();
    let gone = Snapshot::settled(&stage);
    let mut before = Vec::new();
    for (at, goal) in LIFE.into_iter().enumerate() {
        before.push(stage.forked());
        run(&stage, goal, &format!("run-{at}"), &gone)
            .unwrap_or_else(|broken| panic!("{}, without faults: {broken}", variant.name));
    }
    let good = Snapshot::settled(&stage).without_ids();
    let life = |(run, stage)| Life {
        variant,
        run,
        stage,
        gone: gone.clone(),
        good: good.clone(),
        known: Mutex::default(),
    };
    before.into_iter().enumerate().map(life).collect()
}

/// Every so-manieth call of the run that is hit, in every way.
fn try_out(life: &Life, share: usize, shares: usize) -> Tally {
    let mut tally = Tally::default();
    let stage = life.stage.forked();
    let goal = LIFE[life.run];
    let promise = Promise::new(&stage, goal, &life.gone);
    let rehearsal = Rehearsal::of(&stage, goal, "tried");
    let calls = rehearsal.calls.iter().enumerate();
    for (index, call) in calls.skip(share).step_by(shares) {
        for (kind, moment) in all_faults(&call.operation) {
            let fault = Fault::once(&call.operation, call.nth, kind, moment);
            let what = || format!("{}, run {}, {fault:?}", life.variant.name, life.run);
            let (stage, execution) = rehearsal.with(index, fault.clone());
            tally.add("lives", 1);
            let held = promise.check(&stage, &execution).and_then(|()| {
                tally.ended(word(&execution));
                let is_new = life.known.lock().expect("a set").insert(found(&stage));
                tally.add("different after the fault", usize::from(is_new));
                match is_new {
                    true => live_on(life, &stage),
                    false => Ok(()),
                }
            });
            tally.held(held, what);
        }
    }
    tally
}

/// The rest of a life, another run that connects, and one that takes all away.
fn live_on(life: &Life, stage: &Stage) -> Result<(), Broken> {
    stage.simulator.end_faults();
    for (at, goal) in LIFE.into_iter().enumerate().skip(life.run + 1) {
        run(stage, goal, &format!("run-{at}"), &life.gone)?;
    }
    run(stage, Goal::Connect, "clean", &life.gone)?;
    let there = Snapshot::settled(stage).without_ids();
    if there != life.good {
        return Err(format!("there is {there}\nand not {}", life.good));
    }
    finish(stage, &like(stage, &life.gone))
}

#[test]
fn a_connection_comes_and_goes_and_comes_again_whatever_failed_once() {
    let began = Instant::now();
    let lives: Vec<Life> = TRIED.into_iter().map(variant_of).flat_map(lives).collect();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let shares: Vec<(&Life, usize)> = lives
        .iter()
        .flat_map(|life| (0..workers).map(move |share| (life, share)))
        .collect();
    let tallies = in_parallel(&shares, |(life, share)| try_out(life, *share, workers));
    let tally: Tally = tallies.into_iter().sum();
    tally.conclude("faults in provision, deprovision, provision", began);
    let lives = tally.numbers["lives"];
    assert!(lives > 2000, "only {lives} lives");
}
