//! The adapter: CloudWatch by the AWS SDK.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::http::HttpResponse;
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, DimensionFilter, Metric as Series, MetricDataQuery, MetricDataResult, MetricStat,
    StatusCode,
};
use shared::ids::EndpointId;
use shared::traffic::{
    Carried, Dimensions, ENDPOINT_DIMENSION, Metric, NAMESPACE, PERIOD_SECONDS, Traffic, Window,
    classify,
};
use shared::{Code, StepError};

use crate::sdk;

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
        let mut reading = Reading::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure("GetMetricData", &error))?;
            reading.page(page.metric_data_results())?;
        }
        reading.whole()
    }
}

/// The results of a question, page after page: one that is only a part is continued
/// on the next.
#[derive(Debug, Default)]
struct Reading {
    carried: Carried,
    complete: BTreeSet<Metric>,
}

impl Reading {
    fn page(&mut self, results: &[MetricDataResult]) -> Result<(), StepError> {
        for metric in Metric::ALL {
            let of_metric = |it: &&MetricDataResult| it.id() == Some(metric.id());
            for result in results.iter().filter(of_metric) {
                self.carried.count(metric, result.values());
                match result.status_code() {
                    Some(StatusCode::Complete) => {
                        self.complete.insert(metric);
                    }
                    Some(StatusCode::PartialData) => {}
                    other => return Err(unreadable(metric, other)),
                }
            }
        }
        Ok(())
    }

    fn whole(self) -> Result<Carried, StepError> {
        let mut all = Metric::ALL.into_iter();
        match all.find(|metric| !self.complete.contains(metric)) {
            None => Ok(self.carried),
            Some(metric) => Err(unreadable(metric, None)),
        }
    }
}

fn dimensions_of(series: &Series) -> Dimensions {
    let dimensions = series.dimensions().iter();
    dimensions
        .filter_map(|it| Some((it.name()?.to_owned(), it.value()?.to_owned())))
        .collect()
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
    let query = MetricDataQuery::builder().id(metric.id());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn result(metric: Metric, values: &[f64], status: StatusCode) -> MetricDataResult {
        let result = MetricDataResult::builder().id(metric.id());
        let result = result.set_values(Some(values.to_vec()));
        result.status_code(status).build()
    }

    #[test]
    fn what_comes_in_parts_is_put_together() {
        let mut reading = Reading::default();
        let [new, active, bytes] = Metric::ALL;
        let first = [
            result(new, &[1.0], StatusCode::Complete),
            result(active, &[2.0], StatusCode::Complete),
            result(bytes, &[3.0], StatusCode::PartialData),
        ];
        reading.page(&first).unwrap();
        let rest = [result(bytes, &[4.0], StatusCode::Complete)];
        reading.page(&rest).unwrap();
        let whole = reading.whole().unwrap();
        assert_eq!((whole.new_connections, whole.bytes), (1, 7));
    }

    #[test]
    fn what_is_missing_is_not_taken_for_nothing() {
        let [new, active, bytes] = Metric::ALL;
        let mut reading = Reading::default();
        let some = [
            result(new, &[], StatusCode::Complete),
            result(active, &[], StatusCode::Complete),
        ];
        reading.page(&some).unwrap();
        reading
            .page(&[result(bytes, &[], StatusCode::PartialData)])
            .unwrap();
        assert_eq!(reading.whole().unwrap_err().code, Code::AwsUnavailable);
        for (status, code) in [
            (StatusCode::Forbidden, Code::AwsAccessDenied),
            (StatusCode::InternalError, Code::AwsUnavailable),
        ] {
            let page = [result(bytes, &[], status)];
            assert_eq!(Reading::default().page(&page).unwrap_err().code, code);
        }
    }
}
