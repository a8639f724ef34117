//! The ports without a wire and the adapters give equal results, so that what is
//! tried exhaustively in process speaks for the adapters.

use std::time::Duration;

use in_process::InProcess;
use serde_json::json;
use shared::cloud::Cloud;
use shared::ec2::{Endpoints, Network, SecurityGroups, Source, VpcTags};
use shared::executions::{Executions, Machine};
use shared::ids::{PrefixListId, SecurityGroupId, SubnetId};
use shared::ledger::Ledger;
use shared::secret::Secrets;
use shared::{StepError, StepErrorName};
use simulator::Scenario;
use simulator::scenario::{EndpointOutcome, SecretState};

use crate::calls::{self, Ports, call};
use crate::endpoints::new_endpoint;
use crate::groups::new_group;
use crate::stage::{
    ABSENT_ENDPOINT, ABSENT_GROUP, ABSENT_VPC, CLUSTER, CONNECTION, GROUP, REGION, RUN, SECRET,
    STANDARD_CLUSTER, SUBNET_2, Stage, VPC, parsed, scenario,
};
use time::OffsetDateTime;

/// What a caller learns of a call: its value, or code and message.
type Learned = (String, Result<String, (StepErrorName, String)>);

/// All that a caller learns.
#[derive(Default)]
struct Story(Vec<Learned>);

impl Story {
    /// Silence is described by each way in its own words.
    fn note<T: std::fmt::Debug>(&mut self, what: &str, result: Result<T, StepError>) {
        let result = result.map(|value| format!("{value:#?}"));
        let result = result.map_err(|error| (error.name(), error.to_string()));
        self.0.push((what.to_owned(), result));
    }
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
    let mut all = Story::default();
    for (method, _) in calls::ALL {
        all.note(&format!("{method:?}"), call(method, ports).await);
    }
    let cluster = parsed(CLUSTER);
    let standard = parsed(STANDARD_CLUSTER);
    let (vpc, absent_vpc) = (parsed(VPC), parsed(ABSENT_VPC));
    let (absent_group, absent) = (parsed(ABSENT_GROUP), parsed(ABSENT_ENDPOINT));
    all.note("an absent VPC", ec2.vpc(&absent_vpc).await);
    all.note("its attributes", ec2.vpc_dns(&absent_vpc).await);
    all.note("its subnets", ec2.subnets(&absent_vpc).await);
    all.note("its peerings", ec2.peered_vpcs(&absent_vpc).await);
    all.note("its zones", ec2.hosted_zones(&absent_vpc).await);
    all.note("its endpoints", ec2.endpoints(&absent_vpc).await);
    let group = ec2.group_named(&absent_vpc, "default").await;
    all.note("a group of it", group);
    all.note("its tags", ec2.vpc_tags(&absent_vpc).await);
    // Without a filter, EC2 would list everything that there is.
    let groups: [SecurityGroupId; 2] = [GROUP, ABSENT_GROUP].map(parsed);
    for groups in [&groups[..], &[]] {
        all.note("those that exist", ec2.existing_groups(groups).await);
    }
    let lists: [PrefixListId; 4] = [
        "pl-0a000000000000001",
        "pl-0a000000000000002",
        "pl-63a5400a",
        "pl-0a00000000000000f",
    ]
    .map(parsed);
    for lists in [&lists[..], &[]] {
        all.note("prefix lists", ec2.prefix_lists(lists).await);
    }
    let options = ["dopt-0c1e5f3a7b9d24680", "dopt-0a00000000000000f"].map(str::to_owned);
    for options in [&options[..], &[]] {
        all.note("DNS servers", ec2.dns_servers(options).await);
    }
    let subnets: [SubnetId; 1] = [parsed(SUBNET_2)];
    for subnets in [&subnets[..], &[]] {
        all.note("ACLs", ec2.network_acls(subnets).await);
    }
    for end in ["9", "f"] {
        let name = format!("com.amazonaws.vpce.eu-west-1.vpce-svc-0a00000000000000{end}");
        let service = ec2.endpoint_service(&parsed(&name)).await;
        all.note("another service", service);
    }
    all.note("an absent group", ec2.delete_group(&absent_group).await);
    let rules = ec2.ingress_rules(std::slice::from_ref(&absent_group)).await;
    all.note("its rules", rules);
    let revoked = ec2.revoke(&absent_group, &["sgr-0a1".to_owned()]).await;
    all.note("one of them", revoked);
    all.note("an absent endpoint", ec2.endpoint(&absent).await);
    all.note("none by id", ec2.endpoints_by_id(&[]).await);
    all.note("no rules of none", ec2.ingress_rules(&[]).await);
    all.note("on", ec2.set_private_dns(&absent, true).await);
    let subnets = new_endpoint().subnet_ids;
    let changed = ec2.change_subnets(&absent, &subnets, &[]).await;
    all.note("subnets of an absent endpoint", changed);
    all.note("away", ec2.delete_endpoint(&absent).await);
    all.note("marked", ec2.tag_endpoint(&absent, &new_group().tags).await);
    all.note("known", cloud.register(&cluster, &absent).await);
    all.note("unknown", cloud.deregister(&cluster, &absent).await);
    all.note("Standard", cloud.cluster(&standard).await);
    all.note("services", cloud.endpoint_services(&cluster).await);
    let basic = parsed("1a2b3c4d-0000-4000-8000-000000000003");
    all.note("Basic", cloud.cluster(&basic).await);
    all.note("without services", cloud.register(&basic, &absent).await);
    let unknown = parsed("1a2b3c4d-0000-4000-8000-00000000000f");
    all.note("no cluster", cloud.cluster(&unknown).await);
    all.note("its services", cloud.endpoint_services(&unknown).await);
    all.note("asks", cloud.request_endpoint_services(&standard).await);
    all.note("owners", cloud.trusted_owners(&standard).await);
    let owner = parsed("111122223333");
    for _ in 0..2 {
        all.note("an owner", cloud.trust_owner(&cluster, &owner).await);
    }
    of_the_doors(&mut all, ports.ledger, ports.executions).await;

