//! What `deprovision` would remove: `plan --destroy`, and what is shown before it begins.
//! Looks by the same functions that the execution begins with, and changes nothing.

use engine::Clock;
use guard_removal::{Asked, Known};
use plan_connection::Price;
use serde_json::{Value, json};
use shared::cloud::Cloud;
use shared::ec2::{Endpoint, Endpoints, SecurityGroups};
use shared::ids::EndpointId;
use shared::ledger::{Connection, Ledger};
use shared::ownership::{Claim, Release, Tags};
use shared::place::Places;
use shared::request::DeprovisionRequest;
use shared::traffic::Carried;
use shared::{StepError, StepErrorName};

use crate::arguments::{AskedAway, Plan};
use crate::deprovision::DEFAULT_SCENARIO;
use crate::display::text::{field, hanging};
use crate::error::Error;
use crate::exit::Exit;
use crate::world::{Chosen, World};
use crate::{Answer, asked, fixes};

/// For how long traffic is looked at.
const MINUTES: u32 = 60;

/// What would be removed.
#[derive(Debug)]
pub struct Removal {
    request: DeprovisionRequest,
    cluster_name: Result<Option<String>, StepError>,
    endpoints: Vec<Used>,
    groups: Vec<Part>,
    /// The endpoints that the connection has registered with the cluster.
    registered: Vec<EndpointId>,
    /// Why it would be refused, if it would.
    refusal: Option<StepError>,
}

/// Something that carries the connection's tags.
#[derive(Debug)]
struct Part {
    id: String,
    /// Why it stays, if it does.
    stays: Option<String>,
}

/// An endpoint, with what goes through it.
#[derive(Debug)]
struct Used {
    part: Part,
    zones: usize,
    traffic: Result<Carried, StepError>,
}

/// Looks and prints what would be removed.
///
/// # Errors
/// When looking cannot begin.
pub async fn run(arguments: &Plan) -> Result<Answer, Error> {
    let chosen = Chosen::or(&arguments.place, DEFAULT_SCENARIO)?;
    let asked = &arguments.asked;
    let away = AskedAway {
        request: asked.request.clone(),
        cluster_id: asked.cluster_id.clone(),
        region: asked.region.clone(),
        vpc_id: asked.vpc_id.clone(),
        account_id: asked.account_id.clone(),
        ..AskedAway::default()
    };
    let usual = chosen
        .request(&arguments.place, asked.region.as_deref())
        .await;
    let request = asked::removal(&away, usual)?;
    chosen.knows(asked::ids(&request.subject()))?;
    let vpc = request.subject().place();
    let world = chosen.open(&arguments.place, &vpc).await?;
    // Boxed, because futures that call the SDK nest deeper than the compiler wants to look.
    let removal = Box::pin(Removal::look(&world, &request)).await?;
    let exit = removal.exit(arguments.detailed_exitcode);
    if arguments.json {
        let described = world.described(&arguments.place, DEFAULT_SCENARIO);
        return Ok(Answer::json(&removal.json(exit, described), exit));
    }
    Ok(Answer::text(removal.text(), exit))
}

impl Removal {
    /// Looks at both sides once.
    ///
    /// # Errors
    /// Those of EC2 and of the ledger.
    pub(crate) async fn look(
        world: &World,
        request: &DeprovisionRequest,
    ) -> Result<Self, StepError> {
        let mut connection = request.subject();
        // The ledger of a stack is not known here, and that of a simulated world is.
        let entry = match world.caller {
            None => world.ledger.connection(&connection.connection_id).await?,
            Some(_) => None,
        };
        // As the definition has it: whoever asks need not know the account.
        let recorded = entry.as_ref().and_then(|it| it.account_id.clone());
        connection.account_id = connection.account_id.or(recorded);
        let place = connection.place();
        let ec2 = world.accounts.ec2(&place).await?;
        let metrics = world.accounts.traffic(&place).await?;
        let now = world.clock.now();
        let claim = connection.claim();

        let mut endpoints = Vec::new();
        for endpoint in ec2.endpoints(&connection.vpc_id).await? {
            if claim.is_in(&endpoint.tags) && !endpoint.state.is_gone() {
                let traffic =
                    guard_removal::carried(&metrics, &endpoint, &connection, MINUTES, now).await;
                endpoints.push(Used::of(&endpoint, &claim, traffic));
            }
        }
        let groups = ec2.groups_tagged(&connection.vpc_id, &claim.key()).await?;
        let groups = groups.iter().filter(|group| claim.is_in(&group.tags));
        let groups = groups
            .map(|it| Part::of(it.id.as_str(), &claim, &it.tags, it.is_of_our_kind()))
            .collect();
        let inspected = inspect_connection::Input {
            connection: connection.clone(),
            recorded: entry
                .as_ref()
                .map_or_else(Vec::new, |it| it.registrations.clone()),
        };
        let inspected = inspect_connection::handle(&ec2, inspected).await?;
        let cluster = world.cloud.cluster(&connection.cluster_id).await;
        let guarded = guard_removal::Input {
            connection,
            force: request.force,
            unless_traffic_minutes: request.unless_traffic_minutes,
            known: entry.map(known),
            now,
        };
        let ports = guard_removal::Ports {
            ec2: &ec2,
            traffic: &metrics,
        };
        let guard = guard_removal::handle(Ok(ports), &world.config.tag_prefix, guarded).await;
        let refusal = match guard {
            // This refuses nothing: it could not be looked at.
            Err(error) if error.name() == StepErrorName::Transient => return Err(error),
            other => other.err(),
        };
        Ok(Self {
            request: request.clone(),
            cluster_name: cluster.map(|found| found.map(|it| it.name)),
            endpoints,
            groups,
            registered: inspected.registered,
            refusal,
        })
    }

