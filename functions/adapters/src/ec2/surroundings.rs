//! DHCP options and network ACLs. Only notes come of them, so that it is an answer not
//! to be allowed to ask. Both are asked for by filter: by id, one that is gone would be
//! an error.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{NetworkAclEntry, RuleAction};
use shared::StepError;
use shared::ec2::{AclRule, NetworkAcl, errors};
use shared::ids::SubnetId;

use super::{AwsEc2, PAGE, code_of, field, filter_any, id};

const ACLS: &str = "DescribeNetworkAcls";

/// The DNS servers of each set of DHCP options.
pub(super) async fn dns_servers(
    ec2: &AwsEc2,
    dhcp_options: &[String],
) -> Result<Option<BTreeMap<String, Vec<String>>>, StepError> {
    let operation = "DescribeDhcpOptions";
    let mut servers = BTreeMap::new();
    if dhcp_options.is_empty() {
        return Ok(Some(servers));
    }
    let request = ec2.client.describe_dhcp_options();
    let request = request.filters(filter_any("dhcp-options-id", dhcp_options));
    let mut pages = request.into_paginator().page_size(PAGE).items().send();
    while let Some(set) = pages.next().await {
        let set = match set {
            Ok(set) => set,
            Err(error) if code_of(&error).is_some_and(errors::is_denied) => return Ok(None),
            Err(error) => return Err(ec2.failure(operation, error)),
        };
        let options = set.dhcp_configurations().iter();
        let named = options.filter(|option| option.key() == Some("domain-name-servers"));
        let named = named.flat_map(|option| option.values());
        let named = named.filter_map(|value| value.value()).map(str::to_owned);
        let id = field(operation, "dhcpOptionsId", set.dhcp_options_id())?;
        servers.insert(id.to_owned(), named.collect());
    }
    Ok(Some(servers))
}

/// The ACLs of the subnets, each with all its subnets.
pub(super) async fn network_acls(
    ec2: &AwsEc2,
    subnets: &[SubnetId],
) -> Result<Option<Vec<NetworkAcl>>, StepError> {
    let mut acls = Vec::new();
    if subnets.is_empty() {
        return Ok(Some(acls));
    }
    let request = ec2.client.describe_network_acls();
    let request = request.filters(filter_any("association.subnet-id", subnets));
    let mut pages = request.into_paginator().page_size(PAGE).items().send();
    while let Some(acl) = pages.next().await {
        let acl = match acl {
            Ok(acl) => acl,
            Err(error) if code_of(&error).is_some_and(errors::is_denied) => return Ok(None),
            Err(error) => return Err(ec2.failure(ACLS, error)),
        };
        let associations = acl.associations().iter();
        acls.push(NetworkAcl {
            id: field(ACLS, "networkAclId", acl.network_acl_id())?.to_owned(),
            subnet_ids: associations
                .filter_map(|association| association.subnet_id()?.parse().ok())
                .collect(),
            rules: acl.entries().iter().map(rule).collect::<Result<_, _>>()?,
        });
    }
    Ok(Some(acls))
}

fn rule(entry: &NetworkAclEntry) -> Result<AclRule, StepError> {
    let network = entry.cidr_block().or_else(|| entry.ipv6_cidr_block());
    let port = |port: Option<i32>| port.and_then(|port| u16::try_from(port).ok());
    let ports = entry.port_range();
    Ok(AclRule {
        number: field(ACLS, "ruleNumber", entry.rule_number())?,
        egress: field(ACLS, "egress", entry.egress())?,
        allows: entry.rule_action() == Some(&RuleAction::Allow),
        protocol: field(ACLS, "protocol", entry.protocol())?.to_owned(),
        cidr: id(ACLS, "cidrBlock", network)?,
        ports: ports.and_then(|range| Some((port(range.from())?, port(range.to())?))),
    })
}
