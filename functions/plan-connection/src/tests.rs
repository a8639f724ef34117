//! Step tests, over the shipped worlds.

use in_process::stage::{Stage, at_once};
use serde_json::{Value, json};
use shared::Code;
use shared::gateway::respond;
use simulator::cloud::ServiceStatus;
use simulator::{Fault, FaultKind, Moment};

use super::*;

fn config(allowed: &str) -> Config {
    Config::of(|name| (name == "ALLOWED_CLUSTERS").then(|| allowed.to_owned()))
}

fn ask(stage: &Stage, event: &Value) -> Answer {
    let config = config("");
    let handler = async |request: &Request| {
        let now = stage.wait().now;
        handle(&stage.ports, &stage.ports, &config, now, request).await
    };
    within_a_runtime(respond(&handler, event))
}

/// The limit of an answer needs a runtime that knows the time.
fn within_a_runtime<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn event(body: &Value) -> Value {
    json!({
        "httpMethod": "POST",
        "path": "/plans",
        "headers": {"Content-Type": "application/json"},
        "body": body.to_string(),
    })
}

fn plan(stage: &Stage) -> Answer {
    let request = serde_json::to_value(ConnectionRequest(stage.request.clone())).unwrap();
    let before = stage.things();
    let answer = ask(stage, &event(&request));
    assert_eq!(stage.things(), before, "a plan changes nothing");
    answer
}

#[test]
fn a_new_connection_is_planned_with_its_price() {
    let body = plan(&Stage::shipped("standard-cluster")).body;
    assert_eq!(body["status"], "planned");
    assert_eq!(body["service_missing"], false);
    let parts = &body["parts"];
    assert_eq!(parts["endpoint"]["existing"], Value::Null);
    assert_eq!(parts["endpoint"]["subnets"].as_array().unwrap().len(), 3);
    assert_eq!(parts["price"]["usd_cents_per_month"], 3 * 730);
    assert_eq!(parts["registration"]["exists"], false);
    assert!(
        !parts["security_group"]["sources"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert!(
        parts["private_host"]
            .as_str()
            .unwrap()
            .starts_with("internal-")
    );
}

#[test]
fn a_wide_source_is_planned_only_if_it_is_allowed_and_is_said_first() {
    let stage = Stage::shipped("standard-cluster");
    let mut asked = serde_json::to_value(ConnectionRequest(stage.request.clone())).unwrap();
    asked["sources"] = json!({ "cidrs": ["0.0.0.0/0", "10.0.0.0/8"] });
    let ask = |allowed: &str| {
        let config = Config::of(|name| (name == "ALLOWED_SOURCES").then(|| allowed.to_owned()));
        let handler = async |request: &Request| {
            let now = stage.wait().now;
            handle(&stage.ports, &stage.ports, &config, now, request).await
        };
        within_a_runtime(respond(&handler, &event(&asked)))
    };
    let refused = ask("");
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (403, &json!("source-not-allowed"))
    );
    let planned = ask("0.0.0.0/0");
    assert_eq!(planned.status, 200, "{}", planned.body);
    let notes = planned.body["parts"]["notes"].as_array().unwrap();
    let wide = "source 0.0.0.0/0 is wide";
    assert!(notes[0].as_str().unwrap().starts_with(wide), "{notes:?}");
    assert_eq!(planned.body.to_string().matches("is wide").count(), 1);
    // The networks of the VPC itself are held to it, too.
    asked_as_is(&stage, "192.0.2.0/24");
}

/// The request of the scenario, which names no sources, is refused.
fn asked_as_is(stage: &Stage, allowed: &str) {
    let config = Config::of(|name| (name == "ALLOWED_SOURCES").then(|| allowed.to_owned()));
    let asked = serde_json::to_value(ConnectionRequest(stage.request.clone())).unwrap();
    let handler = async |request: &Request| {
        let now = stage.wait().now;
        handle(&stage.ports, &stage.ports, &config, now, request).await
    };
    let answer = within_a_runtime(respond(&handler, &event(&asked)));
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (422, &json!("source-not-allowed"))
    );
}

