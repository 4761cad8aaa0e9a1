//! A bundle of busybox in a folder of its own, with a state folder of its own.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::skipped;

/// A bundle and the containers made from it, which go with it.
pub(crate) struct Bundle {
    folder: tempfile::TempDir,
    /// Containers are named alike, and so are their cgroups: one bundle at a time.
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

/// Output as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Bundle {
    /// `None` when something that is needed is missing.
    pub(crate) fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skipped::for_want_of_a_peer("runtime", "containers without a user namespace need root");
            return None;
        }
        if !std::path::Path::new("/usr/bin/busybox").is_file() {
            skipped::for_want_of_a_peer("runtime", "there is no busybox");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("yado-bundle-").tempdir().unwrap();
        let bundle = Self { folder, _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner) };
        for name in ["bin", "etc", "proc", "sys", "dev", "tmp", "root", "made/here", "d", "t"] {
            std::fs::create_dir_all(bundle.path("rootfs").join(name)).unwrap();
        }
        let bin = bundle.path("rootfs/bin");
        std::fs::copy("/usr/bin/busybox", bin.join("busybox")).unwrap();
        let list = Command::new("/usr/bin/busybox").arg("--list").output().unwrap();
        for name in text(&list.stdout).lines().filter(|name| *name != "busybox") {
            symlink("busybox", bin.join(name)).unwrap();
        }
        bundle.ok(&["spec"]);
        bundle.process(&["true"]);
        bundle.spec("process/terminal", json!(false));
        bundle.spec("linux/resources", Value::Null);
        Some(bundle)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Changes the document: the value at a path of names.
    pub(crate) fn spec(&self, place: &str, value: Value) {
        let mut document: Value =
            serde_json::from_str(&std::fs::read_to_string(self.path("config.json")).unwrap()).unwrap();
        let mut spot = &mut document;
        for name in place.split('/') {
            spot = &mut spot[name];
        }
        *spot = value;
        std::fs::write(self.path("config.json"), document.to_string()).unwrap();
    }

    /// Adds to one of the document's lists.
    pub(crate) fn push(&self, place: &str, value: Value) {
        let document: Value =
            serde_json::from_str(&std::fs::read_to_string(self.path("config.json")).unwrap()).unwrap();
        let mut list = document.pointer(&format!("/{place}")).cloned().unwrap_or_else(|| json!([]));
        list.as_array_mut().unwrap().push(value);
        self.spec(place, list);
    }

    pub(crate) fn process(&self, words: &[&str]) {
        self.spec("process/args", json!(words));
    }

    /// The runtime, ready to be told what to do.
    pub(crate) fn runtime(&self) -> Command {
        let mut command = Command::new("timeout");
        command.args(["60", env!("CARGO_BIN_EXE_yado"), "runtime", "--root"]).arg(self.path("state"));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs a command; its outputs go to files, which a container may keep open.
    fn run(&self, words: &[&str]) -> (bool, String, String) {
        let (output, errors) = (self.path("output"), self.path("errors"));
        let open = |path: &PathBuf| std::fs::File::create(path).unwrap();
        let status = self.runtime().args(words).stdout(open(&output)).stderr(open(&errors)).status().unwrap();
        let read = |path: &PathBuf| text(&std::fs::read(path).unwrap());
        (status.success(), read(&output), read(&errors))
    }

    /// A command that must succeed, and its output.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let (good, output, errors) = self.run(words);
        assert!(good, "{words:?}: {output}{errors}");
        output
    }

    /// A command that must fail, and its complaint.
    pub(crate) fn fails(&self, words: &[&str]) -> String {
        let (good, output, errors) = self.run(words);
        assert!(!good, "{words:?} succeeded: {output}{errors}");
        errors
    }

    pub(crate) fn state(&self, id: &str) -> Value {
        serde_json::from_str(&self.ok(&["state", id])).unwrap()
    }

    pub(crate) fn status(&self, id: &str) -> String {
        self.state(id)["status"].as_str().unwrap().to_owned()
    }

    pub(crate) fn until(&self, id: &str, status: &str) {
        let limit = Instant::now() + Duration::from_secs(20);
        while self.status(id) != status {
            assert!(Instant::now() < limit, "{id} does not become {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        for id in self.run(&["list", "-q"]).1.lines() {
            self.run(&["delete", "--force", id]);
        }
    }
}
