//! The one table that says what an error of EC2 means, or of Route 53.
//!
//! EC2 models no errors: there are a code and a message. The same thing is said under
//! several codes, and under some (`InvalidParameter`, `InvalidRequest`) nearly everything.
//! So the words of the message come first where they are known (`WORDS`), whatever the
//! code, and then the code (`CODES`). What every service says ([`aws_errors::common`])
//! comes before both: of a denial, the message quotes names that people gave.
//!
//! What nobody knows is [`Code::UnexpectedAwsAnswer`], which the definitions ask for again
//! before they give up.

use super::Source;
use crate::ids::SecurityGroupId;
use crate::{Code, StepError, aws_errors};

/// What EC2 says, as parts of a message in lower case, and what it means under whichever
/// code. Each row has been met in the field under the codes that are named; the API
/// reference has codes only.
const WORDS: &[(&[&str], Code)] = &[
    // `InvalidParameter`: terraform-provider-aws issue 17535. `ConflictingDomainExists`:
    // ministryofjustice/modernisation-platform pull request 13573.
    (&["conflicting dns domain"], Code::PrivateDnsConflict),
    // `InvalidParameter`, all four: comments in public Terraform and CDK code, and of the
    // last one terraform-aws-modules/terraform-aws-vpc issues 462 and 785.
    (
        &["enablednssupport", "enablednshostnames"],
        Code::VpcDnsHostnamesDisabled,
    ),
    (
        &["only be enabled after the endpoint connection is accepted"],
        Code::AwsResourceBusy,
    ),
    (
        &["does not provide a private dns name"],
        Code::PrivateDnsNotOffered,
    ),
    (
        &["does not support the availability zone"],
        Code::SubnetZoneNotOffered,
    ),
    // `DuplicateSubnetsInSameZone`: terraform-aws-modules/terraform-aws-vpc issue 583.
    (
        &["another vpc endpoint subnet in the availability zone"],
        Code::SubnetsShareZone,
    ),
    // `InvalidServiceName`: terraform-provider-aws issue 24216.
    (
        &["vpc endpoint service", "does not exist"],
        Code::ServiceNotVisible,
    ),
    // `OperationInProgress`: terraform-provider-aws issue 42875, pull request 48364.
    (&["operation", "in progress"], Code::AwsResourceBusy),
    // `InvalidParameter`: terraform-provider-mongodbatlas issue 590.
    (&["idempotent operation going on"], Code::AwsResourceBusy),
    // `DependencyViolation`: terraform-provider-aws issue 1671.
    (&[DEPENDENT], Code::AwsResourceBusy),
    // `InvalidGroup.Duplicate`: aws-controllers-k8s community issue 1443.
    (
        &["the security group", "already exists"],
        Code::SecurityGroupNameTaken,
    ),
];

/// How EC2 says that something is still used.
const DEPENDENT: &str = "has a dependent object";

/// What codes mean, whatever the message (EC2 API reference, "Error codes"; some are of
/// Route 53). EC2 itself writes some in more than one case (`InvalidSubnetID.NotFound`,
/// `InvalidSubnetId.NotFound`), so case does not count.
///
/// `OperationNotPermitted` is not among them: it has many reasons, and a missing permission
/// is none of those that AWS names.
const CODES: &[(&[&str], Code)] = &[
    (
        &[
            "IncorrectState",
            "InvalidState",
            "OperationInProgress",
            "ConcurrentTagAccess",
            "DependencyViolation",
            "InvalidGroup.InUse",
            // Described by id before EC2 shows it everywhere.
            "InvalidGroup.NotFound",
            "InvalidGroupId.NotFound",
            "InvalidSecurityGroupID.NotFound",
            "InvalidVpcEndpointId.NotFound",
            "InvalidVpcEndpoint.NotFound",
        ],
        Code::AwsResourceBusy,
    ),
    (
        &["InvalidSecurity.RequestHasExpired"],
        Code::AwsClockDiffers,
    ),
    (
        &["InvalidServiceName", "InvalidVpcEndpointService.NotFound"],
        Code::ServiceNotVisible,
    ),
    (&["InvalidSubnetID.NotFound"], Code::SubnetNotFound),
    (&["DuplicateSubnetsInSameZone"], Code::SubnetsShareZone),
    (&["InsufficientFreeAddressesInSubnet"], Code::SubnetUnusable),
    (&["ConflictingDomainExists"], Code::PrivateDnsConflict),
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
    (&["InvalidPrefixListID.NotFound"], Code::PrefixListNotFound),
    (&["TagLimitExceeded"], Code::TagLimitReached),
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
];

