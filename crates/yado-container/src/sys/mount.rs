//! Parts of the new mount API that are not wrapped elsewhere: attributes and id mappings of mounts.
#![allow(unsafe_code)] // mount_setattr has no wrapper.

use std::ffi::CStr;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Read-only.
pub(crate) const RDONLY: u64 = 0x1;
/// Set-user-id bits do nothing.
pub(crate) const NOSUID: u64 = 0x2;
/// Device nodes cannot be opened.
pub(crate) const NODEV: u64 = 0x4;
/// Nothing can be executed.
pub(crate) const NOEXEC: u64 = 0x8;
/// The field that says how access times are kept; relatime is its zero.
pub(crate) const ATIME_FIELD: u64 = 0x70;
/// Access times are not kept.
pub(crate) const NOATIME: u64 = 0x10;
/// Access times are always kept.
pub(crate) const STRICTATIME: u64 = 0x20;
/// Access times of directories are not kept.
pub(crate) const NODIRATIME: u64 = 0x80;
/// Symbolic links are not followed.
pub(crate) const NOSYMFOLLOW: u64 = 0x20_0000;
/// Owners are translated by a user namespace.
const IDMAP: u64 = 0x10_0000;

#[repr(C)]
#[derive(Default)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

fn setattr(
    mount: BorrowedFd<'_>,
    path: &CStr,
    recursive: bool,
    attributes: &MountAttributes,
) -> io::Result<()> {
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a C string and the structure has the stated size.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            path.as_ptr(),
            flags,
            std::ptr::from_ref(attributes),
            size_of::<MountAttributes>(),
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sets and clears attributes of a mount (and of the mounts beneath it).
pub(crate) fn set_attributes(mount: BorrowedFd<'_>, set: u64, clear: u64, recursive: bool) -> io::Result<()> {
    // The access time is a field, not a set of bits: to set it, all of it must be cleared.
    let clear = if (set | clear) & ATIME_FIELD != 0 { clear | ATIME_FIELD } else { clear };
    if set == 0 && clear == 0 {
        return Ok(());
    }
    let attributes = MountAttributes { set, clear, ..MountAttributes::default() };
    setattr(mount, c"", recursive, &attributes)
}

/// Translates the owners of a detached mount by a user namespace's mappings.
pub(crate) fn map_ids(
    mount: BorrowedFd<'_>,
    user_namespace: BorrowedFd<'_>,
    recursive: bool,
) -> io::Result<()> {
    let attributes = MountAttributes {
        set: IDMAP,
        user_namespace: user_namespace.as_raw_fd() as u64,
        ..MountAttributes::default()
    };
    setattr(mount, c"", recursive, &attributes)
}

/// Changes how mount events spread: one of `MS_PRIVATE`, `MS_SLAVE`, `MS_SHARED`, `MS_UNBINDABLE`.
pub(crate) fn set_propagation(mount: BorrowedFd<'_>, propagation: u64, recursive: bool) -> io::Result<()> {
    let attributes = MountAttributes { propagation, ..MountAttributes::default() };
    setattr(mount, c"", recursive, &attributes)
}

/// This program's file through a read-only mount of its own.
///
/// A container that tricks the engine into running it again holds `/proc/self/exe` of a process that came from
/// this file; through this mount it cannot be opened for writing, whoever asks.
pub(crate) fn protected_program() -> io::Result<OwnedFd> {
    use rustix::mount::{OpenTreeFlags, open_tree};
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let program = match open_tree(rustix::fs::CWD, "/proc/self/exe", flags) {
        Ok(program) => program,
        // The program's file was replaced or is not on a mount of this namespace, as with one made in memory.
        Err(_) => return std::fs::File::open("/proc/self/exe").map(OwnedFd::from),
    };
    set_attributes(program.as_fd(), RDONLY, 0, false)?;
    Ok(program)
}
