//! What the ledger, the leases and the bus hold after a run.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::ledger::{Connection, item};
use shared::notice::{DETAIL_TYPES, Notice, SOURCE};
use simulator::World;
use simulator::notices::Event;

use crate::run::Stage;

/// Who holds the leases, by VPC.
pub type Leases = BTreeMap<String, String>;

pub fn leases(world: &World) -> Leases {
    let items = world.dynamodb.items(&world.stack.leases_table);
    items
        .into_iter()
        .map(|(vpc, item)| {
            (
                vpc,
                text(&item, item::HOLDER).unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

/// Those that have not expired at this time, in seconds since 1970.
pub fn held(world: &World, now: i64) -> Leases {
    let mut leases = leases(world);
    leases.retain(|vpc, _| lease_ends(world, vpc).is_none_or(|until| until >= now));
    leases
}

/// Until when the lease with this key is held, in seconds since 1970.
pub fn lease_ends(world: &World, key: &str) -> Option<i64> {
    let items = world.dynamodb.items(&world.stack.leases_table);
    items.get(key)?["expires_at"]["N"].as_str()?.parse().ok()
}

/// All connections of the ledger, by id.
///
/// # Panics
/// When an item is not whole.
pub fn connections(world: &World) -> BTreeMap<String, Connection> {
    let items = world.dynamodb.items(&world.stack.connections_table);
    items
        .into_iter()
        .map(|(id, item)| {
            let read = item::read(|name| text(&item, name));
            (id, read.unwrap_or_else(|why| panic!("{why}: {item:#}")))
        })
        .collect()
}

fn text<'a>(item: &'a Value, name: &str) -> Option<&'a str> {
    item[name]["S"].as_str()
}

/// All our events, with their kind.
///
/// # Panics
/// When an event is not as its schema says.
pub fn notices(world: &World) -> Vec<(String, Notice)> {
    let events = world.notices.events.iter();
    events.map(notice).collect()
}

/// The last one of them.
///
/// # Panics
/// When there is none, or one is not as its schema says.
pub fn last_notice(stage: &Stage) -> (String, Notice) {
    let last = stage.simulator.look(notices).pop();
    last.expect("a notice")
}

fn notice(event: &Event) -> (String, Notice) {
    assert_eq!(event.source, SOURCE);
    assert!(
        DETAIL_TYPES.contains(&event.detail_type.as_str()),
        "{event:?}"
    );
    let detail = serde_json::from_value(event.detail.clone());
    let notice = detail.unwrap_or_else(|why| panic!("{why}: {event:?}"));
    (event.detail_type.clone(), notice)
}

/// A lease that somebody else holds until then, in seconds since 1970.
///
/// # Panics
/// When the world has no table of leases.
pub fn hold_lease(stage: &Stage, holder: &str, until: i64) {
    let vpc = lease_of(&stage.request);
    stage.simulator.meddle(|world| {
        let request = serde_json::json!({
            "TableName": world.stack.leases_table,
            "Item": {
                "vpc": { "S": vpc },
                "holder": { "S": holder },
                "connection_id": { "S": "somebody's" },
                "expires_at": { "N": until.to_string() },
            },
        });
        let caller = world.ec2.caller();
        world
            .dynamodb(&caller, "PutItem", &request)
            .expect("a table of leases")
    });
}

/// All leases end, as those of a process that takes its table with it.
pub fn end_leases(stage: &Stage) {
    for vpc in stage.simulator.look(leases).into_keys() {
        delete(stage, |world| &world.stack.leases_table, "vpc", &vpc);
    }
}

/// Somebody deletes the entry of a connection.
///
/// # Panics
/// When the world has no table of connections.
pub fn forget(stage: &Stage, connection_id: &str) {
    fn table(world: &World) -> &String {
        &world.stack.connections_table
    }
    delete(stage, table, item::CONNECTION_ID, connection_id);
}

fn delete(stage: &Stage, table: fn(&World) -> &String, key: &str, value: &str) {
    stage.simulator.meddle(|world| {
        let (home, table) = (world.ec2.caller(), table(world).clone());
        let key = serde_json::json!({ key: { "S": value } });
        let request = serde_json::json!({ "TableName": table, "Key": key });
        world
            .dynamodb(&home, "DeleteItem", &request)
            .expect("a table of the stack")
    });
}

/// The key of the lease that a request needs.
pub fn lease_of(request: &Value) -> String {
    let field = |name: &str| request[name].as_str().unwrap_or_default();
    format!("{}/{}", field("region"), field("vpc_id"))
}
