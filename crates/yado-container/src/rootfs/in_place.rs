//! The root of a container that has no mount namespace of its own: the specification has it share the runtime's. Its
//! mounts lie where the root directory lies, for everybody to see, until the container is removed.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, statx};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, UnmountFlags, move_mount, unmount};
use serde::{Deserialize, Serialize};

use crate::error::{Context, Result};
use crate::sys::mount as attributes;

/// Where such a root lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InPlace {
    path: PathBuf,
    /// The kernel's number of the mount: only this one is ever unmounted.
    mount: u64,
}

impl InPlace {
    /// What is about to be attached, to be written down before it is.
    pub(crate) fn of(root: &OwnedFd, path: &Path) -> Result<Self> {
        let path = path.canonicalize().path("find the root directory", path)?;
        let mount = mount_number(root).path("examine the mount of", &path)?;
        Ok(Self { path, mount })
    }

    /// Mounts the root on its own directory.
    pub(crate) fn attach(&self, root: &OwnedFd) -> Result<()> {
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        move_mount(root, "", rustix::fs::CWD, &self.path, flags).path("mount the root on", &self.path)
    }

    /// Unmounts it with everything beneath it, when it is still there.
    pub(crate) fn detach(&self) -> Result<()> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let there = match rustix::fs::open(&self.path, flags, Mode::empty()) {
            Ok(there) => there,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error).path("open", &self.path),
        };
        if mount_number(&there).path("examine the mount of", &self.path)? != self.mount {
            return Ok(());
        }
        // What it shares with the host would be unmounted there as well.
        attributes::set_propagation(there.as_fd(), libc::MS_PRIVATE, true).path("detach", &self.path)?;
        unmount(&self.path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).path("unmount", &self.path)
    }
}

fn mount_number(fd: &OwnedFd) -> rustix::io::Result<u64> {
    Ok(statx(fd, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?.stx_mnt_id)
}
