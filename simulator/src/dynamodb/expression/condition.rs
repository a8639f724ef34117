//! Conditions of writes, and filters.

use std::cmp::Ordering;

use super::AttributeValue;
use super::parser::Parser;
use super::path::{self, Path};
use crate::calls::ApiError;
use crate::dynamodb::number::Number;
use crate::dynamodb::value::Item;

/// A condition, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dynamodb) enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Compare(Operand, Comparator, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Path),
    NotExists(Path),
    Type(Path, String),
    BeginsWith(Path, Operand),
    Contains(Path, Operand),
}

/// Something that is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dynamodb) enum Operand {
    Path(Path),
    Value(AttributeValue),
    Size(Path),
}

/// How two operands are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dynamodb) enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const COMPARATORS: [(&str, Comparator); 6] = [
    ("=", Comparator::Equal),
    ("<>", Comparator::NotEqual),
    ("<", Comparator::Less),
    ("<=", Comparator::LessOrEqual),
    (">", Comparator::Greater),
    (">=", Comparator::GreaterOrEqual),
];

const TYPES: [&str; 10] = ["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];

impl Condition {
    /// Whether it holds for an item; an item that is not there has no attributes.
    pub(in crate::dynamodb) fn holds(&self, item: &Item) -> bool {
        match self {
            Condition::And(a, b) => a.holds(item) && b.holds(item),
            Condition::Or(a, b) => a.holds(item) || b.holds(item),
            Condition::Not(a) => !a.holds(item),
            Condition::Compare(a, comparator, b) => {
                compare(a.find(item).as_ref(), *comparator, b.find(item).as_ref())
            }
            Condition::Between(value, low, high) => {
                let value = value.find(item);
                let low = low.find(item);
                let high = high.find(item);
                compare(low.as_ref(), Comparator::LessOrEqual, value.as_ref())
                    && compare(value.as_ref(), Comparator::LessOrEqual, high.as_ref())
            }
            Condition::In(value, list) => {
                let value = value.find(item);
                list.iter()
                    .any(|one| compare(value.as_ref(), Comparator::Equal, one.find(item).as_ref()))
            }
            Condition::Exists(path) => path.find(item).is_some(),
            Condition::NotExists(path) => path.find(item).is_none(),
            Condition::Type(path, kind) => {
                path.find(item).is_some_and(|value| value.kind() == kind)
            }
            Condition::BeginsWith(path, start) => match (path.find(item), start.find(item)) {
                (Some(AttributeValue::S(text)), Some(AttributeValue::S(start))) => {
                    text.starts_with(&start)
                }
                _ => false,
            },
            Condition::Contains(path, part) => contains(path.find(item), part.find(item)),
        }
    }
}

impl Operand {
    fn find(&self, item: &Item) -> Option<AttributeValue> {
        match self {
            Operand::Path(path) => path.find(item).cloned(),
            Operand::Value(value) => Some(value.clone()),
            Operand::Size(path) => {
                let size = match path.find(item)? {
                    AttributeValue::S(text) => text.len(),
                    AttributeValue::List(list) => list.len(),
                    AttributeValue::Map(map) => map.len(),
                    AttributeValue::Strings(set) => set.len(),
                    AttributeValue::Numbers(set) => set.len(),
                    AttributeValue::N(_) | AttributeValue::Bool(_) | AttributeValue::Null => {
                        return None;
                    }
                };
                Number::parse(&size.to_string()).ok().map(AttributeValue::N)
            }
        }
    }
}

/// What is not there is unequal to everything, and nothing else.
fn compare(a: Option<&AttributeValue>, comparator: Comparator, b: Option<&AttributeValue>) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return comparator == Comparator::NotEqual;
    };
    let order = |wanted: fn(Ordering) -> bool| a.order(b).is_some_and(wanted);
    match comparator {
        Comparator::Equal => a == b,
        Comparator::NotEqual => a != b,
        Comparator::Less => order(Ordering::is_lt),
        Comparator::LessOrEqual => order(Ordering::is_le),
        Comparator::Greater => order(Ordering::is_gt),
        Comparator::GreaterOrEqual => order(Ordering::is_ge),
    }
}

fn contains(whole: Option<&AttributeValue>, part: Option<AttributeValue>) -> bool {
    let (Some(whole), Some(part)) = (whole, part) else {
        return false;
    };
    match (whole, &part) {
        (AttributeValue::S(text), AttributeValue::S(part)) => text.contains(part.as_str()),
        (AttributeValue::Strings(set), AttributeValue::S(part)) => set.contains(part),
        (AttributeValue::Numbers(set), AttributeValue::N(part)) => set.contains(part),
        (AttributeValue::List(list), part) => list.contains(part),
        _ => false,
    }
}

/// Reads a condition.
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
    if let Some(function) = function_name(parser)
        && function != "size"
    {
        return call(parser, function);
    }
    let left = operand(parser)?;
    if parser.take("BETWEEN") {
        let low = operand(parser)?;
        parser.expect("AND")?;
        let high = operand(parser)?;
        check_bounds(parser, &low, &high)?;
        return Ok(Condition::Between(left, low, high));
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
    let found = COMPARATORS.iter().find(|(sign, _)| *sign == token.text);
    let Some((sign, comparator)) = found else {
        return Err(parser.syntax_error());
    };
    parser.advance();
    let right = operand(parser)?;
    if left == right && matches!(left, Operand::Path(_)) {
        let Operand::Path(path) = left else {
            return Err(parser.syntax_error());
        };
        return Err(parser.invalid(&format!(
            "The first operand must be distinct from the remaining operands for this operator or \
             function; operator: {sign}, first operand: {path}"
        )));
    }
    if !matches!(comparator, Comparator::Equal | Comparator::NotEqual) {
        check_ordered(parser, sign, &[&left, &right])?;
    }
    Ok(Condition::Compare(left, *comparator, right))
}

