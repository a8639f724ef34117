//! Says in the catalogue's words what a run ended with, and counts it.
//!
//! Pure: calls nobody and changes nothing. What it answers is recorded in the
//! ledger, announced and shown; what it counts is printed by its process
//! ([`figures`]).

use serde::{Deserialize, Serialize};
use shared::ids::{ClusterId, Region, VpcId};
use shared::ledger::{Milestone, Phase};
use shared::report::{Explained, ExplainedLeft, Failure, Left, Outcome, Ready, Removed};
use shared::{StepError, bounds, plain};
use time::OffsetDateTime;

mod figures;
mod sentence;

pub use figures::figures;

/// What the run knows at its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// How far the connection has come with this run.
    pub phase: Phase,
    pub cluster_id: ClusterId,
    /// The Region of the VPC.
    pub region: Region,
    pub vpc_id: VpcId,
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
}

/// Explains the end of a run.
///
/// # Errors
/// None; the signature is that of all steps.
pub fn handle(input: &Input) -> Result<Outcome, StepError> {
    let failure = input.failure.as_ref().map(explain);
    Ok(Outcome {
        phase: input.phase,
        sentence: plain::text(&sentence::of(input, failure.as_ref())).into_owned(),
        at: input.now,
        seconds: seconds(input.started_at, input.now),
        ready: input.ready.clone().map(|ready| Ready {
            notes: bounds::texts(ready.notes, bounds::LISTED),
            ..ready
        }),
        failure,
    })
}

/// In the catalogue's words. What lies in the ledger and in an announcement is bounded;
/// the history of the run has all.
fn explain(failure: &Failure) -> Explained {
    let code = failure.code();
    let (told, others) = failure.left.split_at(failure.left.len().min(bounds::NOTES));
    let others = others.first().map(|first| Left {
        what: format!("and {} more", others.len()),
        ..first.clone()
    });
    let left = told.iter().chain(&others).map(|left| ExplainedLeft {
        what: bounds::text(&left.what, bounds::DETAIL),
        code: left.code().to_string(),
        detail: bounds::text(&left.detail(), bounds::DETAIL),
        fix: left.code().fix().to_owned(),
    });
    Explained {
        failed_at: failure.failed_at.clone(),
        code: code.to_string(),
        detail: bounds::text(&failure.detail(), bounds::DETAIL),
        cause: code.cause().to_owned(),
        fix: code.fix().to_owned(),
        undone: bounds::texts(failure.undone.iter().cloned(), bounds::NOTES),
        left: left.collect(),
    }
}

/// Whole seconds between two moments; a clock that stepped back counts as none.
fn seconds(from: OffsetDateTime, to: OffsetDateTime) -> u64 {
    u64::try_from((to - from).whole_seconds()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
