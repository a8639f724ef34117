//! A wish of the tags that is not followed, and what the VPC's status tag says of it.

use shared::Code;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest value of a tag in characters ("Tag restrictions", EC2 user guide).
const MOST: usize = 256;

/// The first word of `<prefix>:status` when the wish of the tags is not followed.
const REFUSED: &str = "refused";

/// Why a wish of the tags is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The code; cause and fix stand in the catalogue.
    pub(crate) code: Code,
    /// Which tag and which value.
    pub(crate) detail: String,
}

impl Refusal {
    /// A refusal of the given code about this very tag.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

/// What is to be done about the tag `<prefix>:status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatusTag {
    /// It says what it should.
    Keep,
    /// It is to get this value.
    Write(String),
    /// It is to go: there is nothing to refuse any more.
    Remove,
}

/// What is to be done about the tag, given its present value. The same refusal is
/// not written twice, because each writing is an event.
pub(crate) fn status_tag(
    present: Option<&str>,
    refusals: &[Refusal],
    now: OffsetDateTime,
) -> StatusTag {
    let Some(first) = refusals.first() else {
        let stale = present.is_some_and(|value| value.split(' ').next() == Some(REFUSED));
        return if stale {
            StatusTag::Remove
        } else {
            StatusTag::Keep
        };
    };
    let details: Vec<&str> = refusals.iter().map(|it| it.detail.as_str()).collect();
    let time = now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339);
    let time = time.unwrap_or_default();
    let value = tag_text(&format!(
        "{REFUSED} {} {time} {}",
        first.code,
        details.join(". ")
    ));
    if present.is_some_and(|present| without_time(present) == without_time(&value)) {
        StatusTag::Keep
    } else {
        StatusTag::Write(value)
    }
}

fn without_time(value: &str) -> Vec<&str> {
    let words = value.split(' ').enumerate();
    words
        .filter(|(place, _)| *place != 2)
        .map(|(_, word)| word)
        .collect()
}

/// Text as a tag's value: letters, digits, spaces and `+-=._:/@` are what every
/// service takes ("Tag restrictions", EC2 user guide).
fn tag_text(text: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || "+-=._:/@".contains(c);
    let spaced: String = text
        .chars()
        .filter(|c| *c != '`')
        .map(|c| if allowed(c) { c } else { ' ' })
        .collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let cut: String = words.join(" ").chars().take(MOST).collect();
    cut.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 18:00:00.5 UTC);

    #[test]
    fn a_refusal_is_written_once_and_removed_when_it_is_over() {
        let refusal = Refusal::new(Code::ClusterNotAllowed, "cluster `x`, not allowed");
        let refusals = [refusal];
        let written = "refused cluster-not-allowed 2026-11-22T18:00:00Z cluster x not allowed";
        assert_eq!(
            status_tag(None, &refusals, NOW),
            StatusTag::Write(written.to_owned())
        );
        let later = NOW + time::Duration::hours(1);
        assert_eq!(status_tag(Some(written), &refusals, later), StatusTag::Keep);
        let other = [Refusal::new(Code::TagValueInvalid, "cluster `x`")];
        assert!(matches!(
            status_tag(Some(written), &other, later),
            StatusTag::Write(_)
        ));
        assert_eq!(status_tag(Some(written), &[], later), StatusTag::Remove);
        assert_eq!(status_tag(None, &[], later), StatusTag::Keep);
        assert_eq!(
            status_tag(Some("somebody's own"), &[], later),
            StatusTag::Keep
        );
    }

    proptest! {
        #[test]
        fn whatever_is_refused_fits_a_tag_and_is_written_once(details in proptest::collection::vec(".{0,300}", 1..4)) {
            let refusals: Vec<Refusal> = details
                .into_iter()
                .map(|detail| Refusal::new(Code::TagValueInvalid, detail))
                .collect();
            let StatusTag::Write(value) = status_tag(None, &refusals, NOW) else {
                return Err(TestCaseError::fail("nothing was written"));
            };
            prop_assert!(value.chars().count() <= MOST);
            prop_assert!(value.chars().all(|c| c.is_alphanumeric() || " +-=._:/@".contains(c)));
            prop_assert_eq!(status_tag(Some(&value), &refusals, NOW), StatusTag::Keep);
        }
    }
}
