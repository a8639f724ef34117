//! The adapter: AWS Secrets Manager.

use aws_sdk_secretsmanager::Client;

use super::{ApiKey, Secrets};
use crate::{Code, StepError, sdk};

/// The key from a secret in AWS Secrets Manager.
pub struct SecretsManager {
    client: Client,
    secret_id: String,
}

impl SecretsManager {
    /// Reads from the secret of that name or ARN.
    pub fn new(config: &aws_config::SdkConfig, secret_id: &str) -> Self {
        Self {
            client: Client::new(config),
            secret_id: secret_id.to_owned(),
        }
    }
}

impl Secrets for SecretsManager {
    async fn api_key(&self) -> Result<ApiKey, StepError> {
        let secret = self
            .client
            .get_secret_value()
            .secret_id(&self.secret_id)
            .send()
            .await;
        let secret = secret.map_err(|error| {
            let asked = format!("secret {}: Secrets Manager", self.secret_id);
            sdk::failure(&asked, &error, |code, message| {
                classify(&self.secret_id, code, message)
            })
        })?;
        let value = secret.secret_string().ok_or_else(|| {
            StepError::new(
                Code::SecretUnreadable,
                format!("secret {} is not text", self.secret_id),
            )
        })?;
        ApiKey::from_secret(value)
    }
}

/// The table of what a Secrets Manager error means (Secrets Manager API
/// reference, `GetSecretValue`).
pub fn classify(secret_id: &str, code: &str, message: &str) -> StepError {
    let meaning = match code {
        "ResourceNotFoundException" => Code::SecretNotFound,
        "AccessDeniedException"
        | "AccessDenied"
        | "DecryptionFailure"
        | "InvalidParameterException"
        | "InvalidRequestException" => Code::SecretUnreadable,
        "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "InvalidSignatureException"
        | "InvalidClientTokenId"
        | "MissingAuthenticationTokenException" => Code::AwsCredentialsInvalid,
        "ThrottlingException" | "TooManyRequestsException" => Code::AwsThrottled,
        "InternalServiceError" | "InternalFailure" | "ServiceUnavailable" => Code::AwsUnavailable,
        _ => Code::UnexpectedAwsAnswer,
    };
    StepError::new(
        meaning,
        format!("secret {secret_id}: Secrets Manager answered {code}: {message}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        for (codes, expected) in [
            (&["ResourceNotFoundException"][..], Code::SecretNotFound),
            (
                &[
                    "AccessDeniedException",
                    "AccessDenied",
                    "DecryptionFailure",
                    "InvalidParameterException",
                    "InvalidRequestException",
                ],
                Code::SecretUnreadable,
            ),
            (
                &[
                    "UnrecognizedClientException",
                    "ExpiredTokenException",
                    "InvalidSignatureException",
                    "InvalidClientTokenId",
                    "MissingAuthenticationTokenException",
                ],
                Code::AwsCredentialsInvalid,
            ),
            (
                &["ThrottlingException", "TooManyRequestsException"],
                Code::AwsThrottled,
            ),
            (
                &[
                    "InternalServiceError",
                    "InternalFailure",
                    "ServiceUnavailable",
                ],
                Code::AwsUnavailable,
            ),
            (&["Odd"], Code::UnexpectedAwsAnswer),
        ] {
            for code in codes {
                assert_eq!(classify("name", code, "text").code, expected, "{code}");
            }
        }
    }
}
