//! Commands in a running container: entered from outside, in its namespaces and cgroups, with its limits.

use std::fs::File;
use std::io::{PipeReader, PipeWriter};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{WaitId, WaitIdOptions};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::container::{ExitStatus, collect_status, readable};
use crate::error::{Context, Error, Result};
use crate::record::Record;
use crate::spec::{Capabilities, ConsoleSize, Process, User};
use crate::sys::become_process::Stage;
use crate::sys::enter::{EnterRequest, enter};
use crate::sys::{clone, fds, signals};
use crate::{home, memory_policy, privileges, seccomp};

/// Where one of a command's standard streams comes from or goes to.
#[derive(Debug, Default)]
pub enum Stdio {
    /// Nowhere.
    #[default]
    Null,
    /// The same as this program's own.
    Inherit,
    /// A pipe of which [`Running`] holds the other end.
    Piped,
    /// An open file, pipe or socket.
    Fd(OwnedFd),
}

/// Who a command runs as: user, group, further groups, in the container's own ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Further groups.
    pub additional_gids: Vec<u32>,
}

/// A command to run in a container. What is not said is as the specification's process has it.
#[derive(Debug, Default)]
pub struct ExecRequest {
    /// The program, looked for along `PATH`, and its arguments.
    pub argv: Vec<String>,
    /// The whole environment, `NAME=value`; the specification's when `None`.
    pub env: Option<Vec<String>>,
    /// Working directory; the specification's when `None`.
    pub cwd: Option<PathBuf>,
    /// Who it runs as; the specification's user when `None`.
    pub user: Option<Identity>,
    /// Whether it gets a terminal of the container's; the three streams are then not used.
    pub terminal: bool,
    /// The terminal's rows and columns.
    pub size: Option<(u16, u16)>,
    /// Standard input.
    pub stdin: Stdio,
    /// Standard output.
    pub stdout: Stdio,
    /// Standard error.
    pub stderr: Stdio,
    /// Whether exec may never add rights; the specification's word when `None`.
    pub no_new_privileges: Option<bool>,
    /// Capabilities instead of the specification's.
    pub capabilities: Option<Capabilities>,
    /// A whole process instead of the specification's, which everything else here then changes.
    pub process: Option<Process>,
    /// How many descriptors after the three standard ones it inherits.
    pub preserved: u32,
    /// Cgroups beneath the container's to run in, as `PATH` for all hierarchies or `CONTROLLER,…:PATH` for some.
    pub cgroups: Vec<String>,
}

impl ExecRequest {
    /// A command with its arguments; everything else as the specification has it.
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// A command that was started in a container.
///
/// Dropping it neither kills nor forgets the command: it goes on, and is collected by a later call of the
/// engine once it has ended.
#[derive(Debug)]
pub struct Running {
    pid: i32,
    child: Arc<Child>,
    terminal: Option<OwnedFd>,
    /// Our end of standard input, if piped.
    pub stdin: Option<PipeWriter>,
    /// Our end of standard output, if piped.
    pub stdout: Option<PipeReader>,
    /// Our end of standard error, if piped.
    pub stderr: Option<PipeReader>,
}

/// A command's process, and how it ended once somebody has collected it.
#[derive(Debug)]
struct Child {
    pidfd: OwnedFd,
    ended: Mutex<Option<ExitStatus>>,
}

impl Child {
    /// How it ended; `None` while it runs.
    fn collect(&self) -> Result<Option<ExitStatus>> {
        // A panic while this was held cannot have left the status half-written.
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.is_none() {
            *ended = collect_status(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::NOHANG)
                .doing("wait for the command")?;
        }
        Ok(*ended)
    }
}

/// Commands of this process that have not been collected. A container's end waits for them, so whoever ends
/// one must be able to collect them all, whoever holds them.
static CHILDREN: Mutex<Vec<Arc<Child>>> = Mutex::new(Vec::new());

/// Collects the commands that have ended.
pub(crate) fn collect_ended() {
    let mut children = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
    children.retain(|child| matches!(child.collect(), Ok(None)));
}

impl Running {
    /// Its process id on the host.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// A descriptor that becomes readable when it ends.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.child.pidfd.as_fd()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.wait_for(Duration::from_hours(1))? {
                return Ok(status);
            }
        }
    }

    /// Waits for its end for so long at most; `None` when it still runs then.
    pub fn wait_for(&mut self, time: Duration) -> Result<Option<ExitStatus>> {
        if readable(self.pidfd(), time)? {
            let status = self.child.collect()?;
            collect_ended();
            return Ok(status);
        }
        Ok(None)
    }

    /// Sends it a signal; nothing happens when it has ended.
    pub fn kill(&self, signal: i32) -> Result<()> {
        match signals::to_pidfd(self.pidfd(), signal) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            other => other.doing("signal the command"),
        }
    }

    /// The master side of its terminal.
    pub fn terminal(&self) -> Option<BorrowedFd<'_>> {
        self.terminal.as_ref().map(AsFd::as_fd)
    }

    /// Tells its terminal a new size.
    pub fn resize(&self, rows: u16, columns: u16) -> Result<()> {
        let Some(terminal) = &self.terminal else { return Ok(()) };
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(terminal, size).doing("resize the terminal")
    }
}

