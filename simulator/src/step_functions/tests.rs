//! Starting and describing runs.

use super::*;
use crate::World;
use crate::calls::Caller;

const MACHINE: &str =
    "arn:aws:states:eu-west-1:111122223333:stateMachine:crdb-privatelink-provision";

fn world() -> World {
    let scenario = Scenario::parse("title = \"t\"\nstory = \"s\"").unwrap();
    World::new(&scenario, OffsetDateTime::UNIX_EPOCH)
}

fn call(world: &mut World, operation: &str, request: Value) -> Result<Value, ApiError> {
    let caller = world.ec2.caller();
    world.step_functions(&caller, operation, &request)
}

fn start(world: &mut World, machine: &str, name: &str, input: &str) -> Result<Value, ApiError> {
    let request = json!({ "stateMachineArn": machine, "name": name, "input": input });
    call(world, "StartExecution", request)
}

/// "StartExecution", API reference: idempotent while the run lasts and the
/// input is the same.
#[test]
fn the_same_name_and_input_are_one_run_while_it_lasts() {
    let mut world = world();
    let first = start(&mut world, MACHINE, "one", "{}").unwrap();
    assert_eq!(start(&mut world, MACHINE, "one", "{}"), Ok(first.clone()));
    let other = start(&mut world, MACHINE, "one", "{\"a\":1}").unwrap_err();
    assert_eq!(other.code, "ExecutionAlreadyExists");
    let arn = first["executionArn"].as_str().unwrap().to_owned();
    assert_eq!(
        arn,
        "arn:aws:states:eu-west-1:111122223333:execution:crdb-privatelink-provision:one"
    );
    let now = world.now;
    let runs = &mut world.step_functions;
    runs.end(&arn, ExecutionStatus::Aborted, None, now);
    let closed = start(&mut world, MACHINE, "one", "{}").unwrap_err();
    assert_eq!(closed.code, "ExecutionAlreadyExists");
    world.now += NAME_KEPT;
    assert!(
        start(&mut world, MACHINE, "one", "{}").is_ok(),
        "90 days later"
    );
    assert_eq!(world.step_functions.executions.len(), 1);
}

#[test]
fn a_run_is_described_as_it_stands() {
    let mut world = world();
    let aliased = format!("{MACHINE}:live");
    let started = start(&mut world, &aliased, "one", "{\"a\":1}").unwrap();
    let arn = started["executionArn"].as_str().unwrap().to_owned();
    let request = json!({ "executionArn": arn });
    let running = call(&mut world, "DescribeExecution", request.clone()).unwrap();
    assert_eq!(running["status"], json!("RUNNING"));
    assert_eq!(running["input"], json!("{\"a\":1}"));
    assert_eq!(running["stateMachineArn"], json!(MACHINE));
    assert_eq!(running.get("stopDate"), None);
    let (now, output) = (world.now, Some("7".to_owned()));
    let runs = &mut world.step_functions;
    runs.end(&arn, ExecutionStatus::Succeeded, output, now);
    runs.end(&arn, ExecutionStatus::Failed, None, now);
    let ended = call(&mut world, "DescribeExecution", request).unwrap();
    assert_eq!(ended["status"], json!("SUCCEEDED"), "it ends once");
    assert_eq!(ended["output"], json!("7"));
    assert_eq!(ended["stopDate"], json!(0.0));
}

#[test]
fn what_breaks_a_rule_is_refused() {
    let mut world = world();
    let long = "a".repeat(81);
    let large = format!("\"{}\"", "a".repeat(LARGEST_INPUT));
    for (machine, name, input, expected) in [
        (MACHINE, "a b", "{}", "InvalidName"),
        (MACHINE, "a:b", "{}", "InvalidName"),
        (MACHINE, "", "{}", "InvalidName"),
        (MACHINE, long.as_str(), "{}", "ValidationException"),
        (MACHINE, "a", "{", "InvalidExecutionInput"),
        (MACHINE, "a", large.as_str(), "ValidationException"),
        ("arn:aws:sns:eu-west-1:1:topic", "a", "{}", "InvalidArn"),
        (
            "arn:aws:states:eu-west-1:111122223333:stateMachine:another",
            "a",
            "{}",
            "StateMachineDoesNotExist",
        ),
    ] {
        let refused = start(&mut world, machine, name, input).unwrap_err();
        assert_eq!(refused.code, expected, "{machine} {name}");
    }
    let unknown = json!({ "stateMachineArn": MACHINE, "nmae": "a" });
    let refused = call(&mut world, "StartExecution", unknown).unwrap_err();
    assert!(refused.message.contains("nmae"), "{refused}");
    let absent = MACHINE.replace(":stateMachine:", ":execution:") + ":one";
    let refused = call(
        &mut world,
        "DescribeExecution",
        json!({ "executionArn": absent }),
    );
    assert_eq!(refused.unwrap_err().code, "ExecutionDoesNotExist");
    let elsewhere = Caller {
        account: "444455556666".to_owned(),
        region: "eu-west-1".to_owned(),
    };
    let request = json!({ "stateMachineArn": MACHINE });
    let refused = world.step_functions(&elsewhere, "StartExecution", &request);
    assert_eq!(refused.unwrap_err().code, "StateMachineDoesNotExist");
    assert!(world.step_functions.executions.is_empty());
}

#[test]
fn a_run_without_a_name_gets_one_of_its_own() {
    let mut world = world();
    let request = json!({ "stateMachineArn": MACHINE });
    let first = call(&mut world, "StartExecution", request.clone()).unwrap();
    let second = call(&mut world, "StartExecution", request).unwrap();
    assert_ne!(first["executionArn"], second["executionArn"]);
    assert_eq!(world.step_functions.executions[0].input, "{}");
}
