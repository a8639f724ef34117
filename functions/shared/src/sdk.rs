//! What the AWS SDK says when a call brought no result, in our words.
//!
//! Only ever the `Display` of an error: its `Debug` form can hold a whole answer,
//! and an answer of Secrets Manager is the API key.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

use crate::{Code, StepError};

/// Turns an error of the SDK into ours. `asked` is service and action;
/// `classify` is the table of the service's codes.
pub(crate) fn failure<E>(
    asked: &str,
    error: &SdkError<E, HttpResponse>,
    classify: impl FnOnce(&str, &str) -> StepError,
) -> StepError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let named = error.as_service_error().and_then(|service| {
        Some(classify(
            service.code()?,
            service.message().unwrap_or_default(),
        ))
    });
    match (named, status) {
        // A fault of the service's own under a name that we do not know is still
        // the service's own.
        (Some(unknown), Some(500..)) if unknown.code == Code::UnexpectedAwsAnswer => {
            StepError::new(Code::AwsUnavailable, unknown.detail)
        }
        (Some(named), _) => named,
        (None, Some(status)) => StepError::new(
            unreadable(status, error),
            format!(
                "{asked} answered {status} with something unreadable: {}",
                reasons(error)
            ),
        ),
        (None, None) => StepError::new(
            unanswered(error),
            format!("{asked} gave no answer: {}", reasons(error)),
        ),
    }
}

/// An answer that names no error, such as one of a proxy in between, or one that
/// broke off.
fn unreadable(status: u16, error: &(dyn Error + 'static)) -> Code {
    let broke_off = chain(error).any(|reason| reason.is::<std::io::Error>());
    match status {
        429 => Code::AwsThrottled,
        500.. => Code::AwsUnavailable,
        _ if broke_off => Code::AwsUnavailable,
        _ => Code::UnexpectedAwsAnswer,
    }
}

/// No answer: either the request could not be signed, or nothing came back.
fn unanswered(error: &(dyn Error + 'static)) -> Code {
    // Out of time, a provider of credentials is as good as missing: none of those
    // that a function or a shell has takes seconds.
    let unsigned = chain(error).any(|reason| reason.is::<CredentialsError>());
    if unsigned {
        Code::AwsCredentialsInvalid
    } else {
        Code::AwsUnavailable
    }
}

/// The reasons, from the outermost to the innermost.
fn reasons(error: &(dyn Error + 'static)) -> String {
    let mut reasons: Vec<String> = chain(error).map(ToString::to_string).collect();
    reasons.dedup();
    reasons.join(": ")
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |reason| (**reason).source())
}
