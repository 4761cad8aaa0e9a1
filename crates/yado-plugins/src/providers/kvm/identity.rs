//! The conversation over a machine's second serial port with the program that holds it before anyone can enter it: it
//! says that it is `ready`, is told to `go` with the time and entropy, and says that it is `done`.

use std::io::{ErrorKind as Trouble, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use yado_core::error::Doing;
use yado_core::store::random_id;
use yado_core::{Context, Error, ErrorKind, Result};

use super::hardware::IDENTITY;
use super::process;
use super::qmp;

/// Between two looks at whether anybody still wants to hear it.
const GLANCE: Duration = Duration::from_millis(200);

/// The waiting program in a machine.
pub(super) struct Identity<'a> {
    stream: UnixStream,
    folder: &'a Path,
    machine: &'a str,
    heard: Vec<u8>,
}

impl<'a> Identity<'a> {
    pub(super) fn open(folder: &'a Path, machine: &'a str) -> Result<Self> {
        let doing = || "talking to the machine over its serial port";
        let stream = qmp::connect(folder, IDENTITY, Duration::from_secs(5)).doing(doing)?;
        stream.set_read_timeout(Some(GLANCE)).doing(doing)?;
        Ok(Self { stream, folder, machine, heard: Vec::new() })
    }

    /// Waits for the machine to say that it can be kept.
    pub(super) fn ready(&mut self, context: &Context, within: Duration) -> Result<()> {
        self.expect(context, "ready", within)
    }

    /// Tells a machine that goes on what time it is and gives it entropy of its own; it then reads who it is.
    pub(super) fn go(&mut self, context: &Context, within: Duration) -> Result<()> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let entropy = [random_id()?, random_id()?, random_id()?, random_id()?].concat();
        let line = format!("go {}.{:03} {entropy}\n", now.as_secs(), now.subsec_millis());
        self.stream.write_all(line.as_bytes()).doing(|| "telling a machine who it is")?;
        self.expect(context, "done", within)
    }

    fn expect(&mut self, context: &Context, wanted: &str, within: Duration) -> Result<()> {
        let end = Instant::now() + within;
        loop {
            while let Some(line) = self.line() {
                if line == wanted {
                    return Ok(());
                }
                if let Some(why) = line.strip_prefix("failed ") {
                    return Err(Error::new(ErrorKind::System, format!("Inside, {why}.")));
                }
            }
            context.cancel.check()?;
            if process::find(self.folder, self.machine).is_none() {
                let said = process::last_words(self.folder);
                return Err(Error::new(
                    ErrorKind::System,
                    format!("The machine ended. Its console:\n{said}"),
                ));
            }
            if Instant::now() > end {
                let said = process::last_words(self.folder);
                let seconds = within.as_secs();
                return Err(Error::new(
                    ErrorKind::System,
                    format!("The machine did not say '{wanted}' within {seconds} s. Its console:\n{said}"),
                ));
            }
            let mut piece = [0_u8; 256];
            match self.stream.read(&mut piece) {
                Ok(0) => std::thread::sleep(GLANCE),
                Ok(count) => self.heard.extend_from_slice(&piece[..count]),
                Err(problem) if matches!(problem.kind(), Trouble::WouldBlock | Trouble::TimedOut) => {}
                Err(problem) => return Err(problem).doing(|| "listening to a machine"),
            }
        }
    }

    /// The next whole line that was heard.
    fn line(&mut self) -> Option<String> {
        let end = self.heard.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.heard.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim().to_owned())
    }
}
