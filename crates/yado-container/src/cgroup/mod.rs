//! Resource control in all three layouts: v1, v2, and v1 beside a v2 tree (hybrid).
//!
//! A container is born in a v2 cgroup where there is a v2 tree at all: that costs next to nothing and is what
//! freezes, kills and counts it. A v1 hierarchy is used only where a limit of its controller is asked for. For moving a
//! process there the kernel waits for a grace period, but not for a thread that moves itself: what makes a container's
//! processes goes there first, so that they are born there. Every function takes the folder that it works on, so that
//! tests can use a folder of their own.

mod files;
mod layout;
mod stats;
mod v1;
mod v2;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use layout::{Hierarchies, Layout};
pub use stats::Stats;

use crate::error::{Context, Error, Result};
use crate::rootfs::CgroupView;
use crate::spec::Resources;

/// The folder that holds all containers' cgroups in a hierarchy. In a v2 tree beside v1 hierarchies their names only begin so,
/// as a container on its own would pay for two. In one that is alone the folder keeps the controllers: systemd takes
/// those away that no folder passes on.
pub(crate) const FAMILY: &str = "yado";

/// A container's cgroups, as kept on record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cgroups {
    /// The folder in the v2 tree.
    pub(crate) unified: Option<PathBuf>,
    /// v1 controllers and the folders in their hierarchies.
    pub(crate) legacy: Vec<(String, PathBuf)>,
    /// Whether its processes were stopped one by one, for want of a freezer.
    #[serde(default)]
    pub(crate) stopped: bool,
}

/// Entrances of v1 cgroups, for a process that is there for a moment.
#[derive(Debug, Default)]
pub(crate) struct Detour {
    /// Those of the container.
    pub(crate) there: Vec<File>,
    /// Those of this program, in the same hierarchies.
    pub(crate) back: Vec<File>,
}

impl Cgroups {
    /// Decides which cgroups a container needs and where they are; makes none.
    pub(crate) fn plan(
        layout: &Layout,
        id: &str,
        asked: Option<&Path>,
        resources: Option<&Resources>,
    ) -> Self {
        let place = |own: &Path, top: &Path| match asked {
            Some(path) if path.is_absolute() => top.join(path.strip_prefix("/").unwrap_or(path)),
            Some(path) => own.join(FAMILY).join(path),
            None => own.join(FAMILY).join(id),
        };
        let mut legacy = Vec::new();
        // Who names a place wants to find the container there, in whichever hierarchy is looked at.
        let nothing = Resources::default();
        if let Some(resources) = resources.or(asked.map(|_| &nothing)) {
            for hierarchy in &layout.legacy {
                let wanted = hierarchy.controllers.iter().any(|name| v1::needed(name, resources));
                if wanted || asked.is_some() {
                    let name = hierarchy.controllers.join(",");
                    legacy.push((name, place(&hierarchy.own, &hierarchy.mount)));
                }
            }
        }
        let unified = layout.unified.as_ref().map(|tree| match asked {
            None if tree.beside_legacy => tree.base.join(format!("{FAMILY}-{id}")),
            _ => place(&tree.base, &tree.mount),
        });
        Self { unified, legacy, stopped: false }
    }

    /// Fails where somebody is already: the limits would be theirs, too, and they would be killed with the container.
    pub(crate) fn refuse_used(&self) -> Result<()> {
        for folder in self.legacy.iter().map(|(_, folder)| folder).chain(&self.unified) {
            let reason = match files::processes(folder).map(|processes| processes.len()) {
                None => continue,
                Some(0) if v1::freezer::is_frozen(folder) || v2::freezer::is_frozen(folder) => {
                    "container's cgroup unexpectedly frozen".to_owned()
                }
                Some(0) => continue,
                Some(count) => format!("container's cgroup is not empty: {count} process(es) found"),
            };
            return Err(Error::invalid(format!("linux.cgroupsPath ('{}')", folder.display()), reason));
        }
        Ok(())
    }

    /// These cgroups with a path beneath them: `PATH` for all, `CONTROLLER,…:PATH` for some.
    pub(crate) fn beneath(&self, asked: &[String]) -> Result<Self> {
        let mut changed = self.clone();
        for word in asked {
            let refuse = |reason: &str| Err(Error::invalid(format!("cgroup '{word}'"), reason));
            let (controllers, path) = word.split_once(':').map_or((None, word.as_str()), |(names, path)| {
                (Some(names.split(',').collect::<Vec<_>>()), path)
            });
            let path = Path::new(path.trim_start_matches('/'));
            if path.components().any(|part| part == Component::ParentDir) {
                return refuse("it leads out of the container's");
            }
            let meant = |names: &str| {
                let asked = controllers.as_ref();
                asked.is_none_or(|asked| names.split(',').any(|name| asked.contains(&name)))
            };
            let legacy =
                changed.legacy.iter_mut().filter(|(names, _)| meant(names)).map(|(_, folder)| folder);
            let mut folders: Vec<&mut PathBuf> = legacy.collect();
            folders.extend(changed.unified.as_mut().filter(|_| meant("unified")));
            if folders.is_empty() {
                return refuse("the container has no cgroup for these controllers");
            }
            for folder in folders {
                folder.push(path);
                if !folder.is_dir() {
                    return refuse(&format!("there is no '{}'", folder.display()));
                }
            }
        }
        Ok(changed)
    }

