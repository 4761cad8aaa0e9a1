//! The Vagrantfile's way out: files are read, programs run and files change only when the project is trusted.
//! What was refused is remembered with its place, because the person has to decide about it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;

use yado_ruby::{
    Change, Command, FileFacts, Host, HostError, Output, SandboxHost, Stream, real_facts, real_list,
};

/// Takes what a Vagrantfile prints.
pub type Sink = Box<dyn FnMut(Stream, &[u8])>;

/// See the module.
pub(crate) struct VagrantfileHost {
    /// Where the program was started.
    pub(crate) directory: PathBuf,
    /// The environment.
    pub(crate) environment: BTreeMap<String, String>,
    /// Whether programs run and files change.
    pub(crate) trusted: bool,
    /// Takes what is printed.
    pub(crate) sink: Sink,
    /// What was refused.
    pub(crate) refused: Rc<RefCell<Vec<String>>>,
    /// Reads, and words refusals.
    pub(crate) sandbox: SandboxHost,
}

impl VagrantfileHost {
    /// Passes on a refusal, remembering it.
    fn noted<T>(&self, outcome: Result<T, HostError>) -> Result<T, HostError> {
        if let Err(HostError::Refused(what)) = &outcome {
            self.refused.borrow_mut().push(what.clone());
        }
        outcome
    }
}

impl Host for VagrantfileHost {
    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.sandbox.read_file(path)
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
        (self.sink)(stream, text);
    }

    fn run(
        &mut self,
        command: &Command,
        directory: &Path,
        environment: &BTreeMap<String, String>,
        input: &[u8],
    ) -> Result<Output, HostError> {
        if !self.trusted {
            let outcome = self.sandbox.run(command, directory, environment, input);
            return self.noted(outcome);
        }
        Ok(run(command, directory, environment, input)?)
    }

    fn change(&mut self, change: &Change) -> Result<(), HostError> {
        if !self.trusted {
            let outcome = self.sandbox.change(change);
            return self.noted(outcome);
        }
        Ok(apply(change)?)
    }
}

/// Runs a program of a trusted Vagrantfile to its end.
fn run(
    command: &Command,
    directory: &Path,
    environment: &BTreeMap<String, String>,
    input: &[u8],
) -> io::Result<Output> {
    let words = match command {
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
