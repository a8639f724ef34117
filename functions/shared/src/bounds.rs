//! Keeps what we answer within what Step Functions and EventBridge take: 262,144
//! bytes for an answer, an event or a set of variables, 32,768 characters for a cause.
//! What grows with the world is told in part and by number; the log has all of it.

use serde_json::Value;

use crate::{Code, StepError, plain};

/// Most bytes of an answer, written in JSON (Step Functions developer guide, "Service
/// quotas": 256 KiB for an input or a result; EventBridge API reference, `PutEvents`:
/// less than 256 KB for all entries).
pub const ANSWER: usize = 262_144;

/// Most characters of the cause of a failed execution (Step Functions API reference,
/// `ExecutionFailedEventDetails`).
pub const CAUSE: usize = 32_768;

/// Most bytes, written in JSON, of what is said about one case: a message of another
/// side, a finding. Ten of them, in JSON inside of JSON, are far below a limit.
pub const DETAIL: usize = 1000;

/// Room for the words that say how much was left out, in bytes.
const REST: usize = 45;

/// Most things that are told one by one.
pub const LISTED: usize = 100;

/// Most notes of one step: a run carries them to its end.
pub const NOTES: usize = 30;

/// The text, or its beginning and how much was left out, in at most so many bytes of
/// JSON without the quotation marks, and 45 at least; [for reading only](plain). What
/// was bounded once stays as it is.
pub fn text(text: &str, most: usize) -> String {
    let text = &*plain::text(text);
    if text.chars().map(bytes_in_json).sum::<usize>() <= most {
        return text.to_owned();
    }
    let mut room = most.saturating_sub(REST);
    let mut end = 0;
    for c in text.chars() {
        let Some(left) = room.checked_sub(bytes_in_json(c)) else {
            break;
        };
        room = left;
        end += c.len_utf8();
    }
    let left_out = text[end..].chars().count();
    format!("{}… ({left_out} characters more)", &text[..end])
}

/// What a character of a [plain] text takes in a JSON string. No other control
/// character than the newline is left in one.
fn bytes_in_json(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' => 2,
        c => c.len_utf8(),
    }
}

/// The answer of a function, if it is not longer than [`ANSWER`].
///
/// # Errors
/// [`Code::DefinitionError`] for a longer one. Step Functions would fail the state
/// itself, with `States.DataLimitExceeded`, which `States.ALL` does not catch (developer
/// guide, "Error names"): nothing would be undone.
pub fn answer(answer: Value) -> Result<Value, StepError> {
    let bytes = answer.to_string().len();
    if bytes > ANSWER {
        let detail = format!("the answer has {bytes} bytes; the most is {ANSWER}");
        return Err(StepError::new(Code::DefinitionError, detail));
    }
    Ok(answer)
}

/// The texts, or the first ones and how many were left out, each of them bounded.
pub fn texts(texts: impl IntoIterator<Item = String>, most: usize) -> Vec<String> {
    let mut texts = texts.into_iter();
    let mut kept: Vec<String> = texts
        .by_ref()
        .take(most)
        .map(|it| text(&it, DETAIL))
        .collect();
    match texts.count() {
        0 => {}
        left_out => kept.push(format!("and {left_out} more")),
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        assert_eq!(text("äöü", 6), "äöü");
        let long = "ä".repeat(60);
        let short = "ä".repeat(27);
        assert_eq!(text(&long, 100), format!("{short}… (33 characters more)"));
        assert_eq!(text("a\u{1b}[2J", 9), "a\u{fffd}[2J");
        let many = || ["a", "b", "c"].map(str::to_owned);
        assert_eq!(texts(many(), 3), many());
        assert_eq!(texts(many(), 1), ["a", "and 2 more"]);
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_its_bound(
            long in r#"["\\\x01\n\u202ea-zä😀]{0,3000}"#,
            most in 0_usize..2000,
        ) {
            let most = most.max(REST);
            let short = text(&long, most);
            let written = serde_json::to_string(&short).unwrap();
            prop_assert!(written.len() <= most + 2, "{} bytes", written.len());
            prop_assert_eq!(text(&short, most), short);
        }
    }
}
