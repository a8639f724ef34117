//! The definitions, and the handlers of the functions that they call: the only table
//! that joins the two outside of AWS. It knows ports and no wire, so stories run on it
//! without the SDK.

use engine::{TaskFailure, Tasks};
use in_process::integrations::Integrations;
use serde_json::{Value, json};
use shared::StepError;
use shared::cloud::Cloud;
use shared::config::Config;
use shared::ec2::{Endpoints, Network, SecurityGroups, VpcTags};
use shared::handler::call;
use shared::settings::Settings;
use shared::traffic::Traffic;

pub mod definition;
pub mod fleet;
pub mod sweep;

/// The functions in this process, over the ports of one account and Region, and
/// the services that the definitions call themselves.
pub struct Steps<'a, E, T, C, S> {
    ec2: &'a E,
    traffic: &'a T,
    cloud: &'a C,
    services: S,
}

impl<'a, E, T, C, S> Steps<'a, E, T, C, S> {
    /// Calls the handlers with these ports. Ledger and leases are where the
    /// services have them.
    pub fn new(ec2: &'a E, traffic: &'a T, cloud: &'a C, services: S) -> Self {
        Self {
            ec2,
            traffic,
            cloud,
            services,
        }
    }
}

/// The functions that the table knows, by folder.
pub const FUNCTIONS: [&str; 23] = [
    "read-request",
    "inspect-cluster",
    "inspect-network",
    "create-security-group",
    "create-endpoint",
    "register-endpoint",
    "change-endpoint",
    "check-status",
    "enable-private-dns",
    "trim-security-group",
    "disable-private-dns",
    "deregister-endpoint",
    "delete-endpoint",
    "delete-security-group",
    "report-outcome",
    "tag-vpc",
    "read-removal",
    "guard-removal",
    "inspect-connection",
    "check-fleet",
    "start-connection",
    "find-orphans",
    "rebuild-ledger",
];

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

impl<E, T, C, S> Steps<'_, E, T, C, S>
where
    E: Network + Endpoints + SecurityGroups + VpcTags,
    T: Traffic,
    C: Cloud,
{
    async fn step(&self, function: &str, mut arguments: Value) -> Result<Value, StepError> {
        let (ec2, cloud) = (self.ec2, self.cloud);
        let settings = Settings::take(&mut arguments)?;
        // The ports are there already; this is for what else a handler is told.
        let config = || Config::of(|name| settings.get(name).map(str::to_owned));
        match function {
            "read-request" => {
                let read = async |input| read_request::handle(&config(), &input);
                call(read, arguments).await
            }
            "read-removal" => call(async |input| read_removal::handle(&input), arguments).await,
            "guard-removal" => {
                let guard = async |input| {
                    let traffic = self.traffic;
                    let ports = Ok(guard_removal::Ports { ec2, traffic });
                    guard_removal::handle(ports, &config().tag_prefix, input).await
                };
                call(guard, arguments).await
            }
            "inspect-connection" => {
                call(
                    async |input| inspect_connection::handle(ec2, input).await,
                    arguments,
                )
                .await
            }
            "inspect-cluster" => {
                call(
                    async |input| inspect_cluster::handle(cloud, input).await,
                    arguments,
                )
                .await
            }
            "inspect-network" => {
                let allowed = config().allowed_sources()?;
                call(
                    async |input| inspect_network::handle(ec2, &allowed, input).await,
                    arguments,
                )
                .await
            }
            "create-security-group" => {
                call(
                    async |input| create_security_group::handle(ec2, input).await,
                    arguments,
                )
                .await
            }
            "create-endpoint" => {
                call(
                    async |input| create_endpoint::handle(ec2, input).await,
                    arguments,
                )
                .await
            }
            "register-endpoint" => {
                call(
                    async |input| register_endpoint::handle(cloud, input).await,
                    arguments,
                )
                .await
            }
            "change-endpoint" => {
                call(
                    async |input| change_endpoint::handle(ec2, input).await,
                    arguments,
                )
                .await
            }
            "trim-security-group" => {
                call(
                    async |input| trim_security_group::handle(ec2, input).await,
                    arguments,
                )
                .await
            }
            "check-status" => {
                call(
                    async |input| check_status::handle(ec2, cloud, input).await,
                    arguments,
                )
                .await
            }
            "enable-private-dns" => {
                call(
                    async |input| enable_private_dns::handle(ec2, input).await,
                    arguments,
                )
                .await
            }
            "disable-private-dns" => {
                call(
                    async |input| disable_private_dns::handle(ec2, input).await,
                    arguments,
                )
                .await
            }
            "deregister-endpoint" => {
                call(
                    async |input| deregister_endpoint::handle(cloud, input).await,
                    arguments,
                )
                .await
            }
            "delete-endpoint" => {
                call(
                    async |input| delete_endpoint::handle(ec2, input).await,
                    arguments,
                )
                .await
            }
            "delete-security-group" => {
                call(
                    async |input| delete_security_group::handle(ec2, input).await,
                    arguments,
                )
                .await
            }
            "report-outcome" => call(async |input| report_outcome::handle(&input), arguments).await,
            "tag-vpc" => {
                call(
                    async |input| tag_vpc::handle(ec2, &config().tag_prefix, input).await,
                    arguments,
                )
                .await
            }
            unknown => Err(StepError::new(
                shared::Code::DefinitionError,
                format!("no function {unknown} in this process"),
            )),
        }
    }
}

impl<E, T, C, S> Tasks for Steps<'_, E, T, C, S>
where
    E: Network + Endpoints + SecurityGroups + VpcTags,
    T: Traffic,
    C: Cloud,
    S: Integrated,
{
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        match function_of(resource) {
            Some(function) => self
                .step(function, arguments)
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
fn as_lambda_says_it(error: &StepError) -> TaskFailure {
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
