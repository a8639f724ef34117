//! The causes of runs that failed: one form, JSON with its codes, however much there is to
//! tell and whether or not a report could be written.

use engine::{Execution, Machine, Outcome, TaskFailure, Tasks, VirtualClock};
use serde_json::{Value, json};
use shared::handler::call;
use shared::ledger::Phase;
use shared::report::Explained;
use shared::settings::Settings;
use shared::{Code, StepError};
use steps::{Steps, definition, function_of};
use system_tests::aftermath::{recorded, subject};
use system_tests::books::{leases, notices};
use system_tests::run::{Ending, Goal, Stage, block_on, ending, explained};

/// The longest cause of an execution, in characters (Step Functions API reference,
/// "ExecutionFailedEventDetails").
const LONGEST: usize = 32_768;

/// The cause that a `Fail` state of a definition gives of what a run knows.
fn cause(definition: &str, state: &str, known: &Value, tasks: &impl Tasks) -> String {
    let shipped: Value = serde_json::from_str(definition).expect("a definition");
    let mut begin = shipped["States"]["Begin"].clone();
    begin["Next"] = json!("ReportOutcome");
    for (variable, value) in known.as_object().expect("variables") {
        begin["Assign"][variable] = value.clone();
    }
    let mut report = shipped["States"]["ReportOutcome"].clone();
    report["Next"] = json!("End");
    report["Catch"][0]["Next"] = json!("End");
    let machine = json!({"QueryLanguage": "JSONata", "StartAt": "Begin", "States": {
        "Begin": begin,
        "ReportOutcome": report,
        "End": shipped["States"][state],
    }});
    let machine = Machine::load(&machine.to_string()).expect("a sound definition");
    let clock = VirtualClock::new();
    let run = engine::run(&machine, "test", json!({}), tasks, &clock, &());
    let execution = block_on(run);
    let Outcome::Failed { cause, .. } = execution.outcome else {
        panic!("{state} is no failure: {:?}", execution.outcome);
    };
    cause
}

/// `report-outcome`, and nothing else.
struct Reported;

impl Tasks for Reported {
    async fn invoke(&self, resource: &str, mut arguments: Value) -> Result<Value, TaskFailure> {
        assert_eq!(function_of(resource), Some("report-outcome"));
        Settings::take(&mut arguments).expect("settings");
        let answer = call(async |input| report_outcome::handle(&input), arguments).await;
        Ok(answer.expect("a report"))
    }
}

/// Does what is asked, but no report can be written.
struct Unreported<T>(T);

impl<T: Tasks> Tasks for Unreported<T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        if function_of(resource) == Some("report-outcome") {
            return Err(TaskFailure::new("Lambda.Unknown", "the process ended"));
        }
        self.0.invoke(resource, arguments).await
    }
}

/// The cause of a function's error with the longest detail, as expensive as can be.
fn of_function(code: Code) -> String {
    let error = StepError::new(code, "\"\\\u{1}\n".repeat(2000));
    let cause = json!({ "errorType": error.name().as_str(), "errorMessage": error.to_string() });
    let cause = cause.to_string();
    assert!(cause.chars().count() <= 1500, "more than definitions keep");
    cause
}

/// What a run knows that failed with so many things undone and so many left.
fn known(things: usize) -> Value {
    let left = json!({
        "what": format!("security group {}", "\"".repeat(250)),
        "error": Code::AwsAccessDenied.name().as_str(),
        "cause": of_function(Code::AwsAccessDenied),
    });
    json!({
        "connection": subject(&Stage::shipped("fresh-vpc")),
        "failure": {
            "failed_at": "CheckStatus",
            "error": Code::EndpointRejected.name().as_str(),
            "cause": of_function(Code::EndpointRejected),
        },
        "undone": vec!["\"".repeat(500); things],
        "left": vec![left; things],
    })
}

/// The definitions that change a connection, and how they fail.
fn failing() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_provision = ["RolledBack", "KeptAfterFailure", "RollbackIncomplete"];
    let of_deprovision = ["DisconnectRefused", "DisconnectIncomplete"];
    let of_provision = of_provision.map(|state| (definition::PROVISION, state));
    let of_deprovision = of_deprovision.map(|state| (definition::DEPROVISION, state));
    of_provision.into_iter().chain(of_deprovision)
}

/// It is JSON, not too long, and has its codes.
fn read(state: &str, cause: &str) -> Explained {
    let length = cause.chars().count();
    assert!(length <= LONGEST, "{state}: {length} characters");
    let told = explained(state, cause);
    assert_eq!(told.code, Code::EndpointRejected.as_str());
    for left in &told.left {
        assert_eq!(left.code, Code::AwsAccessDenied.as_str());
    }
    told
}

#[test]
fn the_longest_cause_is_json_with_its_codes() {
    for (definition, state) in failing() {
        for (things, kept) in [(0, 0), (1, 1), (6, 6), (10, 10), (40, 31), (60, 31)] {
            let told = cause(definition, state, &known(things), &Reported);
            let told = read(state, &told);
            assert_eq!((told.left.len(), told.undone.len()), (kept, kept));
            assert_eq!(told.fix, Code::EndpointRejected.fix());
            if things > kept {
                let more = format!("and {} more", things - 30);
                assert_eq!([&told.left[30].what, &told.undone[30]], [&more, &more]);
            }
        }
    }
}

