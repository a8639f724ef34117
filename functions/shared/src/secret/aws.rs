//! The adapter: AWS Secrets Manager.

use aws_sdk_secretsmanager::Client;

use super::{ApiKey, SecretNames, Secrets};
use crate::ids::ClusterId;
use crate::{Code, StepError, sdk};

/// The keys from secrets in AWS Secrets Manager.
pub struct SecretsManager {
    client: Client,
    names: SecretNames,
}

impl SecretsManager {
    /// Reads from the secrets of these names.
    pub fn new(config: &aws_config::SdkConfig, names: impl Into<SecretNames>) -> Self {
        Self {
            client: Client::new(config),
            names: names.into(),
        }
    }

    async fn read(&self, secret_id: &str) -> Result<ApiKey, StepError> {
        let secret = self.client.get_secret_value().secret_id(secret_id).send();
        let secret = secret.await.map_err(|error| {
            let asked = format!("secret {secret_id}: Secrets Manager");
            sdk::failure(&asked, &error, |code, message| {
                classify(secret_id, code, message)
            })
        })?;
        let value = secret.secret_string().ok_or_else(|| {
            let detail = format!("secret {secret_id} is not text");
            StepError::new(Code::SecretUnreadable, detail)
        })?;
        ApiKey::from_secret(value)
    }
}

impl Secrets for SecretsManager {
    async fn api_key(&self, cluster: &ClusterId) -> Result<ApiKey, StepError> {
        if let Some(own) = self.names.own_of(cluster)? {
            match self.read(&own).await {
                Err(error) if error.code == Code::SecretNotFound => {}
                answer => return answer,
            }
        }
        self.read(&self.names.default).await
    }
}

/// The table of what a Secrets Manager error means (Secrets Manager API
/// reference, `GetSecretValue`). A secret without a value, as CloudFormation makes
/// it, is told from one that does not exist by the message alone.
pub fn classify(secret_id: &str, code: &str, message: &str) -> StepError {
    let meaning = match code {
        "ResourceNotFoundException" if message.contains("secret value for") => Code::SecretEmpty,
        "ResourceNotFoundException" => Code::SecretNotFound,
        "AccessDeniedException"
        | "AccessDenied"
        | "DecryptionFailure"
        | "InvalidParameterException"
        | "InvalidRequestException" => Code::SecretUnreadable,
        common => sdk::common(common),
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

    #[test]
    fn a_secret_without_a_value_is_told_from_one_that_does_not_exist() {
        let of = |message| classify("name", "ResourceNotFoundException", message).code;
        assert_eq!(
            of("Secrets Manager can't find the specified secret."),
            Code::SecretNotFound
        );
        assert_eq!(
            of(
                "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
            ),
            Code::SecretEmpty
        );
    }
}
