//! The causes of runs that failed: JSON with its codes, however much there is to tell.

use engine::{Machine, Outcome, Tasks, VirtualClock, run};
use serde_json::{Value, json};
use shared::report::Failure;
use shared::{Code, StepError};
use steps::definition;
use system_tests::run::block_on;

/// The longest cause of an execution, in characters (Step Functions API reference,
/// "ExecutionFailedEventDetails").
const LONGEST: usize = 32_768;

/// The cause that a `Fail` state of a definition gives of what a run knows.
fn cause(definition: &str, state: &str, known: Value) -> String {
    let shipped: Value = serde_json::from_str(definition).expect("a definition");
    let assigned = json!({
        "failure": "{% $states.input.failure %}",
        "undone": "{% [$states.input.undone] %}",
        "left": "{% [$states.input.left] %}",
    });
    let mut write = shipped["States"]["WriteCause"].clone();
    write["Next"] = json!("End");
    let machine = json!({"QueryLanguage": "JSONata", "StartAt": "Begin", "States": {
        "Begin": {"Type": "Pass", "Assign": assigned, "Next": "WriteCause"},
        "WriteCause": write,
        "End": shipped["States"][state],
    }});
    let machine = Machine::load(&machine.to_string()).expect("a sound definition");
    let clock = VirtualClock::new();
    let tasks = no_tasks();
    let execution = block_on(run(&machine, "test", known, &tasks, &clock, &()));
    let Outcome::Failed { cause, .. } = execution.outcome else {
        panic!("{state} is no failure");
    };
    cause
}

fn no_tasks() -> impl Tasks {
    async |resource: &str, _: Value| panic!("{resource} is called")
}

/// The cause of a function's error with the longest detail, as expensive as can be.
fn of_function(code: Code) -> String {
    let error = StepError::new(code, "\"\\\u{1}\n".repeat(2000));
    let cause = json!({ "errorType": error.name().as_str(), "errorMessage": error.to_string() });
    let cause = cause.to_string();
    assert!(cause.chars().count() <= 1500, "more than definitions keep");
    cause
}

#[test]
fn the_longest_cause_is_json_with_its_codes() {
    let first = json!({
        "failed_at": "CheckStatus",
        "error": Code::EndpointRejected.name().as_str(),
        "cause": of_function(Code::EndpointRejected),
    });
    for (definition, states) in [
        (
            definition::PROVISION,
            &["RolledBack", "KeptAfterFailure", "RollbackIncomplete"][..],
        ),
        (
            definition::DEPROVISION,
            &["DisconnectRefused", "DisconnectIncomplete"],
        ),
    ] {
        for (state, things, kept) in states.iter().flat_map(|state| {
            [(0, 0), (1, 1), (6, 6), (10, 10), (60, 11)].map(|(all, kept)| (state, all, kept))
        }) {
            let left = json!({
                "what": format!("security group {}", "x".repeat(250)),
                "error": Code::AwsAccessDenied.name().as_str(),
                "cause": of_function(Code::AwsAccessDenied),
            });
            let known = json!({
                "failure": first,
                "undone": vec!["\"".repeat(500); things],
                "left": vec![left; things],
            });
            let cause = cause(definition, state, known);
            let length = cause.chars().count();
            assert!(length <= LONGEST, "{state}: {length} characters");
            let told = Failure::parse(&cause).expect("JSON");
            assert_eq!(told.code(), Code::EndpointRejected);
            assert_eq!((told.left.len(), told.undone.len()), (kept, kept));
            for left in &told.left {
                assert_eq!(left.code(), Code::AwsAccessDenied, "{}", left.cause);
            }
            if things > kept {
                assert_eq!(told.left[10].what, "and 50 more");
                assert_eq!(told.undone[10], "and 50 more");
            }
        }
    }
}
