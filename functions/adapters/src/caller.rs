//! Whose credentials these are.

use std::error::Error;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::Client;
use shared::ids::AccountId;
use shared::{Code, StepError, aws_errors};

use crate::sdk;

/// How long a connection to STS, and then its answer, is waited for. That credentials are
/// found takes as long as it takes: a person may have to type a code.
const LIMIT: Duration = Duration::from_millis(1500);

const ASKED: &str = "STS GetCallerIdentity";

/// Whose credentials these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub account: AccountId,
    /// The user, or the session in a role.
    pub arn: String,
}

/// Asks STS once, in the Region of the process. No permission is needed (STS API
/// reference, `GetCallerIdentity`).
///
/// # Errors
/// [`Code::AwsCredentialsInvalid`], where there are none in few words;
/// [`Code::HostUnreachable`] and whatever else STS or the network says.
pub async fn caller(aws: &SdkConfig) -> Result<Caller, StepError> {
    let limits = TimeoutConfig::builder()
        .connect_timeout(LIMIT)
        .read_timeout(LIMIT)
        .build();
    let asking = aws.clone().into_builder().timeout_config(limits);
    let asking = asking.retry_config(RetryConfig::disabled()).build();
    let answer = Client::new(&asking).get_caller_identity().send().await;
    let answer = answer.map_err(|error| {
        let failure = sdk::failure(ASKED, &error, |code, message| {
            let detail = format!("{ASKED} answered {code}: {message}");
            StepError::new(aws_errors::common(code, message), detail)
        });
        match sdk::find::<CredentialsError>(&error) {
            Some(why) if failure.code == Code::AwsCredentialsInvalid => {
                StepError::new(failure.code, told(why))
            }
            Some(_) | None => failure,
        }
    })?;
    let account: Option<AccountId> = answer.account().and_then(|account| account.parse().ok());
    match (account, answer.arn()) {
        (Some(account), Some(arn)) => Ok(Caller {
            account,
            arn: arn.to_owned(),
        }),
        (Some(_), None) | (None, _) => {
            let detail = format!("{ASKED} names no caller");
            Err(StepError::new(Code::UnexpectedAwsAnswer, detail))
        }
    }
}

/// Why there are no credentials, in few words: the SDK tells every way that it has tried.
fn told(error: &CredentialsError) -> String {
    let reasons = sdk::reasons(error);
    if let Some(profile) = missing_profile(&reasons) {
        return format!("profile `{profile}` does not exist");
    }
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        return "there are no AWS credentials".to_owned();
    }
    let source = error.source();
    let why = source.map_or_else(|| reasons.clone(), sdk::reasons);
    format!("the AWS credentials cannot be had: {why}")
}

/// The name of a profile that is not there, in the words of aws-config 1.13.0
/// (`ProfileFileError::MissingProfile`).
fn missing_profile(reasons: &str) -> Option<&str> {
    let (before, _) = reasons.split_once("` was not defined: could not find source profile")?;
    before.rsplit('`').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_that_is_missing_is_named_among_all_that_was_tried() {
        let text = "no credentials found in chain. Attempted:\n  Environment: environment variable \
                    not set\n  Profile: profile `nope` was not defined: could not find source \
                    profile nope referenced from the root profile\n  Ec2InstanceMetadata: no";
        assert_eq!(missing_profile(text), Some("nope"));
        let text = "profile `half` was not defined: `aws_secret_access_key` was missing";
        assert_eq!(missing_profile(text), None);
        let error = CredentialsError::not_loaded("no providers");
        assert_eq!(told(&error), "there are no AWS credentials");
        let error = CredentialsError::provider_error("the SSO token has expired");
        assert_eq!(
            told(&error),
            "the AWS credentials cannot be had: the SSO token has expired"
        );
    }
}
