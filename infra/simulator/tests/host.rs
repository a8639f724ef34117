//! The host over a plain socket: what a client sees of answers, errors, and of
//! connections that break or never answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};
use simulator::cloud::{ConnectionStatus, ErrorBody, RetryAfter};
use simulator::http::Server;
use simulator::{Fault, FaultKind, Moment, Scenario, Simulator};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CLUSTER: &str = "22222222-2222-4222-8222-222222222222";
const KEY: &str = "CCDB1_aaaaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

const SCENARIO: &str = r#"
title = "one cluster"
story = "A Standard cluster, an endpoint, a key and a secret."
[[keys]]
secret = "CCDB1_aaaaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
roles = ["CLUSTER_ADMIN"]
[[secrets]]
name = "cockroach/api-key"
value = '{"api_key": "CCDB1_aaaaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}'
[[clusters]]
id = "22222222-2222-4222-8222-222222222222"
name = "standard"
plan = "standard"
[[clusters.regions]]
name = "eu-west-1"
service = { name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0bbbbbbbbbbbbbbbb" }
[[clusters.connections]]
endpoint_id = "vpce-0123456789abcdef0"
[[vpcs]]
id = "vpc-0123456789abcdef0"
cidr = "10.0.0.0/16"
[[vpcs.endpoints]]
id = "vpce-0123456789abcdef0"
service_name = "com.amazonaws.vpce.eu-west-1.vpce-svc-0bbbbbbbbbbbbbbbb"
"#;

struct Stage {
    sim: Simulator,
    server: Server,
}

/// An answer as it came over the wire.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl Stage {
    async fn new(change: impl FnOnce(&mut Scenario)) -> Stage {
        let mut scenario = Scenario::parse(SCENARIO).expect("the scenario is sound");
        change(&mut scenario);
        let sim = Simulator::new(&scenario, || OffsetDateTime::UNIX_EPOCH);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start(sim.clone(), address)
            .await
            .expect("it can listen");
        Stage { sim, server }
    }

    /// Sends a request and reads until the connection ends.
    async fn send(&self, head: &str, body: &str) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(self.server.address()).await?;
        let length = body.len();
        let request = format!(
            "{head}\r\nHost: simulator\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        let (head, body) = text
            .split_once("\r\n\r\n")
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Ok(Answer {
            status: status.ok_or(io::ErrorKind::InvalidData)?,
            head: head.to_owned(),
            body: body.to_owned(),
        })
    }

    async fn cloud(&self, method: &str, path: &str, body: &str) -> Answer {
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nCc-Version: 2024-09-16\r\n\
             Content-Type: application/json"
        );
        self.send(&head, body).await.expect("an answer comes")
    }

    async fn networking(&self, method: &str, path: &str, body: &str) -> Answer {
        self.cloud(
            method,
            &format!("/clusters/{CLUSTER}/networking/{path}"),
            body,
        )
        .await
    }

    async fn secret(&self, operation: &str, input: &Value) -> Answer {
        let head = format!(
            "POST / HTTP/1.1\r\nX-Amz-Target: secretsmanager.{operation}\r\n\
             Content-Type: application/x-amz-json-1.1"
        );
        self.send(&head, &input.to_string())
            .await
            .expect("an answer comes")
    }
}

#[tokio::test]
async fn a_cluster_comes_with_the_habits_of_the_real_service() {
    let stage = Stage::new(|scenario| {
        scenario.clusters[0].regions[0].internal_dns = Some(String::new());
    })
    .await;
    let answer = stage
        .cloud("GET", &format!("/clusters/{CLUSTER}"), "")
        .await;
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
    let stage =
        Stage::new(|scenario| scenario.clusters[0].plan = simulator::cloud::Plan::Advanced).await;
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
    for method in ["GET", "DELETE"] {
        let answer = stage
            .networking(method, &format!("private-endpoint-trusted-owners/{id}"), "")
            .await;
        assert_eq!(answer.status, 200, "{method}: {}", answer.body);
        assert_eq!(answer.json()["trusted_owner"]["id"], *id);
    }
    for path in [
        "/organization",
        "/clusters",
        "/clusters?pagination.limit=1&show_inactive=true",
    ] {
        let answer = stage.cloud("GET", path, "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    }
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
    assert_eq!(
        stage
            .networking("GET", "egress-private-endpoints", "")
            .await
            .status,
        501
    );
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
            assert_eq!(stage.cloud("GET", "/organization", "").await.status, 200);
        }
        let answer = stage.cloud("GET", "/organization", "").await;
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
        let answer = stage.cloud("GET", "/organization", "").await;
        assert_eq!((answer.status, answer.body.as_str()), (401, body));
    }
}

