//! Reads what the caller asks for, before anything else happens.
//!
//! Every field is checked and every default filled in, so that no later state
//! can fail over the request when something has already been made. Calls nobody
//! and changes nothing; there is nothing to undo.

use serde::{Deserialize, Serialize};
use shared::StepError;
use shared::config::Config;
use shared::ownership::Tags;
use shared::request::{ProvisionRequest, Seen};
use shared::subject::Subject;

/// A request as a caller wrote it, which may be anything.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The input of the execution.
    pub request: serde_json::Value,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The request, with all its defaults.
    pub request: ProvisionRequest,
    /// What the ledger must still have, if the request says so. Taken out of it: the
    /// request is recorded, and this is about one run only.
    pub unless_changed: Option<Seen>,
    /// The connection that is asked for.
    pub connection: Subject,
    /// The tags of the customer's own for what is made: the stack's and the request's.
    pub tags: Tags,
}

/// Checks the request and answers it with all its defaults.
///
/// # Errors
/// `invalid-request`, naming the field, the value and the rule.
/// `cluster-not-allowed`, `account-not-allowed`, `account-not-configured` and
/// `source-not-allowed`, whoever started the run.
pub fn handle(config: &Config, input: &Input) -> Result<Output, StepError> {
    let mut request = ProvisionRequest::parse(&input.request)?;
    config.admits(&request)?;
    Ok(Output {
        unless_changed: request.unless_changed.take(),
        connection: request.subject(),
        tags: config.tags_for(&request)?,
        request,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::{Code, StepErrorName};
    use simulator::Scenario;

    use super::*;

    fn handle(request: &Value) -> Result<Output, StepError> {
        let request = request.clone();
        super::handle(&Config::of(|_| None), &Input { request })
    }

    #[test]
    fn every_shipped_request_is_answered_with_all_its_defaults() {
        for name in Scenario::names() {
            let scenario = Scenario::shipped(name).unwrap();
            let read = handle(&Value::Object(scenario.request.clone())).unwrap();
            let claim = in_process::stage::claim(&scenario);
            assert_eq!(read.connection.claim(), claim, "{name}");
            let connection = json!(read.connection);
            for field in ["account_id", "region", "vpc_id", "cluster_id"] {
                let asked = scenario.request.get(field).cloned().unwrap_or_default();
                assert_eq!(connection[field], asked, "{name}: {field}");
            }
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
    fn it_is_the_same_connection_in_whatever_spelling() {
        let plain = Value::Object(Scenario::shipped("fresh-vpc").unwrap().request);
        let mut spelled = plain.clone();
        for field in ["cluster_id", "region", "vpc_id"] {
            let id = plain[field].as_str().unwrap().to_uppercase();
            spelled[field] = json!(format!("{id}\n"));
        }
        assert_eq!(handle(&spelled), handle(&plain));
    }

    #[test]
    fn what_must_be_unchanged_is_no_part_of_what_is_recorded() {
        let mut request = Value::Object(Scenario::shipped("fresh-vpc").unwrap().request);
        let plain = handle(&request).unwrap();
        assert_eq!(plain.unless_changed, None);
        request["unless_changed"] = json!({"execution": "arn"});
        let read = handle(&request).unwrap();
        let execution = read.unless_changed.unwrap().execution;
        assert_eq!(execution.as_deref(), Some("arn"));
        assert_eq!(json!(read.request), json!(plain.request));
    }

    /// A request has at most 32,768 bytes; what is filled in and told besides is short.
    #[test]
    fn the_longest_request_makes_no_answer_too_long() {
        let mut request = Value::Object(Scenario::shipped("fresh-vpc").unwrap().request);
        let subnets = (0..1150).map(|n| json!(format!("subnet-{n:017x}")));
        request["subnet_ids"] = subnets.collect();
        let read = handle(&request).unwrap();
        let bytes = serde_json::to_string(&read).unwrap().len();
        assert!((30_000..40_000).contains(&bytes), "{bytes} bytes");
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

    #[test]
    fn what_is_made_gets_the_tags_of_the_stack_and_those_of_the_request() {
        let mut request = Value::Object(Scenario::shipped("fresh-vpc").unwrap().request);
        request["tags"] = json!({"Team": "data", "App": ""});
        let read = |stack: &str| {
            let config = Config::of(|name| (name == "RESOURCE_TAGS").then(|| stack.to_owned()));
            let request = request.clone();
            super::handle(&config, &Input { request })
        };
        let tags = |stack: &str| serde_json::to_value(read(stack).unwrap().tags).unwrap();
        assert_eq!(tags(""), request["tags"]);
        assert_eq!(
            tags("CostCenter=4=2 + 1, Team=network"),
            json!({"CostCenter": "4=2 + 1", "Team": "data", "App": ""})
        );
        let read_request = read("CostCenter=42").unwrap().request;
        assert_eq!(json!(read_request.tags), request["tags"], "as it was asked");
        let many: String = (0..29).map(|n| format!("tag{n}=x,")).collect();
        for (stack, code, said) in [
            (
                "Team",
                Code::ConfigurationInvalid,
                "`Team` is not a tag: Key=Value",
            ),
            ("=x", Code::ConfigurationInvalid, "RESOURCE_TAGS"),
            (
                "aws:team=x",
                Code::ConfigurationInvalid,
                "RESOURCE_TAGS is malformed: tags: `aws:team`",
            ),
            (
                &many,
                Code::InvalidRequest,
                "`31` is not a number of tags up to 30",
            ),
        ] {
            let error = read(stack).unwrap_err();
            assert_eq!(error.code, code, "{error}");
            assert!(error.detail.contains(said), "{error}");
        }
    }

    #[test]
    fn a_cluster_that_may_not_be_connected_to_is_refused_whoever_asks() {
        let request = Value::Object(Scenario::shipped("fresh-vpc").unwrap().request);
        let asked = request["cluster_id"].as_str().unwrap().to_owned();
        for (allowed, refused) in [
            (asked.as_str(), None),
            ("", None),
            (
                "ffffffff-0000-4000-8000-000000000009",
                Some(Code::ClusterNotAllowed),
            ),
            ("prod", Some(Code::ConfigurationInvalid)),
        ] {
            let config =
                Config::of(|name| (name == "ALLOWED_CLUSTERS").then(|| allowed.to_owned()));
            let request = request.clone();
            let read = super::handle(&config, &Input { request });
            assert_eq!(read.err().map(|error| error.code), refused, "{allowed}");
        }
    }
}
