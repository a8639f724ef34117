//! Two faults: the first one in `provision`, the second one in its rollback or in
//! a `deprovision` that follows. All pairs of calls, with three kinds of fault that
//! stand for all: the call is refused, it is cut off after its effect, or its
//! operation is refused from then on.
//!
//! What follows a run depends only on the world and the ledger that the run leaves
//! behind. Where two first faults leave the same, the second faults are tried once, and
//! where two pairs leave the same, what follows them. And up to the second fault a run is
//! that with the first one alone, so it goes on from there.
//!
//! Two reductions leave out what is the same run. First faults that are over and after
//! which the run makes the same calls at the same distances, is refused the same ones,
//! tells the same and leaves the same, are taken to have led to the same rollback: a
//! wait that is refused its third look goes on like one that is refused its fourth. And
//! an operation that is refused once and not called again is refused from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Instant;

use engine::Execution;
use shared::report::ExplainedLeft;
use simulator::{Call, Fault, FaultKind, Moment};
use system_tests::aftermath::{Snapshot, check};
use system_tests::found::{found, without_ids};
use system_tests::parallel::in_parallel;
use system_tests::rehearsal::Rehearsal;
use system_tests::removal::{Before, Removal, finish};
use system_tests::run::{Ending, Goal, LEASES_EXPIRE, Stage, ending};
use system_tests::together::word;
use system_tests::variants::{Variant, calls_of, variant_of};
use system_tests::verdict::Tally;

/// The variants whose connections are made, undone and taken away in different ways.
const TRIED: [&str; 5] = [
    "Advanced",
    "Advanced, trusted owners",
    "Standard",
    "adopt",
    "shared endpoint",
];

/// How a fault is made of a call.
type Kind = fn(&str, u32) -> Fault;

const KINDS: [Kind; 3] = [
    |operation, nth| Fault::once(operation, nth, FaultKind::Denied, Moment::Before),
    |operation, nth| Fault::once(operation, nth, FaultKind::CutOff, Moment::After),
    |operation, nth| Fault::from_then_on(operation, nth, FaultKind::Denied, Moment::Before),
];

fn variants() -> impl Iterator<Item = &'static Variant> {
    TRIED.into_iter().map(variant_of)
}

/// Every first fault of a variant.
fn firsts(variant: &Variant) -> Vec<Fault> {
    let calls = calls_of(variant);
    let faults = calls
        .iter()
        .flat_map(|(operation, nth)| KINDS.map(|kind| kind(operation, *nth)));
    faults.collect()
}

/// What is counted: pairs that were tried, in how many runs, and those that are the same
/// run as one that was tried.
const PAIRS: &str = "pairs";
const RUNS: &str = "runs";
const LEFT_OUT: &str = "more that are the same";

/// A run with these faults, held against its promise. Answers the stage and where
/// in its calls the first one was hit.
fn faulty(variant: &Variant, faults: &[&Fault]) -> (Stage, Ending, Result<(), String>) {
    let mut stage = (variant.stage)();
    for fault in faults {
        stage = stage.with((*fault).clone());
    }
    let before = Snapshot::settled(&stage);
    let ending = ending(&stage.provision("tried"));
    let held = check(&stage, &before, &ending);
    (stage, ending, held)
}

/// What is known already, by texts that tell different things apart.
type Tried = Mutex<BTreeSet<String>>;

fn is_new(tried: &Tried, text: String) -> bool {
    tried.lock().expect("a set").insert(text)
}

/// The run again with each second fault at this call, which is judged. Answers how many
/// were left out: an operation that is refused once and not called again is refused from
/// then on.
fn with_second(
    run: &Rehearsal,
    index: usize,
    mut judge: impl FnMut(&Fault, &Stage, &Execution),
) -> usize {
    let call = &run.calls[index];
    let is_later = |it: &Call| it.operation == call.operation && it.nth > call.nth;
    let mut is_called_again = true;
    let mut left_out = 0;
    for kind in KINDS {
        let second = kind(&call.operation, call.nth);
        let lasts = second.repeat == Fault::FOREVER;
        if lasts && !is_called_again {
            left_out += 1;
            continue;
        }
        let (stage, execution) = run.with(index, second.clone());
        if second.kind == FaultKind::Denied {
            is_called_again = stage.simulator.calls().iter().any(is_later);
        }
        judge(&second, &stage, &execution);
    }
    left_out
}

