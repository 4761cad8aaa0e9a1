//! What was changed on the host for networks, so that it can be put back.
//!
//! The folder belongs to the boot of the machine, like what is changed; several processes share it through
//! a lock.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Context, Result};
use crate::record::start_time;
use crate::rootless;

/// The folder in which the host's changes are kept.
#[derive(Clone, Debug)]
pub struct Registry {
    folder: PathBuf,
}

/// The changes.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Changes {
    /// Bridges of ours that exist.
    pub(super) bridges: Vec<String>,
    /// Containers that are about to be connected to each bridge, with the process that does it and when it started.
    claims: BTreeMap<String, BTreeMap<String, (i32, u64)>>,
    /// Kernel parameters and what they were before.
    pub(super) parameters: BTreeMap<PathBuf, String>,
    /// The links that each table's forwarded ports are reached through from elsewhere.
    pub(super) inlets: BTreeMap<String, Vec<String>>,
    /// Those of them that nothing was passed on from before, and what their parameter was then. What was changed for
    /// the way out is not among them.
    opened: BTreeMap<String, String>,
    /// What each table's rules were when they were put in force last, and the kernel's numbers of what they became. Not
    /// to be put back, and therefore nothing to keep the rest for.
    pub(super) rules: BTreeMap<String, InForce>,
    /// Where they are kept.
    #[serde(skip)]
    kept_in: Option<Registry>,
}

/// Rules that were put in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InForce {
    /// Of the messages by which they were.
    pub(super) digest: u64,
    /// The kernel's numbers of their tables, which are never given twice.
    pub(super) handles: Vec<u64>,
}

impl Registry {
    /// Opens a registry in a folder, which is made when something is to be kept.
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The registry that all environments of this machine share; for users who are not root, who have networks of
    /// their own, the one in `own` instead.
    pub fn machine_wide(own: &Path) -> Self {
        if rootless::is_needed() { Self::open(own) } else { Self::open("/run/yado/network") }
    }

    /// Works on the changes alone, and writes them back also when that failed midway: what was done before
    /// the failure must not be forgotten. When nothing is left to remember, the folder goes.
    ///
    /// The work is done in the network namespace that the bridges are in.
    pub(super) fn change<T: Send>(&self, work: impl FnOnce(&mut Changes) -> Result<T> + Send) -> Result<T> {
        let _turn = self.lock()?;
        let mut changes = self.read()?;
        let result = rootless::in_network(|| work(&mut changes));
        self.write(&changes)?;
        if changes.is_empty() {
            self.forget();
        }
        result
    }

    fn lock(&self) -> Result<File> {
        use std::os::unix::fs::MetadataExt;
        let path = self.folder.join("lock");
        loop {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
            made.path("make the folder", &self.folder)?;
            let file = match File::options().create(true).truncate(false).write(true).open(&path) {
                // Whoever was last took the folder away in this moment.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                other => other.path("open the lock", &path)?,
            };
            file.lock().path("lock", &path)?;
            let mine = file.metadata().path("look at the lock", &path)?.ino();
            if std::fs::metadata(&path).is_ok_and(|seen| seen.ino() == mine) {
                return Ok(file);
            }
        }
    }

