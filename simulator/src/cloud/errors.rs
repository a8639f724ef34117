//! Errors in the words of the Cloud API.
//!
//! The `code` of an error body is the gRPC code, not the HTTP status (seen in
//! terraform-provider-cockroach issue 34: HTTP 404 with `code: 5`).

use std::time::Duration;

use crate::calls::ApiError;
use crate::faults::FaultKind;

/// The gRPC code that goes with an HTTP status (google.rpc.Code).
pub(crate) fn grpc_code(status: u16) -> i32 {
    match status {
        400 => 3,
        401 => 16,
        403 => 7,
        404 => 5,
        409 => 6,
        429 => 8,
        501 => 12,
        503 => 14,
        504 => 4,
        500..=599 => 13,
        _ => 2,
    }
}

/// An error with the gRPC code that goes with its HTTP status.
pub(super) fn error(status: u16, message: impl Into<String>) -> ApiError {
    ApiError::new(status, grpc_code(status).to_string(), message)
}

/// A request that could never succeed as written.
pub(super) fn invalid(message: impl AsRef<str>) -> ApiError {
    error(400, format!("invalid argument: {}", message.as_ref()))
}

pub(super) fn unauthenticated() -> ApiError {
    error(401, "token bearer could not be authenticated")
}

pub(super) fn forbidden(what: &str) -> ApiError {
    error(403, format!("permission denied: {what}"))
}

pub(super) fn cluster_not_found(id: &str) -> ApiError {
    error(
        404,
        format!("internal call failed: cluster '{id}' not found"),
    )
}

pub(super) fn cluster_locked(status: u16, name: &str) -> ApiError {
    error(
        status,
        format!("couldn't lock cluster {name}: another operation is in progress"),
    )
}

pub(super) fn rate_limited(status: u16, wait: Duration) -> ApiError {
    ApiError {
        retry_after: Some(wait),
        ..error(status, "rate limit exceeded")
    }
}

/// A fault as this service would say it. `name` is the operation without
/// `cloud:`, for example `POST private-endpoint-connections`.
pub(crate) fn render_fault(kind: FaultKind, name: &str) -> ApiError {
    match kind {
        FaultKind::Throttle => rate_limited(429, Duration::from_secs(1)),
        FaultKind::Denied => forbidden(&format!(
            "{name} needs a role that the caller does not have"
        )),
        FaultKind::NotFound => error(404, "internal call failed: not found"),
        FaultKind::Conflict => cluster_locked(503, "in question"),
        FaultKind::UnknownCode => error(418, "an answer that nobody documents"),
        // The last two never get here; they have no words.
        FaultKind::ServerError | FaultKind::Timeout | FaultKind::CutOff => {
            error(500, "internal server error")
        }
    }
}
