//! What a comparison that was killed leaves: machines, and directories of theirs. Each directory is held by a lock that
//! dies with its process; what nobody holds any more is taken away by the next comparison.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use yado_core::error::Doing;
use yado_core::lifecycle::{Machine, Options, Workshop, kind_of};
use yado_core::plan::Goal;
use yado_core::{Context, Environment, Result};

/// What the project directories of machines that are measured begin with.
pub(crate) const PROJECT: &str = "yado-compare-";

/// A directory that is in use for as long as this value lives.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "the lock lasts as long as the file is open")] File);

/// Holds a directory.
///
/// # Errors
/// When nothing can be written in it.
pub fn hold(folder: &Path) -> Result<Held> {
    let path = folder.join(".held");
    let doing = || format!("locking '{}'", path.display());
    let file = File::create(&path).doing(doing)?;
    file.lock().doing(doing)?;
    Ok(Held(file))
}

/// Whether the process that held a directory is gone. One that was not held yet is in use.
pub fn is_abandoned(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(".held")) else { return !folder.exists() };
    !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Removes the machines of comparisons that were killed, of those that a state knows.
///
/// # Errors
/// When one cannot be removed.
pub fn remove(context: &Context, workshop: &Workshop) -> Result<()> {
    let quiet = Context { events: Arc::new(yado_core::event::Silent), ..context.clone() };
    for record in workshop.store.machines(None)? {
        let name = record.project.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with(PROJECT) || !is_abandoned(&record.project) {
            continue;
        }
        context.detail("Removing a machine of a comparison that was killed...");
        let spec = record.spec.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let wanted =
            spec.map(|spec| Ok::<_, yado_core::Error>((spec, kind_of(&workshop.registry, &record)?)));
        let environment = Environment::of_machine(&record);
        let mut machine =
            Machine::open(&quiet, workshop, &environment, &record.name, wanted.transpose()?, "compare")?;
        machine.reach(&quiet, Goal::Destroyed, &Options { force: true, ..Options::default() })?;
        remove_folder(&record.project)?;
    }
    // Projects whose machine was not made yet.
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PROJECT) && is_abandoned(&entry.path()) {
            remove_folder(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
            Err(problem).doing(|| format!("removing '{}'", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_abandoned_when_its_holder_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_abandoned(folder.path()), "it was not held yet");
        let held = hold(folder.path()).unwrap();
        assert!(!is_abandoned(folder.path()));
        drop(held);
        assert!(is_abandoned(folder.path()));
        assert!(is_abandoned(&folder.path().join("gone")));
    }
}
