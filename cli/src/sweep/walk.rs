//! One run of the definition `sweep`, and what it tells on the way: its output names
//! only the first hundred findings, and none with all that is known of them.

use std::cell::RefCell;

use engine::{Clock, Event, EventKind, Execution, Outcome};
use find_orphans::Finding;
use serde_json::Value;
use shared::executions::{Executions, Machine, Standing, Start};
use shared::report::code_and_detail;
use shared::{Code, StepError};
use steps::words::Tale;

use crate::display::Display;
use crate::error::Error;
use crate::run::{Ended, Work, execution_name};
use crate::signal::{Signal, Signals};
use crate::story::Story;
use crate::world::World;
use steps::definition;

/// What the run has seen and done.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What was found by the pass that reports.
    pub(crate) findings: Vec<Finding>,
    /// The sum of that pass.
    pub(crate) sum: Option<find_orphans::Sum>,
    /// The removals that were started.
    pub(crate) begun: Vec<Begun>,
    /// The entries that were written, or would be.
    pub(crate) entries: Vec<rebuild_ledger::Entry>,
    /// The sum of these.
    pub(crate) rebuilt: Option<rebuild_ledger::Sum>,
    /// Whether the pass that removes is under way.
    removes: bool,
}

/// A removal that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) connection_id: String,
    /// The run; `None` if one was started for the same cause before, and is over.
    pub(crate) execution: Option<String>,
}

impl Seen {
    fn hear(&mut self, event: &Event) {
        if let EventKind::TaskScheduled {
            state, arguments, ..
        } = &event.kind
            && state == "FindOrphans"
        {
            self.removes = arguments["remove"] == true;
        }
        if let EventKind::TaskSucceeded { state, output } = &event.kind {
            self.answered(state, output);
        }
    }

    fn answered(&mut self, state: &str, output: &Value) {
        match state {
            "FindOrphans" if !self.removes => {
                if let Ok(output) = serde_json::from_value::<find_orphans::Output>(output.clone()) {
                    self.findings.extend(output.findings);
                    self.sum = Some(output.sum);
                }
            }
            "RebuildLedger" => {
                if let Ok(output) = serde_json::from_value::<rebuild_ledger::Output>(output.clone())
                {
                    self.entries.extend(output.entries);
                    self.rebuilt = Some(output.sum);
                }
            }
            "StartExecutionsForRemovals" => {
                let text = |value: &Value| value.as_str().map(str::to_owned);
                let done = output["done"].as_array().into_iter().flatten();
                self.begun.extend(done.filter_map(|done| {
                    Some(Begun {
                        connection_id: text(&done["connection_id"])?,
                        execution: text(&done["execution"]),
                    })
                }));
            }
            _ => {}
        }
    }
}

/// Why a run did not come to a good end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A step failed for good, or the run refused to go on.
    Failed {
        /// The state.
        failed_at: String,
        code: Code,
        detail: String,
    },
    /// Somebody stopped it.
    Interrupted(Signal),
    /// Somebody left it.
    Left(Signal),
    /// An ending that the definition does not write.
    Broken(String),
}

impl Trouble {
    fn of(ended: &Ended) -> Option<Self> {
        match ended {
            Ended::Here(execution) => Self::of_execution(execution),
            Ended::Left(signal) => Some(Trouble::Left(*signal)),
        }
    }

    fn of_execution(execution: &Execution) -> Option<Self> {
        match &execution.outcome {
            Outcome::Succeeded(_) => None,
            Outcome::Failed { error, cause } => Some(Self::read(error, cause)),
            Outcome::TimedOut => Some(Trouble::Broken(
                "the whole execution took longer than the definition allows".to_owned(),
            )),
        }
    }

    /// Who has stopped or left it.
    pub(crate) fn stopped_by(&self) -> Option<Signal> {
        match self {
            Trouble::Interrupted(signal) | Trouble::Left(signal) => Some(*signal),
            Trouble::Failed { .. } | Trouble::Broken(_) => None,
        }
    }

    fn read(error: &str, cause: &str) -> Self {
        let told: Value = serde_json::from_str(cause).unwrap_or_default();
        let text = |field: &str| told[field].as_str();
        let (Some(failed_at), Some(of_step)) = (text("failed_at"), text("cause")) else {
            return Trouble::Broken(format!("{error}: {cause}"));
        };
        let (code, detail) = code_and_detail(text("error").unwrap_or_default(), of_step);
        if let Some(signal) = Signal::of(&detail).filter(|_| code == Code::Interrupted) {
            return Trouble::Interrupted(signal);
        }
        Trouble::Failed {
            failed_at: failed_at.to_owned(),
            code,
            detail,
        }
    }
}

