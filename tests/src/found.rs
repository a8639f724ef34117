//! What a later run can find: where two runs leave the same, whatever follows need
//! be tried only once.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::aftermath::Snapshot;
use crate::run::Stage;

/// What stands in the world, the ledger and the leases, whatever its ids and times:
/// what a later run can find.
pub fn found(stage: &Stage) -> String {
    let snapshot = Snapshot::settled(stage);
    let mut text = format!("{snapshot:?}");
    stage.simulator.look(|world| {
        for cluster in world.cloud.clusters() {
            for connection in cluster.connections() {
                let (id, status) = (&connection.endpoint_id, &connection.status);
                // Writing to a string cannot fail.
                let _ = write!(text, " {} {id} {status:?}", cluster.cluster.id);
            }
        }
        let items = world.dynamodb.items(&world.stack.connections_table);
        for (id, item) in items {
            let text_of = |name: &str| item[name]["S"].as_str().unwrap_or("-").to_owned();
            let known = ["phase", "endpoint_id", "security_group_id", "registrations"];
            let there = ["stands_since", "generation"].map(|name| item.get(name).is_some());
            let _ = write!(text, " {id} {:?} {there:?}", known.map(text_of));
        }
    });
    without_ids(&text)
}

/// The text with the ids of endpoints and groups numbered as they come.
pub fn without_ids(text: &str) -> String {
    let mut numbers = BTreeMap::new();
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['v', 's']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let prefix = ["vpce-", "sg-"]
            .into_iter()
            .find(|prefix| from.starts_with(prefix));
        let digits = prefix.map_or(0, |prefix| {
            let after = &from[prefix.len()..];
            after
                .find(|c: char| !c.is_ascii_hexdigit())
                .unwrap_or(after.len())
        });
        match prefix {
            Some(prefix) if digits >= 8 => {
                let (id, after) = from.split_at(prefix.len() + digits);
                let next = numbers.len();
                let number = numbers.entry(id).or_insert(next);
                let _ = write!(out, "{prefix}{number}");
                rest = after;
            }
            Some(_) | None => {
                out.push_str(&from[..1]);
                rest = &from[1..];
            }
        }
    }
    out + rest
}
