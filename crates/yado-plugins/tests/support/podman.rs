//! Podman of a test's own: its store, its networks' descriptions and its network namespace are the test's, so that
//! nothing meets what others have. It ends with this value.
#![allow(dead_code, reason = "every test makes use of its own part")]

#[allow(clippy::duplicate_mod, reason = "it is small, and a test may have both engines")]
mod busybox_archive;

#[allow(clippy::duplicate_mod, reason = "it is small, and several of what a test includes say it")]
#[path = "../../../yado-container/tests/support/skipped.rs"]
pub(crate) mod skipped;

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};

/// What the tests need besides root. The last two are no commands of users'.
const PROGRAMS: &[&str] = &[
    "podman",
    "busybox",
    "tar",
    "unshare",
    "nsenter",
    "/usr/lib/podman/netavark",
    "/usr/lib/podman/aardvark-dns",
];

/// A `podman` to be put on the `PATH`.
pub(crate) struct Podman {
    pub(crate) folder: tempfile::TempDir,
    /// Holds the network namespace.
    keeper: Child,
}

fn place(program: &str) -> Option<std::path::PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

impl Podman {
    /// Sets it up; says why not when something that is needed is missing. In CI nothing may be.
    pub(crate) fn start_or_say_why_not() -> Option<Self> {
        let missing = PROGRAMS.iter().find(|program| place(program).is_none());
        let reason = match missing {
            _ if !rustix::process::geteuid().is_root() => "Podman's networks need root".to_owned(),
            Some(program) => format!("there is no {program}"),
            None => return Some(Self::start()),
        };
        skipped::for_want_of_a_peer("what needs Podman", &reason);
        None
    }

    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("yado-podman-").tempdir().unwrap();
        let mut keeper = Command::new("unshare")
            .args(["--net", "sh", "-c", "ip link set lo up; echo; exec sleep infinity"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Its line says that the namespace is there.
        let mut line = String::new();
        let mut lines = std::io::BufReader::new(keeper.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut lines, &mut line).unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::create_dir(path("bin")).unwrap();
        let settings = format!(
            // Not every administrator may raise limits, which Podman would do unless told these.
            "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
             [engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\nruntime = \"runc\"\ntmp_dir = \"{}\"\n\
             [network]\nnetwork_backend = \"netavark\"\nnetwork_config_dir = \"{}\"\n",
            path("tmp"),
            path("networks")
        );
        std::fs::write(path("containers.conf"), settings).unwrap();
        let store = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{}\"\nrunroot = \"{}\"\n",
            path("store"),
            path("run")
        );
        std::fs::write(path("storage.conf"), store).unwrap();
        let script = format!(
            "#!/bin/sh\nexport CONTAINERS_CONF={} CONTAINERS_STORAGE_CONF={}\nexec nsenter --net=/proc/{}/ns/net {} \"$@\"\n",
            path("containers.conf"),
            path("storage.conf"),
            keeper.id(),
            place("podman").unwrap().display()
        );
        std::fs::write(path("bin/podman"), script).unwrap();
        std::fs::set_permissions(path("bin/podman"), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, keeper }
    }

    /// The `PATH` with this `podman` before any other.
    pub(crate) fn search_path(&self) -> String {
        let others = std::env::var("PATH").unwrap_or_default();
        format!("{}:{others}", self.folder.path().join("bin").display())
    }

    /// An image of busybox and nothing else, with these of its commands and this user list.
    pub(crate) fn import_busybox(&self, name: &str, commands: &[&str], passwd: &str) {
        let archive = busybox_archive::write(self.folder.path(), name, commands, passwd);
        self.run(&["import", archive.to_str().unwrap(), name]);
    }

    /// A command in its network, where published ports are.
    pub(crate) fn in_its_network(&self, line: &str) -> Output {
        let pid = self.keeper.id().to_string();
        let mut command = Command::new("nsenter");
        command.args(["-t", &pid, "-n", "timeout", "60", "sh", "-c", line]).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Runs podman, whatever its exit code.
    pub(crate) fn try_run(&self, words: &[&str]) -> Output {
        let mut command = Command::new("timeout");
        command.args(["-k", "5", "60"]).arg(self.folder.path().join("bin/podman")).args(words);
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command that must succeed; its output without the last line end.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let output = self.try_run(words);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "podman {words:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        self.try_run(&["rm", "-af", "-t", "0"]);
        self.try_run(&["network", "prune", "-f"]);
        drop(self.keeper.kill());
        drop(self.keeper.wait());
        for hierarchy in std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            // Fails where somebody else's containers are, or where there is none.
            drop(std::fs::remove_dir(hierarchy.path().join("libpod_parent/conmon")));
            drop(std::fs::remove_dir(hierarchy.path().join("libpod_parent")));
        }
        drop(std::fs::remove_dir("/sys/fs/cgroup/libpod_parent"));
    }
}
