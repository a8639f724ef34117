//! VPCs and their attributes.

use std::borrow::Cow;

use ipnet::{Ipv4Net, Ipv6Net};

use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::{client, invalid_value, missing, not_found};
use crate::ec2::filter::{self, Filter, Filtered};
use crate::ec2::{Tags, ids, page};

/// A VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// The id.
    pub id: String,
    /// The account that owns it.
    pub owner: String,
    /// The Region it is in.
    pub region: String,
    /// Whether it is `available`; it is `pending` before.
    pub available: bool,
    /// The primary IPv4 range.
    pub cidr_block: Ipv4Net,
    /// Every IPv4 range, the primary and former ones included.
    pub cidrs: Vec<CidrAssociation<Ipv4Net>>,
    /// Every IPv6 range.
    pub ipv6_cidrs: Vec<CidrAssociation<Ipv6Net>>,
    /// The attribute `enableDnsSupport`.
    pub dns_support: bool,
    /// The attribute `enableDnsHostnames`.
    pub dns_hostnames: bool,
    /// The attribute `enableNetworkAddressUsageMetrics`.
    pub usage_metrics: bool,
    /// Whether it is the default VPC.
    pub is_default: bool,
    /// Names of the private hosted zones associated with it.
    pub hosted_zones: Vec<String>,
    /// Tags.
    pub tags: Tags,
}

/// A range and how firmly it belongs to its VPC or subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CidrAssociation<Net> {
    /// The id of the association.
    pub id: String,
    /// The range.
    pub cidr: Net,
    /// The state.
    pub state: CidrState,
}

/// How firmly a range belongs to its VPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CidrState {
    /// Coming.
    Associating,
    /// There.
    Associated,
    /// Gone, and still listed.
    Disassociated,
}

impl CidrState {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            CidrState::Associating => "associating",
            CidrState::Associated => "associated",
            CidrState::Disassociated => "disassociated",
        }
    }
}

impl Vpc {
    pub(in crate::ec2) fn seen_by(&self, caller: &Caller) -> bool {
        self.owner == caller.account && self.region == caller.region
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
    const FILTERS: &'static [&'static str] = &[
        "cidr",
        "cidr-block-association.association-id",
        "cidr-block-association.cidr-block",
        "cidr-block-association.state",
        "dhcp-options-id",
        "ipv6-cidr-block-association.association-id",
        "ipv6-cidr-block-association.ipv6-cidr-block",
        "ipv6-cidr-block-association.state",
        "is-default",
        "owner-id",
        "state",
        "vpc-id",
    ];

    fn values(&self, name: &str) -> Vec<Cow<'_, str>> {
        let four = self.cidrs.iter();
        let six = self.ipv6_cidrs.iter();
        match name {
            "cidr" => vec![self.cidr_block.to_string().into()],
            "cidr-block-association.association-id" => four.map(|c| (&c.id).into()).collect(),
            "cidr-block-association.cidr-block" => {
                four.map(|c| c.cidr.to_string().into()).collect()
            }
            "cidr-block-association.state" => four.map(|c| c.state.word().into()).collect(),
            "ipv6-cidr-block-association.association-id" => six.map(|c| (&c.id).into()).collect(),
            "ipv6-cidr-block-association.ipv6-cidr-block" => {
                six.map(|c| c.cidr.to_string().into()).collect()
            }
            "ipv6-cidr-block-association.state" => six.map(|c| c.state.word().into()).collect(),
            "is-default" => vec![self.is_default.to_string().into()],
            "owner-id" => vec![(&self.owner).into()],
            "state" => vec![self.state().into()],
            "vpc-id" => vec![(&self.id).into()],
            _ => Vec::new(),
        }
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }
}

/// `DescribeVpcs`.
#[derive(Debug, Clone, Default)]
pub struct DescribeVpcs {
    /// Only ask whether the call would be allowed.
    pub dry_run: bool,
    /// VPCs by id.
    pub vpc_ids: Vec<String>,
    /// Filters.
    pub filters: Vec<Filter>,
    /// The size of a page.
    pub max_results: Option<i32>,
    /// Where the last page ended.
    pub next_token: Option<String>,
}

/// The answer to [`DescribeVpcs`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeVpcsResult {
    /// The VPCs.
    pub vpcs: Vec<Vpc>,
    /// How to ask for the next page.
    pub next_token: Option<String>,
}

/// An attribute of a VPC. Exactly one can be asked for in one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// Whether the resolver of Amazon answers in the VPC.
    EnableDnsSupport,
    /// Whether instances get host names.
    EnableDnsHostnames,
    /// Whether address usage is measured.
    EnableNetworkAddressUsageMetrics,
}

