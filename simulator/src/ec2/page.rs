//! What the Describe operations of lists ask and answer.

use std::ops::RangeInclusive;

use super::error::{client, invalid_value};
use super::filter::{self, Filter, Filtered};
use crate::World;
use crate::calls::{ApiError, Caller};

/// What a Describe operation of a list asks.
#[derive(Debug, Clone, Default)]
pub struct Describe {
    /// Things by id; all if there are none.
    pub ids: Vec<String>,
    pub filters: Vec<Filter>,
    pub max_results: Option<i32>,
    /// Where the last page ended.
    pub next_token: Option<String>,
}

/// A page of what there is, and how to ask for the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described<T> {
    pub items: Vec<T>,
    pub next_token: Option<String>,
}

impl Describe {
    /// Asks for one thing.
    pub fn id(id: impl Into<String>) -> Self {
        Describe {
            ids: vec![id.into()],
            ..Describe::default()
        }
    }

    /// Asks for what passes all these filters.
    pub fn filtered(filters: impl Into<Vec<Filter>>) -> Self {
        Describe {
            filters: filters.into(),
            ..Describe::default()
        }
    }

    /// Whether a thing is asked for.
    pub(super) fn wants<T: Filtered>(&self, thing: &T) -> bool {
        let named = self.ids.is_empty() || self.ids.iter().any(|id| id == thing.id());
        named && filter::passes(thing, &self.filters)
    }

    /// Cuts the page that is asked for out of a list.
    pub(super) fn page<T>(
        &self,
        list: impl Iterator<Item = T>,
        sizes: RangeInclusive<i32>,
    ) -> Result<Described<T>, ApiError> {
        let mut list: Vec<T> = list.collect();
        let start = match self.next_token.as_deref() {
            // What the last page gave as its token leads to the beginning again.
            None | Some("") => 0,
            Some(token) => offset(token)
                .filter(|start| *start <= list.len())
                .ok_or_else(|| client("InvalidNextToken", "The pagination token is not valid"))?,
        };
        let mut items = list.split_off(start);
        let Some(max) = self.max_results else {
            let next_token = None;
            return Ok(Described { items, next_token });
        };
        if !sizes.contains(&max) {
            return Err(invalid_value(format!(
                "Value ( {max} ) for parameter maxResults is invalid. Expecting a value between {} and {}.",
                sizes.start(),
                sizes.end()
            )));
        }
        let max = max as usize;
        let next_token = (items.len() > max).then(|| token(start + max));
        items.truncate(max);
        Ok(Described { items, next_token })
    }
}

impl World {
    /// What the Describe operation of a list begins with.
    pub(super) fn admit_describe<T: Filtered>(
        &mut self,
        caller: &Caller,
        operation: &str,
        request: &Describe,
    ) -> Result<(), ApiError> {
        self.admit(caller, operation)?;
        filter::check::<T>(&request.filters)
    }
}

const SALT: u64 = 0x5eed_0f4a_61c3_77d1;

fn token(offset: usize) -> String {
    format!("{:016x}", offset as u64 ^ SALT)
}

fn offset(token: &str) -> Option<usize> {
    let number = u64::from_str_radix(token, 16).ok()? ^ SALT;
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_and_end() {
        let mut seen = Vec::new();
        let mut asked = Describe {
            max_results: Some(5),
            ..Describe::default()
        };
        loop {
            let page = asked.page(0..12, 5..=1000).unwrap();
            seen.extend(page.items);
            if page.next_token.is_none() {
                break;
            }
            asked.next_token = page.next_token;
        }
        assert!(seen.into_iter().eq(0..12));
    }

    #[test]
    fn a_token_that_nobody_gave_is_refused() {
        for (max_results, next_token, code) in [
            (None, Some("abc"), "InvalidNextToken"),
            (Some(4), None, "InvalidParameterValue"),
        ] {
            let asked = Describe {
                max_results,
                next_token: next_token.map(str::to_owned),
                ..Describe::default()
            };
            assert_eq!(asked.page(0..1, 5..=1000).unwrap_err().code, code);
        }
    }
}
