//! What an execution ends with.
//!
//! Every execution ends in exactly one of: what was asked for (a [`Ready`] connection, or
//! one that is [`Removed`]), or a failure whose cause is [`Explained`]: what failed, why,
//! what to do, what was undone and what is left. The JSON Schemas are kept in `docs/`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ClusterId, EndpointId, Region, RoutingId, VpcId};
use crate::worded::worded;
use crate::{Code, plan};

/// The port on which CockroachDB speaks SQL (CockroachDB Cloud docs, "AWS PrivateLink").
pub const SQL_PORT: u16 = 26257;

/// A working private connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    /// The id of the connection: stable for (account, region, VPC, cluster).
    pub connection_id: String,
    /// The cluster.
    pub cluster_id: ClusterId,
    /// The Region.
    pub region: Region,
    /// The VPC from which the cluster is reached.
    pub vpc_id: VpcId,
    /// The interface endpoint.
    pub endpoint_id: EndpointId,
    /// The host to connect to from inside the VPC.
    pub host: String,
    /// The port to connect to, always 26257.
    pub port: u16,
    /// A connection string without password.
    pub connection_string: String,
    /// What the reader should know about this connection.
    pub notes: Vec<String>,
}

/// What a connection string is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The SQL user; without one the string has a placeholder.
    pub sql_user: Option<String>,
    pub database: String,
    /// What a client of a Standard cluster sends along, because several clusters
    /// may share a host (terraform-provider-cockroach issue 71).
    pub routing_id: Option<RoutingId>,
}

impl Login {
    /// A connection string without password. The cluster's certificate names its
    /// private host, so it can be verified in full only under that name.
    pub fn connection_string(&self, host: &str, verifies_name: bool) -> String {
        let (head, tail) = self.around_host(verifies_name);
        format!("{head}{host}{tail}")
    }

    /// What stands before the host in a connection string, and what behind it.
    pub fn around_host(&self, verifies_name: bool) -> (String, String) {
        let user = self.sql_user.as_deref().unwrap_or("USER");
        let mode = if verifies_name {
            "verify-full"
        } else {
            "verify-ca"
        };
        let options = self
            .routing_id
            .as_ref()
            .map(|id| format!("&options=--cluster%3D{id}"))
            .unwrap_or_default();
        let tail = format!(":{SQL_PORT}/{}?sslmode={mode}{options}", self.database);
        (format!("postgresql://{user}@"), tail)
    }
}

/// A connection that is gone: what an execution of `deprovision` ends with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// The id that the connection had.
    pub connection_id: String,
    /// What was taken back, in order; empty if there was nothing.
    pub undone: Vec<String>,
    /// Whether the cluster was asked. It is not where neither tags nor the ledger tell
    /// of an endpoint that this connection could have registered.
    pub cluster_asked: bool,
    /// Whether the VPC could be asked. Where it could not, the entry of a connection that
    /// had left nothing is forgotten all the same.
    pub vpc_asked: bool,
}

impl Removed {
    /// What is the case now, as the end of a sentence.
    pub fn told(&self) -> String {
        if !self.vpc_asked {
            return "by the ledger nothing was left of the connection, and its entry is gone; neither side was asked".to_owned();
        }
        let told = match (self.undone.is_empty(), self.cluster_asked) {
            (false, true) => "nothing of the connection is left on either side",
            (false, false) => "nothing of the connection is left in the VPC",
            (true, true) => "there was nothing of ours to remove on either side",
            (true, false) => "there was nothing of ours to remove in the VPC",
        };
        let stays: Vec<String> = self.undone.iter().flat_map(|it| plan::stays(it)).collect();
        let stays = match stays.is_empty() {
            true => String::new(),
            false => format!("; what was not ours alone stays: {}", stays.join(", ")),
        };
        let unasked = match self.cluster_asked {
            true => "",
            false => {
                "; the cluster was not asked, because nothing tells of an endpoint that is registered there"
            }
        };
        format!("{told}{stays}{unasked}")
    }
}

// The words are the error names of executions.
worded! {
    /// How an execution that did not reach its goal ended.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    Ending {
        /// Nothing that this execution made is left.
        RolledBack = "RolledBack",
        /// What this execution made was kept, as the request asked for.
        KeptAfterFailure = "KeptAfterFailure",
        /// An undo failed as well; `left` says what remains.
        RollbackIncomplete = "RollbackIncomplete",
        /// The connection could not be removed, or not all of it; `left` says what
        /// remains.
        DisconnectIncomplete = "DisconnectIncomplete",
        /// The connection is protected, or it could not be known whether it is; nothing
        /// was changed.
        DisconnectRefused = "DisconnectRefused",
    }
}

