//! Every call that a good run makes, failed once in every way, before and after
//! its effect: the promise must hold every time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use simulator::{Fault, FaultKind, Moment, Scenario};
use system_tests::aftermath::{Snapshot, check};
use system_tests::run::{Ending, Stage, ending};

/// A scenario with a request, as a good run meets it.
struct Variant {
    name: &'static str,
    stage: fn() -> Stage,
}

fn without_dns(name: &str) -> Stage {
    Stage::shipped(name).asking("private_dns", json!(false))
}

/// An Advanced cluster that trusts another account, and may be told to trust ours.
fn trusted_owner() -> Stage {
    let mut scenario = Scenario::shipped("fresh-vpc").expect("a shipped scenario");
    scenario.clusters[0].trusted_owners = Some(vec!["999988887777".to_owned()]);
    scenario.keys[0].roles.push("CLUSTER_ADMIN".to_owned());
    Stage::of(&scenario).asking("add_trusted_owner", json!(true))
}

/// A connection that works already.
fn again() -> Stage {
    let stage = Stage::shipped("standard-cluster");
    let first = stage.provision("earlier");
    assert!(matches!(ending(&first), Ending::Ready(_)), "{:?}", first.outcome);
    stage
}

const VARIANTS: [Variant; 10] = [
    Variant { name: "Advanced", stage: || Stage::shipped("fresh-vpc") },
    Variant { name: "Advanced, no private DNS", stage: || without_dns("fresh-vpc") },
    Variant { name: "Advanced, trusted owners", stage: trusted_owner },
    Variant { name: "Standard", stage: || Stage::shipped("standard-cluster") },
    Variant { name: "Standard, no private DNS", stage: || without_dns("standard-cluster") },
    Variant { name: "adopt", stage: || Stage::shipped("half-made-by-hand") },
    Variant { name: "adopt, no private DNS", stage: || without_dns("half-made-by-hand") },
    Variant { name: "shared endpoint", stage: || Stage::shipped("shared-endpoint") },
    Variant { name: "shared endpoint, no private DNS", stage: || without_dns("shared-endpoint") },
    Variant { name: "works already", stage: again },
];

/// How the runs of one kind ended.
#[derive(Default)]
struct Tally {
    runs: u32,
    endings: BTreeMap<String, u32>,
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
        if let Err(broken) = check(stage, &before, &ending) {
            self.broken.push(format!("{what}: {broken}"));
        }
    }

    fn conclude(self, title: &str) {
        println!("{title}: {} runs, {:?}, {} leaks", self.runs, self.endings, self.broken.len());
        let first: Vec<&String> = self.broken.iter().take(3).collect();
        assert!(self.broken.is_empty(), "{} broken promises, the first: {first:#?}", self.broken.len());
    }
}

/// The calls of a good run, each with its number among those of its operation.
fn calls_of(variant: &Variant) -> Vec<(String, u32)> {
    let stage = (variant.stage)();
    let earlier = stage.simulator.calls().len();
    let before = Snapshot::settled(&stage);
    let execution = stage.provision("good");
    let ending = ending(&execution);
    assert!(matches!(ending, Ending::Ready(_)), "{}: {:?}", variant.name, execution.outcome);
    check(&stage, &before, &ending).unwrap_or_else(|broken| panic!("{}: {broken}", variant.name));
    let calls = stage.simulator.calls();
    calls[earlier..].iter().map(|call| (call.operation.clone(), call.nth)).collect()
}

#[test]
fn every_single_fault_keeps_the_promise() {
    let mut tally = Tally::default();
    for variant in &VARIANTS {
        for (operation, nth) in calls_of(variant) {
            for kind in FaultKind::ALL {
                for moment in Moment::ALL {
                    let fault = Fault::once(&operation, nth, kind, moment);
                    let what = format!("{}, {operation} #{nth} {kind:?} {moment:?}", variant.name);
                    tally.run(&what, &(variant.stage)().with(fault));
                }
            }
        }
    }
    tally.conclude("single faults");
}

#[test]
fn every_operation_that_fails_from_some_call_on_keeps_the_promise() {
    let mut tally = Tally::default();
    for variant in &VARIANTS {
        // The first call of each operation is one point; every later one that
        // changes something is another.
        let calls: BTreeSet<(String, u32)> =
            calls_of(variant).into_iter().filter(|(operation, nth)| *nth == 1 || changes(operation)).collect();
        for (operation, nth) in calls {
            for kind in FaultKind::ALL {
                for moment in Moment::ALL {
                    let fault = Fault::from_then_on(&operation, nth, kind, moment);
                    let what = format!("{}, {operation} from #{nth} on {kind:?} {moment:?}", variant.name);
                    tally.run(&what, &(variant.stage)().with(fault));
                }
            }
        }
    }
    tally.conclude("lasting faults");
}

fn changes(operation: &str) -> bool {
    !operation.contains("Describe") && !operation.contains("GET") && !operation.contains("Get")
}
