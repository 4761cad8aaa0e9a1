//! A command's way into a running container: its cgroups, its namespaces, its root.
#![allow(unsafe_code)] // Runs between fork and exec, where only bare system calls are allowed.

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use super::become_process::{Ready, Stage, run_on, tell};
use super::clone::{self, CloneOptions, errno};
use super::signals;

/// A command to run in a container's namespaces.
pub(crate) struct EnterRequest<'a> {
    /// The container's first process.
    pub(crate) pidfd: BorrowedFd<'a>,
    /// The namespaces to join.
    pub(crate) namespaces: i32,
    /// The container's root, where no namespace of its own leads to it.
    pub(crate) root: Option<RawFd>,
    /// The files by which a thread joins v1 cgroups.
    pub(crate) cgroups: &'a [RawFd],
    /// A cgroup v2 directory to be born in.
    pub(crate) birth_cgroup: Option<RawFd>,
    /// The process.
    pub(crate) ready: &'a Ready<'a>,
    /// Where it tells its pid, its terminal or its failure.
    pub(crate) report: BorrowedFd<'a>,
}

/// Starts a command in a container. The pid comes over the report socket; the process returned here only
/// stands in between and must be reaped at once.
pub(crate) fn enter(request: &EnterRequest<'_>) -> Result<i32, i32> {
    let options = CloneOptions { cgroup: request.birth_cgroup, ..CloneOptions::default() };
    // SAFETY: the child calls only enter_child, which is async-signal-safe and never returns.
    match unsafe { clone::clone(&options) }? {
        0 => enter_child(request),
        pid => Ok(pid),
    }
}

fn enter_child(request: &EnterRequest<'_>) -> ! {
    let fail = |stage: Stage, error: i32| -> ! {
        tell(request.report, stage, error, &[]);
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(127) }
    };
    let [initial, last] = &request.ready.plan.processors;
    if let Some(Err(error)) = initial.as_ref().map(run_on) {
        fail(Stage::Limits, error);
    }
    for &file in request.cgroups {
        // SAFETY: one byte from a constant.
        if unsafe { libc::write(file, c"0".as_ptr().cast(), 1) } < 0 {
            fail(Stage::Cgroup, errno());
        }
    }
    // The cgroup's processors, which the kernel gave it on joining, may be narrowed.
    if let Some(Err(error)) = last.as_ref().map(run_on) {
        fail(Stage::Limits, error);
    }
    // From here on the container may see this process, which is still the engine's program with its rights.
    clone::become_opaque();
    if !request.ready.plan.keep_keyring {
        clone::forget_keys();
    }
    if let Some(text) = &request.ready.plan.oom_score_adjustment {
        // Through the host's own `/proc`, while it is the one that is seen. Lowering the score may be refused,
        // which is no reason not to run.
        if clone::adjust_oom_score(text).is_err() {}
    }
    // The process that is made further below inherits it, and takes it when it runs the program.
    if let Some(Err(error)) = request.ready.plan.profile.as_deref().map(clone::take_profile_at_exec) {
        fail(Stage::Profile, error);
    }
    // SAFETY: a pidfd and flags.
    let joined =
        request.namespaces == 0 || unsafe { libc::setns(request.pidfd.as_raw_fd(), request.namespaces) } == 0;
    if !joined || request.root.is_some_and(|root| !change_root(root)) {
        fail(Stage::Namespaces, errno());
    }
    let sibling = CloneOptions { sibling: true, ..CloneOptions::default() };
    // SAFETY: the child only runs the plan.
    match unsafe { clone::clone(&sibling) } {
        Ok(0) => {
            // A session of its own: no signals and no typed input from the caller's terminal.
            // SAFETY: no arguments.
            unsafe { libc::setsid() };
            signals::reset();
            let (stage, error) = request.ready.run(Some(request.report));
            fail(stage, error)
        }
        Ok(pid) => {
            tell(request.report, Stage::Done, pid, &[]);
            // SAFETY: as above.
            unsafe { libc::_exit(0) }
        }
        Err(error) => fail(Stage::Fork, error),
    }
}

/// Makes an open directory the root. Async-signal-safe.
fn change_root(root: RawFd) -> bool {
    // SAFETY: a number and C strings.
    unsafe { libc::fchdir(root) == 0 && libc::chroot(c".".as_ptr()) == 0 && libc::chdir(c"/".as_ptr()) == 0 }
}
