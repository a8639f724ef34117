//! Small definitions, run by this engine and by an interpreter that we did
//! not write: both must end alike, enter the same states in the same order,
//! and call the same functions with the same arguments.
//!
//! The definitions are `definitions/*.asl.json`; each says in its comment what
//! it exercises. `definitions/runs.json` holds their inputs and the answers of
//! their functions; direct integrations are held against DynamoDB and EventBridge
//! of each side. Needs Python 3.

mod moto;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::future::pending;
use std::path::Path;

use engine::{
    Clock, EventKind, Execution, INTEGRATIONS, Machine, Outcome, TaskFailure, VirtualClock, run,
};
use in_process::integrations::Integrations;
use serde::Deserialize;
use serde_json::{Value, json};
use simulator::scenario::StackSpec;
use simulator::{Scenario, Simulator};

use moto::functions::{Answer, Call, Functions};
use moto::server::{Ended, Server};

/// Definitions on which moto 5.2.5 does not do what Step Functions documents,
/// and what it does instead. Of these, only our own outcome is held against
/// the documented one; a difference that is gone must be struck from the list.
const DIFFERENCES: &[(&str, &str)] = &[
    ("differs-condition", "takes everything but true for false"),
    ("differs-fraction", "rounds the seconds down"),
    ("differs-no-choice", "fails with States.Runtime"),
    (
        "differs-output-after-assign",
        "assigns before it evaluates Output",
    ),
    (
        "differs-output-caught",
        "evaluates Output after it has left the catchers",
    ),
    ("differs-quotes", "does not escape the text of variables"),
    ("differs-type-error", "fails with States.Runtime"),
    (
        "differs-task-failed",
        "takes no reserved error name for States.TaskFailed",
    ),
];

/// All Lambda functions of the definitions.
const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    input: Value,
    #[serde(default)]
    answers: BTreeMap<String, VecDeque<Answer>>,
    /// How Step Functions documents the end, where moto ends otherwise.
    documented: Option<Value>,
}

/// One run of one definition.
struct Case {
    definition: String,
    /// Name of the definition and number of the run.
    id: String,
    name: String,
    run: Run,
}

