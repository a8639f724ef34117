//! Which operation a form asks for.

use super::form::Form;
use super::{read, write};
use crate::calls::{ApiError, Caller};
use crate::http::xml::Xml;
use crate::world::World;

/// Reads a form, carries the operation out, writes the answer.
pub(super) type Run = fn(&mut World, &Caller, Form) -> Result<Xml, ApiError>;

/// Reads the whole form before anything is done.
fn whole<T>(
    mut form: Form,
    read: impl FnOnce(&mut Form) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let request = read(&mut form)?;
    form.finish()?;
    Ok(request)
}

/// Writes an answer.
fn content<T>(answer: T, write: impl FnOnce(&mut Xml, &T)) -> Xml {
    let mut xml = Xml::default();
    write(&mut xml, &answer);
    xml
}

/// Every operation that this world knows.
pub(super) const OPERATIONS: &[(&str, Run)] = &[
    ("DescribeVpcs", |world, caller, form| {
        let request = whole(form, read::network::describe_vpcs)?;
        let answer = world.describe_vpcs(caller, &request)?;
        Ok(content(answer, write::network::vpcs))
    }),
    ("DescribeVpcAttribute", |world, caller, form| {
        let request = whole(form, read::network::describe_vpc_attribute)?;
        let answer = world.describe_vpc_attribute(caller, &request)?;
        Ok(content(answer, write::network::vpc_attribute))
    }),
    ("DescribeSubnets", |world, caller, form| {
        let request = whole(form, read::network::describe_subnets)?;
        let answer = world.describe_subnets(caller, &request)?;
        Ok(content(answer, write::network::subnets))
    }),
    ("DescribeDhcpOptions", |world, caller, form| {
        let request = whole(form, read::network::describe_dhcp_options)?;
        let answer = world.describe_dhcp_options(caller, &request)?;
        Ok(content(answer, write::network::dhcp_options))
    }),
    ("DescribeNetworkAcls", |world, caller, form| {
        let request = whole(form, read::network::describe_network_acls)?;
        let answer = world.describe_network_acls(caller, &request)?;
        Ok(content(answer, write::network::network_acls))
    }),
    ("DescribeNetworkInterfaces", |world, caller, form| {
        let request = whole(form, read::network::describe_network_interfaces)?;
        let answer = world.describe_network_interfaces(caller, &request)?;
        Ok(content(answer, write::network::interfaces))
    }),
    ("DescribeVpcPeeringConnections", |world, caller, form| {
        let request = whole(form, read::network::describe_vpc_peering_connections)?;
        let answer = world.describe_vpc_peering_connections(caller, &request)?;
        Ok(content(answer, write::network::peerings))
    }),
    ("DescribeManagedPrefixLists", |world, caller, form| {
        let request = whole(form, read::network::describe_managed_prefix_lists)?;
        let answer = world.describe_managed_prefix_lists(caller, &request)?;
        Ok(content(answer, write::network::prefix_lists))
    }),
    ("DescribeSecurityGroups", |world, caller, form| {
        let request = whole(form, read::group::describe_security_groups)?;
        let answer = world.describe_security_groups(caller, &request)?;
        Ok(content(answer, write::group::security_groups))
    }),
    ("DescribeSecurityGroupRules", |world, caller, form| {
        let request = whole(form, read::group::describe_security_group_rules)?;
        let answer = world.describe_security_group_rules(caller, &request)?;
        Ok(content(answer, write::group::security_group_rules))
    }),
    ("CreateSecurityGroup", |world, caller, form| {
        let request = whole(form, read::group::create_security_group)?;
        let answer = world.create_security_group(caller, &request)?;
        Ok(content(answer, write::group::created))
    }),
    ("AuthorizeSecurityGroupIngress", |world, caller, form| {
        let request = whole(form, read::group::authorize_ingress)?;
        let answer = world.authorize_security_group_ingress(caller, &request)?;
        Ok(content(answer, write::group::authorized))
    }),
    ("RevokeSecurityGroupIngress", |world, caller, form| {
        let request = whole(form, read::group::revoke_ingress)?;
        let answer = world.revoke_security_group_ingress(caller, &request)?;
        Ok(content(answer, write::group::revoked))
    }),
    ("DeleteSecurityGroup", |world, caller, form| {
        let request = whole(form, read::group::delete_security_group)?;
        world.delete_security_group(caller, &request)?;
        Ok(content(request, write::group::deleted))
    }),
    ("DescribeVpcEndpointServices", |world, caller, form| {
        let request = whole(form, read::endpoint::describe_vpc_endpoint_services)?;
        let answer = world.describe_vpc_endpoint_services(caller, &request)?;
        Ok(content(
            (answer, &world.ec2.zones),
            |xml, (answer, zones)| {
                write::endpoint::services(xml, answer, zones);
            },
        ))
    }),
    ("CreateVpcEndpoint", |world, caller, form| {
        let request = whole(form, read::endpoint::create_vpc_endpoint)?;
        let answer = world.create_vpc_endpoint(caller, request)?;
        Ok(content(answer, write::endpoint::created))
    }),
    ("DescribeVpcEndpoints", |world, caller, form| {
        let request = whole(form, read::endpoint::describe_vpc_endpoints)?;
        let answer = world.describe_vpc_endpoints(caller, &request)?;
        Ok(content(answer, write::endpoint::described))
    }),
    ("ModifyVpcEndpoint", |world, caller, form| {
        let request = whole(form, read::endpoint::modify_vpc_endpoint)?;
        world.modify_vpc_endpoint(caller, &request)?;
        Ok(content((), write::done))
    }),
    ("DeleteVpcEndpoints", |world, caller, form| {
        let request = whole(form, read::endpoint::delete_vpc_endpoints)?;
        let answer = world.delete_vpc_endpoints(caller, &request)?;
        Ok(content(answer, write::endpoint::deleted))
    }),
    ("CreateTags", |world, caller, form| {
        let request = whole(form, read::create_tags)?;
        world.create_tags(caller, request)?;
        Ok(content((), write::done))
    }),
    ("DeleteTags", |world, caller, form| {
        let request = whole(form, read::delete_tags)?;
        world.delete_tags(caller, request)?;
        Ok(content((), write::done))
    }),
];
