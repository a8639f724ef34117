//! Visits one state: works it out and says where the execution goes from it.

use std::time::Duration;

use jsonata_core::value::JValue;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::clock::{Clock, later};
use crate::effects::{Worked, json, within_length, within_limit, within_store};
use crate::error_names::{NO_CHOICE_MATCHED, RUNTIME, TIMEOUT};
use crate::event::{EventKind, Observer};
use crate::load::LONGEST_SECONDS;
use crate::machine::{Kind, Machine, Rule, State, Task};
use crate::race::within;
use crate::recorder::Recorder;
use crate::retry::{Again, Retries, catcher};
use crate::scope::{Scope, Variables, timestamp};
use crate::task::{TaskFailure, Tasks};
use crate::template::Template;
use crate::value::{from_json, to_json};
use crate::wait;

/// Where an execution goes, and with what.
pub(crate) enum Onward<'a> {
    To(&'a str, JValue),
    End(JValue),
}

/// How an execution began.
pub(crate) struct Begun<'a> {
    pub(crate) name: &'a str,
    pub(crate) input: &'a JValue,
    pub(crate) at: OffsetDateTime,
}

/// What stays the same during an execution.
pub(crate) struct Visitor<'a, T, C, O> {
    machine: &'a Machine,
    tasks: &'a T,
    clock: &'a C,
    recorder: &'a Recorder<'a, C, O>,
    deadline: Option<OffsetDateTime>,
    /// `$states.context.Execution` and `.StateMachine`.
    execution: JValue,
    state_machine: JValue,
}

/// What stays the same during the visit of one state.
struct Stay<'a, 'i> {
    name: &'a str,
    state: &'a State,
    input: &'i JValue,
    entered: OffsetDateTime,
}

impl<'a, T: Tasks, C: Clock, O: Observer> Visitor<'a, T, C, O> {
    pub(crate) fn new(
        machine: &'a Machine,
        begun: Begun<'_>,
        tasks: &'a T,
        clock: &'a C,
        recorder: &'a Recorder<'a, C, O>,
    ) -> Self {
        let Begun { name, input, at } = begun;
        let execution = object([
            ("Id", machine.execution_arn(name).into()),
            ("Input", input.clone()),
            ("Name", name.into()),
            ("StartTime", timestamp(at).into()),
            ("RedriveCount", 0.into()),
        ]);
        let state_machine = from_json(json!({
            "Id": machine.arn(),
            "Name": machine.name(),
        }));
        Visitor {
            machine,
            tasks,
            clock,
            recorder,
            deadline: machine.compiled.timeout.map(|limit| later(at, limit)),
            execution,
            state_machine,
        }
    }

