//! The ledger: what was asked for, what was made and how it stands, one
//! [`Connection`] for each connection.
//!
//! The definitions write it by direct integration with DynamoDB, as the executions go
//! along; the functions read it and add what they see ([`Health`]). It is a
//! record: the tags on the AWS resources are the truth, and survive it.
//!
//! Two tables. *Connections* has one item for each connection, key
//! `connection_id`. *Leases* has one item for each VPC that an execution is changing,
//! key `vpc` (`region/vpc-id`), because connections of one VPC share endpoints:
//! its attributes are `holder` (the execution), `connection_id`, and `expires_at`
//! (seconds since 1970, also the table's time to live).

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::StepError;
use crate::config::Setting;
use crate::ids::{AccountId, ClusterId, EndpointId, Region, SecurityGroupId, ServiceName, VpcId};
use crate::ownership::Claim;
use crate::place::Place;
use crate::request::{DeprovisionRequest, Limits, ProvisionRequest, RemovalLimits, Seen};
use crate::subject::Subject;
use crate::worded::worded;

pub mod errors;
pub mod item;
mod upkeep;
pub use upkeep::{Lease, NOTED_DAYS, OwnRegistration, Upkeep, first_seen_key};

worded! {
    /// How far a connection has come.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[derive(Serialize, Deserialize, schemars::JsonSchema)]
    Phase {
        /// An execution has taken the lease.
        Requested = "requested",
        /// The cluster offers its endpoint service.
        ClusterInspected = "cluster-inspected",
        /// Everything is decided, nothing made.
        NetworkInspected = "network-inspected",
        /// The security group exists.
        SecurityGroupMade = "security-group-made",
        /// The endpoint exists.
        EndpointMade = "endpoint-made",
        /// The cluster knows the endpoint.
        Registered = "registered",
        /// Both sides are available.
        Accepted = "accepted",
        /// It works.
        Ready = "ready",
        /// A step failed, and nothing that the execution made is left.
        RolledBack = "rolled-back",
        /// A step failed, and what was made was kept, as asked for.
        KeptAfterFailure = "kept-after-failure",
        /// An undo failed as well; the outcome says what is left.
        RollbackIncomplete = "rollback-incomplete",
        /// It is being removed.
        Disconnecting = "disconnecting",
        /// Nothing of it is left; its entry goes with it.
        Disconnected = "disconnected",
        /// Taking it away failed; the outcome says what is left.
        DisconnectIncomplete = "disconnect-incomplete",
        /// It is protected, so it was not removed: how an execution ends, and never how a
        /// connection stands, because its entry stays as it is.
        DisconnectRefused = "disconnect-refused",
        /// The execution was stopped or timed out from outside; what it made is unknown.
        Interrupted = "interrupted",
    }
}

impl Phase {
    /// Whether no execution is at work on the connection.
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Phase::Ready
                | Phase::RolledBack
                | Phase::KeptAfterFailure
                | Phase::RollbackIncomplete
                | Phase::Disconnected
                | Phase::DisconnectIncomplete
                | Phase::DisconnectRefused
                | Phase::Interrupted
        )
    }
}

/// A phase and when it was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Milestone {
    pub phase: Phase,
    /// When it was reached.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// One connection, as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its id, see [`crate::ownership::connection_id`].
    pub connection_id: String,
    /// The account of the VPC, as far as known.
    pub account_id: Option<AccountId>,
    pub region: Region,
    pub vpc_id: VpcId,
    pub cluster_id: ClusterId,
    /// The name of the cluster, as the last execution that saw it found it.
    pub cluster_name: Option<String>,
    /// What is in force, with all defaults: for a connection that stands, what the last
    /// execution that ended ready was asked for; for any other, what was asked for last.
    pub request: ProvisionRequest,
    /// What the last execution was asked for, as long as it is not in force: the execution is at
    /// work, or it failed and the connection stands as before.
    pub asked: Option<ProvisionRequest>,
    /// How far it has come.
    pub phase: Phase,
    /// The phases of the last execution.
    pub timeline: Vec<Milestone>,
    /// The ARN of the last execution.
    pub execution: String,
    /// When the last execution began.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// When an execution last wrote this item.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// Its endpoint, as soon as it exists.
    pub endpoint_id: Option<EndpointId>,
    /// Its security group, as soon as it exists.
    pub security_group_id: Option<SecurityGroupId>,
    /// The cluster's endpoint service, as soon as it is known.
    pub service_name: Option<ServiceName>,
    /// Since when it stands: when an execution first ended ready. `None` where none did, and
    /// once a removal has begun.
    pub stands_since: Option<OffsetDateTime>,
    /// What clients need, of the last execution that ended ready.
    pub ready: Option<crate::report::Ready>,
    /// What has to be taken back from the cluster when it goes.
    pub registrations: Vec<OwnRegistration>,
    /// What the last execution that came to an end ended with, as `report-outcome` says it.
    pub outcome: Option<crate::report::Outcome>,
    /// What the last check saw.
    pub health: Option<Health>,
}

