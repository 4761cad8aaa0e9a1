//! Docker's everyday commands with yado as the runtime: a real dockerd of its own, in a folder of its own.
//!
//! Skipped, with the reason, where there is no dockerd or no right to start it.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A Docker daemon that knows yado as a runtime.
struct Docker {
    folder: tempfile::TempDir,
    daemon: Child,
}

fn there(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join(program).is_file())
}

impl Docker {
    /// `None` when something that is needed is missing.
    fn start() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: a Docker daemon needs root");
            return None;
        }
        for program in ["dockerd", "docker", "busybox", "tar", "script"] {
            if !there(program) {
                eprintln!("skipped: there is no {program}");
                return None;
            }
        }
        let folder = tempfile::Builder::new().prefix("yado-docker-").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let runtimes = serde_json::json!({
            "runtimes": { "yado": { "path": env!("CARGO_BIN_EXE_yado"), "runtimeArgs": ["runtime"] } }
        });
        std::fs::write(path("daemon.json"), runtimes.to_string()).unwrap();
        let log = std::fs::File::create(path("log")).unwrap();
        let daemon = Command::new("dockerd")
            .args([
                "--config-file",
                &path("daemon.json"),
                "--iptables=false",
                "--ip6tables=false",
                "--bridge=none",
            ])
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
        docker.import_busybox();
        Some(docker)
    }

    fn import_busybox(&self) {
        let root = self.folder.path().join("root");
        for name in ["bin", "etc", "proc", "sys", "dev", "tmp"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        std::fs::copy("/usr/bin/busybox", root.join("bin/busybox")).unwrap();
        for name in ["sh", "sleep", "cat", "tty", "id", "touch", "test", "echo", "pwd", "true"] {
            symlink("busybox", root.join("bin").join(name)).unwrap();
        }
        let archive = self.folder.path().join("root.tar");
        let made =
            Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&archive).arg(".").status().unwrap();
        assert!(made.success());
        self.run(&["import", archive.to_str().unwrap(), "box"]);
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DOCKER_HOST", format!("unix://{}", self.folder.path().join("socket").display()));
        command.stdin(Stdio::null());
        command
    }

    fn try_run(&self, words: &[&str]) -> Output {
        self.command("timeout").args(["-k", "5", "60", "docker"]).args(words).output().unwrap()
    }

    /// Runs a command that must succeed; its output without the last line end.
    fn run(&self, words: &[&str]) -> String {
        let output = self.try_run(words);
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {words:?}: {errors}\n{log}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs a command on a terminal, as somebody at one would. It stays in the foreground: `timeout` would otherwise
    /// move it to a process group of its own, where it may not touch the terminal and waits for ever.
    fn on_terminal(&self, line: &str) -> String {
        let output = self
            .command("script")
            .args(["-qec", &format!("timeout --foreground -k 5 60 {line}"), "/dev/null"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until a command's output contains these words.
    fn until(&self, words: &[&str], wanted: &str) {
        let limit = Instant::now() + Duration::from_secs(30);
        loop {
            let seen = self.run(words);
            if seen.contains(wanted) {
                return;
            }
            assert!(Instant::now() < limit, "docker {words:?}: {seen}");
            std::thread::sleep(Duration::from_millis(100));
        }
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
        for hierarchy in std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            // Fails where somebody else's containers are, or where there is none.
            drop(std::fs::remove_dir(hierarchy.path().join("docker")));
        }
        drop(std::fs::remove_dir("/sys/fs/cgroup/docker"));
    }
}

/// The limit that the kernel has for a container, in whichever layout.
fn memory_limit(id: &str) -> Option<String> {
    ["memory/docker/ID/memory.limit_in_bytes", "docker/ID/memory.max"].iter().find_map(|place| {
        let path = Path::new("/sys/fs/cgroup").join(place.replace("ID", id));
        std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
    })
}

#[test]
fn dockers_everyday_commands_work() {
    let Some(docker) = Docker::start() else { return };
    one_command(&docker);
    one_day(&docker);
    mistakes(&docker);
}

fn one_command(docker: &Docker) {
    let run = |options: &[&str], line: &str| {
        let words = [&["run", "--rm", "--runtime", "yado"], options, &["box", "sh", "-c", line]].concat();
        docker.run(&words)
    };
    assert_eq!(run(&[], "echo out; id"), "out\nuid=0 gid=0 groups=0");
    assert_eq!(run(&["--user", "1000:7", "--group-add", "8"], "id"), "uid=1000 gid=7 groups=7,8");
    assert_eq!(run(&["-w", "/made/up", "-e", "WORD=yes"], "pwd; echo $WORD"), "/made/up\nyes");
    assert_eq!(run(&["--hostname", "named"], "cat /etc/hostname"), "named");
    assert_eq!(run(&["--ulimit", "nofile=77"], "ulimit -n"), "77");
    assert_eq!(
        run(&["--read-only", "--tmpfs", "/x"], "touch /x/y && ! touch /z 2>/dev/null && echo good"),
        "good"
    );
    assert_eq!(run(&["--user", "1000"], "echo again > /dev/stderr && echo good > /dev/stdout"), "good");
    let output = docker.try_run(&["run", "--rm", "--runtime", "yado", "box", "sh", "-c", "exit 42"]);
    assert_eq!(output.status.code(), Some(42));
    let shown =
        docker.on_terminal("docker run --rm -it --runtime yado box sh -c 'tty; echo shown > /dev/console'");
    assert!(shown.contains("/dev/pts/0") && shown.contains("shown"), "{shown}");
}

fn one_day(docker: &Docker) {
    let line = "trap 'echo bye; exit 7' TERM; echo started; touch /tmp/ok; while :; do sleep 0.1; done";
    let id = docker.run(&[
        "run",
        "-d",
        "--name",
        "web",
        "--runtime",
        "yado",
        "--memory",
        "64m",
        "--memory-swap",
        "64m",
        "--pids-limit",
        "50",
        "--health-cmd",
        "test -e /tmp/ok",
        "--health-interval",
        "1s",
        "box",
        "sh",
        "-c",
        line,
    ]);
    docker.until(&["logs", "web"], "started");
    docker.until(&["inspect", "-f", "{{.State.Health.Status}}", "web"], "healthy");
    assert_eq!(memory_limit(&id).as_deref(), Some("67108864"));
    assert_eq!(docker.run(&["exec", "web", "cat", "/proc/1/comm"]), "sh");
    assert_eq!(docker.run(&["exec", "-u", "5", "-e", "A=b", "web", "sh", "-c", "echo $A; id -u"]), "b\n5");
    assert_eq!(docker.try_run(&["exec", "web", "sh", "-c", "exit 9"]).status.code(), Some(9));
    let shown = docker.on_terminal("docker exec -it web sh -c 'tty; echo $TERM'");
    assert!(shown.contains("/dev/pts/") && shown.contains("xterm"), "{shown}");
    let stats = docker.run(&["stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", "web"]);
    assert!(stats.contains("/ 64MiB") && !stats.ends_with(" 0"), "{stats}");
    assert!(docker.run(&["top", "web"]).contains("trap"));
    docker.run(&["pause", "web"]);
    docker.until(&["ps", "--format", "{{.Status}}"], "(Paused)");
    docker.run(&["unpause", "web"]);
    docker.run(&["update", "--memory", "128m", "--memory-swap", "128m", "web"]);
    assert_eq!(memory_limit(&id).as_deref(), Some("134217728"));
    docker.run(&["stop", "web"]);
    assert_eq!(docker.run(&["inspect", "-f", "{{.State.ExitCode}}", "web"]), "7");
    assert_eq!(docker.run(&["logs", "web"]), "started\nbye");
    docker.run(&["start", "web"]);
    docker.until(&["ps", "--format", "{{.Status}}"], "Up");
    docker.run(&["rm", "-f", "web"]);
    assert_eq!(memory_limit(&id), None);
}

/// Docker chooses its exit code by the runtime's words.
fn mistakes(docker: &Docker) {
    let code =
        |program: &str| docker.try_run(&["run", "--rm", "--runtime", "yado", "box", program]).status.code();
    assert_eq!(code("no-such-program"), Some(127));
    assert_eq!(code("/etc"), Some(126));
}
