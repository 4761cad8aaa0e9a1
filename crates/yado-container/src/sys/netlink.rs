//! Netlink sockets: a descriptor, a request, its answers.
#![allow(unsafe_code)] // Socket addresses of this family have no allocation-free safe wrapper in std.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Opens a socket of a netlink family in the calling thread's network namespace.
pub(crate) fn open(family: i32) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers; the new descriptor is ours alone.
    let socket = unsafe {
        let fd = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, family);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(fd)
    };
    // SAFETY: zeroes are a valid address: the kernel chooses the port.
    let mut address: libc::sockaddr_nl = unsafe { zeroed() };
    address.nl_family = libc::AF_NETLINK as u16;
    // SAFETY: a live address of the stated size.
    let bound = unsafe {
        libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size_of::<libc::sockaddr_nl>() as u32)
    };
    if bound < 0 {
        return Err(io::Error::last_os_error());
    }
    // Error answers say why in words where this option is known.
    let on: libc::c_int = 1;
    // SAFETY: a live integer of the stated size.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_NETLINK,
            libc::NETLINK_EXT_ACK,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as u32,
        );
    }
    Ok(socket)
}

/// Sends bytes to the kernel.
pub(crate) fn send(socket: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: a live buffer; without an address netlink sends to the kernel.
    let sent = unsafe { libc::send(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Receives one datagram in place of what is in the buffer, as far as there is room.
pub(crate) fn receive(socket: &OwnedFd, buffer: &mut Vec<u8>) -> io::Result<usize> {
    buffer.clear();
    loop {
        let room = buffer.capacity();
        // SAFETY: as much room as stated, of which the kernel tells how much it has filled.
        let received = unsafe { libc::recv(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), room, 0) };
        if received >= 0 {
            // SAFETY: so many bytes were written.
            unsafe { buffer.set_len(received as usize) };
            return Ok(received as usize);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
