//! Expressions: what a write changes, and under which condition ("Expressions
//! in DynamoDB", developer guide). What no definition and no adapter uses is refused
//! by name.

mod condition;
mod lexer;
mod name;
mod parser;
mod update;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(super) use condition::Condition;
pub(super) use update::Update;

use super::error::validation;
use super::value::{AttributeValue, serialization};
use crate::calls::ApiError;
use parser::Parser;

/// What the placeholders of a request stand for, and which ones were used.
#[derive(Debug, Default)]
pub(super) struct Placeholders {
    names: Option<BTreeMap<String, String>>,
    values: Option<BTreeMap<String, AttributeValue>>,
    used: BTreeSet<String>,
}

impl Placeholders {
    /// Reads `ExpressionAttributeNames` and `ExpressionAttributeValues`.
    pub(super) fn read(
        names: Option<&Value>,
        values: Option<&Value>,
    ) -> Result<Placeholders, ApiError> {
        Ok(Placeholders {
            names: read(names, "ExpressionAttributeNames", '#', |name| {
                let name = name.as_str().map(str::to_owned);
                name.ok_or_else(|| serialization("a name is a JSON text"))
            })?,
            values: read(
                values,
                "ExpressionAttributeValues",
                ':',
                AttributeValue::parse,
            )?,
            used: BTreeSet::new(),
        })
    }

    fn name(&mut self, placeholder: &str) -> Option<String> {
        let name = self.names.as_ref()?.get(placeholder)?.clone();
        self.used.insert(placeholder.to_owned());
        Some(name)
    }

    fn value(&mut self, placeholder: &str) -> Option<AttributeValue> {
        let value = self.values.as_ref()?.get(placeholder)?.clone();
        self.used.insert(placeholder.to_owned());
        Some(value)
    }

    /// Refuses what no expression used. `expressions` are the expressions that
    /// the request could have had, with whether it had them.
    pub(super) fn finish(self, expressions: &[(&str, bool)]) -> Result<(), ApiError> {
        let any = expressions.iter().any(|(_, given)| *given);
        let given = [
            ("ExpressionAttributeNames", self.names.is_some()),
            ("ExpressionAttributeValues", self.values.is_some()),
        ];
        if let Some((member, _)) = given.iter().find(|(_, given)| *given && !any) {
            let names: Vec<&str> = expressions.iter().map(|(name, _)| *name).collect();
            let are = if names.len() == 1 { "is" } else { "are" };
            return Err(validation(format!(
                "{member} can only be specified when using expressions: {} {are} null",
                names.join(" and ")
            )));
        }
        let names = self.names.iter().flat_map(BTreeMap::keys);
        refuse_unused("ExpressionAttributeNames", names, &self.used)?;
        let values = self.values.iter().flat_map(BTreeMap::keys);
        refuse_unused("ExpressionAttributeValues", values, &self.used)
    }
}

fn read<T>(
    given: Option<&Value>,
    member: &str,
    mark: char,
    read: impl Fn(&Value) -> Result<T, ApiError>,
) -> Result<Option<BTreeMap<String, T>>, ApiError> {
    let Some(given) = given else {
        return Ok(None);
    };
    let Some(object) = given.as_object() else {
        return Err(serialization("placeholders are a JSON object"));
    };
    if object.is_empty() {
        return Err(validation(format!("{member} must not be empty")));
    }
    let mut placeholders = BTreeMap::new();
    for (key, content) in object {
        let sound = key.strip_prefix(mark).is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        if !sound {
            return Err(validation(format!(
                "{member} contains invalid key: Syntax error; key: \"{key}\""
            )));
        }
        let content = read(content).map_err(|error| ApiError {
            message: format!(
                "{member} contains invalid value: {} for key {key}",
                error.message
            ),
            ..error
        })?;
        placeholders.insert(key.clone(), content);
    }
    Ok(Some(placeholders))
}

fn refuse_unused<'a>(
    member: &str,
    given: impl Iterator<Item = &'a String>,
    used: &BTreeSet<String>,
) -> Result<(), ApiError> {
    let unused: Vec<&str> = given
        .filter(|key| !used.contains(*key))
        .map(String::as_str)
        .collect();
    if unused.is_empty() {
        return Ok(());
    }
    Err(validation(format!(
        "Value provided in {member} unused in expressions: keys: {{{}}}",
        unused.join(", ")
    )))
}

pub(super) fn condition(
    text: &str,
    placeholders: &mut Placeholders,
) -> Result<Condition, ApiError> {
    Parser::new("ConditionExpression", text, placeholders)?.whole(condition::parse)
}

pub(super) fn update(text: &str, placeholders: &mut Placeholders) -> Result<Update, ApiError> {
    Parser::new("UpdateExpression", text, placeholders)?.whole(update::parse)
}

#[cfg(test)]
mod tests;
