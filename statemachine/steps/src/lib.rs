//! The definitions, and the handlers of the functions that they call: the only table
//! that joins the two outside of AWS. It knows ports and no wire, so stories run on it
//! without the SDK.

use engine::{TaskFailure, Tasks};
use in_process::InProcess;
use in_process::integrations::Integrations;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use shared::cloud::Cloud;
use shared::config::Config;
use shared::ec2::{Endpoints, Inventory, Network, SecurityGroups, VpcTags};
use shared::executions::Executions;
use shared::handler::call;
use shared::ledger::{Ledger, Upkeep};
use shared::place::Places;
use shared::settings::Settings;
use shared::subject::Subject;
use shared::traffic::Traffic;
use shared::{Code, StepError};
use time::OffsetDateTime;

pub mod definition;
pub mod pairs;
pub mod words;

/// The functions in this process, each called as its process calls it, and the
/// services that the definitions call themselves.
pub struct Steps<'a, P, C, L, X, S> {
    /// EC2 and CloudWatch of every account and Region.
    pub places: &'a P,
    /// The Cloud API.
    pub cloud: &'a C,
    /// The ledger, for the functions that look at more than one connection. What a
    /// run writes down of its own goes through the services.
    pub ledger: &'a L,
    /// The state machines, for the function that starts others.
    pub executions: &'a X,
    /// What the environment says where the definition does not tell.
    pub config: Config,
    /// The clock.
    pub now: Box<dyn Fn() -> OffsetDateTime + 'a>,
    /// What the definitions call without a function.
    pub services: S,
}

impl<'a> Steps<'a, InProcess, InProcess, InProcess, InProcess, Integrations> {
    /// All of it in one simulated world, with an empty environment.
    pub fn in_process(ports: &'a InProcess) -> Self {
        Self {
            places: ports,
            cloud: ports,
            ledger: ports,
            executions: ports,
            config: Config::of(|_| None),
            now: Box::new(move || ports.simulator().now()),
            services: Integrations::new(ports.simulator().clone()),
        }
    }
}

/// Makes three things of the table below: the list of its functions, the call of each
/// of them, and the form of its input. A row `"folder" => step(a, b)` stands for the
/// call of `step::handle(a, b)`, where `input` is a `step::Input`.
macro_rules! table {
    (
        ($steps:ident, $config:ident, $input:ident)
        $($function:literal => $step:ident($($argument:expr),* $(,)?) $(.$wait:tt)?,)*
    ) => {
        /// The functions that the table knows, by folder.
        pub const FUNCTIONS: [&str; [$($function),*].len()] = [$($function),*];

        /// Reads the input of a function; `None` for a function that is not in the table.
        ///
        /// # Errors
        /// When it is not the input of that function.
        pub fn read_input<'de, D: Deserializer<'de>>(
            function: &str,
            input: D,
        ) -> Option<Result<(), D::Error>> {
            match function {
                $($function => Some($step::Input::deserialize(input).map(drop)),)*
                _ => None,
            }
        }

        impl<P, C, L, X, S> Steps<'_, P, C, L, X, S>
        where
            P: Places<
                    Ec2: Inventory + Network + Endpoints + SecurityGroups + VpcTags,
                    Traffic: Traffic,
                >,
            C: Cloud,
            L: Ledger + Upkeep,
            X: Executions,
        {
            async fn step(&self, function: &str, mut arguments: Value) -> Result<Value, StepError> {
                let $steps = self;
                let $config = &self.config.told(&Settings::take(&mut arguments)?);
                match function {
                    $($function => {
                        let handle = async |$input: $step::Input| {
                            $step::handle($($argument),*)$(.$wait)?
                        };
                        call(handle, arguments).await
                    })*
                    unknown => Err(StepError::new(
                        Code::DefinitionError,
                        format!("no function {unknown} in this process"),
                    )),
                }
            }
        }
    };
}

