//! Rules for the AWS part.

use std::collections::HashSet;

use ipnet::{Ipv4Net, Ipv6Net};

use super::rule;
use crate::ec2::well_formed;
use crate::scenario::{AclRule, Scenario, ScenarioError, VpcSpec};

/// Says which value breaks which rule.
pub(super) fn check(scenario: &Scenario) -> Result<(), ScenarioError> {
    let mut ids = HashSet::new();
    for (n, vpc) in scenario.vpcs.iter().enumerate() {
        let vpc = Place {
            scenario,
            vpc,
            path: format!("vpcs[{n}]"),
        };
        vpc.own_id(&mut ids, "vpc", &vpc.vpc.id, "id")?;
        vpc.subnets(&mut ids)?;
        vpc.acls(&mut ids)?;
        vpc.groups(&mut ids)?;
        vpc.endpoints(&mut ids)?;
        vpc.interfaces(&mut ids)?;
        vpc.peerings(&mut ids)?;
    }
    for (n, list) in scenario.prefix_lists.iter().enumerate() {
        rule(
            &format!("prefix_lists[{n}].id"),
            &list.id,
            well_formed("pl", &list.id) && ids.insert(&list.id),
            "an id is `pl-` and 8 or 17 hexadecimal digits, and used once",
        )?;
        rule(
            &format!("prefix_lists[{n}].address_family"),
            &list.address_family,
            matches!(list.address_family.as_str(), "IPv4" | "IPv6"),
            "an address family is `IPv4` or `IPv6`",
        )?;
    }
    Ok(())
}

/// Whether the source is a group, of whichever account, or a prefix list.
fn is_named(source: &str) -> bool {
    let group = source.split_once('/').map_or(source, |(_, group)| group);
    well_formed("sg", group) || well_formed("pl", source)
}

/// A VPC and where in the scenario it is.
struct Place<'a> {
    scenario: &'a Scenario,
    vpc: &'a VpcSpec,
    path: String,
}

impl<'a> Place<'a> {
    fn own_id(
        &self,
        ids: &mut HashSet<&'a str>,
        prefix: &str,
        id: &'a str,
        field: &str,
    ) -> Result<(), ScenarioError> {
        let field = format!("{}.{field}", self.path);
        let form = format!("an id is `{prefix}-` and 8 or 17 hexadecimal digits");
        rule(&field, id, well_formed(prefix, id), &form)?;
        rule(&field, id, ids.insert(id), "an id is used once")
    }

    fn subnets(&self, ids: &mut HashSet<&'a str>) -> Result<(), ScenarioError> {
        let ranges = || std::iter::once(&self.vpc.cidr).chain(&self.vpc.secondary_cidrs);
        let subnets = &self.vpc.subnets;
        for (n, subnet) in subnets.iter().enumerate() {
            let at = |field: &str| format!("{}.subnets[{n}].{field}", self.path);
            self.own_id(ids, "subnet", &subnet.id, &format!("subnets[{n}].id"))?;
            rule(
                &at("zone"),
                &subnet.zone,
                self.scenario
                    .zones
                    .iter()
                    .any(|zone| zone.id == subnet.zone),
                "a subnet is in a zone of the Region, by its id",
            )?;
            rule(
                &at("cidr"),
                subnet.cidr,
                ranges().any(|range| range.contains(&subnet.cidr)),
                "a subnet is within a range of its VPC",
            )?;
            rule(
                &at("cidr"),
                subnet.cidr,
                (16..=28).contains(&subnet.cidr.prefix_len()),
                "the prefix of a subnet has 16 to 28 bits",
            )?;
            rule(
                &at("ipv6_native"),
                subnet.ipv6_native,
                !subnet.ipv6_native || subnet.ipv6_cidr.is_some(),
                "a subnet that is IPv6 only has an IPv6 range",
            )?;
            let overlaps = subnets[..n].iter().any(|other| {
                other.cidr.contains(&subnet.cidr) || subnet.cidr.contains(&other.cidr)
            });
            rule(
                &at("cidr"),
                subnet.cidr,
                !overlaps,
                "subnets do not overlap",
            )?;
        }
        Ok(())
    }

