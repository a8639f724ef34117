//! What happened in an execution.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::run::Standing;

/// One entry of an execution's history. As JSON it is one flat object with
/// `at` in RFC 3339 and the kind's name in `event`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// When, by the clock of the execution.
    #[serde(serialize_with = "rfc3339")]
    pub at: OffsetDateTime,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

fn rfc3339<S: Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    let text = at.format(&Rfc3339).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(&text)
}

/// What happened. The names follow those of Step Functions' own history where
/// it has the same event.
#[expect(missing_docs, reason = "most fields are called what they are")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event")]
pub enum EventKind {
    /// The execution began.
    ExecutionStarted { input: Value },
    /// A state began.
    StateEntered {
        state: String,
        /// The state's type, as in the definition (`Task`, `Choice`, …).
        r#type: String,
        input: Value,
    },
    /// A task is about to be called, the first time or again.
    TaskScheduled {
        state: String,
        /// What is called, as in the definition.
        resource: String,
        /// What it is called with.
        arguments: Value,
    },
    /// A task answered.
    TaskSucceeded {
        state: String,
        /// The task's answer, before `Output`.
        output: Value,
    },
    /// A task failed or took too long.
    TaskFailed {
        state: String,
        error: String,
        cause: String,
    },
    /// An expression failed, or a value was too large.
    EvaluationFailed {
        state: String,
        error: String,
        cause: String,
    },
    /// A retrier matched; the task will be called again after the delay.
    RetryScheduled {
        state: String,
        error: String,
        /// Which retry of this retrier it is, from 1.
        attempt: u32,
        /// Pause before the retry, in seconds.
        delay_seconds: f64,
    },
    /// A catcher matched; the execution goes on elsewhere.
    Caught {
        state: String,
        error: String,
        next: String,
    },
    /// A `Wait` state began to wait.
    WaitStarted {
        state: String,
        /// How long, in seconds.
        seconds: f64,
    },
    /// A state ended and the execution goes on.
    StateExited {
        state: String,
        /// The state's output, the input of the next one.
        output: Value,
        /// The variables that the state set, with their new values.
        assigned: Map<String, Value>,
    },
    /// The execution ended well.
    ExecutionSucceeded { output: Value },
    /// The execution failed.
    ExecutionFailed {
        /// The error's name; empty if a `Fail` state gives none.
        error: String,
        /// The error's cause; empty if a `Fail` state gives none.
        cause: String,
    },
    /// The machine's own `TimeoutSeconds` passed.
    ExecutionTimedOut,
}

impl EventKind {
    /// How many events of its own history Step Functions counts for this one
    /// (API reference, "HistoryEvent"): that a task is called is told by two, and
    /// neither a catcher nor the beginning of a pause is told.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            EventKind::TaskScheduled { .. } => 2,
            EventKind::RetryScheduled { .. }
            | EventKind::Caught { .. }
            | EventKind::WaitStarted { .. } => 0,
            EventKind::ExecutionStarted { .. }
            | EventKind::StateEntered { .. }
            | EventKind::TaskSucceeded { .. }
            | EventKind::TaskFailed { .. }
            | EventKind::EvaluationFailed { .. }
            | EventKind::StateExited { .. }
            | EventKind::ExecutionSucceeded { .. }
            | EventKind::ExecutionFailed { .. }
            | EventKind::ExecutionTimedOut => 1,
        }
    }

    /// The state that the event is about; `None` if it is about the whole
    /// execution.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        match self {
            EventKind::StateEntered { state, .. }
            | EventKind::TaskScheduled { state, .. }
            | EventKind::TaskSucceeded { state, .. }
            | EventKind::TaskFailed { state, .. }
            | EventKind::EvaluationFailed { state, .. }
            | EventKind::RetryScheduled { state, .. }
            | EventKind::Caught { state, .. }
            | EventKind::WaitStarted { state, .. }
            | EventKind::StateExited { state, .. } => Some(state),
            EventKind::ExecutionStarted { .. }
            | EventKind::ExecutionSucceeded { .. }
            | EventKind::ExecutionFailed { .. }
            | EventKind::ExecutionTimedOut => None,
        }
    }
}

/// Is told of every event at the moment it happens.
pub trait Observer {
    /// Called once per event, in order.
    fn event(&self, event: &Event);

    /// Called before each state with what says where the execution stands, for
    /// those who want to [`resume`](crate::resume) it from there.
    fn stands(&self, _standing: &dyn Fn() -> Standing) {}
}

/// Nobody watches.
impl Observer for () {
    fn event(&self, _event: &Event) {}
}

/// A closure watches.
impl<F: Fn(&Event)> Observer for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn an_event_is_one_flat_object_in_json() {
        let event = Event {
            at: datetime!(2030-01-01 00:00:01 UTC),
            kind: EventKind::WaitStarted {
                state: "Pause".into(),
                seconds: 5.0,
            },
        };
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            json!({"at": "2030-01-01T00:00:01Z", "event": "WaitStarted", "state": "Pause", "seconds": 5.0})
        );
    }
}
