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
    /// Whether the body has the form that the API gives to its refusals (schema
    /// `Status`). What a proxy in between says has not, and its words say nothing
    /// about the cluster.
    pub is_official: bool,
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

/// Turns an answer of success that cannot be read into our error. What was asked
/// for may have been done all the same.
pub fn unreadable(call: &str, what: &str) -> StepError {
    StepError::new(
        Code::CloudUnavailable,
        format!("the answer to {call} cannot be read: {what}"),
    )
}

/// What is posted for all VPCs of an account or a cluster, by whichever comes first.
const POSTS_FOR_ALL: [&str; 2] = [
    "POST private-endpoint-services",
    "POST private-endpoint-trusted-owners",
];

fn meaning(refused: &Refused<'_>) -> Code {
    if is_rate_limited(refused.status, refused.message) {
        return Code::CloudRateLimited;
    }
    match refused.status {
        401 => Code::ApiKeyRefused,
        // A proxy in between may refuse as well, in words of its own.
        403 if refused.is_official || refused.message.is_empty() => Code::ApiKeyLacksRole,
        403 => Code::CloudUnavailable,
        400..=499 | 503 if refused.is_official && speaks_of_a_lock(refused.message) => {
            Code::ClusterBusy
        }
        _ if refused.has_retry_after && (refused.is_official || refused.status < 500) => {
            Code::CloudRateLimited
        }
        500..=599 => Code::CloudUnavailable,
        400 | 404 | 409 | 412 if refused.call == "POST private-endpoint-connections" => {
            Code::RegistrationRefused
        }
        // Somebody else adds the same at this moment, or has just done so: 409 stands for
        // `ABORTED` and `ALREADY_EXISTS` of gRPC (google.rpc.Code). Whoever asks again
        // reads the list first.
        409 if POSTS_FOR_ALL.contains(&refused.call) => Code::ClusterBusy,
        _ => Code::UnexpectedCloudAnswer,
    }
}

/// `lock` or `locked` as words of their own.
fn speaks_of_a_lock(message: &str) -> bool {
    message
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| word.eq_ignore_ascii_case("lock") || word.eq_ignore_ascii_case("locked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &str = "GET cluster";
    const POST: &str = "POST private-endpoint-connections";

    fn check(call: &str, status: u16, has_retry_after: bool, message: &str, expected: Code) {
        check_form(call, status, has_retry_after, true, message, expected);
    }

    fn check_form(
        call: &str,
        status: u16,
        has_retry_after: bool,
        is_official: bool,
        message: &str,
        expected: Code,
    ) {
        let error = classify(&Refused {
            call,
            status,
            has_retry_after,
            is_official,
            message,
        });
        assert_eq!(error.code, expected, "{call} {status} {message}");
    }

    #[test]
    fn every_row_of_the_table() {
        for (status, has_retry_after, message, expected) in [
            (401, false, "", Code::ApiKeyRefused),
            (403, false, "", Code::ApiKeyLacksRole),
            (429, false, "", Code::CloudRateLimited),
            (400, true, "slow down", Code::CloudRateLimited),
            (500, false, "rate limit exceeded", Code::CloudRateLimited),
            (503, true, "", Code::CloudRateLimited),
            (500, true, "", Code::CloudRateLimited),
            (400, false, "couldn't lock cluster", Code::ClusterBusy),
            (503, false, "couldn't lock cluster", Code::ClusterBusy),
            (503, true, "cluster is LOCKED", Code::ClusterBusy),
            (
                400,
                false,
                "the CIDR block is invalid",
                Code::UnexpectedCloudAnswer,
            ),
            (400, false, "proto: invalid", Code::UnexpectedCloudAnswer),
            (418, false, "", Code::UnexpectedCloudAnswer),
        ] {
            check(GET, status, has_retry_after, message, expected);
        }
        for status in [500, 502, 503, 504] {
            check(GET, status, false, "", Code::CloudUnavailable);
        }
        for status in [400, 404, 409] {
            check(POST, status, false, "no", Code::RegistrationRefused);
        }
        for call in POSTS_FOR_ALL {
            check(call, 409, false, "already exists", Code::ClusterBusy);
            check(call, 400, false, "no", Code::UnexpectedCloudAnswer);
        }
        check(GET, 409, false, "no", Code::UnexpectedCloudAnswer);
    }

    #[test]
    fn an_outage_is_not_taken_for_a_lock_or_a_limit_whatever_its_words() {
        let outage = |status, has_retry_after, is_official, message| {
            let expected = Code::CloudUnavailable;
            check_form(GET, status, has_retry_after, is_official, message, expected);
        };
        outage(
            503,
            false,
            false,
            "upstream connect error or disconnect/reset",
        );
        outage(503, false, false, "the database is locked");
        outage(503, true, false, "<html>back soon</html>");
        outage(503, false, true, "connection error: transport is closing");
        outage(500, false, true, "state must be one of CREATED, LOCKED");
        outage(502, false, false, "locking protocol error");
        outage(403, false, false, "<html>blocked by policy</html>");
        let unknown = Code::UnexpectedCloudAnswer;
        check_form(GET, 400, false, false, "<html>locked out</html>", unknown);
        check(GET, 400, false, "field lockfile is unknown", unknown);
    }
}
