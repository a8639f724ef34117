//! The one table that says what an error of EC2 means, or of Route 53.
//!
//! Source of codes and messages: EC2 API reference, "Error codes for the Amazon
//! EC2 API"; messages of `InvalidParameter` as they were met in the field
//! (terraform-provider-aws issue 17535 and others). EC2 models no errors, so the
//! code is all there is; where one code means several things, the shortest part
//! of the message that tells them apart decides.

use super::Source;
use crate::ids::SecurityGroupId;
use crate::{Code, StepError};

/// Turns an EC2 error into ours. `operation` is the name of the EC2 action.
pub fn classify(operation: &str, code: &str, message: &str) -> StepError {
    StepError::new(
        meaning(code, message),
        format!("EC2 {operation} answered {code}: {message}"),
    )
}

/// The same for new rules of a group. EC2 has one code for a fresh group that it does not
/// show everywhere yet and for a source that it does not know or that cannot be reached
/// from the group's VPC; the message names the group that is meant, or speaks of "two
/// resources that belong to different networks" (ansible issue 28876,
/// aws-controllers-k8s community issue 2676).
pub fn classify_rules(
    group: &SecurityGroupId,
    sources: &[Source],
    code: &str,
    message: &str,
) -> StepError {
    let error = classify("AuthorizeSecurityGroupIngress", code, message);
    let names = |source: &Source| match source {
        Source::Group(it) => it.id() != *group && message.contains(it.id().as_str()),
        Source::Cidr(_) | Source::PrefixList(_) => false,
    };
    let is_about_groups = is_absent(code) || code == "InvalidParameterValue";
    if is_about_groups && (message.contains("different networks") || sources.iter().any(names)) {
        return StepError::new(Code::SourceGroupNotFound, error.detail);
    }
    error
}

/// The same for an error of Route 53. `operation` is the name of its action.
pub fn classify_route53(operation: &str, code: &str, message: &str) -> StepError {
    StepError::new(
        meaning(code, message),
        format!("Route 53 {operation} answered {code}: {message}"),
    )
}

/// Turns the absence of an EC2 answer into our error: no connection, or none in time.
pub fn no_answer(operation: &str, what: &str) -> StepError {
    StepError::new(
        Code::AwsUnavailable,
        format!("EC2 {operation} gave no answer: {what}"),
    )
}

/// Whether the error says that the thing does not exist. EC2 spells this in more
/// than one way for endpoints, subnets and groups.
pub fn is_absent(code: &str) -> bool {
    matches!(
        code,
        "InvalidVpcEndpointId.NotFound"
            | "InvalidVpcEndpoint.NotFound"
            | "InvalidVpcID.NotFound"
            | "InvalidGroup.NotFound"
            | "InvalidGroupId.NotFound"
            | "InvalidSecurityGroupID.NotFound"
            | "InvalidPermission.NotFound"
            | "InvalidSecurityGroupRuleId.NotFound"
    )
}

/// Whether the error says that an endpoint service does not exist, or that this
/// account may not use it: EC2 does not tell the two apart.
pub fn is_service_absent(code: &str) -> bool {
    matches!(
        code,
        "InvalidServiceName" | "InvalidVpcEndpointService.NotFound"
    )
}

/// Whether the error says that the caller may not do this.
pub fn is_denied(code: &str) -> bool {
    matches!(
        code,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation"
    )
}

