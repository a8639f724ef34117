//! Why a command could not begin.

use std::path::PathBuf;

use shared::{Code, StepError};

use crate::caller;
use crate::exit::Exit;

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
    /// An error code that is not in the catalogue.
    #[error("there is no error code `{code}`; {hint}")]
    UnknownCode {
        /// What was asked for.
        code: String,
        /// Which codes there are that look like it.
        hint: String,
    },
    /// An error with a code of the catalogue.
    #[error("{0}")]
    Step(#[from] StepError),
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
            | Error::NoSimulator { .. }
            | Error::UnknownCode { .. } => Exit::BadRequest,
            Error::Step(error) if error.code == Code::InvalidRequest => Exit::BadRequest,
            Error::Step(error) if error.code == Code::ConfigurationInvalid => Exit::NotConnected,
            Error::Caller(_) => Exit::NotConnected,
            Error::Step(_) | Error::Listen(_) | Error::Definition(_) | Error::Signals(_) => {
                Exit::Unexpected
            }
        }
    }

    /// The code of the catalogue, if it has one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Error::Step(error) | Error::Caller(error) => Some(error.code),
            Error::File { .. }
            | Error::Json { .. }
            | Error::Scenario(_)
            | Error::ScenarioFile { .. }
            | Error::NoSimulator { .. }
            | Error::UnknownCode { .. }
            | Error::Listen(_)
            | Error::Definition(_)
            | Error::Signals(_) => None,
        }
    }
}
