//! What the tests of the doors put into the world, and what they look at.

use serde_json::{Value, json};
use shared::executions::Machine;
use shared::ids::{Region, VpcId};
use shared::ledger::{Connection, Milestone, Phase, item, lease_key};
use shared::request::{DeprovisionRequest, ProvisionRequest};
use simulator::step_functions::{Execution, ExecutionStatus};

use super::InProcess;
use super::stage::entry;

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
        let (table, _) = self.tables();
        self.write("PutItem", json!({ "TableName": table, "Item": attributes }));
    }

    /// Writes into the ledger without that being a call.
    fn write(&self, operation: &str, request: Value) {
        let written = self.simulator.meddle(|world| {
            let home = world.ec2.caller();
            world.dynamodb(&home, operation, &request)
        });
        assert!(written.is_ok(), "the ledger takes {request}: {written:?}");
    }

    /// What the ledger has of a connection. That is no call.
    ///
    /// # Panics
    /// When the item does not read.
    pub fn recorded(&self, id: &str) -> Option<Connection> {
        self.simulator.look(|world| {
            let items = world.dynamodb.items(&world.stack.connections_table);
            let item = items.get(id)?;
            let read = item::read(|name| item[name]["S"].as_str());
            Some(read.expect("an item that reads"))
        })
    }

    /// Takes a connection out of the ledger. That is no call.
    ///
    /// # Panics
    /// When the ledger does not let go of it.
    pub fn forget_connection(&self, id: &str) {
        let (table, _) = self.tables();
        let key = json!({ item::CONNECTION_ID: { "S": id } });
        self.write("DeleteItem", json!({ "TableName": table, "Key": key }));
    }

    /// Writes into the ledger what a run of `provision` or `deprovision` writes there
    /// first. That is no call.
    ///
    /// # Panics
    /// When the input of the run is no request.
    pub fn begin_run(&self, run: &Execution) {
        let at = self.simulator.look(|world| world.now);
        let input: Value = serde_json::from_str(&run.input).expect("the input of a run");
        let begun = if run.machine == self.machine_arn(Machine::Provision) {
            let request = ProvisionRequest::parse(&input).expect("a request");
            Some(entry(request, Phase::Requested, at))
        } else {
            let request = DeprovisionRequest::parse(&input).expect("a request");
            let before = self.recorded(&request.subject().connection_id);
            let phase = Phase::Disconnecting;
            before.map(|before| Connection {
                phase,
                timeline: vec![Milestone { phase, at }],
                ..before
            })
        };
        if let Some(begun) = begun {
            self.put_connection(&Connection {
                execution: run.arn.clone(),
                started_at: at,
                updated_at: at,
                ..begun
            });
        }
    }

    /// Gives the lease of a VPC to a run, until a moment in seconds since 1970.
    /// That is no call.
    ///
    /// # Panics
    /// When the table does not take it.
    pub fn put_lease(&self, region: &Region, vpc: &VpcId, holder: &str, expires_at: i64) {
        let (_, table) = self.tables();
        let attributes = json!({
            item::LEASE: { "S": lease_key(region, vpc) },
            item::HOLDER: { "S": holder },
            item::EXPIRES_AT: { "N": expires_at.to_string() },
        });
        self.write("PutItem", json!({ "TableName": table, "Item": attributes }));
    }

    /// The run that holds the lease of a VPC, as long as the lease lasts.
    pub fn lease_holder(&self, region: &Region, vpc: &VpcId) -> Option<String> {
        self.simulator.look(|world| {
            let leases = world.dynamodb.items(&world.stack.leases_table);
            let lease = leases.get(&lease_key(region, vpc))?;
            let expires_at: i64 = lease[item::EXPIRES_AT]["N"].as_str()?.parse().ok()?;
            let holder = lease[item::HOLDER]["S"].as_str();
            let lasts = world.now.unix_timestamp() <= expires_at;
            holder.filter(|_| lasts).map(str::to_owned)
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
