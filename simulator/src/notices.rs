//! EventBridge: `PutEvents` to the default bus. What was put is kept for whoever looks.
//!
//! Source: the botocore model `events/2015-10-07`, "PutEvents" in the
//! EventBridge user guide, and the messages that the service is known for.

use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::authorization::Authorization;
use crate::calls::{ApiError, Caller};
use crate::context::Context;
use crate::faults::FaultKind;

/// How many entries a request has at most.
const MOST: usize = 10;
/// How large all entries of a request are at most, in bytes.
const LARGEST: usize = 256 * 1024;

/// Everything that was said.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// The events that EventBridge took, in order.
    pub events: Vec<Event>,
}

/// An event that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The id that it got.
    pub id: String,
    /// When it was taken.
    pub at: OffsetDateTime,
    /// Who says it.
    pub source: String,
    /// What kind of event it is.
    pub detail_type: String,
    /// What there is to say, a JSON object.
    pub detail: Value,
    /// What it is about.
    pub resources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutEvents {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    source: String,
    #[serde(default)]
    detail_type: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    resources: Vec<String>,
    event_bus_name: Option<String>,
}

impl Entry {
    fn size(&self) -> usize {
        let resources: usize = self.resources.iter().map(String::len).sum();
        self.source.len() + self.detail_type.len() + self.detail.len() + resources
    }

    /// The detail, or code and message of what is wrong with the entry.
    fn check(&self) -> Result<Value, (&'static str, String)> {
        for (member, value) in [
            ("Source", &self.source),
            ("DetailType", &self.detail_type),
            ("Detail", &self.detail),
        ] {
            if value.is_empty() {
                let message = format!(
                    "Parameter {member} is not valid. Reason: {member} is a required argument."
                );
                return Err(("InvalidArgument", message));
            }
        }
        if self.source.starts_with("aws.") {
            let message = "Not authorized for the source.".to_owned();
            return Err(("NotAuthorizedForSourceException", message));
        }
        match serde_json::from_str(&self.detail) {
            Ok(detail @ Value::Object(_)) => Ok(detail),
            Ok(_) | Err(_) => Err(("MalformedDetail", "Detail is malformed.".to_owned())),
        }
    }
}

impl Notices {
    /// `PutEvents`. Entries that break a rule fail one by one, in an answer
    /// that is none of an error.
    pub(crate) fn put_events(
        &mut self,
        mut context: Context<'_>,
        request: &Value,
    ) -> Result<Value, ApiError> {
        let request = PutEvents::deserialize(request).map_err(|why| invalid(why.to_string()))?;
        let entries = request.entries;
        if entries.is_empty() || entries.len() > MOST {
            return Err(invalid(format!(
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: \
                 Member must have length between 1 and {MOST}"
            )));
        }
        if entries.iter().map(Entry::size).sum::<usize>() > LARGEST {
            let message = "Total size of the entries in the request is over the limit.";
            return Err(invalid(message));
        }
        let Caller { account, region } = &context.home;
        let arn = format!("arn:aws:events:{region}:{account}:event-bus/default");
        let caller = context.caller;
        context.needs(|| {
            let puts = Authorization::new(caller, "events:PutEvents", &arn);
            let entries = entries.iter();
            let puts = entries.map(|entry| {
                let puts = puts.clone().with("events:detail-type", &entry.detail_type);
                puts.with_any("events:source", [entry.source.clone()].into())
            });
            puts.collect()
        });
        let known = |entry: &Entry| {
            let bus = entry.event_bus_name.as_deref();
            bus.is_none_or(|bus| bus == "default" || bus == arn)
        };
        if !context.is_at_home() || !entries.iter().all(known) {
            return Err(invalid("the simulator knows the default event bus only"));
        }
        let (mut answers, mut failed) = (Vec::new(), 0);
        for entry in entries {
            match entry.check() {
                Ok(detail) => {
                    let id = self.id();
                    answers.push(json!({ "EventId": id }));
                    self.events.push(Event {
                        id,
                        at: context.now,
                        source: entry.source,
                        detail_type: entry.detail_type,
                        detail,
                        resources: entry.resources,
                    });
                }
                Err((code, message)) => {
                    failed += 1;
                    answers.push(json!({ "ErrorCode": code, "ErrorMessage": message }));
                }
            }
        }
        Ok(json!({ "FailedEntryCount": failed, "Entries": answers }))
    }

    /// An id in the form of a UUID.
    fn id(&self) -> String {
        let number = self.events.len();
        format!("00000000-0000-4000-8000-{number:012x}")
    }
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationException", message)
}

/// A fault as this service would say it. `name` is the operation without
/// `events:`.
pub(crate) fn render_fault(kind: FaultKind, name: &str) -> ApiError {
    let error = |code, message: &str| ApiError::new(400, code, message);
    match kind {
        FaultKind::Throttle => error("ThrottlingException", "Rate exceeded"),
        FaultKind::Denied => ApiError::new(
            400,
            "AccessDeniedException",
            format!("User is not authorized to perform: events:{name} on resource: default"),
        ),
        FaultKind::NotFound => error(
            "ResourceNotFoundException",
            "Event bus default does not exist.",
        ),
        FaultKind::Conflict => error(
            "ConcurrentModificationException",
            "There is concurrent modification on a resource.",
        ),
        FaultKind::UnknownCode => error("SomethingNewException", "Something new went wrong."),
        // The last two never get here; they have no words.
        FaultKind::ServerError | FaultKind::Timeout | FaultKind::CutOff => {
            ApiError::new(500, "InternalException", "An internal error has occurred")
        }
    }
}

#[cfg(test)]
mod tests;
