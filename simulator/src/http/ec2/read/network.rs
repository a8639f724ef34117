//! Requests about the network.

use super::Form;
use crate::calls::ApiError;
use crate::ec2::{
    Attribute, DescribeDhcpOptions, DescribeManagedPrefixLists, DescribeNetworkAcls,
    DescribeNetworkInterfaces, DescribeSubnets, DescribeVpcAttribute,
    DescribeVpcPeeringConnections, DescribeVpcs,
};

pub(in crate::http::ec2) fn describe_vpcs(form: &mut Form) -> Result<DescribeVpcs, ApiError> {
    Ok(DescribeVpcs {
        vpc_ids: form.list("VpcId"),
        filters: form.filters()?,
        page: form.page()?,
    })
}

pub(in crate::http::ec2) fn describe_vpc_attribute(
    form: &mut Form,
) -> Result<DescribeVpcAttribute, ApiError> {
    Ok(DescribeVpcAttribute {
        vpc_id: form.need("VpcId")?,
        attribute: Attribute::from_word(&form.need("Attribute")?)?,
    })
}

pub(in crate::http::ec2) fn describe_subnets(form: &mut Form) -> Result<DescribeSubnets, ApiError> {
    Ok(DescribeSubnets {
        subnet_ids: form.list("SubnetId"),
        filters: form.filters()?,
        page: form.page()?,
    })
}

pub(in crate::http::ec2) fn describe_network_interfaces(
    form: &mut Form,
) -> Result<DescribeNetworkInterfaces, ApiError> {
    Ok(DescribeNetworkInterfaces {
        filters: form.filters()?,
        page: form.page()?,
    })
}

pub(in crate::http::ec2) fn describe_vpc_peering_connections(
    form: &mut Form,
) -> Result<DescribeVpcPeeringConnections, ApiError> {
    Ok(DescribeVpcPeeringConnections {
        vpc_peering_connection_ids: form.list("VpcPeeringConnectionId"),
        filters: form.filters()?,
        page: form.page()?,
    })
}

pub(in crate::http::ec2) fn describe_dhcp_options(
    form: &mut Form,
) -> Result<DescribeDhcpOptions, ApiError> {
    Ok(DescribeDhcpOptions {
        filters: form.filters()?,
        page: form.page()?,
    })
}

pub(in crate::http::ec2) fn describe_network_acls(
    form: &mut Form,
) -> Result<DescribeNetworkAcls, ApiError> {
    Ok(DescribeNetworkAcls {
        filters: form.filters()?,
        page: form.page()?,
    })
}

pub(in crate::http::ec2) fn describe_managed_prefix_lists(
    form: &mut Form,
) -> Result<DescribeManagedPrefixLists, ApiError> {
    Ok(DescribeManagedPrefixLists {
        prefix_list_ids: form.list("PrefixListId"),
        filters: form.filters()?,
        page: form.page()?,
    })
}
