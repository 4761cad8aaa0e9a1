//! Snapshots: the disks' content, and of a machine that runs its memory too, kept within the disks' own files. A name is
//! kept with a number that grows, so that a snapshot that replaces another is there before that one goes.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use yado_core::provider::Snapshots;
use yado_core::ssh::Ssh;
use yado_core::{Context, Error, ErrorKind, Result};

use super::frozen::WRITING;
use super::hardware::Hardware;
use super::machine::Machine;
use super::{disks, recollection};

/// What the tags of snapshots begin with: others in the file are not the user's.
const PREFIX: &str = "yado-snapshot-";
/// Names the snapshot whose memory the next start goes on with.
const RESTORED: &str = "restored";
/// Names the snapshot that the disks are being taken back to.
const RESTORING: &str = "restoring";

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

/// The number in a snapshot's tag.
fn number_of(tag: &str) -> Option<u64> {
    tag.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok()
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
        if let Some(mut qmp) = self.control()? {
            self.forget_memory(&mut qmp, tag)?;
        } else {
            for disk in self.disks_of(tag)? {
                forget_in(context, &disk, &|known| known == tag)?;
            }
        }
        number_of(tag)
            .map_or(Ok(()), |number| recollection::forget(self.folder(), &recollection::of_snapshot(number)))
    }

    /// The disks that the machine writes to, with their formats: its own, and those of others that it was started with
    /// last. What the boot disk says counts; it is therefore the last to be changed.
    pub(super) fn attached(&self) -> Result<Vec<(PathBuf, String)>> {
        let own = disks::own(self.folder())?.into_iter().map(|disk| (disk, "qcow2".to_owned()));
        let mut all = recollection::borrowed_disks(self.folder(), recollection::PRESENT)?;
        all.extend(own);
        all.sort_by_key(|(disk, _)| disk.ends_with(disks::BOOT));
        Ok(all)
    }

    /// The disks that may hold a snapshot: those that there are, and those that there were when it was made.
    fn disks_of(&self, tag: &str) -> Result<Vec<PathBuf>> {
        let mut all = match number_of(tag) {
            Some(number) => recollection::borrowed_disks(self.folder(), &recollection::of_snapshot(number))?,
            None => Vec::new(),
        };
        let present = self.attached()?;
        all.retain(|disk| !present.contains(disk));
        all.extend(present);
        // One of others may be gone by now.
        let can_keep = |(disk, format): &(PathBuf, String)| format == "qcow2" && disk.exists();
        Ok(all.into_iter().filter(can_keep).map(|(disk, _)| disk).collect())
    }

    /// Takes the disks back to the snapshot that was noted, all of them, however often it is begun.
    pub(super) fn finish_restoring(&self, context: &Context) -> Result<()> {
        let Some(tag) = recollection::read(self.folder(), RESTORING)? else { return Ok(()) };
        for disk in self.disks_of(&tag)? {
            if disks::tags(&disks::facts(context, &disk)?).contains(&tag) {
                let path = disk.to_string_lossy().into_owned();
                disks::image_tool(context, &["qemu-img", "snapshot", "-q", "-a", &tag, &path])?;
            }
        }
        if self.kept(context)?.iter().any(|snapshot| snapshot.tag == tag && snapshot.has_memory) {
            recollection::note(self.folder(), RESTORED, &tag)?;
        }
        recollection::forget(self.folder(), RESTORING)
    }

    /// The hardware that the memory of a snapshot is of.
    pub(super) fn hardware_of(&self, tag: &str) -> Result<Option<Hardware>> {
        let Some(number) = number_of(tag) else { return Ok(None) };
        recollection::hardware(self.folder(), &recollection::of_snapshot(number))
    }

    /// Refuses a snapshot that would leave out one of the disks.
    fn check_disks(&self) -> Result<()> {
        let attached = self.attached()?;
        let Some((disk, format)) = attached.iter().find(|(_, format)| format != "qcow2") else {
            return Ok(());
        };
        let shown = disk.display();
        let text =
            format!("The disk '{shown}' ({format}) cannot keep snapshots, and so its machine has none.");
        Err(Error::new(ErrorKind::System, text).hinted(format!(
            "Disks of the format qcow2 can. With the machine halted, `qemu-img convert -f {format} -O qcow2 '{shown}' \
             '{shown}.qcow2'` makes one of it, for the Vagrantfile to name."
        )))
    }

    /// Removes what an interrupted attempt left in other disks than the boot disk, which does not know of it.
    fn forget_rubble(&self, context: &Context) -> Result<()> {
        let known: Vec<String> = self.kept(context)?.into_iter().map(|snapshot| snapshot.tag).collect();
        let is_rubble = |tag: &str| tag.starts_with(PREFIX) && !known.iter().any(|known| known == tag);
        disks::own(self.folder())?.iter().try_for_each(|disk| forget_in(context, disk, &is_rubble))
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
        let Some(tag) = recollection::read(self.folder(), RESTORED)? else { return Ok(None) };
        // Tried once: a memory that does not fit must not keep the machine from booting.
        self.forget_restored()?;
        Ok(Some(tag))
    }

    pub(super) fn forget_restored(&self) -> Result<()> {
        recollection::forget(self.folder(), RESTORED)
    }
}

