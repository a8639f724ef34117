//! Requests about endpoints and their services.

use super::Form;
use crate::calls::ApiError;
use crate::ec2::{
    CreateVpcEndpoint, DeleteVpcEndpoints, DescribeVpcEndpointServices, DescribeVpcEndpoints,
    EndpointType, ModifyVpcEndpoint,
};

pub(in crate::http::ec2) fn describe_vpc_endpoint_services(
    form: &mut Form,
) -> Result<DescribeVpcEndpointServices, ApiError> {
    Ok(DescribeVpcEndpointServices {
        service_names: form.list("ServiceName"),
    })
}

pub(in crate::http::ec2) fn create_vpc_endpoint(
    form: &mut Form,
) -> Result<CreateVpcEndpoint, ApiError> {
    Ok(CreateVpcEndpoint {
        vpc_endpoint_type: endpoint_type(form)?,
        vpc_id: form.text("VpcId"),
        service_name: form.text("ServiceName"),
        service_region: form.take("ServiceRegion"),
        subnet_ids: form.list("SubnetId"),
        security_group_ids: form.list("SecurityGroupId"),
        private_dns_enabled: form.truth("PrivateDnsEnabled")?,
        client_token: form.take("ClientToken"),
        tag_specifications: form.tag_specifications()?,
    })
}

pub(in crate::http::ec2) fn describe_vpc_endpoints(
    form: &mut Form,
) -> Result<DescribeVpcEndpoints, ApiError> {
    Ok(DescribeVpcEndpoints {
        vpc_endpoint_ids: form.list("VpcEndpointId"),
        filters: form.filters()?,
        page: form.page()?,
    })
}

pub(in crate::http::ec2) fn modify_vpc_endpoint(
    form: &mut Form,
) -> Result<ModifyVpcEndpoint, ApiError> {
    Ok(ModifyVpcEndpoint {
        vpc_endpoint_id: form.text("VpcEndpointId"),
        add_subnet_ids: form.list("AddSubnetId"),
        remove_subnet_ids: form.list("RemoveSubnetId"),
        add_security_group_ids: form.list("AddSecurityGroupId"),
        remove_security_group_ids: form.list("RemoveSecurityGroupId"),
        private_dns_enabled: form.truth("PrivateDnsEnabled")?,
    })
}

pub(in crate::http::ec2) fn delete_vpc_endpoints(
    form: &mut Form,
) -> Result<DeleteVpcEndpoints, ApiError> {
    Ok(DeleteVpcEndpoints {
        vpc_endpoint_ids: form.list("VpcEndpointId"),
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
