//! The journal: which operation is in progress on a machine. Whoever next holds the machine's lock and finds an
//! entry knows that the process before it died, and finishes or undoes its work.

use rusqlite::{OptionalExtension, params};

use super::{Store, now, reserve};
use crate::error::{Doing, Result};

/// An operation whose interruption leaves something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Making the machine: undone when interrupted.
    Create,
    /// Switching it on: switched off again when interrupted.
    Start,
    /// Switching it off: finished when interrupted.
    Stop,
    /// Freezing it: finished or undone when interrupted, as the provider finds it.
    Suspend,
    /// Letting it go on: the same.
    Resume,
    /// Taking, going back to, or forgetting a snapshot: what is on record counts when interrupted, the rest is rubble.
    Snapshot,
    /// Removing it: finished when interrupted.
    Destroy,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Snapshot => "snapshot",
            Self::Destroy => "destroy",
        }
    }

    fn named(name: &str) -> Self {
        match name {
            "create" => Self::Create,
            "start" => Self::Start,
            "stop" => Self::Stop,
            "suspend" => Self::Suspend,
            "resume" => Self::Resume,
            "snapshot" => Self::Snapshot,
            // An entry of an unknown (newer) kind: removal is the one operation that ends every state.
            _ => Self::Destroy,
        }
    }
}

/// What an interrupted process left in the journal.
pub type Unfinished = Operation;

impl Store {
    /// Notes that `operation` begins. On a full disk, what takes machines away may use the space kept for it.
    pub fn begin(&self, machine: &str, operation: Operation) -> Result<()> {
        let makes_room = matches!(operation, Operation::Stop | Operation::Destroy);
        if !makes_room {
            reserve::keep(self.home());
        }
        match self.note(machine, operation) {
            Err(_) if makes_room && reserve::spend(self.home()) => self.note(machine, operation),
            outcome => outcome,
        }
    }

    fn note(&self, machine: &str, operation: Operation) -> Result<()> {
        self.connection()
            .execute(
                "INSERT OR REPLACE INTO journal (machine, operation, started) VALUES (?1, ?2, ?3)",
                params![machine, operation.name(), now()],
            )
            .doing(|| "writing the journal")?;
        Ok(())
    }

    /// Notes that the operation in progress has ended.
    pub fn end(&self, machine: &str) -> Result<()> {
        self.connection()
            .execute("DELETE FROM journal WHERE machine = ?1", [machine])
            .doing(|| "writing the journal")?;
        Ok(())
    }

    /// Machines with an operation in progress, by id.
    pub fn machines_in_progress(&self) -> Result<Vec<String>> {
        let connection = self.connection();
        let mut query = connection.prepare("SELECT machine FROM journal").doing(|| "reading the journal")?;
        let rows = query.query_map([], |row| row.get(0)).doing(|| "reading the journal")?;
        rows.collect::<rusqlite::Result<Vec<_>>>().doing(|| "reading the journal")
    }

    /// The operation that was in progress when its process died, if any.
    pub fn unfinished(&self, machine: &str) -> Result<Option<Unfinished>> {
        let name: Option<String> = self
            .connection()
            .query_row("SELECT operation FROM journal WHERE machine = ?1", [machine], |row| row.get(0))
            .optional()
            .doing(|| "reading the journal")?;
        Ok(name.as_deref().map(Operation::named))
    }
}
