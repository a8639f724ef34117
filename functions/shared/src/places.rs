//! All the places that are looked at, one after the other, when everything of ours is to
//! be found, wherever it is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, Region, words};
use crate::ledger::{Connection, Ledger};
use crate::place::Place;
use crate::{Code, StepError, bounds};

/// Most places and clusters that could not be looked at and are told by name.
const MOST_UNSEEN: usize = 50;

/// Most bytes of why, written in JSON.
const LONGEST_DETAIL: usize = 300;

/// Most places of one list: those that are left travel from call to call.
const MOST_PLACES: usize = 500;

/// A place or a cluster that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unseen {
    /// Which one: `444455556666/us-east-1`, or `cluster` and its id.
    pub what: String,
    /// The code of the error.
    pub code: String,
    /// Why.
    pub detail: String,
}

impl Unseen {
    /// It could not be looked at because of this.
    pub fn new(what: impl std::fmt::Display, error: &StepError) -> Self {
        Self {
            what: what.to_string(),
            code: error.code.to_string(),
            detail: bounds::text(&error.detail, LONGEST_DETAIL),
        }
    }

    /// Adds it to what could not be looked at, once, and as long as that can be told.
    pub fn add_to(self, all: &mut Vec<Unseen>) {
        if all.contains(&self) {
            return;
        }
        tracing::warn!("{}: {}: {}", self.what, self.code, self.detail);
        if all.len() < MOST_UNSEEN {
            all.push(self);
        }
    }
}

/// The places to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceList {
    /// Each once.
    pub places: Vec<Place>,
    /// That there are more than one list takes.
    pub beyond: Option<StepError>,
}

impl PlaceList {
    /// `only` these, if there are any, or those of `always` (a list of [`words`]) and
    /// all that by the ledger have something, and after them `accounts` in every Region
    /// that `always` names for itself, without an account.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] for a place that cannot be read, and those of the ledger.
    pub async fn read(
        ledger: &impl Ledger,
        own_account: Option<&AccountId>,
        only: &[String],
        always: &str,
        accounts: &[AccountId],
    ) -> Result<Self, StepError> {
        let read = |text: &str| -> Result<Place, StepError> {
            let place = text.parse::<Place>().map_err(|error| {
                StepError::new(Code::InvalidRequest, format!("places: {text}: {error}"))
            })?;
            Ok(place.as_seen_from(own_account))
        };
        if !only.is_empty() {
            let places: BTreeSet<Place> =
                only.iter().map(|it| read(it)).collect::<Result<_, _>>()?;
            return Ok(Self::of(places.into_iter().collect()));
        }
        let mut places: BTreeSet<Place> = words(always).map(read).collect::<Result<_, _>>()?;
        let named = places.iter().filter(|it| it.account_id.is_none());
        let regions: Vec<Region> = named.map(|it| it.region.clone()).collect();
        let with_something = |entry: Connection| {
            // One that leaves nothing may name a place that does not exist.
            if !entry.leaves_nothing() {
                places.insert(entry.place().as_seen_from(own_account));
            }
        };
        ledger.every_entry(with_something).await?;
        let mut of_accounts = BTreeSet::new();
        for account in accounts {
            for region in &regions {
                let place = Place {
                    account_id: Some(account.clone()),
                    region: region.clone(),
                };
                of_accounts.insert(place.as_seen_from(own_account));
            }
        }
        let more = of_accounts.difference(&places);
        Ok(Self::of(places.iter().chain(more).cloned().collect()))
    }

    /// As many of these as one list takes.
    pub fn of(mut places: Vec<Place>) -> Self {
        let beyond = places.split_off(places.len().min(MOST_PLACES));
        let beyond = beyond.first().map(|first| {
            let detail = format!(
                "places that are left out: {}, from {first} on, because {MOST_PLACES} are looked at",
                beyond.len()
            );
            StepError::new(Code::SweepIncomplete, detail)
        });
        Self { places, beyond }
    }

    /// Its places. That there are more goes to what could not be looked at.
    pub fn telling(self, unseen: &mut Vec<Unseen>) -> Vec<Place> {
        if let Some(error) = &self.beyond {
            Unseen::new("all other places", error).add_to(unseen);
        }
        self.places
    }
}
