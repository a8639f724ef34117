//! Asking for a connection, and for a check.

use super::*;

/// Asks for the connection, which starts this run.
async fn create(api: &Api) -> String {
    execution(&api.create(&api.body(), None).await)
}

#[tokio::test]
async fn a_call_starts_a_run_and_says_where_to_look() {
    let api = Api::new();
    let answer = api.create(&api.body(), None).await;
    let execution = execution(&answer);
    assert_eq!(answer.body["connection_id"], api.id());
    let place = format!("/v1/connections/{}", api.id());
    assert_eq!(header(&answer, "location"), Some(place.as_str()));
    let (name, input) = api.run();
    assert!(execution.ends_with(&format!(":{name}")));
    assert!(name.starts_with(&format!("call-{}-", api.id())) && name.len() <= 80);
    let read = ProvisionRequest::parse(&input).unwrap();
    assert_eq!(read.requested_by, RequestedBy::Call);
    assert_eq!(json!(read), input, "with all defaults");
}

#[tokio::test]
async fn a_double_click_is_one_run_before_and_after_the_ledger_knows_it() {
    let api = Api::new();
    let first = create(&api).await;
    assert_eq!(create(&api).await, first);
    for phases in 1..STORY.len() {
        api.record(&first, &STORY[..phases]);
        assert_eq!(create(&api).await, first);
    }
    assert_eq!(api.runs().len(), 1);
}

/// What somebody copied, with what came along.
#[tokio::test]
async fn the_same_ids_in_another_spelling_are_the_same_run() {
    let api = Api::new();
    let first = create(&api).await;
    let mut spelled = api.body();
    for (field, value) in spelled.as_object_mut().unwrap() {
        let id = value.as_str().unwrap().to_uppercase();
        *value = json!(format!(" {id}\r\n"));
        assert_ne!(api.body()[field], *value);
    }
    let answer = api.create(&spelled, None).await;
    assert_eq!(answer.body["connection_id"], api.id());
    assert_eq!(execution(&answer), first);
    api.record(&first, &STORY[..3]);
    assert_eq!(execution(&api.create(&spelled, None).await), first);
    assert_eq!(api.runs().len(), 1);
}

#[tokio::test]
async fn another_request_is_another_run() {
    let api = Api::new();
    let first = create(&api).await;
    let mut other = api.body();
    other["private_dns"] = json!(false);
    assert_ne!(execution(&api.create(&other, None).await), first);
    api.record(&first, &STORY[..3]);
    other["database"] = json!("orders");
    assert_ne!(execution(&api.create(&other, None).await), first);
    assert_eq!(api.runs().len(), 3);
}

#[tokio::test]
async fn what_is_over_can_be_asked_for_again() {
    let api = Api::new();
    let first = create(&api).await;
    // Its last states, after the outcome was recorded, do not count.
    api.record(&first, &STORY);
    let second = create(&api).await;
    assert_ne!(second, first);
    assert_eq!(create(&api).await, second);
}

#[tokio::test]
async fn a_connection_that_was_taken_away_can_be_asked_for_at_once() {
    let api = Api::new();
    let mut runs = Vec::new();
    for _ in 0..3 {
        let run = create(&api).await;
        // The ledger has forgotten the connection when its last run has ended.
        api.end(&run);
        runs.push(run);
    }
    assert_eq!(api.runs().len(), 3, "{runs:?}");
}

#[tokio::test]
async fn a_run_that_died_without_a_word_is_not_waited_for() {
    let api = Api::new();
    let first = create(&api).await;
    api.record(&first, &STORY[..4]);
    api.end(&first);
    assert_ne!(create(&api).await, first);
}

#[tokio::test]
async fn a_key_is_one_run_for_ever() {
    let api = Api::new();
    let create = async |key: &str| execution(&api.create(&api.body(), Some(key)).await);
    let first = create("order-66_a").await;
    let (_, name) = first.rsplit_once(':').unwrap();
    assert!(name.starts_with("key-") && name.len() <= 80, "{name}");
    assert_eq!(create("order-66_a").await, first);
    api.end(&first);
    api.record(&first, &STORY);
    assert_eq!(create("order-66_a").await, first);
    assert_ne!(create("order-66_b").await, first);
}

/// Nobody can use up a key that somebody else is going to send.
#[tokio::test]
async fn each_caller_has_keys_of_its_own() {
    let api = Api::new();
    let create = async |user: &str, body: &Value| {
        let claims = json!({ "sub": user });
        execution(&api.create_as(&claims, body, Some("orders-prod")).await)
    };
    let mut other = api.body();
    other["private_dns"] = json!(false);
    let first = create("kim", &api.body()).await;
    assert_ne!(create("alex", &other).await, first);
    assert_eq!(create("kim", &api.body()).await, first);
}

