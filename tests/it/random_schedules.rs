//! Three runs in one VPC, call by call, in random schedules: the turn passes at any
//! call, runs are killed or aborted, calls fail, and `start-executions` hears how each
//! run ended and completes what was interrupted.
//!
//! Everything follows from a seed. The soak is longer, and a seed is tried again, by
//! `SEED=1 SOAK_SECONDS=600 cargo test --workspace --locked --test it random_schedules::soak
//! -- --ignored --nocapture`; with `SOAK_SECONDS=0` that one seed alone, call by call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use engine::Outcome;
use serde_json::{Value, json};
use simulator::faults::SeededFaults;
use simulator::splitmix::mix;
use system_tests::aftermath::{Broken, ensure};
use system_tests::books::connections;
use system_tests::change;
use system_tests::parallel::in_parallel;
use system_tests::run::{Goal, LEASES_EXPIRE, Stage};
use system_tests::situations::{connected, sharing, two_clusters};
use system_tests::together::{Plan, STOPPED, check, check_twins, hear, settled, word};
use system_tests::turns::{Left, Life, Made, Pass, Pilot, Place, State, Table};
use system_tests::verdict::Tally;

/// How many schedules are tried each time.
const SEEDS: u64 = 300;

/// Runs in a schedule.
const RUNS: usize = 3;

