//! A Docker daemon of a test's own, in a folder of its own, without a network.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub struct Daemon {
    folder: tempfile::TempDir,
    process: Child,
}

impl Daemon {
    /// `None` when something that is needed is missing; says so.
    pub fn start() -> Option<Self> {
        if !super::has_programs("a Docker daemon", &["dockerd", "docker"]) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("yado-docker-").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("daemon.json"), "{}").unwrap();
        let log = std::fs::File::create(path("log")).unwrap();
        let process = Command::new("dockerd")
            .args(["--config-file", &path("daemon.json"), "--iptables=false", "--ip6tables=false"])
            .args(["--bridge=none", "--data-root", &path("data"), "--exec-root", &path("run")])
            .args(["--pidfile", &path("pid"), "--host", &format!("unix://{}", path("socket"))])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let daemon = Self { folder, process };
        let limit = Instant::now() + Duration::from_secs(60);
        while !daemon.try_run(&["version"]).status.success() {
            assert!(Instant::now() < limit, "the daemon does not answer: {}", daemon.log());
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(daemon)
    }

    /// Where it listens, as `DOCKER_HOST` has it.
    pub fn address(&self) -> String {
        format!("unix://{}", self.folder.path().join("socket").display())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn try_run(&self, words: &[&str]) -> Output {
        Command::new("timeout")
            .args(["-k", "5", "60", "docker"])
            .args(words)
            .env("DOCKER_HOST", self.address())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs a command that must succeed; its output without the last line end.
    pub fn run(&self, words: &[&str]) -> String {
        let output = self.try_run(words);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {words:?}: {errors}\n{}", self.log());
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let listed = self.try_run(&["ps", "-aq"]).stdout;
        for id in String::from_utf8_lossy(&listed).lines() {
            self.try_run(&["rm", "-f", id]);
        }
        // It must end by itself, or its containerd outlives it.
        let pid = rustix::process::Pid::from_child(&self.process);
        if rustix::process::kill_process(pid, rustix::process::Signal::TERM).is_ok() {
            let limit = Instant::now() + Duration::from_secs(30);
            while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < limit {
                std::thread::sleep(Duration::from_millis(50));
            }
            drop(self.process.kill());
            drop(self.process.wait());
        }
    }
}
