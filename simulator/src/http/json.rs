//! The JSON protocols of AWS: a header names service and operation, the body is
//! the request.

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::ec2::caller;
use crate::calls::{ApiError, Caller, Refusal};
use crate::simulator::Simulator;
use crate::world::World;

/// The header that names the operation.
const TARGET: &str = "x-amz-target";

/// A service whose operations take JSON as it comes over the wire.
struct Service {
    /// What the target begins with.
    prefix: &'static str,
    /// The name in actions.
    name: &'static str,
    /// The media type of answers.
    media: &'static str,
    /// What the type of an error begins with.
    namespace: &'static str,
    /// The member of an error that has the message.
    message: &'static str,
    operations: &'static [&'static str],
    /// Carries one out.
    run: fn(&mut World, &Caller, &str, &Value) -> Result<Value, ApiError>,
}

const SERVICES: [Service; 5] = [
    Service {
        prefix: "DynamoDB_20120810.",
        name: "dynamodb",
        media: "application/x-amz-json-1.0",
        namespace: "com.amazonaws.dynamodb.v20120810#",
        message: "message",
        operations: &["GetItem", "Scan", "PutItem", "UpdateItem", "DeleteItem"],
        run: World::dynamodb,
    },
    Service {
        prefix: "AWSStepFunctions.",
        name: "states",
        media: "application/x-amz-json-1.0",
        namespace: "",
        message: "message",
        operations: &["StartExecution", "DescribeExecution"],
        run: World::step_functions,
    },
    Service {
        prefix: "AWSEvents.",
        name: "events",
        media: "application/x-amz-json-1.1",
        namespace: "",
        message: "message",
        operations: &["PutEvents"],
        run: |world, caller, _, request| world.put_events(caller, request),
    },
    Service {
        prefix: "secretsmanager.",
        name: "secretsmanager",
        media: "application/x-amz-json-1.1",
        namespace: "",
        message: "Message",
        operations: &["GetSecretValue"],
        run: |world, caller, _, request| world.get_secret_value(caller, request),
    },
    Service {
        prefix: "Route53Resolver.",
        name: "route53resolver",
        media: "application/x-amz-json-1.1",
        namespace: "",
        message: "Message",
        operations: &["ListResolverRules", "ListResolverRuleAssociations"],
        run: World::resolver,
    },
];

/// Whether a request is for one of these services.
pub(super) fn is_meant(parts: &Parts) -> bool {
    find(parts).is_some()
}

fn find(parts: &Parts) -> Option<(&'static Service, &str)> {
    let target = parts.headers.get(TARGET)?.to_str().ok()?;
    SERVICES
        .iter()
        .find_map(|service| Some((service, target.strip_prefix(service.prefix)?)))
}

pub(super) fn answer(sim: &Simulator, parts: &Parts, body: &[u8]) -> Result<Response, Refusal> {
    let Some((service, operation)) = find(parts) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let request: Option<Value> = serde_json::from_slice(body).ok();
    let known = service.operations.contains(&operation);
    let (Some(request), true) = (request, known) else {
        let (code, message) = if known {
            ("SerializationException", String::new())
        } else {
            let message = format!("the simulator does not know the operation {operation}");
            ("UnknownOperationException", message)
        };
        return Ok(service.refused(&ApiError::new(400, code, message)));
    };
    let caller = caller(sim, parts);
    match sim.call(&format!("{}:{operation}", service.name), |world| {
        (service.run)(world, &caller, operation, &request)
    }) {
        Ok(answer) => Ok(service.respond(StatusCode::OK, &answer)),
        Err(Refusal::Answer(error)) => Ok(service.refused(&error)),
        Err(silent @ (Refusal::TimedOut | Refusal::CutOff)) => Err(silent),
    }
}

impl Service {
    fn refused(&self, error: &ApiError) -> Response {
        let status = StatusCode::from_u16(error.status);
        let kind = format!("{}{}", self.namespace, error.code);
        self.respond(
            status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            &json!({ "__type": kind, self.message: error.message }),
        )
    }

    fn respond(&self, status: StatusCode, body: &Value) -> Response {
        let body = body.to_string();
        let media = HeaderValue::from_static(self.media);
        let mut headers = vec![(header::CONTENT_TYPE, media)];
        if self.name == "dynamodb" {
            // Some clients compare it with what they got, and ask again.
            let sum = HeaderValue::from(crc32(body.as_bytes()));
            headers.push((HeaderName::from_static("x-amz-crc32"), sum));
        }
        let mut response = (status, body).into_response();
        response.headers_mut().extend(headers);
        response
    }
}

/// The checksum of Ethernet and ZIP (polynomial 0xEDB88320, reflected).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            let carry = if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
            (sum >> 1) ^ carry
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        // The check value of every catalogue of such checksums.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