/// What a first fault has led to: what tells one rollback from another.
fn led_to(
    variant: &Variant,
    first: &Fault,
    ended: &Ending,
    calls: &[Call],
    stage: &Stage,
) -> String {
    let Ending::Failed(name, failure) = ended else {
        return String::new();
    };
    // What lasts may hit calls that only a second fault leads to.
    let lasting = (first.repeat == Fault::FOREVER).then_some(&first.operation);
    let since = calls.first().map(|hit| hit.at);
    let later = calls.iter().skip(1);
    let later: Vec<_> = later
        .map(|it| {
            (
                &it.operation,
                since.map(|hit| it.at - hit),
                it.fault,
                &it.refused,
            )
        })
        .collect();
    let left: Vec<&str> = failure.left.iter().map(|it| it.what.as_str()).collect();
    let told = (name, &failure.failed_at, &failure.undone, left);
    let text = format!("{} {lasting:?} {later:?} {told:?}", variant.name);
    format!("{} {}", without_ids(&text), found(stage))
}

/// All second faults in the rollback that the first one leads to. What is left in
/// the end is taken away by `deprovision`, once for each different world.
fn in_rollback(variant: &Variant, first: &Fault, rollbacks: &Tried, finished: &Tried) -> Tally {
    let mut tally = Tally::default();
    let stage = (variant.stage)().with(first.clone());
    let before = Snapshot::settled(&stage);
    let run = Rehearsal::of(&stage, Goal::Connect, "tried");
    tally.add(RUNS, 1);
    let ended = ending(&run.execution);
    if matches!(ended, Ending::Ready(_)) {
        return tally;
    }
    let hit = run.calls.iter().position(|call| call.fault.is_some());
    let hit = hit.unwrap_or(run.calls.len());
    let later = run.calls.iter().enumerate().skip(hit + 1);
    // What fails already cannot fail twice.
    let later: Vec<usize> = later
        .filter(|(_, call)| call.fault.is_none())
        .map(|(index, _)| index)
        .collect();
    let rollback = led_to(variant, first, &ended, &run.calls[hit..], &stage);
    if !is_new(rollbacks, rollback) {
        tally.add(LEFT_OUT, later.len() * KINDS.len());
        return tally;
    }
    for index in later {
        let left_out = with_second(&run, index, |second, stage, execution| {
            let what = || format!("{}, {first:?} and {second:?}", variant.name);
            tally.add(PAIRS, 1);
            tally.add(RUNS, 1);
            tally.ended(word(execution));
            tally.held(check(stage, &before, &ending(execution)), what);
            let left = || format!("{} {}", variant.name, found(stage));
            if word(execution) == "RollbackIncomplete" && is_new(finished, left()) {
                tally.add(RUNS, 1);
                let held = finish(stage, &clean_like(stage, &before));
                tally.held(held, || format!("{}, then deprovision", what()));
            }
        });
        tally.add(LEFT_OUT, left_out);
    }
    tally
}

/// The world without the connection; an endpoint that stays may have kept the
/// private DNS that was switched on.
fn clean_like(stage: &Stage, clean: &Snapshot) -> Snapshot {
    clean.clone().with_private_dns_of(&Snapshot::settled(stage))
}

#[test]
fn every_pair_of_faults_in_provision_and_its_rollback_keeps_the_promise() {
    let began = Instant::now();
    let jobs: Vec<(&Variant, Fault)> = variants()
        .flat_map(|variant| {
            firsts(variant)
                .into_iter()
                .map(move |first| (variant, first))
        })
        .collect();
    let (rollbacks, finished) = (Tried::default(), Tried::default());
    let tallies = in_parallel(&jobs, |(variant, first)| {
        in_rollback(variant, first, &rollbacks, &finished)
    });
    let tally: Tally = tallies.into_iter().sum();
    let different = finished.into_inner().expect("a set").len();
    let title =
        format!("pairs of faults in provision and its rollback ({different} different worlds)");
    tally.conclude(&title, began);
}

/// The account is taken off the trusted owners after the registration is gone, so
/// whoever cannot look for the registration has to name both.
#[test]
fn an_account_that_stays_trusted_is_named() {
    let listing = "cloud:GET private-endpoint-connections";
    let refused = |nth| Fault::from_then_on(listing, nth, FaultKind::Denied, Moment::Before);
    let variant = variant_of("Advanced, trusted owners");
    let (stage, ending, held) = faulty(variant, &[&refused(2)]);
    held.expect("a promise that was kept");
    let named = |left: &[ExplainedLeft]| {
        left.iter()
            .any(|left| left.what == "trusted owner 111122223333")
    };
    let Ending::Failed(_, failure) = ending else {
        panic!("{ending:?}");
    };
    assert!(named(&failure.left), "{failure:#?}");

    stage.simulator.end_faults();
    let stage = stage.with(refused(1));
    let removal = Removal::of(&stage.deprovision("refused too"));
    let Removal::Incomplete(failure) = removal else {
        panic!("{removal:?}");
    };
    assert!(named(&failure.left), "{failure:#?}");
    let clean = Snapshot::settled(&(variant.stage)());
    finish(&stage, &clean).expect("nothing left");
}

