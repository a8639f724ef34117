//! What a state leaves behind: its output and the variables it sets.

use jsonata_core::value::JValue;
use serde_json::{Map, Value};

use crate::error_names::{DATA_LIMIT_EXCEEDED, QUERY_EVALUATION_ERROR};
use crate::scope::Scope;
use crate::task::TaskFailure;
use crate::template::Template;
use crate::value::{size, to_json};

/// Largest input, output, argument or set of assigned values, in bytes of
/// JSON (developer guide, "Service quotas").
pub(crate) const DATA_LIMIT: usize = 262_144;

/// `Output` and `Assign` of a state, a choice rule or a catcher.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) output: Option<Template>,
    pub(crate) assign: Vec<(String, Template)>,
}

/// Effects that were worked out but have not taken place yet.
pub(crate) struct Worked {
    pub(crate) output: JValue,
    pub(crate) output_json: Value,
    pub(crate) assigned: Vec<(String, JValue)>,
    pub(crate) assigned_json: Map<String, Value>,
}

impl Effects {
    /// Evaluates all of them against the variables as they were before:
    /// neither `Output` nor another value of `Assign` sees what is being set.
    pub(crate) fn work_out(
        &self,
        scope: &mut Scope,
        default: &JValue,
    ) -> Result<Worked, TaskFailure> {
        let mut assigned = Vec::with_capacity(self.assign.len());
        let mut assigned_json = Map::new();
        for (name, template) in &self.assign {
            let value = template.evaluate(scope)?;
            assigned_json.insert(name.clone(), json(&value, "Assign")?);
            assigned.push((name.clone(), value));
        }
        let assigned_json = match within_limit(Value::Object(assigned_json), "Assign")? {
            Value::Object(object) => object,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Map::new(),
        };
        let output = match &self.output {
            Some(template) => template.evaluate(scope)?,
            None => default.clone(),
        };
        Ok(Worked {
            output_json: within_limit(json(&output, "Output")?, "Output")?,
            output,
            assigned,
            assigned_json,
        })
    }
}

/// A value as JSON.
pub(crate) fn json(value: &JValue, field: &str) -> Result<Value, TaskFailure> {
    to_json(value)
        .map_err(|what| TaskFailure::new(QUERY_EVALUATION_ERROR, format!("{field} yields {what}")))
}

/// The value, if it is not larger than the service allows.
pub(crate) fn within_limit(value: Value, what: &str) -> Result<Value, TaskFailure> {
    let bytes = size(&value);
    if bytes > DATA_LIMIT {
        return Err(TaskFailure::new(
            DATA_LIMIT_EXCEEDED,
            format!("{what} has {bytes} bytes; the limit is {DATA_LIMIT}"),
        ));
    }
    Ok(value)
}
