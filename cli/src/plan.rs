//! `plan`: looks, and says what `provision` would make, as far as it is known.

use std::time::Duration;

use engine::{Clock, Event, EventKind};
use plan_connection::{Known, Looks, Once, Outlook, Side, Sides};
use serde::Serialize;
use serde_json::{Value, json};
use shared::StepError;
use shared::gateway::without_nulls;
use shared::request::ProvisionRequest;
use time::OffsetDateTime;

use crate::arguments::Plan;
use crate::clock::{Call, StoryClock};
use crate::display::Display;
use crate::display::text::heading;
use crate::error::Error;
use crate::exit::Exit;
use crate::story::Story;
use crate::world::{Chosen, World, default_scenario};
use crate::{Answer, asked, deprovision, fixes, removal, script};

mod text;

/// The world to plan in unless the command line names one.
pub(crate) fn scenario(arguments: &Plan) -> &'static str {
    match arguments.destroy {
        true => deprovision::DEFAULT_SCENARIO,
        false => default_scenario(),
    }
}

/// What `provision` would do, for whoever is asked whether it shall.
pub(crate) struct Preview {
    pub(crate) cluster_name: Option<String>,
    /// For people.
    pub(crate) told: String,
    /// What stands in the way, if something does.
    pub(crate) obstacle: Option<StepError>,
}

/// Looks once.
pub(crate) async fn preview(world: &World, request: &ProvisionRequest) -> Preview {
    let mut request = request.clone();
    let outlook = match world.config.tags_for(&request) {
        Ok(tags) => {
            request.tags = tags;
            look(world, &request, false, &mut Once(world.clock.now())).await
        }
        Err(error) => Err(error),
    };
    let outlook = outlook.unwrap_or_else(|error| Outlook::refused(&request, error));
    Preview {
        cluster_name: outlook.plan().parts.and_then(|it| it.cluster_name),
        told: text::told(&outlook, None),
        obstacle: outlook.in_the_way,
    }
}

/// Looks and prints the plan. Changes nothing, unless it may ask for the
/// endpoint service.
///
/// # Errors
/// When looking cannot begin.
pub async fn run(arguments: &Plan, logging: bool) -> Result<Answer, Error> {
    if arguments.destroy {
        return removal::run(arguments).await;
    }
    let chosen = Chosen::new(&arguments.place)?;
    let region = arguments.asked.region.as_deref();
    let usual = chosen.request(&arguments.place, region).await;
    let mut request = asked::request(&arguments.asked, usual)?;
    let subject = request.subject();
    let subnets = request.subnet_ids.iter().map(|subnet| subnet.as_str());
    chosen.knows(asked::ids(&subject).chain(subnets))?;
    let world = chosen.open(&arguments.place, &subject.place()).await?;
    request.tags = world.config.tags_for(&request)?;
    // What is looked at once needs no progress.
    let silent = arguments.json || !arguments.wait;
    let display = Display::new(silent, logging, &world.clock);
    let (vpc, region) = (&request.vpc_id, &request.region);
    let what = format!("Planning for {vpc} in {region}");
    display.say(&heading(&what, &world.about, None));
    let mut watcher = Watcher {
        clock: &world.clock,
        _call: Some(world.clock.during_a_call()),
        display,
        story: Story::of_a_plan(),
        patient: arguments.wait,
    };
    let outlook = look(&world, &request, arguments.ask_for_service, &mut watcher).await;
    watcher.display.end();
    let outlook = outlook.unwrap_or_else(|error| Outlook::refused(&request, error));
    let exit = exit(&outlook, arguments.detailed_exitcode);
    if arguments.json {
        let described = world.described(&arguments.place, scenario(arguments));
        return Ok(Answer::json(&document(&outlook, described, exit), exit));
    }
    let commands = commands(&outlook);
    Ok(match commands {
        Some(commands) if arguments.script => Answer::text(commands, exit),
        // What is no script must not look like one.
        None if arguments.script => Answer {
            stdout: String::new(),
            stderr: text::told(&outlook, None),
            exit,
        },
        commands => Answer::text(text::told(&outlook, commands.as_deref()), exit),
    })
}