    /// Whether the machine's own time is over. A clock that tasks move
    /// themselves needs this beside the timer.
    pub(crate) fn is_late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| self.clock.now() > deadline)
    }

    pub(crate) async fn visit(
        &mut self,
        name: &'a str,
        input: &JValue,
        variables: &mut Variables,
    ) -> Result<Onward<'a>, TaskFailure> {
        let state = self.machine.compiled.states.get(name).ok_or_else(|| {
            // Loading has checked all transitions.
            TaskFailure::new(RUNTIME, format!("there is no state `{name}`"))
        })?;
        let stay = Stay {
            name,
            state,
            input,
            entered: self.clock.now(),
        };
        self.recorder.record(EventKind::StateEntered {
            state: name.to_owned(),
            r#type: state.kind.name().to_owned(),
            input: to_json(input).unwrap_or_default(),
        });
        let (worked, next) = self.leave(&stay, variables).await?;
        self.recorder.has_room(1)?;
        within_store(variables, &worked.assigned)?;
        self.recorder.record(EventKind::StateExited {
            state: name.to_owned(),
            output: worked.output_json,
            assigned: worked.assigned_json,
        });
        variables.extend(worked.assigned);
        Ok(match next {
            Some(next) => Onward::To(next, worked.output),
            None => Onward::End(worked.output),
        })
    }

    /// What the state leaves behind, and the state that comes next.
    async fn leave(
        &self,
        stay: &Stay<'a, '_>,
        variables: &Variables,
    ) -> Result<(Worked, Option<&'a str>), TaskFailure> {
        let mut scope = self.scope(stay, variables, 0, None);
        let effects = &stay.state.effects;
        // Only tasks can catch; an expression that fails elsewhere is the end.
        let unfit = |failure: &TaskFailure| self.evaluation_failed(stay.name, failure);
        let (effects, next) = match &stay.state.kind {
            Kind::Task(task) => return self.task(stay, task, variables).await,
            Kind::Fail { error, cause } => {
                let error = text(error.as_ref(), &mut scope)?;
                let cause = text(cause.as_ref(), &mut scope)?;
                return Err(within_length(TaskFailure::new(error, cause)));
            }
            Kind::Succeed => (effects, None),
            Kind::Pass(after) => (effects, after.next()),
            Kind::Wait(until, after) => {
                let pause = wait::duration(until, &mut scope, self.clock.now());
                self.wait(stay.name, pause.inspect_err(unfit)?).await;
                // What the state leaves behind may read the clock.
                scope = self.scope(stay, variables, 0, None);
                (effects, after.next())
            }
            Kind::Choice { rules, default } => {
                match choose(rules, &mut scope).inspect_err(unfit)? {
                    Some(rule) => (&rule.effects, Some(rule.next.as_str())),
                    None => (effects, Some(default.as_deref().ok_or_else(no_choice)?)),
                }
            }
        };
        let worked = effects.work_out(&mut scope, stay.input);
        Ok((worked.inspect_err(unfit)?, next))
    }

    async fn wait(&self, state: &str, pause: Duration) {
        self.recorder.record(EventKind::WaitStarted {
            state: state.to_owned(),
            seconds: pause.as_secs_f64(),
        });
        self.clock.sleep(pause).await;
    }

    async fn task(
        &self,
        stay: &Stay<'_, '_>,
        task: &'a Task,
        variables: &Variables,
    ) -> Result<(Worked, Option<&'a str>), TaskFailure> {
        let mut retries = Retries::new(&task.retriers);
        let failure = loop {
            self.recorder.has_room(3)?;
            let failure = match self.attempt(stay, task, variables, retries.count()).await {
                Ok(worked) => return Ok((worked, task.after.next())),
                Err(failure) => failure,
            };
            if self.is_late() {
                // Whatever this says, the execution ends as timed out.
                return Err(failure);
            }
            let again = match failure.is_for_good() {
                true => None,
                false => retries.after(&failure.error),
            };
            let Some(again) = again else {
                break failure;
            };
            self.pause(stay, &failure, &again).await;
        };
        let Some(catcher) = catcher(&task.catchers, &failure.error) else {
            return Err(failure);
        };
        self.recorder.record(EventKind::Caught {
            state: stay.name.to_owned(),
            error: failure.error.clone(),
            next: catcher.next.clone(),
        });
        let error_output = object([
            ("Error", failure.error.into()),
            ("Cause", failure.cause.into()),
        ]);
        let found = Some(("errorOutput", error_output.clone()));
        let mut scope = self.scope(stay, variables, retries.count(), found);
        let worked = catcher.effects.work_out(&mut scope, &error_output);
        let worked = worked.inspect_err(|failure| self.evaluation_failed(stay.name, failure))?;
        Ok((worked, Some(&catcher.next)))
    }

    /// One call of a task, and what the state leaves behind if it answers.
    async fn attempt(
        &self,
        stay: &Stay<'_, '_>,
        task: &Task,
        variables: &Variables,
        retries: u32,
    ) -> Result<Worked, TaskFailure> {
        let unfit = |failure: &TaskFailure| self.evaluation_failed(stay.name, failure);
        let mut scope = self.scope(stay, variables, retries, None);
        let (arguments, timeout) = request(task, stay, &mut scope).inspect_err(unfit)?;
        self.recorder.record(EventKind::TaskScheduled {
            state: stay.name.to_owned(),
            resource: task.resource.clone(),
            arguments: arguments.clone(),
        });
        let call = self.tasks.invoke(&task.resource, arguments);
        let answer = within(self.clock, timeout, call).await;
        let answer = answer.unwrap_or_else(|| {
            let seconds = timeout.unwrap_or_default().as_secs();
            let cause = format!("the task did not answer within {seconds} seconds");
            Err(TaskFailure::new(TIMEOUT, cause))
        });
        let answer = match answer {
            Ok(answer) => within_limit(answer, "the task's result"),
            Err(failure) => Err(within_length(failure)),
        };
        let answer = answer.inspect_err(|failure| {
            self.recorder.record(EventKind::TaskFailed {
                state: stay.name.to_owned(),
                error: failure.error.clone(),
                cause: failure.cause.clone(),
            });
        })?;
        self.recorder.record(EventKind::TaskSucceeded {
            state: stay.name.to_owned(),
            output: answer.clone(),
        });
        let result = from_json(answer);
        let found = Some(("result", result.clone()));
        let mut scope = self.scope(stay, variables, retries, found);
        let effects = &stay.state.effects;
        effects.work_out(&mut scope, &result).inspect_err(unfit)
    }

    async fn pause(&self, stay: &Stay<'_, '_>, failure: &TaskFailure, again: &Again) {
        let delay = match again.full_jitter {
            true => self.machine.jitter.shorten(again.delay),
            false => again.delay,
        };
        self.recorder.record(EventKind::RetryScheduled {
            state: stay.name.to_owned(),
            error: failure.error.clone(),
            attempt: again.attempt,
            delay_seconds: delay.as_secs_f64(),
        });
        self.clock.sleep(delay).await;
    }

    /// What expressions see now: `$states` with what was found, if anything.
    fn scope<'s>(
        &'s self,
        stay: &Stay<'s, 's>,
        variables: &'s Variables,
        retries: u32,
        found: Option<(&'static str, JValue)>,
    ) -> Scope<'s> {
        let (entered, name, input) = (stay.entered, stay.name, stay.input);
        let states = move || {
            let state = object([
                ("EnteredTime", timestamp(entered).into()),
                ("Name", name.into()),
                ("RetryCount", JValue::from(i64::from(retries))),
            ]);
            let context = object([
                ("Execution", self.execution.clone()),
                ("StateMachine", self.state_machine.clone()),
                ("State", state),
            ]);
            let fields = [("input", input.clone()), ("context", context)];
            object(fields.into_iter().chain(found.clone()))
        };
        Scope::new(variables, states, self.clock.now())
    }

    fn evaluation_failed(&self, state: &str, failure: &TaskFailure) {
        self.recorder.record(EventKind::EvaluationFailed {
            state: state.to_owned(),
            error: failure.error.clone(),
            cause: failure.cause.clone(),
        });
    }
}