#[test]
fn what_was_made_by_hand_is_used_and_costs_nothing_more() {
    let body = plan(&Stage::shipped("half-made-by-hand")).body;
    assert!(
        body["parts"]["endpoint"]["existing"]
            .as_str()
            .unwrap()
            .starts_with("vpce-")
    );
    assert_eq!(body["parts"]["price"]["usd_cents_per_month"], 0);
}

#[test]
fn a_change_is_priced_by_what_it_adds_or_takes_away() {
    for (asked, cents) in [
        (&[][..], 730),
        (&["subnet-0a10000000000000a"], -730),
        (&["subnet-0a10000000000000a", "subnet-0a10000000000000b"], 0),
    ] {
        let mut stage = Stage::changed("connected", |scenario| {
            scenario.vpcs[0].endpoints[0].subnets.truncate(2);
        });
        stage.request.subnet_ids = asked.iter().map(|id| id.parse().unwrap()).collect();
        let price = &plan(&stage).body["parts"]["price"];
        assert_eq!(price["usd_cents_per_month"], cents, "{price}");
    }
}

#[test]
fn rules_of_others_in_our_group_are_told_by_the_plan_too() {
    let stage = Stage::changed("connected", |scenario| {
        let rules = &mut scenario.vpcs[0].groups[0].rules;
        let mut foreign = rules[0].clone();
        foreign.source = "192.0.2.0/24".to_owned();
        foreign.description = Some("by hand".to_owned());
        rules.push(foreign);
    });
    let notes = plan(&stage).body["parts"]["notes"].to_string();
    assert!(notes.contains("did not ask for: "), "{notes}");
    assert!(notes.contains("192.0.2.0/24"), "{notes}");
}

#[test]
fn what_else_decides_whether_the_connection_can_be_used_is_told_by_the_plan() {
    let notes = plan(&Stage::shipped("own-dns-and-acls")).body["parts"]["notes"].to_string();
    for part in [
        "DNS servers other than Amazon's",
        "acl-0a10000000000000b",
        "rslvr-rr-0a10000000000000a",
    ] {
        assert!(notes.contains(part), "{notes}");
    }
}

#[test]
fn a_service_that_nobody_asked_for_is_not_asked_for_by_a_plan() {
    let stage = Stage::shipped("fresh-vpc");
    let answer = plan(&stage);
    assert_eq!(
        (answer.status, &answer.body["status"]),
        (200, &json!("not-yet"))
    );
    assert_eq!(answer.body["service_missing"], true);
    assert!(
        answer.body["waiting_for"]
            .as_str()
            .unwrap()
            .contains("not asked for yet")
    );
    let parts = &answer.body["parts"];
    assert_eq!(parts["cluster_name"], "orders");
    assert_eq!(parts["endpoint"]["service_name"], Value::Null);
    assert_eq!(answer.body.get("differences"), None);
    let calls = stage.ports.simulator().calls();
    assert!(calls.iter().all(|call| !call.operation.contains("POST")));
}

