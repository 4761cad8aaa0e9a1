//! Copying a directory as it is: owners, permissions, hard links and capabilities included.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use yado_core::error::Doing;
use yado_core::{Cancel, Result};

use super::entry_path::EntryPath;
use super::tree::{Attributes, Tree, capability_of};

/// Copies what is in `source` into `tree`. Device nodes, sockets and FIFOs are left out; directories on which
/// another file system is mounted are copied empty. Returns the bytes of file content.
pub(crate) fn copy_directory(source: &Path, tree: &mut Tree, cancel: &Cancel) -> Result<u64> {
    let doing = || format!("copying '{}'", source.display());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(CWD, source, flags, Mode::empty()).doing(doing)?;
    let stat = rustix::fs::fstat(&directory).doing(doing)?;
    let mut walk = Walk { tree, cancel, device: stat.st_dev, links: HashMap::new(), bytes: 0 };
    walk.tree.directory(&EntryPath::default(), &attributes(&stat), false).doing(doing)?;
    walk.directory(directory, &EntryPath::default())?;
    Ok(walk.bytes)
}

struct Walk<'a> {
    tree: &'a mut Tree,
    cancel: &'a Cancel,
    device: u64,
    /// Where the first name of a file with several names was copied to.
    links: HashMap<u64, EntryPath>,
    bytes: u64,
}

impl Walk<'_> {
    fn directory(&mut self, directory: OwnedFd, at: &EntryPath) -> Result<()> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&directory).doing(|| format!("reading '{at}'"))? {
            let entry = entry.doing(|| format!("reading '{at}'"))?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(std::ffi::OsStr::from_bytes(name).to_owned());
            }
        }
        names.sort();
        for name in names {
            self.cancel.check()?;
            let path = at.join(&name);
            self.entry(directory.as_fd(), &name, &path)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        parent: std::os::fd::BorrowedFd<'_>,
        name: &std::ffi::OsStr,
        path: &EntryPath,
    ) -> Result<()> {
        let doing = || format!("copying '{path}'");
        let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).doing(doing)?;
        let open = |flags: OFlags| {
            let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::fs::openat(parent, name, flags, Mode::empty())
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                self.tree.directory(path, &attributes(&stat), false).doing(doing)?;
                if stat.st_dev == self.device {
                    self.directory(open(OFlags::DIRECTORY).doing(doing)?, path)?;
                }
                self.tree.touch(path, stat.st_mtime).doing(doing)?;
            }
            FileType::RegularFile => {
                if stat.st_nlink > 1
                    && let Some(first) = self.links.get(&stat.st_ino)
                {
                    return self.tree.hard_link(path, first).doing(doing);
                }
                let mut file = File::from(open(OFlags::NONBLOCK).doing(doing)?);
                let capability = capability_of(&file).doing(doing)?;
                let attributes = Attributes { capability, ..attributes(&stat) };
                self.bytes += self.tree.file(path, &attributes, &mut file).doing(doing)?;
                if stat.st_nlink > 1 {
                    self.links.insert(stat.st_ino, path.clone());
                }
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(parent, name, Vec::new()).doing(doing)?;
                self.tree.symlink(path, target.as_bytes(), &attributes(&stat)).doing(doing)?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn attributes(stat: &Stat) -> Attributes {
    Attributes {
        mode: stat.st_mode & 0o7777,
        user: stat.st_uid,
        group: stat.st_gid,
        modified: Some(stat.st_mtime),
        capability: None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_copy_has_the_same_modes_links_and_times() {
        let source = tempfile::tempdir().unwrap();
        let target = tempfile::tempdir().unwrap();
        let (from, to) = (source.path(), target.path());
        std::fs::create_dir(from.join("bin")).unwrap();
        std::fs::write(from.join("bin/tool"), "x").unwrap();
        std::fs::set_permissions(from.join("bin/tool"), std::fs::Permissions::from_mode(0o4755)).unwrap();
        std::fs::hard_link(from.join("bin/tool"), from.join("bin/again")).unwrap();
        symlink("/etc/shadow", from.join("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(from.join("socket")).unwrap();
        let bytes = copy_directory(from, &mut Tree::open(to).unwrap(), &Cancel::new()).unwrap();
        assert_eq!(bytes, 1);
        let tool = to.join("bin/tool").metadata().unwrap();
        assert_eq!(tool.mode() & 0o7777, 0o4755);
        assert_eq!(tool.ino(), to.join("bin/again").metadata().unwrap().ino());
        assert_eq!(to.join("link").read_link().unwrap(), Path::new("/etc/shadow"));
        assert!(!to.join("socket").exists());
        let time = |root: &Path| root.join("bin").metadata().unwrap().mtime();
        assert_eq!(time(from), time(to));
    }
}
