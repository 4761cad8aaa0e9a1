//! The one error type of the engine: what was being done, to what, and why it failed.

use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong when machines are built and operated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused an operation on a path.
    #[error("cannot {operation} '{}': {source}", path.display())]
    Path {
        /// What was being done, as an infinitive: "mount", "create".
        operation: &'static str,
        /// What it was being done to.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The system refused an operation that has no path.
    #[error("cannot {operation}: {source}")]
    System {
        /// What was being done, as an infinitive.
        operation: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A value in the specification or request cannot be used.
    #[error("{setting}: {reason}")]
    Invalid {
        /// Where the value stands, as in `linux.resources.memory.limit`.
        setting: String,
        /// What is wrong and what to do about it.
        reason: String,
    },
    /// A container of this id is there already.
    #[error("container '{0}' exists already; delete it first")]
    Exists(String),
    /// The container's processes are gone.
    #[error("container '{0}' is not running")]
    NotRunning(String),
    /// The container still runs and the operation needs it stopped.
    #[error("container '{0}' is running; stop it first or delete it with force")]
    StillRunning(String),
    /// The container's program was started before.
    #[error("container '{0}' has been started already")]
    Started(String),
    /// Setting the container up failed inside of it.
    #[error("cannot set up container '{id}': {message}")]
    SetUp {
        /// The container.
        id: String,
        /// What its init reported.
        message: String,
    },
    /// The command to be run inside was not found or not executable.
    #[error("cannot run '{command}' in container '{id}': {source}")]
    Command {
        /// The container.
        id: String,
        /// `argv[0]` as asked for.
        command: String,
        /// The system's answer to the last attempt.
        source: io::Error,
    },
}

/// The engine's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Adds the operation and its object to a system error.
pub(crate) trait Context<T> {
    /// Names what was being done to which path.
    fn path(self, operation: &'static str, path: impl AsRef<Path>) -> Result<T>;
    /// Names what was being done.
    fn doing(self, operation: impl Into<String>) -> Result<T>;
}

impl<T, E: Into<io::Error>> Context<T> for std::result::Result<T, E> {
    fn path(self, operation: &'static str, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|source| Error::Path {
            operation,
            path: path.as_ref().to_owned(),
            source: source.into(),
        })
    }

    fn doing(self, operation: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::System { operation: operation.into(), source: source.into() })
    }
}

impl Error {
    /// A value that cannot be used, and why.
    pub(crate) fn invalid(setting: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { setting: setting.into(), reason: reason.into() }
    }

    /// The system error beneath, where there is one.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Self::Path { source, .. } | Self::System { source, .. } | Self::Command { source, .. } => {
                Some(source)
            }
            _ => None,
        }
    }
}
