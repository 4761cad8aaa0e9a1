//! The tables, and how an older file becomes a newer one.

use rusqlite::Connection;

/// Raised when the tables change; older files are brought up step by step.
const VERSION: i64 = 3;

const TABLES: &str = "
CREATE TABLE environment (
    id          TEXT PRIMARY KEY,
    project     TEXT NOT NULL,
    vagrantfile TEXT NOT NULL
);
CREATE TABLE machine (
    id          TEXT PRIMARY KEY,
    number      INTEGER NOT NULL UNIQUE,
    environment TEXT NOT NULL REFERENCES environment(id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    provider    TEXT NOT NULL,
    state       TEXT NOT NULL,
    created     INTEGER NOT NULL,
    provisioned INTEGER NOT NULL DEFAULT 0,
    spec        TEXT,
    image       TEXT,
    forwards    TEXT,
    UNIQUE (environment, name)
);
CREATE TABLE lease (
    kind        TEXT NOT NULL,
    key         TEXT NOT NULL,
    machine     TEXT REFERENCES machine(id) ON DELETE CASCADE,
    environment TEXT REFERENCES environment(id) ON DELETE CASCADE,
    boot        TEXT,
    PRIMARY KEY (kind, key)
);
CREATE TABLE provision (
    machine     TEXT NOT NULL REFERENCES machine(id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    label       TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    finished    INTEGER NOT NULL,
    PRIMARY KEY (machine, position)
);
CREATE TABLE trust (
    project     TEXT PRIMARY KEY
);
CREATE TABLE journal (
    machine     TEXT PRIMARY KEY REFERENCES machine(id) ON DELETE CASCADE,
    operation   TEXT NOT NULL,
    started     INTEGER NOT NULL
);
";

/// What turns the tables of version 1 into those of version 2: snapshots.
const SNAPSHOTS: &str = "
ALTER TABLE machine ADD COLUMN layers TEXT;
CREATE TABLE snapshot (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    machine     TEXT NOT NULL REFERENCES machine(id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    content     TEXT NOT NULL,
    created     INTEGER NOT NULL,
    UNIQUE (machine, name)
);
";

/// What turns them into those of version 3: machines that were switched on, and that nobody has seen ready since.
const AWAITED: &str = "ALTER TABLE machine ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0;";

/// Sets the connection up and makes the tables when they are not there.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    // With many machines the same few statements are used again and again.
    connection.set_prepared_statement_cache_capacity(64);
    // The last one to close the file would otherwise copy the log into it and wait for the disk, at the end of every
    // command. The log is as good a place: whoever opens the file next reads both, and copies when it has grown.
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version >= VERSION {
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        return Ok(());
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    // Another process may have made the tables while this one waited for the lock.
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let made = [TABLES, SNAPSHOTS, AWAITED]
        .into_iter()
        .skip(usize::try_from(version).unwrap_or(0))
        .try_for_each(|tables| connection.execute_batch(tables))
        .and_then(|()| connection.pragma_update(None, "user_version", VERSION));
    match made {
        Ok(()) => connection.execute_batch("COMMIT"),
        Err(problem) => connection.execute_batch("ROLLBACK").and(Err(problem)),
    }
}
