//! Places inside the new root where something is mounted: found without ever leaving the root, whatever
//! symbolic links lie on the way, and made where they are missing.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Mode, OFlags, ResolveFlags, StatxFlags, mkdirat, openat, openat2, readlinkat, statx,
};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, move_mount};

use crate::error::{Context, Error, Result};

/// The root of a tree that is being put together.
pub(crate) struct Tree<'a> {
    root: BorrowedFd<'a>,
    /// Directories mounted under `/proc` and `/sys` by this program, the latest last, and where they were to go.
    kernel: std::cell::RefCell<Vec<(PathBuf, OwnedFd)>>,
}

fn relative(path: &Path) -> PathBuf {
    let stripped: PathBuf = path.components().filter(|part| *part != std::path::Component::RootDir).collect();
    if stripped.as_os_str().is_empty() { ".".into() } else { stripped }
}

impl<'a> Tree<'a> {
    /// The tree under an open directory.
    pub(crate) fn new(root: BorrowedFd<'a>) -> Self {
        Self { root, kernel: std::cell::RefCell::default() }
    }

    /// Keeps hold of a mount of a kernel's file system, so that what it holds is found wherever its name leads later:
    /// somebody who shares the root's files may exchange `/proc` for a link at any time.
    pub(crate) fn remember(&self, path: &Path, mount: &OwnedFd) -> Result<()> {
        if (path.starts_with("/proc") || path.starts_with("/sys")) && is_directory(mount)? {
            let mount = mount.try_clone().path("hold the mount on", path)?;
            self.kernel.borrow_mut().push((path.to_owned(), mount));
        }
        Ok(())
    }

    /// Everything that a path of a kernel's file system may stand for: what is in the mount that was made there, and
    /// what the name leads to. Mostly they are the same, and it is one.
    pub(crate) fn places_of(&self, path: &Path) -> Result<Vec<OwnedFd>> {
        let mut places = Vec::new();
        let kernel = self.kernel.borrow();
        let above = kernel.iter().enumerate().filter(|(_, (top, _))| path.starts_with(top));
        if let Some((_, (top, mount))) = above.max_by_key(|(age, (top, _))| (top.components().count(), *age))
        {
            let rest = path.strip_prefix(top).unwrap_or(path);
            places.extend(open_below(mount.as_fd(), rest, OFlags::PATH).path("open in the container", path)?);
        }
        if let Some(named) = self.open(path)? {
            let same = |place: &OwnedFd| Ok(identity(place)? == identity(&named)?);
            let known = places.iter().map(same).collect::<rustix::io::Result<Vec<bool>>>();
            if !known.path("examine", path)?.contains(&true) {
                places.push(named);
            }
        }
        Ok(places)
    }

    /// Opens what is there, following links inside the root only. `None` when nothing is.
    pub(crate) fn open(&self, path: &Path) -> Result<Option<OwnedFd>> {
        self.open_as(path, OFlags::PATH)
    }

    /// Opens what is there for use.
    pub(crate) fn open_for(&self, path: &Path, flags: OFlags) -> Result<Option<OwnedFd>> {
        self.open_as(path, flags)
    }

    /// Fails when a symbolic link is, or lies on the way to, what is at this path.
    pub(crate) fn refuse_links(&self, path: &Path) -> Result<()> {
        let found = openat2(
            self.root,
            relative(path),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS,
        );
        match found {
            Ok(_) | Err(Errno::NOENT) => Ok(()),
            Err(_) => Err(Error::invalid(
                path.display().to_string(),
                "it must be mounted on an ordinary directory, and not through a link",
            )),
        }
    }

    fn open_as(&self, path: &Path, flags: OFlags) -> Result<Option<OwnedFd>> {
        open_below(self.root, path, flags).path("open in the container", path)
    }

    /// A directory, made with its parents when missing.
    pub(crate) fn directory(&self, path: &Path) -> Result<OwnedFd> {
        self.directory_through_links(path, 16)
    }

