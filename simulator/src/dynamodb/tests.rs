//! Operations on the tables.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::*;
use crate::World;

const TABLE: &str = "crdb-privatelink-connections";
const LEASES: &str = "crdb-privatelink-leases";

struct Stage {
    world: World,
    caller: Caller,
}

impl Stage {
    fn new() -> Stage {
        let scenario = Scenario::parse("title = \"t\"\nstory = \"s\"").unwrap();
        let world = World::new(&scenario, OffsetDateTime::UNIX_EPOCH);
        let caller = world.ec2.caller();
        Stage { world, caller }
    }

    fn call(&mut self, operation: &str, mut request: Value) -> Result<Value, ApiError> {
        if request.get("TableName").is_none() {
            request["TableName"] = json!(TABLE);
        }
        self.world.dynamodb(&self.caller, operation, &request)
    }

    /// Lets reads catch up that need not be consistent.
    fn wait(&mut self) {
        self.world.now += self.world.pace.reads_behind;
    }

    fn put(&mut self, id: &str, attributes: Value) {
        let mut item = attributes;
        item["connection_id"] = json!({ "S": id });
        self.call("PutItem", json!({ "Item": item })).unwrap();
    }

    /// Takes the lease as the definitions do.
    fn lease(&mut self, holder: &str, now: u64) -> Result<Value, ApiError> {
        self.call(
            "UpdateItem",
            json!({
                "TableName": LEASES,
                "Key": { "vpc": { "S": "eu-west-1/vpc-1" } },
                "UpdateExpression": "SET holder = :me, expires_at = :until",
                "ConditionExpression":
                    "attribute_not_exists(holder) OR holder = :me OR expires_at < :now",
                "ExpressionAttributeValues": {
                    ":me": { "S": holder },
                    ":now": { "N": now.to_string() },
                    ":until": { "N": (now + 100).to_string() },
                },
                "ReturnValues": "ALL_NEW",
            }),
        )
    }
}

fn refusal(answer: Result<Value, ApiError>) -> (String, String) {
    let error = answer.unwrap_err();
    (error.code, error.message)
}

fn key(id: &str) -> Value {
    json!({ "connection_id": { "S": id } })
}

#[test]
fn an_item_comes_back_as_it_was_put() {
    let mut stage = Stage::new();
    let all = json!({
        "text": { "S": "a" },
        "empty": { "S": "" },
        "number": { "N": "+0010" },
    });
    stage.put("one", all.clone());
    stage.wait();
    let answer = stage.call("GetItem", json!({ "Key": key("one") })).unwrap();
    let mut expected = all;
    expected["connection_id"] = json!({ "S": "one" });
    expected["number"] = json!({ "N": "10" });
    assert_eq!(answer, json!({ "Item": expected }));
    let absent = stage.call("GetItem", json!({ "Key": key("two") })).unwrap();
    assert_eq!(absent, json!({}));
}

#[test]
fn a_lease_has_one_holder_until_it_expires_or_is_given_back() {
    let mut stage = Stage::new();
    let taken = stage.lease("a", 1000).unwrap();
    assert_eq!(taken["Attributes"]["expires_at"], json!({ "N": "1100" }));
    let refused = stage.lease("b", 1050).unwrap_err();
    assert_eq!(refused.code, "ConditionalCheckFailedException");
    assert!(stage.lease("a", 1050).is_ok(), "its own lease");
    assert!(stage.lease("b", 1150).is_err(), "not yet over");
    assert!(stage.lease("b", 1151).is_ok(), "over");
    let give_back = |holder: &str| {
        json!({
            "TableName": LEASES,
            "Key": { "vpc": { "S": "eu-west-1/vpc-1" } },
            "ConditionExpression": "holder = :me",
            "ExpressionAttributeValues": { ":me": { "S": holder } },
        })
    };
    assert!(stage.call("DeleteItem", give_back("a")).is_err());
    assert!(stage.call("DeleteItem", give_back("b")).is_ok());
    assert!(stage.world.dynamodb.tables[LEASES].is_empty());
    assert!(
        stage.call("DeleteItem", give_back("b")).is_err(),
        "the condition does not hold for an item that is not there"
    );
}

