//! Step Functions: as much of it as whoever starts runs needs. Nothing runs
//! here; what was started stands until somebody says how it ended.
//!
//! A request and its answer are the JSON of the API, in process and over HTTP.
//! Source: the botocore model `stepfunctions/2016-11-23` and the API reference
//! of `StartExecution`.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::authorization::Authorization;
use crate::calls::ApiError;
use crate::context::Context;
use crate::faults::FaultKind;
use crate::scenario::Scenario;

/// How long the name of a run stays taken after its end.
const NAME_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// The largest input, in bytes.
const LARGEST_INPUT: usize = 262_144;
/// What a name must not have, besides white space and control characters.
const FORBIDDEN: &str = "<>{}[]?*\"#%\\^|~`$&,;:/";

/// The state machines of the stack and what was started of them.
#[derive(Debug, Clone)]
pub struct StepFunctions {
    pub machines: Vec<String>,
    /// Every run, in the order of their starts.
    pub executions: Vec<Execution>,
}

/// A run of a state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    pub arn: String,
    /// The ARN of its state machine, without version or alias.
    pub machine: String,
    pub name: String,
    /// The input, as the text that it was started with.
    pub input: String,
    pub status: ExecutionStatus,
    pub started_at: OffsetDateTime,
    pub stopped_at: Option<OffsetDateTime>,
    /// What it ended with, if it succeeded.
    pub output: Option<String>,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExecutionStatus {
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Aborted,
}

impl ExecutionStatus {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            ExecutionStatus::Running => "RUNNING",
            ExecutionStatus::Succeeded => "SUCCEEDED",
            ExecutionStatus::Failed => "FAILED",
            ExecutionStatus::TimedOut => "TIMED_OUT",
            ExecutionStatus::Aborted => "ABORTED",
        }
    }
}

impl StepFunctions {
    pub(crate) fn new(scenario: &Scenario) -> StepFunctions {
        let stack = &scenario.stack;
        let names = [
            &stack.provision_machine,
            &stack.deprovision_machine,
            &stack.check_fleet_machine,
        ];
        let arn = |name: &&String| {
            let (region, account) = (&scenario.region, &scenario.account);
            format!("arn:aws:states:{region}:{account}:stateMachine:{name}")
        };
        StepFunctions {
            machines: names.iter().map(arn).collect(),
            executions: Vec::new(),
        }
    }

    /// A run by its ARN.
    pub fn execution(&self, arn: &str) -> Option<&Execution> {
        self.executions.iter().find(|run| run.arn == arn)
    }

