//! The adapter: AWS DynamoDB.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use shared::StepError;
use shared::ids::{Region, VpcId};
use shared::ledger::{Connection, Health, Ledger, Page, Phase, Tables, errors, item, lease_key};
use time::OffsetDateTime;

use crate::sdk;

mod upkeep;

/// The ledger in two tables of DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    client: Client,
    tables: Tables,
}

impl DynamoLedger {
    /// The ledger in these tables, with the credentials and Region of the
    /// configuration. A table that is not configured shows at the first call.
    pub fn new(config: &aws_config::SdkConfig, tables: Tables) -> Self {
        Self {
            client: Client::new(config),
            tables,
        }
    }

    /// One page as DynamoDB cuts it, and where the next one begins.
    async fn scan(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Connection>, Option<String>), StepError> {
        let table = self.tables.connections.required()?;
        let start = after.map(|id| HashMap::from([(item::CONNECTION_ID.to_owned(), text(id))]));
        let scan = self.client.scan().table_name(table).consistent_read(true);
        let scan = scan
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let page = scan.send().await;
        let page = page.map_err(|error| failure("Scan", table, &error))?;
        let next = page.last_evaluated_key.as_ref();
        let next = next.and_then(|key| attribute(key, item::CONNECTION_ID));
        let next = next.map(str::to_owned);
        let items = page.items.unwrap_or_default();
        Ok((items.iter().filter_map(readable).collect(), next))
    }
}

impl Ledger for DynamoLedger {
    async fn connection(&self, id: &str) -> Result<Option<Connection>, StepError> {
        let table = self.tables.connections.required()?;
        let request = self.client.get_item().table_name(table);
        let answer = request
            .key(item::CONNECTION_ID, text(id))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failure("GetItem", table, &error))?;
        answer.item.as_ref().map(read).transpose()
    }

    /// In the order of a scan, which stays as long as the table does.
    async fn connections(&self, after: Option<&str>, limit: u32) -> Result<Page, StepError> {
        let limit = limit as usize;
        let mut connections = Vec::new();
        let mut next = after.map(str::to_owned);
        // DynamoDB may cut a page short, and some of its items may not read.
        while connections.len() < limit {
            let wanted = limit - connections.len();
            let (more, after) = self.scan(next.as_deref(), wanted).await?;
            connections.extend(more);
            next = after;
            if next.is_none() {
                break;
            }
        }
        Ok(Page { connections, next })
    }

    async fn record_health(&self, id: &str, health: &Health) -> Result<(), StepError> {
        let table = self.tables.connections.required()?;
        let request = self.client.update_item().table_name(table);
        let sent = request
            .key(item::CONNECTION_ID, text(id))
            .update_expression("SET #health = :health")
            .condition_expression("attribute_exists(#id)")
            .expression_attribute_names("#health", item::HEALTH)
            .expression_attribute_names("#id", item::CONNECTION_ID)
            .expression_attribute_values(":health", text(item::json(health).unwrap_or_default()))
            .send()
            .await;
        if_condition_holds("UpdateItem", table, sent)
    }

    async fn record_interruption(&self, id: &str, execution: &str) -> Result<(), StepError> {
        let table = self.tables.connections.required()?;
        let now = item::moment(OffsetDateTime::now_utc()).unwrap_or_default();
        let over: Vec<(String, &str)> = Phase::ALL
            .into_iter()
            .filter(|phase| phase.is_over())
            .enumerate()
            .map(|(n, phase)| (format!(":over{n}"), phase.as_str()))
            .collect();
        let words: Vec<&str> = over.iter().map(|(name, _)| name.as_str()).collect();
        let condition = format!(
            "#execution = :execution AND NOT (#phase IN ({}))",
            words.join(", ")
        );
        let mut request = self
            .client
            .update_item()
            .table_name(table)
            .key(item::CONNECTION_ID, text(id))
            .update_expression("SET #phase = :interrupted, #updated_at = :now")
            .condition_expression(condition)
            .expression_attribute_names("#phase", item::PHASE)
            .expression_attribute_names("#execution", item::EXECUTION)
            .expression_attribute_names("#updated_at", item::UPDATED_AT)
            .expression_attribute_values(":interrupted", text(Phase::Interrupted.as_str()))
            .expression_attribute_values(":execution", text(execution))
            .expression_attribute_values(":now", text(now));
        for (name, word) in over {
            request = request.expression_attribute_values(name, text(word));
        }
        if_condition_holds("UpdateItem", table, request.send().await)
    }

    async fn release_lease(
        &self,
        region: &Region,
        vpc: &VpcId,
        execution: &str,
    ) -> Result<(), StepError> {
        let table = self.tables.leases.required()?;
        let request = self.client.delete_item().table_name(table);
        let sent = request
            .key(item::LEASE, text(lease_key(region, vpc)))
            .condition_expression("#holder = :execution")
            .expression_attribute_names("#holder", item::HOLDER)
            .expression_attribute_values(":execution", text(execution))
            .send()
            .await;
        if_condition_holds("DeleteItem", table, sent)
    }

    async fn shorten_lease(
        &self,
        region: &Region,
        vpc: &VpcId,
        execution: &str,
        until: OffsetDateTime,
    ) -> Result<(), StepError> {
        let table = self.tables.leases.required()?;
        let until = AttributeValue::N(until.unix_timestamp().to_string());
        let sent = self
            .client
            .update_item()
            .table_name(table)
            .key(item::LEASE, text(lease_key(region, vpc)))
            .update_expression("SET #expires_at = :until")
            .condition_expression("#holder = :execution AND #expires_at > :until")
            .expression_attribute_names("#holder", item::HOLDER)
            .expression_attribute_names("#expires_at", item::EXPIRES_AT)
            .expression_attribute_values(":execution", text(execution))
            .expression_attribute_values(":until", until)
            .send()
            .await;
        if_condition_holds("UpdateItem", table, sent)
    }
}

/// An item that reads. One that does not, because somebody edited it, must not
/// hide all others; asked for by its id, it says what is wrong with it.
fn readable(item: &HashMap<String, AttributeValue>) -> Option<Connection> {
    read(item)
        .inspect_err(|error| tracing::warn!("left out: {error}"))
        .ok()
}

fn read(item: &HashMap<String, AttributeValue>) -> Result<Connection, StepError> {
    item::read(|name| attribute(item, name))
}

fn attribute<'i>(item: &'i HashMap<String, AttributeValue>, name: &str) -> Option<&'i str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A change that was not made because its condition does not hold was not to be made.
fn if_condition_holds<T, E>(
    operation: &str,
    table: &str,
    sent: Result<T, SdkError<E, HttpResponse>>,
) -> Result<(), StepError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match sent {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(()),
        Err(error) => Err(failure(operation, table, &error)),
    }
}

fn failure<E>(operation: &str, table: &str, error: &SdkError<E, HttpResponse>) -> StepError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let asked = format!("DynamoDB {operation} of table {table}");
    sdk::failure(&asked, error, |code, message| {
        errors::classify(operation, table, code, message)
    })
}
