//! The last steps of every process that starts inside a container: terminal, limits, identity, rights,
//! filter, exec. Everything is prepared beforehand, so that the steps themselves are async-signal-safe.
#![allow(unsafe_code)] // Runs between fork and exec, where only bare system calls are allowed.

use std::ffi::CString;
use std::mem::size_of_val;
use std::os::fd::{BorrowedFd, RawFd};

pub(crate) use super::stage::Stage;

use super::clone::errno;
use super::fds;
use super::launcher::Launcher;
use crate::memory_policy::NodePolicy;
use crate::seccomp::{Instruction, NEW_LISTENER};

/// Capability sets as bit masks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CapabilityMasks {
    pub(crate) bounding: u64,
    pub(crate) effective: u64,
    pub(crate) permitted: u64,
    pub(crate) inheritable: u64,
    pub(crate) ambient: u64,
}

/// Scheduling, as the kernel's `sched_attr`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Scheduling {
    pub(crate) size: u32,
    pub(crate) policy: u32,
    pub(crate) flags: u64,
    pub(crate) nice: i32,
    pub(crate) priority: u32,
    pub(crate) runtime: u64,
    pub(crate) deadline: u64,
    pub(crate) period: u64,
}

/// A bit for each processor.
pub(crate) type ProcessorMask = [u64; 16];

/// As many as there are: the kernel takes those that the cgroup has.
pub(crate) const ALL_PROCESSORS: ProcessorMask = [u64::MAX; 16];

/// Runs the calling process on these processors from now on. Async-signal-safe.
pub(crate) fn run_on(mask: &ProcessorMask) -> Result<(), i32> {
    // SAFETY: a live mask of the stated size, for the calling process.
    check(unsafe { libc::syscall(libc::SYS_sched_setaffinity, 0, size_of_val(mask), mask.as_ptr()) })
}

/// A process to become, wholly prepared.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Paths to try, in order.
    pub(crate) candidates: Vec<CString>,
    /// Arguments.
    pub(crate) arguments: Vec<CString>,
    /// `NAME=value`.
    pub(crate) environment: Vec<CString>,
    /// Working directory.
    pub(crate) directory: CString,
    /// User id inside.
    pub(crate) uid: u32,
    /// Group id inside.
    pub(crate) gid: u32,
    /// Supplementary groups.
    pub(crate) groups: Vec<u32>,
    /// File mode creation mask.
    pub(crate) umask: Option<u32>,
    /// Resource, soft, hard.
    pub(crate) limits: Vec<(u32, u64, u64)>,
    /// Execution domain.
    pub(crate) personality: Option<u64>,
    /// From which memory nodes its memory comes.
    pub(crate) memory_policy: Option<NodePolicy>,
    /// Scheduling.
    pub(crate) scheduling: Option<Scheduling>,
    /// Class and priority of input and output, packed.
    pub(crate) io_priority: Option<u32>,
    /// What the kernel is told about the AppArmor profile of what is run next.
    pub(crate) profile: Option<CString>,
    /// Text for `oom_score_adj`.
    pub(crate) oom_score_adjustment: Option<CString>,
    /// Rights.
    pub(crate) capabilities: CapabilityMasks,
    /// Whether exec may never add rights.
    pub(crate) no_new_privileges: bool,
    /// Filter and its flags; empty for none.
    pub(crate) filter: Vec<Instruction>,
    /// Flags of the filter.
    pub(crate) filter_flags: u32,
    /// Who decides calls, and what is told with the descriptor for that; the report's reader when `None`.
    pub(crate) listener: Option<(RawFd, Vec<u8>)>,
    /// Processors from the beginning of entering, and from its end: bit masks.
    pub(crate) processors: [Option<ProcessorMask>; 2],
    /// Whether a terminal is opened inside.
    pub(crate) terminal: bool,
    /// Rows and columns.
    pub(crate) terminal_size: Option<(u16, u16)>,
    /// Standard input, output and error, unless there is a terminal.
    pub(crate) stdio: Option<[RawFd; 3]>,
    /// How many descriptors from 3 up the program inherits.
    pub(crate) preserved: u32,
    /// Whether it keeps the session keyring of who started it.
    pub(crate) keep_keyring: bool,
}

