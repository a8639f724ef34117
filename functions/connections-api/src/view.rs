//! Connections as callers see them.

use schemars::JsonSchema;
use serde::Serialize;
use shared::Code;
use shared::gateway::ConnectionRequest;
use shared::ids::{AccountId, ClusterId, EndpointId, Region, SecurityGroupId, ServiceName, VpcId};
use shared::ledger::{Connection, Finding, Health, HealthStatus, Phase};
use shared::report::Outcome;
use shared::request::RequestedBy;
use time::OffsetDateTime;

use crate::steps::{self, Progress, Step};

/// One page of connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConnectionPage {
    /// The connections, in an order that stays. A page may have fewer than asked
    /// for, and even none, when a filter lets few through.
    pub connections: Vec<ConnectionSummary>,
    /// What to send as `next` for the page after this one; left out on the last one.
    pub next: Option<String>,
}

/// A connection in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConnectionSummary {
    /// Its id.
    #[schemars(extend("pattern" = "^[0-9a-f]{16}$"))]
    pub connection_id: String,
    /// The account of the VPC, as far as known.
    pub account_id: Option<AccountId>,
    /// The AWS Region.
    pub region: Region,
    /// The VPC.
    pub vpc_id: VpcId,
    /// The cluster.
    pub cluster_id: ClusterId,
    /// How far it has come.
    pub phase: Phase,
    /// Who asked for what is in force.
    pub requested_by: RequestedBy,
    /// The endpoint, as soon as it exists.
    pub endpoint_id: Option<EndpointId>,
    /// The verdict of the last check.
    pub health: Option<HealthStatus>,
    /// The code of the failure that the last execution ended with.
    pub code: Option<String>,
    /// When an execution last wrote its record.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub updated_at: OffsetDateTime,
}

/// A connection with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Connection")]
pub struct ConnectionView {
    /// Its id.
    #[schemars(extend("pattern" = "^[0-9a-f]{16}$"))]
    pub connection_id: String,
    /// The account of the VPC, as far as known.
    pub account_id: Option<AccountId>,
    /// The AWS Region.
    pub region: Region,
    /// The VPC.
    pub vpc_id: VpcId,
    /// The cluster.
    pub cluster_id: ClusterId,
    /// How far it has come.
    pub phase: Phase,
    /// How far the last execution has come, in numbers.
    pub progress: Progress,
    /// The steps of the last execution.
    pub steps: Vec<Step>,
    /// The phases of the last execution.
    pub timeline: Vec<Reached>,
    /// What the last execution that came to an end ended with.
    pub outcome: Option<Outcome>,
    /// The last execution, if it was to change a connection that stands, and failed: how it
    /// stands is told by all the rest.
    pub attempt: Option<Attempt>,
    /// What the last check saw.
    pub health: Option<HealthView>,
    /// The host to connect to from inside the VPC, once the connection works.
    pub host: Option<String>,
    /// The port to connect to.
    pub port: Option<u16>,
    /// A connection string without password.
    pub connection_string: Option<String>,
    /// The endpoint, as soon as it exists.
    pub endpoint_id: Option<EndpointId>,
    /// The security group, as soon as it exists.
    pub security_group_id: Option<SecurityGroupId>,
    /// The cluster's endpoint service, as soon as it is known.
    pub service_name: Option<ServiceName>,
    /// Who asked for what is in force.
    pub requested_by: RequestedBy,
    /// What is in force, with all defaults; it can be sent again.
    pub request: ConnectionRequest,
    /// The ARN of the last execution.
    pub execution: String,
    /// When the last execution began.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started_at: OffsetDateTime,
    /// When an execution last wrote this record.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub updated_at: OffsetDateTime,
}

/// An execution that failed on a connection that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Attempt {
    /// What was asked for.
    pub request: ConnectionRequest,
    /// Who asked.
    pub requested_by: RequestedBy,
    /// When the execution began.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started_at: OffsetDateTime,
    /// The code that it failed with, as far as known.
    pub code: Option<String>,
}

