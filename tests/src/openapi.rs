//! The document of the HTTP API: `infra/openapi.yaml`, whose schemas are
//! generated from the types.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "JSON gets no further kinds of value"
)]

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use shared::gateway::{ConnectionRequest, Problem};

use crate::documents::{between, read};

const PATH: &str = "infra/openapi.yaml";
const BEGIN: &str = "  # schemas, generated from the types\n";
const END: &str = "  # end of schemas\n";

/// The document as it is in the repository.
///
/// # Panics
/// When it is not YAML.
pub fn document() -> Value {
    serde_norway::from_str(&read(PATH)).unwrap_or_else(|error| panic!("{PATH}: {error}"))
}

/// The document with its schemas as the types have them.
pub fn with_schemas(text: &str) -> String {
    let schemas = serde_norway::to_string(&schemas()).unwrap_or_default();
    let schemas: String = schemas
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    between(text, BEGIN, END, &format!("  schemas:\n{schemas}"))
}

/// The schemas of all that is sent and answered, by name.
fn schemas() -> Value {
    let mut generator = SchemaSettings::openapi3().into_generator();
    add::<ConnectionRequest>(&mut generator);
    add::<connections_api::Accepted>(&mut generator);
    add::<connections_api::ConnectionPage>(&mut generator);
    add::<connections_api::ConnectionView>(&mut generator);
    add::<connections_api::Explanation>(&mut generator);
    add::<plan_connection::Plan>(&mut generator);
    add::<Problem>(&mut generator);
    let all = Value::Object(generator.take_definitions(true));
    let simple = simplified(&all, &all, true);
    let mut named: Vec<(String, Value)> = simple
        .as_object()
        .into_iter()
        .flatten()
        // These stand wherever they are used.
        .filter(|(_, schema)| !is_word(schema))
        .map(|(name, schema)| (name.clone(), schema.clone()))
        .collect();
    named.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Object(named.into_iter().collect())
}

fn add<T: JsonSchema>(generator: &mut schemars::SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// A schema in the words that API Gateway and OpenAPI 3.0 share. `all` has the
/// schemas that it refers to.
fn simplified(schema: &Value, all: &Value, is_named: bool) -> Value {
    let Value::Object(fields) = schema else {
        return match schema {
            Value::Array(items) => items.iter().map(|it| simplified(it, all, false)).collect(),
            plain => plain.clone(),
        };
    };
    if let Some(variants) = fields.get("oneOf").and_then(Value::as_array) {
        let words = variants
            .iter()
            .flat_map(|variant| variant["enum"].as_array());
        let words: Vec<Value> = words.flatten().cloned().collect();
        let mut word = Map::from_iter([("type".to_owned(), "string".into())]);
        word.extend(described(fields));
        word.insert("enum".to_owned(), words.into());
        return word.into();
    }
    // A reference that may be nothing, or that has words of its own beside it, is
    // wrapped by schemars; an identifier is written out in its place.
    let referred = ["anyOf", "allOf"]
        .iter()
        .find_map(|key| fields.get(*key)?.as_array());
    let referred = reference(referred.map_or(schema, |variants| &variants[0]));
    let name = referred
        .and_then(|it| it.rsplit('/').next())
        .filter(|_| !is_named);
    if let Some(there) = name.map(|name| simplified(&all[name], all, true)) {
        if !is_word(&there) {
            let referred = serde_json::json!({ "$ref": referred });
            let mut wrapped = Map::from_iter(described(fields));
            let default = fields.get("default").filter(|it| it.is_string());
            wrapped.extend(default.map(|it| ("default".to_owned(), it.clone())));
            if wrapped.is_empty() {
                return referred;
            }
            wrapped.insert("allOf".to_owned(), vec![referred].into());
            return wrapped.into();
        }
        let mut word = there.as_object().cloned().unwrap_or_default();
        word.extend(described(fields));
        return word.into();
    }
    let mut simple = Map::new();
    for (key, value) in fields {
        let value = match key.as_str() {
            // Nothing is `null`: what is not there is left out. API Gateway's models know
            // no other way.
            "nullable" => continue,
            // The name of a format of Rust's numbers.
            "format" if value.as_str().is_some_and(|it| it.starts_with("uint")) => continue,
            // A default that is nothing, or the sum of the defaults below it.
            "default" if value.is_null() || value.is_object() => continue,
            "description" => value.as_str().unwrap_or_default().replace('\n', " ").into(),
            "enum" | "required" | "default" => value.clone(),
            _ => simplified(value, all, is_named && key == "$defs"),
        };
        simple.insert(key.clone(), value);
    }
    simple.into()
}

fn described(fields: &Map<String, Value>) -> Option<(String, Value)> {
    let text = fields.get("description")?.as_str()?.replace('\n', " ");
    Some(("description".to_owned(), text.into()))
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()
}

/// Whether it is a string with a pattern, such as an identifier.
fn is_word(schema: &Value) -> bool {
    schema["type"] == "string" && schema.get("enum").is_none()
}
