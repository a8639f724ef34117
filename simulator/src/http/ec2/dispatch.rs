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

fn written<T>(answer: &T, write: impl FnOnce(&mut Xml, &T)) -> Xml {
    let mut xml = Xml::default();
    write(&mut xml, answer);
    xml
}

/// The name of each operation, how its form is read, what carries it out, and how the
/// answer is written.
macro_rules! operations {
    ($($name:literal: $read:expr, $operation:ident, $write:expr;)+) => {
        &[$((
            $name,
            |world, caller, form| {
                let request = whole(form, $read)?;
                Ok(written(&world.$operation(caller, &request)?, $write))
            },
        )),+]
    };
}

/// Every operation that this world knows.
pub(super) const OPERATIONS: &[(&str, Run)] = operations! {
    "DescribeVpcs":
        |form| form.describe_by("VpcId"), describe_vpcs, write::network::vpcs;
    "DescribeVpcAttribute":
        read::describe_vpc_attribute, describe_vpc_attribute, write::network::vpc_attribute;
    "DescribeSubnets":
        |form| form.describe_by("SubnetId"), describe_subnets, write::network::subnets;
    "DescribeDhcpOptions":
        Form::describe, describe_dhcp_options, write::network::dhcp_options;
    "DescribeNetworkAcls":
        Form::describe, describe_network_acls, write::network::network_acls;
    "DescribeNetworkInterfaces":
        Form::describe, describe_network_interfaces, write::network::interfaces;
    "DescribeVpcPeeringConnections":
        Form::describe, describe_vpc_peering_connections, write::network::peerings;
    "DescribeManagedPrefixLists":
        Form::describe, describe_managed_prefix_lists, write::network::prefix_lists;
    "DescribeSecurityGroups":
        |form| form.describe_by("GroupId"), describe_security_groups,
        write::group::security_groups;
    "DescribeSecurityGroupRules":
        Form::describe, describe_security_group_rules, write::group::security_group_rules;
    "CreateSecurityGroup":
        read::create_security_group, create_security_group, write::group::created;
    "AuthorizeSecurityGroupIngress":
        read::authorize_ingress, authorize_security_group_ingress,
        |xml, rules| write::group::authorized(xml, rules);
    "RevokeSecurityGroupIngress":
        read::revoke_ingress, revoke_security_group_ingress,
        |xml, rules| write::group::revoked(xml, rules);
    "DeleteSecurityGroup":
        read::delete_security_group, delete_security_group,
        |xml, id| write::group::deleted(xml, id);
    "DescribeVpcEndpointServices":
        read::describe_vpc_endpoint_services, describe_vpc_endpoint_services,
        write::endpoint::services;
    "CreateVpcEndpoint":
        read::create_vpc_endpoint, create_vpc_endpoint, write::endpoint::created;
    "DescribeVpcEndpoints":
        |form| form.describe_by("VpcEndpointId"), describe_vpc_endpoints,
        write::endpoint::described;
    "ModifyVpcEndpoint":
        read::modify_vpc_endpoint, modify_vpc_endpoint, write::done;
    "DeleteVpcEndpoints":
        read::delete_vpc_endpoints, delete_vpc_endpoints,
        |xml, unsuccessful| write::endpoint::deleted(xml, unsuccessful);
    "CreateTags":
        read::create_tags, create_tags, write::done;
    "DeleteTags":
        read::delete_tags, delete_tags, write::done;
};
