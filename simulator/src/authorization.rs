//! What AWS asks IAM for before it carries a call out: for each call one or
//! several actions, each on a resource, with the keys that policies may compare.
//!
//! The world does not know any policy, so it refuses nothing. It says what would
//! be asked, with the tags as they are at that moment, and whoever judges the
//! world decides ([`crate::Simulator::judged_by`]).
//!
//! Which actions, resources and keys a call needs is from the service
//! authorization reference, as far as nothing else is said beside it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::calls::Caller;

/// One thing that must be allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Authorization {
    /// The account of whoever calls.
    pub account: String,
    /// The action, such as `ec2:CreateTags`.
    pub action: String,
    /// The ARN of the resource, `*` if the action knows none.
    pub resource: String,
    /// The keys of the request that conditions can compare.
    pub keys: BTreeMap<String, Key>,
}

/// The value of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum Key {
    /// Of a key that has one value.
    One(String),
    /// Of a key that may have several, such as `aws:TagKeys`.
    Many(BTreeSet<String>),
}

impl Authorization {
    /// An action of a caller on a resource, without keys.
    pub fn new(caller: &Caller, action: &str, resource: impl Into<String>) -> Self {
        Authorization {
            account: caller.account.clone(),
            action: action.to_owned(),
            resource: resource.into(),
            keys: BTreeMap::new(),
        }
    }

    /// With one more key.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.keys.insert(key.into(), Key::One(value.into()));
        self
    }

    /// With one more key of those that may have several values.
    #[must_use]
    pub fn with_any(mut self, key: &str, values: BTreeSet<String>) -> Self {
        self.keys.insert(key.to_owned(), Key::Many(values));
        self
    }

    /// With the tags that the resource has.
    #[must_use]
    pub fn tagged<'a>(mut self, tags: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        for (key, value) in tags {
            self = self.with(format!("aws:ResourceTag/{key}"), value);
        }
        self
    }

    /// With the tags that the request sets.
    #[must_use]
    pub fn tagging<'a>(mut self, tags: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        let mut keys = BTreeSet::new();
        for (key, value) in tags {
            keys.insert(key.clone());
            self = self.with(format!("aws:RequestTag/{key}"), value);
        }
        self.tag_keys(keys)
    }

    /// With the keys of the tags that the request names; without any the key
    /// `aws:TagKeys` is absent.
    #[must_use]
    pub fn tag_keys(self, keys: BTreeSet<String>) -> Self {
        match keys.is_empty() {
            true => self,
            false => self.with_any("aws:TagKeys", keys),
        }
    }
}

/// Whoever is told of every authorization that a world needs.
pub trait Judge: Send + Sync {
    /// Somebody needs something; nobody says who if it is not known. Called after
    /// the call, and without a lock on the world.
    fn needs(&self, who: Option<&str>, authorization: Authorization);
}
