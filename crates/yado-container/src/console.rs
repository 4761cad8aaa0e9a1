//! What a program that runs containers for others needs besides: handing terminals and processes to who asked for them,
//! and keeping its own file safe from containers.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::fs::StatVfsMountFlags;

use crate::error::{Context, Error, Result};
use crate::seccomp;
use crate::spec::Spec;
use crate::sys::fds;
use crate::sys::mount::protected_program;

/// Connects to the socket of somebody who wants a terminal's master side.
pub fn connect_console(path: &Path) -> Result<OwnedFd> {
    UnixStream::connect(path).map(OwnedFd::from).path("connect to the console socket", path)
}

/// Hands a terminal's master side out.
pub fn send_console(socket: BorrowedFd<'_>, master: BorrowedFd<'_>) -> Result<()> {
    fds::send(socket, b"/dev/ptmx", &[master.as_raw_fd()]).doing("hand out the terminal").map(drop)
}

/// Hands a descriptor that stands for a process to who listens on this socket.
pub fn send_pidfd(path: &Path, pidfd: BorrowedFd<'_>) -> Result<()> {
    let socket = UnixStream::connect(path).path("connect to the socket for process descriptors", path)?;
    fds::send(socket.as_fd(), b"pidfd", &[pidfd.as_raw_fd()])
        .doing("hand out the process descriptor")
        .map(drop)
}

/// Receives a terminal's master side.
pub fn receive_console(socket: BorrowedFd<'_>) -> Result<OwnedFd> {
    let (_, passed) = fds::receive(socket, &mut [0; 4096]).doing("receive the terminal")?;
    passed.into_iter().next().ok_or_else(|| Error::invalid("console", "no terminal came"))
}

/// Runs this program again from a read-only mount of its file, unless that is so already.
///
/// Whoever enters a container without a user namespace must do this first: the container's root can open
/// `/proc/PID/exe` of the one who enters, and could write to the host's file through it. Returns only when there
/// was nothing to do or it could not be done.
pub fn run_from_protected_program() -> Result<()> {
    let running = File::open("/proc/self/exe").path("open", "/proc/self/exe")?;
    let file_system = rustix::fs::fstatvfs(&running).path("examine", "/proc/self/exe")?;
    if file_system.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Ok(());
    }
    let program = protected_program().path("protect", "/proc/self/exe")?;
    let mut words = std::env::args_os();
    let mut command = Command::new(format!("/proc/self/fd/{}", program.as_fd().as_raw_fd()));
    if let Some(name) = words.next() {
        command.arg0(name);
    }
    Err(command.args(words).exec()).doing("run from a protected program")
}

/// Whether a container of this specification must be made by a program that runs from a read-only mount (see
/// [`run_from_protected_program`]).
///
/// On the way to the container's program the engine becomes a small program of its own, so that nobody finds the
/// engine's file as `/proc/self/exe`. A filter that forbids that, and that cannot be installed after it, leaves no room
/// for this step.
pub fn must_be_protected(spec: &Spec) -> Result<bool> {
    let gains = spec.process.as_ref().is_some_and(|process| !process.no_new_privileges);
    let filter = spec.linux.as_ref().and_then(|linux| linux.seccomp.as_ref());
    match filter {
        // Who hands out the descriptor for deciding calls installs the filter itself.
        Some(filter) if seccomp::listener(filter)?.is_some() => Ok(true),
        Some(filter) if gains => Ok(!seccomp::lets_launch(&seccomp::compile(filter)?)),
        _ => Ok(false),
    }
}
