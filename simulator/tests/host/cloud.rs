//! The Cloud API over HTTP.

use serde_json::{Value, json};
use simulator::Scenario;
use simulator::cloud::{ConnectionStatus, ErrorBody, Plan, RetryAfter};

use crate::{CLUSTER, Stage};

#[tokio::test]
async fn a_cluster_comes_with_the_habits_of_the_real_service() {
    let stage = Stage::new(|scenario| {
        scenario.clusters[0].regions[0].internal_dns = Some(String::new());
    })
    .await;
    let answer = stage.cluster().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cc-version"), Some("2024-09-16"));
    let cluster = answer.json();
    assert_eq!(cluster["regions"][0]["internal_dns"], "");
    assert_eq!(cluster["deleted_at"], Value::Null);
    assert!(
        cluster
            .as_object()
            .is_some_and(|members| members.contains_key("deleted_at"))
    );
    assert_eq!(
        cluster["config"]["serverless"]["usage_limits"]["provisioned_virtual_cpus"],
        "2"
    );
    assert_eq!(cluster["config"]["dedicated"], Value::Null);
}

#[tokio::test]
async fn every_operation_answers_as_the_document_says() {
    let stage = Stage::new(|scenario| scenario.clusters[0].plan = Plan::Advanced).await;
    let endpoint = r#"{"endpoint_id": "vpce-0123456789abcdef0"}"#;
    let owner = r#"{"type": "AWS_ACCOUNT_ID", "external_owner_id": "111122223333"}"#;
    for (method, path, body) in [
        ("GET", "private-endpoint-services", ""),
        ("POST", "private-endpoint-services", ""),
        ("GET", "private-endpoint-connections", ""),
        ("POST", "private-endpoint-connections", endpoint),
        (
            "DELETE",
            "private-endpoint-connections/vpce-0123456789abcdef0",
            "",
        ),
        ("GET", "private-endpoint-trusted-owners", ""),
        ("POST", "private-endpoint-trusted-owners", owner),
    ] {
        let answer = stage.networking(method, path, body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
    }
    stage
        .sim
        .meddle(|world| world.cloud.habits.requests_per_second = 0);
    let owners = stage
        .networking("GET", "private-endpoint-trusted-owners", "")
        .await
        .json();
    let id = owners["trusted_owners"][0]["id"]
        .as_str()
        .expect("an entry is there")
        .to_owned();
    let path = format!("private-endpoint-trusted-owners/{id}");
    let answer = stage.networking("DELETE", &path, "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["trusted_owner"]["id"], *id);
}

#[tokio::test]
async fn what_the_document_does_not_know_is_refused_and_is_no_call() {
    let stage = Stage::new(|_| {}).await;
    for (method, path, body) in [
        ("GET", "private-endpoint-connections?page=2", ""),
        (
            "GET",
            "private-endpoint-connections/vpce-0123456789abcdef0",
            "",
        ),
        ("POST", "private-endpoint-services", "{}"),
        (
            "POST",
            "private-endpoint-connections",
            r#"{"endpoint_id": "vpce-1", "region": "x"}"#,
        ),
    ] {
        let answer = stage.networking(method, path, body).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &json!(3)),
            "{}",
            answer.body
        );
    }
    for path in [
        "/organization".to_owned(),
        "/clusters?pagination.limit=1".to_owned(),
        format!("/clusters/{CLUSTER}/networking/egress-private-endpoints"),
    ] {
        let answer = stage.cloud("GET", &path, "").await;
        assert_eq!(answer.status, 501, "{path}");
        let message = answer.json()["message"].to_string();
        assert!(message.contains("does not serve"), "{message}");
    }
    assert!(stage.sim.calls().is_empty());
}

#[tokio::test]
async fn an_unknown_word_passes_because_the_scenario_planted_it() {
    let stage = Stage::new(|scenario| {
        scenario.clusters[0].connections[0].status = ConnectionStatus::from("STATUS_SOMETHING_NEW");
    })
    .await;
    let answer = stage
        .networking("GET", "private-endpoint-connections", "")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        answer.json()["connections"][0]["status"],
        "STATUS_SOMETHING_NEW"
    );
}

#[tokio::test]
async fn the_eleventh_request_of_a_second_is_told_when_to_come_back() {
    for (form, header) in [
        (RetryAfter::Seconds, "1"),
        (RetryAfter::Date, "Thu, 01 Jan 1970 00:00:02 GMT"),
    ] {
        let stage = Stage::new(|scenario| {
            scenario.habits.retry_after = form;
            scenario.habits.rate_limit_status = 403;
        })
        .await;
        for _ in 0..10 {
            assert_eq!(stage.cluster().await.status, 200);
        }
        let answer = stage.cluster().await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (403, Some(header))
        );
        assert_eq!(answer.json()["message"], "rate limit exceeded");
    }
}

#[tokio::test]
async fn the_body_of_an_error_may_be_text_or_nothing() {
    for (form, body) in [
        (ErrorBody::Text, "token bearer could not be authenticated"),
        (ErrorBody::Empty, ""),
    ] {
        let stage = Stage::new(|scenario| {
            scenario.habits.error_body = form;
            scenario.keys.clear();
        })
        .await;
        let answer = stage.cluster().await;
        assert_eq!((answer.status, answer.body.as_str()), (401, body));
    }
}

#[tokio::test]
async fn every_shipped_scenario_gives_answers_that_the_document_knows() {
    for name in Scenario::names() {
        let scenario = Scenario::shipped(name).expect("it is sound");
        let stage = Stage::of(&scenario).await;
        stage
            .sim
            .meddle(|world| world.cloud.habits.requests_per_second = 0);
        let key = scenario
            .keys
            .first()
            .map_or("nobody's", |key| key.secret.as_str());
        for cluster in &scenario.clusters {
            for path in [
                "",
                "/networking/private-endpoint-services",
                "/networking/private-endpoint-connections",
            ] {
                let path = format!("/clusters/{}{path}", cluster.id);
                let answer = stage.cloud_as(key, "GET", &path, "").await;
                assert!(answer.status < 500, "{name} {path}: {}", answer.body);
            }
        }
        assert!(!scenario.clusters.is_empty(), "{name} has a cluster");
    }
}

#[tokio::test]
async fn an_invalid_answer_of_ours_is_an_error_that_names_the_bug() {
    let stage = Stage::new(|_| {}).await;
    stage.sim.meddle(|world| {
        let record = world.cloud.cluster_mut(CLUSTER).expect("it is there");
        record.cluster.operation_status = "NONSENSE".to_owned();
    });
    let answer = stage.cluster().await;
    assert_eq!(answer.status, 500);
    let message = answer.json()["message"].to_string();
    assert!(message.contains("bug in the simulator"), "{message}");
    assert!(message.contains("NONSENSE"), "{message}");
}
