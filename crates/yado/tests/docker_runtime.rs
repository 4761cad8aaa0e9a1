//! Docker's everyday commands with yado as the runtime and with runc, side by side: a real dockerd of its own, in a
//! folder of its own. Both must come to the same.
//!
//! Skipped, with the reason, where there is no dockerd or no right to start it.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

#[path = "../../yado-plugins/tests/support/dockerd.rs"]
mod dockerd;

use std::path::Path;
use std::time::{Duration, Instant};

use dockerd::Docker;

/// A daemon that knows yado as a runtime, and an image to run.
fn start() -> Option<Docker> {
    let configuration = serde_json::json!({
        "runtimes": { "yado": { "path": env!("CARGO_BIN_EXE_yado"), "runtimeArgs": ["runtime"] } }
    });
    match Docker::start(&configuration) {
        Ok(docker) => {
            let commands = ["sh", "sleep", "cat", "tty", "id", "touch", "test", "echo", "pwd", "true"];
            docker.import_busybox("box", &commands, "");
            Some(docker)
        }
        Err(reason) => {
            dockerd::skipped::for_want_of_a_peer("docker_runtime", &reason);
            None
        }
    }
}

impl Docker {
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

/// The limit that the kernel has for a container, in whichever layout.
fn memory_limit(id: &str) -> Option<String> {
    ["memory/docker/ID/memory.limit_in_bytes", "docker/ID/memory.max"].iter().find_map(|place| {
        let path = Path::new("/sys/fs/cgroup").join(place.replace("ID", id));
        std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
    })
}

#[test]
fn dockers_everyday_commands_work() {
    let Some(docker) = start() else { return };
    for runtime in ["yado", "runc"] {
        one_command(&docker, runtime);
        one_day(&docker, runtime);
        mistakes(&docker, runtime);
    }
}

fn one_command(docker: &Docker, runtime: &str) {
    let run = |options: &[&str], line: &str| {
        let words = [&["run", "--rm", "--runtime", runtime], options, &["box", "sh", "-c", line]].concat();
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
    let output = docker.try_run(&["run", "--rm", "--runtime", runtime, "box", "sh", "-c", "exit 42"]);
    assert_eq!(output.status.code(), Some(42));
    let line = "docker run --rm -it --runtime RUNTIME box sh -c 'tty; echo shown > /dev/console'";
    let shown = docker.on_terminal(&line.replace("RUNTIME", runtime));
    assert!(shown.contains("/dev/pts/0") && shown.contains("shown"), "{shown}");
}

fn one_day(docker: &Docker, runtime: &str) {
    let line = "trap 'echo bye; exit 7' TERM; echo started; touch /tmp/ok; while :; do sleep 0.1; done";
    let id = docker.run(&[
        "run",
        "-d",
        "--name",
        "web",
        "--runtime",
        runtime,
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
fn mistakes(docker: &Docker, runtime: &str) {
    let code =
        |program: &str| docker.try_run(&["run", "--rm", "--runtime", runtime, "box", program]).status.code();
    assert_eq!(code("no-such-program"), Some(127));
    assert_eq!(code("/etc"), Some(126));
}
