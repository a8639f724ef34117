//! The simulated networks and clusters, one VPC for each story.

use std::net::Ipv4Addr;

use engine::{Clock, ScaledClock};
use simulator::http::Server;
use simulator::{Scenario, Simulator};

use super::SPEED;

/// The cluster of most stories, a Standard one.
pub const STANDARD: &str = "5a0e8400-e29b-41d4-a716-446655440001";
/// Its private host.
pub const STANDARD_HOST: &str = "internal-payments-2718.j77.aws-eu-west-1.cockroachlabs.cloud";
/// An Advanced cluster, whose endpoint service nobody has asked for.
pub const ADVANCED: &str = "1a2b3c4d-0000-4000-8000-000000000001";
/// An Advanced cluster that rejects every endpoint.
pub const REJECTING: &str = "1a2b3c4d-0000-4000-8000-000000000002";
/// The API key that the Cloud API knows.
pub const KEY: &str = "CCDB1_simulated0000000000001_thisKeyOpensNothingButTheSimulator000000";
/// A VPC with an endpoint that somebody made by hand and left.
pub const HALF_MADE: &str = "vpc-0e0000000000000ad";

/// How many VPCs there are for stories.
const VPCS: u8 = 32;

/// The VPC of a story, by its number.
///
/// # Panics
/// If there are not so many.
pub fn vpc(number: u8) -> String {
    assert!(number < VPCS, "there are {VPCS} VPCs for stories");
    format!("vpc-0e0000000000000{number:02x}")
}

/// The world, served on loopback.
#[derive(Debug)]
pub struct World {
    /// What it looks like from inside.
    pub simulator: Simulator,
    server: Server,
}

impl World {
    /// Starts the world.
    ///
    /// # Panics
    /// When it cannot be served.
    pub async fn start() -> Self {
        let clock = ScaledClock::new(SPEED);
        let simulator = Simulator::new(&scenario(), move || clock.now());
        let server = Server::start(simulator.clone(), (Ipv4Addr::LOCALHOST, 0).into())
            .await
            .expect("a server");
        Self { simulator, server }
    }

    /// Where it answers, without a slash at the end.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What its clock shows, in seconds since 1970.
    pub fn now(&self) -> f64 {
        self.simulator.now().unix_timestamp_nanos() as f64 / 1e9
    }
}

/// Somebody takes away the rules that let clients in.
pub fn close(world: &mut simulator::World, vpc: &str) {
    let groups = world.ec2.groups.values_mut();
    let ours = groups.filter(|group| group.vpc_id == vpc && !group.is_default());
    ours.for_each(|group| group.rules.clear());
}

/// The world of all stories: `tests/emulator/world.toml` with its first VPC copied.
///
/// # Panics
/// If the file is not a scenario.
pub fn scenario() -> Scenario {
    let text = include_str!("../../emulator/world.toml");
    let mut scenario = Scenario::parse(text).expect("a scenario");
    let pattern = scenario.vpcs.remove(0);
    for number in 0..VPCS {
        let mut copy = pattern.clone();
        copy.id = vpc(number);
        for subnet in &mut copy.subnets {
            subnet.id = subnet.id.replace("000ff", &format!("000{number:02x}"));
        }
        scenario.vpcs.push(copy);
    }
    scenario
}
