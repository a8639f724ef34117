//! Network ACLs: what they do not let through.
//!
//! Of the rules of a direction the one with the lowest number that fits a packet decides,
//! and what no rule fits is denied. An ACL knows no connections: answers need a rule of
//! their own (VPC user guide, "Network ACL rules").

use std::collections::BTreeSet;

use crate::cidr::Cidr;
use crate::ids::SubnetId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkAcl {
    pub id: String,
    /// The subnets that it stands before. Each subnet has exactly one.
    pub subnet_ids: Vec<SubnetId>,
    /// Its rules for both directions, in any order.
    pub rules: Vec<AclRule>,
}

/// A rule of a network ACL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclRule {
    pub number: i32,
    /// Whether it is about what leaves the subnet.
    pub egress: bool,
    /// Whether it allows or denies.
    pub allows: bool,
    /// The number of the protocol, or `-1` for all.
    pub protocol: String,
    /// Where packets come from, or go to if it is about what leaves.
    pub cidr: Cidr,
    /// First and last port at the packet's destination; `None` means all.
    pub ports: Option<(u16, u16)>,
}

impl AclRule {
    fn fits_tcp(&self, port: u16) -> bool {
        super::is_for_tcp(&self.protocol, self.ports, port)
    }
}

impl NetworkAcl {
    /// From where in these networks TCP to the port is not let into the subnets.
    pub fn refused_in(&self, port: u16, networks: &[Cidr]) -> Vec<Cidr> {
        refused(&self.rules_in_order(false), port, networks)
    }

    /// To where in these networks TCP to ports of this range is not let out, port range
    /// by port range.
    pub fn refused_out(
        &self,
        (first, last): (u16, u16),
        networks: &[Cidr],
    ) -> Vec<((u16, u16), Vec<Cidr>)> {
        let rules = self.rules_in_order(true);
        // From one of these ports to the next no rule begins or ends.
        let bounds = rules.iter().filter_map(|rule| rule.ports);
        let bounds = bounds.flat_map(|(from, to)| [Some(from), to.checked_add(1)]);
        let mut starts: BTreeSet<u16> = bounds.flatten().collect();
        starts.insert(first);
        starts.retain(|port| (first..=last).contains(port));
        let mut found: Vec<((u16, u16), Vec<Cidr>)> = Vec::new();
        let ends = starts.iter().skip(1).map(|next| next - 1).chain([last]);
        for (start, end) in starts.iter().copied().zip(ends) {
            let networks = refused(&rules, start, networks);
            match found.last_mut() {
                Some((ports, before)) if *before == networks && ports.1 + 1 == start => {
                    ports.1 = end;
                }
                Some(_) | None if networks.is_empty() => {}
                Some(_) | None => found.push(((start, end), networks)),
            }
        }
        found
    }

    fn rules_in_order(&self, egress: bool) -> Vec<&AclRule> {
        let rules = self.rules.iter().filter(|rule| rule.egress == egress);
        let mut rules: Vec<&AclRule> = rules.collect();
        rules.sort_by_key(|rule| rule.number);
        rules
    }
}

