//! Having a connection taken away.

use shared::request::DeprovisionRequest;

use super::*;

const RUN: &str = "arn:aws:states:eu-west-1:111122223333:execution:provision:x";

#[tokio::test]
async fn the_run_gets_what_the_ledger_knows() {
    let api = Api::new();
    api.record(RUN, &STORY);
    let answer = api.delete(api.id()).await;
    let place = format!("/v1/connections/{}", api.id());
    assert_eq!(header(&answer, "location"), Some(place.as_str()));
    let (name, input) = api.run();
    assert!(execution(&answer).ends_with(&format!(":{name}")));
    let read: DeprovisionRequest = serde_json::from_value(input).unwrap();
    let request = &api.stage.request;
    assert_eq!(read.subject(), request.subject());
    assert_eq!(read.limits.undo_seconds, request.limits.undo_seconds);
    assert_eq!(read.requested_by, RequestedBy::Call);
}

#[tokio::test]
async fn a_second_call_is_the_same_run_until_it_has_ended() {
    let api = Api::new();
    api.record(RUN, &STORY);
    let first = execution(&api.delete(api.id()).await);
    assert_eq!(execution(&api.delete(api.id()).await), first);
    api.record(&first, &[Phase::Disconnecting]);
    assert_eq!(execution(&api.delete(api.id()).await), first);
    api.end(&first);
    api.record(&first, &[Phase::Disconnecting, Phase::DisconnectIncomplete]);
    let second = execution(&api.delete(api.id()).await);
    assert_ne!(second, first);
    assert_eq!(execution(&api.delete(api.id()).await), second);
}

#[tokio::test]
async fn a_run_that_died_without_a_word_is_not_waited_for() {
    let api = Api::new();
    api.record(RUN, &STORY);
    let first = execution(&api.delete(api.id()).await);
    api.record(&first, &[Phase::Disconnecting]);
    api.end(&first);
    assert_ne!(execution(&api.delete(api.id()).await), first);
}

#[tokio::test]
async fn what_nobody_knows_cannot_be_taken_away() {
    let api = Api::new();
    for id in [api.id(), "0000000000000000", "not-an-id", ""] {
        let status = api.delete(id).await.status;
        assert!(matches!(status, 404 | 405), "{id}: {status}");
    }
    assert!(api.runs().is_empty());
}

#[tokio::test]
async fn what_a_tag_asks_for_goes_with_the_tag() {
    let api = Api::new();
    let mut connection = api.connection(RUN, &STORY);
    connection.request.requested_by = RequestedBy::VpcTag;
    api.stage.ports.put_connection(&connection);
    let answer = api.delete(api.id()).await;
    assert_refused(&answer, 409, "asked-for-by-tag");
    assert!(api.runs().is_empty());
    // Nor does a call take over what the tag asks for.
    let body = api.body();
    let answer = api.create(&body, None).await;
    assert_refused(&answer, 409, "asked-for-by-tag");
    assert!(api.runs().is_empty());
    // Of what is not there anything may be asked, and its entry may go.
    connection.phase = Phase::RolledBack;
    connection.stands_since = None;
    api.stage.ports.put_connection(&connection);
    assert_eq!(api.delete(api.id()).await.status, 202);
    assert_eq!(api.create(&body, None).await.status, 202);
}

#[tokio::test]
async fn a_connection_is_taken_away_where_it_is() {
    let api = Api::new();
    let mut connection = api.connection(RUN, &STORY);
    connection.account_id = "111122223333".parse().ok();
    connection.request.account_id = "999988887777".parse().ok();
    api.stage.ports.put_connection(&connection);
    assert_eq!(api.delete(api.id()).await.status, 202);
    assert_eq!(api.runs()[0].1["account_id"], "111122223333");

    let mut body = api.body();
    body["account_id"] = json!("999988887777");
    let answer = api.create(&body, None).await;
    assert_refused(&answer, 409, "account-differs");
}

#[tokio::test]
async fn what_is_protected_goes_by_force_only() {
    let api = Api::new();
    let ask = async |force: &str| {
        let query = [("force", force), ("cluster_is_gone", force)];
        api.delete_with(&query).await
    };
    let mut connection = api.connection(RUN, &STORY);
    connection.request.protect = true;
    api.stage.ports.put_connection(&connection);
    for answer in [api.delete(api.id()).await, ask("false").await] {
        assert_refused(&answer, 409, "connection-protected");
    }
    assert_eq!(ask("yes").await.status, 400);
    assert!(api.runs().is_empty());
    execution(&ask("True").await);
    let (_, input) = api.run();
    assert_eq!(input["force"], true);
    assert_eq!(input["cluster_is_gone"], true);
}

#[tokio::test]
async fn who_asks_for_traffic_to_be_looked_at_has_it_looked_at_by_the_run() {
    let api = Api::new();
    api.stage.ports.put_connection(&api.connection(RUN, &STORY));
    let ask = async |minutes: &str| {
        let query = [("unless_traffic_minutes", minutes)];
        api.delete_with(&query).await
    };
    for bad in ["", "4", "10081", "-5", "an hour"] {
        let answer = ask(bad).await;
        assert_eq!(answer.status, 400, "{bad}");
        let said = format!("unless_traffic_minutes: `{bad}` is not from 5 to 10080 minutes");
        assert_eq!(answer.body["detail"], said);
    }
    execution(&ask("60").await);
    assert_eq!(api.run().1["unless_traffic_minutes"], 60);
}

/// A refused run leaves the ledger as it was, and with it what names are made of.
#[tokio::test]
async fn a_removal_that_is_refused_again_and_again_can_be_asked_for_later() {
    let api = Api::new();
    api.record(RUN, &STORY);
    let refused = async || {
        let answer = api.delete(api.id()).await;
        if answer.status == 202 {
            api.end(&execution(&answer));
        }
        answer.status
    };
    while refused().await == 202 {}
    assert_eq!(refused().await, 503, "the names of this hour are used up");
    api.stage.advance(3600);
    assert_eq!(refused().await, 202);
}

#[tokio::test]
async fn a_removal_that_has_begun_is_finished_though_protected() {
    let api = Api::new();
    let mut connection = api.connection(RUN, &[Phase::DisconnectIncomplete]);
    connection.request.protect = true;
    api.stage.ports.put_connection(&connection);
    execution(&api.delete(api.id()).await);
}
