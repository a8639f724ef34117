//! What must be true of the world after a run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shared::Code;
use shared::ledger::{Connection, Phase};
use shared::ownership::Tags;
use shared::report::{Explained, Ready};
use shared::request::DeprovisionRequest;
use shared::subject::Subject;
use simulator::World;
use simulator::cloud::ConnectionStatus;
use simulator::ec2::{CidrState, EndpointState};

use crate::books::{self, Leases};
use crate::run::{Ending, Goal, Stage, ending};
use crate::standing;

/// Everything that a run could leave behind, on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    endpoints: BTreeMap<String, EndpointSeen>,
    groups: BTreeMap<String, GroupSeen>,
    registrations: BTreeSet<(String, String)>,
    trusted: BTreeSet<(String, String)>,
    leases: Leases,
    books: Books,
}

/// What the ledger has. It tells of the world, and is no part of what two snapshots
/// are compared by.
#[derive(Clone)]
struct Books(BTreeMap<String, Connection>);

impl std::fmt::Debug for Books {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Books")
    }
}

impl PartialEq for Books {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Books {}

#[derive(Debug, Clone, PartialEq, Eq)]
struct EndpointSeen {
    private_dns: bool,
    groups: Vec<String>,
    subnets: BTreeSet<String>,
    tags: Tags,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct GroupSeen {
    name: String,
    rules: BTreeSet<(String, Option<String>)>,
    tags: Tags,
}

impl Snapshot {
    /// The world as it is once everything that was under way has happened.
    pub fn settled(stage: &Stage) -> Self {
        stage.clock.advance(Duration::from_secs(3600));
        let now = engine::Clock::now(&stage.clock).unix_timestamp();
        stage.simulator.look(|world| Self {
            leases: books::held(world, now),
            ..Self::of(world)
        })
    }

    /// What is there, whatever its ids: two worlds in which the same was made are
    /// equal in this.
    pub fn without_ids(&self) -> String {
        let endpoints: Vec<_> = self
            .endpoints
            .values()
            .map(|endpoint| {
                (
                    endpoint.private_dns,
                    &endpoint.subnets,
                    &endpoint.tags,
                    endpoint.groups.len(),
                )
            })
            .collect();
        // By what they are: the order of ids is no fact of the world.
        let groups: BTreeSet<String> = self.groups.values().map(|it| format!("{it:#?}")).collect();
        let registered = self
            .registrations
            .iter()
            .map(|(cluster, _)| cluster)
            .collect::<Vec<_>>();
        format!(
            "{endpoints:#?}\n{}\n{registered:#?}",
            Vec::from_iter(groups).join("\n")
        )
    }

    /// The world as it is now.
    pub fn of(world: &World) -> Self {
        let endpoints = world
            .ec2
            .endpoints
            .values()
            .filter(|endpoint| endpoint.state.is_there());
        let clusters = || world.cloud.clusters();
        Self {
            endpoints: endpoints
                .map(|endpoint| {
                    let seen = EndpointSeen {
                        private_dns: endpoint.private_dns,
                        groups: endpoint.groups.clone(),
                        subnets: endpoint.subnet_ids().map(str::to_owned).collect(),
                        tags: endpoint.tags.clone(),
                    };
                    (endpoint.id.clone(), seen)
                })
                .collect(),
            groups: world
                .ec2
                .groups
                .values()
                .map(|group| {
                    let inbound = group.rules.iter().filter(|rule| !rule.is_egress);
                    let seen = GroupSeen {
                        name: group.name.clone(),
                        rules: inbound
                            .map(|rule| {
                                let ports = (rule.protocol.as_str(), rule.from_port, rule.to_port);
                                (
                                    format!("{ports:?} {}", rule.source.text()),
                                    rule.description.clone(),
                                )
                            })
                            .collect(),
                        tags: group.tags.clone(),
                    };
                    (group.id.clone(), seen)
                })
                .collect(),
            registrations: clusters()
                .flat_map(|cluster| {
                    let living = cluster.connections().filter(|connection| {
                        !matches!(
                            connection.status,
                            ConnectionStatus::Rejected | ConnectionStatus::Deleted
                        )
                    });
                    living.map(|connection| {
                        (cluster.cluster.id.clone(), connection.endpoint_id.clone())
                    })
                })
                .collect(),
            trusted: clusters()
                .flat_map(|cluster| {
                    let owners = cluster.trusted_owners.iter().flatten();
                    owners
                        .map(|owner| (cluster.cluster.id.clone(), owner.external_owner_id.clone()))
                })
                .collect(),
            leases: books::leases(world),
            books: Books(books::connections(world)),
        }
    }

