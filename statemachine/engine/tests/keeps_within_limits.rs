//! The limits of Step Functions: what is too large, too long or too much fails here
//! as it would fail there.

use std::cell::Cell;

use engine::{Event, Execution, Machine, Outcome, TaskFailure, Tasks, VirtualClock, run};
use serde_json::{Value, json};

/// Developer guide, "Service quotas".
const DATA: usize = 262_144;
const HISTORY: usize = 25_000;

fn machine(start: &str, states: &Value) -> Machine {
    let definition = json!({"QueryLanguage": "JSONata", "StartAt": start, "States": states});
    Machine::load(&definition.to_string()).expect("a sound definition")
}

fn execute(machine: &Machine, input: Value, tasks: &impl Tasks) -> Execution {
    let clock = VirtualClock::new();
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(run(machine, "test", input, tasks, &clock, &()))
}

fn no_tasks() -> impl Tasks {
    async |resource: &str, _: Value| panic!("{resource} is called")
}

fn error(execution: &Execution) -> &str {
    match &execution.outcome {
        Outcome::Failed { error, .. } => error,
        Outcome::Succeeded(_) | Outcome::TimedOut => "",
    }
}

/// How many events Step Functions would have.
fn events(history: &[Event]) -> usize {
    history.iter().map(|event| event.kind.count()).sum()
}

/// JSON of so many bytes.
fn text(bytes: usize) -> Value {
    json!("x".repeat(bytes - 2))
}

#[test]
fn the_input_of_an_execution_and_what_a_state_leaves_are_limited() {
    let pass = |field: &str, source: &str| {
        let mut state = json!({"Type": "Pass", "End": true});
        state[field] = json!(source);
        machine("Set", &json!({"Set": state}))
    };
    let whole = pass("Output", "{% $states.input %}");
    assert_eq!(error(&execute(&whole, text(DATA), &no_tasks())), "");
    let too_large = execute(&whole, text(DATA + 1), &no_tasks());
    assert_eq!(error(&too_large), "States.DataLimitExceeded");

    // Bytes of UTF-8, not characters.
    let doubled = pass("Output", "{% $states.input & $states.input %}");
    let half = "ä".repeat(DATA / 4);
    let execution = execute(&doubled, json!(half), &no_tasks());
    assert_eq!(error(&execution), "States.DataLimitExceeded");
    let execution = execute(&doubled, json!("ä".repeat(DATA / 4 - 1)), &no_tasks());
    assert_eq!(error(&execution), "");
}

#[test]
fn arguments_are_limited_before_the_task_is_called() {
    let machine = machine(
        "Work",
        &json!({"Work": {"Type": "Task", "Resource": "work", "End": true,
            "Arguments": "{% $states.input & $states.input %}",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]},
            "Caught": {"Type": "Succeed"}}),
    );
    let execution = execute(&machine, text(DATA / 2 + 10), &no_tasks());
    assert_eq!(error(&execution), "States.DataLimitExceeded");
}

#[test]
fn what_is_too_large_can_be_caught_by_its_name_only() {
    let work = |names: &str| {
        machine(
            "Work",
            &json!({"Work": {"Type": "Task", "Resource": "work", "End": true,
                "Catch": [{"ErrorEquals": [names], "Next": "Caught"}]},
                "Caught": {"Type": "Succeed", "Output": "caught"}}),
        )
    };
    let large = async |_: &str, _: Value| Ok(text(DATA + 1));
    let execution = execute(&work("States.DataLimitExceeded"), json!({}), &large);
    assert_eq!(execution.outcome, Outcome::Succeeded(json!("caught")));
    let execution = execute(&work("States.ALL"), json!({}), &large);
    assert_eq!(error(&execution), "States.DataLimitExceeded");
}

#[test]
fn what_is_assigned_together_is_limited() {
    let machine = machine(
        "Set",
        &json!({"Set": {"Type": "Pass", "End": true, "Output": null,
            "Assign": {"a": "{% $states.input %}", "b": "{% $states.input %}"}}}),
    );
    let execution = execute(&machine, text(DATA / 2 - 10), &no_tasks());
    assert_eq!(error(&execution), "");
    let execution = execute(&machine, text(DATA / 2), &no_tasks());
    assert_eq!(error(&execution), "States.DataLimitExceeded");
}

#[test]
fn all_variables_together_are_limited() {
    // One state sets one variable to the input, which nearly fills its limit.
    let chain = |count: usize| {
        let mut states = json!({"Done": {"Type": "Succeed", "Output": null}});
        for n in 0..count {
            let next = match n + 1 < count {
                true => format!("Set{}", n + 1),
                false => "Done".to_owned(),
            };
            states[format!("Set{n}")] = json!({
                "Type": "Pass",
                "Assign": {format!("v{n}"): "{% $states.input %}"},
                "Next": next
            });
        }
        machine("Set0", &states)
    };
    let nearly = text(DATA - 20);
    assert_eq!(error(&execute(&chain(40), nearly.clone(), &no_tasks())), "");
    let execution = execute(&chain(41), nearly, &no_tasks());
    assert_eq!(error(&execution), "States.DataLimitExceeded");
    // It is their size that counts, not their number.
    assert_eq!(error(&execute(&chain(60), text(1000), &no_tasks())), "");
}