    /// Ends a run, or does nothing if there is no such run that has not ended.
    pub fn end(
        &mut self,
        arn: &str,
        status: ExecutionStatus,
        output: Option<String>,
        now: OffsetDateTime,
    ) {
        let running =
            |run: &&mut Execution| run.arn == arn && run.status == ExecutionStatus::Running;
        if let Some(run) = self.executions.iter_mut().find(running) {
            run.status = status;
            run.output = output;
            run.stopped_at = Some(now);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StartExecution {
    state_machine_arn: String,
    name: Option<String>,
    input: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DescribeExecution {
    execution_arn: String,
}

impl StepFunctions {
    /// One operation, such as `StartExecution`.
    pub(crate) fn call(
        &mut self,
        mut context: Context<'_>,
        operation: &str,
        request: &Value,
    ) -> Result<Value, ApiError> {
        let caller = context.caller;
        if let Some(execution) = request["executionArn"].as_str() {
            let action = format!("states:{operation}");
            context.needs(|| vec![Authorization::new(caller, &action, execution)]);
        }
        match operation {
            "StartExecution" => self.start(&mut context, read(request)?),
            "DescribeExecution" => self.describe(&context, &read(request)?),
            _ => Err(error("UnknownOperationException", operation)),
        }
    }

    fn start(
        &mut self,
        context: &mut Context<'_>,
        request: StartExecution,
    ) -> Result<Value, ApiError> {
        let machine = self.machine_of(context, &request.state_machine_arn)?;
        // Versions and aliases are authorized by the machine ("Authorization for
        // versions and aliases", Step Functions developer guide).
        let caller = context.caller;
        context.needs(|| {
            vec![Authorization::new(
                caller,
                "states:StartExecution",
                &machine,
            )]
        });
        let number = self.executions.len();
        let name = match request.name {
            Some(name) => checked(name)?,
            None => format!("{number:08x}-0000-4000-8000-000000000000"),
        };
        let input = request.input.unwrap_or_else(|| "{}".to_owned());
        if input.len() > LARGEST_INPUT {
            return Err(too_long("input", LARGEST_INPUT));
        }
        if let Err(why) = serde_json::from_str::<serde::de::IgnoredAny>(&input) {
            let message = format!("Invalid State Machine Execution Input: '{why}'");
            return Err(error("InvalidExecutionInput", message));
        }
        let arn = format!(
            "{}:{name}",
            machine.replacen(":stateMachine:", ":execution:", 1)
        );
        let now = context.now;
        let runs = &mut self.executions;
        runs.retain(|run| {
            let free = run.stopped_at.is_some_and(|at| at + NAME_KEPT <= now);
            run.arn != arn || !free
        });
        match runs.iter().find(|run| run.arn == arn) {
            Some(run) if run.status == ExecutionStatus::Running && run.input == input => {
                return Ok(started(run));
            }
            Some(run) => {
                let message = format!("Execution Already Exists: '{}'", run.arn);
                return Err(error("ExecutionAlreadyExists", message));
            }
            None => {}
        }
        let run = Execution {
            arn,
            machine,
            name,
            input,
            status: ExecutionStatus::Running,
            started_at: now,
            stopped_at: None,
            output: None,
        };
        let answer = started(&run);
        runs.push(run);
        Ok(answer)
    }

    fn describe(
        &self,
        context: &Context<'_>,
        request: &DescribeExecution,
    ) -> Result<Value, ApiError> {
        let arn = &request.execution_arn;
        check_arn(arn, "execution")?;
        let found = self.execution(arn).filter(|_| context.is_at_home());
        let run = found.ok_or_else(|| {
            error(
                "ExecutionDoesNotExist",
                format!("Execution Does Not Exist: '{arn}'"),
            )
        })?;
        let mut answer = json!({
            "executionArn": run.arn,
            "stateMachineArn": run.machine,
            "name": run.name,
            "status": run.status.word(),
            "startDate": timestamp(run.started_at),
            "input": run.input,
            "inputDetails": { "included": true },
            "redriveCount": 0,
        });
        if let Some(at) = run.stopped_at {
            answer["stopDate"] = timestamp(at);
        }
        if let Some(output) = &run.output {
            answer["output"] = json!(output);
            answer["outputDetails"] = json!({ "included": true });
        }
        Ok(answer)
    }

    /// The ARN of a machine without the version or alias that it was called by.
    fn machine_of(&self, context: &Context<'_>, arn: &str) -> Result<String, ApiError> {
        check_arn(arn, "stateMachine")?;
        let found = self.machines.iter().find(|machine| {
            let rest = arn.strip_prefix(machine.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        });
        found
            .filter(|_| context.is_at_home())
            .cloned()
            .ok_or_else(|| {
                error(
                    "StateMachineDoesNotExist",
                    format!("State Machine Does Not Exist: '{arn}'"),
                )
            })
    }
}

fn started(run: &Execution) -> Value {
    json!({ "executionArn": run.arn, "startDate": timestamp(run.started_at) })
}

/// Times are seconds since 1970, with a fraction.
fn timestamp(time: OffsetDateTime) -> Value {
    json!(time.unix_timestamp_nanos() as f64 / 1e9)
}

fn read<T: DeserializeOwned>(request: &Value) -> Result<T, ApiError> {
    T::deserialize(request).map_err(|why| error("ValidationException", why.to_string()))
}

fn check_arn(arn: &str, kind: &str) -> Result<(), ApiError> {
    let parts: Vec<&str> = arn.split(':').collect();
    if parts.len() >= 7 && parts[..3] == ["arn", "aws", "states"] && parts[5] == kind {
        return Ok(());
    }
    let message = format!("Invalid Arn: 'Resource type not valid in this context: {arn}'");
    Err(error("InvalidArn", message))
}

fn checked(name: String) -> Result<String, ApiError> {
    if name.chars().count() > 80 {
        return Err(too_long("name", 80));
    }
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || FORBIDDEN.contains(c);
    if name.is_empty() || name.contains(forbidden) {
        return Err(error("InvalidName", format!("Invalid Name: '{name}'")));
    }
    Ok(name)
}

fn too_long(member: &str, most: usize) -> ApiError {
    let message = format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member \
         must have length less than or equal to {most}"
    );
    error("ValidationException", message)
}

fn error(code: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(400, code, message)
}

/// A fault as this service would say it. `name` is the operation without
/// `states:`.
pub(crate) fn render_fault(kind: FaultKind, name: &str) -> ApiError {
    match kind {
        FaultKind::Throttle => error("ThrottlingException", "Rate exceeded"),
        FaultKind::Denied => error(
            "AccessDeniedException",
            format!(
                "User is not authorized to perform: states:{name} because no identity-based \
                 policy allows the states:{name} action"
            ),
        ),
        FaultKind::NotFound if name == "StartExecution" => error(
            "StateMachineDoesNotExist",
            "State Machine Does Not Exist: 'the one in the request'",
        ),
        FaultKind::NotFound => error(
            "ExecutionDoesNotExist",
            "Execution Does Not Exist: 'the one in the request'",
        ),
        FaultKind::Conflict => error(
            "StateMachineDeleting",
            "State Machine is being deleted: 'the one in the request'",
        ),
        FaultKind::UnknownCode => error("SomethingNewException", "Something new went wrong."),
        // The last two never get here; they have no words.
        FaultKind::ServerError | FaultKind::Timeout | FaultKind::CutOff => {
            ApiError::new(500, "InternalFailure", "An internal error has occurred")
        }
    }
}

#[cfg(test)]
mod tests;
