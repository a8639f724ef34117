//! Secrets Manager: as much of it as reading an API key needs.
//!
//! A request and its answer are the JSON of the API, in process and over HTTP.
//! Source: the botocore model `secretsmanager/2017-10-17` and the messages
//! that the service is known for. Error codes are the `__type` of the JSON 1.1
//! protocol.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::authorization::Authorization;
use crate::calls::ApiError;
use crate::context::Context;
use crate::faults::FaultKind;
use crate::scenario::{Scenario, SecretState};
use crate::splitmix::{fold, mix};

/// The stage of the version that is read. Older ones cannot be read here.
const CURRENT: &str = "AWSCURRENT";

/// Everything that Secrets Manager holds.
#[derive(Debug, Clone)]
pub struct Secrets {
    by_name: BTreeMap<String, Secret>,
    versions_made: u64,
}

#[derive(Debug, Clone)]
pub struct Secret {
    pub name: String,
    /// The ARN, which ends in six characters of its own.
    pub arn: String,
    state: SecretState,
    is_binary: bool,
    current: Option<Version>,
}

/// A version of a secret.
#[derive(Clone)]
struct Version {
    id: String,
    value: String,
    created_at: OffsetDateTime,
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Version")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetSecretValue {
    #[serde(default)]
    secret_id: String,
}

impl Secrets {
    pub(crate) fn new(scenario: &Scenario, now: OffsetDateTime) -> Secrets {
        let mut secrets = Secrets {
            by_name: BTreeMap::new(),
            versions_made: 0,
        };
        for spec in &scenario.secrets {
            // AWS ends the ARN in six random characters, so that a policy on
            // the ARN of a deleted secret does not match its successor.
            let suffix: String = (0..6)
                .map(|place| letter(mix(fold(&spec.name) + place)))
                .collect();
            let arn = format!(
                "arn:aws:secretsmanager:{}:{}:secret:{}-{suffix}",
                scenario.region, scenario.account, spec.name,
            );
            let secret = Secret {
                name: spec.name.clone(),
                arn,
                state: spec.state,
                is_binary: spec.binary,
                current: None,
            };
            secrets.by_name.insert(spec.name.clone(), secret);
            if let Some(value) = &spec.value {
                secrets.put(&spec.name, value.clone(), now);
            }
        }
        secrets
    }

    /// A secret by its name, its ARN, or its ARN without the last six
    /// characters.
    pub fn secret(&self, id: &str) -> Option<&Secret> {
        self.by_name.get(id).or_else(|| {
            let partial = |arn: &str| arn.rsplit_once('-').is_some_and(|(front, _)| front == id);
            self.by_name
                .values()
                .find(|secret| secret.arn == id || partial(&secret.arn))
        })
    }

    /// Gives the secret of this name, if there is one, a new current version.
    pub fn put(&mut self, name: &str, value: String, now: OffsetDateTime) {
        let Some(secret) = self.by_name.get_mut(name) else {
            return;
        };
        self.versions_made += 1;
        let number = self.versions_made;
        let seed = mix(fold(&secret.arn) ^ number);
        secret.current = Some(Version {
            id: format!(
                "{:08x}-{:04x}-4000-8000-{number:012x}",
                seed >> 32,
                seed & 0xffff
            ),
            value,
            created_at: now,
        });
    }

    pub(crate) fn get_secret_value(
        &self,
        mut context: Context<'_>,
        request: &Value,
    ) -> Result<Value, ApiError> {
        const ACTION: &str = "secretsmanager:GetSecretValue";
        let GetSecretValue { secret_id } = GetSecretValue::deserialize(request)
            .map_err(|why| error("InvalidParameterException", why.to_string()))?;
        let caller = context.caller;
        // Which ARN is asked about for a name that no secret has, nobody says.
        context.needs(|| {
            let secret = self.secret(&secret_id).into_iter();
            let needs = secret.map(|secret| Authorization::new(caller, ACTION, &secret.arn));
            needs.collect()
        });
        if secret_id.is_empty() {
            return Err(error("ValidationException", "secretId: must not be empty"));
        }
        let secret = self.secret(&secret_id).ok_or_else(not_found)?;
        match secret.state {
            SecretState::Readable => {}
            SecretState::ScheduledForDeletion => return Err(marked_for_deletion()),
            SecretState::Denied => return Err(denied(ACTION, &secret.arn)),
            SecretState::Undecryptable => {
                let message = "Secrets Manager can't decrypt the protected secret text using the provided KMS key.";
                return Err(error("DecryptionFailure", message));
            }
        }
        let version = secret.current.as_ref().ok_or_else(|| {
            let message = format!(
                "Secrets Manager can't find the specified secret value for staging label: {CURRENT}"
            );
            error("ResourceNotFoundException", message)
        })?;
        // One of both, as it was stored. Bytes are Base64 in JSON.
        let (member, value) = if secret.is_binary {
            ("SecretBinary", BASE64_STANDARD.encode(&version.value))
        } else {
            ("SecretString", version.value.clone())
        };
        Ok(json!({
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": version.id,
            "VersionStages": [CURRENT],
            member: value,
            // Seconds since 1970, with a fraction.
            "CreatedDate": version.created_at.unix_timestamp_nanos() as f64 / 1e9,
        }))
    }
}

fn not_found() -> ApiError {
    error(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    )
}

fn marked_for_deletion() -> ApiError {
    error(
        "InvalidRequestException",
        "You can't perform this operation on the secret because it was marked for deletion.",
    )
}

fn denied(action: &str, resource: &str) -> ApiError {
    let message = format!(
        "User is not authorized to perform: {action} on resource: {resource} \
         because no identity-based policy allows the {action} action",
    );
    error("AccessDeniedException", message)
}

fn error(code: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(400, code, message)
}

fn letter(number: u64) -> char {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char::from(LETTERS[(number % LETTERS.len() as u64) as usize])
}

/// A fault as this service would say it. `name` is the operation without
/// `secretsmanager:`.
pub(crate) fn render_fault(kind: FaultKind, name: &str) -> ApiError {
    match kind {
        FaultKind::Throttle => error("ThrottlingException", "Rate exceeded"),
        FaultKind::Denied => denied(&format!("secretsmanager:{name}"), "*"),
        FaultKind::NotFound => not_found(),
        FaultKind::Conflict => marked_for_deletion(),
        FaultKind::UnknownCode => error("SomethingNewException", "Something new went wrong."),
        // The last two never get here; they have no words.
        FaultKind::ServerError | FaultKind::Timeout | FaultKind::CutOff => ApiError::new(
            500,
            "InternalServiceError",
            "An error occurred on the server side.",
        ),
    }
}

#[cfg(test)]
mod tests;
