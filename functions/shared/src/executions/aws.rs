//! The adapter: AWS Step Functions.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::config::http::HttpResponse;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use serde_json::Value;

use super::{Executions, Machine, Standing, Start, errors, execution_arn, unqualified};
use crate::config::Setting;
use crate::{Code, StepError, sdk};

/// The ARNs of the machines, of a version or of an alias of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machines {
    /// [`Machine::Provision`].
    pub provision: Setting,
    /// [`Machine::Deprovision`].
    pub deprovision: Setting,
    /// [`Machine::CheckFleet`].
    pub check_fleet: Setting,
}

impl Machines {
    fn arn(&self, machine: Machine) -> Result<&str, StepError> {
        match machine {
            Machine::Provision => &self.provision,
            Machine::Deprovision => &self.deprovision,
            Machine::CheckFleet => &self.check_fleet,
        }
        .required()
    }

    /// Which machine has this ARN, of whichever version or alias.
    pub fn machine_of(&self, arn: &str) -> Option<Machine> {
        [
            (Machine::Provision, &self.provision),
            (Machine::Deprovision, &self.deprovision),
            (Machine::CheckFleet, &self.check_fleet),
        ]
        .into_iter()
        .find(|(_, known)| known.value().map(unqualified) == Some(unqualified(arn)))
        .map(|(machine, _)| machine)
    }
}

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
