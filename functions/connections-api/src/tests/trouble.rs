//! What is not as it should be, on either side.

use simulator::FaultKind;

use super::*;

#[tokio::test]
async fn every_code_is_explained_where_problems_point_to() {
    let api = Api::new();
    for code in Code::ALL {
        let answer = api.get(&format!("/errors/{code}")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body["fix"], code.fix());
    }
    assert_eq!(api.get("/errors/no-such-code").await.status, 404);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let api = Api::new();
    for path in [
        "/",
        "/connection",
        "/connections/a/b",
        "/connections/a/check/b",
        "/plans",
    ] {
        let answer = api.get(path).await;
        assert_refused(&answer, 404, "resource-not-found");
    }
    let answer = api.call("PATCH", "/connections").await;
    let told = (answer.status, header(&answer, "allow"));
    assert_eq!(told, (405, Some("POST, GET")));
}

/// Every call of the door, in a world that has a connection.
async fn all_calls(api: &Api) -> Vec<Answer> {
    let (id, body) = (api.id(), api.body());
    vec![
        api.create(&body, None).await,
        api.create(&body, Some("key")).await,
        api.query(&[]).await,
        api.get(&format!("/connections/{id}")).await,
        api.delete(id).await,
        api.call("POST", &format!("/connections/{id}/check")).await,
    ]
}

/// A world that has a connection, and in which all calls of the door fail so.
fn in_trouble(kind: FaultKind) -> Api {
    let api = Api::new();
    api.record("run", &STORY[..3]);
    for service in ["dynamodb:GetItem", "dynamodb:Scan", "states:StartExecution"] {
        api.stage.fails(service, kind);
    }
    api
}

#[tokio::test]
async fn when_the_other_side_is_in_trouble_the_caller_may_try_again() {
    use FaultKind::{CutOff, ServerError, Throttle, Timeout};
    for kind in [Throttle, ServerError, CutOff, Timeout] {
        let api = in_trouble(kind);
        for answer in all_calls(&api).await {
            assert_eq!(answer.status, 503, "{kind:?}: {}", answer.body);
            assert_eq!(header(&answer, "retry-after"), Some("5"));
            assert!(Code::parse(answer.body["code"].as_str().unwrap()).is_some());
        }
        assert!(api.runs().is_empty());
    }
}

#[tokio::test]
async fn what_is_set_up_wrong_is_our_fault_and_told_without_names() {
    let api = in_trouble(FaultKind::Denied);
    for answer in all_calls(&api).await {
        assert_refused(&answer, 500, "aws-access-denied");
        assert_eq!(answer.body["detail"], Code::AwsAccessDenied.cause());
    }
}
