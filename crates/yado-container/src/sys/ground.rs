//! A process in a user namespace of its own that keeps its rights when it runs another program, and joining it.
#![allow(unsafe_code)] // Namespaces and capabilities of this very process, and what happens between fork and exec.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::clone::{CloneOptions, clone, enter, errno, unshare};

/// A process that waits in a new user namespace, to run `program` once its ids are mapped.
pub(crate) struct Waiting {
    pub(crate) pid: i32,
    go: io::PipeWriter,
}

impl Waiting {
    /// Lets it run the program.
    pub(crate) fn go(mut self) -> io::Result<()> {
        io::Write::write_all(&mut self.go, &[1])
    }
}

/// Starts such a process, in a session of its own, with all that it may do in the namespace kept across exec.
/// `kept` stays open in it under its number. The caller must have one thread.
pub(crate) fn start_waiting(
    program: BorrowedFd<'_>,
    arguments: &[CString],
    environment: &[CString],
    kept: BorrowedFd<'_>,
) -> io::Result<Waiting> {
    let null = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    let (wait, go) = io::pipe()?;
    let pointers =
        |texts: &[CString]| texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
    let (argv, envp): (Vec<_>, Vec<_>) = (pointers(arguments), pointers(environment));
    let options = CloneOptions { flags: libc::CLONE_NEWUSER as u64, ..CloneOptions::default() };
    // SAFETY: the child makes system calls only and never returns.
    match unsafe { clone(&options) } {
        Ok(0) => {
            // Otherwise it would wait for ever for a maker that was killed.
            drop(go);
            run(&wait, null.as_raw_fd(), program.as_raw_fd(), kept.as_raw_fd(), &argv, &envp)
        }
        Ok(pid) => Ok(Waiting { pid, go }),
        Err(error) => Err(io::Error::from_raw_os_error(error)),
    }
}

fn run(
    wait: &io::PipeReader,
    null: i32,
    program: i32,
    kept: i32,
    argv: &[*const libc::c_char],
    envp: &[*const libc::c_char],
) -> ! {
    // SAFETY: system calls on numbers and on buffers that outlive them.
    unsafe {
        let mut byte = 0u8;
        if libc::read(wait.as_raw_fd(), (&raw mut byte).cast(), 1) != 1 {
            libc::_exit(1);
        }
        libc::setsid();
        for number in 0..3 {
            libc::dup2(null, number);
        }
        super::fds::close_on_exec_from(3);
        libc::fcntl(kept, libc::F_SETFD, 0);
        if keep_rights().is_err() {
            libc::_exit(1);
        }
        libc::syscall(
            libc::SYS_execveat,
            program,
            c"".as_ptr(),
            argv.as_ptr(),
            envp.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
        libc::_exit(errno())
    }
}

/// Makes every capability survive exec.
fn keep_rights() -> Result<(), i32> {
    let header: [u32; 2] = [0x2008_0522, 0];
    let mut data: [[u32; 3]; 2] = [[0; 3]; 2];
    // SAFETY: live structures laid out as the kernel's; then plain numbers.
    unsafe {
        if libc::syscall(libc::SYS_capget, header.as_ptr(), data.as_mut_ptr()) < 0 {
            return Err(errno());
        }
        for half in &mut data {
            half[2] = half[1];
        }
        if libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()) < 0 {
            return Err(errno());
        }
        for capability in 0..64u64 {
            if data[(capability / 32) as usize][1] >> (capability % 32) & 1 == 1 {
                libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability, 0, 0);
            }
        }
    }
    Ok(())
}

/// Moves this process, which must have one thread, into a user namespace, and gives it a mount namespace there.
pub(crate) fn join(user_namespace: BorrowedFd<'_>) -> io::Result<()> {
    enter(user_namespace, libc::CLONE_NEWUSER)?;
    unshare(libc::CLONE_NEWNS)?;
    // The change of rights hid this process's and its children's files in /proc, id mappings among them, from itself.
    // SAFETY: plain numbers.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) };
    Ok(())
}

/// The calling thread's new network namespace, opened.
pub(crate) fn new_network() -> io::Result<OwnedFd> {
    unshare(libc::CLONE_NEWNET)?;
    Ok(std::fs::File::open("/proc/thread-self/ns/net")?.into())
}

/// Has the kernel kill a program when the thread that starts it ends.
pub(crate) fn die_with_this_thread(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: one system call on plain numbers between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
}