    fn acls(&self, ids: &mut HashSet<&'a str>) -> Result<(), ScenarioError> {
        let mut taken = HashSet::new();
        for (n, acl) in self.vpc.acls.iter().enumerate() {
            self.own_id(ids, "acl", &acl.id, &format!("acls[{n}].id"))?;
            for id in &acl.subnets {
                rule(
                    &format!("{}.acls[{n}].subnets", self.path),
                    id,
                    self.vpc.subnets.iter().any(|subnet| subnet.id == *id) && taken.insert(id),
                    "an ACL has subnets of its own VPC, and a subnet has one ACL",
                )?;
            }
            for (m, entry) in acl.rules.iter().enumerate() {
                let same =
                    |other: &&AclRule| (other.number, other.egress) == (entry.number, entry.egress);
                rule(
                    &format!("{}.acls[{n}].rules[{m}].number", self.path),
                    entry.number,
                    (1..=32766).contains(&entry.number)
                        && acl.rules.iter().filter(same).count() == 1,
                    "a number from 1 to 32766 is used once in a direction",
                )?;
            }
        }
        Ok(())
    }

    fn groups(&self, ids: &mut HashSet<&'a str>) -> Result<(), ScenarioError> {
        let groups = &self.vpc.groups;
        for (n, group) in groups.iter().enumerate() {
            self.own_id(ids, "sg", &group.id, &format!("groups[{n}].id"))?;
            let own_name = groups[..n]
                .iter()
                .all(|other| !other.name.eq_ignore_ascii_case(&group.name))
                && !group.name.eq_ignore_ascii_case("default");
            rule(
                &format!("{}.groups[{n}].name", self.path),
                &group.name,
                own_name,
                "a group has a name of its own, and every VPC has a group `default` already",
            )?;
            for (m, entry) in group.rules.iter().enumerate() {
                let source = &entry.source;
                let readable = source.parse::<Ipv4Net>().is_ok()
                    || source.parse::<Ipv6Net>().is_ok()
                    || is_named(source);
                rule(
                    &format!("{}.groups[{n}].rules[{m}].source", self.path),
                    source,
                    readable,
                    "a source is a range of addresses, a group or a prefix list",
                )?;
            }
        }
        Ok(())
    }

    fn endpoints(&self, ids: &mut HashSet<&'a str>) -> Result<(), ScenarioError> {
        for (n, endpoint) in self.vpc.endpoints.iter().enumerate() {
            self.own_id(ids, "vpce", &endpoint.id, &format!("endpoints[{n}].id"))?;
            for id in &endpoint.subnets {
                rule(
                    &format!("{}.endpoints[{n}].subnets", self.path),
                    id,
                    self.vpc.subnets.iter().any(|subnet| subnet.id == *id),
                    "an endpoint has its subnets in its own VPC",
                )?;
            }
            self.own_groups(&format!("endpoints[{n}]"), &endpoint.groups)?;
        }
        Ok(())
    }

    fn interfaces(&self, ids: &mut HashSet<&'a str>) -> Result<(), ScenarioError> {
        for (n, interface) in self.vpc.interfaces.iter().enumerate() {
            self.own_id(ids, "eni", &interface.id, &format!("interfaces[{n}].id"))?;
            self.own_groups(&format!("interfaces[{n}]"), &interface.groups)?;
        }
        Ok(())
    }

    fn own_groups(&self, of: &str, ids: &[String]) -> Result<(), ScenarioError> {
        for id in ids {
            rule(
                &format!("{}.{of}.groups", self.path),
                id,
                self.vpc.groups.iter().any(|group| group.id == *id),
                "what has groups has them in its own VPC",
            )?;
        }
        Ok(())
    }

    fn peerings(&self, ids: &mut HashSet<&'a str>) -> Result<(), ScenarioError> {
        const WORDS: &str = "initiating-request pending-acceptance active deleted rejected failed \
                             expired provisioning deleting";
        for (n, peering) in self.vpc.peerings.iter().enumerate() {
            self.own_id(ids, "pcx", &peering.id, &format!("peerings[{n}].id"))?;
            rule(
                &format!("{}.peerings[{n}].status", self.path),
                &peering.status,
                WORDS.split(' ').any(|word| word == peering.status),
                "a status is a word of the EC2 API",
            )?;
        }
        Ok(())
    }
}
