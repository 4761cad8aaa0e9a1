//! A machine's disks: the overlay that it writes to, and those that the Vagrantfile adds.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};
use yado_core::disk::MachineDisk;
use yado_core::error::Doing;
use yado_core::{Context, Error, ErrorKind, MachineSpec, Result};

use super::settings::{ExtraDisk, option, plain};

/// The file of the machine's boot disk, in its directory.
pub(super) const BOOT: &str = "disk.qcow2";

/// Formats of disks that are one file.
const WHOLE: &[&str] = &["qcow2", "raw", "vdi", "vhdx", "vpc"];

/// What `qemu-img` may take: it makes empty files, or looks at them.
const QUICK: Duration = Duration::from_secs(120);

/// `10G`, `512MB`, `1048576`: bytes. Units are powers of 1024, as QEMU and Vagrant count.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_uppercase();
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    let unit = text[end..].trim().trim_end_matches('B').trim_end_matches('I');
    let shift = match unit {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return None,
    };
    number.checked_mul(1_u64.checked_shl(shift)?).filter(|bytes| *bytes > 0)
}

/// `libvirt.storage :file, size: "10G"`.
pub(super) fn of_libvirt(
    spec: &MachineSpec,
    kind: &str,
    options: &Map<String, Value>,
    number: usize,
) -> Result<ExtraDisk, String> {
    if kind != "file" {
        return Err(format!("Storage of the kind '{kind}' is not known; there is ':file'."));
    }
    let text = |name: &str| option(options, name).map(plain).filter(|text| !text.is_empty());
    let device = text("device").unwrap_or_default();
    if device == "floppy" {
        return Err("Floppies are not possible; use a CD-ROM ('device: :cdrom').".to_owned());
    }
    let cdrom = device == "cdrom";
    let existing =
        cdrom || option(options, "allow_existing").is_some_and(|value| value == &Value::Bool(true));
    let file = text("path").filter(|_| existing).map(|path| spec.project.join(path));
    if cdrom && !file.as_ref().is_some_and(|file| file.is_file()) {
        return Err(format!(
            "A CD-ROM needs 'path:', an image that exists, not '{}'.",
            text("path").unwrap_or_default()
        ));
    }
    let size = text("size").unwrap_or_else(|| "10G".to_owned());
    let size = bytes(&size).ok_or_else(|| format!("'{size}' is not a size of a disk."))?;
    let name = text("serial").or_else(|| text("path").filter(|_| !existing)).unwrap_or_default();
    let name = if name.is_empty() { format!("storage{}", number + 1) } else { safe(&name) };
    Ok(ExtraDisk { name, size: file.is_none().then_some(size), file, cdrom })
}

/// A name that is a file's name and a serial number, too.
pub(super) fn safe(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' })
        .collect();
    name.chars().take(20).collect()
}

/// The file of an additional disk that is not somebody else's.
pub(super) fn file_of(disk: &ExtraDisk) -> String {
    format!("extra-{}.qcow2", disk.name)
}

/// The disks that belong to the machine alone.
pub(super) fn own(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let doing = || format!("reading '{}'", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).doing(doing)? {
        let path = entry.doing(doing)?.path();
        if path.extension().is_some_and(|kind| kind == "qcow2") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Makes a boot disk in the file `path` as an empty overlay over the box's, at least as large.
pub(super) fn make_overlay(
    context: &Context,
    path: &Path,
    base: &MachineDisk,
    size: Option<u64>,
) -> Result<()> {
    let base_size = virtual_size(context, &base.image)?;
    let path = path.to_string_lossy().into_owned();
    let backing = base.image.to_string_lossy().into_owned();
    let mut argv: Vec<String> = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", base.format.name(), "-b"]
        .map(str::to_owned)
        .to_vec();
    argv.extend([backing, path]);
    if let Some(size) = size {
        if size < base_size {
            return Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!("The boot disk cannot be made smaller than the box's, which has {base_size} bytes."),
            ));
        }
        argv.push(size.to_string());
    }
    image_tool(context, &argv).map(drop)
}

/// Makes additional disks that are not there yet, and lets those grow that are to be larger.
pub(super) fn make_extra(context: &Context, folder: &Path, disks: &[ExtraDisk]) -> Result<()> {
    for disk in disks {
        let Some(size) = disk.size else { continue };
        let path = folder.join(file_of(disk));
        let name = path.to_string_lossy().into_owned();
        if !path.exists() {
            image_tool(context, &["qemu-img", "create", "-q", "-f", "qcow2", &name, &size.to_string()])?;
            continue;
        }
        grow(context, &path, size, &disk.name)?;
    }
    Ok(())
}

/// Lets a disk grow; one that is to shrink is refused.
pub(super) fn grow(context: &Context, path: &Path, size: u64, name: &str) -> Result<()> {
    let now = virtual_size(context, path)?;
    if size < now {
        return Err(Error::new(
            ErrorKind::ConfigInvalid,
            format!("The disk '{name}' has {now} bytes; disks cannot be made smaller."),
        ));
    }
    if size > now {
        let path = path.to_string_lossy().into_owned();
        image_tool(context, &["qemu-img", "resize", "-q", "-f", "qcow2", &path, &size.to_string()])?;
    }
    Ok(())
}

