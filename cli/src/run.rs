//! A run of a definition to its end, with its progress shown, or until the
//! operator leaves.

use std::cell::RefCell;

use engine::{Clock, Event, EventKind, Execution, Machine};
use serde_json::Value;
use time::macros::format_description;

use crate::Answer;
use crate::clock::StoryClock;
use crate::display::Display;
use crate::ending::{self, End};
use crate::interrupt::{Interrupt, Interruptible};
use crate::steps::Steps;
use crate::story::Story;
use crate::words::Tale;
use crate::world::World;

/// What is to be run.
pub struct Run<'a> {
    /// Which definition.
    pub tale: Tale,
    /// The definition.
    pub machine: &'a Machine,
    /// What it begins with.
    pub input: Value,
    /// Where.
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
    /// Runs it.
    pub async fn to_its_end(self) -> Answer {
        let world = &self.world;
        let display = Display::new(self.json, self.logging, &world.clock);
        display.say(&self.heading);
        let watcher = Watcher {
            story: RefCell::new(Story::of(self.tale)),
            display,
            clock: world.clock.clone(),
        };
        let execution = self.until_left(&watcher).await;
        watcher.display.end();

        let story = watcher.story.into_inner();
        let end = execution.as_ref().map_or(End::Abandoned, End::of);
        if self.json {
            return Answer::json(&end.json(&story, self.described), end.exit());
        }
        let took = ending::took(&story, self.world.clock.now());
        let blank = if story.steps().is_empty() {
            String::new()
        } else {
            format!("\n  {took} in all.\n\n")
        };
        Answer {
            stdout: end.text(&story),
            stderr: blank,
            exit: end.exit(),
        }
    }

    /// Runs the machine; `None` if the operator left before it came to its end.
    async fn until_left(&self, watcher: &Watcher) -> Option<Execution> {
        let world = &self.world;
        let interrupt = Interrupt::default();
        let steps = Steps::new(
            &world.ec2,
            &world.traffic,
            &world.cloud,
            world.integrations.clone(),
        );
        let tasks = Interruptible::new(self.tale, steps, interrupt.clone(), world.clock.clone());
        let name = execution_name(watcher.clock.now());
        let observer = |event: &Event| watcher.watch(event);
        let mut run = Box::pin(engine::run(
            self.machine,
            &name,
            self.input.clone(),
            &tasks,
            &watcher.clock,
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
                    if !interrupt.ask() {
                        return None;
                    }
                    watcher.display.say(interrupted(self.tale));
                    watcher.clock.wake();
                }
            }
        }
    }
}

fn interrupted(tale: Tale) -> &'static str {
    match tale {
        Tale::Connect => {
            "\n  Ctrl-C: the run stops and takes back what it made. A second one leaves at once, whatever is left.\n"
        }
        Tale::Disconnect => {
            "\n  Ctrl-C: the run removes nothing more and names what is left. A second one leaves at once.\n"
        }
    }
}

/// Unique for each run, because the endpoint's client token depends on it.
fn execution_name(now: time::OffsetDateTime) -> String {
    let format =
        format_description!("[year][month][day]T[hour][minute][second][subsecond digits:6]");
    format!("cli-{}", now.format(&format).unwrap_or_default())
}

/// Follows the events.
struct Watcher {
    story: RefCell<Story>,
    display: Display,
    clock: StoryClock,
}

impl Watcher {
    fn watch(&self, event: &Event) {
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
