//! Image files: which format they are in, turning one into another, making one of a root file system.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

use crate::scratch::Scratch;

/// Converting may take this long; a disk of a terabyte takes minutes.
const CONVERTING: Duration = Duration::from_secs(3600);

/// A format of disk images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFormat {
    /// The bytes of the disk as they are.
    Raw,
    /// QEMU's.
    Qcow2,
    /// VMware's, which VirtualBox's boxes have, too.
    Vmdk,
    /// VirtualBox's.
    Vdi,
    /// Hyper-V's.
    Vhdx,
}

impl DiskFormat {
    /// The format of an image that begins with `start` (at least 2 KiB); `None` for what is no disk.
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        let has = |at: usize, magic: &[u8]| start.get(at..at + magic.len()) == Some(magic);
        if has(0, b"QFI\xfb") {
            Some(Self::Qcow2)
        } else if has(0, b"KDMV") {
            Some(Self::Vmdk)
        } else if has(0x40, &[0x7f, 0x10, 0xda, 0xbe]) {
            Some(Self::Vdi)
        } else if has(0, b"vhdxfile") {
            Some(Self::Vhdx)
        } else if has(510, &[0x55, 0xaa]) || has(1024 + 0x38, &[0x53, 0xef]) {
            Some(Self::Raw)
        } else {
            None
        }
    }

    /// The format of an image file.
    pub(crate) fn of_file(path: &Path) -> Result<Option<Self>> {
        let file = File::open(path).doing(|| format!("opening '{}'", path.display()))?;
        let mut start = [0; 2048];
        let read = file.read_at(&mut start, 0).doing(|| format!("reading '{}'", path.display()))?;
        Ok(Self::of(&start[..read]))
    }

    /// The name that `qemu-img` has for it, which is the usual extension, too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
            Self::Vhdx => "vhdx",
        }
    }
}

/// Runs one of the programs that this needs.
pub(super) fn run(cx: &Context, argv: &[&str], package: &str, within: Duration) -> Result<Vec<u8>> {
    if cx.host.which(argv[0]).is_none() {
        return Err(Error::new(
            ErrorKind::BoxImport,
            format!("'{}' is needed for disks and not here.", argv[0]),
        )
        .hinted(format!("Install it: apt install {package}")));
    }
    let output = cx.host.run(&cx.cancel, argv, within)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::new(ErrorKind::BoxImport, format!("'{}' failed: {said}.", argv[..2].join(" "))))
}

pub(super) fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        Error::new(ErrorKind::BoxImport, format!("'{}' is no path that 'qemu-img' takes.", path.display()))
    })
}

/// The largest disk that a stranger's image may be said to be, in bytes: 4 TiB. In some formats, `qemu-img` has to
/// look at every piece of a disk, also where nothing is; a forged header of some bytes would keep it busy for days.
const LARGEST_DISK: u64 = 4 << 40;

/// Refuses images that lead to other files (whoever made them would read them through us), and absurdly large ones.
pub(super) fn is_harmless(cx: &Context, path: &Path, format: DiskFormat) -> Result<()> {
    let argv = ["qemu-img", "info", "--output=json", "-f", format.name(), text(path)?];
    let answer = run(cx, &argv, "qemu-utils", Duration::from_secs(60))?;
    let facts: serde_json::Value =
        serde_json::from_slice(&answer).doing(|| format!("reading what '{}' is", path.display()))?;
    let size = facts.get("virtual-size").and_then(serde_json::Value::as_u64);
    if size.is_none_or(|size| size > LARGEST_DISK) {
        let size = size.map_or("of unknown size".to_owned(), |size| format!("{size} bytes large"));
        return Err(Error::new(
            ErrorKind::BoxImport,
            format!("The disk is refused: it says that it is {size}, and the limit is {LARGEST_DISK}."),
        ));
    }
    let details = facts.pointer("/format-specific/data");
    let other_extent =
        details.and_then(|details| details.get("extents")?.as_array()).is_some_and(|extents| {
            extents.iter().any(|extent| {
                extent
                    .get("filename")
                    .and_then(|name| name.as_str())
                    .is_some_and(|name| Path::new(name) != path)
            })
        });
    let others = facts.get("backing-filename").is_some()
        || facts.get("full-backing-filename").is_some()
        || details.is_some_and(|details| details.get("data-file").is_some());
    if others || other_extent {
        return Err(Error::new(
            ErrorKind::BoxImport,
            "The disk is refused: it is not complete in itself, but leads to another file.",
        )
        .hinted("Make it complete first, with 'qemu-img convert'."));
    }
    Ok(())
}

