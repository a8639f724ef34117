//! VPC peering connections.

use ipnet::{Ipv4Net, Ipv6Net};

use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::not_found;
use crate::ec2::filter::{self, Filter, Filtered};
use crate::ec2::{Page, Tags, ids, page};

/// A peering of two VPCs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peering {
    /// The id.
    pub id: String,
    /// The side that asked.
    pub requester: PeeringSide,
    /// The side that was asked.
    pub accepter: PeeringSide,
    /// The state, such as `active`.
    pub status: String,
    /// Tags.
    pub tags: Tags,
}

/// One side of a peering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeeringSide {
    /// The VPC.
    pub vpc_id: String,
    /// Its account.
    pub owner: String,
    /// Its Region.
    pub region: String,
    /// Its IPv4 ranges.
    pub cidrs: Vec<Ipv4Net>,
    /// Its IPv6 ranges.
    pub ipv6_cidrs: Vec<Ipv6Net>,
}

impl Peering {
    /// Whether it joins these two VPCs, in one Region, and is in force.
    pub(in crate::ec2) fn joins(&self, one: &str, other: &str) -> bool {
        let (asked, was_asked) = (&self.requester, &self.accepter);
        let vpcs = (asked.vpc_id.as_str(), was_asked.vpc_id.as_str());
        self.status == "active"
            && asked.region == was_asked.region
            && (vpcs == (one, other) || vpcs == (other, one))
    }

    fn seen_by(&self, caller: &Caller) -> bool {
        [&self.requester, &self.accepter]
            .iter()
            .any(|side| side.owner == caller.account && side.region == caller.region)
    }
}

impl Filtered for Peering {
    const FILTERS: &'static [&'static str] = &[
        "accepter-vpc-info.vpc-id",
        "requester-vpc-info.vpc-id",
        "status-code",
    ];

    fn value(&self, name: &str) -> &str {
        match name {
            "accepter-vpc-info.vpc-id" => &self.accepter.vpc_id,
            "requester-vpc-info.vpc-id" => &self.requester.vpc_id,
            _ => &self.status,
        }
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }
}

/// `DescribeVpcPeeringConnections`.
#[derive(Debug, Clone, Default)]
pub struct DescribeVpcPeeringConnections {
    /// Peerings by id.
    pub vpc_peering_connection_ids: Vec<String>,
    /// Filters.
    pub filters: Vec<Filter>,
    /// Which page.
    pub page: Page,
}

/// The answer to [`DescribeVpcPeeringConnections`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeVpcPeeringConnectionsResult {
    /// The peerings.
    pub vpc_peering_connections: Vec<Peering>,
    /// How to ask for the next page.
    pub next_token: Option<String>,
}

impl World {
    /// Lists peerings.
    pub fn describe_vpc_peering_connections(
        &mut self,
        caller: &Caller,
        request: &DescribeVpcPeeringConnections,
    ) -> Result<DescribeVpcPeeringConnectionsResult, ApiError> {
        self.admit(caller, "DescribeVpcPeeringConnections")?;
        filter::check::<Peering>(&request.filters)?;
        let seen = |peering: &&Peering| peering.seen_by(caller);
        for id in &request.vpc_peering_connection_ids {
            ids::check("pcx", id, "InvalidVpcPeeringConnectionId.Malformed")?;
            if !self.ec2.peerings.iter().filter(seen).any(|p| p.id == *id) {
                return Err(not_found(
                    "InvalidVpcPeeringConnectionID.NotFound",
                    "vpcPeeringConnection ID",
                    id,
                ));
            }
        }
        let wanted = &request.vpc_peering_connection_ids;
        let list = self
            .ec2
            .peerings
            .iter()
            .filter(seen)
            .filter(|peering| {
                (wanted.is_empty() || wanted.contains(&peering.id))
                    && filter::passes(*peering, &request.filters)
            })
            .cloned()
            .collect();
        let (vpc_peering_connections, next_token) = page::page(list, &request.page, 5..=1000)?;
        Ok(DescribeVpcPeeringConnectionsResult {
            vpc_peering_connections,
            next_token,
        })
    }
}
