//! Kernel interfaces that are hidden from the container or that it may only read.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::mount::{OpenTreeFlags, open_tree};

use super::inside::new_file_system;
use super::options::MountOptions;
use super::target::{Tree, is_directory};
use crate::error::{Context, Result};
use crate::sys::mount as attributes;

const RECURSIVE_CLONE: OpenTreeFlags =
    OpenTreeFlags::OPEN_TREE_CLONE.union(OpenTreeFlags::OPEN_TREE_CLOEXEC).union(OpenTreeFlags::AT_RECURSIVE);

/// Makes paths read-only; those that do not exist need no care.
pub(super) fn make_read_only(tree: &Tree<'_>, paths: &[PathBuf]) -> Result<()> {
    for path in paths {
        for target in tree.places_of(path)? {
            let mount =
                open_tree(&target, "", RECURSIVE_CLONE | OpenTreeFlags::AT_EMPTY_PATH).path("open", path)?;
            attributes::set_attributes(mount.as_fd(), attributes::RDONLY, 0, true)
                .path("make read-only", path)?;
            Tree::attach(&mount, &target, path)?;
        }
    }
    Ok(())
}

/// Hides files behind `/dev/null` and directories behind empty ones.
pub(super) fn mask(tree: &Tree<'_>, paths: &[PathBuf]) -> Result<()> {
    let mut null = None;
    for path in paths {
        for target in tree.places_of(path)? {
            Tree::attach(&cover_for(&target, &mut null)?, &target, path)?;
        }
    }
    Ok(())
}

/// What hides an open file or directory. All files are hidden behind copies of the same mount.
fn cover_for(target: &OwnedFd, null: &mut Option<OwnedFd>) -> Result<OwnedFd> {
    if is_directory(target)? {
        let options = MountOptions {
            set: attributes::RDONLY | attributes::NOSUID | attributes::NODEV | attributes::NOEXEC,
            ..MountOptions::default()
        };
        return new_file_system("tmpfs", None, &options);
    }
    if let Some(null) = null {
        let flags = RECURSIVE_CLONE | OpenTreeFlags::AT_EMPTY_PATH;
        return open_tree(&*null, "", flags).path("show again", "/dev/null");
    }
    // The host's: nobody may change its owner or mode from inside. It can be written to all the same.
    let first = open_tree(rustix::fs::CWD, "/dev/null", RECURSIVE_CLONE).path("open", "/dev/null")?;
    let set = attributes::RDONLY | attributes::NOSUID | attributes::NOEXEC;
    attributes::set_attributes(first.as_fd(), set, 0, false).path("restrict", "/dev/null")?;
    *null = Some(first.try_clone().path("hold the mount of", "/dev/null")?);
    Ok(first)
}
