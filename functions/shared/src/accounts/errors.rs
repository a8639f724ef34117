//! The one table that says what an error of STS means.

use crate::{Code, StepError, aws_errors};

/// Turns an error of `AssumeRole` into ours (STS API reference, `AssumeRole` and
/// "Common Error Types"). A role that does not exist is denied like one that does
/// not trust us.
pub fn classify(role: &str, code: &str, message: &str) -> StepError {
    let meaning = match code {
        "AccessDenied" | "AccessDeniedException" => {
            aws_errors::denied(message).unwrap_or(Code::OtherAccountRoleRefused)
        }
        // A name of a role or an external id that breaks their rules.
        "ValidationError" | "InvalidParameterValue" => Code::ConfigurationInvalid,
        common => aws_errors::common(common, message),
    };
    StepError::new(
        meaning,
        format!("STS AssumeRole of {role} answered {code}: {message}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        for (codes, expected) in [
            (
                "AccessDenied AccessDeniedException",
                Code::OtherAccountRoleRefused,
            ),
            (
                "ValidationError InvalidParameterValue",
                Code::ConfigurationInvalid,
            ),
            ("RegionDisabledException", Code::AwsRegionNotEnabled),
            ("Odd", Code::UnexpectedAwsAnswer),
        ] {
            for code in codes.split(' ') {
                assert_eq!(classify("role", code, "text").code, expected, "{code}");
            }
        }
    }
}
