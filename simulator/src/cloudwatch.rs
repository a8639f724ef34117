//! CloudWatch, as far as it tells what goes through endpoints: the namespace
//! `AWS/PrivateLinkEndpoints`.
//!
//! Sources: "CloudWatch metrics for AWS PrivateLink" in the PrivateLink guide for
//! metrics, dimensions and when they are reported; the CloudWatch API reference
//! for the two actions. A metric without data is an empty answer and no error, so
//! a caller who asks with the wrong dimensions sees an endpoint without traffic.

#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::authorization::Authorization;
use crate::calls::{ApiError, Caller};
use crate::context::Context;
use crate::ec2::{Endpoint, EndpointState};
use crate::faults::FaultKind;
use crate::scenario::{Scenario, TrafficSpec};

const NAMESPACE: &str = "AWS/PrivateLinkEndpoints";
/// Data of one minute is kept for 15 days.
const KEPT: Duration = Duration::days(15);
/// `ListMetrics` names what had data in the last two weeks.
const LISTED: Duration = Duration::days(14);
const MINUTE: Duration = Duration::MINUTE;
/// Quotas of `GetMetricData`: queries, and data points of a page.
const MOST_QUERIES: usize = 500;
const MOST_POINTS: i64 = 100_800;

/// The endpoints of the world, by id.
type Endpoints = BTreeMap<String, Endpoint>;

/// The names and values that tell one series of a metric from another.
pub type Dimensions = BTreeMap<String, String>;

/// What there is to be measured.
#[derive(Debug, Clone)]
pub struct CloudWatch {
    began: OffsetDateTime,
    /// By the id of the endpoint.
    traffic: BTreeMap<String, TrafficSpec>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListMetrics {
    pub namespace: Option<String>,
    pub metric_name: Option<String>,
    /// Dimensions that it must have among its own.
    #[serde(default, with = "wire::dimensions")]
    pub dimensions: Dimensions,
}

/// A series of a metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Metric {
    pub namespace: String,
    #[serde(rename = "MetricName")]
    pub name: String,
    #[serde(default, with = "wire::dimensions")]
    pub dimensions: Dimensions,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetMetricData {
    /// What is asked for.
    pub metric_data_queries: Vec<MetricDataQuery>,
    #[serde(deserialize_with = "wire::moment")]
    pub start_time: OffsetDateTime,
    #[serde(deserialize_with = "wire::moment")]
    pub end_time: OffsetDateTime,
}

/// A question of [`GetMetricData`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MetricDataQuery {
    /// By what the answer is known.
    pub id: String,
    /// What is asked for.
    pub metric_stat: MetricStat,
}

/// A series, and how its values become one for each period.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MetricStat {
    pub metric: Metric,
    /// How long each value is for, in seconds.
    pub period: i64,
    /// How the values of a period become one.
    pub stat: String,
}

/// The answer to one question, the newest value first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricDataResult {
    /// The id of the question.
    pub id: String,
    /// Always `Complete`, because there are no pages.
    pub status_code: &'static str,
    /// When each period began.
    #[serde(serialize_with = "wire::moments")]
    pub timestamps: Vec<OffsetDateTime>,
    pub values: Vec<f64>,
}

impl CloudWatch {
    pub(crate) fn new(scenario: &Scenario, now: OffsetDateTime) -> CloudWatch {
        let endpoints = scenario.vpcs.iter().flat_map(|vpc| &vpc.endpoints);
        CloudWatch {
            began: now,
            traffic: endpoints
                .filter_map(|endpoint| Some((endpoint.id.clone(), endpoint.traffic.clone()?)))
                .collect(),
        }
    }

    /// From now on this goes through an endpoint, and did so ever since; or nothing.
    pub fn carry(&mut self, endpoint: &str, traffic: Option<TrafficSpec>) {
        self.traffic.remove(endpoint);
        let traffic = traffic.map(|traffic| (endpoint.to_owned(), traffic));
        self.traffic.extend(traffic);
    }