/// Codes with which EC2 says that it does not know the credentials, and not what is wrong
/// with them. It says so, too, in a Region that is not enabled in the account
/// (turbot/steampipe-plugin-aws issue 75, fog/fog-aws issue 585).
const NOT_KNOWN: [&str; 3] = [
    "AuthFailure",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
];

/// Turns an EC2 error into ours. `operation` is the name of the EC2 action.
pub fn classify(operation: &str, code: &str, message: &str) -> StepError {
    StepError::new(
        meaning(code, message),
        format!("EC2 {operation} answered {code}: {message}"),
    )
}

/// The same, where it is known which Region was asked, and whether the credentials are
/// good: those of a function are, and those of a role that was assumed for this. Then it
/// is the Region that is not enabled.
pub fn classify_in(
    region: &str,
    are_good: bool,
    operation: &str,
    code: &str,
    message: &str,
) -> StepError {
    if !NOT_KNOWN.contains(&code) {
        return classify(operation, code, message);
    }
    let meaning = match are_good {
        true => Code::AwsRegionNotEnabled,
        false => Code::AwsCredentialsInvalid,
    };
    let detail = format!("EC2 {operation} in {region} answered {code}: {message}");
    StepError::new(meaning, detail)
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
    is_one_of(
        &[
            "InvalidVpcEndpointId.NotFound",
            "InvalidVpcEndpoint.NotFound",
            "InvalidVpcID.NotFound",
            "InvalidGroup.NotFound",
            "InvalidGroupId.NotFound",
            "InvalidSecurityGroupID.NotFound",
            "InvalidPermission.NotFound",
            "InvalidSecurityGroupRuleId.NotFound",
        ],
        code,
    )
}

/// Whether the error says that an endpoint service does not exist, or that this
/// account may not use it: EC2 does not tell the two apart.
pub fn is_service_absent(code: &str, message: &str) -> bool {
    meaning(code, message) == Code::ServiceNotVisible
}

/// Whether the refusal of new rules of a group says that one of the sources does not
/// exist, or cannot be reached from the group's VPC. EC2 has one code for that and for a
/// fresh group that it does not show everywhere yet; the message names the group that is
/// meant, or speaks of "two resources that belong to different networks" (ansible issue
/// 45782, aws-controllers-k8s community issue 2676).
pub fn is_source_absent(
    group: &SecurityGroupId,
    sources: &[Source],
    code: &str,
    message: &str,
) -> bool {
    let names = |source: &Source| match source {
        Source::Group(it) => it.id() != *group && message.contains(it.id().as_str()),
        Source::Cidr(_) | Source::PrefixList(_) => false,
    };
    let is_about_groups = is_absent(code) || is_one_of(&["InvalidParameterValue"], code);
    is_about_groups && (message.contains("different networks") || sources.iter().any(names))
}

/// Whether the error says that something still uses the group, or speaks of it.
pub fn is_in_use(code: &str, message: &str) -> bool {
    is_one_of(&["DependencyViolation", "InvalidGroup.InUse"], code)
        || message.to_ascii_lowercase().contains(DEPENDENT)
}

/// Whether the error says that a rule of the request is there already.
pub fn is_rule_there(code: &str, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    is_one_of(&["InvalidPermission.Duplicate"], code)
        || message.contains("the specified rule") && message.contains("already exists")
}

/// Whether the error says that the caller may not do this.
pub fn is_denied(code: &str) -> bool {
    matches!(
        code,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation"
    )
}