#[test]
fn error_and_cause_of_a_failure_are_limited() {
    let failing = |error: &str, cause: &str| {
        machine(
            "Fail",
            &json!({"Fail": {"Type": "Fail", "Error": error, "Cause": cause}}),
        )
    };
    for (name, cause, expected) in [
        ("E".repeat(256), "ä".repeat(32_768), "E".repeat(256)),
        (
            "E".repeat(257),
            String::new(),
            "States.DataLimitExceeded".to_owned(),
        ),
        (
            "E".to_owned(),
            "ä".repeat(32_769),
            "States.DataLimitExceeded".to_owned(),
        ),
    ] {
        let execution = execute(&failing(&name, &cause), json!({}), &no_tasks());
        assert_eq!(error(&execution), expected);

        let task = machine(
            "Work",
            &json!({"Work": {"Type": "Task", "Resource": "work", "End": true}}),
        );
        let fails = async |_: &str, _: Value| Err(TaskFailure::new(name.clone(), cause.clone()));
        assert_eq!(error(&execute(&task, json!({}), &fails)), expected);
    }
}

/// A loop that looks, decides and waits until it is told to stop.
fn polling() -> Machine {
    machine(
        "Look",
        &json!({
            "Look": {"Type": "Task", "Resource": "look", "Assign": {"go": "{% $states.result %}"}, "Next": "Decide",
                "Retry": [{"ErrorEquals": ["Again"], "MaxAttempts": 99_999_999}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"go": true}, "Next": "Decide"}]},
            "Decide": {"Type": "Choice", "Choices": [{"Condition": "{% $go %}", "Next": "Pause"}], "Default": "End"},
            "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Look"},
            "End": {"Type": "Succeed"}
        }),
    )
}

/// Says yes so many times, and then no.
fn yes(times: usize) -> impl Tasks {
    let left = Cell::new(times);
    async move |_: &str, _: Value| {
        let more = left.get();
        left.set(more.saturating_sub(1));
        Ok(json!(more > 0))
    }
}

#[test]
fn events_are_counted_as_step_functions_counts_them() {
    // Started; a look is entered, scheduled, started, answered, left; a decision and a
    // wait are entered and left, and so is the end; succeeded.
    let execution = execute(&polling(), json!({}), &yes(1));
    assert_eq!(
        events(&execution.history),
        1 + (5 + 2 + 2) + (5 + 2) + 2 + 1
    );

    // A retry is a call more: scheduled, started, failed.
    let failures = Cell::new(3);
    let flaky = async |_: &str, _: Value| match failures.replace(failures.get() - 1) {
        3 | 2 => Err(TaskFailure::new("Again", "")),
        _ => Ok(json!(false)),
    };
    let execution = execute(&polling(), json!({}), &flaky);
    assert_eq!(events(&execution.history), 1 + 2 * 3 + (5 + 2) + 2 + 1);
}

#[test]
fn the_last_of_the_events_that_there_may_be_is_a_good_end() {
    let rounds = (HISTORY - 11) / 9;
    let execution = execute(&polling(), json!({}), &yes(rounds));
    assert_eq!(error(&execution), "");
    assert!(events(&execution.history) <= HISTORY);
    assert!(events(&execution.history) > HISTORY - 9);

    let execution = execute(&polling(), json!({}), &yes(rounds + 1));
    assert_eq!(error(&execution), "States.Runtime");
    assert!(events(&execution.history) <= HISTORY);
}

#[test]
fn a_full_history_is_neither_retried_nor_caught() {
    let always = async |_: &str, _: Value| Err(TaskFailure::new("Again", ""));
    let execution = execute(&polling(), json!({}), &always);
    assert_eq!(error(&execution), "States.Runtime");
    assert!(events(&execution.history) <= HISTORY);
}

#[test]
fn a_definition_is_limited() {
    let comment = |length: usize| {
        let text = |comment: &str| {
            format!(
                r#"{{"QueryLanguage":"JSONata","StartAt":"A","Comment":"{comment}","States":{{"A":{{"Type":"Succeed"}}}}}}"#
            )
        };
        let rest = text("").len();
        text(&"x".repeat(length - rest))
    };
    assert!(Machine::load(&comment(1_048_576)).is_ok());
    let refused = Machine::load(&comment(1_048_577)).unwrap_err();
    assert!(refused.to_string().contains("1048576"), "{refused}");
}
