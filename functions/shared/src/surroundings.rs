//! What else of a VPC decides whether clients resolve the private host and reach the
//! port: DHCP options and network ACLs. Both are somebody else's, and where the clients
//! are nobody knows, so they are told, and are no reason to fail. What could not be
//! looked at is told as well: not to say anything would pass for an all-clear.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use crate::cidr::Cidr;
use crate::ec2::{NetworkAcl, Source};
use crate::ids::SubnetId;
use crate::report::SQL_PORT;
use crate::{Code, bounds};

/// Where answers go: clients choose such ports (VPC user guide, "Ephemeral ports").
const EPHEMERAL_PORTS: (u16, u16) = (1024, 65535);

/// Amazon's DNS server under the addresses that it has in every VPC (VPC user guide,
/// "Amazon DNS server").
const IN_EVERY_VPC: [&str; 2] = ["169.254.169.253", "fd00:ec2::253"];

/// Most networks of one note.
const NETWORKS: usize = 5;

/// What is to be told, with the code for what it means where it was not so before.
pub type Remark = (Code, String);

/// What the DHCP options of a VPC mean for private DNS. `servers` are those of each set
/// that EC2 shows, `None` if nobody may ask; `networks` are the VPC's own.
pub fn of_dhcp_options(
    options: &str,
    servers: Option<&BTreeMap<String, Vec<String>>>,
    networks: &[Cidr],
) -> Option<Remark> {
    let Some(servers) = servers else {
        let told = "could not look at the VPC's DHCP options, which name its DNS servers \
                    (ec2:DescribeDhcpOptions is missing)";
        return Some((Code::AwsAccessDenied, told.to_owned()));
    };
    let Some(servers) = servers.get(options) else {
        let told = format!("EC2 does not show the VPC's DHCP options {options}");
        return Some((Code::AwsAccessDenied, told));
    };
    let is_own = |server: &&String| !is_amazons(server, networks);
    let own: Vec<&str> = servers.iter().filter(is_own).map(String::as_str).collect();
    let told = if servers.is_empty() {
        format!(
            "the VPC's DHCP options {options} name no DNS servers: clients resolve the private \
             host only if they ask the VPC's own Route 53 Resolver all the same"
        )
    } else if own.is_empty() {
        return None;
    } else {
        format!(
            "the VPC's DHCP options {options} name DNS servers other than Amazon's ({}): clients \
             resolve the private host only if these forward it to the VPC's Route 53 Resolver",
            own.join(", ")
        )
    };
    Some((Code::DnsServersOfOwn, told))
}

/// Whether this is Amazon's DNS server: by its name, or by one of its addresses, of which
/// one is the base of the VPC's network plus two.
fn is_amazons(server: &str, networks: &[Cidr]) -> bool {
    if server.eq_ignore_ascii_case("AmazonProvidedDNS") {
        return true;
    }
    let Ok(server) = server.parse::<IpAddr>() else {
        return false;
    };
    let plus_two = |network: &Cidr| match network.first_address() {
        IpAddr::V4(base) => Some(IpAddr::V4(Ipv4Addr::from(u32::from(base) | 2))),
        IpAddr::V6(_) => None,
    };
    let of_the_vpc = networks.iter().filter_map(plus_two);
    let in_every = IN_EVERY_VPC.iter().filter_map(|it| it.parse().ok());
    of_the_vpc.chain(in_every).any(|amazons| amazons == server)
}

/// The networks that clients come from, as far as they can be known: members of a group
/// may be anywhere in the VPC, whose networks are `vpc`. Where those of another account's
/// group are, and what is on a prefix list, is not known. IPv4 only, because the endpoints
/// that are made here have no other addresses.
pub fn client_networks<'a>(
    sources: impl IntoIterator<Item = &'a Source>,
    vpc: &[Cidr],
) -> Vec<Cidr> {
    let mut networks = Vec::new();
    for source in sources {
        match source {
            Source::Cidr(network) => networks.push(*network),
            Source::Group(group) if group.account().is_none() => networks.extend(vpc),
            Source::Group(_) | Source::PrefixList(_) => {}
        }
    }
    networks.retain(|network| !network.is_ipv6());
    networks
}

