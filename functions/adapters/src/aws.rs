//! The configuration of the AWS SDK.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_ec2::config::Credentials;
use aws_smithy_http_client::tls;

mod guarded;

use guarded::Guarded;
pub(crate) use guarded::InClear;

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
        .http_client(Guarded(http))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_attempt_timeout(Duration::from_secs(8))
                .operation_timeout(Duration::from_secs(22))
                .build(),
        )
}
