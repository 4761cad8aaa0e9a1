//! What is: one SQLite file under yado's home, shared by all yado processes of the user.
//!
//! Environments, machines, leases (host ports, addresses, subnets: unique by constraint, so two processes cannot
//! hand out the same one), provision records, and the journal of operations in progress. WAL mode with
//! `synchronous=NORMAL`: kill -9 at any instant leaves a consistent file.

mod journal;
mod lease;
mod machine;
mod provision;
mod reserve;
mod schema;
mod snapshot;
mod trust;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::error::{Doing, Error, ErrorKind, Result};

pub use journal::{Operation, Unfinished};
pub use lease::{LeaseKind, Owner};
pub use machine::{EnvironmentRecord, MachineRecord};
pub use provision::ProvisionRecord;
pub use snapshot::SnapshotRecord;

/// The state of all environments of this user.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    /// Machines' records as they were last read.
    known: Mutex<HashMap<String, Arc<MachineRecord>>>,
    home: PathBuf,
}

impl Store {
    /// Opens (and makes, on first use) the state under `home`, a directory that only the user may enter.
    pub fn open(home: &Path) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        if !home.is_dir() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(home)
                .doing(|| format!("creating '{}'", home.display()))?;
        }
        let path = home.join("state.sqlite");
        keep_others_out(home, &path)?;
        // An empty file gets its format without anybody waiting for it, whoever looks meanwhile hinders that: one makes
        // it, the others wait here.
        let is_empty = std::fs::metadata(&path).map_or(0, |facts| facts.len()) == 0;
        let alone =
            is_empty.then(|| std::fs::File::open(home).and_then(|folder| folder.lock().map(|()| folder)));
        let _alone = alone.transpose().doing(|| format!("locking '{}'", home.display()))?;
        let connection = Connection::open(&path).doing(|| format!("opening '{}'", path.display()))?;
        schema::prepare(&connection).doing(|| format!("preparing '{}'", path.display()))?;
        Ok(Self { connection: Mutex::new(connection), known: Mutex::default(), home: home.to_owned() })
    }

    /// The directory that the state lies in.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A thread that panicked while holding the connection has at worst lost its own transaction.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Machines' files have owners and set-user-id bits of their own, and the state has what provisioners were told: nobody
/// else may get there. A home that is open to others is closed; a directory of somebody's own is refused.
fn keep_others_out(home: &Path, state: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let doing = || format!("looking at '{}'", home.display());
    let mode = std::fs::metadata(home).doing(doing)?.permissions().mode();
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    let is_ours = state.exists()
        || home.join("boxes").is_dir()
        || home.join("locks").is_dir()
        || std::fs::read_dir(home).doing(doing)?.next().is_none();
    if !is_ours {
        let problem =
            format!("'{}' cannot be yado's home: others may enter it, and it is in use.", home.display());
        return Err(Error::new(ErrorKind::Other, problem)
            .hinted("Let YADO_HOME name a directory that is not there yet, or one of mode 0700."));
    }
    std::fs::set_permissions(home, std::fs::Permissions::from_mode(0o700))
        .doing(|| format!("closing '{}' to others", home.display()))
}

/// Seconds since 1970.
fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs() as i64)
}

/// What identifies this boot of the host; leases of an earlier boot are void.
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// 32 random hex digits.
pub fn random_id() -> Result<String> {
    use std::io::Read;
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .doing(|| "reading '/dev/urandom'")?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests;
