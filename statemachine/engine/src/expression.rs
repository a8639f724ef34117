//! One JSONata expression of a definition, parsed once.

use jsonata_core::ast::AstNode;
use jsonata_core::parser;

use crate::error_names::QUERY_EVALUATION_ERROR;
use crate::task::TaskFailure;

/// What stands between `{%` and `%}`.
#[derive(Debug)]
pub(crate) struct Expression {
    source: String,
    ast: AstNode,
    /// State and field, for messages.
    place: String,
}

impl Expression {
    /// Parses the text between the marks; the error says why it cannot.
    pub(crate) fn parse(source: &str, place: String) -> Result<Expression, String> {
        let ast = parser::parse(source).map_err(|error| error.to_string())?;
        Ok(Expression {
            source: source.trim().to_owned(),
            ast,
            place,
        })
    }

    pub(crate) fn ast(&self) -> &AstNode {
        &self.ast
    }

    /// The failure of this expression, with where it stands.
    pub(crate) fn failure(&self, what: &str) -> TaskFailure {
        TaskFailure::new(
            QUERY_EVALUATION_ERROR,
            format!("{}: `{}` {what}", self.place, self.source),
        )
    }
}

/// How a string of a definition is to be read (developer guide, "Transforming
/// data with JSONata").
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Text<'a> {
    /// The string itself.
    Literal,
    /// What the expression yields.
    Expression(&'a str),
    /// Only one of the two marks is there; certainly a mistake.
    HalfMarked,
}

impl Text<'_> {
    pub(crate) fn of(text: &str) -> Text<'_> {
        match (text.strip_prefix("{%"), text.ends_with("%}")) {
            (Some(rest), true) => match rest.strip_suffix("%}") {
                Some(source) => Text::Expression(source),
                // The marks share a character: `{%}`.
                None => Text::HalfMarked,
            },
            (None, false) => Text::Literal,
            (Some(_), false) | (None, true) => Text::HalfMarked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_string_is_an_expression() {
        assert_eq!(Text::of("{% 1 %}"), Text::Expression(" 1 "));
        assert_eq!(Text::of("plain {% 1 %} text"), Text::Literal);
        assert_eq!(Text::of("{% 1"), Text::HalfMarked);
        assert_eq!(Text::of("1 %}"), Text::HalfMarked);
        assert_eq!(Text::of("{%}"), Text::HalfMarked);
    }
}
