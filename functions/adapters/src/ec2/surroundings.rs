//! DHCP options and network ACLs. Only notes come of them, so that it is an answer not
//! to be allowed to ask. Both are asked for by filter: by id, one that is gone would be
//! an error.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{self, NetworkAclEntry, RuleAction};
use shared::StepError;
use shared::ec2::{AclRule, NetworkAcl, errors};
use shared::ids::SubnetId;

use super::{AwsEc2, PAGE, field, filter_any, id};

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
    let pages = request.into_paginator().page_size(PAGE).items().send();
    let sets = pages.try_collect().await;
    let Some(sets) = ec2.unless(errors::is_denied, operation, sets)? else {
        return Ok(None);
    };
    for set in sets {
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
    if subnets.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let request = ec2.client.describe_network_acls();
    let request = request.filters(filter_any("association.subnet-id", subnets));
    let pages = request.into_paginator().page_size(PAGE).items().send();
    let acls = ec2.unless(errors::is_denied, ACLS, pages.try_collect().await)?;
    let acls = acls.map(|acls| acls.iter().map(read).collect::<Result<Vec<_>, _>>());
    acls.transpose()
}

fn read(acl: &types::NetworkAcl) -> Result<NetworkAcl, StepError> {
    let associations = acl.associations().iter();
    Ok(NetworkAcl {
        id: field(ACLS, "networkAclId", acl.network_acl_id())?.to_owned(),
        subnet_ids: associations
            .filter_map(|association| association.subnet_id()?.parse().ok())
            .collect(),
        rules: acl.entries().iter().map(rule).collect::<Result<_, _>>()?,
    })
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
