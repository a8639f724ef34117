//! What the codes of errors mean that every service of AWS answers with.

use crate::Code;

/// What the codes mean that every service answers with (AWS general reference,
/// "Common Error Types", and those of its older protocols). The tables of the
/// services say what is different for them.
pub fn common(code: &str) -> Code {
    match code {
        "AccessDenied"
        | "AccessDeniedException"
        | "NotAuthorized"
        | "OptInRequired"
        | "UnauthorizedOperation" => Code::AwsAccessDenied,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "RequestExpired"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Code::AwsCredentialsInvalid,
        "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException" => Code::AwsThrottled,
        "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        | "InternalServiceError"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException" => Code::AwsUnavailable,
        _ => Code::UnexpectedAwsAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_of_all_services() {
        for (codes, expected) in [
            (
                &[
                    "AccessDenied",
                    "AccessDeniedException",
                    "NotAuthorized",
                    "OptInRequired",
                    "UnauthorizedOperation",
                ][..],
                Code::AwsAccessDenied,
            ),
            (
                &[
                    "ExpiredToken",
                    "ExpiredTokenException",
                    "IncompleteSignature",
                    "IncompleteSignatureException",
                    "InvalidClientTokenId",
                    "InvalidSignatureException",
                    "MissingAuthenticationToken",
                    "MissingAuthenticationTokenException",
                    "RequestExpired",
                    "SignatureDoesNotMatch",
                    "UnrecognizedClientException",
                ],
                Code::AwsCredentialsInvalid,
            ),
            (
                &[
                    "RequestLimitExceeded",
                    "RequestThrottled",
                    "RequestThrottledException",
                    "SlowDown",
                    "Throttling",
                    "ThrottlingException",
                    "TooManyRequestsException",
                ],
                Code::AwsThrottled,
            ),
            (
                &[
                    "InternalError",
                    "InternalFailure",
                    "InternalServerError",
                    "InternalServiceError",
                    "RequestTimeout",
                    "RequestTimeoutException",
                    "ServiceUnavailable",
                    "ServiceUnavailableException",
                ],
                Code::AwsUnavailable,
            ),
            (&["ValidationException", "Odd"], Code::UnexpectedAwsAnswer),
        ] {
            for code in codes {
                assert_eq!(common(code), expected, "{code}");
            }
        }
    }
}
