//! Habits of the real service that no source pins down.
//!
//! A client has to stand all of them, so a scenario can choose. The defaults
//! are what is most likely.

use std::time::Duration;

use serde::Deserialize;

/// How the service behaves where its documentation is silent or divided.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Habits {
    /// Requests that one key may make in any second; 0 for no limit. Ten is
    /// what the documentation says.
    pub requests_per_second: u32,
    /// The HTTP status of a request over the limit. The documentation leaves
    /// it out on purpose (cockroachdb/docs, pull request 20356).
    pub rate_limit_status: u16,
    /// How `Retry-After` is written.
    pub retry_after: RetryAfter,
    /// The HTTP status of a change to a locked cluster: 503 or 400
    /// (terraform-provider-cockroach, pull request 127).
    pub lock_status: u16,
    /// What happens when an endpoint is registered that already is.
    pub second_registration: SecondRegistration,
    /// Whether an account that is a trusted owner already is a conflict (HTTP 409) when it
    /// is added once more, and not answered with the existing entry.
    pub second_owner_conflicts: bool,
    /// What is left of a registration that was removed.
    pub after_removal: AfterRemoval,
    /// The HTTP status for an endpoint that the cluster's side cannot find.
    pub unknown_endpoint_status: u16,
    /// Whether the organization is enrolled for trusted owners, which are in
    /// limited access.
    pub trusted_owners_enrolled: bool,
    /// The HTTP status of trusted owners when it is not: 404 or 403.
    pub not_enrolled_status: u16,
    /// The body of an error, which the document does not promise for the
    /// statuses that it names.
    pub error_body: ErrorBody,
}

impl Default for Habits {
    fn default() -> Self {
        Habits {
            requests_per_second: 10,
            rate_limit_status: 429,
            retry_after: RetryAfter::Seconds,
            lock_status: 503,
            second_registration: SecondRegistration::Repeated,
            second_owner_conflicts: false,
            after_removal: AfterRemoval::Absent,
            unknown_endpoint_status: 404,
            trusted_owners_enrolled: true,
            not_enrolled_status: 404,
            error_body: ErrorBody::Status,
        }
    }
}

/// How `Retry-After` is written; RFC 9110 allows both forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfter {
    Seconds,
    Date,
}

/// What happens when an endpoint is registered that already is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondRegistration {
    /// The answer is the existing entry.
    Repeated,
    /// HTTP 400.
    Refused,
    /// HTTP 409.
    Conflict,
}

/// What is left of a registration that was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterRemoval {
    Absent,
    /// The entry stays listed as `STATUS_REJECTED`.
    Rejected,
    /// The entry stays listed as `STATUS_DELETED`.
    Deleted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorBody {
    /// A `Status` object.
    Status,
    /// Plain text that is no JSON, as a proxy in between would write.
    Text,
    Empty,
}

/// The window of the rate limit.
pub(super) const WINDOW: Duration = Duration::from_secs(1);
