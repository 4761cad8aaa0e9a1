//! QMP: QEMU's own protocol, lines of JSON over a socket in the machine's directory. Everything that is done to a
//! machine that runs is done by it. One connection at a time is served, so each is kept short.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yado_core::error::Doing;
use yado_core::{Error, ErrorKind, Result};

/// The socket's file in the machine's directory.
pub(super) const SOCKET: &str = "qmp.sock";

/// How long QEMU may take to answer. It answers at once unless the host is overloaded or it writes a snapshot.
const PATIENCE: Duration = Duration::from_secs(60);

/// A conversation.
pub(super) struct Qmp {
    reader: BufReader<UnixStream>,
}

impl Qmp {
    /// Opens one with the QEMU that serves the socket in `folder`; `None` when nobody does.
    pub(super) fn open(folder: &Path) -> Result<Option<Self>> {
        // Sockets' paths may have 107 bytes; that of an open directory is short.
        let Ok(directory) = std::fs::File::open(folder) else { return Ok(None) };
        let path = format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd());
        let Ok(stream) = UnixStream::connect(path) else { return Ok(None) };
        stream.set_read_timeout(Some(PATIENCE)).doing(|| "talking to QEMU")?;
        stream.set_write_timeout(Some(PATIENCE)).doing(|| "talking to QEMU")?;
        let mut qmp = Self { reader: BufReader::new(stream) };
        // A QEMU that ends right now is as good as none.
        if qmp.read().is_err() {
            return Ok(None);
        }
        qmp.run("qmp_capabilities", json!({}))?;
        Ok(Some(qmp))
    }

    fn read(&mut self) -> Result<Value> {
        let mut line = String::new();
        let count = self.reader.read_line(&mut line).doing(|| "reading what QEMU answers")?;
        if count == 0 {
            return Err(Error::new(ErrorKind::System, "QEMU ended the conversation."));
        }
        serde_json::from_str(&line).doing(|| "reading what QEMU answers")
    }

    /// Runs a command; its result.
    pub(super) fn run(&mut self, command: &str, arguments: Value) -> Result<Value> {
        tracing::debug!(command, %arguments, "QMP");
        let mut text = json!({ "execute": command, "arguments": arguments }).to_string();
        text.push('\n');
        self.reader.get_mut().write_all(text.as_bytes()).doing(|| format!("asking QEMU for '{command}'"))?;
        loop {
            let answer = self.read()?;
            if let Some(result) = answer.get("return") {
                return Ok(result.clone());
            }
            if let Some(problem) = answer.get("error") {
                let said = problem.get("desc").and_then(Value::as_str).unwrap_or_default();
                return Err(Error::new(ErrorKind::System, format!("QEMU refused '{command}': {said}")));
            }
            // Events come in between.
        }
    }

    /// Waits for jobs that somebody else began and did not live to see the end of.
    pub(super) fn settle(&mut self, within: Duration) -> Result<()> {
        let end = Instant::now() + within;
        loop {
            let jobs = self.run("query-jobs", json!({}))?;
            let mut left = 0;
            for job in jobs.as_array().into_iter().flatten() {
                let text = |name: &str| job.get(name).and_then(Value::as_str).unwrap_or_default();
                if text("status") == "concluded" {
                    self.run("job-dismiss", json!({ "id": text("id") }))?;
                } else {
                    left += 1;
                }
            }
            if left == 0 || Instant::now() > end {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs a job, such as saving a snapshot, to its end.
    pub(super) fn job(&mut self, command: &str, arguments: Value, within: Duration) -> Result<()> {
        let id = arguments.get("job-id").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.run(command, arguments)?;
        let end = Instant::now() + within;
        loop {
            let jobs = self.run("query-jobs", json!({}))?;
            let job = jobs.as_array().and_then(|jobs| {
                jobs.iter().find(|job| job.get("id").and_then(Value::as_str) == Some(&id)).cloned()
            });
            let Some(job) = job else { return Ok(()) };
            if job.get("status").and_then(Value::as_str) == Some("concluded") {
                self.run("job-dismiss", json!({ "id": id }))?;
                let Some(said) = job.get("error").and_then(Value::as_str) else { return Ok(()) };
                return Err(Error::new(ErrorKind::System, format!("QEMU failed at '{command}': {said}")));
            }
            if Instant::now() > end {
                return Err(Error::new(
                    ErrorKind::System,
                    format!("QEMU did not finish '{command}' within {} s.", within.as_secs()),
                ));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