impl Case {
    /// What the names of this case's functions begin with on moto, where all
    /// cases run at once.
    fn prefix(&self) -> String {
        format!("{}-", self.id)
    }
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn both_interpreters_make_the_same_of_the_same_definitions() {
    let cases = cases();
    let scripts = cases.iter().flat_map(|case| {
        let answers = case.run.answers.iter();
        answers.map(|(name, script)| (format!("{}{name}", case.prefix()), script.clone()))
    });
    let functions = Functions::serve(scripts.collect());
    let server = Server::start(&functions.endpoint());
    server.create_table(&StackSpec::default().leases_table, "vpc");
    let started: Vec<String> = cases.iter().map(|case| start(&server, case)).collect();

    let mut faults = Vec::new();
    for (case, started) in cases.iter().zip(started) {
        let (ours, our_calls) = run_here(case);
        let theirs = server.await_end(&started);
        let their_calls = functions.calls(&case.prefix());
        let differences = compare(&ours, &our_calls, &theirs, &their_calls);
        let listed = DIFFERENCES.iter().any(|(name, _)| *name == case.name);
        match (&case.run.documented, listed) {
            (None, false) => faults.extend(
                differences
                    .iter()
                    .map(|difference| format!("{}: {difference}", case.id)),
            ),
            (Some(documented), true) => {
                if differences.is_empty() {
                    faults.push(format!("{}: no longer differs", case.id));
                }
                if !ends_as(&ours, documented) {
                    faults.push(format!(
                        "{}: {:?} is not as documented",
                        case.id, ours.outcome
                    ));
                }
            }
            (Some(_), false) | (None, true) => faults.push(format!(
                "{}: a listed difference needs its documented end, and no other case has one",
                case.id
            )),
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/definitions");
    let text = fs::read_to_string(folder.join("runs.json")).expect("runs.json");
    let runs: BTreeMap<String, Vec<Run>> = serde_json::from_str(&text).expect("runs");
    let mut files = 0;
    for file in fs::read_dir(&folder).expect("the folder") {
        let file = file
            .expect("a file")
            .file_name()
            .into_string()
            .expect("a name");
        if let Some(name) = file.strip_suffix(".asl.json") {
            assert!(runs.contains_key(name), "{name} has no runs");
            files += 1;
        }
    }
    assert_eq!(files, runs.len(), "a definition is missing");
    let mut cases = Vec::new();
    for (name, runs) in runs {
        let path = folder.join(format!("{name}.asl.json"));
        let definition = fs::read_to_string(path).expect("a definition");
        for (index, run) in runs.into_iter().enumerate() {
            cases.push(Case {
                definition: definition.clone(),
                id: format!("{name}-{index}"),
                name: name.clone(),
                run,
            });
        }
    }
    cases
}

fn start(server: &Server, case: &Case) -> String {
    let functions = format!("{FUNCTION}{}", case.prefix());
    let definition = case.definition.replace(FUNCTION, &functions);
    server.start_execution(&case.id, &definition, &case.run.input)
}

fn run_here(case: &Case) -> (Execution, Vec<Call>) {
    let machine = match Machine::load(&case.definition) {
        Ok(machine) => machine,
        Err(error) => panic!("{}: {error}", case.name),
    };
    let scripts = RefCell::new(case.run.answers.clone());
    let calls = RefCell::new(Vec::new());
    let clock = VirtualClock::new();
    let time = clock.clone();
    let scenario = Scenario::shipped("fresh-vpc").expect("a shipped scenario");
    let integrations = Integrations::new(Simulator::new(&scenario, move || time.now()));
    let tasks = async |resource: &str, arguments: Value| {
        if INTEGRATIONS.contains(&resource) {
            let answer = integrations.invoke(resource, arguments);
            let answer = answer.expect("all integrations of the engine are there");
            return answer.map_err(|(error, cause)| TaskFailure::new(error, cause));
        }
        let name = resource.strip_prefix(FUNCTION).unwrap_or(resource);
        calls.borrow_mut().push((name.to_owned(), arguments));
        let answer = scripts
            .borrow_mut()
            .get_mut(name)
            .and_then(VecDeque::pop_front);
        match answer {
            Some(Answer::Returns(value)) => Ok(value),
            Some(Answer::Fails(error)) => {
                let name = error["errorType"].as_str().unwrap_or_default();
                Err(TaskFailure::new(name, error.to_string()))
            }
            Some(Answer::Never) => pending().await,
            None => panic!("{}: one call of {name} too many", case.id),
        }
    };
    let execution = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(run(
            &machine,
            &case.id,
            case.run.input.clone(),
            &tasks,
            &clock,
            &(),
        ));
    (execution, calls.into_inner())
}

/// What differs, in words.
fn compare(
    ours: &Execution,
    our_calls: &[Call],
    theirs: &Ended,
    their_calls: &[Call],
) -> Vec<String> {
    let mut differences = Vec::new();
    let mut check = |what: &str, ours: Value, theirs: Value| {
        if !same(&ours, &theirs) {
            differences.push(format!("{what}: ours {ours}, theirs {theirs}"));
        }
    };
    let (status, output, error, cause) = end(&ours.outcome);
    check("status", json!(status), json!(theirs.status));
    check("output", json!(output), json!(theirs.output));
    check("error", json!(error), json!(theirs.error));
    // The words for what the interpreter itself finds are its own.
    if !error.starts_with("States.") {
        check("cause", json!(cause), json!(theirs.cause));
    }
    check("path", json!(path(ours)), json!(theirs.path));
    check("calls", json!(our_calls), json!(their_calls));
    differences
}

fn end(outcome: &Outcome) -> (&str, Option<&Value>, &str, &str) {
    match outcome {
        Outcome::Succeeded(output) => ("SUCCEEDED", Some(output), "", ""),
        Outcome::Failed { error, cause } => ("FAILED", None, error, cause),
        Outcome::TimedOut => ("TIMED_OUT", None, "", ""),
    }
}

fn ends_as(execution: &Execution, documented: &Value) -> bool {
    let (status, output, error, _) = end(&execution.outcome);
    documented["status"] == status
        && documented.get("output") == output
        && documented["error"].as_str().unwrap_or_default() == error
}

fn path(execution: &Execution) -> Vec<&str> {
    let events = execution.history.iter();
    events
        .filter_map(|event| match &event.kind {
            EventKind::StateEntered { state, .. } => Some(state.as_str()),
            EventKind::ExecutionStarted { .. }
            | EventKind::TaskScheduled { .. }
            | EventKind::TaskSucceeded { .. }
            | EventKind::TaskFailed { .. }
            | EventKind::EvaluationFailed { .. }
            | EventKind::RetryScheduled { .. }
            | EventKind::Caught { .. }
            | EventKind::WaitStarted { .. }
            | EventKind::StateExited { .. }
            | EventKind::ExecutionSucceeded { .. }
            | EventKind::ExecutionFailed { .. }
            | EventKind::ExecutionTimedOut => None,
        })
        .collect()
}

/// Equality of JSON in which 1 and 1.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let found = |(key, a): (&String, &Value)| b.get(key).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(found)
        }
        (a, b) => a == b,
    }
}
