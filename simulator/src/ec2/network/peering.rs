//! VPC peering connections.

use ipnet::{Ipv4Net, Ipv6Net};

use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::filter::Filtered;
use crate::ec2::{Describe, Described};

/// A peering of two VPCs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peering {
    pub id: String,
    pub requester: PeeringSide,
    /// The side that was asked.
    pub accepter: PeeringSide,
    /// The state, such as `active`.
    pub status: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeeringSide {
    pub vpc_id: String,
    pub owner: String,
    pub region: String,
    pub cidrs: Vec<Ipv4Net>,
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

    fn id(&self) -> &str {
        &self.id
    }

    fn values(&self, name: &str) -> Vec<&str> {
        let value = match name {
            "accepter-vpc-info.vpc-id" => &self.accepter.vpc_id,
            "requester-vpc-info.vpc-id" => &self.requester.vpc_id,
            _ => &self.status,
        };
        vec![value.as_str()]
    }
}

impl World {
    pub fn describe_vpc_peering_connections(
        &mut self,
        caller: &Caller,
        request: &Describe,
    ) -> Result<Described<Peering>, ApiError> {
        self.admit_describe::<Peering>(caller, "DescribeVpcPeeringConnections", request)?;
        let peerings = self.ec2.peerings.iter();
        let wanted = peerings.filter(|it| it.seen_by(caller) && request.wants(*it));
        request.page(wanted.cloned(), 5..=1000)
    }
}
