//! What the Cloud side does, rule by rule.

mod clusters;
mod connections;
mod outcomes;
mod owners;
mod services;

use std::time::Duration;

use time::OffsetDateTime;

use super::{ApiCaller, Connection, ConnectionStatus, PrivateEndpointService};
use crate::calls::ApiError;
use crate::ec2::EndpointState;
use crate::scenario::Scenario;
use crate::world::World;

const ADVANCED: &str = "11111111-1111-4111-8111-111111111111";
const STANDARD: &str = "22222222-2222-4222-8222-222222222222";
const NEIGHBOUR: &str = "33333333-3333-4333-8333-333333333333";
const BASIC: &str = "44444444-4444-4444-8444-444444444444";
const NOBODY: &str = "99999999-9999-4999-8999-999999999999";

/// An endpoint of the service that the Standard clusters share.
const ENDPOINT: &str = "vpce-0123456789abcdef0";
/// An endpoint of the service of the Advanced cluster.
const DEDICATED_ENDPOINT: &str = "vpce-0fedcba9876543210";
/// An endpoint of somebody else's service.
const STRANGE_ENDPOINT: &str = "vpce-0000000000000ffff";

const SCENARIO: &str = r#"
title = "clusters of every plan"
story = "The neighbour shares the endpoint service of the Standard cluster."

[habits]
requests_per_second = 0

[[keys]]
secret = "operator"
[[keys]]
secret = "admin"
roles = ["CLUSTER_ADMIN"]
[[keys]]
secret = "developer"
roles = ["CLUSTER_DEVELOPER"]

[[clusters]]
id = "11111111-1111-4111-8111-111111111111"
name = "advanced"
plan = "advanced"
[[clusters.regions]]
name = "eu-west-1"
service = { name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0aaaaaaaaaaaaaaaa" }
[[clusters.regions]]
name = "us-east-1"

[[clusters]]
id = "22222222-2222-4222-8222-222222222222"
name = "standard"
plan = "standard"
[[clusters.regions]]
name = "eu-west-1"
service = { name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0bbbbbbbbbbbbbbbb" }

[[clusters]]
id = "33333333-3333-4333-8333-333333333333"
name = "neighbour"
plan = "standard"
[[clusters.regions]]
name = "eu-west-1"
service = { name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0bbbbbbbbbbbbbbbb" }

[[clusters]]
id = "44444444-4444-4444-8444-444444444444"
name = "basic"
plan = "basic"
[[clusters.regions]]
name = "eu-west-1"

[[endpoint_services]]
name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0cccccccccccccccc"
acceptance_required = true

[[vpcs]]
id = "vpc-0123456789abcdef0"
cidr = "10.0.0.0/16"
[[vpcs.endpoints]]
id = "vpce-0123456789abcdef0"
service_name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0bbbbbbbbbbbbbbbb"
state = "pendingAcceptance"
[[vpcs.endpoints]]
id = "vpce-0fedcba9876543210"
service_name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0aaaaaaaaaaaaaaaa"
state = "pendingAcceptance"
[[vpcs.endpoints]]
id = "vpce-0000000000000ffff"
service_name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0cccccccccccccccc"
state = "pendingAcceptance"
"#;

/// A world to try things in, seen by one caller.
struct Stage {
    world: World,
    caller: ApiCaller,
}

impl Stage {
    fn new() -> Stage {
        Stage::with(|_| {})
    }

    /// The world after a change of its scenario.
    fn with(change: impl FnOnce(&mut Scenario)) -> Stage {
        let mut scenario = Scenario::parse(SCENARIO).expect("the scenario is sound");
        change(&mut scenario);
        Stage {
            world: World::new(&scenario, OffsetDateTime::UNIX_EPOCH),
            caller: ApiCaller::with_key("operator"),
        }
    }

    fn become_caller(&mut self, key: &str) {
        self.caller = ApiCaller::with_key(key);
    }

    fn wait(&mut self, seconds: u64) {
        let then = self.world.now + Duration::from_secs(seconds);
        self.world.settle(then);
    }

    fn register(&mut self, cluster: &str, endpoint: &str) -> Result<Connection, ApiError> {
        let caller = self.caller.clone();
        self.world.cloud_add_connection(&caller, cluster, endpoint)
    }

    fn remove(&mut self, cluster: &str, endpoint: &str) -> Result<(), ApiError> {
        let caller = self.caller.clone();
        self.world
            .cloud_delete_connection(&caller, cluster, endpoint)
    }

    fn registered(&mut self, cluster: &str, endpoint: &str) -> Connection {
        self.register(cluster, endpoint)
            .expect("it can be registered")
    }

    fn removed(&mut self, cluster: &str, endpoint: &str) {
        self.remove(cluster, endpoint).expect("it can be removed");
    }

    /// How a cluster lists an endpoint, as the word on the wire; nothing if it does not.
    fn listed(&mut self, cluster: &str, endpoint: &str) -> String {
        let caller = self.caller.clone();
        let connections = self
            .world
            .cloud_list_connections(&caller, cluster)
            .expect("the list can be read");
        let found = connections
            .into_iter()
            .find(|known| known.endpoint_id == endpoint);
        found.map_or_else(String::new, |known| known.status.as_str().to_owned())
    }

    fn services(&mut self, cluster: &str) -> Vec<PrivateEndpointService> {
        let caller = self.caller.clone();
        self.world
            .cloud_list_services(&caller, cluster)
            .expect("the list can be read")
    }

    fn ask_for_services(&mut self, cluster: &str) -> Result<Vec<PrivateEndpointService>, ApiError> {
        let caller = self.caller.clone();
        self.world.cloud_create_services(&caller, cluster)
    }

    /// The state of an endpoint in EC2.
    fn in_ec2(&self, endpoint: &str) -> EndpointState {
        self.world
            .ec2
            .endpoint(endpoint)
            .expect("the endpoint is there")
            .state
    }

    /// Registers the endpoint with the Standard cluster and waits until all is
    /// well.
    fn register_and_wait(&mut self) {
        self.registered(STANDARD, ENDPOINT);
        self.wait(120);
        assert_eq!(self.listed(STANDARD, ENDPOINT), "STATUS_AVAILABLE");
        assert_eq!(self.in_ec2(ENDPOINT), EndpointState::Available);
    }
}

/// The HTTP status of a refusal.
fn status<T>(outcome: Result<T, ApiError>) -> u16 {
    outcome.err().expect("it is refused").status
}
