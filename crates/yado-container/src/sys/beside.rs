//! A first process that lives in the engine's memory until it becomes its program, as a thread would.
//!
//! A copy of the engine's memory costs twice: when it is made, and again whenever somebody writes to what both have. With
//! several threads at work each such page makes all processors forget what they knew of it, which for many machines at once
//! was a seventh of all work. So where it can be, the process is made without a copy: it has its own descriptors, signals,
//! namespaces and rights, and of the memory a stack and a thread's variables that a thread lends it, which sleeps meanwhile.
//! What it was given stays where it is until it has gone; what it allocates is never anybody else's (`allocator`).
#![allow(unsafe_code)] // A system call that returns twice.

use std::io;
use std::mem::size_of;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::clone::{
    CloneArguments, CloneOptions, InitRequest, gaps_of, init_child, join, pidfd_open, reap, single_threaded,
};
use super::{allocator, signals};
use crate::kernel_text;

/// Of the lending thread's stack: all of it, and what that thread may itself need at the top of it, in bytes.
const STACK: usize = 1 << 20;
const LENDERS: usize = 128 << 10;

/// What a sleeping thread lends: its variables' place, and the lowest address and length of what it does not use of its
/// stack.
struct Lent {
    variables: u64,
    stack: u64,
    stack_size: u64,
}

/// What the new process finds.
struct Task<'a> {
    request: &'a InitRequest<'a>,
    gaps: &'a [(u32, u32)],
    work: &'a dyn Fn() -> i32,
}

/// Whether a process is to be made so: several threads are at work, as one alone has its memory copied sooner than it
/// finds another to lend something; the processor is one that this knows; the program allocates by [`allocator`]; and who
/// calls may look into processes that nobody else may look into, as the engine's is while one of these has its memory.
pub(crate) fn is_better() -> bool {
    use rustix::thread::CapabilitySet;
    cfg!(any(target_arch = "x86_64", target_arch = "aarch64"))
        && !single_threaded()
        && allocator::is_in_place()
        && allocator::has_room()
        && stays_hidden()
        && rustix::thread::capabilities(None)
            .is_ok_and(|rights| rights.effective.contains(CapabilitySet::SYS_PTRACE))
}

/// Whether a process that changes its ids keeps its memory hidden. The kernel then allows looks as this parameter says, and
/// with the value 1 everybody who has the ids may look (`fs.suid_dumpable` in proc_sys_fs(5)).
fn stays_hidden() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    let read = || kernel_text::read("/proc/sys/fs/suid_dumpable").is_ok_and(|text| text.trim() != "1");
    *ANSWER.get_or_init(read)
}

/// Starts the container's first process, which does `work`, and calls `meanwhile` with its id and a descriptor for it. When
/// that returns, the process must be about to become its program, or to end.
///
/// The conditions of `start_init` for `work` hold here, too, and it must not change what it is given, nor leave anything
/// locked or borrowed. There are no namespaces to join.
pub(crate) fn start<R>(
    request: &InitRequest<'_>,
    work: &dyn Fn() -> i32,
    meanwhile: impl FnOnce(i32, OwnedFd) -> R,
) -> io::Result<R> {
    std::thread::scope(|scope| {
        let (offer, offered) = sync_channel::<Lent>(1);
        let (give_back, given_back) = sync_channel::<()>(1);
        std::thread::Builder::new().stack_size(STACK + LENDERS).spawn_scoped(scope, move || {
            let here = 0_u8;
            let top = (&raw const here as u64 - LENDERS as u64) & !0xFFF;
            let stack_size = (STACK - LENDERS) as u64;
            if offer.send(Lent { variables: own_variables(), stack: top - stack_size, stack_size }).is_ok() {
                // An error says the same: nobody needs them any more.
                let _ended = given_back.recv();
                allocator::be_a_thread_again();
            }
        })?;
        let lent = offered.recv().map_err(|_| io::Error::from(io::ErrorKind::Other))?;
        let gaps = gaps_of(request);
        let result = begin(request, &Task { request, gaps: &gaps, work }, &lent, meanwhile);
        drop(give_back);
        result
    })
}

