//! Snapshots: the disks' content, and of a machine that runs its memory too, kept within the disks' own files. A name is
//! kept with a number that grows, so that a snapshot that replaces another is there before that one goes.

use serde_json::{Value, json};
use yado_core::error::Doing;
use yado_core::provider::Snapshots;
use yado_core::ssh::Ssh;
use yado_core::{Context, Error, ErrorKind, Result};

use super::disks;
use super::frozen::WRITING;
use super::machine::Machine;
use super::qmp::Qmp;

/// What the tags of snapshots begin with: others in the file are not the user's.
const PREFIX: &str = "yado-snapshot-";
/// Names the snapshot whose memory the next start goes on with.
const RESTORED: &str = "restored";

/// A snapshot as the boot disk's file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    tag: String,
    number: u64,
    name: String,
    has_memory: bool,
}

fn kept(facts: &Value) -> Vec<Kept> {
    let snapshots = facts.get("snapshots").and_then(Value::as_array).into_iter().flatten();
    let read = snapshots.filter_map(|snapshot| {
        let tag = snapshot.get("name")?.as_str()?.to_owned();
        let (number, name) = tag.strip_prefix(PREFIX)?.split_once('-')?;
        let (number, name) = (number.parse().ok()?, name.to_owned());
        let has_memory = snapshot.get("vm-state-size").and_then(Value::as_u64).is_some_and(|size| size > 0);
        Some(Kept { tag, number, name, has_memory })
    });
    let mut all: Vec<Kept> = read.collect();
    all.sort_by_key(|snapshot| snapshot.number);
    all
}

impl Machine {
    fn kept(&self, context: &Context) -> Result<Vec<Kept>> {
        Ok(kept(&disks::facts(context, &self.folder().join(disks::BOOT))?))
    }

    fn newest(&self, context: &Context, name: &str) -> Result<Kept> {
        let found = self.kept(context)?.into_iter().rev().find(|snapshot| snapshot.name == name);
        found.ok_or_else(|| Error::new(ErrorKind::Usage, format!("There is no snapshot '{name}'.")))
    }

    /// Removes what a tag stands for, from all disks that have it.
    fn forget(&self, context: &Context, tag: &str) -> Result<()> {
        if let Some(mut qmp) = Qmp::open(self.folder())? {
            return self.forget_memory(&mut qmp, tag);
        }
        for disk in self.with_boot_disk_last()? {
            let path = disk.to_string_lossy().into_owned();
            let has_it = disks::tags(&disks::facts(context, &disk)?).iter().any(|known| known == tag);
            if has_it {
                disks::image_tool(context, &["qemu-img", "snapshot", "-q", "-d", tag, &path])?;
            }
        }
        Ok(())
    }

    /// What the boot disk says counts; it is therefore the last to be changed.
    fn with_boot_disk_last(&self) -> Result<Vec<std::path::PathBuf>> {
        let mut all = disks::own(self.folder())?;
        all.sort_by_key(|disk| disk.ends_with(disks::BOOT));
        Ok(all)
    }

    /// Removes older snapshots of the same name as a newer one.
    fn forget_replaced(&self, context: &Context) -> Result<()> {
        let all = self.kept(context)?;
        let replaced = all
            .iter()
            .filter(|old| all.iter().any(|other| other.name == old.name && other.number > old.number));
        replaced.into_iter().try_for_each(|old| self.forget(context, &old.tag))
    }

    /// The memory that a start is to go on with, after a snapshot was restored.
    pub(super) fn kept_memory(&self) -> Result<Option<String>> {
        let path = self.folder().join(RESTORED);
        if !path.is_file() {
            return Ok(None);
        }
        let tag = std::fs::read_to_string(&path).doing(|| format!("reading '{}'", path.display()))?;
        // Tried once: a memory that does not fit must not keep the machine from booting.
        self.forget_restored()?;
        Ok(Some(tag))
    }

    pub(super) fn forget_restored(&self) -> Result<()> {
        let path = self.folder().join(RESTORED);
        match std::fs::remove_file(&path) {
            Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
                Err(problem).doing(|| format!("removing '{}'", path.display()))
            }
            _ => Ok(()),
        }
    }
}

impl Snapshots for Machine {
    fn list(&self, context: &Context) -> Result<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        for snapshot in self.kept(context)? {
            names.retain(|name| *name != snapshot.name);
            names.push(snapshot.name);
        }
        Ok(names)
    }

    fn save(&mut self, context: &Context, name: &str) -> Result<()> {
        let number = self.kept(context)?.last().map_or(1, |last| last.number + 1);
        let tag = format!("{PREFIX}{number}-{name}");
        if let Some(mut qmp) = Qmp::open(self.folder())? {
            qmp.run("stop", json!({}))?;
            let saved = self.save_memory(&mut qmp, &tag);
            qmp.run("cont", json!({}))?;
            saved?;
        } else if self.is_suspended() {
            return Err(Error::new(
                ErrorKind::Usage,
                "A machine that is suspended has no snapshots made of it.",
            )
            .hinted("`yado resume` it first, or `yado halt` it."));
        } else {
            for disk in self.with_boot_disk_last()? {
                let path = disk.to_string_lossy().into_owned();
                disks::image_tool(context, &["qemu-img", "snapshot", "-q", "-c", &tag, &path])?;
            }
        }
        self.forget_replaced(context)
    }

    fn restore(&mut self, context: &Context, name: &str) -> Result<()> {
        let snapshot = self.newest(context, name)?;
        Ssh::close(context, self.folder());
        self.switch_off()?;
        for disk in self.with_boot_disk_last()? {
            if disks::tags(&disks::facts(context, &disk)?).contains(&snapshot.tag) {
                let path = disk.to_string_lossy().into_owned();
                disks::image_tool(context, &["qemu-img", "snapshot", "-q", "-a", &snapshot.tag, &path])?;
            }
        }
        if snapshot.has_memory {
            let path = self.folder().join(RESTORED);
            std::fs::write(&path, &snapshot.tag).doing(|| format!("writing '{}'", path.display()))?;
        }
        Ok(())
    }

    fn delete(&mut self, context: &Context, name: &str) -> Result<()> {
        let snapshot = self.newest(context, name)?;
        self.forget(context, &snapshot.tag)
    }

    fn tidy(&mut self, context: &Context, _running: bool) -> Result<()> {
        if let Some(mut qmp) = Qmp::open(self.folder())? {
            qmp.settle(WRITING)?;
            qmp.run("cont", json!({}))?;
        }
        self.forget_replaced(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_read_in_the_order_in_which_they_were_made() {
        let facts = json!({"snapshots": [
            {"name": "yado-snapshot-10-b-c", "vm-state-size": 0},
            {"name": "yado-snapshot-2-a", "vm-state-size": 7},
            {"name": "yado-suspended", "vm-state-size": 7},
        ]});
        let all = kept(&facts);
        let names: Vec<(&str, bool)> =
            all.iter().map(|snapshot| (snapshot.name.as_str(), snapshot.has_memory)).collect();
        assert_eq!(names, [("a", true), ("b-c", false)]);
        assert!(kept(&json!({})).is_empty());
    }
}
