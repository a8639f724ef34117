//! SNS: `Publish` to the topic for notices.
//!
//! Source: the botocore model `sns/2010-03-31` and the API reference.

use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::calls::ApiError;
use crate::ec2::Caller;
use crate::faults::FaultKind;
use crate::world::World;

/// How large a message is at most, in bytes.
const LARGEST: usize = 256 * 1024;

/// A message that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The id that it got.
    pub id: String,
    /// When it was taken.
    pub at: OffsetDateTime,
    /// The subject, if it has one.
    pub subject: Option<String>,
    /// The text.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Publish {
    topic_arn: String,
    message: String,
    subject: Option<String>,
}

impl World {
    /// `Publish`, with the request and the answer as JSON, as Step Functions
    /// has them.
    pub fn publish(&mut self, caller: &Caller, request: &Value) -> Result<Value, ApiError> {
        let request = Publish::deserialize(request).map_err(|why| invalid(&why.to_string()))?;
        if request.message.is_empty() {
            return Err(invalid("Empty message"));
        }
        if request.message.len() > LARGEST {
            return Err(invalid("Message too long"));
        }
        if let Some(subject) = &request.subject {
            // API reference: less than 100 ASCII characters, no line breaks,
            // and a letter, digit or punctuation mark at the beginning.
            let printable = subject.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            let begins = subject.bytes().next().is_some_and(|byte| byte != b' ');
            if subject.len() > 100 || !printable || !begins {
                return Err(invalid("Subject"));
            }
        }
        if *caller != self.ec2.caller() || request.topic_arn != self.notices.topic {
            return Err(ApiError::new(404, "NotFound", "Topic does not exist"));
        }
        let id = self.notices.id();
        self.notices.messages.push(Message {
            id: id.clone(),
            at: self.now,
            subject: request.subject,
            text: request.message,
        });
        Ok(json!({ "MessageId": id }))
    }
}

fn invalid(what: &str) -> ApiError {
    ApiError::new(
        400,
        "InvalidParameter",
        format!("Invalid parameter: {what}"),
    )
}

/// A fault as this service would say it. `name` is the operation without `sns:`.
pub(crate) fn render_fault(kind: FaultKind, name: &str) -> ApiError {
    match kind {
        FaultKind::Throttle => ApiError::new(400, "Throttling", "Rate exceeded"),
        FaultKind::Denied => ApiError::new(
            403,
            "AuthorizationError",
            format!("User is not authorized to perform: SNS:{name}"),
        ),
        FaultKind::NotFound => ApiError::new(404, "NotFound", "Topic does not exist"),
        FaultKind::Conflict => ApiError::new(
            409,
            "ConcurrentAccess",
            "Can't perform multiple operations at the same time",
        ),
        FaultKind::UnknownCode => ApiError::new(400, "SomethingNew", "Something new went wrong."),
        // The last two never get here; they have no words.
        FaultKind::ServerError | FaultKind::Timeout | FaultKind::CutOff => {
            ApiError::new(500, "InternalError", "An internal error has occurred")
        }
    }
}
