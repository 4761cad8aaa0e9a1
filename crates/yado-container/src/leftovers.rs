//! What of ours is on the machine: for tests that want to see nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::cgroup::FAMILY;
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
        let families = layout.legacy.iter().map(|hierarchy| hierarchy.own.join(FAMILY));
        let mut cgroups: Vec<String> = families.flat_map(|folder| cgroups_beneath(&folder)).collect();
        if let Some(tree) = &layout.unified {
            let ours = |name: &str| name == FAMILY || name.starts_with(&format!("{FAMILY}-"));
            let folders = folders_in(&tree.base);
            let folders =
                folders.filter(|folder| folder.file_name().and_then(OsStr::to_str).is_some_and(ours));
            cgroups.extend(folders.flat_map(|folder| cgroups_beneath(&folder)));
        }
        Ok(Leftovers {
            mounts: mounts.lines().filter(|line| line.contains(&root)).map(str::to_owned).collect(),
            cgroups,
            interfaces: network::names_starting_with(network::INTERFACE_PREFIX)
                .doing("list the interfaces")?,
            tables: network::tables()?,
            processes: init_processes(),
        })
    }
}

/// A folder, where there is one, and those in it.
fn cgroups_beneath(folder: &Path) -> Vec<String> {
    let itself = Some(folder.to_owned()).filter(|folder| folder.is_dir());
    itself.into_iter().chain(folders_in(folder)).map(|path| path.display().to_string()).collect()
}

fn folders_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
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
