//! `GetItem` and `Scan`.

use serde_json::{Value, json};

use super::error::validation;
use super::request::Request;
use super::table::Table;
use super::value::{AttributeValue, Item, item, item_to_json, size_of_item};
use crate::calls::ApiError;

/// What a scan reads at most before it answers with a part.
const PAGE: usize = 1 << 20;

pub(super) fn get_item(table: &mut Table, request: &mut Request) -> Result<Value, ApiError> {
    let key = table.bare_key(&request.attributes("Key")?)?;
    let found = table.get(&key, request.flag("ConsistentRead")?);
    Ok(match found {
        Some(item) => json!({ "Item": item_to_json(item) }),
        None => json!({}),
    })
}

pub(super) fn scan(table: &mut Table, request: &mut Request) -> Result<Value, ApiError> {
    let limit = request.positive("Limit")?;
    let consistent = request.flag("ConsistentRead")?;
    let start = match request.take("ExclusiveStartKey") {
        Some(key) => Some(table.bare_key(&item(&key)?).map_err(|_| {
            validation("The provided starting key is invalid: The provided key element does not match the schema")
        })?),
        None => None,
    };
    let (mut items, mut size, mut last) = (Vec::new(), 0, None);
    for (key, item) in table.after(start.as_deref(), consistent) {
        size += size_of_item(item);
        items.push(item_to_json(item));
        // Whoever reaches the limit is told to go on, even behind the last item.
        if limit == Some(items.len()) || size > PAGE {
            last = Some(key);
            break;
        }
    }
    let mut answer = json!({
        "Count": items.len(),
        "ScannedCount": items.len(),
        "Items": items,
    });
    if let Some(last) = last {
        let key = Item::from([(table.key.clone(), AttributeValue::S(last.to_owned()))]);
        answer["LastEvaluatedKey"] = item_to_json(&key);
    }
    Ok(answer)
}
