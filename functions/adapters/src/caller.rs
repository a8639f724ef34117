//! Whose credentials these are.

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sts::Client;
use shared::ids::AccountId;
use shared::{Code, StepError, aws_errors};

use crate::accounts::{STS_ATTEMPT, STS_OPERATION};
use crate::sdk;

const ASKED: &str = "STS GetCallerIdentity";

/// Whose credentials these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub account: AccountId,
    /// The user, or the session in a role.
    pub arn: String,
}

/// Asks STS. No permission is needed (STS API reference, `GetCallerIdentity`).
///
/// # Errors
/// [`Code::AwsCredentialsInvalid`], and others of AWS.
pub async fn caller(aws: &SdkConfig) -> Result<Caller, StepError> {
    let limits = TimeoutConfig::builder()
        .operation_attempt_timeout(STS_ATTEMPT)
        .operation_timeout(STS_OPERATION)
        .build();
    let asking = aws.clone().into_builder().timeout_config(limits).build();
    let answer = Client::new(&asking).get_caller_identity().send().await;
    let answer = answer.map_err(|error| {
        sdk::failure(ASKED, &error, |code, message| {
            let detail = format!("{ASKED} answered {code}: {message}");
            StepError::new(aws_errors::common(code, message), detail)
        })
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