#[tokio::test]
async fn with_a_group_only_its_members_are_answered() {
    let api = Api::told("API_GROUP", "operators");
    for (method, path) in [
        ("GET", "/connections"),
        ("POST", "/connections"),
        ("DELETE", "/connections/0011223344556677"),
        ("GET", "/errors/vpc-not-found"),
        ("GET", "/nothing"),
    ] {
        let event = json!({ "httpMethod": method, "path": path });
        for groups in [
            json!(null),
            json!("readers"),
            json!("operators2,2operators"),
        ] {
            let claims = json!({ "sub": "kim", "cognito:groups": groups });
            let answer = api.ask_as(&claims, event.clone()).await;
            assert_refused(&answer, 403, "caller-not-in-group");
        }
        let claims = json!({ "sub": "kim", "cognito:groups": "readers,operators" });
        let answer = api.ask_as(&claims, event).await;
        assert_ne!(answer.status, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_at_the_door() {
    let wide = json!({ "sources": { "cidrs": ["0.0.0.0/0"] } });
    let there = json!({ "account_id": "444455556666" });
    let (sources, clusters) = ("ALLOWED_SOURCES", "ALLOWED_CLUSTERS");
    let own = Api::new().stage.claim.cluster_id.to_string();
    let other = "00000000-0000-4000-8000-000000000000";
    for (setting, value, asked, code) in [
        ("TAG_PREFIX", "", &wide, "source-not-allowed"),
        (sources, "10.0.0.0/8", &wide, "source-not-allowed"),
        (sources, "0.0.0.0/0", &wide, ""),
        (
            "OWN_ACCOUNT",
            "111122223333",
            &there,
            "account-not-configured",
        ),
        (clusters, other, &json!({}), "cluster-not-allowed"),
        (clusters, &own, &json!({}), ""),
    ] {
        let api = Api::told(setting, value);
        let mut body = api.body();
        let fields = asked.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        let answer = api.create(&body, None).await;
        if code.is_empty() {
            execution(&answer);
        } else {
            assert_refused(&answer, 403, code);
            assert!(api.runs().is_empty());
        }
    }
}

#[tokio::test]
async fn a_key_that_comes_with_another_request_is_refused() {
    let api = Api::new();
    let first = execution(&api.create(&api.body(), Some("k")).await);
    let mut other = api.body();
    other["private_dns"] = json!(false);
    let refused = async || {
        let answer = api.create(&other, Some("k")).await;
        assert_refused(&answer, 409, "idempotency-key-reused");
    };
    refused().await;
    api.end(&first);
    refused().await;
    assert_eq!(api.runs().len(), 1);
}

#[tokio::test]
async fn a_malformed_key_is_refused() {
    let api = Api::new();
    for key in ["", "a b", "a:b", "ä", &"k".repeat(65)] {
        let answer = api.create(&api.body(), Some(key)).await;
        assert_eq!(answer.status, 400, "{key}");
        let said = answer.body["detail"].as_str().unwrap();
        assert!(said.starts_with("Idempotency-Key"), "{said}");
    }
    assert!(api.runs().is_empty());
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_refused_by_field_value_and_rule() {
    let api = Api::new();
    let mut request = api.body();
    request["vpc_id"] = json!("vpc-1");
    let answer = api.create(&request, None).await;
    assert_refused(&answer, 400, "invalid-request");
    assert_eq!(answer.body["type"], "/v1/errors/invalid-request");
    let said = answer.body["detail"].as_str().unwrap();
    assert!(
        said.starts_with("vpc_id: `vpc-1` is not a VPC id"),
        "{said}"
    );
    for who in ["vpc-tag", "call"] {
        let mut request = api.body();
        request["requested_by"] = json!(who);
        assert_eq!(api.create(&request, None).await.status, 400, "{who}");
    }
    assert!(api.runs().is_empty());
}

#[tokio::test]
async fn a_check_is_one_run_a_second() {
    let api = Api::new();
    let path = format!("/connections/{}/check", api.id());
    assert_eq!(api.call("POST", &path).await.status, 404);
    api.record("run", &STORY);
    let check = async || execution(&api.call("POST", &path).await);
    let first = check().await;
    assert_eq!(check().await, first);
    api.end(&first);
    let second = check().await;
    api.stage.advance(1);
    let third = check().await;
    assert!(first != second && second != third);
    for (_, input) in api.runs() {
        assert_eq!(input, json!({"connection_ids": [api.id()]}));
    }
}
