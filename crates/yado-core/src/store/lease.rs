//! Leases: what only one machine (or environment) of this host may have at a time.

use rusqlite::{OptionalExtension, params};

use super::{Store, boot_id};
use crate::error::{Doing, Result};

/// What is leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseKind {
    /// A host port, key `tcp/127.0.0.1/8080`. Void after a reboot.
    Port,
    /// An address of a machine, key `10.0.0.5`.
    Address,
    /// A subnet of an environment, key `10.200.1.0/24`.
    Subnet,
}

impl LeaseKind {
    fn name(self) -> &'static str {
        match self {
            Self::Port => "port",
            Self::Address => "address",
            Self::Subnet => "subnet",
        }
    }

    /// The boot that the lease is bound to, for what a reboot frees.
    fn boot(self) -> Option<String> {
        (self == Self::Port).then(boot_id)
    }
}

/// Who holds a lease.
#[derive(Debug, Clone, Copy)]
pub enum Owner<'a> {
    /// A machine, by id; its leases go with it.
    Machine(&'a str),
    /// An environment, by id; its leases go with its last machine.
    Environment(&'a str),
}

/// The lease key of a host port.
fn port_key(protocol: &str, address: std::net::IpAddr, port: u16) -> String {
    format!("{protocol}/{address}/{port}")
}

impl Store {
    /// Takes a lease. True when the owner has it now (or had it before); false when somebody else has it.
    pub fn lease(&self, kind: LeaseKind, key: &str, owner: Owner<'_>) -> Result<bool> {
        let (machine, environment) = match owner {
            Owner::Machine(id) => (Some(id), None),
            Owner::Environment(id) => (None, Some(id)),
        };
        let connection = self.connection();
        let boot = kind.boot();
        if let Some(boot) = &boot {
            connection
                .execute("DELETE FROM lease WHERE kind = ?1 AND boot <> ?2", params![kind.name(), boot])
                .doing(|| "clearing leases of an earlier boot")?;
        }
        connection
            .prepare_cached(
                "INSERT INTO lease (kind, key, machine, environment, boot) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )
            .and_then(|mut change| change.execute(params![kind.name(), key, machine, environment, boot]))
            .doing(|| format!("leasing {} {key}", kind.name()))?;
        let mine: bool = connection
            .prepare_cached(
                "SELECT machine IS ?3 AND environment IS ?4 FROM lease WHERE kind = ?1 AND key = ?2",
            )
            .and_then(|mut query| {
                query.query_row(params![kind.name(), key, machine, environment], |row| row.get(0))
            })
            .doing(|| format!("leasing {} {key}", kind.name()))?;
        Ok(mine)
    }

    /// Takes a host port: like [`Store::lease`], but a port on all addresses (`0.0.0.0`) excludes the same port on any
    /// single address, and the other way round.
    pub fn lease_port(
        &self,
        protocol: &str,
        address: std::net::IpAddr,
        port: u16,
        machine: &str,
    ) -> Result<bool> {
        let doing = || format!("leasing {protocol} port {port}");
        let key = port_key(protocol, address, port);
        let boot = boot_id();
        let mut connection = self.connection();
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).doing(doing)?;
        transaction.execute("DELETE FROM lease WHERE kind = 'port' AND boot <> ?1", [&boot]).doing(doing)?;
        let others: Vec<String> = {
            let mut query = transaction
                .prepare("SELECT key FROM lease WHERE kind = 'port' AND machine <> ?1 AND key LIKE ?2")
                .doing(doing)?;
            let rows =
                query.query_map([machine, &format!("{protocol}/%/{port}")], |row| row.get(0)).doing(doing)?;
            rows.collect::<rusqlite::Result<_>>().doing(doing)?
        };
        let everywhere = |key: &str| key.split('/').nth(1).is_some_and(|ip| ip == "0.0.0.0" || ip == "::");
        if others.iter().any(|other| *other == key || everywhere(other) || address.is_unspecified()) {
            return Ok(false);
        }
        transaction
            .execute(
                "INSERT INTO lease (kind, key, machine, boot) VALUES ('port', ?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![key, machine, boot],
            )
            .doing(doing)?;
        transaction.commit().doing(doing)?;
        Ok(true)
    }

    /// The machine that holds a port which excludes this one: (name, project directory).
    pub fn port_holder(
        &self,
        protocol: &str,
        address: std::net::IpAddr,
        port: u16,
    ) -> Result<Option<(String, String)>> {
        for key in self.all_leases(LeaseKind::Port)? {
            let mut parts = key.split('/');
            let (theirs, ip, number) = (parts.next(), parts.next(), parts.next());
            let overlaps = ip.is_some_and(|ip| {
                address.is_unspecified() || ip == "0.0.0.0" || ip == "::" || *ip == address.to_string()
            });
            if theirs == Some(protocol) && number == Some(port.to_string().as_str()) && overlaps {
                return self.lease_holder(LeaseKind::Port, &key);
            }
        }
        Ok(None)
    }

    /// The keys of one kind that an owner holds, in order.
    pub fn leases(&self, kind: LeaseKind, owner: Owner<'_>) -> Result<Vec<String>> {
        let (column, id) = match owner {
            Owner::Machine(id) => ("machine", id),
            Owner::Environment(id) => ("environment", id),
        };
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(&format!("SELECT key FROM lease WHERE kind = ?1 AND {column} = ?2 ORDER BY key"))
            .doing(|| "reading leases")?;
        let rows = query.query_map([kind.name(), id], |row| row.get(0)).doing(|| "reading leases")?;
        rows.collect::<rusqlite::Result<Vec<_>>>().doing(|| "reading leases")
    }

    /// What all machines of an environment hold of one kind, in no order: `look` is given a machine's id and a key.
    pub fn each_lease_of_machines(
        &self,
        kind: LeaseKind,
        environment: &str,
        look: &mut dyn FnMut(&str, &str),
    ) -> Result<()> {
        let doing = || "reading leases";
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(
                "SELECT machine.id, key FROM lease JOIN machine ON machine.id = lease.machine
                 WHERE kind = ?1 AND machine.environment = ?2",
            )
            .doing(doing)?;
        let mut rows = query.query([kind.name(), environment]).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            let text = |column| -> rusqlite::Result<&str> { Ok(row.get_ref(column)?.as_str()?) };
            look(text(0).doing(doing)?, text(1).doing(doing)?);
        }
        Ok(())
    }

    /// Every key of one kind that anybody holds.
    pub fn all_leases(&self, kind: LeaseKind) -> Result<Vec<String>> {
        let connection = self.connection();
        let mut query = connection
            .prepare_cached("SELECT key FROM lease WHERE kind = ?1 ORDER BY key")
            .doing(|| "reading leases")?;
        let rows = query.query_map([kind.name()], |row| row.get(0)).doing(|| "reading leases")?;
        rows.collect::<rusqlite::Result<Vec<_>>>().doing(|| "reading leases")
    }

    /// The machine that holds a lease: (name, project directory).
    pub fn lease_holder(&self, kind: LeaseKind, key: &str) -> Result<Option<(String, String)>> {
        self.connection()
            .query_row(
                "SELECT machine.name, environment.project FROM lease JOIN machine ON machine.id = lease.machine
                 JOIN environment ON environment.id = machine.environment WHERE kind = ?1 AND key = ?2",
                [kind.name(), key],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .doing(|| "reading leases")
    }

    /// Gives back one lease that a machine holds.
    pub fn release_one(&self, kind: LeaseKind, key: &str, machine: &str) -> Result<()> {
        self.connection()
            .execute(
                "DELETE FROM lease WHERE kind = ?1 AND key = ?2 AND machine = ?3",
                [kind.name(), key, machine],
            )
            .doing(|| "giving a lease back")?;
        Ok(())
    }

    /// Gives back all leases of one kind that a machine holds.
    pub fn release(&self, kind: LeaseKind, machine: &str) -> Result<()> {
        self.connection()
            .execute("DELETE FROM lease WHERE kind = ?1 AND machine = ?2", [kind.name(), machine])
            .doing(|| "giving leases back")?;
        Ok(())
    }
}
