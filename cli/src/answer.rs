//! What a command prints in the end.

use serde_json::{Value, json};

use crate::display::text::{field, hanging};
use crate::error::Error;
use crate::exit::Exit;

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

    /// A command that could not begin, in this world.
    pub fn of_error(error: &Error, as_json: bool, world: &Value) -> Self {
        let exit = error.exit();
        if as_json {
            let failure = match error.code() {
                Some(code) => json!({
                    "code": code.as_str(),
                    "message": error.to_string(),
                    "cause": code.cause(),
                    "fix": error.fix(),
                }),
                None => json!({ "message": error.to_string() }),
            };
            let document = json!({
                "outcome": "not-started",
                "exit_code": exit.code(),
                "world": world,
                "failure": failure,
            });
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
            | Error::UnknownName { .. }
            | Error::Step(_)
            | Error::Told { .. }
            | Error::Listen(_)
            | Error::Definition(_)
            | Error::Signals(_) => {
                let fix = error.fix().map(|fix| field("Fix", &fix));
                lines(&told) + &fix.unwrap_or_default()
            }
        };
        Self {
            stdout: String::new(),
            stderr: text,
            exit,
        }
    }

    /// The same, marked as what came of a simulated world: what is said of it could be
    /// taken for what is the case in an account.
    #[must_use]
    pub fn simulated(mut self, world: &str) -> Self {
        let mark = format!("[simulated: {world}] ");
        if self.stdout.starts_with("#!") {
            // A script stays one.
            self.stderr += &format!("{mark}the commands name what is in that world.\n");
        } else if self.stdout.is_empty() {
            self.stderr.insert_str(0, &mark);
        } else {
            self.stdout.insert_str(0, &mark);
        }
        self
    }
}

/// Each thing that is wrong in a line of its own.
fn lines(told: &str) -> String {
    let mut text = String::new();
    for line in told.lines() {
        let lead = if text.is_empty() {
            "error: "
        } else {
            "       "
        };
        text.push_str(&hanging(lead, line));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_simulated_world_begins_with_its_name() {
        let answer = Answer::done("Ready: it works.\n").simulated("fresh-vpc");
        assert_eq!(answer.stdout, "[simulated: fresh-vpc] Ready: it works.\n");
        let mut refused = Answer::text("", Exit::BadRequest);
        refused.stderr = "error: no\n".to_owned();
        assert_eq!(refused.simulated("x").stderr, "[simulated: x] error: no\n");
        let script = Answer::done("#!/bin/sh\n").simulated("x");
        assert_eq!(script.stdout, "#!/bin/sh\n");
        assert!(script.stderr.starts_with("[simulated: x] "));
    }

    #[test]
    fn each_thing_that_is_wrong_has_its_line() {
        let error = Error::Told {
            code: shared::Code::InvalidRequest,
            message: "one\ntwo".to_owned(),
            fix: "Mend it.".to_owned(),
        };
        let answer = Answer::of_error(&error, false, &Value::Null);
        let expected = "error: invalid-request: one\n       two\n  Fix             Mend it.\n";
        assert_eq!(
            (answer.stderr.as_str(), answer.exit),
            (expected, Exit::BadRequest)
        );
    }
}
