//! A tree on top of others: what is made in it, changed and taken away is written to a directory of its own, as the
//! kernel's overlay writes it, and the trees below stay as they are.
//!
//! The overlay is mounted nowhere. It goes with the last descriptor of it, whatever ends the process.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string,
    fsmount, fsopen,
};

/// The directory that takes the changes, in the folder that was given.
const UPPER: &str = "upper";
/// What the kernel needs besides.
const WORK: &str = "work";

/// Mounts the directories `lower` (lowest first, one at least) below a new one in the empty directory `folder`; the
/// overlay's root, and where the new one is.
pub(super) fn mount(lower: &[PathBuf], folder: &Path) -> std::io::Result<(OwnedFd, PathBuf)> {
    let upper = folder.join(UPPER);
    std::fs::create_dir(&upper)?;
    std::fs::create_dir(folder.join(WORK))?;
    if let Some(top) = lower.last() {
        look_alike(top, &upper)?;
    }
    // By descriptors, since what is written in a path means something to the kernel there.
    let open = |path: &Path| {
        rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    };
    let below = lower.iter().rev().map(|path| open(path)).collect::<rustix::io::Result<Vec<_>>>()?;
    let place = open(folder)?;
    let path = |fd: &OwnedFd| PathBuf::from(format!("/proc/thread-self/fd/{}", fd.as_raw_fd()));
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "source", "overlay")?;
    for layer in &below {
        fsconfig_set_string(&context, "lowerdir+", path(layer).as_path())?;
    }
    fsconfig_set_string(&context, "upperdir", path(&place).join(UPPER).as_path())?;
    fsconfig_set_string(&context, "workdir", path(&place).join(WORK).as_path())?;
    // Layers are to be the same whatever the kernel was built with, and complete in themselves.
    for option in ["index", "metacopy"] {
        fsconfig_set_string(&context, option, "off")?;
    }
    // What is half-made is thrown away after a crash; without this, the end of the overlay waits for the disk.
    fsconfig_set_flag(&context, "volatile")?;
    if !rustix::process::geteuid().is_root() {
        fsconfig_set_flag(&context, "userxattr")?;
    }
    fsconfig_create(&context)?;
    let flags = MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOSUID;
    Ok((fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, flags)?, upper))
}

/// Owner and permissions of a root directory are those of its uppermost layer.
fn look_alike(model: &Path, path: &Path) -> std::io::Result<()> {
    let facts = model.metadata()?;
    std::os::unix::fs::chown(path, Some(facts.uid()), Some(facts.gid()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(facts.mode() & 0o7777))
}

/// Whether overlays can be made of directories in `folder`. They cannot on top of other overlays, as in a container of
/// Docker's, and on some file systems of networks.
pub(crate) fn is_possible(folder: &Path) -> bool {
    let attempt = || -> std::io::Result<()> {
        let lower = folder.join("lower");
        std::fs::create_dir(&lower)?;
        mount(&[lower], folder).map(drop)
    };
    match attempt() {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(%error, "no overlay can be made");
            false
        }
    }
}

/// Whether a directory of a layer hides what the layers below have in it.
pub(crate) fn is_opaque(directory: impl AsFd) -> bool {
    let mut value = [0_u8; 2];
    ["user.overlay.opaque", "trusted.overlay.opaque"].iter().any(|name| {
        rustix::fs::fgetxattr(&directory, *name, &mut value).is_ok_and(|length| value[..length] == *b"y")
    })
}

/// Whether nothing was changed in the directory that [`mount`] made on top of `top`.
pub(crate) fn is_unchanged(upper: &Path, top: &Path) -> std::io::Result<bool> {
    let (ours, theirs) = (upper.metadata()?, top.metadata()?);
    let looks = |facts: &std::fs::Metadata| (facts.mode(), facts.uid(), facts.gid());
    Ok(looks(&ours) == looks(&theirs) && std::fs::read_dir(upper)?.next().is_none())
}
