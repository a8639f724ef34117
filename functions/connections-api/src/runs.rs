//! Runs under their names ([`shared::executions::names`]).

use serde_json::Value;
use shared::executions::{Executions, Machine, Start};
use shared::gateway::Refusal;
use shared::{Code, StepError};

/// How many names are tried. A name is used up for 90 days once its run has ended
/// (Step Functions API reference, `StartExecution`).
const NAMES: u32 = 10;

/// The execution status of a run that is under way (Step Functions API reference,
/// `DescribeExecution`).
const RUNNING: &str = "RUNNING";

/// The run of that ARN, if it is under way with this input.
pub(crate) async fn under_way(
    executions: &impl Executions,
    machine: Machine,
    arn: &str,
    input: &Value,
) -> Result<Option<String>, StepError> {
    let standing = executions.standing(machine, arn).await?;
    let same = standing.filter(|run| run.status == RUNNING && run.input == *input);
    Ok(same.map(|run| run.execution))
}

/// Starts a run under the first of its names whose run has not ended yet.
pub(crate) async fn start(
    executions: &impl Executions,
    machine: Machine,
    name: &str,
    input: &Value,
) -> Result<String, Refusal> {
    for n in 1..=NAMES {
        let name = match n {
            1 => name.to_owned(),
            _ => format!("{name}-{n}"),
        };
        match executions.start(machine, &name, input).await? {
            Start::Running { execution } => return Ok(execution),
            Start::NameTaken => {}
        }
    }
    let detail = format!("the names {name} to {name}-{NAMES} are used up");
    Err(Refusal::new(Code::AwsResourceBusy, detail))
}

/// Starts the run of an idempotency key, or finds it whatever became of it.
pub(crate) async fn start_once(
    executions: &impl Executions,
    machine: Machine,
    name: &str,
    key: &str,
    input: &Value,
) -> Result<String, Refusal> {
    if let Start::Running { execution } = executions.start(machine, name, input).await? {
        return Ok(execution);
    }
    match executions.standing(machine, name).await? {
        Some(run) if run.input == *input => Ok(run.execution),
        Some(_) => {
            let detail = format!("Idempotency-Key `{key}` came with another request before");
            Err(Refusal::new(Code::IdempotencyKeyReused, detail))
        }
        None => {
            let detail = format!("the name {name} is taken, and its run cannot be found");
            Err(Refusal::new(Code::AwsResourceBusy, detail))
        }
    }
}
