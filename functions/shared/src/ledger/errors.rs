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
                "ResourceNotFoundException TableNotFoundException",
                Code::LedgerTableNotFound,
            ),
            (
                "ProvisionedThroughputExceededException LimitExceededException ThrottlingException",
                Code::AwsThrottled,
            ),
            (
                "TransactionConflictException TransactionInProgressException \
                 ReplicatedWriteConflictException ResourceInUseException",
                Code::AwsResourceBusy,
            ),
            (
                "ValidationException SerializationException Odd",
                Code::UnexpectedAwsAnswer,
            ),
        ] {
            for code in codes.split(' ') {
                let error = classify("GetItem", "connections", code, "text");
                assert_eq!(error.code, expected, "{code}");
            }
        }
        assert_eq!(
            classify("GetItem", "connections", "Odd", "text").detail,
            "DynamoDB GetItem of table connections answered Odd: text"
        );
    }
}
