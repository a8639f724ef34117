//! Tables with a key of one text.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use time::OffsetDateTime;

use super::error::validation;
use super::value::{AttributeValue, Item};
use crate::calls::ApiError;
use crate::splitmix::{fold, mix};

/// Where an item is: at the hash of its key, as AWS keeps them, in no order
/// that means anything, and always the same one.
type Place = (u64, String);

/// A table. Its key is one attribute, a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The name of the key attribute.
    pub key: String,
    slots: BTreeMap<Place, Slot>,
    /// Where items were deleted, and until when others may still see them.
    gone: VecDeque<(OffsetDateTime, Place)>,
    now: OffsetDateTime,
    behind: Duration,
}

/// An item, and what a read that need not be consistent sees in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Slot {
    item: Option<Item>,
    before: Option<(OffsetDateTime, Option<Item>)>,
}

impl Slot {
    fn seen(&self, consistent: bool, now: OffsetDateTime) -> Option<&Item> {
        match &self.before {
            Some((until, before)) if !consistent && now < *until => before.as_ref(),
            Some(_) | None => self.item.as_ref(),
        }
    }
}

impl Table {
    pub(super) fn new(key: &str, now: OffsetDateTime) -> Table {
        Table {
            key: key.to_owned(),
            slots: BTreeMap::new(),
            gone: VecDeque::new(),
            now,
            behind: Duration::ZERO,
        }
    }

    /// Brings the table up to the present, in which reads that need not be
    /// consistent may be behind by this much.
    pub(super) fn settle(&mut self, now: OffsetDateTime, behind: Duration) {
        (self.now, self.behind) = (now, behind);
        while let Some((_, place)) = self.gone.pop_front_if(|(until, _)| *until <= now) {
            if self
                .slots
                .get(&place)
                .is_some_and(|slot| slot.item.is_none())
            {
                self.slots.remove(&place);
            }
        }
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.everything().count()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.everything().next().is_none()
    }

    /// Every item by its key.
    pub(super) fn everything(&self) -> impl Iterator<Item = (&str, &Item)> {
        self.after(None, true)
    }

    pub(super) fn get(&self, key: &str, consistent: bool) -> Option<&Item> {
        self.slots.get(&place(key))?.seen(consistent, self.now)
    }

    /// Puts an item in the place of its key, or takes it away.
    pub(super) fn write(&mut self, key: &str, item: Option<Item>) {
        let (now, until) = (self.now, self.now + self.behind);
        if item.is_none() {
            self.gone.push_back((until, place(key)));
        }
        let slot = self.slots.entry(place(key)).or_default();
        let before = std::mem::replace(&mut slot.item, item);
        // Who is behind sees what was there before the first of several writes.
        let oldest = match slot.before.take() {
            Some((still, oldest)) if now < still => oldest,
            Some(_) | None => before,
        };
        slot.before = Some((until, oldest));
    }

    /// The items behind a key, which need not be there, or all of them.
    pub(super) fn after(
        &self,
        key: Option<&str>,
        consistent: bool,
    ) -> impl Iterator<Item = (&str, &Item)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let start = key.map_or(Unbounded, |key| Excluded(place(key)));
        let slots = self.slots.range((start, Unbounded));
        slots.filter_map(move |((_, key), slot)| {
            Some((key.as_str(), slot.seen(consistent, self.now)?))
        })
    }

    /// The key that is given by itself, as in `GetItem`.
    pub(super) fn bare_key(&self, key: &Item) -> Result<String, ApiError> {
        match (key.len(), key.get(&self.key)) {
            (1, Some(AttributeValue::S(text))) => self.sound(text),
            _ => Err(validation(
                "The provided key element does not match the schema",
            )),
        }
    }

    /// The key of an item that is to be put.
    pub(super) fn key_of(&self, item: &Item) -> Result<String, ApiError> {
        match item.get(&self.key) {
            Some(AttributeValue::S(text)) => self.sound(text),
            Some(other) => Err(validation(format!(
                "One or more parameter values were invalid: Type mismatch for key {} expected: S \
                 actual: {}",
                self.key,
                other.kind()
            ))),
            None => Err(validation(format!(
                "One or more parameter values were invalid: Missing the key {} in the item",
                self.key
            ))),
        }
    }

    fn sound(&self, text: &str) -> Result<String, ApiError> {
        if text.is_empty() {
            return Err(validation(format!(
                "One or more parameter values are not valid. The AttributeValue for a key \
                 attribute cannot contain an empty string value. Key: {}",
                self.key
            )));
        }
        if text.len() > 2048 {
            return Err(validation(
                "One or more parameter values were invalid: Size of hashkey has exceeded the \
                 maximum size limit of2048 bytes",
            ));
        }
        Ok(text.to_owned())
    }
}

fn place(key: &str) -> Place {
    (mix(fold(key)), key.to_owned())
}