fn begin<R>(
    request: &InitRequest<'_>,
    task: &Task<'_>,
    lent: &Lent,
    meanwhile: impl FnOnce(i32, OwnedFd) -> R,
) -> io::Result<R> {
    let options = CloneOptions { flags: request.flags, cgroup: request.cgroup, sibling: false };
    let shown = Shown::as_little_as_possible();
    let mut guest = Guest { pid: 0, present: AtomicU32::new(1), _shown: shown };
    let held = signals::Held::all();
    let [there, back] = request.detour;
    let made = join(there).and_then(|()| {
        let mut arguments = CloneArguments::of(&options);
        arguments.flags |= (libc::CLONE_VM | libc::CLONE_SETTLS | libc::CLONE_CHILD_CLEARTID) as u64;
        arguments.child_tid = guest.present.as_ptr() as u64;
        (arguments.tls, arguments.stack, arguments.stack_size) =
            (lent.variables, lent.stack, lent.stack_size);
        // SAFETY: the stack and the variables are nobody else's until `guest` is dropped, and neither is what `task` leads
        // to changed before that.
        match unsafe { clone_onto(&arguments, born, std::ptr::from_ref(task).cast()) } {
            error @ ..0 => Err(-error as i32),
            pid => Ok(pid as i32),
        }
    });
    let came_back = join(back);
    drop(held);
    guest.pid = match made {
        Ok(pid) => pid,
        Err(error) => {
            guest.present.store(0, Ordering::Relaxed);
            return Err(io::Error::from_raw_os_error(error));
        }
    };
    let pidfd = pidfd_open(guest.pid)?;
    if let Err(error) = came_back {
        // With this program in it, the cgroup would never go: the process is ended.
        return Err(io::Error::from_raw_os_error(error));
    }
    let pid = guest.pid;
    let result = meanwhile(pid, pidfd);
    guest.pid = 0;
    Ok(result)
}

/// The new process in our memory. Waits for it to leave when it is dropped, and ends it where it was not left by itself.
struct Guest {
    /// Whom to end; 0 when that is not needed.
    pid: i32,
    /// Becomes 0 when it has left our memory, by the kernel (`CLONE_CHILD_CLEARTID` in clone(2)).
    present: AtomicU32,
    _shown: Shown,
}

impl Drop for Guest {
    fn drop(&mut self) {
        if self.pid > 0 && self.present.load(Ordering::Acquire) != 0 {
            drop(signals::to_pid(self.pid, libc::SIGKILL));
        }
        let unheard = self.pid > 0;
        while self.present.load(Ordering::Acquire) != 0 {
            // SAFETY: a live number; the kernel compares it before it lets the thread sleep. What the kernel does at the end
            // is no private matter of this process.
            unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    self.present.as_ptr(),
                    libc::FUTEX_WAIT,
                    1,
                    std::ptr::null::<libc::timespec>(),
                );
            }
        }
        if unheard {
            reap(self.pid);
        }
    }
}

/// While processes have our memory, nobody may look into it, by way of one of them into us: who is root where the process is
/// made owns its user namespace, whatever rights they have here, and what they have opened stays open. Counts the processes,
/// with what was allowed before the first.
struct Shown;

static GUESTS: Mutex<(usize, libc::c_int)> = Mutex::new((0, 1));

impl Shown {
    fn as_little_as_possible() -> Self {
        let mut guests = GUESTS.lock().unwrap_or_else(PoisonError::into_inner);
        if guests.0 == 0 {
            // SAFETY: plain numbers.
            guests.1 = unsafe { libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0) };
            // SAFETY: plain numbers.
            unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
        }
        guests.0 += 1;
        Self
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let mut guests = GUESTS.lock().unwrap_or_else(PoisonError::into_inner);
        guests.0 -= 1;
        if guests.0 == 0 {
            // SAFETY: plain numbers. Other values than 0 and 1 cannot be set, and were not set by us.
            unsafe { libc::prctl(libc::PR_SET_DUMPABLE, guests.1, 0, 0, 0) };
        }
    }
}

/// The first thing that the new process does.
extern "C" fn born(task: *const libc::c_void) -> ! {
    allocator::start_afresh_beside();
    // SAFETY: what `begin` was given, which waits until this process has left.
    let task = unsafe { &*task.cast::<Task<'_>>() };
    init_child(task.request, task.gaps, task.work)
}

/// The address of the calling thread's variables.
fn own_variables() -> u64 {
    let address: u64;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the first of them is their own address (ELF Handling For Thread-Local Storage, section 3.4.6).
    unsafe {
        std::arch::asm!("mov {}, fs:0", out(reg) address, options(nostack, readonly, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: reads a register.
    unsafe {
        std::arch::asm!("mrs {}, tpidr_el0", out(reg) address, options(nostack, nomem, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        address = 0;
    }
    address
}

/// Makes a process that calls `first` on the stack that the arguments name. Its id, or an error as a negative number.
///
/// # Safety
/// The stack and the thread's variables must be unused for as long as the process has this memory, and `data` be what
/// `first` expects.
unsafe fn clone_onto(
    arguments: &CloneArguments,
    first: extern "C" fn(*const libc::c_void) -> !,
    data: *const libc::c_void,
) -> isize {
    let result: isize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the structure has the stated size. The new process goes on right after the call, on its own stack, and never
    // comes to what follows this.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 as isize => result,
            in("rdi") std::ptr::from_ref(arguments),
            in("rsi") size_of::<CloneArguments>(),
            in("r12") data,
            in("r13") first,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        std::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x20",
            "blr x21",
            "brk #1",
            "2:",
            in("x8") libc::SYS_clone3,
            inlateout("x0") std::ptr::from_ref(arguments) as isize => result,
            in("x1") size_of::<CloneArguments>(),
            in("x20") data,
            in("x21") first,
        );
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let _unused = (arguments, first, data);
        result = -(libc::ENOSYS as isize);
    }
    result
}
