//! What became of an input, for the log and for tests.

use serde::Serialize;
use shared::Code;
use shared::executions::Machine;
use shared::ids::{ClusterId, VpcId};

/// What became of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What the input was, in a few words.
    pub cause: String,
    /// What was done, in order. Empty if there was nothing to look at.
    pub done: Vec<Entry>,
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
    /// What was done.
    #[serde(flatten)]
    pub action: Action,
}

/// What was done.
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
    Left {
        /// Why.
        why: String,
    },
    /// The wish of a tag is not followed; the VPC's status tag says so.
    Refused {
        /// The code.
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

    /// A refusal.
    pub(crate) fn refused(code: Code, detail: &str) -> Self {
        Action::Refused {
            code: code.as_str(),
            detail: detail.to_owned(),
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