    /// What the ledger has of the connection that is asked for, if it stands.
    pub fn standing(&self, stage: &Stage) -> Option<&Connection> {
        let entry = self.books.0.get(&asked_for(stage)?)?;
        entry.stands().then_some(entry)
    }

    /// The leases that are held.
    pub fn leases(&self) -> &Leases {
        &self.leases
    }

    /// The same with private DNS as it is in the other one, for every endpoint that
    /// is there too.
    pub fn with_private_dns_of(mut self, other: &Self) -> Self {
        for (id, endpoint) in &mut self.endpoints {
            let there = other.endpoints.get(id);
            endpoint.private_dns = there.map_or(endpoint.private_dns, |it| it.private_dns);
        }
        self
    }

    /// The same with every lease given back.
    pub fn without_leases(mut self) -> Self {
        self.leases.clear();
        self
    }

    /// What is not there though it is in the other one.
    pub fn lacks(&self, other: &Self) -> BTreeSet<String> {
        let gone = |id: &String, what: &str| format!("{what} {id}");
        let endpoints = other.endpoints.keys();
        let endpoints = endpoints.filter(|id| !self.endpoints.contains_key(*id));
        let groups = other.groups.keys();
        let groups = groups.filter(|id| !self.groups.contains_key(*id));
        let registrations = other.registrations.difference(&self.registrations);
        let trusted = other.trusted.difference(&self.trusted);
        endpoints
            .map(|id| gone(id, "endpoint"))
            .chain(groups.map(|id| gone(id, "security group")))
            .chain(registrations.map(|(cluster, id)| gone(id, &format!("cluster {cluster}:"))))
            .chain(trusted.map(|(cluster, id)| gone(id, &format!("cluster {cluster} trusts"))))
            .collect()
    }

