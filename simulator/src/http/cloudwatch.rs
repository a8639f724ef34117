//! The HTTP face of CloudWatch: Smithy's protocol RPC v2 CBOR, which its SDKs
//! speak ("Smithy RPC v2 CBOR protocol" in the Smithy documentation). A member that
//! nobody here knows is refused, not ignored.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ec2::caller;
use crate::calls::{ApiError, Refusal};
use crate::simulator::Simulator;
use crate::world::World;

/// What the paths begin with; the operation follows.
const PREFIX: &str = "/service/GraniteServiceVersion20100801/operation/";

/// Whether a request is for this service.
pub(super) fn is_meant(parts: &Parts) -> bool {
    parts.uri.path().starts_with(PREFIX)
}

pub(super) fn answer(sim: &Simulator, parts: &Parts, body: &[u8]) -> Result<Response, Refusal> {
    let operation = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let caller = caller(sim, parts);
    let run = |world: &mut World| match operation {
        "ListMetrics" => {
            let metrics = world.list_metrics(&caller, &read(body)?);
            Ok(written("Metrics", &metrics))
        }
        "GetMetricData" => {
            let results = world.get_metric_data(&caller, &read(body)?)?;
            Ok(written("MetricDataResults", &results))
        }
        _ => Err(ApiError::new(404, "UnknownOperationException", operation)),
    };
    match sim.call(&format!("cloudwatch:{operation}"), run) {
        Ok(answer) => Ok(respond(StatusCode::OK, answer)),
        Err(Refusal::Answer(error)) => Ok(refused(&error)),
        Err(silent @ (Refusal::TimedOut | Refusal::CutOff)) => Err(silent),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    ciborium::from_reader(body)
        .map_err(|error| ApiError::new(400, "SerializationException", error.to_string()))
}

/// An answer with one member.
fn written(member: &str, content: impl Serialize) -> Vec<u8> {
    to_bytes(&BTreeMap::from([(member, content)]))
}

fn to_bytes(body: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(body, &mut bytes).expect("nothing fails that is written to memory");
    bytes
}

fn refused(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status);
    let kind = format!("com.amazonaws.cloudwatch#{}", error.code);
    let body = BTreeMap::from([("__type", &kind), ("message", &error.message)]);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(status, to_bytes(&body))
}

fn respond(status: StatusCode, body: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/cbor"),
        ("smithy-protocol", "rpc-v2-cbor"),
    ];
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use ciborium::{Value, cbor};

    use super::*;
    use crate::cloudwatch::GetMetricData;

    /// A request in its own words, with one change.
    fn read_changed(change: fn(&mut Vec<(Value, Value)>)) -> Result<GetMetricData, ApiError> {
        let at = |seconds: Value| Value::Tag(1, Box::new(seconds));
        let mut members: Vec<(Value, Value)> = vec![
            (
                "MetricDataQueries".into(),
                cbor!([{
                    "Id" => "q",
                    "MetricStat" => {
                        "Metric" => {
                            "Namespace" => "n",
                            "MetricName" => "m",
                            "Dimensions" => [{ "Name" => "a", "Value" => "b" }],
                        },
                        "Period" => 60,
                        "Stat" => "Sum",
                    },
                }])
                .unwrap(),
            ),
            ("StartTime".into(), at(Value::Float(1.5))),
            ("EndTime".into(), at(Value::Integer(120.into()))),
        ];
        change(&mut members);
        read(&to_bytes(&Value::Map(members)))
    }

    #[test]
    fn a_request_is_read_with_times_of_both_kinds() {
        let asked = read_changed(|_| {}).unwrap();
        assert_eq!((asked.end_time - asked.start_time).whole_seconds(), 119);
        let metric = &asked.metric_data_queries[0].metric_stat.metric;
        assert_eq!(metric.dimensions["a"], "b");
    }

    #[test]
    fn what_is_not_known_is_refused_by_name_and_what_is_malformed_too() {
        type Change = fn(&mut Vec<(Value, Value)>);
        let rows: [(Change, &str); 4] = [
            (|it| it.push(("ScanBy".into(), "x".into())), "ScanBy"),
            (|it| it.truncate(2), "EndTime"),
            (|it| it[2].1 = Value::Integer(120.into()), "a point in time"),
            (
                |it| it[0].1 = cbor!([{ "Expression" => "m1 + m2" }]).unwrap(),
                "Expression",
            ),
        ];
        for (change, named) in rows {
            let error = read_changed(change).unwrap_err();
            assert_eq!(error.code, "SerializationException");
            assert!(error.message.contains(named), "{error}");
        }
    }
}
