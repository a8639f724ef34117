//! Requests out of forms.

use super::form::Form;
use crate::calls::ApiError;
use crate::ec2::{
    Attribute, AuthorizeSecurityGroupIngress, CreateSecurityGroup, CreateTags, CreateVpcEndpoint,
    DeleteSecurityGroup, DeleteTags, DeleteVpcEndpoints, DescribeVpcAttribute,
    DescribeVpcEndpointServices, EndpointType, GroupPair, IpPermission, IpRange, ModifyVpcEndpoint,
    RevokeSecurityGroupIngress,
};

pub(super) fn describe_vpc_attribute(form: &mut Form) -> Result<DescribeVpcAttribute, ApiError> {
    Ok(DescribeVpcAttribute {
        vpc_id: form.need("VpcId")?,
        attribute: Attribute::from_word(&form.need("Attribute")?)?,
    })
}

pub(super) fn create_security_group(form: &mut Form) -> Result<CreateSecurityGroup, ApiError> {
    Ok(CreateSecurityGroup {
        group_name: form.text("GroupName"),
        group_description: form.text("GroupDescription"),
        vpc_id: form.text("VpcId"),
        tag_specifications: form.tag_specifications()?,
    })
}

pub(super) fn authorize_ingress(
    form: &mut Form,
) -> Result<AuthorizeSecurityGroupIngress, ApiError> {
    Ok(AuthorizeSecurityGroupIngress {
        group_id: form.text("GroupId"),
        ip_permissions: form.items("IpPermissions", |item| {
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
        })?,
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

pub(super) fn revoke_ingress(form: &mut Form) -> Result<RevokeSecurityGroupIngress, ApiError> {
    Ok(RevokeSecurityGroupIngress {
        group_id: form.text("GroupId"),
        security_group_rule_ids: form.list("SecurityGroupRuleId"),
    })
}

pub(super) fn delete_security_group(form: &mut Form) -> Result<DeleteSecurityGroup, ApiError> {
    Ok(DeleteSecurityGroup {
        group_id: form.text("GroupId"),
    })
}

pub(super) fn describe_vpc_endpoint_services(
    form: &mut Form,
) -> Result<DescribeVpcEndpointServices, ApiError> {
    Ok(DescribeVpcEndpointServices {
        service_names: form.list("ServiceName"),
    })
}

pub(super) fn create_vpc_endpoint(form: &mut Form) -> Result<CreateVpcEndpoint, ApiError> {
    Ok(CreateVpcEndpoint {
        vpc_endpoint_type: endpoint_type(form)?,
        vpc_id: form.text("VpcId"),
        service_name: form.text("ServiceName"),
        subnet_ids: form.list("SubnetId"),
        security_group_ids: form.list("SecurityGroupId"),
        private_dns_enabled: form.truth("PrivateDnsEnabled")?,
        client_token: form.take("ClientToken"),
        tag_specifications: form.tag_specifications()?,
    })
}

/// The type has an error code of its own.
fn endpoint_type(form: &mut Form) -> Result<Option<EndpointType>, ApiError> {
    let Some(word) = form.take("VpcEndpointType") else {
        return Ok(None);
    };
    match EndpointType::from_word(&word) {
        Some(kind) => Ok(Some(kind)),
        None => Err(ApiError::new(
            400,
            "InvalidVpcEndpointType",
            format!("the simulator does not know the VPC endpoint type '{word}'"),
        )),
    }
}

pub(super) fn modify_vpc_endpoint(form: &mut Form) -> Result<ModifyVpcEndpoint, ApiError> {
    Ok(ModifyVpcEndpoint {
        vpc_endpoint_id: form.text("VpcEndpointId"),
        add_subnet_ids: form.list("AddSubnetId"),
        remove_subnet_ids: form.list("RemoveSubnetId"),
        add_security_group_ids: form.list("AddSecurityGroupId"),
        remove_security_group_ids: form.list("RemoveSecurityGroupId"),
        private_dns_enabled: form.truth("PrivateDnsEnabled")?,
    })
}

pub(super) fn delete_vpc_endpoints(form: &mut Form) -> Result<DeleteVpcEndpoints, ApiError> {
    Ok(DeleteVpcEndpoints {
        vpc_endpoint_ids: form.list("VpcEndpointId"),
    })
}

pub(super) fn create_tags(form: &mut Form) -> Result<CreateTags, ApiError> {
    Ok(CreateTags {
        resources: form.list("ResourceId"),
        tags: form.tags()?,
    })
}

/// That a tag goes only if it has a certain value is not known here.
pub(super) fn delete_tags(form: &mut Form) -> Result<DeleteTags, ApiError> {
    Ok(DeleteTags {
        resources: form.list("ResourceId"),
        keys: form.items("Tag", |item| item.need("Key"))?,
    })
}
