//! The network as XML.

use ipnet::IpNet;

use super::{Xml, no_tags, page, tags};
use crate::ec2::{
    Attribute, CidrAssociation, DescribeVpcAttributeResult, Described, DhcpOptions, NetworkAcl,
    NetworkInterface, Peering, PeeringSide, PrefixList, SubnetAnswer, Vpc,
};
use crate::scenario::AclAction;

pub(in crate::http::ec2) fn vpcs(xml: &mut Xml, answer: &Described<Vpc>) {
    page(xml, "vpcSet", answer, |xml, vpc| {
        xml.leaf("vpcId", &vpc.id);
        xml.leaf("ownerId", &vpc.owner);
        xml.leaf("state", vpc.state());
        xml.leaf("cidrBlock", vpc.cidr_block);
        xml.list("cidrBlockAssociationSet", &vpc.cidrs, |xml, cidr| {
            association(xml, cidr, "cidrBlock", "cidrBlockState");
        });
        if !vpc.ipv6_cidrs.is_empty() {
            xml.list(
                "ipv6CidrBlockAssociationSet",
                &vpc.ipv6_cidrs,
                |xml, cidr| {
                    association(xml, cidr, "ipv6CidrBlock", "ipv6CidrBlockState");
                },
            );
        }
        xml.leaf("dhcpOptionsId", vpc.dhcp_options_id());
        xml.leaf("instanceTenancy", "default");
        xml.leaf("isDefault", vpc.is_default);
        tags(xml, &vpc.tags);
    });
}

fn association<Net: std::fmt::Display>(
    xml: &mut Xml,
    association: &CidrAssociation<Net>,
    block: &str,
    state: &str,
) {
    xml.leaf("associationId", &association.id);
    xml.leaf(block, &association.cidr);
    xml.node(state, |xml| xml.leaf("state", association.state.word()));
}

pub(in crate::http::ec2) fn vpc_attribute(xml: &mut Xml, answer: &DescribeVpcAttributeResult) {
    xml.leaf("vpcId", &answer.vpc_id);
    let name = match answer.attribute {
        Attribute::EnableDnsSupport => "enableDnsSupport",
        Attribute::EnableDnsHostnames => "enableDnsHostnames",
    };
    xml.node(name, |xml| xml.leaf("value", answer.value));
}

pub(in crate::http::ec2) fn subnets(xml: &mut Xml, answer: &Described<SubnetAnswer>) {
    page(xml, "subnetSet", answer, |xml, answer| {
        let subnet = &answer.subnet;
        xml.leaf("subnetId", &subnet.id);
        xml.leaf("subnetArn", answer.arn());
        xml.leaf("state", answer.state());
        xml.leaf("ownerId", &subnet.owner);
        xml.leaf("vpcId", &subnet.vpc_id);
        if !subnet.ipv6_native {
            xml.leaf("cidrBlock", subnet.cidr);
        }
        xml.list(
            "ipv6CidrBlockAssociationSet",
            subnet.ipv6_cidr,
            |xml, cidr| {
                xml.leaf("ipv6CidrBlock", cidr);
                xml.node("ipv6CidrBlockState", |xml| xml.leaf("state", "associated"));
            },
        );
        xml.leaf("availableIpAddressCount", answer.available_ip_address_count);
        xml.leaf("availabilityZone", &subnet.zone_name);
        xml.leaf("availabilityZoneId", &subnet.zone_id);
        xml.leaf("defaultForAz", subnet.default_for_az);
        xml.leaf("mapPublicIpOnLaunch", false);
        xml.leaf("assignIpv6AddressOnCreation", false);
        xml.leaf("ipv6Native", subnet.ipv6_native);
        xml.maybe("outpostArn", subnet.outpost_arn.as_ref());
        tags(xml, &subnet.tags);
    });
}

pub(in crate::http::ec2) fn interfaces(xml: &mut Xml, answer: &Described<NetworkInterface>) {
    page(xml, "networkInterfaceSet", answer, |xml, interface| {
        xml.leaf("networkInterfaceId", &interface.id);
        xml.leaf("vpcId", &interface.vpc_id);
        xml.leaf("description", &interface.description);
        xml.leaf("ownerId", &interface.owner);
        xml.leaf("status", "in-use");
        xml.list("groupSet", &interface.groups, |xml, group| {
            xml.leaf("groupId", group);
        });
        no_tags(xml);
    });
}

