//! Holds the undo line of `provision` to the table of its steps and their undos
//! (`statemachine/steps/src/pairs.rs`): a step without an undo, a name that a list of
//! states lacks, or an undo in the wrong place is told here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use steps::definition;
use steps::function_of;
use steps::pairs::{PROVISION, Pair, Undo, When};

/// Where the undo line begins, and where it is over.
const BEGINS: &str = "DecideUndo";
const ENDS: &str = "ReportOutcome";

/// The one step of the undo line that takes nothing back: it looks whether what was put
/// back works.
const LOOKS: &str = "CheckStatusAsBefore";

type Names = BTreeSet<String>;

/// The definition.
struct Provision(Value);

impl Provision {
    fn read() -> Self {
        Self(serde_json::from_str(definition::PROVISION).expect("a definition"))
    }

    fn start(&self) -> &str {
        self.0["StartAt"].as_str().expect("StartAt")
    }

    fn state(&self, name: &str) -> &Value {
        let state = &self.0["States"][name];
        assert!(state.is_object(), "no state {name}");
        state
    }

    fn calls_a_function(&self, state: &str) -> bool {
        let resource = self.state(state)["Resource"].as_str();
        resource.is_some_and(|resource| function_of(resource).is_some())
    }

    /// Where a state leads, the nearest first. With the name of a failure, only where
    /// that one may lead: what else a condition asks may be so or not.
    fn nexts(&self, state: &str, failure: Option<&str>) -> Vec<&str> {
        let state = self.state(state);
        let may_hold = |rule: &&Value| match (failure, failures_of(rule)) {
            (Some(failure), Some(names)) => names.contains(failure),
            (None, _) | (_, None) => true,
        };
        let rules = list(&state["Choices"]).filter(may_hold);
        let ways = rules.chain([state]).chain(list(&state["Catch"]));
        let nexts = ways.flat_map(|way| [&way["Next"], &way["Default"]]);
        nexts.filter_map(Value::as_str).collect()
    }

    /// All that is reached from a state, itself included, the nearest first. What comes
    /// after `end` is not.
    fn reached(&self, from: &str, end: &str, failure: Option<&str>) -> Vec<String> {
        let mut reached = vec![from.to_owned()];
        let mut at = 0;
        while let Some(state) = reached.get(at).cloned() {
            at += 1;
            if state == end {
                continue;
            }
            for next in self.nexts(&state, failure) {
                if reached.iter().all(|known| known != next) {
                    reached.push(next.to_owned());
                }
            }
        }
        reached
    }

    /// Those of them that call a function and come before `end`.
    fn steps(&self, from: &str, end: &str) -> Vec<String> {
        let mut reached = self.reached(from, end, None);
        reached.retain(|state| state != end && self.calls_a_function(state));
        reached
    }