    /// The name of the cluster, if the Cloud API tells it.
    pub(crate) fn cluster_name(&self) -> Option<&str> {
        self.cluster_name.as_ref().ok()?.as_deref()
    }

    /// Why it would be refused, if it would.
    pub(crate) fn refusal(&self) -> Option<&StepError> {
        self.refusal.as_ref()
    }

    pub(crate) fn exit(&self, detailed: bool) -> Exit {
        match &self.refusal {
            Some(error) => Exit::of_obstacle(error),
            None if detailed && self.is_something() => Exit::Differences,
            None => Exit::Done,
        }
    }

    fn is_something(&self) -> bool {
        !(self.endpoints.is_empty() && self.groups.is_empty() && self.registered.is_empty())
    }

    fn price(&self) -> Price {
        let go = self.endpoints.iter().filter(|it| it.part.stays.is_none());
        Price::of(go.map(|it| it.zones).sum(), 0)
    }

    /// The whole for people.
    pub(crate) fn text(&self) -> String {
        let (vpc, region) = (&self.request.vpc_id, &self.request.region);
        let cluster = self
            .cluster_name()
            .unwrap_or(self.request.cluster_id.as_str());
        let headline = match &self.refusal {
            None if self.is_something() => "Plan: remove the connection of",
            None => "Plan: there is nothing of ours to remove of",
            Some(_) => "Refused: this stays, the connection of",
        };
        let headline =
            format!("{headline} {vpc} in {region} to cluster {cluster}. Nothing has been changed.");
        hanging("", &headline) + "\n" + &self.body()
    }

    /// What goes, what stays, what goes through it and what it costs.
    pub(crate) fn body(&self) -> String {
        let mut text = String::new();
        for Used { part, traffic, .. } in &self.endpoints {
            text += &field("Endpoint", &part.told());
            let traffic = match traffic {
                Ok(carried) => format!("{carried} in the last {MINUTES} minutes"),
                Err(error) => format!("not known: {}", error.detail),
            };
            text += &field("Traffic", &traffic);
        }
        for group in &self.groups {
            text += &field("Security group", &group.told());
        }
        for endpoint in &self.registered {
            let goes = format!("the cluster's private endpoint connection of {endpoint} goes");
            text += &field("Registration", &goes);
        }
        if !self.is_something() {
            let nothing = "nothing in the VPC carries the tags of this connection, and nothing tells of an endpoint that is registered with the cluster";
            text += &field("Found", nothing);
        }
        if let Err(error) = &self.cluster_name {
            text += &field("Cluster", &format!("not known: {error}"));
        }
        if self.endpoints.iter().any(|it| it.part.stays.is_none()) {
            text += &field("Price", &self.price().told);
        }
        if let Some(error) = &self.refusal {
            text += &field("Refused", &error.detail);
            text += &field("Code", error.code.as_str());
            text += &field(
                "What to do",
                &fixes::of(error.code, Some(&self.request.vpc_id)),
            );
        }
        text
    }

    fn json(&self, exit: Exit, world: Value) -> Value {
        let endpoints = self.endpoints.iter().map(|used| {
            let mut endpoint = used.part.json();
            endpoint["traffic"] = match &used.traffic {
                Ok(carried) => json!({
                    "minutes": MINUTES,
                    "new_connections": carried.new_connections,
                    "most_at_once": carried.most_at_once,
                    "bytes": carried.bytes,
                }),
                Err(_) => Value::Null,
            };
            endpoint
        });
        json!({
            "outcome": match &self.refusal {
                Some(_) => "in-the-way",
                None if self.is_something() => "to-remove",
                None => "nothing-to-remove",
            },
            "exit_code": exit.code(),
            "world": world,
            "connection_id": self.request.subject().connection_id,
            "cluster_name": self.cluster_name(),
            "endpoints": endpoints.collect::<Vec<_>>(),
            "security_groups": self.groups.iter().map(Part::json).collect::<Vec<_>>(),
            "registered": self.registered,
            "price": { "usd_cents_per_month": self.price().usd_cents_per_month },
            "failure": self.refusal.as_ref().map(|error| json!({
                "code": error.code.as_str(),
                "message": error.detail,
                "cause": error.code.cause(),
                "fix": fixes::of(error.code, Some(&self.request.vpc_id)),
            })),
        })
    }
}

impl Part {
    fn of(id: &str, claim: &Claim, tags: &Tags, is_of_our_kind: bool) -> Self {
        let stays = match claim.release(tags, is_of_our_kind) {
            Release::Delete => None,
            Release::Untag(_, why) => Some(why),
        };
        Self {
            id: id.to_owned(),
            stays,
        }
    }

    fn told(&self) -> String {
        match &self.stays {
            None => format!("{} goes", self.id),
            Some(why) => format!("{} stays: {why}", self.id),
        }
    }

    fn json(&self) -> Value {
        json!({ "id": self.id, "goes": self.stays.is_none(), "stays_because": self.stays })
    }
}

impl Used {
    fn of(endpoint: &Endpoint, claim: &Claim, traffic: Result<Carried, StepError>) -> Self {
        let ours = endpoint.is_of_our_kind();
        Self {
            part: Part::of(endpoint.id.as_str(), claim, &endpoint.tags, ours),
            zones: endpoint.subnet_ids.len(),
            traffic,
        }
    }
}

/// What the guard reads of an entry of the ledger.
fn known(entry: Connection) -> Known {
    Known {
        request: Asked {
            protect: entry.request.protect,
            requested_by: entry.request.requested_by,
        },
        phase: entry.phase,
        timeline: entry.timeline,
        execution: entry.execution,
        endpoint_id: entry.endpoint_id,
    }
}