    /// Makes the folders and writes the limits.
    pub(crate) fn make(&self, layout: &Layout, resources: Option<&Resources>) -> Result<()> {
        for (controllers, folder) in &self.legacy {
            v1::make(folder, controllers)?;
        }
        if let (Some(folder), Some(tree)) = (&self.unified, &layout.unified) {
            let wanted =
                resources.map_or_else(Vec::new, |resources| v2::needed(resources, &tree.controllers));
            v2::make(folder, &tree.mount, &wanted)?;
        }
        match resources {
            Some(resources) => self.apply(layout, resources),
            None => Ok(()),
        }
    }

    /// Writes limits; also later, to change them.
    pub(crate) fn apply(&self, layout: &Layout, resources: &Resources) -> Result<()> {
        for (controllers, folder) in &self.legacy {
            for controller in controllers.split(',') {
                v1::apply(controller, folder, resources)?;
            }
        }
        if let (Some(folder), Some(tree)) = (&self.unified, &layout.unified) {
            v2::apply(folder, resources, &tree.controllers)?;
        }
        self.filter_devices(resources)?;
        self.refuse_what_nothing_can_limit(layout, resources)
    }

    /// Where no v1 hierarchy holds the rules about devices, a program in the v2 tree does.
    fn filter_devices(&self, resources: &Resources) -> Result<()> {
        let legacy = self.legacy.iter().any(|(names, _)| names.split(',').any(|name| name == "devices"));
        // A user who is not root may load no such program. Nothing is lost: nobody can make a device in a user namespace,
        // and those that there are open to the container as far as they are open to the user.
        if legacy || resources.devices.is_empty() || crate::rootless::is_needed() {
            return Ok(());
        }
        let Some(folder) = &self.unified else {
            return Err(Error::invalid(
                "linux.resources.devices",
                "this machine's cgroups cannot filter devices",
            ));
        };
        v2::devices::apply(folder, &resources.devices)
    }

    /// A limit that no hierarchy can hold is an error, not a silence.
    fn refuse_what_nothing_can_limit(&self, layout: &Layout, resources: &Resources) -> Result<()> {
        let unified = |name: &str| {
            layout.unified.as_ref().is_some_and(|tree| tree.controllers.iter().any(|known| known == name))
        };
        let legacy =
            |name: &str| self.legacy.iter().any(|(names, _)| names.split(',').any(|known| known == name));
        for (setting, v1_name, v2_name) in [
            ("memory", "memory", "memory"),
            ("cpu", "cpu", "cpu"),
            ("pids", "pids", "pids"),
            ("blkio", "blkio", "io"),
            ("cpuset", "cpuset", "cpuset"),
            ("hugepageLimits", "hugetlb", "hugetlb"),
            ("rdma", "rdma", "rdma"),
            ("network.classID", "net_cls", "net_cls"),
            ("network.priorities", "net_prio", "net_prio"),
        ] {
            if v1::needed(v1_name, resources) && !legacy(v1_name) && !unified(v2_name) {
                return Err(Error::invalid(
                    format!("linux.resources.{setting}"),
                    "this machine's cgroups cannot limit it (the controller is not available, or the container \
                     was created without such a limit)",
                ));
            }
        }
        Ok(())
    }

    /// Moves a process into the v1 cgroups; the v2 one it is born in.
    pub(crate) fn attach(&self, pid: i32) -> Result<()> {
        for (_, folder) in &self.legacy {
            files::write(&folder.join("cgroup.procs"), &pid.to_string())?;
        }
        Ok(())
    }

    /// The files that a process of one thread writes "0" to in order to join, opened.
    pub(crate) fn entrances(&self) -> Result<Vec<File>> {
        self.legacy.iter().map(|(_, folder)| v1::entrance(folder)).collect()
    }

    /// How whoever makes the first process can be in the v1 cgroups for that moment, so that it is born in them. `None`
    /// where it cannot go there or come back, and where limits are so tight that they could hit it: then the process is
    /// to be moved ([`Cgroups::attach`]), which may take the kernel some milliseconds.
    pub(crate) fn detour(&self, layout: &Layout, resources: Option<&Resources>) -> Option<Detour> {
        if !resources.is_none_or(v1::leave_room_for_a_guest) {
            return None;
        }
        let there = self.entrances().ok()?;
        let own = |names: &str| {
            layout.legacy.iter().find(|hierarchy| hierarchy.controllers.iter().eq(names.split(',')))
        };
        let back = self.legacy.iter().map(|(names, _)| v1::entrance(&own(names)?.own).ok());
        Some(Detour { there, back: back.collect::<Option<_>>()? })
    }

    /// The v2 folder, opened, for processes to be born in.
    pub(crate) fn birthplace(&self) -> Result<Option<OwnedFd>> {
        self.unified
            .as_deref()
            .map(|folder| File::open(folder).map(OwnedFd::from).path("open", folder))
            .transpose()
    }

