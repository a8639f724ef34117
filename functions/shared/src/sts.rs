//! Roles in other accounts: their credentials, and the one table that says what an
//! error of STS means.

use std::error::Error;

use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};

use crate::{Code, StepError, sdk};

/// A role that is assumed when its credentials are needed. A refusal is marked with
/// [`NotAssumed`], because it means something else than one of our own credentials.
#[derive(Debug)]
pub(crate) struct Role {
    /// Its ARN.
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
    /// Why not.
    pub(crate) fn why(&self) -> &(dyn Error + 'static) {
        &self.source
    }
}

/// Turns an error of `AssumeRole` into ours (STS API reference, `AssumeRole` and
/// "Common Error Types"). A role that does not exist is denied like one that does
/// not trust us.
pub(crate) fn classify(role: &str, code: &str, message: &str) -> StepError {
    let meaning = match code {
        "AccessDenied" | "AccessDeniedException" | "RegionDisabledException" => {
            Code::OtherAccountRoleRefused
        }
        // A name of a role or an external id that breaks their rules.
        "ValidationError" | "InvalidParameterValue" => Code::ConfigurationInvalid,
        common => sdk::common(common),
    };
    StepError::new(
        meaning,
        format!("STS AssumeRole of {role} answered {code}: {message}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        for (codes, expected) in [
            (
                &[
                    "AccessDenied",
                    "AccessDeniedException",
                    "RegionDisabledException",
                ][..],
                Code::OtherAccountRoleRefused,
            ),
            (
                &["ValidationError", "InvalidParameterValue"],
                Code::ConfigurationInvalid,
            ),
            (&["ExpiredToken"], Code::AwsCredentialsInvalid),
            (&["Throttling"], Code::AwsThrottled),
            (&["ServiceUnavailable"], Code::AwsUnavailable),
            (&["Odd"], Code::UnexpectedAwsAnswer),
        ] {
            for code in codes {
                assert_eq!(classify("role", code, "text").code, expected, "{code}");
            }
        }
    }
}
