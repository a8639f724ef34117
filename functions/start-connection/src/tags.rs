//! The tags on a VPC: which keys are ours, and what a refusal looks like there.

use shared::Code;
use shared::ids::ClusterId;
use shared::ownership::Tags;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest value of a tag in characters ("Tag restrictions", EC2 user guide).
const MOST: usize = 256;

/// The first word of `<prefix>:status` when the wish of the tags is not followed.
const REFUSED: &str = "refused";

/// The keys of the tags that people set, and of those that are written back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagKeys {
    prefix: String,
}

impl TagKeys {
    /// Keys that begin with this prefix and a colon.
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// Which clusters to connect: one or several ids.
    pub fn cluster_id(&self) -> String {
        self.key("cluster-id")
    }

    /// Who may connect: networks. Left out: all networks of the VPC.
    pub fn cidrs(&self) -> String {
        self.key("cidrs")
    }

    /// Whether the cluster's private host shall resolve in the VPC: `true` or `false`.
    pub fn private_dns(&self) -> String {
        self.key("private-dns")
    }

    /// Whether connections of the VPC are protected: `true` or `false`.
    pub fn protect(&self) -> String {
        self.key("protect")
    }

    /// Written back: why the wish of the tags is not followed.
    pub fn status(&self) -> String {
        self.key("status")
    }

    /// Written back by `tag-vpc`: what became of the connection to one cluster.
    pub fn status_of(&self, cluster: &ClusterId) -> String {
        format!("{}:{cluster}", self.status())
    }

    /// The pattern that all our keys fit, as EC2's filter `tag-key` takes it.
    pub fn pattern(&self) -> String {
        self.key("*")
    }

    /// Whether a change of this tag can change what is wanted. What we write back
    /// cannot, or every answer of ours would be a new question.
    pub fn is_wish(&self, key: &str) -> bool {
        self.name_of(key).is_some_and(|name| !is_status(name))
    }

    /// Our keys among these tags that say neither what is wanted nor how it stands.
    /// A misspelled one would be lost without a word.
    pub fn unknown_in<'t>(&self, tags: &'t Tags) -> Vec<&'t str> {
        let known = [
            self.cluster_id(),
            self.cidrs(),
            self.private_dns(),
            self.protect(),
        ];
        tags.keys()
            .filter(|key| self.is_wish(key) && !known.contains(key))
            .map(String::as_str)
            .collect()
    }

    /// The clusters whose connections have a status written back.
    pub fn clusters_with_status(&self, tags: &Tags) -> Vec<ClusterId> {
        let prefix = format!("{}:", self.status());
        tags.keys()
            .filter_map(|key| key.strip_prefix(&prefix)?.parse().ok())
            .collect()
    }

    fn name_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(self.prefix.as_str())?.strip_prefix(':')
    }
}

fn is_status(name: &str) -> bool {
    name == "status" || name.starts_with("status:")
}

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

    fn keys() -> TagKeys {
        TagKeys::new("cockroachdb-privatelink")
    }

    #[test]
    fn what_we_write_back_is_no_wish() {
        let cluster = "1a2b3c4d-0000-4000-8000-000000000001".parse().unwrap();
        for (key, wish) in [
            (keys().cluster_id(), true),
            (keys().cidrs(), true),
            (keys().private_dns(), true),
            ("cockroachdb-privatelink:cidr".to_owned(), true),
            (keys().status(), false),
            (keys().status_of(&cluster), false),
            ("cockroachdb-privatelinks:cidrs".to_owned(), false),
            ("cockroachdb-privatelink".to_owned(), false),
            ("Name".to_owned(), false),
        ] {
            assert_eq!(keys().is_wish(&key), wish, "{key}");
        }
    }

    #[test]
    fn misspelled_keys_are_found() {
        let tags = [keys().cidrs(), keys().status(), "Name".to_owned()];
        let mut tags: Tags = tags.into_iter().map(|key| (key, String::new())).collect();
        assert!(keys().unknown_in(&tags).is_empty());
        tags.insert("cockroachdb-privatelink:cidr".to_owned(), String::new());
        assert_eq!(keys().unknown_in(&tags), ["cockroachdb-privatelink:cidr"]);
    }

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
