//! Holds the definitions to the functions that they call, and to the rules that
//! make a run recoverable. What an interpreter must be able to do with them is
//! tested in `statemachine/engine`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use engine::INTEGRATIONS;
use serde::de::{DeserializeOwned, Deserializer, Error, Visitor, value};
use serde_json::Value;
use shared::StepErrorName;
use shared::progress::Wait;
use shared::report::{Ending, Login};
use shared::request::Limits;
use shared::settings::{SETTINGS, substitution};
use steps::{FUNCTIONS, read_input, resource_name};
use system_tests::documents::{DEFINITIONS, root};
use system_tests::template::function_folders;

/// Those of our errors that may pass. What we do not understand may be a page of some
/// proxy, or a new word for *busy*.
const MAY_PASS: [StepErrorName; 2] = [StepErrorName::Transient, StepErrorName::Unexpected];

/// How a function is called again: whatever went wrong, because every step may be called
/// twice, and Lambda has more ways to fail than are written down; but not what the step
/// itself has called final, a limit that is reached included.
/// A function that is throttled has not been called: waiting changes nothing, so it
/// goes on for minutes and counts for itself.
const FUNCTION_RETRY: &str = r#""Retry": [
    { "ErrorEquals": ["Lambda.TooManyRequestsException"],
      "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxDelaySeconds": 30, "MaxAttempts": 30, "JitterStrategy": "FULL" },
    { "ErrorEquals": ["InvalidInput", "Denied", "Rejected"], "MaxAttempts": 0 },
    { "ErrorEquals": ["States.ALL"],
      "IntervalSeconds": 2, "BackoffRate": 2.0, "MaxDelaySeconds": 60, "MaxAttempts": 7, "JitterStrategy": "FULL" }
]"#;

/// How a direct integration is tried again: whatever went wrong, but a condition
/// that does not hold is an answer.
const DIRECT_RETRY: &str = r#""Retry": [
    { "ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "MaxAttempts": 0 },
    { "ErrorEquals": ["States.ALL"],
      "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxDelaySeconds": 20, "MaxAttempts": 5, "JitterStrategy": "FULL" }
]"#;

/// Functions that no definition calls: they are doors.
const DOORS: [&str; 2] = ["connections-api", "plan-connection"];

/// The integration that writes an item.
const UPDATE: &str = "arn:aws:states:::dynamodb:updateItem";

/// Seconds between the end of the longest run and the end of its lease.
const LEASE_MARGIN: u64 = 600;

/// Error names that do not come from our code (Step Functions developer guide,
/// "Handling errors in Step Functions workflows"; Lambda developer guide,
/// "Orchestrating Lambda functions with Step Functions"). A misspelt one would
/// match nothing, and nobody would notice.
const SERVICE_ERRORS: [&str; 3] = [
    "States.ALL",
    "DynamoDB.ConditionalCheckFailedException",
    "Lambda.TooManyRequestsException",
];

/// A file of `statemachine/`.
struct Definition {
    file: String,
    value: Value,
}

/// A state of type `Task`.
struct Task<'a> {
    definition: &'a Definition,
    name: &'a str,
    state: &'a Value,
}

fn files() -> Vec<PathBuf> {
    let folder = root().join("statemachine");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of the definitions")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(".asl.json"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no definition in {}", folder.display());
    files
}

fn definitions() -> Vec<Definition> {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        Definition {
            file: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            value: serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        }
    };
    files().into_iter().map(read).collect()
}

impl Definition {
    fn states(&self) -> impl Iterator<Item = (&str, &Value)> {
        let states = self.value["States"].as_object().expect("States");
        states.iter().map(|(name, state)| (name.as_str(), state))
    }

    fn states_of(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.states()
            .filter(move |(_, state)| state["Type"].as_str() == Some(kind))
    }

