//! Metrics of endpoints.

use shared::StepError;
use shared::ids::EndpointId;
use shared::traffic::{
    Carried, Dimensions, ENDPOINT_DIMENSION, Metric, NAMESPACE, PERIOD_SECONDS, Traffic, Window,
    classify,
};
use simulator::cloudwatch::{self, GetMetricData, ListMetrics, MetricDataQuery, MetricStat};
use simulator::{ApiError, Refusal, World};

use super::InProcess;

impl Traffic for InProcess {
    async fn dimensions(&self, endpoint: &EndpointId) -> Result<Vec<Dimensions>, StepError> {
        let request = ListMetrics {
            namespace: Some(NAMESPACE.to_owned()),
            metric_name: None,
            dimensions: Dimensions::from([(ENDPOINT_DIMENSION.to_owned(), endpoint.to_string())]),
        };
        let listed = self
            .cloudwatch("ListMetrics", |world| {
                Ok(world.list_metrics(&self.caller, &request))
            })
            .await?;
        let mut found: Vec<_> = listed.into_iter().map(|it| it.dimensions).collect();
        found.sort();
        found.dedup();
        Ok(found)
    }

    async fn carried(&self, of: &Dimensions, window: &Window) -> Result<Carried, StepError> {
        let queries = Metric::ALL.map(|metric| query(metric, of));
        let request = GetMetricData {
            metric_data_queries: queries.into(),
            start_time: window.from,
            end_time: window.until,
        };
        let results = self
            .cloudwatch("GetMetricData", |world| {
                world.get_metric_data(&self.caller, &request)
            })
            .await?;
        let mut carried = Carried::default();
        for (metric, result) in Metric::ALL.into_iter().zip(results) {
            carried.count(metric, &result.values);
        }
        Ok(carried)
    }
}

fn query(metric: Metric, of: &Dimensions) -> MetricDataQuery {
    let (name, stat) = metric.words();
    MetricDataQuery {
        id: metric.id().to_owned(),
        metric_stat: MetricStat {
            metric: cloudwatch::Metric {
                namespace: NAMESPACE.to_owned(),
                name: name.to_owned(),
                dimensions: of.clone(),
            },
            period: i64::from(PERIOD_SECONDS),
            stat: stat.to_owned(),
        },
    }
}

impl InProcess {
    async fn cloudwatch<T>(
        &self,
        operation: &str,
        effect: impl FnOnce(&mut World) -> Result<T, ApiError>,
    ) -> Result<T, StepError> {
        let answered = self
            .called(&format!("cloudwatch:{operation}"), effect)
            .await;
        answered.map_err(|refusal| match refusal {
            Refusal::Answer(error) => classify(operation, &error.code, &error.message),
            silent @ (Refusal::TimedOut | Refusal::CutOff) => {
                classify(operation, "RequestTimeout", &silent.to_string())
            }
        })
    }
}