    /// Removes the folder, while the lock is held. What somebody else keeps in there or beside it stays.
    fn forget(&self) {
        drop(std::fs::remove_file(self.folder.join("lock")));
        if std::fs::remove_dir(&self.folder).is_ok()
            && let Some(parent) = self.folder.parent().filter(|parent| parent.ends_with("yado"))
        {
            drop(std::fs::remove_dir(parent));
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("changes.json")
    }

    fn fresh_path(&self) -> PathBuf {
        self.folder.join("changes.new")
    }

    fn read(&self) -> Result<Changes> {
        let mut changes = match std::fs::read(self.path()) {
            Ok(text) => {
                serde_json::from_slice(&text).map_err(std::io::Error::from).path("read", self.path())?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.read_fresh(),
            Err(error) => return Err(error).path("read", self.path()),
        };
        changes.kept_in = Some(self.clone());
        Ok(changes)
    }

    /// What was about to take the place of the old text when its writer was killed. A part of one is nothing: then there
    /// was no old text, and nothing is done before it is on record.
    fn read_fresh(&self) -> Changes {
        let text = std::fs::read(self.fresh_path()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn write(&self, changes: &Changes) -> Result<()> {
        let path = self.path();
        if changes.is_empty() {
            // The fresh one first: alone it would count.
            remove(&self.fresh_path())?;
            return remove(&path);
        }
        let fresh = self.fresh_path();
        let mut text = serde_json::to_vec(changes).map_err(std::io::Error::from).path("write", &fresh)?;
        if let Ok(file) = File::options().write(true).open(&path) {
            let before = file.metadata().path("examine", &path)?.len() as usize;
            if text.len().max(before) <= PAGE {
                // Blanks at the end mean nothing.
                text.resize(text.len().max(before), b' ');
                return file.write_all_at(&text, 0).path("write", &path);
            }
        }
        std::fs::write(&fresh, text).path("write", &fresh)?;
        // Where a file takes another's place, some file systems write it to the disk at once.
        remove(&path)?;
        std::fs::rename(&fresh, &path).path("write", &path)
    }
}

/// What the kernel writes as a whole, also for a process that is being killed, in bytes.
const PAGE: usize = 4096;

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).path("remove", path),
        _ => Ok(()),
    }
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.bridges.is_empty()
            && self.claims.is_empty()
            && self.parameters.is_empty()
            && self.inlets.is_empty()
            && self.opened.is_empty()
    }

    /// Writes down what is about to be done, so that whoever comes after a kill knows it.
    pub(super) fn save(&self) -> Result<()> {
        self.kept_in.as_ref().map_or(Ok(()), |registry| registry.write(self))
    }

    /// Writes down that this process is about to connect a container to a bridge.
    pub(super) fn claim(&mut self, bridge: &str, container: &str) {
        let own = std::process::id() as i32;
        let Some(started) = start_time(own) else { return };
        self.claims.entry(bridge.to_owned()).or_default().insert(container.to_owned(), (own, started));
    }

    /// Takes back a claim.
    pub(super) fn let_go(&mut self, bridge: &str, container: &str) {
        if let Some(claims) = self.claims.get_mut(bridge) {
            claims.remove(container);
        }
        self.forget_the_dead();
    }

    /// Whether somebody who still lives is about to connect a container to the bridge.
    pub(super) fn is_claimed(&self, bridge: &str) -> bool {
        self.claims.contains_key(bridge)
    }

    fn forget_the_dead(&mut self) {
        for claims in self.claims.values_mut() {
            claims.retain(|_, (pid, started)| start_time(*pid) == Some(*started));
        }
        self.claims.retain(|_, claims| !claims.is_empty());
    }

    /// Sets a kernel parameter and remembers what it was, the first time.
    pub(super) fn set(&mut self, path: &Path, value: &str) -> Result<()> {
        let before = std::fs::read_to_string(path).path("read the kernel parameter", path)?;
        let before = before.trim();
        if before == value {
            return Ok(());
        }
        self.parameters.entry(path.to_owned()).or_insert_with(|| before.to_owned());
        self.save()?;
        std::fs::write(path, value).path("set the kernel parameter", path)
    }