    fn tasks(&self) -> impl Iterator<Item = Task<'_>> {
        self.states_of("Task").map(|(name, state)| Task {
            definition: self,
            name,
            state,
        })
    }

    /// Whether the task is asked again until it is ready.
    fn is_repeated(&self, task: &str) -> bool {
        self.states_of("Wait")
            .any(|(_, wait)| wait["Next"].as_str() == Some(task))
    }

    fn is_provision(&self) -> bool {
        self.file == "provision.asl.json"
    }
}

impl Task<'_> {
    /// For messages.
    fn place(&self) -> String {
        format!("{}, state {}", self.definition.file, self.name)
    }

    fn resource(&self) -> &str {
        self.state["Resource"].as_str().unwrap_or_default()
    }

    /// Whether Step Functions calls a service itself.
    fn is_direct(&self) -> bool {
        INTEGRATIONS.contains(&self.resource())
    }

    /// The function that is called, unless it is a direct integration.
    fn function(&self) -> Option<String> {
        if self.is_direct() {
            return None;
        }
        let resource = self.resource();
        let name = resource
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix("FunctionArn}"))
            .unwrap_or_default();
        let found = function_folders()
            .into_iter()
            .find(|folder| resource_name(folder) == name);
        assert!(
            found.is_some(),
            "{}: {resource} is no function of ours",
            self.place()
        );
        found
    }

    fn retry(&self) -> &'static str {
        if self.is_direct() {
            DIRECT_RETRY
        } else {
            FUNCTION_RETRY
        }
    }

    fn timeout(&self) -> u64 {
        seconds(&self.state["TimeoutSeconds"])
            .unwrap_or_else(|| panic!("{}: no TimeoutSeconds", self.place()))
    }

    /// The most seconds that one visit can take: every attempt takes as long as it
    /// may, and every pause between two of them is as long as its jitter allows.
    fn longest_visit(&self) -> u64 {
        let retriers = self.state["Retry"].as_array().expect("Retry");
        let retries: u64 = retriers.iter().map(|it| self.longest_retries(it)).sum();
        self.timeout() + retries
    }

    /// The most seconds that the retries of one retrier can take.
    fn longest_retries(&self, retry: &Value) -> u64 {
        let attempts = retry["MaxAttempts"].as_u64().expect("MaxAttempts");
        if attempts == 0 {
            return 0;
        }
        let names = texts(&retry["ErrorEquals"]);
        let throttled = names.contains("Lambda.TooManyRequestsException");
        // Who is throttled is told so at once.
        let attempt = if throttled { 1 } else { self.timeout() };
        let cap = seconds(&retry["MaxDelaySeconds"]).expect("MaxDelaySeconds");
        assert_eq!(retry["BackoffRate"].as_f64(), Some(2.0));
        let mut pause = seconds(&retry["IntervalSeconds"]).expect("IntervalSeconds");
        let mut total = 0;
        for _ in 0..attempts {
            total += pause.min(cap) + attempt;
            pause = (pause * 2).min(cap);
        }
        total
    }

    /// The field of the request's limits that bounds the wait of this step.
    fn limit(&self) -> Option<&str> {
        // Of a request to connect, or of one to disconnect.
        const LIMITS: [&str; 2] = ["$request.limits.", "$request."];
        // A function says itself when the limit is reached; for an integration the
        // state that its refusal leads to does.
        let told = self.state["Arguments"]["wait"]["limit_seconds"].as_str();
        let refused = self.state["Catch"][0]["Next"].as_str().unwrap_or_default();
        let choice = &self.definition.value["States"][refused]["Choices"][0]["Condition"];
        let decided = choice.as_str().filter(|_| self.is_direct());
        let limit = told.or(decided)?;
        let (_, name) = LIMITS.iter().find_map(|before| limit.split_once(before))?;
        let end = name.find(|c: char| c != '_' && !c.is_ascii_lowercase());
        Some(&name[..end.unwrap_or(name.len())]).filter(|name| name.ends_with("_seconds"))
    }
}

fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().filter(|seconds| *seconds > 0)
}

fn texts(value: &Value) -> BTreeSet<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The fragment `"Field": …` as a value.
fn fragment(text: &str) -> Value {
    let object: Value = serde_json::from_str(&format!("{{{text}}}")).expect("a JSON fragment");
    object["Retry"].clone()
}

/// Where a state can lead to: every `Next` and `Default` within it.
fn targets<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    if let Value::Array(values) = value {
        values.iter().for_each(|value| targets(value, found));
    }
    for (field, value) in value.as_object().into_iter().flatten() {
        match value.as_str() {
            Some(name) if field == "Next" || field == "Default" => found.push(name),
            _ => targets(value, found),
        }
    }
}

/// Runs asl-validator over the files, and installs it first if need be.
fn asl_validator(files: &[PathBuf]) -> Output {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = Command::new(tests.join("node-env"))
        .arg(tests.join("asl-validator"))
        .output()
        .expect("tests/node-env can be run");
    let complaint = String::from_utf8_lossy(&made.stderr);
    assert!(
        made.status.success(),
        "asl-validator is missing:\n{complaint}"
    );
    let environment = PathBuf::from(String::from_utf8_lossy(&made.stdout).trim());
    Command::new("node")
        .arg(environment.join("node_modules/asl-validator/dist/bin/asl-validator.js"))
        .args(
            files
                .iter()
                .flat_map(|file| ["--json-path".as_ref(), file.as_os_str()]),
        )
        .output()
        .expect("node runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn asl_validator_accepts_every_definition() {
    let output = asl_validator(&files());
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn asl_validator_refuses_a_transition_to_nowhere() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("leads-to-nowhere.asl.json");
    let broken = r#"{
        "QueryLanguage": "JSONata",
        "StartAt": "Begin",
        "States": {
            "Begin": { "Type": "Pass", "Next": "Nowhere" },
            "End": { "Type": "Succeed" }
        }
    }"#;
    std::fs::write(&path, broken).expect("a writable folder");
    let output = asl_validator(&[path]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("Nowhere"), "{}", said(&output));
}

#[test]
fn every_definition_is_laid_out() {
    let mut laid_out = DEFINITIONS.map(|path| root().join(path));
    laid_out.sort();
    assert_eq!(files(), laid_out);
}

#[test]
fn every_state_says_why_it_is_there() {
    for definition in definitions() {
        let comment = |value: &Value| value["Comment"].as_str().unwrap_or_default().trim().len();
        assert!(comment(&definition.value) > 0, "{}", definition.file);
        for (name, state) in definition.states() {
            assert!(comment(state) > 0, "{}: {name}", definition.file);
        }
    }
}

#[test]
fn a_folder_a_function_and_a_task_have_one_name() {
    let folders = function_folders();
    let mut used: BTreeSet<String> = DOORS.map(str::to_owned).into();
    let mut known = used.clone();
    known.extend(FUNCTIONS.map(str::to_owned));
    assert_eq!(
        known, folders,
        "the table in statemachine/steps/src/lib.rs, the doors and the folders"
    );

    for definition in definitions() {
        for task in definition.tasks() {
            let Some(function) = task.function() else {
                continue;
            };
            assert!(
                task.name.starts_with(&resource_name(&function)),
                "{}: calls {function}",
                task.place()
            );
            used.insert(function);
        }
    }
    assert_eq!(
        used, folders,
        "the tasks of statemachine/*.asl.json, the doors and the folders"
    );
}

#[test]
fn a_task_is_retried_as_its_direction_asks_for() {
    for definition in definitions() {
        for task in definition.tasks() {
            // As texts, so that the order counts too: one search finds them all.
            let retry = task.state["Retry"].to_string();
            assert_eq!(
                retry,
                fragment(task.retry()).to_string(),
                "{}",
                task.place()
            );
        }
        let blocks = definition.value.to_string().matches("\"Retry\":").count();
        assert_eq!(blocks, definition.tasks().count(), "{}", definition.file);
    }
}

