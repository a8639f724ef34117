//! The rate limit of the Cloud API: a short wait is ours, a long one is the
//! definition's.

use std::time::{Duration, Instant};

use shared::Code;
use shared::cloud::Cloud;
use simulator::{Fault, FaultKind, Moment};

use crate::cloud_answers::cloud;
use crate::stage::{CLUSTER, ENDPOINT, Stage, parsed};
use crate::stub::{Stub, answer};

const LIMITED: &str = r#"{"code": 8, "message": "rate limit exceeded"}"#;

fn limited(status: u16, retry_after: &str) -> String {
    answer(status, &format!("Retry-After: {retry_after}\r\n"), LIMITED)
}

#[tokio::test]
async fn a_rate_limited_request_of_any_method_is_repeated_once_when_the_wait_is_short() {
    for status in [429, 400, 503] {
        let one = || [limited(status, "0"), answer(200, "", "{}")];
        let stub = Stub::answering([one(), one(), one()].concat()).await;
        let (cloud, id) = (cloud(&stub), parsed(CLUSTER));
        let endpoint = parsed(ENDPOINT);
        assert_eq!(cloud.registrations(&id).await, Ok(Vec::new()));
        assert_eq!(cloud.register(&id, &endpoint).await, Ok(()));
        assert_eq!(cloud.deregister(&id, &endpoint).await, Ok(()));
        let requests = stub.requests();
        assert_eq!(requests.len(), 6);
        assert_eq!(requests[2], requests[3]);
    }
}

#[tokio::test]
async fn a_second_refusal_is_the_definitions_to_wait_for() {
    let stub = Stub::answering([limited(429, "0")]).await;
    let error = cloud(&stub)
        .registrations(&parsed(CLUSTER))
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::CloudRateLimited);
    assert_eq!(stub.requests().len(), 2);
}

#[tokio::test]
async fn a_long_or_unreadable_wait_is_the_definitions_too() {
    let no_wait_named = answer(429, "", LIMITED);
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    for canned in [
        limited(429, "3"),
        limited(429, date),
        limited(429, "-1"),
        no_wait_named,
    ] {
        let stub = Stub::answering([canned.clone()]).await;
        let started = Instant::now();
        let error = cloud(&stub)
            .registrations(&parsed(CLUSTER))
            .await
            .unwrap_err();
        assert_eq!(error.code, Code::CloudRateLimited, "{canned}");
        assert_eq!(stub.requests().len(), 1, "{canned}");
        assert!(started.elapsed() < Duration::from_secs(1), "{canned}");
    }
}

#[tokio::test]
async fn a_fault_with_retry_after_may_have_taken_effect_and_is_not_repeated() {
    let stub = Stub::answering([answer(503, "Retry-After: 0\r\n", "")]).await;
    let id = parsed(CLUSTER);
    let error = cloud(&stub)
        .register(&id, &parsed(ENDPOINT))
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::CloudUnavailable);
    assert_eq!(stub.requests().len(), 1);
}

#[tokio::test]
async fn the_wait_is_as_long_as_the_api_asks_for() {
    let stage = Stage::new().await;
    let cloud = stage.cloud().await;
    let throttle = Fault::once("cloud:GET cluster", 1, FaultKind::Throttle, Moment::Before);
    stage.sim.add_fault(throttle);
    let started = Instant::now();
    assert!(cloud.cluster(&parsed(CLUSTER)).await.unwrap().is_some());
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(stage.count("cloud:GET cluster"), 2);
}