/// What an execution ended with, as `report-outcome` says it and the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// How far the connection has come with this execution.
    pub phase: crate::ledger::Phase,
    /// One sentence for people: what happened, and if it failed why and what to do.
    pub sentence: String,
    /// When the execution ended.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String")]
    pub at: time::OffsetDateTime,
    /// How long the execution took, in seconds.
    pub seconds: u64,
    /// The connection, when it works.
    pub ready: Option<Ready>,
    /// What failed, when it does not.
    pub failure: Option<Explained>,
}

/// Why an execution failed, with the catalogue's words: its cause, as JSON, and part of its
/// outcome in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// The state that failed first.
    pub failed_at: String,
    /// The code of the first error.
    pub code: String,
    /// What exactly happened.
    pub detail: String,
    /// What is the case, in general.
    pub cause: String,
    /// What the reader can do.
    pub fix: String,
    /// What was undone, in order.
    pub undone: Vec<String>,
    /// What is left.
    pub left: Vec<ExplainedLeft>,
}

/// Something that an undo could not remove, with the catalogue's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainedLeft {
    /// What is left, by kind and name.
    pub what: String,
    /// The code of the undo's error.
    pub code: String,
    /// What exactly happened.
    pub detail: String,
    /// What the reader can do.
    pub fix: String,
}

impl Explained {
    /// Reads the cause of a failed execution.
    ///
    /// # Errors
    /// When the cause is not one that our definitions write, as after a time-out
    /// or an abort of the whole execution.
    pub fn parse(cause: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(cause)
    }
}

/// The message within a cause. A function's cause is JSON text with the field
/// `errorMessage`; other causes are plain text.
pub fn message_of(cause: &str) -> String {
    #[derive(Deserialize)]
    struct FunctionError {
        #[serde(rename = "errorMessage")]
        message: String,
    }
    serde_json::from_str::<FunctionError>(cause)
        .map_or_else(|_| cause.to_owned(), |error| error.message)
}

/// The catalogue's code of an error as Step Functions keeps it, and its message without
/// the code.
pub fn code_and_detail(error: &str, cause: &str) -> (Code, String) {
    let message = message_of(cause);
    let code = Code::of_failure(error, &message);
    match message.strip_prefix(&format!("{code}: ")) {
        Some(detail) => (code, detail.to_owned()),
        None => (code, message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_within_a_functions_cause() {
        let cause =
            r#"{"errorType":"InvalidInput","errorMessage":"vpc-not-found: no VPC vpc-0a71e831"}"#;
        assert_eq!(
            code_and_detail("InvalidInput", cause),
            (Code::VpcNotFound, "no VPC vpc-0a71e831".to_owned())
        );
    }

    #[test]
    fn what_stays_is_named_and_is_not_said_to_be_gone() {
        let removed = |undone: &[&str]| Removed {
            connection_id: "c0ffee".to_owned(),
            undone: undone.iter().map(|it| (*it).to_owned()).collect(),
            cluster_asked: true,
            vpc_asked: true,
        };
        let let_go = plan::let_go("endpoint vpce-1", "it was not made by this tool");
        let both = format!("endpoint vpce-2 deleted, {let_go}");
        let stays = "what was not ours alone stays: endpoint vpce-1 (it was not made by this tool)";
        for undone in [&[let_go.as_str()][..], &["security group a deleted", &both]] {
            let told = removed(undone).told();
            assert!(told.ends_with(stays), "{told}");
        }
        let told = removed(&["endpoint vpce-2 deleted"]).told();
        assert_eq!(told, "nothing of the connection is left on either side");
    }

    #[test]
    fn a_connection_string_has_what_the_plan_needs() {
        let mut login = Login {
            sql_user: None,
            database: "defaultdb".into(),
            routing_id: None,
        };
        assert_eq!(
            login.connection_string("internal-shop.example", true),
            "postgresql://USER@internal-shop.example:26257/defaultdb?sslmode=verify-full"
        );
        login.routing_id = "shop-123".parse().ok();
        login.sql_user = Some("app".into());
        assert_eq!(
            login.connection_string("vpce-1.example", false),
            "postgresql://app@vpce-1.example:26257/defaultdb?sslmode=verify-ca&options=--cluster%3Dshop-123"
        );
    }

    #[test]
    fn a_plain_cause_is_its_own_message() {
        assert_eq!(
            code_and_detail("States.Timeout", ""),
            (Code::StepTimedOut, String::new())
        );
        assert_eq!(
            code_and_detail("Rejected", "connection-busy: after 5 s"),
            (Code::ConnectionBusy, "after 5 s".to_owned())
        );
    }
}