    /// A link whose target is missing leads to where the directory is made, still within the root.
    fn directory_through_links(&self, path: &Path, links: u32) -> Result<OwnedFd> {
        if let Some(fd) = self.open_as(path, OFlags::PATH | OFlags::DIRECTORY)? {
            return Ok(fd);
        }
        if links == 0 {
            return Err(Errno::LOOP).path("make the directory", path);
        }
        let name = path.file_name().ok_or(Errno::INVAL).path("find the parent of", path)?;
        let above = path.parent().unwrap_or(Path::new("/"));
        let parent = self.directory_through_links(above, links)?;
        match mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let link = readlinkat(&parent, name, Vec::new()).path("follow the link", path)?;
                let link = PathBuf::from(OsStr::from_bytes(link.to_bytes()));
                return self.directory_through_links(&above.join(link), links - 1);
            }
            Err(error) => return Err(error).path("make the directory", path),
        }
        self.open_as(path, OFlags::PATH | OFlags::DIRECTORY)?
            .ok_or(Errno::NOENT)
            .path("make the directory", path)
    }

    /// Something that a file can be mounted on, made empty when missing.
    pub(crate) fn file(&self, path: &Path) -> Result<OwnedFd> {
        self.file_through_links(path, 16)
    }

    /// A link whose target is missing leads to where the file is made, still within the root.
    fn file_through_links(&self, path: &Path, links: u32) -> Result<OwnedFd> {
        if let Some(fd) = self.open(path)? {
            return Ok(fd);
        }
        if links == 0 {
            return Err(Errno::LOOP).path("make the file", path);
        }
        let (parent, name) = self.parent(path)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&parent, name, flags, Mode::from_raw_mode(0o644)) {
            Ok(_) => {}
            Err(Errno::EXIST) => {
                let link = readlinkat(&parent, name, Vec::new()).path("follow the link", path)?;
                let link = PathBuf::from(OsStr::from_bytes(link.to_bytes()));
                let above = path.parent().unwrap_or(Path::new("/"));
                return self.file_through_links(&above.join(link), links - 1);
            }
            Err(error) => return Err(error).path("make the file", path),
        }
        self.open(path)?.ok_or(Errno::NOENT).path("make the file", path)
    }

    /// The directory that holds a path, made when missing, and the path's last name.
    pub(crate) fn parent<'p>(&self, path: &'p Path) -> Result<(OwnedFd, &'p OsStr)> {
        let name = path.file_name().ok_or(Errno::INVAL).path("find the parent of", path)?;
        let parent = path.parent().unwrap_or(Path::new("/"));
        Ok((self.directory(parent)?, name))
    }

    /// Attaches a detached mount.
    pub(crate) fn attach(mount: &OwnedFd, target: &OwnedFd, path: &Path) -> Result<()> {
        move_mount(
            mount,
            "",
            target,
            "",
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH,
        )
        .path("mount on", path)
    }
}

/// Opens what is below a directory, which is the root of all links on the way. `None` when nothing is there.
fn open_below(top: BorrowedFd<'_>, path: &Path, flags: OFlags) -> rustix::io::Result<Option<OwnedFd>> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match openat2(top, relative(path), flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The mount and the file in it.
fn identity(fd: &OwnedFd) -> rustix::io::Result<(u64, u64)> {
    let status = statx(fd, "", AtFlags::EMPTY_PATH, StatxFlags::INO | StatxFlags::MNT_ID)?;
    Ok((status.stx_mnt_id, status.stx_ino))
}

/// Whether an open file is a directory.
pub(crate) fn is_directory(fd: impl AsFd) -> Result<bool> {
    let status = rustix::fs::fstat(fd).doing("examine a mount's source")?;
    Ok(rustix::fs::FileType::from_raw_mode(status.st_mode) == rustix::fs::FileType::Directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_point_out_of_the_root_stay_inside() {
        let folder = std::env::temp_dir().join(format!("yado-target-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("inner")).unwrap();
        std::os::unix::fs::symlink("/inner", folder.join("absolute")).unwrap();
        std::os::unix::fs::symlink("../../../inner", folder.join("upward")).unwrap();
        let root = rustix::fs::open(&folder, OFlags::PATH, Mode::empty()).unwrap();
        let tree = Tree::new(root.as_fd());
        std::os::unix::fs::symlink("/run/missing", folder.join("dangling")).unwrap();
        for link in ["/absolute/made-1", "/upward/made-2/deep", "/dangling/made-3"] {
            tree.directory(Path::new(link)).unwrap();
        }
        tree.file(Path::new("/absolute/file")).unwrap();
        std::os::unix::fs::symlink("../dangling/deep/file", folder.join("inner/link")).unwrap();
        tree.file(Path::new("/inner/link")).unwrap();
        assert!(folder.join("run/missing/deep/file").is_file());
        assert!(folder.join("inner/made-1").is_dir());
        assert!(folder.join("inner/made-2/deep").is_dir());
        assert!(folder.join("run/missing/made-3").is_dir());
        assert!(folder.join("inner/file").is_file());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
