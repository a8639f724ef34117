//! EC2, as far as PrivateLink needs it.
//!
//! Each operation is a method of [`World`](crate::World) that takes the
//! [`Caller`] and a request with the field names of the EC2 API reference, and
//! gives the answer or the error that EC2 would give.

mod begin;
mod endpoint;
mod error;
mod fault;
mod filter;
mod group;
mod ids;
mod needs;
mod network;
mod page;
mod permission;
mod rule;
mod service;
mod tag;
mod tagging;
mod throttle;

use std::collections::{BTreeMap, HashMap};

pub use endpoint::create::{CreateVpcEndpoint, CreateVpcEndpointResult};
pub use endpoint::delete::{DeleteVpcEndpoints, Unsuccessful};
pub use endpoint::modify::ModifyVpcEndpoint;
pub use endpoint::view::{DnsEntry, GroupIdentifier, VpcEndpoint};
pub use endpoint::{Endpoint, EndpointState, EndpointType, Interface, LastError};
pub use fault::render_fault;
pub use filter::Filter;
pub use group::{CreateSecurityGroup, DeleteSecurityGroup, SecurityGroup};
pub use network::acl::NetworkAcl;
pub use network::dhcp::DhcpOptions;
pub use network::interface::NetworkInterface;
pub use network::peering::{Peering, PeeringSide};
pub use network::prefix_list::PrefixList;
pub use network::subnet::{Subnet, SubnetAnswer};
pub use network::vpc::{
    Attribute, CidrAssociation, CidrState, DescribeVpcAttribute, DescribeVpcAttributeResult, Vpc,
};
pub use page::{Describe, Described};
pub use permission::{GroupPair, IpPermission, IpRange};
pub use rule::{AuthorizeSecurityGroupIngress, RevokeSecurityGroupIngress, Rule, Source};
pub use service::{
    DescribeVpcEndpointServices, DescribeVpcEndpointServicesResult, EndpointService, Principals,
    Verification,
};
pub use tag::{TagSpecification, Tags};
pub use tagging::{CreateTags, DeleteTags};

pub(crate) use begin::begin;
pub(crate) use endpoint::dns::hidden_zones;
pub(crate) use endpoint::life::happen;
pub(crate) use ids::well_formed;

use crate::calls::{ApiError, Caller};
use crate::scenario::{Quotas, Scenario, ZoneSpec};
use crate::splitmix::mix;
use throttle::Buckets;

/// Something that happens by itself on the AWS side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ec2Happening {
    /// An endpoint gets into its next state, unless something else happened to
    /// it since (its epoch says so).
    Endpoint {
        id: String,
        /// The epoch in which this was foreseen.
        epoch: u32,
        /// The state it gets into.
        state: EndpointState,
    },
    /// A VPC becomes available.
    VpcAvailable(String),
    /// A subnet that the scenario announced comes into being.
    SubnetAppears(Box<Subnet>),
}

/// The whole AWS side.
#[derive(Debug, Clone)]
pub struct Ec2 {
    /// The account that the scenario is about.
    pub account: String,
    /// The Region that the scenario is about.
    pub region: String,
    /// The availability zones of that Region.
    pub zones: Vec<ZoneSpec>,
    pub vpcs: BTreeMap<String, Vpc>,
    pub subnets: BTreeMap<String, Subnet>,
    pub groups: BTreeMap<String, SecurityGroup>,
    /// Endpoints by id, with those that are gone, because tokens remember them.
    pub endpoints: BTreeMap<String, Endpoint>,
    pub services: Vec<EndpointService>,
    pub peerings: Vec<Peering>,
    pub prefix_lists: Vec<PrefixList>,
    /// Network interfaces, besides those of endpoints.
    pub interfaces: Vec<NetworkInterface>,
    regions_off: Vec<String>,
    quotas: Quotas,
    tokens: HashMap<Token, Remembered>,
    buckets: Buckets,
    made: u64,
}

/// A client token means something to one account in one Region only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Token {
    caller: Caller,
    token: String,
}

/// What a client token was first used for, and what came of it.
#[derive(Debug, Clone)]
struct Remembered {
    request: CreateVpcEndpoint,
    endpoint_id: String,
}

impl Ec2 {
    /// An AWS side with nothing in it but zones; [`begin`] adds the rest.
    pub(crate) fn new(scenario: &Scenario) -> Ec2 {
        Ec2 {
            account: scenario.account.clone(),
            region: scenario.region.clone(),
            zones: scenario.zones.clone(),
            vpcs: BTreeMap::new(),
            subnets: BTreeMap::new(),
            groups: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            services: Vec::new(),
            peerings: Vec::new(),
            prefix_lists: Vec::new(),
            interfaces: Vec::new(),
            regions_off: scenario.regions_off.clone(),
            quotas: scenario.quotas.clone(),
            tokens: HashMap::new(),
            buckets: Buckets::new(scenario.throttle),
            made: 0,
        }
    }

    /// The caller that the scenario is about.
    pub fn caller(&self) -> Caller {
        Caller {
            account: self.account.clone(),
            region: self.region.clone(),
        }
    }

    /// An endpoint, also one that is deleted and no longer listed.
    pub fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.endpoints.get(id)
    }

    /// A new id. The same calls in the same order make the same ids.
    fn new_id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}-0{:016x}", mix(self.made))
    }

    fn zone(&self, id: &str) -> Option<&ZoneSpec> {
        self.zones.iter().find(|zone| zone.id == id)
    }
}

impl crate::World {
    /// What every operation begins with: is the caller known, and too fast?
    fn admit(&mut self, caller: &Caller, operation: &str) -> Result<(), ApiError> {
        // A Region that is not enabled knows nobody of the account
        // (turbot/steampipe-plugin-aws issue 75).
        if self.ec2.regions_off.contains(&caller.region) {
            let message = "AWS was not able to validate the provided access credentials";
            return Err(ApiError::new(401, "AuthFailure", message));
        }
        let now = self.now;
        self.ec2.buckets.take(caller, operation, now)?;
        if operation.starts_with("Describe") && operation != "DescribeVpcAttribute" {
            self.needs_to_read(caller, operation);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
