//! Faults in the words of EC2.

use crate::calls::ApiError;
use crate::faults::FaultKind;

use super::error::client;

/// The fault as EC2 would say it in an answer to this operation.
pub fn render_fault(kind: FaultKind, operation: &str) -> ApiError {
    match kind {
        // A server error in the classification of EC2, although the caller is
        // the one who is too fast.
        FaultKind::Throttle => super::throttle::exceeded(),
        FaultKind::ServerError => {
            ApiError::new(500, "InternalError", "An internal error has occurred")
        }
        FaultKind::Denied => ApiError::new(
            403,
            "UnauthorizedOperation",
            format!(
                "You are not authorized to perform this operation. User is not authorized to \
                 perform: ec2:{operation} because no identity-based policy allows the action"
            ),
        ),
        FaultKind::NotFound => client(
            not_found_code(operation),
            "The resource named in the request does not exist",
        ),
        FaultKind::Conflict => conflict(operation),
        FaultKind::UnknownCode => undocumented(operation),
        // These two are no answers; whoever asks for one all the same gets the
        // answer of a service in trouble.
        FaultKind::Timeout | FaultKind::CutOff => {
            ApiError::new(503, "ServiceUnavailable", "The service is unavailable")
        }
    }
}

/// What EC2 says under codes that its documentation has not, or not for this.
fn undocumented(operation: &str) -> ApiError {
    match operation {
        // terraform-provider-mongodbatlas issue 590.
        "ModifyVpcEndpoint" => client(
            "InvalidParameter",
            "Cannot modify VPC Endpoint at this time because there is an idempotent operation \
             going on",
        ),
        // terraform-provider-aws issue 42875.
        _ => client(
            "OperationInProgress",
            "Another operation on this resource is in progress",
        ),
    }
}

/// What an operation says when the thing it is about is not there.
fn not_found_code(operation: &str) -> &'static str {
    match operation {
        "DescribeVpcEndpoints" | "ModifyVpcEndpoint" => "InvalidVpcEndpointId.NotFound",
        "DeleteVpcEndpoints" => "InvalidVpcEndpoint.NotFound",
        "DescribeVpcEndpointServices" => "InvalidServiceName",
        "DescribeSecurityGroups"
        | "AuthorizeSecurityGroupIngress"
        | "RevokeSecurityGroupIngress"
        | "DeleteSecurityGroup" => "InvalidGroup.NotFound",
        "DescribeSecurityGroupRules" => "InvalidSecurityGroupRuleId.NotFound",
        "DescribeSubnets" => "InvalidSubnetID.NotFound",
        "DescribeDhcpOptions" => "InvalidDhcpOptionID.NotFound",
        "DescribeNetworkAcls" => "InvalidNetworkAclID.NotFound",
        "DescribeManagedPrefixLists" => "InvalidPrefixListID.NotFound",
        "DescribeNetworkInterfaces" => "InvalidNetworkInterfaceID.NotFound",
        "DescribeVpcPeeringConnections" => "InvalidVpcPeeringConnectionID.NotFound",
        "CreateTags" | "DeleteTags" => "InvalidVpcEndpointId.NotFound",
        _ => "InvalidVpcID.NotFound",
    }
}

/// What an operation says when something else is in the way.
fn conflict(operation: &str) -> ApiError {
    match operation {
        "DeleteSecurityGroup" => client("DependencyViolation", "resource has a dependent object"),
        "CreateTags" | "DeleteTags" => client(
            "ConcurrentTagAccess",
            "Another request is changing the tags of this resource",
        ),
        _ => client(
            "IncorrectState",
            "The resource is not in a valid state for this operation",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EC2 API reference, "Error codes": being too fast is a server error,
    /// lacking permission is 403, all other client errors are 400.
    #[test]
    fn every_fault_has_the_code_and_the_status_that_ec2_gives_it() {
        use FaultKind::{Conflict, Denied, NotFound, ServerError, Throttle, UnknownCode};
        for (kind, operation, status, code) in [
            (Throttle, "DescribeVpcs", 503, "RequestLimitExceeded"),
            (ServerError, "DescribeVpcs", 500, "InternalError"),
            (Denied, "CreateVpcEndpoint", 403, "UnauthorizedOperation"),
            (
                NotFound,
                "DescribeVpcEndpoints",
                400,
                "InvalidVpcEndpointId.NotFound",
            ),
            (
                NotFound,
                "DeleteVpcEndpoints",
                400,
                "InvalidVpcEndpoint.NotFound",
            ),
            (
                NotFound,
                "DeleteSecurityGroup",
                400,
                "InvalidGroup.NotFound",
            ),
            (NotFound, "CreateVpcEndpoint", 400, "InvalidVpcID.NotFound"),
            (Conflict, "ModifyVpcEndpoint", 400, "IncorrectState"),
            (Conflict, "DeleteSecurityGroup", 400, "DependencyViolation"),
            (Conflict, "CreateTags", 400, "ConcurrentTagAccess"),
            (UnknownCode, "ModifyVpcEndpoint", 400, "InvalidParameter"),
            (UnknownCode, "CreateVpcEndpoint", 400, "OperationInProgress"),
        ] {
            let error = render_fault(kind, operation);
            assert_eq!(
                (error.status, error.code.as_str()),
                (status, code),
                "{operation}"
            );
        }
    }
}
