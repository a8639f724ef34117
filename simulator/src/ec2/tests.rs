//! What EC2 does, rule by rule, each with where the rule comes from.

mod describe;
mod endpoints;
mod groups;
mod life;
mod private_dns;
mod rules;
mod tags;

use std::time::Duration;

use time::OffsetDateTime;

use super::*;
use crate::World;
use crate::scenario::Scenario;

const VPC: &str = "vpc-0a000000000000001";
const DEFAULT_VPC: &str = "vpc-0a000000000000002";
const SUBNET_1: &str = "subnet-0a00000000000001a";
const SUBNET_1_TOO: &str = "subnet-0a00000000000001b";
const SUBNET_2: &str = "subnet-0a00000000000002a";
const SUBNET_3: &str = "subnet-0a00000000000003a";
const SUBNET_ELSEWHERE: &str = "subnet-0a00000000000009a";
const GROUP: &str = "sg-0a000000000000001";
const GROUP_ELSEWHERE: &str = "sg-0a000000000000009";
const SERVICE: &str = "com.amazonaws.vpce.eu-west-1.vpce-svc-0a000000000000001";
const OPEN_SERVICE: &str = "com.amazonaws.vpce.eu-west-1.vpce-svc-0a000000000000002";
const PRIVATE_NAME: &str = "internal-orders.aws-eu-west-1.crdb.io";

const SCENARIO: &str = r#"
title = "EC2"
story = "A VPC in three zones, and services in two of them."
throttle = "none"

[[vpcs]]
id = "vpc-0a000000000000001"
cidr = "10.0.0.0/16"
secondary_cidrs = ["10.1.0.0/16"]
former_cidrs = ["10.2.0.0/16"]
subnets = [
    { id = "subnet-0a00000000000001a", zone = "euw1-az1", cidr = "10.0.0.0/24" },
    { id = "subnet-0a00000000000001b", zone = "euw1-az1", cidr = "10.0.1.0/24" },
    { id = "subnet-0a00000000000002a", zone = "euw1-az2", cidr = "10.0.2.0/24", free_addresses = 1 },
    { id = "subnet-0a00000000000003a", zone = "euw1-az3", cidr = "10.0.3.0/24" },
]
groups = [{ id = "sg-0a000000000000001", name = "by hand" }]

[[vpcs]]
id = "vpc-0a000000000000002"
cidr = "172.31.0.0/16"
is_default = true
subnets = [{ id = "subnet-0a00000000000009a", zone = "euw1-az1", cidr = "172.31.0.0/20" }]
groups = [{ id = "sg-0a000000000000009", name = "elsewhere" }]

[[endpoint_services]]
name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0a000000000000001"
owner = "444455556666"
zone_ids = ["euw1-az1", "euw1-az2", "euw1-az7"]
private_dns_name = "internal-orders.aws-eu-west-1.crdb.io"
acceptance_required = true

[[endpoint_services]]
name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0a000000000000002"
owner = "777788889999"
private_dns_name = "open.example.com"
"#;

/// A world with its time in the hands of the test.
struct Stage {
    world: World,
    caller: Caller,
}

impl Stage {
    fn new() -> Stage {
        Stage::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Scenario)) -> Stage {
        let mut scenario = Scenario::parse(SCENARIO).unwrap();
        change(&mut scenario);
        let world = World::new(&scenario, OffsetDateTime::UNIX_EPOCH);
        let caller = world.ec2.caller();
        Stage { world, caller }
    }

    fn wait(&mut self, seconds: u64) {
        let then = self.world.now + Duration::from_secs(seconds);
        self.world.settle(then);
    }

    fn create(&mut self, request: CreateVpcEndpoint) -> Result<VpcEndpoint, ApiError> {
        self.world
            .create_vpc_endpoint(&self.caller, &request)
            .map(|answer| answer.vpc_endpoint)
    }

    /// An endpoint that the provider has accepted.
    fn available(&mut self) -> String {
        let id = self.create(request()).unwrap().vpc_endpoint_id;
        self.world.accept_endpoint(&id);
        self.wait(45);
        assert_eq!(self.state(&id), EndpointState::Available);
        id
    }

    fn describe(&mut self, id: &str) -> Result<VpcEndpoint, ApiError> {
        self.world
            .describe_vpc_endpoints(&self.caller, &Describe::id(id))
            .map(|mut answer| answer.items.remove(0))
    }

    /// What a Describe operation tells of the things that pass these filters.
    fn told<T>(&mut self, operation: Operation<T>, filters: impl Into<Vec<Filter>>) -> Vec<T> {
        let request = Describe::filtered(filters);
        operation(&mut self.world, &self.caller, &request)
            .unwrap()
            .items
    }

    fn state(&self, id: &str) -> EndpointState {
        self.world.ec2.endpoint(id).unwrap().state
    }

    fn modify(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut ModifyVpcEndpoint),
    ) -> Result<(), ApiError> {
        let mut request = ModifyVpcEndpoint {
            vpc_endpoint_id: id.to_owned(),
            ..ModifyVpcEndpoint::default()
        };
        change(&mut request);
        self.world.modify_vpc_endpoint(&self.caller, &request)
    }

    fn private_dns(&mut self, id: &str, on: bool) -> Result<(), ApiError> {
        self.modify(id, |request| request.private_dns_enabled = Some(on))
    }

    fn delete(&mut self, id: &str) -> Vec<Unsuccessful> {
        let request = DeleteVpcEndpoints {
            vpc_endpoint_ids: vec![id.to_owned()],
        };
        self.world
            .delete_vpc_endpoints(&self.caller, &request)
            .unwrap()
    }

    fn create_group(&mut self, name: &str) -> Result<String, ApiError> {
        let request = CreateSecurityGroup {
            group_name: name.to_owned(),
            group_description: "for a test".to_owned(),
            vpc_id: VPC.to_owned(),
            ..CreateSecurityGroup::default()
        };
        self.world
            .create_security_group(&self.caller, &request)
            .map(|group| group.id)
    }

    fn delete_group(&mut self, id: &str) -> Result<(), ApiError> {
        let request = DeleteSecurityGroup {
            group_id: id.to_owned(),
        };
        let deleted = self.world.delete_security_group(&self.caller, &request);
        deleted.map(drop)
    }
}

type Operation<T> = fn(&mut World, &Caller, &Describe) -> Result<Described<T>, ApiError>;

/// A request that EC2 accepts.
fn request() -> CreateVpcEndpoint {
    CreateVpcEndpoint {
        vpc_endpoint_type: Some(EndpointType::Interface),
        vpc_id: VPC.to_owned(),
        service_name: SERVICE.to_owned(),
        subnet_ids: vec![SUBNET_1.to_owned(), SUBNET_2.to_owned()],
        security_group_ids: vec![GROUP.to_owned()],
        private_dns_enabled: Some(false),
        ..CreateVpcEndpoint::default()
    }
}

fn in_one_subnet() -> CreateVpcEndpoint {
    CreateVpcEndpoint {
        subnet_ids: vec![SUBNET_1.to_owned()],
        ..request()
    }
}

/// The code of an error.
fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().code
}
