//! [`Communicator`]: a way to run commands and move files inside a machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::context::Context;
use crate::error::Result;

/// Which of a command's output streams a piece came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl ExitStatus {
    /// Ended with 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }

    /// As a shell would report it: the code, or 128 plus the signal.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

/// A command to run inside.
#[derive(Debug, Clone, Default)]
pub struct Exec {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Run as this user; `None`: the machine's entry user.
    pub user: Option<String>,
    /// Working directory; `None`: the user's home.
    pub directory: Option<String>,
    /// Additional environment variables.
    pub environment: BTreeMap<String, String>,
    /// What the command reads on its standard input; `None`: nothing.
    pub input: Option<Vec<u8>>,
}

/// A way to run things inside. Shared by threads.
pub trait Communicator: Send + Sync {
    /// The user that one enters as when a command names none.
    fn user(&self) -> &str;
    /// Waits until commands can be run, at most `within`.
    fn ready(&self, context: &Context, within: Duration) -> Result<()>;
    /// Runs a command to its end, handing over its output as it comes. Stops it when the user interrupts.
    fn exec(
        &self,
        context: &Context,
        command: &Exec,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<ExitStatus>;
    /// Runs a command on the caller's own terminal or standard streams; with a pseudo-terminal when `terminal`.
    /// An empty `argv` means the user's login shell.
    fn interact(&self, context: &Context, command: &Exec, terminal: bool) -> Result<ExitStatus>;
    /// The same by the ssh program with more options of the user's own (`-L 8080:localhost:80`); `None` when machines
    /// are not entered by ssh.
    fn interact_by_ssh(
        &self,
        _context: &Context,
        _command: &Exec,
        _terminal: bool,
        _options: &[String],
    ) -> Option<Result<ExitStatus>> {
        None
    }
    /// Copies a host file or directory to a guest path, owned by the entry user.
    fn upload(&self, context: &Context, from: &Path, to: &str) -> Result<()>;
    /// Copies a guest file or directory to a host path.
    fn download(&self, context: &Context, from: &str, to: &Path) -> Result<()>;
}
