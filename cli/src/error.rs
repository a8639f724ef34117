//! Why a command could not begin.

use std::path::PathBuf;

use shared::{Code, StepError};

use crate::caller;
use crate::exit::Exit;
use crate::fixes;

/// Why a command could not begin. Failures of a run are no errors here: they
/// are endings, see [`crate::ending`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A request file that is not JSON.
    #[error("{}: not JSON: {source}", path.display())]
    Json {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A scenario that does not exist, or one that is shipped and cannot be read.
    #[error(transparent)]
    Scenario(#[from] simulator::ScenarioError),
    /// A file that is no scenario.
    #[error("{}: {why}", path.display())]
    ScenarioFile {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it, and where; it may have several lines.
        why: String,
    },
    /// Nobody to ask as, or nobody who answers, before anything was begun.
    #[error("{}", caller::told(.0))]
    Caller(StepError),
    /// There is no simulator where one was said to be.
    #[error("{why}; start it with `cargo run -p simulator`")]
    NoSimulator {
        /// What is there instead.
        why: String,
    },
    /// The system lets nobody listen to signals.
    #[error("nobody can listen to signals: {0}")]
    Signals(std::io::Error),
    /// A name that is neither in the catalogue nor in the run book.
    #[error("there is no code, alarm, phase or health `{name}`; {hint}")]
    UnknownName {
        /// What was asked for.
        name: String,
        /// Which names there are that look like it.
        hint: String,
    },
    /// An error with a code of the catalogue.
    #[error("{0}")]
    Step(#[from] StepError),
    /// The same, where it is known here what to do about it.
    #[error("{code}: {message}")]
    Told {
        /// The code.
        code: Code,
        /// What is wrong, one thing on each line.
        message: String,
        /// What to do.
        fix: String,
    },
    /// The embedded simulator cannot listen on loopback.
    #[error("the simulator cannot listen on loopback: {0}")]
    Listen(std::io::Error),
    /// The embedded definition cannot be run.
    #[error("the definition cannot be run: {0}")]
    Definition(#[from] engine::LoadError),
}

impl Error {
    pub fn exit(&self) -> Exit {
        match self {
            Error::File { .. }
            | Error::Json { .. }
            | Error::Scenario(_)
            | Error::ScenarioFile { .. }
            | Error::UnknownName { .. } => Exit::BadRequest,
            Error::Step(error) if error.code == Code::InvalidRequest => Exit::BadRequest,
            Error::Told { code, .. } if *code == Code::InvalidRequest => Exit::BadRequest,
            Error::Step(_)
            | Error::Told { .. }
            | Error::Caller(_)
            | Error::NoSimulator { .. }
            | Error::Listen(_)
            | Error::Signals(_) => Exit::NotStarted,
            Error::Definition(_) => Exit::Unexpected,
        }
    }

    /// The code of the catalogue, if it has one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Error::Step(error) | Error::Caller(error) => Some(error.code),
            Error::Told { code, .. } => Some(*code),
            Error::File { .. }
            | Error::Json { .. }
            | Error::Scenario(_)
            | Error::ScenarioFile { .. }
            | Error::NoSimulator { .. }
            | Error::UnknownName { .. }
            | Error::Listen(_)
            | Error::Definition(_)
            | Error::Signals(_) => None,
        }
    }

    /// What to do about it, if that is known.
    pub fn fix(&self) -> Option<String> {
        match self {
            Error::Told { fix, .. } => Some(fix.clone()),
            Error::Step(error) | Error::Caller(error) => Some(fixes::of(error.code, None)),
            Error::File { .. }
            | Error::Json { .. }
            | Error::Scenario(_)
            | Error::ScenarioFile { .. }
            | Error::NoSimulator { .. }
            | Error::UnknownName { .. }
            | Error::Listen(_)
            | Error::Definition(_)
            | Error::Signals(_) => None,
        }
    }
}
