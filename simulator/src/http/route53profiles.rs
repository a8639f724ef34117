//! The HTTP face of Route 53 Profiles: the REST-JSON protocol of API version 2018-05-10,
//! as the botocore model `route53profiles/2018-05-10` describes it.

use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::ec2::caller;
use crate::calls::{ApiError, Refusal};
use crate::simulator::Simulator;

const ASSOCIATIONS: &str = "/profileassociations";
const RESOURCES: &str = "/profileresourceassociations/profileid/";

/// Whether a request is for this service.
pub(super) fn is_meant(parts: &Parts) -> bool {
    parts.uri.path().starts_with("/profile")
}

/// Answers a request.
pub(super) fn answer(sim: &Simulator, parts: &Parts) -> Result<Response, Refusal> {
    let path = parts.uri.path();
    let (operation, mut request) = match path.strip_prefix(RESOURCES) {
        Some(id) => (
            "ListProfileResourceAssociations",
            json!({ "ProfileId": id }),
        ),
        None => ("ListProfileAssociations", json!({})),
    };
    let is_known = request["ProfileId"].is_string() || path == ASSOCIATIONS;
    if parts.method != Method::GET || !is_known {
        return Ok(refused(&ApiError::new(
            404,
            "UnknownOperationException",
            path,
        )));
    }
    let query = parts.uri.query().unwrap_or_default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        // What a parameter is called in the model; who does not know it refuses it.
        let (first, rest) = name.split_at_checked(1).unwrap_or((&*name, ""));
        request[first.to_uppercase() + rest] = match value.parse::<u64>() {
            Ok(number) if name == "maxResults" => number.into(),
            Ok(_) | Err(_) => value.into(),
        };
    }
    let caller = caller(sim, parts);
    match sim.call(&format!("route53profiles:{operation}"), |world| {
        world.resolver(&caller, operation, &request)
    }) {
        Ok(answer) => Ok(respond(StatusCode::OK, &answer)),
        Err(Refusal::Answer(error)) => Ok(refused(&error)),
        Err(silent @ (Refusal::TimedOut | Refusal::CutOff)) => Err(silent),
    }
}

fn refused(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = respond(status, &json!({ "Message": error.message }));
    if let Ok(code) = HeaderValue::from_str(&error.code) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let media = [(header::CONTENT_TYPE, "application/json")];
    (status, media, body.to_string()).into_response()
}
