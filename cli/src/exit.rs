//! How the command ends, as a number.

use shared::report::Ending;

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
    /// ledger looks lost. Or it could not begin: there are no credentials, or nobody answers.
    NotConnected,
    /// `provision` failed and, as asked for, kept what it made.
    Kept,
    /// `provision` failed or was left, and something that it made may be left; `sweep`
    /// found something that is still there; or `sweep` or `rebuild` could not look at
    /// everything: a person must look.
    Incomplete,
    /// `plan` cannot be made yet, or what `sweep` started in the stack is under way;
    /// asking again later may help.
    NotYet,
    /// SIGHUP stopped it. What it undid, and what is left, is told. The numbers of these
    /// three are those of a shell for what a signal has ended.
    Hangup,
    /// Ctrl-C stopped it.
    Interrupt,
    /// SIGTERM stopped it.
    Terminate,
}

impl Exit {
    /// All of them, in the order of their codes.
    pub const ALL: [Exit; 10] = [
        Exit::Done,
        Exit::Unexpected,
        Exit::BadRequest,
        Exit::NotConnected,
        Exit::Kept,
        Exit::Incomplete,
        Exit::NotYet,
        Exit::Hangup,
        Exit::Interrupt,
        Exit::Terminate,
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
            Exit::Hangup => 129,
            Exit::Interrupt => 130,
            Exit::Terminate => 143,
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
                "it could not begin, provision failed and left nothing behind, plan found something in the way, or deprovision or sweep was refused"
            }
            Exit::Kept => "provision failed and kept what it had made, as asked for",
            Exit::Incomplete => {
                "something may be left behind, or sweep or rebuild did not see everything; a person must look"
            }
            Exit::NotYet => {
                "plan cannot be made yet, or the stack is still removing what sweep found; ask again later"
            }
            Exit::Hangup => "stopped by SIGHUP; what was undone or is left was told",
            Exit::Interrupt => "stopped by Ctrl-C, likewise",
            Exit::Terminate => "stopped by SIGTERM, likewise",
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
        text.push_str(&format!("  {:<3}  {}\n", exit.code(), exit.meaning()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_meaning() {
        let codes = Exit::ALL.map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 129, 130, 143]);
    }
}
