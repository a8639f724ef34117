//! The same for `check-fleet`, whose functions look at all places at once and
//! need the ledger and the machines themselves.

use engine::{TaskFailure, Tasks};
use in_process::integrations::Integrations;
use serde_json::Value;
use shared::StepError;
use shared::cloud::Cloud;
use shared::ec2::{Endpoints, Network, SecurityGroups, VpcTags};
use shared::executions::Executions;
use shared::handler::call;
use shared::ledger::Ledger;
use shared::place::Places;
use shared::settings::Settings;
use start_connection::{Door, Known};
use time::OffsetDateTime;

use super::{Integrated, as_lambda_says_it, function_of};

/// The functions of `check-fleet` in this process.
pub struct FleetSteps<'a, A, C> {
    aws: &'a A,
    cloud: &'a C,
    known: &'a Known,
    now: &'a dyn Fn() -> OffsetDateTime,
    integrations: Integrations,
}

impl<'a, A, C> FleetSteps<'a, A, C> {
    /// Calls the handlers with these ports.
    pub fn new(
        aws: &'a A,
        cloud: &'a C,
        known: &'a Known,
        now: &'a dyn Fn() -> OffsetDateTime,
        integrations: Integrations,
    ) -> Self {
        Self {
            aws,
            cloud,
            known,
            now,
            integrations,
        }
    }
}

impl<A, C> FleetSteps<'_, A, C>
where
    A: Ledger + Executions + Places<Ec2: Network + Endpoints + SecurityGroups + VpcTags>,
    C: Cloud,
{
    async fn step(&self, function: &str, mut arguments: Value) -> Result<Value, StepError> {
        let settings = Settings::take(&mut arguments)?;
        let (aws, cloud) = (self.aws, self.cloud);
        match function {
            "check-fleet" => {
                call(
                    async |input| check_fleet::handle(aws, aws, cloud, input).await,
                    arguments,
                )
                .await
            }
            "start-connection" => {
                let known = self.known.told(&settings);
                let start = async |input: Value| {
                    let door = Door {
                        places: aws,
                        ledger: aws,
                        executions: aws,
                    };
                    start_connection::handle(door, &known, (self.now)(), &input).await
                };
                call(start, arguments).await
            }
            unknown => Err(StepError::new(
                shared::Code::DefinitionError,
                format!("no function {unknown} in this process"),
            )),
        }
    }
}

impl<A, C> Tasks for FleetSteps<'_, A, C>
where
    A: Ledger + Executions + Places<Ec2: Network + Endpoints + SecurityGroups + VpcTags>,
    C: Cloud,
{
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        if engine::INTEGRATIONS.contains(&resource) {
            return self.integrations.integrate(resource, arguments).await;
        }
        let function = function_of(resource).unwrap_or(resource);
        self.step(function, arguments)
            .await
            .map_err(|error| as_lambda_says_it(&error))
    }
}
