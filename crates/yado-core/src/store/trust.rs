//! Projects whose Vagrantfile may run programs and write files while it is read. Kept here and not in the project: a
//! repository must not be able to trust itself.

use std::path::Path;

use rusqlite::OptionalExtension;

use super::Store;
use crate::error::{Doing, Result};

impl Store {
    /// Whether the user trusts this project directory.
    pub fn is_trusted(&self, project: &Path) -> Result<bool> {
        let found: Option<i64> = self
            .connection()
            .query_row("SELECT 1 FROM trust WHERE project = ?1", [project.to_string_lossy()], |row| {
                row.get(0)
            })
            .optional()
            .doing(|| "reading which projects are trusted")?;
        Ok(found.is_some())
    }

    /// Trusts a project directory, or no longer.
    pub fn set_trusted(&self, project: &Path, trusted: bool) -> Result<()> {
        let statement = if trusted {
            "INSERT OR IGNORE INTO trust (project) VALUES (?1)"
        } else {
            "DELETE FROM trust WHERE project = ?1"
        };
        self.connection()
            .execute(statement, [project.to_string_lossy()])
            .doing(|| "noting which projects are trusted")?;
        Ok(())
    }
}
