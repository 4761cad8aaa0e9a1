//! Layers as a tar stream: merged into what a machine sees, or one of them as the difference that it is.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header};
use yado_core::error::Doing;
use yado_core::{Context, Result};

use crate::scratch::Scratch;
use crate::unpack::{Limits, Options, Tree, capability_of, unpack};

/// In an image's layer, says that a name of the layers below is gone.
const WHITEOUT: &str = ".wh.";
/// In an image's layer, says that nothing of the layers below is in this directory.
const OPAQUE: &str = ".wh..wh..opq";

/// Writes what a machine with these layers (lowest first) sees, its paths below `prefix`.
pub(super) fn merged(cx: &Context, layers: &[PathBuf], prefix: &Path, out: impl Write) -> Result<()> {
    let sources = layers.iter().rev().cloned().collect();
    Archiver::new(cx, out, false).whole(sources, prefix)
}

/// Makes in the empty directory `root` what a machine with these layers (lowest first) sees.
pub(crate) fn merge_into(cx: &Context, layers: &[PathBuf], root: &Path) -> Result<()> {
    let doing = || "merging the machine's layers";
    let packed = Scratch::file(root.parent().unwrap_or(root))?;
    let file = File::create(packed.path()).doing(doing)?;
    merged(cx, layers, Path::new(""), io::BufWriter::new(file))?;
    let file = File::open(packed.path()).doing(doing)?;
    let options = Options { limits: Limits { bytes: u64::MAX, ..Limits::default() }, ..Options::default() };
    unpack(&mut Tree::open(root).doing(doing)?, file, options, &cx.cancel).map(drop)
}

/// Writes one layer; what it takes away from those below is written as images do.
pub(super) fn difference(cx: &Context, layer: &Path, out: impl Write) -> Result<()> {
    Archiver::new(cx, out, true).whole(vec![layer.to_owned()], Path::new(""))
}

struct Archiver<'a, W: Write> {
    cx: &'a Context,
    out: Builder<W>,
    /// Whether whiteouts are written or obeyed.
    as_difference: bool,
    /// Where the first name of a file with several names was written.
    links: HashMap<(u64, u64), PathBuf>,
}

/// What stands behind one name of a directory, uppermost first: several directories, or one thing of another kind.
#[derive(Default)]
struct Name {
    paths: Vec<PathBuf>,
    /// Nothing of the layers below shows through.
    closed: bool,
}

impl<'a, W: Write> Archiver<'a, W> {
    fn new(cx: &'a Context, out: W, as_difference: bool) -> Self {
        Self { cx, out: Builder::new(out), as_difference, links: HashMap::new() }
    }

    fn whole(mut self, sources: Vec<PathBuf>, prefix: &Path) -> Result<()> {
        self.directory(&sources, prefix)?;
        let mut out = self.out.into_inner().doing(|| "ending the archive")?;
        out.flush().doing(|| "ending the archive")
    }