/// Writes `source` in another format to `target`, an existing empty file.
pub(crate) fn convert(
    cx: &Context,
    source: &Path,
    from: DiskFormat,
    target: &Path,
    to: DiskFormat,
) -> Result<()> {
    if from != DiskFormat::Raw {
        is_harmless(cx, source, from)?;
    }
    let mut argv = vec!["qemu-img", "convert", "-f", from.name(), "-O", to.name()];
    if to == DiskFormat::Vmdk {
        argv.extend(["-o", "subformat=streamOptimized"]);
    }
    argv.extend([text(source)?, text(target)?]);
    run(cx, &argv, "qemu-utils", CONVERTING).map(drop)
}

/// Opens a disk image of any format for reading; other formats than raw are converted into a scratch file in
/// `folder`, which has to be kept as long as the disk is read.
pub(crate) fn open(cx: &Context, path: &Path, folder: &Path) -> Result<(File, Option<Scratch>)> {
    let Some(format) = DiskFormat::of_file(path)? else {
        return Err(Error::new(
            ErrorKind::BoxImport,
            "The disk is in none of the formats that yado reads: qcow2, vmdk, vdi, vhdx or raw.",
        )
        .hinted("'qemu-img convert -O qcow2' makes one of them."));
    };
    let opened = |path: &Path| File::open(path).doing(|| format!("opening '{}'", path.display()));
    if format == DiskFormat::Raw {
        return Ok((opened(path)?, None));
    }
    let raw = Scratch::file(folder)?;
    convert(cx, path, format, raw.path(), DiskFormat::Raw)?;
    Ok((opened(raw.path())?, Some(raw)))
}

/// Makes a disk of what is in the directory `root`: one ext4 file system, without a partition table. It is `size`
/// bytes large, or somewhat larger than its content when that is more. Returns its size.
pub(crate) fn make(cx: &Context, root: &Path, size: u64, target: &Path, format: DiskFormat) -> Result<u64> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let content = content_size(root)?;
    // Blocks for maps, directories and the journal come on top of the content.
    let size = size.max(content + content / 5 + (96 << 20)).next_multiple_of(1 << 20);
    if format == DiskFormat::Raw {
        write_file_system(cx, root, size, target)?;
    } else {
        let raw = Scratch::file(folder)?;
        write_file_system(cx, root, size, raw.path())?;
        convert(cx, raw.path(), DiskFormat::Raw, target, format)?;
    }
    Ok(size)
}

/// Makes the file `target` a file system of this size with what is in `root`. It is full of holes.
fn write_file_system(cx: &Context, root: &Path, size: u64, target: &Path) -> Result<()> {
    File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(target)
        .and_then(|file| file.set_len(size))
        .doing(|| format!("creating '{}'", target.display()))?;
    let mut argv = vec!["mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-m", "1"];
    // Tables that are empty need not be written, whatever the kernel that this runs on thinks of it.
    argv.extend(["-E", "lazy_itable_init=1", "-d", text(root)?, text(target)?]);
    run(cx, &argv, "e2fsprogs", CONVERTING).map(drop)
}

/// Bytes of everything below `root` in blocks of four kilobytes, with an inode for each.
fn content_size(root: &Path) -> Result<u64> {
    let doing = || format!("reading '{}'", root.display());
    let mut bytes = 0;
    for entry in std::fs::read_dir(root).doing(doing)? {
        let entry = entry.doing(doing)?;
        let metadata = entry.metadata().doing(doing)?;
        bytes += metadata.len().next_multiple_of(4096) + 256;
        if metadata.is_dir() {
            bytes += content_size(&entry.path())?;
        }
    }
    Ok(bytes)
}
