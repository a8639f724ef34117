//! The configuration of the AWS SDK.

use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::config::Credentials;
use aws_smithy_types::retry::ReconnectMode;
use shared::config::Config;

use crate::tls::{Roots, Tls};

mod guarded;

use guarded::Guarded;

/// How a process reaches AWS, and over what everybody else.
#[derive(Debug, Clone)]
pub struct Aws {
    /// The configuration of the SDK.
    pub sdk: SdkConfig,
    /// The TLS of its clients, for those that are not the SDK's.
    pub tls: Tls,
}

/// AWS as the surroundings say, over TLS that trusts the bundle of `config`, or else these
/// roots, and by the proxy of `config`. Standard retries, and time limits well below those of a function, so that a
/// silent AWS becomes an error with a name. Nothing is asked or read of certificates yet.
pub async fn aws(config: &Config, roots: Roots, region: Option<&str>) -> Aws {
    let tls = Tls::new(roots, config.ca_bundle.clone(), config.proxy.clone());
    Aws {
        sdk: load(loader(tls.clone()), region).await,
        tls,
    }
}

/// The same with the credentials and settings of a profile. As with the AWS CLI, one that
/// is named counts before keys in the environment (AWS CLI user guide, "Configuration and
/// credential precedence").
pub async fn aws_of_profile(
    config: &Config,
    roots: Roots,
    region: Option<&str>,
    profile: &str,
) -> Aws {
    let tls = Tls::new(roots, config.ca_bundle.clone(), config.proxy.clone());
    let sdk = load(loader(tls.clone()).profile_name(profile), region).await;
    let providing = ProviderConfig::without_region()
        .with_http_client(Guarded::new(tls.clone()))
        .with_region(sdk.region().cloned());
    let provider = ProfileFileCredentialsProvider::builder()
        .configure(&providing)
        .profile_name(profile)
        .build();
    let provider = SharedCredentialsProvider::new(provider);
    Aws {
        sdk: sdk.into_builder().credentials_provider(provider).build(),
        tls,
    }
}

async fn load(loader: ConfigLoader, region: Option<&str>) -> SdkConfig {
    let loader = match region {
        Some(region) => loader.region(Region::new(region.to_owned())),
        None => loader,
    };
    loader.load().await
}

/// The same, but all services are at this URL, with credentials that open
/// nothing: for a simulator. What the surroundings say about AWS does not count.
pub async fn aws_at(url: &str, region: &str) -> Aws {
    let tls = Tls::default();
    let nothing = Credentials::new("simulated", "simulated", None, None, "simulator");
    let sdk = loader(tls.clone())
        .endpoint_url(url)
        .region(Region::new(region.to_owned()))
        .credentials_provider(nothing)
        .use_fips(false)
        .use_dual_stack(false)
        .load()
        .await;
    Aws { sdk, tls }
}

fn loader(tls: Tls) -> ConfigLoader {
    // The SDK could mark a connection for closure only in a client of its own. From
    // version 2.1 of its retries on it does not want to any more.
    let retries = RetryConfig::standard()
        .with_max_attempts(3)
        .with_reconnect_mode(ReconnectMode::ReuseAllConnections);
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(Guarded::new(tls))
        .retry_config(retries)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_attempt_timeout(Duration::from_secs(8))
                .operation_timeout(Duration::from_secs(22))
                .build(),
        )
}
