//! Importing archives: plain root file systems, and `.box` files that have one inside.

use std::io::Read;
use std::path::{Path, PathBuf};

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

use crate::disk::{self, Bootable, DiskFormat};
use crate::progress::{Counted, Progress};
use crate::scratch::Scratch;
use crate::unpack::{
    Digests, EntryPath, Limits, Options, Tree, Unpacked, copy, entries, read_ahead, unpack, unpack_entry,
};

/// What an archive turned out to be.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// The root file system: the directory that was unpacked to, or one in it.
    pub(crate) root: PathBuf,
    /// The box's own Vagrantfile.
    pub(crate) vagrantfile: Option<Vec<u8>>,
    /// The box is for Docker: its Vagrantfile names an image, and there is nothing else in it.
    pub(crate) names_an_image: bool,
    /// What was seen of the contents while they were written.
    pub(crate) digests: Digests,
    /// The disk itself, when it was to be kept and firmware can start what is on it; then there is no root.
    pub(crate) disk: Option<KeptDisk>,
}

/// What becomes of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disks {
    /// Its file system becomes a tree.
    Unpack,
    /// It stays a disk if a machine can boot from it.
    Keep,
}

/// A disk that stays one.
#[derive(Debug)]
pub(crate) struct KeptDisk {
    pub(crate) path: PathBuf,
    pub(crate) bootable: Bootable,
    /// Holds it, when it came out of an archive.
    _scratch: Option<Scratch>,
}

/// Files at the top of an archive that make it a `.box`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Metadata,
    Vagrantfile,
    RootFileSystem,
    /// A virtual disk.
    Disk,
    /// A Vagrantfile that the packager brought along; it comes after the box's own.
    IncludedVagrantfile,
    /// Belongs to a box and is not needed.
    Other,
}

