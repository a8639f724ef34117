//! Runs over the wire of Step Functions.

use adapters::executions::StepFunctions;
use serde_json::{Value, json};
use shared::Code;
use shared::config::Setting;
use shared::executions::{Executions, Machine, Machines, Start};

use crate::stage::{RUN, Stage, machines, once, says};
use crate::stub::{Stub, aws, body, exception, ok, unreadable};

async fn executions(stub: &Stub) -> StepFunctions {
    StepFunctions::new(&aws(&stub.url()).await, machines())
}

fn described(status: &str) -> Value {
    json!({
        "executionArn": RUN,
        "stateMachineArn": "arn:aws:states:eu-west-1:111122223333:stateMachine:crdb-privatelink-provision",
        "name": "one",
        "status": status,
        "startDate": 1_795_370_400.25,
        "input": r#"{"a": 1}"#,
        "inputDetails": {"included": true},
    })
}

/// The operation of a request, and its input.
fn asked(request: &str) -> (String, Value) {
    let target = request
        .lines()
        .find_map(|line| line.strip_prefix("x-amz-target: AWSStepFunctions."));
    (target.unwrap().to_owned(), body(request))
}

#[tokio::test]
async fn a_run_is_started_under_its_name() {
    let started = ok(&json!({"executionArn": RUN, "startDate": 1_795_370_400.25}));
    let stub = Stub::answering([started]).await;
    let executions = executions(&stub).await;
    for machine in [
        Machine::Provision,
        Machine::Deprovision,
        Machine::CheckFleet,
    ] {
        let start = executions.start(machine, "one", &json!({"a": 1})).await;
        let execution = RUN.to_owned();
        assert_eq!(start.unwrap(), Start::Running { execution });
    }
    let start = |machine: &str| {
        let input = json!({
            "stateMachineArn": format!("arn:aws:states:eu-west-1:111122223333:stateMachine:crdb-privatelink-{machine}"),
            "name": "one",
            "input": r#"{"a":1}"#,
        });
        ("StartExecution".to_owned(), input)
    };
    let requests: Vec<_> = stub.requests().iter().map(|it| asked(it)).collect();
    assert_eq!(
        requests,
        [
            start("provision:live"),
            start("deprovision"),
            start("check-fleet:7")
        ]
    );
}

/// A word that came later than this program is handed on.
#[tokio::test]
async fn a_status_that_nobody_knows_keeps_its_word() {
    let stub = Stub::answering([ok(&described("RESTING"))]).await;
    let executions = executions(&stub).await;
    let standing = executions.standing(Machine::Provision, "one").await;
    assert_eq!(standing.unwrap().unwrap().status, "RESTING");
}

#[tokio::test]
async fn an_input_that_is_not_json_is_no_input() {
    let mut run = described("RUNNING");
    run["input"] = json!("{");
    let stub = Stub::answering([ok(&run)]).await;
    let executions = executions(&stub).await;
    let error = executions.standing(Machine::Provision, "one").await;
    assert_eq!(error.unwrap_err().code, Code::UnexpectedAwsAnswer);
}

#[tokio::test]
async fn what_step_functions_says_and_what_cannot_be_read_has_its_code() {
    let named = [
        (
            exception(400, "StateMachineDeleting"),
            Code::MachineNotFound,
        ),
        (exception(503, "SomethingNew"), Code::AwsUnavailable),
    ];
    let unreadable = unreadable().map(|canned| (canned, Code::AwsUnavailable));
    for (canned, code) in named.into_iter().chain(unreadable) {
        let stub = Stub::answering([canned.clone()]).await;
        let executions = StepFunctions::new(&once(aws(&stub.url()).await), machines());
        let started = executions
            .start(Machine::Provision, "one", &json!({}))
            .await;
        let seen = executions.standing(Machine::Provision, "one").await;
        for error in [started.unwrap_err(), seen.unwrap_err()] {
            assert_eq!(error.code, code, "{canned}: {error}");
            assert!(error.detail.starts_with("Step Functions "), "{error}");
        }
    }
}

#[tokio::test]
async fn a_machine_that_is_not_configured_is_named() {
    let stage = Stage::new().await;
    let unset = Machines {
        deprovision: Setting::new("DEPROVISION_MACHINE", None),
        ..machines()
    };
    let executions = StepFunctions::new(&stage.aws().await, unset);
    let machine = Machine::Deprovision;
    let started = executions.start(machine, "one", &json!({})).await;
    let seen = executions.standing(machine, "one").await;
    for error in [started.unwrap_err(), seen.unwrap_err()] {
        says(
            &error,
            Code::ConfigurationInvalid,
            "DEPROVISION_MACHINE is not set",
        );
    }
    assert_eq!(stage.sim.calls(), []);
}
