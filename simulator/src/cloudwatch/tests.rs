//! What CloudWatch tells of endpoints, and what it does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::{Scenario, Simulator};

const BEGIN: i64 = 1_800_000_000;

struct Stage {
    simulator: Simulator,
    seconds: Arc<AtomicI64>,
    caller: Caller,
}

impl Stage {
    fn new() -> Stage {
        let scenario = Scenario::shipped("connected").unwrap();
        let seconds = Arc::new(AtomicI64::new(BEGIN));
        let clock = Arc::clone(&seconds);
        let simulator = Simulator::new(&scenario, move || {
            OffsetDateTime::from_unix_timestamp(clock.load(Ordering::Relaxed)).unwrap()
        });
        let caller = simulator.look(|world| world.ec2.caller());
        Stage {
            simulator,
            seconds,
            caller,
        }
    }

    fn now(&self) -> OffsetDateTime {
        self.simulator.now()
    }

    fn listed(&self, name: &str, value: &str) -> Vec<Metric> {
        let request = ListMetrics {
            dimensions: Dimensions::from([(name.to_owned(), value.to_owned())]),
            ..ListMetrics::default()
        };
        let asked = self.simulator.call("cloudwatch:ListMetrics", |world| {
            Ok(world.list_metrics(&self.caller, &request))
        });
        asked.unwrap()
    }

    fn data(&self, metric: Metric, stat: &str, minutes: i64) -> Result<Vec<f64>, ApiError> {
        let query = MetricDataQuery {
            id: "q".to_owned(),
            metric_stat: MetricStat {
                metric,
                period: 60,
                stat: stat.to_owned(),
            },
        };
        let request = GetMetricData {
            metric_data_queries: vec![query],
            start_time: self.now() - Duration::minutes(minutes),
            end_time: self.now(),
        };
        self.simulator.meddle(|world| {
            let mut results = world.get_metric_data(&self.caller, &request)?;
            Ok(results.remove(0).values)
        })
    }

    fn whole(&self, name: &str) -> Metric {
        let listed = self.listed("VPC Id", "vpc-0a1b2c3d4e5f60718").into_iter();
        let mut whole = listed.filter(|it| it.name == name);
        whole.find(|it| it.dimensions.len() == 4).unwrap()
    }
}

#[test]
fn an_endpoint_is_measured_as_a_whole_and_by_subnet() {
    let stage = Stage::new();
    let listed = stage.listed("VPC Endpoint Id", "vpce-0a10000000000000e");
    assert_eq!(listed.len(), 12, "three metrics, four series each");
    assert!(stage.listed("VPC Endpoint Id", "vpce-0f").is_empty());
    assert_eq!(
        stage.listed("Subnet Id", "subnet-0a10000000000000a").len(),
        3
    );
    let bytes = stage.data(stage.whole("BytesProcessed"), "Sum", 3).unwrap();
    assert_eq!(bytes, [48_000.0; 3]);
    let active = stage
        .data(stage.whole("ActiveConnections"), "Maximum", 2)
        .unwrap();
    assert_eq!(active, [12.0; 2]);
}

#[test]
fn wrong_dimensions_are_an_empty_answer() {
    let stage = Stage::new();
    let mut metric = stage.whole("BytesProcessed");
    metric.dimensions.remove("Endpoint Type");
    assert_eq!(stage.data(metric, "Sum", 3), Ok(Vec::new()));
}

#[test]
fn what_is_no_longer_available_carries_nothing_from_then_on() {
    let stage = Stage::new();
    let metric = stage.whole("NewConnections");
    stage.simulator.meddle(|world| {
        let endpoint = world.ec2.endpoints.values_mut().next().unwrap();
        endpoint.state = EndpointState::Rejected;
        endpoint.state_since = world.now;
    });
    stage.seconds.fetch_add(600, Ordering::Relaxed);
    assert_eq!(stage.data(metric.clone(), "Sum", 10), Ok(Vec::new()));
    assert_eq!(stage.data(metric, "Sum", 12), Ok(vec![3.0; 2]));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let stage = Stage::new();
    let metric = stage.whole("NewConnections");
    for (stat, minutes) in [("Median", 5), ("Sum", 0), ("Sum", 100_801)] {
        assert!(
            stage.data(metric.clone(), stat, minutes).is_err(),
            "{stat} {minutes}"
        );
    }
}
