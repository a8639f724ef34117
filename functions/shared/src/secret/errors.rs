//! The one table that says what an error of Secrets Manager means.

use crate::{Code, StepError, aws_errors};

/// Turns a Secrets Manager error into ours (Secrets Manager API reference,
/// `GetSecretValue`). A secret without a value, as CloudFormation makes
/// it, is told from one that does not exist by the message alone.
pub fn classify(secret_id: &str, code: &str, message: &str) -> StepError {
    let meaning = match code {
        "ResourceNotFoundException" if message.contains("secret value for") => Code::SecretEmpty,
        "ResourceNotFoundException" => Code::SecretNotFound,
        "AccessDeniedException" | "AccessDenied" => {
            aws_errors::denied(message).unwrap_or(Code::SecretUnreadable)
        }
        "DecryptionFailure" | "InvalidParameterException" | "InvalidRequestException" => {
            Code::SecretUnreadable
        }
        common => aws_errors::common(common, message),
    };
    StepError::new(
        meaning,
        format!("secret {secret_id}: Secrets Manager answered {code}: {message}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        for (codes, expected) in [
            ("ResourceNotFoundException", Code::SecretNotFound),
            (
                "AccessDeniedException AccessDenied DecryptionFailure InvalidParameterException \
                 InvalidRequestException",
                Code::SecretUnreadable,
            ),
            ("ThrottlingException", Code::AwsThrottled),
            ("Odd", Code::UnexpectedAwsAnswer),
        ] {
            for code in codes.split(' ') {
                assert_eq!(classify("name", code, "text").code, expected, "{code}");
            }
        }
    }

    #[test]
    fn a_secret_without_a_value_is_told_from_one_that_does_not_exist() {
        let of = |message| classify("name", "ResourceNotFoundException", message).code;
        assert_eq!(
            of("Secrets Manager can't find the specified secret."),
            Code::SecretNotFound
        );
        assert_eq!(
            of(
                "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
            ),
            Code::SecretEmpty
        );
    }
}
