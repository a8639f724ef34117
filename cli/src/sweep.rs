//! `sweep`: runs the definition that looks for orphans, and what it starts.

use engine::Clock;
use find_orphans::Kind;
use serde_json::{Value, json};
use shared::request::DeprovisionRequest;
use steps::definition;
use steps::words::Tale;

use crate::Answer;
use crate::arguments::Sweep;
use crate::consent::Consent;
use crate::display::Display;
use crate::display::text;
use crate::ending::End;
use crate::error::Error;
use crate::run::{Work, execution_name, in_all};
use crate::signal::Signals;
use crate::world::everywhere::nothing_is_missing;
use crate::world::{Chosen, World};

pub(crate) mod report;
pub(crate) mod walk;

use report::{Became, Removal, Report};
use walk::{Begun, Queue, Trouble, Walked, walk};

/// The world in which there is something of every kind to find.
pub(crate) const DEFAULT_SCENARIO: &str = "orphans";

/// Runs it.
///
/// # Errors
/// When the run cannot begin.
pub async fn run(arguments: &Sweep, logging: bool) -> Result<Answer, Error> {
    let machine = arguments.deprovision_machine.as_deref();
    let needed = arguments.apply.then_some(machine);
    nothing_is_missing(&arguments.place, &arguments.stack, needed)?;
    let chosen = Chosen::or(&arguments.place, DEFAULT_SCENARIO)?;
    chosen.knows(arguments.scope.ids())?;
    let asks = match arguments.apply {
        true => Consent::of(&arguments.place, arguments.consented, arguments.json)?,
        false => Consent::Silent,
    };
    let world = chosen
        .open_everywhere(&arguments.place, &arguments.stack, machine)
        .await?;
    let what = "what can be removed of what is found is removed by the stack's own machine; `sweep` without `--apply` shows it";
    if let Some(answer) = asks.to_apply(&world, what) {
        return Ok(answer);
    }
    let described = world.described(&arguments.place, DEFAULT_SCENARIO);
    let display = Display::new(arguments.json, logging, &world.clock);
    display.say(&heading(arguments, &world));
    let mut signals = Signals::listen().map_err(Error::Signals)?;
    let input = input(arguments);
    let (walked, removals) = match &world.machines {
        Some(machines) => {
            let walked = walk(&world, machines, input, display, &mut signals).await?;
            let removals = walked.seen.begun.iter().map(elsewhere).collect();
            (walked, removals)
        }
        None => {
            let queue = Queue::default();
            let walked = walk(&world, &queue, input, display, &mut signals).await?;
            let quiet = (arguments.json, logging);
            let removals = remove(&world, &walked, &queue, quiet, &mut signals).await?;
            (walked, removals)
        }
    };
    let Walked {
        seen,
        story,
        trouble,
    } = walked;
    let report = Report {
        apply: arguments.apply,
        detailed: arguments.detailed_exitcode,
        findings: seen.findings,
        sum: seen.sum.unwrap_or_default(),
        removals,
        trouble,
    };
    if arguments.json {
        return Ok(Answer::json(&report.json(&story, described), report.exit()));
    }
    Ok(Answer {
        stdout: report.text(),
        stderr: in_all(&story, &world.clock),
        exit: report.exit(),
    })
}

fn input(arguments: &Sweep) -> Value {
    let mut input = json!({
        "apply": arguments.apply,
        "minimum_age_hours": arguments.minimum_age,
        "ledger_is_complete": arguments.ledger_is_complete,
    });
    if !arguments.scope.places.is_empty() {
        input["places"] = json!(arguments.scope.places);
    }
    input
}

/// A run of the stack's own machine, which ends by itself.
fn elsewhere(begun: &Begun) -> Removal {
    Removal {
        connection_id: begun.connection_id.clone(),
        execution: begun.execution.clone(),
        became: match &begun.execution {
            Some(_) => Became::Started,
            None => Became::StartedBefore,
        },
    }
}

/// Runs what the sweep has started, one after the other.
async fn remove(
    world: &World,
    walked: &Walked,
    queue: &Queue,
    (json, logging): (bool, bool),
    signals: &mut Signals,
) -> Result<Vec<Removal>, Error> {
    let machine = definition::deprovision(&world.config.settings())?;
    let stopped = walked.trouble.as_ref().and_then(Trouble::stopped_by);
    let mut removals = Vec::new();
    for queued in queue.taken() {
        let Ok(request) = serde_json::from_value::<DeprovisionRequest>(queued.input.clone()) else {
            continue;
        };
        let connection_id = request.subject().connection_id;
        let execution = Some(queued.name.clone());
        let became = match stopped.or(signals.interrupt().signal()) {
            Some(signal) => Became::NotBegun(signal),
            None => {
                let display = Display::new(json, logging, &world.clock);
                display.say(&format!(
                    "\n  Disconnecting {} in {} from cluster {}",
                    request.vpc_id, request.region, request.cluster_id
                ));
                let work = Work {
                    tale: Tale::Disconnect,
                    machine: &machine,
                    input: queued.input,
                    name: &execution_name(world.clock.now()),
                    clock: &world.clock,
                    services: &world.services,
                    signals,
                };
                let steps = world.steps(queue);
                let (story, ended) = work.done_by(steps, display, &|_| {}).await;
                Became::Ended(Box::new(End::of(&ended)), Box::new(story))
            }
        };
        removals.push(Removal {
            connection_id,
            execution,
            became,
        });
    }
    Ok(removals)
}

/// What is going to happen, and where.
fn heading(arguments: &Sweep, world: &World) -> String {
    let what = if arguments.apply {
        "Looking for orphans, and removing what can be"
    } else {
        "Looking for orphans, and removing nothing"
    };
    let warning = "This is real: the stack's state machine is started for what is to be removed. What was adopted, \
                   or is used by another cluster too, stays.";
    let real = arguments.place.aws && arguments.apply;
    text::heading(what, &world.about, real.then_some(warning))
}

/// A kind of finding, for people.
pub(crate) fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Unrecorded => "Without an entry in the ledger",
        Kind::LeftOver => "Left over from a connection that is over",
        Kind::TagsCopied => "Tags of a connection of another VPC",
        Kind::EntryOnly => "An entry with nothing behind it",
        Kind::RegistrationStale => "A private endpoint connection whose endpoint is gone",
        Kind::RegistrationGone => "An endpoint whose private endpoint connection is gone",
        Kind::MadeTwice => "A second endpoint of a connection",
    }
}
