//! Connections that come, go and come again, with a fault in any of the three runs:
//! in every way, before and after its effect. Once nothing is in the way any more,
//! one run brings the connection that a life without faults brings, and one run
//! takes all of it away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Instant;

use engine::Execution;
use simulator::{Fault, FaultKind, Moment};
use system_tests::aftermath::{Broken, Snapshot, check};
use system_tests::books::leases;
use system_tests::found::found;
use system_tests::parallel::in_parallel;
use system_tests::rehearsal::Rehearsal;
use system_tests::removal::{Before, Removal, finish};
use system_tests::run::{Ending, Goal, LEASES_EXPIRE, Stage, ending};
use system_tests::variants::{VARIANTS, Variant};
use system_tests::verdict;

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
    match before.check(stage, &execution)?.as_str() {
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

    /// How it ended, if it kept its promise.
    fn check(&self, stage: &Stage, execution: &Execution) -> Result<String, Broken> {
        match self {
            Self::Connect(before) => {
                let ending = ending(execution);
                check(stage, before, &ending)?;
                Ok(match ending {
                    Ending::Ready(_) => "Ready".to_owned(),
                    Ending::Failed(name, _) => name,
                })
            }
            Self::Disconnect(before) => {
                let removal = Removal::of(execution);
                before.check(stage, &removal)?;
                Ok(match removal {
                    Removal::Disconnected(_) => "Disconnected".to_owned(),
                    Removal::Incomplete(_) => "DisconnectIncomplete".to_owned(),
                })
            }
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

/// What came of many lives.
#[derive(Default)]
struct Tally {
    lives: u32,
    different: u32,
    endings: BTreeMap<String, u32>,
    broken: Vec<String>,
}

impl Tally {
    fn and(mut self, other: Self) -> Self {
        self.lives += other.lives;
        self.different += other.different;
        for (name, count) in other.endings {
            *self.endings.entry(name).or_default() += count;
        }
        self.broken.extend(other.broken);
        self
    }
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
        let ways = FaultKind::ALL.into_iter();
        for (kind, moment) in ways.flat_map(|kind| Moment::ALL.map(|moment| (kind, moment))) {
            let fault = Fault::once(&call.operation, call.nth, kind, moment);
            let what = format!("{}, run {}, {fault:?}", life.variant.name, life.run);
            let (stage, execution) = rehearsal.with(index, fault);
            tally.lives += 1;
            let held = promise.check(&stage, &execution).and_then(|ending| {
                *tally.endings.entry(ending).or_default() += 1;
                let is_new = life.known.lock().expect("a set").insert(found(&stage));
                tally.different += u32::from(is_new);
                match is_new {
                    true => live_on(life, &stage),
                    false => Ok(()),
                }
            });
            if let Err(broken) = held {
                tally.broken.push(format!("{what}: {broken}"));
            }
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
    let tried = VARIANTS.iter().filter(|it| TRIED.contains(&it.name));
    let lives: Vec<Life> = tried.flat_map(lives).collect();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let shares: Vec<(&Life, usize)> = lives
        .iter()
        .flat_map(|life| (0..workers).map(move |share| (life, share)))
        .collect();
    let tallies = in_parallel(&shares, |(life, share)| try_out(life, *share, workers));
    let tally = tallies.into_iter().fold(Tally::default(), Tally::and);
    let told = format!(
        "faults in provision, deprovision, provision: {} lives, {} of them different after the \
         fault, {:?}",
        tally.lives, tally.different, tally.endings
    );
    verdict::conclude(&told, &tally.broken, began);
    assert!(tally.lives > 4000, "only {} lives", tally.lives);
}
