//! What is left when evaluation ended early: for people, with the place in the source.

use std::fmt;
use std::sync::Arc;

/// A limit of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Too many evaluation steps.
    Steps,
    /// Too much memory.
    Memory,
    /// Too much text printed.
    Output,
}

/// A place in a source file. Lines count from 1, columns (in bytes) from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file's name as Ruby sees it.
    pub file: Arc<str>,
    /// The line.
    pub line: usize,
    /// The column where it begins.
    pub column: usize,
    /// The line where it ends.
    pub end_line: usize,
    /// The column where it ends.
    pub end_column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// One finding of the parser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub location: Location,
}

/// Why a failure happened, for those who act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The source is not Ruby; see the diagnostics.
    Syntax,
    /// An exception that nothing rescued.
    Raised,
    /// `exit` or `abort`; see the status.
    Exit,
    /// Something that the sandbox does not allow.
    Refused,
    /// A limit of the sandbox.
    Limit(Limit),
}

/// An evaluation that ended early.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// The exception's class.
    pub class: String,
    /// The exception's message.
    pub message: String,
    /// Where it was raised.
    pub location: Option<Location>,
    /// The calls that led there, innermost first, as Ruby prints them.
    pub backtrace: Vec<String>,
    /// The exit status, for `exit`.
    pub status: i32,
    /// Everything that the parser found, for syntax errors.
    pub diagnostics: Vec<Diagnostic>,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.backtrace.first() {
            write!(formatter, "{place}: ")?;
        }
        write!(formatter, "{} ({})", self.message, self.class)
    }
}

impl std::error::Error for Failure {}