/// [`Plan`] with the pointer arrays that exec wants.
pub(crate) struct Ready<'a> {
    pub(super) plan: &'a Plan,
    launcher: Option<&'a Launcher<'a>>,
    arguments: Vec<*const libc::c_char>,
    environment: Vec<*const libc::c_char>,
}

impl Plan {
    /// Builds what must be built before forking.
    pub(crate) fn ready(&self) -> Ready<'_> {
        self.ready_through(None)
    }

    /// As [`Plan::ready`], with the launcher's step before the program.
    pub(crate) fn ready_through<'a>(&'a self, launcher: Option<&'a Launcher<'a>>) -> Ready<'a> {
        let pointers =
            |texts: &[CString]| texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
        Ready {
            plan: self,
            launcher,
            arguments: pointers(launcher.map_or(self.arguments.as_slice(), Launcher::arguments)),
            environment: pointers(&self.environment),
        }
    }
}

/// The message: stage, then an error number or a pid.
pub(super) fn tell(report: BorrowedFd<'_>, stage: Stage, value: i32, passed: &[RawFd]) {
    let mut message = [0u8; 5];
    message[0] = stage as u8;
    message[1..].copy_from_slice(&value.to_ne_bytes());
    // The peer may be gone; then nobody wants to know.
    if fds::send(report, &message, passed).is_err() {}
}

/// Turns -1 into the error number.
fn check(result: i64) -> Result<(), i32> {
    if result < 0 { Err(errno()) } else { Ok(()) }
}

