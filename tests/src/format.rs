//! The layout of the definitions: what fits into a line stands on one, so that a state
//! fits a screen. Only the space between words changes, never a word or their order.

use serde::de::IgnoredAny;

/// The columns of a line. A word is never broken, so it may take more.
const WIDTH: usize = 100;

/// What is broken however short it is, and so is each of its members.
const STATES: &str = "\"States\": ";

/// Whose members are never broken: many states retry alike, and one line of each way
/// is found by one search.
const RETRY: &str = "\"Retry\": ";

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The columns before its line.
    indent: usize,
    /// Its name with the colon; empty in an array.
    name: &'a str,
    /// The same of what it is a member of.
    parent: &'a str,
}

/// The text of a definition as it is to be laid out. What is no JSON stays as it is.
pub fn format(text: &str) -> String {
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return text.to_owned();
    }
    let place = Place {
        indent: 0,
        name: "",
        parent: "",
    };
    lay_out(&words(text), place) + "\n"
}

/// The words of JSON: strings, numbers, `true` and its like, and marks.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => length_of_string(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ => rest
                .find(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']'))
                .unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(length);
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// The length of the string that the text begins with, its quotes included.
fn length_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == '"' && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

/// A value, after its name.
fn lay_out(value: &[&str], place: Place<'_>) -> String {
    let line = on_one_line(value);
    let [open, members @ .., close] = value else {
        return line;
    };
    let is_state = place.name == STATES || place.parent == STATES;
    // A comma may follow.
    let columns = place.indent + place.name.chars().count() + line.chars().count() + 1;
    let is_broken = place.indent == 0 || is_state || columns > WIDTH;
    if members.is_empty() || place.parent == RETRY || !is_broken {
        return line;
    }
    let indent = place.indent + 2;
    let mut depth = 0;
    let lines: Vec<String> = members
        .split(|word| {
            match *word {
                "{" | "[" => depth += 1,
                "}" | "]" => depth -= 1,
                _ => {}
            }
            depth == 0 && *word == ","
        })
        .map(|member| {
            let (name, value) = match member {
                [name, ":", value @ ..] => (format!("{name}: "), value),
                value => (String::new(), value),
            };
            let place = Place {
                indent,
                name: &name,
                parent: place.name,
            };
            " ".repeat(indent) + &name + &lay_out(value, place)
        })
        .collect();
    let outer = " ".repeat(place.indent);
    format!("{open}\n{}\n{outer}{close}", lines.join(",\n"))
}

/// The words with a space after each comma and colon, and within braces.
fn on_one_line(words: &[&str]) -> String {
    let mut line = String::new();
    let mut last = "";
    for &word in words {
        let is_empty = (last, word) == ("{", "}");
        if !is_empty && (matches!(last, "," | ":" | "{") || word == "}") {
            line.push(' ');
        }
        line.push_str(word);
        last = word;
    }
    line
}
