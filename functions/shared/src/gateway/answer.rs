//! What goes back to API Gateway.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// An answer to an HTTP request. It is written as API Gateway wants it from a
/// Lambda proxy integration (API Gateway developer guide, "Output format of a
/// Lambda function for proxy integration").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body. Nothing in it is `null`: what there is not is left out.
    pub body: Value,
}

impl Answer {
    /// An answer in JSON.
    ///
    /// # Errors
    /// When the body cannot be JSON, which is a bug.
    pub fn json(status: u16, body: &impl Serialize) -> Result<Self, crate::StepError> {
        let body = serde_json::to_value(body).map_err(|error| {
            let detail = format!("the answer is not JSON: {error}");
            crate::StepError::new(crate::Code::StepCrashed, detail)
        })?;
        Ok(Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: without_nulls(body),
        })
    }

    /// The answer with one more header.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let headers: std::collections::BTreeMap<_, _> =
            self.headers.iter().map(|(k, v)| (k, v)).collect();
        let answer = json!({
            "statusCode": self.status,
            "headers": headers,
            "body": self.body.to_string(),
            "isBase64Encoded": false,
        });
        answer.serialize(serializer)
    }
}

/// The value without the fields of objects that are `null`: a reader of the API
/// then has one way to see that something is not there, and OpenAPI 3.0 can say so.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_gateway_gets_text_and_no_nulls() {
        let answer = Answer::json(200, &json!({"a": null, "b": [{"c": null, "d": 1}]})).unwrap();
        let written = serde_json::to_value(answer.with("x-request-id", "r")).unwrap();
        assert_eq!(
            written,
            json!({
                "statusCode": 200,
                "headers": {"content-type": "application/json", "x-request-id": "r"},
                "body": r#"{"b":[{"d":1}]}"#,
                "isBase64Encoded": false,
            })
        );
    }
}