#[test]
fn without_a_report_a_cause_has_the_same_form_and_its_codes() {
    for (definition, state) in failing() {
        for (things, kept) in [(0, 0), (1, 1), (30, 30), (60, 30)] {
            let told = cause(definition, state, &known(things), &Unreported(Reported));
            let told = read(state, &told);
            assert_eq!((told.left.len(), told.undone.len()), (kept, kept));
            assert_eq!(told.failed_at, "CheckStatus");
            assert!(
                told.left
                    .iter()
                    .all(|left| left.what.starts_with("security group "))
            );
            assert!(!told.detail.is_empty() && !told.cause.is_empty() && !told.fix.is_empty());
        }
        // What is not said by a function, or not in our words.
        for (error, cause_of_first, code) in [
            (
                "Rejected",
                "connection-busy: after 5 s another execution",
                Code::ConnectionBusy,
            ),
            (
                "Lambda.AWSLambdaException",
                "User: arn:aws:sts::1:x is not authorized",
                Code::StepCrashed,
            ),
            (
                "Sandbox.Timedout",
                r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: x"}"#,
                Code::StepTimedOut,
            ),
            ("States.Timeout", "", Code::StepTimedOut),
            ("States.QueryEvaluationError", "", Code::DefinitionError),
        ] {
            assert_eq!(Code::of_failure(error, cause_of_first), code);
            let mut known = known(1);
            known["failure"]["error"] = json!(error);
            known["failure"]["cause"] = json!(cause_of_first);
            let told = cause(definition, state, &known, &Unreported(Reported));
            let told = explained(state, &told);
            assert_eq!(told.code, code.as_str(), "{error} {cause_of_first}");
            assert_eq!(told.detail, cause_of_first);
        }
    }
}

fn unreported(stage: &Stage, goal: Goal) -> Execution {
    let ports = stage.ports();
    let steps = Steps::in_process(&ports);
    stage.run_by(goal, "unreported", &Unreported(steps))
}

/// The outcome stands, whatever fails.
#[test]
fn without_a_report_a_run_ends_as_it_has_gone() {
    let stage = Stage::shipped("standard-cluster");
    let expected = ending(&stage.forked().provision("reported"));
    let Ending::Ready(expected) = expected else {
        panic!("{expected:?}")
    };
    let Ending::Ready(ready) = ending(&unreported(&stage, Goal::Connect)) else {
        panic!("not ready")
    };
    assert_eq!(ready.host, expected.host);
    assert_eq!(ready.connection_string, expected.connection_string);
    assert_eq!(
        (ready.connection_id, ready.port, ready.notes),
        (expected.connection_id, expected.port, expected.notes)
    );
    let entry = recorded(&stage).expect("an entry");
    assert_eq!(entry.phase, Phase::Ready);
    assert!(entry.ready.is_some() && entry.outcome.is_some());
    assert_announced(&stage, "Connection Ready", Phase::Ready);

    let gone = unreported(&stage, Goal::Disconnect);
    assert!(matches!(gone.outcome, Outcome::Succeeded(_)), "{gone:?}");
    assert_eq!(recorded(&stage), None);
    assert_announced(&stage, "Connection Removed", Phase::Disconnected);

    let stage = Stage::shipped("endpoint-rejected");
    let Ending::Failed(name, failure) = ending(&unreported(&stage, Goal::Connect)) else {
        panic!("ready")
    };
    assert_eq!(name, "RolledBack");
    assert_eq!(failure.code, Code::EndpointRejected.as_str());
    assert_eq!(failure.undone.len(), 3, "{failure:#?}");
    let outcome = recorded(&stage).and_then(|entry| entry.outcome);
    let kept = outcome.and_then(|outcome| outcome.failure);
    assert_eq!(kept.as_ref(), Some(&*failure));
    assert_announced(&stage, "Connection Failed", Phase::RolledBack);
    assert!(stage.simulator.look(leases).is_empty());
}

/// The last notice is about the connection that was asked for.
#[track_caller]
fn assert_announced(stage: &Stage, kind: &str, phase: Phase) {
    let (announced, notice) = stage.simulator.look(notices).pop().expect("a notice");
    assert_eq!((announced.as_str(), notice.phase), (kind, Some(phase)));
    assert_eq!(stage.request["vpc_id"], notice.vpc_id.as_str());
    assert_eq!(stage.request["cluster_id"], notice.cluster_id.as_str());
    assert!(notice.execution.contains("unreported"), "{notice:?}");
}

/// It is told in the same form by both definitions, with what to do or without a report,
/// and nothing is recorded or announced of it.
#[test]
fn a_request_that_cannot_be_read_is_explained() {
    for (goal, name, failed_at) in [
        (Goal::Connect, "RolledBack", "ReadRequest"),
        (Goal::Disconnect, "DisconnectIncomplete", "ReadRemoval"),
    ] {
        let stage = Stage::shipped("fresh-vpc").asking("vpc_id", json!("vpc-0a1b2c3d!"));
        for (execution, fix) in [
            (
                stage.run(goal, "reported"),
                Some(Code::InvalidRequest.fix()),
            ),
            (unreported(&stage, goal), None),
        ] {
            let Ending::Failed(ended, failure) = ending(&execution) else {
                panic!("{goal:?}: {:?}", execution.outcome)
            };
            assert_eq!(
                (ended.as_str(), failure.failed_at.as_str()),
                (name, failed_at)
            );
            assert_eq!(failure.code, Code::InvalidRequest.as_str());
            assert!(fix.is_none_or(|fix| failure.fix == fix), "{failure:#?}");
            assert_eq!((failure.undone, failure.left), (vec![], vec![]));
        }
        assert_eq!(stage.simulator.calls().len(), 0, "{goal:?}");
    }
}
