//! Secrets Manager: as much of it as reading and rotating an API key needs.
//!
//! Source: the botocore model `secretsmanager/2017-10-17` and the messages
//! that the service is known for. Error codes are the `__type` of the JSON 1.1
//! protocol.

use std::collections::BTreeMap;
use std::fmt;

use time::OffsetDateTime;

use crate::authorization::Authorization;
use crate::calls::ApiError;
use crate::faults::FaultKind;
use crate::scenario::{Scenario, SecretState};
use crate::splitmix::{fold, mix};
use crate::world::World;

/// The stage of the version that is read when none is named.
pub const CURRENT: &str = "AWSCURRENT";
/// The stage of the version before.
pub const PREVIOUS: &str = "AWSPREVIOUS";

/// Everything that Secrets Manager holds.
#[derive(Debug, Clone)]
pub struct Secrets {
    by_name: BTreeMap<String, Secret>,
    versions_made: u64,
}

/// A secret, newest version last.
#[derive(Debug, Clone)]
pub struct Secret {
    /// The name.
    pub name: String,
    /// The ARN, which ends in six characters of its own.
    pub arn: String,
    /// Whether it can be read.
    pub state: SecretState,
    /// When it was made.
    pub created_at: OffsetDateTime,
    versions: Vec<SecretVersion>,
}

/// A version of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretVersion {
    /// The id, a UUID.
    pub id: String,
    /// The text.
    pub value: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl fmt::Debug for SecretVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretVersion")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What reading a secret brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretValue {
    /// The name of the secret.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The version.
    pub version: SecretVersion,
    /// The stages of the version.
    pub stages: Vec<String>,
}

/// Which version is meant; the current one if neither is given.
#[derive(Debug, Clone, Default)]
pub struct VersionQuery {
    /// The id.
    pub id: Option<String>,
    /// The stage.
    pub stage: Option<String>,
}

impl Secrets {
    /// The secrets of a scenario.
    pub fn new(scenario: &Scenario, now: OffsetDateTime) -> Secrets {
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
                created_at: now,
                versions: Vec::new(),
            };
            secrets.by_name.insert(spec.name.clone(), secret);
            if let Some(value) = &spec.value {
                secrets.put(&spec.name, value.clone(), None, now);
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

    /// The same, to be changed from outside.
    pub fn secret_mut(&mut self, id: &str) -> Option<&mut Secret> {
        let name = self.secret(id)?.name.clone();
        self.by_name.get_mut(&name)
    }

    /// Gives a secret a new current version and returns its id.
    pub fn put(
        &mut self,
        id: &str,
        value: String,
        token: Option<String>,
        now: OffsetDateTime,
    ) -> Option<String> {
        self.versions_made += 1;
        let number = self.versions_made;
        let secret = self.secret_mut(id)?;
        let version_id = token.unwrap_or_else(|| {
            let seed = mix(fold(&secret.arn) ^ number);
            format!(
                "{:08x}-{:04x}-4000-8000-{:012x}",
                seed >> 32,
                seed & 0xffff,
                number
            )
        });
        secret.versions.push(SecretVersion {
            id: version_id.clone(),
            value,
            created_at: now,
        });
        Some(version_id)
    }
}

impl Secret {
    /// The versions that have a stage, the current one first.
    pub fn staged(&self) -> impl Iterator<Item = (&SecretVersion, &'static str)> {
        self.versions.iter().rev().zip([CURRENT, PREVIOUS])
    }

    fn version(&self, query: &VersionQuery) -> Option<SecretValue> {
        let (version, stage) = self.staged().find(|(version, stage)| match query {
            VersionQuery {
                id: None,
                stage: None,
            } => *stage == CURRENT,
            VersionQuery { id, stage: wanted } => {
                id.as_ref().is_none_or(|id| *id == version.id)
                    && wanted.as_ref().is_none_or(|wanted| wanted == stage)
            }
        })?;
        Some(SecretValue {
            name: self.name.clone(),
            arn: self.arn.clone(),
            version: version.clone(),
            stages: vec![stage.to_owned()],
        })
    }
}

impl World {
    /// `GetSecretValue`.
    pub fn secrets_get_secret_value(
        &mut self,
        id: &str,
        query: &VersionQuery,
    ) -> Result<SecretValue, ApiError> {
        self.needs_secret(id, "secretsmanager:GetSecretValue");
        let secret = self.readable_secret(id, "secretsmanager:GetSecretValue")?;
        if secret.state == SecretState::Undecryptable {
            let message = "Secrets Manager can't decrypt the protected secret text using the provided KMS key.";
            return Err(error(400, "DecryptionFailure", message));
        }
        secret.version(query).ok_or_else(|| {
            let wanted = match query {
                VersionQuery {
                    id: Some(id),
                    stage: None,
                } => format!("VersionId: {id}"),
                VersionQuery { stage, .. } => {
                    format!("staging label: {}", stage.as_deref().unwrap_or(CURRENT))
                }
            };
            let message =
                format!("Secrets Manager can't find the specified secret value for {wanted}");
            error(400, "ResourceNotFoundException", message)
        })
    }

