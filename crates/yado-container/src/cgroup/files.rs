//! Reading and writing the kernel's cgroup files, and removing cgroups.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Context, Error, Result};

/// Writes one value. Where the kernel has no such file, the system's own complaint would be about rights.
pub(super) fn write(path: &Path, value: &str) -> Result<()> {
    match std::fs::write(path, value) {
        Err(_) if !path.exists() => {
            Err(Error::invalid(path.display().to_string(), "this kernel's cgroups have no such setting"))
        }
        other => other.path("write the limit", path),
    }
}

/// Writes one value where the kernel has the file at all.
pub(super) fn write_if_there(path: &Path, value: &str) -> Result<()> {
    if path.exists() { write(path, value) } else { Ok(()) }
}

/// Reads one number; "max" and what is missing are `None`.
pub(super) fn number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Reads one number of a file of "name value" lines.
pub(super) fn field(path: &Path, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// The processes of a cgroup and of those beneath it; `None` when there is no such cgroup.
pub(super) fn processes(folder: &Path) -> Option<Vec<i32>> {
    let text = std::fs::read_to_string(folder.join("cgroup.procs")).ok()?;
    let mut found: Vec<i32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(processes(&entry.path()).unwrap_or_default());
        }
    }
    Some(found)
}

/// Removes a cgroup with those beneath it. Ended processes leave theirs a moment later, so this is tried for
/// a while.
pub(super) fn remove(folder: &Path) -> Result<()> {
    let patience = Instant::now() + Duration::from_secs(2);
    let mut pause = Duration::from_micros(200);
    loop {
        match std::fs::remove_dir(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) if Instant::now() > patience => return Err(error).path("remove the cgroup", folder),
            Err(_) => {
                remove_beneath(folder)?;
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(20));
            }
        }
    }
}

fn remove_beneath(folder: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}
