//! The integrations as a definition sees them.

use simulator::{Fault, FaultKind, Moment};

use super::*;
use crate::stage::Stage;

fn invoke(stage: &Stage, resource: &str, arguments: Value) -> Result<Value, Failed> {
    let integrations = Integrations::new(stage.ports.simulator().clone());
    let resource = format!("arn:aws:states:::{resource}");
    integrations.invoke(&resource, arguments).unwrap()
}

fn lease(holder: &str) -> Value {
    json!({
        "TableName": "crdb-privatelink-leases",
        "Key": { "vpc": { "S": "eu-west-1/vpc-1" } },
        "UpdateExpression": "SET holder = :me",
        "ConditionExpression": "attribute_not_exists(holder) OR holder = :me",
        "ExpressionAttributeValues": { ":me": { "S": holder } },
        "ReturnValues": "ALL_NEW",
    })
}

#[test]
fn other_resources_are_not_known() {
    let stage = Stage::shipped("fresh-vpc");
    let integrations = Integrations::new(stage.ports.simulator().clone());
    for resource in [
        "arn:aws:states:::lambda:invoke",
        "arn:aws:states:::dynamodb:query",
        "arn:aws:states:::aws-sdk:dynamodb:scan",
        "arn:aws:states:::sns:publish",
        "arn:aws:states:::states:startExecution",
        "arn:aws:lambda:eu-west-1:111122223333:function:f",
    ] {
        assert_eq!(integrations.invoke(resource, json!({})), None, "{resource}");
    }
}

#[test]
fn a_lease_is_taken_refused_and_given_back() {
    let stage = Stage::shipped("fresh-vpc");
    let taken = invoke(&stage, "dynamodb:updateItem", lease("a")).unwrap();
    assert_eq!(taken["Attributes"]["holder"], json!({ "S": "a" }));
    assert_eq!(taken["SdkHttpMetadata"]["HttpStatusCode"], json!(200));
    let refused = invoke(&stage, "dynamodb:updateItem", lease("b")).unwrap_err();
    assert_eq!(
        refused,
        (
            "DynamoDB.ConditionalCheckFailedException".to_owned(),
            "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; Error \
             Code: ConditionalCheckFailedException; Request ID: \
             00000000-0000-4000-8000-000000000000; Proxy: null)"
                .to_owned()
        )
    );
    let key = json!({
        "TableName": "crdb-privatelink-leases",
        "Key": { "vpc": { "S": "eu-west-1/vpc-1" } },
    });
    let mut read = key.clone();
    read["ConsistentRead"] = json!(true);
    let found = invoke(&stage, "dynamodb:getItem", read.clone()).unwrap();
    assert_eq!(found["Item"]["holder"], json!({ "S": "a" }));
    invoke(&stage, "dynamodb:deleteItem", key).unwrap();
    let found = invoke(&stage, "dynamodb:getItem", read).unwrap();
    assert_eq!(found.get("Item"), None);
}

#[test]
fn an_argument_that_the_integration_does_not_have_ends_the_run() {
    let stage = Stage::shipped("fresh-vpc");
    let mut arguments = lease("a");
    arguments["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    let refused = invoke(&stage, "dynamodb:updateItem", arguments).unwrap_err();
    assert_eq!(refused.0, "States.Runtime");
    assert!(stage.ports.simulator().calls().is_empty());
}

#[test]
fn the_detail_of_an_event_becomes_text_and_a_failed_entry_is_an_error() {
    let stage = Stage::shipped("fresh-vpc");
    let entry = json!({
        "Source": "crdb-privatelink",
        "DetailType": "Connection Ready",
        "Detail": { "version": 1 },
    });
    let answer = invoke(&stage, "events:putEvents", json!({ "Entries": [entry] })).unwrap();
    assert_eq!(answer["FailedEntryCount"], json!(0));
    stage.look(|world| {
        let event = &world.notices.events[0];
        assert_eq!(event.detail, json!({ "version": 1 }));
    });
    let text = json!({ "Source": "s", "DetailType": "t", "Detail": "[]" });
    let failed = invoke(&stage, "events:putEvents", json!({ "Entries": [text] })).unwrap_err();
    assert_eq!(failed.0, "EventBridge.FailedEntry");
    let cause: Value = serde_json::from_str(&failed.1).unwrap();
    assert_eq!(cause["Entries"][0]["ErrorCode"], json!("MalformedDetail"));
}

#[test]
fn errors_have_the_names_of_step_functions() {
    use FaultKind::{CutOff, Denied, NotFound, ServerError, Throttle, Timeout};
    let update = ("dynamodb:updateItem", "dynamodb:UpdateItem");
    let put = ("events:putEvents", "events:PutEvents");
    let internal = "DynamoDB.InternalServerErrorException";
    for ((resource, operation), kind, expected) in [
        (update, Throttle, "DynamoDB.AmazonDynamoDBException"),
        (update, ServerError, internal),
        (update, NotFound, "DynamoDB.ResourceNotFoundException"),
        (update, Denied, "DynamoDB.AmazonDynamoDBException"),
        (update, Timeout, "States.Timeout"),
        (update, CutOff, "DynamoDB.SdkClientException"),
        (put, ServerError, "EventBridge.InternalException"),
    ] {
        let stage = Stage::shipped("fresh-vpc");
        let fault = Fault::once(operation, 1, kind, Moment::Before);
        stage.ports.simulator().add_fault(fault);
        let failed = invoke(&stage, resource, json!({})).unwrap_err();
        assert_eq!(failed.0, expected, "{kind:?}");
    }
    let stage = Stage::shipped("fresh-vpc");
    let mut broken = lease("a");
    broken["UpdateExpression"] = json!("SET region = :me");
    let failed = invoke(&stage, "dynamodb:updateItem", broken).unwrap_err();
    assert_eq!(failed.0, "DynamoDB.AmazonDynamoDBException");
    assert!(
        failed.1.contains("reserved keyword: region"),
        "{}",
        failed.1
    );
}

#[test]
fn calls_say_who_made_them_and_what_they_need() {
    let stage = Stage::shipped("fresh-vpc");
    let simulator = stage.ports.simulator();
    let integrations = Integrations::new(simulator.clone()).acting_as("provision");
    let resource = "arn:aws:states:::dynamodb:updateItem";
    assert!(integrations.invoke(resource, lease("a")).is_some());
    let calls = simulator.calls();
    assert_eq!(calls[0].by.as_deref(), Some("provision"));
}