fn is_one_of(known: &[&str], code: &str) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(code))
}

fn meaning(code: &str, message: &str) -> Code {
    let common = aws_errors::common(code, message);
    if common != Code::UnexpectedAwsAnswer {
        return common;
    }
    let message = message.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().all(|part| message.contains(part));
    let by_words = WORDS.iter().find(|(parts, _)| says(parts));
    let by_code = || CODES.iter().find(|(known, _)| is_one_of(known, code));
    match by_words.or_else(by_code) {
        Some((_, meaning)) => *meaning,
        // Codes of EC2 have such forms for other resources, which pass likewise.
        None if code.ends_with("InProgress") || code.ends_with(".InUse") => Code::AwsResourceBusy,
        None => Code::UnexpectedAwsAnswer,
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

    /// Behind the errors of every service, which [`aws_errors`] has.
    #[test]
    fn every_row_of_the_table() {
        for (codes, expected) in [
            ("RequestLimitExceeded", Code::AwsThrottled),
            ("AuthFailure", Code::AwsCredentialsInvalid),
            (
                "IncorrectState InvalidState OperationInProgress ConcurrentTagAccess \
                 DependencyViolation InvalidGroup.InUse InvalidGroup.NotFound \
                 InvalidGroupId.NotFound InvalidSecurityGroupID.NotFound \
                 InvalidVpcEndpointId.NotFound InvalidVpcEndpoint.NotFound \
                 InvalidVpcEndpointID.NotFound SomethingElseInProgress InvalidSomething.InUse",
                Code::AwsResourceBusy,
            ),
            ("InvalidSecurity.RequestHasExpired", Code::AwsClockDiffers),
            (
                "InvalidServiceName InvalidVpcEndpointService.NotFound",
                Code::ServiceNotVisible,
            ),
            (
                "InvalidSubnetID.NotFound InvalidSubnetId.NotFound",
                Code::SubnetNotFound,
            ),
            ("DuplicateSubnetsInSameZone", Code::SubnetsShareZone),
            ("InsufficientFreeAddressesInSubnet", Code::SubnetUnusable),
            ("ConflictingDomainExists", Code::PrivateDnsConflict),
            ("VpcEndpointLimitExceeded", Code::EndpointQuotaReached),
            (
                "SecurityGroupLimitExceeded SecurityGroupsPerInterfaceLimitExceeded",
                Code::SecurityGroupQuotaReached,
            ),
            ("RulesPerSecurityGroupLimitExceeded", Code::TooManySources),
            (
                "InvalidPrefixListID.NotFound InvalidPrefixListId.NotFound",
                Code::PrefixListNotFound,
            ),
            ("TagLimitExceeded", Code::TagLimitReached),
            (
                "NetworkInterfaceLimitExceeded",
                Code::NetworkInterfaceQuotaReached,
            ),
            ("InvalidGroup.Duplicate", Code::SecurityGroupNameTaken),
            (
                "IdempotentParameterMismatch InvalidClientToken",
                Code::IdempotencyMismatch,
            ),
            ("InvalidVpcID.NotFound InvalidVPCId", Code::VpcNotFound),
            (
                "InvalidParameter InvalidParameterValue InvalidRequest MissingParameter \
                 OperationNotPermitted InvalidVpcEndpointId.Malformed SomethingNew",
                Code::UnexpectedAwsAnswer,
            ),
        ] {
            for code in codes.split(' ') {
                check(code, "some text", expected);
            }
        }
    }

    /// The same words are met under several codes, and under new ones in time.
    #[test]
    fn words_mean_the_same_under_whichever_code() {
        let messages = [
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
            (
                "Found another VPC endpoint subnet in the availability zone of subnet-1",
                Code::SubnetsShareZone,
            ),
            (
                "The Vpc Endpoint Service 'com.amazonaws.vpce.x' does not exist",
                Code::ServiceNotVisible,
            ),
            (
                "VpcEndpoint modify operation in progress",
                Code::AwsResourceBusy,
            ),
            (
                "Cannot modify VPC Endpoint vpce-1 at this time because there is an idempotent operation going on",
                Code::AwsResourceBusy,
            ),
            (
                "resource sg-1 has a dependent object",
                Code::AwsResourceBusy,
            ),
            (
                "The security group 'x' already exists for VPC 'vpc-1'",
                Code::SecurityGroupNameTaken,
            ),
        ];
        assert_eq!(messages.len(), WORDS.len(), "every row");
        for (message, expected) in messages {
            for code in [
                "ConflictingDomainExists",
                "DependencyViolation",
                "IncorrectState",
                "InvalidParameter",
                "InvalidParameterValue",
                "InvalidRequest",
                "OperationInProgress",
                "OperationNotPermitted",
                "SomethingNew",
            ] {
                check(code, message, expected);
            }
        }
    }

    /// "Does not exist" is said of anything.
    #[test]
    fn half_of_the_words_of_a_row_say_nothing() {
        for message in [
            "The route table 'rtb-1' does not exist",
            "The VPC endpoint service is odd",
            "The security group 'sg-1' is odd",
            "The operation is odd",
        ] {
            check("InvalidRequest", message, Code::UnexpectedAwsAnswer);
        }
    }

    /// What people have named so is not what EC2 says.
    #[test]
    fn a_denial_stays_one_whatever_names_it_quotes() {
        let message = "You are not authorized to perform: ec2:ModifyVpcEndpoint as \
                       role/operation in progress";
        check("UnauthorizedOperation", message, Code::AwsAccessDenied);
        let message = format!("{message} with an explicit deny in a service control policy");
        check(
            "UnauthorizedOperation",
            &message,
            Code::AwsDeniedByOrganization,
        );
    }

    #[test]
    fn credentials_that_are_good_and_not_known_are_in_a_region_that_is_not_enabled() {
        let said = "AWS was not able to validate the provided access credentials";
        for code in NOT_KNOWN {
            for (are_good, expected) in [
                (true, Code::AwsRegionNotEnabled),
                (false, Code::AwsCredentialsInvalid),
            ] {
                let error = classify_in("me-south-1", are_good, "DescribeVpcs", code, said);
                assert_eq!(error.code, expected, "{code}");
                assert_eq!(
                    error.detail,
                    format!("EC2 DescribeVpcs in me-south-1 answered {code}: {said}")
                );
            }
        }
        for code in ["ExpiredToken", "UnauthorizedOperation", "SomethingNew"] {
            let error = classify_in("me-south-1", true, "DescribeVpcs", code, said);
            assert_eq!(error, classify("DescribeVpcs", code, said));
        }
    }

    #[test]
    fn what_is_in_use_and_what_is_there_is_told_by_code_or_words() {
        assert!(is_in_use("DependencyViolation", ""));
        assert!(is_in_use(
            "InvalidRequest",
            "resource sg-1 has a dependent object"
        ));
        assert!(!is_in_use("InvalidRequest", "no"));
        let there = "the specified rule \"peer: 10.0.0.0/16, TCP, from port: 26257, to port: 26257, ALLOW\" already exists";
        assert!(is_rule_there("InvalidPermission.Duplicate", ""));
        assert!(is_rule_there("InvalidRequest", there));
        assert!(!is_rule_there("InvalidGroup.Duplicate", "already exists"));
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
                false,
            ),
            (
                "InvalidGroup.NotFound",
                "The security group 'sg-0b000001' does not exist",
                true,
            ),
            (
                "InvalidGroup.NotFound",
                "The security group 'sg-0c000001' does not exist",
                true,
            ),
            (
                "InvalidGroup.NotFound",
                "You have specified two resources that belong to different networks.",
                true,
            ),
            (
                "InvalidParameterValue",
                "Invalid value 'sg-0c000001' for groupId",
                true,
            ),
            ("InvalidParameterValue", "Invalid rule description", false),
            (
                "RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.",
                false,
            ),
        ] {
            let found = is_source_absent(&group, &sources, code, message);
            assert_eq!(found, expected, "{code}: {message}");
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
}