fn part(path: &EntryPath) -> Option<Part> {
    let name = path.to_string();
    if name == "include/_Vagrantfile" {
        return Some(Part::IncludedVagrantfile);
    }
    if path.depth() != 1 {
        return None;
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    Some(match (name.as_str(), extension.as_deref()) {
        ("metadata.json", _) => Part::Metadata,
        ("Vagrantfile", _) => Part::Vagrantfile,
        (name, _) if name.starts_with("rootfs.tar") => Part::RootFileSystem,
        ("box.img", _) | (_, Some("vdi" | "vmdk" | "vhdx" | "qcow2")) => Part::Disk,
        (_, Some("ovf" | "mf" | "vmx" | "nvram" | "vmcx" | "vmxf")) => Part::Other,
        ("info.json" | "lxc-config" | "lxc.conf" | "lxc-template" | "config" | "create_box.sh", _) => {
            Part::Other
        }
        _ => return None,
    })
}

/// Unpacks the archive at `path` into the empty directory `target`.
pub(crate) fn import(cx: &Context, path: &Path, target: &Path, disks: Disks) -> Result<Contents> {
    if DiskFormat::of_file(path)?.is_some() {
        if let Some(bootable) = stays(cx, path, target, disks)? {
            let disk = Some(KeptDisk { path: path.to_owned(), bootable, _scratch: None });
            return Ok(Contents { disk, ..Contents::default() });
        }
        return from_disk(cx, path, target, Contents::default());
    }
    let file = std::fs::File::open(path).doing(|| format!("opening '{}'", path.display()))?;
    let total = file.metadata().ok().map(|metadata| metadata.len());
    let source = Counted { inner: file, progress: Progress::new(cx, "Unpacking", total) };
    let limits = total.map_or_else(Limits::default, Limits::of_archive);
    let options = Options { limits, ..Options::default() };
    let mut reader = Reader {
        cx,
        target,
        options,
        unpacked: Unpacked::default(),
        contents: Contents::default(),
        is_box: false,
        disk: None,
    };
    let mut tree = open(target)?;
    // One processor decompresses while the other one writes.
    read_ahead(source, limits.bytes, &cx.cancel, |source| {
        entries(source, options, &cx.cancel, |entry| reader.entry(&mut tree, entry))
    })?;
    tree.settle().doing(|| unpacking(&tree))?;
    if let Some(disk) = reader.disk {
        drop(tree);
        if let Some(bootable) = stays(cx, disk.path(), target, disks)? {
            let disk = KeptDisk { path: disk.path().to_owned(), bootable, _scratch: Some(disk) };
            return Ok(Contents { disk: Some(disk), ..reader.contents });
        }
        return from_disk(cx, disk.path(), target, reader.contents);
    }
    reader.unpacked.set_times(&tree)?;
    if reader.contents.names_an_image {
        if reader.contents.vagrantfile.is_none() {
            return Err(needs(
                "is for the provider 'docker' and has no Vagrantfile that would name an image",
            ));
        }
        drop(tree);
        // Beside the Vagrantfile there may be the image as the engine loads it, which is nothing for machines.
        clear(target)?;
        return Ok(Contents { root: target.to_owned(), ..reader.contents });
    }
    if reader.is_box && reader.unpacked.bytes == 0 {
        return Err(needs("has neither a disk nor a root file system"));
    }
    tracing::debug!(skipped = reader.unpacked.skipped, entries = reader.unpacked.entries, "unpacked");
    let digests = tree.into_digests().doing(|| "unpacking")?;
    Ok(Contents { root: find_root(target)?, digests, ..reader.contents })
}

fn open(target: &Path) -> Result<Tree> {
    let doing = || format!("opening '{}'", target.display());
    let mut tree = Tree::open(target).doing(doing)?.with_digests(Digests::default());
    tree.fill_behind().doing(doing)?;
    Ok(tree)
}

/// What was being done when a file could not be filled.
fn unpacking(tree: &Tree) -> String {
    tree.unfilled().map_or_else(|| "unpacking".to_owned(), |path| format!("unpacking '{path}'"))
}

/// What firmware can start on a disk that is to stay one if it can.
fn stays(cx: &Context, path: &Path, target: &Path, disks: Disks) -> Result<Option<Bootable>> {
    match disks {
        Disks::Unpack => Ok(None),
        Disks::Keep => disk::bootable(cx, path, target.parent().unwrap_or(target)),
    }
}

/// Makes a disk's root file system in `target`.
fn from_disk(cx: &Context, path: &Path, target: &Path, contents: Contents) -> Result<Contents> {
    let format = DiskFormat::of_file(path)?.map_or("unknown", DiskFormat::name);
    cx.detail(format!("Converting the disk (format {format}) to a root file system, which is kept..."));
    clear(target)?;
    let folder = target.parent().unwrap_or(target);
    let (disk, _raw) = disk::open(cx, path, folder)?;
    let mut tree = open(target)?;
    disk::read_root(&disk, &mut tree, Limits::default(), &cx.cancel)?;
    tree.settle().doing(|| unpacking(&tree))?;
    let digests = tree.into_digests().doing(|| "unpacking")?;
    Ok(Contents { root: target.to_owned(), digests, ..contents })
}

fn write_sparse(content: &mut impl Read, path: &Path) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    copy(content, &mut file, None).map(drop)
}

fn needs(what: &str) -> Error {
    Error::new(ErrorKind::BoxImport, format!("This box {what}; it cannot become a container.")).hinted(
        "A container needs a box with a disk (libvirt, virtualbox, …) or of the provider 'lxc', or a root file \
         system as tar archive or directory.",
    )
}

struct Reader<'a> {
    cx: &'a Context,
    target: &'a Path,
    options: Options,
    unpacked: Unpacked,
    contents: Contents,
    is_box: bool,
    /// The box's disk, when it has one: its file system is read when the box is complete.
    disk: Option<Scratch>,
}