/// Removes those snapshots from a disk that are not needed.
fn forget_in(context: &Context, disk: &Path, is_unneeded: &dyn Fn(&str) -> bool) -> Result<()> {
    let path = disk.to_string_lossy().into_owned();
    for tag in disks::tags(&disks::facts(context, disk)?).iter().filter(|tag| is_unneeded(tag)) {
        disks::image_tool(context, &["qemu-img", "snapshot", "-q", "-d", tag, &path])?;
    }
    Ok(())
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
        self.check_disks()?;
        let hardware = recollection::read(self.folder(), recollection::PRESENT)?.unwrap_or_default();
        recollection::note(self.folder(), &recollection::of_snapshot(number), &hardware)?;
        if let Some(mut qmp) = self.control()? {
            qmp.run("stop", json!({}))?;
            let saved = self.save_memory(&mut qmp, &tag);
            qmp.run("cont", json!({}))?;
            saved?;
        } else if self.is_suspended() {
            self.save_suspended(context, &tag)?;
        } else {
            self.forget_rubble(context)?;
            for disk in self.disks_of(&tag)? {
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
        recollection::note(self.folder(), RESTORING, &snapshot.tag)?;
        self.finish_restoring(context)
    }

    fn delete(&mut self, context: &Context, name: &str) -> Result<()> {
        let snapshot = self.newest(context, name)?;
        self.forget(context, &snapshot.tag)
    }

    fn tidy(&mut self, context: &Context, _running: bool) -> Result<()> {
        if let Some(mut qmp) = self.control()? {
            qmp.settle(WRITING)?;
            if self.is_suspended() {
                // It was read only to be written again, and has not gone on.
                drop(qmp);
                self.switch_off()?;
                return self.forget_replaced(context);
            }
            qmp.run("cont", json!({}))?;
        } else {
            self.forget_rubble(context)?;
            if let Err(problem) = self.finish_restoring(context) {
                context.warn(format!(
                    "Not all disks are back at the snapshot; the next start tries again: {problem}"
                ));
            }
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

    /// A machine whose boot disk and whose own further disk hold ones, and held twos when a snapshot was made.
    fn machine(context: &Context, store: &std::sync::Arc<yado_core::Store>, tag: &str) -> Machine {
        let project = store.home().join("p");
        std::fs::create_dir_all(project.join(".yado")).unwrap();
        let mut environment =
            yado_core::Environment::open(&project, "Vagrantfile", &project.join(".yado"), store).unwrap();
        let record = store.add_machine(&environment.ensure_id(store).unwrap(), "vm", "kvm").unwrap();
        let place = yado_core::provider::Place {
            machine: store.home().join("vm"),
            store: std::sync::Arc::clone(store),
        };
        std::fs::create_dir(&place.machine).unwrap();
        for disk in [disks::BOOT, "extra-data.qcow2"] {
            let path = place.machine.join(disk).to_string_lossy().into_owned();
            disks::image_tool(context, &["qemu-img", "create", "-q", "-f", "qcow2", &path, "1M"]).unwrap();
            fill(context, &path, 2);
            disks::image_tool(context, &["qemu-img", "snapshot", "-c", tag, &path]).unwrap();
            fill(context, &path, 1);
        }
        Machine::open(&record, None, &place)
    }

    fn fill(context: &Context, disk: &str, with: u8) {
        disks::image_tool(
            context,
            &["qemu-io", "-f", "qcow2", "-c", &format!("write -P {with} 0 64k"), disk],
        )
        .unwrap();
    }

    fn holds(context: &Context, machine: &Machine, disk: &str, what: u8) -> bool {
        let path = machine.folder().join(disk).to_string_lossy().into_owned();
        let command = format!("read -P {what} 0 64k");
        let said = disks::image_tool(context, &["qemu-io", "-f", "qcow2", "-c", &command, &path]);
        said.is_ok_and(|said| !said.contains("verification failed"))
    }

    #[test]
    fn a_disk_that_keeps_none_is_named_before_anything_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let context = disks::tests::context(folder.path());
        if context.host.which("qemu-io").is_none() {
            eprintln!("skipped: there is no qemu-io");
            return;
        }
        let store = std::sync::Arc::new(yado_core::Store::open(folder.path()).unwrap());
        let mut machine = machine(&context, &store, "yado-snapshot-1-here");
        let disk = super::super::hardware::Drive {
            file: PathBuf::from("/data/own.img"),
            format: "raw".to_owned(),
            name: "data".to_owned(),
            read_only: false,
            cdrom: false,
            bus: yado_core::disk::Bus::Virtio,
        };
        let hardware = Hardware {
            machine_type: "q35".to_owned(),
            accelerator: "tcg".to_owned(),
            cpu_model: "max".to_owned(),
            cpus: 1,
            memory: 128,
            boot: yado_core::disk::Boot::Firmware { efi: false },
            firmware: None,
            disks: vec![disk],
            cards: Vec::new(),
            arguments: Vec::new(),
        };
        recollection::note_hardware(machine.folder(), &hardware).unwrap();
        let refusal = machine.save(&context, "later").unwrap_err();
        assert!(refusal.message().contains("'/data/own.img' (raw) cannot keep snapshots"), "{refusal}");
        assert!(
            refusal.hints()[0].contains("qemu-img convert -f raw -O qcow2 '/data/own.img'"),
            "{refusal:?}"
        );
        assert_eq!(machine.list(&context).unwrap(), ["here"]);
    }

    #[test]
    fn a_way_back_that_was_interrupted_is_finished_for_all_disks() {
        let folder = tempfile::tempdir().unwrap();
        let context = disks::tests::context(folder.path());
        if context.host.which("qemu-io").is_none() {
            eprintln!("skipped: there is no qemu-io");
            return;
        }
        let store = std::sync::Arc::new(yado_core::Store::open(folder.path()).unwrap());
        let tag = "yado-snapshot-1-here";
        let mut machine = machine(&context, &store, tag);
        // One disk was taken back, the other not yet.
        recollection::note(machine.folder(), RESTORING, tag).unwrap();
        let extra = machine.folder().join("extra-data.qcow2").to_string_lossy().into_owned();
        disks::image_tool(&context, &["qemu-img", "snapshot", "-a", tag, &extra]).unwrap();
        // And a snapshot was begun that the boot disk knows nothing of.
        disks::image_tool(&context, &["qemu-img", "snapshot", "-c", "yado-snapshot-2-never", &extra])
            .unwrap();
        assert!(holds(&context, &machine, disks::BOOT, 1));
        machine.tidy(&context, false).unwrap();
        for disk in [disks::BOOT, "extra-data.qcow2"] {
            assert!(holds(&context, &machine, disk, 2), "{disk}");
            let facts = disks::facts(&context, &machine.folder().join(disk)).unwrap();
            assert_eq!(disks::tags(&facts), [tag], "{disk}");
        }
        assert_eq!(recollection::read(machine.folder(), RESTORING).unwrap(), None);
    }
}