/// What the network ACLs of an endpoint's subnets do not let through between the endpoint
/// and clients in these networks. `acls` is `None` if nobody may ask.
pub fn of_acls(acls: Option<&[NetworkAcl]>, subnets: &[SubnetId], clients: &[Cidr]) -> Vec<Remark> {
    let Some(acls) = acls else {
        let told = "could not look at the network ACLs of the endpoint's subnets \
                    (ec2:DescribeNetworkAcls is missing)";
        return vec![(Code::AwsAccessDenied, told.to_owned())];
    };
    let mut remarks = Vec::new();
    // In an order of their own, so that what was told once is known again.
    let mut unseen: BTreeSet<&SubnetId> = subnets.iter().collect();
    for acl in acls {
        let is_before = |subnet: &&SubnetId| acl.subnet_ids.contains(subnet);
        let behind: Vec<&SubnetId> = unseen.iter().copied().filter(is_before).collect();
        unseen.retain(|subnet| !is_before(subnet));
        if behind.is_empty() {
            continue;
        }
        let which = format!("network ACL {} (of {})", acl.id, listed(&behind));
        let refused = acl.refused_in(SQL_PORT, clients);
        if !refused.is_empty() {
            let told = format!(
                "{which} does not let TCP {SQL_PORT} in from {}: clients there, if in other \
                 subnets, do not reach the endpoint in these",
                listed(&refused)
            );
            remarks.push((Code::NetworkAclShutsOut, told));
        }
        for ((first, last), refused) in acl.refused_out(EPHEMERAL_PORTS, clients) {
            let told = format!(
                "{which} does not let TCP {first}-{last} out to {}: the endpoint's answers to \
                 these ports are lost",
                listed(&refused)
            );
            remarks.push((Code::NetworkAclShutsOut, told));
        }
    }
    if !unseen.is_empty() {
        let unseen: Vec<&SubnetId> = unseen.into_iter().collect();
        let told = format!("EC2 does not show the network ACL of {}", listed(&unseen));
        remarks.push((Code::AwsAccessDenied, told));
    }
    remarks
}

