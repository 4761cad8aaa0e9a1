//! Signals: reset before exec, wait for them as PID 1, send them through a pidfd.
#![allow(unsafe_code)] // Signal sets are C structures.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Clears the mask and sets every signal to its default. Async-signal-safe.
pub(crate) fn reset() {
    // SAFETY: an emptied signal set is valid, and default actions are always allowed; signals that cannot be
    // changed answer EINVAL.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        for signal in 1..=64 {
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
        let mut none: libc::sigset_t = zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Blocks every signal, so that they wait for [`next`].
pub(crate) fn block_all() {
    // SAFETY: a filled signal set is valid.
    unsafe {
        let mut all: libc::sigset_t = zeroed();
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
    }
}

/// Waits for one of these blocked signals, or for as long; -1 when the time is over.
pub(crate) fn next(signals: &[i32], most: Option<std::time::Duration>) -> i32 {
    // SAFETY: the set is initialised before use, and the time lives as long as the call.
    unsafe {
        let mut set: libc::sigset_t = zeroed();
        libc::sigemptyset(&raw mut set);
        for &signal in signals {
            libc::sigaddset(&raw mut set, signal);
        }
        match most {
            None => libc::sigwaitinfo(&raw const set, std::ptr::null_mut()),
            Some(time) => {
                let time = libc::timespec {
                    tv_sec: time.as_secs() as libc::time_t,
                    tv_nsec: time.subsec_nanos().into(),
                };
                libc::sigtimedwait(&raw const set, std::ptr::null_mut(), &raw const time)
            }
        }
    }
}

/// Sends a signal by number to every process that this one may signal, itself excepted.
pub(crate) fn to_all(signal: i32) {
    // SAFETY: kill takes plain numbers. As PID 1 of a PID namespace, -1 reaches that namespace only.
    unsafe { libc::kill(-1, signal) };
}

/// Whether there is any process that could be signalled beside this one.
pub(crate) fn anyone_else() -> bool {
    // SAFETY: signal 0 only asks.
    unsafe { libc::kill(-1, 0) == 0 }
}

/// Ends this process at once: nothing is dropped, nothing at exit is run.
pub(crate) fn leave(code: i32) -> ! {
    // SAFETY: the call does not return and touches no memory of ours.
    unsafe { libc::_exit(code) }
}

/// Sends a signal by number to a process that cannot have been replaced by another one.
pub(crate) fn to_pidfd(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    // SAFETY: plain numbers and a null pointer, which the call allows.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sends a signal by number to a process id.
pub(crate) fn to_pid(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: plain numbers.
    if unsafe { libc::kill(pid, signal) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
