//! A Docker daemon of a test's own: in a folder of its own and a network namespace of its own, so that neither its
//! images nor its bridges and rules meet anybody else's. It ends with this value.
#![allow(dead_code, reason = "every test makes use of its own part")]

#[allow(clippy::duplicate_mod, reason = "it is small, and a test may have both engines")]
mod busybox_archive;

#[allow(clippy::duplicate_mod, reason = "it is small, and several of what a test includes say it")]
#[path = "../../../yado-container/tests/support/skipped.rs"]
pub(crate) mod skipped;

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What the tests need besides root.
const PROGRAMS: &[&str] = &["dockerd", "docker", "busybox", "tar", "script", "unshare", "nsenter"];

/// A daemon, and how to talk to it.
pub(crate) struct Docker {
    /// Everything of it: data, socket, log.
    pub(crate) folder: tempfile::TempDir,
    daemon: Child,
}

fn there(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join(program).is_file())
}

impl Docker {
    /// Starts a daemon with more of its configuration (`{}` for none). Says why when something that is needed is
    /// missing.
    pub(crate) fn start(configuration: &serde_json::Value) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("a Docker daemon needs root".to_owned());
        }
        if let Some(program) = PROGRAMS.iter().find(|program| !there(program)) {
            return Err(format!("there is no {program}"));
        }
        let folder = tempfile::Builder::new().prefix("yado-docker-").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("daemon.json"), configuration.to_string()).unwrap();
        let log = std::fs::File::create(path("log")).unwrap();
        let daemon = Command::new("unshare")
            // A new network has its loopback interface switched off.
            .args(["--net", "sh", "-c", "ip link set lo up && exec dockerd \"$@\"", "dockerd"])
            .args(["--config-file", &path("daemon.json")])
            .args(["--data-root", &path("data"), "--exec-root", &path("run"), "--pidfile", &path("pid")])
            .args(["--host", &format!("unix://{}", path("socket"))])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let docker = Self { folder, daemon };
        let limit = Instant::now() + Duration::from_secs(60);
        while !docker.try_run(&["version"]).status.success() {
            let log = std::fs::read_to_string(docker.folder.path().join("log")).unwrap();
            assert!(Instant::now() < limit, "the daemon does not answer: {log}");
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(docker)
    }

    /// The same without more configuration, for tests that are skipped where it cannot be had; in CI it must be.
    pub(crate) fn start_or_say_why_not() -> Option<Self> {
        match Self::start(&serde_json::json!({})) {
            Ok(docker) => Some(docker),
            Err(reason) => {
                skipped::for_want_of_a_peer("what needs a Docker daemon", &reason);
                None
            }
        }
    }

    /// The engine's address, as `DOCKER_HOST` takes it.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.folder.path().join("socket").display())
    }

    /// An image of busybox and nothing else, with these of its commands and this user list.
    pub(crate) fn import_busybox(&self, name: &str, commands: &[&str], passwd: &str) {
        let archive = busybox_archive::write(self.folder.path(), name, commands, passwd);
        self.run(&["import", archive.to_str().unwrap(), name]);
    }

    /// A command that talks to this daemon.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DOCKER_HOST", self.address());
        command.stdin(Stdio::null());
        command
    }

    /// A command in the daemon's network, where its published ports are.
    pub(crate) fn in_its_network(&self, line: &str) -> Output {
        let pid = self.daemon.id().to_string();
        self.command("nsenter").args(["-t", &pid, "-n", "timeout", "60", "sh", "-c", line]).output().unwrap()
    }

    /// A program that runs in the daemon's network until it is ended.
    pub(crate) fn start_in_its_network(&self, words: &[&str]) -> Child {
        let pid = self.daemon.id().to_string();
        let mut command = self.command("nsenter");
        command.args(["-t", &pid, "-n"]).args(words).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Runs docker, whatever its exit code.
    pub(crate) fn try_run(&self, words: &[&str]) -> Output {
        self.command("timeout").args(["-k", "5", "60", "docker"]).args(words).output().unwrap()
    }

    /// Runs a command that must succeed; its output without the last line end.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let output = self.try_run(words);
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {words:?}: {errors}\n{log}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        for id in self.try_run(&["ps", "-aq"]).stdout.split(|byte| *byte == b'\n').filter(|id| !id.is_empty())
        {
            self.try_run(&["rm", "-f", std::str::from_utf8(id).unwrap_or_default()]);
        }
        // The daemon must end by itself, or its containerd outlives it.
        let pid = rustix::process::Pid::from_child(&self.daemon);
        if rustix::process::kill_process(pid, rustix::process::Signal::TERM).is_ok() {
            let limit = Instant::now() + Duration::from_secs(30);
            while matches!(self.daemon.try_wait(), Ok(None)) && Instant::now() < limit {
                std::thread::sleep(Duration::from_millis(50));
            }
            drop(self.daemon.kill());
            drop(self.daemon.wait());
        }
        // The network of containers that have the daemon's own stays mounted, and the folder could not be removed.
        for place in std::fs::read_dir(self.folder.path().join("run/netns")).into_iter().flatten().flatten() {
            drop(Command::new("umount").arg("-l").arg(place.path()).stderr(Stdio::null()).status());
        }
        for hierarchy in std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            // Fails where somebody else's containers are, or where there is none.
            drop(std::fs::remove_dir(hierarchy.path().join("docker")));
        }
        drop(std::fs::remove_dir("/sys/fs/cgroup/docker"));
    }
}