    /// Lets packets that come in through these links be passed on, for the ports of one table. Links that no table
    /// needs any more are put back.
    pub(super) fn open_inlets(&mut self, table: &str, links: &[String]) -> Result<()> {
        let before = self.inlets.remove(table).unwrap_or_default();
        if !links.is_empty() {
            self.inlets.insert(table.to_owned(), links.to_vec());
        }
        for link in before {
            if self.inlets.values().flatten().any(|needed| *needed == link) {
                continue;
            }
            if let Some(value) = self.opened.remove(&link) {
                put_back(&forwarding(&link), &value)?;
            }
        }
        for link in links {
            let before = std::fs::read_to_string(forwarding(link)).unwrap_or_default();
            if before.trim() == "0" {
                self.opened.insert(link.clone(), "0".to_owned());
                self.save()?;
                let path = forwarding(link);
                std::fs::write(&path, "1").path("set the kernel parameter", &path)?;
            }
        }
        Ok(())
    }

    /// Whether nothing was passed on from this link before.
    pub(super) fn opened_inlet(&self, link: &str) -> bool {
        self.opened.contains_key(link)
    }

    /// Puts back what was changed. What is gone by now needs no care.
    pub(super) fn restore(&mut self) -> Result<()> {
        for (path, value) in std::mem::take(&mut self.parameters) {
            put_back(&path, &value)?;
        }
        Ok(())
    }
}

fn put_back(path: &Path, value: &str) -> Result<()> {
    if path.exists() {
        std::fs::write(path, value).path("restore the kernel parameter", path)
    } else {
        Ok(())
    }
}

fn forwarding(link: &str) -> PathBuf {
    PathBuf::from("/proc/sys/net/ipv4/conf").join(link).join("forwarding")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_return_to_what_they_were_first() {
        let folder = std::env::temp_dir().join(format!("yado-registry-{}", std::process::id()));
        let registry = Registry::open(folder.join("registry"));
        std::fs::create_dir_all(&folder).unwrap();
        let parameter = folder.join("forwarding");
        std::fs::write(&parameter, "0\n").unwrap();
        for _ in 0..2 {
            registry
                .change(|changes| {
                    changes.bridges.push("x".to_owned());
                    changes.set(&parameter, "1")
                })
                .unwrap();
        }
        assert_eq!(std::fs::read_to_string(&parameter).unwrap(), "1");
        registry
            .change(|changes| {
                changes.bridges.clear();
                changes.restore()
            })
            .unwrap();
        assert_eq!(std::fs::read_to_string(&parameter).unwrap(), "0");
        assert!(!folder.join("registry/changes.json").exists());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn texts_of_every_length_take_each_others_place() {
        let folder = std::env::temp_dir().join(format!("yado-registry-lengths-{}", std::process::id()));
        let registry = Registry::open(&folder);
        let read = || registry.change(|changes| Ok(changes.bridges.clone())).unwrap();
        for count in [1, 3, 2, 2000, 5, 2000, 1] {
            let bridges: Vec<String> = (0..count).map(|number| format!("bridge{number}")).collect();
            registry
                .change(|changes| {
                    changes.bridges.clone_from(&bridges);
                    Ok(())
                })
                .unwrap();
            assert_eq!(read(), bridges);
            assert!(!registry.fresh_path().exists());
        }
        // Killed on the way from one text to the next, with the first gone already.
        std::fs::rename(registry.path(), registry.fresh_path()).unwrap();
        assert_eq!(read(), ["bridge0"]);
        // Killed while it wrote its first.
        std::fs::remove_file(registry.path()).unwrap();
        std::fs::write(registry.fresh_path(), "{\"bridges\":[\"hal").unwrap();
        assert!(read().is_empty());
        assert!(!folder.exists());
    }

    #[test]
    fn a_failure_midway_is_remembered() {
        let folder = std::env::temp_dir().join(format!("yado-registry-failure-{}", std::process::id()));
        let registry = Registry::open(&folder);
        let result = registry.change(|changes| {
            changes.bridges.push("half".to_owned());
            changes.set(Path::new("/no/such/parameter"), "1")
        });
        assert!(result.is_err());
        let kept = registry.change(|changes| Ok(changes.bridges.clone())).unwrap();
        assert_eq!(kept, ["half"]);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
