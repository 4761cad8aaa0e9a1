//! What of ours is on the machine: for tests that want to see nothing.

use std::path::Path;

use crate::engine::Engine;
use crate::error::{Context, Result};
use crate::init::INIT_WORD;
use crate::network;

/// Things of ours on this machine, each as a line of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Mounts in this process's mount namespace that concern the state folder.
    pub mounts: Vec<String>,
    /// cgroups of containers.
    pub cgroups: Vec<String>,
    /// The host's ends of containers' interfaces.
    pub interfaces: Vec<String>,
    /// nftables tables.
    pub tables: Vec<String>,
    /// First processes of containers.
    pub processes: Vec<String>,
}

impl Leftovers {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What was not there before.
    pub fn since(&self, before: &Self) -> Self {
        let new = |now: &[String], before: &[String]| -> Vec<String> {
            now.iter().filter(|line| !before.contains(line)).cloned().collect()
        };
        Self {
            mounts: new(&self.mounts, &before.mounts),
            cgroups: new(&self.cgroups, &before.cgroups),
            interfaces: new(&self.interfaces, &before.interfaces),
            tables: new(&self.tables, &before.tables),
            processes: new(&self.processes, &before.processes),
        }
    }
}

impl Engine {
    /// Looks for everything of ours on this machine, also of other engines, except that mounts are looked for
    /// under this engine's folder only.
    pub fn leftovers(&self) -> Result<Leftovers> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").path("read", "/proc/self/mountinfo")?;
        let root = self.records.root().display().to_string();
        let layout = self.layout()?;
        let folders = layout
            .legacy
            .iter()
            .map(|hierarchy| hierarchy.own.join("yado"))
            .chain(layout.unified.iter().map(|tree| tree.base.join("yado")));
        Ok(Leftovers {
            mounts: mounts.lines().filter(|line| line.contains(&root)).map(str::to_owned).collect(),
            cgroups: folders.flat_map(|folder| cgroups_beneath(&folder)).collect(),
            interfaces: network::names_starting_with(network::INTERFACE_PREFIX)
                .doing("list the interfaces")?,
            tables: network::tables()?,
            processes: init_processes(),
        })
    }
}

/// The family's folder and each container's in it.
fn cgroups_beneath(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let inner = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let paths = std::iter::once(folder.to_owned()).chain(inner.map(|entry| entry.path()));
    paths.map(|path| path.display().to_string()).collect()
}

fn init_processes() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| describe_init(&entry.path())).collect()
}

/// The process and the container that it belongs to, which stands last on its command line.
fn describe_init(process: &Path) -> Option<String> {
    let text = std::fs::read(process.join("cmdline")).ok()?;
    let words: Vec<&[u8]> = text.split(|byte| *byte == 0).collect();
    let [_, second, _, id, ..] = words.as_slice() else { return None };
    let found = *second == INIT_WORD.as_bytes();
    found.then(|| format!("{} {}", process.display(), String::from_utf8_lossy(id)))
}
