//! `PutItem`, `UpdateItem` and `DeleteItem`.

use serde_json::{Value, json};

use super::error::{condition_failed, unsupported, validation};
use super::expression::{self, Condition, Placeholders};
use super::request::Request;
use super::table::Table;
use super::value::{AttributeValue, Item, item_to_json, size_of_item};
use crate::calls::ApiError;

/// The largest item, names and values together.
const LARGEST: usize = 400 * 1024;

const RETURN_VALUES: [&str; 5] = ["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"];

pub(super) fn put_item(table: &mut Table, request: &mut Request) -> Result<Value, ApiError> {
    let item = request.attributes("Item")?;
    let key = table.key_of(&item)?;
    let guard = Guard::read(request, false)?;
    if size_of_item(&item) > LARGEST {
        return Err(validation(
            "Item size has exceeded the maximum allowed size",
        ));
    }
    let old = table.get(&key, true).cloned();
    guard.check(old.as_ref())?;
    table.write(&key, Some(item));
    Ok(guard.answer(old, None))
}

pub(super) fn delete_item(table: &mut Table, request: &mut Request) -> Result<Value, ApiError> {
    let key = table.bare_key(&request.attributes("Key")?)?;
    let guard = Guard::read(request, false)?;
    let old = table.get(&key, true).cloned();
    guard.check(old.as_ref())?;
    table.write(&key, None);
    Ok(guard.answer(old, None))
}

pub(super) fn update_item(table: &mut Table, request: &mut Request) -> Result<Value, ApiError> {
    let key = table.bare_key(&request.attributes("Key")?)?;
    let mut guard = Guard::read(request, true)?;
    let update = guard.update.take();
    if let Some(update) = &update
        && update.targets().any(|name| name == table.key)
    {
        return Err(validation(format!(
            "One or more parameter values were invalid: Cannot update attribute {}. This \
             attribute is part of the key",
            table.key
        )));
    }
    let old = table.get(&key, true).cloned();
    guard.check(old.as_ref())?;
    // An update of what is not there makes it, with the key.
    let before = old
        .clone()
        .unwrap_or_else(|| Item::from([(table.key.clone(), AttributeValue::S(key.clone()))]));
    let new = match &update {
        Some(update) => update.apply(&before),
        None => before,
    };
    if size_of_item(&new) > LARGEST {
        return Err(validation(
            "Item size to update has exceeded the maximum allowed size",
        ));
    }
    table.write(&key, Some(new.clone()));
    Ok(guard.answer(old, Some(new)))
}

/// What all writes have in common: a condition, and what is answered.
struct Guard {
    condition: Option<Condition>,
    update: Option<expression::Update>,
    returned: &'static str,
}

impl Guard {
    fn read(request: &mut Request, updates: bool) -> Result<Guard, ApiError> {
        let names = request.take("ExpressionAttributeNames");
        let values = request.take("ExpressionAttributeValues");
        let mut placeholders = Placeholders::read(names.as_ref(), values.as_ref())?;
        let update = match request.text("UpdateExpression")? {
            Some(text) => Some(expression::update(&text, &mut placeholders)?),
            None => None,
        };
        let condition = match request.text("ConditionExpression")? {
            Some(text) => Some(expression::condition(&text, &mut placeholders)?),
            None => None,
        };
        let given = [
            ("UpdateExpression", update.is_some()),
            ("ConditionExpression", condition.is_some()),
        ];
        placeholders.finish(if updates { &given } else { &given[1..] })?;
        let returned = request.choice("ReturnValues", &RETURN_VALUES)?;
        match returned {
            "UPDATED_OLD" | "UPDATED_NEW" if updates => {
                return Err(unsupported(&format!("ReturnValues {returned}")));
            }
            "NONE" | "ALL_OLD" => {}
            _ if updates => {}
            _ => return Err(validation("Return values set to invalid value")),
        }
        Ok(Guard {
            condition,
            update,
            returned,
        })
    }

    fn check(&self, item: Option<&Item>) -> Result<(), ApiError> {
        let nothing = Item::new();
        let holds = self
            .condition
            .as_ref()
            .is_none_or(|condition| condition.holds(item.unwrap_or(&nothing)));
        if holds {
            return Ok(());
        }
        Err(condition_failed())
    }

    fn answer(&self, old: Option<Item>, new: Option<Item>) -> Value {
        let returned = match self.returned {
            "ALL_OLD" => old,
            "ALL_NEW" => new,
            _ => None,
        };
        match returned {
            Some(item) => json!({ "Attributes": item_to_json(&item) }),
            None => json!({}),
        }
    }
}
