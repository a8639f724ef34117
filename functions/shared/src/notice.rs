//! What is announced on the bus when a connection came to be, failed, went, or
//! changed its health.
//!
//! `report-outcome`, `check-fleet` and `find-orphans` make it, the definitions put it on
//! the bus as it is, and the JSON Schema is in `docs/`. Every field is always there; `null`
//! says that there is nothing to say. The same event may come twice.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ClusterId, Region, VpcId};
use crate::ledger::{HealthStatus, Phase};

/// The `source` of all our events.
pub const SOURCE: &str = "crdb-privatelink";

/// The `detail-type` of all our events.
pub const DETAIL_TYPES: [&str; 6] = [
    "Connection Ready",
    "Connection Failed",
    "Connection Removed",
    "Connection Drifted",
    "Connection Recovered",
    "Connection Orphaned",
];

/// The `detail` of an event of source `crdb-privatelink`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The version of this form, 1. Fields may be added to a version.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The connection.
    pub connection_id: String,
    /// The account of the VPC, as far as known.
    pub account_id: Option<AccountId>,
    /// The Region of the VPC.
    pub region: Region,
    /// The VPC.
    pub vpc_id: VpcId,
    /// The cluster.
    pub cluster_id: ClusterId,
    /// How far the connection has come, where an execution has ended.
    pub phase: Option<Phase>,
    /// How it is, where a check has seen a change.
    pub health: Option<HealthStatus>,
    /// The code of what is not as it should be.
    pub code: Option<String>,
    /// What happened and what to do, for people.
    pub sentence: String,
    /// What is the case in general, from the catalogue.
    pub cause: Option<String>,
    /// What the reader can do, from the catalogue.
    pub fix: Option<String>,
    /// The ARN of the execution that says so.
    pub execution: String,
}
