//! What goes through an endpoint, as CloudWatch tells.
//!
//! Endpoints report a metric only for minutes in which something went through them
//! ("CloudWatch metrics for AWS PrivateLink" in the PrivateLink guide), so *no
//! data* is how an idle endpoint looks, and also one that is asked about in wrong
//! words. Hence two questions: under which dimensions there is data at all, and
//! what the data are. The adapter is in `guard-removal`, the only function that
//! asks, because the SDK of CloudWatch would make every other one larger.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::StepError;
use crate::aws_errors;
use crate::ids::EndpointId;

/// The namespace of the metrics of endpoints.
pub const NAMESPACE: &str = "AWS/PrivateLinkEndpoints";
/// The dimension that names the endpoint.
pub const ENDPOINT_DIMENSION: &str = "VPC Endpoint Id";
/// How long each value is for, in seconds: endpoints report once in a minute.
pub const PERIOD_SECONDS: i32 = 60;

/// The names and values that tell one series of a metric from another.
pub type Dimensions = BTreeMap<String, String>;

/// Metrics of endpoints in one account and Region.
pub trait Traffic {
    /// The dimensions under which there were data of the endpoint in the last two
    /// weeks. Data that are minutes old may not be listed yet.
    async fn dimensions(&self, endpoint: &EndpointId) -> Result<Vec<Dimensions>, StepError>;
    /// What went through in a window; zero where nothing is known. The ends of the
    /// window are whole minutes.
    async fn carried(&self, of: &Dimensions, window: &Window) -> Result<Carried, StepError>;
}

/// A time, from its first to its last minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When it begins.
    pub from: OffsetDateTime,
    /// When it is over.
    pub until: OffsetDateTime,
}

/// What went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    /// Connections that were opened.
    pub new_connections: u64,
    /// The most connections at once.
    pub most_at_once: u64,
    /// Bytes in both directions.
    pub bytes: u64,
}

/// A metric of endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    NewConnections,
    ActiveConnections,
    BytesProcessed,
}

impl Metric {
    pub const ALL: [Metric; 3] = [
        Metric::NewConnections,
        Metric::ActiveConnections,
        Metric::BytesProcessed,
    ];

    /// By what the answer to a question about it is known: a word that begins with a
    /// small letter.
    pub fn id(self) -> &'static str {
        match self {
            Metric::NewConnections => "new",
            Metric::ActiveConnections => "active",
            Metric::BytesProcessed => "bytes",
        }
    }

    /// Its name, and the statistic that makes one value of those of a period.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Metric::NewConnections => ("NewConnections", "Sum"),
            Metric::ActiveConnections => ("ActiveConnections", "Maximum"),
            Metric::BytesProcessed => ("BytesProcessed", "Sum"),
        }
    }
}

impl Carried {
    /// Adds the values of a metric, one for each period.
    pub fn count(&mut self, metric: Metric, values: &[f64]) {
        // Counts come as floating-point numbers; what is below zero is none.
        let whole = |value: f64| value.round() as u64;
        let sum = || whole(values.iter().sum());
        match metric {
            Metric::NewConnections => self.new_connections += sum(),
            Metric::BytesProcessed => self.bytes += sum(),
            Metric::ActiveConnections => {
                let most = values.iter().copied().fold(0.0, f64::max);
                self.most_at_once = self.most_at_once.max(whole(most));
            }
        }
    }

    /// Adds what went through under other dimensions.
    pub fn and(self, other: Carried) -> Carried {
        Carried {
            new_connections: self.new_connections + other.new_connections,
            most_at_once: self.most_at_once.max(other.most_at_once),
            bytes: self.bytes + other.bytes,
        }
    }

    /// Whether nothing went through.
    pub fn is_nothing(&self) -> bool {
        *self == Carried::default()
    }
}

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} new connections, at most {} at once, {} bytes",
            self.new_connections, self.most_at_once, self.bytes
        )
    }
}

/// Turns an error of CloudWatch into ours: it has none of its own that an endpoint's
/// metrics could cause. `operation` is the name of the action.
pub fn classify(operation: &str, code: &str, message: &str) -> StepError {
    StepError::new(
        aws_errors::common(code, message),
        format!("CloudWatch {operation} answered {code}: {message}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn sums_are_summed_and_peaks_are_compared() {
        let mut carried = Carried::default();
        assert!(carried.is_nothing());
        carried.count(Metric::NewConnections, &[1.0, 2.0]);
        carried.count(Metric::ActiveConnections, &[4.0, 3.0]);
        carried.count(Metric::BytesProcessed, &[10.0, 0.4]);
        carried.count(Metric::ActiveConnections, &[]);
        let more = Carried {
            new_connections: 1,
            most_at_once: 2,
            bytes: 5,
        };
        let all = carried.and(more);
        assert_eq!(
            all.to_string(),
            "4 new connections, at most 4 at once, 15 bytes"
        );
        assert!(!all.is_nothing());
    }

    #[test]
    fn the_least_that_can_go_through_is_something() {
        for metric in Metric::ALL {
            let mut carried = Carried::default();
            carried.count(metric, &[0.0, 1.0]);
            assert!(!carried.is_nothing(), "{metric:?}");
            assert!(!carried.and(Carried::default()).is_nothing(), "{metric:?}");
        }
    }

    #[test]
    fn errors_are_those_of_every_service() {
        let error = classify("GetMetricData", "AccessDenied", "no");
        assert_eq!(error.code, Code::AwsAccessDenied);
        assert_eq!(
            error.detail,
            "CloudWatch GetMetricData answered AccessDenied: no"
        );
    }
}
