//! Disks of other people's that virtual machines boot from as they are: whether firmware finds something on one that it
//! can start, and how it is kept.

use std::path::Path;
use std::time::Duration;

use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, Result};

use super::image::{convert, is_harmless, run, text};
use super::{DiskFormat, partition};
use crate::scratch::Scratch;

/// How much of a disk is looked at: tables and boot code lie in its first kilobytes.
const BEGINNING: usize = 64 << 10;
/// Where boot code ends in the first sector, and the table of partitions is near.
const CODE: usize = 440;

/// What the firmware of a machine finds on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bootable {
    /// Only UEFI finds something: there are programs for it, and no boot code for a BIOS.
    pub(crate) efi: bool,
    /// The format that it came in.
    pub(crate) format: DiskFormat,
}

/// What firmware can start on the image at `path`; nothing when the disk has neither boot code nor programs for UEFI,
/// as a file system without a boot loader. Scratch files are made in `folder`.
pub(crate) fn bootable(cx: &Context, path: &Path, folder: &Path) -> Result<Option<Bootable>> {
    let Some(format) = DiskFormat::of_file(path)? else { return Ok(None) };
    if format != DiskFormat::Raw {
        is_harmless(cx, path, format)?;
    }
    let beginning = beginning(cx, path, format, folder)?;
    let has_code =
        beginning.get(510..512) == Some(&[0x55, 0xaa]) && beginning[..CODE].iter().any(|byte| *byte != 0);
    let has_programs = partition::has_efi_programs(&beginning).unwrap_or(false);
    Ok((has_code || has_programs).then_some(Bootable { efi: !has_code, format }))
}

fn beginning(cx: &Context, path: &Path, format: DiskFormat, folder: &Path) -> Result<Vec<u8>> {
    let scratch = Scratch::file(folder)?;
    let argv = [
        "qemu-img".to_owned(),
        "dd".to_owned(),
        "-f".to_owned(),
        format.name().to_owned(),
        "-O".to_owned(),
        "raw".to_owned(),
        format!("bs={BEGINNING}"),
        "count=1".to_owned(),
        format!("if={}", text(path)?),
        format!("of={}", text(scratch.path())?),
    ];
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    run(cx, &words, "qemu-utils", Duration::from_secs(60))?;
    std::fs::read(scratch.path()).doing(|| "reading the beginning of a disk")
}

/// Writes the image at `source` to the empty file `target`, in QEMU's own format, whole and checked.
pub(crate) fn keep(cx: &Context, source: &Path, format: DiskFormat, target: &Path) -> Result<()> {
    if format == DiskFormat::Qcow2 {
        check(cx, source)?;
    }
    convert(cx, source, format, target, DiskFormat::Qcow2)
}

/// Refuses an image that lacks a part, as after a download that broke off: reading it would give nothing but zeros.
fn check(cx: &Context, path: &Path) -> Result<()> {
    let argv = ["qemu-img", "check", "-q", "-f", "qcow2", text(path)?];
    let output = cx.host.run(&cx.cancel, argv, Duration::from_secs(600))?;
    // 3: room that is lost, and nothing else.
    if matches!(output.status.code(), Some(0 | 3)) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let first = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned();
    Err(Error::new(ErrorKind::BoxImport, format!("The disk is damaged: {first}"))
        .hinted("'qemu-img check' says more; was it downloaded completely?"))
}
