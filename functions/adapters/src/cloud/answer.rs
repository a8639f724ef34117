//! One answer of the Cloud API, before it is known what it means.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use shared::StepError;
use shared::cloud::errors::{self, Refused};
use shared::secret::ApiKey;
use shared::strict::Strict;

use super::wire::StatusWire;

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    retry_after: Option<String>,
    location: Option<String>,
    body: String,
    /// What must not be repeated, should the other side ever echo it.
    key: ApiKey,
}

impl Answer {
    pub(super) fn new(status: StatusCode, headers: &HeaderMap, body: String, key: &ApiKey) -> Self {
        let header = |name: HeaderName| {
            let value = headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Self {
            status,
            retry_after: header(RETRY_AFTER),
            location: header(LOCATION),
            body,
            key: key.clone(),
        }
    }

    pub(super) fn success(self, call: &str) -> Result<Self, StepError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let official = self.official_message();
        let mut message = official.clone().unwrap_or_else(|| self.body.clone());
        if let Some(location) = self
            .location
            .as_ref()
            .filter(|_| self.status.is_redirection())
        {
            message = format!(
                "it points to {location}, where the key is not sent; \
                 COCKROACH_SERVER must be the address of the API itself"
            );
        }
        Err(errors::classify(&Refused {
            call,
            status: self.status.as_u16(),
            has_retry_after: self.retry_after.is_some(),
            is_official: official.is_some(),
            message: &self.presentable(&message),
        }))
    }

    /// What a read brought.
    pub(super) fn read<T: DeserializeOwned>(&self, call: &str) -> Result<T, StepError> {
        // The error quotes the value that it could not take.
        self.json()
            .map_err(|error| errors::unreadable(call, &self.presentable(&error.to_string())))
    }

    fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(Strict(serde_json::from_str(&self.body)?))
    }

    /// That a write was done. The API answers with an object or with nothing; what
    /// answers with anything else was not the API.
    pub(super) fn done(self, call: &str) -> Result<(), StepError> {
        let answer = self.success(call)?;
        if answer.body.trim().is_empty() {
            return Ok(());
        }
        answer.read::<Map<String, Value>>(call).map(|_| ())
    }

    /// How long the API asks us to wait, if the request took no effect because
    /// there were too many. A date would need a clock that both sides agree on,
    /// so only a number of seconds counts.
    pub(super) fn rate_limit_passes_after(&self) -> Option<Duration> {
        let message = self.official_message().unwrap_or_else(|| self.body.clone());
        if !errors::is_rate_limited(self.status.as_u16(), &message) {
            return None;
        }
        let seconds = self.retry_after.as_ref()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// The message of a body in the form that the API gives to its refusals. None is
    /// promised.
    fn official_message(&self) -> Option<String> {
        let status: StatusWire = self.json().ok()?;
        status.message.filter(|message| !message.is_empty())
    }

    /// A text from outside, cut to a readable length and without any key.
    fn presentable(&self, text: &str) -> String {
        let masked = self.key.masked_in(text);
        masked.chars().take(500).collect()
    }
}
