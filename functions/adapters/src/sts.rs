//! Roles in other accounts, and their credentials.

use std::error::Error;

use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};

/// A role that is assumed when its credentials are needed. A refusal is marked with
/// [`NotAssumed`], because it means something else than one of our own credentials.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) arn: String,
    /// The SDK's way to assume it.
    pub(crate) provider: AssumeRoleProvider,
}

impl ProvideCredentials for Role {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials = self.provider.provide_credentials().await;
            credentials.map_err(|source| {
                let role = self.arn.clone();
                CredentialsError::provider_error(NotAssumed { role, source })
            })
        })
    }
}

/// A role could not be assumed.
#[derive(Debug, thiserror::Error)]
#[error("{role} was not assumed")]
pub(crate) struct NotAssumed {
    /// Its ARN.
    pub(crate) role: String,
    source: CredentialsError,
}

impl NotAssumed {
    pub(crate) fn why(&self) -> &(dyn Error + 'static) {
        &self.source
    }
}
