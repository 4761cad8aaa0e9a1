//! [`Tree`]: a root file system being made, written to only through paths that the kernel resolves beneath it.
//!
//! The parent of whatever is touched is opened with `openat2(RESOLVE_IN_ROOT)`, as a machine with that root
//! would resolve it: a symbolic link in the tree can point anywhere, but never leads out. The last component is
//! never followed.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use yado_core::Result;
use yado_core::error::Doing;

use super::digests::{Digests, copy};
use super::entry_path::EntryPath;
use super::filler::{Filler, Made};
use super::overlay;
use crate::owners;

const CAPABILITY: &str = "security.capability";
const BENEATH: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);

/// Who owns an entry, and what may be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// Permission bits, setuid, setgid and sticky included.
    pub(crate) mode: u32,
    /// The container's own user id.
    pub(crate) user: u32,
    /// The container's own group id.
    pub(crate) group: u32,
    /// Seconds since 1970.
    pub(crate) modified: Option<i64>,
    /// The `security.capability` attribute.
    pub(crate) capability: Option<Vec<u8>>,
}

impl Attributes {
    /// Owned by root, with these permission bits.
    pub(crate) fn root(mode: u32) -> Self {
        Self { mode, user: 0, group: 0, modified: None, capability: None }
    }

    /// The same, owned by `user` and `group`.
    pub(crate) fn owned_by(self, user: u32, group: u32) -> Self {
        Self { user, group, ..self }
    }
}

/// A root file system being made.
pub(crate) struct Tree {
    root: Arc<OwnedFd>,
    /// The directory that was worked in last: archives come sorted by directory.
    last: Option<(EntryPath, Arc<OwnedFd>)>,
    /// What is known of contents, when somebody will ask.
    digests: Option<Digests>,
    /// Who fills files, when that is done behind the back of whoever makes them.
    filler: Option<Filler>,
    /// The file that could not be filled.
    unfilled: Option<EntryPath>,
    /// There are trees below, whose files get other numbers when they become this one's.
    has_lower: bool,
}

