//! The engine: a folder of records, and what can be done with containers as a whole.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::cgroup::{Hierarchies, Layout};
use crate::container::Container;
use crate::create::{self, CreateOptions};
use crate::error::{Context, Error, Result};
use crate::record::{Records, check_id};
use crate::spec::Spec;
use crate::sys::sealed;

/// Makes containers and finds them again.
///
/// Several processes may use the same state folder at the same time, and one engine may be used by several
/// threads.
#[derive(Debug)]
pub struct Engine {
    pub(crate) records: Records,
    pub(crate) hierarchies: Hierarchies,
}

impl Engine {
    /// Opens (and makes) the folder that records are kept in, with access for its owner alone.
    pub fn open(state_root: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self { records: Records::open(state_root.into())?, hierarchies: Hierarchies::default() })
    }

    /// Makes a container: everything is set up and its first process waits (see [`Container::start`]) or is
    /// the small init, ready for commands.
    ///
    /// On an error nothing stays behind. What an interrupted attempt left under this id is cleaned up first;
    /// a complete container of this id is an error.
    pub fn create(&self, id: &str, spec: &Spec, options: &CreateOptions) -> Result<Container> {
        check_id(id)?;
        create::create(self, id, spec, options)
    }

    /// Finds a container on record, running or not.
    pub fn load(&self, id: &str) -> Result<Option<Container>> {
        check_id(id)?;
        let found = Container::load(&self.records, &self.hierarchies, id)?;
        if found.is_some() {
            return Ok(found);
        }
        self.records.remove_remains(id)?;
        Container::load(&self.records, &self.hierarchies, id)
    }

    /// As [`Engine::load`], an unknown id being an error.
    pub fn require(&self, id: &str) -> Result<Container> {
        self.load(id)?
            .ok_or_else(|| Error::invalid(format!("container '{id}'"), "there is none of this name"))
    }

    /// All containers on record.
    pub fn list(&self) -> Result<Vec<Container>> {
        let mut containers = Vec::new();
        for id in self.records.ids()? {
            containers.extend(self.load(&id)?);
        }
        Ok(containers)
    }

    /// Whether containers can be given a part of the v2 tree to make cgroups in, as systemd needs it.
    pub fn can_delegate_cgroups(&self) -> Result<bool> {
        Ok(self.layout()?.unified.as_ref().is_some_and(|tree| {
            rustix::fs::access(&tree.base, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
        }))
    }

    /// Which of memory, processor time and number of processes cannot be limited here: for root none on most
    /// machines, for others all to whom no cgroups were delegated.
    pub fn cannot_limit(&self) -> Result<Vec<&'static str>> {
        let layout = self.layout()?;
        let kinds = [("memory", "memory"), ("cpu", "cpu"), ("pids", "pids")];
        Ok(kinds.into_iter().filter(|(v1, v2)| !layout.can_limit(v1, v2)).map(|(name, _)| name).collect())
    }

    /// This machine's cgroup hierarchies, looked at once.
    pub(crate) fn layout(&self) -> Result<&Layout> {
        self.hierarchies.layout()
    }

    /// What first processes become, made once: all machines share its pages.
    pub(crate) fn first_program(&self) -> Result<BorrowedFd<'static>> {
        static PROGRAM: OnceLock<OwnedFd> = OnceLock::new();
        if let Some(program) = PROGRAM.get() {
            return Ok(program.as_fd());
        }
        let program = sealed::program().doing("put the init's program into memory")?;
        Ok(PROGRAM.get_or_init(|| program).as_fd())
    }
}
