//! The states of the definitions and the handlers of the functions: the only
//! table that joins the two outside of AWS.

use engine::{TaskFailure, Tasks};
use serde_json::{Value, json};
use shared::StepError;
use shared::cloud::Cloud;
use shared::ec2::{Endpoints, Network, SecurityGroups};
use shared::lambda::call;

/// The functions in this process, over the ports of one account and Region.
pub struct Steps<'a, E, C> {
    ec2: &'a E,
    cloud: &'a C,
}

impl<'a, E, C> Steps<'a, E, C> {
    /// Calls the handlers with these ports.
    pub fn new(ec2: &'a E, cloud: &'a C) -> Self {
        Self { ec2, cloud }
    }
}

/// The functions that the table knows, by folder.
pub const FUNCTIONS: [&str; 12] = [
    "read-request",
    "inspect-cluster",
    "inspect-network",
    "create-security-group",
    "create-endpoint",
    "register-endpoint",
    "check-status",
    "enable-private-dns",
    "disable-private-dns",
    "deregister-endpoint",
    "delete-endpoint",
    "delete-security-group",
];

/// The folder of the function that a definition names as `${…FunctionArn}`.
pub fn function_of(resource: &str) -> Option<&'static str> {
    let name = resource.strip_prefix("${")?.strip_suffix("FunctionArn}")?;
    FUNCTIONS
        .into_iter()
        .find(|function| resource_name(function) == name)
}

/// `create-endpoint` as the definitions and the template write it: `CreateEndpoint`.
pub fn resource_name(function: &str) -> String {
    function
        .split('-')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_uppercase().chain(letters).collect::<String>())
        })
        .collect()
}

impl<E, C> Steps<'_, E, C>
where
    E: Network + Endpoints + SecurityGroups,
    C: Cloud,
{
    async fn step(&self, function: &str, arguments: Value) -> Result<Value, StepError> {
        let (ec2, cloud) = (self.ec2, self.cloud);
        match function {
            "read-request" => call(async |input| read_request::handle(&input), arguments).await,
            "inspect-cluster" => {
                call(
                    async |input| inspect_cluster::handle(cloud, input).await,
                    arguments,
                )
                .await
            }
            "inspect-network" => {
                call(
                    async |input| inspect_network::handle(ec2, input).await,
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
            unknown => Err(StepError::new(
                shared::Code::DefinitionError,
                format!("no function {unknown} in this process"),
            )),
        }
    }
}

impl<E, C> Tasks for Steps<'_, E, C>
where
    E: Network + Endpoints + SecurityGroups,
    C: Cloud,
{
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let function = function_of(resource).unwrap_or(resource);
        self.step(function, arguments)
            .await
            .map_err(|error| as_lambda_says_it(&error))
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