/// How each shipped world looks to who asks once: the status, and how many subnets, the
/// price and the differences.
#[test]
fn of_every_world_that_has_a_plan_one_shows_what_is_known() {
    const NEW: &str = "4 to add, 0 to change, 0 to remove";
    const RANGE: &str = "$7.30 to $21.90 a month (1 to 3 zones × $0.01 × 730 h), plus";
    const NOTHING: (&str, usize, &str, Option<&str>) =
        ("planned", 3, "nothing more", Some("nothing to change"));
    let two = "1 to add, 2 to change, 0 to remove";
    for (world, (status, subnets, price, told)) in [
        ("cluster-is-creating", ("not-yet", 3, RANGE, None)),
        ("connected", NOTHING),
        ("endpoint-rejected", ("not-yet", 3, RANGE, None)),
        ("fresh-vpc", ("not-yet", 3, RANGE, None)),
        (
            "fresh-vpc-without-subnets",
            ("not-yet", 0, "$7.30 a month for each zone", None),
        ),
        (
            "half-made-by-hand",
            ("planned", 2, "nothing more", Some(two)),
        ),
        (
            "ledger-lost",
            ("planned", 2, "nothing more", Some("nothing to change")),
        ),
        (
            "own-dns-and-acls",
            ("planned", 3, "$21.90 a month", Some(NEW)),
        ),
        ("shared-endpoint", ("planned", 3, "nothing more", Some(two))),
        ("slow-world", ("not-yet", 3, RANGE, None)),
        (
            "standard-cluster",
            ("planned", 3, "$21.90 a month", Some(NEW)),
        ),
        (
            "zones-do-not-match",
            ("not-yet", 1, "$7.30 a month (1 zone ", None),
        ),
    ] {
        let body = plan(&Stage::shipped(world)).body;
        let parts = &body["parts"];
        let seen = parts["endpoint"]["subnets"].as_array().map(Vec::len);
        assert_eq!(
            (&body["status"], seen),
            (&json!(status), Some(subnets)),
            "{world}: {body}"
        );
        let cost = parts["price"]["told"].as_str().unwrap();
        assert!(cost.starts_with(price), "{world}: {cost}");
        assert_eq!(body["differences"]["told"].as_str(), told, "{world}");
        let sources = parts["security_group"].get("sources");
        let is_kept = world == "half-made-by-hand";
        assert_eq!(
            sources.is_none_or(|it| it.as_array().unwrap().is_empty()),
            is_kept,
            "{world}"
        );
    }
}

/// What is different, as one line each.
fn differences(stage: &Stage) -> Vec<String> {
    let body = plan(stage).body;
    let list = body["differences"]["list"].as_array().unwrap().iter();
    let told = |it: &Value| {
        let outage = if it["outage"] == true {
            " (outage)"
        } else {
            ""
        };
        format!(
            "{} {}{outage}",
            it["action"].as_str().unwrap(),
            it["what"].as_str().unwrap()
        )
    };
    list.map(told).collect()
}

#[test]
fn a_change_is_told_by_what_is_added_changed_and_removed() {
    let connected = |change: fn(&mut simulator::Scenario)| Stage::changed("connected", change);
    let subnet = |end: &str| format!("subnet-0a10000000000000{end}");

    let mut stage = connected(|scenario| scenario.vpcs[0].endpoints[0].subnets.truncate(2));
    stage.request.subnet_ids = ["b", "c"].map(|end| subnet(end).parse().unwrap()).to_vec();
    stage.request.sources.cidrs = vec!["10.20.0.0/20".parse().unwrap()];
    assert_eq!(
        differences(&stage),
        [
            "add let in 10.20.0.0/20".to_owned(),
            format!("add subnet {} in euw1-az3", subnet("c")),
            format!("remove subnet {}", subnet("a")),
            "remove let in 10.20.0.0/16, when the rest is done".to_owned(),
        ]
    );
    let told = plan(&stage).body["differences"]["told"].clone();
    assert_eq!(told, "2 to add, 0 to change, 2 to remove");

    let mut stage = connected(|_| {});
    stage.request.private_dns = false;
    let [off]: [String; 1] = differences(&stage).try_into().unwrap();
    assert!(
        off.starts_with("change private DNS goes off: an outage for whoever uses internal-"),
        "{off}"
    );
    assert!(off.ends_with("(outage)"), "{off}");

    let mut stage = connected(|_| {});
    stage.request.protect = true;
    let protection = "protection, as a tag of endpoint vpce-0a10000000000000e";
    assert_eq!(differences(&stage), [format!("add {protection}")]);
    stage.meddle(|world| {
        let endpoint = world.ec2.endpoints.values_mut().next().unwrap();
        endpoint.tags.extend(stage.claim.protection_tags(true));
    });
    assert_eq!(differences(&stage), [""; 0]);
    stage.request.protect = false;
    assert_eq!(differences(&stage), [format!("remove {protection}")]);

    let mut stage = connected(|scenario| {
        let endpoint = &mut scenario.vpcs[0].endpoints[0];
        endpoint.groups = vec!["sg-0a10000000000000f".to_owned()];
        let mut other = scenario.vpcs[0].groups[0].clone();
        other.id = "sg-0a10000000000000f".to_owned();
        (other.name, other.tags) = ("other".to_owned(), Default::default());
        scenario.vpcs[0].groups.push(other);
        scenario.clusters[0].connections.clear();
    });
    stage.request.tags = [("Team".to_owned(), "data".to_owned())].into();
    assert_eq!(
        differences(&stage),
        [
            "change tags of security group sg-0a10000000000000d: Team",
            "change tags of endpoint vpce-0a10000000000000e: Team",
            "add security group sg-0a10000000000000d on endpoint vpce-0a10000000000000e, which goes back on",
            "add private endpoint connection at cluster payments",
        ]
    );
}