    /// From when to when something goes through an endpoint. What was there in the
    /// beginning was used ever since; what is not available carries nothing.
    fn flows(&self, endpoint: &Endpoint, now: OffsetDateTime) -> Option<Flow<'_>> {
        let spec = self.traffic.get(&endpoint.id)?;
        let stopped = match (spec.stopped_before, endpoint.state) {
            (Some(before), _) => self.began - before,
            (None, EndpointState::Available | EndpointState::Pending) => now,
            (None, _) => endpoint.state_since,
        };
        Some(Flow {
            spec,
            until: minute_of(stopped.min(now)),
        })
    }

    /// The endpoints of the caller through which something went.
    fn used<'w>(
        &'w self,
        endpoints: &'w Endpoints,
        caller: &'w Caller,
        now: OffsetDateTime,
    ) -> impl Iterator<Item = (&'w Endpoint, Flow<'w>)> {
        endpoints
            .values()
            .filter(|endpoint| endpoint.owner == caller.account && endpoint.region == caller.region)
            .filter_map(move |endpoint| Some((endpoint, self.flows(endpoint, now)?)))
    }
}

/// What goes through an endpoint, minute by minute.
#[derive(Clone)]
struct Flow<'w> {
    spec: &'w TrafficSpec,
    until: OffsetDateTime,
}

impl Flow<'_> {
    /// One value for a period, if anything was reported in it.
    fn value(
        &self,
        name: &str,
        stat: &str,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Option<f64> {
        let minutes = (self.until.min(to) - from).whole_minutes();
        let each = match name {
            "ActiveConnections" => self.spec.active_connections,
            "BytesProcessed" => self.spec.bytes,
            "NewConnections" => self.spec.new_connections,
            _ => return None,
        };
        (minutes > 0).then(|| match stat {
            "Sum" => f64::from(each) * minutes as f64,
            _ => f64::from(each),
        })
    }
}

impl CloudWatch {
    /// Lists the series that had data in the last two weeks.
    pub(crate) fn list_metrics(
        &self,
        mut context: Context<'_>,
        endpoints: &Endpoints,
        request: &ListMetrics,
    ) -> Vec<Metric> {
        let (caller, now) = (context.caller, context.now);
        context.needs(|| vec![Authorization::new(caller, "cloudwatch:ListMetrics", "*")]);
        let mut listed = BTreeSet::new();
        for (endpoint, flow) in self.used(endpoints, caller, now) {
            if flow.until <= now - LISTED {
                continue;
            }
            for (dimensions, _) in series(endpoint) {
                for name in ["ActiveConnections", "BytesProcessed", "NewConnections"] {
                    listed.insert(Metric {
                        namespace: NAMESPACE.to_owned(),
                        name: name.to_owned(),
                        dimensions: dimensions.clone(),
                    });
                }
            }
        }
        let is = |asked: &Option<String>, has: &str| asked.as_deref().is_none_or(|it| it == has);
        listed.retain(|metric| {
            is(&request.namespace, &metric.namespace)
                && is(&request.metric_name, &metric.name)
                && request
                    .dimensions
                    .iter()
                    .all(|(name, value)| metric.dimensions.get(name) == Some(value))
        });
        listed.into_iter().collect()
    }

    /// Answers with the values of some series between two times.
    pub(crate) fn get_metric_data(
        &self,
        mut context: Context<'_>,
        endpoints: &Endpoints,
        request: &GetMetricData,
    ) -> Result<Vec<MetricDataResult>, ApiError> {
        let (caller, now) = (context.caller, context.now);
        context.needs(|| vec![Authorization::new(caller, "cloudwatch:GetMetricData", "*")]);
        check(request)?;
        let answer = request.metric_data_queries.iter().map(|query| {
            let MetricStat {
                metric,
                period,
                stat,
            } = &query.metric_stat;
            let series = self
                .used(endpoints, caller, now)
                .flat_map(|(endpoint, flow)| {
                    series(endpoint)
                        .map(move |(dimensions, share)| (dimensions, share, flow.clone()))
                })
                .find(|(dimensions, ..)| {
                    metric.namespace == NAMESPACE && *dimensions == metric.dimensions
                });
            let mut result = MetricDataResult {
                id: query.id.clone(),
                status_code: "Complete",
                timestamps: Vec::new(),
                values: Vec::new(),
            };
            let Some((_, share, flow)) = series else {
                return result;
            };
            let period = Duration::seconds(*period);
            let mut from = minute_of(request.start_time).max(minute_of(now - KEPT));
            while from < request.end_time {
                let value = flow.value(&metric.name, stat, from, from + period);
                if let Some(value) = value {
                    result.timestamps.push(from);
                    result.values.push(value / share);
                }
                from += period;
            }
            result.timestamps.reverse();
            result.values.reverse();
            result
        });
        Ok(answer.collect())
    }
}

