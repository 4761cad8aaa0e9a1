//! Waiting one's turn: advisory locks on files, with a word to the user and an ear for Ctrl-C.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use yado_core::error::Doing;
use yado_core::{Context, Error, Result};

/// How long nobody needs to be told that something is waited for.
const NOTICED: Duration = Duration::from_millis(500);

/// A lock, held until dropped.
#[derive(Debug)]
pub(crate) struct Held {
    _file: File,
    /// Whether somebody else had it first.
    pub(crate) waited: bool,
}

fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .doing(|| format!("opening '{}'", path.display()))
}

/// Takes the lock at `path` for this process alone; says `what` it waits for when somebody else has it.
pub(crate) fn exclusive(cx: &Context, path: &Path, what: &str) -> Result<Held> {
    take(
        path,
        File::try_lock,
        || cx.cancel.check(),
        || cx.detail(format!("Waiting for another machine or yado: {what}")),
    )
}

/// Takes the lock at `path` together with others who share it.
pub(crate) fn shared(cx: &Context, path: &Path) -> Result<Held> {
    take(path, File::try_lock_shared, || cx.cancel.check(), || ())
}

/// Takes the lock at `path` for this process alone if nobody has it now.
pub(crate) fn try_exclusive(path: &Path) -> Result<Option<Held>> {
    let file = open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Held { _file: file, waited: false })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(Error::system(format!("locking '{}'", path.display()), error)),
    }
}

fn take(
    path: &Path,
    attempt: impl Fn(&File) -> Result<(), TryLockError>,
    check: impl Fn() -> Result<()>,
    mut announce: impl FnMut(),
) -> Result<Held> {
    let file = open(path)?;
    let begin = Instant::now();
    let (mut waited, mut announced) = (false, false);
    loop {
        match attempt(&file) {
            Ok(()) => return Ok(Held { _file: file, waited }),
            Err(TryLockError::WouldBlock) => {
                waited = true;
                if !announced && begin.elapsed() > NOTICED {
                    announced = true;
                    announce();
                }
                check()?;
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::Error(error)) => {
                return Err(Error::system(format!("locking '{}'", path.display()), error));
            }
        }
    }
}
