//! File descriptors between processes: numbered inheritance and passing over a socket.
#![allow(unsafe_code)] // Control messages and inherited descriptor numbers have no safe wrapper that avoids allocation.

use std::io;
use std::mem::{size_of, size_of_val, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// The most descriptors in one message; the kernel's limit is 253.
pub(crate) const MOST: usize = 250;

#[repr(C, align(8))]
struct ControlSpace([u8; 1024]);

/// Sends bytes and descriptors as one message. Async-signal-safe: usable between fork and exec.
pub(crate) fn send(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[RawFd]) -> io::Result<usize> {
    if fds.len() > MOST {
        return Err(io::Error::from_raw_os_error(libc::E2BIG));
    }
    let mut control = ControlSpace([0; 1024]);
    let payload = size_of_val(fds);
    let mut vector = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: msghdr is plain data for which zeroes are valid.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    if !fds.is_empty() {
        message.msg_control = (&raw mut control).cast();
        // SAFETY: CMSG_SPACE only computes. 250 descriptors need 1016 bytes and fit.
        message.msg_controllen = unsafe { libc::CMSG_SPACE(payload as u32) } as _;
        // SAFETY: the control buffer is large enough for the header and the payload computed above.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(payload as u32) as _;
            std::ptr::copy_nonoverlapping(fds.as_ptr().cast::<u8>(), libc::CMSG_DATA(header), payload);
        }
    }
    // SAFETY: message points at live buffers of the stated lengths.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
    if sent < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(sent as usize)
}

/// Receives one message; descriptors arrive close-on-exec. Zero bytes mean that the peer is gone.
pub(crate) fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut control = ControlSpace([0; 1024]);
    let mut vector = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: msghdr is plain data for which zeroes are valid.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<ControlSpace>() as _;
    let received = loop {
        // SAFETY: message points at live, writable buffers of the stated lengths.
        let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
        if received >= 0 {
            break received as usize;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    };
    let mut fds = Vec::new();
    // SAFETY: the kernel filled the control buffer; the macros walk within msg_controllen. Each received
    // descriptor is new and owned by nobody else.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let start = libc::CMSG_DATA(header);
                let length = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                for index in 0..length / size_of::<RawFd>() {
                    fds.push(OwnedFd::from_raw_fd(RawFd::from_ne_bytes(
                        start.add(index * size_of::<RawFd>()).cast::<[u8; 4]>().read(),
                    )));
                }
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    Ok((received, fds))
}

/// A descriptor as a first process that is about to be made will find it: its table is a copy, in which nobody closes it,
/// whatever becomes of this one.
pub(crate) fn as_inherited(descriptor: BorrowedFd<'_>) -> BorrowedFd<'static> {
    // SAFETY: used by the new process alone, where the number stays open until it becomes its program.
    unsafe { BorrowedFd::borrow_raw(descriptor.as_raw_fd()) }
}

/// Takes over a descriptor that the parent left open under this number.
///
/// `None` when nothing is open there. To be called once for a number, by the program's first lines.
pub(crate) fn inherited(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: F_GETFD only looks.
    if number < 3 || unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return None;
    }
    // SAFETY: the descriptor is open and, before anything else ran in this program, nobody's.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    // SAFETY: sets a flag on our own descriptor.
    unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    Some(fd)
}

/// Whether this descriptor came with the program: those that it opens itself are closed on exec, all of them.
pub(crate) fn was_passed(number: RawFd) -> bool {
    // SAFETY: F_GETFD only looks.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

/// Marks everything from `first` up close-on-exec. Async-signal-safe.
pub(crate) fn close_on_exec_from(first: u32) {
    // SAFETY: only flags of descriptors change; kernels before 5.11 answer EINVAL, where Rust's own
    // descriptors are close-on-exec anyway.
    unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;

    #[test]
    fn descriptors_arrive_with_their_bytes() {
        let (left, right) = std::os::unix::net::UnixStream::pair().unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        send(left.as_fd(), b"take", &[writer.as_raw_fd()]).unwrap();
        drop(writer);
        let mut bytes = [0; 16];
        let (count, fds) = receive(right.as_fd(), &mut bytes).unwrap();
        assert_eq!((&bytes[..count], fds.len()), (&b"take"[..], 1));
        for fd in fds {
            std::fs::File::from(fd).write_all(b"through").unwrap();
        }
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }
}
