//! Values of attributes.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::error::{unsupported, validation};
use super::number::Number;
use crate::calls::ApiError;

/// An item: its attributes by name.
pub(super) type Item = BTreeMap<String, AttributeValue>;

/// The value of an attribute. Binary values are the only kind that this world
/// does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AttributeValue {
    S(String),
    N(Number),
    Bool(bool),
    Null,
    List(Vec<AttributeValue>),
    Map(Item),
    Strings(BTreeSet<String>),
    Numbers(BTreeSet<Number>),
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
            "N" => Number::parse(text(content)?).map(AttributeValue::N),
            "BOOL" => content
                .as_bool()
                .map(AttributeValue::Bool)
                .ok_or_else(|| serialization("BOOL is true or false")),
            "NULL" => match content {
                Value::Bool(true) => Ok(AttributeValue::Null),
                Value::Bool(false) => Err(validation(
                    "One or more parameter values were invalid: Null attribute value types must have the value of true",
                )),
                Value::Null
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_)
                | Value::Object(_) => Err(serialization("NULL is true")),
            },
            "L" => list(content)?
                .iter()
                .map(AttributeValue::parse)
                .collect::<Result<_, _>>()
                .map(AttributeValue::List),
            "M" => item(content).map(AttributeValue::Map),
            "SS" => set(content, "string", |text| Ok(text.to_owned())).map(AttributeValue::Strings),
            "NS" => set(content, "number", Number::parse).map(AttributeValue::Numbers),
            "B" | "BS" => Err(unsupported("binary values")),
            _ => Err(validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            )),
        }
    }

    /// The value as it stands on the wire.
    pub(super) fn to_json(&self) -> Value {
        match self {
            AttributeValue::S(text) => json!({ "S": text }),
            AttributeValue::N(number) => json!({ "N": number.to_string() }),
            AttributeValue::Bool(is) => json!({ "BOOL": is }),
            AttributeValue::Null => json!({ "NULL": true }),
            AttributeValue::List(list) => {
                let list: Vec<Value> = list.iter().map(AttributeValue::to_json).collect();
                json!({ "L": list })
            }
            AttributeValue::Map(item) => json!({ "M": item_to_json(item) }),
            AttributeValue::Strings(set) => json!({ "SS": set }),
            AttributeValue::Numbers(set) => {
                let set: Vec<String> = set.iter().map(Number::to_string).collect();
                json!({ "NS": set })
            }
        }
    }

    /// What is in it under a name, if it is a map.
    pub(super) fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        if let AttributeValue::Map(map) = self {
            map.get(name)
        } else {
            None
        }
    }

    /// What is in it at a place, if it is a list.
    pub(super) fn element(&self, index: usize) -> Option<&AttributeValue> {
        if let AttributeValue::List(list) = self {
            list.get(index)
        } else {
            None
        }
    }

    /// The letters for its kind.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            AttributeValue::S(_) => "S",
            AttributeValue::N(_) => "N",
            AttributeValue::Bool(_) => "BOOL",
            AttributeValue::Null => "NULL",
            AttributeValue::List(_) => "L",
            AttributeValue::Map(_) => "M",
            AttributeValue::Strings(_) => "SS",
            AttributeValue::Numbers(_) => "NS",
        }
    }

    /// The order of two values, if they are of one kind that has an order.
    pub(super) fn order(&self, other: &AttributeValue) -> Option<Ordering> {
        match (self, other) {
            (AttributeValue::S(a), AttributeValue::S(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (AttributeValue::N(a), AttributeValue::N(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// About as many bytes as the service counts for it ("DynamoDB item sizes
    /// and formats", developer guide).
    pub(super) fn size(&self) -> usize {
        match self {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(number) => number.to_string().len() / 2 + 1,
            AttributeValue::Bool(_) | AttributeValue::Null => 1,
            AttributeValue::List(list) => {
                3 + list.iter().map(|value| value.size() + 1).sum::<usize>()
            }
            AttributeValue::Map(item) => 3 + size_of_item(item) + item.len(),
            AttributeValue::Strings(set) => set.iter().map(String::len).sum(),
            AttributeValue::Numbers(set) => set.iter().map(|n| n.to_string().len() / 2 + 1).sum(),
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

fn list(value: &Value) -> Result<&[Value], ApiError> {
    value
        .as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| serialization("lists and sets are JSON arrays"))
}

fn set<T: Ord>(
    content: &Value,
    kind: &str,
    read: impl Fn(&str) -> Result<T, ApiError>,
) -> Result<BTreeSet<T>, ApiError> {
    let members = list(content)?;
    if members.is_empty() {
        return Err(validation(format!(
            "One or more parameter values were invalid: An {kind} set  may not be empty"
        )));
    }
    let set: BTreeSet<T> = members
        .iter()
        .map(|member| read(text(member)?))
        .collect::<Result<_, _>>()?;
    if set.len() < members.len() {
        let given: Vec<&str> = members.iter().filter_map(Value::as_str).collect();
        return Err(validation(format!(
            "One or more parameter values were invalid: Input collection [{}] contains duplicates.",
            given.join(", ")
        )));
    }
    Ok(set)
}
