//! A history as text that people can read and tests can compare.

use std::fmt::Write;

use serde_json::Value;

use crate::event::{Event, EventKind};

/// Longest value in a line, in characters; the rest becomes `…`.
const LONGEST_VALUE: usize = 160;

/// One line for each thing worth telling: the time since the start
/// (`h:mm:ss`), the state, and what happened. Values are compact JSON, cut
/// when they are long. Equal histories give equal text, and so do histories
/// that differ only in when they began.
#[must_use]
pub fn trace(history: &[Event]) -> String {
    let mut text = String::new();
    let Some(first) = history.first() else {
        return text;
    };
    let names = history.iter().filter_map(|event| event.kind.state());
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    for event in history {
        let Some(line) = line(&event.kind) else {
            continue;
        };
        let state = event.kind.state().unwrap_or_default();
        let elapsed = elapsed(event.at - first.at);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{elapsed}  {state:width$}  {line}");
    }
    text
}

fn elapsed(since: time::Duration) -> String {
    let seconds = since.whole_seconds();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{hours}:{minutes:02}:{rest:02}");
    let millis = since.subsec_milliseconds();
    if millis != 0 {
        let _ = write!(text, ".{millis:03}");
    }
    text
}

fn line(kind: &EventKind) -> Option<String> {
    Some(match kind {
        EventKind::ExecutionStarted { input } => format!("started with {}", short(input)),
        EventKind::StateEntered { r#type, .. } => match r#type.as_str() {
            // What these do is told by the events that follow.
            "Task" | "Wait" => return None,
            other => other.to_lowercase(),
        },
        EventKind::TaskScheduled {
            resource,
            arguments,
            ..
        } => format!("calls {resource} with {}", short(arguments)),
        EventKind::TaskSucceeded { output, .. } => format!("answers {}", short(output)),
        EventKind::TaskFailed { error, cause, .. } => format!("fails: {}", reason(error, cause)),
        EventKind::EvaluationFailed { error, cause, .. } => {
            format!("cannot be evaluated: {}", reason(error, cause))
        }
        EventKind::RetryScheduled {
            error,
            attempt,
            delay_seconds,
            ..
        } => format!("retry {attempt} in {delay_seconds} s after {error}"),
        EventKind::Caught { error, next, .. } => format!("catches {error}, goes to {next}"),
        EventKind::WaitStarted { seconds, .. } => format!("waits {seconds} s"),
        EventKind::StateExited { assigned, .. } => {
            if assigned.is_empty() {
                return None;
            }
            let names: Vec<&str> = assigned.keys().map(String::as_str).collect();
            format!("sets {}", names.join(", "))
        }
        EventKind::ExecutionSucceeded { output } => format!("succeeded with {}", short(output)),
        EventKind::ExecutionFailed { error, cause } => {
            format!("failed: {}", reason(error, cause))
        }
        EventKind::ExecutionTimedOut => "timed out".to_owned(),
    })
}

fn short(value: &Value) -> String {
    cut(&value.to_string())
}

fn reason(error: &str, cause: &str) -> String {
    match (error, cause) {
        ("", "") => "no reason given".to_owned(),
        (error, "") => error.to_owned(),
        ("", cause) => cut(cause),
        (error, cause) => format!("{error} ({})", cut(cause)),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_trace_reads_as_a_story() {
        let start = datetime!(2030-01-01 00:00:00 UTC);
        let event = |millis: i64, kind| Event {
            at: start + time::Duration::milliseconds(millis),
            kind,
        };
        let state = || "Inspect".to_owned();
        let history = [
            event(
                0,
                EventKind::ExecutionStarted {
                    input: json!({"a": 1}),
                },
            ),
            event(
                0,
                EventKind::StateEntered {
                    state: state(),
                    r#type: "Task".into(),
                    input: json!({}),
                },
            ),
            event(
                0,
                EventKind::TaskScheduled {
                    state: state(),
                    resource: "${Inspect}".into(),
                    arguments: json!([1]),
                },
            ),
            event(
                1_500,
                EventKind::TaskFailed {
                    state: state(),
                    error: "Transient".into(),
                    cause: "busy".into(),
                },
            ),
            event(3_661_000, EventKind::ExecutionTimedOut),
        ];
        assert_eq!(
            trace(&history),
            "0:00:00           started with {\"a\":1}\n\
             0:00:00  Inspect  calls ${Inspect} with [1]\n\
             0:00:01.500  Inspect  fails: Transient (busy)\n\
             1:01:01           timed out\n"
        );
    }

    #[test]
    fn long_values_are_cut() {
        let cut = cut(&"ä".repeat(LONGEST_VALUE + 1));
        assert_eq!(cut.chars().count(), LONGEST_VALUE + 1);
        assert!(cut.ends_with('…'));
    }

    #[test]
    fn nothing_happened_is_nothing_to_tell() {
        assert_eq!(trace(&[]), "");
    }
}
