//! From a disk to a root file system: finding the partition that has one, and making its files in a tree.

use std::collections::{HashMap, HashSet};
use std::io;

use yado_core::{Cancel, Error, ErrorKind, Result};

use super::ext4::{FileSystem, Inode, ROOT, damaged};
use super::{ReadAt, partition};
use crate::unpack::{Attributes, EntryPath, Limits, Tree};

/// Directories in directories, at most.
const DEEPEST: u32 = 200;

fn refused(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::BoxImport, format!("The disk cannot become a root file system: {why}."))
}

/// Makes the root file system of `disk`, an image of a whole disk or of one file system, in `tree`.
pub(crate) fn read_root(disk: &dyn ReadAt, tree: &mut Tree, limits: Limits, cancel: &Cancel) -> Result<()> {
    let starts = partition::starts(disk).map_err(refused)?;
    let mut reasons = Vec::new();
    for start in &starts {
        match FileSystem::open(disk, *start) {
            Ok(Some(file_system)) => {
                if !has_root(&file_system).map_err(refused)? {
                    continue;
                }
                let mut walk = Walk {
                    file_system: &file_system,
                    tree,
                    limits,
                    cancel,
                    links: HashMap::new(),
                    directories: HashSet::new(),
                    entries: 0,
                    bytes: 0,
                    names: 0,
                };
                let root = file_system.inode(ROOT).map_err(refused)?;
                return walk.directory(&root, &EntryPath::default(), 0).map_err(|error| {
                    match cancel.check() {
                        Err(interrupted) => interrupted,
                        Ok(()) if error.raw_os_error().is_some() => Error::system("reading the disk", error),
                        Ok(()) => refused(error),
                    }
                });
            }
            Ok(None) => {}
            Err(error) => reasons.push(error.to_string()),
        }
    }
    Err(match reasons.first() {
        Some(reason) => refused(reason),
        None => refused(format!(
            "none of its {} partitions has an ext2, ext3 or ext4 file system with '/usr' or '/bin'",
            starts.len() - 1
        ))
        .hinted("yado reads no other file systems; pack the root directory itself as tar archive."),
    })
}

fn has_root(file_system: &FileSystem<'_>) -> io::Result<bool> {
    let root = file_system.inode(ROOT)?;
    Ok(file_system.names(&root)?.iter().any(|(name, _)| name == b"usr" || name == b"bin"))
}

struct Walk<'a> {
    file_system: &'a FileSystem<'a>,
    tree: &'a mut Tree,
    limits: Limits,
    cancel: &'a Cancel,
    links: HashMap<u32, EntryPath>,
    directories: HashSet<u32>,
    entries: u64,
    bytes: u64,
    names: u64,
}

impl Walk<'_> {
    fn directory(&mut self, directory: &Inode, at: &EntryPath, depth: u32) -> io::Result<()> {
        if depth > DEEPEST {
            return Err(damaged("its directories are too deep"));
        }
        let mut names = self.file_system.names(directory)?;
        names.sort();
        for (name, index) in names {
            self.cancel.check().map_err(io::Error::other)?;
            let clean =
                EntryPath::parse(&name).ok().filter(|path| path.depth() == 1 && path.as_bytes() == name);
            let clean = clean.ok_or_else(|| damaged("a name has a slash in it"))?;
            self.entries += 1;
            self.names += name.len() as u64;
            if self.entries > self.limits.entries || self.names > self.limits.names {
                return Err(io::Error::other("it has more files than it may"));
            }
            if at.is_root() && name == b"lost+found" {
                continue;
            }
            let path = at.join(clean.split().1);
            self.entry(index, &path, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, index: u32, path: &EntryPath, depth: u32) -> io::Result<()> {
        let inode = self.file_system.inode(index)?;
        if inode.user == u32::MAX || inode.group == u32::MAX {
            return Err(damaged("an owner's number is out of range"));
        }
        let attributes = Attributes {
            mode: inode.mode & 0o7777,
            user: inode.user,
            group: inode.group,
            modified: Some(inode.modified),
            capability: None,
        };
        match inode.mode & 0o17_0000 {
            0o4_0000 => {
                if !self.directories.insert(index) {
                    return Err(damaged("a directory is in two places"));
                }
                self.tree.directory(path, &attributes, false)?;
                self.directory(&inode, path, depth + 1)?;
                self.tree.touch(path, inode.modified)
            }
            0o10_0000 => {
                if let Some(first) = self.links.get(&index) {
                    return self.tree.hard_link(path, first);
                }
                self.bytes = self.bytes.saturating_add(inode.size);
                if self.bytes > self.limits.bytes {
                    return Err(io::Error::other("it is larger than it may be"));
                }
                let attributes =
                    Attributes { capability: self.file_system.capability(&inode)?, ..attributes };
                self.tree.file(path, &attributes, &mut self.file_system.content(&inode)?)?;
                if inode.links > 1 {
                    self.links.insert(index, path.clone());
                }
                Ok(())
            }
            0o12_0000 => {
                let target = self.file_system.target(&inode)?;
                if target.contains(&0) {
                    return Err(damaged("a link leads nowhere"));
                }
                self.tree.symlink(path, &target, &attributes)
            }
            // Devices, sockets and FIFOs belong to a running system.
            _ => Ok(()),
        }
    }
}
