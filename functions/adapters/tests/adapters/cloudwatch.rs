//! The adapter over HTTP on loopback, against the simulator, which speaks CloudWatch's
//! own protocol: does it ask and read as the port in the same process does?

use std::net::{Ipv4Addr, SocketAddr};

use adapters::aws::aws_at;
use adapters::cloudwatch::CloudWatch;
use in_process::InProcess;
use shared::Code;
use shared::config::DEFAULT_SECRET;
use shared::ids::EndpointId;
use shared::traffic::{Carried, Traffic, Window};
use simulator::http::Server;
use simulator::{Fault, FaultKind, Moment, Scenario, Simulator};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::stage::says;

const NOW: OffsetDateTime = datetime!(2027-01-15 08:00 UTC);

struct Stage {
    simulator: Simulator,
    server: Server,
    endpoint: EndpointId,
}

impl Stage {
    async fn new() -> Stage {
        let scenario = Scenario::shipped("connected").unwrap();
        let simulator = Simulator::new(&scenario, || NOW);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Stage {
            server: Server::start(simulator.clone(), address).await.unwrap(),
            simulator,
            endpoint: scenario.vpcs[0].endpoints[0].id.parse().unwrap(),
        }
    }

    async fn adapter(&self, region: &str) -> CloudWatch {
        CloudWatch::new(&aws_at(&self.server.url(), region).await.sdk)
    }

    fn in_process(&self) -> InProcess {
        InProcess::new(self.simulator.clone(), DEFAULT_SECRET)
    }
}

fn last(minutes: i64) -> Window {
    Window {
        from: NOW - Duration::minutes(minutes),
        until: NOW + Duration::MINUTE,
    }
}

#[tokio::test]
async fn it_reads_what_there_is() {
    let stage = Stage::new().await;
    let (adapter, ports) = (stage.adapter("eu-west-1").await, stage.in_process());
    let listed = adapter.dimensions(&stage.endpoint).await.unwrap();
    assert_eq!(listed, ports.dimensions(&stage.endpoint).await.unwrap());
    assert_eq!(listed.len(), 4, "the whole and three subnets: {listed:?}");
    let whole = listed.iter().min_by_key(|it| it.len()).unwrap();
    let an_hour = Carried {
        new_connections: 180,
        most_at_once: 12,
        bytes: 2_880_000,
    };
    for (minutes, expected) in [(60, an_hour), (10_080, week(&an_hour))] {
        let window = last(minutes);
        assert_eq!(adapter.carried(whole, &window).await.unwrap(), expected);
        assert_eq!(ports.carried(whole, &window).await.unwrap(), expected);
    }
    let part = listed.iter().max_by_key(|it| it.len()).unwrap();
    let third = adapter.carried(part, &last(60)).await.unwrap();
    assert_eq!(third.bytes, an_hour.bytes / 3);
}

fn week(an_hour: &Carried) -> Carried {
    Carried {
        new_connections: an_hour.new_connections * 168,
        most_at_once: an_hour.most_at_once,
        bytes: an_hour.bytes * 168,
    }
}

#[tokio::test]
async fn what_is_not_there_is_nothing() {
    let stage = Stage::new().await;
    let elsewhere = stage.adapter("us-east-1").await;
    assert!(
        elsewhere
            .dimensions(&stage.endpoint)
            .await
            .unwrap()
            .is_empty()
    );
    let here = stage.adapter("eu-west-1").await;
    let of = here.dimensions(&stage.endpoint).await.unwrap().remove(0);
    assert!(
        elsewhere
            .carried(&of, &last(60))
            .await
            .unwrap()
            .is_nothing()
    );
    let other = "vpce-0a1000000000000ff".parse().unwrap();
    assert!(here.dimensions(&other).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_error_keeps_its_meaning() {
    for (kind, code) in [
        (FaultKind::Denied, Code::AwsAccessDenied),
        (FaultKind::Throttle, Code::AwsThrottled),
        (FaultKind::ServerError, Code::AwsUnavailable),
        (FaultKind::CutOff, Code::AwsUnavailable),
        (FaultKind::UnknownCode, Code::UnexpectedAwsAnswer),
    ] {
        for operation in ["cloudwatch:ListMetrics", "cloudwatch:GetMetricData"] {
            let stage = Stage::new().await;
            let adapter = stage.adapter("eu-west-1").await;
            let of = adapter.dimensions(&stage.endpoint).await.unwrap().remove(0);
            let fault = Fault::from_then_on(operation, 1, kind, Moment::Before);
            stage.simulator.add_fault(fault);
            let error = match operation {
                "cloudwatch:ListMetrics" => adapter.dimensions(&stage.endpoint).await.err(),
                _ => adapter.carried(&of, &last(5)).await.err(),
            };
            assert_eq!(error.unwrap().code, code, "{operation}");
        }
    }
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused() {
    let stage = Stage::new().await;
    let adapter = stage.adapter("eu-west-1").await;
    let of = adapter.dimensions(&stage.endpoint).await.unwrap().remove(0);
    let backwards = Window {
        from: NOW,
        until: NOW - Duration::MINUTE,
    };
    let error = adapter.carried(&of, &backwards).await.unwrap_err();
    says(&error, Code::UnexpectedAwsAnswer, "StartTime");
}