async fn look(
    world: &World,
    request: &ProvisionRequest,
    may_ask: bool,
    looks: &mut impl Looks,
) -> Result<Outlook, StepError> {
    // As the run will.
    world.config.admits(request)?;
    let allowed = world.config.allowed_sources()?;
    let ec2 = world.accounts.ec2(&request.subject().place()).await?;
    let sides = Sides {
        ec2: &ec2,
        cloud: &world.cloud,
        allowed: &allowed,
        prefix: &world.config.tag_prefix,
    };
    let looked = plan_connection::look(&sides, request, may_ask, looks);
    // Boxed, because futures that call the SDK nest deeper than the compiler
    // wants to look.
    Ok(Box::pin(looked).await)
}

/// Shows what is waited for like an execution that waits for it.
struct Watcher<'a> {
    clock: &'a StoryClock,
    /// Time runs no faster than on the wall but while it pauses.
    _call: Option<Call>,
    display: Display,
    story: Story,
    patient: bool,
}

impl Watcher<'_> {
    fn hear(&mut self, kind: EventKind) {
        let event = Event {
            at: self.clock.now(),
            kind,
        };
        if let Some(news) = self.story.hear(&event) {
            self.display.tell(&news, &self.story, event.at);
        }
    }
}

impl Looks for Watcher<'_> {
    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    fn is_patient(&self) -> bool {
        self.patient
    }

    fn begins(&mut self, side: Side) {
        self.hear(EventKind::StateEntered {
            state: state(side),
            r#type: "Task".to_owned(),
            input: Value::Null,
        });
        self.hear(EventKind::TaskScheduled {
            state: state(side),
            resource: String::new(),
            arguments: Value::Null,
        });
    }

    fn found(&mut self, side: Side, progress: &impl Serialize) {
        self.hear(EventKind::TaskSucceeded {
            state: state(side),
            output: serde_json::to_value(progress).unwrap_or_default(),
        });
    }

    async fn pause(&mut self, seconds: u64) {
        self._call = None;
        self.clock.sleep(Duration::from_secs(seconds)).await;
        self._call = Some(self.clock.during_a_call());
    }
}

/// The state of an execution that looks at this side.
fn state(side: Side) -> String {
    match side {
        Side::Cluster => "InspectCluster",
        Side::Network => "InspectNetwork",
    }
    .to_owned()
}

/// The equivalent commands, if all is known and there is something to do.
fn commands(outlook: &Outlook) -> Option<String> {
    match &outlook.known {
        Known::All(found) if differs(outlook) => Some(script::commands(
            &outlook.request,
            &found.cluster,
            &found.plan,
        )),
        Known::All(_) | Known::Part(_) | Known::Nothing => None,
    }
}

fn differs(outlook: &Outlook) -> bool {
    let differences = outlook.plan().differences;
    differences.is_some_and(|it| !it.list.is_empty())
}

fn exit(outlook: &Outlook, detailed: bool) -> Exit {
    if let Some(error) = &outlook.in_the_way {
        return Exit::of_obstacle(error);
    }
    match &outlook.known {
        Known::All(_) if detailed && differs(outlook) => Exit::Differences,
        Known::All(_) => Exit::Done,
        Known::Part(_) | Known::Nothing => Exit::NotYet,
    }
}

fn document(outlook: &Outlook, world: Value, exit: Exit) -> Value {
    let outcome = match (&outlook.in_the_way, &outlook.known) {
        (Some(_), _) => "in-the-way",
        (None, Known::All(_)) => "planned",
        (None, Known::Part(_) | Known::Nothing) => "not-yet",
    };
    let failure = outlook.in_the_way.as_ref().map(|error| {
        json!({
            "code": error.code.as_str(),
            "message": error.detail,
            "cause": error.code.cause(),
            "fix": fixes::of(error.code, None),
        })
    });
    without_nulls(json!({
        "world": world,
        "exit_code": exit.code(),
        "outcome": outcome,
        "failure": failure,
        "plan": outlook.plan(),
        "commands": commands(outlook),
    }))
}
