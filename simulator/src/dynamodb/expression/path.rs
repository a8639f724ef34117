//! Document paths: where in an item something is.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use super::AttributeValue;
use super::parser::Parser;
use crate::calls::ApiError;
use crate::dynamodb::value::Item;

/// "Reserved words in DynamoDB", developer guide.
static RESERVED: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("reserved.txt").split_whitespace().collect());

/// A step from a value to one in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Attribute(String),
    Index(usize),
}

/// Where in an item something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dynamodb) struct Path {
    /// The name of the top-level attribute.
    pub(in crate::dynamodb) root: String,
    pub(super) steps: Vec<Step>,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.root)?;
        for step in &self.steps {
            match step {
                Step::Attribute(name) => write!(f, ", {name}")?,
                Step::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}

impl Path {
    /// What is there in an item.
    pub(in crate::dynamodb) fn find<'a>(&self, item: &'a Item) -> Option<&'a AttributeValue> {
        let root = item.get(&self.root)?;
        self.steps.iter().try_fold(root, |value, step| match step {
            Step::Attribute(name) => value.attribute(name),
            Step::Index(index) => value.element(*index),
        })
    }

    /// Whether one of the two lies within the other.
    fn overlaps(&self, other: &Path) -> bool {
        let common = self.steps.len().min(other.steps.len());
        self.root == other.root && self.steps[..common] == other.steps[..common]
    }
}

/// Reads a path.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Path, ApiError> {
    let root = name(parser)?;
    let mut steps = Vec::new();
    loop {
        if parser.take(".") {
            steps.push(Step::Attribute(name(parser)?));
        } else if parser.take("[") {
            let index = parser.peek().and_then(|token| token.text.parse().ok());
            let Some(index) = index else {
                return Err(parser.syntax_error());
            };
            parser.advance();
            parser.expect("]")?;
            steps.push(Step::Index(index));
        } else {
            return Ok(Path { root, steps });
        }
    }
}

fn name(parser: &mut Parser<'_>) -> Result<String, ApiError> {
    let Some(token) = parser.peek() else {
        return Err(parser.syntax_error());
    };
    if token.is_placeholder('#') {
        parser.advance();
        return parser.name(token.text);
    }
    if !token.is_word() {
        return Err(parser.syntax_error());
    }
    if RESERVED.contains(token.text.to_ascii_uppercase().as_str()) {
        return Err(parser.invalid(&format!(
            "Attribute name is a reserved keyword; reserved keyword: {}",
            token.text
        )));
    }
    parser.advance();
    Ok(token.text.to_owned())
}

/// Refuses paths of which one lies within another.
pub(super) fn refuse_overlap(parser: &Parser<'_>, paths: &[Path]) -> Result<(), ApiError> {
    for (n, path) in paths.iter().enumerate() {
        if let Some(other) = paths[n + 1..].iter().find(|other| path.overlaps(other)) {
            return Err(parser.invalid(&format!(
                "Two document paths overlap with each other; must remove or rewrite one of these \
                 paths; path one: {path}, path two: {other}"
            )));
        }
    }
    Ok(())
}
