//! The ports without a wire and the adapters give equal results, so that what is
//! tried exhaustively in process speaks for the adapters.

use std::time::Duration;

use in_process::InProcess;
use serde_json::json;
use shared::cloud::Cloud;
use shared::ec2::{Endpoints, Network, SecurityGroups, Source, VpcTags};
use shared::executions::{Executions, Machine};
use shared::ledger::Ledger;
use shared::secret::Secrets;
use shared::{StepError, StepErrorName};
use simulator::Scenario;
use simulator::scenario::{EndpointOutcome, SecretState};

use crate::calls::{self, Method, Ports, call};
use crate::endpoints::new_endpoint;
use crate::groups::new_group;
use crate::stage::{
    ABSENT_ENDPOINT, ABSENT_GROUP, ABSENT_VPC, CLUSTER, CONNECTION, REGION, RUN, SECRET,
    STANDARD_CLUSTER, Stage, VPC, scenario,
};
use time::OffsetDateTime;

/// What a caller learns of a call: its value, or code and message.
type Learned = (String, Result<String, (StepErrorName, String)>);

/// Notes what a caller learns. Silence is described by each way in its own words.
fn learned<T: std::fmt::Debug>(what: &str, result: Result<T, StepError>) -> Learned {
    let result = result.map(|value| format!("{value:#?}"));
    (
        what.to_owned(),
        result.map_err(|error| (error.name(), error.to_string())),
    )
}

