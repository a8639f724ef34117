//! A connection that works, requests that change it, and what must be true of it at
//! every moment on the way.

use std::cell::RefCell;
use std::collections::BTreeSet;

use engine::{Execution, TaskFailure, Tasks};
use serde_json::{Value, json};
use simulator::ec2::EndpointState;
use simulator::scenario::SubnetSpec;
use simulator::{Scenario, World};
use steps::Steps;

use crate::aftermath::{Snapshot, ensure};
use crate::run::Stage;
use crate::situations::{connected, registered_by_hand};

/// The endpoint of the connection.
pub const ENDPOINT: &str = "vpce-0a10000000000000e";
/// Its security group.
pub const GROUP: &str = "sg-0a10000000000000d";
/// A subnet in the first zone.
pub const A: &str = "subnet-0a10000000000000a";
/// A subnet in the second zone.
pub const B: &str = "subnet-0a10000000000000b";
/// A subnet in the third zone.
pub const C: &str = "subnet-0a10000000000000c";
/// Another subnet in the first zone.
pub const A2: &str = "subnet-0a10000000000001a";

/// Who may connect at first: the VPC, and a network that will be asked for no more.
pub const SOURCES: [&str; 2] = ["10.20.0.0/16", "10.30.0.0/16"];
/// Who may connect in the end.
pub const NEW_SOURCES: [&str; 2] = ["10.20.0.0/16", "10.40.0.0/16"];

/// The shipped world `connected` with the endpoint in two of three zones, two
/// subnets in the first zone, and the sources above.
pub fn scenario() -> Scenario {
    let mut scenario = Scenario::shipped("connected").expect("a shipped scenario");
    let vpc = &mut scenario.vpcs[0];
    let twin = SubnetSpec {
        id: A2.to_owned(),
        cidr: "10.20.48.0/20".parse().expect("a network"),
        ..vpc.subnets[0].clone()
    };
    vpc.subnets.push(twin);
    vpc.endpoints[0].subnets = vec![A.to_owned(), B.to_owned()];
    let mut rule = vpc.groups[0].rules[0].clone();
    rule.source = SOURCES[1].to_owned();
    vpc.groups[0].rules.push(rule);
    let asked = [
        ("subnet_ids", json!([A, B])),
        ("sources", json!({ "cidrs": SOURCES })),
    ];
    for (field, value) in asked {
        scenario.request.insert(field.to_owned(), value);
    }
    scenario
}

/// A connection that works and has an entry in the ledger, with the request that it
/// was made for.
///
/// # Panics
/// When it does not work.
pub fn working() -> Stage {
    connected(Stage::of(&scenario()))
}

/// The same with a request that changes everything: a subnet of the first zone is
/// swapped, the second zone goes and the third one comes, one source goes and
/// another one comes, and private DNS goes off.
///
/// # Panics
/// When the connection does not work before.
pub fn changing() -> Stage {
    let asked = asked().into_iter();
    asked.fold(working(), |stage, (field, value)| {
        stage.asking(field, value)
    })
}

/// A connection over an endpoint that somebody had made and registered by hand, with a
/// request that would change it: it stays as it is.
///
/// # Panics
/// When the connection does not work before.
pub fn changing_by_hand() -> Stage {
    connected(registered_by_hand())
        .asking("subnet_ids", json!([C]))
        .asking("sources", json!({ "cidrs": [SOURCES[0]] }))
        .asking("private_dns", json!(false))
}

