//! Whether anybody can be asked, and as whom: looked at before anything is begun.

use adapters::aws::Aws;
pub use adapters::caller::Caller;
use shared::{Code, StepError};

use crate::error::Error;

/// Who asks AWS with these credentials.
///
/// # Errors
/// [`Error::Caller`], within seconds, when there are no credentials or none that AWS
/// accepts, or when STS cannot be reached.
pub async fn caller(aws: &Aws) -> Result<Caller, Error> {
    adapters::caller::caller(&aws.sdk)
        .await
        .map_err(Error::Caller)
}

/// Whether there is a simulator.
///
/// # Errors
/// [`Error::NoSimulator`].
pub async fn simulator(aws: &Aws, url: &str) -> Result<(), Error> {
    let why = match adapters::caller::caller(&aws.sdk).await {
        Ok(_) => return Ok(()),
        Err(error) if error.code == Code::HostUnreachable => format!("nothing listens at {url}"),
        Err(StepError { detail, .. }) => format!("no simulator answers at {url} ({detail})"),
    };
    Err(Error::NoSimulator { why })
}

/// All of it in one line.
pub(crate) fn told(error: &StepError) -> String {
    let (what, advice) = (error.detail.trim_end_matches('.'), advice(error.code));
    format!("{what}. {advice} Nothing was changed.")
}

/// What to do, in less than the catalogue says where everybody has been.
fn advice(code: Code) -> &'static str {
    let no_answer = [
        Code::HostUnreachable,
        Code::ProxyRefused,
        Code::AwsUnavailable,
    ];
    if code == Code::AwsCredentialsInvalid {
        "Sign in (`aws sso login`, `aws login`), or name a profile that works with `--profile` \
         (`aws configure list-profiles` lists them)."
    } else if no_answer.contains(&code) {
        "Check the Region, the network and the proxy."
    } else {
        code.fix()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_is_wrong_and_what_to_do() {
        let line = |code, detail: &str| told(&StepError::new(code, detail));
        assert_eq!(
            line(
                Code::HostUnreachable,
                "no answer from sts.eu-west-9.amazonaws.com"
            ),
            "no answer from sts.eu-west-9.amazonaws.com. Check the Region, the network and the \
             proxy. Nothing was changed."
        );
        for code in [Code::AwsCredentialsInvalid, Code::AwsClockDiffers] {
            let line = line(code, "it is so.");
            assert!(line.starts_with("it is so. "), "{line}");
            assert!(line.ends_with(". Nothing was changed."), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
    }
}
