//! Says in the catalogue's words what a run ended with, and counts it.
//!
//! Pure: calls nobody and changes nothing. What it answers is recorded in the ledger,
//! announced and shown, and is the cause of a run that failed; what it counts is printed
//! by its process ([`figures`]).

use serde::{Deserialize, Serialize};
use shared::ids::AccountId;
use shared::ledger::{Milestone, Phase};
use shared::notice::Notice;
use shared::report::{Outcome, Ready, Removed};
use shared::runbook::Entry;
use shared::subject::Subject;
use shared::{StepError, bounds, plain};
use time::OffsetDateTime;

mod failure;
mod figures;
mod sentence;

pub use failure::{Failure, Left};
pub use figures::figures;

/// What the run knows at its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// How far the connection has come with this run.
    pub phase: Phase,
    /// The connection; `None` where the request that names it could not be read.
    pub connection: Option<Subject>,
    /// The account that owns the VPC, where the run has seen it.
    pub account_id: Option<AccountId>,
    /// The name of the cluster, where this run or the ledger knows it.
    pub cluster_name: Option<String>,
    /// Whether the connection worked before this run: then one that fails puts back
    /// what it changed.
    pub worked_before: bool,
    /// Whether both sides were looked at in the end and showed it to work.
    pub seen_to_work: bool,
    /// The connection, when it works.
    pub ready: Option<Ready>,
    /// The connection, when it is gone.
    pub removed: Option<Removed>,
    /// What failed, when it does not.
    pub failure: Option<Failure>,
    /// The phases that the run has passed.
    pub timeline: Vec<Milestone>,
    /// When the run began.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
    /// The ARN of the run.
    pub execution: String,
}

/// The end of a run, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// What the ledger keeps; its `failure` is the cause of a run that failed.
    pub outcome: Outcome,
    /// What is announced of it; `None` where no connection is known.
    pub notice: Option<Notice>,
}

/// Explains the end of a run.
///
/// # Errors
/// None; the signature is that of all steps.
pub fn handle(input: &Input) -> Result<Output, StepError> {
    let failure = input.failure.as_ref().map(Failure::explained);
    let outcome = Outcome {
        phase: input.phase,
        sentence: plain::text(&sentence::of(input, failure.as_ref())).into_owned(),
        at: input.now,
        seconds: seconds(input.started_at, input.now),
        ready: input.ready.clone().map(|ready| Ready {
            notes: bounds::texts(ready.notes, bounds::LISTED),
            ..ready
        }),
        failure,
    };
    let connection = input.connection.as_ref();
    let notice = connection.map(|connection| notice(input, connection, &outcome));
    Ok(Output { outcome, notice })
}

/// What is announced of a connection with which a run came to its end.
fn notice(input: &Input, connection: &Subject, outcome: &Outcome) -> Notice {
    let account = input.account_id.as_ref().or(connection.account_id.as_ref());
    let connection = Subject {
        account_id: account.cloned(),
        ..connection.clone()
    };
    let notice = Notice {
        phase: Some(outcome.phase),
        ..Notice::about(
            connection,
            input.cluster_name.as_deref(),
            outcome.sentence.clone(),
            Entry::of_phase(outcome.phase).place(),
            &input.execution,
        )
    };
    match input.failure.as_ref().map(Failure::code) {
        Some(code) => notice.explained(code),
        None => notice,
    }
}

/// Whole seconds between two moments; a clock that stepped back counts as none.
fn seconds(from: OffsetDateTime, to: OffsetDateTime) -> u64 {
    u64::try_from((to - from).whole_seconds()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
