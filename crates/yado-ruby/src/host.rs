//! The only way out of the evaluator. What Ruby code reads, writes, runs or prints goes through a `Host`,
//! which may refuse.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Location;
use crate::interpreter::Interpreter;
use crate::source::SourceFile;
use crate::value::Eval;

/// Where printed text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A line for the shell.
    Shell(String),
    /// A program and its arguments.
    Argv(Vec<String>),
}

/// What a program left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it printed to standard error.
    pub stderr: Vec<u8>,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FileFacts {
    /// Whether it is a directory.
    pub directory: bool,
    /// Whether it is a regular file.
    pub file: bool,
    /// Whether it is a symbolic link (only when links are not followed).
    pub link: bool,
    /// Its length.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
    /// When it was last changed, in seconds since 1970.
    pub modified: f64,
}

/// Why the host did not do something.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The sandbox does not allow it; the text says what was asked for.
    #[error("{0}")]
    Refused(String),
    /// The system could not do it.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// A change of the file system that Ruby code asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Write (or append to) a file.
    Write {
        /// The file.
        path: PathBuf,
        /// Its new or additional content.
        content: Vec<u8>,
        /// Whether to append.
        append: bool,
    },
    /// Make a directory, with its parents.
    MakeDirectory(PathBuf),
    /// Remove a file or empty directory.
    Remove(PathBuf),
    /// Remove a directory with everything in it.
    RemoveAll(PathBuf),
    /// Rename.
    Rename(PathBuf, PathBuf),
    /// Copy a file.
    Copy(PathBuf, PathBuf),
    /// Make a symbolic link: target, link.
    Link(PathBuf, PathBuf),
    /// Change permission bits.
    Mode(PathBuf, u32),
}

/// The outside world as Ruby code sees it. Paths are absolute: the interpreter keeps the working directory.
pub trait Host {
    /// The content of a file.
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, HostError>;
    /// What is at this path.
    fn facts(&self, path: &Path, follow_links: bool) -> io::Result<FileFacts>;
    /// The names in a directory, without `.` and `..`, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// The target of a symbolic link.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;
    /// The directory that the program was started in.
    fn working_directory(&self) -> PathBuf;
    /// The environment at the start; changes stay inside the interpreter.
    fn environment(&self) -> BTreeMap<String, String>;
    /// The time.
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
    /// Random bytes.
    fn random(&self, buffer: &mut [u8]);
    /// This machine's name.
    fn hostname(&self) -> String;
    /// Prints.
    fn print(&mut self, stream: Stream, text: &[u8]);
    /// A line from standard input, with its line end; `None` at the end.
    fn read_line(&mut self) -> Result<Option<String>, HostError> {
        Ok(None)
    }
    /// Runs a program with this environment in this directory.
    fn run(
        &mut self,
        command: &Command,
        directory: &Path,
        environment: &BTreeMap<String, String>,
        input: &[u8],
    ) -> Result<Output, HostError>;
    /// Changes the file system.
    fn change(&mut self, change: &Change) -> Result<(), HostError>;
    /// Whether a program may open a connection to this place; the library itself opens none.
    fn connect(&mut self, place: &str) -> Result<(), HostError> {
        Err(HostError::Refused(format!("connecting to {place}")))
    }
    /// Whether `exec` of this command means to begin again what the host has made unnecessary to begin again, so
    /// that the program simply goes on.
    fn goes_on_instead(&self, command: &Command) -> bool {
        let _ = command;
        false
    }
    /// Takes note of a source that is about to be evaluated, for whoever shows lines of it later.
    fn note_source(&mut self, source: &SourceFile) {
        let _ = source;
    }
    /// Takes note of what was refused and of the line that asked for it. A program may rescue the refusal and go
    /// on; the person should know all the same.
    fn note_refusal(&mut self, what: &str, place: Option<&Location>);
}

impl Interpreter {
    /// Tells the host what was refused and where, and raises the exception for it.
    pub(crate) fn refuse<T>(&mut self, what: &str) -> Eval<T> {
        let place = self.location_of(self.span_in_file());
        self.host.note_refusal(what, place.as_ref());
        self.raise("Refused", format!("{what} is not allowed while a configuration is read"))
    }
}

/// What reading goes to the real machine and everything else is refused and remembered. Printed text is kept.
pub struct SandboxHost {
    /// What was printed, in order.
    pub printed: Vec<(Stream, Vec<u8>)>,
    /// What was refused, in words.
    pub refused: Vec<String>,
}

impl SandboxHost {
    /// A sandbox that has refused nothing yet.
    pub fn new() -> Self {
        Self { printed: Vec::new(), refused: Vec::new() }
    }
}

impl Default for SandboxHost {
    fn default() -> Self {
        Self::new()
    }
}

/// Facts about a path of the real file system.
pub fn real_facts(path: &Path, follow_links: bool) -> io::Result<FileFacts> {
    use std::os::unix::fs::MetadataExt;
    let metadata = if follow_links { path.metadata()? } else { path.symlink_metadata()? };
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(FileFacts {
        directory: metadata.is_dir(),
        file: metadata.is_file(),
        link: metadata.is_symlink(),
        size: metadata.len(),
        mode: metadata.mode() & 0o7777,
        modified: modified.map_or(0.0, |duration| duration.as_secs_f64()),
    })
}

/// The sorted names in a directory of the real file system.
pub fn real_list(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in path.read_dir()? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

impl Host for SandboxHost {
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        Ok(std::fs::read(path)?)
    }

    fn facts(&self, path: &Path, follow_links: bool) -> io::Result<FileFacts> {
        real_facts(path, follow_links)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        real_list(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        path.read_link()
    }

    fn working_directory(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
    }

    fn environment(&self) -> BTreeMap<String, String> {
        std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect()
    }

    fn random(&self, buffer: &mut [u8]) {
        let mut filled = 0;
        while filled < buffer.len() {
            match rustix::rand::getrandom(&mut buffer[filled..], rustix::rand::GetRandomFlags::empty()) {
                Ok(0) | Err(_) => break,
                Ok(count) => filled += count,
            }
        }
    }

    fn hostname(&self) -> String {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }

    fn print(&mut self, stream: Stream, text: &[u8]) {
        self.printed.push((stream, text.to_vec()));
    }

    fn run(
        &mut self,
        command: &Command,
        _directory: &Path,
        _environment: &BTreeMap<String, String>,
        _input: &[u8],
    ) -> Result<Output, HostError> {
        let what = match command {
            Command::Shell(line) => format!("running `{line}`"),
            Command::Argv(words) => format!("running `{}`", words.join(" ")),
        };
        Err(HostError::Refused(what))
    }

    fn change(&mut self, change: &Change) -> Result<(), HostError> {
        let what = match change {
            Change::Write { path, .. } => format!("writing {}", path.display()),
            Change::MakeDirectory(path) => format!("making the directory {}", path.display()),
            Change::Remove(path) | Change::RemoveAll(path) => format!("removing {}", path.display()),
            Change::Rename(from, to) => format!("renaming {} to {}", from.display(), to.display()),
            Change::Copy(from, to) => format!("copying {} to {}", from.display(), to.display()),
            Change::Link(target, link) => format!("linking {} to {}", link.display(), target.display()),
            Change::Mode(path, _) => format!("changing the permissions of {}", path.display()),
        };
        Err(HostError::Refused(what))
    }

    fn note_refusal(&mut self, what: &str, _place: Option<&Location>) {
        self.refused.push(what.to_owned());
    }
}