    /// `DescribeSecret`.
    pub fn secrets_describe_secret(&mut self, id: &str) -> Result<Secret, ApiError> {
        match self.readable_secret(id, "secretsmanager:DescribeSecret") {
            Ok(secret) => Ok(secret.clone()),
            // A secret that is scheduled for deletion can still be described.
            Err(refused) => {
                let secret = self.secrets.secret(id).cloned();
                let described =
                    secret.filter(|secret| secret.state == SecretState::ScheduledForDeletion);
                described.ok_or(refused)
            }
        }
    }

    /// `PutSecretValue`; the answer is the secret and the id of its version.
    pub fn secrets_put_secret_value(
        &mut self,
        id: &str,
        value: String,
        token: Option<String>,
    ) -> Result<SecretValue, ApiError> {
        self.readable_secret(id, "secretsmanager:PutSecretValue")?;
        let now = self.now;
        let version_id = self.secrets.put(id, value, token, now);
        let query = VersionQuery {
            id: version_id,
            stage: None,
        };
        let written = self
            .secrets
            .secret(id)
            .and_then(|secret| secret.version(&query));
        written.ok_or_else(not_found)
    }

    /// Which ARN is asked about for a name that no secret has, nobody says.
    fn needs_secret(&mut self, id: &str, action: &str) {
        self.needs(|world| {
            let secret = world.secrets.secret(id).into_iter();
            let home = world.ec2.caller();
            let needs = secret.map(|secret| Authorization::new(&home, action, &secret.arn));
            needs.collect()
        });
    }

    fn readable_secret(&self, id: &str, action: &str) -> Result<&Secret, ApiError> {
        if id.is_empty() {
            return Err(error(
                400,
                "ValidationException",
                "secretId: must not be empty",
            ));
        }
        let secret = self.secrets.secret(id).ok_or_else(not_found)?;
        match secret.state {
            SecretState::Readable | SecretState::Undecryptable => Ok(secret),
            SecretState::ScheduledForDeletion => {
                let message = "You can't perform this operation on the secret because it was marked for deletion.";
                Err(error(400, "InvalidRequestException", message))
            }
            SecretState::Denied => Err(denied(action, &secret.arn)),
        }
    }
}

fn not_found() -> ApiError {
    error(
        400,
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    )
}

fn denied(action: &str, resource: &str) -> ApiError {
    let message = format!(
        "User is not authorized to perform: {action} on resource: {resource} \
         because no identity-based policy allows the {action} action",
    );
    error(400, "AccessDeniedException", message)
}

fn error(status: u16, code: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(status, code, message)
}

fn letter(number: u64) -> char {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char::from(LETTERS[(number % LETTERS.len() as u64) as usize])
}

/// A fault as this service would say it. `name` is the operation without
/// `secretsmanager:`.
pub(crate) fn render_fault(kind: FaultKind, name: &str) -> ApiError {
    match kind {
        FaultKind::Throttle => error(400, "ThrottlingException", "Rate exceeded"),
        FaultKind::Denied => denied(&format!("secretsmanager:{name}"), "*"),
        FaultKind::NotFound => not_found(),
        FaultKind::Conflict => error(
            400,
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        ),
        FaultKind::UnknownCode => error(400, "SomethingNewException", "Something new went wrong."),
        // The last two never get here; they have no words.
        FaultKind::ServerError | FaultKind::Timeout | FaultKind::CutOff => error(
            500,
            "InternalServiceError",
            "An error occurred on the server side.",
        ),
    }
}

#[cfg(test)]
mod tests;
