//! What is written down about a container: enough for any later process to find, enter, stop and remove it.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::cgroup::Cgroups;
use crate::error::{Context, Error, Result};
use crate::hooks::Moment;
use crate::init::Init;
use crate::kernel_text;
use crate::rootfs::InPlace;
use crate::spec::Spec;

/// How far the making of a container has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Being made; when nobody is at it any more, it is rubble.
    Creating,
    /// Set up, its program not started.
    Created,
    /// Its program (or the small init) runs or has run.
    Started,
}

/// A container on record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) phase: Phase,
    /// The first process.
    pub(crate) pid: i32,
    /// When it started, in the kernel's ticks: with the boot's id, it tells this process from a later one.
    pub(crate) start_time: u64,
    pub(crate) boot: String,
    pub(crate) cgroups: Cgroups,
    /// `CLONE_NEW…` bits of the namespaces that are not the host's.
    pub(crate) namespaces: i32,
    pub(crate) init: Init,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// The folder that relative paths count from.
    #[serde(default)]
    pub(crate) bundle: PathBuf,
    /// Where its root lies in the host's mount namespace, when it has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) in_place: Option<InPlace>,
    pub(crate) spec: Spec,
}

/// Tells one writing of a record from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    changed: (i64, i64),
}

/// Where records are kept.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    root: PathBuf,
}

