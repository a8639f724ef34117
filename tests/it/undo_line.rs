//! Holds the undo line of `provision` to the table of its steps and their undos
//! (`statemachine/steps/src/pairs.rs`). The engine runs the definition itself with
//! functions that only answer: for every plan that there can be, each step in turn fails.

use std::cell::RefCell;
use std::collections::BTreeSet;

use engine::{Event, EventKind, Observer, Outcome, TaskFailure, Tasks, VirtualClock};
use serde_json::{Value, json};
use shared::request::Limits;
use steps::pairs::{PROVISION, Pair, Part, Undo, plans};
use steps::{definition, function_of};
use system_tests::parallel::in_parallel;
use system_tests::run::{Goal, block_on};

/// What the definition is held to.
const TABLE: &str = "statemachine/steps/src/pairs.rs";

/// Where the undo line is over.
const ENDS: &str = "ReportOutcome";

/// The one step of the undo line that takes nothing back: it looks whether what was put
/// back works.
const LOOKS: &str = "CheckStatusAsBefore";

/// What is there, and what is asked for.
#[derive(Debug)]
struct Case {
    /// Whether the ledger has it as a connection that stands.
    stands: bool,
    /// Whether private DNS is asked for.
    wants_dns: bool,
    plan: Value,
}

impl Case {
    /// The entry of the ledger.
    fn entry(&self) -> Value {
        if !self.stands {
            return json!({});
        }
        let request = json!({ "requested_by": "call", "account_id": null, "private_dns": true });
        json!({ "Item": {
            "phase": { "S": "ready" }, "stands_since": { "S": "2030-01-01T00:00:00Z" },
            "endpoint_id": { "S": "vpce-1" }, "request": { "S": request.to_string() },
        } })
    }

    /// Whether this part was there before, and stays.
    fn stood(&self, part: Part) -> bool {
        let works = self.plan["undo"]["anything"] == false;
        let has_endpoint = !self.plan["endpoint"]["existing"].is_null();
        let has_group = !self.plan["change"].is_null();
        let is_there = match part {
            Part::Endpoint | Part::Nothing => has_endpoint,
            Part::Group => has_endpoint || has_group,
        };
        works || (self.stands && is_there)
    }

    /// What must be undone when these steps were taken.
    fn expected(&self, made: &[String]) -> Vec<&'static str> {
        let pairs = pairs_of(made).into_iter().rev();
        let (stood, new): (Vec<Pair>, Vec<Pair>) = pairs.partition(|pair| self.stood(pair.of));
        // What is new goes first; then what stood gets back what it was.
        let new = new.into_iter().map(|pair| pair.undo);
        let undos = new.chain(stood.into_iter().map(|pair| pair.back));
        let undos = undos.filter_map(|undo| match undo {
            Undo::By { state, planned } => plans(&self.plan, planned).then_some(state),
            Undo::Stays(_) => None,
        });
        let mut undos: Vec<&str> = undos.collect();
        // One state puts back what two steps have changed of the endpoint.
        undos.dedup();
        undos
    }

    /// The steps of an execution that goes well.
    fn steps(&self) -> Vec<&'static str> {
        let is_taken = |pair: &&Pair| pair.planned.is_some_and(|place| plans(&self.plan, place));
        let steps = PROVISION.iter().filter(is_taken).map(|pair| pair.step);
        steps.filter(|step| *step != ENDS).collect()
    }
}

/// What the table has of these steps, in its order.
fn pairs_of(steps: &[String]) -> Vec<Pair> {
    let is_one = |pair: &Pair| steps.iter().any(|step| step == pair.step);
    PROVISION.iter().copied().filter(is_one).collect()
}

fn cases() -> Vec<Case> {
    (0..1 << 12).filter_map(case).collect()
}

/// What these twelve bits say, if `inspect-network` makes such a plan.
fn case(number: u32) -> Option<Case> {
    let bits: [bool; 12] = std::array::from_fn(|bit| (number >> bit) & 1 == 1);
    let [stands, wants_dns, exists, works, registers, undo_dns, ..] = bits;
    let [.., has_group, is_known, moves, changes, adds, removes] = bits;
    let can_occur = [
        // A new endpoint is registered and gets a group.
        (!exists, registers && has_group),
        (works || undo_dns || changes, exists),
        // What is changed carries the claim of this connection.
        (works || changes || adds || removes, is_known),
        (adds || removes, has_group),
        // An endpoint is moved, or gets private DNS later, or stays as it is.
        (moves || (undo_dns && is_known), changes),
        (changes && !moves, wants_dns),
        // Private DNS goes off again where others use the endpoint, and then it is
        // moved only if this connection works.
        (undo_dns, wants_dns),
        (undo_dns && moves, works),
    ];
    if !can_occur.into_iter().all(|(given, then)| !given || then) {
        return None;
    }
    let change = json!({
        "endpoint": moves.then_some("as asked for"),
        "former_endpoint": changes.then_some("as it was"),
        "sources_added": Vec::from_iter(adds.then_some("10.0.0.0/8")),
        "sources_removed": Vec::from_iter(removes.then_some("10.1.0.0/16")),
        "former_group": "as it was",
    });
    let plan = json!({
        "account_id": "111122223333", "trust_account": null, "private_host": wants_dns.then_some("h"),
        "endpoint": { "existing": exists.then_some("vpce-1"), "service_name": "s" },
        "security_group": has_group.then_some(json!({ "name": "g" })),
        "change": is_known.then_some(change),
        "undo": { "anything": !works, "registration": registers, "private_dns": undo_dns },
        "twins": [], "notes": [],
    });
    Some(Case {
        stands,
        wants_dns,
        plan,
    })
}

