//! What the errors mean that every service of AWS answers with.

use crate::Code;

/// What they mean by their codes (AWS general reference, "Common Error Types", and those
/// of its older protocols). The tables of the services say what is different for them.
/// Where a code has several causes, the message tells them apart.
pub fn common(code: &str, message: &str) -> Code {
    match code {
        "AccessDenied" | "AccessDeniedException" | "NotAuthorized" | "UnauthorizedOperation" => {
            denied(message).unwrap_or(Code::AwsAccessDenied)
        }
        // "The AWS access key ID needs a subscription for the service", and what EC2 says of
        // accounts that are new or in trouble (EC2 API reference, "Error codes").
        "Blocked" | "OptInRequired" | "PendingVerification" | "SubscriptionRequiredException" => {
            Code::AwsAccountInactive
        }
        // "STS is not activated in the requested region for the account" (STS API reference).
        "RegionDisabledException" => Code::AwsRegionNotEnabled,
        "RequestExpired" | "RequestInTheFuture" | "RequestTimeTooSkewed" => Code::AwsClockDiffers,
        "InvalidSignatureException" | "SignatureDoesNotMatch" if is_about_time(message) => {
            Code::AwsClockDiffers
        }
        "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Code::AwsCredentialsInvalid,
        "BandwidthLimitExceeded"
        | "EC2ThrottledException"
        | "PriorRequestNotComplete"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "ThrottledException"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException" => Code::AwsThrottled,
        "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        | "InternalServiceError"
        | "InternalServiceErrorException"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "ServerInternal"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "Unavailable" => Code::AwsUnavailable,
        _ => Code::UnexpectedAwsAnswer,
    }
}

/// Which policy has denied a call, if another one than those of the account's own
/// permissions: then to grant the action does not help. AWS names it in the same words for
/// all services, be it that the policy denies or that it does not allow (IAM user guide,
/// "Troubleshoot access denied error messages"). No name of a resource has spaces.
pub fn denied(message: &str) -> Option<Code> {
    let message = message.to_ascii_lowercase();
    let policies = [
        ("service control policy", Code::AwsDeniedByOrganization),
        ("resource control policy", Code::AwsDeniedByOrganization),
        ("permissions boundary", Code::AwsDeniedByBoundary),
        ("session policy", Code::AwsDeniedBySession),
        ("vpc endpoint policy", Code::AwsDeniedByEndpoint),
    ];
    let named = policies.into_iter().find(|(it, _)| message.contains(it));
    named.map(|(_, code)| code)
}

/// "Signature expired: … is now earlier than …", "Signature not yet current: …" (IAM user
/// guide, "Troubleshoot Signature Version 4 issues"). A wrong key is told in other words.
fn is_about_time(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("signature expired") || message.contains("signature not yet current")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_of_all_services() {
        for (codes, expected) in [
            (
                "AccessDenied AccessDeniedException NotAuthorized UnauthorizedOperation",
                Code::AwsAccessDenied,
            ),
            (
                "Blocked OptInRequired PendingVerification SubscriptionRequiredException",
                Code::AwsAccountInactive,
            ),
            ("RegionDisabledException", Code::AwsRegionNotEnabled),
            (
                "RequestExpired RequestInTheFuture RequestTimeTooSkewed",
                Code::AwsClockDiffers,
            ),
            (
                "AuthFailure ExpiredToken ExpiredTokenException IncompleteSignature \
                 IncompleteSignatureException InvalidClientTokenId InvalidSignatureException \
                 MissingAuthenticationToken MissingAuthenticationTokenException \
                 SignatureDoesNotMatch UnrecognizedClientException",
                Code::AwsCredentialsInvalid,
            ),
            (
                "BandwidthLimitExceeded EC2ThrottledException PriorRequestNotComplete \
                 RequestLimitExceeded RequestThrottled RequestThrottledException SlowDown \
                 ThrottledException Throttling ThrottlingException TooManyRequestsException",
                Code::AwsThrottled,
            ),
            (
                "InternalError InternalFailure InternalServerError InternalServiceError \
                 InternalServiceErrorException RequestTimeout RequestTimeoutException \
                 ServerInternal ServiceUnavailable ServiceUnavailableException Unavailable",
                Code::AwsUnavailable,
            ),
            ("ValidationException Odd", Code::UnexpectedAwsAnswer),
        ] {
            for code in codes.split(' ') {
                assert_eq!(common(code, "some text"), expected, "{code}");
            }
        }
    }

    /// Whatever a service's own table has, it takes these from here, with their words.
    #[test]
    fn what_the_organization_forbids_is_no_refusal_of_a_service() {
        let (code, said) = (
            "AccessDeniedException",
            "User: x is not authorized to perform: y with an explicit deny in a service control \
             policy",
        );
        for error in [
            crate::ec2::errors::classify("DescribeVpcs", code, said),
            crate::secret::errors::classify("name", code, said),
            crate::accounts::errors::classify("role", code, said),
            crate::ledger::errors::classify("GetItem", "connections", code, said),
            crate::executions::errors::classify("StartExecution", code, said),
            crate::traffic::classify("GetMetricData", code, said),
        ] {
            assert_eq!(error.code, Code::AwsDeniedByOrganization, "{error}");
            let quoted = format!(" answered {code}: {said}");
            assert!(error.detail.ends_with(&quoted), "{error}");
        }
    }

    /// In the words of the IAM user guide, whichever code the service gives them.
    #[test]
    fn a_denial_is_told_by_the_policy_that_denies() {
        let subject = "User: arn:aws:sts::111122223333:assumed-role/session-policy/x is not \
                       authorized to perform: ec2:CreateVpcEndpoint on resource: \
                       arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0a71e831";
        for (policy, expected) in [
            ("service control policy", Code::AwsDeniedByOrganization),
            ("resource control policy", Code::AwsDeniedByOrganization),
            ("permissions boundary", Code::AwsDeniedByBoundary),
            ("session policy", Code::AwsDeniedBySession),
            ("VPC endpoint policy", Code::AwsDeniedByEndpoint),
            ("identity-based policy", Code::AwsAccessDenied),
            ("resource-based policy", Code::AwsAccessDenied),
        ] {
            for why in [
                format!("with an explicit deny in a {policy}"),
                format!("because no {policy} allows the ec2:CreateVpcEndpoint action"),
            ] {
                let message = format!("{subject} {why}. Encoded authorization failure message: QQ");
                for code in [
                    "UnauthorizedOperation",
                    "AccessDenied",
                    "AccessDeniedException",
                ] {
                    assert_eq!(common(code, &message), expected, "{code}: {message}");
                }
            }
        }
    }

    #[test]
    fn a_clock_that_differs_is_told_from_a_wrong_key() {
        let wrong_key = "The request signature we calculated does not match the signature you \
                         provided. Check your AWS Secret Access Key and signing method.";
        for (message, expected) in [
            (
                "Signature expired: 20260101T000000Z is now earlier than 20260101T010000Z",
                Code::AwsClockDiffers,
            ),
            (
                "Signature not yet current: 20260101T010000Z is still later than 20260101T000500Z",
                Code::AwsClockDiffers,
            ),
            (wrong_key, Code::AwsCredentialsInvalid),
        ] {
            for code in ["SignatureDoesNotMatch", "InvalidSignatureException"] {
                assert_eq!(common(code, message), expected, "{code}: {message}");
            }
        }
    }
}
