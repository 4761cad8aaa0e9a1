//! [`Host`]: this computer, as far as yado asks things of it. Other programs are run through it and nowhere else,
//! so that each call is logged (`YADO_LOG=debug`), can be cancelled, and has a time limit.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::communicator::Stream;
use crate::context::Cancel;
use crate::error::{Doing, Error, ErrorKind, Result};
use crate::timing::{Running, Timings};

/// This computer.
#[derive(Debug)]
pub struct Host {
    home: PathBuf,
    timings: OnceLock<Timings>,
}

/// A program to run: [`Host::run`] for the usual case, this for one that is fed or watched while it runs.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// Program and arguments.
    pub argv: Vec<OsString>,
    /// What it reads on its standard input; nothing when empty. Never logged.
    pub input: Vec<u8>,
    /// Its working directory; ours when not set.
    pub directory: Option<PathBuf>,
    /// How long it may take; without limit when not set.
    pub within: Option<Duration>,
}

impl Program {
    /// A program with its arguments.
    pub fn new<I, S>(argv: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Self { argv: argv.into_iter().map(|word| word.as_ref().to_owned()).collect(), ..Self::default() }
    }

    fn command(&self) -> Result<(Command, String)> {
        let Some((program, arguments)) = self.argv.split_first() else {
            return Err(Error::new(ErrorKind::Other, "An empty command line was asked for."));
        };
        tracing::debug!(argv = ?self.argv, "run");
        let mut command = Command::new(program);
        command.args(arguments);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        Ok((command, program.to_string_lossy().into_owned()))
    }
}