/// What is asked for then, other than before.
pub fn asked() -> [(&'static str, Value); 3] {
    [
        ("subnet_ids", json!([A2, C])),
        ("sources", json!({ "cidrs": NEW_SOURCES })),
        ("private_dns", json!(false)),
    ]
}

/// What somebody did to a connection that works.
pub type Drift = fn(&mut World);

/// All that somebody did, each with its name.
pub const DRIFTS: [(&str, Drift); 6] = [
    ("nothing", |_| {}),
    ("private DNS is off", |world| {
        let endpoint = world.ec2.endpoints.get_mut(ENDPOINT).expect("the endpoint");
        endpoint.private_dns = false;
        endpoint.private_dns_wanted = None;
    }),
    ("a rule is gone", |world| {
        let group = world.ec2.groups.get_mut(GROUP).expect("the group");
        group.rules.retain(|rule| rule.source.text() != SOURCES[1]);
    }),
    ("the group is not on the endpoint", take_group_off),
    ("the endpoint is gone", |world| {
        world.ec2.endpoints.remove(ENDPOINT);
    }),
    ("endpoint and group are gone", |world| {
        world.ec2.endpoints.remove(ENDPOINT);
        world.ec2.groups.remove(GROUP);
    }),
];

/// Puts the default group of the VPC on the endpoint, in the place of the connection's.
///
/// # Panics
/// When the connection is not there.
pub fn take_group_off(world: &mut World) {
    let vpc = world.ec2.groups[GROUP].vpc_id.clone();
    let default = default_group(world, &vpc);
    let endpoint = world.ec2.endpoints.get_mut(ENDPOINT).expect("the endpoint");
    endpoint.groups = vec![default];
}

/// Sets the tag that shuts out these subnets, which may have been chosen before.
///
/// # Panics
/// When one of them is not there.
pub fn shut_out(world: &mut World, subnets: &[&str]) {
    for id in subnets {
        let tags = &mut world.ec2.subnets.get_mut(*id).expect("a subnet").tags;
        let key = "cockroachdb-privatelink:subnet".to_owned();
        tags.insert(key, "false".to_owned());
    }
}

/// The id of the default security group of a VPC.
///
/// # Panics
/// When there is no such VPC.
pub fn default_group(world: &World, vpc: &str) -> String {
    let mut groups = world.ec2.groups.values();
    let default = groups.find(|it| it.vpc_id == vpc && it.name == "default");
    default.expect("a default group").id.clone()
}

/// What a run repairs also where the endpoint was made by hand: of its groups nothing is
/// ours.
const OF_ADOPTED: [&str; 3] = ["nothing", "private DNS is off", "the endpoint is gone"];

/// Connections that work, made or adopted, each with something done to it that a run
/// repairs.
///
/// # Panics
/// When one does not work before.
pub fn drifted() -> Vec<(String, Stage)> {
    let made = DRIFTS.map(|(name, drift)| (name.to_owned(), working(), drift));
    let of_adopted = |(name, _): &(&str, Drift)| OF_ADOPTED.contains(name);
    let adopted = DRIFTS.into_iter().filter(of_adopted);
    let adopted = adopted.map(|(name, drift)| {
        let stage = connected(registered_by_hand());
        (format!("adopted, {name}"), stage, drift)
    });
    let worlds = made.into_iter().chain(adopted);
    let worlds = worlds.map(|(name, stage, drift)| {
        Snapshot::settled(&stage);
        stage.simulator.meddle(drift);
        (name, stage)
    });
    worlds.collect()
}

/// The connection as it is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Whether the endpoint is available.
    pub is_available: bool,
    pub subnets: BTreeSet<String>,
    /// The zone of each.
    pub zones: Vec<String>,
    /// Whether private DNS is on.
    pub private_dns: bool,
    /// Who may connect.
    pub sources: BTreeSet<String>,
}

impl Look {
    /// The connection as it is now.
    ///
    /// # Panics
    /// When endpoint or group are gone.
    pub fn at(world: &World) -> Self {
        let endpoint = world.ec2.endpoint(ENDPOINT).expect("the endpoint");
        let subnets: BTreeSet<String> = endpoint.subnet_ids().map(str::to_owned).collect();
        let zone = |id: &String| world.ec2.subnets[id].zone_id.clone();
        let rules = world.ec2.groups[GROUP].rules.iter();
        let inbound = rules.filter(|rule| !rule.is_egress && rule.from_port == Some(26257));
        Self {
            is_available: endpoint.state == EndpointState::Available,
            zones: subnets.iter().map(zone).collect(),
            subnets,
            private_dns: endpoint.private_dns,
            sources: inbound.map(|rule| rule.source.text()).collect(),
        }
    }
}

