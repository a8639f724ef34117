//! What an update changes.

use super::AttributeValue;
use super::parser::Parser;
use super::path::{self, Path, Step};
use crate::calls::ApiError;
use crate::dynamodb::error::{unsupported, validation};
use crate::dynamodb::value::Item;

/// An update expression, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dynamodb) struct Update {
    set: Vec<(Path, Term)>,
    remove: Vec<Path>,
}

/// What an attribute is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Value(AttributeValue),
    Path(Path),
    IfNotExists(Path, Box<Term>),
    ListAppend(Box<Term>, Box<Term>),
    Plus(Box<Term>, Box<Term>),
    Minus(Box<Term>, Box<Term>),
}

impl Update {
    /// The paths that it changes.
    pub(in crate::dynamodb) fn targets(&self) -> impl Iterator<Item = &Path> {
        self.set.iter().map(|(path, _)| path).chain(&self.remove)
    }

    /// The item after the update. Every term sees the item as it was before.
    pub(in crate::dynamodb) fn apply(&self, item: &Item) -> Result<Item, ApiError> {
        let mut values = Vec::with_capacity(self.set.len());
        for (path, term) in &self.set {
            values.push((path, term.find(item)?));
        }
        let mut changed = item.clone();
        for (path, value) in values {
            write(&mut changed, path, value)?;
        }
        // The last elements of a list go first, so that the others keep their
        // places until it is their turn.
        let mut remove: Vec<&Path> = self.remove.iter().collect();
        remove.sort_by_key(|path| match path.steps.last() {
            Some(Step::Index(index)) => std::cmp::Reverse(*index),
            Some(Step::Attribute(_)) | None => std::cmp::Reverse(0),
        });
        for path in remove {
            erase(&mut changed, path)?;
        }
        Ok(changed)
    }
}

impl Term {
    fn find(&self, item: &Item) -> Result<AttributeValue, ApiError> {
        match self {
            Term::Value(value) => Ok(value.clone()),
            Term::Path(path) => path.find(item).cloned().ok_or_else(|| {
                validation(
                    "The provided expression refers to an attribute that does not exist in the item",
                )
            }),
            Term::IfNotExists(path, otherwise) => match path.find(item) {
                Some(value) => Ok(value.clone()),
                None => otherwise.find(item),
            },
            Term::ListAppend(a, b) => match (a.find(item)?, b.find(item)?) {
                (AttributeValue::List(mut a), AttributeValue::List(b)) => {
                    a.extend(b);
                    Ok(AttributeValue::List(a))
                }
                _ => Err(incorrect_type()),
            },
            Term::Plus(a, b) | Term::Minus(a, b) => match (a.find(item)?, b.find(item)?) {
                (AttributeValue::N(a), AttributeValue::N(b)) => {
                    let b = if matches!(self, Term::Minus(..)) { b.negated() } else { b };
                    a.plus(b).map(AttributeValue::N)
                }
                _ => Err(incorrect_type()),
            },
        }
    }
}

fn incorrect_type() -> ApiError {
    validation("An operand in the update expression has an incorrect data type")
}

fn invalid_path() -> ApiError {
    validation("The document path provided in the update expression is invalid for update")
}

/// The value that the last step of a path begins from, if the path has steps.
fn parent<'a>(item: &'a mut Item, path: &Path) -> Result<&'a mut AttributeValue, ApiError> {
    let root = item.get_mut(&path.root).ok_or_else(invalid_path)?;
    let steps = path.steps.len().saturating_sub(1);
    path.steps[..steps]
        .iter()
        .try_fold(root, |value, step| match (step, value) {
            (Step::Attribute(name), AttributeValue::Map(map)) => map.get_mut(name),
            (Step::Index(index), AttributeValue::List(list)) => list.get_mut(*index),
            _ => None,
        })
        .ok_or_else(invalid_path)
}