/// The layout of an image file that somebody else made: `known`, if it was looked at before. Whoever writes to a disk
/// without a layout can write there what looks like one, and name any file of this computer in it.
pub(super) fn format_of(context: &Context, path: &Path, known: Option<String>) -> Result<String> {
    let refused = |text: String| Err(Error::new(ErrorKind::ConfigInvalid, text));
    let facts = match &known {
        Some(format) => facts_as(context, path, &["-f", format])?,
        None => facts(context, path)?,
    };
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let format = text(&facts, "format").unwrap_or_else(|| "raw".to_owned());
    let data = facts.pointer("/format-specific/data").and_then(|data| text(data, "data-file"));
    if let Some(other) = text(&facts, "backing-filename").or(data) {
        return refused(format!(
            "The disk '{}' would read the file '{other}', too; disks must be whole (`qemu-img convert` makes one).",
            path.display()
        ));
    }
    if !WHOLE.contains(&format.as_str()) {
        return refused(format!(
            "The disk '{}' has the format '{format}'; there are {} (`qemu-img convert` makes one).",
            path.display(),
            WHOLE.join(", ")
        ));
    }
    Ok(format)
}

/// The size that a machine sees.
fn virtual_size(context: &Context, path: &Path) -> Result<u64> {
    let facts = facts(context, path)?;
    facts.get("virtual-size").and_then(Value::as_u64).ok_or_else(|| {
        let path = path.display();
        Error::new(ErrorKind::BoxImport, format!("'{path}' is not a disk image that QEMU understands."))
    })
}

/// The names of all snapshots in a disk's file.
pub(super) fn tags(facts: &Value) -> Vec<String> {
    let snapshots = facts.get("snapshots").and_then(Value::as_array).into_iter().flatten();
    snapshots.filter_map(|snapshot| Some(snapshot.get("name")?.as_str()?.to_owned())).collect()
}

/// What `qemu-img` tells about a disk's file.
pub(super) fn facts(context: &Context, path: &Path) -> Result<Value> {
    facts_as(context, path, &[])
}

fn facts_as(context: &Context, path: &Path, options: &[&str]) -> Result<Value> {
    let path = path.to_string_lossy().into_owned();
    let argv = [&["qemu-img", "info", "-U", "--output=json"], options, &[&path]].concat();
    let said = image_tool(context, &argv)?;
    Ok(serde_json::from_str(&said).unwrap_or_default())
}

/// Runs `qemu-img`; what it printed.
pub(super) fn image_tool<S: AsRef<str>>(context: &Context, argv: &[S]) -> Result<String> {
    image_tool_within(context, argv, QUICK)
}

/// The same for work that grows with the disk.
pub(super) fn image_tool_within<S: AsRef<str>>(
    context: &Context,
    argv: &[S],
    within: Duration,
) -> Result<String> {
    let words: Vec<&str> = argv.iter().map(AsRef::as_ref).collect();
    let output = context.host.run(&context.cancel, &words, within)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().trim_start_matches("qemu-img: ");
    Err(Error::new(ErrorKind::System, format!("QEMU's disk tool failed: {said}")))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A context that says nothing.
    pub(in super::super) fn context(home: &Path) -> Context {
        Context {
            machine: None,
            host: std::sync::Arc::new(yado_core::Host::new(home)),
            events: std::sync::Arc::new(Silence),
            cancel: yado_core::Cancel::new(),
        }
    }

    struct Silence;

    impl yado_core::EventSink for Silence {
        fn emit(&self, _event: yado_core::Event) {}
    }

    #[test]
    fn sizes_have_units_or_none() {
        assert_eq!(bytes("10G"), Some(10 << 30));
        assert_eq!(bytes("512MB"), Some(512 << 20));
        assert_eq!(bytes("1 TiB"), Some(1 << 40));
        assert_eq!(bytes("1048576"), Some(1 << 20));
        assert_eq!((bytes("ten"), bytes("0"), bytes("5X"), bytes("99999999999T")), (None, None, None, None));
    }

    #[test]
    fn a_disk_that_was_raw_stays_so_whatever_is_written_to_it_and_none_reads_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path());
        if context.host.which("qemu-img").is_none() {
            eprintln!("skipped: there is no qemu-img");
            return;
        }
        let path = folder.path().join("disk");
        let make = |options: &[&str]| {
            let name = path.to_string_lossy().into_owned();
            image_tool(&context, &[&["qemu-img", "create", "-q"], options, &[&name, "1M"]].concat()).unwrap();
        };
        make(&["-f", "raw"]);
        assert_eq!(format_of(&context, &path, None).unwrap(), "raw");
        make(&["-f", "qcow2", "-u", "-F", "raw", "-b", "/etc/shadow"]);
        assert_eq!(format_of(&context, &path, Some("raw".to_owned())).unwrap(), "raw");
        for known in [None, Some("qcow2".to_owned())] {
            let refused = format_of(&context, &path, known).unwrap_err();
            assert!(refused.message().contains("'/etc/shadow'"), "{refused}");
        }
        let data = folder.path().join("data").to_string_lossy().into_owned();
        make(&["-f", "qcow2", "-o", &format!("data_file={data}")]);
        assert!(format_of(&context, &path, None).unwrap_err().message().contains(&data));
        make(&["-f", "vmdk"]);
        assert!(format_of(&context, &path, None).unwrap_err().message().contains("'vmdk'"));
    }

    #[test]
    fn names_are_serial_numbers_too() {
        assert_eq!(safe("data/disk 1.qcow2-and-more-of-it"), "data_disk_1_qcow2-an");
    }
}
