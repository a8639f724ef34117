//! Connections that break, never answer, or lead nowhere.

use std::time::Duration;

use serde_json::json;
use simulator::{Fault, FaultKind, Moment};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{CLUSTER, KEY, Stage};

impl Stage {
    /// The first call of this operation takes effect, and goes wrong.
    fn fault(&self, operation: &str, kind: FaultKind) {
        let fault = Fault::once(operation, 1, kind, Moment::After);
        self.sim.add_fault(fault);
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_off_breaks_without_an_answer() {
    let stage = Stage::new(|_| {}).await;
    stage.fault("secretsmanager:GetSecretValue", FaultKind::CutOff);
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
    stage.fault("cloud:GET cluster", FaultKind::Timeout);
    let waiting = stage.cluster();
    let silence = tokio::time::timeout(Duration::from_millis(300), waiting).await;
    assert!(silence.is_err(), "no answer comes");
    assert_eq!(stage.cluster().await.status, 200);
}

#[tokio::test]
async fn a_server_that_is_dropped_lets_go_of_those_who_wait() {
    let stage = Stage::new(|_| {}).await;
    stage.fault("cloud:GET cluster", FaultKind::Timeout);
    let Stage { sim, server } = stage;
    let mut stream = TcpStream::connect(server.address())
        .await
        .expect("it listens");
    let request = format!(
        "GET /api/v1/clusters/{CLUSTER} HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer {KEY}\r\n\r\n"
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
async fn who_asks_for_something_else_is_told_that_nothing_answers() {
    let stage = Stage::new(|_| {}).await;
    let answer = stage
        .send("GET /favicon.ico HTTP/1.1", "")
        .await
        .expect("an answer comes");
    assert_eq!(answer.status, 404);
}
