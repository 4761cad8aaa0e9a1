//! The Vagrantfile's way out: files are read as far as [`reading`] allows, harmless questions are answered, and
//! programs run and files change only when the project is trusted. What was refused is remembered with its place,
//! because the person has to decide about it.

mod answers;
mod filters;
mod git;
pub(crate) mod reading;
mod shell;
mod system;

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;

use yado_ruby::{
    Change, Command, FileFacts, Host, HostError, Limit, Location, Output, SandboxHost, SourceFile, Stream,
    exhaust, real_facts, real_list,
};

use answers::Asked;
use reading::Reading;

use crate::sources::Sources;
use crate::trust::Trust;

/// Takes what a Vagrantfile prints.
pub type Sink = Box<dyn FnMut(Stream, &[u8])>;

/// See the module.
pub(crate) struct VagrantfileHost {
    /// Where the program was started.
    pub(crate) directory: PathBuf,
    /// The environment.
    pub(crate) environment: BTreeMap<String, String>,
    /// Whether programs run and files change.
    pub(crate) trusted: Trust,
    /// Set while somebody else's code runs, such as a box's: what the project may do is not meant for it.
    pub(crate) foreign: Rc<Cell<bool>>,
    /// Takes what is printed.
    pub(crate) sink: Sink,
    /// What was refused, each with its place.
    pub(crate) refused: Rc<RefCell<Vec<String>>>,
    /// What may be read without trust.
    pub(crate) reading: Rc<Reading>,
    /// What was evaluated.
    pub(crate) sources: Sources,
    /// Words refusals.
    pub(crate) sandbox: SandboxHost,
    /// How many bytes were printed.
    pub(crate) printed: Cell<usize>,
    /// Whether Vagrant plugins were "installed" while this Vagrantfile was read.
    pub(crate) plugins_asked_for: Cell<bool>,
}

/// More than anybody wants to read.
const MOST_PRINTED: usize = 4 << 20;

/// The words of a command of Vagrant's own, without the program's name.
fn vagrants(command: &Command) -> Option<Vec<&str>> {
    let words: Vec<&str> = match command {
        Command::Shell(line) => line.split_whitespace().collect(),
        Command::Argv(words) => words.iter().map(String::as_str).collect(),
    };
    let (program, arguments) = words.split_first()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    matches!(name, "vagrant" | "yado").then(|| arguments.to_vec())
}

impl VagrantfileHost {
    fn trusted(&self) -> bool {
        !self.foreign.get() && self.trusted.given()
    }
}

impl Host for VagrantfileHost {
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, HostError> {
        match self.reading.read(path) {
            Err(HostError::Refused(_)) if self.trusted() => self.sandbox.read_file(path),
            read => read,
        }
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
        self.directory.clone()
    }

    fn environment(&self) -> BTreeMap<String, String> {
        self.environment.clone()
    }

    fn random(&self, buffer: &mut [u8]) {
        self.sandbox.random(buffer);
    }

    fn hostname(&self) -> String {
        self.sandbox.hostname()
    }

    fn print(&mut self, stream: Stream, text: &[u8]) {
        let printed = self.printed.get() + text.len();
        self.printed.set(printed);
        if printed > MOST_PRINTED && !self.trusted() {
            exhaust(Limit::Output);
            return;
        }
        (self.sink)(stream, text);
    }

    fn run(
        &mut self,
        command: &Command,
        directory: &Path,
        environment: &BTreeMap<String, String>,
        input: &[u8],
    ) -> Result<Output, HostError> {
        let asked = Asked { reading: &self.reading, directory, environment };
        let plugins = vagrants(command).is_some_and(|words| words.first() == Some(&"plugin"));
        if !self.trusted() || (plugins && answers::find("vagrant", &asked).is_none()) {
            self.plugins_asked_for.set(self.plugins_asked_for.get() || plugins);
            return match answers::answer(command, &asked, input)? {
                Some(output) => Ok(output),
                None => self.sandbox.run(command, directory, environment, input),
            };
        }
        Ok(run(command, directory, environment, input)?)
    }

