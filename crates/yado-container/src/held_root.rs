//! Taking a container away without waiting for disks. When the last hold on an overlay goes, the kernel first writes out
//! everything that the file system below has not written yet, whoever wrote it; on a busy host that takes most of the
//! time of a container's end, and for a container whose files are removed anyway it is for nothing. Whoever holds its
//! root meanwhile can leave this work to the kernel's own threads.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::fs::{CWD, Mode, OFlags};

use crate::container::Container;
use crate::sys::fds;

/// A container's root file system, which stays as long as this is held, also when the container has ended.
#[derive(Debug)]
pub struct HeldRoot(OwnedFd);

impl Container {
    /// Holds the root of a container that has not ended.
    pub fn hold_root(&self) -> Option<HeldRoot> {
        let path = format!("/proc/{}/root", self.pid());
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, path, flags, Mode::empty()).ok()?;
        // Only now is it surely the container's, and nobody's who came to have the same number.
        self.record.is_alive().then_some(HeldRoot(root))
    }
}

impl HeldRoot {
    /// Lets go without waiting for what the kernel then does.
    pub fn let_go(self) {
        // A descriptor in the queue of a socket that nobody has is closed by a thread of the kernel's that looks for such.
        // The socket must lie in its own queue, or it would go with us, and the queue with it.
        let Ok((sender, receiver)) = UnixStream::pair() else { return };
        if fds::send(sender.as_fd(), b"/", &[self.0.as_raw_fd(), receiver.as_raw_fd()]).is_err() {
            // Then it is closed here, and waited for.
            return;
        }
        drop(self);
        drop(receiver);
        // The last: closing it is what lets the thread look.
        drop(sender);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_let_go_is_closed_by_somebody_else() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        reader.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        HeldRoot(writer.into()).let_go();
        assert_eq!(reader.read(&mut [0]).unwrap(), 0, "the other end was closed");
    }
}
