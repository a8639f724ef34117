//! Figures for CloudWatch in its embedded metric format: one line of JSON in the
//! log, which CloudWatch turns into metrics (CloudWatch user guide, "Specification:
//! Embedded metric format"). So a function needs no permission and no call for them.

use std::io::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

/// The namespace of all our metrics.
pub const NAMESPACE: &str = "CrdbPrivateLink";

/// What a value counts, in the words of CloudWatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// Pieces.
    Count,
    Seconds,
}

/// A figure of one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// The figure, which must be finite.
    pub value: f64,
}

impl Metric {
    /// So many pieces.
    pub fn count(name: &'static str, pieces: usize) -> Self {
        Self {
            name,
            unit: Unit::Count,
            value: pieces as f64,
        }
    }

    /// So many seconds.
    pub fn seconds(name: &'static str, seconds: u64) -> Self {
        Self {
            name,
            unit: Unit::Seconds,
            value: seconds as f64,
        }
    }
}

/// The line for the figures of one moment.
///
/// `dimensions` are names and values; each set of names in `sets` makes a metric of
/// its own, `&[]` the one without any. Every combination of values is billed as a
/// metric, so what has many values (a VPC, a cluster) belongs to `properties`,
/// which can be searched for in the log and cost nothing. Neither may bear the
/// name of a metric.
pub fn line(
    at: OffsetDateTime,
    metrics: &[Metric],
    dimensions: &[(&'static str, &str)],
    sets: &[&[&'static str]],
    properties: &Map<String, Value>,
) -> Value {
    let described: Vec<Value> = metrics
        .iter()
        .map(|metric| json!({"Name": metric.name, "Unit": metric.unit}))
        .collect();
    let mut line = properties.clone();
    for (name, value) in dimensions {
        line.insert((*name).to_owned(), json!(value));
    }
    for metric in metrics {
        line.insert(metric.name.to_owned(), json!(metric.value));
    }
    let directive = json!({
        "Namespace": NAMESPACE,
        "Dimensions": sets,
        "Metrics": described,
    });
    let milliseconds = at.unix_timestamp_nanos() / 1_000_000;
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": i64::try_from(milliseconds).unwrap_or_default(),
            "CloudWatchMetrics": [directive],
        }),
    );
    Value::Object(line)
}

/// Prints a line as it is. Through `tracing` it would be wrapped in a line of the
/// log, where CloudWatch does not see it. For `main.rs` of a function only: other
/// programs that call the same handler have other uses for their output.
pub fn print(line: &Value) {
    // Without the log there is nobody to tell, and the work is done all the same.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn example() -> Value {
        let properties = json!({"vpc_id": "vpc-0a71e831", "code": null});
        line(
            datetime!(2026-11-22 18:00:00.25 UTC),
            &[
                Metric::count("RunsEnded", 1),
                Metric::seconds("RunSeconds", 217),
            ],
            &[("Machine", "provision"), ("Phase", "ready")],
            &[&[], &["Machine"], &["Machine", "Phase"]],
            properties.as_object().unwrap(),
        )
    }

    #[test]
    fn a_line_is_as_cloudwatch_reads_it() {
        assert_eq!(
            example(),
            json!({
                "_aws": {
                    "Timestamp": 1_795_370_400_250_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "CrdbPrivateLink",
                        "Dimensions": [[], ["Machine"], ["Machine", "Phase"]],
                        "Metrics": [
                            {"Name": "RunsEnded", "Unit": "Count"},
                            {"Name": "RunSeconds", "Unit": "Seconds"},
                        ],
                    }],
                },
                "Machine": "provision",
                "Phase": "ready",
                "RunsEnded": 1.0,
                "RunSeconds": 217.0,
                "vpc_id": "vpc-0a71e831",
                "code": null,
            })
        );
    }

    #[test]
    fn a_line_is_one_line() {
        let properties = json!({"detail": "two\nlines"});
        let line = line(
            OffsetDateTime::UNIX_EPOCH,
            &[],
            &[],
            &[&[]],
            properties.as_object().unwrap(),
        );
        assert!(!line.to_string().contains('\n'));
    }
}