/// What a task is called with and how long it may take.
fn request(
    task: &Task,
    stay: &Stay<'_, '_>,
    scope: &mut Scope,
) -> Result<(Value, Option<Duration>), TaskFailure> {
    let arguments = match &task.arguments {
        Some(template) => template.evaluate(scope)?,
        None => stay.input.clone(),
    };
    let arguments = within_limit(json(&arguments, "Arguments")?, "Arguments")?;
    let timeout = match &task.timeout {
        Some(template) => Some(template.evaluate_as(
            scope,
            "a whole number of seconds above 0",
            |value| wait::whole(value, 1, LONGEST_SECONDS),
        )?),
        None => None,
    };
    Ok((arguments, timeout.map(|s| Duration::from_secs(s.into()))))
}

/// The first rule whose condition holds.
fn choose<'a>(rules: &'a [Rule], scope: &mut Scope) -> Result<Option<&'a Rule>, TaskFailure> {
    for rule in rules {
        let condition = &rule.condition;
        if condition.evaluate_as(scope, "true or false", JValue::as_bool)? {
            return Ok(Some(rule));
        }
    }
    Ok(None)
}

fn no_choice() -> TaskFailure {
    TaskFailure::new(
        NO_CHOICE_MATCHED,
        "no rule matched and there is no `Default`",
    )
}

/// The text of `Error` or `Cause`; empty if it is left out.
fn text(template: Option<&Template>, scope: &mut Scope) -> Result<String, TaskFailure> {
    match template {
        Some(template) => {
            template.evaluate_as(scope, "a string", |value| value.as_str().map(str::to_owned))
        }
        None => Ok(String::new()),
    }
}

fn object<'k>(fields: impl IntoIterator<Item = (&'k str, JValue)>) -> JValue {
    let fields = fields.into_iter();
    JValue::object(fields.map(|(key, value)| (key.to_owned(), value)).collect())
}
