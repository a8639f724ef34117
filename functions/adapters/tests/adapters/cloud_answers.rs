//! Requests to the letter, and answers that no document promises.

use adapters::cloud::HttpCloud;
use adapters::tls::Tls;
use shared::cloud::{Cloud, ClusterState, Plan};
use shared::ids::ClusterId;
use shared::secret::{ApiKey, Secrets};
use shared::transport::LONGEST_ANSWER;
use shared::{Code, StepError};

use crate::stage::{CLUSTER, ENDPOINT, KEY, parsed, says};
use crate::stub::{Stub, answer};

/// A key without a Secrets Manager.
pub(crate) struct Fixed(pub(crate) &'static str);

impl Secrets for Fixed {
    async fn api_key(&self, _cluster: &ClusterId) -> Result<ApiKey, StepError> {
        ApiKey::from_secret(self.0)
    }
}

pub(crate) fn cloud(stub: &Stub) -> HttpCloud<Fixed> {
    HttpCloud::new(&stub.url(), Tls::default(), Fixed(KEY)).unwrap()
}

async fn error_of(canned: String) -> StepError {
    let stub = Stub::answering([canned]).await;
    cloud(&stub)
        .registrations(&parsed(CLUSTER))
        .await
        .unwrap_err()
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

#[tokio::test]
async fn every_request_says_who_asks_and_in_which_version() {
    let stub = Stub::answering([answer(200, "", "{}")]).await;
    let (cloud, cluster) = (cloud(&stub), parsed(CLUSTER));
    cloud.registrations(&cluster).await.unwrap();
    cloud.request_endpoint_services(&cluster).await.unwrap();
    cloud.register(&cluster, &parsed(ENDPOINT)).await.unwrap();
    cloud
        .trust_owner(&cluster, &parsed("111122223333"))
        .await
        .unwrap();
    cloud.deregister(&cluster, &parsed(ENDPOINT)).await.unwrap();
    let requests = stub.requests();
    for request in &requests {
        assert_eq!(
            header(request, "authorization"),
            Some(format!("Bearer {KEY}").as_str())
        );
        assert_eq!(header(request, "accept"), Some("application/json"));
        assert_eq!(header(request, "cc-version"), Some("2024-09-16"));
        let agent = header(request, "user-agent").unwrap();
        assert!(agent.starts_with("crdb-privatelink/"), "{agent}");
    }
    let first_lines: Vec<&str> = requests.iter().map(|r| r.lines().next().unwrap()).collect();
    let below = |method: &str, what: &str| {
        format!("{method} /api/v1/clusters/{CLUSTER}/networking/{what} HTTP/1.1")
    };
    assert_eq!(
        first_lines,
        [
            below("GET", "private-endpoint-connections"),
            below("POST", "private-endpoint-services"),
            below("POST", "private-endpoint-connections"),
            below("POST", "private-endpoint-trusted-owners"),
            below(
                "DELETE",
                &format!("private-endpoint-connections/{ENDPOINT}")
            ),
        ]
    );
    // The order of fields is not ours to choose.
    let bodies: Vec<serde_json::Value> = requests
        .iter()
        .map(|r| serde_json::from_str(r.split_once("\r\n\r\n").unwrap().1).unwrap_or_default())
        .collect();
    let nothing = serde_json::Value::Null;
    assert_eq!(
        bodies,
        [
            nothing.clone(),
            nothing.clone(),
            serde_json::json!({"endpoint_id": "vpce-0a000000000000001"}),
            serde_json::json!({"external_owner_id": "111122223333", "type": "AWS_ACCOUNT_ID"}),
            nothing,
        ]
    );
    // The API wants no body there, and so no type of one.
    assert_eq!(header(&requests[1], "content-type"), None);
    assert_eq!(
        header(&requests[2], "content-type"),
        Some("application/json")
    );
}

#[tokio::test]
async fn an_id_from_an_answer_cannot_change_the_path() {
    let stub = Stub::answering([answer(200, "", "{}")]).await;
    let cloud = cloud(&stub);
    for id in ["a/b", "../x?y#z", "%2e", "ü "] {
        cloud.distrust_owner(&parsed(CLUSTER), id).await.unwrap();
    }
    let requests = stub.requests();
    let paths = requests.iter().map(|it| it.split(' ').nth(1).unwrap());
    let last: Vec<&str> = paths.map(|it| it.rsplit('/').next().unwrap()).collect();
    assert_eq!(last, ["a%2Fb", "..%2Fx%3Fy%23z", "%252e", "%C3%BC%20"]);
}

#[tokio::test]
async fn a_base_url_may_end_in_a_slash_and_must_be_one() {
    let stub = Stub::answering([answer(200, "", "{}")]).await;
    let cloud = HttpCloud::new(&format!("{}/", stub.url()), Tls::default(), Fixed(KEY)).unwrap();
    cloud.registrations(&parsed(CLUSTER)).await.unwrap();
    let request = stub.requests().remove(0);
    assert!(request.starts_with("GET /api/v1/clusters/"), "{request}");
    for url in [
        "",
        "cockroachlabs.cloud",
        "mailto:a@b",
        "http://cockroachlabs.cloud",
    ] {
        let error = HttpCloud::new(url, Tls::default(), Fixed(KEY))
            .err()
            .unwrap();
        says(&error, Code::ConfigurationInvalid, &format!("`{url}`"));
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let long = format!("{{\"connections\": [\"{}\"]}}", "x".repeat(LONGEST_ANSWER));
    let stub = Stub::answering([answer(200, "", &long)]).await;
    let error = cloud(&stub)
        .registrations(&parsed(CLUSTER))
        .await
        .unwrap_err();
    says(
        &error,
        Code::UnexpectedCloudAnswer,
        "more than 8388608 bytes",
    );
}

#[tokio::test]
async fn refusals_are_understood_with_any_body_or_none() {
    for (body, detail) in [
        (
            r#"{"code": 3, "message": "invalid argument: no", "details": []}"#,
            ": invalid argument: no",
        ),
        (r#"{"message": ""}"#, r#": {"message": ""}"#),
        (r#"{"message": 7}"#, r#": {"message": 7}"#),
        ("<html>\n<b>no</b>  </html>", ": <html> <b>no</b> </html>"),
        ("[]", ": []"),
        ("null", ": null"),
        ("", ""),
    ] {
        let error = error_of(answer(418, "", body)).await;
        assert_eq!(error.code, Code::UnexpectedCloudAnswer);
        let expected =
            format!("the Cloud API answered 418 to GET private-endpoint-connections{detail}");
        assert_eq!(error.detail, expected);
    }
    let long = error_of(answer(418, "", &"é".repeat(2000))).await;
    assert!(long.detail.chars().count() < 600, "{long}");
}

/// It is asked again, because it need not have been the API that answered. A record
/// that is an array counts, too: it would read as one with nothing in it.
#[tokio::test]
async fn a_read_whose_success_cannot_be_read_is_asked_again() {
    for body in [
        "",
        "<html>",
        "\u{1f}\u{8b}\u{8}",
        "[]",
        "null",
        r#"{"connections": 7}"#,
        r#"{"connections": [{}]}"#,
        r#"{"connections": [["vpce-1", "STATUS_AVAILABLE"]]}"#,
    ] {
        let error = error_of(answer(200, "", body)).await;
        assert_eq!(error.code, Code::CloudUnavailable, "{body}: {error}");
        assert!(error.detail.contains("cannot be read"), "{error}");
    }
}

#[tokio::test]
async fn no_record_of_the_api_is_read_from_an_array() {
    let stub = Stub::answering([answer(200, "", "[]")]).await;
    let (cloud, id) = (cloud(&stub), parsed(CLUSTER));
    cloud.cluster(&id).await.unwrap_err();
    cloud.endpoint_services(&id).await.unwrap_err();
    cloud.trusted_owners(&id).await.unwrap_err();
}

/// Nothing says whether it took effect: the step is called again, and looks.
#[tokio::test]
async fn a_write_whose_success_cannot_be_read_is_not_believed() {
    let (cluster, endpoint) = (parsed(CLUSTER), parsed(ENDPOINT));
    for (body, is_done) in [("{}", true), ("", true), ("<html>", false), ("[]", false)] {
        let stub = Stub::answering([answer(200, "", body)]).await;
        let cloud = cloud(&stub);
        for written in [
            cloud.request_endpoint_services(&cluster).await,
            cloud.register(&cluster, &endpoint).await,
            cloud.deregister(&cluster, &endpoint).await,
            cloud.distrust_owner(&cluster, "1").await,
            cloud.trust_owner(&cluster, &parsed("111122223333")).await,
        ] {
            let code = written.map_err(|error| error.code);
            let expected = if is_done {
                Ok(())
            } else {
                Err(Code::CloudUnavailable)
            };
            assert_eq!(code, expected, "{body}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_told_with_its_place_and_not_followed() {
    let thief = Stub::answering([answer(200, "", "{}")]).await;
    let headers = format!("Location: {}/api?token={KEY}\r\n", thief.url());
    let error = error_of(answer(302, &headers, "")).await;
    assert_eq!(error.code, Code::UnexpectedCloudAnswer);
    assert!(thief.requests().is_empty(), "the key is not sent elsewhere");
    assert!(!error.detail.contains("OpensNothing"), "{error}");
    let error = error_of(answer(302, "Location: https://proxy.example/\r\n", "")).await;
    let place = "it points to https://proxy.example/, where";
    assert!(error.detail.contains(place), "{error}");
}

#[tokio::test]
async fn what_a_proxy_says_in_an_outage_is_no_lock() {
    for (status, headers, body) in [
        (
            503,
            "",
            "upstream connect error or disconnect/reset before headers",
        ),
        (503, "", "<html>the door is locked</html>"),
        (
            503,
            "",
            r#"{"detail": "state must be one of CREATED, LOCKED"}"#,
        ),
        (
            500,
            "",
            r#"{"message": "state must be one of CREATED, LOCKED"}"#,
        ),
        (503, "Retry-After: 120\r\n", "<html>"),
    ] {
        let error = error_of(answer(status, headers, body)).await;
        assert_eq!(error.code, Code::CloudUnavailable, "{error}");
    }
    let locked = r#"{"code": 14, "message": "couldn't lock cluster shop"}"#;
    let error = error_of(answer(503, "", locked)).await;
    assert_eq!(error.code, Code::ClusterBusy, "{error}");
}

#[tokio::test]
async fn what_is_null_counts_as_left_out_and_unknown_fields_are_ignored() {
    let cluster = r#"{"id": "x", "name": null, "cloud_provider": "AWS", "state": "CREATED", "plan": null,
        "config": null, "regions": null, "deleted_at": null, "something_new": {"a": [1]}}"#;
    let owners = r#"{"trusted_owners": null}"#;
    let services = r#"{"services": [{"region_name": "eu-west-1", "status": "CREATING", "name": "",
        "availability_zone_ids": null, "aws": null, "cloud_provider": "AWS"},
        {"region_name": "westeurope", "status": "AVAILABLE", "name": "x", "cloud_provider": "AZURE"}]}"#;
    let connections = r#"{"connections": [{"endpoint_id": "vpce-1", "status": "STATUS_NEW",
        "region": "eu-west-1", "external_owner_id": ""}], "pagination": null}"#;
    let bodies = [
        cluster,
        owners,
        services,
        connections,
        r#"{"services": null}"#,
        r#"{"connections": null}"#,
    ];
    let stub = Stub::answering(bodies.map(|body| answer(200, "", body))).await;
    let (cloud, id) = (cloud(&stub), parsed(CLUSTER));
    let cluster = cloud.cluster(&id).await.unwrap().unwrap();
    assert_eq!(
        (cluster.plan, cluster.state),
        (Plan::Advanced, ClusterState::Created)
    );
    assert_eq!(cluster.regions, []);
    assert_eq!(cloud.trusted_owners(&id).await, Ok(Some(Vec::new())));
    let services = cloud.endpoint_services(&id).await.unwrap();
    assert_eq!(services.len(), 1, "the other one is not on AWS");
    assert_eq!((&services[0].name, services[0].zone_ids.len()), (&None, 0));
    assert_eq!(cloud.registrations(&id).await.unwrap()[0].account, None);
    assert_eq!(cloud.endpoint_services(&id).await, Ok(Vec::new()));
    assert_eq!(cloud.registrations(&id).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_key_in_an_answer_is_not_repeated() {
    let other = "CCDB1_another_key";
    for body in [
        format!(r#"{{"message": "bearer {KEY} and {other} are wrong"}}"#),
        format!("no JSON, but (\"{KEY}\", \"{other}\")"),
    ] {
        let text = error_of(answer(400, "", &body)).await.to_string();
        assert!(
            text.contains("CCDB1_…") && !text.contains("thisKeyOpens"),
            "{text}"
        );
        assert!(!text.contains("another"), "{text}");
    }
    // The reader of JSON quotes what it cannot take.
    let text = error_of(answer(200, "", &format!(r#"{{"connections": "{KEY}"}}"#)))
        .await
        .to_string();
    assert!(!text.contains("thisKeyOpens"), "{text}");
}

#[tokio::test]
async fn a_key_of_another_form_is_not_repeated_either() {
    const TOKEN: &str = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl";
    let body = format!(r#"{{"message": "token={TOKEN}, which is expired"}}"#);
    let stub = Stub::answering([answer(400, "", &body)]).await;
    let cloud = HttpCloud::new(&stub.url(), Tls::default(), Fixed(TOKEN)).unwrap();
    let error = cloud.registrations(&parsed(CLUSTER)).await.unwrap_err();
    assert!(!error.detail.contains("eyJ"), "{error}");
    assert!(error.detail.contains("which is expired"), "{error}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"connections\"".to_owned();
    for canned in [broken, String::new(), "what?\r\n\r\n".to_owned()] {
        let error = error_of(canned).await;
        assert_eq!(error.code, Code::CloudUnavailable, "{error}");
        assert!(!error.detail.contains("127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn nobody_listening_is_a_host_that_is_not_reached() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let cloud = HttpCloud::new(&url, Tls::default(), Fixed(KEY)).unwrap();
    let error = cloud.cluster(&parsed(CLUSTER)).await.unwrap_err();
    says(&error, Code::HostUnreachable, "the Cloud API at 127.0.0.1 ");
    says(&error, Code::HostUnreachable, "refused");
}
