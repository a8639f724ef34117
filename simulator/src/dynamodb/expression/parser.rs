//! What all kinds of expressions have in common when they are read.

use super::lexer::{Token, tokens};
use super::{AttributeValue, Placeholders};
use crate::calls::ApiError;
use crate::dynamodb::error::validation;

/// The longest expression ("Service, account, and table quotas", developer
/// guide).
const LONGEST: usize = 4096;

/// An expression that is being read.
pub(super) struct Parser<'a> {
    member: &'a str,
    text: &'a str,
    tokens: Vec<Token<'a>>,
    next: usize,
    placeholders: &'a mut Placeholders,
}

impl<'a> Parser<'a> {
    pub(super) fn new(
        member: &'a str,
        text: &'a str,
        placeholders: &'a mut Placeholders,
    ) -> Result<Parser<'a>, ApiError> {
        let parser = Parser {
            member,
            text,
            tokens: tokens(text),
            next: 0,
            placeholders,
        };
        if parser.tokens.is_empty() {
            return Err(parser.invalid("The expression can not be empty;"));
        }
        if text.len() > LONGEST {
            return Err(parser.invalid(
                "Expression size has exceeded the maximum allowed size; expression size: \
                 more than 4096",
            ));
        }
        Ok(parser)
    }

    /// Reads the whole expression.
    pub(super) fn whole<T>(
        mut self,
        read: impl FnOnce(&mut Parser<'a>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let content = read(&mut self)?;
        match self.peek() {
            None => Ok(content),
            Some(_) => Err(self.syntax_error()),
        }
    }

    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.next).copied()
    }

    /// The word after the next one.
    pub(super) fn peek_second(&self) -> Option<Token<'a>> {
        self.tokens.get(self.next + 1).copied()
    }

    pub(super) fn advance(&mut self) {
        self.next += 1;
    }

    /// Takes the next word if it is this one. Keywords may have any case.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let found = self
            .peek()
            .is_some_and(|token| token.text.eq_ignore_ascii_case(word));
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<(), ApiError> {
        if self.take(word) {
            Ok(())
        } else {
            Err(self.syntax_error())
        }
    }

    /// What a name placeholder stands for.
    pub(super) fn name(&mut self, placeholder: &str) -> Result<String, ApiError> {
        self.placeholders.name(placeholder).ok_or_else(|| {
            self.invalid(&format!(
                "An expression attribute name used in the document path is not defined; \
                 attribute name: {placeholder}"
            ))
        })
    }

    /// The value that comes next, if it is one.
    pub(super) fn value(&mut self) -> Result<Option<AttributeValue>, ApiError> {
        let Some(token) = self.peek().filter(|token| token.is_placeholder(':')) else {
            return Ok(None);
        };
        self.advance();
        match self.placeholders.value(token.text) {
            Some(value) => Ok(Some(value)),
            None => Err(self.invalid(&format!(
                "An expression attribute value used in expression is not defined; \
                 attribute value: {}",
                token.text
            ))),
        }
    }

    /// An expression that breaks a rule.
    pub(super) fn invalid(&self, what: &str) -> ApiError {
        validation(format!("Invalid {}: {what}", self.member))
    }

    /// The next word cannot stand where it stands.
    pub(super) fn syntax_error(&self) -> ApiError {
        let before = self.next.checked_sub(1).and_then(|n| self.tokens.get(n));
        let here = self.peek();
        let after = self.peek_second();
        let near = [before.copied(), here, after];
        let start = near.iter().flatten().next().map_or(0, |token| token.start);
        let end = near.iter().flatten().last().map_or(0, |token| token.end());
        self.invalid(&format!(
            "Syntax error; token: \"{}\", near: \"{}\"",
            here.map_or("<EOF>", |token| token.text),
            &self.text[start..end]
        ))
    }
}