/// The cluster may have gone to work on something else.
#[test]
fn an_endpoint_that_stands_is_not_planned_anew_while_its_cluster_is_locked() {
    let stage = Stage::changed("connected", |scenario| {
        scenario.clusters[0].state = simulator::cloud::ClusterState::Locked;
    });
    let body = plan(&stage).body;
    assert_eq!(body["status"], "not-yet");
    let parts = &body["parts"];
    assert_eq!(parts["endpoint"]["existing"], "vpce-0a10000000000000e");
    assert_eq!(parts["price"]["usd_cents_per_month"], 0);
    assert_eq!(parts["registration"].get("exists"), None);
}

/// Looks as long as it takes; pausing costs only the world's time.
struct Patient<'a> {
    stage: &'a Stage,
    waited: u64,
}

impl Looks for Patient<'_> {
    fn now(&self) -> OffsetDateTime {
        self.stage.wait().now
    }

    fn is_patient(&self) -> bool {
        true
    }

    fn begins(&mut self, _: Side) {}

    fn found(&mut self, _: Side, _: &impl serde::Serialize) {}

    async fn pause(&mut self, seconds: u64) {
        self.waited += seconds;
        self.stage.advance(seconds);
    }
}

/// What comes of looking until all is known, and for how long that was waited.
fn waited(stage: &Stage, may_request_service: bool) -> (Outlook, u64) {
    let sides = Sides {
        ec2: &stage.ports,
        cloud: &stage.ports,
        allowed: &Default::default(),
        prefix: "net",
    };
    let mut looks = Patient { stage, waited: 0 };
    let looked = look(&sides, &stage.request, may_request_service, &mut looks);
    let outlook = at_once(looked);
    (outlook, looks.waited)
}

#[test]
fn all_is_waited_for_within_the_limits_of_the_request() {
    for world in [
        "fresh-vpc",
        "cluster-is-creating",
        "slow-world",
        "fresh-vpc-without-subnets",
    ] {
        let (outlook, seconds) = waited(&Stage::shipped(world), true);
        assert!(seconds > 0, "{world}");
        let Known::All(found) = &outlook.known else {
            panic!("{world}: {outlook:?}");
        };
        assert_eq!(found.subnets.len(), 3, "{world}");
    }
    let mut stage = Stage::shipped("slow-world");
    stage.request.limits.cluster_seconds = 60;
    let (outlook, seconds) = waited(&stage, true);
    let late = outlook.in_the_way.map(|error| error.code);
    assert_eq!((late, seconds), (Some(Code::ServiceNotReadyInTime), 60));
    assert!(matches!(outlook.known, Known::Part(_)));
}

/// The cluster is waited for, and what nobody has asked for is not.
#[test]
fn waiting_ends_where_nothing_comes_by_itself() {
    for (world, waits) in [("fresh-vpc", false), ("cluster-is-creating", true)] {
        let (outlook, seconds) = waited(&Stage::shipped(world), false);
        assert_eq!(seconds > 0, waits, "{world}");
        assert!(outlook.service_missing, "{world}");
        assert_eq!(outlook.in_the_way, None, "{world}");
    }
}

