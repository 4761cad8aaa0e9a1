//! Environments and machines, recorded.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use rusqlite::{OptionalExtension, Row, params};

use super::{Store, now};
use crate::error::{Doing, Result};
use crate::provider::MachineState;

/// An environment that has (or is about to have) machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRecord {
    /// 32 hex digits, kept in the project's `.yado/id`.
    pub id: String,
    /// The project directory when it was last used.
    pub project: PathBuf,
    /// The Vagrantfile's name in it.
    pub vagrantfile: String,
}

/// A machine that exists or is being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineRecord {
    /// 32 hex digits.
    pub id: String,
    /// A small number, unique among present machines; identity ranges are derived from it.
    pub number: u32,
    /// Its environment's id.
    pub environment: String,
    /// The project directory of its environment.
    pub project: PathBuf,
    /// The name of the Vagrantfile in the project directory.
    pub vagrantfile: String,
    /// Its name in the Vagrantfile.
    pub name: String,
    /// The provider that made it.
    pub provider: String,
    /// The state seen last, by its id (`running`, …).
    pub state: String,
    /// Whether all provisioners of its first `up` have ended well.
    pub provisioned: bool,
    /// The `MachineSpec` it was last started with, as JSON.
    pub spec: Option<String>,
    /// The image it was made from, as JSON.
    pub image: Option<String>,
    /// Its forwarded ports while it runs, as JSON.
    pub forwards: Option<String>,
    /// Where its own data lies, as JSON of its provider's; `None` where it always did. It changes with snapshots.
    pub layers: Option<String>,
    /// Whether it was switched on and has not been seen ready since, as after a kill while it booted.
    pub awaited: bool,
}

const COLUMNS: &str = "machine.id, number, environment, project, vagrantfile, name, provider, state, provisioned, \
                       spec, image, forwards, layers, awaited, created \
                       FROM machine JOIN environment ON environment.id = machine.environment";

fn from_row(row: &Row<'_>) -> rusqlite::Result<MachineRecord> {
    Ok(MachineRecord {
        id: row.get(0)?,
        number: row.get(1)?,
        environment: row.get(2)?,
        project: PathBuf::from(row.get::<_, String>(3)?),
        vagrantfile: row.get(4)?,
        name: row.get(5)?,
        provider: row.get(6)?,
        state: row.get(7)?,
        provisioned: row.get(8)?,
        spec: row.get(9)?,
        image: row.get(10)?,
        forwards: row.get(11)?,
        layers: row.get(12)?,
        awaited: row.get(13)?,
    })
}

/// The record of a row: the one that is known, unless the row says otherwise.
fn known_or_new(
    row: &Row<'_>,
    known: &mut HashMap<String, Arc<MachineRecord>>,
) -> rusqlite::Result<Arc<MachineRecord>> {
    if let Some(record) = known.get(row.get_ref(0)?.as_str()?)
        && says_the_same(row, record)?
    {
        return Ok(Arc::clone(record));
    }
    let record = Arc::new(from_row(row)?);
    known.insert(record.id.clone(), Arc::clone(&record));
    Ok(record)
}

/// Compared where SQLite has it, without copies.
fn says_the_same(row: &Row<'_>, record: &MachineRecord) -> rusqlite::Result<bool> {
    let MachineRecord {
        id,
        number,
        environment,
        project,
        vagrantfile,
        name,
        provider,
        state,
        provisioned,
        spec,
        image,
        forwards,
        layers,
        awaited,
    } = record;
    let Some(project) = project.to_str() else { return Ok(false) };
    let texts: [(usize, &str); 7] =
        [(0, id), (2, environment), (3, project), (4, vagrantfile), (5, name), (6, provider), (7, state)];
    for (column, text) in texts {
        if row.get_ref(column)?.as_str()? != text {
            return Ok(false);
        }
    }
    for (column, text) in [(9, spec), (10, image), (11, forwards), (12, layers)] {
        if row.get_ref(column)?.as_str_or_null()? != text.as_deref() {
            return Ok(false);
        }
    }
    Ok(row.get::<_, u32>(1)? == *number
        && row.get::<_, bool>(8)? == *provisioned
        && row.get::<_, bool>(13)? == *awaited)
}

impl Store {
    /// The environment of this id.
    pub fn environment(&self, id: &str) -> Result<Option<EnvironmentRecord>> {
        self.connection()
            .query_row("SELECT id, project, vagrantfile FROM environment WHERE id = ?1", [id], |row| {
                Ok(EnvironmentRecord {
                    id: row.get(0)?,
                    project: PathBuf::from(row.get::<_, String>(1)?),
                    vagrantfile: row.get(2)?,
                })
            })
            .optional()
            .doing(|| "reading the environment's record")
    }

