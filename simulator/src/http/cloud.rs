//! The HTTP face of the Cloud API.
//!
//! Every request and every answer is judged by the official OpenAPI document:
//! what it does not know is refused in a request, and in an answer of ours it
//! is a bug, which is reported as HTTP 500 with a message that names it.

mod document;
mod render;
mod request;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::calls::{ApiError, Refusal};
use crate::cloud::{ApiCaller, ErrorBody};
use crate::simulator::Simulator;
use crate::world::World;
use document::Document;
use request::Request;

/// Answers a request under `/api/v1`.
pub(super) fn answer(sim: &Simulator, parts: &Parts, body: &[u8]) -> Result<Response, Refusal> {
    let request = match Request::read(parts, body) {
        Ok(request) => request,
        Err(fault) => {
            let error = ApiError::new(400, "3", format!("invalid argument: {fault}"));
            return Ok(respond(StatusCode::BAD_REQUEST, &render::error(&error)));
        }
    };
    let Some((name, effect)) = effect_of(&request.operation.id) else {
        let message = format!("the simulator does not serve {}", request.operation.id);
        let error = ApiError::new(501, "12", message);
        return Ok(respond(StatusCode::NOT_IMPLEMENTED, &render::error(&error)));
    };
    let caller = caller(&parts.headers);
    let outcome = sim.call(&format!("cloud:{name}"), |world| {
        effect(world, &caller, &request)
    });
    let mut response = match outcome {
        Ok(body) => judged(sim, &request, StatusCode::OK, &body),
        Err(Refusal::Answer(error)) => refused(sim, &request, &error),
        Err(silent @ (Refusal::TimedOut | Refusal::CutOff)) => return Err(silent),
    };
    // The real service repeats the version (terraform-provider-cockroach
    // issue 34).
    let version = parts.headers.get("cc-version").cloned();
    let version = version.unwrap_or(HeaderValue::from_static(crate::cloud::VERSION));
    response.headers_mut().insert("cc-version", version);
    Ok(response)
}

fn caller(headers: &HeaderMap) -> ApiCaller {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
    ApiCaller {
        bearer: bearer.map(str::to_owned),
        version: text("cc-version").map(str::to_owned),
    }
}

type Effect = fn(&mut World, &ApiCaller, &Request) -> Result<Value, ApiError>;

/// The name of an operation in the record of calls, and what it does.
fn effect_of(operation_id: &str) -> Option<(&'static str, Effect)> {
    let (name, effect): (&str, Effect) = match operation_id.strip_prefix("CockroachCloud_")? {
        "GetCluster" => ("GET cluster", |world, caller, request| {
            let cluster = world.cloud_get_cluster(caller, request.path("cluster_id"))?;
            Ok(render::cluster(&cluster))
        }),
        "ListPrivateEndpointServices" => {
            ("GET private-endpoint-services", |world, caller, request| {
                let services = world.cloud_list_services(caller, request.path("cluster_id"))?;
                Ok(render::services(&services))
            })
        }
        "CreatePrivateEndpointServices" => (
            "POST private-endpoint-services",
            |world, caller, request| {
                let services = world.cloud_create_services(caller, request.path("cluster_id"))?;
                Ok(render::services(&services))
            },
        ),
        "ListPrivateEndpointConnections" => (
            "GET private-endpoint-connections",
            |world, caller, request| {
                let connections =
                    world.cloud_list_connections(caller, request.path("cluster_id"))?;
                Ok(render::connections(&connections))
            },
        ),
        "AddPrivateEndpointConnection" => (
            "POST private-endpoint-connections",
            |world, caller, request| {
                let (cluster, endpoint) = (request.path("cluster_id"), request.text("endpoint_id"));
                let connection = world.cloud_add_connection(caller, cluster, endpoint)?;
                Ok(render::connection(&connection))
            },
        ),
        "DeletePrivateEndpointConnection" => (
            "DELETE private-endpoint-connection",
            |world, caller, request| {
                let (cluster, endpoint) = (request.path("cluster_id"), request.path("endpoint_id"));
                world
                    .cloud_delete_connection(caller, cluster, endpoint)
                    .map(|()| json!({}))
            },
        ),
        "ListPrivateEndpointTrustedOwners" => (
            "GET private-endpoint-trusted-owners",
            |world, caller, request| {
                let owners = world.cloud_list_trusted_owners(caller, request.path("cluster_id"))?;
                Ok(render::trusted_owners(&owners))
            },
        ),
        "AddPrivateEndpointTrustedOwner" => (
            "POST private-endpoint-trusted-owners",
            |world, caller, request| {
                let (cluster, account) = (
                    request.path("cluster_id"),
                    request.text("external_owner_id"),
                );
                world
                    .cloud_add_trusted_owner(caller, cluster, account)
                    .map(|owner| render::trusted_owner(&owner))
            },
        ),
        "RemovePrivateEndpointTrustedOwner" => (
            "DELETE private-endpoint-trusted-owner",
            |world, caller, request| {
                let (cluster, owner) = (request.path("cluster_id"), request.path("owner_id"));
                world
                    .cloud_delete_trusted_owner(caller, cluster, owner)
                    .map(|owner| render::trusted_owner(&owner))
            },
        ),
        _ => return None,
    };
    Some((name, effect))
}

fn refused(sim: &Simulator, request: &Request, error: &ApiError) -> Response {
    let (habits, now) = sim.look(|world| (world.cloud.habits.clone(), world.now));
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match habits.error_body {
        ErrorBody::Status => judged(sim, request, status, &render::error(error)),
        ErrorBody::Text => (status, error.message.clone()).into_response(),
        ErrorBody::Empty => status.into_response(),
    };
    if let Some(wait) = error.retry_after {
        let value = render::retry_after(wait, habits.retry_after, now);
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
    }
    response
}

/// An answer, if the document knows it. Otherwise the simulator is at fault.
fn judged(sim: &Simulator, request: &Request, status: StatusCode, body: &Value) -> Response {
    let planted = sim.look(|world| world.cloud.unknown_words());
    let document = Document::vendored();
    match document.judge_answer(request.operation, status.as_u16(), body, &planted) {
        None => respond(status, body),
        Some(fault) => {
            let message = format!(
                "bug in the simulator: its answer to {} is invalid: {fault}",
                request.operation.id
            );
            tracing::error!("{message}");
            let error = ApiError::new(500, "13", message);
            respond(StatusCode::INTERNAL_SERVER_ERROR, &render::error(&error))
        }
    }
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, json)], body.to_string()).into_response()
}
