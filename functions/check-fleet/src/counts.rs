//! The sums over all connections, and the metrics that are made of them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::ledger::{Connection, Health, HealthStatus, Phase};
use shared::metrics::{self, Metric};
use time::OffsetDateTime;

use crate::judge::Judgement;

/// How the connections stand, by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// All of them.
    pub connections: usize,
    /// As they were asked for.
    pub healthy: usize,
    /// Not as they were asked for.
    pub drifted: usize,
    /// Could not be looked at, or have not settled.
    pub unknown: usize,
    /// A run is at work on them.
    pub pending: usize,
    /// How long the oldest of these runs has been at work, in seconds.
    pub oldest_pending_seconds: u64,
    /// A run has given them up; nothing is left, or what was asked to be kept.
    pub failed: usize,
    /// Something is left that a person must remove.
    pub incomplete: usize,
    /// Their run was stopped from outside.
    pub interrupted: usize,
    /// Could not be looked at for want of an API key that the Cloud API takes.
    pub keys_refused: usize,
}

impl Counts {
    /// Counts a connection that was judged.
    pub(crate) fn add(&mut self, connection: &Connection, health: &Health, found: &Judgement) {
        if connection.phase != Phase::Ready {
            // Its last run left work for a person, or was stopped.
            self.add_over(connection.phase);
        }
        self.connections += 1;
        match health.status {
            HealthStatus::Healthy => self.healthy += 1,
            HealthStatus::Drifted => self.drifted += 1,
            HealthStatus::Unknown => self.unknown += 1,
        }
        if found.unseen.iter().any(|(code, _)| code.is_about_api_key()) {
            self.keys_refused += 1;
        }
    }

    /// Counts a connection by its phase.
    pub(crate) fn add_unjudged(&mut self, connection: &Connection, now: OffsetDateTime) {
        self.connections += 1;
        if connection.phase == Phase::Disconnected {
            // Its entry could not be removed, but there is no such connection.
            self.connections -= 1;
        } else if !self.add_over(connection.phase) {
            self.pending += 1;
            let age = (now - connection.started_at).whole_seconds();
            let age = u64::try_from(age).unwrap_or_default();
            self.oldest_pending_seconds = self.oldest_pending_seconds.max(age);
        }
    }

    /// Counts a run that came to a bad end. Whether it was one.
    fn add_over(&mut self, phase: Phase) -> bool {
        let count = match phase {
            Phase::RolledBack | Phase::KeptAfterFailure => &mut self.failed,
            Phase::RollbackIncomplete | Phase::DisconnectIncomplete => &mut self.incomplete,
            Phase::Interrupted => &mut self.interrupted,
            Phase::Requested
            | Phase::DisconnectRefused
            | Phase::ClusterInspected
            | Phase::NetworkInspected
            | Phase::SecurityGroupMade
            | Phase::EndpointMade
            | Phase::Registered
            | Phase::Accepted
            | Phase::Ready
            | Phase::Disconnecting
            | Phase::Disconnected => return false,
        };
        *count += 1;
        true
    }

    /// The line of metrics of a check of the whole ledger of a stack.
    pub fn metrics(&self, at: OffsetDateTime, stack: &str) -> Value {
        let metrics = [
            Metric::count("Connections", self.connections),
            Metric::count("Healthy", self.healthy),
            Metric::count("Drifted", self.drifted),
            Metric::count("Unknown", self.unknown),
            Metric::count("Pending", self.pending),
            Metric::seconds("OldestPendingSeconds", self.oldest_pending_seconds),
            Metric::count("Failed", self.failed),
            Metric::count("Incomplete", self.incomplete),
            Metric::count("Interrupted", self.interrupted),
            Metric::count("KeysRefused", self.keys_refused),
        ];
        metrics::line(at, stack, &metrics, None, &Map::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::connection;

    #[test]
    fn every_phase_is_counted_once_and_the_oldest_run_is_found() {
        let mut counts = Counts::default();
        let mut connection = connection();
        let now = connection.started_at + time::Duration::minutes(50);
        for phase in Phase::ALL {
            connection.phase = phase;
            counts.add_unjudged(&connection, now);
            connection.started_at += time::Duration::minutes(1);
        }
        let Counts {
            connections,
            pending,
            failed,
            incomplete,
            interrupted,
            ..
        } = counts;
        assert_eq!(connections, Phase::ALL.len() - 1, "one is gone");
        assert_eq!(pending + failed + incomplete + interrupted, connections);
        assert_eq!((failed, incomplete, interrupted), (2, 2, 1));
        assert_eq!(counts.oldest_pending_seconds, 3000);
    }

    #[test]
    fn every_count_is_a_metric() {
        let counts = Counts {
            connections: 3,
            ..Counts::default()
        };
        let line = counts.metrics(OffsetDateTime::UNIX_EPOCH, "staging");
        let told = &line["_aws"]["CloudWatchMetrics"][0];
        let fields = serde_json::to_value(counts).unwrap();
        let fields = fields.as_object().unwrap().len();
        assert_eq!(told["Metrics"].as_array().unwrap().len(), fields);
        assert_eq!(line["Connections"], 3.0);
        assert_eq!(told["Dimensions"], serde_json::json!([["Stack"]]));
    }
}
