//! Text for people: times, wrapped paragraphs, aligned fields.

use time::Duration;

/// Lines are broken at this width, so that output looks the same wherever it
/// is read.
pub const WIDTH: usize = 96;

/// `1:05` or `1:02:03`.
pub fn clock(duration: Duration) -> String {
    let seconds = duration.whole_seconds().max(0);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes}:{rest:02}")
    }
}

/// Seconds as a clock shows them.
pub fn clock_of(seconds: u64) -> String {
    clock(Duration::seconds(
        i64::try_from(seconds).unwrap_or(i64::MAX),
    ))
}

/// Breaks a text into lines; words are never broken.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `lead` and a wrapped text, whose further lines stand below its first.
pub fn hanging(lead: &str, text: &str) -> String {
    let indent = lead.chars().count();
    let lines = wrap(text, WIDTH.saturating_sub(indent).max(20));
    let mut result = String::new();
    for (number, line) in lines.iter().enumerate() {
        let before = if number == 0 {
            lead.to_owned()
        } else {
            " ".repeat(indent)
        };
        result.push_str(&before);
        result.push_str(line);
        result.push('\n');
    }
    result
}

/// What is said before a run begins: what is going to happen, where, and, if it is
/// real, what that means.
pub fn heading(what: &str, about: &[String], warning: Option<&str>) -> String {
    let mut text = format!("\n  {what}\n");
    for about in about {
        text.push_str(&hanging("  ", about));
    }
    for line in wrap(warning.unwrap_or_default(), 92) {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

/// A field of a report, its name padded to a common width.
pub fn field(name: &str, text: &str) -> String {
    hanging(&format!("  {name:<16}"), text)
}

/// An item of a list.
pub fn item(text: &str) -> String {
    hanging("  - ", text)
}

/// `1 subnet`, `3 subnets`.
pub fn count(number: usize, thing: &str) -> String {
    if number == 1 {
        format!("1 {thing}")
    } else {
        format!("{number} {thing}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_like_a_clock() {
        for (seconds, expected) in [(0, "0:00"), (65, "1:05"), (3723, "1:02:03")] {
            assert_eq!(clock_of(seconds), expected);
        }
    }

    #[test]
    fn paragraphs_hang_below_their_lead() {
        let text = hanging("  - ", &"word ".repeat(30));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(
            text.lines()
                .skip(1)
                .all(|line| line.starts_with("    word"))
        );
        assert_eq!(wrap("one two", 3), ["one", "two"]);
    }
}