impl Connection {
    /// Whether it stands: it was ready, and nobody has begun to take it away. Whatever
    /// became of later executions, it is checked, protected and repaired.
    pub fn stands(&self) -> bool {
        self.stands_since.is_some() && !self.removal_has_begun()
    }

    /// Whether nothing of it is there, as far as its entry knows.
    pub fn leaves_nothing(&self) -> bool {
        self.phase == Phase::Disconnected
            || self.phase == Phase::RolledBack && !self.stands() && self.endpoint_id.is_none()
    }

    /// Its endpoint, as far as its entry knows.
    pub fn endpoint(&self) -> Option<&EndpointId> {
        let reported = || Some(&self.ready.as_ref()?.endpoint_id);
        self.endpoint_id.as_ref().or_else(reported)
    }

    /// What the last execution was asked for.
    pub fn last_asked(&self) -> &ProvisionRequest {
        self.asked.as_ref().unwrap_or(&self.request)
    }

    /// The account that it is in: the one where its VPC was found, or else the one that
    /// was asked for. `None` is the account of the stack, as far as known.
    pub fn account(&self) -> Option<&AccountId> {
        self.account_id
            .as_ref()
            .or(self.request.account_id.as_ref())
    }

    /// Where EC2 is asked about it.
    pub fn place(&self) -> Place {
        self.subject().place()
    }

    /// Its use of a resource, as a tag.
    pub fn claim(&self) -> Claim {
        self.subject().claim()
    }

    /// The connection, as the steps of an execution know it.
    pub fn subject(&self) -> Subject {
        Subject {
            connection_id: self.connection_id.clone(),
            account_id: self.account().cloned(),
            region: self.region.clone(),
            vpc_id: self.vpc_id.clone(),
            cluster_id: self.cluster_id.clone(),
        }
    }

    /// How it stands now, for an execution that is to do nothing once that has changed.
    pub fn seen(&self) -> Seen {
        Seen {
            execution: Some(self.execution.clone()),
        }
    }

    /// The request to remove it, as whoever asked for it would ask: where it is, and with
    /// the time for each part that it was asked for with. An entry that was written by
    /// hand may have a limit that no request may have. How long the lease was waited for
    /// when it was made says nothing of its removal.
    pub fn removal(&self) -> DeprovisionRequest {
        let asked = &self.request.limits;
        DeprovisionRequest {
            limits: RemovalLimits {
                undo_seconds: asked
                    .undo_seconds
                    .clamp(Limits::MIN_SECONDS, Limits::MAX.undo_seconds),
                ..RemovalLimits::default()
            },
            requested_by: self.request.requested_by,
            ..DeprovisionRequest::of(self.subject())
        }
    }

    /// Whether the last execution was one that removed it, or began to.
    pub fn removal_has_begun(&self) -> bool {
        removal_has_begun(self.phase, &self.timeline)
    }
}

/// Whether an execution that came to this phase was one that removed the connection, or
/// began to. An interrupted one is known by its milestones.
pub fn removal_has_begun(phase: Phase, timeline: &[Milestone]) -> bool {
    let took_away = |phase| {
        matches!(
            phase,
            Phase::Disconnecting | Phase::Disconnected | Phase::DisconnectIncomplete
        )
    };
    let mut milestones = timeline.iter();
    took_away(phase) || phase == Phase::Interrupted && milestones.any(|it| took_away(it.phase))
}

/// What a check of both sides saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// The verdict.
    pub status: HealthStatus,
    /// What is not as it should be, one sentence each. A healthy connection has
    /// only remarks here, about what does it no harm.
    pub findings: Vec<Finding>,
    /// When this verdict was first reached. One that returns after a while of not
    /// knowing has stood all the time.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// When it was last checked.
    #[serde(with = "time::serde::rfc3339")]
    pub checked_at: OffsetDateTime,
    /// While the status is unknown, the verdict before that, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Verdict>,
    /// Whether the verdict is still to be announced. It stays so until the
    /// announcement is made, so that none is lost; one may come twice.
    #[serde(default)]
    pub to_announce: bool,
}

/// A verdict and since when it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    pub status: HealthStatus,
    /// When it was first reached.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The code; cause and fix stand in the catalogue.
    pub code: String,
    /// What exactly was seen.
    pub detail: String,
}

/// The verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HealthStatus {
    /// Both sides are as they should be.
    Healthy,
    /// Something is not as it should be.
    Drifted,
    /// It could not be looked at.
    Unknown,
}

impl HealthStatus {
    /// All of them.
    pub const ALL: [HealthStatus; 3] = [
        HealthStatus::Healthy,
        HealthStatus::Drifted,
        HealthStatus::Unknown,
    ];

    /// The word for it in the ledger, the API and the events.
    pub fn as_str(self) -> &'static str {
        match self {
            HealthStatus::Healthy => "healthy",
            HealthStatus::Drifted => "drifted",
            HealthStatus::Unknown => "unknown",
        }
    }
}

/// One page of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub connections: Vec<Connection>,
    /// Where the next page begins; `None` on the last one. A connection id, opaque to callers.
    pub next: Option<String>,
}

/// The entries of a page where all of them are wanted.
const PAGE: u32 = 500;

