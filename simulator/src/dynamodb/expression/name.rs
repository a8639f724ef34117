//! Names of attributes.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::parser::Parser;
use crate::calls::ApiError;
use crate::dynamodb::error::unsupported;

/// "Reserved words in DynamoDB", developer guide.
static RESERVED: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("reserved.txt").split_whitespace().collect());

/// Reads the name of an attribute of the item. Attributes have no parts here.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<String, ApiError> {
    let Some(token) = parser.peek() else {
        return Err(parser.syntax_error());
    };
    let name = if token.is_placeholder('#') {
        parser.advance();
        parser.name(token.text)?
    } else if !token.is_word() {
        return Err(parser.syntax_error());
    } else if RESERVED.contains(token.text.to_ascii_uppercase().as_str()) {
        return Err(parser.invalid(&format!(
            "Attribute name is a reserved keyword; reserved keyword: {}",
            token.text
        )));
    } else {
        parser.advance();
        token.text.to_owned()
    };
    match parser.peek() {
        Some(token) if [".", "["].contains(&token.text) => Err(unsupported(&format!(
            "document paths; {name} is followed by {}",
            token.text
        ))),
        Some(_) | None => Ok(name),
    }
}

/// Refuses a name that is there twice.
pub(super) fn refuse_overlap(parser: &Parser<'_>, names: &[&str]) -> Result<(), ApiError> {
    for (n, name) in names.iter().enumerate() {
        if names[n + 1..].contains(name) {
            return Err(parser.invalid(&format!(
                "Two document paths overlap with each other; must remove or rewrite one of these \
                 paths; path one: [{name}], path two: [{name}]"
            )));
        }
    }
    Ok(())
}