#[test]
fn every_handled_error_exists() {
    let ours = StepErrorName::ALL.map(StepErrorName::as_str);
    for definition in definitions() {
        for task in definition.tasks() {
            for field in ["Retry", "Catch"] {
                for handler in task.state[field].as_array().into_iter().flatten() {
                    let names = texts(&handler["ErrorEquals"]);
                    assert!(!names.is_empty(), "{}: {field}", task.place());
                    for name in names {
                        assert!(
                            ours.contains(&name) || SERVICE_ERRORS.contains(&name),
                            "{}: {field} names {name}",
                            task.place()
                        );
                    }
                }
            }
        }
    }
}

/// The rest is what somebody has said, a refusal, or a limit.
#[test]
fn of_our_errors_those_are_tried_again_that_may_pass() {
    let final_ones = fragment(FUNCTION_RETRY);
    let final_ones = texts(&final_ones[1]["ErrorEquals"]);
    let tried: Vec<&str> = StepErrorName::ALL
        .map(StepErrorName::as_str)
        .into_iter()
        .filter(|name| !final_ones.contains(name))
        .collect();
    assert_eq!(tried, MAY_PASS.map(StepErrorName::as_str));
}

/// Whether the `Assign` of a Choice counts where a rule has matched is told in two
/// ways: the developer guide and one interpreter say yes, the States Language says
/// no. That of a rule is told in one way only.
#[test]
fn no_choice_assigns_beside_its_rules() {
    for definition in definitions() {
        for (name, choice) in definition.states_of("Choice") {
            for field in ["Assign", "Output"] {
                assert!(
                    choice.get(field).is_none(),
                    "{}: {name} has {field} of its own; a Pass after it reads alike everywhere",
                    definition.file
                );
            }
        }
    }
}

/// A list of one may come back from these as that one: one interpreter does so, and
/// what AWS does is not written down. In brackets it is a list everywhere.
#[test]
fn a_list_of_one_stays_a_list_in_every_interpreter() {
    let mut found = 0;
    for definition in definitions() {
        let text = definition.value.to_string();
        for function in [
            "distinct", "filter", "map", "sort", "reverse", "keys", "each",
        ] {
            for (at, call) in text.match_indices(&format!("${function}(")) {
                assert!(
                    text[..at].ends_with('['),
                    "{}: {call} in brackets",
                    definition.file
                );
                found += 1;
            }
        }
    }
    assert!(found > 0, "no such call: this test can go");
}

/// `$progress` is what any step has answered last, so a state that comes later would read
/// another step's answer as soon as there is one in between.
#[test]
fn the_last_answer_is_read_only_where_it_was_asked_for() {
    for definition in definitions() {
        let waits: Vec<_> = definition.states_of("Wait").collect();
        let asked = |name: &str| waits.iter().any(|(_, wait)| wait["Next"] == name);
        let tasks = definition.tasks().filter(|task| asked(task.name));
        let chooses = tasks.filter_map(|task| task.state["Next"].as_str());
        let chooses: BTreeSet<&str> = chooses.collect();
        for (name, state) in definition.states() {
            let may = state["Type"] == "Wait" || asked(name) || chooses.contains(name);
            assert!(
                may || !state.to_string().contains("$progress"),
                "{}: {name} reads $progress: let the choice that finds it ready assign what is \
                 needed later to a variable of its own",
                definition.file
            );
        }
    }
}

#[test]
fn every_task_catches_whatever_is_left() {
    for definition in definitions() {
        for task in definition.tasks() {
            let catchers = task.state["Catch"].as_array().into_iter().flatten();
            let last = catchers.last().unwrap_or(&Value::Null);
            let names: Vec<&str> = texts(&last["ErrorEquals"]).into_iter().collect();
            assert_eq!(names, ["States.ALL"], "{}", task.place());
        }
    }
}

