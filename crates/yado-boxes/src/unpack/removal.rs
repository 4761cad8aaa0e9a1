//! Taking things out of a [`Tree`], folders with all that is in them.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::entry_path::EntryPath;
use super::tree::Tree;

/// Folders deeper than this are nobody's.
const DEEPEST: usize = 2000;

impl Tree {
    /// Removes whatever is at `path`, if something is there.
    pub(crate) fn remove_all(&mut self, path: &EntryPath) -> io::Result<()> {
        let (directory, name) = path.split();
        let Some(parent) = self.directory_at(&directory)? else { return Ok(()) };
        self.forget_place();
        remove(&*parent, name, 0)
    }

    /// Removes what is in the folder `path`, if there is one.
    pub(crate) fn empty(&mut self, path: &EntryPath) -> io::Result<()> {
        let (directory, name) = path.split();
        let Some(parent) = self.directory_at(&directory)? else { return Ok(()) };
        self.forget_place();
        let name = if path.is_root() { OsStr::new(".") } else { name };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&*parent, name, flags, Mode::empty()) {
            Ok(folder) => remove_content(&folder, 0),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what is at `path` if it is a folder.
    pub(crate) fn clear_directory(&mut self, path: &EntryPath) -> io::Result<()> {
        let (directory, name) = path.split();
        let Some(parent) = self.directory_at(&directory)? else { return Ok(()) };
        match rustix::fs::statat(&*parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => {
                self.forget_place();
                remove(&*parent, name, 0)
            }
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn remove(parent: impl AsFd, name: &OsStr, depth: usize) -> io::Result<()> {
    match rustix::fs::unlinkat(&parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    if depth > DEEPEST {
        return Err(Errno::NAMETOOLONG.into());
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(&parent, name, flags, Mode::empty())?;
    remove_content(&folder, depth)?;
    Ok(rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR)?)
}

fn remove_content(folder: impl AsFd, depth: usize) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    names.iter().try_for_each(|name| remove(&folder, name, depth + 1))
}
