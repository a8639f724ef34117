//! Runs that share a VPC, call by call, and what must be true of the world when all of
//! them have ended.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::{Clock, Execution, Outcome};
use serde_json::{Value, json};
use shared::config::Config;
use shared::executions::execution_arn;
use shared::ledger::{Connection, Phase};
use simulator::World;
use simulator::cloud::ConnectionStatus;
use simulator::step_functions::ExecutionStatus;
use start_executions::{Door, Known};
use steps::Steps;

use crate::aftermath::{Broken, ensure};
use crate::authorization::InRoles;
use crate::books;
use crate::found::found;
use crate::policies::HOME;
use crate::run::{Goal, Stage, status_of};
use crate::turns::{InTurns, Place};

/// What one of them is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Of which definition it is a run.
    pub goal: Goal,
    pub input: Value,
}

impl Plan {
    /// A run for the connection that a request of `provision` asks for.
    pub fn new(goal: Goal, request: &Value) -> Self {
        let input = goal.input(request);
        Self { goal, input }
    }

    /// Runs it, each call in its turn.
    pub async fn run(&self, stage: &Stage, place: &Place, name: &str) -> Execution {
        let ports = stage.ports().in_turns(place.turns());
        let steps = Steps::in_process(&ports);
        let steps = InTurns::new(steps, place);
        let tasks = InRoles::new(self.goal.name(), &stage.simulator, &steps);
        let machine = self.goal.machine();
        let at_work = AtWork::begin(stage, self, name);
        let execution = engine::run(&machine, name, self.input.clone(), &tasks, place, &()).await;
        at_work.end(status_of(&execution));
        execution
    }
}

/// A run that Step Functions is asked about while it is at work. One that does not come
/// to its end was stopped.
struct AtWork<'a> {
    stage: &'a Stage,
    arn: String,
}

impl<'a> AtWork<'a> {
    fn begin(stage: &'a Stage, plan: &Plan, name: &str) -> Self {
        let machine = plan.goal.machine_arn();
        let arn = execution_arn(&machine, name);
        let run = simulator::step_functions::Execution {
            arn: arn.clone(),
            machine,
            name: name.to_owned(),
            input: plan.input.to_string(),
            status: ExecutionStatus::Running,
            started_at: stage.clock.now(),
            stopped_at: None,
            output: None,
        };
        let begin = |world: &mut World| {
            let runs = &mut world.step_functions.executions;
            match runs.iter_mut().find(|known| known.arn == run.arn) {
                Some(started) => *started = run,
                None => runs.push(run),
            }
        };
        stage.simulator.meddle(begin);
        Self { stage, arn }
    }

    fn end(&self, status: ExecutionStatus) {
        let end = |world: &mut World| {
            let now = world.now;
            world.step_functions.end(&self.arn, status, None, now);
        };
        self.stage.simulator.meddle(end);
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.end(ExecutionStatus::Aborted);
    }
}

/// The statuses of runs that did not come to their own end.
pub const STOPPED: [&str; 2] = ["ABORTED", "TIMED_OUT"];

/// How the names of the runs begin that `start-executions` starts for tags and for what
/// was interrupted. No test gives a run such a name.
const STARTED: [&str; 2] = ["tag-", "again-"];