/// Tasks that look at the connection before and after each of them.
struct Watched<'a, T> {
    tasks: T,
    stage: &'a Stage,
    looks: RefCell<Vec<Look>>,
}

impl<T: Tasks> Tasks for Watched<'_, T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        let look = || {
            self.looks
                .borrow_mut()
                .push(self.stage.simulator.look(Look::at))
        };
        look();
        let answer = self.tasks.invoke(resource, arguments).await;
        look();
        answer
    }
}

/// Runs `provision` and says how it was at every moment: things change by calls and
/// by time that passes between two of them.
pub fn watched(stage: &Stage, name: &str) -> (Execution, Vec<Look>) {
    let ports = stage.ports();
    let watched = Watched {
        tasks: Steps::in_process(&ports),
        stage,
        looks: RefCell::default(),
    };
    let execution = stage.provision_by(name, &watched);
    let mut looks = watched.looks.into_inner();
    looks.push(stage.simulator.look(Look::at));
    looks.dedup();
    (execution, looks)
}

/// Holds what was seen against the promise that nobody notices the change: one subnet
/// for each zone, one at least that was there when the endpoint was last available,
/// who is let in before and after is let in all the time, and nothing that is to go
/// is gone before everything that is to come is there. Private DNS stays on where it
/// is wanted.
///
/// # Errors
/// Says what was seen that must not be.
pub fn check_looks(looks: &[Look], wants_dns: bool) -> Result<(), String> {
    let (Some(first), Some(last)) = (looks.first(), looks.last()) else {
        return Err("nothing was seen".to_owned());
    };
    let mut proven = first.subnets.clone();
    for look in looks {
        let is =
            |right: bool, what: &str| ensure(right, || format!("{what}: {look:#?}\nof {looks:#?}"));
        let zones: BTreeSet<&String> = look.zones.iter().collect();
        is(zones.len() == look.zones.len(), "two subnets in one zone")?;
        is(
            !look.subnets.is_disjoint(&proven),
            "no subnet is left that has worked",
        )?;
        if look.is_available {
            proven = look.subnets.clone();
        }
        let stay = || first.sources.intersection(&last.sources);
        is(
            stay().all(|source| look.sources.contains(source)),
            "a source that stays is shut out",
        )?;
        let is_trimmed = !first.sources.is_subset(&look.sources);
        let has_come = last.sources.is_subset(&look.sources) && last.subnets == look.subnets;
        is(
            !is_trimmed || has_come,
            "a source went before the rest had come",
        )?;
        is(
            look.private_dns || !(first.private_dns && last.private_dns && wants_dns),
            "private DNS was off in between",
        )?;
        let has_left = !first.subnets.is_subset(&look.subnets);
        let zones_come = last
            .zones
            .iter()
            .all(|zone| look.zones.contains(zone) || first.zones.contains(zone));
        is(
            !has_left || zones_come,
            "a subnet went before every zone had come",
        )?;
    }
    Ok(())
}

/// The same looks with only those sources that the request asks for: one that is asked
/// for no more may be shut out, also when it comes back because the run fails.
///
/// # Panics
/// When the request asks for no networks.
pub fn of_asked(request: &Value, looks: &[Look]) -> Vec<Look> {
    let asked = request["sources"]["cidrs"].as_array();
    let asked = asked.expect("the networks that are asked for");
    let is_asked = |source: &&String| asked.iter().any(|it| it.as_str() == Some(source.as_str()));
    let only_asked = |look: &Look| Look {
        sources: look.sources.iter().filter(is_asked).cloned().collect(),
        ..look.clone()
    };
    looks.iter().map(only_asked).collect()
}
