//! Runs a machine from its start to its end.

use serde_json::Value;

use crate::effects::DATA_LIMIT;
use crate::error_names::DATA_LIMIT_EXCEEDED;
use crate::event::{Event, EventKind, Observer};
use crate::race::within;
use crate::recorder::Recorder;
use crate::scope::Variables;
use crate::task::TaskFailure;
use crate::value::{from_json, size, to_json};
use crate::visit::{Onward, Visitor};
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
    let recorder = Recorder::new(clock, observer);
    recorder.record(EventKind::ExecutionStarted {
        input: input.clone(),
    });
    let timeout = machine.compiled.timeout;
    let walk = walk(machine, name, input, tasks, clock, &recorder);
    let outcome = within(clock, timeout, walk).await;
    let outcome = outcome.unwrap_or(Outcome::TimedOut);
    recorder.record(match outcome.clone() {
        Outcome::Succeeded(output) => EventKind::ExecutionSucceeded { output },
        Outcome::Failed { error, cause } => EventKind::ExecutionFailed { error, cause },
        Outcome::TimedOut => EventKind::ExecutionTimedOut,
    });
    Execution {
        name: name.to_owned(),
        outcome,
        history: recorder.into_history(),
    }
}

async fn walk<T: Tasks, C: Clock, O: Observer>(
    machine: &Machine,
    name: &str,
    input: Value,
    tasks: &T,
    clock: &C,
    recorder: &Recorder<'_, C, O>,
) -> Outcome {
    if size(&input) > DATA_LIMIT {
        return failed(TaskFailure::new(
            DATA_LIMIT_EXCEEDED,
            "the execution's input is too large",
        ));
    }
    let input = from_json(input);
    let mut visitor = Visitor::new(machine, name, input.clone(), tasks, clock, recorder);
    let mut variables = Variables::new();
    let mut state = machine.compiled.start.as_str();
    let mut data = input;
    loop {
        if visitor.is_late() {
            return Outcome::TimedOut;
        }
        if let Err(failure) = recorder.has_room() {
            return failed(failure);
        }
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

fn failed(failure: TaskFailure) -> Outcome {
    Outcome::Failed {
        error: failure.error,
        cause: failure.cause,
    }
}
