//! Network ACLs.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::filter::Filtered;
use crate::ec2::{Describe, Described, Ec2, Vpc};
use crate::scenario::{AclAction, AclRule};

/// A network ACL as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkAcl {
    pub id: String,
    pub vpc_id: String,
    pub owner: String,
    /// Whether it is the VPC's default one.
    pub is_default: bool,
    pub subnet_ids: Vec<String>,
    /// Its rules. EC2 promises no order; here the last ones come first.
    pub rules: Vec<AclRule>,
}

impl Filtered for NetworkAcl {
    const FILTERS: &'static [&'static str] = &["association.subnet-id"];

    fn id(&self) -> &str {
        &self.id
    }

    fn values(&self, _: &str) -> Vec<&str> {
        self.subnet_ids.iter().map(String::as_str).collect()
    }
}

impl Vpc {
    /// All its ACLs, the default one first.
    fn network_acls(&self, ec2: &Ec2) -> Vec<NetworkAcl> {
        let of_others = |id: &String| self.acls.iter().any(|acl| acl.subnets.contains(id));
        let subnets = ec2.subnets.values().filter(|it| it.vpc_id == self.id);
        let ids = subnets.map(|subnet| subnet.id.clone());
        let rest = ids.filter(|id| !of_others(id)).collect();
        let default_id = self.id.replacen("vpc", "acl", 1);
        let default = self.network_acl(&default_id, true, rest, &self.open_rules());
        let others = self.acls.iter().map(|acl| {
            let there = acl
                .subnets
                .iter()
                .filter(|id| ec2.subnets.contains_key(*id));
            self.network_acl(&acl.id, false, there.cloned().collect(), &acl.rules)
        });
        std::iter::once(default).chain(others).collect()
    }

    fn network_acl(
        &self,
        id: &str,
        is_default: bool,
        subnet_ids: Vec<String>,
        rules: &[AclRule],
    ) -> NetworkAcl {
        let mut rules: Vec<AclRule> = rules.iter().cloned().chain(self.star_rules()).collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.number));
        NetworkAcl {
            id: id.to_owned(),
            vpc_id: self.id.clone(),
            owner: self.owner.clone(),
            is_default,
            subnet_ids,
            rules,
        }
    }

    /// The rules of the default ACL, and those that every ACL ends with (VPC user guide,
    /// "Default network ACL"): 100 and 32767, and for IPv6 the next number.
    fn open_rules(&self) -> Vec<AclRule> {
        self.everything(100, AclAction::Allow)
    }

    fn star_rules(&self) -> Vec<AclRule> {
        self.everything(32767, AclAction::Deny)
    }

    fn everything(&self, number: i32, action: AclAction) -> Vec<AclRule> {
        let v4 = Some((number, IpNet::V4(Ipv4Net::default())));
        let v6 = Some((number + 1, IpNet::V6(Ipv6Net::default())));
        let families = [v4, v6.filter(|_| !self.ipv6_cidrs.is_empty())];
        let families = families.into_iter().flatten();
        let rules = families.flat_map(|(number, cidr)| {
            [true, false].map(|egress| AclRule {
                number,
                egress,
                action,
                protocol: "-1".to_owned(),
                cidr,
                ports: None,
            })
        });
        rules.collect()
    }
}

impl World {
    /// Lists network ACLs, each with all its subnets, whichever were asked for.
    pub fn describe_network_acls(
        &mut self,
        caller: &Caller,
        request: &Describe,
    ) -> Result<Described<NetworkAcl>, ApiError> {
        self.admit_describe::<NetworkAcl>(caller, "DescribeNetworkAcls", request)?;
        let vpcs = self.ec2.vpcs.values().filter(|vpc| vpc.seen_by(caller));
        let acls = vpcs.flat_map(|vpc| vpc.network_acls(&self.ec2));
        request.page(acls.filter(|acl| request.wants(acl)), 5..=1000)
    }
}
