//! A program of its own, some thousand bytes without a library: what a container's first process becomes when the
//! engine has built everything around it. `build.rs` compiles it, and the engine carries it as bytes.
//!
//! It has two parts. As a machine's PID 1 (`__container-init SOCKET ID`) it collects orphans; on SIGTERM, or what
//! other init programs know as "shut down", it asks everybody to end and ends with the last of them. As a step on the
//! way to a program (`__container-run ANSWER FILTER FLAGS CANDIDATE... "" ARGUMENT...`) it installs the system call
//! filter and runs the first candidate that can be run. That step is there so that the program, when it is tricked
//! into being `/proc/self/exe`, finds these sealed bytes and not the engine's file.
//!
//! It is not part of the crate: no standard library, only what a process needs to be small.
#![no_std]
#![no_main]

use core::arch::{asm, global_asm};

#[cfg(target_arch = "x86_64")]
mod number {
    pub(super) const READ: usize = 0;
    pub(super) const WRITE: usize = 1;
    pub(super) const SIGPROCMASK: usize = 14;
    pub(super) const KILL: usize = 62;
    pub(super) const EXECVE: usize = 59;
    pub(super) const EXIT: usize = 231;
    pub(super) const WAIT: usize = 61;
    pub(super) const FCNTL: usize = 72;
    pub(super) const CAPSET: usize = 126;
    pub(super) const SIGTIMEDWAIT: usize = 128;
    pub(super) const PRCTL: usize = 157;
    pub(super) const SECCOMP: usize = 317;
    pub(super) const CLOSE: usize = 3;
    pub(super) const CLOSE_RANGE: usize = 436;
}

#[cfg(target_arch = "aarch64")]
mod number {
    pub(super) const READ: usize = 63;
    pub(super) const WRITE: usize = 64;
    pub(super) const SIGPROCMASK: usize = 135;
    pub(super) const KILL: usize = 129;
    pub(super) const EXECVE: usize = 221;
    pub(super) const EXIT: usize = 94;
    pub(super) const WAIT: usize = 260;
    pub(super) const FCNTL: usize = 25;
    pub(super) const CAPSET: usize = 91;
    pub(super) const SIGTIMEDWAIT: usize = 137;
    pub(super) const PRCTL: usize = 167;
    pub(super) const SECCOMP: usize = 277;
    pub(super) const CLOSE: usize = 57;
    pub(super) const CLOSE_RANGE: usize = 436;
}

// The kernel leaves the arguments on the stack and nothing else.
#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "xor ebp, ebp", "mov rdi, rsp", "and rsp, -16", "call {}", "ud2", sym begin);

#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x29, #0", "mov x0, sp", "bl {}", "brk #1", sym begin);

#[cfg(target_arch = "x86_64")]
unsafe fn call(number: usize, arguments: [usize; 4]) -> isize {
    let result;
    // SAFETY: whoever calls answers for the pointers among the arguments.
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => result, in("rdi") arguments[0], in("rsi") arguments[1],
            in("rdx") arguments[2], in("r10") arguments[3], in("r8") 0_usize, lateout("rcx") _, lateout("r11") _,
            options(nostack));
    }
    result
}

#[cfg(target_arch = "aarch64")]
unsafe fn call(number: usize, arguments: [usize; 4]) -> isize {
    let result;
    // SAFETY: whoever calls answers for the pointers among the arguments.
    unsafe {
        asm!("svc #0", in("x8") number, inlateout("x0") arguments[0] as isize => result, in("x1") arguments[1],
            in("x2") arguments[2], in("x3") arguments[3], in("x4") 0_usize, options(nostack));
    }
    result
}

type Text = *const u8;

extern "C" fn begin(stack: *const usize) -> ! {
    // SAFETY: the kernel's layout: a count, so many arguments, a null, the environment, a null.
    unsafe {
        let count = *stack;
        let arguments = stack.add(1).cast::<Text>();
        let environment = arguments.add(count + 1);
        // Somebody inside runs this as `/proc/self/exe`, and finds nothing here.
        if count < 3 {
            exit(2);
        }
        // `__container-init` and `__container-run` differ in their thirteenth sign.
        match *(*arguments.add(1)).add(12) {
            b'i' => small(parse(*arguments.add(2))),
            _ => run(arguments, environment),
        }
    }
}

/// A decimal number; anything else is the largest one, which no descriptor has.
unsafe fn parse(mut text: Text) -> usize {
    let mut number = 0;
    // SAFETY: a C string.
    unsafe {
        while *text != 0 {
            if !(*text).is_ascii_digit() {
                return usize::MAX;
            }
            number = number * 10 + (*text - b'0') as usize;
            text = text.add(1);
        }
    }
    number
}

unsafe fn exit(code: usize) -> ! {
    loop {
        // SAFETY: plain numbers.
        unsafe { call(number::EXIT, [code, 0, 0, 0]) };
    }
}

const PR_SET_DUMPABLE: usize = 4;
const PR_SET_NAME: usize = 15;
const PR_SET_NO_NEW_PRIVS: usize = 38;
const CAP_KILL: u32 = 1 << 5;
const SIGCHLD: usize = 17;
/// SIGTERM, SIGINT, SIGPWR, and the first real-time signal of C programs and three.
const SHUT_DOWN: [usize; 4] = [15, 2, 30, 37];
/// To everybody: the polite request, what interactive shells heed, and what the stopped need to end at all.
const END: [usize; 3] = [15, 1, 18];

