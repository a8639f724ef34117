//! Conditions of writes.

use super::AttributeValue;
use super::name;
use super::parser::Parser;
use crate::calls::ApiError;
use crate::dynamodb::error::unsupported;
use crate::dynamodb::value::Item;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dynamodb) enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Compare(Operand, Comparator, Operand),
    In(Operand, Vec<Operand>),
    Exists(String),
    NotExists(String),
}

/// Something that is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dynamodb) enum Operand {
    Attribute(String),
    Value(AttributeValue),
}

/// How two operands are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dynamodb) enum Comparator {
    Equal,
    Less,
    Greater,
}

const COMPARATORS: [(&str, Comparator); 3] = [
    ("=", Comparator::Equal),
    ("<", Comparator::Less),
    (">", Comparator::Greater),
];

/// What the service knows beside these, and the simulator does not.
const OTHER_COMPARATORS: [&str; 3] = ["<>", "<=", ">="];
const OTHER_FUNCTIONS: [&str; 4] = ["attribute_type", "begins_with", "contains", "size"];

impl Condition {
    /// Whether it holds for an item; an item that is not there has no attributes.
    pub(in crate::dynamodb) fn holds(&self, item: &Item) -> bool {
        match self {
            Condition::And(a, b) => a.holds(item) && b.holds(item),
            Condition::Or(a, b) => a.holds(item) || b.holds(item),
            Condition::Not(a) => !a.holds(item),
            Condition::Compare(a, comparator, b) => {
                compare(a.find(item), *comparator, b.find(item))
            }
            Condition::In(value, list) => {
                let value = value.find(item);
                list.iter()
                    .any(|one| compare(value, Comparator::Equal, one.find(item)))
            }
            Condition::Exists(name) => item.contains_key(name),
            Condition::NotExists(name) => !item.contains_key(name),
        }
    }
}

impl Operand {
    fn find<'a>(&'a self, item: &'a Item) -> Option<&'a AttributeValue> {
        match self {
            Operand::Attribute(name) => item.get(name),
            Operand::Value(value) => Some(value),
        }
    }
}

/// What is not there compares with nothing.
fn compare(a: Option<&AttributeValue>, comparator: Comparator, b: Option<&AttributeValue>) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return false;
    };
    match comparator {
        Comparator::Equal => a == b,
        Comparator::Less => a.order(b).is_some_and(std::cmp::Ordering::is_lt),
        Comparator::Greater => a.order(b).is_some_and(std::cmp::Ordering::is_gt),
    }
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Condition, ApiError> {
    Ok(or(parser)?.0)
}

/// A condition, and whether all of it stands in parentheses.
type Read = Result<(Condition, bool), ApiError>;

fn or(parser: &mut Parser<'_>) -> Read {
    let mut left = and(parser)?;
    while parser.take("OR") {
        let right = and(parser)?.0;
        left = (Condition::Or(Box::new(left.0), Box::new(right)), false);
    }
    Ok(left)
}

fn and(parser: &mut Parser<'_>) -> Read {
    let mut left = not(parser)?;
    while parser.take("AND") {
        let right = not(parser)?.0;
        left = (Condition::And(Box::new(left.0), Box::new(right)), false);
    }
    Ok(left)
}

fn not(parser: &mut Parser<'_>) -> Read {
    if parser.take("NOT") {
        let inner = not(parser)?.0;
        return Ok((Condition::Not(Box::new(inner)), false));
    }
    if parser.take("(") {
        let (inner, in_parentheses) = or(parser)?;
        parser.expect(")")?;
        if in_parentheses {
            return Err(parser.invalid("The expression has redundant parentheses;"));
        }
        return Ok((inner, true));
    }
    Ok((simple(parser)?, false))
}

fn simple(parser: &mut Parser<'_>) -> Result<Condition, ApiError> {
    if let Some(function) = function_name(parser)? {
        return call(parser, function);
    }
    let left = operand(parser)?;
    if parser.take("BETWEEN") {
        return Err(unsupported("BETWEEN"));
    }
    if parser.take("IN") {
        parser.expect("(")?;
        let mut list = vec![operand(parser)?];
        while parser.take(",") {
            list.push(operand(parser)?);
        }
        parser.expect(")")?;
        return Ok(Condition::In(left, list));
    }
    let Some(token) = parser.peek() else {
        return Err(parser.syntax_error());
    };
    if OTHER_COMPARATORS.contains(&token.text) {
        return Err(unsupported(&format!("the comparator {}", token.text)));
    }
    let found = COMPARATORS.iter().find(|(sign, _)| *sign == token.text);
    let Some((sign, comparator)) = found else {
        return Err(parser.syntax_error());
    };
    parser.advance();
    let right = operand(parser)?;
    match &left {
        Operand::Attribute(name) if left == right => Err(parser.invalid(&format!(
            "The first operand must be distinct from the remaining operands for this operator or \
             function; operator: {sign}, first operand: [{name}]"
        ))),
        Operand::Attribute(_) | Operand::Value(_) => {
            Ok(Condition::Compare(left, *comparator, right))
        }
    }
}

/// The name of the function that is called next, if one is.
fn function_name<'a>(parser: &Parser<'a>) -> Result<Option<&'a str>, ApiError> {
    let called = parser.peek_second().is_some_and(|token| token.text == "(");
    let Some(name) = parser.peek().filter(|token| called && token.is_word()) else {
        return Ok(None);
    };
    if OTHER_FUNCTIONS.contains(&name.text) {
        return Err(unsupported(&format!("the function {}", name.text)));
    }
    Ok(Some(name.text))
}

fn call(parser: &mut Parser<'_>, function: &str) -> Result<Condition, ApiError> {
    let condition = match function {
        "attribute_exists" => Condition::Exists,
        "attribute_not_exists" => Condition::NotExists,
        _ => {
            return Err(parser.invalid(&format!("Invalid function name; function: {function}")));
        }
    };
    parser.advance();
    parser.expect("(")?;
    let first = operand(parser)?;
    let mut count = 1;
    while parser.take(",") {
        operand(parser)?;
        count += 1;
    }
    parser.expect(")")?;
    if count != 1 {
        return Err(parser.invalid(&format!(
            "Incorrect number of operands for operator or function; operator or function: \
             {function}, number of operands: {count}"
        )));
    }
    match first {
        Operand::Attribute(name) => Ok(condition(name)),
        Operand::Value(_) => Err(parser.invalid(&format!(
            "Operator or function requires a document path; operator or function: {function}"
        ))),
    }
}

fn operand(parser: &mut Parser<'_>) -> Result<Operand, ApiError> {
    if let Some(value) = parser.value()? {
        return Ok(Operand::Value(value));
    }
    match function_name(parser)? {
        Some(_) => Err(parser.syntax_error()),
        None => name::parse(parser).map(Operand::Attribute),
    }
}
