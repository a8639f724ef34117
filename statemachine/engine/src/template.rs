//! JSON with expressions in it: `Arguments`, `Output`, `Assign` and all other
//! fields that take an expression.

use jsonata_core::value::JValue;
use serde_json::{Map, Value};

use crate::expression::Expression;
use crate::scope::Scope;
use crate::task::TaskFailure;
use crate::value::from_json;

/// A field's value, compiled.
#[derive(Debug)]
pub(crate) enum Template {
    /// No expression inside.
    Literal(Value),
    Expression(Expression),
    Array(Vec<Template>),
    Object(Vec<(String, Template)>),
}

impl Template {
    /// An array of these; a literal if all of them are.
    pub(crate) fn array(items: Vec<Template>) -> Template {
        let literal = items.iter().map(Template::literal).collect();
        match literal {
            Some(array) => Template::Literal(Value::Array(array)),
            None => Template::Array(items),
        }
    }

    /// An object of these; a literal if all of them are.
    pub(crate) fn object(fields: Vec<(String, Template)>) -> Template {
        let literal: Option<Map<String, Value>> = fields
            .iter()
            .map(|(key, value)| Some((key.clone(), value.literal()?)))
            .collect();
        match literal {
            Some(object) => Template::Literal(Value::Object(object)),
            None => Template::Object(fields),
        }
    }

    fn literal(&self) -> Option<Value> {
        match self {
            Template::Literal(value) => Some(value.clone()),
            Template::Expression(_) | Template::Array(_) | Template::Object(_) => None,
        }
    }

    /// The value with every expression replaced by what it yields.
    pub(crate) fn evaluate(&self, scope: &mut Scope) -> Result<JValue, TaskFailure> {
        match self {
            Template::Literal(value) => Ok(from_json(value.clone())),
            Template::Expression(expression) => scope.evaluate(expression),
            Template::Array(items) => items
                .iter()
                .map(|item| item.evaluate(scope))
                .collect::<Result<Vec<_>, _>>()
                .map(JValue::array),
            Template::Object(fields) => fields
                .iter()
                .map(|(key, value)| Ok((key.clone(), value.evaluate(scope)?)))
                .collect::<Result<_, _>>()
                .map(JValue::object),
        }
    }

    /// The value of a field that a literal or an expression must fill with
    /// something particular, such as a number of seconds.
    pub(crate) fn evaluate_as<T>(
        &self,
        scope: &mut Scope,
        expected: &str,
        convert: impl Fn(&JValue) -> Option<T>,
    ) -> Result<T, TaskFailure> {
        let value = self.evaluate(scope)?;
        convert(&value).ok_or_else(|| {
            let what = format!("does not yield {expected}");
            match self {
                Template::Expression(expression) => expression.failure(&what),
                // Literals were checked when the definition was loaded.
                Template::Literal(_) | Template::Array(_) | Template::Object(_) => {
                    TaskFailure::new(crate::error_names::RUNTIME, what)
                }
            }
        })
    }
}