const fn bit(signal: usize) -> u64 {
    1 << (signal - 1)
}

/// PID 1 with hardly a right left.
unsafe fn small(socket: usize) -> ! {
    let all = u64::MAX;
    let wanted =
        bit(SHUT_DOWN[0]) | bit(SHUT_DOWN[1]) | bit(SHUT_DOWN[2]) | bit(SHUT_DOWN[3]) | bit(SIGCHLD);
    // Version 3 of the interface; effective, permitted, inheritable, low half first.
    let header = [0x2008_0522_u32, 0];
    let rights = [CAP_KILL, CAP_KILL, 0, 0, 0, 0];
    // SAFETY: numbers, and pointers to what lives as long as the call.
    unsafe {
        call(number::SIGPROCMASK, [2, &raw const all as usize, 0, 8]);
        // Nobody inside may trace this process and use what it was.
        let refused = call(number::PRCTL, [PR_SET_DUMPABLE, 0, 0, 0])
            | call(number::PRCTL, [PR_SET_NO_NEW_PRIVS, 1, 0, 0])
            | call(number::CAPSET, [&raw const header as usize, &raw const rights as usize, 0, 0]);
        if refused < 0 {
            exit(4);
        }
        call(number::PRCTL, [PR_SET_NAME, c"init".as_ptr() as usize, 0, 0]);
        // "Ready", and on only when the engine has written that down.
        let ready = [1_u8, 0, 0, 0, b'R'];
        call(number::WRITE, [socket, &raw const ready as usize, ready.len(), 0]);
        let mut word = [0_u8; 5];
        let mut have = 0;
        while have < word.len() {
            let place = (&raw mut word).cast::<u8>().add(have);
            let read = call(number::READ, [socket, place as usize, word.len() - have, 0]);
            if read <= 0 {
                exit(5);
            }
            have += read as usize;
        }
        call(number::CLOSE_RANGE, [3, u32::MAX as usize, 0, 0]);
        let moment = [0_usize, 2_000_000];
        let mut ending = false;
        loop {
            // The end of commands that were entered from outside is not signalled here: then look now and then.
            let time = if ending { &raw const moment as usize } else { 0 };
            let signal = call(number::SIGTIMEDWAIT, [&raw const wanted as usize, 0, time, 8]);
            if signal > 0 && signal as usize != SIGCHLD {
                ending = true;
                for signal in END {
                    call(number::KILL, [usize::MAX, signal, 0, 0]);
                }
            }
            while call(number::WAIT, [usize::MAX, 0, 1, 0]) > 0 {}
            // Signal 0 only asks whether there is anybody.
            if ending && call(number::KILL, [usize::MAX, 0, 0, 0]) < 0 {
                exit(0);
            }
        }
    }
}

const ENOENT: isize = -2;
const EACCES: isize = -13;
const ENOTDIR: isize = -20;

/// As many instructions as the kernel takes, of eight bytes each.
static mut FILTER: [u64; 4096] = [0; 4096];

#[repr(C)]
struct Program {
    length: u16,
    filter: *const u64,
}

/// Installs the filter and runs the program.
unsafe fn run(arguments: *const Text, environment: *const Text) -> ! {
    // SAFETY: the engine passes all of these, each list closed as said above.
    unsafe {
        let answer = parse(*arguments.add(2));
        let filter = parse(*arguments.add(3));
        let flags = parse(*arguments.add(4));
        // It was kept open to here; the program must not have it.
        call(number::FCNTL, [answer, 2, 1, 0]);
        let mut rest = arguments.add(5);
        while **rest != 0 {
            rest = rest.add(1);
        }
        rest = rest.add(1);
        if filter != usize::MAX {
            let refused = install(filter, flags);
            if refused < 0 {
                fail(answer, 9, refused);
            }
        }
        let mut reason = ENOENT;
        let mut candidate = arguments.add(5);
        while **candidate != 0 {
            match call(number::EXECVE, [*candidate as usize, rest as usize, environment as usize, 0]) {
                ENOENT | ENOTDIR => {}
                EACCES => reason = EACCES,
                other => fail(answer, 10, other),
            }
            candidate = candidate.add(1);
        }
        fail(answer, 10, reason)
    }
}

unsafe fn install(pipe: usize, flags: usize) -> isize {
    // SAFETY: the one thread of this program writes to the buffer here and nowhere else.
    unsafe {
        let start = (&raw mut FILTER).cast::<u8>();
        let mut have = 0;
        loop {
            let read = call(number::READ, [pipe, start.add(have) as usize, size_of::<[u64; 4096]>() - have, 0]);
            if read <= 0 {
                break;
            }
            have += read as usize;
        }
        call(number::CLOSE, [pipe, 0, 0, 0]);
        let program = Program { length: (have / 8) as u16, filter: start.cast() };
        call(number::SECCOMP, [1, flags, &raw const program as usize, 0])
    }
}

/// Tells whoever waits which step failed and why: a zero, the step's number, the error's.
unsafe fn fail(answer: usize, stage: u8, error: isize) -> ! {
    let number = (-error) as u32;
    let word = [0, stage, number as u8, (number >> 8) as u8];
    // SAFETY: a live buffer.
    unsafe {
        call(number::WRITE, [answer, &raw const word as usize, word.len(), 0]);
        exit(127)
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: plain numbers.
    unsafe { exit(6) }
}
