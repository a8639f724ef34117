//! Problem details for HTTP APIs (RFC 9457).

use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Request};
use crate::{Code, StepError, StepErrorName};

/// The longest detail, in characters: it may quote what the caller sent.
const MAX_DETAIL: usize = 500;

/// Seconds after which it makes sense to ask again when the other side was busy.
const RETRY_AFTER: &str = "5";

/// Why a request was not granted (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Where the code is explained: a path of this API. `about:blank` when API
    /// Gateway refused the request before it came to us; code, cause and fix are
    /// then left out.
    #[serde(rename = "type")]
    pub about: String,
    /// The code in words.
    pub title: String,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// What exactly was the case this time.
    pub detail: String,
    /// The stable code.
    pub code: Option<String>,
    /// What is the case, in general.
    pub cause: Option<String>,
    /// What the reader can do.
    pub fix: Option<String>,
}

/// Why a request is not granted, and with which status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Code and detail.
    pub error: StepError,
    /// More headers.
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    /// A refusal with the status that goes with the code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        StepError::new(code, detail).into()
    }

    /// The same with another status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn answer(self, request: &Request) -> Answer {
        let code = self.error.code;
        // What goes wrong on our side is no business of the caller's: names of
        // tables and roles stay in the log.
        let detail = if self.status >= 500 {
            code.cause().to_owned()
        } else {
            shortened(&self.error.detail)
        };
        let problem = Problem {
            about: request.url(&format!("/errors/{code}")),
            title: title(code),
            status: self.status,
            detail,
            code: Some(code.to_string()),
            cause: Some(code.cause().to_owned()),
            fix: Some(code.fix().to_owned()),
        };
        let mut headers = vec![("content-type", "application/problem+json".to_owned())];
        if self.status == 503 {
            headers.push(("retry-after", RETRY_AFTER.to_owned()));
        }
        headers.extend(self.headers);
        Answer {
            status: self.status,
            headers,
            body: serde_json::to_value(problem).unwrap_or_default(),
        }
    }
}

impl From<StepError> for Refusal {
    fn from(error: StepError) -> Self {
        Self {
            status: status(error.code),
            error,
            headers: Vec::new(),
        }
    }
}

/// The HTTP status that goes with a code, for a function that only has the
/// caller's request and our own records to go by.
fn status(code: Code) -> u16 {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other codes are judged by their name"
    )]
    match code {
        Code::InvalidRequest => 400,
        Code::ClusterNotAllowed
        | Code::AccountNotAllowed
        | Code::AccountNotConfigured
        | Code::SourceNotAllowed
        | Code::CallerNotInGroup => 403,
        Code::ConnectionNotFound | Code::ResourceNotFound => 404,
        Code::MethodNotAllowed => 405,
        Code::AccountDiffers
        | Code::IdempotencyKeyReused
        | Code::AskedForByTag
        | Code::ConnectionProtected => 409,
        Code::UnsupportedMediaType => 415,
        other => match other.name() {
            StepErrorName::Transient => 503,
            StepErrorName::InvalidInput
            | StepErrorName::Denied
            | StepErrorName::Rejected
            | StepErrorName::Unexpected => 500,
        },
    }
}

/// `vpc-not-found` as `Vpc not found`.
fn title(code: Code) -> String {
    let words = code.as_str().replace('-', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn shortened(detail: &str) -> String {
    let mut short: String = detail.chars().take(MAX_DETAIL).collect();
    if short.len() < detail.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answered(refusal: Refusal) -> Answer {
        let event = json!({"path": "/connections", "requestContext": {"path": "/v1/connections"}});
        refusal.answer(&Request::read(&event))
    }

    #[test]
    fn a_problem_says_what_happened_and_where_its_code_is_explained() {
        let answer = answered(Refusal::new(
            Code::InvalidRequest,
            "vpc_id: `x` is not a VPC id",
        ));
        assert_eq!(
            answer.headers,
            [("content-type", "application/problem+json".to_owned())]
        );
        assert_eq!(
            answer.body,
            json!({
                "type": "/v1/errors/invalid-request",
                "title": "Invalid request",
                "status": 400,
                "detail": "vpc_id: `x` is not a VPC id",
                "code": "invalid-request",
                "cause": Code::InvalidRequest.cause(),
                "fix": Code::InvalidRequest.fix(),
            })
        );
    }

    #[test]
    fn what_goes_wrong_on_our_side_is_not_told_in_detail() {
        for (code, status, retry) in [
            (Code::AwsThrottled, 503, true),
            (Code::AwsAccessDenied, 500, false),
            (Code::UnexpectedAwsAnswer, 500, false),
            (Code::MachineNotFound, 500, false),
        ] {
            let answer = answered(Refusal::new(code, "arn:aws:iam::111122223333:role/inside"));
            assert_eq!(answer.status, status, "{code}");
            assert!(!answer.body.to_string().contains("111122223333"), "{code}");
            let retried = answer
                .headers
                .iter()
                .any(|(name, _)| *name == "retry-after");
            assert_eq!(retried, retry, "{code}");
        }
    }

    #[test]
    fn what_a_caller_sent_is_quoted_within_limits() {
        let long = "ä".repeat(100_000);
        let detail = answered(Refusal::new(Code::InvalidRequest, long)).body["detail"].clone();
        assert_eq!(detail.as_str().unwrap().chars().count(), MAX_DETAIL + 1);
    }
}
