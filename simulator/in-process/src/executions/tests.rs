//! Runs over the Step Functions of the world.

use simulator::step_functions::ExecutionStatus;

use super::*;
use crate::stage::{Stage, at_once};

fn start(stage: &Stage, name: &str, input: &Value) -> Result<Start, StepError> {
    at_once(stage.ports.start(Machine::Provision, name, input))
}

#[test]
fn a_name_is_one_run_while_it_lasts_and_taken_afterwards() {
    let stage = Stage::shipped("fresh-vpc");
    let input = json!({ "vpc_id": "vpc-1" });
    let execution =
        "arn:aws:states:eu-west-1:111122223333:execution:crdb-privatelink-provision:one";
    let running = Start::Running {
        execution: execution.to_owned(),
    };
    assert_eq!(start(&stage, "one", &input), Ok(running.clone()));
    assert_eq!(start(&stage, "one", &input), Ok(running));
    assert_eq!(start(&stage, "one", &json!({})), Ok(Start::NameTaken));
    let other = at_once(stage.ports.start(Machine::Deprovision, "one", &input));
    assert!(matches!(other, Ok(Start::Running { .. })), "{other:?}");
    assert_eq!(stage.ports.started().len(), 2);
    stage.ports.end_run(execution, ExecutionStatus::Succeeded);
    assert_eq!(start(&stage, "one", &input), Ok(Start::NameTaken));
    stage.advance(91 * 24 * 3600);
    assert!(matches!(
        start(&stage, "one", &input),
        Ok(Start::Running { .. })
    ));
}

#[test]
fn a_run_is_found_by_its_name_and_by_its_arn() {
    let stage = Stage::shipped("fresh-vpc");
    let input = json!({ "vpc_id": "vpc-1" });
    start(&stage, "one", &input).unwrap();
    let standing = |name: &str| at_once(stage.ports.standing(Machine::Provision, name)).unwrap();
    let running = standing("one").unwrap();
    assert_eq!(
        (running.status.as_str(), &running.input),
        ("RUNNING", &input)
    );
    stage
        .ports
        .end_run(&running.execution, ExecutionStatus::Aborted);
    assert_eq!(standing(&running.execution).unwrap().status, "ABORTED");
    assert_eq!(standing("two"), None);
}

#[test]
fn a_name_that_cannot_be_has_our_code() {
    let stage = Stage::shipped("fresh-vpc");
    for name in ["", "a b", "a/b", &"a".repeat(81)] {
        let error = start(&stage, name, &json!({})).unwrap_err();
        assert_eq!(error.code, Code::UnexpectedAwsAnswer, "{name}");
    }
}
