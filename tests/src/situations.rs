//! The situations in which a connection may be taken away, for tests that try
//! something in each.

use serde_json::{Value, json};
use simulator::cloud::ConnectionStatus;
use simulator::ec2::EndpointState;
use simulator::scenario::{ConnectionSpec, PrefixListSpec, VpcSpec};
use simulator::{Call, Scenario};

use crate::aftermath::Snapshot;
use crate::removal::{Before, Removal};
use crate::run::{Stage, ready_after};
use crate::variants::trusted_owner;

/// A world with a request whose connection is to go.
pub struct Situation {
    /// What is special about it.
    pub name: &'static str,
    /// Its world, made anew at each call.
    pub stage: fn() -> Stage,
}

const fn situation(name: &'static str, stage: fn() -> Stage) -> Situation {
    Situation { name, stage }
}

pub const SITUATIONS: [Situation; 11] = [
    situation("Advanced", || connected(Stage::shipped("fresh-vpc"))),
    situation("Advanced, trusted owners", || connected(trusted_owner())),
    situation("Standard", || connected(Stage::shipped("standard-cluster"))),
    situation("asked whether it is in use", || {
        let stage = connected(Stage::shipped("standard-cluster"));
        stage.asking("unless_traffic_minutes", json!(60))
    }),
    situation("known by its tags only", unrecorded),
    situation("adopted", || connected(Stage::shipped("half-made-by-hand"))),
    situation("adopted with its registration", || {
        connected(registered_by_hand())
    }),
    situation("shared, the one that came later", || {
        connected(Stage::shipped("shared-endpoint"))
    }),
    situation("shared, the one that made it", || sharing().0),
    situation("shared, the last one", last_one),
    situation("nothing there", || Stage::shipped("standard-cluster")),
];

/// A connection that works and that the ledger does not know.
///
/// # Panics
/// When the shipped scenario is not there.
pub fn unrecorded() -> Stage {
    let mut scenario = Scenario::shipped("connected").expect("a shipped scenario");
    scenario.stack.connections.clear();
    Stage::of(&scenario)
}

/// The stage with a connection that works.
///
/// # Panics
/// When it does not.
pub fn connected(stage: Stage) -> Stage {
    let name = format!("earlier-{}", stage.simulator.calls().len());
    let execution = stage.provision(&name);
    ready_after(&execution);
    stage
}

/// Gives the connection of the VPC a second endpoint, as a run that was lost may leave
/// it, and answers its id.
///
/// # Panics
/// When there is no endpoint yet.
pub fn add_twin(stage: &Stage) -> String {
    let id = "vpce-00000000000000001";
    stage.simulator.meddle(|world| {
        let mut endpoints = world.ec2.endpoints.values();
        let mut twin = endpoints.next().expect("an endpoint").clone();
        twin.id = id.to_owned();
        twin.private_dns = false;
        twin.private_dns_wanted = None;
        twin.interfaces.clear();
        world.ec2.endpoints.insert(twin.id.clone(), twin);
    });
    id.to_owned()
}

/// An endpoint that somebody has made by hand, up to the end.
///
/// # Panics
/// When the shipped scenario has no such endpoint.
pub fn registered_by_hand() -> Stage {
    let mut scenario = Scenario::shipped("half-made-by-hand").expect("a shipped scenario");
    let endpoint = &mut scenario.vpcs[0].endpoints[0];
    endpoint.state = EndpointState::Available;
    endpoint.private_dns = true;
    scenario.clusters[0].connections = vec![ConnectionSpec {
        endpoint_id: endpoint.id.clone(),
        status: ConnectionStatus::Available,
        region: None,
    }];
    Stage::of(&scenario)
}

/// The id of one of many VPCs.
pub fn vpc_id(n: usize) -> String {
    format!("vpc-0b{n:015x}")
}

/// The `n`th copy of a VPC, with subnets of its own.
pub fn numbered(template: &VpcSpec, n: usize) -> VpcSpec {
    let mut vpc = template.clone();
    vpc.id = vpc_id(n);
    for (m, subnet) in vpc.subnets.iter_mut().enumerate() {
        subnet.id = format!("subnet-0b{n:013x}{m:02x}");
    }
    vpc
}