/// A world that some first fault left behind.
struct Behind {
    what: String,
    stage: Stage,
    gone: Snapshot,
    /// How many first faults leave this.
    firsts: usize,
}

/// The different worlds that the first faults of a variant leave behind.
fn left_behind(variant: &'static Variant) -> Vec<Behind> {
    let clean = Snapshot::settled(&(variant.stage)());
    let firsts = firsts(variant);
    let worlds = in_parallel(&firsts, |first| {
        let (stage, ..) = faulty(variant, &[first]);
        (found(&stage), stage)
    });
    let mut different: BTreeMap<String, Behind> = BTreeMap::new();
    for ((found, stage), first) in worlds.into_iter().zip(&firsts) {
        stage.simulator.end_faults();
        if let Some(known) = different.get_mut(&found) {
            known.firsts += 1;
            continue;
        }
        let left = Behind {
            what: format!("{}, {first:?}", variant.name),
            gone: clean_like(&stage, &clean),
            stage,
            firsts: 1,
        };
        different.insert(found, left);
    }
    different.into_values().collect()
}

/// All second faults in the `deprovision` that follows.
fn in_removal(left: &Behind) -> Tally {
    let mut tally = Tally::default();
    // A lease that could not be given back expires.
    left.stage.clock.advance(LEASES_EXPIRE);
    let good = left.stage.forked();
    let before = Before::new(&good, &left.gone);
    let run = Rehearsal::of(&good, Goal::Disconnect, "tried");
    tally.add(RUNS, 1);
    let removal = Removal::of(&run.execution);
    let held = match removal.is_complete() {
        true => before.check(&good, &removal),
        false => Err(format!("{removal:#?}")),
    };
    if held.is_err() {
        tally.held(held, || left.what.clone());
        return tally;
    }
    let mut finished = BTreeSet::new();
    for index in 0..run.calls.len() {
        let left_out = with_second(&run, index, |second, stage, execution| {
            let removal = Removal::of(execution);
            tally.add(PAIRS, left.firsts);
            tally.add(RUNS, 1);
            tally.ended(word(execution));
            let mut held = before.check(stage, &removal);
            if held.is_ok() && finished.insert(found(stage)) {
                tally.add(RUNS, 1);
                held = finish(stage, &left.gone);
            }
            tally.held(held, || format!("{}, then {second:?}", left.what));
        });
        tally.add(LEFT_OUT, left_out * left.firsts);
    }
    tally
}

#[test]
fn every_pair_of_faults_in_provision_and_a_following_deprovision_ends_clean() {
    let began = Instant::now();
    let worlds: Vec<Behind> = variants().flat_map(left_behind).collect();
    let different = worlds.len();
    let tallies = in_parallel(&worlds, in_removal);
    let tally: Tally = tallies.into_iter().sum();
    let title =
        format!("pairs of faults in provision ({different} different worlds) and deprovision");
    tally.conclude(&title, began);
}

/// A run that goes on from where it was is the run from its beginning: it ends
/// alike, has made the same calls at the same times, and leaves the same. A part of the
/// calls stands for all, because every run is made whole here.
#[test]
fn going_on_with_a_run_is_running_it_from_its_beginning() {
    let first = KINDS[0]("ec2:ModifyVpcEndpoint", 1);
    for variant in variants() {
        let stage = (variant.stage)().with(first.clone());
        Snapshot::settled(&stage);
        let run = Rehearsal::of(&stage, Goal::Connect, "tried");
        for (index, call) in run.calls.iter().enumerate().step_by(5) {
            for kind in KINDS {
                let second = kind(&call.operation, call.nth);
                let (short, execution) = run.with(index, second.clone());
                let long = (variant.stage)().with(first.clone()).with(second);
                Snapshot::settled(&long);
                let whole = long.provision("tried");
                assert_eq!(execution.outcome, whole.outcome);
                assert!(whole.history.ends_with(&execution.history));
                assert_eq!(short.simulator.calls(), long.simulator.calls());
                assert_eq!(found(&short), found(&long));
            }
        }
    }
}

#[test]
fn ids_are_told_apart_and_everything_else_stays() {
    let text = "vpce-0a1b2c3d4e5f60718 vpce-svc-0ad0ad sg-0a1b2c3d4e5f60718 vs vpce-0a1b2c3d4e5f60719 vpce-0a1b2c3d4e5f60718";
    assert_eq!(
        without_ids(text),
        "vpce-0 vpce-svc-0ad0ad sg-1 vs vpce-2 vpce-0"
    );
}