/// The name of the function that is called next, if one is.
fn function_name<'a>(parser: &Parser<'a>) -> Option<&'a str> {
    let name = parser.peek().filter(|token| token.is_word())?;
    parser.peek_second().filter(|token| token.text == "(")?;
    Some(name.text)
}

fn call(parser: &mut Parser<'_>, function: &str) -> Result<Condition, ApiError> {
    let count = match function {
        "attribute_exists" | "attribute_not_exists" => 1,
        "attribute_type" | "begins_with" | "contains" => 2,
        _ => {
            return Err(parser.invalid(&format!("Invalid function name; function: {function}")));
        }
    };
    parser.advance();
    parser.expect("(")?;
    let mut operands = vec![operand(parser)?];
    while parser.take(",") {
        operands.push(operand(parser)?);
    }
    parser.expect(")")?;
    if operands.len() != count {
        return Err(parser.invalid(&format!(
            "Incorrect number of operands for operator or function; operator or function: \
             {function}, number of operands: {}",
            operands.len()
        )));
    }
    let mut operands = operands.into_iter();
    let (first, second) = (operands.next(), operands.next());
    let Some(Operand::Path(path)) = first else {
        return Err(parser.invalid(&format!(
            "Operator or function requires a document path; operator or function: {function}"
        )));
    };
    match (function, second) {
        ("attribute_exists", _) => Ok(Condition::Exists(path)),
        ("attribute_type", Some(second)) => attribute_type(parser, path, second),
        ("begins_with", Some(second)) => {
            if let Operand::Value(value) = &second
                && !matches!(value, AttributeValue::S(_))
            {
                return Err(parser.incorrect_type(function, value));
            }
            Ok(Condition::BeginsWith(path, second))
        }
        ("contains", Some(second)) => Ok(Condition::Contains(path, second)),
        _ => Ok(Condition::NotExists(path)),
    }
}

fn attribute_type(parser: &Parser<'_>, path: Path, kind: Operand) -> Result<Condition, ApiError> {
    match kind {
        Operand::Value(AttributeValue::S(kind)) if TYPES.contains(&kind.as_str()) => {
            Ok(Condition::Type(path, kind))
        }
        Operand::Value(AttributeValue::S(kind)) => Err(parser.invalid(&format!(
            "Invalid attribute type name found; type: {kind}, valid types: {{{}}}",
            TYPES.join(",")
        ))),
        Operand::Value(value) => Err(parser.incorrect_type("attribute_type", &value)),
        Operand::Path(_) | Operand::Size(_) => Err(parser.syntax_error()),
    }
}

fn operand(parser: &mut Parser<'_>) -> Result<Operand, ApiError> {
    if let Some(value) = parser.value()? {
        return Ok(Operand::Value(value));
    }
    if let Some(function) = function_name(parser) {
        if function != "size" {
            return Err(parser.syntax_error());
        }
        parser.advance();
        parser.expect("(")?;
        let path = path::parse(parser)?;
        parser.expect(")")?;
        return Ok(Operand::Size(path));
    }
    Ok(Operand::Path(path::parse(parser)?))
}

/// Values that are given for an ordered comparison are of a kind with an order.
fn check_ordered(
    parser: &Parser<'_>,
    operator: &str,
    operands: &[&Operand],
) -> Result<(), ApiError> {
    for operand in operands {
        if let Operand::Value(value) = operand
            && !matches!(value, AttributeValue::S(_) | AttributeValue::N(_))
        {
            return Err(parser.incorrect_type(operator, value));
        }
    }
    Ok(())
}

fn check_bounds(parser: &Parser<'_>, low: &Operand, high: &Operand) -> Result<(), ApiError> {
    check_ordered(parser, "BETWEEN", &[low, high])?;
    let (Operand::Value(low), Operand::Value(high)) = (low, high) else {
        return Ok(());
    };
    let shown = |value: &AttributeValue| {
        let content = match value {
            AttributeValue::N(number) => number.to_string(),
            AttributeValue::S(text) => text.clone(),
            // Refused above.
            AttributeValue::Bool(_)
            | AttributeValue::Null
            | AttributeValue::List(_)
            | AttributeValue::Map(_)
            | AttributeValue::Strings(_)
            | AttributeValue::Numbers(_) => String::new(),
        };
        format!("AttributeValue: {{{}:{content}}}", value.kind())
    };
    match low.order(high) {
        None => Err(parser.invalid(&format!(
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound \
             operand: {}, upper bound operand: {}",
            shown(low),
            shown(high)
        ))),
        Some(Ordering::Greater) => Err(parser.invalid(&format!(
            "The BETWEEN operator requires upper bound to be greater than or equal to lower \
             bound; lower bound operand: {}, upper bound operand: {}",
            shown(low),
            shown(high)
        ))),
        Some(Ordering::Less | Ordering::Equal) => Ok(()),
    }
}
