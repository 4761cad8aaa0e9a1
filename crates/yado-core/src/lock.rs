//! One action at a time on a machine, whichever process asks: an advisory file lock below yado's home. The kernel
//! gives it back when its holder dies, so a lock is never stale.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Doing, Error, ErrorKind, Result};

/// The right to act on a machine, until dropped.
#[derive(Debug)]
pub struct MachineLock {
    path: PathBuf,
    _file: File,
}

impl MachineLock {
    /// Takes the lock or says who has it. `action` is what one is about to do (`up`, `halt`, …).
    pub fn take(home: &Path, environment: &str, machine: &str, action: &str) -> Result<Self> {
        match Self::try_take(home, environment, machine, action)? {
            Ok(lock) => Ok(lock),
            Err(holder) => Err(Error::new(
                ErrorKind::Locked,
                format!(
                    "An action '{action}' was attempted on the machine '{machine}',\n\
                     but another process is already executing an action on the machine.\n\
                     yado locks each machine for access by only one process at a time.\n\
                     Please wait until the other process ({holder}) finishes, then try again."
                ),
            )),
        }
    }

    /// Takes the lock; when another process has it, that process's action and id as text.
    pub fn try_take(
        home: &Path,
        environment: &str,
        machine: &str,
        action: &str,
    ) -> Result<Result<Self, String>> {
        let folder = home.join("locks");
        std::fs::create_dir_all(&folder).doing(|| format!("creating '{}'", folder.display()))?;
        let path = folder.join(format!("{environment}-{}.lock", file_name(machine)));
        let doing = || format!("locking '{}'", path.display());
        let limit = Instant::now() + PATIENCE;
        loop {
            let mut file = File::options()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)
                .doing(doing)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(std::fs::TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    file.read_to_string(&mut holder).doing(doing)?;
                    if !is_alive(&holder) && Instant::now() < limit {
                        std::thread::sleep(Duration::from_millis(2));
                        continue;
                    }
                    return Ok(Err(holder.trim().to_owned()));
                }
                Err(std::fs::TryLockError::Error(problem)) => return Err(problem).doing(doing),
            }
            // The holder before us removes the file when it is done: what we locked may no longer be what others see.
            let same = std::fs::metadata(&path)
                .is_ok_and(|seen| file.metadata().is_ok_and(|mine| is_same(&mine, &seen)));
            if same {
                // What a killed holder wrote. A file that was cut, and be it from nothing, some file systems write to the
                // disk when it is closed, and removing it waits for that.
                if file.metadata().doing(doing)?.len() > 0 {
                    file.set_len(0).doing(doing)?;
                }
                file.rewind().doing(doing)?;
                // Only for whoever finds the lock taken; a full disk, which has no room for it, must not be in the way
                // of taking machines away.
                drop(write!(file, "{action}, process {}", std::process::id()));
                return Ok(Ok(Self { path, _file: file }));
            }
        }
    }
}

/// How long a lock whose holder is dead is waited for. What it was about to make is a copy of it at first, and has the lock
/// until it lets go of everything that it does not need.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the process that a lock's file names lives.
fn is_alive(holder: &str) -> bool {
    let Some(pid) = holder.trim().rsplit(' ').next().and_then(|word| word.parse::<u32>().ok()) else {
        return false;
    };
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status.rsplit_once(") ").map_or("", |(_, rest)| rest);
    !(state.is_empty() || state.starts_with(['Z', 'X']))
}

/// Removes the files of locks whose holders were killed. One that cannot be removed is harmless.
pub(crate) fn remove_abandoned(home: &Path) {
    for entry in std::fs::read_dir(home.join("locks")).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|end| end != "lock") {
            continue;
        }
        let Ok(file) = File::options().read(true).write(true).open(&path) else { continue };
        let same = || {
            std::fs::metadata(&path).is_ok_and(|seen| file.metadata().is_ok_and(|mine| is_same(&mine, &seen)))
        };
        if file.try_lock().is_ok() && same() {
            drop(std::fs::remove_file(&path));
        }
    }
}

fn is_same(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

impl Drop for MachineLock {
    fn drop(&mut self) {
        // While the lock is still held; a file that cannot be removed is harmless.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Machine names may hold characters that file names should not.
fn file_name(machine: &str) -> String {
    machine.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_killed_holders_go_and_those_of_living_ones_stay() {
        let home = tempfile::tempdir().unwrap();
        let _living = MachineLock::take(home.path(), "e", "web", "up").unwrap();
        let folder = home.path().join("locks");
        for name in ["e-db.lock", "e.network"] {
            std::fs::write(folder.join(name), "destroy, process 1").unwrap();
        }
        remove_abandoned(home.path());
        assert!(!folder.join("e-db.lock").exists());
        assert!(folder.join("e-web.lock").exists() && folder.join("e.network").exists());
    }

    #[test]
    fn a_lock_that_the_dead_still_hold_is_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let lock = MachineLock::take(home.path(), "e", "web", "up").unwrap();
        std::fs::write(&lock.path, "up, process 4294967294").unwrap();
        let begin = Instant::now();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| MachineLock::take(home.path(), "e", "web", "destroy").map(drop));
            std::thread::sleep(Duration::from_millis(50));
            drop(lock);
            next.join().unwrap().unwrap();
        });
        assert!(begin.elapsed() >= Duration::from_millis(50));
    }

    #[test]
    fn a_second_taker_is_told_who_has_it_and_gets_it_afterwards() {
        let home = tempfile::tempdir().unwrap();
        let first = MachineLock::take(home.path(), "e", "web", "up").unwrap();
        let refusal = MachineLock::take(home.path(), "e", "web", "halt").unwrap_err();
        assert_eq!(refusal.kind(), ErrorKind::Locked);
        assert!(refusal.message().contains("up, process"), "{refusal}");
        drop(MachineLock::take(home.path(), "e", "db", "halt").unwrap());
        drop(first);
        drop(MachineLock::take(home.path(), "e", "web", "halt").unwrap());
        assert_eq!(std::fs::read_dir(home.path().join("locks")).unwrap().count(), 0);
    }
}
