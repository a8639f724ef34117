//! Ctrl-C: the run is undone, by the definition's own undo line.

use std::cell::Cell;
use std::rc::Rc;

use engine::{TaskFailure, Tasks};
use serde_json::{Value, json};
use shared::StepErrorName;
use steps::function_of;
use steps::words::{self, Tale};

use crate::clock::StoryClock;

/// What stands where other failures have a code of the catalogue.
pub const INTERRUPTED: &str = "interrupted";

/// Whether the run shall be undone. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    asked: Rc<Cell<bool>>,
}

impl Interrupt {
    /// Asks for the run to be undone; says whether that is the first time.
    pub fn ask(&self) -> bool {
        !self.asked.replace(true)
    }

    /// Whether the run shall be undone.
    pub fn is_asked(&self) -> bool {
        self.asked.get()
    }
}

/// Tasks that can be interrupted. A call under way comes to its end, so that
/// nothing is cut off in the middle; the next forward step fails, and the
/// definition does what it does when a step fails. Undo steps go on, and so does
/// what records and reports the run and gives its lease back. A run that takes a
/// connection away has nothing to undo: its steps fail, and what is left is named.
pub struct Interruptible<T> {
    tale: Tale,
    tasks: T,
    interrupt: Interrupt,
    clock: StoryClock,
}

impl<T> Interruptible<T> {
    /// The tasks, until somebody interrupts.
    pub fn new(tale: Tale, tasks: T, interrupt: Interrupt, clock: StoryClock) -> Self {
        Self {
            tale,
            tasks,
            interrupt,
            clock,
        }
    }
}

impl<T: Tasks> Tasks for Interruptible<T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let is_forward =
            function_of(resource).is_some_and(|function| words::goes_forward(self.tale, function));
        if self.interrupt.is_asked() && is_forward {
            return Err(interrupted());
        }
        let _call = self.clock.during_a_call();
        // Boxed, because the futures of all handlers nest deeper than the compiler
        // wants to look.
        Box::pin(self.tasks.invoke(resource, arguments)).await
    }
}

/// A name that no retrier of a forward step matches.
fn interrupted() -> TaskFailure {
    let name = StepErrorName::Rejected.as_str();
    let cause =
        json!({ "errorType": name, "errorMessage": format!("{INTERRUPTED}: Ctrl-C was pressed") });
    TaskFailure::new(name, cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn once_interrupted_no_step_goes_forward() {
        let interrupt = Interrupt::default();
        let answers = async |_: &str, _: Value| Ok(json!("called"));
        let clock = StoryClock::new(1.0);
        let tasks = Interruptible::new(Tale::Connect, answers, interrupt.clone(), clock.clone());
        let call = async |function: &str| {
            tasks
                .invoke(&format!("${{{function}FunctionArn}}"), json!({}))
                .await
        };
        assert!(call("CreateEndpoint").await.is_ok());
        assert!(interrupt.ask(), "the first time");
        assert!(!interrupt.ask(), "the second time");
        let error = call("CreateEndpoint").await.unwrap_err();
        assert!(error.cause.contains("interrupted: "), "{}", error.cause);
        assert!(call("CheckStatus").await.is_err());
        assert!(call("DeleteEndpoint").await.is_ok());
        assert!(call("ReportOutcome").await.is_ok());
        let tasks = Interruptible::new(Tale::Disconnect, answers, interrupt, clock);
        let delete = tasks.invoke("${DeleteEndpointFunctionArn}", json!({}));
        assert!(delete.await.is_err(), "taking away is the story there");
        let release = tasks.invoke("arn:aws:states:::dynamodb:deleteItem", json!({}));
        assert!(release.await.is_ok());
    }
}
