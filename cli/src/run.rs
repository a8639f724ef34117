//! A run of a definition to its end, with its progress shown, or until the
//! operator leaves.

use std::cell::RefCell;

use engine::{Clock, Event, EventKind, Execution, Machine, Tasks};
use serde_json::{Value, json};
use steps::Integrated;
use steps::words::{self, Tale};
use time::macros::format_description;

use crate::Answer;
use crate::clock::StoryClock;
use crate::display::Display;
use crate::ending::{self, End};
use crate::interrupt::{Interrupt, Interruptible};
use crate::services::Services;
use crate::story::Story;
use crate::sweep::walk::Queue;
use crate::world::World;

/// What is to be run.
pub struct Run<'a> {
    /// Which definition.
    pub tale: Tale,
    /// The definition.
    pub machine: &'a Machine,
    /// What it begins with.
    pub input: Value,
    pub world: World,
    /// Where, as JSON.
    pub described: Value,
    /// What is said before it begins.
    pub heading: String,
    /// Whether one JSON document is all that is printed.
    pub json: bool,
    /// Whether log lines go to stderr.
    pub logging: bool,
}

impl Run<'_> {
    pub async fn to_its_end(self) -> Answer {
        let world = &self.world;
        let display = Display::new(self.json, self.logging, &world.clock);
        display.say(&self.heading);
        let nothing_starts = Queue::default();
        let steps = world.steps(&nothing_starts);
        let work = Work {
            tale: self.tale,
            machine: self.machine,
            input: self.input,
            name: &execution_name(world.clock.now()),
            clock: &world.clock,
            services: &world.services,
            interrupt: &Interrupt::default(),
        };
        let (story, execution) = work.done_by(steps, display, &|_| {}).await;
        let end = execution.as_ref().map_or(End::Abandoned, End::of);
        if self.json {
            return Answer::json(&end.json(&story, self.described), end.exit());
        }
        Answer {
            stdout: end.text(&story),
            stderr: in_all(&story, &self.world.clock),
            exit: end.exit(),
        }
    }
}

/// The last line of the progress.
pub(crate) fn in_all(story: &Story, clock: &StoryClock) -> String {
    if story.steps().is_empty() {
        return String::new();
    }
    let took = ending::took(story, clock.now());
    format!("\n  {took} in all.\n\n")
}

/// One definition at work.
pub(crate) struct Work<'a> {
    pub(crate) tale: Tale,
    /// The definition.
    pub(crate) machine: &'a Machine,
    /// What it begins with.
    pub(crate) input: Value,
    /// The name of the run.
    pub(crate) name: &'a str,
    /// The time that it runs in.
    pub(crate) clock: &'a StoryClock,
    /// Where its lease is given back if the operator leaves.
    pub(crate) services: &'a Services,
    /// Whether the operator has asked it to stop.
    pub(crate) interrupt: &'a Interrupt,
}

impl Work<'_> {
    /// Runs it with these steps. There is no execution if the operator left before it
    /// came to its end. `also` hears every event.
    pub(crate) async fn done_by(
        self,
        steps: impl Tasks,
        display: Display,
        also: &dyn Fn(&Event),
    ) -> (Story, Option<Execution>) {
        let watcher = Watcher {
            story: RefCell::new(Story::of(self.tale)),
            display,
            clock: self.clock.clone(),
            lease: RefCell::default(),
        };
        let execution = self.until_left(steps, &watcher, also).await;
        watcher.display.end();
        if execution.is_none()
            && let Some(lease) = watcher.lease.into_inner()
        {
            // At a simulator that goes on, the next run would wait for it. Whether it
            // can be given back changes nothing for who leaves.
            let release = "arn:aws:states:::dynamodb:deleteItem";
            let _ = self.services.integrate(release, lease).await;
        }
        (watcher.story.into_inner(), execution)
    }

    /// Runs the machine; `None` if the operator left before it came to its end.
    async fn until_left(
        &self,
        steps: impl Tasks,
        watcher: &Watcher,
        also: &dyn Fn(&Event),
    ) -> Option<Execution> {
        let tasks =
            Interruptible::new(self.tale, steps, self.interrupt.clone(), self.clock.clone());
        let observer = |event: &Event| {
            also(event);
            watcher.watch(event);
        };
        let mut run = Box::pin(engine::run(
            self.machine,
            self.name,
            self.input.clone(),
            &tasks,
            self.clock,
            &observer,
        ));
        loop {
            tokio::select! {
                biased;
                execution = &mut run => return Some(execution),
                pressed = tokio::signal::ctrl_c() => {
                    // Without signals there is nothing to be told.
                    if pressed.is_err() {
                        return Some(run.await);
                    }
                    if !self.interrupt.ask() {
                        return None;
                    }
                    watcher.display.say(interrupted(self.tale));
                    self.clock.wake();
                }
            }
        }
    }
}

fn interrupted(tale: Tale) -> &'static str {
    match tale {
        Tale::Connect => {
            "\n  Ctrl-C: the execution stops and undoes what it made. A second one leaves at once, whatever is left.\n"
        }
        Tale::Disconnect => {
            "\n  Ctrl-C: the execution removes nothing more and names what is left. A second one leaves at once.\n"
        }
        Tale::Sweep => "\n  Ctrl-C: nothing more is looked at. A second one leaves at once.\n",
    }
}

/// Unique for each run, because the endpoint's client token depends on it.
pub(crate) fn execution_name(now: time::OffsetDateTime) -> String {
    let format =
        format_description!("[year][month][day]T[hour][minute][second][subsecond digits:6]");
    format!("cli-{}", now.format(&format).unwrap_or_default())
}

/// Follows the events.
struct Watcher {
    story: RefCell<Story>,
    display: Display,
    clock: StoryClock,
    /// What gives the lease back, once it was asked for.
    lease: RefCell<Option<Value>>,
}

impl Watcher {
    fn watch(&self, event: &Event) {
        if let EventKind::TaskScheduled {
            state, arguments, ..
        } = &event.kind
            && state == words::LEASE
        {
            *self.lease.borrow_mut() = Some(json!({
                "TableName": arguments["TableName"],
                "Key": arguments["Key"],
                "ConditionExpression": "holder = :me",
                "ExpressionAttributeValues":
                    { ":me": arguments["ExpressionAttributeValues"][":me"] },
            }));
        }
        if matches!(
            event.kind,
            EventKind::WaitStarted { .. } | EventKind::RetryScheduled { .. }
        ) {
            self.clock.a_wait_follows();
        }
        let mut story = self.story.borrow_mut();
        if let Some(news) = story.hear(event) {
            self.display.tell(&news, &story, event.at);
        }
    }
}