impl Records {
    /// Opens the folder, readable for its owner alone.
    pub(crate) fn open(root: PathBuf) -> Result<Self> {
        // Mostly it is there.
        if !root.is_dir() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&root)
                .path("make the folder", &root)?;
        }
        Ok(Self { root })
    }

    /// The folder above all.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A container's folder.
    pub(crate) fn folder(&self, id: &str) -> PathBuf {
        self.root.join(id)
    }

    /// Keeps every other process from making, changing or removing this container until dropped.
    pub(crate) fn lock(&self, id: &str) -> Result<File> {
        let path = self.lock_path(id);
        loop {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&path)
                .path("open the lock", &path)?;
            file.lock().path("lock", &path)?;
            // Whoever had it may have removed it.
            let ours = file.metadata().path("examine the lock", &path)?.ino();
            if std::fs::metadata(&path).is_ok_and(|there| there.ino() == ours) {
                return Ok(file);
            }
        }
    }

    fn lock_path(&self, id: &str) -> PathBuf {
        self.root.join(format!("{id}.lock"))
    }

    /// Reads a record; `None` when there is none (or none worth the name).
    pub(crate) fn read(&self, id: &str) -> Result<Option<Record>> {
        let path = self.folder(id).join("state.json");
        match std::fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).map(Some).map_err(std::io::Error::from).path("read", path)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(self.read_announced(id)),
            Err(error) => Err(error).path("read", path),
        }
    }

    /// What is known of a container that is being made, or whose making was interrupted. A text that was cut off is
    /// none: then nothing of it was made yet.
    fn read_announced(&self, id: &str) -> Option<Record> {
        let text = std::fs::read(self.lock_path(id)).ok()?;
        // A lock that was just made: there is no need to look for where its text went wrong.
        if text.is_empty() {
            return None;
        }
        serde_json::from_slice(&text).ok()
    }

    /// Writes a record so that a reader sees either the old one or the new one.
    pub(crate) fn write(&self, record: &Record) -> Result<()> {
        self.prepare(record)?;
        self.publish(&record.id)
    }

    /// Writes a record that nobody sees yet.
    pub(crate) fn prepare(&self, record: &Record) -> Result<()> {
        let fresh = self.folder(&record.id).join("state.new");
        let text = serde_json::to_vec(record).map_err(std::io::Error::from).path("write", &fresh)?;
        let written = match std::fs::write(&fresh, &text) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.make_folder(&record.id)?;
                std::fs::write(&fresh, &text)
            }
            other => other,
        };
        written.path("write", &fresh)
    }

    /// Lets everybody see what was prepared.
    pub(crate) fn publish(&self, id: &str) -> Result<()> {
        let (path, fresh) = (self.folder(id).join("state.json"), self.folder(id).join("state.new"));
        std::fs::rename(&fresh, &path).path("write", &path)
    }

    /// What is different after a record was written again: its file, and when that was changed.
    pub(crate) fn stamp(&self, id: &str) -> Option<Stamp> {
        let status = std::fs::metadata(self.folder(id).join("state.json")).ok()?;
        Some(Stamp { inode: status.ino(), changed: (status.ctime(), status.ctime_nsec()) })
    }

    /// Makes a container's folder.
    pub(crate) fn make_folder(&self, id: &str) -> Result<()> {
        let folder = self.folder(id);
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.path("make the folder", &folder)
    }

    /// Writes down what is about to be made, where whoever finds it half-made will look: into the lock. A file of its
    /// own, to be replaced by the whole record a moment later, would be the dearest part of keeping records.
    pub(crate) fn announce(&self, lock: &File, record: &Record) -> Result<()> {
        let path = self.lock_path(&record.id);
        let text = serde_json::to_vec(record).map_err(std::io::Error::from).path("write", &path)?;
        // Some file systems write a file that was cut to the disk when it is closed: it is cut only when there is need.
        let before = lock.metadata().path("examine the lock", &path)?.len();
        lock.write_all_at(&text, 0)
            .and_then(|()| if before > text.len() as u64 { lock.set_len(text.len() as u64) } else { Ok(()) })
            .path("write", path)
    }

    /// Forgets a container. To be called with its lock held.
    pub(crate) fn remove(&self, id: &str) -> Result<()> {
        // Mostly there is nothing beside the record.
        let folder = self.folder(id);
        let forgotten = std::fs::remove_file(folder.join("state.json"));
        if forgotten.is_ok() && std::fs::remove_dir(&folder).is_ok() {
            let path = self.lock_path(id);
            return std::fs::remove_file(&path).path("remove", path);
        }
        for result in [std::fs::remove_dir_all(self.folder(id)), std::fs::remove_file(self.lock_path(id))] {
            match result {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).path("remove", self.folder(id));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes what is left of a container whose removal was interrupted when its record was gone already, or whose
    /// creation was before there was one: then there is nothing else of it.
    pub(crate) fn remove_remains(&self, id: &str) -> Result<()> {
        if !self.folder(id).exists() && !self.lock_path(id).exists() {
            return Ok(());
        }
        // Whoever is at it just now has the lock, and is waited for.
        let _lock = self.lock(id)?;
        if self.read(id)?.is_none() { self.remove(id) } else { Ok(()) }
    }

    /// The ids of all containers, also of half-made ones.
    pub(crate) fn ids(&self) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for entry in std::fs::read_dir(&self.root).path("list", &self.root)? {
            let entry = entry.path("list", &self.root)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                ids.extend(Some(name).filter(|id| check_id(id).is_ok()));
            } else if let Some(id) = name.strip_suffix(".lock")
                && check_id(id).is_ok()
                && entry.metadata().is_ok_and(|status| status.len() > 0)
            {
                ids.push(id.to_owned());
            }
        }
        ids.sort();
        ids.dedup();
        Ok(ids)
    }
}

/// Ids become file names and cgroup names: letters, digits, and `_ . - +` after the first.
pub(crate) fn check_id(id: &str) -> Result<()> {
    let good = |character: char| character.is_ascii_alphanumeric() || "_.-+".contains(character);
    let first = id.chars().next().is_some_and(|first| first.is_ascii_alphanumeric() || first == '_');
    if !first
        || id.len() > 200
        || !id.chars().all(good)
        || Path::new(id).extension().is_some_and(|end| end == "lock")
    {
        return Err(Error::invalid(
            format!("container id '{id}'"),
            "an id has letters, digits and the signs _ . - +, and starts with a letter or digit",
        ));
    }
    Ok(())
}

