//! The story of every shipped scenario, told by an operator who goes the
//! documented way step by step: does each world do what its text says?

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use simulator::cloud::{ApiCaller, ClusterState, ConnectionStatus, Plan, ServiceStatus};
use simulator::ec2::{
    CreateSecurityGroup, CreateVpcEndpoint, Describe, EndpointState, EndpointType, Filter,
    ModifyVpcEndpoint, SubnetAnswer, VpcEndpoint,
};
use simulator::{ApiError, Caller, Scenario, Simulator, World};
use time::OffsetDateTime;

/// How long the operator waits for anything, in seconds.
const PATIENCE: i64 = 3600;

/// Where a story ended that did not end well: the step, and what was said.
type Trouble = (&'static str, String);

struct Operator {
    sim: Simulator,
    seconds: Arc<AtomicI64>,
    aws: Caller,
    cloud: ApiCaller,
    vpc_id: String,
    cluster_id: String,
}

/// A connection that works.
#[derive(Debug)]
struct Ready {
    endpoint: VpcEndpoint,
    seconds: i64,
}

fn story(name: &str) -> (Result<Ready, Trouble>, Simulator) {
    let scenario = Scenario::shipped(name).expect("it is shipped");
    let seconds = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&seconds);
    let sim = Simulator::new(&scenario, move || {
        OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(clock.load(Ordering::Relaxed))
    });
    let asked = |field: &str| {
        scenario.request[field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let operator = Operator {
        aws: sim.look(|world| world.ec2.caller()),
        cloud: ApiCaller::with_key(scenario.secrets[0].value.clone().unwrap_or_default()),
        vpc_id: asked("vpc_id"),
        cluster_id: asked("cluster_id"),
        seconds,
        sim: sim.clone(),
    };
    (operator.provision(), sim)
}

impl Operator {
    fn provision(&self) -> Result<Ready, Trouble> {
        let cluster = self.until("cluster", |world| {
            let cluster = world.cloud_get_cluster(&self.cloud, &self.cluster_id)?;
            Ok((cluster.state == ClusterState::Created).then_some(cluster))
        })?;
        if cluster.plan == Plan::Advanced {
            self.once("services", |world| {
                world.cloud_create_services(&self.cloud, &self.cluster_id)
            })?;
        }
        let service = self.until("service", |world| {
            let services = world.cloud_list_services(&self.cloud, &self.cluster_id)?;
            Ok(services
                .into_iter()
                .find(|service| service.status == ServiceStatus::Available))
        })?;
        let subnets = self.until("subnets", |world| {
            let by_vpc = Describe::filtered([Filter::one("vpc-id", &self.vpc_id)]);
            let subnets = world.describe_subnets(&self.aws, &by_vpc)?.items;
            Ok((subnets.len() > 1).then_some(subnets))
        })?;
        let subnet_ids = one_in_each_zone(&subnets, &service.availability_zone_ids);
        if subnet_ids.is_empty() {
            return Err(("subnets", "no zone fits".to_owned()));
        }
        let existing = self.once("endpoint", |world| {
            let request = Describe::filtered([
                Filter::one("vpc-id", &self.vpc_id),
                Filter::one("service-name", &service.name),
            ]);
            world.describe_vpc_endpoints(&self.aws, &request)
        })?;
        let endpoint_id = match existing.items.first() {
            Some(endpoint) => endpoint.vpc_endpoint_id.clone(),
            None => self.make(&service.name, subnet_ids)?,
        };
        self.once("register", |world| {
            let known = world.cloud_list_connections(&self.cloud, &self.cluster_id)?;
            if !known
                .iter()
                .any(|connection| connection.endpoint_id == endpoint_id)
            {
                world.cloud_add_connection(&self.cloud, &self.cluster_id, &endpoint_id)?;
            }
            Ok(())
        })?;
        self.until("registered", |world| {
            let known = world.cloud_list_connections(&self.cloud, &self.cluster_id)?;
            let ours = known
                .into_iter()
                .find(|known| known.endpoint_id == endpoint_id);
            match ours.map(|ours| ours.status) {
                Some(ConnectionStatus::Available) => Ok(Some(())),
                Some(ConnectionStatus::Rejected) => Err(ApiError::new(0, "rejected", "")),
                _ => Ok(None),
            }
        })?;
        let endpoint = self.available(&endpoint_id)?;
        if !endpoint.private_dns_enabled {
            self.once("private DNS", |world| {
                let request = ModifyVpcEndpoint {
                    vpc_endpoint_id: endpoint_id.clone(),
                    private_dns_enabled: Some(true),
                    ..ModifyVpcEndpoint::default()
                };
                world.modify_vpc_endpoint(&self.aws, &request)
            })?;
        }
        let endpoint = self.available(&endpoint_id)?;
        assert!(endpoint.private_dns_enabled);
        Ok(Ready {
            endpoint,
            seconds: self.seconds.load(Ordering::Relaxed),
        })
    }

    fn make(&self, service_name: &str, subnet_ids: Vec<String>) -> Result<String, Trouble> {
        let group = self.once("group", |world| {
            let request = CreateSecurityGroup {
                group_name: "cockroach".to_owned(),
                group_description: "a story".to_owned(),
                vpc_id: self.vpc_id.clone(),
                ..CreateSecurityGroup::default()
            };
            world.create_security_group(&self.aws, &request)
        })?;
        let request = CreateVpcEndpoint {
            vpc_endpoint_type: Some(EndpointType::Interface),
            vpc_id: self.vpc_id.clone(),
            service_name: service_name.to_owned(),
            subnet_ids,
            security_group_ids: vec![group.id],
            private_dns_enabled: Some(false),
            ..CreateVpcEndpoint::default()
        };
        let made = self.until("endpoint", |world| {
            match world.create_vpc_endpoint(&self.aws, &request) {
                Ok(made) => Ok(Some(made.vpc_endpoint)),
                Err(error) if error.code == "InvalidSecurityGroupID.NotFound" => Ok(None),
                Err(error) => Err(error),
            }
        })?;
        // Nobody can do anything with an endpoint that cannot be seen yet.
        self.until("endpoint", |world| {
            let by_id = [Filter::one("vpc-endpoint-id", &made.vpc_endpoint_id)];
            let seen = world.describe_vpc_endpoints(&self.aws, &Describe::filtered(by_id))?;
            Ok((!seen.items.is_empty()).then_some(()))
        })?;
        Ok(made.vpc_endpoint_id)
    }

    fn available(&self, id: &str) -> Result<VpcEndpoint, Trouble> {
        self.until("available", |world| {
            let mut seen = world.describe_vpc_endpoints(&self.aws, &Describe::id(id))?;
            let endpoint = seen.items.pop();
            Ok(endpoint.filter(|it| it.state == EndpointState::Available))
        })
    }

    fn once<T>(
        &self,
        step: &'static str,
        call: impl FnOnce(&mut World) -> Result<T, ApiError>,
    ) -> Result<T, Trouble> {
        // Whose operation it is does not matter here.
        self.sim
            .call("ec2:Step", call)
            .map_err(|refusal| (step, refusal.code().to_owned()))
    }

    fn until<T>(
        &self,
        step: &'static str,
        call: impl Fn(&mut World) -> Result<Option<T>, ApiError>,
    ) -> Result<T, Trouble> {
        let begin = self.seconds.load(Ordering::Relaxed);
        loop {
            if let Some(found) = self.once(step, &call)? {
                return Ok(found);
            }
            if self.seconds.fetch_add(5, Ordering::Relaxed) - begin > PATIENCE {
                return Err((step, "in vain".to_owned()));
            }
        }
    }
}

/// The subnet with the most free addresses in each zone of the service.
fn one_in_each_zone(subnets: &[SubnetAnswer], zone_ids: &[String]) -> Vec<String> {
    let best = |zone_id: &String| {
        subnets
            .iter()
            .filter(|answer| answer.subnet.zone_id == *zone_id)
            .max_by_key(|answer| answer.available_ip_address_count)
    };
    zone_ids
        .iter()
        .filter_map(best)
        .map(|answer| answer.subnet.id.clone())
        .collect()
}

fn ready(name: &str) -> (Ready, Simulator) {
    let (end, sim) = story(name);
    (
        end.unwrap_or_else(|trouble| panic!("{name}: {trouble:?}")),
        sim,
    )
}

fn trouble(name: &str) -> (&'static str, String) {
    story(name).0.expect_err(name)
}

fn endpoints(sim: &Simulator) -> usize {
    sim.look(|world| world.ec2.endpoints.len())
}

#[test]
fn a_fresh_vpc_is_connected_in_three_to_six_minutes() {
    let (ready, _) = ready("fresh-vpc");
    assert_eq!(ready.endpoint.subnet_ids.len(), 3);
    assert!((180..=360).contains(&ready.seconds), "{} s", ready.seconds);
}

#[test]
fn a_standard_cluster_needs_nobody_to_ask_for_its_service() {
    let (ready, _) = ready("standard-cluster");
    let last = ready.endpoint.dns_entries.last().expect("it has names");
    assert_eq!(last.dns_name, "*.j77.aws-eu-west-1.cockroachlabs.cloud");
}

#[test]
fn what_works_already_is_found_at_once() {
    let (ready, sim) = ready("connected");
    assert_eq!((ready.seconds, endpoints(&sim)), (0, 1));
    let tags = sim.look(|world| world.ec2.endpoints["vpce-0a10000000000000e"].tags.clone());
    assert_eq!(tags["cockroachdb-privatelink:origin"], "made");
}

#[test]
fn what_is_older_than_the_world_tells_its_age() {
    let (ready, sim) = ready("orphans");
    assert_eq!(ready.seconds, 0);
    let group = "first-seen/sg-0a30000000000000d";
    let (made, noted) = sim.look(|world| {
        let endpoint = &world.ec2.endpoints["vpce-0a30000000000000e"];
        let notes = world.dynamodb.items(&world.stack.leases_table);
        let noted = notes[group]["first_seen"]["N"].as_str().map(str::parse);
        let noted: i64 = noted.expect("a note").expect("a number");
        (
            (world.now - endpoint.created).whole_hours(),
            world.now.unix_timestamp() - noted,
        )
    });
    assert_eq!((made, noted), (720, 720 * 3600));
}

#[test]
fn those_who_are_connected_do_not_need_the_ledger() {
    let (ready, sim) = ready("ledger-lost");
    assert_eq!((ready.seconds, endpoints(&sim)), (0, 2));
    let known = sim.look(|world| world.dynamodb.items(&world.stack.connections_table));
    assert!(known.is_empty());
}

#[test]
fn what_was_half_made_by_hand_can_be_finished() {
    let (ready, sim) = ready("half-made-by-hand");
    assert_eq!(ready.endpoint.vpc_endpoint_id, "vpce-0a10000000000000e");
    assert_eq!(endpoints(&sim), 1);
}

#[test]
fn two_clusters_share_one_endpoint() {
    let (ready, sim) = ready("shared-endpoint");
    assert_eq!(ready.endpoint.vpc_endpoint_id, "vpce-0a10000000000000e");
    assert_eq!(endpoints(&sim), 1);
    assert!(ready.seconds < 180, "{} s", ready.seconds);
}

#[test]
fn zones_that_do_not_match_stop_before_anything_is_made() {
    assert_eq!(
        trouble("zones-do-not-match"),
        ("subnets", "no zone fits".to_owned())
    );
}

#[test]
fn a_revoked_key_stops_at_the_first_call() {
    let (end, sim) = story("api-key-refused");
    assert_eq!(end.expect_err("the key is refused").0, "cluster");
    assert_eq!(sim.calls().len(), 1);
}

#[test]
fn a_rejected_endpoint_never_becomes_available() {
    let (end, sim) = story("endpoint-rejected");
    assert_eq!(
        end.expect_err("it is rejected"),
        ("registered", "rejected".to_owned())
    );
    let states: Vec<_> = sim.look(|world| {
        world
            .ec2
            .endpoints
            .values()
            .map(|endpoint| endpoint.state)
            .collect()
    });
    assert_eq!(states, [EndpointState::Rejected]);
}

#[test]
fn a_slow_world_gets_there_in_the_end() {
    let (ready, _) = ready("slow-world");
    assert!(ready.seconds > 1800, "{} s", ready.seconds);
}

#[test]
fn a_taken_name_shows_itself_only_at_the_last_step_to_who_does_not_look() {
    let (end, sim) = story("private-dns-conflict");
    assert_eq!(
        end.expect_err("it is taken"),
        ("private DNS", "InvalidParameter".to_owned())
    );
    assert_eq!(endpoints(&sim), 1, "a whole endpoint was made in vain");
}

#[test]
fn who_does_not_look_is_told_nothing_of_dns_servers_and_acls() {
    let (ready, sim) = ready("own-dns-and-acls");
    assert_eq!(ready.endpoint.subnet_ids.len(), 3);
    assert_eq!(endpoints(&sim), 1);
}

#[test]
fn subnets_of_a_new_vpc_come_while_one_waits() {
    let (ready, _) = ready("fresh-vpc-without-subnets");
    assert!(ready.seconds > 120, "{} s", ready.seconds);
}

#[test]
fn a_cluster_that_is_being_created_is_waited_for() {
    let (ready, _) = ready("cluster-is-creating");
    assert!(ready.seconds > 600, "{} s", ready.seconds);
}

#[test]
fn every_shipped_scenario_has_its_story_here() {
    let told = include_str!("stories.rs");
    for name in Scenario::names() {
        assert!(told.contains(&format!("(\"{name}\")")), "{name}");
    }
}
