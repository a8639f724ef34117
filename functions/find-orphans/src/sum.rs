//! The sums over all places, and the metrics that are made of them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::metrics::{self, Metric};
use shared::places::Unseen;
use time::OffsetDateTime;

use crate::gather::Seen;
use crate::{Finding, Kind};

/// What was found so far, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// Places that were looked at.
    pub places: usize,
    /// Connections that something with our tags was found of.
    pub connections: usize,
    /// Entries of the whole ledger that know of something which is there.
    pub recorded: usize,
    /// Connections with tags and without such an entry.
    pub unrecorded: usize,
    pub findings: usize,
    /// Those of them that a sweep can remove now.
    pub removable: usize,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

impl Sum {
    /// Adds a place with all its findings.
    pub(crate) fn add(&mut self, seen: &Seen, findings: &[Finding]) {
        let of = |kind| findings.iter().filter(|it| it.kind == kind).count();
        self.places += 1;
        self.connections += seen.things.len();
        self.unrecorded += of(Kind::Unrecorded) + of(Kind::LeftOver);
        self.findings += findings.len();
        self.removable += findings.iter().filter(|it| it.removal.is_some()).count();
        for (id, cluster) in &seen.clusters {
            let error = cluster.as_ref().err();
            if let Some(error) = error {
                Unseen::new(format!("cluster {id}"), error).add_to(&mut self.unseen);
            }
        }
    }

    /// Whether the ledger was rather lost than that these are orphans: it knows no
    /// more connections than it does not know. A ledger that somebody has lost
    /// begins to fill again with the next connection, so being empty is no measure.
    pub fn looks_lost(&self) -> bool {
        self.unrecorded > 0 && self.unrecorded >= self.recorded
    }

    /// The line of metrics of a sweep of all places of a stack.
    pub fn metrics(&self, at: OffsetDateTime, stack: &str) -> Value {
        let metrics = [
            Metric::count("Orphans", self.findings),
            Metric::count("OrphansRemovable", self.removable),
            Metric::count("SweepUnseen", self.unseen.len()),
        ];
        metrics::line(at, stack, &metrics, None, &Map::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_that_knows_less_than_it_does_not_know_looks_lost() {
        for (recorded, unrecorded, lost) in [
            (0, 0, false),
            (0, 1, true),
            (1, 1, true),
            (2, 1, false),
            (5, 5, true),
            (5, 4, false),
        ] {
            let sum = Sum {
                recorded,
                unrecorded,
                ..Sum::default()
            };
            assert_eq!(sum.looks_lost(), lost, "{recorded}, {unrecorded}");
        }
    }
}