/// Two clusters behind one endpoint service, and a VPC that is connected to neither.
///
/// # Panics
/// When the shipped scenario has no two clusters.
pub fn unconnected() -> Scenario {
    let mut scenario = Scenario::shipped("shared-endpoint").expect("a shipped scenario");
    scenario.vpcs[0].endpoints.clear();
    scenario.vpcs[0].groups.clear();
    scenario.clusters[0].connections.clear();
    scenario
}

/// The same as a world, with a request for each cluster.
pub fn two_clusters() -> (Stage, [Value; 2]) {
    let scenario = unconnected();
    let requests = [0, 1].map(|index| {
        let mut request = Value::Object(scenario.request.clone());
        request["cluster_id"] = json!(scenario.clusters[index].id);
        request
    });
    (Stage::of(&scenario), requests)
}

/// A prefix list.
pub const LIST: &str = "pl-0123456789abcdef0";
/// An account with a VPC that is peered with ours.
pub const NEIGHBOUR: &str = "222222222222";
/// A security group there.
pub const NEIGHBOURS_GROUP: &str = "222222222222/sg-0b20000000000000d";

/// [`LIST`], of this account.
///
/// # Panics
/// Never: it is one.
pub fn prefix_list(account: &str) -> PrefixListSpec {
    let list = json!({ "id": LIST, "account": account, "max_entries": 20 });
    serde_json::from_value(list).expect("a prefix list")
}

/// Sources that name a network, [`LIST`] and [`NEIGHBOURS_GROUP`].
pub fn sources_by_name() -> Value {
    json!({
        "cidrs": ["10.20.0.0/16"],
        "prefix_list_ids": [LIST],
        "security_group_ids": [NEIGHBOURS_GROUP],
    })
}

/// Adds [`LIST`] and [`NEIGHBOUR`] with its VPC and [`NEIGHBOURS_GROUP`].
///
/// # Panics
/// When the scenario has no VPC.
pub fn add_neighbour(scenario: &mut Scenario) {
    scenario.prefix_lists.push(prefix_list(&scenario.account));
    let vpc = "vpc-0b20000000000000a";
    let peering = json!({
        "id": "pcx-0b20000000000000b",
        "peer_vpc": vpc,
        "peer_account": NEIGHBOUR,
        "peer_cidrs": ["172.20.0.0/16"],
    });
    let peering = serde_json::from_value(peering).expect("a peering");
    scenario.vpcs[0].peerings.push(peering);
    let vpc = json!({
        "id": vpc,
        "account": NEIGHBOUR,
        "cidr": "172.20.0.0/16",
        "groups": [{ "id": "sg-0b20000000000000d", "name": "clients" }],
    });
    scenario
        .vpcs
        .push(serde_json::from_value(vpc).expect("a VPC"));
}

/// Both clusters connected, through an endpoint that was made for the first one.
/// The first stage is about the first one, the second about the second one.
pub fn sharing() -> (Stage, Stage) {
    let (stage, requests) = two_clusters();
    let [first, second] = requests.map(|request| connected(stage.for_request(&request)));
    (first, second)
}

/// The second one, when the first one is gone.
fn last_one() -> Stage {
    let (first, second) = sharing();
    let removal = Removal::of(&first.deprovision("the-other-one"));
    assert!(removal.is_complete(), "{removal:?}");
    second
}

/// The stage with everything settled, the same world without the connection, and
/// the calls that it takes to get there.
///
/// # Panics
/// When the connection does not go.
pub fn taken_away(situation: &Situation) -> (Stage, Snapshot, Vec<Call>) {
    let stage = (situation.stage)();
    Snapshot::settled(&stage);
    let good = stage.forked();
    let removal = Removal::of(&good.deprovision("good"));
    assert!(removal.is_complete(), "{}: {removal:?}", situation.name);
    let calls = good.simulator.calls();
    let gone = Snapshot::settled(&good);
    Before::new(&stage, &gone)
        .check(&good, &removal)
        .unwrap_or_else(|broken| panic!("{}: {broken}", situation.name));
    (stage, gone, calls)
}
