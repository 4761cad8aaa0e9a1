//! The small program that first processes become (`first_program.rs`), as a file in memory that nobody can change.
#![allow(unsafe_code)] // execveat has no wrapper.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fchmod, fcntl_add_seals, memfd_create, openat};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use super::clone::errno;

static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/first_program"));

/// Makes the file. Whoever holds it, or runs it and opens `/proc/self/exe`, can read it and nothing else.
pub(crate) fn program() -> io::Result<OwnedFd> {
    let file = match in_memory("yado-init", true) {
        // `vm.memfd_noexec`, which may be set for the whole computer, forbids it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return program_on_a_file_system(),
        other => other?,
    };
    fill(&file, PROGRAM)?;
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(file)
}

/// The file on a file system that is attached nowhere and cannot be written to any more.
fn program_on_a_file_system() -> io::Result<OwnedFd> {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let mount = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?;
    let create = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = openat(&mount, "yado-init", create, Mode::from_raw_mode(0o555))?;
    // Whatever the file mode creation mask is: a container's root is somebody else.
    fchmod(&file, Mode::from_raw_mode(0o555))?;
    fill(&file, PROGRAM)?;
    drop(file);
    let program = openat(&mount, "yado-init", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    super::mount::set_attributes(mount.as_fd(), super::mount::RDONLY, 0, false)?;
    Ok(program)
}

/// Bytes as a file that is read from its beginning.
pub(crate) fn bytes(content: &[u8]) -> io::Result<OwnedFd> {
    let file = in_memory("yado", false)?;
    fill(&file, content)?;
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
    Ok(file)
}

fn fill(file: &OwnedFd, mut content: &[u8]) -> io::Result<()> {
    while !content.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::write(file, content))?;
        content = &content[written..];
    }
    Ok(())
}

/// Kernels before 6.3 do not know the word that says whether such a file can be run: there it always can.
fn in_memory(name: &str, run: bool) -> io::Result<OwnedFd> {
    const NOEXEC_SEAL: u32 = 8;
    const EXEC: u32 = 16;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let word = MemfdFlags::from_bits_retain(if run { EXEC } else { NOEXEC_SEAL });
    match memfd_create(name, flags | word) {
        Err(Errno::INVAL) => Ok(memfd_create(name, flags)?),
        other => Ok(other?),
    }
}

/// Becomes the program, which keeps these descriptors. Returns why that was not possible.
pub(crate) fn run(
    program: BorrowedFd<'_>,
    arguments: &[CString],
    environment: &[CString],
    kept: &[RawFd],
) -> i32 {
    let pointers = |texts: &[CString]| -> Vec<*const libc::c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    run_prepared(program, &pointers(arguments), &pointers(environment), kept)
}

/// As [`run`], with the arrays made beforehand. Async-signal-safe.
pub(crate) fn run_prepared(
    program: BorrowedFd<'_>,
    arguments: &[*const libc::c_char],
    environment: &[*const libc::c_char],
    kept: &[RawFd],
) -> i32 {
    // SAFETY: flags of descriptors, and null-terminated arrays of C strings that the caller keeps.
    unsafe {
        for &fd in kept {
            libc::fcntl(fd, libc::F_SETFD, 0);
        }
        libc::syscall(
            libc::SYS_execveat,
            program.as_raw_fd(),
            c"".as_ptr(),
            arguments.as_ptr(),
            environment.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    errno()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_can_be_run_and_not_be_changed() {
        cannot_be_changed_and_runs(&program().unwrap());
        // Mounting needs rights; where there are none, files in memory must do.
        if let Ok(file) = program_on_a_file_system() {
            cannot_be_changed_and_runs(&file);
        }
    }

    fn cannot_be_changed_and_runs(file: &OwnedFd) {
        assert!(rustix::io::write(file, b"x").is_err());
        let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
        if let Ok(again) = std::fs::File::options().write(true).open(&path) {
            assert!(rustix::io::write(&again, b"x").is_err());
        }
        // It runs the first candidate that is there, with its own arguments and environment.
        let output = std::process::Command::new(&path)
            .args([
                "__container-run",
                "2",
                "-",
                "0",
                "/no/such",
                "/bin/sh",
                "",
                "sh",
                "-c",
                "echo $0 $X",
                "name",
            ])
            .env("X", "value")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "name value\n");
        // It says which step failed and why.
        let output = std::process::Command::new(&path)
            .args(["__container-run", "2", "-", "0", "/no/such", "", "such"])
            .output()
            .unwrap();
        assert_eq!(output.stderr, [0, 10, 2, 0]);
    }
}
