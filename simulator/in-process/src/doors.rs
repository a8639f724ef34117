//! What the tests of the doors put into the world, and what they look at.

use serde_json::json;
use shared::ids::{Region, VpcId};
use shared::ledger::{Connection, item, lease_key};
use simulator::step_functions::{Execution, ExecutionStatus};

use super::InProcess;

impl InProcess {
    /// Puts a connection into the ledger, as a run that was there before would
    /// have. That is no call.
    ///
    /// # Panics
    /// When the ledger does not take it.
    pub fn put_connection(&self, connection: &Connection) {
        let texts = item::write(connection).into_iter();
        let attributes: serde_json::Map<_, _> = texts
            .map(|(name, text)| (name.to_owned(), json!({ "S": text })))
            .collect();
        self.simulator.meddle(|world| {
            let (home, table) = (world.ec2.caller(), world.stack.connections_table.clone());
            let request = json!({ "TableName": table, "Item": attributes });
            let put = world.dynamodb(&home, "PutItem", &request);
            assert!(put.is_ok(), "the ledger takes a connection: {put:?}");
        });
    }

    /// Gives the lease of a VPC to a run, until a moment in seconds since 1970.
    /// That is no call.
    ///
    /// # Panics
    /// When the table does not take it.
    pub fn put_lease(&self, region: &Region, vpc: &VpcId, holder: &str, expires_at: i64) {
        self.simulator.meddle(|world| {
            let (home, table) = (world.ec2.caller(), world.stack.leases_table.clone());
            let attributes = json!({
                item::LEASE: { "S": lease_key(region, vpc) },
                item::HOLDER: { "S": holder },
                "expires_at": { "N": expires_at.to_string() },
            });
            let request = json!({ "TableName": table, "Item": attributes });
            let put = world.dynamodb(&home, "PutItem", &request);
            assert!(put.is_ok(), "the table takes a lease: {put:?}");
        });
    }

    /// The run that holds the lease of a VPC.
    pub fn lease_holder(&self, region: &Region, vpc: &VpcId) -> Option<String> {
        self.simulator.look(|world| {
            let leases = world.dynamodb.items(&world.stack.leases_table);
            let lease = leases.get(&lease_key(region, vpc))?;
            lease[item::HOLDER]["S"].as_str().map(str::to_owned)
        })
    }

    /// Every run that was started, in order.
    pub fn started(&self) -> Vec<Execution> {
        self.simulator
            .look(|world| world.step_functions.executions.clone())
    }

    pub fn end_run(&self, execution: &str, status: ExecutionStatus) {
        self.simulator.meddle(|world| {
            let now = world.now;
            world.step_functions.end(execution, status, None, now);
        });
    }
}
