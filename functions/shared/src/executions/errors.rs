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
                "StateMachineDoesNotExist StateMachineDeleting",
                Code::MachineNotFound,
            ),
            ("InvalidArn", Code::ConfigurationInvalid),
            (
                "ExecutionLimitExceeded KmsThrottlingException ThrottlingException",
                Code::AwsThrottled,
            ),
            (
                "KmsAccessDeniedException KmsInvalidStateException",
                Code::AwsAccessDenied,
            ),
            (
                "InvalidName InvalidExecutionInput ValidationException Odd",
                Code::UnexpectedAwsAnswer,
            ),
        ] {
            for code in codes.split(' ') {
                let error = classify("StartExecution", code, "text");
                assert_eq!(error.code, expected, "{code}");
            }
        }
    }
}
