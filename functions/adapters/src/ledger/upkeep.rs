//! Keeping the ledger in order.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use shared::ids::{Region, SecurityGroupId, VpcId};
use shared::ledger::{Connection, Lease, NOTED_DAYS, Upkeep, first_seen_key, item, lease_key};
use shared::{Code, StepError};
use time::OffsetDateTime;

use super::{DynamoLedger, attribute, failure, text};

impl Upkeep for DynamoLedger {
    async fn lease(
        &self,
        region: &Region,
        vpc: &VpcId,
        now: OffsetDateTime,
    ) -> Result<Option<Lease>, StepError> {
        let table = self.tables.leases.required()?;
        let request = self.client.get_item().table_name(table);
        let answer = request
            .key(item::LEASE, text(lease_key(region, vpc)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failure("GetItem", table, &error))?;
        let lease = answer.item.as_ref().and_then(|item| {
            Some(Lease {
                holder: attribute(item, item::HOLDER)?.to_owned(),
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
        let table = self.tables.leases.required()?;
        let until = now + time::Duration::days(NOTED_DAYS);
        let request = self.client.update_item().table_name(table);
        let answer = request
            .key(item::LEASE, text(first_seen_key(group)))
            .update_expression("SET #seen = if_not_exists(#seen, :now), #until = :until")
            .expression_attribute_names("#seen", item::FIRST_SEEN)
            .expression_attribute_names("#until", item::EXPIRES_AT)
            .expression_attribute_values(":now", seconds(now))
            .expression_attribute_values(":until", seconds(until))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(|error| failure("UpdateItem", table, &error))?;
        let seen = answer.attributes.as_ref();
        let seen = seen.and_then(|item| moment(item, item::FIRST_SEEN));
        seen.ok_or_else(|| {
            let detail =
                format!("DynamoDB UpdateItem of table {table} answered without first_seen");
            StepError::new(Code::UnexpectedAwsAnswer, detail)
        })
    }

    async fn restore(&self, connection: &Connection) -> Result<bool, StepError> {
        let table = self.tables.connections.required()?;
        let mut request = self.client.put_item().table_name(table);
        for (name, value) in item::write(connection) {
            request = request.item(name, text(value));
        }
        let sent = request
            .condition_expression("attribute_not_exists(#id) OR attribute_exists(#expires_at)")
            .expression_attribute_names("#id", item::CONNECTION_ID)
            .expression_attribute_names("#expires_at", item::EXPIRES_AT)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(failure("PutItem", table, &error)),
        }
    }
}

fn seconds(at: OffsetDateTime) -> AttributeValue {
    AttributeValue::N(at.unix_timestamp().to_string())
}

fn moment(item: &HashMap<String, AttributeValue>, name: &str) -> Option<OffsetDateTime> {
    let seconds = item.get(name)?.as_n().ok()?.parse().ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}
