//! One connection with all that is known of it.

use shared::ledger::{Finding, Health, HealthStatus};

use super::*;

/// The words of the steps in a view, each with its state.
fn states(view: &Value) -> Vec<String> {
    let steps = view["steps"].as_array().unwrap().iter();
    let told = steps.map(|it| ["step", "state"].map(|field| it[field].as_str().unwrap()));
    told.map(|told| told.join(" ")).collect()
}

async fn read(api: &Api, connection: &Connection) -> Value {
    api.stage.ports.put_connection(connection);
    let answer = api.get(&format!("/connections/{}", api.id())).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

#[tokio::test]
async fn a_connection_that_works_is_handed_over() {
    let api = Api::new();
    let mut connection = api.connection("run", &STORY);
    connection.outcome = Some(success(&connection));
    connection.ready = success(&connection).ready;
    let view = read(&api, &connection).await;
    assert_eq!(view["phase"], "ready");
    let all = json!({"done": 7, "of": 7, "percent": 100});
    assert_eq!(view["progress"], all);
    let mut states = states(&view).into_iter();
    assert!(states.all(|step| step.ends_with(" done")), "{view}");
    assert_eq!(view["host"], "internal-orders.example");
    assert_eq!(view["port"], 26257);
    let string = view["connection_string"].as_str().unwrap();
    assert!(string.starts_with("postgresql://USER@"), "{string}");
    assert_eq!(view["timeline"].as_array().unwrap().len(), 8);
    assert_eq!(view["steps"][0]["began_at"], view["timeline"][0]["at"]);
    assert_eq!(view["steps"][0]["ended_at"], view["timeline"][1]["at"]);
    // What was asked for can be sent again.
    assert_eq!(view["request"].get("requested_by"), None);
    let again = ProvisionRequest::parse(&view["request"]);
    assert_eq!(again, Ok(api.stage.request.clone()));
}

/// A run failed on it: how it stands, and what was tried.
#[tokio::test]
async fn a_failed_attempt_stands_beside_how_the_connection_stands() {
    let api = Api::new();
    let mut connection = api.connection("run", &STORY[..3]);
    connection.ready = success(&connection).ready;
    let phase = Phase::RolledBack;
    connection.outcome = Some(failure(&connection, phase, "CreateSecurityGroup"));
    let at = connection.updated_at;
    connection.timeline.push(Milestone { phase, at });
    connection.phase = Phase::Ready;
    connection.stands_since = Some(at);
    let mut asked = connection.request.clone();
    asked.private_dns = false;
    connection.asked = Some(asked);
    let view = read(&api, &connection).await;
    assert_eq!(view["phase"], "ready");
    assert_eq!(view["host"], "internal-orders.example");
    assert_eq!(view["request"]["private_dns"], true);
    let attempt = &view["attempt"];
    assert_eq!(attempt["request"]["private_dns"], false);
    assert_eq!(attempt["requested_by"], "call");
    assert_eq!(attempt["code"], "endpoint-rejected");
    assert_eq!(attempt["started_at"], view["started_at"]);
    assert_eq!(states(&view)[2], "create-security-group failed");
}

#[tokio::test]
async fn a_run_shows_what_it_waits_for() {
    let api = Api::new();
    let view = read(&api, &api.connection("run", &STORY[..6])).await;
    assert_eq!(view["progress"]["percent"], 71);
    let awaited = "both sides to be available";
    assert_eq!(view["progress"]["waiting_for"], awaited);
    let told = "register-endpoint done, check-status running, enable-private-dns waiting";
    assert_eq!(states(&view)[4..].join(", "), told);
    assert_eq!(view["steps"][5]["began_at"], view["timeline"][5]["at"]);
    assert_eq!(view["steps"][5].get("ended_at"), None);
    assert_eq!(view.get("host"), None);
}

#[tokio::test]
async fn what_is_adopted_skips_what_it_does_not_need() {
    let api = Api::new();
    let phases = [&STORY[..3], &STORY[4..6]].concat();
    let view = read(&api, &api.connection("run", &phases)).await;
    assert_eq!(states(&view)[2], "create-security-group skipped");
    assert_eq!(states(&view)[5], "check-status running");
}

#[tokio::test]
async fn private_dns_is_no_step_where_it_is_not_wanted() {
    let api = Api::new();
    let mut connection = api.connection("run", &STORY);
    connection.request.private_dns = false;
    let view = read(&api, &connection).await;
    let all = json!({"done": 6, "of": 6, "percent": 100});
    assert_eq!(view["progress"], all);
}

#[tokio::test]
async fn a_failure_stands_at_its_step_with_cause_and_fix() {
    let api = Api::new();
    let at_check = ["check-status failed", "enable-private-dns skipped"];
    let at_dns = ["check-status done", "enable-private-dns failed"];
    for (reached, failed_at, expected) in [
        (6, "CheckStatus", at_check),
        (7, "CheckStatusWithPrivateDns", at_dns),
    ] {
        let mut connection = api.connection("run", &STORY[..reached]);
        connection.phase = Phase::RolledBack;
        connection.outcome = Some(failure(&connection, Phase::RolledBack, failed_at));
        let view = read(&api, &connection).await;
        assert_eq!(states(&view)[5..], expected);
        let failure = &view["outcome"]["failure"];
        assert_eq!(failure["code"], "endpoint-rejected");
        assert_eq!(failure["fix"], Code::EndpointRejected.fix());
        let mut steps = view["steps"].as_array().unwrap().iter();
        let failed = steps.find(|it| it["state"] == "failed");
        assert_eq!(failed.unwrap()["ended_at"], view["outcome"]["at"]);
        assert_eq!(view["progress"]["done"], reached - 1);
        assert_eq!(view["progress"].get("waiting_for"), None);
    }
}

#[tokio::test]
async fn a_failure_after_a_skipped_step_stands_where_it_happened() {
    let api = Api::new();
    let mut connection = api.connection("run", &STORY[..3]);
    connection.phase = Phase::RolledBack;
    connection.outcome = Some(failure(&connection, Phase::RolledBack, "CreateEndpoint"));
    let view = read(&api, &connection).await;
    let told = "create-security-group skipped, create-endpoint failed, register-endpoint skipped";
    assert_eq!(states(&view)[2..5].join(", "), told);
}

#[tokio::test]
async fn the_outcome_of_an_earlier_run_does_not_blur_the_one_under_way() {
    let api = Api::new();
    let mut connection = api.connection("run", &STORY[..2]);
    connection.outcome = Some(failure(&connection, Phase::RolledBack, "CheckStatus"));
    let view = read(&api, &connection).await;
    assert_eq!(states(&view)[1], "inspect-network running");
    assert!(!states(&view).iter().any(|step| step.ends_with("failed")));
}

#[tokio::test]
async fn an_interrupted_run_failed_where_it_was() {
    let api = Api::new();
    let mut connection = api.connection("run", &STORY[..5]);
    connection.phase = Phase::Interrupted;
    let view = read(&api, &connection).await;
    assert_eq!(states(&view)[4], "register-endpoint failed");
    assert_eq!(view["progress"]["done"], 4);
}

#[tokio::test]
async fn a_connection_that_goes_is_not_offered_any_more() {
    let api = Api::new();
    let mut connection = api.connection("run", &[Phase::Disconnecting]);
    connection.outcome = Some(success(&connection));
    let view = read(&api, &connection).await;
    assert_eq!(states(&view), ["deprovision running"]);
    assert_eq!(view.get("host"), None);
    let awaited = view["progress"]["waiting_for"].as_str().unwrap();
    assert!(awaited.ends_with("to be gone"), "{awaited}");
    connection.phase = Phase::Disconnected;
    let view = read(&api, &connection).await;
    assert_eq!(states(&view), ["deprovision done"]);
    connection.phase = Phase::DisconnectIncomplete;
    connection.outcome = Some(failure(&connection, connection.phase, "DeleteEndpoint"));
    let view = read(&api, &connection).await;
    assert_eq!(states(&view), ["deprovision failed"]);
    assert_eq!(view["steps"][0]["ended_at"], view["outcome"]["at"]);
}

#[tokio::test]
async fn what_a_check_saw_comes_with_cause_and_fix() {
    let api = Api::new();
    let mut connection = api.connection("run", &STORY);
    let finding = |code: &str| Finding {
        code: code.to_owned(),
        detail: "seen".to_owned(),
    };
    connection.health = Some(Health {
        status: HealthStatus::Drifted,
        findings: vec![finding("endpoint-gone"), finding("of-another-version")],
        since: connection.updated_at,
        checked_at: connection.updated_at,
        before: None,
        to_announce: true,
    });
    let view = read(&api, &connection).await;
    let health = &view["health"];
    assert_eq!(health["status"], "drifted");
    assert_eq!(health["findings"][0]["fix"], Code::EndpointGone.fix());
    let unknown = json!({"code": "of-another-version", "detail": "seen"});
    assert_eq!(health["findings"][1], unknown);
}

#[tokio::test]
async fn an_id_in_a_path_is_read_in_any_case() {
    let api = Api::new();
    api.record("run", &STORY);
    let id = api.id().to_uppercase();
    assert_ne!(id, api.id(), "it has letters");
    let connection = format!("/connections/{id}");
    for path in [connection.as_str(), "/errors/Endpoint-Rejected"] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn what_nobody_knows_is_not_found() {
    let api = Api::new();
    for id in [api.id(), "ABCDEF012345678Z", "0", "%2e%2e", "arn:aws:s:x"] {
        let answer = api.get(&format!("/connections/{id}")).await;
        assert_refused(&answer, 404, "connection-not-found");
    }
    // What cannot be an id is not even looked for.
    let calls = api.stage.ports.simulator().calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
}
