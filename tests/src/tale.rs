//! A run as a short text: one line for each answer of a step, with the looks of a
//! wait counted and not repeated. `engine::trace` tells every detail instead.

use std::fmt::Write;

use engine::{Event, EventKind, INTEGRATIONS};
use serde_json::Value;
use shared::report::message_of;

/// Longest text in a line, in characters.
const LONGEST: usize = 150;

pub fn tell(history: &[Event]) -> String {
    let mut text = String::new();
    let Some(first) = history.first() else {
        return text;
    };
    let mut looks = 0;
    let mut direct = false;
    for event in history {
        if let EventKind::TaskScheduled { resource, .. } = &event.kind {
            direct = INTEGRATIONS.contains(&resource.as_str());
        }
        let Some(line) = line(&event.kind, direct, &mut looks) else {
            continue;
        };
        let seconds = (event.at - first.at).whole_seconds();
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let state = event.kind.state().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{minutes:3}:{seconds:02}  {state:26}{line}");
    }
    text
}

/// What there is to tell of an event. What a service answers that is called
/// without a function says nothing more; `looks` counts those of the wait that is
/// under way.
fn line(kind: &EventKind, direct: bool, looks: &mut u32) -> Option<String> {
    match kind {
        EventKind::TaskSucceeded { .. } if direct => Some("done".to_owned()),
        EventKind::ExecutionStarted { input } => Some(format!("begins with {input}")),
        EventKind::TaskSucceeded { output, .. } if output["status"] == "pending" => {
            *looks += 1;
            let awaited = output["value"]["waiting_for"].as_str().unwrap_or_default();
            (*looks == 1).then(|| cut(&format!("not yet: {awaited}")))
        }
        EventKind::TaskSucceeded { output, .. } => {
            let after = match std::mem::take(looks) {
                0 => String::new(),
                count => format!("after {count} looks "),
            };
            let answer = if output["status"] == "ready" {
                &output["value"]
            } else {
                output
            };
            Some(cut(format!("{after}answers {}", short(answer)).trim_end()))
        }
        EventKind::TaskFailed { error, cause, .. } => {
            *looks = 0;
            Some(cut(&format!("fails: {error}: {}", message_of(cause))))
        }
        EventKind::RetryScheduled { delay_seconds, .. } => {
            Some(format!("is called again in {delay_seconds} s"))
        }
        EventKind::Caught { next, .. } => Some(format!("is caught; on to {next}")),
        EventKind::ExecutionSucceeded { output } => Some(format!("succeeds with {output:#}")),
        EventKind::ExecutionFailed { error, cause } => {
            let cause: Value = serde_json::from_str(cause).unwrap_or_default();
            Some(format!("fails as {error} with {cause:#}"))
        }
        EventKind::ExecutionTimedOut => Some("times out".to_owned()),
        EventKind::StateEntered { .. }
        | EventKind::StateExited { .. }
        | EventKind::TaskScheduled { .. }
        | EventKind::WaitStarted { .. }
        | EventKind::EvaluationFailed { .. } => None,
    }
}

/// The fields that say something: null and empty ones are left out.
fn short(answer: &Value) -> String {
    let Some(fields) = answer.as_object() else {
        return answer.to_string();
    };
    let says_something = |value: &Value| !value.is_null() && *value != serde_json::json!([]);
    let fields = fields.iter().filter(|(_, value)| says_something(value));
    let fields: Vec<String> = fields
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    fields.join(", ")
}

fn cut(text: &str) -> String {
    let mut cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}
