//! `provision`: runs the definition to its end.

use std::cell::RefCell;

use engine::{Clock, Event, EventKind, Execution, Machine, Tasks};
use serde_json::Value;
use shared::request::ProvisionRequest;
use time::macros::format_description;

use crate::arguments::Provision;
use crate::clock::StoryClock;
use crate::display::Display;
use crate::display::text::{hanging, wrap};
use crate::ending::{self, End};
use crate::error::Error;
use crate::interrupt::{Interrupt, Interruptible};
use crate::steps::Steps;
use crate::story::Story;
use crate::world::{Chosen, World};
use crate::{Answer, asked, definition};

/// Runs it.
///
/// # Errors
/// When the run cannot begin.
pub async fn run(arguments: &Provision, logging: bool) -> Result<Answer, Error> {
    let chosen = Chosen::new(&arguments.place)?;
    let request = asked::request(&arguments.asked, chosen.request())?;
    let described = chosen.describe(&arguments.place);
    let machine = definition::provision()?;
    let world = chosen.open(&arguments.place, &request.region).await?;

    let display = Display::new(arguments.json, logging, &world.clock);
    display.say(&heading(&request, &world, arguments.place.aws));
    let watcher = Watcher {
        story: RefCell::default(),
        display,
        clock: world.clock.clone(),
    };
    let interrupt = Interrupt::default();
    let steps = Steps::new(&world.ec2, &world.cloud, world.integrations.clone());
    let tasks = Interruptible::new(steps, interrupt.clone(), world.clock.clone());
    let execution = until_left(&machine, &request, &tasks, &watcher, &interrupt).await;
    watcher.display.end();

    let story = watcher.story.into_inner();
    let end = execution.as_ref().map_or(End::Abandoned, End::of);
    if arguments.json {
        return Ok(Answer::json(&end.json(&story, described), end.exit()));
    }
    let took = ending::took(&story, world.clock.now());
    let blank = if story.steps().is_empty() {
        String::new()
    } else {
        format!("\n  {took} in all.\n\n")
    };
    Ok(Answer {
        stdout: end.text(&story),
        stderr: blank,
        exit: end.exit(),
    })
}

/// Runs the machine; `None` if the operator left before it came to its end.
async fn until_left<T: Tasks>(
    machine: &Machine,
    request: &ProvisionRequest,
    tasks: &T,
    watcher: &Watcher,
    interrupt: &Interrupt,
) -> Option<Execution> {
    let input = serde_json::to_value(request).unwrap_or(Value::Null);
    let name = execution_name(watcher.clock.now());
    let observer = |event: &Event| watcher.watch(event);
    let mut run = Box::pin(engine::run(
        machine,
        &name,
        input,
        tasks,
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
                watcher.display.say(INTERRUPTED);
                watcher.clock.wake();
            }
        }
    }
}

const INTERRUPTED: &str = "\n  Ctrl-C: the run stops and takes back what it made. A second one leaves at once, whatever is left.\n";

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

/// What is going to happen, and where.
fn heading(request: &ProvisionRequest, world: &World, billed: bool) -> String {
    let mut text = format!(
        "\n  Connecting {} in {} to cluster {}\n",
        request.vpc_id, request.region, request.cluster_id
    );
    for about in &world.about {
        text.push_str(&hanging("  ", about));
    }
    if billed {
        let warning = "This is real: a security group, an interface endpoint and a registration will be made, \
                       and the endpoint is billed from then on. Ctrl-C undoes what was made.";
        for line in wrap(warning, 92) {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}
