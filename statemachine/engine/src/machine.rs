//! A definition, compiled.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;

use crate::effects::Effects;
use crate::findings::LoadError;
use crate::load;
use crate::retry::{Catcher, Retrier};
use crate::template::Template;

/// A definition that was read, checked and compiled: expressions are parsed
/// once, here. It can be shared by threads and by executions.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) arn: String,
    pub(crate) jitter: Jitter,
}

impl Machine {
    /// Reads a definition.
    ///
    /// # Errors
    ///
    /// Everything that breaks a rule of the States Language or that the engine
    /// does not support, by state and field, all at once.
    pub fn load(definition: &str) -> Result<Machine, LoadError> {
        Ok(Machine {
            compiled: Arc::new(load::load(definition)?),
            arn: here("local"),
            jitter: Jitter(Arc::new(|full| full)),
        })
    }

    /// The definition as it was read.
    #[must_use]
    pub fn definition(&self) -> &Value {
        &self.compiled.definition
    }

    /// The machine under this name, which expressions see as
    /// `$states.context.StateMachine.Name`. Without it, `local`. Its ARN has the shape
    /// of real ones, with what one process can know of it.
    #[must_use]
    pub fn named(self, name: &str) -> Machine {
        self.with_arn(here(name))
    }

    /// The machine under this ARN, `arn:aws:states:REGION:ACCOUNT:stateMachine:NAME`,
    /// which expressions see as `$states.context.StateMachine.Id`. The ARNs of its
    /// executions follow from it (Step Functions developer guide, "Accessing execution
    /// data from the Context object").
    #[must_use]
    pub fn with_arn(self, arn: impl Into<String>) -> Machine {
        Machine {
            arn: arn.into(),
            ..self
        }
    }

    /// The ARN of the machine.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The name of the machine, with which its ARN ends.
    pub(crate) fn name(&self) -> &str {
        self.arn.rsplit(':').next().unwrap_or_default()
    }

    /// The ARN of its execution of this name.
    pub(crate) fn execution_arn(&self, name: &str) -> String {
        let of_executions = self.arn.replacen(":stateMachine:", ":execution:", 1);
        format!("{of_executions}:{name}")
    }

    /// The machine with this rule for retriers with `"JitterStrategy": "FULL"`:
    /// from the full delay it makes the delay to take. Step Functions takes
    /// any between nothing and the full delay. Without a rule the full delay
    /// is taken, so that runs can be repeated exactly and last as long as they
    /// can on Step Functions.
    #[must_use]
    pub fn with_jitter(self, rule: impl Fn(Duration) -> Duration + Send + Sync + 'static) -> Self {
        Machine {
            jitter: Jitter(Arc::new(rule)),
            ..self
        }
    }
}

/// The ARN of a machine of this process.
fn here(name: &str) -> String {
    format!("arn:aws:states:local:000000000000:stateMachine:{name}")
}

/// From the full delay, the delay to take.
#[derive(Clone)]
pub(crate) struct Jitter(Arc<dyn Fn(Duration) -> Duration + Send + Sync>);

impl Jitter {
    pub(crate) fn shorten(&self, full: Duration) -> Duration {
        (self.0)(full).min(full)
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jitter")
    }
}

#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) definition: Value,
    pub(crate) start: String,
    pub(crate) states: BTreeMap<String, State>,
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) kind: Kind,
    /// For a `Choice`, those of its `Default`.
    pub(crate) effects: Effects,
}

impl State {
    /// Everything that may set variables on the way out of this state.
    pub(crate) fn all_effects(&self) -> Vec<&Effects> {
        let mut all = vec![&self.effects];
        match &self.kind {
            Kind::Task(task) => all.extend(task.catchers.iter().map(|catcher| &catcher.effects)),
            Kind::Choice { rules, .. } => all.extend(rules.iter().map(|rule| &rule.effects)),
            Kind::Pass(_) | Kind::Wait(..) | Kind::Succeed | Kind::Fail { .. } => {}
        }
        all
    }
}

#[derive(Debug)]
pub(crate) enum Kind {
    Task(Task),
    Pass(After),
    Wait(Until, After),
    Choice {
        rules: Vec<Rule>,
        default: Option<String>,
    },
    Succeed,
    Fail {
        error: Option<Template>,
        cause: Option<Template>,
    },
}

impl Kind {
    /// The value of the definition's `Type`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Kind::Task(_) => "Task",
            Kind::Pass(_) => "Pass",
            Kind::Wait(..) => "Wait",
            Kind::Choice { .. } => "Choice",
            Kind::Succeed => "Succeed",
            Kind::Fail { .. } => "Fail",
        }
    }

    /// The states that may come next.
    pub(crate) fn targets(&self) -> Vec<&str> {
        let mut targets = Vec::new();
        match self {
            Kind::Task(task) => {
                targets.extend(task.after.next());
                targets.extend(task.catchers.iter().map(|catcher| catcher.next.as_str()));
            }
            Kind::Pass(after) | Kind::Wait(_, after) => targets.extend(after.next()),
            Kind::Choice { rules, default } => {
                targets.extend(rules.iter().map(|rule| rule.next.as_str()));
                targets.extend(default.as_deref());
            }
            Kind::Succeed | Kind::Fail { .. } => {}
        }
        targets
    }
}

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) resource: String,
    pub(crate) arguments: Option<Template>,
    pub(crate) timeout: Option<Template>,
    pub(crate) retriers: Vec<Retrier>,
    pub(crate) catchers: Vec<Catcher>,
    pub(crate) after: After,
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) condition: Template,
    pub(crate) next: String,
    pub(crate) effects: Effects,
}

/// `Next` or `End`.
#[derive(Clone, Debug)]
pub(crate) enum After {
    Next(String),
    End,
}

impl After {
    pub(crate) fn next(&self) -> Option<&str> {
        match self {
            After::Next(name) => Some(name),
            After::End => None,
        }
    }
}

/// How long a `Wait` lasts.
#[derive(Debug)]
pub(crate) enum Until {
    Seconds(Template),
    Instant(OffsetDateTime),
    Timestamp(Template),
}
