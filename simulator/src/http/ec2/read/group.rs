//! Requests about security groups.

use super::Form;
use crate::calls::ApiError;
use crate::ec2::{
    AuthorizeSecurityGroupIngress, CreateSecurityGroup, DeleteSecurityGroup,
    DescribeSecurityGroupRules, DescribeSecurityGroups, GroupPair, IpPermission, IpRange,
    RevokeSecurityGroupIngress,
};

pub(in crate::http::ec2) fn describe_security_groups(
    form: &mut Form,
) -> Result<DescribeSecurityGroups, ApiError> {
    Ok(DescribeSecurityGroups {
        group_ids: form.list("GroupId"),
        filters: form.filters()?,
        page: form.page()?,
    })
}

pub(in crate::http::ec2) fn describe_security_group_rules(
    form: &mut Form,
) -> Result<DescribeSecurityGroupRules, ApiError> {
    Ok(DescribeSecurityGroupRules {
        security_group_rule_ids: form.list("SecurityGroupRuleId"),
        filters: form.filters()?,
        page: form.page()?,
    })
}

pub(in crate::http::ec2) fn create_security_group(
    form: &mut Form,
) -> Result<CreateSecurityGroup, ApiError> {
    Ok(CreateSecurityGroup {
        group_name: form.text("GroupName"),
        group_description: form.text("GroupDescription"),
        vpc_id: form.text("VpcId"),
        tag_specifications: form.tag_specifications()?,
    })
}

pub(in crate::http::ec2) fn authorize_ingress(
    form: &mut Form,
) -> Result<AuthorizeSecurityGroupIngress, ApiError> {
    Ok(AuthorizeSecurityGroupIngress {
        group_id: form.text("GroupId"),
        ip_permissions: ip_permissions(form)?,
        tag_specifications: form.tag_specifications()?,
    })
}

pub(in crate::http::ec2) fn revoke_ingress(
    form: &mut Form,
) -> Result<RevokeSecurityGroupIngress, ApiError> {
    Ok(RevokeSecurityGroupIngress {
        group_id: form.text("GroupId"),
        security_group_rule_ids: form.list("SecurityGroupRuleId"),
        ip_permissions: ip_permissions(form)?,
    })
}

pub(in crate::http::ec2) fn delete_security_group(
    form: &mut Form,
) -> Result<DeleteSecurityGroup, ApiError> {
    Ok(DeleteSecurityGroup {
        group_id: form.text("GroupId"),
    })
}

/// The permissions of a request.
fn ip_permissions(form: &mut Form) -> Result<Vec<IpPermission>, ApiError> {
    form.items("IpPermissions", |item| {
        Ok(IpPermission {
            ip_protocol: item.text("IpProtocol"),
            from_port: item.number("FromPort")?,
            to_port: item.number("ToPort")?,
            ip_ranges: ranges(item, "IpRanges", "CidrIp")?,
            ipv6_ranges: ranges(item, "Ipv6Ranges", "CidrIpv6")?,
            user_id_group_pairs: item.items("Groups", |pair| {
                Ok(GroupPair {
                    user_id: pair.take("UserId"),
                    group_id: pair.need("GroupId")?,
                    description: pair.take("Description"),
                })
            })?,
            prefix_list_ids: ranges(item, "PrefixListIds", "PrefixListId")?,
        })
    })
}

fn ranges(item: &mut Form, list: &str, member: &str) -> Result<Vec<IpRange>, ApiError> {
    item.items(list, |range| {
        Ok(IpRange {
            cidr: range.need(member)?,
            description: range.take("Description"),
        })
    })
}
