//! What a caller of the API asks for.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Refusal, Request};
use crate::Code;
use crate::request::{ProvisionRequest, RequestedBy};

/// The fields that are not for callers, and why.
const NOT_FOR_CALLERS: [(&str, &str); 2] = [
    ("requested_by", "a call is asked for by a call"),
    ("unless_changed", "only runs that the stack starts have it"),
];

/// A request for a connection, as a caller sends it and sees it again: without what
/// is for the doors to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRequest(pub ProvisionRequest);

impl ConnectionRequest {
    /// Reads the body of a call.
    ///
    /// # Errors
    /// Those of [`Request::json`], and [`Code::InvalidRequest`] for a field that
    /// breaks its rule.
    pub fn read(request: &Request) -> Result<Self, Refusal> {
        let body: Value = request.json()?;
        if !body.is_object() {
            let detail = "the body is not a JSON object";
            return Err(Refusal::new(Code::InvalidRequest, detail));
        }
        for (field, why) in NOT_FOR_CALLERS {
            if body.get(field).is_some() {
                let detail = format!("{field}: unknown field; {why}");
                return Err(Refusal::new(Code::InvalidRequest, detail));
            }
        }
        let mut asked = ProvisionRequest::parse(&body)?;
        asked.requested_by = RequestedBy::Call;
        Ok(Self(asked))
    }
}

impl Serialize for ConnectionRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serde_json::to_value(&self.0).map_err(serde::ser::Error::custom)?;
        if let Some(fields) = fields.as_object_mut() {
            fields.retain(|name, _| is_for_callers(name));
        }
        fields.serialize(serializer)
    }
}

impl JsonSchema for ConnectionRequest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ConnectionRequest".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = ProvisionRequest::json_schema(generator);
        let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
        if let Some(fields) = fields {
            fields.retain(|name, _| is_for_callers(name));
        }
        schema
    }
}

fn is_for_callers(field: &str) -> bool {
    NOT_FOR_CALLERS.iter().all(|(name, _)| *name != field)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<ConnectionRequest, Refusal> {
        ConnectionRequest::read(&Request::read(&json!({"body": body.to_string()})))
    }

    fn body() -> Value {
        json!({
            "cluster_id": "1a2b3c4d-0000-4000-8000-000000000001",
            "region": "eu-west-1",
            "vpc_id": "vpc-0a71e831cb5152c43",
        })
    }

    #[test]
    fn what_is_shown_can_be_sent_again() {
        let asked = read(&body()).unwrap();
        let shown = serde_json::to_value(&asked).unwrap();
        assert_eq!(shown["database"], "defaultdb");
        assert_eq!(read(&shown), Ok(asked));
    }

    #[test]
    fn a_caller_does_not_say_what_is_for_the_doors_to_say() {
        for (field, value) in [
            ("requested_by", json!("call")),
            ("requested_by", json!("vpc-tag")),
            ("unless_changed", json!({"execution": null})),
        ] {
            let mut body = body();
            body[field] = value;
            let refusal = read(&body).unwrap_err();
            assert_eq!(refusal.status, 400);
            let said = format!("{field}: unknown field");
            assert!(refusal.error.detail.starts_with(&said), "{refusal:?}");
        }
    }

    #[test]
    fn only_an_object_is_a_request() {
        for body in [json!(null), json!([]), json!("x"), json!({})] {
            assert_eq!(
                read(&body).unwrap_err().error.code,
                Code::InvalidRequest,
                "{body}"
            );
        }
    }

    #[test]
    fn the_schema_has_all_fields_but_those() {
        let schema = schemars::schema_for!(ConnectionRequest);
        let fields = schema.get("properties").unwrap().as_object().unwrap();
        let shown = serde_json::to_value(read(&body()).unwrap()).unwrap();
        assert!(fields.keys().eq(shown.as_object().unwrap().keys()));
    }
}
