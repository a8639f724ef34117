//! The HTTP face of CloudWatch: Smithy's protocol RPC v2 CBOR, which its SDKs
//! speak ("Smithy RPC v2 CBOR protocol" in the Smithy documentation).

use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ciborium::Value;
use time::OffsetDateTime;

use super::ec2::caller;
use crate::calls::{ApiError, Caller, Refusal};
use crate::cloudwatch::{
    Dimensions, ListMetrics, Metric, MetricDataQuery, MetricDataResult, invalid,
};
use crate::simulator::Simulator;
use crate::world::World;

/// What the paths begin with; the operation follows.
const PREFIX: &str = "/service/GraniteServiceVersion20100801/operation/";
/// The tag of a point in time, in seconds since 1970.
const EPOCH: u64 = 1;

/// Whether a request is for this service.
pub(super) fn is_meant(parts: &Parts) -> bool {
    parts.uri.path().starts_with(PREFIX)
}

/// Answers a request.
pub(super) fn answer(sim: &Simulator, parts: &Parts, body: &[u8]) -> Result<Response, Refusal> {
    let operation = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let caller = caller(sim, parts);
    let run = |world: &mut World| {
        let request: Value = ciborium::from_reader(body)
            .map_err(|error| ApiError::new(400, "SerializationException", error.to_string()))?;
        match operation {
            "ListMetrics" => list_metrics(world, &caller, &request),
            "GetMetricData" => get_metric_data(world, &caller, &request),
            _ => Err(ApiError::new(404, "UnknownOperationException", operation)),
        }
    };
    match sim.call(&format!("cloudwatch:{operation}"), run) {
        Ok(answer) => Ok(respond(StatusCode::OK, &answer)),
        Err(Refusal::Answer(error)) => Ok(refused(&error)),
        Err(silent @ (Refusal::TimedOut | Refusal::CutOff)) => Err(silent),
    }
}

fn list_metrics(world: &mut World, caller: &Caller, request: &Value) -> Result<Value, ApiError> {
    let mut asked = ListMetrics::default();
    for (name, value) in members(request)? {
        match name {
            "Namespace" => asked.namespace = Some(text(value)?),
            "MetricName" => asked.metric_name = Some(text(value)?),
            "Dimensions" => asked.dimensions = dimensions(value)?,
            _ => return Err(unknown(name)),
        }
    }
    let metrics = world.list_metrics(caller, &asked);
    let metrics = metrics.iter().map(metric).collect();
    Ok(map([("Metrics", Value::Array(metrics))]))
}

fn get_metric_data(world: &mut World, caller: &Caller, request: &Value) -> Result<Value, ApiError> {
    let (mut queries, mut start, mut end) = (Vec::new(), None, None);
    for (name, value) in members(request)? {
        match name {
            "MetricDataQueries" => {
                queries = list(value)?.iter().map(query).collect::<Result<_, _>>()?
            }
            "StartTime" => start = Some(moment(value)?),
            "EndTime" => end = Some(moment(value)?),
            _ => return Err(unknown(name)),
        }
    }
    let (Some(start), Some(end)) = (start, end) else {
        return Err(ApiError::new(
            400,
            "MissingParameter",
            "StartTime and EndTime are required.",
        ));
    };
    let results = world.get_metric_data(caller, &queries, start, end)?;
    let results = results.iter().map(result).collect();
    Ok(map([("MetricDataResults", Value::Array(results))]))
}

fn query(value: &Value) -> Result<MetricDataQuery, ApiError> {
    let mut query = MetricDataQuery::default();
    for (name, value) in members(value)? {
        match name {
            "Id" => query.id = text(value)?,
            "MetricStat" => {
                for (name, value) in members(value)? {
                    match name {
                        "Metric" => query.metric = asked_metric(value)?,
                        "Period" => query.period = number(value)?,
                        "Stat" => query.stat = text(value)?,
                        _ => return Err(unknown(name)),
                    }
                }
            }
            _ => return Err(unknown(name)),
        }
    }
    Ok(query)
}