/// What `start-executions` does when it hears how a run ended, and the run that it may
/// start. It is asked again a few times if it fails, as Lambda does with an event.
pub async fn hear(
    stage: &Stage,
    place: &Place,
    plan: &Plan,
    name: &str,
    status: &str,
) -> Option<(Plan, String)> {
    let ports = stage.ports().in_turns(place.turns());
    let ports = ports.acting_as("start-executions");
    let own = |name: &str| match name {
        "OWN_ACCOUNT" => Some(HOME.to_owned()),
        "PROVISION_MACHINE" => Some(Goal::Connect.machine_arn()),
        "DEPROVISION_MACHINE" => Some(Goal::Disconnect.machine_arn()),
        _ => None,
    };
    let known = Known::new(Config::of(own));
    let machine = plan.goal.machine_arn();
    let event = json!({
        "detail-type": "Step Functions Execution Status Change",
        "detail": {
            "stateMachineArn": machine,
            "executionArn": execution_arn(&machine, name),
            "status": status,
            "input": plan.input.to_string(),
        },
    });
    let started = || {
        let runs = ports.started().into_iter();
        runs.filter(|run| STARTED.iter().any(|kind| run.name.starts_with(kind)))
            .collect::<Vec<_>>()
    };
    let before = started().len();
    // Lambda tries an event three times (Lambda developer guide, "How Lambda handles
    // errors and retries with asynchronous invocation").
    for wait in [0, 60, 120] {
        place.sleep(Duration::from_secs(wait)).await;
        let door = Door {
            places: &ports,
            ledger: &ports,
            executions: &ports,
        };
        let heard = start_executions::handle(door, &known, place.now(), &event).await;
        if heard.is_ok() {
            break;
        }
    }
    let started = started();
    let started = started.get(before)?;
    // In this world it is the test that runs it.
    ports.end_run(&started.arn, ExecutionStatus::Succeeded);
    let goal = match started.machine == Goal::Disconnect.machine_arn() {
        true => Goal::Disconnect,
        false => Goal::Connect,
    };
    let input = serde_json::from_str(&started.input).expect("the input of a run");
    Some((Plan { goal, input }, started.name.clone()))
}

/// How long a run waited for its lease.
pub fn waited(execution: &Execution) -> time::Duration {
    let events = execution.history.iter();
    let mut asked = events.filter(|event| event.kind.state() == Some("TakeLease"));
    let first = asked.next();
    let last = asked.next_back().or(first);
    first
        .zip(last)
        .map_or(time::Duration::ZERO, |(first, last)| last.at - first.at)
}

/// The word for how a run ended.
pub fn word(execution: &Execution) -> String {
    match &execution.outcome {
        Outcome::Succeeded(output) if output.get("connection_string").is_some() => "Ready".into(),
        Outcome::Succeeded(_) => "Disconnected".into(),
        Outcome::Failed { error, .. } => error.clone(),
        Outcome::TimedOut => "TimedOut".into(),
    }
}

/// What stands in the end, once all that was under way has happened, whatever its ids
/// and times: one of the worlds that the same runs leave one after the other.
pub fn settled(stage: &Stage) -> String {
    found(stage)
}

/// Holds the world against what must be true whenever no run is at work: nobody holds
/// a lease, no connection has two of anything, no registration lacks its endpoint, and
/// the ledger says of each connection what is there.
///
/// # Errors
/// Says what is wrong, for the reader of a failed test.
pub fn check(stage: &Stage) -> Result<(), Broken> {
    check_leases(stage)?;
    stage.simulator.look(|world| {
        check_twins(world)?;
        let entries = books::connections(world);
        entries
            .values()
            .try_for_each(|entry| check_entry(world, entry))?;
        check_unrecorded(world, &entries)
    })
}

/// Holds the world against this: nobody holds a lease.
///
/// # Errors
/// Says who does.
pub fn check_leases(stage: &Stage) -> Result<(), Broken> {
    let now = stage.clock.now().unix_timestamp();
    let leases = stage.simulator.look(|world| books::held(world, now));
    ensure(leases.is_empty(), || {
        format!("leases that nobody gives back: {leases:?}")
    })
}

/// The claims of connections in tags, each by the id of the connection.
pub fn claims(world: &World) -> Vec<(String, String)> {
    let endpoints = world.ec2.endpoints.values();
    let endpoints = endpoints.filter(|it| it.state.is_there());
    let endpoints = endpoints.map(|it| (&it.id, &it.tags));
    let groups = world.ec2.groups.values().map(|it| (&it.id, &it.tags));
    let claims = endpoints.chain(groups).flat_map(|(id, tags)| {
        let kind = id.split('-').next().unwrap_or_default();
        let ours = tags.iter().filter(|(key, _)| key.contains(":cluster:"));
        ours.map(move |(_, connection)| (kind.to_owned(), connection.clone()))
    });
    claims.collect()
}

