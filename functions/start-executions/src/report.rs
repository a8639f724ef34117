//! What became of an input, for the log and for tests.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::executions::Machine;
use shared::ids::{ClusterId, VpcId};
use shared::{Code, StepError, bounds};

/// Most bytes of why one wish is refused, written in JSON.
const LONGEST_DETAIL: usize = 250;

/// What became of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What the input was, in a few words.
    pub cause: String,
    /// What was done, in order; the first of it, if it is much. Empty if there was
    /// nothing to look at.
    pub done: Vec<Entry>,
    /// How often each action was taken.
    pub counts: BTreeMap<&'static str, usize>,
    /// How many places there are to search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub places: Option<usize>,
    /// The first thing that could not be done in a search. Others fail over it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// The name of the error.
    pub error: &'static str,
    /// Its code and what happened.
    pub cause: String,
}

impl From<&StepError> for Trouble {
    fn from(error: &StepError) -> Self {
        Trouble {
            error: error.name().as_str(),
            cause: error.to_string(),
        }
    }
}

impl Report {
    /// Counts what was done, and keeps the first of it. The log has all.
    pub(crate) fn of(cause: String, mut done: Vec<Entry>) -> Self {
        let mut counts = BTreeMap::new();
        for entry in &done {
            *counts.entry(entry.action.word()).or_default() += 1;
        }
        for entry in done.iter().skip(bounds::LISTED) {
            tracing::info!("{}", serde_json::json!(entry));
        }
        done.truncate(bounds::LISTED);
        Report {
            cause: bounds::text(&cause, bounds::DETAIL),
            done,
            counts,
            ..Report::default()
        }
    }
}

/// What became of one VPC or one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The VPC, if it is about one.
    pub vpc_id: Option<VpcId>,
    /// The cluster, if it is about one.
    pub cluster_id: Option<ClusterId>,
    /// The connection, if it is about one.
    pub connection_id: Option<String>,
    #[serde(flatten)]
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// A run was started, or the same one is under way.
    Started {
        /// The machine: `provision` or `deprovision`.
        machine: &'static str,
        /// The name of the run.
        name: String,
        /// Its ARN.
        execution: String,
    },
    /// A run was started for the same cause before, and is over.
    AlreadyStarted {
        /// The machine: `provision` or `deprovision`.
        machine: &'static str,
        /// The name of the run.
        name: String,
    },
    /// Nothing was to be done.
    Left { why: String },
    /// The wish of a tag is not followed; the VPC's status tag says so.
    Refused {
        code: &'static str,
        /// Which tag and which value.
        detail: String,
    },
}

impl Action {
    /// Nothing was to be done.
    pub(crate) fn left(why: impl Into<String>) -> Self {
        Action::Left { why: why.into() }
    }

    pub(crate) fn refused(code: Code, detail: &str) -> Self {
        Action::Refused {
            code: code.as_str(),
            detail: bounds::text(detail, LONGEST_DETAIL),
        }
    }

    /// The word that it has in an answer.
    fn word(&self) -> &'static str {
        match self {
            Action::Started { .. } => "started",
            Action::AlreadyStarted { .. } => "already-started",
            Action::Left { .. } => "left",
            Action::Refused { .. } => "refused",
        }
    }
}

/// The word for a machine in reports and names.
pub(crate) fn word(machine: Machine) -> &'static str {
    match machine {
        Machine::Provision => "provision",
        Machine::Deprovision => "deprovision",
        Machine::CheckFleet => "check-fleet",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn action() -> impl Strategy<Value = Action> {
        // What comes from outside: values of tags and messages, of any length.
        let text = r#"["\\\x01a-z😀]{0,3000}"#;
        prop_oneof![
            text.prop_map(|detail| Action::refused(Code::TagValueInvalid, &detail)),
            Just(Action::Started {
                machine: "provision",
                name: "n".repeat(80),
                execution: "a".repeat(250),
            }),
            Just(Action::left("it is asked for already")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn no_answer_is_too_large(actions in prop::collection::vec(action(), 90..130), cause in ".{0,2000}") {
            let entry = |action: Action| Entry {
                vpc_id: Some("vpc-0a1b2c3d4e5f60718".parse().unwrap()),
                cluster_id: Some("1a2b3c4d-0000-4000-8000-000000000001".parse().unwrap()),
                connection_id: Some("0123456789abcdef".to_owned()),
                action,
            };
            let all = actions.len();
            let report = Report::of(cause, actions.into_iter().map(entry).collect());
            prop_assert_eq!(report.counts.values().sum::<usize>(), all);
            prop_assert_eq!(report.done.len(), all.min(bounds::LISTED));
            prop_assert!(serde_json::to_string(&report).unwrap().len() <= 200 * 1024);
        }
    }
}
