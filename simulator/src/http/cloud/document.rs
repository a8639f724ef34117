//! The official OpenAPI document of the Cloud API, compiled once per process.
//!
//! The document speaks OpenAPI 3.0, whose schemas are JSON Schema draft 5 with
//! small differences; draft 4 is the nearest that the validator knows. Objects
//! are closed (`additionalProperties: false`), because a property that the
//! document does not know is a mistake in a request and a bug in an answer.
//! `null` counts as absent on both sides: the real service writes it for unset
//! fields although the document nowhere says `nullable`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

const SOURCE: &str = include_str!("../../../openapi/cockroach-cloud-privatelink.json");

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document::read(SOURCE));

/// The operations of the document, ready to judge requests and answers.
pub(super) struct Document {
    pub(super) operations: Vec<Operation>,
    error_body: Schema,
}

/// One method on one path.
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: String,
    path: Vec<Segment>,
    pub(super) query: BTreeSet<String>,
    pub(super) body: Option<Schema>,
    success: Schema,
}

enum Segment {
    Literal(String),
    Parameter(String),
}

pub(super) struct Schema(Validator);

impl Document {
    /// The document that this crate carries.
    pub(super) fn vendored() -> &'static Document {
        &DOCUMENT
    }

    fn read(source: &str) -> Document {
        let mut document: Value =
            serde_json::from_str(source).expect("the vendored document is JSON");
        correct_known_slips(&mut document);
        close_objects(&mut document["components"]["schemas"]);
        let components = document["components"].clone();
        let schema = |schema: &Value| Schema::compile(schema, &components);
        let mut operations = Vec::new();
        for (path, methods) in members(&document["paths"]) {
            for (method, operation) in members(methods) {
                operations.push(Operation::read(path, method, operation, &schema));
            }
        }
        Document {
            operations,
            error_body: schema(&json!({ "$ref": "#/components/schemas/Status" })),
        }
    }

    /// What is wrong with an answer of ours, or nothing. `planted` are words
    /// that a scenario made the service say although the document does not
    /// know them, as the real one did with `STATUS_STALE`.
    pub(super) fn judge_answer(
        &self,
        operation: &Operation,
        status: u16,
        body: &Value,
        planted: &[String],
    ) -> Option<String> {
        let schema = if status < 300 {
            &operation.success
        } else {
            &self.error_body
        };
        schema.judge(body, planted)
    }
}

impl Operation {
    fn read(
        path: &str,
        method: &str,
        value: &Value,
        schema: &impl Fn(&Value) -> Schema,
    ) -> Operation {
        let content = |holder: &Value| schema(&holder["content"]["application/json"]["schema"]);
        let parameters = value["parameters"].as_array().into_iter().flatten();
        Operation {
            id: text(&value["operationId"]),
            method: method.to_uppercase(),
            path: path.split('/').skip(1).map(Segment::read).collect(),
            query: parameters
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| text(&parameter["name"]))
                .collect(),
            body: value.get("requestBody").map(content),
            success: content(&value["responses"]["200"]),
        }
    }

    /// The values of the path's parameters, if this path is meant. `segments`
    /// are percent-decoded.
    pub(super) fn matches(&self, segments: &[String]) -> Option<BTreeMap<String, String>> {
        if segments.len() != self.path.len() {
            return None;
        }
        let mut parameters = BTreeMap::new();
        for (segment, given) in self.path.iter().zip(segments) {
            match segment {
                Segment::Literal(literal) if literal == given => {}
                Segment::Literal(_) => return None,
                Segment::Parameter(name) => {
                    parameters.insert(name.clone(), given.clone());
                }
            }
        }
        Some(parameters)
    }
}

impl Segment {
    fn read(text: &str) -> Segment {
        match text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            Some(name) => Segment::Parameter(name.to_owned()),
            None => Segment::Literal(text.to_owned()),
        }
    }
}

impl Schema {
    fn compile(schema: &Value, components: &Value) -> Schema {
        let mut root = schema.as_object().cloned().unwrap_or_default();
        // Draft 4 ignores everything beside a `$ref`, the components too.
        let root = match root.remove("$ref") {
            Some(reference) => {
                json!({ "allOf": [{ "$ref": reference }], "components": components })
            }
            None => {
                root.insert("components".to_owned(), components.clone());
                Value::Object(root)
            }
        };
        let validator = jsonschema::options()
            .with_draft(Draft::Draft4)
            .should_validate_formats(true)
            .with_format("int64", |text: &str| text.parse::<i64>().is_ok())
            .build(&root)
            .expect("the vendored document compiles");
        Schema(validator)
    }

