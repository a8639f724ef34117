//! The only reader of the environment: read once, when a process starts.
//!
//! | Variable | Meaning | Default |
//! | --- | --- | --- |
//! | `API_KEY_SECRET` | name or ARN of the secret with the Cloud API key | `crdb-privatelink/api-key` |
//! | `COCKROACH_SERVER` | base URL of the Cloud API (the Terraform provider's variable) | `https://cockroachlabs.cloud` |
//!
//! Credentials, Region and endpoints of AWS come from the SDK's own variables
//! and files (`AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL_EC2`, …).

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_ec2::config::Credentials;
use aws_smithy_http_client::tls;

use crate::StepError;
use crate::cloud::HttpCloud;
use crate::ec2::AwsEc2;
use crate::secret::SecretsManager;

/// Name of the secret when none is configured.
pub const DEFAULT_SECRET: &str = "crdb-privatelink/api-key";
/// The Cloud API.
pub const DEFAULT_CLOUD_URL: &str = "https://cockroachlabs.cloud";

/// What a process is told by its surroundings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name or ARN of the secret with the Cloud API key.
    pub api_key_secret: String,
    /// Base URL of the Cloud API, without a trailing slash.
    pub cloud_url: String,
}

impl Config {
    /// Reads the environment of this process.
    pub fn from_env() -> Self {
        Self {
            api_key_secret: variable("API_KEY_SECRET").unwrap_or_else(|| DEFAULT_SECRET.to_owned()),
            cloud_url: variable("COCKROACH_SERVER").unwrap_or_else(|| DEFAULT_CLOUD_URL.to_owned()),
        }
    }

    /// The Cloud API as configured, with the key from Secrets Manager.
    ///
    /// # Errors
    /// See [`HttpCloud::new`].
    pub fn cloud(&self, aws: &SdkConfig) -> Result<HttpCloud<SecretsManager>, StepError> {
        HttpCloud::new(
            &self.cloud_url,
            SecretsManager::new(aws, &self.api_key_secret),
        )
    }
}

/// EC2 with the credentials and Region of the surroundings.
pub async fn ec2() -> AwsEc2 {
    AwsEc2::new(&aws(None).await)
}

/// The SDK's configuration: TLS by ring (starting aws-lc costs a cold start some
/// 40 ms), standard retries, and time limits well below those of a function, so
/// that a silent AWS becomes an error with a name.
pub async fn aws(region: Option<&str>) -> SdkConfig {
    let loader = loader();
    match region {
        Some(region) => loader.region(Region::new(region.to_owned())).load().await,
        None => loader.load().await,
    }
}

/// The same, but all services are at this URL, with credentials that open
/// nothing: for a simulator. What the surroundings say about AWS does not count.
pub async fn aws_at(url: &str, region: &str) -> SdkConfig {
    let nothing = Credentials::new("simulated", "simulated", None, None, "simulator");
    loader()
        .endpoint_url(url)
        .region(Region::new(region.to_owned()))
        .credentials_provider(nothing)
        .use_fips(false)
        .use_dual_stack(false)
        .load()
        .await
}

fn loader() -> ConfigLoader {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_attempt_timeout(Duration::from_secs(8))
                .operation_timeout(Duration::from_secs(22))
                .build(),
        )
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
