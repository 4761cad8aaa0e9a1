//! The terminal of a container's first process: of the container's own devpts, and shown as `/dev/console`.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};

use super::target::Tree;
use crate::error::{Context, Error, Result};

/// Both sides of a terminal.
pub(crate) struct Terminal {
    /// What is shown on the terminal is read here.
    pub(crate) master: OwnedFd,
    /// The terminal itself.
    pub(crate) slave: OwnedFd,
}

impl Terminal {
    /// Makes a terminal from the tree's own devpts.
    pub(super) fn open(tree: &Tree<'_>) -> Result<Self> {
        let ptmx = Path::new("/dev/pts/ptmx");
        let master = tree
            .open_for(ptmx, OFlags::RDWR | OFlags::NOCTTY | OFlags::NOFOLLOW)?
            .ok_or_else(|| Error::invalid("process.terminal", "a terminal needs a devpts on /dev/pts"))?;
        unlockpt(&master).path("unlock", ptmx)?;
        let slave = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY)
            .path("open the terminal of", ptmx)?;
        show_as_console(tree, &slave)?;
        Ok(Self { master, slave })
    }
}

/// Mounts the terminal on `/dev/console`, which must be a plain file: a link there could lead the mount anywhere.
fn show_as_console(tree: &Tree<'_>, slave: &OwnedFd) -> Result<()> {
    let path = Path::new("/dev/console");
    let (parent, name) = tree.parent(path)?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(&parent, name, flags, Mode::from_raw_mode(0o666)) {
        Ok(_) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error).path("make the file", path),
    }
    let target = openat(&parent, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .path("open", path)?;
    let status = rustix::fs::fstat(&target).path("examine", path)?;
    if rustix::fs::FileType::from_raw_mode(status.st_mode) == rustix::fs::FileType::Symlink {
        return Err(Error::invalid("/dev/console", "it is a link, on which no terminal is mounted"));
    }
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount =
        open_tree(slave, "", flags | OpenTreeFlags::AT_EMPTY_PATH).path("show the terminal as", path)?;
    Tree::attach(&mount, &target, path)
}
