//! Tags of the customer's own on what is made for a connection, such as a cost centre.
//!
//! They are set when something is made, so that policies which ask for tags are
//! satisfied, and a later run adds what is missing or differs. None is ever taken
//! away: nobody could tell who set it.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::StepError;
use crate::ids::Malformed;
use crate::ownership::{Claim, Origin, Tags};
use crate::request::broken;

/// The most that may be asked for. EC2 allows 50 on a resource; the others are ours:
/// three, and up to four for each cluster that shares it.
const MOST: usize = 30;

/// The longest key and value that EC2 takes, in characters.
const KEY: usize = 128;
const VALUE: usize = 256;

/// What keys of AWS and keys of ours begin with.
const RESERVED: [&str; 2] = ["aws:", "cockroachdb-privatelink:"];

/// One tag, as people write it: `Key=Value`. What may be in it, `check` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerTag {
    /// What stands before the first `=`.
    pub key: String,
    /// What stands behind it.
    pub value: String,
}

impl std::str::FromStr for CustomerTag {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(Malformed {
                value: text.to_owned(),
                rule: "a tag: Key=Value",
            }),
        }
    }
}

/// Checks the tags of a request.
pub(crate) fn check(tags: &Tags) -> Result<(), StepError> {
    if tags.len() > MOST {
        let rule = format!("a number of tags up to {MOST}");
        return Err(broken("tags", tags.len(), &rule));
    }
    for (key, value) in tags {
        if key.is_empty() || !is_text(key, KEY) {
            let rule = format!("a key of 1 to {KEY} characters without control characters");
            return Err(broken("tags", key, &rule));
        }
        let lower = key.to_ascii_lowercase();
        if RESERVED.iter().any(|begin| lower.starts_with(begin)) {
            let rule = format!(
                "a key that begins otherwise than {}",
                RESERVED.join(" and ")
            );
            return Err(broken("tags", key, &rule));
        }
        if !is_text(value, VALUE) {
            let rule = format!("at most {VALUE} characters without control characters");
            return Err(broken(&format!("tags.{key}"), value, &rule));
        }
    }
    Ok(())
}

fn is_text(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}

/// The schema of the tags of a request. What a key must not begin with, it cannot say.
pub(crate) fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": MOST,
        "additionalProperties": {
            "type": "string",
            "maxLength": VALUE,
            "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]*$",
        },
    })
}

/// The tags that are asked for and that a resource with the tags `found` does not have
/// like this. What we did not make keeps its own; and where other clusters use it too,
/// no value changes, because their connections may ask for another one.
pub fn missing(asked: &Tags, found: &Tags, claim: &Claim) -> Tags {
    if Origin::of(found) != Some(Origin::Made) {
        return Tags::new();
    }
    let is_shared = !claim.others_in(found).is_empty();
    let differs = |key: &String, value: &String| match found.get(key) {
        Some(there) => !is_shared && there != value,
        None => true,
    };
    let missing = asked.iter().filter(|(key, value)| differs(key, value));
    missing
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(list: &[(&str, &str)]) -> Tags {
        let list = list.iter().copied();
        list.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    fn claim(cluster: u32) -> Claim {
        Claim {
            cluster_id: format!("1a2b3c4d-0000-4000-8000-{cluster:012}")
                .parse()
                .unwrap(),
            connection_id: "c0ffee".to_owned(),
        }
    }

    #[test]
    fn a_tag_that_ec2_or_we_would_not_take_is_refused_with_its_rule() {
        let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
        for (key, value, said) in [
            ("", "x", "tags: `` is not a key of 1 to 128"),
            (&long_key, "x", "is not a key of 1 to 128"),
            ("a\nb", "x", "without control characters"),
            (
                "aws:cost",
                "x",
                "tags: `aws:cost` is not a key that begins otherwise",
            ),
            ("AWS:cost", "x", "begins otherwise"),
            ("cockroachdb-privatelink:origin", "made", "begins otherwise"),
            ("CostCenter", &long_value, "is not at most 256 characters"),
            (
                "CostCenter",
                "4\u{9b}2",
                "tags.CostCenter: `4\u{fffd}2` is not",
            ),
        ] {
            let error = check(&tags(&[(key, value)])).unwrap_err();
            assert!(error.detail.contains(said), "{}", error.detail);
        }
        let many = |number: usize| {
            (0..number)
                .map(|n| (n.to_string(), String::new()))
                .collect()
        };
        assert!(check(&many(MOST)).is_ok());
        assert!(
            check(&many(MOST + 1))
                .unwrap_err()
                .detail
                .contains("up to 30")
        );
        let good = tags(&[
            ("Name", "äöü"),
            ("cost: center", ""),
            (&long_key[1..], &long_value[1..]),
        ]);
        assert!(check(&good).is_ok());
    }

    #[test]
    fn what_we_made_gets_what_is_missing_or_differs_and_loses_nothing() {
        let asked = tags(&[("Team", "data"), ("CostCenter", "42")]);
        let mut found = claim(1).tags(Origin::Made);
        assert_eq!(missing(&asked, &found, &claim(1)), asked);
        found.extend(tags(&[("CostCenter", "41"), ("Other", "stays")]));
        assert_eq!(missing(&asked, &found, &claim(1)), asked);
        found.extend(asked.clone());
        assert_eq!(missing(&asked, &found, &claim(1)), Tags::new());
    }

    #[test]
    fn what_others_share_gets_more_and_no_other_value() {
        let mut found = claim(1).tags(Origin::Made);
        found.extend(claim(2).tags(Origin::Made));
        found.extend(tags(&[("CostCenter", "41")]));
        let asked = tags(&[("Team", "data"), ("CostCenter", "42")]);
        assert_eq!(
            missing(&asked, &found, &claim(1)),
            tags(&[("Team", "data")])
        );
    }

    #[test]
    fn what_we_did_not_make_keeps_its_own() {
        let asked = tags(&[("Team", "data")]);
        for found in [Tags::new(), claim(1).tags(Origin::Adopted)] {
            assert_eq!(missing(&asked, &found, &claim(1)), Tags::new());
        }
    }
}
