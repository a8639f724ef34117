//! How a run ended: for people and for programs.

use engine::{Execution, Outcome};
use serde_json::{Value, json};
use shared::Code;
use shared::ids::VpcId;
use shared::report::{Ending, Explained, ExplainedLeft, Ready, Removed};
use steps::words::{self, Part, Tale};
use time::format_description::well_known::Rfc3339;

use crate::display::text::{clock, field, hanging, item};
use crate::exit::Exit;
use crate::fixes;
use crate::run::Ended;
use crate::signal::Signal;
use crate::story::{Standing, Step, Story};

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// A working connection.
    Ready(Box<Ready>),
    /// A connection that is gone.
    Removed(Box<Removed>),
    /// One of the endings that the definition writes.
    Failed(Ending, Box<Explained>),
    /// An ending that the definition does not write: a time-out of the whole
    /// machine, or an error that nothing caught. Nothing was undone.
    Broken(String),
    /// The operator left before the run had ended, by this.
    Abandoned(Signal),
}

impl End {
    /// What came of a run.
    pub(crate) fn of(ended: &Ended) -> Self {
        match ended {
            Ended::Here(execution) => Self::of_execution(execution),
            Ended::Left(signal) => End::Abandoned(*signal),
        }
    }

    fn of_execution(execution: &Execution) -> Self {
        match &execution.outcome {
            // No result of one definition reads as one of the other.
            Outcome::Succeeded(output) => match serde_json::from_value(output.clone()) {
                Ok(ready) => End::Ready(Box::new(ready)),
                Err(error) => match serde_json::from_value(output.clone()) {
                    Ok(removed) => End::Removed(Box::new(removed)),
                    Err(_) => End::Broken(format!("the result cannot be read: {error}")),
                },
            },
            Outcome::Failed { error, cause } => {
                let ending = Ending::ALL
                    .into_iter()
                    .find(|ending| ending.as_str() == error);
                match (ending, Explained::parse(cause)) {
                    (Some(ending), Ok(failure)) => End::Failed(ending, Box::new(failure)),
                    (Some(_), Err(_)) | (None, _) => End::Broken(format!("{error}: {cause}")),
                }
            }
            Outcome::TimedOut => {
                End::Broken("the whole execution took longer than the definition allows".to_owned())
            }
        }
    }

    pub fn exit(&self) -> Exit {
        match self {
            End::Ready(_) | End::Removed(_) => Exit::Done,
            End::Failed(ending, _) => self.stopped_by().map_or(Exit::from(*ending), Signal::exit),
            End::Broken(_) => Exit::Unexpected,
            End::Abandoned(signal) => signal.exit(),
        }
    }

    /// Who has stopped the run, or part of it, if it did not end by itself.
    pub(crate) fn stopped_by(&self) -> Option<Signal> {
        match self {
            End::Abandoned(signal) => Some(*signal),
            End::Failed(_, failure) => {
                let mut left = failure.left.iter();
                interruption(failure)
                    .or_else(|| left.find_map(|left| stopped(&left.code, &left.detail)))
            }
            End::Ready(_) | End::Removed(_) | End::Broken(_) => None,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            End::Ready(_) => "ready",
            End::Removed(_) => "disconnected",
            End::Failed(Ending::RolledBack, _) => "rolled-back",
            End::Failed(Ending::KeptAfterFailure, _) => "kept-after-failure",
            End::Failed(Ending::RollbackIncomplete, _) => "rollback-incomplete",
            End::Failed(Ending::DisconnectIncomplete, _) => "disconnect-incomplete",
            End::Failed(Ending::DisconnectRefused, _) => "disconnect-refused",
            End::Broken(_) => "broken",
            End::Abandoned(_) => "abandoned",
        }
    }

    /// The ending for people.
    pub fn text(&self, story: &Story) -> String {
        match self {
            End::Ready(ready) => told_ready(ready),
            End::Removed(removed) => {
                let lead = match removed.undone.is_empty() {
                    true => "Nothing removed: ",
                    false => "Disconnected: ",
                };
                hanging(lead, &format!("{}.", removed.told())) + &list("Removed", &removed.undone)
            }
            End::Failed(ending, failure) => told_failed(*ending, failure, story),
            End::Broken(what) => {
                let mut text =
                    "Broken off: the execution ended in a way that it should not.\n\n".to_owned();
                text.push_str(&field("What happened", what));
                text + &told_of_remains(story)
            }
            End::Abandoned(_) => {
                "Left: the execution was abandoned before it had ended.\n".to_owned()
                    + &told_of_remains(story)
            }
        }
    }

