//! The one error type that travels between rooms: a kind for the exit code, a message and hints for the person,
//! a source for the log. It is rendered once, by the program.

use std::fmt;

use crate::spec::{Origin, Problem};

/// The result of anything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure this is. A kind exists only where someone acts on it: the program picks the exit code
/// and the class name of the machine-readable `error-exit` line from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No Vagrantfile here or in any folder above.
    NoEnvironment,
    /// The Vagrantfile cannot be read or evaluated.
    VagrantfileLoad,
    /// The Vagrantfile ended the program itself (`exit`, `abort`), with this code.
    VagrantfileExited(i32),
    /// The configuration was read, but makes no sense.
    ConfigInvalid,
    /// A machine of that name does not exist in the Vagrantfile.
    MachineNotFound,
    /// The command needs one machine and several were meant.
    MultiVmTargetRequired,
    /// The named provider does not exist.
    ProviderNotFound,
    /// The provider cannot be used on this host, or no provider can.
    ProviderNotUsable,
    /// The machine is active with another provider.
    MachineFoundWithDifferentProvider,
    /// The box is neither installed nor to be had from any source.
    BoxNotFound,
    /// A box could not be fetched, verified or unpacked.
    BoxImport,
    /// A host port or an address that is asked for belongs to somebody else.
    Collision,
    /// Another process works on this machine or environment.
    Locked,
    /// The command in the guest did not end with 0.
    GuestCommandFailed,
    /// Something in the way a command was called.
    Usage,
    /// The user interrupted.
    Interrupted,
    /// A file, process or kernel interface failed.
    System,
    /// Anything else.
    Other,
}

/// A failure, told to a person: what happened, to what, and what to do about it.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hints: Vec<String>,
    origin: Option<Box<Origin>>,
    problems: Vec<(String, Vec<Problem>)>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that says `message` (full sentences).
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hints: Vec::new(),
            origin: None,
            problems: Vec::new(),
            source: None,
        }
    }

    /// A failed system interface: what was being done, and what the system said.
    pub fn system(doing: impl fmt::Display, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        let message = format!("{doing}: {source}");
        Self::new(ErrorKind::System, message).caused_by(source)
    }

    /// Adds the cause, for the log.
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Adds one sentence on what the person can do.
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds the place in the Vagrantfile that asked for what failed.
    pub fn at(mut self, origin: Option<Origin>) -> Self {
        self.origin = origin.map(Box::new);
        self
    }

    /// Adds what is wrong in which places, by section; a section without a name has no heading.
    pub fn with_problems(mut self, problems: Vec<(String, Vec<Problem>)>) -> Self {
        self.problems = problems;
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message without hints, places and problems.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the person can do, in order of usefulness.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The place in the Vagrantfile that asked for what failed.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_deref()
    }

    /// What is wrong in which places, by section.
    pub fn problems(&self) -> &[(String, Vec<Problem>)] {
        &self.problems
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

/// Adds to an I/O result what was being done, as a [`ErrorKind::System`] error.
pub trait Doing<T> {
    /// `doing` names the operation and its object, without a final period: "writing '/x/y'".
    fn doing<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T>;
}

impl<T, E: std::error::Error + Send + Sync + 'static> Doing<T> for std::result::Result<T, E> {
    fn doing<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T> {
        self.map_err(|source| Error::system(doing(), source))
    }
}
