//! The door for people and programs: connections over HTTP.

use reqwest::Method;
use serde_json::json;
use simulator::scenario::TrafficSpec;
use system_tests::emulator::story::{request, story, text};
use system_tests::emulator::world::{ADVANCED, STANDARD, STANDARD_HOST, vpc};

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn nobody_calls_without_a_signature() {
    story("unsigned calls", &vpc(1), async |system| {
        for (method, path) in [
            (Method::POST, "/connections"),
            (Method::GET, "/connections"),
            (Method::GET, "/connections/0000000000000000"),
            (Method::DELETE, "/connections/0000000000000000"),
            (Method::POST, "/connections/0000000000000000/check"),
            (Method::POST, "/plans"),
        ] {
            let path = system.path(path);
            let answer = system.aws.unsigned(method, &path).body("{}").send().await;
            let status = answer.expect("an answer").status();
            assert_eq!(status.as_u16(), 403, "{path}");
        }
        assert!(system.runs("ProvisionMachine", &vpc(1)).await.is_empty());
    });
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn the_key_is_missing_at_first_and_then_put_into_the_secret() {
    story("secret empty, then the key", &vpc(0), async |system| {
        let refused = &system.without_key;
        assert_eq!(refused["phase"], "rolled-back", "{refused}");
        let failure = &refused["outcome"]["failure"];
        assert_eq!(failure["code"], "secret-empty", "{refused}");
        let fix = text(&failure["fix"]);
        assert!(fix.contains("put-secret-value"), "{fix}");
        let connection = text(&refused["connection_id"]);
        let event = system.notices.event("Connection Failed", &connection).await;
        assert_eq!(event["detail"]["code"], "secret-empty", "{event}");
        assert!(system.endpoints(&vpc(0)).is_empty());

        let ready = system.connect(&vpc(0), STANDARD).await;
        assert_eq!(ready["connection_id"], refused["connection_id"]);
        assert_eq!(ready["outcome"]["failure"], json!(null), "{ready}");
    });
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn a_call_is_answered_at_once_and_ends_in_a_working_connection() {
    story("call", &vpc(2), async |system| {
        let vpc = vpc(2);
        let asked = request(&vpc, ADVANCED);
        let (status, plan) = system.api(Method::POST, "/plans", Some(&asked)).await;
        assert_eq!(status, 200, "{plan}");
        assert!(system.endpoints(&vpc).is_empty(), "a plan changes nothing");

        let (connection, execution) = system.ask(&vpc, ADVANCED).await;
        let ready = system.ready(&connection, &execution).await;
        assert_eq!(
            ready["host"], "internal-orders-k4x.aws-eu-west-1.cockroachlabs.cloud",
            "{ready}"
        );
        assert_eq!(ready["port"], 26257);
        assert_eq!(json!([ready["endpoint_id"]]), json!(system.endpoints(&vpc)));

        let item = system
            .item(&connection)
            .await
            .expect("an item of the ledger");
        assert_eq!(item["phase"]["S"], "ready", "{item}");
        assert_eq!(item["vpc_id"]["S"], vpc, "{item}");
        assert_eq!(item["execution"]["S"], execution, "{item}");
        assert_eq!(system.lease(&vpc).await, None, "the lease is given back");

        let event = system.notices.event("Connection Ready", &connection).await;
        assert_eq!(event["detail"]["execution"], execution, "{event}");
        assert_eq!(event["detail"]["vpc_id"], vpc, "{event}");
        assert_eq!(event["detail"]["phase"], "ready", "{event}");

        let (status, listed) = system
            .api(Method::GET, &format!("/connections?vpc_id={vpc}"), None)
            .await;
        assert_eq!(status, 200, "{listed}");
        assert_eq!(listed["connections"].as_array().map(Vec::len), Some(1));
        assert_eq!(listed["connections"][0]["connection_id"], connection);
    });
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn two_calls_at_once_make_one_connection() {
    story("two calls at once", &vpc(3), async |system| {
        let vpc = vpc(3);
        let asked = request(&vpc, STANDARD);
        let call = async |key| {
            let path = "/connections";
            let answer = system.api_once(Method::POST, path, Some(&asked), Some(key));
            let (status, body) = answer.await;
            assert_eq!(status, 202, "{body}");
            body
        };
        let (one, two) = tokio::join!(call("one"), call("two"));
        assert_eq!(one["connection_id"], two["connection_id"]);
        assert_ne!(
            one["execution"], two["execution"],
            "two keys are two wishes"
        );
        let again = call("one").await;
        assert_eq!(
            again["execution"], one["execution"],
            "the same key is the same call"
        );

        for body in [&one, &two] {
            let run = system.ended(&text(&body["execution"])).await;
            assert_eq!(run.status(), "SUCCEEDED", "{}", run.described);
        }
        assert_eq!(system.endpoints(&vpc).len(), 1);
        let ready = system.over(&text(&one["connection_id"]), "").await;
        assert_eq!(ready["host"], STANDARD_HOST, "{ready}");
        assert_eq!(system.lease(&vpc).await, None);
    });
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn a_call_that_asks_for_something_else_changes_the_connection() {
    story("change", &vpc(17), async |system| {
        let vpc = vpc(17);
        let first = system.connect(&vpc, STANDARD).await;
        let endpoints = system.endpoints(&vpc);
        let sources = || {
            let rules = system.groups(&vpc).into_iter().flat_map(|it| it.rules);
            let inbound = rules.filter(|rule| !rule.is_egress);
            inbound.map(|rule| rule.source.text()).collect::<Vec<_>>()
        };
        let before = sources();
        let mut other = request(&vpc, STANDARD);
        other["sources"] = json!({"cidrs": ["10.20.32.0/20"]});
        let (connection, execution) = system.ask_for(&other).await;
        let changed = system.ready(&connection, &execution).await;
        assert_ne!(changed["execution"], first["execution"]);
        assert_eq!(changed["endpoint_id"], first["endpoint_id"]);
        assert_eq!(system.endpoints(&vpc), endpoints, "nothing is made anew");
        let after = sources();
        assert_eq!((before.len(), after), (1, vec!["10.20.32.0/20".to_owned()]));
        assert_eq!(system.lease(&vpc).await, None);
    });
}

#[test]
#[cfg_attr(not(feature = "outside-judges"), ignore = "--features outside-judges")]
fn what_is_in_use_is_taken_away_by_force_only() {
    story("guard", &vpc(18), async |system| {
        let vpc = vpc(18);
        let connection = text(&system.connect(&vpc, STANDARD).await["connection_id"]);
        let traffic = TrafficSpec {
            new_connections: 1,
            active_connections: 2,
            bytes: 3000,
            stopped_before: None,
        };
        let endpoint = system.endpoints(&vpc).remove(0);
        system.world.simulator.meddle(|world| {
            world.cloudwatch.carry(&endpoint, Some(traffic));
        });
        let remove = async |query: &str| {
            let path = format!("/connections/{connection}{query}");
            system.run_by(Method::DELETE, &path).await
        };
        let run = remove("?unless_traffic_minutes=10").await;
        assert_eq!(run.status(), "FAILED", "{}", run.described);
        assert_eq!(run.described["error"], "DisconnectRefused");
        let event = system.notices.event("Connection Failed", &connection).await;
        assert_eq!(
            event["detail"]["code"], "connection-carries-traffic",
            "{event}"
        );
        assert_eq!(system.over(&connection, "").await["phase"], "ready");
        assert_eq!(system.endpoints(&vpc), [endpoint]);
        let run = remove("?unless_traffic_minutes=10&force=true").await;
        assert_eq!(run.status(), "SUCCEEDED", "{}", run.described);
        assert!(system.endpoints(&vpc).is_empty());
    });
}
