//! VPCs and their attributes.

use ipnet::{Ipv4Net, Ipv6Net};

use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::{invalid_value, not_found};
use crate::ec2::filter::Filtered;
use crate::ec2::{Describe, Described, Tags, ids};
use crate::scenario::{AclSpec, ProfileSpec, ResolverRuleSpec};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    pub id: String,
    pub owner: String,
    /// The accounts that it is shared with, as participants.
    pub shared_with: Vec<String>,
    pub region: String,
    /// Whether it is `available`; it is `pending` before.
    pub available: bool,
    pub cidr_block: Ipv4Net,
    /// Every IPv4 range, the primary and former ones included.
    pub cidrs: Vec<CidrAssociation<Ipv4Net>>,
    pub ipv6_cidrs: Vec<CidrAssociation<Ipv6Net>>,
    pub dns_support: bool,
    pub dns_hostnames: bool,
    /// Whether it is the default VPC.
    pub is_default: bool,
    /// Names of the private hosted zones associated with it.
    pub hosted_zones: Vec<String>,
    /// The rules of the Route 53 Resolver associated with it.
    pub resolver_rules: Vec<ResolverRuleSpec>,
    /// Its Route 53 Profile.
    pub profile: Option<ProfileSpec>,
    /// The DNS servers that its own DHCP options name; without any of its own it has the
    /// default options.
    pub dns_servers: Option<Vec<String>>,
    /// Its network ACLs besides the default one.
    pub acls: Vec<AclSpec>,
    pub tags: Tags,
}

/// A range and how firmly it belongs to its VPC or subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CidrAssociation<Net> {
    /// The id of the association.
    pub id: String,
    pub cidr: Net,
    pub state: CidrState,
}

/// How firmly a range belongs to its VPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CidrState {
    Associated,
    /// Gone, and still listed.
    Disassociated,
}

impl CidrState {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            CidrState::Associated => "associated",
            CidrState::Disassociated => "disassociated",
        }
    }
}

impl Vpc {
    /// Participants see a VPC with its owner ("Share your VPC subnets with other
    /// accounts", VPC user guide).
    pub(in crate::ec2) fn seen_by(&self, caller: &Caller) -> bool {
        (self.owner == caller.account || self.shared_with.contains(&caller.account))
            && self.region == caller.region
    }

    /// The state on the wire.
    pub fn state(&self) -> &'static str {
        if self.available {
            "available"
        } else {
            "pending"
        }
    }
}

impl Filtered for Vpc {
    const FILTERS: &'static [&'static str] = &["vpc-id"];

    fn id(&self) -> &str {
        &self.id
    }

    fn values(&self, _: &str) -> Vec<&str> {
        vec![self.id.as_str()]
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.tags)
    }
}

/// An attribute of a VPC. Exactly one can be asked for in one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// Whether the resolver of Amazon answers in the VPC.
    EnableDnsSupport,
    /// Whether instances get host names.
    EnableDnsHostnames,
}

impl Attribute {
    /// Reads the word on the wire.
    pub fn from_word(word: &str) -> Result<Attribute, ApiError> {
        match word {
            "enableDnsSupport" => Ok(Attribute::EnableDnsSupport),
            "enableDnsHostnames" => Ok(Attribute::EnableDnsHostnames),
            _ => Err(invalid_value(format!(
                "Value ({word}) for parameter attribute is invalid. Unknown VPC attribute"
            ))),
        }
    }
}

#[derive(Debug, Clone)]
pub struct DescribeVpcAttribute {
    pub vpc_id: String,
    pub attribute: Attribute,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeVpcAttributeResult {
    pub vpc_id: String,
    /// The attribute that was asked for.
    pub attribute: Attribute,
    pub value: bool,
}

impl World {
    /// Lists VPCs. One that was asked for by id and cannot be seen fails the whole call.
    pub fn describe_vpcs(
        &mut self,
        caller: &Caller,
        request: &Describe,
    ) -> Result<Described<Vpc>, ApiError> {
        self.admit_describe::<Vpc>(caller, "DescribeVpcs", request)?;
        for id in &request.ids {
            self.vpc(caller, id)?;
        }
        let vpcs = self.ec2.vpcs.values();
        let wanted = vpcs.filter(|vpc| vpc.seen_by(caller) && request.wants(*vpc));
        request.page(wanted.cloned(), 5..=1000)
    }

    /// Tells one attribute of a VPC.
    pub fn describe_vpc_attribute(
        &mut self,
        caller: &Caller,
        request: &DescribeVpcAttribute,
    ) -> Result<DescribeVpcAttributeResult, ApiError> {
        self.admit(caller, "DescribeVpcAttribute")?;
        self.needs_on(caller, "ec2:DescribeVpcAttribute", [&request.vpc_id]);
        let vpc = self.vpc(caller, &request.vpc_id)?;
        Ok(DescribeVpcAttributeResult {
            vpc_id: vpc.id.clone(),
            attribute: request.attribute,
            value: match request.attribute {
                Attribute::EnableDnsSupport => vpc.dns_support,
                Attribute::EnableDnsHostnames => vpc.dns_hostnames,
            },
        })
    }

    /// A VPC that the caller can see.
    pub(in crate::ec2) fn vpc(&self, caller: &Caller, id: &str) -> Result<&Vpc, ApiError> {
        ids::check("vpc", id, "InvalidVpcID.Malformed")?;
        self.ec2
            .vpcs
            .get(id)
            .filter(|vpc| vpc.seen_by(caller))
            .ok_or_else(|| not_found("InvalidVpcID.NotFound", "vpc ID", id))
    }
}
