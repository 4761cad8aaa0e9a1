//! Making processes: into namespaces, into a cgroup, beside the caller.
//!
//! What runs in the new process up to its exec must be async-signal-safe, since the caller may have threads
//! whose locks are copied in whatever state they are in: no allocation, no Rust standard library beyond plain
//! data, no panics.
#![allow(unsafe_code)] // clone3 and what must happen between it and exec.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::{allocator, fds, signals};

/// What a new process starts with.
#[derive(Default)]
pub(crate) struct CloneOptions {
    /// `CLONE_NEW…` and other flags.
    pub(crate) flags: u64,
    /// A cgroup v2 directory to be born in.
    pub(crate) cgroup: Option<RawFd>,
    /// Whether the new process becomes a child of the caller's parent.
    pub(crate) sibling: bool,
}

/// `struct clone_args` of clone(2).
#[repr(C)]
#[derive(Default)]
pub(super) struct CloneArguments {
    pub(super) flags: u64,
    pidfd: u64,
    pub(super) child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    pub(super) stack: u64,
    pub(super) stack_size: u64,
    pub(super) tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

impl CloneArguments {
    /// The new process has no handlers of signals.
    pub(super) fn of(options: &CloneOptions) -> Self {
        let mut arguments = Self {
            flags: options.flags | 0x1_0000_0000, // CLONE_CLEAR_SIGHAND
            exit_signal: libc::SIGCHLD as u64,
            ..Self::default()
        };
        if options.sibling {
            arguments.flags |= libc::CLONE_PARENT as u64;
            arguments.exit_signal = 0;
        }
        if let Some(cgroup) = options.cgroup {
            arguments.flags |= 0x2_0000_0000; // CLONE_INTO_CGROUP
            arguments.cgroup = cgroup as u64;
        }
        arguments
    }
}

/// Forks with namespaces. `Ok(0)` in the new process, its pid in the caller. The new process has no handlers of signals.
///
/// # Safety
/// The new process may only do async-signal-safe things until it execs or exits.
pub(crate) unsafe fn clone(options: &CloneOptions) -> Result<i32, i32> {
    let arguments = CloneArguments::of(options);
    // SAFETY: the structure has the stated size; without CLONE_VM the new process has memory of its own.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<CloneArguments>()) };
    if pid < 0 { Err(errno()) } else { Ok(pid as i32) }
}

/// The error number of the last call. Async-signal-safe, unlike building an `io::Error` with context.
pub(crate) fn errno() -> i32 {
    // SAFETY: the location is this thread's own.
    unsafe { *libc::__errno_location() }
}

/// How the container's first process is made.
pub(crate) struct InitRequest<'a> {
    /// Namespaces to make.
    pub(crate) flags: u64,
    /// Namespaces to join, in this order.
    pub(crate) join: &'a [(RawFd, i32)],
    /// A cgroup v2 directory to be born in.
    pub(crate) cgroup: Option<RawFd>,
    /// The files by which a thread joins the v1 cgroups to be born in, and those by which it leaves them again.
    pub(crate) detour: [&'a [File]; 2],
    /// Its end of the conversation.
    pub(crate) socket: BorrowedFd<'a>,
    /// What else it keeps open.
    pub(crate) kept: &'a [RawFd],
    /// What becomes its standard input, output and error.
    pub(crate) stdio: [RawFd; 3],
    /// How many descriptors from 3 up are left to it.
    pub(crate) preserved: u32,
    /// Whether it waits for one byte on the socket first, so that the caller can write its id mappings.
    pub(crate) wait: bool,
    /// Whether it takes the ids 0 of its user namespace.
    pub(crate) become_root: bool,
    /// Whether its work calls nothing of the C library that allocates.
    pub(crate) plain: bool,
}

/// Starts the container's first process, which does `work` and ends with what that returns.
///
/// It is a copy of this program, and not this program run anew: starting a program is the dearest part of starting a
/// container. `work` may allocate. It must not touch what other threads of this process may hold at this moment: no
/// output through the standard library, no tracing, no threads.
pub(crate) fn start_init(request: &InitRequest<'_>, work: &dyn Fn() -> i32) -> io::Result<(i32, OwnedFd)> {
    // With namespaces to join a process stands in between; with other threads, too, unless nothing that they may be at
    // work on is used by the new process.
    let untouched = request.plain && allocator::is_in_place();
    let direct = request.join.is_empty() && (untouched || single_threaded());
    let options = CloneOptions { flags: request.flags, cgroup: request.cgroup, sibling: !direct };
    let gaps = gaps_of(request);
    // A handler of ours must not run in the new process.
    let _held = signals::Held::all();
    if direct {
        let [there, back] = request.detour;
        let made = join(there).and_then(|()| {
            // SAFETY: this process has one thread, or none of what others may hold is used by the new one, whose memory is
            // its own; it never returns.
            match unsafe { clone(&options) } {
                Ok(0) => {
                    allocator::start_afresh_in_a_copy();
                    init_child(request, &gaps, work)
                }
                other => other,
            }
        });
        let came_back = join(back);
        let pid = made.map_err(io::Error::from_raw_os_error)?;
        let pidfd = pidfd_open(pid)?;
        return match came_back {
            Ok(()) => Ok((pid, pidfd)),
            Err(error) => {
                // With this program in it, the cgroup would never go.
                signals::to_pidfd(pidfd.as_fd(), libc::SIGKILL)?;
                reap(pid);
                Err(io::Error::from_raw_os_error(error))
            }
        };
    }
    start_init_through_another(request, &options, &gaps, work)
}

/// Takes the calling thread into cgroups by their files. Async-signal-safe.
pub(super) fn join(cgroups: &[File]) -> Result<(), i32> {
    for file in cgroups {
        // SAFETY: one byte from a constant.
        if unsafe { libc::write(file.as_raw_fd(), c"0".as_ptr().cast(), 1) } < 0 {
            return Err(errno());
        }
    }
    Ok(())
}

/// Whether this process has but one thread: its folder of threads has one folder beside the two of every folder.
pub(super) fn single_threaded() -> bool {
    rustix::fs::stat("/proc/self/task").is_ok_and(|status| status.st_nlink == 3)
}

/// Joining needs a process in between, since namespaces are joined by the one that then makes the others. So does a
/// program with several threads: the C library's fork leaves its allocator usable in the new process, which a bare
/// clone does not, and that process has one thread.
fn start_init_through_another(
    request: &InitRequest<'_>,
    options: &CloneOptions,
    gaps: &[(u32, u32)],
    work: &dyn Fn() -> i32,
) -> io::Result<(i32, OwnedFd)> {
    let (answer, report) = io::pipe()?;
    // SAFETY: the child makes system calls and does `work`, whose caller keeps to what is allowed there; it never
    // returns.
    let between = match unsafe { libc::fork() } {
        0 => {
            let mut outcome = join(request.detour[0]).map_or_else(|error| -error, |()| 0);
            for &(namespace, kind) in request.join {
                // SAFETY: an open descriptor and a flag.
                if outcome == 0 && unsafe { libc::setns(namespace, kind) } < 0 {
                    outcome = -errno();
                    break;
                }
            }
            if outcome == 0 {
                // SAFETY: as in start_init.
                outcome = match unsafe { clone(options) } {
                    Ok(0) => {
                        allocator::start_afresh_in_a_copy();
                        init_child(request, gaps, work)
                    }
                    Ok(pid) => pid,
                    Err(error) => -error,
                };
            }
            let bytes = outcome.to_ne_bytes();
            // SAFETY: four bytes from our own stack; then the process ends without running destructors.
            unsafe {
                libc::write(report.as_raw_fd(), bytes.as_ptr().cast(), bytes.len());
                libc::_exit(0)
            }
        }
        pid if pid > 0 => pid,
        _ => return Err(io::Error::last_os_error()),
    };
    drop(report);
    let mut bytes = [0; 4];
    let read = io::Read::read_exact(&mut &answer, &mut bytes);
    reap(between);
    read?;
    match i32::from_ne_bytes(bytes) {
        pid if pid > 0 => Ok((pid, pidfd_open(pid)?)),
        error => Err(io::Error::from_raw_os_error(-error)),
    }
}

/// The numbers of descriptors that the new process closes.
pub(super) fn gaps_of(request: &InitRequest<'_>) -> Vec<(u32, u32)> {
    let kept: Vec<RawFd> = std::iter::once(request.socket.as_raw_fd())
        .chain(request.kept.iter().copied())
        .chain((0..request.preserved).map(|number| 3 + number as RawFd).filter(|fd| fds::was_passed(*fd)))
        .collect();
    gaps_between(&request.stdio, &kept)
}

/// Runs of descriptor numbers, from 3 up, that contain none of these.
fn gaps_between(stdio: &[RawFd], others: &[RawFd]) -> Vec<(u32, u32)> {
    let mut kept: Vec<u32> = stdio.iter().chain(others).filter(|fd| **fd >= 3).map(|fd| *fd as u32).collect();
    kept.sort_unstable();
    let mut gaps = Vec::new();
    let mut next = 3;
    for fd in kept {
        if fd > next {
            gaps.push((next, fd - 1));
        }
        next = next.max(fd + 1);
    }
    gaps.push((next, u32::MAX));
    gaps
}

/// The container's first process up to its work. Never returns.
pub(super) fn init_child(request: &InitRequest<'_>, gaps: &[(u32, u32)], work: &dyn Fn() -> i32) -> ! {
    signals::reset();
    // SAFETY: system calls on numbers and on buffers that outlive them. The descriptors that are closed belong to
    // values that this process never drops.
    unsafe {
        // While it waits, it must not hold the engine's end of this or another conversation: nobody would
        // then notice that the engine is gone.
        for &(first, last) in gaps {
            libc::syscall(libc::SYS_close_range, first, last, 0);
        }
        let mut byte = 0u8;
        if request.wait && libc::read(request.socket.as_raw_fd(), (&raw mut byte).cast(), 1) != 1 {
            libc::_exit(1);
        }
        if request.become_root {
            // The groups go first: they need the rights that the user id may take away.
            libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>());
            libc::syscall(libc::SYS_setresgid, 0, 0, 0);
            libc::syscall(libc::SYS_setresuid, 0, 0, 0);
        }
        for (number, &fd) in request.stdio.iter().enumerate() {
            if fd != number as RawFd {
                libc::dup2(fd, number as RawFd);
            }
        }
        // Under their other numbers they would keep a pipe from ending whose reader waits for the engine's last word.
        for fd in request.stdio {
            if fd >= 3 {
                libc::close(fd);
            }
        }
    }
    fds::close_on_exec_from(3 + request.preserved);
    // A panic would go on into the caller's code.
    let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(101);
    signals::leave(code)
}