    /// What is wrong with a JSON value, or nothing.
    pub(super) fn judge(&self, value: &Value, planted: &[String]) -> Option<String> {
        let value = without_nulls(value);
        self.0
            .iter_errors(&value)
            .find(|error| {
                let word = error.instance().as_str().unwrap_or_default();
                let new_word = matches!(error.kind(), ValidationErrorKind::Enum { .. });
                !(new_word && planted.iter().any(|planted| planted == word))
            })
            .map(|error| match error.instance_path().as_str() {
                "" => error.to_string(),
                place => format!("{place}: {error}"),
            })
    }
}

/// Slips of the document that would otherwise refuse what the real service
/// says: `PrivateEndpointConnection` requires `region` but means
/// `region_name`, and `Cluster` requires a property that it does not define.
fn correct_known_slips(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    let connection = &mut schemas["PrivateEndpointConnection"];
    if let Some(required) = connection["required"].as_array_mut() {
        required.retain(|name| name != "region");
    }
    connection["properties"]["region"] = json!({ "type": "string" });
    schemas["Cluster"]["properties"]["is_customer_cloud_account"] = json!({ "type": "boolean" });
}

fn close_objects(schemas: &mut Value) {
    for schema in schemas
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
    {
        let Some(schema) = schema.as_object_mut() else {
            continue;
        };
        if schema.contains_key("properties") && !schema.contains_key("additionalProperties") {
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name.clone(), without_nulls(member)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(id: &str) -> &'static Operation {
        let found = Document::vendored()
            .operations
            .iter()
            .find(|operation| operation.id == id);
        found.expect("the operation is in the document")
    }

    fn judge(id: &str, status: u16, body: &Value, planted: &[&str]) -> Option<String> {
        let planted: Vec<String> = planted.iter().map(|&word| word.to_owned()).collect();
        Document::vendored().judge_answer(operation(id), status, body, &planted)
    }

    fn connections(status: &str) -> Value {
        json!({ "connections": [{
            "region_name": "us-east-1", "cloud_provider": "AWS", "status": status,
            "endpoint_id": "vpce-1", "endpoint_service_id": "vpce-svc-1", "service_name": "name",
        }] })
    }

    #[test]
    fn every_operation_of_the_document_is_read() {
        assert_eq!(Document::vendored().operations.len(), 20);
    }

    /// What is wrong with a list of connections.
    fn judge_list(answer: &Value, planted: &[&str]) -> Option<String> {
        let id = "CockroachCloud_ListPrivateEndpointConnections";
        judge(id, 200, answer, planted)
    }

    #[test]
    fn an_unknown_word_is_a_bug_unless_it_was_planted() {
        assert_eq!(judge_list(&connections("STATUS_AVAILABLE"), &[]), None);
        let answer = connections("STATUS_SOMETHING_NEW");
        let fault = judge_list(&answer, &[]);
        assert!(fault.is_some_and(|fault| fault.contains("STATUS_SOMETHING_NEW")));
        assert_eq!(judge_list(&answer, &["STATUS_SOMETHING_NEW"]), None);
    }

    #[test]
    fn a_property_that_the_document_does_not_know_is_a_bug() {
        let mut answer = connections("STATUS_AVAILABLE");
        answer["connections"][0]["updated_at"] = json!("2026-01-01T00:00:00Z");
        let fault = judge_list(&answer, &[]);
        assert!(fault.is_some_and(|fault| fault.contains("updated_at")));
    }

    #[test]
    fn null_counts_as_absent_but_not_for_what_is_required() {
        let mut answer = connections("STATUS_AVAILABLE");
        answer["connections"][0]["external_owner_id"] = Value::Null;
        assert_eq!(judge_list(&answer, &[]), None);
        answer["connections"][0]["service_name"] = Value::Null;
        let fault = judge_list(&answer, &[]);
        assert!(fault.is_some_and(|fault| fault.contains("service_name")));
    }

    #[test]
    fn times_are_judged_by_their_format() {
        let id = "CockroachCloud_GetOrganizationInfo";
        let organization =
            |created: &str| json!({ "id": "1", "label": "a", "name": "b", "created_at": created });
        assert_eq!(
            judge(id, 200, &organization("2026-01-01T00:00:00.123456Z"), &[]),
            None
        );
        assert!(judge(id, 200, &organization("yesterday"), &[]).is_some());
    }

    #[test]
    fn an_error_has_the_body_of_a_status() {
        let id = "CockroachCloud_GetCluster";
        let error = json!({ "code": 5, "message": "no", "details": [] });
        assert_eq!(judge(id, 404, &error, &[]), None);
        assert!(judge(id, 404, &json!({ "code": "5" }), &[]).is_some());
    }
}
