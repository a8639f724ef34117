//! Keeping the ledger in order.

use serde_json::{Map, Value, json};
use shared::ids::{Region, SecurityGroupId, VpcId};
use shared::ledger::{Connection, Lease, NOTED_DAYS, Upkeep, first_seen_key, item, lease_key};
use shared::{Code, StepError};
use time::OffsetDateTime;

use super::{InProcess, text};

impl Upkeep for InProcess {
    async fn lease(
        &self,
        region: &Region,
        vpc: &VpcId,
        now: OffsetDateTime,
    ) -> Result<Option<Lease>, StepError> {
        let (_, table) = self.tables();
        let key = json!({ item::LEASE: { "S": lease_key(region, vpc) } });
        let request = json!({ "Key": key, "ConsistentRead": true });
        let answer = self.dynamodb("GetItem", &table, request).await?;
        let lease = answer.as_ref().and_then(|answer| {
            let item = answer.get("Item")?;
            Some(Lease {
                holder: text(item, item::HOLDER)?.to_owned(),
                expires_at: moment(item, item::EXPIRES_AT)?,
            })
        });
        Ok(lease.filter(|lease| lease.expires_at >= now))
    }

    async fn first_seen(
        &self,
        group: &SecurityGroupId,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, StepError> {
        let (_, table) = self.tables();
        let until = now + time::Duration::days(NOTED_DAYS);
        let request = json!({
            "Key": { item::LEASE: { "S": first_seen_key(group) } },
            "UpdateExpression": "SET #seen = if_not_exists(#seen, :now), #until = :until",
            "ExpressionAttributeNames": { "#seen": item::FIRST_SEEN, "#until": item::EXPIRES_AT },
            "ExpressionAttributeValues": {
                ":now": { "N": now.unix_timestamp().to_string() },
                ":until": { "N": until.unix_timestamp().to_string() },
            },
            "ReturnValues": "ALL_NEW",
        });
        let answer = self.dynamodb("UpdateItem", &table, request).await?;
        let seen = answer.and_then(|answer| moment(&answer["Attributes"], item::FIRST_SEEN));
        seen.ok_or_else(|| {
            let detail =
                format!("DynamoDB UpdateItem of table {table} answered without first_seen");
            StepError::new(Code::UnexpectedAwsAnswer, detail)
        })
    }

    async fn restore(&self, connection: &Connection) -> Result<bool, StepError> {
        let (table, _) = self.tables();
        let texts = item::write(connection).into_iter();
        let attributes: Map<String, Value> = texts
            .map(|(name, text)| (name.to_owned(), json!({ "S": text })))
            .collect();
        let request = json!({
            "Item": attributes,
            "ConditionExpression": "attribute_not_exists(#id) OR attribute_exists(#expires_at)",
            "ExpressionAttributeNames": {
                "#id": item::CONNECTION_ID,
                "#expires_at": item::EXPIRES_AT,
            },
        });
        Ok(self.dynamodb("PutItem", &table, request).await?.is_some())
    }
}

fn moment(item: &Value, name: &str) -> Option<OffsetDateTime> {
    let seconds = item[name]["N"].as_str()?.parse().ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}
