//! Snapshots, recorded. What a snapshot consists of and where the machine's own data lies change in one transaction:
//! at every instant, what is on record is whole.

use rusqlite::{Connection, params};

use super::{Store, now};
use crate::error::{Doing, Result};

/// A snapshot of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRecord {
    /// Its name, unique for the machine.
    pub name: String,
    /// What it consists of, as JSON of the provider's.
    pub content: String,
    /// Seconds since 1970.
    pub created: i64,
}

impl Store {
    /// A machine's snapshots, the oldest first.
    pub fn snapshots(&self, machine: &str) -> Result<Vec<SnapshotRecord>> {
        let connection = self.connection();
        let mut query = connection
            .prepare("SELECT name, content, created FROM snapshot WHERE machine = ?1 ORDER BY number")
            .doing(|| "reading the snapshots")?;
        let rows = query
            .query_map([machine], |row| {
                Ok(SnapshotRecord { name: row.get(0)?, content: row.get(1)?, created: row.get(2)? })
            })
            .doing(|| "reading the snapshots")?;
        rows.collect::<rusqlite::Result<Vec<_>>>().doing(|| "reading the snapshots")
    }

    /// Records a snapshot, in place of one of the same name; with `layers`, the machine's data lies there from now on.
    pub fn put_snapshot(&self, machine: &str, name: &str, content: &str, layers: Option<&str>) -> Result<()> {
        self.change_snapshots(|connection| {
            connection.execute("DELETE FROM snapshot WHERE machine = ?1 AND name = ?2", [machine, name])?;
            connection.execute(
                "INSERT INTO snapshot (machine, name, content, created) VALUES (?1, ?2, ?3, ?4)",
                params![machine, name, content, now()],
            )?;
            set_layers(connection, machine, layers)
        })
    }

    /// Forgets a snapshot; with `layers`, the machine's data lies there from now on.
    pub fn remove_snapshot(&self, machine: &str, name: &str, layers: Option<&str>) -> Result<()> {
        self.change_snapshots(|connection| {
            connection.execute("DELETE FROM snapshot WHERE machine = ?1 AND name = ?2", [machine, name])?;
            set_layers(connection, machine, layers)
        })
    }

    /// Notes where the machine's own data lies.
    pub fn set_layers(&self, machine: &str, layers: &str) -> Result<()> {
        self.change_snapshots(|connection| set_layers(connection, machine, Some(layers)))
    }

    fn change_snapshots(&self, change: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<()> {
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .doing(|| "recording the snapshot")?;
        change(&transaction).doing(|| "recording the snapshot")?;
        transaction.commit().doing(|| "recording the snapshot")
    }
}

fn set_layers(connection: &Connection, machine: &str, layers: Option<&str>) -> rusqlite::Result<()> {
    if let Some(layers) = layers {
        connection.execute("UPDATE machine SET layers = ?2 WHERE id = ?1", [machine, layers])?;
    }
    Ok(())
}
