//! Subnets.

use std::net::Ipv4Addr;

use ipnet::{Ipv4Net, Ipv6Net};
use time::OffsetDateTime;

use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::not_found;
use crate::ec2::filter::Filtered;
use crate::ec2::{Describe, Described, Ec2, Tags, ids};
use crate::scenario::{SubnetSpec, VpcSpec};

/// Addresses that AWS keeps of every subnet: network, router, DNS, one in
/// reserve, broadcast ("Subnet sizing", VPC user guide).
const KEPT_BY_AWS: u32 = 5;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    pub id: String,
    pub vpc_id: String,
    pub owner: String,
    /// The accounts that it is shared with: those of its VPC.
    pub shared_with: Vec<String>,
    pub region: String,
    pub zone_id: String,
    pub zone_name: String,
    pub cidr: Ipv4Net,
    pub ipv6_cidr: Option<Ipv6Net>,
    /// Whether it is IPv6 only; its IPv4 range counts for nothing then.
    pub ipv6_native: bool,
    /// Free addresses before any endpoint of this world took one.
    pub spare_addresses: u32,
    pub outpost_arn: Option<String>,
    /// Whether it is the default subnet of its zone.
    pub default_for_az: bool,
    pub available_from: OffsetDateTime,
    pub tags: Tags,
    /// How many addresses were given away so far.
    pub(in crate::ec2) given: u32,
}

impl Subnet {
    pub(in crate::ec2) fn new(
        spec: &SubnetSpec,
        vpc: &VpcSpec,
        owner: &Caller,
        zone_name: &str,
        now: OffsetDateTime,
    ) -> Self {
        let size = 1u32
            .checked_shl(u32::from(32 - spec.cidr.prefix_len()))
            .unwrap_or(u32::MAX);
        Subnet {
            id: spec.id.clone(),
            vpc_id: vpc.id.clone(),
            owner: owner.account.clone(),
            shared_with: vpc.shared_with.clone(),
            region: owner.region.clone(),
            zone_id: spec.zone.clone(),
            zone_name: zone_name.to_owned(),
            cidr: spec.cidr,
            ipv6_cidr: spec.ipv6_cidr,
            ipv6_native: spec.ipv6_native,
            // An endpoint without an address type is IPv4, and finds none here. In which
            // words EC2 refuses it is written down nowhere; these are for a full subnet.
            spare_addresses: match spec.ipv6_native {
                true => 0,
                false => spec
                    .free_addresses
                    .unwrap_or_else(|| size.saturating_sub(KEPT_BY_AWS)),
            },
            outpost_arn: spec.outpost_arn.clone(),
            default_for_az: vpc.is_default,
            available_from: now
                + spec.appears_after.unwrap_or_default()
                + spec.available_after.unwrap_or_default(),
            tags: spec.tags.clone(),
            given: 0,
        }
    }

    pub(in crate::ec2) fn seen_by(&self, caller: &Caller) -> bool {
        (self.owner == caller.account || self.shared_with.contains(&caller.account))
            && self.region == caller.region
    }

    /// The next IPv4 address. Addresses of this world are not used again.
    pub(in crate::ec2) fn next_address(&mut self) -> Ipv4Addr {
        self.given += 1;
        let first = u32::from(self.cidr.network());
        Ipv4Addr::from(first.saturating_add(KEPT_BY_AWS + 5 + self.given))
    }
}

/// A subnet as it is told: with the number of free addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubnetAnswer {
    pub subnet: Subnet,
    /// Free IPv4 addresses now.
    pub available_ip_address_count: u32,
    /// Whether it is `available` now.
    pub available: bool,
}

impl SubnetAnswer {
    pub fn arn(&self) -> String {
        let Subnet {
            region, owner, id, ..
        } = &self.subnet;
        format!("arn:aws:ec2:{region}:{owner}:subnet/{id}")
    }

    /// Its state on the wire.
    pub fn state(&self) -> &'static str {
        if self.available {
            "available"
        } else {
            "pending"
        }
    }
}

impl Filtered for SubnetAnswer {
    const FILTERS: &'static [&'static str] = &["vpc-id"];

    fn id(&self) -> &str {
        &self.subnet.id
    }

    fn values(&self, _: &str) -> Vec<&str> {
        vec![self.subnet.vpc_id.as_str()]
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.subnet.tags)
    }
}

impl Ec2 {
    /// Free IPv4 addresses of a subnet: every interface of an endpoint takes
    /// one until it has drained.
    pub(in crate::ec2) fn free_addresses(&self, subnet: &Subnet, now: OffsetDateTime) -> u32 {
        let taken = self
            .endpoints
            .values()
            .flat_map(|endpoint| endpoint.interfaces.iter())
            .filter(|interface| interface.subnet_id == subnet.id && interface.lives(now))
            .count();
        subnet
            .spare_addresses
            .saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }
}

impl World {
    pub fn describe_subnets(
        &mut self,
        caller: &Caller,
        request: &Describe,
    ) -> Result<Described<SubnetAnswer>, ApiError> {
        self.admit_describe::<SubnetAnswer>(caller, "DescribeSubnets", request)?;
        for id in &request.ids {
            if !self
                .ec2
                .subnets
                .get(id)
                .is_some_and(|it| it.seen_by(caller))
            {
                return Err(not_found("InvalidSubnetID.NotFound", "subnet ID", id));
            }
        }
        let subnets = self.ec2.subnets.values().filter(|it| it.seen_by(caller));
        let told = subnets.map(|subnet| SubnetAnswer {
            available_ip_address_count: self.ec2.free_addresses(subnet, self.now),
            available: subnet.available_from <= self.now,
            subnet: subnet.clone(),
        });
        request.page(told.filter(|answer| request.wants(answer)), 5..=1000)
    }

    /// A subnet that the caller can see, for an endpoint. EC2 has two spellings of the code
    /// for one that is not there; where subnets are described it is
    /// `InvalidSubnetID.NotFound`.
    pub(in crate::ec2) fn subnet(&self, caller: &Caller, id: &str) -> Result<&Subnet, ApiError> {
        ids::check("subnet", id, "InvalidSubnetID.Malformed")?;
        self.ec2
            .subnets
            .get(id)
            .filter(|subnet| subnet.seen_by(caller))
            .ok_or_else(|| not_found("InvalidSubnetId.NotFound", "subnet ID", id))
    }
}
