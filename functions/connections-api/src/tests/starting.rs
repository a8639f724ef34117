//! Asking for a connection, and for a check.

use super::*;

fn body(api: &Api) -> Value {
    let ProvisionRequest {
        cluster_id,
        region,
        vpc_id,
        ..
    } = &api.stage.request;
    json!({"cluster_id": cluster_id, "region": region, "vpc_id": vpc_id})
}

fn execution(answer: &Answer) -> String {
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["execution"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_starts_a_run_and_says_where_to_look() {
    let api = Api::new();
    let answer = api.create(&body(&api), None).await;
    let execution = execution(&answer);
    assert_eq!(answer.body["connection_id"], api.id());
    let place = format!("/v1/connections/{}", api.id());
    assert_eq!(header(&answer, "location"), Some(place.as_str()));
    let [(name, input)] = &api.runs()[..] else {
        panic!("one run: {:?}", api.runs());
    };
    assert!(execution.ends_with(&format!(":{name}")));
    assert!(name.starts_with(&format!("call-{}-", api.id())) && name.len() <= 80);
    let read = ProvisionRequest::parse(input).unwrap();
    assert_eq!(read.requested_by, RequestedBy::Call);
    assert_eq!(
        serde_json::to_value(&read).unwrap(),
        *input,
        "with all defaults"
    );
}

#[tokio::test]
async fn a_double_click_is_one_run_before_and_after_the_ledger_knows_it() {
    let api = Api::new();
    let first = execution(&api.create(&body(&api), None).await);
    assert_eq!(execution(&api.create(&body(&api), None).await), first);
    for phases in 1..STORY.len() {
        api.record(&first, &STORY[..phases]);
        assert_eq!(execution(&api.create(&body(&api), None).await), first);
    }
    assert_eq!(api.runs().len(), 1);
}

/// What somebody copied, with what came along.
#[tokio::test]
async fn the_same_ids_in_another_spelling_are_the_same_run() {
    let api = Api::new();
    let first = execution(&api.create(&body(&api), None).await);
    let mut spelled = body(&api);
    for (field, value) in spelled.as_object_mut().unwrap() {
        let id = value.as_str().unwrap().to_uppercase();
        *value = json!(format!(" {id}\r\n"));
        assert_ne!(body(&api)[field], *value);
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
    let first = execution(&api.create(&body(&api), None).await);
    let mut other = body(&api);
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
    let first = execution(&api.create(&body(&api), None).await);
    // Its last states, after the outcome was recorded, do not count.
    api.record(&first, &STORY);
    let second = execution(&api.create(&body(&api), None).await);
    assert_ne!(second, first);
    assert_eq!(execution(&api.create(&body(&api), None).await), second);
}

#[tokio::test]
async fn a_connection_that_was_taken_away_can_be_asked_for_at_once() {
    let api = Api::new();
    let mut runs = Vec::new();
    for _ in 0..3 {
        let run = execution(&api.create(&body(&api), None).await);
        // The ledger has forgotten the connection when its last run has ended.
        api.end(&run);
        runs.push(run);
    }
    assert_eq!(api.runs().len(), 3, "{runs:?}");
}

#[tokio::test]
async fn a_run_that_died_without_a_word_is_not_waited_for() {
    let api = Api::new();
    let first = execution(&api.create(&body(&api), None).await);
    api.record(&first, &STORY[..4]);
    api.end(&first);
    assert_ne!(execution(&api.create(&body(&api), None).await), first);
}

#[tokio::test]
async fn a_key_is_one_run_for_ever() {
    let api = Api::new();
    let first = execution(&api.create(&body(&api), Some("order-66_a")).await);
    let (_, name) = first.rsplit_once(':').unwrap();
    assert!(name.starts_with("key-") && name.len() <= 80, "{name}");
    assert_eq!(
        execution(&api.create(&body(&api), Some("order-66_a")).await),
        first
    );
    api.end(&first);
    api.record(&first, &STORY);
    assert_eq!(
        execution(&api.create(&body(&api), Some("order-66_a")).await),
        first
    );
    assert_ne!(
        execution(&api.create(&body(&api), Some("order-66_b")).await),
        first
    );
}

/// Nobody can use up a key that somebody else is going to send.
#[tokio::test]
async fn each_caller_has_keys_of_its_own() {
    let api = Api::new();
    let create = |user: &str, body: &Value| {
        let event = json!({
            "httpMethod": "POST",
            "path": "/connections",
            "headers": {"Content-Type": "application/json", "Idempotency-Key": "orders-prod"},
            "body": body.to_string(),
        });
        let claims = json!({ "sub": user });
        let api = &api;
        async move { execution(&api.ask_as(&claims, event).await) }
    };
    let mut other = body(&api);
    other["private_dns"] = json!(false);
    let first = create("kim", &body(&api)).await;
    assert_ne!(create("alex", &other).await, first);
    assert_eq!(create("kim", &body(&api)).await, first);
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
            assert_eq!(answer.status, 403, "{method} {path}");
            assert_eq!(answer.body["code"], "caller-not-in-group");
        }
        let claims = json!({ "sub": "kim", "cognito:groups": "readers,operators" });
        let answer = api.ask_as(&claims, event).await;
        assert_ne!(answer.status, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_at_the_door() {
    let wide = |api: &Api| {
        let mut body = body(api);
        body["sources"] = json!({ "cidrs": ["0.0.0.0/0"] });
        body
    };
    let there = |api: &Api| {
        let mut body = body(api);
        body["account_id"] = json!("444455556666");
        body
    };
    type Body<'a> = &'a dyn Fn(&Api) -> Value;
    for (setting, value, asked, code) in [
        ("TAG_PREFIX", "", &wide as Body<'_>, "source-not-allowed"),
        ("ALLOWED_SOURCES", "10.0.0.0/8", &wide, "source-not-allowed"),
        (
            "OWN_ACCOUNT",
            "111122223333",
            &there,
            "account-not-configured",
        ),
    ] {
        let api = Api::told(setting, value);
        let answer = api.create(&asked(&api), None).await;
        assert_eq!((answer.status, &answer.body["code"]), (403, &json!(code)));
        assert!(api.runs().is_empty());
    }
    let api = Api::told("ALLOWED_SOURCES", "0.0.0.0/0");
    execution(&api.create(&wide(&api), None).await);
}

#[tokio::test]
async fn a_key_that_comes_with_another_request_is_refused() {
    let api = Api::new();
    let first = execution(&api.create(&body(&api), Some("k")).await);
    let mut other = body(&api);
    other["private_dns"] = json!(false);
    for ended in [false, true] {
        let answer = api.create(&other, Some("k")).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (409, &json!("idempotency-key-reused")),
            "{ended}"
        );
        api.end(&first);
    }
    assert_eq!(api.runs().len(), 1);
}

#[tokio::test]
async fn a_malformed_key_is_refused() {
    let api = Api::new();
    for key in ["", "a b", "a:b", "ä", &"k".repeat(65)] {
        let answer = api.create(&body(&api), Some(key)).await;
        assert_eq!(answer.status, 400, "{key}");
        assert!(
            answer.body["detail"]
                .as_str()
                .unwrap()
                .starts_with("Idempotency-Key")
        );
    }
    assert!(api.runs().is_empty());
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_refused_by_field_value_and_rule() {
    let api = Api::new();
    let mut request = body(&api);
    request["vpc_id"] = json!("vpc-1");
    let answer = api.create(&request, None).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (400, &json!("invalid-request"))
    );
    assert_eq!(answer.body["type"], "/v1/errors/invalid-request");
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("vpc_id: `vpc-1` is not a VPC id"),
        "{detail}"
    );
    for who in ["vpc-tag", "call"] {
        let mut request = body(&api);
        request["requested_by"] = json!(who);
        assert_eq!(api.create(&request, None).await.status, 400, "{who}");
    }
    assert!(api.runs().is_empty());
}

#[tokio::test]
async fn only_allowed_clusters_are_connected() {
    let api = Api::allowing("00000000-0000-4000-8000-000000000000");
    let answer = api.create(&body(&api), None).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (403, &json!("cluster-not-allowed"))
    );
    assert!(api.runs().is_empty());
    let cluster = api.stage.claim.cluster_id.to_string();
    let api = Api::allowing(&cluster);
    execution(&api.create(&body(&api), None).await);
}

#[tokio::test]
async fn a_check_is_one_run_a_second() {
    let api = Api::new();
    let path = format!("/connections/{}/check", api.id());
    assert_eq!(api.post(&path).await.status, 404);
    api.record(
        "arn:aws:states:eu-west-1:111122223333:execution:provision:x",
        &STORY,
    );
    let first = execution(&api.post(&path).await);
    assert_eq!(execution(&api.post(&path).await), first);
    api.end(&first);
    let second = execution(&api.post(&path).await);
    api.stage.advance(1);
    let third = execution(&api.post(&path).await);
    assert!(first != second && second != third);
    for (_, input) in api.runs() {
        assert_eq!(input, json!({"connection_ids": [api.id()]}));
    }
}