table! {
    (steps, config, input)
    "read-request" => read_request(config, &input),
    "inspect-cluster" => inspect_cluster(steps.cloud, input).await,
    "inspect-network" => inspect_network(
        &steps.ec2(&input.connection).await?,
        &config.allowed_sources()?,
        &config.tag_prefix,
        input,
    ).await,
    "create-security-group" => create_security_group(&steps.ec2(&input.connection).await?, input).await,
    "create-endpoint" => create_endpoint(&steps.ec2(&input.connection).await?, input).await,
    "register-endpoint" => register_endpoint(steps.cloud, input).await,
    "change-endpoint" => change_endpoint(&steps.ec2(&input.connection).await?, input).await,
    "check-status" => check_status(&steps.ec2(&input.connection).await?, steps.cloud, input).await,
    "enable-private-dns" => enable_private_dns(&steps.ec2(&input.connection).await?, input).await,
    "trim-security-group" => trim_security_group(&steps.ec2(&input.connection).await?, input).await,
    "disable-private-dns" => disable_private_dns(&steps.ec2(&input.connection).await?, input).await,
    "deregister-endpoint" => deregister_endpoint(steps.cloud, input).await,
    "delete-endpoint" => delete_endpoint(&steps.ec2(&input.connection).await?, input).await,
    "delete-security-group" => delete_security_group(&steps.ec2(&input.connection).await?, input).await,
    "report-outcome" => report_outcome(&input),
    "tag-vpc" => tag_vpc(&steps.ec2(&input.connection).await?, &config.tag_prefix, input).await,
    "read-removal" => read_removal(&input),
    // A forced removal asks nobody, so an account that cannot be reached is no reason
    // to refuse it.
    "guard-removal" => guard_removal(
        steps.ec2_and_traffic(&input.connection).await.as_ref().map(|(ec2, traffic)| {
            guard_removal::Ports { ec2, traffic }
        }),
        &config.tag_prefix,
        input,
    ).await,
    "inspect-connection" => inspect_connection(&steps.ec2(&input.connection).await?, input).await,
    "check-fleet" => check_fleet(
        steps.ledger, steps.places, steps.cloud, &config.tag_prefix, input,
    ).await,
    "start-executions" => start_executions(
        start_executions::Door {
            places: steps.places,
            ledger: steps.ledger,
            executions: steps.executions,
        },
        &start_executions::Known::new(config.clone()),
        (steps.now)(),
        &input,
    ).await,
    "find-orphans" => find_orphans(
        find_orphans::Ports { places: steps.places, cloud: steps.cloud, ledger: steps.ledger },
        &find_orphans::Known::new(config)?,
        input,
    ).await,
    "rebuild-ledger" => rebuild_ledger(
        steps.places, steps.ledger, &rebuild_ledger::Known::new(config)?, input,
    ).await,
}

/// The folder of the function that a definition names as `${…FunctionArn}`.
pub fn function_of(resource: &str) -> Option<&'static str> {
    let name = resource.strip_prefix("${")?.strip_suffix("FunctionArn}")?;
    FUNCTIONS
        .into_iter()
        .find(|function| resource_letters(function).eq(name.chars()))
}

/// `create-endpoint` as the definitions and the template write it: `CreateEndpoint`.
pub fn resource_name(function: &str) -> String {
    resource_letters(function).collect()
}

fn resource_letters(function: &str) -> impl Iterator<Item = char> {
    function.split('-').flat_map(|word| {
        let mut letters = word.chars();
        let first = letters.next().into_iter();
        first.flat_map(char::to_uppercase).chain(letters)
    })
}

impl<P: Places, C, L, X, S> Steps<'_, P, C, L, X, S> {
    /// EC2 where a connection is.
    async fn ec2(&self, connection: &Subject) -> Result<P::Ec2, StepError> {
        self.places.ec2(&connection.place()).await
    }

    /// The same, with the metrics of its endpoints.
    async fn ec2_and_traffic(
        &self,
        connection: &Subject,
    ) -> Result<(P::Ec2, P::Traffic), StepError> {
        let place = connection.place();
        let ec2 = self.places.ec2(&place).await?;
        Ok((ec2, self.places.traffic(&place).await?))
    }
}

impl<P, C, L, X, S> Tasks for Steps<'_, P, C, L, X, S>
where
    P: Places<Ec2: Inventory + Network + Endpoints + SecurityGroups + VpcTags, Traffic: Traffic>,
    C: Cloud,
    L: Ledger + Upkeep,
    X: Executions,
    S: Integrated,
{
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        match function_of(resource) {
            // Boxed, because it is as large as the largest of them all.
            Some(function) => Box::pin(self.step(function, arguments))
                .await
                .map_err(|error| as_lambda_says_it(&error)),
            None => self.services.integrate(resource, arguments).await,
        }
    }
}

/// What a definition calls without a function: ledger, leases, announcements, other
/// machines.
pub trait Integrated {
    /// Calls a service.
    ///
    /// # Errors
    /// Those of the service, as Step Functions names them.
    async fn integrate(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure>;
}

impl Integrated for Integrations {
    async fn integrate(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let answer = self.invoke(resource, arguments).unwrap_or_else(|| {
            let cause = format!("this process has neither function nor integration {resource}");
            Err(("States.Runtime".to_owned(), cause))
        });
        answer.map_err(|(error, cause)| TaskFailure::new(error, cause))
    }
}

/// A failed function as Step Functions sees it: the cause is JSON text.
pub fn as_lambda_says_it(error: &StepError) -> TaskFailure {
    let name = error.name().as_str();
    let cause = json!({ "errorType": name, "errorMessage": error.to_string() });
    TaskFailure::new(name, cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_of_the_definition_names_a_function() {
        assert_eq!(
            function_of("${CheckStatusFunctionArn}"),
            Some("check-status")
        );
        assert_eq!(function_of("${NoSuchFunctionArn}"), None);
        assert_eq!(function_of("arn:aws:lambda:x"), None);
    }
}