/// Answers that all is well, but for one step.
struct Tried<'a> {
    case: &'a Case,
    on_failure: &'a str,
    fails: Option<&'a str>,
    /// The states that called a function.
    calls: RefCell<Vec<String>>,
}

impl Observer for Tried<'_> {
    fn event(&self, event: &Event) {
        if let EventKind::TaskScheduled {
            state, resource, ..
        } = &event.kind
            && function_of(resource).is_some()
        {
            self.calls.borrow_mut().push(state.clone());
        }
    }
}

impl Tasks for Tried<'_> {
    async fn invoke(&self, resource: &str, _arguments: Value) -> Result<Value, TaskFailure> {
        let Some(function) = function_of(resource) else {
            return Ok(self.case.entry());
        };
        if self.calls.borrow().last().map(String::as_str) == self.fails {
            return Err(TaskFailure::new("Rejected", "said so"));
        }
        let value = match function {
            "inspect-network" => self.case.plan.clone(),
            _ => json!({
                "cluster_name": "n", "service_name": "s", "routing_id": "r", "private_host": "h",
                "group_id": "sg-1", "notes": [], "undone": "it is gone", "was_there": true,
            }),
        };
        // Everything that any function answers.
        Ok(json!({
            "status": "ready", "value": value,
            "request": {
                "requested_by": "call", "account_id": null, "on_failure": self.on_failure,
                "private_dns": self.case.wants_dns, "sql_user": null,
                "database": "defaultdb", "limits": Limits::MAX,
            },
            "connection": {
                "connection_id": "x", "account_id": null, "region": "eu-west-1",
                "vpc_id": "vpc-1", "cluster_id": "c",
            },
            "unless_changed": null, "tags": {}, "endpoint_id": "vpce-1", "notes": [],
            "undone": "it is gone", "was_there": true,
            "outcome": { "phase": "p", "sentence": "s", "at": "t", "failure": null },
            "notice": {},
        }))
    }
}

/// Runs the definition: the steps that it took, the one that failed included, and the
/// undos that came then.
fn run(case: &Case, on_failure: &str, fails: Option<&str>) -> (Vec<String>, Vec<String>) {
    let calls = RefCell::default();
    let tried = Tried {
        case,
        on_failure,
        fails,
        calls,
    };
    let (machine, clock) = (Goal::Connect.machine(), VirtualClock::new());
    let run = engine::run(&machine, "tried", json!({}), &tried, &clock, &tried);
    let ended = block_on(run).outcome;
    let is_ready = matches!(ended, Outcome::Succeeded(_));
    assert_eq!(is_ready, fails.is_none(), "{ended:?}: {case:?}");
    let mut made = tried.calls.into_inner();
    made.retain(|state| state != ENDS && state != LOOKS);
    let failed = made.iter().position(|state| Some(state.as_str()) == fails);
    let undone = made.split_off(failed.map_or(made.len(), |at| at + 1));
    (made, undone)
}

#[test]
fn every_state_that_calls_a_function_is_in_the_table() {
    let provision: Value = serde_json::from_str(definition::PROVISION).expect("a definition");
    let states = provision["States"].as_object().expect("states");
    let calls = |state: &Value| state["Resource"].as_str().and_then(function_of).is_some();
    let calling = states.iter().filter(|(_, state)| calls(state));
    let calling: BTreeSet<&str> = calling.map(|(name, _)| name.as_str()).collect();
    let steps = PROVISION.iter().map(|pair| pair.step);
    let table = steps.chain(undos()).chain([LOOKS]);
    assert_eq!(calling, BTreeSet::from_iter(table), "{TABLE}");
}

/// The undos of the table.
fn undos() -> impl Iterator<Item = &'static str> {
    let undos = PROVISION.iter().flat_map(|pair| [pair.undo, pair.back]);
    undos.filter_map(|undo| match undo {
        Undo::By { state, .. } => Some(state),
        Undo::Stays(_) => None,
    })
}

#[test]
fn what_was_made_is_undone_in_reverse_and_nothing_else() {
    let undone = in_parallel(&cases(), |case| {
        let mut reached = BTreeSet::new();
        let (steps, _) = run(case, "rollback", None);
        assert_eq!(
            steps,
            case.steps(),
            "{TABLE}, in order and `planned`: {case:?}"
        );
        for step in &steps {
            let (made, undone) = run(case, "rollback", Some(step.as_str()));
            let expected = case.expected(&made);
            assert_eq!(undone, expected, "{TABLE}: {step} failed: {case:?}");
            reached.extend(undone);
        }
        reached
    });
    let undone: BTreeSet<String> = undone.into_iter().flatten().collect();
    let all: BTreeSet<String> = undos().map(str::to_owned).collect();
    assert_eq!(undone, all, "an undo that no case asks for");
}

#[test]
fn what_is_to_be_kept_is_not_undone() {
    for case in cases().iter().step_by(32) {
        let (steps, _) = run(case, "keep", None);
        for step in &steps {
            let (_, undone) = run(case, "keep", Some(step.as_str()));
            assert!(undone.is_empty(), "{step} failed: {undone:?}");
        }
    }
}