/// A descriptor for a process that has not been waited for yet.
pub(crate) fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers; the new descriptor is ours alone.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd as RawFd)) }
    }
}

/// Waits for a child of ours, whatever its fate.
pub(crate) fn reap(pid: i32) {
    loop {
        // SAFETY: a null status is allowed.
        let result = unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
        if result >= 0 || errno() != libc::EINTR {
            return;
        }
    }
}

/// A user namespace with these mappings that no process lives in, as an open file.
///
/// `uid_map` and `gid_map` are written as they are.
pub(crate) fn user_namespace(uid_map: &str, gid_map: &str) -> io::Result<OwnedFd> {
    let options = CloneOptions { flags: libc::CLONE_NEWUSER as u64, ..CloneOptions::default() };
    // SAFETY: the child only waits to be killed.
    let pid = match unsafe { clone(&options) } {
        Ok(0) => loop {
            // SAFETY: waits for a signal.
            unsafe {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                libc::pause();
            }
        },
        Ok(pid) => pid,
        Err(error) => return Err(io::Error::from_raw_os_error(error)),
    };
    let result = std::fs::write(format!("/proc/{pid}/uid_map"), uid_map)
        .and_then(|()| std::fs::write(format!("/proc/{pid}/gid_map"), gid_map))
        .and_then(|()| std::fs::File::open(format!("/proc/{pid}/ns/user")));
    if signals::to_pid(pid, libc::SIGKILL).is_ok() {
        reap(pid);
    }
    result.map(OwnedFd::from)
}

