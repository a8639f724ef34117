//! The adapter: CloudWatch by the AWS SDK.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::http::HttpResponse;
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, DimensionFilter, Metric as Series, MetricDataQuery, MetricStat, StatusCode,
};
use shared::ids::EndpointId;
use shared::traffic::{
    Carried, Dimensions, ENDPOINT_DIMENSION, Metric, NAMESPACE, PERIOD_SECONDS, Traffic, Window,
    classify,
};
use shared::{Code, StepError, sdk};

/// CloudWatch in one account and Region.
#[derive(Debug, Clone)]
pub struct CloudWatch {
    client: Client,
}

impl CloudWatch {
    /// CloudWatch with the credentials and Region of the configuration.
    pub fn new(config: &aws_config::SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }
}

impl Traffic for CloudWatch {
    async fn dimensions(&self, endpoint: &EndpointId) -> Result<Vec<Dimensions>, StepError> {
        let filter = DimensionFilter::builder()
            .name(ENDPOINT_DIMENSION)
            .value(endpoint.as_str());
        let request = self.client.list_metrics().namespace(NAMESPACE);
        let mut pages = request.dimensions(filter.build()).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure("ListMetrics", &error))?;
            found.extend(page.metrics().iter().map(dimensions_of));
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    async fn carried(&self, of: &Dimensions, window: &Window) -> Result<Carried, StepError> {
        let queries = Metric::ALL.iter().map(|metric| query(*metric, of));
        let request = self.client.get_metric_data();
        let request = request.set_metric_data_queries(Some(queries.collect()));
        let request = request
            .start_time(DateTime::from_secs(window.from.unix_timestamp()))
            .end_time(DateTime::from_secs(window.until.unix_timestamp()));
        let mut pages = request.into_paginator().send();
        let mut carried = Carried::default();
        // A result that is only a part is continued on the next page.
        let mut unfinished = Metric::ALL.to_vec();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure("GetMetricData", &error))?;
            for result in page.metric_data_results() {
                let metric = Metric::ALL
                    .into_iter()
                    .find(|metric| result.id() == Some(id(*metric)));
                let Some(metric) = metric else { continue };
                carried.count(metric, result.values());
                match result.status_code() {
                    Some(StatusCode::Complete) => unfinished.retain(|it| *it != metric),
                    Some(StatusCode::PartialData) => {}
                    other => return Err(unreadable(metric, other)),
                }
            }
        }
        match unfinished.first() {
            None => Ok(carried),
            Some(metric) => Err(unreadable(*metric, None)),
        }
    }
}

fn dimensions_of(series: &Series) -> Dimensions {
    let dimensions = series.dimensions().iter();
    dimensions
        .filter_map(|it| Some((it.name()?.to_owned(), it.value()?.to_owned())))
        .collect()
}

/// By what the answer to a question is known: it must begin with a small letter.
fn id(metric: Metric) -> &'static str {
    match metric {
        Metric::NewConnections => "new",
        Metric::ActiveConnections => "active",
        Metric::BytesProcessed => "bytes",
    }
}

fn query(metric: Metric, of: &Dimensions) -> MetricDataQuery {
    let (name, statistic) = metric.words();
    let dimensions = of
        .iter()
        .map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let series = Series::builder()
        .namespace(NAMESPACE)
        .metric_name(name)
        .set_dimensions(Some(dimensions.collect()));
    let values = MetricStat::builder()
        .metric(series.build())
        .period(PERIOD_SECONDS)
        .stat(statistic);
    let query = MetricDataQuery::builder().id(id(metric));
    query.metric_stat(values.build()).build()
}

/// A result that is not whole says nothing of what is missing. CloudWatch calls it
/// a fault of its own that may pass ("GetMetricData", `StatusCode`).
fn unreadable(metric: Metric, status: Option<&StatusCode>) -> StepError {
    let (name, _) = metric.words();
    let status = status.map_or("incomplete", StatusCode::as_str);
    let code = match status {
        "Forbidden" => Code::AwsAccessDenied,
        _ => Code::AwsUnavailable,
    };
    StepError::new(
        code,
        format!("CloudWatch GetMetricData answered {status} for {name}"),
    )
}

fn failure<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> StepError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let asked = format!("CloudWatch {operation}");
    sdk::failure(&asked, error, |code, message| {
        classify(operation, code, message)
    })
}