fn write(item: &mut Item, path: &Path, value: AttributeValue) -> Result<(), ApiError> {
    let Some(last) = path.steps.last() else {
        item.insert(path.root.clone(), value);
        return Ok(());
    };
    match (last, parent(item, path)?) {
        (Step::Attribute(name), AttributeValue::Map(map)) => {
            map.insert(name.clone(), value);
            Ok(())
        }
        (Step::Index(index), AttributeValue::List(list)) => {
            match list.get_mut(*index) {
                Some(element) => *element = value,
                None => list.push(value),
            }
            Ok(())
        }
        _ => Err(invalid_path()),
    }
}

fn erase(item: &mut Item, path: &Path) -> Result<(), ApiError> {
    let Some(last) = path.steps.last() else {
        item.remove(&path.root);
        return Ok(());
    };
    match (last, parent(item, path)?) {
        (Step::Attribute(name), AttributeValue::Map(map)) => {
            map.remove(name);
            Ok(())
        }
        (Step::Index(index), AttributeValue::List(list)) => {
            if *index < list.len() {
                list.remove(*index);
            }
            Ok(())
        }
        _ => Err(invalid_path()),
    }
}

/// Reads an update expression.
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
            "ADD" | "DELETE" => return Err(unsupported("ADD and DELETE in an UpdateExpression")),
            _ => return Err(parser.syntax_error()),
        };
        if again {
            return Err(parser.invalid(&format!(
                "The \"{name}\" section can only be used once in an update expression;"
            )));
        }
        parser.advance();
        loop {
            let path = path::parse(parser)?;
            if name == "SET" {
                parser.expect("=")?;
                update.set.push((path, sum(parser)?));
            } else {
                update.remove.push(path);
            }
            if !parser.take(",") {
                break;
            }
        }
    }
    let targets: Vec<Path> = update.targets().cloned().collect();
    path::refuse_overlap(parser, &targets)?;
    Ok(update)
}

fn sum(parser: &mut Parser<'_>) -> Result<Term, ApiError> {
    let left = term(parser)?;
    let sign = ["+", "-"].into_iter().find(|sign| parser.take(sign));
    let Some(sign) = sign else {
        return Ok(left);
    };
    let right = term(parser)?;
    for operand in [&left, &right] {
        if let Term::Value(value) = operand
            && !matches!(value, AttributeValue::N(_))
        {
            return Err(parser.incorrect_type(sign, value));
        }
    }
    let (left, right) = (Box::new(left), Box::new(right));
    Ok(if sign == "+" {
        Term::Plus(left, right)
    } else {
        Term::Minus(left, right)
    })
}

fn term(parser: &mut Parser<'_>) -> Result<Term, ApiError> {
    if let Some(value) = parser.value()? {
        return Ok(Term::Value(value));
    }
    let is_call = parser.peek_second().is_some_and(|token| token.text == "(");
    let Some(function) = parser.peek().filter(|token| is_call && token.is_word()) else {
        return Ok(Term::Path(path::parse(parser)?));
    };
    if !["if_not_exists", "list_append"].contains(&function.text) {
        return Err(parser.invalid(&format!(
            "Invalid function name; function: {}",
            function.text
        )));
    }
    parser.advance();
    parser.expect("(")?;
    let first = term(parser)?;
    parser.expect(",")?;
    let second = term(parser)?;
    parser.expect(")")?;
    if function.text == "list_append" {
        for operand in [&first, &second] {
            if let Term::Value(value) = operand
                && !matches!(value, AttributeValue::List(_))
            {
                return Err(parser.incorrect_type("list_append", value));
            }
        }
        return Ok(Term::ListAppend(Box::new(first), Box::new(second)));
    }
    if let Term::Path(path) = first {
        return Ok(Term::IfNotExists(path, Box::new(second)));
    }
    Err(parser.invalid(
        "Operator or function requires a document path; operator or function: if_not_exists",
    ))
}
