//! The adapter: AWS Secrets Manager.

use aws_sdk_secretsmanager::Client;
use shared::ids::ClusterId;
use shared::secret::{ApiKey, SecretNames, Secrets, errors};
use shared::{Code, StepError};

use crate::sdk;

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
                errors::classify(secret_id, code, message)
            })
        })?;
        let bytes = secret.secret_binary().map(AsRef::as_ref);
        ApiKey::of_secret(secret_id, secret.secret_string(), bytes)
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
