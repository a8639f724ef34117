//! Reads which connection is to be taken away, before anything else happens.
//!
//! Every field is checked and every default filled in, so that no later state can
//! fail over the request when something has already been removed. Calls nobody and
//! changes nothing; there is nothing to undo.

use serde::{Deserialize, Serialize};
use shared::StepError;
use shared::request::DeprovisionRequest;
use shared::subject::Subject;

/// A request as a caller wrote it, which may be anything.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The input of the execution.
    pub request: serde_json::Value,
}

/// What is to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The request, with all its defaults.
    pub request: DeprovisionRequest,
    /// The connection.
    pub connection: Subject,
}

/// Checks the request and answers it with all its defaults.
///
/// # Errors
/// `invalid-request`, naming the field, the value and the rule.
pub fn handle(input: &Input) -> Result<Output, StepError> {
    let request = DeprovisionRequest::parse(&input.request)?;
    Ok(Output {
        connection: request.subject(),
        request,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::Code;
    use shared::request::ProvisionRequest;
    use simulator::Scenario;

    use super::*;

    fn handle(request: &Value) -> Result<Output, StepError> {
        let request = request.clone();
        super::handle(&Input { request })
    }

    fn valid() -> Value {
        let request = Scenario::shipped("fresh-vpc").unwrap().request;
        json!({
            "cluster_id": request["cluster_id"],
            "region": request["region"],
            "vpc_id": request["vpc_id"],
        })
    }

    #[test]
    fn it_is_the_same_connection_as_that_of_provision() {
        let read = handle(&valid()).unwrap();
        let asked = Scenario::shipped("fresh-vpc").unwrap().request;
        let asked = ProvisionRequest::parse(&Value::Object(asked)).unwrap();
        assert_eq!(read.connection, asked.subject());
    }

    #[test]
    fn it_is_the_same_connection_in_whatever_spelling() {
        let mut spelled = valid();
        for value in spelled.as_object_mut().unwrap().values_mut() {
            let id = value.as_str().unwrap().to_uppercase();
            *value = json!(format!("{id}\n"));
        }
        assert_eq!(handle(&spelled), handle(&valid()));
    }

    #[test]
    fn what_was_read_once_reads_back_as_itself() {
        let first = handle(&valid()).unwrap();
        let again = serde_json::to_value(&first.request).unwrap();
        assert_eq!(handle(&again).unwrap(), first);
    }

    #[test]
    fn a_refusal_names_field_value_and_rule() {
        for (field, value, said) in [
            ("vpc_id", json!("vpc-1"), "vpc_id: `vpc-1` is not a VPC id"),
            (
                "limits",
                json!({ "undo_seconds": 5 }),
                "limits.undo_seconds: `5` is not from 10 to 3600 seconds",
            ),
            (
                "limits",
                json!({ "lease_seconds": 7201 }),
                "limits.lease_seconds: `7201` is not from 10 to 7200 seconds",
            ),
            (
                "private_dns",
                json!(true),
                "private_dns: unknown field `private_dns`",
            ),
        ] {
            let mut request = valid();
            request[field] = value;
            let error = handle(&request).unwrap_err();
            assert_eq!(error.code, Code::InvalidRequest);
            assert!(error.detail.starts_with(said), "{}", error.detail);
        }
    }
}
