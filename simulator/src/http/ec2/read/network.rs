//! Requests about the network.

use super::Form;
use crate::calls::ApiError;
use crate::ec2::{
    Attribute, DescribeNetworkInterfaces, DescribeSubnets, DescribeVpcAttribute,
    DescribeVpcPeeringConnections, DescribeVpcs, ModifyVpcAttribute,
};

pub(in crate::http::ec2) fn describe_vpcs(form: &mut Form) -> Result<DescribeVpcs, ApiError> {
    Ok(DescribeVpcs {
        dry_run: form.flag("DryRun")?,
        vpc_ids: form.list("VpcId"),
        filters: form.filters()?,
        max_results: form.number("MaxResults")?,
        next_token: form.take("NextToken"),
    })
}

pub(in crate::http::ec2) fn describe_vpc_attribute(
    form: &mut Form,
) -> Result<DescribeVpcAttribute, ApiError> {
    Ok(DescribeVpcAttribute {
        dry_run: form.flag("DryRun")?,
        vpc_id: form.need("VpcId")?,
        attribute: Attribute::from_word(&form.need("Attribute")?)?,
    })
}

pub(in crate::http::ec2) fn modify_vpc_attribute(
    form: &mut Form,
) -> Result<ModifyVpcAttribute, ApiError> {
    let value = |form: &mut Form| form.truth("Value");
    Ok(ModifyVpcAttribute {
        vpc_id: form.need("VpcId")?,
        enable_dns_support: form.structure("EnableDnsSupport", value)?,
        enable_dns_hostnames: form.structure("EnableDnsHostnames", value)?,
        enable_network_address_usage_metrics: form
            .structure("EnableNetworkAddressUsageMetrics", value)?,
    })
}

pub(in crate::http::ec2) fn describe_subnets(form: &mut Form) -> Result<DescribeSubnets, ApiError> {
    Ok(DescribeSubnets {
        dry_run: form.flag("DryRun")?,
        subnet_ids: form.list("SubnetId"),
        filters: form.filters()?,
        max_results: form.number("MaxResults")?,
        next_token: form.take("NextToken"),
    })
}

pub(in crate::http::ec2) fn describe_vpc_peering_connections(
    form: &mut Form,
) -> Result<DescribeVpcPeeringConnections, ApiError> {
    Ok(DescribeVpcPeeringConnections {
        dry_run: form.flag("DryRun")?,
        vpc_peering_connection_ids: form.list("VpcPeeringConnectionId"),
        filters: form.filters()?,
        max_results: form.number("MaxResults")?,
        next_token: form.take("NextToken"),
    })
}

pub(in crate::http::ec2) fn describe_network_interfaces(
    form: &mut Form,
) -> Result<DescribeNetworkInterfaces, ApiError> {
    Ok(DescribeNetworkInterfaces {
        dry_run: form.flag("DryRun")?,
        network_interface_ids: form.list("NetworkInterfaceId"),
        filters: form.filters()?,
        max_results: form.number("MaxResults")?,
        next_token: form.take("NextToken"),
    })
}
