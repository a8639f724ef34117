//! The stack of this project in the account of the callers, and its roles in
//! other accounts.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The key of the table of connections.
pub(crate) const CONNECTION_ID: &str = "connection_id";

/// The names of what the stack has in the account and Region of the scenario.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StackSpec {
    /// The table with one item for each connection, key `connection_id`.
    pub connections_table: String,
    /// The table with one item for each VPC that is being changed, key `vpc`.
    pub leases_table: String,
    /// The state machine that makes a connection.
    pub provision_machine: String,
    /// The state machine that takes one away.
    pub deprovision_machine: String,
    /// The state machine that checks connections.
    pub check_fleet_machine: String,
    /// What the table of connections holds: items of texts, each with its key.
    pub connections: Vec<BTreeMap<String, String>>,
    /// The security groups that a sweep has seen before, by id, and how many hours ago
    /// it saw each for the first time. The table of leases has a note of it.
    pub groups_seen: BTreeMap<String, u32>,
}

impl Default for StackSpec {
    fn default() -> Self {
        let name = |what: &str| format!("crdb-privatelink-{what}");
        StackSpec {
            connections_table: name("connections"),
            leases_table: name("leases"),
            provision_machine: name("provision"),
            deprovision_machine: name("deprovision"),
            check_fleet_machine: name("check-fleet"),
            connections: Vec::new(),
            groups_seen: BTreeMap::new(),
        }
    }
}

/// A role in some account that trusts the account of the scenario.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleSpec {
    pub account: String,
    pub name: String,
    /// What the trust policy wants as `sts:ExternalId`; nothing if left out.
    pub external_id: Option<String>,
}