/// The key of the lease of a VPC.
pub fn lease_key(region: &Region, vpc: &VpcId) -> String {
    format!("{region}/{vpc}")
}

/// The names of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// The table of connections.
    pub connections: Setting,
    /// The table of leases.
    pub leases: Setting,
}

/// The table of connections, and the leases.
pub trait Ledger {
    /// One connection.
    ///
    /// # Errors
    /// [`crate::Code::LedgerItemUnreadable`], and like every method those of AWS.
    async fn connection(&self, id: &str) -> Result<Option<Connection>, StepError>;
    /// Up to `limit` connections after the one with that id, in an order that stays.
    /// Those that do not read are left out, with a warning in the log.
    async fn connections(&self, after: Option<&str>, limit: u32) -> Result<Page, StepError>;
    /// Meets every connection, page by page.
    async fn every_entry(&self, mut meet: impl FnMut(Connection)) -> Result<(), StepError> {
        let mut after = None;
        loop {
            let page = self.connections(after.as_deref(), PAGE).await?;
            page.connections.into_iter().for_each(&mut meet);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }
    /// Writes what a check saw. A connection that was forgotten meanwhile stays forgotten.
    async fn record_health(&self, id: &str, health: &Health) -> Result<(), StepError>;
    /// Notes that the execution `execution` was stopped from outside: the phase becomes
    /// [`Phase::Interrupted`] if the connection was last written by that execution and
    /// its phase is not over, and it counts as updated now. Otherwise nothing happens.
    async fn record_interruption(&self, id: &str, execution: &str) -> Result<(), StepError>;
    /// Gives the lease of a VPC back, if `execution` holds it.
    async fn release_lease(
        &self,
        region: &Region,
        vpc: &VpcId,
        execution: &str,
    ) -> Result<(), StepError>;
    /// Lets the lease of a VPC end at this time, if `execution` holds it and it would
    /// last longer: for an execution that was stopped, and of which something may still act.
    async fn shorten_lease(
        &self,
        region: &Region,
        vpc: &VpcId,
        execution: &str,
        until: OffsetDateTime,
    ) -> Result<(), StepError>;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::RequestedBy;

    /// An entry that was asked for with these limits, of a VPC that was found in this account.
    fn entry(account: Option<&str>, limits: &serde_json::Value) -> Connection {
        let request = json!({
            "cluster_id": "1a2b3c4d-0000-4000-8000-000000000001",
            "region": "eu-west-1",
            "vpc_id": "vpc-0a71e831cb5152c43",
            "account_id": "444455556666",
            "limits": limits,
            "requested_by": "vpc-tag",
        });
        let request: ProvisionRequest = serde_json::from_value(request).unwrap();
        let subject = request.subject();
        let at = OffsetDateTime::UNIX_EPOCH;
        Connection {
            connection_id: subject.connection_id,
            account_id: account.map(|account| account.parse().unwrap()),
            region: subject.region,
            vpc_id: subject.vpc_id,
            cluster_id: subject.cluster_id,
            cluster_name: None,
            request,
            asked: None,
            phase: Phase::Ready,
            timeline: Vec::new(),
            execution: "arn:last".to_owned(),
            started_at: at,
            updated_at: at,
            endpoint_id: None,
            security_group_id: None,
            service_name: None,
            stands_since: Some(at),
            ready: None,
            registrations: Vec::new(),
            outcome: None,
            health: None,
        }
    }

    #[test]
    fn a_removal_asks_where_the_connection_is_and_with_its_own_limits() {
        let own = json!({ "undo_seconds": 77, "lease_seconds": 88 });
        let entry = entry(Some("111122223333"), &own);
        let removal = entry.removal();
        assert_eq!(removal.subject(), entry.subject());
        let limits = json!({ "undo_seconds": 77, "lease_seconds": 3600 });
        assert_eq!(json!(removal.limits), limits);
        assert_eq!(removal.requested_by, RequestedBy::VpcTag);
        assert_eq!(
            (removal.force, removal.unless_traffic_minutes),
            (false, None)
        );
        assert_eq!(removal.unless_changed, None);
        assert_eq!(entry.seen().execution.as_deref(), Some("arn:last"));
    }

    #[test]
    fn the_account_of_a_connection_is_where_its_vpc_was_found() {
        for (found, expected) in [
            (Some("111122223333"), "111122223333"),
            (None, "444455556666"),
        ] {
            let entry = entry(found, &json!({}));
            for account in [
                entry.place().account_id,
                entry.subject().account_id,
                entry.removal().account_id,
            ] {
                let account = account.as_ref().map(AccountId::as_str);
                assert_eq!(account, Some(expected), "{found:?}");
            }
        }
    }

    #[test]
    fn a_removal_of_whatever_entry_is_a_request_that_is_taken() {
        for limits in [
            json!({}),
            json!({ "undo_seconds": 0, "lease_seconds": 1 }),
            json!({ "undo_seconds": 999_999, "lease_seconds": 999_999 }),
        ] {
            let removal = entry(None, &limits).removal();
            let read = DeprovisionRequest::parse(&json!(removal)).unwrap();
            assert_eq!(read, removal);
        }
    }
}
