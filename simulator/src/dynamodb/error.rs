//! Errors in the words of DynamoDB.

use crate::calls::ApiError;
use crate::faults::FaultKind;

/// A request that breaks a rule. The service has one code for all of them.
pub(super) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationException", message)
}

/// What this world does not do, although the service does.
pub(super) fn unsupported(what: &str) -> ApiError {
    validation(format!("the simulator does not know {what}"))
}

/// There is no such table, or none that this caller can see.
pub(super) fn no_table() -> ApiError {
    ApiError::new(
        400,
        "ResourceNotFoundException",
        "Requested resource not found",
    )
}

/// The condition of a write does not hold.
pub(super) fn condition_failed() -> ApiError {
    ApiError::new(
        400,
        "ConditionalCheckFailedException",
        "The conditional request failed",
    )
}

/// A fault as this service would say it (DynamoDB developer guide, "Error
/// handling with DynamoDB"). `name` is the operation without `dynamodb:`.
pub(crate) fn render_fault(kind: FaultKind, name: &str) -> ApiError {
    match kind {
        FaultKind::Throttle => ApiError::new(
            400,
            "ThrottlingException",
            "Throughput exceeds the current capacity of your table or index. DynamoDB is \
             automatically scaling your table or index so please try again shortly.",
        ),
        FaultKind::Denied => ApiError::new(
            400,
            "AccessDeniedException",
            format!(
                "User is not authorized to perform: dynamodb:{name} because no identity-based \
                 policy allows the dynamodb:{name} action"
            ),
        ),
        FaultKind::NotFound => no_table(),
        FaultKind::Conflict => ApiError::new(
            400,
            "TransactionConflictException",
            "Transaction is ongoing for the item",
        ),
        FaultKind::UnknownCode => ApiError::new(
            400,
            "SomethingNewException",
            "Something new is the matter with this table.",
        ),
        // The last two never get here; they have no words.
        FaultKind::ServerError | FaultKind::Timeout | FaultKind::CutOff => {
            ApiError::new(500, "InternalServerError", "Internal server error")
        }
    }
}
