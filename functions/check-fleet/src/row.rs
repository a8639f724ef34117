//! What the log is told of each connection at each check: a line of JSON. The dashboard
//! makes the table of what is not healthy of them.

use serde::Serialize;
use serde_json::Value;
use shared::console::Deployed;
use shared::ids::{AccountId, ClusterId, Region, VpcId};
use shared::ledger::{Connection, Health, HealthStatus, Phase};
use time::OffsetDateTime;

/// How one connection stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// How it stands, in a word: its health; `pending` while an execution is at work;
    /// or the phase in which an execution has left it.
    pub standing: &'static str,
    /// The code of why it is not healthy, or `-`. Not `null`, for which a query would
    /// take the code of an earlier line.
    pub code: String,
    /// Since when it stands so.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    pub connection_id: String,
    /// The account of the VPC.
    pub account_id: Option<AccountId>,
    pub region: Region,
    pub vpc_id: VpcId,
    pub cluster_id: ClusterId,
    pub cluster_name: Option<String>,
}

impl Row {
    /// The row of a connection with the health that this check has found, if it was
    /// judged. `None` for one of which nothing is there.
    pub fn of(
        connection: &Connection,
        cluster_name: Option<&str>,
        health: Option<&Health>,
        execution: &str,
    ) -> Option<Self> {
        let (standing, code, since) = standing(connection, health)?;
        let own_account = || Deployed::of(execution)?.account();
        Some(Self {
            standing,
            code: code.unwrap_or("-").to_owned(),
            since,
            connection_id: connection.connection_id.clone(),
            account_id: connection.account().cloned().or_else(own_account),
            region: connection.region.clone(),
            vpc_id: connection.vpc_id.clone(),
            cluster_id: connection.cluster_id.clone(),
            cluster_name: cluster_name.map(str::to_owned),
        })
    }

    /// The line for the log.
    pub fn line(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// How a connection stands, why, and since when.
fn standing<'a>(
    connection: &'a Connection,
    health: Option<&'a Health>,
) -> Option<(&'static str, Option<&'a str>, OffsetDateTime)> {
    if let Some(health) = health {
        let status = health.status.as_str();
        match health.status {
            HealthStatus::Drifted | HealthStatus::Unknown => {
                let worst = health.findings.first();
                return Some((status, worst.map(|it| it.code.as_str()), health.since));
            }
            HealthStatus::Healthy if connection.phase == Phase::Ready => {
                return Some((status, None, health.since));
            }
            // It works, and its last execution has left work for a person.
            HealthStatus::Healthy => {}
        }
    }
    let phase = connection.phase;
    if phase == Phase::Disconnected {
        return None;
    }
    if !phase.is_over() {
        return Some(("pending", None, connection.started_at));
    }
    // The outcome is that of the last execution that could tell one.
    let outcome = connection
        .outcome
        .as_ref()
        .filter(|_| phase != Phase::Interrupted);
    let failure = outcome.and_then(|outcome| outcome.failure.as_ref());
    let code = failure.map(|failure| failure.code.as_str());
    Some((phase.as_str(), code, connection.updated_at))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::ledger::Finding;

    use super::*;
    use crate::tests::connection;

    const EXECUTION: &str = "arn:aws:states:eu-west-1:111122223333:execution:net-check-fleet:1";

    fn health(status: HealthStatus, codes: &[&str]) -> Health {
        let finding = |code: &&str| Finding {
            code: (*code).to_owned(),
            detail: "why".to_owned(),
        };
        Health {
            status,
            findings: codes.iter().map(finding).collect(),
            since: OffsetDateTime::UNIX_EPOCH,
            checked_at: OffsetDateTime::UNIX_EPOCH,
            before: None,
            to_announce: false,
        }
    }

    #[test]
    fn a_row_says_who_how_why_and_since_when() {
        let connection = connection();
        let drifted = health(HealthStatus::Drifted, &["endpoint-gone", "vpc-not-found"]);
        let row = Row::of(&connection, Some("orders"), Some(&drifted), EXECUTION).unwrap();
        assert_eq!(
            row.line(),
            json!({
                "standing": "drifted",
                "code": "endpoint-gone",
                "since": "1970-01-01T00:00:00Z",
                "connection_id": connection.connection_id,
                "account_id": "111122223333",
                "region": connection.region,
                "vpc_id": connection.vpc_id,
                "cluster_id": connection.cluster_id,
                "cluster_name": "orders",
            })
        );
    }

    #[test]
    fn a_healthy_connection_may_have_been_left_to_a_person() {
        let healthy = health(HealthStatus::Healthy, &["security-group-rule-unplanned"]);
        let mut connection = connection();
        for (phase, judged, expected) in [
            (Phase::Ready, Some(&healthy), Some("healthy")),
            (
                Phase::RollbackIncomplete,
                Some(&healthy),
                Some("rollback-incomplete"),
            ),
            (Phase::RolledBack, None, Some("rolled-back")),
            (Phase::Interrupted, None, Some("interrupted")),
            (Phase::Accepted, None, Some("pending")),
            (Phase::Disconnecting, None, Some("pending")),
            (Phase::Disconnected, None, None),
        ] {
            connection.phase = phase;
            let row = Row::of(&connection, None, judged, EXECUTION);
            assert_eq!(
                row.map(|row| (row.standing, row.code)),
                expected.map(|it| (it, "-".to_owned())),
                "{phase:?}"
            );
        }
    }
}
