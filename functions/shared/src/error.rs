//! The one error type that leaves a function.

use crate::catalogue::Code;
use crate::{bounds, plain};

/// What the definition does next. Interface: the definitions match these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepErrorName {
    /// The request can never succeed as it is written, or the network as it stands.
    InvalidInput,
    /// Credentials or permissions; an operator must act.
    Denied,
    /// Throttling, no answer, a fault of the other side: asking again may help.
    Transient,
    /// The other side came to a bad end, or did not come to an end in time.
    Rejected,
    /// An answer that we do not understand: a bug of ours or a changed API.
    Unexpected,
}

impl StepErrorName {
    /// All names, for the tests that hold definitions and code together.
    pub const ALL: [StepErrorName; 5] = [
        StepErrorName::InvalidInput,
        StepErrorName::Denied,
        StepErrorName::Transient,
        StepErrorName::Rejected,
        StepErrorName::Unexpected,
    ];

    /// The name as Step Functions sees it in `Error`.
    pub fn as_str(self) -> &'static str {
        match self {
            StepErrorName::InvalidInput => "InvalidInput",
            StepErrorName::Denied => "Denied",
            StepErrorName::Transient => "Transient",
            StepErrorName::Rejected => "Rejected",
            StepErrorName::Unexpected => "Unexpected",
        }
    }
}

/// Why a step could not go on: a stable code, and what exactly happened.
///
/// `Display` is `code: detail`. That is what Step Functions keeps as the cause,
/// and from where [`crate::report`] reads the code back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct StepError {
    /// The stable code; cause and fix stand in the catalogue.
    pub code: Code,
    /// One sentence about this very case: which resource, which value, what the
    /// other side said. Never a secret.
    pub detail: String,
}

impl StepError {
    /// An error of the given code about this very case. Of a long story only the
    /// beginning is kept: it becomes part of a cause, which has a limit. A function's
    /// cause stays below 1,500 characters, which is what the definitions keep of one.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        let short = bounds::text(&detail, bounds::DETAIL);
        if short != detail {
            tracing::warn!("{code}: {}", plain::text(&detail));
            detail = short;
        }
        Self { code, detail }
    }

    /// What the definition does next.
    pub fn name(&self) -> StepErrorName {
        self.code.name()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Also the longest story of another side is kept whole, and stays JSON.
        #[test]
        fn a_cause_is_not_longer_than_definitions_keep(said in r#"["\\a-zä😀]{0,4000}"#) {
            let error = StepError::new(Code::UnexpectedAwsAnswer, said);
            let cause = serde_json::json!({
                "errorType": error.name().as_str(),
                "errorMessage": error.to_string(),
            });
            prop_assert!(cause.to_string().chars().count() <= 1500);
        }
    }
}
