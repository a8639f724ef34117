//! The same for `sweep`, whose functions look at one place after the other.

use engine::{TaskFailure, Tasks};
use serde_json::Value;
use shared::StepError;
use shared::cloud::Cloud;
use shared::config::Config;
use shared::ec2::{Endpoints, Inventory, Network, SecurityGroups, VpcTags};
use shared::executions::Executions;
use shared::handler::call;
use shared::ledger::{Ledger, Upkeep};
use shared::place::Places;
use shared::settings::Settings;
use start_connection::{Door, Known};
use time::OffsetDateTime;

use super::{Integrated, as_lambda_says_it, function_of};

/// The functions of `sweep` in this process.
pub struct SweepSteps<'a, P, L, X, C, S> {
    /// EC2.
    pub places: &'a P,
    pub ledger: &'a L,
    /// The machines.
    pub executions: &'a X,
    pub cloud: &'a C,
    /// What the surroundings say.
    pub config: &'a Config,
    pub now: &'a dyn Fn() -> OffsetDateTime,
    /// What the definition calls itself.
    pub services: S,
}

impl<P, L, X, C, S> SweepSteps<'_, P, L, X, C, S>
where
    P: Places<Ec2: Inventory + Network + Endpoints + SecurityGroups + VpcTags>,
    L: Ledger + Upkeep,
    X: Executions,
    C: Cloud,
{
    async fn step(&self, function: &str, mut arguments: Value) -> Result<Value, StepError> {
        let config = self.config.told(&Settings::take(&mut arguments)?);
        match function {
            "find-orphans" => {
                let find = async |input| {
                    let known = find_orphans::Known::new(&config)?;
                    let ports = find_orphans::Ports {
                        places: self.places,
                        cloud: self.cloud,
                        ledger: self.ledger,
                    };
                    find_orphans::handle(ports, &known, input).await
                };
                call(find, arguments).await
            }
            "rebuild-ledger" => {
                let rebuild = async |input| {
                    let known = rebuild_ledger::Known::new(&config)?;
                    rebuild_ledger::handle(self.places, self.ledger, &known, input).await
                };
                call(rebuild, arguments).await
            }
            "start-connection" => {
                let known = Known::new(config);
                let start = async |input: Value| {
                    let door = Door {
                        places: self.places,
                        ledger: self.ledger,
                        executions: self.executions,
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

impl<P, L, X, C, S> Tasks for SweepSteps<'_, P, L, X, C, S>
where
    P: Places<Ec2: Inventory + Network + Endpoints + SecurityGroups + VpcTags>,
    L: Ledger + Upkeep,
    X: Executions,
    C: Cloud,
    S: Integrated,
{
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        if engine::INTEGRATIONS.contains(&resource) {
            return self.services.integrate(resource, arguments).await;
        }
        let function = function_of(resource).unwrap_or(resource);
        self.step(function, arguments)
            .await
            .map_err(|error| as_lambda_says_it(&error))
    }
}