/// Random numbers that follow from a seed (SplitMix64; Steele, Lea, Flood: "Fast
/// Splittable Pseudorandom Number Generators", 2014).
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        let rolled = mix(self.0);
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        rolled
    }

    /// One of so many.
    fn below(&mut self, many: usize) -> usize {
        usize::try_from(self.roll() % many as u64).unwrap_or_default()
    }

    /// Whether something happens that happens so often in a thousand times.
    fn happens(&mut self, in_a_thousand: usize) -> bool {
        self.below(1000) < in_a_thousand
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

/// Passes the turn at random. Beside each run sits what follows from its end.
struct Drunk {
    dice: Dice,
    /// How often the turn passes at a call, in a thousand.
    passes: usize,
    /// How often the run is stopped at a call.
    stops: usize,
}

impl Pilot for Drunk {
    fn passes(&mut self, who: usize, _made: usize) -> Option<Pass> {
        if who < RUNS && self.dice.happens(self.stops) {
            let left = self.dice.one_of(&[Left::Killed, Left::Aborted]);
            let to = who + RUNS;
            return Some(Pass { to, left });
        }
        let left = Left::Paused;
        let to = self.dice.below(RUNS);
        let is_passed = self.dice.happens(self.passes) && to != who;
        is_passed.then_some(Pass { to, left })
    }

    fn chooses(&mut self, ready: &[usize]) -> usize {
        self.dice.one_of(ready)
    }
}

/// What follows from a seed.
struct Story {
    what: String,
    stage: Stage,
    plans: Vec<Plan>,
    pilot: Drunk,
    is_faulty: bool,
}

impl Story {
    fn of(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let (world, stage, requests) = world(&mut dice);
        let plans: Vec<Plan> = (0..RUNS).map(|_| plan(&mut dice, &requests)).collect();
        let faults = dice.one_of(&[0, 0, 5, 20]);
        let passes = dice.one_of(&[10, 50, 200]);
        let stops = dice.one_of(&[0, 0, 3, 10]);
        let goals: Vec<_> = plans.iter().map(|plan| plan.goal.name()).collect();
        let what = format!(
            "{} in {world}; in 1000 calls {faults} faults, {passes} switches, {stops} stops",
            goals.join(", ")
        );
        if faults > 0 {
            let rate = f64::from(faults) / 1000.0;
            let seeded = SeededFaults::passing(seed, rate);
            stage.simulator.set_seeded_faults(Some(seeded));
        }
        Self {
            what,
            stage,
            plans,
            pilot: Drunk {
                dice,
                passes,
                stops,
            },
            is_faulty: faults > 0,
        }
    }

    /// Plays it, and holds the world against what must be true then. Says how the runs
    /// ended, and all their calls.
    fn play(self) -> (BTreeSet<String>, Vec<Made>, Result<(), Broken>) {
        let Self {
            stage,
            plans,
            pilot,
            is_faulty,
            ..
        } = self;
        let mut states = vec![State::ToBegin; RUNS];
        states.extend(vec![State::Absent; RUNS]);
        let table = Table::new(&stage.clock, &states, pilot);
        let place = |who| table.place(who);
        let mut lives: Vec<Life<'_, Vec<String>>> = Vec::new();
        for (who, plan) in plans.iter().enumerate() {
            let (stage, place) = (&stage, place(who));
            lives.push(Box::pin(async move {
                live(stage, &place, plan.clone(), format!("run-{who}")).await
            }));
        }
        for (who, plan) in plans.iter().enumerate() {
            let (stage, place) = (&stage, place(who + RUNS));
            let status = STOPPED[who % STOPPED.len()];
            lives.push(Box::pin(async move {
                follow(stage, &place, plan.clone(), format!("run-{who}"), status).await
            }));
        }
        let ends = table.play(lives);
        let ends = ends.into_iter().flatten().flatten().collect();
        let held = held(&stage, &plans, is_faulty);
        (ends, table.log(), held)
    }
}

/// A world with a VPC, and the requests that can be made in it.
fn world(dice: &mut Dice) -> (&'static str, Stage, Vec<Value>) {
    thread_local! {
        static WORLDS: Vec<(&'static str, Stage, Vec<Value>)> = worlds();
    }
    WORLDS.with(|worlds| {
        let (name, stage, requests) = &worlds[dice.below(worlds.len())];
        (*name, stage.forked(), requests.clone())
    })
}

fn worlds() -> Vec<(&'static str, Stage, Vec<Value>)> {
    let (fresh, requests) = two_clusters();
    let fresh = fresh.brisk();
    let one = connected(fresh.forked().for_request(&requests[0]));
    let (both, _) = sharing();
    let changing = change::changing();
    let former = Value::Object(change::scenario().request);
    let asked = vec![changing.request.clone(), former];
    let requests = requests.to_vec();
    vec![
        ("a VPC that is not connected", fresh, requests.clone()),
        (
            "a VPC that is connected to one cluster",
            one,
            requests.clone(),
        ),
        ("a VPC that is connected to both clusters", both, requests),
        ("a VPC whose connection changes", changing, asked),
    ]
}

fn plan(dice: &mut Dice, requests: &[Value]) -> Plan {
    let mut request = dice.one_of(requests);
    if dice.happens(200) {
        request["private_dns"] = json!(false);
    }
    let goal = dice.one_of(&[Goal::Connect, Goal::Connect, Goal::Disconnect]);
    Plan::new(goal, &request)
}

/// A run, and what follows from its end.
async fn live(stage: &Stage, place: &Place, plan: Plan, name: String) -> Vec<String> {
    let execution = plan.run(stage, place, &name).await;
    let status = match &execution.outcome {
        Outcome::Succeeded(_) => "SUCCEEDED",
        Outcome::Failed { .. } => "FAILED",
        Outcome::TimedOut => "TIMED_OUT",
    };
    let mut ends = vec![word(&execution)];
    ends.extend(follow(stage, place, plan, name, status).await);
    ends
}

/// What follows from the end of a run.
async fn follow(
    stage: &Stage,
    place: &Place,
    plan: Plan,
    name: String,
    status: &str,
) -> Vec<String> {
    match hear(stage, place, &plan, &name, status).await {
        Some((plan, name)) => Box::pin(live(stage, place, plan, name)).await,
        None => Vec::new(),
    }
}

/// What must be true in the end: no twins. Where nothing failed, also all the rest; and
/// otherwise once each connection was made again, because a failure is told to people.
/// Then all of it can be taken away.
fn held(stage: &Stage, plans: &[Plan], is_faulty: bool) -> Result<(), Broken> {
    stage.simulator.set_seeded_faults(None);
    settled(stage);
    match is_faulty {
        false => check(stage)?,
        true => stage.simulator.look(check_twins)?,
    }
    // A lease that could not be given back has to expire.
    stage.clock.advance(LEASES_EXPIRE);
    let mut requests = BTreeMap::new();
    for plan in plans {
        requests.insert(plan.input["cluster_id"].to_string(), plan.input.clone());
    }
    for entry in stage.simulator.look(connections).into_values() {
        requests.insert(json!(entry.cluster_id).to_string(), json!(entry.request));
    }
    for (goal, good) in [(Goal::Connect, "Ready"), (Goal::Disconnect, "Disconnected")] {
        for (number, request) in requests.values().enumerate() {
            let mut asked = goal.input(request);
            if goal == Goal::Connect {
                // The input of a removal is none of `provision`.
                for field in ["force", "unless_traffic_minutes", "unless_changed"] {
                    asked.as_object_mut().map(|it| it.remove(field));
                }
            }
            let of_one = stage.for_request(&asked);
            let name = format!("in-the-end-{number}");
            let execution = of_one.run(goal, &name);
            if word(&execution) != good {
                let outcome = &execution.outcome;
                return Err(format!("in the end, {}: {outcome:?}", goal.name()));
            }
        }
        settled(stage);
        check(stage)?;
    }
    ensure(stage.simulator.look(connections).is_empty(), || {
        "entries are left of what is gone".to_owned()
    })
}

/// Plays the schedule of a seed. Answers its calls.
fn play(tally: &mut Tally, seed: u64) -> Vec<Made> {
    let story = Story::of(seed);
    let what = story.what.clone();
    let (ends, log, held) = story.play();
    tally.add("schedules", 1);
    tally.add("calls", log.len());
    ends.into_iter().for_each(|end| tally.ended(end));
    let what = || format!("SEED={seed} SOAK_SECONDS=0 repeats it ({what})");
    tally.held(held, what);
    log
}

fn play_all(seeds: &[u64]) -> Tally {
    let shares: Vec<&[u64]> = seeds.chunks(50).collect();
    let tallies = in_parallel(&shares, |seeds| {
        let mut tally = Tally::default();
        for seed in *seeds {
            play(&mut tally, *seed);
        }
        tally
    });
    tallies.into_iter().sum()
}

#[test]
fn a_seed_is_one_story() {
    let mut tally = Tally::default();
    for seed in 0..5 {
        let calls = play(&mut tally, seed);
        assert!(!calls.is_empty());
        assert_eq!(play(&mut tally, seed), calls);
    }
}

#[test]
fn three_runs_with_faults_leave_one_connection_or_none() {
    let began = Instant::now();
    let seeds: Vec<u64> = (0..SEEDS).collect();
    play_all(&seeds).conclude("random schedules", began);
}

#[test]
#[ignore = "as long as one likes"]
fn soak() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long, and from where, is for whoever starts this"
    )]
    let number = |name: &str, otherwise: u64| {
        let text = std::env::var(name).ok();
        text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (seed, seconds) = (number("SEED", 1 << 32), number("SOAK_SECONDS", 600));
    let began = Instant::now();
    let mut tally = Tally::default();
    if seconds == 0 {
        for it in play(&mut tally, seed) {
            println!(
                "{} run {}, call {}: {}",
                it.at, it.who, it.nth, it.operation
            );
        }
    }
    let mut next = seed;
    while began.elapsed() < Duration::from_secs(seconds) {
        let seeds: Vec<u64> = (next..next + 100).collect();
        next += 100;
        tally = [tally, play_all(&seeds)].into_iter().sum();
    }
    tally.conclude("soak", began);
}
