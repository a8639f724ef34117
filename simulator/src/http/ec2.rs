//! The HTTP face of EC2: the query protocol of API version 2016-11-15. A
//! request is a form, an answer is XML, and element names are those of the
//! botocore model `ec2/2016-11-15`.

mod dispatch;
mod form;
mod read;
mod write;

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::xml::Xml;
use crate::calls::{ApiError, Caller, Refusal, is_account};
use crate::simulator::Simulator;
use crate::splitmix::mix;
use dispatch::OPERATIONS;
use form::Form;

pub(super) fn answer(sim: &Simulator, parts: &Parts, body: &[u8]) -> Result<Response, Refusal> {
    let caller = caller(sim, parts);
    answer_form(sim, &caller, body).map(|(status, xml)| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = HeaderValue::from_static("text/xml;charset=UTF-8");
        (status, [(header::CONTENT_TYPE, content_type)], xml).into_response()
    })
}

/// Answers a form: the status and the XML.
fn answer_form(sim: &Simulator, caller: &Caller, body: &[u8]) -> Result<(u16, String), Refusal> {
    let mut form = Form::parse(body);
    let action = form.take("Action").unwrap_or_default();
    form.take("Version");
    let Some((name, run)) = OPERATIONS.iter().find(|(name, _)| *name == action) else {
        let message = format!("the simulator does not know the action {action}");
        return Ok(refused(&ApiError::new(400, "InvalidAction", message)));
    };
    // A request that EC2 cannot read is a call like any other.
    match sim.call(&format!("ec2:{name}"), |world| run(world, caller, form)) {
        Ok(content) => Ok((200, answered(name, &content))),
        Err(Refusal::Answer(error)) => Ok(refused(&error)),
        Err(silent @ (Refusal::TimedOut | Refusal::CutOff)) => Err(silent),
    }
}

/// Who calls. The Region is the one that the request was signed for. The
/// account is the scenario's, unless the access key is an account number.
pub(super) fn caller(sim: &Simulator, parts: &Parts) -> Caller {
    let mut caller = sim.look(|world| world.ec2.caller());
    let scope = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once("Credential="))
        .map(|(_, rest)| rest);
    let mut scope = scope.unwrap_or_default().split(['/', ',']);
    if let Some(key) = scope.next().filter(|key| is_account(key)) {
        caller.account = key.to_owned();
    }
    if let Some(region) = scope.nth(1) {
        caller.region = region.to_owned();
    }
    caller
}

fn answered(operation: &str, content: &Xml) -> String {
    let mut xml = Xml::document();
    xml.open(
        &format!("{operation}Response"),
        Some("http://ec2.amazonaws.com/doc/2016-11-15/"),
    );
    xml.leaf("requestId", request_id());
    xml.append(content);
    xml.close(&format!("{operation}Response"));
    xml.into_text()
}

fn refused(error: &ApiError) -> (u16, String) {
    let mut xml = Xml::document();
    xml.node("Response", |xml| {
        xml.node("Errors", |xml| {
            xml.node("Error", |xml| {
                xml.leaf("Code", &error.code);
                xml.leaf("Message", &error.message);
            });
        });
        xml.leaf("RequestID", request_id());
    });
    (error.status, xml.into_text())
}

/// A new request id in the form of a UUID.
pub(super) fn request_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let bits = mix(COUNT.fetch_add(1, Ordering::Relaxed));
    let hex = format!("{bits:016x}{:016x}", mix(bits));
    format!(
        "{}-{}-4{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests;