/// A connection from its beginning to its end, with detours.
async fn story(
    ports: &Ports<
        '_,
        impl Network + Endpoints + SecurityGroups + VpcTags,
        impl Cloud,
        impl Secrets,
        impl Ledger,
        impl Executions,
    >,
    advance: impl Fn(i64),
) -> Vec<Learned> {
    let (ec2, cloud) = (ports.ec2, ports.cloud);
    let mut all = Vec::new();
    for (method, _) in calls::ALL {
        all.push(learned(&format!("{method:?}"), call(method, ports).await));
    }
    let cluster = CLUSTER.parse().unwrap();
    let standard = STANDARD_CLUSTER.parse().unwrap();
    let (vpc, absent_vpc) = (VPC.parse().unwrap(), ABSENT_VPC.parse().unwrap());
    let (absent_group, absent) = (
        ABSENT_GROUP.parse().unwrap(),
        ABSENT_ENDPOINT.parse().unwrap(),
    );
    all.push(learned("an absent VPC", ec2.vpc(&absent_vpc).await));
    all.push(learned("its attributes", ec2.vpc_dns(&absent_vpc).await));
    all.push(learned("its subnets", ec2.subnets(&absent_vpc).await));
    all.push(learned("its peerings", ec2.peered_vpcs(&absent_vpc).await));
    all.push(learned("its zones", ec2.hosted_zones(&absent_vpc).await));
    all.push(learned("its endpoints", ec2.endpoints(&absent_vpc).await));
    all.push(learned(
        "a group of it",
        ec2.group_named(&absent_vpc, "default").await,
    ));
    all.push(learned(
        "an absent group",
        ec2.delete_group(&absent_group).await,
    ));
    all.push(learned(
        "its rules",
        ec2.ingress_rules(std::slice::from_ref(&absent_group)).await,
    ));
    all.push(learned(
        "one of them",
        ec2.revoke(&absent_group, &["sgr-0a1".to_owned()]).await,
    ));
    all.push(learned("an absent endpoint", ec2.endpoint(&absent).await));
    all.push(learned("none by id", ec2.endpoints_by_id(&[]).await));
    all.push(learned("no rules of none", ec2.ingress_rules(&[]).await));
    all.push(learned("on", ec2.set_private_dns(&absent, true).await));
    let subnets = new_endpoint().subnet_ids;
    let changed = ec2.change_subnets(&absent, &subnets, &[]).await;
    all.push(learned("subnets of an absent endpoint", changed));
    all.push(learned("away", ec2.delete_endpoint(&absent).await));
    all.push(learned(
        "marked",
        ec2.tag_endpoint(&absent, &new_group().tags).await,
    ));
    all.push(learned("known", cloud.register(&cluster, &absent).await));
    all.push(learned(
        "unknown",
        cloud.deregister(&cluster, &absent).await,
    ));
    all.push(learned("Standard", cloud.cluster(&standard).await));
    all.push(learned(
        "asks",
        cloud.request_endpoint_services(&standard).await,
    ));
    all.push(learned("owners", cloud.trusted_owners(&standard).await));
    all.extend(of_the_doors(ports.ledger, ports.executions).await);

    let group = ec2.create_group(&new_group()).await;
    all.push(learned(
        "the group once more",
        ec2.create_group(&new_group()).await,
    ));
    if let Ok(group) = group {
        advance(10);
        let source = |text: &str| Source::Cidr(text.parse().unwrap());
        let sources = [
            source("10.1.0.0/16"),
            source("2001:db8::/56"),
            Source::Group(group.clone()),
        ];
        all.push(learned(
            "one rule",
            ec2.authorize(&group, &sources[..1], "a").await,
        ));
        all.push(learned("rules", ec2.authorize(&group, &sources, "b").await));
        let rules = ec2.ingress_rules(std::slice::from_ref(&group)).await;
        let ids: Vec<String> = rules.iter().flatten().map(|rule| rule.id.clone()).collect();
        all.push(learned("the rules", rules));
        all.push(learned("a rule less", ec2.revoke(&group, &ids[..1]).await));
        all.push(learned("no rules", ec2.revoke(&group, &ids).await));
        all.push(learned("rules left", ec2.ingress_rules(&[group]).await));
    }
    let created = ec2.create_endpoint(&new_endpoint()).await;
    let mut other = new_endpoint();
    other.subnet_ids.pop();
    all.push(learned(
        "other parameters",
        ec2.create_endpoint(&other).await,
    ));
    if let Ok(created) = created {
        let id = created.id;
        all.push(learned("early", ec2.endpoint(&id).await));
        all.push(learned(
            "private DNS early",
            ec2.set_private_dns(&id, true).await,
        ));
        all.push(learned(
            "registered early",
            cloud.register(&cluster, &id).await,
        ));
        advance(10);
        all.push(learned("visible", ec2.endpoint(&id).await));
        all.push(learned("registered", cloud.register(&cluster, &id).await));
        all.push(learned(
            "registered twice",
            cloud.register(&cluster, &id).await,
        ));
        for _ in 0..6 {
            advance(30);
            all.push(learned("the endpoint", ec2.endpoint(&id).await));
            all.push(learned(
                "registrations",
                cloud.registrations(&cluster).await,
            ));
        }
        all.push(learned("private DNS", ec2.set_private_dns(&id, true).await));
        advance(120);
        all.push(learned("endpoints", ec2.endpoints(&vpc).await));
        let has = new_endpoint().subnet_ids;
        let doubled = ec2.change_subnets(&id, &has, &[]).await;
        all.push(learned("two subnets in one zone", doubled));
        let emptied = ec2.change_subnets(&id, &[], &has).await;
        all.push(learned("no subnet at all", emptied));
        all.push(learned("deregister", cloud.deregister(&cluster, &id).await));
        all.push(learned("removing", cloud.registrations(&cluster).await));
        advance(60);
        all.push(learned("removed", cloud.registrations(&cluster).await));
        all.push(learned("delete", ec2.delete_endpoint(&id).await));
        all.push(learned("deleting", ec2.endpoint(&id).await));
        all.push(learned(
            "in use",
            ec2.delete_group(&new_endpoint().group_id).await,
        ));
        advance(60);
        all.push(learned("deleted", ec2.endpoint(&id).await));
        all.push(learned("endpoints left", ec2.endpoints(&vpc).await));
        advance(60);
    }
    all
}