    let group = ec2.create_group(&new_group()).await;
    all.note("the group once more", ec2.create_group(&new_group()).await);
    if let Ok(group) = group {
        advance(10);
        let source = |text: &str| Source::Cidr(text.parse().unwrap());
        let sources = [
            source("10.1.0.0/16"),
            source("2001:db8::/56"),
            Source::Group(parsed(group.as_str())),
        ];
        all.note("one rule", ec2.authorize(&group, &sources[..1], "a").await);
        all.note("rules", ec2.authorize(&group, &sources, "b").await);
        let others = [
            Source::Group(parsed("444455556666/sg-0a000000000000012")),
            Source::PrefixList(parsed("pl-0a000000000000001")),
        ];
        all.note("others", ec2.authorize(&group, &others, "c").await);
        for absent in [
            Source::Group(parsed("444455556666/sg-0a00000000000000f")),
            Source::PrefixList(parsed("pl-0a00000000000000f")),
        ] {
            let refused = ec2.authorize(&group, &[absent], "d").await;
            all.note("an absent source", refused);
        }
        let rules = ec2.ingress_rules(std::slice::from_ref(&group)).await;
        let ids: Vec<String> = rules.iter().flatten().map(|rule| rule.id.clone()).collect();
        all.note("the rules", rules);
        all.note("a rule less", ec2.revoke(&group, &ids[..1]).await);
        all.note("no rules", ec2.revoke(&group, &ids).await);
        all.note("rules left", ec2.ingress_rules(&[group]).await);
    }
    let created = ec2.create_endpoint(&new_endpoint()).await;
    let mut other = new_endpoint();
    other.subnet_ids.pop();
    all.note("other parameters", ec2.create_endpoint(&other).await);
    if let Ok(created) = created {
        let id = created.id;
        all.note("early", ec2.endpoint(&id).await);
        all.note("private DNS early", ec2.set_private_dns(&id, true).await);
        all.note("registered early", cloud.register(&cluster, &id).await);
        advance(10);
        all.note("visible", ec2.endpoint(&id).await);
        all.note("registered", cloud.register(&cluster, &id).await);
        all.note("registered twice", cloud.register(&cluster, &id).await);
        for _ in 0..6 {
            advance(30);
            all.note("the endpoint", ec2.endpoint(&id).await);
            all.note("registrations", cloud.registrations(&cluster).await);
        }
        all.note("private DNS", ec2.set_private_dns(&id, true).await);
        advance(120);
        all.note("endpoints", ec2.endpoints(&vpc).await);
        let has = new_endpoint().subnet_ids;
        let doubled = ec2.change_subnets(&id, &has, &[]).await;
        all.note("two subnets in one zone", doubled);
        let emptied = ec2.change_subnets(&id, &[], &has).await;
        all.note("no subnet at all", emptied);
        let other = parsed("sg-0a000000000000002");
        for on in [true, true, false] {
            all.note("a group", ec2.set_group(&id, &other, on).await);
            all.note("on it or off", ec2.endpoint(&id).await);
        }
        let only = new_endpoint().group_id;
        all.note("no group at all", ec2.set_group(&id, &only, false).await);
        let unknown = ec2.set_group(&id, &absent_group, true).await;
        all.note("a group that is not there", unknown);
        all.note("deregister", cloud.deregister(&cluster, &id).await);
        all.note("removing", cloud.registrations(&cluster).await);
        advance(60);
        all.note("removed", cloud.registrations(&cluster).await);
        all.note("delete", ec2.delete_endpoint(&id).await);
        all.note("deleting", ec2.endpoint(&id).await);
        all.note("in use", ec2.delete_group(&new_endpoint().group_id).await);
        advance(60);
        all.note("deleted", ec2.endpoint(&id).await);
        all.note("endpoints left", ec2.endpoints(&vpc).await);
        advance(60);
    }
    all.0
}

