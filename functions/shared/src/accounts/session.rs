//! What each function may do at most in another account.
//!
//! The role there allows what all functions need. A function assumes it with a session
//! policy, which takes away what the function does not do itself (IAM user guide,
//! "Session policies"). Conditions are those of the role. A test holds the list to what
//! the functions' own roles allow.

use serde_json::{Value, json};

/// The functions that reach other accounts, and the actions of each: those of its role in
/// `infra/template.yaml`, written from there by `write-documents`.
#[rustfmt::skip]
pub const ACTIONS: &[(&str, &[&str])] = &[
    ("change-endpoint", &["ec2:CreateTags", "ec2:DeleteTags", "ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints", "ec2:ModifyVpcEndpoint", "route53:AssociateVPCWithHostedZone"]),
    ("check-fleet", &["ec2:DescribeDhcpOptions", "ec2:DescribeNetworkAcls", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcPeeringConnections", "ec2:DescribeVpcs", "route53:ListHostedZonesByName", "route53profiles:ListProfileAssociations", "route53profiles:ListProfileResourceAssociations", "route53resolver:ListResolverRuleAssociations", "route53resolver:ListResolverRules"]),
    ("check-status", &["ec2:DescribeVpcEndpoints"]),
    ("create-endpoint", &["ec2:CreateTags", "ec2:CreateVpcEndpoint", "ec2:DeleteVpcEndpoints", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs", "route53:AssociateVPCWithHostedZone"]),
    ("create-security-group", &["ec2:AuthorizeSecurityGroupIngress", "ec2:CreateSecurityGroup", "ec2:CreateTags", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups"]),
    ("delete-endpoint", &["ec2:DeleteTags", "ec2:DeleteVpcEndpoints", "ec2:DescribeVpcEndpoints"]),
    ("delete-security-group", &["ec2:DeleteSecurityGroup", "ec2:DeleteTags", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups", "ec2:RevokeSecurityGroupIngress"]),
    ("disable-private-dns", &["ec2:DescribeVpcEndpoints", "ec2:ModifyVpcEndpoint"]),
    ("enable-private-dns", &["ec2:DeleteTags", "ec2:DescribeVpcEndpoints", "ec2:ModifyVpcEndpoint", "route53:AssociateVPCWithHostedZone"]),
    ("find-orphans", &["ec2:DescribeSecurityGroups", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs"]),
    ("guard-removal", &["cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs"]),
    ("inspect-connection", &["ec2:DescribeVpcEndpoints"]),
    ("inspect-network", &["ec2:DescribeDhcpOptions", "ec2:DescribeManagedPrefixLists", "ec2:DescribeNetworkAcls", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcPeeringConnections", "ec2:DescribeVpcs", "route53:ListHostedZonesByName", "route53:ListHostedZonesByVPC", "route53profiles:ListProfileAssociations", "route53profiles:ListProfileResourceAssociations", "route53resolver:ListResolverRuleAssociations", "route53resolver:ListResolverRules"]),
    ("plan-connection", &["ec2:DescribeDhcpOptions", "ec2:DescribeManagedPrefixLists", "ec2:DescribeNetworkAcls", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcPeeringConnections", "ec2:DescribeVpcs", "route53:ListHostedZonesByName", "route53:ListHostedZonesByVPC", "route53profiles:ListProfileAssociations", "route53profiles:ListProfileResourceAssociations", "route53resolver:ListResolverRuleAssociations", "route53resolver:ListResolverRules"]),
    ("rebuild-ledger", &["ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs"]),
    ("start-executions", &["ec2:CreateTags", "ec2:DeleteTags", "ec2:DescribeVpcs"]),
    ("tag-vpc", &["ec2:CreateTags", "ec2:DeleteTags"]),
    ("trim-security-group", &["ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups", "ec2:RevokeSecurityGroupIngress"]),
];

/// The session policy of a function. One that is not listed may do nothing: STS refuses
/// a statement without actions.
pub fn policy(function: &str) -> Value {
    let of = ACTIONS.iter().find(|(name, _)| *name == function);
    let actions = of.map_or(&[][..], |(_, actions)| actions);
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_policy_is_longer_than_sts_takes() {
        for (function, _) in ACTIONS {
            // "Request parameters", `AssumeRole`, STS API reference.
            let length = policy(function).to_string().len();
            assert!(length <= 2048, "{function}: {length}");
        }
    }
}
