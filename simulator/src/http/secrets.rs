//! The HTTP face of Secrets Manager: the JSON 1.1 protocol of AWS, as the
//! botocore model `secretsmanager/2017-10-17` describes it.

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::json::target;
use crate::calls::{ApiError, Refusal};
use crate::scenario::SecretState;
use crate::secrets::{Secret, SecretValue, VersionQuery};
use crate::simulator::Simulator;
use crate::world::World;

/// What the header that names the operation begins with.
const PREFIX: &str = "secretsmanager.";

/// Whether a request is for this service.
pub(super) fn is_meant(parts: &Parts) -> bool {
    target(parts).is_some_and(|target| target.starts_with(PREFIX))
}

/// Answers a request.
pub(super) fn answer(sim: &Simulator, parts: &Parts, body: &[u8]) -> Result<Response, Refusal> {
    let name = target(parts)
        .and_then(|target| target.strip_prefix(PREFIX))
        .unwrap_or_default();
    let effect: fn(&mut World, &Value) -> Result<Value, ApiError> = match name {
        "GetSecretValue" => get_secret_value,
        "DescribeSecret" => describe_secret,
        "PutSecretValue" => put_secret_value,
        _ => {
            return Ok(refused(&ApiError::new(
                400,
                "UnknownOperationException",
                "",
            )));
        }
    };
    let Ok(input) = serde_json::from_slice(body) else {
        return Ok(refused(&ApiError::new(400, "SerializationException", "")));
    };
    match sim.call(&format!("secretsmanager:{name}"), |world| {
        effect(world, &input)
    }) {
        Ok(answer) => Ok(respond(StatusCode::OK, &answer)),
        Err(Refusal::Answer(error)) => Ok(refused(&error)),
        Err(silent @ (Refusal::TimedOut | Refusal::CutOff)) => Err(silent),
    }
}

fn get_secret_value(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    check_members(input, &["SecretId", "VersionId", "VersionStage"])?;
    let query = VersionQuery {
        id: text(input, "VersionId"),
        stage: text(input, "VersionStage"),
    };
    let value = world.secrets_get_secret_value(&secret_id(input), &query)?;
    let mut answer = written(&value);
    answer["SecretString"] = json!(value.version.value);
    answer["CreatedDate"] = timestamp(value.version.created_at);
    Ok(answer)
}

fn describe_secret(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    check_members(input, &["SecretId"])?;
    let secret = world.secrets_describe_secret(&secret_id(input))?;
    let mut answer = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "CreatedDate": timestamp(secret.created_at),
        "VersionIdsToStages": stages(&secret),
    });
    if secret.state == SecretState::ScheduledForDeletion {
        answer["DeletedDate"] = timestamp(world.now);
    }
    Ok(answer)
}

fn put_secret_value(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    check_members(input, &["SecretId", "ClientRequestToken", "SecretString"])?;
    let Some(value) = text(input, "SecretString") else {
        let message = "You must provide either SecretString or SecretBinary.";
        return Err(ApiError::new(400, "InvalidRequestException", message));
    };
    let token = text(input, "ClientRequestToken");
    let value = world.secrets_put_secret_value(&secret_id(input), value, token)?;
    Ok(written(&value))
}

fn written(value: &SecretValue) -> Value {
    json!({
        "ARN": value.arn,
        "Name": value.name,
        "VersionId": value.version.id,
        "VersionStages": value.stages,
    })
}

fn stages(secret: &Secret) -> Map<String, Value> {
    let staged = secret.staged();
    staged
        .map(|(version, stage)| (version.id.clone(), json!([stage])))
        .collect()
}

/// A member that this face does not know is refused, not ignored.
fn check_members(input: &Value, known: &[&str]) -> Result<(), ApiError> {
    let mut members = input.as_object().into_iter().flat_map(Map::keys);
    match members.find(|member| !known.contains(&member.as_str())) {
        None => Ok(()),
        Some(member) => {
            let message = format!("the simulator does not know the member {member}");
            Err(ApiError::new(400, "InvalidParameterException", message))
        }
    }
}

fn secret_id(input: &Value) -> String {
    text(input, "SecretId").unwrap_or_default()
}

fn text(input: &Value, member: &str) -> Option<String> {
    input[member].as_str().map(str::to_owned)
}

/// Times are seconds since 1970, with a fraction.
fn timestamp(time: OffsetDateTime) -> Value {
    json!(time.unix_timestamp_nanos() as f64 / 1e9)
}

fn refused(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(
        status,
        &json!({ "__type": error.code, "Message": error.message }),
    )
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let json = HeaderValue::from_static("application/x-amz-json-1.1");
    (status, [(header::CONTENT_TYPE, json)], body.to_string()).into_response()
}