/// What the doors ask, besides what every table goes through.
async fn of_the_doors(ledger: &impl Ledger, executions: &impl Executions) -> Vec<Learned> {
    let mut all = Vec::new();
    let (region, vpc) = (REGION.parse().unwrap(), VPC.parse().unwrap());
    let phase = async |what: &str| {
        let found = ledger.connection(CONNECTION).await;
        learned(what, found.map(|found| found.unwrap().phase))
    };
    all.push(phase("interrupted").await);
    let another = ledger.record_interruption(CONNECTION, "another").await;
    all.push(learned("of another run", another));
    all.push(learned("unknown", ledger.connection("unknown").await));
    let health = crate::ledger::health();
    all.push(learned(
        "nothing is made",
        ledger.record_health("unknown", &health).await,
    ));
    all.push(learned(
        "or",
        ledger.record_interruption("unknown", RUN).await,
    ));
    all.push(learned("still", ledger.connection("unknown").await));
    all.push(learned(
        "shortened",
        ledger
            .shorten_lease(&region, &vpc, RUN, OffsetDateTime::UNIX_EPOCH)
            .await,
    ));
    all.push(learned(
        "released",
        ledger.release_lease(&region, &vpc, RUN).await,
    ));
    let pages = ledger.connections(Some(CONNECTION), 1).await;
    all.push(learned("after the last", pages));
    all.push(learned("no key", ledger.connection("").await));
    let machine = Machine::Provision;
    let start = async |name: &str, number: i32| {
        let input = json!({ "a": number });
        learned(name, executions.start(machine, name, &input).await)
    };
    all.push(start("another", 1).await);
    all.push(start("another", 2).await);
    all.push(start("no name: at all", 1).await);
    for name in ["another", RUN, "none", "no name: at all"] {
        all.push(learned(name, executions.standing(machine, name).await));
    }
    let other = executions
        .start(Machine::CheckFleet, "another", &json!({}))
        .await;
    all.push(learned("of another machine", other));
    all
}

async fn agree(situation: &str, scenario: &Scenario) -> usize {
    let stage = Stage::of(scenario).await;
    let adapters = stage.adapters().await;
    let over_http = story(&adapters.ports(), |seconds| stage.advance(seconds)).await;

    let stage = Stage::of(scenario).await;
    let world = InProcess::new(stage.sim.clone(), SECRET);
    let in_process = story(&Ports::of(&world), |seconds| stage.advance(seconds)).await;

    for (http, wireless) in over_http.iter().zip(&in_process) {
        assert_eq!(http, wireless, "{situation}");
    }
    assert_eq!(over_http.len(), in_process.len(), "{situation}");
    over_http.len()
}

/// A change that makes a scenario a situation of its own.
type Change = fn(&mut Scenario);

const SITUATIONS: [(&str, Change); 20] = [
    ("nothing takes time", |_| {}),
    ("everything takes its time", |scenario| {
        scenario.pace = simulator::Pace::default()
    }),
    ("the cluster rejects", |scenario| {
        scenario.clusters[0].endpoint_outcome = EndpointOutcome::Rejected;
    }),
    ("AWS cannot build it", |scenario| {
        scenario.clusters[0].endpoint_outcome = EndpointOutcome::Failed;
    }),
    ("nobody accepts it", |scenario| {
        scenario.clusters[0].endpoint_outcome = EndpointOutcome::Expired;
    }),
    ("it is rejected later", |scenario| {
        scenario.pace = simulator::Pace::default();
        scenario.clusters[0].endpoint_outcome = EndpointOutcome::RejectedLater;
    }),
    ("registering twice is refused", |scenario| {
        scenario.habits.second_registration = simulator::cloud::SecondRegistration::Refused;
    }),
    ("registering twice is a conflict", |scenario| {
        scenario.habits.second_registration = simulator::cloud::SecondRegistration::Conflict;
    }),
    ("what is removed stays listed", |scenario| {
        scenario.habits.after_removal = simulator::cloud::AfterRemoval::Rejected;
    }),
    ("deleted endpoints stay listed", |scenario| {
        scenario.pace.deleted_listed = Duration::from_secs(600);
    }),
    ("a locked cluster", |scenario| {
        scenario.clusters[0].state = simulator::cloud::ClusterState::Locked;
        scenario.pace.cluster_locked = Duration::from_secs(3600);
    }),
    ("a locked cluster, in other words", |scenario| {
        scenario.habits.lock_status = 400;
        scenario.clusters[0].state = simulator::cloud::ClusterState::Locked;
        scenario.pace.cluster_locked = Duration::from_secs(3600);
    }),
    ("no trusted owners", |scenario| {
        scenario.habits.trusted_owners_enrolled = false
    }),
    ("a key without a role", |scenario| {
        scenario.keys[0].roles = Vec::new()
    }),
    ("a key that is unknown", |scenario| scenario.keys.clear()),
    ("a secret that cannot be read", |scenario| {
        scenario.secrets[0].state = SecretState::Denied
    }),
    ("a secret without a value", |scenario| {
        scenario.secrets[0].value = None
    }),
    ("no secret", |scenario| scenario.secrets.clear()),
    ("quotas that are used up", |scenario| {
        scenario.quotas.endpoints_per_vpc = 1;
        scenario.quotas.groups_per_region = 1;
        scenario.quotas.rules_per_group = 1;
    }),
    ("words that nobody knows", |scenario| {
        let cluster = &mut scenario.clusters[0];
        cluster.state = simulator::cloud::ClusterState::Unknown("NAPPING".to_owned());
        let word = simulator::cloud::ConnectionStatus::Unknown("STATUS_NEW".to_owned());
        cluster.words.registered = Some(word);
    }),
];

