//! Values of attributes: texts and whole numbers. Nothing else is in a ledger or a
//! lease.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::error::{unsupported, validation};
use crate::calls::ApiError;

/// An item: its attributes by name.
pub(super) type Item = BTreeMap<String, AttributeValue>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AttributeValue {
    S(String),
    N(i64),
}

impl AttributeValue {
    /// Reads `{"S": "text"}` and the like.
    pub(super) fn parse(value: &Value) -> Result<AttributeValue, ApiError> {
        let Some(object) = value.as_object() else {
            return Err(serialization("an attribute value is a JSON object"));
        };
        let mut members = object.iter();
        let (Some((kind, content)), rest) = (members.next(), members.next()) else {
            return Err(validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ));
        };
        if rest.is_some() {
            return Err(validation(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
            ));
        }
        match kind.as_str() {
            "S" => text(content).map(|text| AttributeValue::S(text.to_owned())),
            "N" => number(text(content)?).map(AttributeValue::N),
            "B" | "BOOL" | "BS" | "L" | "M" | "NS" | "NULL" | "SS" => {
                Err(unsupported(&format!("values of type {kind}")))
            }
            _ => Err(validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            )),
        }
    }

    /// The value as it stands on the wire.
    fn to_json(&self) -> Value {
        match self {
            AttributeValue::S(text) => json!({ "S": text }),
            AttributeValue::N(number) => json!({ "N": number.to_string() }),
        }
    }

    /// The letter for its kind.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            AttributeValue::S(_) => "S",
            AttributeValue::N(_) => "N",
        }
    }

    /// The order of two values, if they are of one kind.
    pub(super) fn order(&self, other: &AttributeValue) -> Option<Ordering> {
        match (self, other) {
            (AttributeValue::S(a), AttributeValue::S(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (AttributeValue::N(a), AttributeValue::N(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// About as many bytes as the service counts for it ("DynamoDB item sizes
    /// and formats", developer guide).
    fn size(&self) -> usize {
        match self {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(number) => number.to_string().len() / 2 + 1,
        }
    }
}

/// The size of an item: names and values.
pub(super) fn size_of_item(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value.size())
        .sum()
}

/// Reads the attributes of an item or a key.
pub(super) fn item(value: &Value) -> Result<Item, ApiError> {
    let Some(object) = value.as_object() else {
        return Err(serialization("attributes are a JSON object"));
    };
    object
        .iter()
        .map(|(name, value)| Ok((name.clone(), AttributeValue::parse(value)?)))
        .collect()
}

/// An item as it stands on the wire.
pub(super) fn item_to_json(item: &Item) -> Value {
    let attributes: Map<String, Value> = item
        .iter()
        .map(|(name, value)| (name.clone(), value.to_json()))
        .collect();
    Value::Object(attributes)
}

/// JSON of another shape than the API model has.
pub(super) fn serialization(message: &str) -> ApiError {
    ApiError::new(400, "SerializationException", message)
}

fn text(value: &Value) -> Result<&str, ApiError> {
    value
        .as_str()
        .ok_or_else(|| serialization("S and N are JSON texts"))
}

/// A number as it stands on the wire: digits in a text. The service has 38 digits
/// and an exponent.
fn number(text: &str) -> Result<i64, ApiError> {
    let digits = text.trim_start_matches(['-', '+']);
    let begins = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    text.parse().map_err(|_| {
        if begins && text.parse::<f64>().is_ok() {
            unsupported(&format!("the number {text}, only whole ones of 64 bits"))
        } else {
            validation(format!(
                "The parameter cannot be converted to a numeric value: {text}"
            ))
        }
    })
}
