//! A run that is asked to stop, by the definition's own means: what was made is undone.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use engine::{Clock, ScaledClock, TaskFailure, Tasks};
use serde_json::Value;
use shared::{Code, StepError};
use steps::function_of;
use steps::words::{self, Tale};
use tokio::sync::Notify;

use crate::clock::StoryClock;
use crate::signal::Signal;

/// How long a call that is under way may go on. Most end within it, so that their result
/// is known. For the rest the definition is prepared, as for any call without an answer.
const GRACE: Duration = Duration::from_millis(700);

/// Whether a run is to stop, and who has asked last. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    shared: Rc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    signal: Cell<Option<Signal>>,
    asked: Notify,
}

impl Interrupt {
    /// Asks the run to stop; says whether that is the first time.
    pub fn ask(&self, signal: Signal) -> bool {
        let is_first = self.shared.signal.replace(Some(signal)).is_none();
        self.shared.asked.notify_waiters();
        is_first
    }

    /// Who has asked the run to stop, if anybody has.
    pub fn signal(&self) -> Option<Signal> {
        self.shared.signal.get()
    }

    /// Waits until somebody asks, and then until a call has had its time.
    async fn is_over(&self) -> Signal {
        let signal = loop {
            // Nobody can ask between the look and the wait: all this is one thread.
            match self.signal() {
                Some(signal) => break signal,
                None => self.shared.asked.notified().await,
            }
        };
        ScaledClock::new(1.0).sleep(GRACE).await;
        signal
    }
}

/// Tasks that can be interrupted: the next forward step fails for good, and the definition
/// does what it does when a step fails. Undo steps go on, and so does what records and
/// reports the run and gives its lease back. A run that takes a connection away has
/// nothing to undo: its steps fail, and what is left is named.
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

    /// Whether the call leads on, or takes the lease without which nothing does.
    fn goes_forward(&self, resource: &str, arguments: &Value) -> bool {
        match function_of(resource) {
            Some(function) => words::goes_forward(self.tale, function),
            // Leases alone have this key.
            None => resource.ends_with(":updateItem") && arguments["Key"]["vpc"].is_object(),
        }
    }
}

impl<T: Tasks> Tasks for Interruptible<T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let goes_forward = self.goes_forward(resource, &arguments);
        if let Some(signal) = self.interrupt.signal().filter(|_| goes_forward) {
            return Err(interrupted(signal));
        }
        let _call = self.clock.during_a_call();
        // Boxed, because the futures of all handlers nest deeper than the compiler
        // wants to look.
        let call = Box::pin(self.tasks.invoke(resource, arguments));
        if !goes_forward {
            return call.await;
        }
        tokio::select! {
            biased;
            answer = call => answer,
            signal = self.interrupt.is_over() => Err(interrupted(signal)),
        }
    }
}

fn interrupted(signal: Signal) -> TaskFailure {
    steps::as_lambda_says_it(&StepError::new(Code::Interrupted, signal.told())).for_good()
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Instant;

    use serde_json::json;

    use super::*;

    fn tasks<T>(tale: Tale, tasks: T, interrupt: &Interrupt) -> Interruptible<T> {
        Interruptible::new(tale, tasks, interrupt.clone(), StoryClock::new(1.0))
    }

    #[tokio::test]
    async fn once_interrupted_no_step_goes_forward() {
        let interrupt = Interrupt::default();
        let answers = async |_: &str, _: Value| Ok(json!("called"));
        let connecting = tasks(Tale::Connect, answers, &interrupt);
        let call = async |function: &str| {
            connecting
                .invoke(&format!("${{{function}FunctionArn}}"), json!({}))
                .await
        };
        assert!(call("CreateEndpoint").await.is_ok());
        assert!(interrupt.ask(Signal::Terminate), "the first time");
        assert!(!interrupt.ask(Signal::Terminate), "the second time");
        let error = call("CreateEndpoint").await.unwrap_err();
        let told = "interrupted: SIGTERM was received";
        assert!(error.cause.contains(told), "{}", error.cause);
        assert!(call("CheckStatus").await.is_err());
        assert!(call("DeleteEndpoint").await.is_ok());
        assert!(call("ReportOutcome").await.is_ok());
        let removing = tasks(Tale::Disconnect, answers, &interrupt);
        let delete = removing.invoke("${DeleteEndpointFunctionArn}", json!({}));
        assert!(delete.await.is_err(), "taking away is the story there");
    }

    /// Another run may hold it for an hour.
    #[tokio::test]
    async fn once_interrupted_no_lease_is_taken_and_one_is_given_back() {
        let interrupt = Interrupt::default();
        let answers = async |_: &str, _: Value| Ok(json!("called"));
        let tasks = tasks(Tale::Connect, answers, &interrupt);
        let lease = || json!({ "Key": { "vpc": { "S": "eu-west-1/vpc-0a71e831" } } });
        let entry = json!({ "Key": { "connection_id": { "S": "0641d0de83b3ac79" } } });
        interrupt.ask(Signal::Hangup);
        let update = "arn:aws:states:::dynamodb:updateItem";
        assert!(tasks.invoke(update, lease()).await.is_err());
        assert!(tasks.invoke(update, entry).await.is_ok());
        let delete = tasks.invoke("arn:aws:states:::dynamodb:deleteItem", lease());
        assert!(delete.await.is_ok());
    }

    #[tokio::test]
    async fn a_call_that_does_not_end_is_not_waited_for() {
        let interrupt = Interrupt::default();
        let silent = async |_: &str, _: Value| pending::<Result<Value, TaskFailure>>().await;
        let tasks = tasks(Tale::Connect, silent, &interrupt);
        let began = Instant::now();
        let call = tasks.invoke("${CheckStatusFunctionArn}", json!({}));
        let (answer, _) = tokio::join!(call, async { interrupt.ask(Signal::Interrupt) });
        let error = answer.unwrap_err();
        assert!(error.cause.contains("interrupted: Ctrl-C was pressed"));
        assert!(began.elapsed() < Duration::from_secs(1));
    }
}
