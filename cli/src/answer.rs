//! What a command prints in the end.

use serde_json::{Value, json};

use crate::display::text::{field, hanging};
use crate::error::Error;
use crate::exit::Exit;
use crate::fixes;

/// What a command prints in the end, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub stdout: String,
    pub stderr: String,
    /// How the process ends.
    pub exit: Exit,
}

impl Answer {
    /// A text, and all is well.
    pub fn done(text: impl Into<String>) -> Self {
        Self::text(text, Exit::Done)
    }

    /// A text with an exit code.
    pub fn text(text: impl Into<String>, exit: Exit) -> Self {
        Self {
            stdout: text.into(),
            stderr: String::new(),
            exit,
        }
    }

    /// A JSON document with an exit code.
    pub fn json(document: &Value, exit: Exit) -> Self {
        Self::text(format!("{document:#}\n"), exit)
    }

    /// A command that could not begin.
    pub fn of_error(error: &Error, as_json: bool) -> Self {
        let exit = error.exit();
        if as_json {
            let failure = match error.code() {
                Some(code) => json!({
                    "code": code.as_str(),
                    "message": error.to_string(),
                    "cause": code.cause(),
                    "fix": fixes::of(code, None),
                }),
                None => json!({ "message": error.to_string() }),
            };
            let document =
                json!({ "outcome": "not-started", "exit_code": exit.code(), "failure": failure });
            return Self::json(&document, exit);
        }
        let told = error.to_string();
        let text = match error {
            // A line to copy, or lines that point at a place in a file.
            Error::Caller(_) | Error::NoSimulator { .. } | Error::ScenarioFile { .. } => {
                format!("error: {}\n", told.trim_end())
            }
            Error::File { .. }
            | Error::Json { .. }
            | Error::Scenario(_)
            | Error::UnknownCode { .. }
            | Error::Step(_)
            | Error::Listen(_)
            | Error::Definition(_)
            | Error::Signals(_) => {
                let fix = error.code().map(|code| fixes::of(code, None));
                let fix = fix.map(|fix| field("Fix", &fix)).unwrap_or_default();
                hanging("error: ", &told) + &fix
            }
        };
        Self {
            stdout: String::new(),
            stderr: text,
            exit,
        }
    }
}
