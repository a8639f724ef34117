//! Expressions as words.

/// A word of an expression and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) fn end(self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is a name, a keyword or a function.
    pub(super) fn is_word(self) -> bool {
        self.text
            .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    }

    /// Whether it is a placeholder of this kind, `#` or `:`.
    pub(super) fn is_placeholder(self, mark: char) -> bool {
        self.text.len() > 1 && self.text.starts_with(mark)
    }
}

/// The words of an expression. A character that begins no word is a word by
/// itself, which no rule takes.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let rest = &text[start..];
        let length = if first.is_whitespace() {
            start += first.len_utf8();
            continue;
        } else if first.is_ascii_alphanumeric() || matches!(first, '_' | '#' | ':') {
            let body = &rest[1..];
            let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            1 + body.find(|c| !part(c)).unwrap_or(body.len())
        } else if ["<>", "<=", ">="].iter().any(|two| rest.starts_with(two)) {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(Token {
            text: &rest[..length],
            start,
        });
        start += length;
    }
    tokens
}