impl Tree {
    /// The tree in the directory `path`.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self::at(rustix::fs::openat(CWD, path, flags, Mode::empty())?, false))
    }

    /// A new tree on top of those in the directories `lower` (lowest first, one at least), and the directory in `folder`
    /// that takes what differs.
    pub(crate) fn on_top_of(lower: &[PathBuf], folder: &Path) -> io::Result<(Self, PathBuf)> {
        let (root, upper) = overlay::mount(lower, folder)?;
        Ok((Self::at(root, true), upper))
    }

    fn at(root: OwnedFd, has_lower: bool) -> Self {
        let root = Arc::new(root);
        Self { root, last: None, digests: None, filler: None, unfilled: None, has_lower }
    }

    /// The same tree, which takes note of the contents that it writes from now on, besides what is known already.
    pub(crate) fn with_digests(self, digests: Digests) -> Self {
        Self { digests: Some(digests), ..self }
    }

    /// From now on files are filled by a thread of its own, until [`Tree::settle`]; nothing may be read until then.
    pub(crate) fn fill_behind(&mut self) -> io::Result<()> {
        if self.filler.is_none() {
            self.filler = Some(Filler::start(self.digests.take())?);
        }
        Ok(())
    }

    /// Waits until all files are filled.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        let Some(filler) = self.filler.take() else { return Ok(()) };
        let (digests, outcome) = filler.end();
        self.digests = digests;
        outcome.map_err(|failed| {
            self.unfilled = Some(failed.path);
            failed.error
        })
    }

    /// The file that the last error was about, when it is another one than the one that was to be made.
    pub(crate) fn unfilled(&self) -> Option<&EntryPath> {
        self.unfilled.as_ref()
    }

    /// What is known of the contents, when all of them are in place.
    pub(crate) fn into_digests(mut self) -> io::Result<Digests> {
        self.settle()?;
        Ok(self.digests.take().unwrap_or_default())
    }

    /// Opens a directory of the tree; `None` when it does not exist.
    pub(super) fn directory_at(&self, path: &EntryPath) -> io::Result<Option<Arc<OwnedFd>>> {
        if path.is_root() {
            return Ok(Some(Arc::clone(&self.root)));
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        loop {
            match rustix::fs::openat2(&*self.root, path.as_path(), flags, Mode::empty(), BENEATH) {
                Ok(found) => return Ok(Some(Arc::new(found))),
                Err(Errno::NOENT) => return Ok(None),
                // The kernel could not rule out that something was renamed while it looked.
                Err(Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Something is about to be removed: the directory that was worked in last may go.
    pub(super) fn forget_place(&mut self) {
        self.last = None;
    }

    /// Opens the parent of `path`, making it (0755, root) where it is missing.
    fn parent(&mut self, path: &EntryPath) -> io::Result<Arc<OwnedFd>> {
        let (directory, _) = path.split();
        if let Some((last, found)) = &self.last
            && *last == directory
        {
            return Ok(Arc::clone(found));
        }
        let found = match self.directory_at(&directory)? {
            Some(found) => found,
            None => {
                let above = self.parent(&directory)?;
                let (_, name) = directory.split();
                match rustix::fs::mkdirat(&*above, name, Mode::from_raw_mode(0o755)) {
                    // A dangling symbolic link: it cannot be followed and must not be replaced silently.
                    Err(Errno::EXIST) => return Err(Errno::LOOP.into()),
                    other => other?,
                }
                let made = rustix::fs::openat(
                    &*above,
                    name,
                    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                    Mode::empty(),
                )?;
                let (user, group) = owners::on_disk(0, 0);
                rustix::fs::fchown(&made, user, group)?;
                rustix::fs::fchmod(&made, Mode::from_raw_mode(0o755))?;
                Arc::new(made)
            }
        };
        self.last = Some((directory, Arc::clone(&found)));
        Ok(found)
    }

    /// Removes what stands in the way of an entry that is no directory. An empty directory may be replaced.
    fn clear(&mut self, parent: &OwnedFd, path: &EntryPath) -> io::Result<()> {
        let (_, name) = path.split();
        match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {
                self.last = None;
                Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a regular file, replacing what is there, and returns its size.
    pub(crate) fn file(
        &mut self,
        path: &EntryPath,
        attributes: &Attributes,
        content: &mut dyn Read,
    ) -> io::Result<u64> {
        let mut file = self.make(path, attributes.mode)?;
        if let Some(filler) = &self.filler {
            let made = Made { file, path: path.clone(), attributes: attributes.clone() };
            let size = filler.file(made, content);
            if size.is_err() {
                // What went wrong before is why this did.
                self.settle()?;
            }
            return size;
        }
        let mut hash = self.digests.is_some().then(Sha256::new);
        let size = copy(content, &mut file, hash.as_mut())?;
        let inode = give(&file, attributes)?;
        if let (Some(digests), Some(hash)) = (&mut self.digests, hash) {
            // As `give` does: what is not written is not known.
            let capability = attributes.capability.as_deref().filter(|_| !owners::are_translated());
            digests.insert(inode, hash.finalize().into(), capability);
        }
        Ok(size)
    }

    /// Creates an empty regular file, replacing what is there. The caller calls [`finish`] on it.
    pub(crate) fn create(&mut self, path: &EntryPath) -> io::Result<File> {
        let made = self.make(path, 0o600)?;
        let inode = || rustix::fs::fstat(&made).map(|stat| stat.st_ino);
        if let Some(filler) = &self.filler {
            filler.forget(inode()?)?;
        } else if let Some(digests) = &mut self.digests {
            digests.forget(inode()?);
        }
        Ok(made)
    }

    /// The same with these permissions, as far as the umask allows. What is known of contents is left to the caller.
    fn make(&mut self, path: &EntryPath, mode: u32) -> io::Result<File> {
        let parent = self.parent(path)?;
        let (_, name) = path.split();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || rustix::fs::openat(&*parent, name, flags, Mode::from_raw_mode(mode & 0o777));
        match open() {
            Err(Errno::EXIST) => {
                self.clear(&parent, path)?;
                Ok(open()?.into())
            }
            other => Ok(other?.into()),
        }
    }

    /// Makes a directory, or gives the one that is there new attributes. With `through_links`, a symbolic link
    /// to a directory that stands in its place stays (as dpkg does, so that `bin → usr/bin` survives); otherwise
    /// the directory takes the link's place.
    pub(crate) fn directory(
        &mut self,
        path: &EntryPath,
        attributes: &Attributes,
        through_links: bool,
    ) -> io::Result<()> {
        if path.is_root() {
            return apply_at(&self.root, attributes);
        }
        let parent = self.parent(path)?;
        let (_, name) = path.split();
        let made = rustix::fs::mkdirat(&*parent, name, Mode::from_raw_mode(0o700));
        match made {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let found = rustix::fs::statat(&*parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
                let kind = FileType::from_raw_mode(found.st_mode);
                if kind == FileType::Symlink && through_links && self.directory_at(path)?.is_some() {
                    return Ok(());
                }
                if kind != FileType::Directory {
                    self.clear(&parent, path)?;
                    self.last = None;
                    rustix::fs::mkdirat(&*parent, name, Mode::from_raw_mode(0o700))?;
                }
            }
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(&*parent, name, flags, Mode::empty())?;
        finish(&directory, &Attributes { modified: None, ..attributes.clone() })
    }

    /// Makes a symbolic link, replacing what is there.
    pub(crate) fn symlink(
        &mut self,
        path: &EntryPath,
        target: &[u8],
        attributes: &Attributes,
    ) -> io::Result<()> {
        let parent = self.parent(path)?;
        let (_, name) = path.split();
        self.clear(&parent, path)?;
        rustix::fs::symlinkat(std::ffi::OsStr::from_bytes(target), &*parent, name)?;
        self.last = None;
        let (user, group) = owners::on_disk(attributes.user, attributes.group);
        rustix::fs::chownat(&*parent, name, user, group, AtFlags::SYMLINK_NOFOLLOW)?;
        if let Some(modified) = attributes.modified {
            rustix::fs::utimensat(&*parent, name, &times(modified), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }

    /// Makes `path` another name of the file `target` of this tree.
    pub(crate) fn hard_link(&mut self, path: &EntryPath, target: &EntryPath) -> io::Result<()> {
        let (directory, from) = target.split();
        let Some(source) = self.directory_at(&directory)? else { return Err(Errno::NOENT.into()) };
        let parent = self.parent(path)?;
        let (_, name) = path.split();
        // The target is checked before the old entry goes: a dangling link must not cost a file.
        rustix::fs::statat(&*source, from, AtFlags::SYMLINK_NOFOLLOW)?;
        if self.has_lower {
            // A file from below may be copied for this, under the number of one that was noted and is gone by now.
            self.settle()?;
            self.digests = None;
        }
        if path == target {
            return Ok(());
        }
        self.clear(&parent, path)?;
        Ok(rustix::fs::linkat(&*source, from, &*parent, name, AtFlags::empty())?)
    }

    /// Opens a regular file of the tree for reading, following links as a machine with this root would.
    pub(crate) fn open_file(&self, path: &EntryPath) -> io::Result<Option<File>> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file: File = match rustix::fs::openat2(&*self.root, path.as_path(), flags, Mode::empty(), BENEATH)
        {
            Ok(file) => file.into(),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(file.metadata()?.is_file().then_some(file))
    }

    /// Reads a small file of the tree, following links as a machine with this root would.
    pub(crate) fn read(&self, path: &EntryPath) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = self.open_file(path)? else { return Ok(None) };
        let mut content = Vec::new();
        file.take(16 << 20).read_to_end(&mut content)?;
        Ok(Some(content))
    }

    /// Owner and permissions of the file at `path`, following links as a machine with this root would.
    pub(crate) fn attributes(&self, path: &EntryPath) -> io::Result<Option<Attributes>> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let file = match rustix::fs::openat2(&*self.root, path.as_path(), flags, Mode::empty(), BENEATH) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let stat = rustix::fs::fstat(&file)?;
        let (user, group) = owners::of_box(stat.st_uid, stat.st_gid);
        Ok(Some(Attributes::root(stat.st_mode & 0o7777).owned_by(user, group)))
    }

    /// Writes a small file.
    pub(crate) fn write(&mut self, path: &EntryPath, mode: u32, content: impl AsRef<[u8]>) -> io::Result<()> {
        self.file(path, &Attributes::root(mode), &mut content.as_ref()).map(drop)
    }

    /// Whether something (not following a final link) is at `path`.
    pub(crate) fn has(&self, path: &EntryPath) -> io::Result<bool> {
        let (directory, name) = path.split();
        let Some(parent) = self.directory_at(&directory)? else { return Ok(false) };
        match rustix::fs::statat(&*parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the file or link at `path`, if there is one.
    pub(crate) fn remove(&mut self, path: &EntryPath) -> io::Result<()> {
        let (directory, name) = path.split();
        let Some(parent) = self.directory_at(&directory)? else { return Ok(()) };
        match rustix::fs::unlinkat(&*parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT | Errno::ISDIR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets a directory's modification time, which every entry made in it has changed.
    pub(crate) fn touch(&self, path: &EntryPath, modified: i64) -> io::Result<()> {
        let Some(directory) = self.directory_at(path)? else { return Ok(()) };
        // An O_PATH descriptor cannot be written to; "." below it can be named.
        Ok(rustix::fs::utimensat(&*directory, ".", &times(modified), AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

/// Makes a root directory one that every user inside may pass, whatever the caller's umask.
pub(crate) fn make_public(root: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o755))
        .doing(|| format!("preparing '{}'", root.display()))
}

/// Gives an open file or directory its attributes.
pub(crate) fn finish(file: impl std::os::fd::AsFd, attributes: &Attributes) -> io::Result<()> {
    give(file, attributes).map(drop)
}

/// The same; the number of the inode. The order matters: a change of owner clears setuid bits and capabilities. What is
/// right already is not asked of the kernel, which would write it down.
pub(super) fn give(file: impl std::os::fd::AsFd, attributes: &Attributes) -> io::Result<u64> {
    let found = rustix::fs::fstat(&file)?;
    let (user, group) = owners::on_disk(attributes.user, attributes.group);
    let is_right = user.is_none_or(|user| user.as_raw() == found.st_uid)
        && group.is_none_or(|group| group.as_raw() == found.st_gid);
    if !is_right {
        rustix::fs::fchown(&file, user, group)?;
    }
    let mode = attributes.mode & 0o7777;
    if found.st_mode & 0o7777 != mode || (!is_right && mode & 0o6000 != 0) {
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
    }
    // A capability of a file is one of a user namespace's root; only the host's can be written down from here.
    if let Some(capability) = attributes.capability.as_ref().filter(|_| !owners::are_translated()) {
        rustix::fs::fsetxattr(&file, CAPABILITY, capability, XattrFlags::empty())?;
    }
    if let Some(modified) = attributes.modified {
        rustix::fs::futimens(&file, &times(modified))?;
    }
    Ok(found.st_ino)
}

/// Gives the directory behind an `O_PATH` descriptor its attributes.
fn apply_at(directory: &OwnedFd, attributes: &Attributes) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(directory, ".", flags, Mode::empty())?;
    finish(&opened, &Attributes { modified: None, capability: None, ..attributes.clone() })
}

fn times(modified: i64) -> Timestamps {
    let time = Timespec { tv_sec: modified.max(0), tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}

/// The `security.capability` attribute of an open file.
pub(crate) fn capability_of(file: impl std::os::fd::AsFd) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = [0_u8; 256];
    match rustix::fs::fgetxattr(file, CAPABILITY, &mut buffer) {
        Ok(length) => Ok(Some(buffer[..length].to_vec())),
        Err(Errno::NODATA | Errno::NOTSUP | Errno::PERM) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
