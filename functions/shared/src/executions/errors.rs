//! The one table that says what an error of Step Functions means.

use crate::{Code, StepError, aws_errors};

/// Turns a Step Functions error into ours (Step Functions API reference,
/// `StartExecution` and `DescribeExecution`). `operation` is the name of the
/// action. A name that is taken and a run that does not exist are answers, and
/// never get here.
pub fn classify(operation: &str, code: &str, message: &str) -> StepError {
    let meaning = match code {
        "StateMachineDoesNotExist" | "StateMachineDeleting" => Code::MachineNotFound,
        // The ARN comes from the configuration; the names that we give keep their rules.
        "InvalidArn" => Code::ConfigurationInvalid,
        "ExecutionLimitExceeded" | "KmsThrottlingException" => Code::AwsThrottled,
        "KmsAccessDeniedException" | "KmsInvalidStateException" => Code::AwsAccessDenied,
        common => aws_errors::common(common, message),
    };
    StepError::new(
        meaning,
        format!("Step Functions {operation} answered {code}: {message}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        for (codes, expected) in [
            (
                &["StateMachineDoesNotExist", "StateMachineDeleting"][..],
                Code::MachineNotFound,
            ),
            (&["InvalidArn"], Code::ConfigurationInvalid),
            (
                &[
                    "ExecutionLimitExceeded",
                    "KmsThrottlingException",
                    "ThrottlingException",
                ],
                Code::AwsThrottled,
            ),
            (
                &[
                    "KmsAccessDeniedException",
                    "KmsInvalidStateException",
                    "AccessDeniedException",
                ],
                Code::AwsAccessDenied,
            ),
            (
                &["InternalServerError", "ServiceUnavailable"],
                Code::AwsUnavailable,
            ),
            (
                &["UnrecognizedClientException", "ExpiredTokenException"],
                Code::AwsCredentialsInvalid,
            ),
            (
                &[
                    "InvalidName",
                    "InvalidExecutionInput",
                    "ValidationException",
                    "Odd",
                ],
                Code::UnexpectedAwsAnswer,
            ),
        ] {
            for code in codes {
                assert_eq!(
                    classify("StartExecution", code, "text").code,
                    expected,
                    "{code}"
                );
            }
        }
    }

    #[test]
    fn what_the_organization_forbids_is_not_a_missing_permission() {
        let message = "User: x is not authorized to perform: states:StartExecution on resource: y \
                       with an explicit deny in a service control policy";
        let error = classify("StartExecution", "AccessDeniedException", message);
        assert_eq!(error.code, Code::AwsDeniedByOrganization);
    }
}