#[test]
fn the_step_says_how_long_to_wait() {
    for definition in definitions() {
        for (name, wait) in definition.states_of("Wait") {
            let place = format!("{}, state {name}", definition.file);
            let next = wait["Next"].as_str().unwrap_or_default();
            let asked = &definition.value["States"][next];
            assert_eq!(asked["Type"], "Task", "{place}");
            if asked["Resource"] == UPDATE {
                // Nobody is there to say how long, so the pace is always the same.
                assert!(seconds(&wait["Seconds"]).is_some(), "{place}");
                continue;
            }
            assert_eq!(
                wait["Seconds"], "{% $progress.value.wait_seconds %}",
                "{place}"
            );
            // What is neither is an error of the step, in an undo as well.
            assert_eq!(
                asked["Assign"]["progress"], "{% $states.result[status in ['ready', 'pending']] %}",
                "{place}"
            );
        }
    }
}

#[test]
fn a_task_that_is_asked_again_has_a_limit_and_no_other_task_has_one() {
    for definition in definitions() {
        for task in definition.tasks() {
            let repeated = definition.is_repeated(task.name);
            assert_eq!(task.limit().is_some(), repeated, "{}", task.place());
        }
    }
}

#[test]
fn the_failures_are_the_endings_of_a_report() {
    let endings: BTreeSet<String> = Ending::ALL.map(|it| it.as_str().to_owned()).into();
    let mut fails = BTreeSet::new();
    // Those that change a connection have a lease, and report what became of it.
    let definitions = definitions().into_iter();
    for definition in definitions.filter(|it| it.tasks().any(|task| is_lease(&task))) {
        let of_it = definition.states_of("Fail");
        fails
            .extend(of_it.map(|(_, state)| state["Error"].as_str().unwrap_or_default().to_owned()));
    }
    assert_eq!(fails, endings);
}

/// A machine that times out undoes nothing, so that must never happen. A wait
/// can outlast its limit by two visits: the last look before the limit may be
/// slow, and so may the one that says that the limit is reached.
#[test]
fn no_run_takes_longer_than_its_machine() {
    let longest: BTreeMap<&str, u64> = Limits::MAX.named().into();
    for definition in definitions() {
        let mut used = BTreeSet::new();
        let mut total = 0;
        for task in definition.tasks() {
            total += task.longest_visit();
            if let Some(limit) = task.limit() {
                total += longest[limit] + task.longest_visit();
                used.insert(limit.to_owned());
            }
        }
        let machine = seconds(&definition.value["TimeoutSeconds"]);
        assert!(
            machine > Some(total),
            "{}: a run can take {total} s, and the machine ends after {machine:?}: raise \
             TimeoutSeconds, and :until in TakeLease",
            definition.file
        );
        if definition.is_provision() {
            let named: BTreeSet<String> = longest.keys().map(|name| (*name).to_owned()).collect();
            assert_eq!(used, named, "every limit bounds some wait");
        }
    }
}

/// A lease that ended before its run would let two runs change one VPC.
#[test]
fn a_lease_outlasts_every_run_that_holds_it() {
    let mut leases = 0;
    for definition in definitions() {
        for task in definition.tasks().filter(|task| is_lease(task)) {
            let machine = seconds(&definition.value["TimeoutSeconds"]).expect("TimeoutSeconds");
            let values = &task.state["Arguments"]["ExpressionAttributeValues"];
            let until = format!(
                "{{% $string($floor($toMillis($states.context.Execution.StartTime) / 1000) + {}) %}}",
                machine + LEASE_MARGIN
            );
            assert_eq!(values[":until"]["N"], until, "{}", task.place());
            leases += 1;
        }
    }
    assert!(leases > 0);
}

fn is_lease(task: &Task<'_>) -> bool {
    task.resource() == UPDATE && task.state["Arguments"]["TableName"] == "${LeasesTable}"
}