fn asked_metric(value: &Value) -> Result<Metric, ApiError> {
    let mut metric = Metric::default();
    for (name, value) in members(value)? {
        match name {
            "Namespace" => metric.namespace = text(value)?,
            "MetricName" => metric.name = text(value)?,
            "Dimensions" => metric.dimensions = dimensions(value)?,
            _ => return Err(unknown(name)),
        }
    }
    Ok(metric)
}

fn dimensions(value: &Value) -> Result<Dimensions, ApiError> {
    let mut dimensions = Dimensions::new();
    for dimension in list(value)? {
        let (mut name, mut content) = (String::new(), String::new());
        for (member, value) in members(dimension)? {
            match member {
                "Name" => name = text(value)?,
                "Value" => content = text(value)?,
                _ => return Err(unknown(member)),
            }
        }
        dimensions.insert(name, content);
    }
    Ok(dimensions)
}

fn metric(metric: &Metric) -> Value {
    let dimensions = metric
        .dimensions
        .iter()
        .map(|(name, value)| map([("Name", word(name)), ("Value", word(value))]));
    map([
        ("Namespace", word(&metric.namespace)),
        ("MetricName", word(&metric.name)),
        ("Dimensions", Value::Array(dimensions.collect())),
    ])
}

fn result(result: &MetricDataResult) -> Value {
    let at = |at: &OffsetDateTime| {
        let seconds = Value::Integer(at.unix_timestamp().into());
        Value::Tag(EPOCH, Box::new(seconds))
    };
    let values = result.values.iter().map(|value| Value::Float(*value));
    map([
        ("Id", word(&result.id)),
        ("StatusCode", word("Complete")),
        (
            "Timestamps",
            Value::Array(result.timestamps.iter().map(at).collect()),
        ),
        ("Values", Value::Array(values.collect())),
    ])
}

fn refused(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status);
    let kind = format!("com.amazonaws.cloudwatch#{}", error.code);
    let body = map([
        ("__type", Value::Text(kind)),
        ("message", word(&error.message)),
    ]);
    respond(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body)
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let mut bytes = Vec::new();
    if ciborium::into_writer(body, &mut bytes).is_err() {
        // Nothing can fail that is written to memory.
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/cbor"),
        ("smithy-protocol", "rpc-v2-cbor"),
    ];
    (status, headers, bytes).into_response()
}

fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter().map(|(name, value)| (word(name), value));
    Value::Map(members.collect())
}

fn word(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// The members of a structure.
fn members(value: &Value) -> Result<Vec<(&str, &Value)>, ApiError> {
    let members = value.as_map().ok_or_else(|| malformed("a structure"))?;
    let named = members.iter().map(|(name, value)| {
        let name = name.as_text().ok_or_else(|| malformed("a name"))?;
        Ok((name, value))
    });
    named.collect()
}

fn list(value: &Value) -> Result<&[Value], ApiError> {
    let list = value.as_array().ok_or_else(|| malformed("a list"))?;
    Ok(list)
}

fn text(value: &Value) -> Result<String, ApiError> {
    let text = value.as_text().ok_or_else(|| malformed("a text"))?;
    Ok(text.to_owned())
}

fn number(value: &Value) -> Result<i64, ApiError> {
    let number = value.as_integer().and_then(|number| number.try_into().ok());
    number.ok_or_else(|| malformed("a number"))
}

/// SDKs write points in time as integers or as floating-point numbers.
fn moment(value: &Value) -> Result<OffsetDateTime, ApiError> {
    let tagged = value.as_tag().filter(|(tag, _)| *tag == EPOCH);
    let seconds = tagged.and_then(|(_, seconds)| {
        let fraction = seconds.as_float().map(|seconds| seconds as i64);
        fraction.or_else(|| number(seconds).ok())
    });
    seconds
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or_else(|| malformed("a point in time"))
}

fn malformed(expected: &str) -> ApiError {
    ApiError::new(
        400,
        "SerializationException",
        format!("{expected} was expected"),
    )
}

/// A parameter that this face does not know is refused, not ignored.
fn unknown(name: &str) -> ApiError {
    invalid(format!("The simulator does not know the parameter {name}."))
}
