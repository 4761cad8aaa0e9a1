//! The audit: after machines are destroyed, nothing of them may be left on the host. What to look for is written down
//! while they exist, so that tests that run side by side do not see each other's.

use std::path::Path;

use super::Sandbox;

/// What leads to a sandbox's machines on the host.
pub struct Traces {
    machines: Vec<String>,
    environments: Vec<String>,
    places: Vec<String>,
}

impl Traces {
    pub fn of(sandbox: &Sandbox) -> Self {
        let machines = sandbox.machines();
        let mut environments: Vec<String> =
            machines.iter().map(|machine| machine.environment.clone()).collect();
        environments.sort();
        environments.dedup();
        let machines: Vec<String> = machines.into_iter().map(|machine| machine.id).collect();
        // Every mount of a machine names its directory; in a home of one's own, nothing at all may be mounted.
        let mut places = machines.clone();
        if !sandbox.has_shared_home() {
            places.push(sandbox.home().to_string_lossy().into_owned());
        }
        places.push(sandbox.project.to_string_lossy().into_owned());
        Self { machines, environments, places }
    }

    /// Looks everywhere and fails with a list of what is left.
    pub fn assert_gone(&self, sandbox: &Sandbox) {
        let mut left = Vec::new();
        self.mounts_and_processes(&mut left);
        self.cgroups(Path::new("/sys/fs/cgroup"), 0, &mut left);
        self.network(&mut left);
        self.files(sandbox, &mut left);
        assert!(left.is_empty(), "left behind:\n{}", left.join("\n"));
    }

    /// A mount of a layer is seen in some process's list of mounts; a process of a machine has such a list.
    fn mounts_and_processes(&self, left: &mut Vec<String>) {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let pid = entry.file_name().to_string_lossy().into_owned();
            if !pid.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            let mounts = std::fs::read_to_string(entry.path().join("mountinfo")).unwrap_or_default();
            if let Some(line) =
                mounts.lines().find(|line| self.places.iter().any(|place| line.contains(place.as_str())))
            {
                let command = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
                left.push(format!("process {pid} ({}) has the mount {line}", command.replace('\0', " ")));
            }
        }
    }

    fn cgroups(&self, folder: &Path, depth: u32, left: &mut Vec<String>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if self.machines.iter().any(|id| name.contains(id.as_str())) {
                left.push(format!("cgroup {}", entry.path().display()));
            }
            if depth < 6 {
                self.cgroups(&entry.path(), depth + 1, left);
            }
        }
    }

    fn network(&self, left: &mut Vec<String>) {
        let links: Vec<String> = std::fs::read_dir("/sys/class/net")
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        // By nft's eyes, not ours.
        let rules = std::process::Command::new("nft")
            .args(["list", "tables"])
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default();
        for environment in &self.environments {
            let name = format!("yado-{}", &environment[..8]);
            left.extend(
                links.iter().filter(|link| link.contains(&name)).map(|link| format!("interface {link}")),
            );
            left.extend(
                rules.lines().filter(|line| line.contains(&name)).map(|line| format!("rules: {line}")),
            );
        }
    }

    /// What names of files start with: the ids of machines and environments.
    fn ids(&self) -> impl Iterator<Item = &str> {
        self.machines.iter().chain(&self.environments).map(String::as_str)
    }

    fn files(&self, sandbox: &Sandbox, left: &mut Vec<String>) {
        for folder in ["machines", "locks", "engine"] {
            for entry in std::fs::read_dir(sandbox.home().join(folder)).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if sandbox.has_shared_home() && !self.ids().any(|id| name.contains(id)) {
                    continue;
                }
                let inner = std::fs::read_dir(entry.path()).map(|mut inner| inner.next().is_some());
                if !matches!(inner, Ok(false)) {
                    left.push(format!("file {}", entry.path().display()));
                }
            }
        }
        if sandbox.path(".yado").exists() {
            left.push("the project's .yado".to_owned());
        }
        if !sandbox.machines().is_empty() {
            left.push("machines on record".to_owned());
        }
    }
}