pub(in crate::http::ec2) fn peerings(xml: &mut Xml, answer: &Described<Peering>) {
    page(xml, "vpcPeeringConnectionSet", answer, |xml, peering| {
        xml.leaf("vpcPeeringConnectionId", &peering.id);
        side(xml, "requesterVpcInfo", &peering.requester);
        side(xml, "accepterVpcInfo", &peering.accepter);
        xml.node("status", |xml| {
            xml.leaf("code", &peering.status);
            xml.leaf("message", &peering.status);
        });
        no_tags(xml);
    });
}

fn side(xml: &mut Xml, name: &str, side: &PeeringSide) {
    xml.node(name, |xml| {
        xml.leaf("ownerId", &side.owner);
        xml.leaf("vpcId", &side.vpc_id);
        xml.leaf("region", &side.region);
        xml.maybe("cidrBlock", side.cidrs.first());
        xml.list("cidrBlockSet", &side.cidrs, |xml, cidr| {
            xml.leaf("cidrBlock", cidr);
        });
        if !side.ipv6_cidrs.is_empty() {
            xml.list("ipv6CidrBlockSet", &side.ipv6_cidrs, |xml, cidr| {
                xml.leaf("ipv6CidrBlock", cidr);
            });
        }
    });
}

pub(in crate::http::ec2) fn dhcp_options(xml: &mut Xml, answer: &Described<DhcpOptions>) {
    page(xml, "dhcpOptionsSet", answer, |xml, set| {
        xml.leaf("ownerId", &set.owner);
        xml.leaf("dhcpOptionsId", &set.id);
        let name = [format!("{}.compute.internal", set.region)];
        let options = [
            ("domain-name", &name[..]),
            ("domain-name-servers", &set.dns_servers[..]),
        ];
        let given = options.into_iter().filter(|(_, values)| !values.is_empty());
        xml.list("dhcpConfigurationSet", given, |xml, (key, values)| {
            xml.leaf("key", key);
            xml.list("valueSet", values, |xml, value| xml.leaf("value", value));
        });
        no_tags(xml);
    });
}

pub(in crate::http::ec2) fn network_acls(xml: &mut Xml, answer: &Described<NetworkAcl>) {
    page(xml, "networkAclSet", answer, |xml, acl| {
        xml.leaf("networkAclId", &acl.id);
        xml.leaf("vpcId", &acl.vpc_id);
        xml.leaf("ownerId", &acl.owner);
        xml.leaf("default", acl.is_default);
        xml.list("entrySet", &acl.rules, |xml, rule| {
            xml.leaf("ruleNumber", rule.number);
            xml.leaf("protocol", &rule.protocol);
            let action = match rule.action {
                AclAction::Allow => "allow",
                AclAction::Deny => "deny",
            };
            xml.leaf("ruleAction", action);
            xml.leaf("egress", rule.egress);
            match rule.cidr {
                IpNet::V4(cidr) => xml.leaf("cidrBlock", cidr),
                IpNet::V6(cidr) => xml.leaf("ipv6CidrBlock", cidr),
            }
            if let Some((first, last)) = rule.ports {
                xml.node("portRange", |xml| {
                    xml.leaf("from", first);
                    xml.leaf("to", last);
                });
            }
        });
        xml.list("associationSet", &acl.subnet_ids, |xml, subnet| {
            xml.leaf(
                "networkAclAssociationId",
                subnet.replacen("subnet", "aclassoc", 1),
            );
            xml.leaf("networkAclId", &acl.id);
            xml.leaf("subnetId", subnet);
        });
        no_tags(xml);
    });
}

pub(in crate::http::ec2) fn prefix_lists(xml: &mut Xml, answer: &Described<PrefixList>) {
    page(xml, "prefixListSet", answer, |xml, list| {
        xml.leaf("prefixListId", &list.id);
        xml.leaf("addressFamily", if list.ipv6 { "IPv6" } else { "IPv4" });
        xml.leaf("state", "create-complete");
        xml.leaf("prefixListArn", list.arn());
        xml.leaf("prefixListName", &list.name);
        xml.maybe("maxEntries", list.max_entries_told());
        xml.leaf("version", 1);
        no_tags(xml);
        xml.leaf("ownerId", &list.owner);
    });
}
