//! Copying a writable layer as it is, names of the overlay's own included: deleted files are device nodes, and what is
//! special about directories stands in extended attributes. Nothing is followed out of the layer, and where the file
//! system can share content between files, none is copied.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, XattrFlags,
};
use yado_core::error::Doing;
use yado_core::{Cancel, Result};

const OPEN: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW);

/// Copies the directory `from` to `to`, which must not exist.
pub(super) fn copy(cancel: &Cancel, from: &Path, to: &Path) -> Result<()> {
    walk(cancel, from, to, false)
}

/// Makes `to` have the files of `from` by further names for them: nothing is copied but directories. Neither may be
/// written to as long as there are both.
pub(super) fn share(cancel: &Cancel, from: &Path, to: &Path) -> Result<()> {
    walk(cancel, from, to, true)
}

fn walk(cancel: &Cancel, from: &Path, to: &Path, shared: bool) -> Result<()> {
    let doing = || format!("copying '{}'", from.display());
    let source = rustix::fs::openat(CWD, from, OPEN | OFlags::DIRECTORY, Mode::empty()).doing(doing)?;
    std::fs::create_dir(to).doing(doing)?;
    let target = rustix::fs::openat(CWD, to, OPEN | OFlags::DIRECTORY, Mode::empty()).doing(doing)?;
    let mut work = Copy { cancel, shared, links: HashMap::new(), top: target.try_clone().doing(doing)? };
    work.directory(&source, &target, "").doing(doing)
}

/// One copy under way.
struct Copy<'a> {
    cancel: &'a Cancel,
    /// Whether files get a further name instead of being copied.
    shared: bool,
    /// Where files that have several names were put first.
    links: HashMap<u64, CString>,
    top: OwnedFd,
}

impl Copy<'_> {
    /// Fills a directory and then makes it look like its model.
    fn directory(&mut self, from: &OwnedFd, to: &OwnedFd, path: &str) -> std::io::Result<()> {
        for entry in Dir::read_from(from)? {
            if self.cancel.is_cancelled() {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            let entry = entry?;
            let name = entry.file_name();
            if name != c"." && name != c".." {
                self.entry(from, to, name, path)?;
            }
        }
        attributes(from.as_fd(), to.as_fd())?;
        finish(to.as_fd(), &rustix::fs::fstat(from)?)
    }

    fn entry(&mut self, from: &OwnedFd, to: &OwnedFd, name: &CStr, path: &str) -> std::io::Result<()> {
        let facts = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(facts.st_mode);
        let mode = Mode::from_raw_mode(facts.st_mode & 0o7777);
        if self.shared && kind != FileType::Directory {
            // A file that can have no further name is copied.
            if rustix::fs::linkat(from, name, to, name, AtFlags::empty()).is_ok() {
                return Ok(());
            }
        }
        let whole = format!("{path}{}", name.to_string_lossy());
        if kind != FileType::Directory && facts.st_nlink > 1 {
            if let Some(first) = self.links.get(&facts.st_ino) {
                return Ok(rustix::fs::linkat(&self.top, first, to, name, AtFlags::empty())?);
            }
            // A name that is no text would be found wrongly again; such a file is copied once for each name.
            if let (Ok(_), Ok(first)) = (name.to_str(), CString::new(whole.clone())) {
                self.links.insert(facts.st_ino, first);
            }
        }
        match kind {
            FileType::Directory => {
                rustix::fs::mkdirat(to, name, Mode::RWXU)?;
                let source = rustix::fs::openat(from, name, OPEN | OFlags::DIRECTORY, Mode::empty())?;
                let target = rustix::fs::openat(to, name, OPEN | OFlags::DIRECTORY, Mode::empty())?;
                self.directory(&source, &target, &format!("{whole}/"))
            }
            FileType::RegularFile => {
                let source = rustix::fs::openat(from, name, OPEN | OFlags::NONBLOCK, Mode::empty())?;
                let flags = OPEN | OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY;
                let target = rustix::fs::openat(to, name, flags, Mode::RUSR)?;
                content(&source, &target, facts.st_size as u64)?;
                finish(target.as_fd(), &facts)?;
                // After the owner, whose change takes capabilities away.
                attributes(source.as_fd(), target.as_fd())?;
                times(target.as_fd(), &facts)
            }
            FileType::Symlink => {
                let pointed = rustix::fs::readlinkat(from, name, Vec::new())?;
                rustix::fs::symlinkat(&pointed, to, name)?;
                own(to, name, &facts)
            }
            _ => {
                rustix::fs::mknodat(to, name, kind, mode, facts.st_rdev)?;
                own(to, name, &facts)?;
                Ok(rustix::fs::chmodat(to, name, mode, AtFlags::empty())?)
            }
        }
    }
}