/// What the doors ask, besides what every table goes through.
async fn of_the_doors(all: &mut Story, ledger: &impl Ledger, executions: &impl Executions) {
    let (region, vpc) = (parsed(REGION), parsed(VPC));
    let found = ledger.connection(CONNECTION).await;
    all.note("interrupted", found.map(|found| found.unwrap().phase));
    let another = ledger.record_interruption(CONNECTION, "another").await;
    all.note("of another run", another);
    all.note("unknown", ledger.connection("unknown").await);
    let health = crate::ledger::health();
    let unmade = ledger.record_health("unknown", &health).await;
    all.note("nothing is made", unmade);
    all.note("or", ledger.record_interruption("unknown", RUN).await);
    all.note("still", ledger.connection("unknown").await);
    let past = OffsetDateTime::UNIX_EPOCH;
    let shortened = ledger.shorten_lease(&region, &vpc, RUN, past).await;
    all.note("shortened", shortened);
    all.note("released", ledger.release_lease(&region, &vpc, RUN).await);
    let pages = ledger.connections(Some(CONNECTION), 1).await;
    all.note("after the last", pages);
    all.note("no key", ledger.connection("").await);
    let machine = Machine::Provision;
    for (name, number) in [("another", 1), ("another", 2), ("no name: at all", 1)] {
        let input = json!({ "a": number });
        all.note(name, executions.start(machine, name, &input).await);
    }
    for name in ["another", RUN, "none", "no name: at all"] {
        all.note(name, executions.standing(machine, name).await);
    }
    let (machine, input) = (Machine::CheckFleet, json!({}));
    let other = executions.start(machine, "another", &input).await;
    all.note("of another machine", other);
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

const SITUATIONS: [(&str, Change); 27] = [
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
    ("trusting twice is a conflict", |scenario| {
        scenario.habits.second_owner_conflicts = true;
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
    ("no trusted owners, in other words", |scenario| {
        scenario.habits.trusted_owners_enrolled = false;
        scenario.habits.not_enrolled_status = 403;
    }),
    ("a key without a role", |scenario| {
        scenario.keys[0].roles = Vec::new()
    }),
    ("a key that is unknown", |scenario| scenario.keys.clear()),
    ("a secret that cannot be read", |scenario| {
        scenario.secrets[0].state = SecretState::Denied
    }),
    ("a secret that is kept as bytes", |scenario| {
        scenario.secrets[0].binary = true
    }),
    ("a secret that holds no key", |scenario| {
        scenario.secrets[0].value = Some("{}".to_owned())
    }),
    ("a secret without a value", |scenario| {
        scenario.secrets[0].value = None
    }),
    ("no secret", |scenario| scenario.secrets.clear()),
    ("names of hosts in the VPC", |scenario| {
        scenario.vpcs[0].dns_hostnames = true
    }),
    ("subnets without IPv4", |scenario| {
        scenario.vpcs[0].subnets[0].ipv6_native = true
    }),
    ("a service for others", |scenario| {
        let others = vec!["444455556666".to_owned()];
        scenario.endpoint_services[2].allowed_accounts = Some(others);
    }),
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
        let word = simulator::scenario::ServiceStatus::Unknown("MOVING".to_owned());
        cluster.regions[0].service.status = Some(word);
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
        macro_rules! alike {
            ($port:ident.$read:ident($of:expr)) => {
                assert_eq!($port.$read($of).await, ports.$read($of).await, "{name}")
            };
        }
        for vpc in &scenario.vpcs {
            if vpc.region.is_some() || vpc.account.is_some() {
                continue;
            }
            let subnets = vpc.subnets.iter().map(|it| parsed(&it.id));
            let subnets: Vec<SubnetId> = subnets.collect();
            let vpc = parsed(&vpc.id);
            alike!(ec2.vpc(&vpc));
            let found = ports.vpc(&vpc).await.unwrap().unwrap();
            let options: Vec<String> = found.dhcp_options.into_iter().collect();
            alike!(ec2.dns_servers(&options));
            alike!(ec2.network_acls(&subnets));
            alike!(ec2.vpc_dns(&vpc));
            alike!(ec2.hosted_zones(&vpc));
            alike!(ec2.subnets(&vpc));
            alike!(ec2.peered_vpcs(&vpc));
            alike!(ec2.endpoints(&vpc));
        }
        for cluster in &scenario.clusters {
            let id = parsed(&cluster.id);
            alike!(cloud.cluster(&id));
            alike!(cloud.endpoint_services(&id));
            alike!(cloud.registrations(&id));
            let services = ports.endpoint_services(&id).await.unwrap_or_default();
            for service in services.into_iter().filter_map(|it| it.name) {
                alike!(ec2.endpoint_service(&service));
            }
        }
    }
}
