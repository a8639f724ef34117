//! The errors of EC2, with the codes of the "Error codes" page of the EC2 API
//! reference. Client errors have status 400 unless they are about permission;
//! server errors have a status above 500.

use crate::calls::ApiError;

pub(super) fn client(code: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(400, code, message)
}

/// A value that EC2 cannot use.
pub(super) fn invalid_value(message: impl Into<String>) -> ApiError {
    client("InvalidParameterValue", message)
}

/// The catch-all of EC2: the message says what is wrong.
pub(super) fn invalid_parameter(message: impl Into<String>) -> ApiError {
    client("InvalidParameter", message)
}

pub(super) fn missing(parameter: &str) -> ApiError {
    client(
        "MissingParameter",
        format!("The request must contain the parameter {parameter}"),
    )
}

/// Something that is not there, or not visible yet.
pub(super) fn not_found(code: &str, kind: &str, id: &str) -> ApiError {
    client(code, format!("The {kind} '{id}' does not exist"))
}
