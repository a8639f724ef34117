//! Calls as the world sees them: what was asked, and how it was refused.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use crate::faults::{FaultKind, Moment};

/// Who calls an AWS service: AWS keeps the accounts and Regions apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The account, twelve digits.
    pub account: String,
    /// The Region that the call goes to.
    pub region: String,
}

/// Whether a text is an account number.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// One call that somebody made, kept for tests and displays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The operation, for example `ec2:CreateVpcEndpoint`.
    pub operation: String,
    /// Who made it, if that is known.
    pub by: Option<Arc<str>>,
    /// Which call of this operation it was, counted from 1.
    pub nth: u32,
    pub at: OffsetDateTime,
    /// The fault that hit it, and at which moment.
    pub fault: Option<(FaultKind, Moment)>,
    /// The code of the refusal, if the caller was refused.
    pub refused: Option<String>,
}

/// An error as the service says it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The XML code of EC2, the JSON type of Secrets Manager, or the gRPC code
    /// of the Cloud API as text (that API has no code in words).
    pub code: String,
    pub message: String,
    /// How long the service asks the caller to wait.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// An error without a wish to wait.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        ApiError {
            status,
            code: code.into(),
            message: message.into(),
            retry_after: None,
        }
    }
}

/// Why a call brought no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The service answered with an error.
    #[error(transparent)]
    Answer(#[from] ApiError),
    /// The service never answers. The HTTP face holds the connection until the
    /// client leaves.
    #[error("no answer came")]
    TimedOut,
    /// The connection is closed without an answer.
    #[error("the connection was closed without an answer")]
    CutOff,
}

impl Refusal {
    /// A word for displays: the code of the answer, or what happened instead.
    pub fn code(&self) -> &str {
        match self {
            Refusal::Answer(error) => &error.code,
            Refusal::TimedOut => "TimedOut",
            Refusal::CutOff => "CutOff",
        }
    }
}
