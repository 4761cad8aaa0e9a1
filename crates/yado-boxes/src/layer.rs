//! Layers: read-only root file systems, named by what is in them.
//!
//! A layer's digest covers what a machine can see of it: paths, types, permissions, owners, link targets,
//! capabilities and contents, in one fixed order. Times are left out, so that the same content made twice is
//! one layer. Of a layer that goes on top of others, what it takes away from them counts, too.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use sha2::{Digest, Sha256};
use yado_core::error::Doing;
use yado_core::{Cancel, Result};

use crate::scratch::Scratch;
use crate::unpack::{Digests, EntryPath, capability_of, is_opaque};

/// A layer in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layer {
    /// `sha256:` and 64 hexadecimal digits.
    pub(crate) digest: String,
    /// Bytes of file content.
    pub(crate) size: u64,
}

/// The layers of a store.
#[derive(Debug, Clone)]
pub(crate) struct Layers {
    directory: PathBuf,
}

impl Layers {
    /// The layers in `directory`.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where they lie.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the layer of this digest lies, or would.
    pub(crate) fn path(&self, digest: &str) -> PathBuf {
        self.directory.join(digest.replacen(':', "-", 1))
    }

    /// A place to make a layer in.
    pub(crate) fn begin(&self) -> Result<Scratch> {
        Scratch::directory(&self.directory)
    }

    /// Makes what is in `root` (the scratch itself or a directory in it) a layer. `known` are the contents that
    /// were seen when they were written.
    pub(crate) fn finish(
        &self,
        scratch: Scratch,
        root: &Path,
        known: &Digests,
        cancel: &Cancel,
    ) -> Result<Layer> {
        let layer = measure(root, known, cancel)?;
        scratch.keep(root, &self.path(&layer.digest))?;
        Ok(layer)
    }

    /// Removes every layer that is not in `used`, whose names are digests.
    pub(crate) fn collect(&self, used: &[String]) -> Result<u64> {
        let doing = || format!("reading '{}'", self.directory.display());
        let mut removed = 0;
        for entry in std::fs::read_dir(&self.directory).doing(doing)? {
            let entry = entry.doing(doing)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(hex) = name.strip_prefix("sha256-") else { continue };
            if used.iter().any(|digest| digest.strip_prefix("sha256:") == Some(hex)) {
                continue;
            }
            // Renamed first, so that a removal that is interrupted does not leave half a layer under its name.
            let grave = Scratch::directory(&self.directory)?;
            let doing = || format!("removing the layer '{name}'");
            std::fs::rename(entry.path(), grave.path().join("layer")).doing(doing)?;
            drop(grave);
            removed += 1;
        }
        Ok(removed)
    }
}

/// The digest over several things that have one: a box's identity.
pub(crate) fn combine<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update(b"\n");
    }
    format!("sha256:{}", hex(&hash.finalize()))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| DIGITS[usize::from(digit)]).collect()
}

/// Digest and size of the tree in `root`.
pub(crate) fn measure(root: &Path, known: &Digests, cancel: &Cancel) -> Result<Layer> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(CWD, root, flags, Mode::empty())
        .doing(|| format!("reading '{}'", root.display()))?;
    let mut walk = Walk {
        hash: Sha256::new(),
        links: HashMap::new(),
        size: 0,
        known,
        cancel,
        buffer: vec![0; 256 << 10],
    };
    walk.hash.update(b"yado layer 2\n");
    let stat = rustix::fs::fstat(&directory).doing(|| format!("reading '{}'", root.display()))?;
    walk.head(b'd', b"", &stat);
    walk.directory(directory, &EntryPath::default())?;
    Ok(Layer { digest: format!("sha256:{}", hex(&walk.hash.finalize())), size: walk.size })
}

struct Walk<'a> {
    hash: Sha256,
    /// Every file with several names, numbered in the order of their first names.
    links: HashMap<u64, u64>,
    size: u64,
    known: &'a Digests,
    cancel: &'a Cancel,
    buffer: Vec<u8>,
}

