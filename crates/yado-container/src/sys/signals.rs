//! Signals: held back, reset before exec, sent through a pidfd.
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

/// No signal is delivered to the calling thread while this lives.
pub(crate) struct Held(libc::sigset_t);

impl Held {
    /// Holds all of them back.
    pub(crate) fn all() -> Self {
        // SAFETY: a filled signal set is valid, and the second one is written by the call.
        unsafe {
            let mut all: libc::sigset_t = zeroed();
            let mut before: libc::sigset_t = zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self(before)
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the set that was in force before.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }
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
