//! Loading an eBPF program that decides about devices, and attaching it to a cgroup.
#![allow(unsafe_code)] // bpf(2) has no wrapper.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// One instruction, as the kernel's `bpf_insn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Instruction {
    /// Operation.
    pub(crate) code: u8,
    /// Destination register in the low half, source register in the high one.
    pub(crate) registers: u8,
    /// Jump distance or memory offset.
    pub(crate) offset: i16,
    /// Operand.
    pub(crate) operand: i32,
}

/// The part of `bpf_attr` that loading uses.
#[repr(C)]
struct Load {
    program_type: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
}

/// The part of `bpf_attr` that attaching uses.
#[repr(C)]
struct Attach {
    target: u32,
    program: u32,
    hook: u32,
    flags: u32,
}

const PROGRAM_LOAD: libc::c_long = 5;
const PROGRAM_ATTACH: libc::c_long = 8;
const PROGRAM_TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_CGROUP_DEVICE: u32 = 6;
/// Cgroups beneath may have programs of their own besides.
const ALLOW_MULTIPLE: u32 = 2;

fn bpf<T>(command: libc::c_long, attributes: &T) -> io::Result<i64> {
    // SAFETY: a live structure of the stated size, whose pointers the caller vouches for.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Lets this program decide which devices the processes of a v2 cgroup may open.
pub(crate) fn filter_devices(cgroup: BorrowedFd<'_>, program: &[Instruction]) -> io::Result<()> {
    let load = Load {
        program_type: PROGRAM_TYPE_CGROUP_DEVICE,
        count: program.len() as u32,
        instructions: program.as_ptr() as u64,
        license: c"MIT".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
    };
    let loaded = bpf(PROGRAM_LOAD, &load)?;
    // SAFETY: a new descriptor that is ours alone. The cgroup keeps the program when it is closed.
    let loaded = unsafe { OwnedFd::from_raw_fd(loaded as RawFd) };
    let attach = Attach {
        target: cgroup.as_raw_fd() as u32,
        program: loaded.as_raw_fd() as u32,
        hook: ATTACH_CGROUP_DEVICE,
        flags: ALLOW_MULTIPLE,
    };
    bpf(PROGRAM_ATTACH, &attach).map(drop)
}
