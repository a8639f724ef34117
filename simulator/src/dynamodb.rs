//! DynamoDB: as much of it as a ledger and a lease need, and nothing more.
//!
//! A request and its answer are the JSON of the API, in process and over HTTP.
//! Source: the botocore model `dynamodb/2012-08-10`, the developer guide, and
//! the messages that the service is known for. What the service ignores or this
//! world does not know is refused. Expired items (time to live) stay: the
//! service deletes them within days only, and no reader may count on it.

mod error;
mod expression;
mod read;
mod request;
mod table;
mod value;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;

pub use table::Table;

pub(crate) use error::render_fault;

use crate::authorization::Authorization;
use crate::calls::{ApiError, Caller};
use crate::context::Context;
use crate::scenario::Scenario;
use crate::scenario::stack::CONNECTION_ID;
use error::{no_table, unsupported, validation};
use request::Request;

/// The key of the table of leases.
const VPC: &str = "vpc";

/// The tables of the account and Region that the scenario is about.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    /// By name.
    pub tables: BTreeMap<String, Table>,
}

impl DynamoDb {
    pub(crate) fn new(scenario: &Scenario, now: OffsetDateTime) -> DynamoDb {
        let stack = &scenario.stack;
        let mut connections = Table::new(CONNECTION_ID, now);
        for item in &stack.connections {
            // A scenario whose items have no key is refused when it is read.
            if let Some(key) = item.get(CONNECTION_ID) {
                let text = |(name, text): (&String, &String)| {
                    (name.clone(), value::AttributeValue::S(text.clone()))
                };
                connections.write(key, Some(item.iter().map(text).collect()));
            }
        }
        let mut leases = Table::new(VPC, now);
        for (group, hours_ago) in &stack.groups_seen {
            let (key, note) = note(group, now - time::Duration::hours((*hours_ago).into()));
            leases.write(&key, Some(note));
        }
        DynamoDb {
            tables: BTreeMap::from([
                (stack.connections_table.clone(), connections),
                (stack.leases_table.clone(), leases),
            ]),
        }
    }

    /// The items of a table in the form of the API, by key, for whoever looks.
    pub fn items(&self, table: &str) -> BTreeMap<String, Value> {
        let items = self.tables.get(table).into_iter();
        items
            .flat_map(Table::everything)
            .map(|(key, item)| (key.to_owned(), value::item_to_json(item)))
            .collect()
    }

    /// One operation, such as `UpdateItem`. A read that need not be consistent may be
    /// behind by this much.
    pub(crate) fn call(
        &mut self,
        mut context: Context<'_>,
        behind: Duration,
        name: &str,
        request: &Value,
    ) -> Result<Value, ApiError> {
        let Some((effect, members, own)) = operation(name) else {
            return Err(unsupported(&format!("the operation {name}")));
        };
        let mut request = Request::new(request, &[members, own])?;
        let table = table_name(&mut request)?;
        let Caller { account, region } = &context.home;
        let arn = format!("arn:aws:dynamodb:{region}:{account}:table/");
        let table = table.strip_prefix(arn.as_str()).unwrap_or(&table);
        let caller = context.caller;
        context.needs(|| {
            let (action, on) = (format!("dynamodb:{name}"), format!("{arn}{table}"));
            vec![Authorization::new(caller, &action, on)]
        });
        match self.tables.get_mut(table) {
            Some(table) if context.is_at_home() => {
                table.settle(context.now, behind);
                effect(table, &mut request)
            }
            Some(_) | None => Err(no_table()),
        }
    }
}

/// The note, among the leases, of when a security group was seen for the first time,
/// as a sweep writes it, and its key.
fn note(group: &str, first_seen: OffsetDateTime) -> (String, value::Item) {
    let key = format!("first-seen/{group}");
    let moment = |at: OffsetDateTime| value::AttributeValue::N(at.unix_timestamp());
    let until = first_seen + time::Duration::days(90);
    let note = BTreeMap::from([
        (VPC.to_owned(), value::AttributeValue::S(key.clone())),
        ("first_seen".to_owned(), moment(first_seen)),
        ("expires_at".to_owned(), moment(until)),
    ]);
    (key, note)
}

/// What carries an operation out, and the members that its request may have.
type Operation = (
    fn(&mut Table, &mut Request) -> Result<Value, ApiError>,
    &'static [&'static str],
    &'static [&'static str],
);

const READ: &[&str] = &["ConsistentRead"];

const WRITE: &[&str] = &[
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValues",
];

fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "GetItem" => (read::get_item, READ, &["Key"]),
        "Scan" => (read::scan, READ, &["Limit", "ExclusiveStartKey"]),
        "PutItem" => (write::put_item, WRITE, &["Item"]),
        "UpdateItem" => (write::update_item, WRITE, &["Key", "UpdateExpression"]),
        "DeleteItem" => (write::delete_item, WRITE, &["Key"]),
        _ => return None,
    })
}

fn table_name(request: &mut Request) -> Result<String, ApiError> {
    let name = request.text("TableName")?;
    let broken = |value: &str, rule: &str| {
        validation(format!(
            "1 validation error detected: Value {value} at 'tableName' failed to satisfy \
             constraint: {rule}"
        ))
    };
    let Some(name) = name else {
        return Err(broken("null", "Member must not be null"));
    };
    if name.is_empty() {
        let rule = "Member must have length greater than or equal to 1";
        return Err(broken("''", rule));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if !name.starts_with("arn:") && !name.chars().all(allowed) {
        let rule = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
        return Err(broken(&format!("'{name}'"), rule));
    }
    Ok(name)
}

#[cfg(test)]
mod tests;
