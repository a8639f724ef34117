//! Figures for CloudWatch in its embedded metric format: one line of JSON in the
//! log, which CloudWatch turns into metrics (CloudWatch user guide, "Specification:
//! Embedded metric format"). So a function needs no permission and no call for them.

use std::io::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::{Code, StepError};

/// The namespace of all our metrics.
pub const NAMESPACE: &str = "CrdbPrivateLink";

/// The dimension that every metric has: the name of the stack. Without it the stacks of
/// one account and Region would add up, and ring each other's alarms.
pub const STACK: &str = "Stack";

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

/// The line for the figures of one moment, of a stack.
///
/// `by` is a dimension besides [`STACK`], and its value. Every combination of values is
/// billed as a metric, so what has many values (a VPC, a cluster) belongs to
/// `properties`, which can be searched for in the log and cost nothing. None of these
/// may bear the name of a metric.
pub fn line(
    at: OffsetDateTime,
    stack: &str,
    metrics: &[Metric],
    by: Option<(&'static str, &str)>,
    properties: &Map<String, Value>,
) -> Value {
    let described: Vec<Value> = metrics
        .iter()
        .map(|metric| json!({"Name": metric.name, "Unit": metric.unit}))
        .collect();
    let mut line = properties.clone();
    let dimensions = [Some((STACK, stack)), by];
    let mut names = Vec::new();
    for (name, value) in dimensions.into_iter().flatten() {
        line.insert(name.to_owned(), json!(value));
        names.push(name);
    }
    for metric in metrics {
        line.insert(metric.name.to_owned(), json!(metric.value));
    }
    let directive = json!({
        "Namespace": NAMESPACE,
        "Dimensions": [names],
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

/// The line for a call that failed because EC2 or the Cloud API throttled it; `None` if
/// something else was the matter.
///
/// It is counted here and not by a filter on the log: the values of a filter's dimensions
/// are fields of the log event, and a metric has a dimension only if its field is found
/// (CloudFormation reference, `AWS::Logs::MetricFilter Dimension`). No line of the log
/// tells its stack.
pub fn throttled(at: OffsetDateTime, stack: &str, error: &StepError) -> Option<Value> {
    if !matches!(error.code, Code::AwsThrottled | Code::CloudRateLimited) {
        return None;
    }
    let mut properties = Map::new();
    properties.insert("code".to_owned(), json!(error.code.as_str()));
    let metric = Metric::count("Throttled", 1);
    Some(line(at, stack, &[metric], None, &properties))
}

/// Prints a line as it is. Through `tracing` it would be wrapped in a line of the
/// log, where CloudWatch does not see it. For the process of a function only: other
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
            "staging",
            &[
                Metric::count("RunsEnded", 1),
                Metric::seconds("RunSeconds", 217),
            ],
            Some(("Phase", "ready")),
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
                        "Dimensions": [["Stack", "Phase"]],
                        "Metrics": [
                            {"Name": "RunsEnded", "Unit": "Count"},
                            {"Name": "RunSeconds", "Unit": "Seconds"},
                        ],
                    }],
                },
                "Stack": "staging",
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
            "staging",
            &[],
            None,
            properties.as_object().unwrap(),
        );
        assert!(!line.to_string().contains('\n'));
    }

    #[test]
    fn only_what_was_throttled_is_counted_as_throttled() {
        let counted = |code| {
            let error = StepError::new(code, "slow down");
            throttled(OffsetDateTime::UNIX_EPOCH, "staging", &error)
        };
        for code in Code::ALL {
            let is_throttled = ["aws-throttled", "cloud-rate-limited"].contains(&code.as_str());
            assert_eq!(counted(*code).is_some(), is_throttled, "{code}");
        }
        let line = counted(Code::AwsThrottled).unwrap();
        assert_eq!(
            (&line["Throttled"], &line["Stack"], &line["code"]),
            (&json!(1.0), &json!("staging"), &json!("aws-throttled"))
        );
    }
}