/// What of the networks these rules, which are in order, do not allow.
fn refused(rules: &[&AclRule], port: u16, networks: &[Cidr]) -> Vec<Cidr> {
    let mut undecided = networks.to_vec();
    let mut refused = Vec::new();
    for rule in rules.iter().filter(|rule| rule.fits_tcp(port)) {
        let mut rest = Vec::new();
        for network in undecided {
            let common = match network.is_covered_by([rule.cidr]) {
                true => network,
                false => rule.cidr,
            };
            if !rule.allows && common.is_covered_by([network]) {
                refused.push(common);
            }
            rest.extend(network.without(rule.cidr));
        }
        undecided = rest;
    }
    refused.extend(undecided);
    Cidr::merged(&refused)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SQL: u16 = 26257;
    const EPHEMERAL: (u16, u16) = (1024, 65535);
    const ALL: Option<(u16, u16)> = None;

    /// Direction, number, verdict, protocol, network, ports.
    type Row = (
        &'static str,
        i32,
        &'static str,
        &'static str,
        &'static str,
        Option<(u16, u16)>,
    );

    /// Ports, and the networks to which they are refused.
    type Refused = ((u16, u16), &'static [&'static str]);

    /// An ACL with these rules and the one that every ACL ends with.
    fn acl(rows: &[Row]) -> NetworkAcl {
        let star = ["in", "out"].map(|way| (way, 32767, "deny", "-1", "0.0.0.0/0", ALL));
        let rules = star.iter().chain(rows).map(|row| {
            let (way, number, verdict, protocol, network, ports) = *row;
            AclRule {
                number,
                egress: way == "out",
                allows: verdict == "allow",
                protocol: protocol.to_owned(),
                cidr: network.parse().unwrap(),
                ports,
            }
        });
        NetworkAcl {
            id: "acl-1".to_owned(),
            subnet_ids: Vec::new(),
            rules: rules.collect(),
        }
    }

    fn networks(texts: &[&str]) -> Vec<Cidr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_is_refused_is_told_in_few_networks() {
        const VPC: &str = "10.20.0.0/16";
        let any = "0.0.0.0/0";
        let cases: &[(&[Row], &[&str])] = &[
            // As AWS makes it.
            (&[("in", 100, "allow", "-1", any, ALL)], &[]),
            (&[("in", 100, "allow", "6", "::/0", ALL)], &[VPC]),
            (
                &[
                    ("in", 100, "allow", "-1", any, ALL),
                    ("in", 90, "deny", "6", "10.20.3.0/24", Some((SQL, SQL))),
                ],
                &["10.20.3.0/24"],
            ),
        ];
        for (rows, expected) in cases {
            let refused = acl(rows).refused_in(SQL, &networks(&[VPC]));
            assert_eq!(refused, networks(expected), "{rows:?}");
        }
        let ipv6 = acl(&[("in", 101, "allow", "-1", "2001:db8::/33", ALL)]);
        let refused = ipv6.refused_in(SQL, &networks(&["2001:db8::/32", "10.0.0.0/8"]));
        assert_eq!(refused, networks(&["10.0.0.0/8", "2001:db8:8000::/33"]));
    }

    #[test]
    fn ports_that_are_refused_alike_are_told_together() {
        const VPC: &str = "10.20.0.0/16";
        let any = "0.0.0.0/0";
        let cases: &[(&[Row], &[Refused])] = &[
            (
                &[("out", 100, "allow", "6", any, Some((443, 443)))],
                &[(EPHEMERAL, &[VPC])],
            ),
            // Two rules side by side are as good as one.
            (
                &[
                    ("out", 100, "allow", "6", any, Some((0, 32767))),
                    ("out", 110, "allow", "6", any, Some((32768, 65535))),
                ],
                &[],
            ),
            (
                &[
                    ("out", 90, "deny", "6", any, Some((60000, 65535))),
                    ("out", 100, "allow", "6", "10.20.0.0/17", ALL),
                ],
                &[
                    ((1024, 59999), &["10.20.128.0/17"]),
                    ((60000, 65535), &[VPC]),
                ],
            ),
        ];
        for (rows, expected) in cases {
            let refused = acl(rows).refused_out(EPHEMERAL, &networks(&[VPC]));
            let expected: Vec<_> = expected
                .iter()
                .map(|(ports, refused)| (*ports, networks(refused)))
                .collect();
            assert_eq!(refused, expected, "{rows:?}");
        }
    }

    prop_compose! {
        fn any_rule()(
            number in 1i32..6,
            egress: bool,
            allows: bool,
            protocol in prop::sample::select(vec!["-1", "6", "17"]),
            (address, length) in (0u32..64, 20u8..=32),
            ports in prop::option::of((0u16..2000, 0u16..2000)),
        ) -> AclRule {
            AclRule {
                number,
                egress,
                allows,
                protocol: protocol.to_owned(),
                cidr: format!("10.0.0.{address}/{length}").parse().unwrap(),
                ports: ports.map(|(one, other)| (one.min(other), one.max(other))),
            }
        }
    }

    proptest! {
        /// Packet by packet, as the user guide tells it.
        #[test]
        fn each_packet_is_refused_as_its_first_rule_says(
            rules in prop::collection::vec(any_rule(), 0..8),
            last in 0u8..64,
            port in 1024u16..2000,
        ) {
            let acl = NetworkAcl { id: String::new(), subnet_ids: Vec::new(), rules };
            let networks = networks(&["10.0.0.0/26"]);
            let address = std::net::IpAddr::from([10, 0, 0, last]);
            let is_allowed = |egress: bool| {
                let fit = acl.rules.iter().filter(|rule| {
                    rule.egress == egress
                        && rule.fits_tcp(port)
                        && rule.cidr.contains_address(address)
                });
                // Of two rules with one number the first one counts here; EC2 has none such.
                fit.min_by_key(|rule| rule.number).is_some_and(|rule| rule.allows)
            };
            let holds = |list: &[Cidr]| list.iter().any(|it| it.contains_address(address));
            prop_assert_eq!(holds(&acl.refused_in(port, &networks)), !is_allowed(false));
            let refused = acl.refused_out((1024, 1999), &networks);
            let refused = refused
                .iter()
                .any(|((first, last), list)| (*first..=*last).contains(&port) && holds(list));
            prop_assert_eq!(refused, !is_allowed(true));
        }
    }
}
