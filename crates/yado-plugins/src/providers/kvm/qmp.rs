//! QMP: QEMU's own protocol, lines of JSON over a socket in the machine's directory. Everything that is done to a
//! machine that runs is done by it. One connection at a time is served, so each is kept short.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
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
    /// What the next command is known by. An answer to a command of somebody who was killed meanwhile goes to whoever
    /// comes next.
    next: u64,
}

/// Connects to a socket in a machine's directory. A QEMU that takes nobody any more is waited for only so long.
pub(super) fn connect(folder: &Path, name: &str, patience: Duration) -> std::io::Result<UnixStream> {
    // Sockets' paths may have 107 bytes; that of an open directory is short.
    let directory = std::fs::File::open(folder)?;
    let address = SocketAddrUnix::new(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()))?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    let end = Instant::now() + patience;
    while let Err(problem) = net::connect(&socket, &address) {
        if problem != Errno::AGAIN || Instant::now() > end {
            return Err(problem.into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

impl Qmp {
    /// Opens one with the QEMU that serves the socket in `folder`; `None` when nobody does.
    ///
    /// # Errors
    /// When somebody does and does not answer.
    pub(super) fn open(folder: &Path) -> Result<Option<Self>> {
        Self::open_within(folder, PATIENCE)
    }

    /// The same with another time for each answer.
    pub(super) fn open_within(folder: &Path, patience: Duration) -> Result<Option<Self>> {
        let is_late = |problem: &std::io::Error| {
            matches!(problem.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
        };
        let silent = |problem: std::io::Error| {
            Error::new(ErrorKind::System, "QEMU runs and does not answer.").caused_by(problem)
        };
        let stream = match connect(folder, SOCKET, patience) {
            Ok(stream) => stream,
            Err(problem) if is_late(&problem) => return Err(silent(problem)),
            Err(_) => return Ok(None),
        };
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut qmp = Self { reader: BufReader::new(stream), next: since.as_micros() as u64 };
        let mut greeting = String::new();
        while !greeting.contains("\"QMP\"") {
            greeting.clear();
            match qmp.reader.read_line(&mut greeting) {
                Err(problem) if is_late(&problem) => return Err(silent(problem)),
                // A QEMU that ends right now is as good as none.
                Ok(0) | Err(_) => return Ok(None),
                Ok(_) => {}
            }
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
        let id = self.next;
        self.next += 1;
        let mut text = json!({ "execute": command, "arguments": arguments, "id": id }).to_string();
        text.push('\n');
        self.reader.get_mut().write_all(text.as_bytes()).doing(|| format!("asking QEMU for '{command}'"))?;
        loop {
            let answer = self.read()?;
            if answer.get("id").and_then(Value::as_u64) != Some(id) {
                // An event, or an answer to somebody else.
                continue;
            }
            if let Some(result) = answer.get("return") {
                return Ok(result.clone());
            }
            if let Some(problem) = answer.get("error") {
                let said = problem.get("desc").and_then(Value::as_str).unwrap_or_default();
                return Err(Error::new(ErrorKind::System, format!("QEMU refused '{command}': {said}")));
            }
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

    /// Whether a machine's memory that nobody else writes to is left out of its state, since it lies in a file.
    pub(super) fn leave_memory_out(&mut self, state: bool) -> Result<()> {
        let capabilities = json!([{ "capability": "x-ignore-shared", "state": state }]);
        self.run("migrate-set-capabilities", json!({ "capabilities": capabilities })).map(drop)
    }

    /// Waits for the transfer of a machine's state to end well.
    pub(super) fn transferred(&mut self, within: Duration) -> Result<()> {
        let end = Instant::now() + within;
        loop {
            let facts = self.run("query-migrate", json!({}))?;
            let text = |name: &str| facts.get(name).and_then(Value::as_str);
            match text("status") {
                Some("completed") => return Ok(()),
                Some("failed" | "cancelled") => {
                    let said = text("error-desc").unwrap_or("it does not say why");
                    return Err(Error::new(
                        ErrorKind::System,
                        format!("QEMU did not transfer the machine's state: {said}"),
                    ));
                }
                _ if Instant::now() > end => {
                    return Err(Error::new(
                        ErrorKind::System,
                        format!("QEMU did not transfer the machine's state within {} s.", within.as_secs()),
                    ));
                }
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_qemu_that_is_silent_is_an_error_and_none_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Qmp::open_within(folder.path(), Duration::from_millis(100));
        assert!(open().unwrap().is_none());
        let path = folder.path().join(SOCKET);
        let listener = UnixListener::bind(&path).unwrap();
        let Err(silent) = open() else { panic!("nobody answers") };
        assert!(silent.message().contains("does not answer"), "{silent}");
        // Nobody serves a socket that was left behind.
        drop(listener);
        assert!(open().unwrap().is_none());
    }

    #[test]
    fn an_answer_to_somebody_who_was_killed_is_not_taken_for_ones_own() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let qemu = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"{\"QMP\": {}}\r\n{\"return\": {}, \"id\": 7}\r\n").unwrap();
            for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                let asked: Value = serde_json::from_str(&line.unwrap()).unwrap();
                let result = if asked["execute"] == "query-jobs" { json!([]) } else { json!({}) };
                let answer = json!({ "return": result, "id": asked["id"] });
                stream.write_all(format!("{{\"event\": \"JOB\"}}\r\n{answer}\r\n").as_bytes()).unwrap();
            }
        });
        let mut qmp = Qmp::open(folder.path()).unwrap().unwrap();
        assert_eq!(qmp.run("query-jobs", json!({})).unwrap(), json!([]));
        drop(qmp);
        qemu.join().unwrap();
    }
}