impl Reader<'_> {
    fn entry<R: Read>(&mut self, tree: &mut Tree, entry: &mut tar::Entry<'_, R>) -> Result<()> {
        let is_file = entry.header().entry_type().is_file();
        let part =
            EntryPath::parse(&entry.path_bytes()).ok().filter(|_| is_file).and_then(|path| part(&path));
        let Some(part) = part else {
            if self.is_box {
                return Ok(());
            }
            return unpack_entry(tree, entry, self.options, &self.cx.cancel, &mut self.unpacked);
        };
        self.is_box = true;
        match part {
            Part::Metadata => self.metadata(entry),
            Part::Vagrantfile => {
                let included = self.contents.vagrantfile.take().unwrap_or_default();
                self.contents.vagrantfile = Some([small(entry)?, included].concat());
                Ok(())
            }
            Part::IncludedVagrantfile => {
                let own = self.contents.vagrantfile.get_or_insert_default();
                own.push(b'\n');
                own.extend(small(entry)?);
                Ok(())
            }
            Part::RootFileSystem => {
                // What came before it was not a root file system after all.
                clear(self.target)?;
                *tree = open(self.target)?;
                let (options, cancel) = (self.options, &self.cx.cancel);
                self.unpacked = read_ahead(entry, options.limits.bytes, cancel, |content| {
                    unpack(tree, content, options, cancel)
                })?;
                Ok(())
            }
            Part::Disk => self.disk(entry),
            Part::Other => Ok(()),
        }
    }

    /// Puts a disk beside the root file system that it is going to become. Of several, the first one is what the
    /// machine boots from.
    fn disk(&mut self, entry: &mut impl Read) -> Result<()> {
        if self.disk.is_some() {
            return Ok(());
        }
        // Between the scratch directory that is unpacked to and all others, so that it goes with the former.
        let folder = self.target.parent().unwrap_or(self.target);
        let disk = Scratch::file(folder)?;
        write_sparse(entry, disk.path()).map_err(|error| match self.cx.cancel.check() {
            Err(interrupted) => interrupted,
            Ok(()) => Error::system("unpacking the disk", error),
        })?;
        self.disk = Some(disk);
        Ok(())
    }

    fn metadata(&mut self, entry: &mut impl Read) -> Result<()> {
        let text = small(entry)?;
        let provider = serde_json::from_slice::<serde_json::Value>(&text)
            .ok()
            .and_then(|json| Some(json.get("provider")?.as_str()?.to_owned()));
        // Whether there is anything to be made of the others shows at the end.
        self.contents.names_an_image = provider.as_deref() == Some("docker");
        Ok(())
    }
}

/// Reads a file that is text for people or programs.
fn small(entry: &mut impl Read) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    entry.take(1 << 20).read_to_end(&mut text).doing(|| "reading the box")?;
    Ok(text)
}

fn clear(directory: &Path) -> Result<()> {
    let doing = || format!("emptying '{}'", directory.display());
    for entry in std::fs::read_dir(directory).doing(doing)? {
        let path = entry.doing(doing)?.path();
        let is_directory = path.symlink_metadata().doing(doing)?.is_dir();
        if is_directory { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) }
            .doing(doing)?;
    }
    Ok(())
}

/// The directory that looks like a root file system: the one unpacked to, or the only one in it.
fn find_root(directory: &Path) -> Result<PathBuf> {
    // Symbolic links count as they are: they may well be dangling outside of their root.
    let has = |root: &Path, name: &str| root.join(name).symlink_metadata().is_ok();
    let looks = |root: &Path| (has(root, "usr") || has(root, "bin")) && !root.is_symlink();
    if looks(directory) {
        return Ok(directory.to_owned());
    }
    let doing = || format!("reading '{}'", directory.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).doing(doing)? {
        let path = entry.doing(doing)?.path();
        if path.is_dir() && looks(&path) {
            found.push(path);
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        _ => Err(Error::new(
            ErrorKind::BoxImport,
            "The archive has no root file system: '/usr' and '/bin' are missing.",
        )
        .hinted("Pack the root directory itself, as in 'tar -C ROOT -cf rootfs.tar .'.")),
    }
}