    /// Records an environment, or where it now lives.
    pub fn put_environment(&self, id: &str, project: &Path, vagrantfile: &str) -> Result<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO environment (id, project, vagrantfile) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET project = ?2, vagrantfile = ?3
                 WHERE project IS NOT ?2 OR vagrantfile IS NOT ?3",
            )
            .and_then(|mut change| change.execute(params![id, project.to_string_lossy(), vagrantfile]))
            .doing(|| "recording the environment")?;
        Ok(())
    }

    /// Forgets an environment that has no machines.
    pub fn forget_empty_environment(&self, id: &str) -> Result<()> {
        self.connection()
            .execute(
                "DELETE FROM environment WHERE id = ?1 AND id NOT IN (SELECT environment FROM machine)",
                [id],
            )
            .doing(|| "forgetting the environment")?;
        Ok(())
    }

    /// Records a machine that is about to be made, with the lowest free number.
    pub fn add_machine(&self, environment: &str, name: &str, provider: &str) -> Result<MachineRecord> {
        let id = super::random_id()?;
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .doing(|| "recording the machine")?;
        transaction
            .execute(
                "INSERT INTO machine (id, number, environment, name, provider, state, created) VALUES (?1,
                   (SELECT MIN(candidate) FROM (SELECT 1 AS candidate UNION SELECT number + 1 FROM machine)
                    WHERE candidate NOT IN (SELECT number FROM machine)),
                 ?2, ?3, ?4, 'not_created', ?5)",
                params![id, environment, name, provider, now()],
            )
            .doing(|| format!("recording the machine '{name}'"))?;
        // From its first moment the record says that its making is not finished.
        transaction
            .execute(
                "INSERT INTO journal (machine, operation, started) VALUES (?1, 'create', ?2)",
                params![id, now()],
            )
            .doing(|| "writing the journal")?;
        let record = transaction
            .query_row(&format!("SELECT {COLUMNS} WHERE machine.id = ?1"), [&id], from_row)
            .doing(|| "reading the machine's record")?;
        transaction.commit().doing(|| "recording the machine")?;
        Ok(record)
    }

    /// The machine of this name in this environment.
    pub fn machine(&self, environment: &str, name: &str) -> Result<Option<MachineRecord>> {
        self.connection()
            .prepare_cached(&format!("SELECT {COLUMNS} WHERE machine.environment = ?1 AND machine.name = ?2"))
            .and_then(|mut query| query.query_row([environment, name], from_row))
            .optional()
            .doing(|| "reading the machine's record")
    }

    /// All machines, or those of one environment, oldest first.
    pub fn machines(&self, environment: Option<&str>) -> Result<Vec<MachineRecord>> {
        Ok(self.machines_as_known(environment)?.into_iter().map(Arc::unwrap_or_clone).collect())
    }

    /// The same for whoever only looks, and does so for each of many machines: a record that has not changed is the one
    /// that was read before.
    pub fn machines_as_known(&self, environment: Option<&str>) -> Result<Vec<Arc<MachineRecord>>> {
        let connection = self.connection();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Put in order here: SQLite would make copies of all texts to do so.
        let mut query = connection
            .prepare_cached(&format!("SELECT {COLUMNS} WHERE ?1 IS NULL OR machine.environment = ?1"))
            .doing(|| "reading the machines")?;
        let mut rows = query.query([environment]).doing(|| "reading the machines")?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(|| "reading the machines")? {
            let record = known_or_new(row, &mut known).doing(|| "reading the machines")?;
            found.push((row.get::<_, i64>(14).doing(|| "reading the machines")?, record));
        }
        found.sort_by_key(|(created, record)| (*created, record.number));
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    /// Whether an environment has machines.
    pub fn has_machines(&self, environment: &str) -> Result<bool> {
        self.connection()
            .prepare_cached("SELECT 1 FROM machine WHERE environment = ?1")
            .and_then(|mut query| query.exists([environment]))
            .doing(|| "reading the machines")
    }

    /// Notes the state seen last.
    pub fn set_state(&self, machine: &str, state: MachineState) -> Result<()> {
        self.update("state", machine, state.id())
    }

    /// Notes the description that the machine was last started with (JSON).
    pub fn set_spec(&self, machine: &str, spec: &str) -> Result<()> {
        self.update("spec", machine, spec)
    }

    /// Notes the image that the machine was made from (JSON).
    pub fn set_image(&self, machine: &str, image: &str) -> Result<()> {
        self.update("image", machine, image)
    }

    fn update(&self, column: &str, machine: &str, value: &str) -> Result<()> {
        self.connection()
            .prepare_cached(&format!("UPDATE machine SET {column} = ?2 WHERE id = ?1"))
            .and_then(|mut change| change.execute([machine, value]))
            .doing(|| "noting the machine's state")?;
        Ok(())
    }

    /// Forgets a machine with its leases, records and journal; with its last machine the environment goes too.
    pub fn remove_machine(&self, machine: &str) -> Result<()> {
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .doing(|| "forgetting the machine")?;
        transaction
            .execute("DELETE FROM machine WHERE id = ?1", [machine])
            .doing(|| "forgetting the machine")?;
        transaction
            .execute("DELETE FROM environment WHERE id NOT IN (SELECT environment FROM machine)", [])
            .doing(|| "forgetting the environment")?;
        transaction.commit().doing(|| "forgetting the machine")?;
        Ok(())
    }
}
