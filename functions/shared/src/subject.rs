//! The connection that an execution is about.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ClusterId, Region, VpcId};
use crate::ownership::{Claim, connection_id};
use crate::place::Place;

/// A connection, as the definitions hand it from step to step: made once from the
/// request, and whole, so that every step means the same by it. A removal that does not
/// say the account takes it from the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The id of the connection: follows from Region, VPC and cluster.
    pub connection_id: String,
    /// The account that owns the VPC; `None` for the account of the function.
    pub account_id: Option<AccountId>,
    /// The Region of the VPC.
    pub region: Region,
    /// The VPC from which the cluster is reached.
    pub vpc_id: VpcId,
    pub cluster_id: ClusterId,
}

impl Subject {
    /// The connection of this VPC to this cluster.
    pub fn of(place: Place, vpc_id: VpcId, cluster_id: ClusterId) -> Self {
        Self {
            connection_id: connection_id(&place.region, &vpc_id, &cluster_id),
            account_id: place.account_id,
            region: place.region,
            vpc_id,
            cluster_id,
        }
    }

    /// Its use of a resource, as a tag.
    pub fn claim(&self) -> Claim {
        Claim {
            cluster_id: self.cluster_id.clone(),
            connection_id: self.connection_id.clone(),
        }
    }

    /// Where EC2 is asked.
    pub fn place(&self) -> Place {
        Place {
            account_id: self.account_id.clone(),
            region: self.region.clone(),
        }
    }
}