    /// The ending as one JSON document.
    pub fn json(&self, story: &Story, world: Value) -> Value {
        let ended = story
            .steps()
            .iter()
            .filter_map(|step| step.ended)
            .next_back();
        let elapsed = story
            .began()
            .zip(ended)
            .map(|(began, ended)| (ended - began).as_seconds_f64());
        let (result, failure) = match self {
            End::Ready(ready) => (json!(ready), Value::Null),
            End::Removed(removed) => (json!(removed), Value::Null),
            End::Failed(_, failure) => (Value::Null, failure_json(failure, story.vpc())),
            End::Broken(what) => (
                Value::Null,
                json!({ "message": what, "left": remains(story) }),
            ),
            End::Abandoned(_) => (
                Value::Null,
                json!({ "message": "abandoned", "left": remains(story) }),
            ),
        };
        json!({
            "outcome": self.word(),
            "exit_code": self.exit().code(),
            "world": world,
            "elapsed_seconds": elapsed.map(rounded),
            "result": result,
            "failure": failure,
            "steps": steps_json(story),
        })
    }
}

fn told_ready(ready: &Ready) -> String {
    let mut text = "Ready: the VPC is connected to the cluster.\n\n".to_owned();
    for (name, value) in [
        ("Host", ready.host.as_str()),
        ("Port", &ready.port.to_string()),
        ("Connect with", &ready.connection_string),
        ("Endpoint", ready.endpoint_id.as_str()),
        ("From", ready.vpc_id.as_str()),
    ] {
        text.push_str(&field(name, value));
    }
    text + &list("Good to know", &ready.notes)
}

fn told_failed(ending: Ending, failure: &Explained, story: &Story) -> String {
    let made = made(story);
    let mut text = match ending {
        Ending::RolledBack if made.is_empty() => "Not connected: nothing was made.\n\n".to_owned(),
        Ending::RolledBack if failure.undone.is_empty() => {
            "Not connected: the connection stands as it stood before this execution.\n\n".to_owned()
        }
        Ending::RolledBack => {
            "Rolled back: nothing that this execution made is left.\n\n".to_owned()
        }
        Ending::KeptAfterFailure => "Failed: what was made is kept, as asked for.\n\n".to_owned(),
        Ending::RollbackIncomplete => {
            "Rollback incomplete: something is left behind. This needs a person.\n\n".to_owned()
        }
        Ending::DisconnectRefused => "Refused: nothing was removed.\n\n".to_owned(),
        Ending::DisconnectIncomplete if failure.left.is_empty() => {
            "Not disconnected: nothing was removed.\n\n".to_owned()
        }
        Ending::DisconnectIncomplete => {
            "Disconnect incomplete: something is still there. Run again to finish it.\n\n"
                .to_owned()
        }
    };
    let step =
        words::of(&failure.failed_at).map_or(failure.failed_at.as_str(), |words| words.doing);
    if let Some(signal) = interruption(failure) {
        text.push_str(&field("What happened", &sentence(signal.told())));
        text.push_str(&field("During", step));
    } else {
        let fix = fixes::told(&failure.fix, story.vpc());
        text.push_str(&field("Failed while", &lower(step)));
        text.push_str(&field("What happened", &sentence(&failure.detail)));
        text.push_str(&field("Code", &failure.code));
        text.push_str(&field("Cause", &failure.cause));
        text.push_str(&field("What to do", &fix));
    }
    let undone = match story.tale() {
        Tale::Disconnect => "Removed",
        Tale::Connect | Tale::Sweep => "Undone",
    };
    text += &list(undone, &failure.undone);
    match ending {
        Ending::RolledBack | Ending::DisconnectRefused => {}
        Ending::KeptAfterFailure => {
            text += &list("Kept", &made);
            text += &format!("\n{}", hanging("", KEPT));
        }
        Ending::RollbackIncomplete | Ending::DisconnectIncomplete => {
            let left: Vec<String> = failure.left.iter().map(told_of_left).collect();
            text += &list("Left behind", &left);
        }
    }
    text
}

const KEPT: &str = "An endpoint is billed as long as it exists. \
    Run again without `--on-failure keep` to finish or remove it.";

fn told_of_left(left: &ExplainedLeft) -> String {
    if let Some(signal) = stopped(&left.code, &left.detail) {
        return format!("{}: stopped by {}", left.what, signal.name());
    }
    let detail = if left.detail.is_empty() {
        String::new()
    } else {
        format!(" ({})", left.detail)
    };
    let fix = fixes::told(&left.fix, None);
    format!("{}: {}{detail}. {fix}", left.what, left.code)
}

/// What may be left of a run that did not come to an end.
fn told_of_remains(story: &Story) -> String {
    if story.tale() == Tale::Disconnect {
        let advice = "Run the same command again: it finds what is there and goes on removing it.";
        return list("May be left", &remains(story)) + "\n" + &hanging("", advice);
    }
    let remains = remains(story);
    if remains.is_empty() {
        return "\nNothing had been made.\n".to_owned();
    }
    let advice = "Run the same command again: it finds what is there by its tags and goes on, or undoes it. \
                  Or remove it by hand.";
    list("May be left", &remains) + "\n" + &hanging("", advice)
}

