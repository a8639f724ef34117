//! Events.

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::World;
use crate::calls::ApiError;
use crate::scenario::Scenario;

fn world() -> World {
    let scenario = Scenario::parse("title = \"t\"\nstory = \"s\"").unwrap();
    World::new(&scenario, OffsetDateTime::UNIX_EPOCH)
}

/// A change of a request, and the code that it is refused with.
type Case = (fn(&mut Value), &'static str);

fn put(world: &mut World, entries: Value) -> Result<Value, ApiError> {
    let caller = world.ec2.caller();
    world.put_events(&caller, &json!({ "Entries": entries }))
}

fn entry(change: impl FnOnce(&mut Value)) -> Value {
    let mut entry = json!({
        "Source": "crdb-privatelink",
        "DetailType": "Connection Ready",
        "Detail": "{\"version\": 1}",
        "Resources": ["arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1"],
    });
    change(&mut entry);
    entry
}

#[test]
fn events_are_kept_as_they_were_put() {
    let mut world = world();
    let by_arn = entry(|entry| {
        entry["EventBusName"] = json!("arn:aws:events:eu-west-1:111122223333:event-bus/default");
    });
    let answer = put(&mut world, json!([entry(|_| {}), by_arn])).unwrap();
    assert_eq!(answer["FailedEntryCount"], json!(0));
    let events = &world.notices.events;
    assert_eq!(events.len(), 2);
    assert_eq!(answer["Entries"][1]["EventId"], json!(events[1].id));
    assert_ne!(events[0].id, events[1].id);
    assert_eq!(events[0].detail, json!({ "version": 1 }));
}

#[test]
fn an_entry_that_breaks_a_rule_fails_by_itself() {
    let mut world = world();
    let cases: [Case; 6] = [
        (|entry| entry["Source"] = json!(""), "InvalidArgument"),
        (|entry| entry["DetailType"] = json!(""), "InvalidArgument"),
        (|entry| entry["Detail"] = json!(""), "InvalidArgument"),
        (|entry| entry["Detail"] = json!("[1]"), "MalformedDetail"),
        (|entry| entry["Detail"] = json!("{"), "MalformedDetail"),
        (
            |entry| entry["Source"] = json!("aws.ec2"),
            "NotAuthorizedForSourceException",
        ),
    ];
    for (change, expected) in cases {
        let answer = put(&mut world, json!([entry(change), entry(|_| {})])).unwrap();
        assert_eq!(answer["FailedEntryCount"], json!(1));
        assert_eq!(answer["Entries"][0]["ErrorCode"], json!(expected));
        assert!(answer["Entries"][1]["EventId"].is_string());
    }
    assert_eq!(world.notices.events.len(), cases.len());
}

#[test]
fn a_request_has_limits() {
    let mut world = world();
    let large = json!({ "text": "x".repeat(262_144) }).to_string();
    let eleven: Vec<Value> = (0..11).map(|_| entry(|_| {})).collect();
    for entries in [
        json!([]),
        json!(eleven),
        json!([entry(|entry| entry["Detail"] = json!(large))]),
        json!([entry(|entry| entry["EventBusName"] = json!("another"))]),
        json!([entry(|entry| entry["Detial"] = json!("{}"))]),
        json!([entry(|entry| entry["Detail"] = json!({ "version": 1 }))]),
    ] {
        let refused = put(&mut world, entries).unwrap_err();
        assert_eq!(refused.code, "ValidationException");
    }
    assert!(world.notices.events.is_empty());
}