    fn change(&mut self, change: &Change) -> Result<(), HostError> {
        // What is thrown away changes nothing.
        let thrown_away = matches!(change, Change::Write { path, .. } if path == Path::new("/dev/null"));
        if thrown_away {
            return Ok(());
        }
        if !self.trusted() {
            return self.sandbox.change(change);
        }
        Ok(apply(change)?)
    }

    fn connect(&mut self, place: &str) -> Result<(), HostError> {
        if self.trusted() { Ok(()) } else { Err(HostError::Refused(format!("connecting to {place}"))) }
    }

    fn goes_on_instead(&self, command: &Command) -> bool {
        // Vagrantfiles that installed their plugins start Vagrant again so that it sees them. There are none here.
        self.plugins_asked_for.get() && vagrants(command).is_some()
    }

    fn note_source(&mut self, source: &SourceFile) {
        self.sources.note(source);
    }

    fn note_refusal(&mut self, what: &str, place: Option<&Location>) {
        let note = match place {
            Some(place) => format!("{what} at {place}"),
            None => what.to_owned(),
        };
        let note = note + &self.trusted.problem();
        // Blocks run several times.
        let mut refused = self.refused.borrow_mut();
        if !refused.contains(&note) {
            refused.push(note);
        }
    }
}

/// Whether a line needs no shell: Ruby then starts the program itself, and notices when there is none.
fn is_plain(line: &str) -> bool {
    const BUILT_IN: &[&str] = &[
        "!", ".", ":", "alias", "bg", "break", "case", "cd", "command", "continue", "eval", "exec", "exit",
        "export", "fg", "for", "hash", "if", "jobs", "read", "readonly", "return", "set", "shift", "source",
        "times", "trap", "type", "ulimit", "umask", "unalias", "unset", "until", "wait", "while",
    ];
    let first = line.split_whitespace().next().unwrap_or_default();
    !line.contains(|letter: char| "*?{}[]<>()~&|\\$;'`\"\n#=%".contains(letter)) && !BUILT_IN.contains(&first)
}

/// Runs a program of a trusted Vagrantfile to its end.
fn run(
    command: &Command,
    directory: &Path,
    environment: &BTreeMap<String, String>,
    input: &[u8],
) -> io::Result<Output> {
    let words = match command {
        Command::Shell(line) if is_plain(line) => line.split_whitespace().map(str::to_owned).collect(),
        Command::Shell(line) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()],
        Command::Argv(words) => words.clone(),
    };
    let Some((program, arguments)) = words.split_first() else {
        return Err(io::Error::from(io::ErrorKind::NotFound));
    };
    let mut child = std::process::Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // Fed from a thread, so that a program which prints before it has read everything does not wait for us.
    let feeder = child.stdin.take().map(|mut pipe| {
        let input = input.to_vec();
        std::thread::spawn(move || drop(pipe.write_all(&input)))
    });
    let output = child.wait_with_output()?;
    if let Some(feeder) = feeder {
        drop(feeder.join());
    }
    Ok(Output { status: output.status.code(), stdout: output.stdout, stderr: output.stderr })
}

/// Changes the file system for a trusted Vagrantfile.
fn apply(change: &Change) -> io::Result<()> {
    match change {
        Change::Write { path, content, append: true } => {
            std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(content)
        }
        Change::Write { path, content, append: false } => std::fs::write(path, content),
        Change::MakeDirectory(path) => std::fs::create_dir_all(path),
        Change::Remove(path) => {
            if path.symlink_metadata()?.is_dir() {
                std::fs::remove_dir(path)
            } else {
                std::fs::remove_file(path)
            }
        }
        Change::RemoveAll(path) => {
            if path.symlink_metadata()?.is_dir() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            }
        }
        Change::Rename(from, to) => std::fs::rename(from, to),
        Change::Copy(from, to) => std::fs::copy(from, to).map(drop),
        Change::Link(target, link) => std::os::unix::fs::symlink(target, link),
        Change::Mode(path, mode) => {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(*mode))
        }
    }
}