/// What was made and not undone, or what was to be taken away and may be there.
fn remains(story: &Story) -> Vec<String> {
    if story.tale() == Tale::Disconnect {
        let parts = [
            (
                "DeregisterEndpoint",
                "Private endpoint connection of the endpoint",
            ),
            ("DeleteEndpoint", "Endpoint"),
            ("DeleteSecurityGroup", "Security group"),
        ];
        let is_gone = |state: &str| {
            let mut steps = story
                .steps()
                .iter()
                .filter(|step| step.words.state == state);
            steps
                .next_back()
                .is_some_and(|step| step.standing == Standing::Done)
        };
        let there = parts.into_iter().filter(|(state, _)| !is_gone(state));
        return there.map(|(_, what)| what.to_owned()).collect();
    }
    let undone: Vec<&str> = story
        .steps()
        .iter()
        .filter(|step| step.words.part == Part::Undo && step.standing == Standing::Done)
        .map(|step| step.words.done)
        .collect();
    made(story)
        .into_iter()
        .filter(|made| !undone.iter().any(|undone| made.starts_with(undone)))
        .collect()
}

/// What was made, or may have been: a call that was cut off can have taken effect.
fn made(story: &Story) -> Vec<String> {
    let making = |step: &&Step| {
        matches!(
            step.words.state,
            "CreateSecurityGroup" | "CreateEndpoint" | "RegisterEndpoint"
        )
    };
    story
        .steps()
        .iter()
        .filter(making)
        .map(|step| {
            let what = match step.words.state {
                "RegisterEndpoint" => REGISTERED,
                _ => step.words.done,
            };
            match step.standing {
                Standing::Done if what != REGISTERED => format!("{what} {}", step.detail),
                Standing::Done => format!("{what} of the endpoint"),
                Standing::Open | Standing::Failed => format!("{what}, perhaps"),
            }
        })
        .collect()
}

/// What registering the endpoint makes.
const REGISTERED: &str = "Private endpoint connection";

/// Who has stopped the step that failed, if it did not fail by itself.
pub(crate) fn interruption(failure: &Explained) -> Option<Signal> {
    stopped(&failure.code, &failure.detail)
}

fn stopped(code: &str, detail: &str) -> Option<Signal> {
    Signal::of(detail).filter(|_| code == Code::Interrupted.as_str())
}

fn failure_json(failure: &Explained, vpc: Option<&VpcId>) -> Value {
    let left: Vec<Value> = failure
        .left
        .iter()
        .map(|left| json!({ "what": left.what, "code": left.code, "message": left.detail, "fix": fixes::told(&left.fix, None) }))
        .collect();
    json!({
        "failed_at": failure.failed_at,
        "code": failure.code,
        "message": failure.detail,
        "cause": failure.cause,
        "fix": fixes::told(&failure.fix, vpc),
        "undone": failure.undone,
        "left": left,
    })
}

/// The steps of a story, for programs.
pub(crate) fn steps_json(story: &Story) -> Vec<Value> {
    story.steps().iter().map(step_json).collect()
}

fn step_json(step: &Step) -> Value {
    json!({
        "state": step.words.state,
        "part": match step.words.part { Part::Story => "story", Part::Undo => "undo", Part::Aside => "aside" },
        "outcome": match step.standing {
            Standing::Open => "open",
            Standing::Done => "done",
            Standing::Failed => "failed",
        },
        "detail": step.detail,
        "began_at": step.began.format(&Rfc3339).ok(),
        "ended_at": step.ended.and_then(|ended| ended.format(&Rfc3339).ok()),
        "seconds": step.took().map(|took| rounded(took.as_seconds_f64())),
        "calls": step.calls,
        "retries": step.retries,
    })
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

fn list(title: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: String = items.iter().map(|text| item(text)).collect();
    format!("\n{title}:\n{items}")
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

fn sentence(text: &str) -> String {
    if text.ends_with('.') {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// How long the story took, for the last line of the progress.
pub fn took(story: &Story, now: time::OffsetDateTime) -> String {
    story
        .began()
        .map(|began| clock(now - began))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_was_left_ends_as_by_the_signal() {
        let left = End::Abandoned(Signal::Terminate);
        assert_eq!((left.exit(), left.exit().code()), (Exit::Terminate, 143));
        assert_eq!(End::Broken(String::new()).exit(), Exit::Unexpected);
    }

    /// Also where something else had failed before.
    #[test]
    fn a_run_that_was_stopped_ends_as_by_the_signal_whatever_is_left() {
        let told = Signal::Hangup.told();
        let with = |code: &str, left: &[&str]| {
            let left: Vec<Value> = left
                .iter()
                .map(|code| json!({ "what": "endpoint vpce-1", "code": code, "detail": told, "fix": "" }))
                .collect();
            let failure = json!({
                "failed_at": "DeleteEndpoint", "code": code, "detail": told, "cause": "",
                "fix": "", "undone": [], "left": left,
            });
            let failure: Explained = serde_json::from_value(failure).unwrap();
            End::Failed(Ending::DisconnectIncomplete, Box::new(failure)).exit()
        };
        assert_eq!(with("interrupted", &[]), Exit::Hangup);
        assert_eq!(with("aws-access-denied", &["interrupted"]), Exit::Hangup);
        let by_itself = with("aws-access-denied", &["aws-access-denied"]);
        assert_eq!(by_itself, Exit::from(Ending::DisconnectIncomplete));
    }
}
