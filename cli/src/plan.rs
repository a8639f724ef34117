//! `plan`: looks, and says exactly what `provision` would make.

use engine::Clock;
use plan_connection::{Found, details, service_is_missing};
use serde_json::{Value, json};
use shared::progress::{Pending, Progress, Wait};
use shared::request::ProvisionRequest;
use shared::{StepError, StepErrorName};

use crate::arguments::Plan;
use crate::error::Error;
use crate::exit::Exit;
use crate::world::{Chosen, World};
use crate::{Answer, asked, fixes, script};

mod text;

/// What came of looking.
#[derive(Debug, Clone)]
pub enum Outlook {
    Planned(Box<Found>),
    NotYet {
        /// What is not ready.
        pending: Pending,
        /// Whether the cluster has no endpoint service and nobody has asked for it.
        service_missing: bool,
    },
    /// Something stands in the way.
    InTheWay(StepError),
}

/// Looks and prints the plan. Changes nothing, unless it may ask for the
/// endpoint service.
///
/// # Errors
/// When looking cannot begin.
pub async fn run(arguments: &Plan) -> Result<Answer, Error> {
    let chosen = Chosen::new(&arguments.place)?;
    let region = arguments.asked.region.as_deref();
    let usual = chosen.request(&arguments.place, region).await;
    let mut request = asked::request(&arguments.asked, usual)?;
    let described = chosen.describe(&arguments.place);
    let world = chosen.open(&arguments.place, &request.region).await?;
    request.tags = world.config.tags_for(&request)?;
    let outlook = look(&world, &request, arguments)
        .await
        .unwrap_or_else(Outlook::InTheWay);
    let exit = outlook.exit();
    if arguments.json {
        return Ok(Answer::json(&outlook.json(described), exit));
    }
    Ok(match &outlook {
        Outlook::Planned(found) if arguments.script => Answer::text(commands(found), exit),
        Outlook::Planned(found) => Answer::text(text::planned(found), exit),
        // A script that is not there must not look like one.
        Outlook::NotYet { .. } | Outlook::InTheWay(_) if arguments.script => Answer {
            stdout: String::new(),
            stderr: text::not_planned(&outlook, &request),
            exit,
        },
        Outlook::NotYet { .. } | Outlook::InTheWay(_) => {
            Answer::text(text::not_planned(&outlook, &request), exit)
        }
    })
}

async fn look(
    world: &World,
    request: &ProvisionRequest,
    arguments: &Plan,
) -> Result<Outlook, StepError> {
    // As the run will.
    world.config.admits(request)?;
    let connection = request.subject();
    let inspect_cluster = async |wait| {
        let input = inspect_cluster::Input {
            connection: connection.clone(),
            may_request_service: arguments.ask_for_service,
            wait,
        };
        inspect_cluster::handle(&world.cloud, input).await
    };
    let limit = request.limits.cluster_seconds;
    let mut cluster = ready(world, limit, false, inspect_cluster).await?;
    if let Progress::Pending(pending) = cluster {
        let service_missing = service_is_missing(&world.cloud, request).await?;
        let is_hopeless = service_missing && !arguments.ask_for_service;
        if is_hopeless || !arguments.wait {
            return Ok(Outlook::NotYet {
                pending,
                service_missing,
            });
        }
        cluster = ready(world, limit, true, inspect_cluster).await?;
    }
    let cluster = match cluster {
        Progress::Ready(cluster) => cluster,
        Progress::Pending(pending) => {
            return Ok(Outlook::NotYet {
                pending,
                service_missing: false,
            });
        }
    };

    let allowed = world.config.allowed_sources()?;
    let ec2 = world.accounts.ec2(&connection.place()).await?;
    let inspect_network = async |wait| {
        let input = inspect_network::Input {
            connection: connection.clone(),
            request: request.clone(),
            cluster: cluster.clone(),
            recorded: Vec::new(),
            endpoint_id: None,
            patient: false,
            growth: None,
            wait,
        };
        inspect_network::handle(&ec2, &allowed, &world.config.tag_prefix, input).await
    };
    let plan = match ready(
        world,
        request.limits.network_seconds,
        arguments.wait,
        inspect_network,
    )
    .await?
    {
        Progress::Ready(plan) => plan,
        Progress::Pending(pending) => {
            return Ok(Outlook::NotYet {
                pending,
                service_missing: false,
            });
        }
    };
    let _call = world.clock.during_a_call();
    let found = details(&ec2, request, cluster, plan).await?;
    Ok(Outlook::Planned(Box::new(found)))
}

/// Looks once, or until it is ready or the limit is reached.
async fn ready<T>(
    world: &World,
    limit_seconds: u64,
    patient: bool,
    look: impl AsyncFn(Wait) -> Result<Progress<T>, StepError>,
) -> Result<Progress<T>, StepError> {
    let since = world.clock.now();
    loop {
        let wait = Wait {
            since,
            now: world.clock.now(),
            limit_seconds,
        };
        let call = world.clock.during_a_call();
        // Boxed, because futures that call the SDK nest deeper than the compiler
        // wants to look.
        let progress = Box::pin(look(wait)).await?;
        drop(call);
        match progress {
            Progress::Pending(pending) if patient => {
                world
                    .clock
                    .sleep(std::time::Duration::from_secs(pending.wait_seconds))
                    .await;
            }
            answer @ (Progress::Ready(_) | Progress::Pending(_)) => return Ok(answer),
        }
    }
}

/// The equivalent commands.
fn commands(found: &Found) -> String {
    script::commands(&found.request, &found.cluster, &found.plan)
}

impl Outlook {
    fn exit(&self) -> Exit {
        match self {
            Outlook::Planned(_) => Exit::Done,
            Outlook::NotYet { .. } => Exit::NotYet,
            Outlook::InTheWay(error) => match error.name() {
                StepErrorName::InvalidInput | StepErrorName::Denied | StepErrorName::Rejected => {
                    Exit::NotConnected
                }
                StepErrorName::Transient => Exit::NotYet,
                StepErrorName::Unexpected => Exit::Unexpected,
            },
        }
    }

    fn json(&self, world: Value) -> Value {
        let mut document = json!({ "world": world, "exit_code": self.exit().code() });
        let more = match self {
            Outlook::Planned(found) => json!({
                "outcome": "planned",
                "connection_id": found.request.subject().connection_id,
                "request": found.request,
                "cluster": found.cluster,
                "plan": found.plan,
                "existing_security_group": found.group,
                "registered": found.is_registered(),
                "price": {
                    "zones": found.plan.endpoint.zone_ids.len(),
                    "usd_cents_per_month": found.price().usd_cents_per_month,
                },
                "commands": commands(found),
            }),
            Outlook::NotYet {
                pending,
                service_missing,
            } => json!({
                "outcome": "not-yet",
                "waiting_for": pending.waiting_for,
                "service_missing": service_missing,
            }),
            Outlook::InTheWay(error) => json!({
                "outcome": "in-the-way",
                "failure": {
                    "error": error.name().as_str(),
                    "code": error.code.as_str(),
                    "message": error.detail,
                    "cause": error.code.cause(),
                    "fix": fixes::of(error.code, None),
                },
            }),
        };
        if let (Some(document), Value::Object(more)) = (document.as_object_mut(), more) {
            document.extend(more);
        }
        document
    }
}
