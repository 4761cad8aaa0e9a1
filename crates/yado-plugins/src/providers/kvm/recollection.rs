//! Notes in a machine's directory that are there as a whole or not at all: above all the hardware that kept memory was
//! taken from, since memory goes on with no other, whatever the Vagrantfile says meanwhile.

use std::path::{Path, PathBuf};

use yado_core::Result;
use yado_core::error::Doing;

use super::hardware::Hardware;

/// The hardware that the machine was started with last.
pub(super) const PRESENT: &str = "hardware.json";

/// The hardware that the memory of a snapshot was taken from.
pub(super) fn of_snapshot(number: u64) -> String {
    format!("hardware-{number}.json")
}

/// Writes a note.
pub(super) fn note(folder: &Path, name: &str, text: &str) -> Result<()> {
    let (path, new) = (folder.join(name), folder.join(format!("{name}.new")));
    std::fs::write(&new, text)
        .and_then(|()| std::fs::rename(&new, &path))
        .doing(|| format!("writing '{}'", path.display()))
}

/// Reads one; `None` when there is none.
pub(super) fn read(folder: &Path, name: &str) -> Result<Option<String>> {
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(None),
        text => text.map(Some).doing(|| format!("reading '{}'", path.display())),
    }
}

/// Removes one, if it is there.
pub(super) fn forget(folder: &Path, name: &str) -> Result<()> {
    let path = folder.join(name);
    match std::fs::remove_file(&path) {
        Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
            Err(problem).doing(|| format!("removing '{}'", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes down hardware.
pub(super) fn note_hardware(folder: &Path, hardware: &Hardware) -> Result<()> {
    let text = serde_json::to_string(hardware).doing(|| "writing down the machine's hardware")?;
    note(folder, PRESENT, &text)
}

/// The hardware of a note; `None` where it is from a yado that wrote none down.
pub(super) fn hardware(folder: &Path, name: &str) -> Result<Option<Hardware>> {
    let Some(text) = read(folder, name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
    serde_json::from_str(&text).map(Some).doing(|| "reading what hardware the machine had")
}

/// The disks of noted hardware that are not the machine's own and that it writes to, with their formats.
pub(super) fn borrowed_disks(folder: &Path, name: &str) -> Result<Vec<(PathBuf, String)>> {
    let disks = hardware(folder, name)?.map(|hardware| hardware.disks).unwrap_or_default();
    let borrowed = disks.into_iter().filter(|disk| !disk.read_only && !disk.file.starts_with(folder));
    Ok(borrowed.map(|disk| (disk.file, disk.format)).collect())
}
