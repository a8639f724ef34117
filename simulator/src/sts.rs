//! STS: `AssumeRole`, and who a caller is.
//!
//! Source: the botocore model `sts/2011-06-15` and the API reference. An access
//! key that is an account number belongs to that account; such keys are what
//! `AssumeRole` hands out, so that the other services need not know of it.

use std::time::Duration;

use time::OffsetDateTime;

use crate::authorization::Authorization;
use crate::calls::ApiError;
use crate::context::Context;
use crate::faults::FaultKind;
use crate::scenario::RoleSpec;

/// How long credentials live when nothing else is asked for, in seconds.
const USUAL: u64 = 3600;
/// The longest session policy, in characters.
const LONGEST_POLICY: usize = 2048;
/// The longest life of a session that a session asks for ("role chaining", IAM
/// user guide), and the shortest of any, in seconds.
const LIVES: std::ops::RangeInclusive<u64> = 900..=3600;

#[derive(Debug, Clone, Default)]
pub struct AssumeRole {
    pub role_arn: String,
    pub role_session_name: String,
    /// What the role's trust policy may ask for.
    pub external_id: Option<String>,
    /// How long the credentials are to live, in seconds.
    pub duration_seconds: Option<u64>,
    /// What the session may do at most of what the role may.
    pub policy: Option<String>,
}

/// A session in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub account: String,
    pub arn: String,
    pub expires_at: OffsetDateTime,
}

/// Gives credentials for one of these roles, if it trusts the caller.
pub(crate) fn assume_role(
    mut context: Context<'_>,
    roles: &[RoleSpec],
    request: &AssumeRole,
) -> Result<Session, ApiError> {
    let name = &request.role_session_name;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(2..=64).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(invalid(&format!("Value '{name}' at 'roleSessionName'")));
    }
    if let Some(id) = &request.external_id
        && !(2..=1224).contains(&id.len())
    {
        return Err(invalid(&format!("Value '{id}' at 'externalId'")));
    }
    if let Some(policy) = &request.policy {
        check_policy(policy)?;
    }
    let seconds = request.duration_seconds.unwrap_or(USUAL);
    if !LIVES.contains(&seconds) {
        return Err(invalid(&format!("Value '{seconds}' at 'durationSeconds'")));
    }
    let arn = &request.role_arn;
    let caller = context.caller;
    context.needs(|| {
        let asks = Authorization::new(caller, "sts:AssumeRole", arn);
        let asks = asks.with("sts:RoleSessionName", name);
        let id = request.external_id.as_ref();
        vec![id.map_or(asks.clone(), |id| asks.with("sts:ExternalId", id))]
    });
    let role = arn
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(":role/"));
    let Some((account, role)) = role else {
        let message = format!("{arn} is invalid");
        return Err(ApiError::new(400, "ValidationError", message));
    };
    let trusts = |spec: &RoleSpec| {
        let wanted = spec.external_id.as_deref();
        spec.account == account
            && spec.name == role
            && wanted.is_none_or(|wanted| request.external_id.as_deref() == Some(wanted))
    };
    // A role that is not there and one that does not trust the caller are
    // told apart by nothing.
    if caller.account != context.home.account || !roles.iter().any(trusts) {
        let who = identity(&caller.account);
        let message =
            format!("User: {who} is not authorized to perform: sts:AssumeRole on resource: {arn}");
        return Err(ApiError::new(403, "AccessDenied", message));
    }
    let role = role.rsplit('/').next().unwrap_or(role);
    Ok(Session {
        account: account.to_owned(),
        arn: format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"),
        expires_at: context.now + Duration::from_secs(seconds),
    })
}

/// A session policy has a length and says what it allows.
fn check_policy(policy: &str) -> Result<(), ApiError> {
    if policy.len() > LONGEST_POLICY {
        let message = "Member must have length less than or equal to 2048";
        return Err(invalid(&format!("Value at 'policy': {message}")));
    }
    let document: serde_json::Value = serde_json::from_str(policy).unwrap_or_default();
    let actions = document["Statement"][0]["Action"].as_array();
    if actions.is_none_or(Vec::is_empty) {
        let message = "Syntax errors in policy.";
        return Err(ApiError::new(400, "MalformedPolicyDocument", message));
    }
    Ok(())
}

/// The ARN of a caller of whom only the account is known.
pub(crate) fn identity(account: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/simulated/simulated")
}

fn invalid(what: &str) -> ApiError {
    let message = format!("1 validation error detected: {what} failed to satisfy constraint");
    ApiError::new(400, "ValidationError", message)
}

/// A fault as this service would say it. `name` is the operation without `sts:`.
pub(crate) fn render_fault(kind: FaultKind, name: &str) -> ApiError {
    match kind {
        FaultKind::Throttle => ApiError::new(400, "Throttling", "Rate exceeded"),
        // A role that does not exist is denied like one that does not trust.
        FaultKind::Denied | FaultKind::NotFound => ApiError::new(
            403,
            "AccessDenied",
            format!("User is not authorized to perform: sts:{name}"),
        ),
        FaultKind::Conflict => ApiError::new(
            403,
            "RegionDisabledException",
            "STS is not activated in this Region for this account",
        ),
        FaultKind::UnknownCode => ApiError::new(400, "SomethingNew", "Something new went wrong."),
        // The last two never get here; they have no words.
        FaultKind::ServerError | FaultKind::Timeout | FaultKind::CutOff => {
            ApiError::new(500, "InternalFailure", "An internal error has occurred")
        }
    }
}

#[cfg(test)]
mod tests;