impl Host {
    /// A host whose yado directory (`$YADO_HOME`) is `home`.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into(), timings: OnceLock::new() }
    }

    /// From now on keeps how long pieces of work take.
    pub fn keep_times(&self) {
        drop(self.timings.set(Timings::default()));
    }

    /// What was kept of that, if it was asked for.
    pub fn timings(&self) -> Option<&Timings> {
        self.timings.get()
    }

    /// yado's own directory: state, boxes, machines. 0700.
    pub fn home(&self) -> &std::path::Path {
        &self.home
    }

    /// Times a program, by its name and its first word: others may be secret.
    fn time(&self, program: &Program) -> Option<Running<'_>> {
        let timings = self.timings()?;
        let mut words = program.argv.iter().map(|word| word.to_string_lossy());
        let path = words.next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let word = words.next().filter(|word| word.bytes().all(|letter| letter.is_ascii_lowercase()));
        Some(timings.begin(format!("program {name} {}", word.unwrap_or_default()).trim_end()))
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
        self.run_to_end(cancel, &Program { within: Some(within), ..Program::new(argv) })
    }

    /// The same in a directory.
    ///
    /// # Errors
    /// As for [`Host::run`].
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
        let directory = Some(directory.to_owned());
        self.run_to_end(cancel, &Program { within: Some(within), directory, ..Program::new(argv) })
    }

    fn run_to_end(&self, cancel: &Cancel, program: &Program) -> Result<Output> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let status = self.watch(cancel, program, &mut |stream, piece| match stream {
            Stream::Stdout => stdout.extend_from_slice(piece),
            Stream::Stderr => stderr.extend_from_slice(piece),
        })?;
        Ok(Output { status, stdout, stderr })
    }

    /// Runs a program to its end and hands over what it prints as it comes.
    ///
    /// # Errors
    /// When it cannot be started, takes longer than it may, or the user interrupts; it is killed then.
    pub fn watch(
        &self,
        cancel: &Cancel,
        program: &Program,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<ExitStatus> {
        let mut whole = |stream, piece: &[u8]| {
            output(stream, piece);
            ControlFlow::Continue(())
        };
        match self.watch_until(cancel, program, &mut whole)? {
            Some(status) => Ok(status),
            None => Err(Error::new(ErrorKind::Other, "A program was left although nobody asked for that.")),
        }
    }

    /// The same, until `output` has seen what it waits for: the program is then killed, and `None` the result.
    ///
    /// # Errors
    /// As for [`Host::watch`].
    pub fn watch_until(
        &self,
        cancel: &Cancel,
        program: &Program,
        output: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<()>,
    ) -> Result<Option<ExitStatus>> {
        let (mut command, name) = program.command()?;
        let _time = self.time(program);
        command.stdin(if program.input.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().doing(|| format!("starting '{name}'"))?;
        if let Some(mut stdin) = child.stdin.take() {
            let input = program.input.clone();
            // A program that does not read its input is no failure.
            std::thread::spawn(move || drop(stdin.write_all(&input)));
        }
        let (sender, pieces) = mpsc::channel();
        drain(Stream::Stdout, child.stdout.take(), sender.clone());
        drain(Stream::Stderr, child.stderr.take(), sender);
        let end = program.within.map(|within| Instant::now() + within);
        loop {
            match pieces.recv_timeout(Duration::from_millis(20)) {
                Ok((stream, piece)) => {
                    if output(stream, &piece).is_break() {
                        // It may have ended by itself meanwhile.
                        drop(child.kill());
                        drop(child.wait());
                        return Ok(None);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            check(&mut child, &name, cancel, end, program.within)?;
        }
        wait(&mut child, &name, cancel, end, program.within).map(Some)
    }

    /// Starts a program that goes on when we have ended: in a session of its own, without a terminal. What it prints
    /// is appended to the file `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn leave(&self, program: &Program, log: &std::path::Path) -> Result<Child> {
        let name = program.argv.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let argv = [OsString::from("setsid")].into_iter().chain(program.argv.iter().cloned()).collect();
        let (mut command, _) = Program { argv, ..program.clone() }.command()?;
        let doing = || format!("starting '{name}'");
        let log = std::fs::File::options().create(true).append(true).open(log).doing(doing)?;
        let errors = log.try_clone().doing(doing)?;
        command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().doing(doing)
    }

    /// Runs a program to its end on our own standard streams.
    ///
    /// # Errors
    /// When it cannot be started, takes longer than it may, or the user interrupts; it is killed then.
    pub fn attach(&self, cancel: &Cancel, program: &Program) -> Result<ExitStatus> {
        let (mut command, name) = program.command()?;
        let _time = self.time(program);
        let mut child = command.spawn().doing(|| format!("starting '{name}'"))?;
        let end = program.within.map(|within| Instant::now() + within);
        wait(&mut child, &name, cancel, end, program.within)
    }
}

/// Reads a pipe to its end on a thread. One that breaks ends the text; what came before it still counts.
fn drain(stream: Stream, source: Option<impl Read + Send + 'static>, sender: Sender<(Stream, Vec<u8>)>) {
    let Some(mut source) = source else { return };
    std::thread::spawn(move || {
        let mut buffer = vec![0_u8; 32 << 10];
        while let Ok(count) = source.read(&mut buffer) {
            if count == 0 || sender.send((stream, buffer[..count].to_vec())).is_err() {
                break;
            }
        }
    });
}

fn wait(
    child: &mut Child,
    name: &str,
    cancel: &Cancel,
    end: Option<Instant>,
    within: Option<Duration>,
) -> Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().doing(|| format!("waiting for '{name}'"))? {
            return Ok(status);
        }
        check(child, name, cancel, end, within)?;
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Kills a program that the user no longer wants or that takes too long.
fn check(
    child: &mut Child,
    name: &str,
    cancel: &Cancel,
    end: Option<Instant>,
    within: Option<Duration>,
) -> Result<()> {
    let failure = if cancel.is_cancelled() {
        Error::new(ErrorKind::Interrupted, format!("'{name}' was interrupted."))
    } else if end.is_some_and(|end| Instant::now() > end) {
        let seconds = within.unwrap_or_default().as_secs();
        Error::new(ErrorKind::System, format!("'{name}' did not end within {seconds} s."))
    } else {
        return Ok(());
    };
    // It may have ended by itself meanwhile.
    drop(child.kill());
    drop(child.wait());
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_fed_and_watched() {
        let host = Host::new("/nonexistent");
        let mut program = Program::new(["sh", "-c", "cat; pwd >&2; exit 3"]);
        program.input = b"fed\n".to_vec();
        program.directory = Some("/".into());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = host
            .watch(&Cancel::new(), &program, &mut |stream, piece| match stream {
                Stream::Stdout => out.extend_from_slice(piece),
                Stream::Stderr => err.extend_from_slice(piece),
            })
            .unwrap();
        assert_eq!((status.code(), &out[..], &err[..]), (Some(3), &b"fed\n"[..], &b"/\n"[..]));
    }

    #[test]
    fn a_program_that_takes_too_long_or_is_not_wanted_any_more_is_killed() {
        let host = Host::new("/nonexistent");
        let late = host.run(&Cancel::new(), ["sleep", "60"], Duration::from_millis(50)).unwrap_err();
        assert!(late.message().contains("did not end"), "{late}");
        let cancel = Cancel::new();
        cancel.cancel();
        let stopped = host.run(&cancel, ["sleep", "60"], Duration::from_secs(60)).unwrap_err();
        assert_eq!(stopped.kind(), ErrorKind::Interrupted);
    }
}