/// The condition of the way that a run takes which never knew its connection.
const NO_CONNECTION: &str = "{% $connection = null %}";

/// A run that holds a lease leads through its release, however it ends. It knows its
/// connection: the lease is that of its VPC, and no state loses it again.
#[test]
fn every_lease_is_given_back_on_every_way() {
    for definition in definitions() {
        for (name, state) in definition.states() {
            let loses = state.to_string().contains("\"connection\":null");
            let begins = definition.value["StartAt"] == name;
            assert!(begins || !loses, "{}: {name}", definition.file);
        }
        let Some(taken) = definition.tasks().find(is_lease) else {
            continue;
        };
        let release = definition
            .tasks()
            .filter(|task| task.resource() == "arn:aws:states:::dynamodb:deleteItem")
            .find(|task| task.state["Arguments"]["TableName"] == "${LeasesTable}")
            .expect("a release");
        let mut open = vec![taken.state["Next"].as_str().expect("Next")];
        let mut seen = BTreeSet::new();
        while let Some(name) = open.pop() {
            if name == release.name || !seen.insert(name) {
                continue;
            }
            let state = &definition.value["States"][name];
            let ends = ["Succeed", "Fail"].contains(&state["Type"].as_str().unwrap_or_default());
            assert!(
                !ends,
                "{}: {name} is reached with the lease",
                definition.file
            );
            match state["Choices"].as_array() {
                Some(rules) => {
                    let rules = rules.iter();
                    let ways = rules.filter(|rule| rule["Condition"] != NO_CONNECTION);
                    ways.for_each(|rule| targets(rule, &mut open));
                    open.extend(state["Default"].as_str());
                }
                None => targets(state, &mut open),
            }
        }
        assert!(seen.len() > 10, "{}", definition.file);
    }
}

/// What a run writes into the ledger on its way never changes the run, is written
/// in one form, and only while the entry is the run's own. The first entry is
/// another matter: it makes the entry the run's own, and without it nothing is made.
#[test]
fn what_is_recorded_has_one_form() {
    let mut recorded = 0;
    for definition in definitions() {
        let writes = definition
            .tasks()
            .filter(|task| task.state["Arguments"]["TableName"] == "${ConnectionsTable}")
            .filter(|task| task.resource() == UPDATE);
        for task in writes {
            let place = task.place();
            assert!(task.name.starts_with("Record"), "{place}");
            let arguments = &task.state["Arguments"];
            let key =
                serde_json::json!({"connection_id": {"S": "{% $connection.connection_id %}"}});
            assert_eq!(arguments["Key"], key, "{place}");
            let sets = check_update(arguments, &place);
            if !sets.contains("execution") {
                assert_eq!(
                    arguments["ConditionExpression"], "execution = :me",
                    "{place}"
                );
                // What is written and lasts need not be kept in the world.
                let assigned = task.state["Assign"].as_object();
                let assigned = assigned.into_iter().flat_map(|it| it.keys());
                assert!(assigned.eq(assigned_by(task.name)), "{place}");
                let catch = &task.state["Catch"][0];
                assert_eq!(catch["Next"], task.state["Next"], "{place}");
                assert!(catch["Assign"].is_null(), "{place}");
                recorded += 1;
            }
        }
    }
    assert!(recorded > 5);
}

/// What a state that records something tells the others.
fn assigned_by(name: &str) -> &'static [&'static str] {
    match name {
        "RecordEndpoint" => &["remembered"],
        _ => &[],
    }
}

