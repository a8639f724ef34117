//! Texts from outside, such as names and messages of other sides, for terminals, mails
//! and scripts: without what would steer a terminal or hide what stands there.

use std::borrow::Cow;

/// What stands in the place of a character that is taken out.
const REPLACEMENT: char = '\u{fffd}';

/// The text with every character replaced that is not for reading: controls (C0 but the
/// newline, DEL, C1) and those that turn the direction of writing (Unicode Standard
/// Annex 9, explicit formatting).
pub fn text(text: &str) -> Cow<'_, str> {
    if !text.contains(is_steering) {
        return Cow::Borrowed(text);
    }
    let plain = text.chars();
    let plain = plain.map(|c| if is_steering(c) { REPLACEMENT } else { c });
    Cow::Owned(plain.collect())
}

fn is_steering(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') || (c.is_control() && c != '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_replaced_and_nothing_else() {
        for plain in ["", "orders\nand more", "Grüße → 世界 🙂"] {
            assert!(matches!(text(plain), Cow::Borrowed(same) if same == plain));
        }
        assert_eq!(
            text("a\u{1b}[31mb\u{7}\r\tc"),
            "a\u{fffd}[31mb\u{fffd}\u{fffd}\u{fffd}c"
        );
        for c in [
            "\u{0}", "\u{7f}", "\u{9b}", "\u{202e}", "\u{2066}", "\u{2069}",
        ] {
            assert_eq!(text(c), "\u{fffd}", "{c:?}");
        }
    }
}