impl Attempt {
    fn of(connection: &Connection) -> Option<Self> {
        let asked = connection.asked.clone()?;
        let outcome = connection.outcome.as_ref();
        let failure = outcome.and_then(|outcome| outcome.failure.as_ref());
        connection.phase.is_over().then(|| Self {
            requested_by: asked.requested_by,
            request: ConnectionRequest(asked),
            started_at: connection.started_at,
            code: failure.map(|failure| failure.code.clone()),
        })
    }
}

/// A phase and when it was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reached {
    /// The phase.
    pub phase: Phase,
    /// When it was reached.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: OffsetDateTime,
}

/// What a check of both sides saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Health")]
pub struct HealthView {
    /// The verdict.
    pub status: HealthStatus,
    /// What was seen, one entry each.
    pub findings: Vec<ExplainedFinding>,
    /// When this verdict was first reached.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: OffsetDateTime,
    /// When it was last checked.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub checked_at: OffsetDateTime,
}

/// One thing that a check saw, with the catalogue's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExplainedFinding {
    /// The stable code.
    pub code: String,
    /// What exactly was seen.
    pub detail: String,
    /// What is the case, in general.
    pub cause: Option<String>,
    /// What the reader can do.
    pub fix: Option<String>,
}

impl ConnectionSummary {
    pub(crate) fn of(connection: Connection) -> Self {
        let failure = connection.outcome.and_then(|outcome| outcome.failure);
        Self {
            connection_id: connection.connection_id,
            account_id: connection.account_id,
            region: connection.region,
            vpc_id: connection.vpc_id,
            cluster_id: connection.cluster_id,
            phase: connection.phase,
            requested_by: connection.request.requested_by,
            endpoint_id: connection.endpoint_id,
            health: connection.health.map(|health| health.status),
            // While a run is under way, the failure of the one before is history.
            code: failure
                .filter(|_| connection.phase.is_over())
                .map(|failure| failure.code),
            updated_at: connection.updated_at,
        }
    }
}

impl ConnectionView {
    pub(crate) fn of(connection: Connection) -> Self {
        let (steps, progress) = steps::of(&connection);
        let goes = steps::is_removal(connection.phase);
        let attempt = Attempt::of(&connection);
        // What is being taken away is not offered any more.
        let ready = connection.ready.filter(|_| !goes);
        let (host, port, connection_string) = ready.map_or((None, None, None), |ready| {
            (
                Some(ready.host),
                Some(ready.port),
                Some(ready.connection_string),
            )
        });
        let reached = |it: shared::ledger::Milestone| Reached {
            phase: it.phase,
            at: it.at,
        };
        Self {
            connection_id: connection.connection_id,
            account_id: connection.account_id,
            region: connection.region,
            vpc_id: connection.vpc_id,
            cluster_id: connection.cluster_id,
            phase: connection.phase,
            progress,
            steps,
            timeline: connection.timeline.into_iter().map(reached).collect(),
            outcome: connection.outcome,
            attempt,
            health: connection.health.map(HealthView::of),
            host,
            port,
            connection_string,
            endpoint_id: connection.endpoint_id,
            security_group_id: connection.security_group_id,
            service_name: connection.service_name,
            requested_by: connection.request.requested_by,
            request: ConnectionRequest(connection.request),
            execution: connection.execution,
            started_at: connection.started_at,
            updated_at: connection.updated_at,
        }
    }
}

impl HealthView {
    fn of(health: Health) -> Self {
        Self {
            status: health.status,
            findings: health.findings.into_iter().map(explained).collect(),
            since: health.since,
            checked_at: health.checked_at,
        }
    }
}

fn explained(finding: Finding) -> ExplainedFinding {
    let code = Code::parse(&finding.code);
    ExplainedFinding {
        cause: code.map(|code| code.cause().to_owned()),
        fix: code.map(|code| code.fix().to_owned()),
        code: finding.code,
        detail: finding.detail,
    }
}
