//! Signals: held back, reset before exec, sent through a pidfd.
#![allow(unsafe_code)] // Signal sets are C structures.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Clears the mask and sets every signal to its default, in a process that was born without handlers: what is left are
/// those that this program, or whoever started it, passes over. Real-time signals are never among them.
/// Async-signal-safe.
pub(crate) fn reset() {
    // SAFETY: an emptied signal set is valid, and default actions are always allowed; signals that cannot be
    // changed answer EINVAL.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        for signal in (1..=31).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal)) {
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

/// Signals that wait to be read instead of being acted on, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Waiting {
    descriptor: OwnedFd,
    set: libc::sigset_t,
}

impl Waiting {
    /// Holds these back from the calling thread, and from those that it makes from now on.
    pub(crate) fn for_these(signals: &[i32]) -> io::Result<Self> {
        let set = set_of(signals);
        // SAFETY: a set that lives; the new descriptor is ours alone.
        unsafe {
            let fd = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            Ok(Self { descriptor: OwnedFd::from_raw_fd(fd), set })
        }
    }

    /// What becomes readable when there is one.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    /// The next one, if there is one.
    pub(crate) fn next(&self) -> Option<i32> {
        let mut record = [0_u8; size_of::<libc::signalfd_siginfo>()];
        let read = rustix::io::read(&self.descriptor, &mut record[..]).ok()?;
        // The number stands first.
        (read == record.len()).then(|| i32::from_ne_bytes([record[0], record[1], record[2], record[3]]))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // SAFETY: a set that lives.
        unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const self.set, std::ptr::null_mut()) };
    }
}

/// Lets these reach the calling thread again, if they are held back.
pub(crate) fn let_through(signals: &[i32]) {
    let set = set_of(signals);
    // SAFETY: a set that lives.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut()) };
}

fn set_of(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: an emptied set is valid; a number that is no signal is refused.
    unsafe {
        let mut set: libc::sigset_t = zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        set
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
