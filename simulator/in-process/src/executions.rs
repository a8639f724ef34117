//! Runs of the state machines.

use serde_json::{Value, json};
use shared::executions::{Executions, Machine, Standing, Start, errors, execution_arn};
use shared::{Code, StepError};

use super::{InProcess, answered};

impl InProcess {
    /// One call of Step Functions; `None` if it answers with this code.
    async fn step_functions(
        &self,
        operation: &str,
        request: &Value,
        answer: &str,
    ) -> Result<Option<Value>, StepError> {
        let action = format!("states:{operation}");
        let asked = self
            .called(&action, |world| {
                let home = world.ec2.caller();
                world.step_functions(&home, operation, request)
            })
            .await;
        match answered(&format!("Step Functions {operation}"), asked)? {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.code == answer => Ok(None),
            Err(error) => Err(errors::classify(operation, &error.code, &error.message)),
        }
    }

    /// The ARN of a machine of the stack.
    pub fn machine_arn(&self, machine: Machine) -> String {
        self.simulator.look(|world| {
            let name = match machine {
                Machine::Provision => &world.stack.provision_machine,
                Machine::Deprovision => &world.stack.deprovision_machine,
                Machine::CheckFleet => &world.stack.check_fleet_machine,
            };
            let home = world.ec2.caller();
            format!(
                "arn:aws:states:{}:{}:stateMachine:{name}",
                home.region, home.account
            )
        })
    }
}

impl Executions for InProcess {
    async fn start(&self, machine: Machine, name: &str, input: &Value) -> Result<Start, StepError> {
        let request = json!({
            "stateMachineArn": self.machine_arn(machine),
            "name": name,
            "input": input.to_string(),
        });
        let answer = self
            .step_functions("StartExecution", &request, "ExecutionAlreadyExists")
            .await?;
        Ok(answer.map_or(Start::NameTaken, |answer| Start::Running {
            execution: text(&answer, "executionArn"),
        }))
    }

    async fn standing(&self, machine: Machine, name: &str) -> Result<Option<Standing>, StepError> {
        let arn = execution_arn(&self.machine_arn(machine), name);
        let request = json!({ "executionArn": arn });
        let answer = self
            .step_functions("DescribeExecution", &request, "ExecutionDoesNotExist")
            .await?;
        let Some(run) = answer else {
            return Ok(None);
        };
        let input = serde_json::from_str(&text(&run, "input")).map_err(|error| {
            let detail = format!("the input of {arn} is not JSON: {error}");
            StepError::new(Code::UnexpectedAwsAnswer, detail)
        })?;
        Ok(Some(Standing {
            execution: text(&run, "executionArn"),
            status: text(&run, "status"),
            input,
        }))
    }
}

fn text(answer: &Value, member: &str) -> String {
    answer[member].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