#[test]
fn an_update_sees_the_item_as_it_was() {
    let mut stage = Stage::new();
    let update = json!({
        "Key": key("one"),
        "UpdateExpression":
            "SET a = :one, b = if_not_exists(a, :zero), d = if_not_exists(d, :zero) REMOVE c",
        "ExpressionAttributeValues": { ":zero": { "N": "0" }, ":one": { "N": "1" } },
        "ReturnValues": "ALL_NEW",
    });
    for (before, b) in [(json!({}), "0"), (json!({ "a": { "N": "7" } }), "7")] {
        stage.put("one", before);
        let answer = stage.call("UpdateItem", update.clone()).unwrap();
        assert_eq!(
            answer["Attributes"],
            json!({
                "connection_id": { "S": "one" },
                "a": { "N": "1" },
                "b": { "N": b },
                "d": { "N": "0" },
            })
        );
    }
}

#[test]
fn a_scan_has_an_order_of_its_own_and_a_limit() {
    let mut stage = Stage::new();
    let ids: Vec<String> = (0..20).map(|n| format!("id-{n:02}")).collect();
    for id in &ids {
        stage.put(id, json!({}));
    }
    stage.wait();
    let mut request = json!({ "Limit": 5 });
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let page = stage.call("Scan", request.clone()).unwrap();
        pages += 1;
        let items = page["Items"].as_array().unwrap();
        assert_eq!(page["Count"], json!(items.len()));
        for item in items {
            seen.push(item["connection_id"]["S"].as_str().unwrap().to_owned());
        }
        let Some(last) = page.get("LastEvaluatedKey") else {
            assert_eq!(page["ScannedCount"], json!(0));
            break;
        };
        assert_eq!(page["ScannedCount"], json!(5));
        request["ExclusiveStartKey"] = last.clone();
    }
    assert_eq!(pages, 5, "the fourth page is full, so there is one more");
    let mut sorted = seen.clone();
    sorted.sort();
    assert_ne!(seen, sorted, "the order means nothing");
    assert_eq!(sorted, ids);
    let before = stage.call("Scan", json!({})).unwrap();
    stage.put("another", json!({}));
    stage
        .call("DeleteItem", json!({ "Key": key("another") }))
        .unwrap();
    stage.wait();
    assert_eq!(stage.call("Scan", json!({})).unwrap(), before);
}

/// "Read consistency", developer guide.
#[test]
fn a_read_may_be_behind_unless_it_must_be_consistent() {
    let mut stage = Stage::new();
    let one = json!({ "Key": key("one") });
    let now = json!({ "Key": key("one"), "ConsistentRead": true });
    let count = |stage: &mut Stage, consistent: bool| {
        let page = stage.call("Scan", json!({ "ConsistentRead": consistent }));
        page.unwrap()["Count"].clone()
    };
    stage.put("one", json!({}));
    assert_eq!(stage.call("GetItem", one.clone()), Ok(json!({})));
    assert!(stage.call("GetItem", now.clone()).unwrap()["Item"].is_object());
    assert_eq!(count(&mut stage, false), json!(0));
    assert_eq!(count(&mut stage, true), json!(1));
    stage.wait();
    stage.put("one", json!({ "phase": { "S": "ready" } }));
    stage.call("DeleteItem", one.clone()).unwrap();
    let behind = stage.call("GetItem", one.clone()).unwrap();
    assert_eq!(
        behind["Item"],
        key("one"),
        "as before the first of two writes"
    );
    assert_eq!(stage.call("GetItem", now), Ok(json!({})));
    assert_eq!(count(&mut stage, false), json!(1));
    assert_eq!(count(&mut stage, true), json!(0));
    stage.wait();
    assert_eq!(stage.call("GetItem", one), Ok(json!({})));
    assert!(stage.world.dynamodb.tables[TABLE].is_empty());
}

/// A request, and what the service says of it.
const BROKEN: &str = r##"
GetItem {"Key": {"id": {"S": "a"}}} => The provided key element does not match the schema
GetItem {"Key": {"connection_id": {"N": "1"}}} => The provided key element does not match the schema
GetItem {"Key": {"connection_id": {"S": ""}}} => One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: connection_id
PutItem {"Item": {"a": {"S": "b"}}} => One or more parameter values were invalid: Missing the key connection_id in the item
PutItem {"Item": {"connection_id": {"N": "1"}}} => One or more parameter values were invalid: Type mismatch for key connection_id expected: S actual: N
PutItem {"Item": {"connection_id": {"S": "a", "N": "1"}}} => Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes
PutItem {"Item": {"connection_id": {"S": "a"}}, "ReturnValues": "ALL_NEW"} => Return values set to invalid value
PutItem {"Item": {"connection_id": {"S": "a"}, "n": {"N": "1x"}}} => The parameter cannot be converted to a numeric value: 1x
UpdateItem {"Key": {"connection_id": {"S": "a"}}, "UpdateExpression": "SET connection_id = :b", "ExpressionAttributeValues": {":b": {"S": "b"}}} => One or more parameter values were invalid: Cannot update attribute connection_id. This attribute is part of the key
UpdateItem {"Key": {"connection_id": {"S": "a"}}, "ExpressionAttributeNames": {"#a": "b"}} => ExpressionAttributeNames can only be specified when using expressions: UpdateExpression and ConditionExpression are null
Scan {"Limit": 0} => 1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1
"##;

