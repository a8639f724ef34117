//! What an update changes.

use super::AttributeValue;
use super::name;
use super::parser::Parser;
use crate::calls::ApiError;
use crate::dynamodb::error::unsupported;
use crate::dynamodb::value::Item;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dynamodb) struct Update {
    set: Vec<(String, Term)>,
    remove: Vec<String>,
}

/// What an attribute is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Value(AttributeValue),
    IfNotExists(String, AttributeValue),
}

impl Update {
    /// The attributes that it changes.
    pub(in crate::dynamodb) fn targets(&self) -> impl Iterator<Item = &str> {
        let set = self.set.iter().map(|(name, _)| name.as_str());
        set.chain(self.remove.iter().map(String::as_str))
    }

    /// The item after the update. Every term sees the item as it was before.
    pub(in crate::dynamodb) fn apply(&self, item: &Item) -> Item {
        let mut changed = item.clone();
        for (name, term) in &self.set {
            let value = match term {
                Term::Value(value) => value,
                Term::IfNotExists(other, value) => item.get(other).unwrap_or(value),
            };
            changed.insert(name.clone(), value.clone());
        }
        for name in &self.remove {
            changed.remove(name);
        }
        changed
    }
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Update, ApiError> {
    let mut update = Update {
        set: Vec::new(),
        remove: Vec::new(),
    };
    while let Some(section) = parser.peek() {
        let name = section.text.to_ascii_uppercase();
        let again = match name.as_str() {
            "SET" => !update.set.is_empty(),
            "REMOVE" => !update.remove.is_empty(),
            "ADD" | "DELETE" => {
                return Err(unsupported(&format!("{name} in an UpdateExpression")));
            }
            _ => return Err(parser.syntax_error()),
        };
        if again {
            return Err(parser.invalid(&format!(
                "The \"{name}\" section can only be used once in an update expression;"
            )));
        }
        parser.advance();
        loop {
            let target = name::parse(parser)?;
            if name == "SET" {
                parser.expect("=")?;
                update.set.push((target, term(parser)?));
            } else {
                update.remove.push(target);
            }
            if !parser.take(",") {
                break;
            }
        }
    }
    let targets: Vec<&str> = update.targets().collect();
    name::refuse_overlap(parser, &targets)?;
    Ok(update)
}

fn term(parser: &mut Parser<'_>) -> Result<Term, ApiError> {
    let called = parser.peek_second().is_some_and(|token| token.text == "(");
    let function = parser.peek().filter(|token| called && token.is_word());
    let term = match function.map(|token| token.text) {
        None => Term::Value(value(parser)?),
        Some("if_not_exists") => if_not_exists(parser)?,
        Some("list_append") => return Err(unsupported("the function list_append")),
        Some(other) => {
            return Err(parser.invalid(&format!("Invalid function name; function: {other}")));
        }
    };
    match parser.peek() {
        Some(sign) if ["+", "-"].contains(&sign.text) => {
            Err(unsupported(&format!("arithmetic, as with {}", sign.text)))
        }
        Some(_) | None => Ok(term),
    }
}

/// A value that came with the request.
fn value(parser: &mut Parser<'_>) -> Result<AttributeValue, ApiError> {
    if let Some(value) = parser.value()? {
        return Ok(value);
    }
    let name = name::parse(parser)?;
    Err(unsupported(&format!(
        "one attribute as the value of another, as with {name}"
    )))
}

fn if_not_exists(parser: &mut Parser<'_>) -> Result<Term, ApiError> {
    parser.advance();
    parser.expect("(")?;
    if parser.value()?.is_some() {
        return Err(parser.invalid(
            "Operator or function requires a document path; operator or function: if_not_exists",
        ));
    }
    let name = name::parse(parser)?;
    parser.expect(",")?;
    let Term::Value(otherwise) = term(parser)? else {
        return Err(unsupported("if_not_exists within if_not_exists"));
    };
    parser.expect(")")?;
    Ok(Term::IfNotExists(name, otherwise))
}
