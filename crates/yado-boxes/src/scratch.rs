//! [`Scratch`]: a half-made file or directory that belongs to a living process.
//!
//! Everything that takes time to make is made under a scratch name beside its final place and renamed at the
//! end. The maker holds a lock on it meanwhile, so whoever comes later can tell work in progress from what a
//! killed process left behind, and removes the latter.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, RenameFlags, flock};
use yado_core::Result;
use yado_core::error::Doing;

const PREFIX: &str = ".scratch-";

/// A half-made file or directory; removed when dropped without having been kept.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    /// Holds the lock that says "in progress".
    _claim: File,
    kept: bool,
}

impl Scratch {
    /// A new, empty scratch directory in `parent`.
    pub(crate) fn directory(parent: &Path) -> Result<Self> {
        Self::make(parent, |path| std::fs::create_dir(path))
    }

    /// A new, empty scratch file in `parent`.
    pub(crate) fn file(parent: &Path) -> Result<Self> {
        Self::make(parent, |path| File::create_new(path).map(drop))
    }

    fn make(parent: &Path, create: impl Fn(&Path) -> io::Result<()>) -> Result<Self> {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let path = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
            let doing = || format!("creating '{}'", path.display());
            match create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    collect_one(&path);
                    continue;
                }
                other => other.doing(doing)?,
            }
            // Between creation and lock a collector may have taken it for a leftover; then it is gone.
            let Ok(claim) = File::open(&path) else { continue };
            if flock(&claim, FlockOperation::NonBlockingLockExclusive).is_err() {
                continue;
            }
            if is_same(&claim, &path) {
                return Ok(Self { path, _claim: claim, kept: false });
            }
        }
    }

    /// Where it lies for now.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves `inner` (the scratch itself or something in it) to `target`. When `target` exists already, it
    /// stays as it is: what is kept under one name is equal, or newer.
    pub(crate) fn keep(self, inner: &Path, target: &Path) -> Result<()> {
        let doing = || format!("moving '{}' into place", target.display());
        match rustix::fs::renameat_with(
            rustix::fs::CWD,
            inner,
            rustix::fs::CWD,
            target,
            RenameFlags::NOREPLACE,
        ) {
            Err(rustix::io::Errno::EXIST) => Ok(()),
            other => other.doing(doing),
        }
        // What is left (a wrapper directory, or the superfluous copy) is removed by the drop.
    }

    /// Moves it over `target`, replacing what is there.
    pub(crate) fn replace(mut self, target: &Path) -> Result<()> {
        std::fs::rename(&self.path, target).doing(|| format!("moving '{}' into place", target.display()))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.kept {
            remove(&self.path);
        }
    }
}

/// Removes what dead processes left half-made in `parent`.
pub(crate) fn collect(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            collect_one(&entry.path());
        }
    }
}

fn collect_one(path: &Path) {
    let Ok(claim) = File::open(path) else { return };
    if flock(&claim, FlockOperation::NonBlockingLockExclusive).is_ok() {
        tracing::debug!(path = %path.display(), "removing what a killed process left");
        remove(path);
    }
}

fn is_same(claim: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(ours), Ok(there)) = (claim.metadata(), path.symlink_metadata()) else { return false };
    ours.ino() == there.ino() && ours.dev() == there.dev()
}

/// Removal is best effort: what cannot be removed now is collected later.
fn remove(path: &Path) {
    let outcome = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(_) => Ok(()),
    };
    if let Err(error) = outcome {
        tracing::debug!(path = %path.display(), %error, "not removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_scratch_is_not_collected_and_a_dead_one_is() {
        let parent = tempfile::tempdir().unwrap();
        let living = Scratch::directory(parent.path()).unwrap();
        let dead = parent.path().join(".scratch-1-77");
        std::fs::create_dir_all(dead.join("deep")).unwrap();
        collect(parent.path());
        assert!(living.path().is_dir());
        assert!(!dead.exists());
    }

    #[test]
    fn a_dropped_scratch_leaves_nothing_and_a_kept_one_its_result() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("target");
        drop(Scratch::directory(parent.path()).unwrap());
        let scratch = Scratch::directory(parent.path()).unwrap();
        let path = scratch.path().to_owned();
        scratch.keep(&path, &target).unwrap();
        let names: Vec<_> =
            std::fs::read_dir(parent.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["target"]);
    }

    #[test]
    fn keeping_under_a_name_that_exists_keeps_the_first() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("target");
        for text in ["first", "second"] {
            let scratch = Scratch::directory(parent.path()).unwrap();
            std::fs::write(scratch.path().join("file"), text).unwrap();
            let path = scratch.path().to_owned();
            scratch.keep(&path, &target).unwrap();
        }
        assert_eq!(std::fs::read_to_string(target.join("file")).unwrap(), "first");
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