/// What the service does and nobody here uses.
const UNKNOWN: &str = r#"
PutItem {"Item": {"connection_id": {"S": "a"}, "b": {"BOOL": true}}} => values of type BOOL
PutItem {"Item": {"connection_id": {"S": "a"}, "b": {"NULL": true}}} => values of type NULL
PutItem {"Item": {"connection_id": {"S": "a"}, "b": {"L": []}}} => values of type L
PutItem {"Item": {"connection_id": {"S": "a"}, "b": {"M": {}}}} => values of type M
PutItem {"Item": {"connection_id": {"S": "a"}, "b": {"SS": ["x"]}}} => values of type SS
PutItem {"Item": {"connection_id": {"S": "a"}, "b": {"NS": ["1"]}}} => values of type NS
PutItem {"Item": {"connection_id": {"S": "a"}, "b": {"B": ""}}} => values of type B
PutItem {"Item": {"connection_id": {"S": "a"}, "b": {"BS": [""]}}} => values of type BS
PutItem {"Item": {"connection_id": {"S": "a"}, "b": {"N": "10.50"}}} => the number 10.50, only whole ones of 64 bits
PutItem {"Item": {"connection_id": {"S": "a"}, "b": {"N": "12345678901234567890"}}} => the number 12345678901234567890, only whole ones of 64 bits
GetItem {"Key": {"connection_id": {"S": "a"}}, "ProjectionExpression": "b"} => the member ProjectionExpression
GetItem {"Key": {"connection_id": {"S": "a"}}, "AttributesToGet": ["b"]} => the member AttributesToGet
Scan {"FilterExpression": "b = b"} => the member FilterExpression
DeleteItem {"Key": {"connection_id": {"S": "a"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"} => the member ReturnValuesOnConditionCheckFailure
UpdateItem {"Key": {"connection_id": {"S": "a"}}, "ReturnConsumedCapacity": "TOTAL"} => the member ReturnConsumedCapacity
UpdateItem {"Key": {"connection_id": {"S": "a"}}, "ReturnValues": "UPDATED_NEW"} => ReturnValues UPDATED_NEW
Query {} => the operation Query
"#;

/// Holds each request of a table to being refused in these words.
fn assert_refused(rows: &str, said: impl Fn(&str) -> String) {
    let mut stage = Stage::new();
    for row in rows.lines().filter(|row| !row.is_empty()) {
        let (asked, expected) = row.split_once(" => ").unwrap();
        let (operation, request) = asked.split_once(' ').unwrap();
        let answer = stage.call(operation, serde_json::from_str(request).expect(row));
        let expected = ("ValidationException".to_owned(), said(expected));
        assert_eq!(refusal(answer), expected, "{row}");
    }
    assert!(stage.world.dynamodb.tables[TABLE].is_empty());
}

#[test]
fn what_breaks_a_rule_is_refused_in_the_words_of_the_service() {
    assert_refused(BROKEN, str::to_owned);
    let large = "x".repeat(410_000);
    let item = json!({ "connection_id": { "S": "a" }, "large": { "S": large } });
    let refused = Stage::new().call("PutItem", json!({ "Item": item }));
    let expected = "Item size has exceeded the maximum allowed size";
    assert_eq!(refusal(refused).1, expected);
}

#[test]
fn what_this_world_does_not_know_is_refused_by_name() {
    assert_refused(UNKNOWN, |what| {
        format!("the simulator does not know {what}")
    });
}

#[test]
fn a_table_is_there_for_its_account_and_region_only() {
    let mut stage = Stage::new();
    let absent = json!({ "TableName": "another", "Key": key("a") });
    assert_eq!(
        refusal(stage.call("GetItem", absent)).0,
        "ResourceNotFoundException"
    );
    let arn = format!("arn:aws:dynamodb:eu-west-1:111122223333:table/{TABLE}");
    let by_arn = json!({ "TableName": arn, "Key": key("a") });
    assert!(stage.call("GetItem", by_arn).is_ok());
    stage.caller.region = "us-east-1".to_owned();
    let elsewhere = stage.call("GetItem", json!({ "Key": key("a") }));
    assert_eq!(refusal(elsewhere).0, "ResourceNotFoundException");
}