#[tokio::test]
async fn every_fault_that_has_words_is_said_by_both_services() {
    for kind in FaultKind::ALL {
        if matches!(kind, FaultKind::Timeout | FaultKind::CutOff) {
            continue;
        }
        let stage = Stage::new(|_| {}).await;
        stage
            .sim
            .add_fault(Fault::from_then_on("*", 1, kind, Moment::Before));
        let answer = stage.cloud("GET", "/organization", "").await;
        assert!(answer.status >= 400, "{kind:?}");
        assert!(
            answer.json()["message"].is_string(),
            "{kind:?}: {}",
            answer.body
        );
        let answer = stage
            .secret(
                "GetSecretValue",
                &json!({ "SecretId": "cockroach/api-key" }),
            )
            .await;
        assert!(answer.status >= 400, "{kind:?}");
        assert!(
            answer.json()["__type"].is_string(),
            "{kind:?}: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_off_breaks_without_an_answer() {
    let stage = Stage::new(|_| {}).await;
    stage.sim.add_fault(Fault::once(
        "secretsmanager:GetSecretValue",
        1,
        FaultKind::CutOff,
        Moment::After,
    ));
    let head = "POST / HTTP/1.1\r\nX-Amz-Target: secretsmanager.GetSecretValue";
    let broken = stage
        .send(head, r#"{"SecretId": "cockroach/api-key"}"#)
        .await;
    assert!(broken.is_err(), "{broken:?}");
    let again = stage
        .secret(
            "GetSecretValue",
            &json!({ "SecretId": "cockroach/api-key" }),
        )
        .await;
    assert_eq!(again.status, 200, "the next connection is sound");
}

#[tokio::test]
async fn a_request_that_times_out_holds_its_connection_and_nobody_elses() {
    let stage = Stage::new(|_| {}).await;
    stage.sim.add_fault(Fault::once(
        "cloud:GET organization",
        1,
        FaultKind::Timeout,
        Moment::Before,
    ));
    let waiting = stage.cloud("GET", "/organization", "");
    let silence = tokio::time::timeout(Duration::from_millis(300), waiting).await;
    assert!(silence.is_err(), "no answer comes");
    assert_eq!(stage.cloud("GET", "/organization", "").await.status, 200);
}

#[tokio::test]
async fn a_server_that_is_dropped_lets_go_of_those_who_wait() {
    let stage = Stage::new(|_| {}).await;
    stage.sim.add_fault(Fault::once(
        "cloud:GET organization",
        1,
        FaultKind::Timeout,
        Moment::Before,
    ));
    let Stage { sim, server } = stage;
    let mut stream = TcpStream::connect(server.address())
        .await
        .expect("it listens");
    let request = format!(
        "GET /api/v1/organization HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer {KEY}\r\n\r\n"
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it is sent");
    while sim.calls().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(server);
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection ends");
    assert!(rest.is_empty(), "nothing was said");
}

#[tokio::test]
async fn a_secret_is_read_and_rotated_over_http() {
    let stage = Stage::new(|_| {}).await;
    let id = json!({ "SecretId": "cockroach/api-key" });
    let before = stage.secret("GetSecretValue", &id).await.json();
    assert!(
        before["SecretString"]
            .as_str()
            .is_some_and(|text| text.contains(KEY))
    );
    let new = json!({ "SecretId": before["ARN"], "SecretString": "CCDB1_new" });
    assert_eq!(
        stage.secret("PutSecretValue", &new).await.json()["VersionStages"],
        json!(["AWSCURRENT"])
    );
    assert_eq!(
        stage.secret("GetSecretValue", &id).await.json()["SecretString"],
        "CCDB1_new"
    );
    let described = stage.secret("DescribeSecret", &id).await.json();
    assert_eq!(
        described["VersionIdsToStages"]
            .as_object()
            .map(serde_json::Map::len),
        Some(2)
    );
}

#[tokio::test]
async fn what_secrets_manager_cannot_do_has_the_code_that_aws_gives() {
    let stage = Stage::new(|_| {}).await;
    for (operation, input, code) in [
        (
            "GetSecretValue",
            json!({ "SecretId": "nobody" }),
            "ResourceNotFoundException",
        ),
        (
            "GetSecretValue",
            json!({ "Secret": "nobody" }),
            "InvalidParameterException",
        ),
        ("ListSecrets", json!({}), "UnknownOperationException"),
        (
            "PutSecretValue",
            json!({ "SecretId": "cockroach/api-key" }),
            "InvalidRequestException",
        ),
    ] {
        let answer = stage.secret(operation, &input).await;
        assert_eq!(
            (answer.status, &answer.json()["__type"]),
            (400, &json!(code)),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn who_asks_for_something_else_is_told_that_nothing_answers() {
    let stage = Stage::new(|_| {}).await;
    let answer = stage
        .send("GET /favicon.ico HTTP/1.1", "")
        .await
        .expect("an answer comes");
    assert_eq!(answer.status, 404);
}
