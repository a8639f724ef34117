//! One answer of the Cloud API, before it is known what it means.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;

use super::errors::{self, Refused};
use super::wire::StatusWire;
use crate::secret::ApiKey;
use crate::{Code, StepError};

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    retry_after: Option<String>,
    body: String,
    /// What must not be repeated, should the other side ever echo it.
    key: ApiKey,
}

impl Answer {
    pub(super) fn new(status: StatusCode, headers: &HeaderMap, body: String, key: &ApiKey) -> Self {
        let retry_after = headers.get(RETRY_AFTER);
        let retry_after =
            retry_after.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        Self {
            status,
            retry_after,
            body,
            key: key.clone(),
        }
    }

    pub(super) fn success(self, call: &str) -> Result<Self, StepError> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(errors::classify(&Refused {
            call,
            status: self.status.as_u16(),
            has_retry_after: self.retry_after.is_some(),
            message: &self.presentable(&self.message()),
        }))
    }

    pub(super) fn read<T: DeserializeOwned>(&self, call: &str) -> Result<T, StepError> {
        serde_json::from_str(&self.body).map_err(|error| {
            // The error quotes the value that it could not take.
            let error = self.presentable(&error.to_string());
            StepError::new(
                Code::UnexpectedCloudAnswer,
                format!("the answer to {call}: {error}"),
            )
        })
    }

    /// How long the API asks us to wait, if the request took no effect because
    /// there were too many. A date would need a clock that both sides agree on,
    /// so only a number of seconds counts.
    pub(super) fn rate_limit_passes_after(&self) -> Option<Duration> {
        if !errors::is_rate_limited(self.status.as_u16(), &self.message()) {
            return None;
        }
        let seconds = self.retry_after.as_ref()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// The message of a refusal, or else the whole body: none is promised.
    fn message(&self) -> String {
        let status: Option<StatusWire> = serde_json::from_str(&self.body).ok();
        let message = status.and_then(|status| status.message);
        message
            .filter(|message| !message.is_empty())
            .unwrap_or_else(|| self.body.clone())
    }

    /// A text from outside, cut to a readable length and without our key or
    /// anything else that looks like one.
    fn presentable(&self, text: &str) -> String {
        let text = text.replace(self.key.expose(), "CCDB1_…");
        let words: Vec<&str> = text
            .split_whitespace()
            .map(|word| {
                if word.contains("CCDB1_") {
                    "CCDB1_…"
                } else {
                    word
                }
            })
            .collect();
        words.join(" ").chars().take(500).collect()
    }
}
