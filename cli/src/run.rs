//! A run of a definition to its end, with its progress shown, or until the
//! operator leaves.

use std::cell::RefCell;
use std::time::Duration;

use engine::{Clock, Event, EventKind, Execution, Machine, ScaledClock, Tasks};
use serde_json::{Value, json};
use steps::Integrated;
use steps::words::{self, Tale};
use time::macros::format_description;

use crate::Answer;
use crate::clock::StoryClock;
use crate::course::Course;
use crate::display::Display;
use crate::ending::{self, End};
use crate::error::Error;
use crate::interrupt::Interruptible;
use crate::reach::Reaching;
use crate::services::Services;
use crate::signal::{Signal, Signals};
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
    /// Runs it and says how it ended.
    ///
    /// # Errors
    /// When nobody can listen to signals.
    pub async fn to_its_end(self) -> Result<Answer, Error> {
        let mut signals = Signals::listen().map_err(Error::Signals)?;
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
            signals: &mut signals,
        };
        let (story, ended) = work.done_by(steps, display, &|_| {}).await;
        let end = End::of(&ended);
        if self.json {
            return Ok(Answer::json(&end.json(&story, self.described), end.exit()));
        }
        Ok(Answer {
            stdout: end.text(&story),
            stderr: in_all(&story, &self.world.clock),
            exit: end.exit(),
        })
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
    /// By what the operator asks it to stop.
    pub(crate) signals: &'a mut Signals,
}

/// What came of it.
pub(crate) enum Ended {
    /// It came to its end.
    Here(Execution),
    /// The operator left before, by this.
    Left(Signal),
}

impl Work<'_> {
    /// Runs it with these steps. `also` hears every event.
    pub(crate) async fn done_by(
        self,
        steps: impl Tasks,
        display: Display,
        also: &dyn Fn(&Event),
    ) -> (Story, Ended) {
        let watcher = Watcher {
            story: RefCell::new(Story::of(self.tale)),
            display,
            clock: self.clock.clone(),
            lease: RefCell::default(),
        };
        let services = self.services;
        let ended = self.until_left(steps, &watcher, also).await;
        watcher.display.end();
        if let (Ended::Left(_), Some(lease)) = (&ended, watcher.lease.into_inner()) {
            // At a simulator that goes on, the next run would wait for it. Whether it
            // can be given back changes nothing for who leaves.
            let release = "arn:aws:states:::dynamodb:deleteItem";
            let wall = ScaledClock::new(1.0);
            tokio::select! {
                _ = services.integrate(release, lease) => {}
                () = wall.sleep(LAST_CALL) => {}
            }
        }
        (watcher.story.into_inner(), ended)
    }

    /// Runs the machine, unless the operator leaves before it comes to its end.
    async fn until_left(
        self,
        steps: impl Tasks,
        watcher: &Watcher,
        also: &dyn Fn(&Event),
    ) -> Ended {
        let interrupt = self.signals.interrupt().clone();
        let course = Course::of(self.tale);
        let steps = Reaching::new(steps, course.clone());
        let clock = self.clock.clone();
        let tasks = Interruptible::new(steps, interrupt.clone(), course.clone(), clock);
        let observer = |event: &Event| {
            course.hear(event);
            also(event);
            watcher.watch(event);
        };
        let mut run = Box::pin(engine::run(
            self.machine,
            self.name,
            self.input,
            &tasks,
            self.clock,
            &observer,
        ));
        loop {
            tokio::select! {
                biased;
                execution = &mut run => return Ended::Here(execution),
                signal = self.signals.next() => {
                    if interrupt.ask(signal) {
                        return Ended::Left(signal);
                    }
                    watcher.display.say(&interrupted(self.tale, signal));
                    self.clock.wake();
                }
            }
        }
    }
}

/// How long who leaves waits for the lease to be given back.
const LAST_CALL: Duration = Duration::from_millis(500);

fn interrupted(tale: Tale, signal: Signal) -> String {
    let what = match tale {
        Tale::Connect => "the execution stops and undoes what it made.",
        Tale::Disconnect => "the execution removes nothing more and names what is left.",
        Tale::Sweep => "nothing more is looked at.",
    };
    let name = signal.name();
    let again = match signal.leaves(&[signal]) {
        true => format!(" A second {name} leaves at once, whatever is left."),
        false => String::new(),
    };
    format!("\n  {name}: {what}{again}\n")
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
