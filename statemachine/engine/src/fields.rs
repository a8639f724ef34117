//! Reads the fields of one object of a definition and notes what is wrong
//! with them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::expression::{Expression, Text};
use crate::findings::Findings;
use crate::template::Template;
use crate::vet::{Sees, vet};

/// Fields of JSONPath machines (States Language, "JSONPath").
const JSONPATH: &[&str] = &[
    "InputPath",
    "OutputPath",
    "Parameters",
    "ResultPath",
    "ResultSelector",
    "Result",
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "ErrorPath",
    "CausePath",
    "ItemsPath",
    "Variable",
];

/// Longest name of a state, and of a variable, in characters.
pub(crate) const LONGEST_NAME: usize = 80;

/// Shared by everything that reads one definition.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) findings: Findings,
    /// Where each variable is read: name, and the state and field.
    pub(crate) reads: RefCell<BTreeMap<String, (Option<String>, String)>>,
}

/// One object, with the fields that were asked for so far.
#[derive(Clone)]
pub(crate) struct Fields<'a> {
    notes: &'a Notes,
    state: Option<&'a str>,
    /// The way from the state to this object, such as `Retry[0]`.
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(
        notes: &'a Notes,
        state: Option<&'a str>,
        map: &'a Map<String, Value>,
    ) -> Fields<'a> {
        Fields {
            notes,
            state,
            path: String::new(),
            map,
        }
    }

    /// Notes a finding about a field; about the object if the name is empty.
    pub(crate) fn refuse(&self, field: &str, rule: impl Into<String>) {
        self.notes.findings.add(self.state, self.place(field), rule);
    }

    fn place(&self, field: &str) -> String {
        match (self.path.as_str(), field) {
            ("", field) => field.to_owned(),
            (path, "") => path.to_owned(),
            (path, field) => format!("{path}.{field}"),
        }
    }

    /// Refuses every field that is not in the lists.
    pub(crate) fn only(&self, what: &str, allowed: &[&[&str]]) {
        for name in self.map.keys() {
            if allowed.iter().any(|list| list.contains(&name.as_str())) {
                continue;
            }
            self.refuse(
                name,
                if JSONPATH.contains(&name.as_str()) {
                    format!("belongs to JSONPath, {what} is JSONata")
                } else {
                    format!("{what} has no such field, or it is not supported")
                },
            );
        }
    }

    pub(crate) fn has(&self, field: &str) -> bool {
        self.map.contains_key(field)
    }

    pub(crate) fn value(&self, field: &str) -> Option<&'a Value> {
        self.map.get(field)
    }

    pub(crate) fn required(&self, field: &str) -> Option<&'a Value> {
        let value = self.value(field);
        if value.is_none() {
            self.refuse(field, "is missing");
        }
        value
    }

    /// A field that is text and nothing else.
    pub(crate) fn string(&self, field: &str) -> Option<&'a str> {
        let value = self.value(field)?;
        let text = value.as_str();
        if text.is_none() {
            self.refuse(field, "must be a string");
        }
        text
    }

    /// A field that, if it is there, can only be this text.
    pub(crate) fn only_value(&self, field: &str, text: &str) {
        if self.value(field).is_some_and(|value| value != text) {
            self.refuse(
                field,
                format!("must be `{text}`, nothing else is supported"),
            );
        }
    }

    /// A whole number within bounds.
    pub(crate) fn whole(&self, field: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.value(field)?;
        let number = value
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| range.contains(number));
        if number.is_none() {
            self.refuse(
                field,
                format!(
                    "must be a whole number from {} to {}",
                    range.start(),
                    range.end()
                ),
            );
        }
        number
    }

    /// A whole number within bounds, or an expression for one.
    pub(crate) fn whole_or_expression(
        &self,
        field: &str,
        range: RangeInclusive<u32>,
    ) -> Option<Template> {
        match self.value(field)? {
            Value::String(_) => self.expression(field, Sees::Input),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => self
                .whole(field, range)
                .map(|number| Template::Literal(number.into())),
        }
    }

    /// A field that must be an expression.
    pub(crate) fn expression(&self, field: &str, sees: Sees) -> Option<Template> {
        match self.template(field, sees)? {
            Template::Literal(_) | Template::Array(_) | Template::Object(_) => {
                self.refuse(field, "must be an expression, `{% … %}`");
                None
            }
            expression @ Template::Expression(_) => Some(expression),
        }
    }

    /// Any JSON with expressions in it.
    pub(crate) fn template(&self, field: &str, sees: Sees) -> Option<Template> {
        self.compile(self.value(field)?, self.place(field), sees)
    }

    /// The fields of an object, each with expressions in it.
    pub(crate) fn templates(&self, field: &str, sees: Sees) -> Vec<(String, Template)> {
        let Some(value) = self.value(field) else {
            return Vec::new();
        };
        let Some(object) = value.as_object() else {
            self.refuse(field, "must be an object");
            return Vec::new();
        };
        object
            .iter()
            .filter_map(|(name, value)| {
                let place = format!("{}.{name}", self.place(field));
                Some((name.clone(), self.compile(value, place, sees)?))
            })
            .collect()
    }

    /// The objects of an array, each to be read by itself.
    pub(crate) fn objects(&self, field: &str) -> Vec<Fields<'a>> {
        let Some(value) = self.value(field) else {
            return Vec::new();
        };
        let items = value.as_array().filter(|items| !items.is_empty());
        let Some(items) = items else {
            self.refuse(field, "must be an array that is not empty");
            return Vec::new();
        };
        let mut objects = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", self.place(field));
            match item.as_object() {
                Some(map) => objects.push(Fields {
                    path,
                    map,
                    ..self.clone()
                }),
                None => self
                    .notes
                    .findings
                    .add(self.state, path, "must be an object"),
            }
        }
        objects
    }

    fn compile(&self, value: &Value, place: String, sees: Sees) -> Option<Template> {
        match value {
            Value::String(text) => self.compile_text(text, place, sees),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.compile(item, format!("{place}[{index}]"), sees))
                .collect::<Option<_>>()
                .map(Template::array),
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| {
                    let place = format!("{place}.{key}");
                    Some((key.clone(), self.compile(value, place, sees)?))
                })
                .collect::<Option<_>>()
                .map(Template::object),
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                Some(Template::Literal(value.clone()))
            }
        }
    }

    fn compile_text(&self, text: &str, place: String, sees: Sees) -> Option<Template> {
        let refuse = |rule: String| self.notes.findings.add(self.state, place.as_str(), rule);
        let source = match Text::of(text) {
            Text::Literal => return Some(Template::Literal(text.into())),
            Text::Expression(source) => source,
            Text::HalfMarked => {
                refuse("begins with `{%` or ends with `%}`, but not both".to_owned());
                return None;
            }
        };
        let whole_place = match self.state {
            Some(state) => format!("state `{state}`, field `{place}`"),
            None => format!("field `{place}`"),
        };
        let expression = match Expression::parse(source, whole_place) {
            Ok(expression) => expression,
            Err(error) => {
                refuse(format!("is not JSONata: {error}"));
                return None;
            }
        };
        let vetted = vet(expression.ast(), sees);
        vetted.faults.into_iter().for_each(refuse);
        let mut reads = self.notes.reads.borrow_mut();
        for name in vetted.variables {
            reads
                .entry(name)
                .or_insert_with(|| (self.state.map(str::to_owned), place.clone()));
        }
        Some(Template::Expression(expression))
    }
}
