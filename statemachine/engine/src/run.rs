//! Runs a machine from its start to its end.

use std::time::Duration;

use jsonata_core::value::JValue;
use serde_json::Value;
use time::OffsetDateTime;

use crate::clock::later;
use crate::effects::DATA_LIMIT;
use crate::error_names::DATA_LIMIT_EXCEEDED;
use crate::event::{Event, EventKind, Observer};
use crate::race::within;
use crate::recorder::Recorder;
use crate::scope::Variables;
use crate::task::TaskFailure;
use crate::value::{from_json, size, to_json};
use crate::visit::{Begun, Onward, Visitor};
use crate::{Clock, Machine, Tasks};

/// An execution that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// The name it was started under.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// All that happened, in order.
    pub history: Vec<Event>,
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It came to an end state; the value is its output.
    Succeeded(Value),
    /// It came to a `Fail` state, or an error was not caught.
    Failed {
        /// The error's name; empty if a `Fail` state gives none.
        error: String,
        /// The error's cause; empty if a `Fail` state gives none.
        cause: String,
    },
    /// The machine's own `TimeoutSeconds` passed.
    TimedOut,
}

/// Where an execution stands between two states. What is left of it depends on
/// this, on its machine, and on what its tasks find.
#[derive(Clone, Debug)]
pub struct Standing {
    name: String,
    input: JValue,
    started: OffsetDateTime,
    state: String,
    data: JValue,
    variables: Variables,
    /// How long its history is by the count of Step Functions.
    events: usize,
}

/// Runs an execution to its end. `name` is the execution's name, which
/// expressions see as `$states.context.Execution.Name`.
///
/// The future is not `Send`, because JSONata values are not; run it with
/// `block_on` or on a `LocalSet`. When it is dropped, the execution stops
/// where it is.
pub async fn run(
    machine: &Machine,
    name: &str,
    input: Value,
    tasks: &impl Tasks,
    clock: &impl Clock,
    observer: &impl Observer,
) -> Execution {
    let recorder = Recorder::new(clock, observer, 0);
    recorder.record(EventKind::ExecutionStarted {
        input: input.clone(),
    });
    let is_too_large = size(&input) > DATA_LIMIT;
    let input = from_json(input);
    let standing = Standing {
        name: name.to_owned(),
        input: input.clone(),
        started: clock.now(),
        state: machine.compiled.start.clone(),
        data: input,
        variables: Variables::new(),
        events: 0,
    };
    if is_too_large {
        let cause = "the execution's input is too large";
        let failure = TaskFailure::new(DATA_LIMIT_EXCEEDED, cause);
        return ended(standing.name, failed(failure), recorder);
    }
    go_on(machine, standing, tasks, clock, recorder).await
}

/// Runs an execution of this machine to its end from where it stood, as often as
/// one likes. The clock must show the time of that moment. The history is that of
/// the rest.
pub async fn resume(
    machine: &Machine,
    standing: Standing,
    tasks: &impl Tasks,
    clock: &impl Clock,
    observer: &impl Observer,
) -> Execution {
    let recorder = Recorder::new(clock, observer, standing.events);
    go_on(machine, standing, tasks, clock, recorder).await
}

async fn go_on<C: Clock, O: Observer>(
    machine: &Machine,
    standing: Standing,
    tasks: &impl Tasks,
    clock: &C,
    recorder: Recorder<'_, C, O>,
) -> Execution {
    let left = machine.compiled.timeout.map(|limit| {
        let left = later(standing.started, limit) - clock.now();
        Duration::try_from(left).unwrap_or_default()
    });
    let walk = walk(machine, &standing, tasks, clock, &recorder);
    let outcome = within(clock, left, walk).await;
    ended(
        standing.name,
        outcome.unwrap_or(Outcome::TimedOut),
        recorder,
    )
}

fn ended<C: Clock, O: Observer>(
    name: String,
    outcome: Outcome,
    recorder: Recorder<'_, C, O>,
) -> Execution {
    recorder.record(match outcome.clone() {
        Outcome::Succeeded(output) => EventKind::ExecutionSucceeded { output },
        Outcome::Failed { error, cause } => EventKind::ExecutionFailed { error, cause },
        Outcome::TimedOut => EventKind::ExecutionTimedOut,
    });
    Execution {
        name,
        outcome,
        history: recorder.into_history(),
    }
}

async fn walk<T: Tasks, C: Clock, O: Observer>(
    machine: &Machine,
    from: &Standing,
    tasks: &T,
    clock: &C,
    recorder: &Recorder<'_, C, O>,
) -> Outcome {
    let mut visitor = Visitor::new(machine, from.begun(), tasks, clock, recorder);
    let mut variables = from.variables.clone();
    let mut state = from.state.as_str();
    let mut data = from.data.clone();
    loop {
        if visitor.is_late() {
            return Outcome::TimedOut;
        }
        if let Err(failure) = recorder.has_room(1) {
            return failed(failure);
        }
        recorder.stands(&|events| Standing {
            name: from.name.clone(),
            input: from.input.clone(),
            started: from.started,
            state: state.to_owned(),
            data: data.clone(),
            variables: variables.clone(),
            events,
        });
        match visitor.visit(state, &data, &mut variables).await {
            Ok(Onward::To(next, output)) => (state, data) = (next, output),
            // Outputs are checked to be JSON when they are made.
            Ok(Onward::End(output)) => {
                return Outcome::Succeeded(to_json(&output).unwrap_or_default());
            }
            Err(failure) => return failed(failure),
        }
    }
}

impl Standing {
    fn begun(&self) -> Begun<'_> {
        Begun {
            name: &self.name,
            input: &self.input,
            at: self.started,
        }
    }
}

fn failed(failure: TaskFailure) -> Outcome {
    Outcome::Failed {
        error: failure.error,
        cause: failure.cause,
    }
}