fn listed<T: ToString>(things: &[T]) -> String {
    bounds::texts(things.iter().map(T::to_string), NETWORKS).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::AclRule;

    fn networks(texts: &[&str]) -> Vec<Cidr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn told(remark: &Remark) -> (Code, &str) {
        (remark.0, remark.1.as_str())
    }

    #[test]
    fn dns_servers_of_ones_own_are_told_and_amazons_are_not_by_whatever_address() {
        let vpc = networks(&["10.20.0.0/16", "100.64.0.0/18", "2001:db8::/56"]);
        let other = |servers: &str| {
            let told = format!(
                "the VPC's DHCP options dopt-1 name DNS servers other than Amazon's ({servers}): \
                 clients resolve the private host only if these forward it to the VPC's Route 53 \
                 Resolver"
            );
            Some((Code::DnsServersOfOwn, told))
        };
        for (servers, expected) in [
            (&["AmazonProvidedDNS"][..], None),
            (&["amazonprovideddns"], None),
            (&["10.20.0.2"], None),
            (&["169.254.169.253"], None),
            (&["FD00:EC2::253"], None),
            (
                &["10.20.0.53", "10.20.16.53"],
                other("10.20.0.53, 10.20.16.53"),
            ),
            (&["AmazonProvidedDNS", "10.20.0.53"], other("10.20.0.53")),
            (&["10.30.0.2"], other("10.30.0.2")),
            (&["8.8.8.8"], other("8.8.8.8")),
        ] {
            let servers = servers.iter().map(ToString::to_string).collect();
            let sets = BTreeMap::from([("dopt-1".to_owned(), servers)]);
            let remark = of_dhcp_options("dopt-1", Some(&sets), &vpc);
            assert_eq!(remark, expected, "{sets:?}");
        }
    }

    #[test]
    fn what_could_not_be_looked_at_is_told() {
        let none = BTreeMap::from([("dopt-1".to_owned(), Vec::new())]);
        for (servers, code, part) in [
            (None, Code::AwsAccessDenied, "ec2:DescribeDhcpOptions"),
            (
                Some(BTreeMap::new()),
                Code::AwsAccessDenied,
                "does not show the VPC's DHCP options dopt-1",
            ),
            (Some(none), Code::DnsServersOfOwn, "name no DNS servers"),
        ] {
            let remark = of_dhcp_options("dopt-1", servers.as_ref(), &[]).unwrap();
            assert_eq!(remark.0, code);
            assert!(remark.1.contains(part), "{remark:?}");
        }
        let subnets: [SubnetId; 1] = ["subnet-0000000a".parse().unwrap()];
        for (acls, part) in [
            (None, "ec2:DescribeNetworkAcls"),
            (
                Some(&[] as &[NetworkAcl]),
                "does not show the network ACL of subnet-0000000a",
            ),
        ] {
            let remarks = of_acls(acls, &subnets, &[]);
            assert_eq!(remarks.len(), 1);
            assert_eq!(remarks[0].0, Code::AwsAccessDenied);
            assert!(remarks[0].1.contains(part), "{remarks:?}");
        }
    }

    #[test]
    fn an_acl_is_told_by_what_it_refuses_and_to_whom() {
        let allow = |number, egress, cidr: &str, ports| AclRule {
            number,
            egress,
            allows: true,
            protocol: "6".to_owned(),
            cidr: cidr.parse().unwrap(),
            ports: Some(ports),
        };
        let subnet = |id: &str| -> SubnetId { id.parse().unwrap() };
        let (a, b, c) = (
            subnet("subnet-0000000a"),
            subnet("subnet-0000000b"),
            subnet("subnet-0000000c"),
        );
        let narrow = NetworkAcl {
            id: "acl-1".to_owned(),
            subnet_ids: vec![c.clone(), b.clone(), a.clone()],
            rules: vec![
                allow(100, false, "10.20.0.0/17", (SQL_PORT, SQL_PORT)),
                allow(100, true, "10.20.0.0/16", (32768, 65535)),
            ],
        };
        let open = NetworkAcl {
            id: "acl-2".to_owned(),
            subnet_ids: vec![subnet("subnet-0000000d")],
            rules: Vec::new(),
        };
        let acls = [narrow, open];
        let remarks = of_acls(Some(&acls), &[b, a], &networks(&["10.20.0.0/16"]));
        let remarks: Vec<_> = remarks.iter().map(told).collect();
        let which = "network ACL acl-1 (of subnet-0000000a, subnet-0000000b) does not let";
        assert_eq!(
            remarks,
            [
                (
                    Code::NetworkAclShutsOut,
                    &*format!(
                        "{which} TCP 26257 in from 10.20.128.0/17: clients there, if in other \
                         subnets, do not reach the endpoint in these"
                    )
                ),
                (
                    Code::NetworkAclShutsOut,
                    &*format!(
                        "{which} TCP 1024-32767 out to 10.20.0.0/16: the endpoint's answers to \
                         these ports are lost"
                    )
                ),
            ]
        );
        // Whoever may come from everywhere is shut out of many networks.
        let remarks = of_acls(Some(&acls[..1]), &[c], &networks(&["0.0.0.0/0"]));
        let many = "in from 0.0.0.0/5, 8.0.0.0/7, 10.0.0.0/12, 10.16.0.0/14, 10.20.128.0/17, \
                    and 12 more: ";
        assert!(remarks[0].1.contains(many), "{remarks:?}");
    }

    #[test]
    fn members_of_a_group_may_be_anywhere_in_the_vpc() {
        let vpc = networks(&["10.20.0.0/16", "2001:db8::/56"]);
        let sources = [
            Source::Cidr("10.30.0.0/16".parse().unwrap()),
            Source::Cidr("2001:db8::/56".parse().unwrap()),
            Source::Group("sg-0a71e831".parse().unwrap()),
        ];
        let found = client_networks(&sources, &vpc);
        assert_eq!(found, networks(&["10.30.0.0/16", "10.20.0.0/16"]));
        let unknown = [
            Source::Group("222222222222/sg-0a71e831".parse().unwrap()),
            Source::PrefixList("pl-63a5400a".parse().unwrap()),
        ];
        assert_eq!(client_networks(&unknown, &vpc), []);
    }
}