/// A wait lasts while the same state is asked again, so nothing can forget to begin the
/// next one.
#[test]
fn a_wait_begins_with_the_state_that_waits() {
    let mut waits = 0;
    for definition in definitions() {
        for task in definition.tasks() {
            let name = task.name;
            let since = format!("{{% $waiting.for = '{name}' ? $waiting.since : $now() %}}");
            let waiting = serde_json::json!({ "for": name, "since": since });
            let asked = &task.state["Arguments"]["wait"];
            let noted = [
                &task.state["Assign"]["waiting"],
                &task.state["Catch"][0]["Assign"]["waiting"],
            ];
            let expected = match name {
                // Nobody is asked how long; another execution has it.
                "TakeLease" => [&serde_json::Value::Null, &waiting],
                _ if asked.is_null() => [&serde_json::Value::Null; 2],
                // One look.
                _ if asked["limit_seconds"] == 0 => [&serde_json::Value::Null; 2],
                _ => {
                    assert_eq!(asked["since"], since, "{}", task.place());
                    waits += 1;
                    [&waiting, &serde_json::Value::Null]
                }
            };
            assert_eq!(noted, expected, "{}", task.place());
        }
        let others = definition.states().filter(|(name, state)| {
            let begins = definition.value["StartAt"] == *name;
            state["Type"] != "Task" && !begins && state.to_string().contains("\"waiting\":")
        });
        assert_eq!(others.count(), 0, "{}", definition.file);
    }
    assert!(waits > 10);
}

/// The attributes that are set are those of the ledger, each to the value of its
/// name, and phase, timeline and time are always among them. Answers the others.
fn check_update<'a>(arguments: &'a Value, place: &str) -> BTreeSet<&'a str> {
    let expression = arguments["UpdateExpression"].as_str().unwrap_or_default();
    let expression = expression.trim_start_matches("{% '");
    let common = "SET phase = :phase, timeline = :timeline, updated_at = :now";
    let more = expression
        .strip_prefix(common)
        .unwrap_or_else(|| panic!("{place}: {expression}"));
    let more = more.split('\'').next().unwrap_or_default();
    let (more, removed) = more.split_once(" REMOVE ").unwrap_or((more, ""));
    for attribute in removed.split(", ").filter(|it| !it.is_empty()) {
        assert!(ATTRIBUTES.contains(&attribute), "{place}: {attribute}");
    }
    let mut attributes = BTreeSet::new();
    let mut values: BTreeSet<&str> = [":phase", ":timeline", ":now", ":me"].into();
    for set in more.split(", ").filter(|set| !set.is_empty()) {
        let (attribute, value) = set.split_once(" = ").unwrap_or_default();
        assert_eq!(
            (attribute == "execution").then_some(value),
            (value == ":me").then_some(":me"),
            "{place}: {set}"
        );
        let attribute = attribute.trim_start_matches('#');
        assert!(ATTRIBUTES.contains(&attribute), "{place}: {attribute}");
        attributes.insert(attribute);
        if value != ":me" {
            assert_eq!(value, format!(":{attribute}"), "{place}");
            values.insert(value);
        }
    }
    assert_eq!(
        keys(&arguments["ExpressionAttributeValues"]),
        values,
        "{place}"
    );
    let values = &arguments["ExpressionAttributeValues"];
    // How the connection stands is not always how far the run has come.
    let tells = ["RecordFormer", "RecordOutcome"]
        .iter()
        .any(|it| place.ends_with(it));
    let phase = match tells && place.starts_with("provision") {
        true => "{% $stands_as %}",
        false => "{% $timeline[-1].phase %}",
    };
    for (name, expected) in [
        (":phase", phase),
        (":timeline", "{% $string($timeline) %}"),
        (":now", "{% $now() %}"),
        (":me", "{% $states.context.Execution.Id %}"),
    ] {
        assert_eq!(values[name]["S"], expected, "{place}: {name}");
    }
    attributes
}

/// What an entry of the ledger may hold, besides phase, timeline and time.
const ATTRIBUTES: [&str; 18] = [
    "account_id",
    "asked",
    "expires_at",
    "generation",
    "ready",
    "stands_since",
    "region",
    "vpc_id",
    "cluster_id",
    "cluster_name",
    "request",
    "execution",
    "started_at",
    "endpoint_id",
    "security_group_id",
    "service_name",
    "registrations",
    "outcome",
];

