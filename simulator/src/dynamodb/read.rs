//! `GetItem` and `Scan`.

use serde_json::{Map, Value, json};

use super::error::validation;
use super::expression::{self, Path, Placeholders};
use super::request::Request;
use super::table::Table;
use super::value::{AttributeValue, Item, item, item_to_json, size_of_item};
use crate::calls::ApiError;

/// What a scan reads at most before it answers with a part.
const PAGE: usize = 1 << 20;

pub(super) fn get_item(table: &mut Table, request: &mut Request) -> Result<Value, ApiError> {
    let key = table.bare_key(&request.attributes("Key")?)?;
    let names = request.take("ExpressionAttributeNames");
    let mut placeholders = Placeholders::read(names.as_ref(), None)?;
    let projection = Projection::read(request, &mut placeholders)?;
    placeholders.finish(&[("ProjectionExpression", projection.0.is_some())])?;
    let found = table.get(&key, request.flag("ConsistentRead")?);
    Ok(match found {
        Some(item) => json!({ "Item": projection.of(item) }),
        None => json!({}),
    })
}

pub(super) fn scan(table: &mut Table, request: &mut Request) -> Result<Value, ApiError> {
    let limit = request.positive("Limit")?;
    let names = request.take("ExpressionAttributeNames");
    let values = request.take("ExpressionAttributeValues");
    let mut placeholders = Placeholders::read(names.as_ref(), values.as_ref())?;
    let filter = match request.text("FilterExpression")? {
        Some(text) => Some(expression::condition(
            "FilterExpression",
            &text,
            &mut placeholders,
        )?),
        None => None,
    };
    let projection = Projection::read(request, &mut placeholders)?;
    placeholders.finish(&[
        ("FilterExpression", filter.is_some()),
        ("ProjectionExpression", projection.0.is_some()),
    ])?;
    let consistent = request.flag("ConsistentRead")?;
    let start = match request.take("ExclusiveStartKey") {
        Some(key) => Some(table.bare_key(&item(&key)?).map_err(|_| {
            validation("The provided starting key is invalid: The provided key element does not match the schema")
        })?),
        None => None,
    };
    let (mut items, mut scanned, mut size, mut last) = (Vec::new(), 0usize, 0, None);
    for (key, item) in table.after(start.as_deref(), consistent) {
        scanned += 1;
        size += size_of_item(item);
        if filter.as_ref().is_none_or(|filter| filter.holds(item)) {
            items.push(projection.of(item));
        }
        // The limit counts what is read, not what passes, and whoever reaches
        // it is told to go on, even behind the last item.
        if limit == Some(scanned) || size > PAGE {
            last = Some(key);
            break;
        }
    }
    let mut answer = json!({
        "Count": items.len(),
        "ScannedCount": scanned,
        "Items": items,
    });
    if let Some(last) = last {
        let key = Item::from([(table.key.clone(), AttributeValue::S(last.to_owned()))]);
        answer["LastEvaluatedKey"] = item_to_json(&key);
    }
    Ok(answer)
}

/// The top-level attributes that are wanted; all if none are named.
struct Projection(Option<Vec<Path>>);

impl Projection {
    fn read(
        request: &mut Request,
        placeholders: &mut Placeholders,
    ) -> Result<Projection, ApiError> {
        match request.text("ProjectionExpression")? {
            Some(text) => expression::projection(&text, placeholders)
                .map(Some)
                .map(Projection),
            None => Ok(Projection(None)),
        }
    }

    fn of(&self, item: &Item) -> Value {
        let Some(paths) = &self.0 else {
            return item_to_json(item);
        };
        let found = paths.iter().filter_map(|path| {
            let value = item.get(&path.root)?;
            Some((path.root.clone(), value.to_json()))
        });
        Value::Object(found.collect::<Map<_, _>>())
    }
}
