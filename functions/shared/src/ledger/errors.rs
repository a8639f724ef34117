//! The one table that says what an error of DynamoDB means.

use crate::{Code, StepError, aws_errors};

/// Turns a DynamoDB error into ours (DynamoDB developer guide, "Error handling
/// with DynamoDB"). `operation` is the name of the action; `table` is what it was
/// asked of. A condition that does not hold is an answer, and never gets here.
pub fn classify(operation: &str, table: &str, code: &str, message: &str) -> StepError {
    let meaning = match code {
        "ResourceNotFoundException" | "TableNotFoundException" => Code::LedgerTableNotFound,
        "ProvisionedThroughputExceededException" | "LimitExceededException" => Code::AwsThrottled,
        "TransactionConflictException"
        | "TransactionInProgressException"
        | "ReplicatedWriteConflictException"
        | "ResourceInUseException" => Code::AwsResourceBusy,
        common => aws_errors::common(common, message),
    };
    StepError::new(
        meaning,
        format!("DynamoDB {operation} of table {table} answered {code}: {message}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        for (codes, expected) in [
            (
                &["ResourceNotFoundException", "TableNotFoundException"][..],
                Code::LedgerTableNotFound,
            ),
            (
                &[
                    "ProvisionedThroughputExceededException",
                    "LimitExceededException",
                    "ThrottlingException",
                    "RequestLimitExceeded",
                ],
                Code::AwsThrottled,
            ),
            (
                &[
                    "TransactionConflictException",
                    "TransactionInProgressException",
                    "ReplicatedWriteConflictException",
                    "ResourceInUseException",
                ],
                Code::AwsResourceBusy,
            ),
            (
                &["InternalServerError", "ServiceUnavailable"],
                Code::AwsUnavailable,
            ),
            (&["AccessDeniedException"], Code::AwsAccessDenied),
            (
                &["UnrecognizedClientException", "ExpiredTokenException"],
                Code::AwsCredentialsInvalid,
            ),
            (
                &["ValidationException", "SerializationException", "Odd"],
                Code::UnexpectedAwsAnswer,
            ),
        ] {
            for code in codes {
                let error = classify("GetItem", "connections", code, "text");
                assert_eq!(error.code, expected, "{code}");
            }
        }
        assert_eq!(
            classify("GetItem", "connections", "Odd", "text").detail,
            "DynamoDB GetItem of table connections answered Odd: text"
        );
    }

    #[test]
    fn what_the_organization_forbids_is_not_a_missing_permission() {
        let message = "User: x is not authorized to perform: dynamodb:GetItem on resource: y with \
                       an explicit deny in a service control policy";
        let error = classify("GetItem", "connections", "AccessDeniedException", message);
        assert_eq!(error.code, Code::AwsDeniedByOrganization);
    }
}