/// Holds the world against this: no connection claims two endpoints or two groups.
///
/// # Errors
/// Says which one does.
pub fn check_twins(world: &World) -> Result<(), Broken> {
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    for claim in claims(world) {
        *counts.entry(claim).or_default() += 1;
    }
    match counts.iter().find(|(_, count)| **count > 1) {
        Some(((kind, connection), count)) => {
            Err(format!("connection {connection} has {count} {kind}"))
        }
        None => Ok(()),
    }
}

/// What the ledger says of a connection is so.
fn check_entry(world: &World, entry: &Connection) -> Result<(), Broken> {
    let is = |right: bool, what: &str| ensure(right, || format!("{what}: {entry:#?}"));
    let id = entry.connection_id.as_str();
    let is_claimed = |kind: &str| claims(world).contains(&(kind.to_owned(), id.to_owned()));
    match entry.phase {
        Phase::Ready => {
            let ready = entry.outcome.as_ref().and_then(|it| it.ready.as_ref());
            let endpoint = ready.map(|ready| ready.endpoint_id.clone());
            is(entry.endpoint_id == endpoint, "another endpoint is ready")?;
            is(
                is_claimed("vpce"),
                "it is ready, and no endpoint is its own",
            )?;
            let endpoint = endpoint.and_then(|it| world.ec2.endpoint(it.as_str()).cloned());
            let Some(endpoint) = endpoint else {
                return is(false, "its endpoint is not there");
            };
            let dns = endpoint.private_dns || !entry.request.private_dns;
            is(
                endpoint.state.word() == "available" && dns,
                "it does not work",
            )?;
            let cluster = world.cloud.cluster(entry.cluster_id.as_str());
            let mut registered = cluster.iter().flat_map(|it| it.connections());
            is(
                registered.any(|it| {
                    it.endpoint_id == endpoint.id && it.status == ConnectionStatus::Available
                }),
                "the cluster does not know its endpoint",
            )
        }
        Phase::RolledBack | Phase::Disconnected => is(
            !is_claimed("vpce") && !is_claimed("sg"),
            "something is left of it",
        ),
        Phase::KeptAfterFailure
        | Phase::RollbackIncomplete
        | Phase::DisconnectIncomplete
        | Phase::DisconnectRefused => Ok(()),
        Phase::Requested
        | Phase::ClusterInspected
        | Phase::NetworkInspected
        | Phase::SecurityGroupMade
        | Phase::EndpointMade
        | Phase::Registered
        | Phase::Accepted
        | Phase::Disconnecting
        | Phase::Interrupted => is(false, "no run is at work on it"),
    }
}

/// Nothing of ours is there that the ledger does not know, and no cluster knows an
/// endpoint that is not there.
fn check_unrecorded(world: &World, entries: &BTreeMap<String, Connection>) -> Result<(), Broken> {
    let unknown = |(_, id): &(String, String)| !entries.contains_key(id);
    if let Some((kind, id)) = claims(world).into_iter().find(unknown) {
        return Err(format!(
            "{kind} of connection {id} is there without an entry"
        ));
    }
    for cluster in world.cloud.clusters() {
        for connection in cluster.connections() {
            let is_over = matches!(
                connection.status,
                ConnectionStatus::Rejected | ConnectionStatus::Deleted
            );
            let endpoint = world.ec2.endpoint(&connection.endpoint_id);
            if !is_over && endpoint.is_none_or(|it| !it.state.is_there()) {
                let (id, cluster) = (&connection.endpoint_id, &cluster.cluster.id);
                return Err(format!("cluster {cluster} knows {id}, which is gone"));
            }
        }
    }
    Ok(())
}