    /// The names of the failures that lead into the undo line from this state and from
    /// all that may come after it.
    fn failures_since(&self, state: &str) -> Names {
        let mut names = Names::new();
        for state in self.reached(state, BEGINS, None) {
            let state = self.state(&state);
            for way in list(&state["Catch"]).chain([state]) {
                let name = way["Assign"]["failure"]["failed_at"].as_str();
                names.extend(name.filter(|_| way["Next"] == BEGINS).map(str::to_owned));
            }
        }
        names
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The failures for which alone a rule of a Choice holds; `None` if it names none.
fn failures_of(rule: &Value) -> Option<Names> {
    let condition = rule["Condition"].as_str().expect("a condition");
    let quoted = |text: &str, most: usize| -> Names {
        let names = text.split('\'').skip(1).step_by(2);
        names.take(most).map(str::to_owned).collect()
    };
    let mut said = condition.split("$failure.failed_at ").skip(1);
    said.find_map(|rest| {
        if let Some(names) = rest.strip_prefix("in [") {
            let (names, _) = names.split_once(']').expect("the end of a list");
            return Some(quoted(names, usize::MAX));
        }
        if let Some(name) = rest.strip_prefix("= ") {
            return Some(quoted(name, 1));
        }
        assert!(rest.starts_with("!= "), "in another form: {condition}");
        None
    })
}

/// The undos of the table with their steps.
fn undos() -> impl Iterator<Item = (Pair, Undo)> {
    PROVISION.into_iter().flat_map(|pair| {
        let undos = [pair.undo, pair.back].into_iter().flatten();
        undos.map(move |undo| (pair, undo))
    })
}

fn names<'a>(states: impl IntoIterator<Item = &'a str>) -> Names {
    states.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_step_has_an_undo_or_says_why_not() {
    let provision = Provision::read();
    let forward = provision.steps(provision.start(), BEGINS);
    assert_eq!(
        names(PROVISION.map(|pair| pair.step)),
        Names::from_iter(forward)
    );
    let back = provision.steps(BEGINS, ENDS);
    let expected = undos().map(|(_, undo)| undo.state).chain([LOOKS]);
    assert_eq!(names(expected), Names::from_iter(back));
    for pair in PROVISION {
        let is_undone = pair.undo.is_some() || pair.back.is_some();
        assert_eq!(pair.why.is_empty(), is_undone, "{}", pair.step);
    }
}

/// The lists of names in the conditions of the undo line are those of the table.
#[test]
fn the_undo_line_asks_for_the_failures_of_the_table() {
    let provision = Provision::read();
    let mut asked = BTreeMap::new();
    for state in provision.reached(BEGINS, ENDS, None) {
        for rule in list(&provision.state(&state)["Choices"]) {
            let Some(failures) = failures_of(rule) else {
                continue;
            };
            // It is there for the undo that comes next.
            let next = rule["Next"].as_str().expect("Next");
            let mut undos = provision.steps(next, ENDS).into_iter();
            let undo = undos.next().expect("an undo");
            let before = asked.insert(undo, failures);
            assert_eq!(before, None, "{state}: asked for twice");
        }
    }
    let expected: BTreeMap<String, Names> = undos()
        .filter_map(|(pair, undo)| {
            let failures = match undo.when {
                When::AskedFor => return None,
                When::StepFailed => names([pair.step]),
                When::SinceStep => provision.failures_since(pair.step),
            };
            Some((undo.state.to_owned(), failures))
        })
        .collect();
    assert_eq!(asked, expected);
}

#[test]
fn an_undo_is_reached_when_its_step_failed_or_a_later_one() {
    let provision = Provision::read();
    for failure in provision.failures_since(provision.start()) {
        let reached = provision.reached(BEGINS, ENDS, Some(&failure));
        for (pair, undo) in undos() {
            let failures = provision.failures_since(pair.step);
            assert!(failures.contains(pair.step), "{}", pair.step);
            let is_reached = reached.iter().any(|state| state == undo.state);
            let what = format!("{} when {failure} failed", undo.state);
            if failures.contains(&failure) {
                assert!(is_reached, "{what}: not reached");
            } else if undo.when == When::SinceStep {
                assert!(!is_reached, "{what}: reached, and nothing was done");
            }
        }
    }
}

#[test]
fn steps_come_in_the_order_of_the_table_and_undos_in_the_reverse() {
    let provision = Provision::read();
    let leads = |from: &str, to: &str, end: &str| {
        let reached = provision.reached(from, end, None);
        reached.iter().any(|state| state == to)
    };
    for (n, pair) in PROVISION.into_iter().enumerate() {
        for later in &PROVISION[n + 1..] {
            assert!(!leads(later.step, pair.step, BEGINS), "{}", later.step);
        }
    }
    let lines: [fn(Pair) -> Option<Undo>; 2] = [|pair| pair.undo, |pair| pair.back];
    for line in lines {
        let undos: Vec<Undo> = PROVISION.into_iter().filter_map(line).collect();
        for (n, first) in undos.iter().enumerate() {
            for second in &undos[n + 1..] {
                let what = format!("{} comes before {}", second.state, first.state);
                assert!(leads(second.state, first.state, ENDS), "{what}");
                assert!(!leads(first.state, second.state, ENDS), "{what}");
            }
        }
    }
}