/// The series of an endpoint: one of the whole, and one of each subnet. With each
/// goes by what the numbers of the whole are to be divided.
fn series(endpoint: &Endpoint) -> impl Iterator<Item = (Dimensions, f64)> {
    let whole: Dimensions = [
        ("Endpoint Type", endpoint.kind.word()),
        ("Service Name", &endpoint.service_name),
        ("VPC Endpoint Id", &endpoint.id),
        ("VPC Id", &endpoint.vpc_id),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    let count = endpoint.interfaces.len() as f64;
    let subnets = endpoint.interfaces.iter().map(|interface| {
        let mut dimensions = whole.clone();
        dimensions.insert("Subnet Id".to_owned(), interface.subnet_id.clone());
        (dimensions, count)
    });
    let subnets: Vec<_> = subnets.collect();
    std::iter::once((whole, 1.0)).chain(subnets)
}

fn check(request: &GetMetricData) -> Result<(), ApiError> {
    let queries = &request.metric_data_queries;
    if request.start_time >= request.end_time {
        return Err(invalid(
            "The parameter StartTime must be less than the parameter EndTime.",
        ));
    }
    if queries.is_empty() || queries.len() > MOST_QUERIES {
        return Err(invalid(
            "The parameter MetricDataQueries must have 1 to 500 members.",
        ));
    }
    let mut ids = BTreeSet::new();
    let mut points = 0;
    for query in queries {
        let small = query
            .id
            .chars()
            .next()
            .is_some_and(|c| c.is_ascii_lowercase());
        if !small || !ids.insert(&query.id) {
            return Err(invalid(
                "Each Id must be unique and begin with a lowercase letter.",
            ));
        }
        let MetricStat { period, stat, .. } = &query.metric_stat;
        if *period < 60 || period % 60 != 0 {
            return Err(invalid("The parameter Period must be a multiple of 60."));
        }
        if !["Sum", "Maximum"].contains(&stat.as_str()) {
            let message = format!("The simulator does not know the Stat {stat}.");
            return Err(invalid(message));
        }
        points += (request.end_time - request.start_time).whole_seconds() / period + 1;
    }
    if points > MOST_POINTS {
        return Err(invalid("The simulator has no pages of metric data."));
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidParameterValue", message)
}

fn minute_of(at: OffsetDateTime) -> OffsetDateTime {
    at - Duration::seconds(at.unix_timestamp() % MINUTE.whole_seconds())
        - Duration::nanoseconds(i64::from(at.nanosecond()))
}

/// What a fault looks like here ("Common Error Types" in the CloudWatch API reference).
pub(crate) fn render_fault(kind: FaultKind, name: &str) -> ApiError {
    let (status, code) = match kind {
        FaultKind::Throttle => (400, "ThrottlingException"),
        FaultKind::Denied => (403, "AccessDeniedException"),
        FaultKind::NotFound => (404, "ResourceNotFoundException"),
        FaultKind::Conflict => (409, "ConflictException"),
        FaultKind::UnknownCode => (400, "SimulatedUndocumented"),
        FaultKind::ServerError | FaultKind::Timeout | FaultKind::CutOff => {
            (500, "InternalServiceFault")
        }
    };
    ApiError::new(
        status,
        code,
        format!("{name} failed as the simulator was told."),
    )
}