/// Collects a process that may not be ours.
pub(crate) fn collect(id: WaitId<'_>) {
    if let Err(error) = collect_status(id, WaitIdOptions::NOHANG) {
        tracing::trace!(%error, "not a child of this process");
    }
}

/// Waits for a child of this process.
pub(crate) fn wait_for(id: WaitId<'_>) -> Result<ExitStatus> {
    collect_status(id, WaitIdOptions::empty())
        .doing("wait for the process")?
        .ok_or_else(|| Error::invalid("wait", "the process has not ended"))
}

/// The specification's process with the request's changes.
fn process(record: &Record, request: &ExecRequest) -> Process {
    let base = request.process.clone().or_else(|| record.spec.process.clone()).unwrap_or_default();
    let user = match &request.user {
        Some(identity) => User {
            uid: identity.uid,
            gid: identity.gid,
            umask: base.user.umask,
            additional_gids: identity.additional_gids.clone(),
        },
        None => base.user.clone(),
    };
    Process {
        terminal: request.terminal,
        console_size: request.size.map(|(height, width)| ConsoleSize { height, width }).or(base.console_size),
        capabilities: request.capabilities.clone().or_else(|| base.capabilities.clone()),
        args: if request.argv.is_empty() { base.args.clone() } else { request.argv.clone() },
        env: request.env.clone().unwrap_or(base.env),
        cwd: request.cwd.clone().unwrap_or(base.cwd),
        no_new_privileges: request.no_new_privileges.unwrap_or(base.no_new_privileges),
        user,
        ..base
    }
}

/// Our ends of the pipes, theirs, and what they stand on.
#[derive(Default)]
struct Streams {
    given: Vec<OwnedFd>,
    numbers: [RawFd; 3],
    stdin: Option<PipeWriter>,
    stdout: Option<PipeReader>,
    stderr: Option<PipeReader>,
}

impl Streams {
    fn open(request: &ExecRequest) -> Result<Self> {
        let mut streams = Self::default();
        streams.numbers[0] = match &request.stdin {
            Stdio::Piped => {
                let (theirs, ours) = std::io::pipe().doing("make a pipe")?;
                streams.stdin = Some(ours);
                streams.give(theirs.into())
            }
            other => streams.plain(other, 0)?,
        };
        for (number, stream) in [(1, &request.stdout), (2, &request.stderr)] {
            streams.numbers[number] = match stream {
                Stdio::Piped => {
                    let (ours, theirs) = std::io::pipe().doing("make a pipe")?;
                    let slot = if number == 1 { &mut streams.stdout } else { &mut streams.stderr };
                    *slot = Some(ours);
                    streams.give(theirs.into())
                }
                other => streams.plain(other, number as RawFd)?,
            };
        }
        Ok(streams)
    }

    fn give(&mut self, fd: OwnedFd) -> RawFd {
        let number = fd.as_raw_fd();
        self.given.push(fd);
        number
    }

    fn plain(&mut self, stream: &Stdio, own: RawFd) -> Result<RawFd> {
        Ok(match stream {
            Stdio::Inherit => own,
            Stdio::Fd(fd) => fd.as_raw_fd(),
            Stdio::Null | Stdio::Piped => {
                let null =
                    File::options().read(true).write(true).open("/dev/null").path("open", "/dev/null")?;
                self.give(null.into())
            }
        })
    }
}

