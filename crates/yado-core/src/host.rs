//! [`Host`]: this computer, as far as yado asks things of it. Other programs are run through it and nowhere else,
//! so that each call is logged (`YADO_LOG=debug`), can be cancelled, and has a time limit.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::context::Cancel;
use crate::error::{Doing, Error, ErrorKind, Result};

/// This computer.
#[derive(Debug)]
pub struct Host {
    home: PathBuf,
}

impl Host {
    /// A host whose yado directory (`$YADO_HOME`) is `home`.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into() }
    }

    /// yado's own directory: state, boxes, machines. 0700.
    pub fn home(&self) -> &std::path::Path {
        &self.home
    }

    /// Where a program lies on `PATH`, if anywhere.
    pub fn which(&self, program: &str) -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
    }

    /// Runs a program to its end and returns what it printed, whatever its exit code.
    ///
    /// # Errors
    /// When it cannot be started, takes longer than `within`, or the user interrupts.
    pub fn run<I, S>(&self, cancel: &Cancel, argv: I, within: Duration) -> Result<Output>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.run_in(cancel, std::path::Path::new("."), argv, within)
    }

    /// As [`Host::run`], in this directory.
    ///
    /// # Errors
    /// As there.
    pub fn run_in<I, S>(
        &self,
        cancel: &Cancel,
        directory: &std::path::Path,
        argv: I,
        within: Duration,
    ) -> Result<Output>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let argv: Vec<_> = argv.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        let Some((program, arguments)) = argv.split_first() else {
            return Err(Error::new(ErrorKind::Other, "An empty command line was asked for."));
        };
        tracing::debug!(?argv, "run");
        let child = Command::new(program)
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .doing(|| format!("starting '{}'", program.to_string_lossy()))?;
        wait_with_limit(child, &program.to_string_lossy(), cancel, within)
    }
}

/// Collects a child's output on threads while watching the clock and the cancel flag.
fn wait_with_limit(
    mut child: std::process::Child,
    name: &str,
    cancel: &Cancel,
    within: Duration,
) -> Result<Output> {
    use std::io::Read;
    fn drain(source: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut source) = source {
                // A pipe that breaks ends the text; what came before it still counts.
                drop(source.read_to_end(&mut text));
            }
            text
        })
    }
    let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let end = Instant::now() + within;
    let status = loop {
        if let Some(status) = child.try_wait().doing(|| format!("waiting for '{name}'"))? {
            break status;
        }
        let failure = if cancel.is_cancelled() {
            Some(Error::new(ErrorKind::Interrupted, format!("'{name}' was interrupted.")))
        } else if Instant::now() > end {
            Some(Error::new(
                ErrorKind::System,
                format!("'{name}' did not end within {} s.", within.as_secs()),
            ))
        } else {
            None
        };
        if let Some(failure) = failure {
            drop(child.kill());
            drop(child.wait());
            return Err(failure);
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Ok(Output { status, stdout: out.join().unwrap_or_default(), stderr: err.join().unwrap_or_default() })
}