/// A run that is over.
pub(crate) struct Walked {
    /// What it has seen.
    pub(crate) seen: Seen,
    /// Its steps.
    pub(crate) story: Story,
    /// Why it did not come to a good end, if it did not.
    pub(crate) trouble: Option<Trouble>,
}

/// Runs the definition to its end, with its progress shown.
///
/// # Errors
/// When the definition cannot be run.
pub(crate) async fn walk<X: Executions>(
    world: &World,
    executions: &X,
    input: Value,
    display: Display,
    signals: &mut Signals,
) -> Result<Walked, Error> {
    let machine = definition::sweep(&world.region, "", &world.config.settings())?;
    let steps = world.steps(executions);
    let seen = RefCell::new(Seen::default());
    let work = Work {
        tale: Tale::Sweep,
        machine: &machine,
        input,
        name: &execution_name(world.clock.now()),
        clock: &world.clock,
        services: &world.services,
        signals,
    };
    let hear = |event: &Event| seen.borrow_mut().hear(event);
    let (story, ended) = work.done_by(steps, display, &hear).await;
    Ok(Walked {
        seen: seen.into_inner(),
        story,
        trouble: Trouble::of(&ended),
    })
}

/// The machines of a simulated world, which runs nothing by itself: what is started
/// waits here until somebody runs it.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    runs: RefCell<Vec<Queued>>,
}

/// A run that waits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Queued {
    pub(crate) name: String,
    /// What it begins with.
    pub(crate) input: Value,
}

impl Queue {
    /// Everything that was started, in order.
    pub(crate) fn taken(&self) -> Vec<Queued> {
        self.runs.take()
    }
}

impl Executions for Queue {
    async fn start(&self, machine: Machine, name: &str, input: &Value) -> Result<Start, StepError> {
        if machine != Machine::Deprovision {
            let detail = format!("a sweep starts no run of {machine:?}");
            return Err(StepError::new(Code::DefinitionError, detail));
        }
        let mut runs = self.runs.borrow_mut();
        if runs.iter().all(|queued| queued.name != name) {
            runs.push(Queued {
                name: name.to_owned(),
                input: input.clone(),
            });
        }
        Ok(Start::Running {
            execution: name.to_owned(),
        })
    }

    async fn standing(&self, _: Machine, name: &str) -> Result<Option<Standing>, StepError> {
        let runs = self.runs.borrow();
        let queued = runs.iter().find(|queued| queued.name == name);
        Ok(queued.map(|queued| Standing {
            execution: queued.name.clone(),
            status: "RUNNING".to_owned(),
            input: queued.input.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failure_is_read_with_its_code_or_told_as_it_is() {
        let of_step = json!({ "errorMessage": "api-key-refused: 401" }).to_string();
        let cause = json!({ "failed_at": "FindOrphans", "error": "Rejected", "cause": of_step });
        assert_eq!(
            Trouble::read("SweepFailed", &cause.to_string()),
            Trouble::Failed {
                failed_at: "FindOrphans".into(),
                code: Code::ApiKeyRefused,
                detail: "401".into()
            }
        );
        let refused = json!({ "failed_at": "FindOrphans", "error": "Rejected", "cause": "ledger-looks-lost: 2 and 0" });
        assert_eq!(
            Trouble::read("SweepFailed", &refused.to_string()),
            Trouble::Failed {
                failed_at: "FindOrphans".into(),
                code: Code::LedgerLooksLost,
                detail: "2 and 0".into()
            }
        );
        let stopped = json!({ "errorMessage": "interrupted: Ctrl-C was pressed" }).to_string();
        let stopped = json!({ "failed_at": "FindOrphans", "error": "Rejected", "cause": stopped });
        assert_eq!(
            Trouble::read("SweepFailed", &stopped.to_string()),
            Trouble::Interrupted(Signal::Interrupt)
        );
        assert_eq!(
            Trouble::read("States.Runtime", "odd"),
            Trouble::Broken("States.Runtime: odd".into())
        );
    }

    #[tokio::test]
    async fn the_same_run_waits_once() {
        let (queue, input) = (Queue::default(), json!({}));
        for _ in 0..2 {
            let start = queue.start(Machine::Deprovision, "one", &input);
            assert!(matches!(start.await, Ok(Start::Running { .. })));
        }
        let other = queue.start(Machine::Provision, "two", &input).await;
        assert!(other.is_err(), "a sweep makes nothing");
        assert_eq!(queue.taken().len(), 1);
        assert_eq!(queue.taken(), []);
    }
}
