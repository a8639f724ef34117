//! The ledger over the wire of DynamoDB.

use adapters::ledger::DynamoLedger;
use serde_json::{Value, json};
use shared::config::Setting;
use shared::ledger::{Health, Ledger, Tables};
use shared::{Code, StepError};
use time::OffsetDateTime;

use crate::stage::{CLUSTER, CONNECTION, REGION, RUN, Stage, VPC, once, parsed, says, tables};
use crate::stub::{self, Stub, aws, body, ok, unreadable};

async fn ledger(stub: &Stub) -> DynamoLedger {
    DynamoLedger::new(&aws(&stub.url()).await, tables())
}

fn exception(status: u16, code: &str) -> String {
    stub::exception(status, &format!("com.amazonaws.dynamodb.v20120810#{code}"))
}

pub(crate) fn item(id: &str) -> Value {
    let request = json!({"cluster_id": CLUSTER, "region": REGION, "vpc_id": VPC});
    json!({
        "connection_id": {"S": id},
        "region": {"S": REGION},
        "vpc_id": {"S": VPC},
        "cluster_id": {"S": CLUSTER},
        "request": {"S": request.to_string()},
        "phase": {"S": "requested"},
        "timeline": {"S": r#"[{"phase": "requested", "at": "2026-11-22T18:00:00Z"}]"#},
        "execution": {"S": RUN},
        "started_at": {"S": "2026-11-22T18:00:00.123Z"},
        "updated_at": {"S": "2026-11-22T18:00:00Z"},
    })
}

pub(crate) fn health() -> Health {
    let health = json!({
        "status": "drifted",
        "findings": [{"code": "endpoint-gone", "detail": "vpce-1"}],
        "since": "2026-11-22T18:00:00Z",
        "checked_at": "2026-11-22T18:05:00Z",
    });
    serde_json::from_value(health).unwrap()
}

/// The operation of a request, and its input.
fn asked(request: &str) -> (String, Value) {
    let target = request
        .lines()
        .find_map(|line| line.strip_prefix("x-amz-target: DynamoDB_20120810."));
    (target.unwrap().to_owned(), body(request))
}

#[tokio::test]
async fn a_connection_is_read_as_it_was_written_last() {
    let stub = Stub::answering([ok(&json!({"Item": item(CONNECTION)})), ok(&json!({}))]).await;
    let ledger = ledger(&stub).await;
    let connection = ledger.connection(CONNECTION).await.unwrap().unwrap();
    assert_eq!(connection.connection_id, CONNECTION);
    assert_eq!(connection.vpc_id.as_str(), VPC);
    assert_eq!(connection.timeline.len(), 1);
    assert_eq!(ledger.connection(CONNECTION).await.unwrap(), None);
    assert_eq!(
        asked(&stub.requests()[0]),
        (
            "GetItem".to_owned(),
            json!({
                "TableName": "crdb-privatelink-connections",
                "Key": {"connection_id": {"S": CONNECTION}},
                "ConsistentRead": true,
            })
        )
    );
}

#[tokio::test]
async fn an_item_that_does_not_read_says_so_and_hides_no_other() {
    let mut edited = item("edited");
    edited["phase"] = json!({"S": "nearly-there"});
    let mut number = item("number");
    number["region"] = json!({"N": "1"});
    let page = json!({"Items": [edited, item(CONNECTION), number], "Count": 3, "ScannedCount": 3});
    let stub = Stub::answering([ok(&page), ok(&json!({"Item": edited}))]).await;
    let ledger = ledger(&stub).await;
    let page = ledger.connections(None, 10).await.unwrap();
    let ids = page.connections.iter().map(|it| it.connection_id.as_str());
    assert!(ids.eq([CONNECTION]));
    assert_eq!(page.next, None);
    let error = ledger.connection("edited").await.unwrap_err();
    assert_eq!(error.code, Code::LedgerItemUnreadable);
    assert!(
        error
            .detail
            .starts_with("connection edited, attribute phase: "),
        "{error}"
    );
}

#[tokio::test]
async fn pages_follow_each_other_and_are_filled_up() {
    let first = json!({
        "Items": [item("a"), item("b")],
        "LastEvaluatedKey": {"connection_id": {"S": "b"}},
    });
    let second = json!({
        "Items": [item("c")],
        "LastEvaluatedKey": {"connection_id": {"S": "c"}},
    });
    let last = json!({"Items": [item("d")]});
    let stub = Stub::answering([ok(&first), ok(&second), ok(&last)]).await;
    let ledger = ledger(&stub).await;
    let page = ledger.connections(Some("0"), 3).await.unwrap();
    assert_eq!(page.connections.len(), 3);
    assert_eq!(page.next.as_deref(), Some("c"));
    let page = ledger.connections(Some("c"), 3).await.unwrap();
    assert_eq!((page.connections.len(), page.next), (1, None));
    let scan = |after: &str, limit: u32| {
        let input = json!({
            "TableName": "crdb-privatelink-connections",
            "ConsistentRead": true,
            "ExclusiveStartKey": {"connection_id": {"S": after}},
            "Limit": limit,
        });
        ("Scan".to_owned(), input)
    };
    let requests: Vec<_> = stub.requests().iter().map(|it| asked(it)).collect();
    assert_eq!(requests, [scan("0", 3), scan("b", 1), scan("c", 3)]);
}

#[tokio::test]
async fn an_interruption_is_noted_where_this_run_was_at_work() {
    let stub = Stub::answering([ok(&json!({}))]).await;
    let before = OffsetDateTime::now_utc();
    let ledger = ledger(&stub).await;
    ledger.record_interruption(CONNECTION, RUN).await.unwrap();
    let (operation, input) = asked(&stub.requests()[0]);
    assert_eq!(operation, "UpdateItem");
    assert_eq!(
        input["UpdateExpression"],
        "SET #phase = :interrupted, #updated_at = :now"
    );
    assert_eq!(
        input["ConditionExpression"],
        "#execution = :execution AND NOT (#phase IN (:over0, :over1, :over2, :over3, :over4, :over5, :over6, :over7))"
    );
    let values = &input["ExpressionAttributeValues"];
    let over: Vec<&str> = (0..8)
        .map(|n| values[format!(":over{n}")]["S"].as_str().unwrap())
        .collect();
    assert_eq!(
        over,
        [
            "ready",
            "rolled-back",
            "kept-after-failure",
            "rollback-incomplete",
            "disconnected",
            "disconnect-incomplete",
            "disconnect-refused",
            "interrupted",
        ]
    );
    assert_eq!(values[":execution"]["S"], RUN);
    assert_eq!(values[":interrupted"]["S"], "interrupted");
    let at = values[":now"]["S"].as_str().unwrap();
    let format = time::format_description::well_known::Rfc3339;
    assert!(OffsetDateTime::parse(at, &format).unwrap() >= before);
}

#[tokio::test]
async fn the_lease_is_given_back_by_its_holder() {
    let stub = Stub::answering([ok(&json!({}))]).await;
    let ledger = ledger(&stub).await;
    let (region, vpc) = (parsed(REGION), parsed(VPC));
    ledger.release_lease(&region, &vpc, RUN).await.unwrap();
    assert_eq!(
        asked(&stub.requests()[0]),
        (
            "DeleteItem".to_owned(),
            json!({
                "TableName": "crdb-privatelink-leases",
                "Key": {"vpc": {"S": format!("{REGION}/{VPC}")}},
                "ConditionExpression": "#holder = :execution",
                "ExpressionAttributeNames": {"#holder": "holder"},
                "ExpressionAttributeValues": {":execution": {"S": RUN}},
            })
        )
    );
}

#[tokio::test]
async fn the_lease_is_shortened_for_its_holder() {
    let stub = Stub::answering([ok(&json!({}))]).await;
    let ledger = ledger(&stub).await;
    let (region, vpc) = (parsed(REGION), parsed(VPC));
    let until = OffsetDateTime::from_unix_timestamp(1_800_000_060).unwrap();
    let shortened = ledger.shorten_lease(&region, &vpc, RUN, until).await;
    shortened.unwrap();
    assert_eq!(
        asked(&stub.requests()[0]),
        (
            "UpdateItem".to_owned(),
            json!({
                "TableName": "crdb-privatelink-leases",
                "Key": {"vpc": {"S": format!("{REGION}/{VPC}")}},
                "UpdateExpression": "SET #expires_at = :until",
                "ConditionExpression": "#holder = :execution AND #expires_at > :until",
                "ExpressionAttributeNames": {"#holder": "holder", "#expires_at": "expires_at"},
                "ExpressionAttributeValues": {
                    ":execution": {"S": RUN},
                    ":until": {"N": "1800000060"},
                },
            })
        )
    );
}

/// What every method answers, with canned answers of one kind.
async fn every_error(ledger: &DynamoLedger) -> Vec<StepError> {
    let (region, vpc) = (parsed(REGION), parsed(VPC));
    vec![
        ledger.connection(CONNECTION).await.unwrap_err(),
        ledger.connections(None, 5).await.unwrap_err(),
        ledger
            .record_health(CONNECTION, &health())
            .await
            .unwrap_err(),
        ledger
            .record_interruption(CONNECTION, RUN)
            .await
            .unwrap_err(),
        ledger.release_lease(&region, &vpc, RUN).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn what_dynamodb_says_and_what_cannot_be_read_has_its_code() {
    let busy = "TransactionConflictException";
    let named = [
        (exception(400, busy), Code::AwsResourceBusy),
        (exception(503, "SomethingNew"), Code::AwsUnavailable),
    ];
    let unreadable = unreadable().map(|canned| (canned, Code::AwsUnavailable));
    for (canned, code) in named.into_iter().chain(unreadable) {
        let stub = Stub::answering([canned.clone()]).await;
        let ledger = DynamoLedger::new(&once(aws(&stub.url()).await), tables());
        for error in every_error(&ledger).await {
            assert_eq!(error.code, code, "{canned}: {error}");
            assert!(
                error.detail.contains(" of table crdb-privatelink-"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn without_its_tables_the_ledger_names_the_variable() {
    let stage = Stage::new().await;
    let unset = Tables {
        connections: Setting::new("CONNECTIONS_TABLE", None),
        leases: Setting::new("LEASES_TABLE", None),
    };
    let ledger = DynamoLedger::new(&stage.aws().await, unset);
    for error in every_error(&ledger).await {
        says(&error, Code::ConfigurationInvalid, "S_TABLE is not set");
    }
    assert_eq!(stage.sim.calls(), []);
}