/// Moves the calling thread into a namespace.
pub(crate) fn enter(namespace: BorrowedFd<'_>, kind: i32) -> io::Result<()> {
    // SAFETY: changes the calling thread only; callers use a thread of their own.
    if unsafe { libc::setns(namespace.as_raw_fd(), kind) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Gives the calling thread (or single-threaded process) namespaces of its own.
pub(crate) fn unshare(flags: i32) -> io::Result<()> {
    // SAFETY: no memory or descriptors are unshared; callers use a thread of their own.
    if unsafe { libc::unshare(flags) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The last path component of this program's name for humans: what `ps` shows for the init.
pub(crate) fn set_process_name(name: &CStr) {
    // SAFETY: a C string that is copied.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// Copies text into C strings.
pub(crate) fn c_strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> io::Result<Vec<CString>> {
    texts
        .into_iter()
        .map(|text| CString::new(text).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL)))
        .collect()
}

/// Gives the calling process a new, empty session keyring, so that it holds no keys of who made it.
///
/// Kernels without keyrings have nothing to protect. Async-signal-safe.
pub(crate) fn forget_keys() {
    const JOIN_SESSION_KEYRING: libc::c_int = 1;
    // SAFETY: plain numbers; no name asks for a new keyring.
    unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, 0) };
}

/// Sets how readily the kernel kills this process, by the `/proc` that is seen now. Async-signal-safe.
pub(crate) fn adjust_oom_score(text: &CStr) -> Result<(), i32> {
    // SAFETY: C strings; the descriptor is closed again.
    unsafe {
        let file = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if file < 0 {
            return Err(errno());
        }
        let written = libc::write(file, text.as_ptr().cast(), text.to_bytes().len());
        let error = errno();
        libc::close(file);
        if written < 0 { Err(error) } else { Ok(()) }
    }
}

/// Tells AppArmor by which profile to confine what this process runs next, by the `/proc` that is seen now.
/// Async-signal-safe.
pub(crate) fn take_profile_at_exec(word: &CStr) -> Result<(), i32> {
    // Since Linux 5.8 every security module has files of its own.
    let paths = [c"/proc/thread-self/attr/apparmor/exec", c"/proc/thread-self/attr/exec"];
    // SAFETY: C strings; the descriptor is closed again.
    unsafe {
        let open = |path: &CStr| libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        let file = paths.into_iter().map(open).find(|file| *file >= 0).unwrap_or(-1);
        if file < 0 {
            return Err(errno());
        }
        let written = libc::write(file, word.as_ptr().cast(), word.to_bytes().len());
        let error = errno();
        libc::close(file);
        if written < 0 { Err(error) } else { Ok(()) }
    }
}

/// Nobody may look into this process (or take its program) until it runs another program. Async-signal-safe.
pub(crate) fn become_opaque() {
    // SAFETY: plain numbers.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
}

/// Lets the calling thread make files as this owner while it keeps every capability.
///
/// For a thread that ends soon: the ids do not come back.
pub(crate) fn make_files_as(uid: u32, gid: u32) -> io::Result<()> {
    // SAFETY: the raw calls change the calling thread only.
    unsafe {
        libc::syscall(libc::SYS_setfsgid, gid);
        libc::syscall(libc::SYS_setfsuid, uid);
    }
    // Leaving id 0 took the file capabilities out of force; they are still permitted.
    let mut sets = rustix::thread::capabilities(None)?;
    sets.effective = sets.permitted;
    rustix::thread::set_capabilities(None, sets)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn gaps_leave_out_exactly_what_is_kept() {
        assert_eq!(super::gaps_between(&[0, 7, 7], &[4, 5]), [(3, 3), (6, 6), (8, u32::MAX)]);
        assert_eq!(super::gaps_between(&[0, 1, 2], &[3]), [(4, u32::MAX)]);
    }
}
