//! Keeps what we answer within what Step Functions and EventBridge take: 262,144
//! bytes for an answer, an event or a set of variables, 32,768 characters for a cause.
//! What grows with the world is told in part and by number; the log has all of it.

use crate::plain;

/// Most characters of what is said about one case: a message of another side, a
/// finding. Ten of them, written in JSON inside of JSON, are far below a limit.
pub const DETAIL: usize = 1000;

/// Most things that are told one by one.
pub const LISTED: usize = 100;

/// Most notes of one step: a run carries them to its end.
pub const NOTES: usize = 30;

/// The text, or its beginning and how much was left out; [for reading only](plain).
pub fn text(text: &str, most: usize) -> String {
    let text = &*plain::text(text);
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => {
            let left_out = text[end..].chars().count();
            format!("{}… ({left_out} characters more)", &text[..end])
        }
    }
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
        assert_eq!(text("äöü", 3), "äöü");
        assert_eq!(text("äöüß", 3), "äöü… (1 characters more)");
        assert_eq!(text("a\u{1b}[2J", 9), "a\u{fffd}[2J");
        let many = || ["a", "b", "c"].map(str::to_owned);
        assert_eq!(texts(many(), 3), many());
        assert_eq!(texts(many(), 1), ["a", "and 2 more"]);
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_its_bound(long in ".{0,3000}", most in 0_usize..2000) {
            prop_assert!(text(&long, most).chars().count() <= most + 30);
        }
    }
}
