//! How the command ends, as a number.

use shared::report::Ending;
use shared::{StepError, StepErrorName};

/// What the exit code means. Interface: scripts compare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The connection works or is gone, or the command printed what it was asked for.
    Done,
    /// Something that should not happen.
    Unexpected,
    /// The command line or the request is not valid; nothing was started.
    BadRequest,
    /// `provision` failed and nothing that it made is left; `plan` found something
    /// that stands in the way; `deprovision` was refused; or `sweep` was, because the
    /// ledger looks lost.
    NotConnected,
    /// `provision` failed and, as asked for, kept what it made.
    Kept,
    /// `provision` failed or was left, and something that it made may be left; `sweep`
    /// found something that is still there; or `sweep` or `rebuild` could not look at
    /// everything: a person must look.
    Incomplete,
    /// Not all of a `plan` is known yet, or what `sweep` started in the stack is under way;
    /// asking again later may help.
    NotYet,
    /// Asked to tell by the exit code, `plan` has found differences.
    Differences,
}

impl Exit {
    /// All of them, in the order of their codes.
    pub const ALL: [Exit; 8] = [
        Exit::Done,
        Exit::Unexpected,
        Exit::BadRequest,
        Exit::NotConnected,
        Exit::Kept,
        Exit::Incomplete,
        Exit::NotYet,
        Exit::Differences,
    ];

    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Unexpected => 1,
            Exit::BadRequest => 2,
            Exit::NotConnected => 3,
            Exit::Kept => 4,
            Exit::Incomplete => 5,
            Exit::NotYet => 6,
            Exit::Differences => 7,
        }
    }

    /// What it means, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Done => {
                "the connection is ready, or gone, or the command did what it was asked for"
            }
            Exit::Unexpected => "something unexpected; please report it",
            Exit::BadRequest => "the command line or the request is not valid; nothing was started",
            Exit::NotConnected => {
                "provision failed and left nothing behind, plan found something in the way, or deprovision or sweep was refused"
            }
            Exit::Kept => "provision failed and kept what it had made, as asked for",
            Exit::Incomplete => {
                "something may be left behind, or sweep or rebuild did not see everything; a person must look"
            }
            Exit::NotYet => {
                "not all of a plan is known yet, or the stack is still removing what sweep found; ask again later"
            }
            Exit::Differences => "with --detailed-exitcode: something would change",
        }
    }

    /// The end of a command that only looks, where this stands in the way.
    pub fn of_obstacle(error: &StepError) -> Exit {
        match error.name() {
            StepErrorName::InvalidInput | StepErrorName::Denied | StepErrorName::Rejected => {
                Exit::NotConnected
            }
            StepErrorName::Transient => Exit::NotYet,
            StepErrorName::Unexpected => Exit::Unexpected,
        }
    }
}

impl From<Ending> for Exit {
    fn from(ending: Ending) -> Exit {
        match ending {
            Ending::RolledBack | Ending::DisconnectRefused => Exit::NotConnected,
            Ending::KeptAfterFailure => Exit::Kept,
            Ending::RollbackIncomplete | Ending::DisconnectIncomplete => Exit::Incomplete,
        }
    }
}

/// The codes and their meanings, for `--help`.
pub fn table() -> String {
    let mut text = String::from("Exit codes:\n");
    for exit in Exit::ALL {
        text.push_str(&format!("  {}  {}\n", exit.code(), exit.meaning()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_numbered_in_order() {
        assert!(
            Exit::ALL
                .iter()
                .zip(0..)
                .all(|(exit, code)| exit.code() == code)
        );
    }
}
