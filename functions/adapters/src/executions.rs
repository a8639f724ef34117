//! The adapter: AWS Step Functions.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::config::http::HttpResponse;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use serde_json::Value;
use shared::executions::{Executions, Machine, Machines, Standing, Start, errors, execution_arn};
use shared::{Code, StepError};

use crate::sdk;

/// Runs in Step Functions.
#[derive(Debug, Clone)]
pub struct StepFunctions {
    client: Client,
    machines: Machines,
}

impl StepFunctions {
    /// Step Functions with the credentials and Region of the configuration. A
    /// machine that is not configured shows at the first call.
    pub fn new(config: &aws_config::SdkConfig, machines: Machines) -> Self {
        Self {
            client: Client::new(config),
            machines,
        }
    }
}

impl Executions for StepFunctions {
    async fn start(&self, machine: Machine, name: &str, input: &Value) -> Result<Start, StepError> {
        let request = self.client.start_execution().name(name);
        let request = request.state_machine_arn(self.machines.arn(machine)?);
        match request.input(input.to_string()).send().await {
            Ok(started) => Ok(Start::Running {
                execution: started.execution_arn,
            }),
            Err(error) if error.code() == Some("ExecutionAlreadyExists") => Ok(Start::NameTaken),
            Err(error) => Err(failure("StartExecution", &error)),
        }
    }

    async fn standing(&self, machine: Machine, name: &str) -> Result<Option<Standing>, StepError> {
        let arn = execution_arn(self.machines.arn(machine)?, name);
        let request = self.client.describe_execution().execution_arn(arn);
        let run = match request.send().await {
            Ok(run) => run,
            Err(error) if error.code() == Some("ExecutionDoesNotExist") => return Ok(None),
            Err(error) => return Err(failure("DescribeExecution", &error)),
        };
        let input = run.input().unwrap_or_default();
        let input = serde_json::from_str(input).map_err(|error| {
            let detail = format!(
                "Step Functions DescribeExecution answered with an input that is not JSON: {error}"
            );
            StepError::new(Code::UnexpectedAwsAnswer, detail)
        })?;
        Ok(Some(Standing {
            execution: run.execution_arn,
            status: run.status.as_str().to_owned(),
            input,
        }))
    }
}

fn failure<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> StepError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let asked = format!("Step Functions {operation}");
    sdk::failure(&asked, error, |code, message| {
        errors::classify(operation, code, message)
    })
}