impl Ready<'_> {
    /// Becomes the process; returns only when a step failed. Async-signal-safe.
    pub(crate) fn run(&self, report: Option<BorrowedFd<'_>>) -> (Stage, i32) {
        match self.steps(report) {
            Ok(()) => (Stage::Exec, libc::ENOENT),
            Err(failure) => failure,
        }
    }

    fn steps(&self, report: Option<BorrowedFd<'_>>) -> Result<(), (Stage, i32)> {
        let plan = self.plan;
        self.limits().map_err(|error| (Stage::Limits, error))?;
        if plan.capabilities.bounding != u64::MAX {
            self.drop_bounding_set().map_err(|error| (Stage::Capabilities, error))?;
        }
        self.give_pipes_away();
        self.identity().map_err(|error| (Stage::Identity, error))?;
        self.stdio(report).map_err(|error| (Stage::Terminal, error))?;
        self.change_directory().map_err(|error| (Stage::Directory, error))?;
        // SAFETY: PR_SET_NO_NEW_PRIVS takes plain numbers.
        if plan.no_new_privileges && unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } < 0 {
            return Err((Stage::Capabilities, errno()));
        }
        // Without no_new_privs a filter needs rights that are about to be dropped; with it, it comes last.
        if !plan.no_new_privileges {
            self.regain_rights().map_err(|error| (Stage::Capabilities, error))?;
            self.install_filter(report).map_err(|error| (Stage::Seccomp, error))?;
        }
        self.capabilities().map_err(|error| (Stage::Capabilities, error))?;
        if plan.no_new_privileges && self.launcher.is_none() {
            self.install_filter(report).map_err(|error| (Stage::Seccomp, error))?;
        }
        self.exec()
    }

    fn limits(&self) -> Result<(), i32> {
        for &(resource, soft, hard) in &self.plan.limits {
            let limit = libc::rlimit64 { rlim_cur: soft, rlim_max: hard };
            // SAFETY: a live structure of the right type.
            check(unsafe {
                libc::syscall(
                    libc::SYS_prlimit64,
                    0,
                    resource,
                    &raw const limit,
                    std::ptr::null_mut::<libc::rlimit64>(),
                )
            })?;
        }
        // SAFETY: plain numbers, and a live structure that names its own size.
        unsafe {
            if let Some(personality) = self.plan.personality {
                check(libc::syscall(libc::SYS_personality, personality))?;
            }
            if let Some(NodePolicy { mode, nodes }) = &self.plan.memory_policy {
                // The kernel counts one bit more than there are.
                let (bits, count) =
                    nodes.as_ref().map_or((std::ptr::null(), 0), |bits| (bits.as_ptr(), 1025));
                check(libc::syscall(libc::SYS_set_mempolicy, *mode, bits, count))?;
            }
            if let Some(scheduling) = &self.plan.scheduling {
                check(libc::syscall(libc::SYS_sched_setattr, 0, std::ptr::from_ref(scheduling), 0))?;
            }
            if let Some(priority) = self.plan.io_priority {
                const THIS_PROCESS: libc::c_int = 1;
                check(libc::syscall(libc::SYS_ioprio_set, THIS_PROCESS, 0, priority))?;
            }
        }
        if let Some(mask) = self.plan.umask {
            // SAFETY: a plain number.
            unsafe { libc::umask(mask as libc::mode_t) };
        }
        Ok(())
    }

    fn drop_bounding_set(&self) -> Result<(), i32> {
        for capability in 0..64u64 {
            if self.plan.capabilities.bounding >> capability & 1 == 0 {
                // SAFETY: plain numbers.
                let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
                if result < 0 {
                    match errno() {
                        // Above the kernel's last capability.
                        libc::EINVAL => return Ok(()),
                        error => return Err(error),
                    }
                }
            }
        }
        Ok(())
    }

    fn identity(&self) -> Result<(), i32> {
        let plan = self.plan;
        // SAFETY: plain numbers and a live list.
        unsafe {
            check(libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0).into())?;
            // In a namespace with a single group nobody may change them, and there are none to take.
            let grouped = libc::syscall(libc::SYS_setgroups, plan.groups.len(), plan.groups.as_ptr());
            if grouped < 0 && !(plan.groups.is_empty() && errno() == libc::EPERM) {
                return Err(errno());
            }
            check(libc::syscall(libc::SYS_setresgid, plan.gid, plan.gid, plan.gid))?;
            check(libc::syscall(libc::SYS_setresuid, plan.uid, plan.uid, plan.uid))?;
            check(libc::prctl(libc::PR_SET_KEEPCAPS, 0, 0, 0, 0).into())
        }
    }

    /// Puts the rights in force again that were only kept when the user changed: a filter cannot be installed
    /// without them.
    fn regain_rights(&self) -> Result<(), i32> {
        let header: [u32; 2] = [0x2008_0522, 0];
        let mut data: [[u32; 3]; 2] = [[0; 3]; 2];
        // SAFETY: live structures laid out as the kernel's.
        unsafe {
            check(libc::syscall(libc::SYS_capget, header.as_ptr(), data.as_mut_ptr()))?;
            for half in &mut data {
                half[0] = half[1];
            }
            check(libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()))
        }
    }

    fn stdio(&self, report: Option<BorrowedFd<'_>>) -> Result<(), i32> {
        if self.plan.terminal {
            return self.open_terminal(report);
        }
        if let Some(stdio) = &self.plan.stdio {
            for (number, &fd) in stdio.iter().enumerate() {
                if fd != number as RawFd {
                    // SAFETY: open descriptors.
                    check(unsafe { libc::dup2(fd, number as RawFd) }.into())?;
                }
            }
        }
        Ok(())
    }

    /// Pipes that are its streams are given to a user who is not root, who could not open `/dev/stdout` again
    /// otherwise. To be done with the rights of the start.
    fn give_pipes_away(&self) {
        if self.plan.uid == 0 || self.plan.terminal {
            return;
        }
        for &fd in &self.plan.stdio.unwrap_or([0, 1, 2]) {
            // SAFETY: descriptors that are open or not, and a structure of ours. A pipe that may not be given away
            // still works.
            unsafe {
                let mut status: libc::stat = std::mem::zeroed();
                if libc::fstat(fd, &raw mut status) == 0 && status.st_mode & libc::S_IFMT == libc::S_IFIFO {
                    libc::fchown(fd, self.plan.uid, u32::MAX);
                }
            }
        }
    }

    /// A terminal from the container's own devpts, its master handed to the caller.
    fn open_terminal(&self, report: Option<BorrowedFd<'_>>) -> Result<(), i32> {
        // SAFETY: C strings, live structures, open descriptors.
        unsafe {
            let master =
                libc::open(c"/dev/pts/ptmx".as_ptr(), libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC);
            check(master.into())?;
            let unlocked: libc::c_int = 0;
            check(libc::ioctl(master, libc::TIOCSPTLCK, &raw const unlocked).into())?;
            let slave = libc::ioctl(master, libc::TIOCGPTPEER, libc::O_RDWR | libc::O_NOCTTY);
            check(slave.into())?;
            if let Some((rows, columns)) = self.plan.terminal_size {
                let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
                check(libc::ioctl(slave, libc::TIOCSWINSZ, &raw const size).into())?;
            }
            check(libc::ioctl(slave, libc::TIOCSCTTY, 0).into())?;
            for number in 0..3 {
                check(libc::dup2(slave, number).into())?;
            }
            if let Some(report) = report {
                tell(report, Stage::Done, 0, &[master]);
            }
            libc::close(slave);
            libc::close(master);
        }
        Ok(())
    }

    fn change_directory(&self) -> Result<(), i32> {
        let directory = self.plan.directory.as_ptr();
        // SAFETY: a C string.
        unsafe {
            check(libc::chdir(directory).into())?;
            // Through `/proc/self/fd` a name can lead to a directory of the host. The kernel then knows no path
            // to it from this root, and says so by a first word in brackets.
            let mut place = [0u8; 4096];
            check(libc::syscall(libc::SYS_getcwd, place.as_mut_ptr(), place.len()))?;
            if place[0] == b'/' { Ok(()) } else { Err(libc::ENOENT) }
        }
    }

    fn capabilities(&self) -> Result<(), i32> {
        let masks = &self.plan.capabilities;
        if masks.bounding == u64::MAX {
            return Ok(());
        }
        let halves = |half: u32| {
            [masks.effective, masks.permitted, masks.inheritable].map(|mask| (mask >> (32 * half)) as u32)
        };
        // Version 3 of the interface, for this process; then effective, permitted, inheritable, low half first.
        let header: [u32; 2] = [0x2008_0522, 0];
        let data: [[u32; 3]; 2] = [halves(0), halves(1)];
        // SAFETY: live structures laid out as the kernel's.
        check(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()) })?;
        for capability in 0..64u64 {
            if masks.ambient >> capability & 1 == 1 {
                check(
                    // SAFETY: plain numbers.
                    unsafe {
                        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability, 0, 0)
                    }
                    .into(),
                )?;
            }
        }
        Ok(())
    }

    fn install_filter(&self, report: Option<BorrowedFd<'_>>) -> Result<(), i32> {
        let filter = &self.plan.filter;
        if filter.is_empty() {
            return Ok(());
        }
        let program =
            libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut().cast() };
        // SAFETY: Instruction has the layout of sock_filter; the kernel only reads.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                self.plan.filter_flags,
                &raw const program,
            )
        };
        check(answer)?;
        if self.plan.filter_flags & NEW_LISTENER == 0 {
            return Ok(());
        }
        let descriptor = answer as RawFd;
        let told = match (&self.plan.listener, report) {
            (Some((listener, message)), _) => {
                // SAFETY: a socket that stays open until this process runs its program.
                let listener = unsafe { BorrowedFd::borrow_raw(*listener) };
                fds::send(listener, message, &[descriptor]).is_ok()
            }
            (None, Some(report)) => {
                tell(report, Stage::Listener, 0, &[descriptor]);
                true
            }
            (None, None) => false,
        };
        // SAFETY: our own descriptor, which nobody here uses any more.
        unsafe { libc::close(descriptor) };
        if told { Ok(()) } else { Err(libc::EPIPE) }
    }

    fn exec(&self) -> Result<(), (Stage, i32)> {
        fds::close_on_exec_from(3 + self.plan.preserved);
        if let Some(launcher) = self.launcher {
            return Err((Stage::Exec, launcher.run(&self.arguments, &self.environment)));
        }
        let mut answer = libc::ENOENT;
        for candidate in &self.plan.candidates {
            // SAFETY: null-terminated arrays of C strings that live in the plan.
            unsafe { libc::execve(candidate.as_ptr(), self.arguments.as_ptr(), self.environment.as_ptr()) };
            match errno() {
                libc::ENOENT | libc::ENOTDIR => {}
                libc::EACCES => answer = libc::EACCES,
                error => return Err((Stage::Exec, error)),
            }
        }
        Err((Stage::Exec, answer))
    }
}
