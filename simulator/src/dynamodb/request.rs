//! Requests: JSON objects of which every member must be known.

use serde_json::{Map, Value};

use super::error::{unsupported, validation};
use super::value::{Item, item, serialization};
use crate::calls::ApiError;

/// A request of which every member is known.
pub(super) struct Request(Map<String, Value>);

impl Request {
    /// Reads a request and refuses members that this world does not know. AWS
    /// would ignore them.
    pub(super) fn new(request: &Value, known: &[&[&str]]) -> Result<Request, ApiError> {
        let Some(members) = request.as_object() else {
            return Err(serialization("a request is a JSON object"));
        };
        let unknown = members.keys().map(String::as_str).find(|member| {
            *member != "TableName" && !known.iter().any(|some| some.contains(member))
        });
        if let Some(member) = unknown {
            return Err(unsupported(&format!("the member {member}")));
        }
        Ok(Request(members.clone()))
    }

    /// A member as it is.
    pub(super) fn take(&mut self, member: &str) -> Option<Value> {
        self.0.remove(member).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, member: &str) -> Result<Option<String>, ApiError> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(serialization(&format!("{member} is a JSON text"))),
        }
    }

    /// Yes or no; no if it is not there.
    pub(super) fn flag(&mut self, member: &str) -> Result<bool, ApiError> {
        match self.take(member) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(serialization(&format!("{member} is true or false"))),
        }
    }

    /// A number from 1 on.
    pub(super) fn positive(&mut self, member: &str) -> Result<Option<usize>, ApiError> {
        let Some(value) = self.take(member) else {
            return Ok(None);
        };
        let Some(number) = value.as_i64() else {
            return Err(serialization(&format!("{member} is a number")));
        };
        let positive = usize::try_from(number).ok().filter(|number| *number > 0);
        positive.map(Some).ok_or_else(|| {
            validation(format!(
                "1 validation error detected: Value '{number}' at '{}' failed to satisfy \
                 constraint: Member must have value greater than or equal to 1",
                lower(member)
            ))
        })
    }

    /// Attributes that must be there.
    pub(super) fn attributes(&mut self, member: &str) -> Result<Item, ApiError> {
        match self.take(member) {
            Some(value) => item(&value),
            None => Err(validation(format!(
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: \
                 Member must not be null",
                lower(member)
            ))),
        }
    }

    /// One of several words; the first one if it is not there.
    pub(super) fn choice<'a>(
        &mut self,
        member: &str,
        words: &[&'a str],
    ) -> Result<&'a str, ApiError> {
        let given = self.text(member)?;
        let Some(given) = given else {
            return Ok(words.first().copied().unwrap_or_default());
        };
        let known = words.iter().find(|word| **word == given);
        known.copied().ok_or_else(|| {
            validation(format!(
                "1 validation error detected: Value '{given}' at '{}' failed to satisfy \
                 constraint: Member must satisfy enum value set: [{}]",
                lower(member),
                words.join(", ")
            ))
        })
    }
}

/// The way that AWS writes the names of members in its messages.
fn lower(member: &str) -> String {
    let mut letters = member.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_lowercase().to_string() + letters.as_str()
    })
}