    /// Where commands that are entered from outside are born. A cgroup that passes controllers on holds no processes,
    /// so it is the one of the first process where that has moved.
    pub(crate) fn entered(&self, first: i32) -> Result<Option<OwnedFd>> {
        if let Some(folder) = &self.unified
            && let Some(moved) = v2::delegation::of_process(first, folder)
            && let Ok(opened) = File::open(&moved)
        {
            return Ok(Some(opened.into()));
        }
        self.birthplace()
    }

    /// Gives the v2 folder to the container's root, who may then make cgroups beneath it. The limits stay ours: they
    /// are not among the files that the kernel lists for this.
    pub(crate) fn delegate(&self, uid: u32, gid: u32) -> Result<()> {
        self.unified.as_deref().map_or(Ok(()), |folder| v2::delegation::give(folder, uid, gid))
    }

    /// What the container sees of its cgroups.
    pub(crate) fn views(&self, layout: &Layout, namespace: bool) -> Vec<CgroupView> {
        let shown = |folder: &PathBuf| (!namespace).then(|| folder.clone());
        let alone = self.legacy.is_empty() && layout.legacy.is_empty();
        let unified = self.unified.as_ref().map(|folder| CgroupView {
            folder: shown(folder),
            name: if alone { String::new() } else { "unified".to_owned() },
            controllers: None,
        });
        let legacy = self.legacy.iter().map(|(names, folder)| CgroupView {
            // A named hierarchy is mounted as `name=…` and found under the name alone.
            name: names.strip_prefix("name=").unwrap_or(names).to_owned(),
            controllers: Some(names.clone()),
            folder: shown(folder),
        });
        legacy.chain(unified).collect()
    }

    /// Stops or continues every process. `processes` are moved to a freezer made for it where there is no v2
    /// tree.
    pub(crate) fn freeze(
        &mut self,
        hierarchies: &Hierarchies,
        id: &str,
        frozen: bool,
        processes: &[i32],
    ) -> Result<()> {
        if let Some(folder) = &self.unified {
            return v2::freezer::set(folder, frozen);
        }
        let known = self.legacy.iter().find(|(names, _)| names.split(',').any(|name| name == "freezer"));
        let folder = match known {
            Some((_, folder)) => folder.clone(),
            None => {
                let Some(hierarchy) = hierarchies.layout()?.legacy_for("freezer") else {
                    return self.signal_all(frozen, processes);
                };
                let folder = hierarchy.own.join(FAMILY).join(id);
                v1::make(&folder, "freezer")?;
                self.legacy.push(("freezer".to_owned(), folder.clone()));
                folder
            }
        };
        for pid in processes {
            files::write(&folder.join("cgroup.procs"), &pid.to_string())?;
        }
        v1::freezer::set(&folder, frozen)
    }

    /// Stops or continues processes by signals. They can tell, unlike with a freezer, and those that start others
    /// meanwhile may slip through: it is for users to whom no cgroups were delegated.
    fn signal_all(&mut self, frozen: bool, processes: &[i32]) -> Result<()> {
        let signal = if frozen { libc::SIGSTOP } else { libc::SIGCONT };
        for &pid in processes {
            match crate::sys::signals::to_pid(pid, signal) {
                // It ended meanwhile.
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                other => other.doing("stop or continue a process")?,
            }
        }
        self.stopped = frozen;
        Ok(())
    }

    /// Whether the processes are stopped.
    pub(crate) fn is_frozen(&self) -> bool {
        if self.stopped {
            return true;
        }
        match &self.unified {
            Some(folder) => v2::freezer::is_frozen(folder),
            None => self.legacy.iter().any(|(_, folder)| v1::freezer::is_frozen(folder)),
        }
    }

    /// The processes in the container's cgroups.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let folders = self.unified.iter().chain(self.legacy.iter().map(|(_, folder)| folder));
        folders.into_iter().find_map(|folder| files::processes(folder)).unwrap_or_default()
    }

    /// Kills everything in the cgroups.
    pub(crate) fn kill(&self) {
        if let Some(folder) = &self.unified
            && std::fs::write(folder.join("cgroup.kill"), "1").is_ok()
        {
            return;
        }
        for pid in self.processes() {
            // It may have ended meanwhile, which is what was wanted.
            if crate::sys::signals::to_pid(pid, libc::SIGKILL).is_err() {}
        }
    }

    /// What the container uses.
    pub(crate) fn stats(&self) -> Stats {
        stats::collect(self)
    }

    /// Removes the folders, and the family's where it is the last. Whoever is still in them is killed.
    pub(crate) fn remove(&self) -> Result<()> {
        for folder in self.legacy.iter().map(|(_, folder)| folder).chain(&self.unified) {
            // Mostly everybody ended with the first process.
            if std::fs::remove_dir(folder).is_err() {
                self.kill();
                files::remove(folder)?;
            }
            if let Some(parent) = folder.parent()
                && parent.file_name().is_some_and(|name| name == FAMILY)
            {
                // Fails while other containers live there.
                if std::fs::remove_dir(parent).is_err() {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
