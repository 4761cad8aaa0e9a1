//! Which provisioners of a machine have ended well, so that `up` after a failure goes on at the failed one.

use rusqlite::params;

use super::{Store, now};
use crate::error::{Doing, Result};

/// One provisioner that ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionRecord {
    /// Its place in the order, from 0.
    pub position: u32,
    /// How it is called in messages.
    pub label: String,
    /// Digest over its settings and files at that time.
    pub fingerprint: String,
}

impl Store {
    /// The provisioners of a machine that ended well, in order.
    pub fn provision_records(&self, machine: &str) -> Result<Vec<ProvisionRecord>> {
        let connection = self.connection();
        let mut query = connection
            .prepare(
                "SELECT position, label, fingerprint FROM provision WHERE machine = ?1 ORDER BY position",
            )
            .doing(|| "reading provision records")?;
        let rows = query
            .query_map([machine], |row| {
                Ok(ProvisionRecord { position: row.get(0)?, label: row.get(1)?, fingerprint: row.get(2)? })
            })
            .doing(|| "reading provision records")?;
        rows.collect::<rusqlite::Result<Vec<_>>>().doing(|| "reading provision records")
    }

    /// Notes that a provisioner ended well.
    pub fn put_provision_record(&self, machine: &str, record: &ProvisionRecord) -> Result<()> {
        self.connection()
            .execute(
                "INSERT OR REPLACE INTO provision (machine, position, label, fingerprint, finished)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![machine, record.position, record.label, record.fingerprint, now()],
            )
            .doing(|| "noting a provisioner's end")?;
        Ok(())
    }

    /// Forgets what provisioners did in a machine whose content is gone.
    pub fn forget_provisioning(&self, machine: &str) -> Result<()> {
        let connection = self.connection();
        let doing = || "forgetting provisioners' ends";
        connection.execute("DELETE FROM provision WHERE machine = ?1", [machine]).doing(doing)?;
        connection.execute("UPDATE machine SET provisioned = 0 WHERE id = ?1", [machine]).doing(doing)?;
        Ok(())
    }

    /// Notes whether all provisioners of the first `up` have ended well.
    pub fn set_provisioned(&self, machine: &str, provisioned: bool) -> Result<()> {
        self.connection()
            .execute("UPDATE machine SET provisioned = ?2 WHERE id = ?1", params![machine, provisioned])
            .doing(|| "noting the end of provisioning")?;
        Ok(())
    }
}