/// The identity of this boot of the machine.
pub(crate) fn boot_id() -> String {
    static IDENTITY: OnceLock<String> = OnceLock::new();
    let read = || kernel_text::read("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned();
    IDENTITY.get_or_init(read).clone()
}

/// When a process started, unless it has ended.
pub(crate) fn start_time(pid: i32) -> Option<u64> {
    let text = kernel_text::read(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything; what follows the last bracket is numbers.
    let rest = text.rsplit_once(')')?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

impl Record {
    /// This container at a point of its life, for hooks.
    pub(crate) fn moment<'a>(&'a self, status: &'a str) -> Moment<'a> {
        Moment {
            id: &self.id,
            status,
            pid: (status != "stopped").then_some(self.pid),
            bundle: &self.bundle,
            spec: &self.spec,
        }
    }

    /// Unmounts what lies in the host's mount namespace.
    pub(crate) fn unmount(&self) -> Result<()> {
        self.in_place.as_ref().map_or(Ok(()), InPlace::detach)
    }

    /// Whether the first process is the one on record and has not ended.
    pub(crate) fn is_alive(&self) -> bool {
        self.pid > 0 && start_time(self.pid) == Some(self.start_time) && self.boot == boot_id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Record {
        fn example(id: &str) -> Self {
            Self {
                id: id.to_owned(),
                phase: Phase::Creating,
                pid: 0,
                start_time: 0,
                boot: boot_id(),
                cgroups: Cgroups::default(),
                namespaces: 0,
                init: Init::Process,
                created: 0,
                bundle: PathBuf::new(),
                in_place: None,
                spec: Spec::default(),
            }
        }
    }

    #[test]
    fn ids_that_could_leave_the_folder_are_refused() {
        for bad in ["", "..", ".x", "a/b", "-a", "a b", "web.lock", "a\0"] {
            assert!(check_id(bad).is_err(), "{bad:?}");
        }
        for good in ["web", "web-1.two_3", "0abc"] {
            assert!(check_id(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn this_process_is_alive_and_has_a_start_time() {
        let pid = std::process::id() as i32;
        assert!(start_time(pid).is_some_and(|time| time > 0));
        assert_eq!(start_time(-1), None);
    }

    #[test]
    fn what_is_being_made_is_known_by_its_lock_until_it_stands() {
        let root = std::env::temp_dir().join(format!("yado-announced-{}", std::process::id()));
        let records = Records::open(root.clone()).unwrap();
        let lock = records.lock("web").unwrap();
        assert_eq!(records.ids().unwrap(), Vec::<String>::new());
        let mut record = Record::example("web");
        records.announce(&lock, &record).unwrap();
        assert_eq!(records.read("web").unwrap().unwrap().phase, Phase::Creating);
        assert_eq!(records.ids().unwrap(), ["web"]);
        record.phase = Phase::Started;
        records.write(&record).unwrap();
        assert_eq!(records.read("web").unwrap().unwrap().phase, Phase::Started);
        assert_eq!(records.ids().unwrap(), ["web"]);
        records.remove("web").unwrap();
        assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
        std::fs::remove_dir(root).unwrap();
    }

    #[test]
    fn what_an_interrupted_removal_left_goes_when_it_is_looked_for() {
        let root = std::env::temp_dir().join(format!("yado-remains-{}", std::process::id()));
        let engine = crate::Engine::open(&root).unwrap();
        std::fs::create_dir(root.join("web")).unwrap();
        std::fs::write(root.join("web/start"), "").unwrap();
        std::fs::write(root.join("web.lock"), "").unwrap();
        assert!(engine.load("web").unwrap().is_none());
        assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_lock_is_new_after_its_container_was_removed() {
        let root = std::env::temp_dir().join(format!("yado-records-{}", std::process::id()));
        let records = Records::open(root.clone()).unwrap();
        let lock = records.lock("web").unwrap();
        let waiting = std::thread::spawn({
            let records = records.clone();
            move || records.lock("web").map(|_| ())
        });
        records.remove("web").unwrap();
        drop(lock);
        waiting.join().unwrap().unwrap();
        assert!(root.join("web.lock").exists());
        std::fs::remove_dir_all(root).unwrap();
    }
}