#[tokio::test]
async fn both_ways_give_equal_results_in_every_situation() {
    let mut calls = 0;
    for (situation, change) in SITUATIONS {
        let mut scenario = scenario();
        change(&mut scenario);
        calls += agree(situation, &scenario).await;
    }
    println!("{} situations, {calls} calls each way", SITUATIONS.len());
}

/// The shipped scenarios have other clusters and VPCs; here only what they hold
/// is read.
#[tokio::test]
async fn both_ways_read_every_shipped_scenario_alike() {
    for name in Scenario::names() {
        let mut scenario = Scenario::shipped(name).unwrap();
        scenario.habits.requests_per_second = 0;
        let stage = Stage::of(&scenario).await;
        let (ec2, cloud) = (stage.ec2().await, stage.cloud().await);
        let ports = InProcess::new(stage.sim.clone(), SECRET);
        for vpc in &scenario.vpcs {
            if vpc.region.is_some() || vpc.account.is_some() {
                continue;
            }
            let vpc = vpc.id.parse().unwrap();
            assert_eq!(ec2.vpc(&vpc).await, ports.vpc(&vpc).await, "{name}");
            assert_eq!(ec2.vpc_dns(&vpc).await, ports.vpc_dns(&vpc).await, "{name}");
            assert_eq!(
                ec2.hosted_zones(&vpc).await,
                ports.hosted_zones(&vpc).await,
                "{name}"
            );
            assert_eq!(ec2.subnets(&vpc).await, ports.subnets(&vpc).await, "{name}");
            assert_eq!(
                ec2.peered_vpcs(&vpc).await,
                ports.peered_vpcs(&vpc).await,
                "{name}"
            );
            assert_eq!(
                ec2.endpoints(&vpc).await,
                ports.endpoints(&vpc).await,
                "{name}"
            );
        }
        for cluster in &scenario.clusters {
            let id = cluster.id.parse().unwrap();
            assert_eq!(cloud.cluster(&id).await, ports.cluster(&id).await, "{name}");
            let services = cloud.endpoint_services(&id).await;
            assert_eq!(services, ports.endpoint_services(&id).await, "{name}");
            assert_eq!(
                cloud.registrations(&id).await,
                ports.registrations(&id).await,
                "{name}"
            );
            for service in services.unwrap_or_default() {
                let Some(service) = service.name else {
                    continue;
                };
                let seen = ec2.endpoint_service(&service).await;
                assert_eq!(seen, ports.endpoint_service(&service).await, "{name}");
            }
        }
    }
}

/// The table of calls is a table of all calls.
#[test]
fn every_method_is_tried() {
    let methods: std::collections::BTreeSet<Method> =
        calls::ALL.iter().map(|(method, _)| *method).collect();
    assert_eq!(methods.len(), calls::ALL.len());
}