/// Starts a command in a container.
pub(crate) fn run(record: &Record, pidfd: BorrowedFd<'_>, request: &ExecRequest) -> Result<Running> {
    collect_ended();
    let linux = record.spec.linux.clone().unwrap_or_default();
    let filter = linux.seccomp.as_ref().map_or(Ok(Vec::new()), seccomp::compile)?;
    let filter_flags = linux.seccomp.as_ref().map_or(Ok(0), seccomp::flags)?;
    let mut process = process(record, request);
    let home = || {
        let root = root_of(record).ok();
        root.map_or_else(|| "/".to_owned(), |root| home::directory(root.as_fd(), process.user.uid))
    };
    process.env = privileges::environment(&process.env, home);
    // In a user namespace of its own everything is possible that the sets allow.
    let possible =
        if record.namespaces & libc::CLONE_NEWUSER != 0 { u64::MAX } else { privileges::possible(&process) };
    privileges::warn_of_missing(&process, possible);
    let mut plan = privileges::plan(&process, filter, filter_flags, possible)?;
    plan.personality = linux.personality.as_ref().map(privileges::personality).transpose()?;
    plan.memory_policy = linux.memory_policy.as_ref().map_or(Ok(None), memory_policy::parse)?;
    let listener = linux.seccomp.as_ref().map_or(Ok(None), crate::create::connect_listener)?;
    let streams = Streams::open(request)?;
    plan.stdio = Some(streams.numbers);
    plan.profile = crate::apparmor::word(&process)?;
    plan.preserved = request.preserved;
    let cgroups = record.cgroups.beneath(&request.cgroups)?;
    let entrances = cgroups.entrances()?;
    let entrance_numbers: Vec<RawFd> = entrances.iter().map(AsRawFd::as_raw_fd).collect();
    let birthplace = if cgroups.unified == record.cgroups.unified {
        cgroups.entered(record.pid)?
    } else {
        cgroups.birthplace()?
    };
    let root = if record.in_place.is_some() { Some(root_of(record)?) } else { None };
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .doing("make a socket")?;
    let between = enter(&EnterRequest {
        pidfd,
        namespaces: record.namespaces,
        root: root.as_ref().map(AsRawFd::as_raw_fd),
        cgroups: &entrance_numbers,
        birth_cgroup: birthplace.as_ref().map(AsRawFd::as_raw_fd),
        ready: &plan.ready(),
        report: theirs.as_fd(),
    })
    .map_err(std::io::Error::from_raw_os_error)
    .doing(format!("enter container '{}'", record.id))?;
    drop(theirs);
    let outcome = listen(record, ours.as_fd(), listener);
    clone::reap(between);
    let (pid, terminal) = match outcome? {
        Outcome::Started { pid, terminal } => (pid, terminal),
        Outcome::Failed { pid, stage, error } => {
            if pid > 0 {
                clone::reap(pid);
            }
            return Err(failure(record, request, stage, error));
        }
    };
    let child = Arc::new(Child {
        pidfd: clone::pidfd_open(pid).doing("open the command's process")?,
        ended: Mutex::new(None),
    });
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&child));
    Ok(Running { pid, child, terminal, stdin: streams.stdin, stdout: streams.stdout, stderr: streams.stderr })
}

/// The directory that is the container's root, as its first process has it.
fn root_of(record: &Record) -> Result<File> {
    let path = format!("/proc/{}/root", record.pid);
    let root = File::open(&path).path("open the container's root", &path)?;
    // The number was this process's when it was looked at; now it surely was when the root was opened.
    if record.is_alive() { Ok(root) } else { Err(Error::NotRunning(record.id.clone())) }
}

enum Outcome {
    Started { pid: i32, terminal: Option<OwnedFd> },
    Failed { pid: i32, stage: u8, error: i32 },
}

/// Listens until exec closes the socket or something failed.
///
/// The descriptor for the program that decides system calls is handed on at once: exec may be a call that waits for it.
fn listen(record: &Record, report: BorrowedFd<'_>, mut listener: Option<OwnedFd>) -> Result<Outcome> {
    let (mut pid, mut terminal, mut failed) = (0, None, None);
    let mut decisions = None;
    loop {
        let mut message = [0u8; 5];
        let (count, passed) = fds::receive(report, &mut message).doing("learn about the command")?;
        if count == 0 {
            break;
        }
        let value = i32::from_ne_bytes([message[1], message[2], message[3], message[4]]);
        match (message[0], passed.into_iter().next()) {
            (stage, Some(fd)) if stage == Stage::Done as u8 => terminal = Some(fd),
            (stage, Some(fd)) if stage == Stage::Listener as u8 => decisions = Some(fd),
            (stage, None) if stage == Stage::Done as u8 => pid = value,
            (stage, _) => failed = Some((stage, value)),
        }
        if pid > 0
            && let Some(fd) = decisions.take()
            && let Some(listener) = listener.take()
        {
            let told = crate::hooks::process_state(record.moment("running"), pid)?;
            fds::send(listener.as_fd(), &told, &[fd.as_raw_fd()])
                .doing("hand out the listener of seccomp")?;
        }
    }
    match failed {
        Some((stage, error)) => Ok(Outcome::Failed { pid, stage, error }),
        None if pid > 0 => Ok(Outcome::Started { pid, terminal }),
        None => Err(Error::invalid("exec", "the command's process vanished before it started")),
    }
}

fn failure(record: &Record, request: &ExecRequest, stage: u8, error: i32) -> Error {
    let source = std::io::Error::from_raw_os_error(error);
    if stage == Stage::Exec as u8 {
        return Error::Command {
            id: record.id.clone(),
            command: process(record, request).args.first().cloned().unwrap_or_default(),
            source,
        };
    }
    Error::System {
        operation: format!("{} for a command in container '{}'", Stage::describe(stage), record.id),
        source,
    }
}