/// Holes stay holes, as far as the kernel shows where content is.
fn content(from: &OwnedFd, to: &OwnedFd, size: u64) -> std::io::Result<()> {
    if rustix::fs::ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    rustix::fs::ftruncate(to, size)?;
    let mut at = 0;
    while at < size {
        let Ok(start) = rustix::fs::seek(from, rustix::fs::SeekFrom::Data(at)) else { break };
        let end = rustix::fs::seek(from, rustix::fs::SeekFrom::Hole(start)).unwrap_or(size);
        let (mut source, mut target) = (start, start);
        while source < end {
            let length = usize::try_from(end - source).unwrap_or(usize::MAX).min(1 << 30);
            if rustix::fs::copy_file_range(from, Some(&mut source), to, Some(&mut target), length)? == 0 {
                break;
            }
        }
        at = end;
    }
    Ok(())
}

fn own(parent: &OwnedFd, name: &CStr, facts: &Stat) -> std::io::Result<()> {
    let (uid, gid) = (Uid::from_raw(facts.st_uid), Gid::from_raw(facts.st_gid));
    Ok(rustix::fs::chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?)
}

fn finish(to: BorrowedFd<'_>, facts: &Stat) -> std::io::Result<()> {
    rustix::fs::fchown(to, Some(Uid::from_raw(facts.st_uid)), Some(Gid::from_raw(facts.st_gid)))?;
    // After the owner, whose change takes set-user-id bits away.
    rustix::fs::fchmod(to, Mode::from_raw_mode(facts.st_mode & 0o7777))?;
    times(to, facts)
}

fn times(to: BorrowedFd<'_>, facts: &Stat) -> std::io::Result<()> {
    let time = |seconds: i64, nanoseconds: u64| Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanoseconds).unwrap_or(0),
    };
    let times = Timestamps {
        last_access: time(facts.st_atime, facts.st_atime_nsec),
        last_modification: time(facts.st_mtime, facts.st_mtime_nsec),
    };
    Ok(rustix::fs::futimens(to, &times)?)
}

/// All extended attributes, those of the overlay and capabilities included.
fn attributes(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> std::io::Result<()> {
    let mut names = vec![0_u8; 64 << 10];
    let count = match rustix::fs::flistxattr(from, &mut names[..]) {
        Ok(count) => count,
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for name in names[..count].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0_u8; 64 << 10];
        let length = rustix::fs::fgetxattr(from, name, &mut value[..])?;
        rustix::fs::fsetxattr(to, name, &value[..length], XattrFlags::empty())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn links_modes_holes_and_times_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir_all(from.join("a/b")).unwrap();
        std::fs::write(from.join("a/file"), "text").unwrap();
        std::fs::set_permissions(from.join("a/file"), std::fs::Permissions::from_mode(0o4750)).unwrap();
        std::fs::hard_link(from.join("a/file"), from.join("a/b/again")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", from.join("link")).unwrap();
        let sparse = std::fs::File::create(from.join("sparse")).unwrap();
        sparse.set_len(64 << 20).unwrap();
        copy(&Cancel::new(), &from, &to).unwrap();
        let facts = |path: &str| std::fs::symlink_metadata(to.join(path)).unwrap();
        assert_eq!(std::fs::read_to_string(to.join("a/b/again")).unwrap(), "text");
        assert_eq!(facts("a/file").ino(), facts("a/b/again").ino());
        assert_eq!(facts("a/file").mode() & 0o7777, 0o4750);
        assert_eq!(std::fs::read_link(to.join("link")).unwrap(), Path::new("/etc/passwd"));
        assert_eq!(facts("sparse").len(), 64 << 20);
        assert!(facts("sparse").blocks() < 100);
        let model = std::fs::symlink_metadata(from.join("a")).unwrap();
        assert_eq!(facts("a").mtime_nsec(), model.mtime_nsec());
        assert!(copy(&Cancel::new(), &from, &to).is_err(), "nothing is overwritten");
    }

    #[test]
    fn what_is_shared_has_the_same_files_and_is_known_to_be_shared() {
        use super::super::layers::is_shared;
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir_all(from.join("a/b")).unwrap();
        std::fs::write(from.join("a/file"), "text").unwrap();
        std::fs::hard_link(from.join("a/file"), from.join("a/b/again")).unwrap();
        std::os::unix::fs::symlink("file", from.join("a/link")).unwrap();
        assert!(!is_shared(&from), "two names in the same layer are nobody else's");
        share(&Cancel::new(), &from, &to).unwrap();
        for name in ["a/file", "a/b/again", "a/link"] {
            let facts = |top: &Path| std::fs::symlink_metadata(top.join(name)).unwrap().ino();
            assert_eq!(facts(&from), facts(&to), "{name}");
        }
        assert!(is_shared(&from) && is_shared(&to));
        std::fs::remove_dir_all(&from).unwrap();
        assert!(!is_shared(&to));
    }
}
