//! How the command ends, as a number.

use shared::report::Ending;
use shared::{Code, StepError, StepErrorName};

/// What the exit code means: one thing each, whichever command it was. Interface: scripts
/// compare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for is the case, or was printed.
    Done,
    /// Something that should not happen.
    Unexpected,
    /// The command line or the request is not valid, or `--yes` is missing.
    BadRequest,
    /// It could not begin: no credentials, nobody who answers, or whoever was asked said no.
    NotStarted,
    /// What was begun is taken back, or it was refused: it stands as before.
    Refused,
    /// Something is left, or may be, because not everything could be seen.
    Incomplete,
    /// It is not done yet, and asking again later may help.
    NotYet,
    /// There are differences or findings, and `--detailed-exitcode` asks for them.
    Differences,
    /// Stopped by SIGHUP: 128 and the number of the signal, as shells have it.
    Hangup,
    /// Stopped by SIGINT, which is Ctrl-C.
    Interrupt,
    /// Stopped by SIGTERM.
    Terminate,
}

impl Exit {
    /// All of them, in the order of their codes.
    pub const ALL: [Exit; 11] = [
        Exit::Done,
        Exit::Unexpected,
        Exit::BadRequest,
        Exit::NotStarted,
        Exit::Refused,
        Exit::Incomplete,
        Exit::NotYet,
        Exit::Differences,
        Exit::Hangup,
        Exit::Interrupt,
        Exit::Terminate,
    ];

    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Unexpected => 1,
            Exit::BadRequest => 2,
            Exit::NotStarted => 3,
            Exit::Refused => 4,
            Exit::Incomplete => 5,
            Exit::NotYet => 6,
            Exit::Differences => 7,
            Exit::Hangup => 129,
            Exit::Interrupt => 130,
            Exit::Terminate => 143,
        }
    }

    /// What it means, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Done => "done",
            Exit::Unexpected => "something unexpected; please report it",
            Exit::BadRequest => {
                "the command line or the request is not valid, or `--yes` is missing"
            }
            Exit::NotStarted => "it could not begin, and nothing was changed",
            Exit::Refused => "rolled back or refused: it stands as it stood before",
            Exit::Incomplete => "something is left, or may be",
            Exit::NotYet => "not yet; ask again later",
            Exit::Differences => "differences or findings, with `--detailed-exitcode`",
            Exit::Hangup => "stopped by SIGHUP",
            Exit::Interrupt => "stopped by Ctrl-C",
            Exit::Terminate => "stopped by SIGTERM",
        }
    }

    /// The end of a command that only looks, where this stands in the way.
    pub fn of_obstacle(error: &StepError) -> Exit {
        if error.code == Code::AwsCredentialsInvalid {
            return Exit::NotStarted;
        }
        match error.name() {
            StepErrorName::InvalidInput | StepErrorName::Denied | StepErrorName::Rejected => {
                Exit::Refused
            }
            StepErrorName::Transient => Exit::NotYet,
            StepErrorName::Unexpected => Exit::Unexpected,
        }
    }
}

impl From<Ending> for Exit {
    fn from(ending: Ending) -> Exit {
        match ending {
            Ending::RolledBack | Ending::DisconnectRefused => Exit::Refused,
            Ending::KeptAfterFailure
            | Ending::RollbackIncomplete
            | Ending::DisconnectIncomplete => Exit::Incomplete,
        }
    }
}

/// The codes and their meanings, for `--help`.
pub fn table() -> String {
    let mut text = String::from("Exit codes:\n");
    for exit in Exit::ALL {
        text.push_str(&format!("  {:>3}  {}\n", exit.code(), exit.meaning()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_used_once() {
        let codes: Vec<u8> = Exit::ALL.into_iter().map(Exit::code).collect();
        assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
    }

    #[test]
    fn the_page_of_the_command_has_the_same_table() {
        let page = include_str!("../../docs/command.md");
        for exit in Exit::ALL {
            let row = format!("| {} | {} |", exit.code(), exit.meaning());
            assert!(page.contains(&row), "{row}");
        }
    }
}