    /// Everything in a directory that lies in several layers, uppermost first.
    fn directory(&mut self, sources: &[PathBuf], at: &Path) -> Result<()> {
        let mut names: BTreeMap<OsString, Name> = BTreeMap::new();
        for source in sources {
            let doing = || format!("reading '{}'", source.display());
            for entry in std::fs::read_dir(source).doing(doing)? {
                let entry = entry.doing(doing)?;
                let name = names.entry(entry.file_name()).or_default();
                if name.closed {
                    continue;
                }
                let path = entry.path();
                let metadata = path.symlink_metadata().doing(doing)?;
                let hides = !metadata.is_dir() || is_opaque(&path);
                if (metadata.is_dir() || name.paths.is_empty())
                    && (self.as_difference || !is_whiteout(&metadata))
                {
                    name.paths.push(path);
                }
                name.closed = hides;
            }
        }
        for (name, behind) in names {
            self.cx.cancel.check()?;
            if let Some(first) = behind.paths.first() {
                let metadata = first.symlink_metadata().doing(|| format!("reading '{}'", first.display()))?;
                let path = at.join(&name);
                self.entry(first, &metadata, at, &name).doing(|| format!("packing '{}'", path.display()))?;
                if metadata.is_dir() {
                    self.directory(&behind.paths, &path)?;
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, source: &Path, metadata: &Metadata, at: &Path, name: &OsStr) -> io::Result<()> {
        let path = at.join(name);
        let mut header = Header::new_gnu();
        header.set_mode(metadata.mode() & 0o7777);
        let (user, group) = crate::owners::of_box(metadata.uid(), metadata.gid());
        header.set_uid(user.into());
        header.set_gid(group.into());
        header.set_mtime(metadata.mtime().max(0) as u64);
        header.set_size(0);
        let kind = metadata.file_type();
        if kind.is_dir() {
            header.set_entry_type(EntryType::Directory);
            self.out.append_data(&mut header, &path, io::empty())?;
            if self.as_difference && is_opaque(source) {
                self.empty_file(&path.join(OPAQUE))?;
            }
        } else if kind.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            self.link(&mut header, &path, std::fs::read_link(source)?.as_os_str())?;
        } else if kind.is_file() {
            if metadata.nlink() > 1 {
                let key = (metadata.dev(), metadata.ino());
                if let Some(first) = self.links.get(&key).cloned() {
                    header.set_entry_type(EntryType::Link);
                    return self.link(&mut header, &path, first.as_os_str());
                }
                self.links.insert(key, path.clone());
            }
            let file = File::open(source)?;
            if let Some(capability) = capability_of(&file)? {
                let capability = for_everyone(capability);
                self.out.append_pax_extensions([("SCHILY.xattr.security.capability", &capability[..])])?;
            }
            header.set_entry_type(EntryType::Regular);
            header.set_size(metadata.len());
            self.out.append_data(&mut header, &path, file.take(metadata.len()))?;
        } else if is_whiteout(metadata) {
            let mut gone = OsString::from(WHITEOUT);
            gone.push(name);
            self.empty_file(&at.join(gone))?;
        }
        // Sockets, FIFOs and devices belong to a running system.
        Ok(())
    }

    fn link(&mut self, header: &mut Header, path: &Path, target: &OsStr) -> io::Result<()> {
        // Short targets are written as they are; the other way tidies them, which changes what a link says.
        if target.len() <= 100 {
            header.set_link_name_literal(target.as_bytes())?;
            self.out.append_data(header, path, io::empty())
        } else {
            self.out.append_link(header, path, Path::new(target))
        }
    }

    fn empty_file(&mut self, path: &Path) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(0);
        self.out.append_data(&mut header, path, io::empty())
    }
}

/// What an overlay leaves in the place of something that was removed.
fn is_whiteout(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device() && metadata.rdev() == 0
}

/// Whether an overlay hides what the layers below have in this directory.
fn is_opaque(path: &Path) -> bool {
    let mut value = [0_u8; 2];
    ["user.overlay.opaque", "trusted.overlay.opaque"].iter().any(|name| {
        rustix::fs::lgetxattr(path, *name, &mut value).is_ok_and(|length| value[..length] == *b"y")
    })
}

/// A capability that was given inside a user namespace names the host's number of that namespace's root, which means
/// nothing elsewhere. Without it, it is one that any root may have given.
fn for_everyone(mut capability: Vec<u8>) -> Vec<u8> {
    if capability.len() == 24 && capability[3] == 3 {
        capability.truncate(20);
        capability[3] = 2;
    }
    capability
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use rustix::fs::{CWD, FileType, Mode, XattrFlags};

    use super::*;
    use crate::layer::measure;
    use crate::testing::context;
    use crate::unpack::{Digests, Options, Tree, unpack};
    use yado_core::Cancel;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Two layers; the upper one changes, removes and hides.
    fn layers() -> (tempfile::TempDir, Vec<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let (lower, upper) = (folder.path().join("lower"), folder.path().join("upper"));
        for name in ["etc/kept", "etc/changed", "etc/removed", "hidden/old", "gone/with/all"] {
            write(&lower.join(name), "lower");
        }
        std::fs::hard_link(lower.join("etc/kept"), lower.join("etc/again")).unwrap();
        symlink(format!("{}./x//y", "long/".repeat(30)), lower.join("etc/long")).unwrap();
        symlink("./x//y", lower.join("etc/link")).unwrap();
        std::fs::set_permissions(lower.join("etc/kept"), std::fs::Permissions::from_mode(0o4711)).unwrap();
        write(&upper.join("etc/changed"), "upper");
        write(&upper.join("hidden/new"), "upper");
        for name in ["etc/removed", "gone"] {
            rustix::fs::mknodat(CWD, upper.join(name), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
        }
        rustix::fs::setxattr(upper.join("hidden"), "user.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
        let layers = vec![lower, upper];
        (folder, layers)
    }

    fn names(packed: &[u8]) -> Vec<String> {
        let mut archive = tar::Archive::new(packed);
        let entries = archive.entries().unwrap();
        entries.map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
    }

    #[test]
    fn merged_layers_are_what_a_machine_sees() {
        let (_folder, layers) = layers();
        let mut packed = Vec::new();
        merged(&context(), &layers, Path::new(""), &mut packed).unwrap();
        assert_eq!(
            names(&packed),
            ["etc", "etc/again", "etc/changed", "etc/kept", "etc/link", "etc/long", "hidden", "hidden/new"]
        );
        let root = tempfile::tempdir().unwrap();
        unpack(&mut Tree::open(root.path()).unwrap(), &packed[..], Options::default(), &Cancel::new())
            .unwrap();
        let text = |name: &str| std::fs::read_to_string(root.path().join(name)).unwrap();
        assert_eq!((text("etc/changed"), text("hidden/new")), ("upper".into(), "upper".into()));
        let kept = root.path().join("etc/kept").metadata().unwrap();
        assert_eq!((kept.mode() & 0o7777, kept.nlink()), (0o4711, 2));
        assert_eq!(root.path().join("etc/link").read_link().unwrap().as_os_str(), "./x//y");
    }

    #[test]
    fn a_single_layer_comes_back_as_it_was() {
        let (_folder, layers) = layers();
        let root = tempfile::tempdir().unwrap();
        std::fs::set_permissions(root.path(), layers[0].metadata().unwrap().permissions()).unwrap();
        std::fs::remove_file(layers[0].join("etc/long")).unwrap();
        let mut packed = Vec::new();
        merged(&context(), &layers[..1], Path::new(""), &mut packed).unwrap();
        unpack(&mut Tree::open(root.path()).unwrap(), &packed[..], Options::default(), &Cancel::new())
            .unwrap();
        let digest = |path: &Path| measure(path, &Digests::default(), &Cancel::new()).unwrap().digest;
        assert_eq!(digest(root.path()), digest(&layers[0]));
    }

    #[test]
    fn a_difference_says_what_it_takes_away() {
        let (_folder, layers) = layers();
        let mut packed = Vec::new();
        difference(&context(), &layers[1], &mut packed).unwrap();
        let expected = [
            "etc",
            "etc/changed",
            "etc/.wh.removed",
            ".wh.gone",
            "hidden",
            "hidden/.wh..wh..opq",
            "hidden/new",
        ];
        assert_eq!(names(&packed), expected);
    }

    #[test]
    fn capabilities_lose_the_number_of_a_namespace() {
        let inside =
            [1, 0, 0, 3, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa0, 0x86, 1, 0].to_vec();
        let everywhere = for_everyone(inside.clone());
        assert_eq!((everywhere.len(), everywhere[3], &everywhere[4..]), (20, 2, &inside[4..20]));
        assert_eq!(for_everyone(everywhere.clone()), everywhere);
    }
}
