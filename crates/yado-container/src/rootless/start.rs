//! Finding the ground, or starting it.
//!
//! Its socket lies beside the records and not in the user's runtime directory: a command that runs without
//! `XDG_RUNTIME_DIR`, by cron for example, must find the same ground as all others.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::ground::HIDDEN_COMMAND;
use super::ids::{Ids, Range};
use crate::error::{Context, Error, Result};
use crate::record::Records;
use crate::sys::{clone, ground, mount, signals};

/// The socket's name in the folder of records; no container can be called so.
pub(super) const SOCKET: &str = ".ground.socket";
const LOCK: &str = ".ground.lock";
/// How long processes of a container may take to end.
const ENDING: Duration = Duration::from_secs(30);
/// Where the ground, and nobody else, sees the network namespace as a file.
pub(super) const NETWORK: &str = ".ground.network";

/// A short name for a file in a folder, since a socket's path has at most 107 bytes.
fn short(folder: &OwnedFd, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()))
}

/// Held by whoever starts a ground, and by a ground that ends.
pub(super) fn lock(state_root: &Path, wait: bool) -> Result<Option<File>> {
    let path = state_root.join(LOCK);
    loop {
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).path("open", &path)?;
        if wait {
            file.lock().path("lock", &path)?;
        } else if file.try_lock().is_err() {
            return Ok(None);
        }
        // Whoever had it before may have taken it away.
        let mine = file.metadata().path("look at", &path)?.ino();
        if std::fs::metadata(&path).is_ok_and(|seen| seen.ino() == mine) {
            return Ok(Some(file));
        }
    }
}

/// Removes the socket and the lock, with the lock held.
pub(super) fn forget(state_root: &Path) {
    for name in [NETWORK, SOCKET, LOCK] {
        // What is not there any more needs no removing.
        drop(std::fs::remove_file(state_root.join(name)));
    }
}

/// A connection to the ground, and whether it was started for that.
pub(super) fn connect(state_root: &Path) -> Result<(UnixStream, bool)> {
    let records = Records::open(state_root.to_owned())?;
    let folder = File::open(state_root).path("open", state_root)?;
    if folder.metadata().path("look at", state_root)?.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::invalid(state_root.display().to_string(), "the folder belongs to another user"));
    }
    let folder: OwnedFd = folder.into();
    let _lock = lock(state_root, true)?;
    let socket = short(&folder, SOCKET);
    if let Ok(stream) = UnixStream::connect(&socket) {
        return Ok((stream, false));
    }
    end_strays(&records)?;
    drop(std::fs::remove_file(&socket));
    let listener = UnixListener::bind(&socket).path("make the socket", state_root.join(SOCKET))?;
    start(&listener, state_root)?;
    let stream = UnixStream::connect(&socket).path("connect to", state_root.join(SOCKET))?;
    Ok((stream, true))
}

/// Without their ground, containers have lost their network and cannot be entered: nothing is left but to end them.
fn end_strays(records: &Records) -> Result<()> {
    for id in records.ids()? {
        let Some(record) = records.read(&id)?.filter(crate::record::Record::is_alive) else { continue };
        tracing::warn!(id, "its network is gone; it is switched off");
        // It may end by itself in this moment.
        drop(signals::to_pid(record.pid, libc::SIGKILL));
        let limit = Instant::now() + ENDING;
        while record.is_alive() {
            // Whoever took it for a running machine would work on one that has no network.
            if Instant::now() >= limit {
                return Err(Error::StillRunning(id));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    Ok(())
}

fn start(listener: &UnixListener, state_root: &Path) -> Result<()> {
    let ids = Ids::of_this_user();
    let program = mount::protected_program().path("open", "/proc/self/exe")?;
    let number = listener.as_raw_fd().to_string();
    let root = state_root.canonicalize().path("find", state_root)?;
    let root = root.to_str().ok_or_else(|| Error::invalid("state folder", "its name is not UTF-8 text"))?;
    let arguments = clone::c_strings(["yado", HIDDEN_COMMAND, &number, root]).doing("name the process")?;
    let path = format!("PATH={}", std::env::var("PATH").unwrap_or_default());
    let environment: Vec<CString> = clone::c_strings([path.as_str()]).doing("name the process")?;
    let waiting = ground::start_waiting(program.as_fd(), &arguments, &environment, listener.as_fd())
        .map_err(refused)?;
    if let Err(error) = map(waiting.pid, &ids) {
        let pid = waiting.pid;
        drop(waiting);
        clone::reap(pid);
        return Err(error);
    }
    waiting.go().doing("start the process that keeps the user's namespaces")
}

fn refused(error: std::io::Error) -> Error {
    let reason = match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => {
            "the administrator does not let ordinary users make user namespaces (see the kernel parameters \
             kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns)"
        }
        Some(libc::ENOSPC | libc::EUSERS) => {
            "there are too many user namespaces (see the kernel parameter user.max_user_namespaces)"
        }
        Some(libc::EINVAL) => "this kernel has no user namespaces (CONFIG_USER_NS)",
        _ => return Error::System { operation: "make a user namespace".to_owned(), source: error },
    };
    Error::invalid("rootless", reason)
}

/// Writes the id mappings of a process: the subordinate ids by the programs that may, else the user's own alone.
fn map(pid: i32, ids: &Ids) -> Result<()> {
    if let (Some(users), Some(groups)) = (ids.users, ids.groups) {
        hand_out("newuidmap", pid, ids.user, users)?;
        return hand_out("newgidmap", pid, ids.group, groups);
    }
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{0} {0} 1", ids.user)),
        ("gid_map", format!("{0} {0} 1", ids.group)),
    ] {
        let path = format!("/proc/{pid}/{file}");
        std::fs::write(&path, text).path("write the id mapping", &path)?;
    }
    Ok(())
}

fn hand_out(program: &str, pid: i32, own: u32, range: Range) -> Result<()> {
    let numbers = [pid as u32, own, own, 1, range.first, range.first, range.count];
    let output = Command::new(program)
        .args(numbers.map(|number| number.to_string()))
        .output()
        .doing(format!("run '{program}'"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::invalid(
        format!("rootless: {program}"),
        format!("it refused the subordinate ids: {}", String::from_utf8_lossy(&output.stderr).trim()),
    ))
}
