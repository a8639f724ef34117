//! The one table that says what an answer of the Cloud API means.
//!
//! Sources: the OpenAPI document (which promises no error bodies), the Cloud API
//! documentation on rate limits, and what the Terraform provider expects to meet
//! (a locked cluster has no status of its own, terraform-provider-cockroach PR 127).

use crate::{Code, StepError};

/// An answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused<'a> {
    /// Method and path without ids, such as `POST private-endpoint-connections`.
    pub call: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// Whether the answer carries `Retry-After`.
    pub has_retry_after: bool,
    /// The message of the body, or the body, or nothing.
    pub message: &'a str,
}

/// Turns an answer that is not a success into our error.
pub fn classify(refused: &Refused<'_>) -> StepError {
    let mut detail = format!(
        "the Cloud API answered {} to {}",
        refused.status, refused.call
    );
    if !refused.message.is_empty() {
        detail.push_str(": ");
        detail.push_str(refused.message);
    }
    StepError::new(meaning(refused), detail)
}

/// Whether there were too many requests, so that this one took no effect. The
/// status alone does not tell (cockroachdb/docs PR 20356).
pub fn is_rate_limited(status: u16, message: &str) -> bool {
    status == 429 || message.to_ascii_lowercase().contains("rate limit exceeded")
}

/// Turns the absence of an answer into our error.
pub fn no_answer(call: &str, what: &str) -> StepError {
    StepError::new(
        Code::CloudUnavailable,
        format!("the Cloud API gave no answer to {call}: {what}"),
    )
}

fn meaning(refused: &Refused<'_>) -> Code {
    if is_rate_limited(refused.status, refused.message) {
        return Code::CloudRateLimited;
    }
    match refused.status {
        401 => Code::ApiKeyRefused,
        403 => Code::ApiKeyLacksRole,
        _ if speaks_of_a_lock(refused.message) => Code::ClusterBusy,
        _ if refused.has_retry_after => Code::CloudRateLimited,
        // A cluster that is being built answers 503 while it is locked, too.
        503 => Code::ClusterBusy,
        500..=599 => Code::CloudUnavailable,
        400 | 404 | 409 | 412 if refused.call == "POST private-endpoint-connections" => {
            Code::RegistrationRefused
        }
        _ => Code::UnexpectedCloudAnswer,
    }
}

/// `lock`, `locked` and the like, but not `block`.
fn speaks_of_a_lock(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| word.starts_with("lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(call: &str, status: u16, has_retry_after: bool, message: &str, expected: Code) {
        let error = classify(&Refused {
            call,
            status,
            has_retry_after,
            message,
        });
        assert_eq!(error.code, expected, "{call} {status} {message}");
    }

    #[test]
    fn every_row_of_the_table() {
        let get = "GET cluster";
        check(get, 401, false, "", Code::ApiKeyRefused);
        check(get, 403, false, "", Code::ApiKeyLacksRole);
        check(get, 429, false, "", Code::CloudRateLimited);
        check(get, 400, true, "slow down", Code::CloudRateLimited);
        check(
            get,
            500,
            false,
            "rate limit exceeded",
            Code::CloudRateLimited,
        );
        check(get, 400, false, "couldn't lock cluster", Code::ClusterBusy);
        check(
            get,
            400,
            false,
            "the CIDR block is invalid",
            Code::UnexpectedCloudAnswer,
        );
        check(get, 503, false, "", Code::ClusterBusy);
        check(get, 503, true, "cluster is LOCKED", Code::ClusterBusy);
        check(get, 503, true, "", Code::CloudRateLimited);
        check(get, 500, true, "", Code::CloudRateLimited);
        for status in [500, 502, 504] {
            check(get, status, false, "", Code::CloudUnavailable);
        }
        check(
            get,
            400,
            false,
            "proto: invalid",
            Code::UnexpectedCloudAnswer,
        );
        check(get, 418, false, "", Code::UnexpectedCloudAnswer);
        for status in [400, 404, 409] {
            check(
                "POST private-endpoint-connections",
                status,
                false,
                "no",
                Code::RegistrationRefused,
            );
        }
    }
}
