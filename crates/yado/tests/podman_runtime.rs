//! Podman's everyday commands with yado as the runtime, side by side with runc: both must come to the same.
//!
//! Skipped, with the reason, where there is no Podman or no right to use it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../yado-container/tests/support/skipped.rs"]
mod skipped;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

/// Podman with a store of its own and one runtime.
struct Podman {
    folder: tempfile::TempDir,
    runtime: String,
}

/// Not every administrator may raise limits, which Podman would do unless told these.
const LIMITS: [&str; 6] =
    ["--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];

fn there(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join(program).is_file())
}

impl Podman {
    fn new(runtime: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("yado-podman-").tempdir().unwrap();
        let mut podman = Self { folder, runtime: runtime.to_owned() };
        if runtime == "yado" {
            let script = podman.folder.path().join("yado");
            let text = format!("#!/bin/sh\nexec {} runtime \"$@\"\n", env!("CARGO_BIN_EXE_yado"));
            std::fs::write(&script, text).unwrap();
            std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
            podman.runtime = script.display().to_string();
        }
        podman.import_busybox();
        podman
    }

    fn import_busybox(&self) {
        let root = self.folder.path().join("busybox");
        for folder in ["bin", "tmp"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::copy("/usr/bin/busybox", root.join("bin/busybox")).unwrap();
        for name in ["sh", "sleep", "id", "test", "touch", "tty"] {
            symlink("busybox", root.join("bin").join(name)).unwrap();
        }
        let archive = self.folder.path().join("busybox.tar");
        let made =
            Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&archive).arg(".").status().unwrap();
        assert!(made.success());
        self.run(&["import", archive.to_str().unwrap(), "box"]);
    }

    /// The exit code and the output of a command.
    fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        let place = |name: &str| self.folder.path().join(name);
        let output = Command::new("timeout")
            .args(["-k", "5", "60", "podman", "--cgroup-manager", "cgroupfs", "--storage-driver", "vfs"])
            .args(["--events-backend", "file", "--runtime", &self.runtime, "--root"])
            .arg(place("store"))
            .arg("--runroot")
            .arg(place("run"))
            .args(words)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A day with Podman: what each command came to.
    fn day(&self) -> Vec<(Option<i32>, String)> {
        let once = |line: &str| {
            self.run(&[&["run", "--rm"], &LIMITS[..], &["--user", "7:8", "box", "sh", "-c", line]].concat())
        };
        let mut seen = vec![once("id"), once("exit 42")];
        let line = "trap 'echo bye; exit 7' TERM; echo started; while :; do sleep 0.1; done";
        let name = self.folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        let health = ["--health-cmd", "test -e /tmp/ok", "--health-interval", "disable"];
        let words =
            [&["run", "-d", "--name", &name], &LIMITS[..], &health, &["box", "sh", "-c", line]].concat();
        seen.push((self.run(&words).0, "an id".to_owned()));
        for words in [
            &["exec", &name, "id", "-u"][..],
            &["exec", &name, "sh", "-c", "exit 9"],
            &["exec", "-t", &name, "tty"],
            &["stats", "--no-stream", "--format", "{{.Name}}", &name],
            &["healthcheck", "run", &name],
            &["exec", &name, "sh", "-c", "echo > /tmp/ok"],
            &["healthcheck", "run", &name],
            &["pause", &name],
            &["ps", "-a", "--format", "{{.Status}}"],
            &["unpause", &name],
            &["stop", "-t", "20", &name],
            &["inspect", "-f", "{{.State.ExitCode}}", &name],
            &["logs", &name],
            &["rm", "-f", &name],
            &["ps", "-aq"],
        ] {
            let (code, out) = self.run(words);
            seen.push((code, out.replace(&name, "NAME")));
        }
        seen
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        self.run(&["rm", "-af", "-t", "0"]);
        for hierarchy in std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            // Fails where somebody else's containers are, or where there is none.
            drop(std::fs::remove_dir(hierarchy.path().join("libpod_parent/conmon")));
            drop(std::fs::remove_dir(hierarchy.path().join("libpod_parent")));
        }
        drop(std::fs::remove_dir("/sys/fs/cgroup/libpod_parent"));
    }
}

#[test]
fn podmans_everyday_commands_come_to_the_same_as_with_runc() {
    if !rustix::process::geteuid().is_root() {
        skipped::for_want_of_a_peer("podman_runtime", "it needs root");
        return;
    }
    for program in ["podman", "runc", "busybox", "tar"] {
        if !there(program) {
            skipped::for_want_of_a_peer("podman_runtime", &format!("there is no {program}"));
            return;
        }
    }
    let ours = Podman::new("yado").day();
    assert_eq!(ours[0], (Some(0), "uid=7 gid=8 groups=8\n".to_owned()));
    assert_eq!(ours[1].0, Some(42));
    assert_eq!(ours[3], (Some(0), "0\n".to_owned()));
    assert!(ours[5].1.starts_with("/dev/pts/"), "{ours:?}");
    assert_eq!(ours[6], (Some(0), "NAME\n".to_owned()));
    assert_eq!((ours[7].0, ours[9].0), (Some(1), Some(0)), "first it is not healthy, and then it is");
    assert_eq!(ours[11].1, "Paused (healthy)\n");
    assert_eq!(ours[14].1, "7\n");
    assert_eq!(ours[15].1, "started\nbye\n");
    let runc = if Path::new("/usr/sbin/runc").exists() { "/usr/sbin/runc" } else { "/usr/bin/runc" };
    assert_eq!(ours, Podman::new(runc).day());
}
