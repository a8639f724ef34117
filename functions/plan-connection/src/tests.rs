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
    assert_eq!(answer.body.get("parts"), None);
    let calls = stage.ports.simulator().calls();
    assert!(calls.iter().all(|call| !call.operation.contains("POST")));
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
    for (name, code) in [
        ("private-dns-conflict", "private-dns-conflict"),
        ("zones-do-not-match", "no-subnet-in-service-zones"),
        ("api-key-refused", "api-key-refused"),
    ] {
        let answer = plan(&ready(name));
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (422, &json!(code)),
            "{name}"
        );
        let code = Code::parse(code).unwrap();
        assert_eq!(answer.body["fix"], code.fix(), "{name}");
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