    /// What is there that was not there before, in the words of the report.
    pub(crate) fn left_since(&self, before: &Self) -> BTreeSet<String> {
        let mut left = BTreeSet::new();
        for (id, endpoint) in &self.endpoints {
            match before.endpoints.get(id) {
                None => {
                    left.insert(format!("endpoint {id}"));
                }
                Some(was) if was.private_dns != endpoint.private_dns => {
                    left.insert(format!("private DNS of endpoint {id}"));
                }
                Some(was) if was != endpoint => {
                    left.insert(format!("endpoint {id}"));
                }
                Some(_) => {}
            }
        }
        for (id, group) in &self.groups {
            if before.groups.get(id) != Some(group) {
                left.insert(format!("security group {}", group.name));
            }
        }
        for (_, endpoint) in self.registrations.difference(&before.registrations) {
            left.insert(format!(
                "private endpoint connection of endpoint {endpoint}"
            ));
        }
        for (_, account) in self.trusted.symmetric_difference(&before.trusted) {
            left.insert(format!("trusted owner {account}"));
        }
        left
    }
}

/// Why a run did not keep the promise.
pub type Broken = String;

/// Nothing is wrong, or this.
///
/// # Errors
/// What is wrong.
pub fn ensure(is_right: bool, wrong: impl FnOnce() -> Broken) -> Result<(), Broken> {
    match is_right {
        true => Ok(()),
        false => Err(wrong()),
    }
}

/// Holds the ending of a run against the world: ready and correct, or nothing of
/// ours left, or what the report names is left.
///
/// # Errors
/// Says what is wrong, for the reader of a failed test.
pub fn check(stage: &Stage, before: &Snapshot, ending: &Ending) -> Result<(), Broken> {
    let after = Snapshot::settled(stage);
    match ending {
        Ending::Ready(ready) => check_ready(stage, ready)?,
        Ending::Failed(name, failure) => check_failed(name, failure, &after.left_since(before))?,
    }
    check_lease(stage, &before.leases, &after.leases)?;
    match (before.standing(stage), ending) {
        (Some(former), Ending::Failed(..)) => standing::check(stage, former)?,
        (Some(_), Ending::Ready(_)) => standing::live(stage)?,
        (None, _) => {}
    }
    let entry = asked_for(stage).and_then(|id| before.books.0.get(&id));
    check_ledger(stage, entry, ending)?;
    check_notice(stage, ending)
}

/// Runs `provision`, holds the ending against the world, and answers it. Names of
/// executions are unique, as in Step Functions.
///
/// # Panics
/// When the promise is broken.
#[track_caller]
pub fn run(stage: &Stage) -> Ending {
    let before = Snapshot::settled(stage);
    let name = format!("run-{}", stage.simulator.calls().len());
    let ending = ending(&stage.provision(&name));
    check(stage, &before, &ending).unwrap_or_else(|broken| panic!("{broken}"));
    ending
}

/// What a run answers that is held against the world, and ends well.
///
/// # Panics
/// When it does not, or the promise is broken.
#[track_caller]
pub fn ready(stage: &Stage) -> Ready {
    match run(stage) {
        Ending::Ready(ready) => *ready,
        Ending::Failed(name, failure) => panic!("{name}: {failure:#?}"),
    }
}

/// The report of one that fails under this name and with this code.
///
/// # Panics
/// When it does not, or the promise is broken.
#[track_caller]
pub fn failed(stage: &Stage, name: &str, code: Code) -> Explained {
    match run(stage) {
        Ending::Failed(ended, failure) => {
            let ended = (ended.as_str(), failure.code.as_str());
            assert_eq!(ended, (name, code.as_str()), "{failure:#?}");
            *failure
        }
        Ending::Ready(ready) => panic!("{ready:#?}"),
    }
}

/// The connection that is asked for, to be made or to be taken away, if that can be read.
pub fn subject(stage: &Stage) -> Option<Subject> {
    let asked = Goal::Disconnect.input(&stage.request);
    let request = DeprovisionRequest::parse(&asked).ok()?;
    Some(request.subject())
}

fn asked_for(stage: &Stage) -> Option<String> {
    subject(stage).map(|subject| subject.connection_id)
}

/// Whether the last call of this operation was hit by a fault: then what it was to
/// write need not be there.
pub(crate) fn was_hit(stage: &Stage, operation: &str) -> bool {
    let calls = stage.simulator.calls();
    let mut last_first = calls.iter().rev();
    last_first
        .find(|call| call.operation == operation)
        .is_some_and(|call| call.fault.is_some())
}

/// A run gives its lease back, and leaves those of others alone.
fn check_lease(stage: &Stage, before: &Leases, after: &Leases) -> Result<(), Broken> {
    let is_right = before == after || was_hit(stage, "dynamodb:DeleteItem");
    ensure(is_right, || {
        format!("leases before: {before:?}, after: {after:?}")
    })
}

/// Whether the run never came so far as to write into the ledger.
fn is_unrecorded(ending: &Ending) -> bool {
    match ending {
        Ending::Ready(_) => false,
        Ending::Failed(_, failure) => {
            ["ReadRequest", "ReadEntry"].contains(&failure.failed_at.as_str())
                || failure.code == Code::ConnectionBusy.as_str()
        }
    }
}

fn phase_of(ending: &Ending) -> Phase {
    match ending {
        Ending::Ready(_) => Phase::Ready,
        Ending::Failed(name, _) => match name.as_str() {
            "RolledBack" => Phase::RolledBack,
            "KeptAfterFailure" => Phase::KeptAfterFailure,
            _ => Phase::RollbackIncomplete,
        },
    }
}

/// The entry of the connection that was asked for.
pub fn recorded(stage: &Stage) -> Option<Connection> {
    let id = asked_for(stage)?;
    stage.simulator.look(books::connections).remove(&id)
}

/// The ledger says how it ended and what is there.
fn check_ledger(stage: &Stage, before: Option<&Connection>, ending: &Ending) -> Result<(), Broken> {
    if was_hit(stage, "dynamodb:UpdateItem") || is_unrecorded(ending) {
        return Ok(());
    }
    let entry = recorded(stage).ok_or("the ledger has no entry")?;
    let is = |right: bool, what: &str| ensure(right, || format!("{what}: {entry:#?}"));
    let phase = phase_of(ending);
    // How one that stood stands is told by its own check, and what an earlier run left
    // is not gone because this one was refused.
    let is_refused = matches!(ending, Ending::Failed(_, failure) if failure.undone.is_empty());
    let stays = before.is_some_and(|before| {
        before.stands() || is_refused && before.phase.is_over() && entry.phase == before.phase
    });
    is(
        entry.phase == phase || phase == Phase::RolledBack && stays,
        "the ledger has another phase",
    )?;
    let last = entry.timeline.last().map(|milestone| milestone.phase);
    is(last == Some(phase), "the timeline ends otherwise")?;
    let times = entry.timeline.windows(2);
    is(
        times.into_iter().all(|pair| pair[0].at <= pair[1].at),
        "the timeline is not in order",
    )?;
    is(
        entry.timeline.first().map(|first| first.phase) == Some(Phase::Requested),
        "the timeline begins otherwise",
    )?;
    let outcome = entry.outcome.as_ref().ok_or("the ledger has no outcome")?;
    is(outcome.phase == phase, "the outcome has another phase")?;
    match ending {
        Ending::Ready(ready) => {
            is(outcome.ready.as_ref() == Some(ready), "not what is ready")?;
            is(entry.ready.as_ref() == Some(ready), "not what is ready")?;
            is(entry.stands() && entry.asked.is_none(), "it does not stand")?;
            is(entry.account_id.is_some(), "no account")?;
            is(entry.service_name.is_some(), "no service")?;
            is(
                entry.endpoint_id.as_ref() == Some(&ready.endpoint_id),
                "another endpoint",
            )
        }
        Ending::Failed(_, failure) => {
            is(
                outcome.failure.as_ref() == Some(&**failure),
                "another failure",
            )?;
            let undone = phase == Phase::RolledBack && !failure.undone.is_empty();
            // What is put back is there, and the entry of a connection that worked
            // before this run keeps it.
            let endpoint = entry.endpoint_id.as_ref();
            let stays = endpoint.is_some_and(|id| is_claimed(stage, id.as_str(), &entry));
            is(
                !undone
                    || stays
                    || (entry.endpoint_id.is_none() && entry.security_group_id.is_none()),
                "what is gone is in the ledger",
            )
        }
    }
}

/// Whether the endpoint is there and carries the connection's claim.
fn is_claimed(stage: &Stage, endpoint: &str, entry: &Connection) -> bool {
    stage.simulator.look(|world| {
        let endpoint = world
            .ec2
            .endpoint(endpoint)
            .filter(|it| it.state.is_there());
        endpoint.is_some_and(|it| it.tags.values().any(|value| *value == entry.connection_id))
    })
}

/// The bus was told how it ended. It may be told more than once.
fn check_notice(stage: &Stage, ending: &Ending) -> Result<(), Broken> {
    // Who asked for what cannot be read, or was done by another run, hears of it elsewhere.
    let untold = matches!(
        ending,
        Ending::Failed(_, failure)
            if failure.failed_at == "ReadRequest"
                || failure.code == Code::ConnectionChanged.as_str()
    );
    if was_hit(stage, "events:PutEvents") || untold {
        return Ok(());
    }
    let notices = stage.simulator.look(books::notices);
    let (kind, notice) = notices.last().ok_or("nothing was announced")?;
    let (expected, code) = match ending {
        Ending::Ready(_) => ("Connection Ready", None),
        Ending::Failed(_, failure) => ("Connection Failed", Some(failure.code.clone())),
    };
    let right = kind == expected
        && notice.code == code
        && notice.phase == Some(phase_of(ending))
        && notice.cause.is_some() == code.is_some()
        && notice.fix.is_some() == code.is_some();
    ensure(right, || format!("{kind} was announced: {notice:#?}"))
}

fn check_failed(name: &str, failure: &Explained, left: &BTreeSet<String>) -> Result<(), Broken> {
    let named = failure.left.iter();
    let named: BTreeSet<&str> = named
        .map(|left| left.what.trim_end_matches(", if there is one"))
        .collect();
    let names = |what: &String| {
        named.contains(what.as_str())
            // What an endpoint that stays was is put back as a whole.
            || what.split_once("endpoint ").is_some_and(|(_, id)| {
                named.contains(format!("subnets, security group and private DNS of endpoint {id}").as_str())
            })
            // Without an answer to its creation an endpoint is named by its connection.
            || (what.starts_with("endpoint ") && named.iter().any(|named| named.starts_with("endpoint of connection")))
    };
    match name {
        "RolledBack" if left.is_empty() && named.is_empty() => Ok(()),
        "RollbackIncomplete" if left.iter().all(names) => Ok(()),
        _ => Err(format!(
            "{name} names {named:?} as left, really left: {left:?}\n{failure:#?}"
        )),
    }
}

/// Whether the report names exactly as many things as are left. An undo that
/// could not even look must name what it was to remove, so a fault that lasts
/// can make a report name too much; a fault that passes cannot.
pub fn is_exact(stage: &Stage, before: &Snapshot, failure: &Explained) -> bool {
    stage.simulator.look(Snapshot::of).left_since(before).len() == failure.left.len()
}

fn check_ready(stage: &Stage, ready: &Ready) -> Result<(), Broken> {
    let wants_dns = stage.request["private_dns"] != serde_json::json!(false);
    stage.simulator.look(|world| {
        let id = ready.endpoint_id.as_str();
        let endpoint = world.ec2.endpoint(id).ok_or(format!("no endpoint {id}"))?;
        let is = |right: bool, what: &str| ensure(right, || format!("{what}: {endpoint:#?}"));
        is(
            endpoint.state == EndpointState::Available,
            "the endpoint is not available",
        )?;
        is(!wants_dns || endpoint.private_dns, "private DNS is off")?;
        is(
            endpoint.vpc_id == ready.vpc_id.as_str(),
            "the endpoint is in another VPC",
        )?;
        is(
            endpoint
                .tags
                .keys()
                .any(|key| key.ends_with(ready.cluster_id.as_str())),
            "the endpoint does not carry the connection's claim",
        )?;

        let cluster = world
            .cloud
            .cluster(ready.cluster_id.as_str())
            .ok_or("no cluster")?;
        let registered = cluster.connections().any(|connection| {
            connection.endpoint_id == id && connection.status == ConnectionStatus::Available
        });
        is(registered, "the cluster does not know the endpoint")?;
        let same_service = world.ec2.endpoints.values().filter(|other| {
            other.state.is_there()
                && other.service_name == endpoint.service_name
                && other.vpc_id == endpoint.vpc_id
        });
        is(
            same_service.count() == 1,
            "there is more than one endpoint to the service",
        )?;

        let admitted: BTreeSet<String> = endpoint
            .groups
            .iter()
            .filter_map(|group| world.ec2.groups.get(group))
            .flat_map(|group| &group.rules)
            .filter(|rule| {
                !rule.is_egress && rule.from_port == Some(26257) && rule.to_port == Some(26257)
            })
            .map(|rule| rule.source.text())
            .collect();
        let subnets: BTreeSet<&str> = endpoint.subnet_ids().collect();
        let asked = stage.request["subnet_ids"].as_array();
        let asked = asked.into_iter().flatten().filter_map(|id| id.as_str());
        let asked: BTreeSet<&str> = asked.collect();
        let is_ours = ready.notes.iter().all(|note| !note.contains("keeps"));
        is(
            asked.is_empty() || !is_ours || subnets == asked,
            &format!("the endpoint is in {subnets:?}, not in {asked:?}"),
        )?;
        let vpc = world.ec2.vpcs.get(&endpoint.vpc_id).ok_or("no VPC")?;
        let mut associated = vpc
            .cidrs
            .iter()
            .filter(|range| range.state == CidrState::Associated);
        let all_in = associated.all(|range| admitted.contains(&range.cidr.to_string()));
        let sources = &stage.request["sources"];
        let named = ["cidrs", "security_group_ids", "prefix_list_ids"]
            .into_iter()
            .flat_map(move |field| sources[field].as_array().into_iter().flatten());
        let named: Vec<&str> = named.filter_map(|source| source.as_str()).collect();
        let named_are_in = named.iter().all(|source| admitted.contains(*source));
        is(
            all_in || (!named.is_empty() && named_are_in),
            &format!(
                "neither the networks of the VPC are admitted nor {named:?}, only {admitted:?}"
            ),
        )?;
        is(
            ready.port == 26257 && ready.connection_string.contains(&ready.host),
            "the answer is not usable",
        )
    })
}
