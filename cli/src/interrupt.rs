//! A run that is asked to stop, by the definition's own means: what was made is undone.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use engine::{Clock, ScaledClock, TaskFailure, Tasks};
use serde_json::Value;
use shared::{Code, StepError};
use tokio::sync::Notify;

use crate::clock::StoryClock;
use crate::course::Course;
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
    /// All that came, the last one last.
    signals: RefCell<Vec<Signal>>,
    asked: Notify,
}

impl Interrupt {
    /// Asks the run to stop; says whether that means to leave it at once.
    pub fn ask(&self, signal: Signal) -> bool {
        let leaves = signal.leaves(&self.shared.signals.borrow());
        self.shared.signals.borrow_mut().push(signal);
        self.shared.asked.notify_waiters();
        leaves
    }

    /// Who has asked the run to stop, if anybody has.
    pub fn signal(&self) -> Option<Signal> {
        self.shared.signals.borrow().last().copied()
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
    tasks: T,
    interrupt: Interrupt,
    course: Course,
    clock: StoryClock,
}

impl<T> Interruptible<T> {
    /// The tasks, until somebody interrupts.
    pub fn new(tasks: T, interrupt: Interrupt, course: Course, clock: StoryClock) -> Self {
        Self {
            tasks,
            interrupt,
            course,
            clock,
        }
    }
}

impl<T: Tasks> Tasks for Interruptible<T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let goes_forward = self.course.goes_forward();
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
    use steps::words::Tale;

    use super::*;
    use crate::story::tests::{at, entered};

    /// Those of these states, one after the other, whose calls are refused.
    async fn refused(
        tale: Tale,
        interrupt: &Interrupt,
        states: &[&'static str],
    ) -> Vec<&'static str> {
        let course = Course::of(tale);
        let answers = async |_: &str, _: Value| Ok(json!("called"));
        let clock = StoryClock::new(1.0);
        let tasks = Interruptible::new(answers, interrupt.clone(), course.clone(), clock);
        let mut refused = Vec::new();
        for state in states {
            course.hear(&at(0, entered(state)));
            if let Err(error) = tasks.invoke("anything", json!({})).await {
                let told = "interrupted: SIGTERM was received";
                assert!(error.cause.contains(told), "{}", error.cause);
                refused.push(*state);
            }
        }
        refused
    }

    #[tokio::test]
    async fn once_interrupted_no_step_goes_forward() {
        let interrupt = Interrupt::default();
        let states = [
            "TakeLease",
            "CreateEndpoint",
            "CheckStatus",
            "DeleteEndpoint",
            "ReportOutcome",
            "ReleaseLease",
        ];
        let before = refused(Tale::Connect, &interrupt, &states).await;
        assert!(before.is_empty(), "{before:?}");
        assert!(!interrupt.ask(Signal::Terminate), "the first time");
        let connecting = refused(Tale::Connect, &interrupt, &states).await;
        assert_eq!(connecting, ["TakeLease", "CreateEndpoint", "CheckStatus"]);
        // Taking away is the story there.
        let removing = refused(Tale::Disconnect, &interrupt, &states).await;
        assert_eq!(removing, ["TakeLease", "DeleteEndpoint"]);
        assert!(interrupt.ask(Signal::Terminate), "the second time");
    }

    /// It calls the functions that have made the change, and what is not put back is an outage.
    #[tokio::test]
    async fn once_interrupted_a_change_is_put_back() {
        let interrupt = Interrupt::default();
        interrupt.ask(Signal::Terminate);
        let states = [
            "ChangeEndpoint",
            "DecideUndo",
            "CreateSecurityGroupBack",
            "ChangeEndpointBack",
            "WaitForEndpointPutBack",
            "ChangeEndpointBack",
            "TrimSecurityGroupBack",
            "CheckStatusAsBefore",
        ];
        let refused = refused(Tale::Connect, &interrupt, &states).await;
        assert_eq!(refused, ["ChangeEndpoint"]);
    }

    #[tokio::test]
    async fn a_call_that_does_not_end_is_not_waited_for() {
        let interrupt = Interrupt::default();
        let course = Course::of(Tale::Connect);
        course.hear(&at(0, entered("CheckStatus")));
        let silent = async |_: &str, _: Value| pending::<Result<Value, TaskFailure>>().await;
        let clock = StoryClock::new(1.0);
        let tasks = Interruptible::new(silent, interrupt.clone(), course, clock);
        let began = Instant::now();
        let call = tasks.invoke("${CheckStatusFunctionArn}", json!({}));
        let (answer, _) = tokio::join!(call, async { interrupt.ask(Signal::Interrupt) });
        let error = answer.unwrap_err();
        assert!(error.cause.contains("interrupted: Ctrl-C was pressed"));
        assert!(began.elapsed() < Duration::from_secs(1));
    }
}
