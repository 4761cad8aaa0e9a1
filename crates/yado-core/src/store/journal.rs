//! The journal: which operation is in progress on a machine. Whoever next holds the machine's lock and finds an
//! entry knows that the process before it died, and finishes or undoes its work.

use rusqlite::{OptionalExtension, params};

use super::{Store, now, reserve};
use crate::error::{Doing, Result};
use crate::provider::MachineState;

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

const NOTE: &str = "INSERT OR REPLACE INTO journal (machine, operation, started) VALUES (?1, ?2, ?3)";
const END: &str = "DELETE FROM journal WHERE machine = ?1";

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
            .prepare_cached(NOTE)
            .and_then(|mut change| change.execute(params![machine, operation.name(), now()]))
            .doing(|| "writing the journal")?;
        Ok(())
    }

    /// Notes that the operation in progress has ended.
    pub fn end(&self, machine: &str) -> Result<()> {
        self.connection()
            .prepare_cached(END)
            .and_then(|mut change| change.execute([machine]))
            .doing(|| "writing the journal")?;
        Ok(())
    }

    /// Notes that a machine is about to be switched on, with what it is started with: its description and its forwarded
    /// ports, both JSON.
    pub fn begin_start(&self, machine: &str, spec: &str, forwards: &str) -> Result<()> {
        reserve::keep(self.home());
        self.at_once("noting the machine's start", |transaction| {
            transaction
                .prepare_cached("UPDATE machine SET spec = ?2, forwards = ?3, awaited = 1 WHERE id = ?1")?
                .execute([machine, spec, forwards])?;
            transaction.prepare_cached(NOTE)?.execute(params![machine, Operation::Start.name(), now()])
        })
    }

    /// Notes that a machine that was switched on has been seen ready, with all that is done inside after a start.
    pub fn set_ready(&self, machine: &str) -> Result<()> {
        self.connection()
            .prepare_cached("UPDATE machine SET awaited = 0 WHERE id = ?1")
            .and_then(|mut change| change.execute([machine]))
            .doing(|| "noting that the machine is ready")?;
        Ok(())
    }

    /// Notes that the operation in progress has ended, and in which state the machine is now.
    pub fn finish(&self, machine: &str, state: MachineState) -> Result<()> {
        self.at_once("noting the machine's state", |transaction| {
            transaction
                .prepare_cached("UPDATE machine SET state = ?2 WHERE id = ?1")?
                .execute([machine, state.id()])?;
            transaction.prepare_cached(END)?.execute([machine])
        })
    }

    /// Notes that a machine is switched off: it holds no host ports any more, and no operation is in progress.
    pub fn finish_stopped(&self, machine: &str) -> Result<()> {
        self.at_once("noting the machine's state", |transaction| {
            transaction
                .prepare_cached("DELETE FROM lease WHERE kind = 'port' AND machine = ?1")?
                .execute([machine])?;
            transaction
                .prepare_cached("UPDATE machine SET state = ?2, forwards = '[]' WHERE id = ?1")?
                .execute([machine, MachineState::Stopped.id()])?;
            transaction.prepare_cached(END)?.execute([machine])
        })
    }

    /// Several changes at one stroke.
    fn at_once<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<()> {
        let mut connection = self.connection();
        connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .and_then(|transaction| {
                work(&transaction)?;
                transaction.commit()
            })
            .doing(|| doing)
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