impl Attribute {
    /// Reads the word on the wire.
    pub fn from_word(word: &str) -> Result<Attribute, ApiError> {
        match word {
            "enableDnsSupport" => Ok(Attribute::EnableDnsSupport),
            "enableDnsHostnames" => Ok(Attribute::EnableDnsHostnames),
            "enableNetworkAddressUsageMetrics" => Ok(Attribute::EnableNetworkAddressUsageMetrics),
            _ => Err(invalid_value(format!(
                "Value ({word}) for parameter attribute is invalid. Unknown VPC attribute"
            ))),
        }
    }
}

/// `DescribeVpcAttribute`.
#[derive(Debug, Clone)]
pub struct DescribeVpcAttribute {
    /// Only ask whether the call would be allowed.
    pub dry_run: bool,
    /// The VPC.
    pub vpc_id: String,
    /// The attribute.
    pub attribute: Attribute,
}

/// The answer to [`DescribeVpcAttribute`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeVpcAttributeResult {
    /// The VPC.
    pub vpc_id: String,
    /// The attribute that was asked for.
    pub attribute: Attribute,
    /// Its value.
    pub value: bool,
}

/// `ModifyVpcAttribute`: exactly one attribute in one call.
#[derive(Debug, Clone, Default)]
pub struct ModifyVpcAttribute {
    /// The VPC.
    pub vpc_id: String,
    /// New value of `enableDnsSupport`.
    pub enable_dns_support: Option<bool>,
    /// New value of `enableDnsHostnames`.
    pub enable_dns_hostnames: Option<bool>,
    /// New value of `enableNetworkAddressUsageMetrics`.
    pub enable_network_address_usage_metrics: Option<bool>,
}

impl World {
    /// Lists VPCs.
    pub fn describe_vpcs(
        &mut self,
        caller: &Caller,
        request: &DescribeVpcs,
    ) -> Result<DescribeVpcsResult, ApiError> {
        self.admit(caller, "DescribeVpcs", request.dry_run)?;
        filter::check::<Vpc>(&request.filters)?;
        for id in &request.vpc_ids {
            self.vpc(caller, id)?;
        }
        let vpcs = self
            .ec2
            .vpcs
            .values()
            .filter(|vpc| {
                vpc.seen_by(caller)
                    && (request.vpc_ids.is_empty() || request.vpc_ids.contains(&vpc.id))
                    && filter::passes(*vpc, &request.filters)
            })
            .cloned()
            .collect();
        let (vpcs, next_token) = page::page(
            vpcs,
            request.max_results,
            request.next_token.as_deref(),
            5..=1000,
        )?;
        Ok(DescribeVpcsResult { vpcs, next_token })
    }

    /// Tells one attribute of a VPC.
    pub fn describe_vpc_attribute(
        &mut self,
        caller: &Caller,
        request: &DescribeVpcAttribute,
    ) -> Result<DescribeVpcAttributeResult, ApiError> {
        self.admit(caller, "DescribeVpcAttribute", request.dry_run)?;
        self.needs_on(caller, "ec2:DescribeVpcAttribute", [&request.vpc_id]);
        let vpc = self.vpc(caller, &request.vpc_id)?;
        Ok(DescribeVpcAttributeResult {
            vpc_id: vpc.id.clone(),
            attribute: request.attribute,
            value: match request.attribute {
                Attribute::EnableDnsSupport => vpc.dns_support,
                Attribute::EnableDnsHostnames => vpc.dns_hostnames,
                Attribute::EnableNetworkAddressUsageMetrics => vpc.usage_metrics,
            },
        })
    }

    /// Changes one attribute of a VPC.
    pub fn modify_vpc_attribute(
        &mut self,
        caller: &Caller,
        request: &ModifyVpcAttribute,
    ) -> Result<(), ApiError> {
        self.admit(caller, "ModifyVpcAttribute", false)?;
        self.vpc(caller, &request.vpc_id)?;
        let given = [
            request.enable_dns_support,
            request.enable_dns_hostnames,
            request.enable_network_address_usage_metrics,
        ];
        match given.iter().flatten().count() {
            1 => {}
            0 => return Err(missing("enableDnsHostnames or enableDnsSupport")),
            _ => {
                return Err(client(
                    "InvalidParameterCombination",
                    "Fields for multiple attribute types specified",
                ));
            }
        }
        let Some(vpc) = self.ec2.vpcs.get_mut(&request.vpc_id) else {
            return Ok(());
        };
        // Host names need the resolver, and the resolver cannot be taken away
        // from under them ("DNS attributes for your VPC", VPC user guide).
        if request.enable_dns_hostnames == Some(true) && !vpc.dns_support {
            return Err(client(
                "InvalidParameterCombination",
                "enableDnsHostnames requires enableDnsSupport",
            ));
        }
        vpc.dns_support = request.enable_dns_support.unwrap_or(vpc.dns_support);
        vpc.dns_hostnames = request.enable_dns_hostnames.unwrap_or(vpc.dns_hostnames);
        vpc.usage_metrics = request
            .enable_network_address_usage_metrics
            .unwrap_or(vpc.usage_metrics);
        Ok(())
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
