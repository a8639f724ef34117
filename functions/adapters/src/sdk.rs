//! What the AWS SDK says when a call brought no result, in our words.
//!
//! Only ever the `Display` of an error: its `Debug` form can hold a whole answer,
//! and an answer of Secrets Manager is the API key.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use shared::{Code, StepError, accounts};

use crate::reach::{Unreached, chain};
use crate::sts::NotAssumed;

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
        (None, None) => unanswered(asked, error),
    }
}

/// An answer that names no error, such as one of a proxy in between, or one that
/// broke off.
fn unreadable(status: u16, error: &(dyn Error + 'static)) -> Code {
    let broke_off = chain(error).any(|reason| reason.is::<std::io::Error>());
    match status {
        429 => Code::AwsThrottled,
        500.. => Code::AwsUnavailable,
        // Success, and who answered was not AWS.
        200..=299 => Code::AwsUnavailable,
        _ if broke_off => Code::AwsUnavailable,
        _ => Code::UnexpectedAwsAnswer,
    }
}

/// No answer: either the request could not be signed, or nothing came back.
fn unanswered(asked: &str, error: &(dyn Error + 'static)) -> StepError {
    // The role of another account is assumed when the first request there is to be
    // signed, and why it could not be lies inside of the error.
    if let Some(role) = find::<NotAssumed>(error) {
        return not_assumed(role);
    }
    // Why our own client did not send it.
    if let Some(unsent) = find::<StepError>(error) {
        let detail = format!("{asked} was not sent: {}", unsent.detail);
        return StepError::new(unsent.code, detail);
    }
    let code = match find::<Unreached>(error).map(|it| it.code) {
        Some(Code::CertificateNotTrusted) => Code::CertificateNotTrusted,
        // Out of time or out of reach, a provider of credentials is as good as missing:
        // none of those that a function or a shell has takes seconds.
        _ if find::<CredentialsError>(error).is_some() => Code::AwsCredentialsInvalid,
        Some(code) => code,
        None => Code::AwsUnavailable,
    };
    StepError::new(code, format!("{asked} gave no answer: {}", reasons(error)))
}

fn not_assumed(role: &NotAssumed) -> StepError {
    let asked = format!("STS AssumeRole of {}", role.role);
    match find::<SdkError<AssumeRoleError, HttpResponse>>(role.why()) {
        Some(error) => failure(&asked, error, |code, message| {
            accounts::errors::classify(&role.role, code, message)
        }),
        None => StepError::new(
            Code::UnexpectedAwsAnswer,
            format!("{asked} brought no credentials: {}", reasons(role.why())),
        ),
    }
}

/// The reasons, from the outermost to the innermost.
pub(crate) fn reasons(error: &(dyn Error + 'static)) -> String {
    let mut reasons: Vec<String> = chain(error).map(ToString::to_string).collect();
    reasons.dedup();
    reasons.join(": ")
}

pub(crate) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(<dyn Error>::downcast_ref)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Tls;

    /// Credentials of a profile come from STS or from single sign-on, by the same network.
    #[test]
    fn a_certificate_that_is_not_trusted_is_named_whatever_was_asked_for() {
        for (code, expected) in [
            (Code::CertificateNotTrusted, Code::CertificateNotTrusted),
            (Code::HostUnreachable, Code::AwsCredentialsInvalid),
        ] {
            let client = Tls::default().client(|it| it).unwrap();
            let source = client.get("no URL").build().unwrap_err();
            let host = "sts.eu-west-1.amazonaws.com".to_owned();
            let unreached = Unreached { code, host, source };
            let error = CredentialsError::provider_error(unreached);
            assert_eq!(unanswered("EC2 DescribeVpcs", &error).code, expected);
        }
    }
}