fn meaning(code: &str, message: &str) -> Code {
    let says = |part: &str| message.to_ascii_lowercase().contains(part);
    match code {
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "EC2ThrottledException"
        | "SlowDown"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "PriorRequestNotComplete" => Code::AwsThrottled,
        "InternalError"
        | "InternalFailure"
        | "ServerInternal"
        | "ServiceUnavailable"
        | "Unavailable"
        | "RequestTimeout"
        | "RequestTimeoutException" => Code::AwsUnavailable,
        "IncorrectState"
        | "InvalidState"
        | "OperationInProgress"
        | "ConcurrentTagAccess"
        | "DependencyViolation"
        | "InvalidGroup.InUse" => Code::AwsResourceBusy,

        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "OperationNotPermitted"
        | "OptInRequired"
        | "Blocked"
        | "PendingVerification" => Code::AwsAccessDenied,
        "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken" => Code::AwsCredentialsInvalid,

        "InvalidServiceName" | "InvalidVpcEndpointService.NotFound" => Code::ServiceNotVisible,
        "InvalidSubnetID.NotFound" | "InvalidSubnetId.NotFound" => Code::SubnetNotFound,
        "DuplicateSubnetsInSameZone" => Code::SubnetsShareZone,
        "InsufficientFreeAddressesInSubnet" => Code::SubnetUnusable,
        "VpcEndpointLimitExceeded" => Code::EndpointQuotaReached,
        "SecurityGroupLimitExceeded" | "SecurityGroupsPerInterfaceLimitExceeded" => {
            Code::SecurityGroupQuotaReached
        }
        "RulesPerSecurityGroupLimitExceeded" => Code::TooManySources,
        "InvalidPrefixListID.NotFound" | "InvalidPrefixListId.NotFound" => Code::PrefixListNotFound,
        "TagLimitExceeded" => Code::TagLimitReached,
        "NetworkInterfaceLimitExceeded" => Code::NetworkInterfaceQuotaReached,
        "InvalidGroup.Duplicate" => Code::SecurityGroupNameTaken,
        "IdempotentParameterMismatch" | "InvalidClientToken" => Code::IdempotencyMismatch,

        // Described by id before EC2 shows it everywhere.
        "InvalidVpcID.NotFound" | "InvalidVPCId" => Code::VpcNotFound,
        "InvalidGroup.NotFound"
        | "InvalidGroupId.NotFound"
        | "InvalidSecurityGroupID.NotFound"
        | "InvalidVpcEndpointId.NotFound"
        | "InvalidVpcEndpoint.NotFound" => Code::AwsResourceBusy,

        "InvalidParameter" | "InvalidParameterValue" if says("conflicting dns domain") => {
            Code::PrivateDnsConflict
        }
        "InvalidParameter" if says("enablednssupport") && says("enablednshostnames") => {
            Code::VpcDnsHostnamesDisabled
        }
        "InvalidParameter" if says("only be enabled after the endpoint connection is accepted") => {
            Code::AwsResourceBusy
        }
        "InvalidParameter" if says("does not provide a private dns name") => {
            Code::PrivateDnsNotOffered
        }
        "InvalidParameter" if says("does not support the availability zone") => {
            Code::SubnetZoneNotOffered
        }
        _ => Code::UnexpectedAwsAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, message: &str, expected: Code) {
        assert_eq!(
            classify("CreateVpcEndpoint", code, message).code,
            expected,
            "{code}: {message}"
        );
    }

    #[test]
    fn every_row_of_the_table() {
        for (codes, expected) in [
            (
                &[
                    "RequestLimitExceeded",
                    "Throttling",
                    "ThrottlingException",
                    "EC2ThrottledException",
                    "SlowDown",
                    "TooManyRequestsException",
                    "BandwidthLimitExceeded",
                    "ThrottledException",
                    "RequestThrottled",
                    "RequestThrottledException",
                    "PriorRequestNotComplete",
                ][..],
                Code::AwsThrottled,
            ),
            (
                &[
                    "InternalError",
                    "InternalFailure",
                    "ServerInternal",
                    "ServiceUnavailable",
                    "Unavailable",
                    "RequestTimeout",
                    "RequestTimeoutException",
                ],
                Code::AwsUnavailable,
            ),
            (
                &[
                    "IncorrectState",
                    "InvalidState",
                    "OperationInProgress",
                    "ConcurrentTagAccess",
                    "DependencyViolation",
                    "InvalidGroup.InUse",
                    "InvalidGroup.NotFound",
                    "InvalidGroupId.NotFound",
                    "InvalidSecurityGroupID.NotFound",
                    "InvalidVpcEndpointId.NotFound",
                    "InvalidVpcEndpoint.NotFound",
                ],
                Code::AwsResourceBusy,
            ),
            (
                &[
                    "UnauthorizedOperation",
                    "AccessDenied",
                    "AccessDeniedException",
                    "OperationNotPermitted",
                    "OptInRequired",
                    "Blocked",
                    "PendingVerification",
                ],
                Code::AwsAccessDenied,
            ),
            (
                &[
                    "AuthFailure",
                    "ExpiredToken",
                    "ExpiredTokenException",
                    "RequestExpired",
                    "InvalidClientTokenId",
                    "UnrecognizedClientException",
                    "SignatureDoesNotMatch",
                    "MissingAuthenticationToken",
                ],
                Code::AwsCredentialsInvalid,
            ),
            (
                &["InvalidServiceName", "InvalidVpcEndpointService.NotFound"],
                Code::ServiceNotVisible,
            ),
            (
                &["InvalidSubnetID.NotFound", "InvalidSubnetId.NotFound"],
                Code::SubnetNotFound,
            ),
            (&["DuplicateSubnetsInSameZone"], Code::SubnetsShareZone),
            (&["InsufficientFreeAddressesInSubnet"], Code::SubnetUnusable),
            (&["VpcEndpointLimitExceeded"], Code::EndpointQuotaReached),
            (
                &[
                    "SecurityGroupLimitExceeded",
                    "SecurityGroupsPerInterfaceLimitExceeded",
                ],
                Code::SecurityGroupQuotaReached,
            ),
            (
                &["RulesPerSecurityGroupLimitExceeded"],
                Code::TooManySources,
            ),
            (
                &[
                    "InvalidPrefixListID.NotFound",
                    "InvalidPrefixListId.NotFound",
                ],
                Code::PrefixListNotFound,
            ),
            (
                &["NetworkInterfaceLimitExceeded"],
                Code::NetworkInterfaceQuotaReached,
            ),
            (&["InvalidGroup.Duplicate"], Code::SecurityGroupNameTaken),
            (
                &["IdempotentParameterMismatch", "InvalidClientToken"],
                Code::IdempotencyMismatch,
            ),
            (
                &["InvalidVpcID.NotFound", "InvalidVPCId"],
                Code::VpcNotFound,
            ),
            (
                &[
                    "InvalidParameter",
                    "InvalidParameterValue",
                    "MissingParameter",
                    "InvalidVpcEndpointId.Malformed",
                    "SomethingNew",
                ],
                Code::UnexpectedAwsAnswer,
            ),
        ] {
            for code in codes {
                check(code, "some text", expected);
            }
        }
    }

    #[test]
    fn invalid_parameter_is_told_apart_by_its_message() {
        for (message, expected) in [
            (
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for x.cockroachlabs.cloud in the VPC vpc-1",
                Code::PrivateDnsConflict,
            ),
            (
                "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for vpc-1",
                Code::VpcDnsHostnamesDisabled,
            ),
            (
                "Private DNS can only be enabled after the endpoint connection is accepted by the owner of com.amazonaws.vpce.x",
                Code::AwsResourceBusy,
            ),
            (
                "Private DNS can't be enabled because the service x does not provide a private DNS name",
                Code::PrivateDnsNotOffered,
            ),
            (
                "The VPC endpoint service x does not support the availability zone of the subnet: subnet-1",
                Code::SubnetZoneNotOffered,
            ),
        ] {
            check("InvalidParameter", message, expected);
        }
    }

    #[test]
    fn a_source_that_cannot_be_is_told_apart_from_a_group_that_is_not_visible_yet() {
        let group = "sg-0a71e831".parse().unwrap();
        let sources = ["sg-0a71e831", "sg-0b000001", "222222222222/sg-0c000001"]
            .map(|id| Source::Group(id.parse().unwrap()));
        for (code, message, expected) in [
            (
                "InvalidGroup.NotFound",
                "The security group 'sg-0a71e831' does not exist",
                Code::AwsResourceBusy,
            ),
            (
                "InvalidGroup.NotFound",
                "The security group 'sg-0b000001' does not exist",
                Code::SourceGroupNotFound,
            ),
            (
                "InvalidGroup.NotFound",
                "The security group 'sg-0c000001' does not exist",
                Code::SourceGroupNotFound,
            ),
            (
                "InvalidGroup.NotFound",
                "You have specified two resources that belong to different networks.",
                Code::SourceGroupNotFound,
            ),
            (
                "InvalidParameterValue",
                "Invalid value 'sg-0c000001' for groupId",
                Code::SourceGroupNotFound,
            ),
            (
                "InvalidParameterValue",
                "Invalid rule description",
                Code::UnexpectedAwsAnswer,
            ),
            (
                "RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.",
                Code::TooManySources,
            ),
        ] {
            let error = classify_rules(&group, &sources, code, message);
            assert_eq!(error.code, expected, "{code}: {message}");
            assert!(error.detail.ends_with(message), "{error}");
        }
    }

    #[test]
    fn to_lack_permission_is_not_to_lack_credentials() {
        for code in [
            "AccessDenied",
            "AccessDeniedException",
            "UnauthorizedOperation",
        ] {
            assert!(is_denied(code), "{code}");
        }
        for code in ["ExpiredToken", "InvalidClientTokenId", "Throttling"] {
            assert!(!is_denied(code), "{code}");
        }
    }

    #[test]
    fn the_message_keeps_what_route_53_said() {
        let error = classify_route53("ListHostedZonesByVPC", "Odd", "why not");
        let said = "Route 53 ListHostedZonesByVPC answered Odd: why not";
        assert_eq!(error.detail, said);
    }

    #[test]
    fn the_message_keeps_what_ec2_said() {
        let error = classify("DeleteVpcEndpoints", "Odd", "why not");
        assert_eq!(error.detail, "EC2 DeleteVpcEndpoints answered Odd: why not");
    }
}
