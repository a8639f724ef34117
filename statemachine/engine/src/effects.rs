//! What a state leaves behind: its output and the variables it sets.

use jsonata_core::value::JValue;
use serde_json::{Map, Value};

use crate::error_names::{DATA_LIMIT_EXCEEDED, QUERY_EVALUATION_ERROR};
use crate::scope::{Scope, Variables};
use crate::task::TaskFailure;
use crate::template::Template;
use crate::value::{size, to_json};

/// Largest input, output, argument or set of assigned values, in bytes of
/// JSON (developer guide, "Service quotas"). What is assigned together is at
/// least as large as each variable, which has the same limit.
pub(crate) const DATA_LIMIT: usize = 262_144;

/// Largest sum of all variables of an execution (developer guide, "Passing data
/// between states with variables").
const STORE_LIMIT: usize = 10_485_760;

/// Longest error and cause of a failure, in characters (API reference,
/// "TaskFailedEventDetails" and "ExecutionFailedEventDetails").
const ERROR_LIMIT: usize = 256;
const CAUSE_LIMIT: usize = 32_768;

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

/// The failure, or that it is longer than the service allows. What Step Functions
/// makes of one that is too long is written nowhere; so nothing may lean on it, and
/// the failure is one that `States.ALL` does not catch.
pub(crate) fn within_length(failure: TaskFailure) -> TaskFailure {
    for (what, text, limit) in [
        ("the error", &failure.error, ERROR_LIMIT),
        ("the cause", &failure.cause, CAUSE_LIMIT),
    ] {
        let characters = text.chars().count();
        if characters > limit {
            let start: String = text.chars().take(ERROR_LIMIT).collect();
            return TaskFailure::new(
                DATA_LIMIT_EXCEEDED,
                format!("{what} has {characters} characters; the limit is {limit}: {start}"),
            );
        }
    }
    failure
}

/// Whether the variables fit into the store once these are assigned.
pub(crate) fn within_store(
    variables: &Variables,
    assigned: &[(String, JValue)],
) -> Result<(), TaskFailure> {
    // Each of them has its own limit, so few of them need not be added up.
    if (variables.len() + assigned.len()) * DATA_LIMIT <= STORE_LIMIT {
        return Ok(());
    }
    let size_of = |value: &JValue| to_json(value).map_or(0, |json| size(&json));
    let kept = variables
        .iter()
        .filter(|(name, _)| assigned.iter().all(|(new, _)| new != *name));
    let kept: usize = kept.map(|(_, value)| size_of(value)).sum();
    let new: usize = assigned.iter().map(|(_, value)| size_of(value)).sum();
    if kept + new > STORE_LIMIT {
        let bytes = kept + new;
        return Err(TaskFailure::new(
            DATA_LIMIT_EXCEEDED,
            format!("the variables have {bytes} bytes; the limit is {STORE_LIMIT}"),
        ));
    }
    Ok(())
}
