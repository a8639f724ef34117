//! The HTTP face of STS: the query protocol of API version 2011-06-15.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use axum::response::Response;
use time::format_description::well_known::Rfc3339;

use super::ec2::{caller, request_id};
use super::rest_xml::{refused, respond};
use super::xml::Xml;
use crate::calls::{ApiError, Caller, Refusal};
use crate::simulator::Simulator;
use crate::sts::{AssumeRole, Session, identity};
use crate::world::World;

const VERSION: &str = "2011-06-15";
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

type Form = BTreeMap<String, String>;

/// The form of a request, if it is for this service.
pub(super) fn form(body: &[u8]) -> Option<Form> {
    let form: Form = url::form_urlencoded::parse(body).into_owned().collect();
    (form.get("Version").map(String::as_str) == Some(VERSION)).then_some(form)
}

pub(super) fn answer(sim: &Simulator, parts: &Parts, mut form: Form) -> Result<Response, Refusal> {
    form.remove("Version");
    let action = form.remove("Action").unwrap_or_default();
    let caller = caller(sim, parts);
    let run = |world: &mut World| match action.as_str() {
        "AssumeRole" => assume_role(world, &caller, form),
        "GetCallerIdentity" => get_caller_identity(&caller, &form),
        _ => Err(ApiError::new(
            400,
            "InvalidAction",
            format!("the simulator does not know the operation {action}"),
        )),
    };
    match sim.call(&format!("sts:{action}"), run) {
        Ok(result) => {
            let name = action.as_str();
            Ok(respond(NAMESPACE, 200, &format!("{name}Response"), |xml| {
                xml.node(&format!("{name}Result"), |xml| xml.append(&result));
                xml.node("ResponseMetadata", |xml| {
                    xml.leaf("RequestId", request_id());
                });
            }))
        }
        Err(Refusal::Answer(error)) => Ok(refused(NAMESPACE, &error)),
        Err(silent @ (Refusal::TimedOut | Refusal::CutOff)) => Err(silent),
    }
}

/// A parameter that this face does not know is refused, not ignored.
fn finish(form: &Form) -> Result<(), ApiError> {
    match form.keys().next() {
        None => Ok(()),
        Some(name) => {
            let message = format!("the simulator does not know the parameter {name}");
            Err(ApiError::new(400, "ValidationError", message))
        }
    }
}

/// Needs no permission (STS API reference, `GetCallerIdentity`).
fn get_caller_identity(caller: &Caller, form: &Form) -> Result<Xml, ApiError> {
    finish(form)?;
    let mut xml = Xml::default();
    xml.leaf("Arn", identity(&caller.account));
    xml.leaf("UserId", "AROASIMULATED:simulated");
    xml.leaf("Account", &caller.account);
    Ok(xml)
}

fn assume_role(world: &mut World, caller: &Caller, mut form: Form) -> Result<Xml, ApiError> {
    let seconds = form.remove("DurationSeconds").map(|text| text.parse());
    let request = AssumeRole {
        role_arn: form.remove("RoleArn").unwrap_or_default(),
        role_session_name: form.remove("RoleSessionName").unwrap_or_default(),
        external_id: form.remove("ExternalId"),
        policy: form.remove("Policy"),
        duration_seconds: seconds
            .transpose()
            .map_err(|_| ApiError::new(400, "MalformedInput", "DurationSeconds"))?,
    };
    finish(&form)?;
    world
        .assume_role(caller, &request)
        .map(|session| credentials(&session))
}

fn credentials(session: &Session) -> Xml {
    let mut xml = Xml::default();
    xml.node("Credentials", |xml| {
        xml.leaf("AccessKeyId", &session.account);
        xml.leaf("SecretAccessKey", "simulated");
        xml.leaf("SessionToken", "simulated");
        let expires = session.expires_at.replace_nanosecond(0);
        let expires = expires.unwrap_or(session.expires_at).format(&Rfc3339);
        xml.leaf("Expiration", expires.unwrap_or_default());
    });
    xml.node("AssumedRoleUser", |xml| {
        xml.leaf("AssumedRoleId", "AROASIMULATED:simulated");
        xml.leaf("Arn", &session.arn);
    });
    xml
}