impl Walk<'_> {
    /// Type, path, permissions and owners. Every field has a fixed length or its length before it.
    fn head(&mut self, kind: u8, path: &[u8], stat: &rustix::fs::Stat) {
        self.hash.update([kind]);
        self.field(path);
        let (user, group) = crate::owners::of_box(stat.st_uid, stat.st_gid);
        for number in [stat.st_mode & 0o7777, user, group] {
            self.hash.update(number.to_le_bytes());
        }
    }

    fn field(&mut self, bytes: &[u8]) {
        self.hash.update((bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
    }

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
            self.entry(directory.as_fd(), &name, &at.join(&name))?;
        }
        Ok(())
    }

    fn entry(&mut self, parent: BorrowedFd<'_>, name: &std::ffi::OsStr, path: &EntryPath) -> Result<()> {
        let doing = || format!("reading '{path}'");
        let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).doing(doing)?;
        let open = |flags: OFlags| {
            let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::fs::openat(parent, name, flags, Mode::empty())
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let directory = open(OFlags::DIRECTORY).doing(doing)?;
                let kind = if is_opaque(&directory) { b'D' } else { b'd' };
                self.head(kind, path.as_bytes(), &stat);
                self.directory(directory, path)?;
            }
            FileType::RegularFile => {
                if stat.st_nlink > 1 {
                    if let Some(first) = self.links.get(&stat.st_ino).copied() {
                        self.head(b'h', path.as_bytes(), &stat);
                        self.hash.update(first.to_le_bytes());
                        return Ok(());
                    }
                    self.links.insert(stat.st_ino, self.links.len() as u64);
                }
                self.head(b'f', path.as_bytes(), &stat);
                let digest = if let Some(known) = self.known.get(stat.st_ino) {
                    self.size += stat.st_size as u64;
                    let known = known.clone();
                    self.field(known.capability.as_deref().unwrap_or_default());
                    known.content
                } else {
                    let file = File::from(open(OFlags::NONBLOCK).doing(doing)?);
                    self.field(&capability_of(&file).doing(doing)?.unwrap_or_default());
                    self.content(file).doing(doing)?
                };
                self.hash.update(digest);
            }
            FileType::Symlink => {
                self.head(b'l', path.as_bytes(), &stat);
                let target = rustix::fs::readlinkat(parent, name, Vec::new()).doing(doing)?;
                self.field(target.as_bytes());
            }
            // The mark that something of the layers below is gone. It is the kernel's, whoever owns it.
            FileType::CharacterDevice if stat.st_rdev == 0 => {
                self.hash.update(b"w");
                self.field(path.as_bytes());
            }
            _ => {
                self.head(b'o', path.as_bytes(), &stat);
                self.hash.update(stat.st_mode.to_le_bytes());
                self.hash.update(stat.st_rdev.to_le_bytes());
            }
        }
        Ok(())
    }

    fn content(&mut self, mut file: File) -> std::io::Result<[u8; 32]> {
        let mut hash = Sha256::new();
        loop {
            match file.read(&mut self.buffer)? {
                0 => return Ok(hash.finalize().into()),
                read => {
                    hash.update(&self.buffer[..read]);
                    self.size += read as u64;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn sample() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::fs::write(root.path().join("etc/file"), "content").unwrap();
        symlink("file", root.path().join("etc/link")).unwrap();
        root
    }

    fn digest(root: &tempfile::TempDir) -> String {
        measure(root.path(), &Digests::default(), &Cancel::new()).unwrap().digest
    }

    #[test]
    fn equal_trees_have_equal_digests_whatever_their_times() {
        let (one, two) = (sample(), sample());
        let file = File::options().write(true).open(two.path().join("etc/file")).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(digest(&one), digest(&two));
    }

    #[test]
    fn every_visible_difference_changes_the_digest() {
        let changes: [fn(&Path); 6] = [
            |root| std::fs::write(root.join("etc/file"), "CONTENT").unwrap(),
            |root| {
                std::fs::set_permissions(root.join("etc/file"), PermissionsExt::from_mode(0o4755)).unwrap();
            },
            |root| std::os::unix::fs::chown(root.join("etc/file"), Some(7), None).unwrap(),
            |root| std::fs::rename(root.join("etc/file"), root.join("etc/other")).unwrap(),
            |root| std::fs::hard_link(root.join("etc/file"), root.join("etc/more")).unwrap(),
            |root| std::fs::create_dir(root.join("etc/empty")).unwrap(),
        ];
        let before = digest(&sample());
        for (number, change) in changes.iter().enumerate() {
            let root = sample();
            change(root.path());
            assert_ne!(digest(&root), before, "change {number}");
        }
    }

    #[test]
    fn unused_layers_are_collected_and_used_ones_stay() {
        let store = tempfile::tempdir().unwrap();
        let layers = Layers::new(store.path().to_owned());
        let mut made = Vec::new();
        for text in ["one", "two"] {
            let scratch = layers.begin().unwrap();
            let root = scratch.path().to_owned();
            std::fs::write(root.join("file"), text).unwrap();
            made.push(layers.finish(scratch, &root, &Digests::default(), &Cancel::new()).unwrap().digest);
        }
        assert_eq!(layers.collect(&made[..1]).unwrap(), 1);
        assert!(layers.path(&made[0]).is_dir());
        assert_eq!(std::fs::read_dir(store.path()).unwrap().count(), 1);
    }
}