#[test]
fn the_arguments_of_a_task_are_the_input_of_its_function() {
    let nested = BTreeMap::from([
        ("wait", fields_of::<Wait>()),
        ("login", fields_of::<Login>()),
        ("status", fields_of::<tag_vpc::Status>()),
    ]);
    for definition in definitions() {
        for task in definition.tasks() {
            let place = task.place();
            let arguments = &task.state["Arguments"];
            let Some(function) = task.function() else {
                continue;
            };
            let mut given = keys(arguments);
            assert!(given.remove("settings"), "{place}");
            assert_eq!(arguments["settings"], "{% $settings %}", "{place}");
            if function == "start-executions" {
                // A door: what it takes is told by its form, not by its fields.
                continue;
            }
            assert_eq!(given, input_of(&function), "{place}");
            if ["read-request", "read-removal"].contains(&function.as_str()) {
                // As it is: whatever it is, the function says what is wrong with it.
                assert_eq!(arguments["request"], "{% $states.input %}", "{place}");
            }
            for (field, value) in arguments.as_object().into_iter().flatten() {
                if value.is_object() {
                    let known = nested.get(field.as_str());
                    assert_eq!(Some(&keys(value)), known, "{place}: {field}");
                }
            }
        }
    }
}

/// Every setting, so that no version of a function falls back to the environment that
/// it was made with; once, so that a run ends with the settings that it began with.
#[test]
fn the_first_state_tells_every_setting_and_no_other_state_does() {
    let expected: serde_json::Map<String, Value> = SETTINGS
        .into_iter()
        .map(|name| {
            let stands = format!("${{{}}}", substitution(name));
            (name.to_ascii_lowercase(), Value::from(stands))
        })
        .collect();
    for definition in definitions() {
        let first = definition.value["StartAt"].as_str().unwrap_or_default();
        for (name, state) in definition.states() {
            let place = format!("{}, state {name}", definition.file);
            if name == first {
                assert_eq!(state["Type"], "Pass", "{place}: nothing is called before");
                assert_eq!(
                    state["Assign"]["settings"],
                    Value::Object(expected.clone()),
                    "{place}"
                );
            } else {
                // The text of a state is enough: nobody else may say the word but to
                // pass them on.
                let mut rest = state.clone();
                if rest["Arguments"]["settings"] == "{% $settings %}" {
                    rest["Arguments"]["settings"] = Value::Null;
                }
                assert!(!rest.to_string().contains("$settings"), "{place}");
                assert!(!assigns(&rest, "settings"), "{place}");
            }
        }
    }
}

/// Whether a state assigns a variable, at any depth.
fn assigns(value: &Value, variable: &str) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| assigns(value, variable)),
        Value::Object(members) => members.iter().any(|(field, value)| {
            (field == "Assign" && !value[variable].is_null()) || assigns(value, variable)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys().map(String::as_str))
        .collect()
}

/// The fields of a function's input.
fn input_of(function: &str) -> BTreeSet<&'static str> {
    learned(|fields| {
        let _ = read_input(function, fields).expect("a function of the table");
    })
}

/// The fields that a struct reads, optional ones included: decoding a payload
/// would not notice that one of those is missing.
fn fields_of<T: DeserializeOwned>() -> BTreeSet<&'static str> {
    learned(|fields| {
        let _ = T::deserialize(fields);
    })
}

fn learned(read: impl FnOnce(FieldsOnly<'_>)) -> BTreeSet<&'static str> {
    let mut fields = None;
    read(FieldsOnly(&mut fields));
    let fields = fields.expect("a struct with named fields");
    fields.iter().copied().collect()
}

/// Learns the fields of a struct and has no values for them.
struct FieldsOnly<'a>(&'a mut Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for FieldsOnly<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = Some(fields);
        Err(Error::custom("the fields are known"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        Err(Error::custom("not a struct with named fields"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier
        ignored_any
    }
}
