//! The ledger.

use serde_json::{Value, json};
use shared::StepError;
use shared::ids::{Region, VpcId};
use shared::ledger::{Connection, Health, Ledger, Page, Phase, errors, item, lease_key};
use time::OffsetDateTime;

use super::{InProcess, answered};

mod upkeep;

impl InProcess {
    /// One call of DynamoDB; `None` where the condition of a write does not hold.
    async fn dynamodb(
        &self,
        operation: &str,
        table: &str,
        mut request: Value,
    ) -> Result<Option<Value>, StepError> {
        request["TableName"] = json!(table);
        let action = format!("dynamodb:{operation}");
        let asked = self
            .called(&action, |world| {
                let home = world.ec2.caller();
                world.dynamodb(&home, operation, &request)
            })
            .await;
        match answered(&format!("DynamoDB {operation} of table {table}"), asked)? {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.code == "ConditionalCheckFailedException" => Ok(None),
            Err(error) => Err(errors::classify(
                operation,
                table,
                &error.code,
                &error.message,
            )),
        }
    }

    pub(super) fn tables(&self) -> (String, String) {
        self.simulator.look(|world| {
            let stack = &world.stack;
            (stack.connections_table.clone(), stack.leases_table.clone())
        })
    }

    /// A change that was not made because its condition does not hold was not
    /// to be made.
    async fn update_connection(&self, id: &str, mut request: Value) -> Result<(), StepError> {
        request["Key"] = key(id);
        let (table, _) = self.tables();
        self.dynamodb("UpdateItem", &table, request).await.map(drop)
    }
}

fn key(id: &str) -> Value {
    json!({ item::CONNECTION_ID: { "S": id } })
}

fn text<'a>(item: &'a Value, name: &str) -> Option<&'a str> {
    item[name]["S"].as_str()
}

fn read(item: &Value) -> Result<Connection, StepError> {
    item::read(|name| text(item, name))
}

impl Ledger for InProcess {
    async fn connection(&self, id: &str) -> Result<Option<Connection>, StepError> {
        let (table, _) = self.tables();
        let request = json!({ "Key": key(id), "ConsistentRead": true });
        let answer = self.dynamodb("GetItem", &table, request).await?;
        let item = answer.as_ref().and_then(|answer| answer.get("Item"));
        item.map(read).transpose()
    }

    async fn connections(&self, after: Option<&str>, limit: u32) -> Result<Page, StepError> {
        let (table, _) = self.tables();
        let mut connections = Vec::new();
        let mut next = after.map(str::to_owned);
        // What does not read is left out and must not make a page shorter.
        while connections.len() < limit as usize {
            let wanted = limit as usize - connections.len();
            let mut request = json!({ "Limit": wanted, "ConsistentRead": true });
            if let Some(after) = &next {
                request["ExclusiveStartKey"] = key(after);
            }
            let answer = self
                .dynamodb("Scan", &table, request)
                .await?
                .unwrap_or_default();
            let items = answer["Items"].as_array().into_iter().flatten();
            connections.extend(items.filter_map(|item| read(item).ok()));
            next = text(&answer["LastEvaluatedKey"], item::CONNECTION_ID).map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        Ok(Page { connections, next })
    }

    async fn record_health(&self, id: &str, health: &Health) -> Result<(), StepError> {
        let health = serde_json::to_string(health).unwrap_or_default();
        let request = json!({
            "UpdateExpression": "SET #health = :health",
            "ConditionExpression": "attribute_exists(#id)",
            "ExpressionAttributeNames": { "#health": item::HEALTH, "#id": item::CONNECTION_ID },
            "ExpressionAttributeValues": { ":health": { "S": health } },
        });
        self.update_connection(id, request).await
    }

    async fn record_interruption(&self, id: &str, execution: &str) -> Result<(), StepError> {
        let now = self.simulator.now();
        let now = now.format(&time::format_description::well_known::Rfc3339);
        let mut values = json!({
            ":interrupted": { "S": Phase::Interrupted.as_str() },
            ":execution": { "S": execution },
            ":now": { "S": now.unwrap_or_default() },
        });
        let mut over = Vec::new();
        for (n, phase) in Phase::ALL
            .iter()
            .filter(|phase| phase.is_over())
            .enumerate()
        {
            over.push(format!(":over{n}"));
            values[format!(":over{n}")] = json!({ "S": phase.as_str() });
        }
        let over = over.join(", ");
        let request = json!({
            "UpdateExpression": "SET #phase = :interrupted, #updated_at = :now",
            "ConditionExpression":
                format!("#execution = :execution AND NOT (#phase IN ({over}))"),
            "ExpressionAttributeNames": {
                "#phase": item::PHASE,
                "#execution": item::EXECUTION,
                "#updated_at": item::UPDATED_AT,
            },
            "ExpressionAttributeValues": values,
        });
        self.update_connection(id, request).await
    }

    async fn release_lease(
        &self,
        region: &Region,
        vpc: &VpcId,
        execution: &str,
    ) -> Result<(), StepError> {
        let (_, table) = self.tables();
        let request = json!({
            "Key": { item::LEASE: { "S": lease_key(region, vpc) } },
            "ConditionExpression": "#holder = :execution",
            "ExpressionAttributeNames": { "#holder": item::HOLDER },
            "ExpressionAttributeValues": { ":execution": { "S": execution } },
        });
        self.dynamodb("DeleteItem", &table, request).await.map(drop)
    }

    async fn shorten_lease(
        &self,
        region: &Region,
        vpc: &VpcId,
        execution: &str,
        until: OffsetDateTime,
    ) -> Result<(), StepError> {
        let (_, table) = self.tables();
        let request = json!({
            "Key": { item::LEASE: { "S": lease_key(region, vpc) } },
            "UpdateExpression": "SET #expires_at = :until",
            "ConditionExpression": "#holder = :execution AND #expires_at > :until",
            "ExpressionAttributeNames": {
                "#holder": item::HOLDER,
                "#expires_at": item::EXPIRES_AT,
            },
            "ExpressionAttributeValues": {
                ":execution": { "S": execution },
                ":until": { "N": until.unix_timestamp().to_string() },
            },
        });
        self.dynamodb("UpdateItem", &table, request).await.map(drop)
    }
}

#[cfg(test)]
mod tests;