#[test]
fn a_side_that_is_silent_for_a_while_is_waited_for() {
    let stage = Stage::shipped("cluster-is-creating");
    let fault = Fault::once("cloud:GET cluster", 3, FaultKind::CutOff, Moment::Before);
    stage.ports.simulator().add_fault(fault);
    let (outlook, _) = waited(&stage, true);
    assert!(matches!(outlook.known, Known::All(_)), "{outlook:?}");
}

#[test]
fn a_vpc_without_subnets_is_waited_for() {
    let stage = Stage::changed("fresh-vpc-without-subnets", |scenario| {
        scenario.clusters[0].regions[0].service.status = Some(ServiceStatus::Available);
    });
    let body = plan(&stage).body;
    assert_eq!(body["status"], "not-yet");
    assert_eq!(body["service_missing"], false);
    assert!(body["waiting_for"].as_str().unwrap().contains("subnets"));
}

/// Whether more is to come, only a run waits to see.
#[test]
fn a_vpc_that_lacks_a_zone_is_planned_as_it_is() {
    let stage = Stage::changed("standard-cluster", |scenario| {
        scenario.vpcs[0].subnets.pop();
    });
    let body = plan(&stage).body;
    assert_eq!(body["status"], "planned");
    let subnets = &body["parts"]["endpoint"]["subnets"];
    assert_eq!(subnets.as_array().unwrap().len(), 2);
    let notes = body["parts"]["notes"].to_string();
    assert!(notes.contains("offered in euw1-az3"), "{notes}");
}

#[test]
fn what_stands_in_the_way_is_named_with_cause_and_fix() {
    let ready = |name| {
        Stage::changed(name, |scenario| {
            scenario.clusters[0].regions[0].service.status = Some(ServiceStatus::Available);
        })
    };
    for (stage, code) in [
        (ready("private-dns-conflict"), "private-dns-conflict"),
        (ready("zones-do-not-match"), "no-subnet-in-service-zones"),
        (ready("api-key-refused"), "api-key-refused"),
        // Found although there is no service yet.
        (
            Stage::shipped("private-dns-conflict"),
            "private-dns-conflict",
        ),
    ] {
        let answer = plan(&stage);
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (422, &json!(code)),
            "{code}"
        );
        let code = Code::parse(code).unwrap();
        assert_eq!(answer.body["fix"], code.fix());
    }
}

#[test]
fn a_side_that_is_silent_is_unavailable() {
    for operation in ["ec2:DescribeVpcs", "cloud:GET cluster"] {
        let stage = Stage::shipped("standard-cluster");
        let fault = Fault::from_then_on(operation, 1, FaultKind::CutOff, Moment::Before);
        stage.ports.simulator().add_fault(fault);
        let answer = plan(&stage);
        assert_eq!(answer.status, 503, "{operation}: {}", answer.body);
        assert!(
            answer
                .headers
                .iter()
                .any(|(name, _)| *name == "retry-after")
        );
    }
}

#[test]
fn a_cluster_that_is_not_allowed_is_not_looked_at() {
    let stage = Stage::shipped("standard-cluster");
    let only = config("00000000-0000-4000-8000-000000000000");
    let request = serde_json::to_value(ConnectionRequest(stage.request.clone())).unwrap();
    let request = Request::read(&event(&request));
    let now = stage.wait().now;
    let refusal = at_once(handle(&stage.ports, &stage.ports, &only, now, &request)).unwrap_err();
    assert_eq!(
        (refusal.status, refusal.error.code),
        (403, Code::ClusterNotAllowed)
    );
    assert!(stage.ports.simulator().calls().is_empty());
}

#[test]
fn what_is_no_request_is_refused() {
    let stage = Stage::shipped("standard-cluster");
    let broken = event(&json!({"vpc_id": "vpc-1"}));
    assert_eq!(ask(&stage, &broken).status, 400);
    let other = json!({"httpMethod": "GET", "path": "/plans"});
    assert_eq!(ask(&stage, &other).status, 405);
}
