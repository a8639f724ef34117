//! What keeping the ledger in order needs, and no run: the leases as they stand,
//! the age of things that do not tell it, and entries made anew.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Connection;
use crate::StepError;
use crate::ids::{AccountId, EndpointId, Region, SecurityGroupId, VpcId};

/// A lease of a VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The ARN of the run that holds it.
    pub holder: String,
    /// When it is nobody's any more.
    pub expires_at: OffsetDateTime,
}

/// A registration of a connection, in the words in which `provision` writes it
/// into the attribute `registrations`, and `deprovision` reads it. One that was there
/// before the connection came is not the connection's own, and not among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnRegistration {
    /// The endpoint that is registered.
    pub endpoint_id: EndpointId,
    /// The account that the connection added to the cluster's trusted owners, if any.
    pub trusted_account: Option<AccountId>,
}

/// Reads and writes of the two tables beside those of [`super::Ledger`].
pub trait Upkeep {
    /// The lease of a VPC that is held at that moment.
    async fn lease(
        &self,
        region: &Region,
        vpc: &VpcId,
        now: OffsetDateTime,
    ) -> Result<Option<Lease>, StepError>;
    /// When this was first asked about a security group, in whole seconds: now, if it
    /// never was. EC2 does not tell when a group was made, and ids are not used twice, so a
    /// group is at least as old as this. The note lies among the leases for
    /// [`NOTED_DAYS`] after it was last asked for.
    async fn first_seen(
        &self,
        group: &SecurityGroupId,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, StepError>;
    /// Writes an entry where there is none, or one that expires because nothing is known
    /// to be there. Whether it did.
    async fn restore(&self, connection: &Connection) -> Result<bool, StepError>;
}

/// How long a note of [`Upkeep::first_seen`] is kept.
pub const NOTED_DAYS: i64 = 90;

/// The key of such a note in the table of leases, which cannot be that of a VPC.
pub fn first_seen_key(group: &SecurityGroupId) -> String {
    format!("first-seen/{group}")
}
