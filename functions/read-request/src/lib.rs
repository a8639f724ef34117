//! Reads what the caller asks for, before anything else happens.
//!
//! Every field is checked and every default filled in, so that no later state
//! can fail over the request when something has already been made. Calls nobody
//! and changes nothing; there is nothing to undo.

use serde::{Deserialize, Serialize};
use shared::StepError;
use shared::ownership::Claim;
use shared::place::Place;
use shared::request::ProvisionRequest;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The request, with all its defaults.
    pub request: ProvisionRequest,
    /// The connection that is asked for.
    pub claim: Claim,
    /// Where its VPC is.
    pub place: Place,
}

/// Checks the request and answers it with all its defaults.
///
/// # Errors
/// `invalid-request`, naming the field, the value and the rule.
pub fn handle(request: &serde_json::Value) -> Result<Output, StepError> {
    let request = ProvisionRequest::parse(request)?;
    Ok(Output {
        claim: request.claim(),
        place: request.place(),
        request,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::{Code, StepErrorName};
    use simulator::Scenario;

    use super::*;

    #[test]
    fn every_shipped_request_is_answered_with_all_its_defaults() {
        for name in Scenario::names() {
            let scenario = Scenario::shipped(name).unwrap();
            let read = handle(&Value::Object(scenario.request.clone())).unwrap();
            assert_eq!(read.claim, in_process::stage::claim(&scenario), "{name}");
            assert_eq!(read.place.region, read.request.region, "{name}");
            let request = read.request;
            let filled = serde_json::to_value(&request).unwrap();
            for field in ["private_dns", "sources", "limits", "on_failure", "database"] {
                assert!(!filled[field].is_null(), "{name}: {field}");
            }
            for (field, value) in &scenario.request {
                assert_eq!(&filled[field], value, "{name}: what is asked for stays");
            }
        }
    }

    #[test]
    fn what_was_read_once_reads_back_as_itself() {
        let scenario = Scenario::shipped("fresh-vpc").unwrap();
        let first = handle(&Value::Object(scenario.request)).unwrap();
        let again = handle(&serde_json::to_value(&first.request).unwrap());
        assert_eq!(again, Ok(first));
    }

    #[test]
    fn a_misspelled_field_is_refused_by_its_name_at_every_depth() {
        let valid = Value::Object(Scenario::shipped("fresh-vpc").unwrap().request);
        for (field, value) in [
            ("privat_dns", json!(false)),
            ("sources", json!({"cidr": ["10.0.0.0/8"]})),
            ("limits", json!({"undo_minutes": 5})),
        ] {
            let mut request = valid.clone();
            request[field] = value;
            let error = handle(&request).unwrap_err();
            assert_eq!(
                (error.code, error.name()),
                (Code::InvalidRequest, StepErrorName::InvalidInput)
            );
            assert!(error.detail.contains("unknown field"), "{}", error.detail);
        }
    }

    #[test]
    fn what_is_no_request_at_all_is_refused() {
        for request in [json!(null), json!([]), json!("vpc-0a71e831"), json!({})] {
            assert_eq!(
                handle(&request).unwrap_err().code,
                Code::InvalidRequest,
                "{request}"
            );
        }
    }
}
