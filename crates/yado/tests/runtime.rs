//! The OCI runtime's command line as its callers use it: lifecycle, errors, process fields, mounts, hooks, exec.
//!
//! Everything runs in bundles made of busybox. Skipped, with the reason, without root or busybox.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

#[path = "runtime/bundle.rs"]
mod bundle;
#[path = "runtime/callers.rs"]
mod callers;
#[path = "runtime/demands.rs"]
mod demands;
#[path = "runtime/escapes.rs"]
mod escapes;
#[path = "runtime/races.rs"]
mod races;
#[path = "../../yado-container/tests/support/skipped.rs"]
mod skipped;

use bundle::{Bundle, text};
use serde_json::{Value, json};

#[test]
fn a_container_goes_through_its_states() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.process(&["sleep", "1000"]);
    bundle.spec("annotations", json!({ "org.example.key": "value" }));
    let pid_file = bundle.path("pid");
    bundle.ok(&["create", "--pid-file", pid_file.to_str().unwrap(), "life"]);
    let state: Value = serde_json::from_str(&bundle.ok(&["state", "life"])).unwrap();
    assert_eq!(state["status"], "created");
    assert_eq!(state["id"], "life");
    assert_eq!(state["bundle"], bundle.path("").to_str().unwrap().trim_end_matches('/'));
    assert_eq!(state["annotations"]["org.example.key"], "value");
    assert_eq!(state["pid"].to_string(), std::fs::read_to_string(&pid_file).unwrap());
    assert!(bundle.fails(&["create", "life"]).contains("container with given ID already exists"));
    bundle.ok(&["start", "life"]);
    assert_eq!(bundle.status("life"), "running");
    assert!(bundle.fails(&["start", "life"]).contains("cannot start an already running container"));
    assert!(bundle.fails(&["delete", "life"]).contains("not stopped: running"));
    bundle.ok(&["pause", "life"]);
    assert_eq!(bundle.status("life"), "paused");
    assert!(bundle.fails(&["exec", "life", "true"]).contains("cannot exec in a paused container"));
    bundle.ok(&["resume", "life"]);
    assert!(bundle.fails(&["resume", "life"]).contains("not paused"));
    assert_eq!(bundle.ok(&["ps", "-f", "json", "life"]).trim(), format!("[{}]", state["pid"]));
    let listed: Value = serde_json::from_str(&bundle.ok(&["list", "-f", "json"])).unwrap();
    assert_eq!(listed[0]["id"], "life");
    assert!(bundle.ok(&["list"]).contains("running"));
    bundle.ok(&["kill", "life", "KILL"]);
    bundle.until("life", "stopped");
    assert!(bundle.fails(&["kill", "life", "TERM"]).contains("container not running"));
    assert!(bundle.fails(&["start", "life"]).contains("stopped"));
    assert!(bundle.fails(&["exec", "life", "true"]).contains("stopped container"));
    bundle.ok(&["delete", "life"]);
    for words in
        [["state", "life"], ["start", "life"], ["kill", "life"], ["delete", "life"], ["pause", "life"]]
    {
        assert!(bundle.fails(&words).contains("container \"life\" does not exist"), "{words:?}");
    }
    bundle.ok(&["delete", "--force", "life"]);
}

#[test]
fn what_cannot_be_made_is_refused_and_leaves_nothing() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.process(&["no-such-program"]);
    assert!(
        bundle.fails(&["create", "x"]).contains("\"no-such-program\": executable file not found in $PATH")
    );
    bundle.process(&["/etc"]);
    assert!(bundle.fails(&["run", "x"]).contains("permission denied"));
    bundle.process(&["true"]);
    assert!(bundle.fails(&["create", "../x"]).contains("id"));
    assert!(bundle.fails(&["create", "-b", "/no/such/bundle", "x"]).contains("/no/such/bundle"));
    bundle.spec("linux/seccomp", json!({ "defaultAction": "SCMP_ACT_NOTIFY" }));
    assert!(bundle.fails(&["create", "x"]).contains("SCMP_ACT_NOTIFY"));
    bundle.spec("linux/seccomp", Value::Null);
    bundle.spec("ociVersion", json!("9.0.0"));
    assert!(bundle.fails(&["create", "x"]).contains("9.0.0"));
    std::fs::write(bundle.path("config.json"), "{").unwrap();
    assert!(bundle.fails(&["create", "x"]).contains("not a specification"));
    std::fs::remove_file(bundle.path("config.json")).unwrap();
    assert!(bundle.fails(&["create", "x"]).contains("config.json"));
    assert_eq!(bundle.ok(&["list", "-q"]), "");
}

#[test]
fn the_last_error_stands_in_the_log_for_callers() {
    let Some(bundle) = Bundle::new() else { return };
    let log = bundle.path("log");
    let output = bundle
        .runtime()
        .args(["--log", log.to_str().unwrap(), "--log-format", "json", "state", "x"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line: Value = serde_json::from_str(std::fs::read_to_string(&log).unwrap().trim()).unwrap();
    assert_eq!(line["level"], "error");
    assert!(line["msg"].as_str().unwrap().contains("does not exist"));
    assert!(line["time"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn the_process_is_as_the_document_says() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.process(&[
        "sh",
        "-c",
        "id; umask; pwd; echo $WORD; ulimit -n; cat /proc/self/oom_score_adj; grep -E 'CapEff|CapBnd|NoNewPrivs' \
         /proc/self/status; hostname; exit 5",
    ]);
    bundle.spec("process/user", json!({ "uid": 1000, "gid": 50, "umask": 0o027, "additionalGids": [7, 8] }));
    bundle.spec("process/cwd", json!("/made/here"));
    bundle.spec("root/readonly", json!(false));
    bundle.spec("process/env", json!(["PATH=/bin", "WORD=said"]));
    bundle.spec("process/rlimits", json!([{ "type": "RLIMIT_NOFILE", "soft": 66, "hard": 77 }]));
    bundle.spec("process/oomScoreAdj", json!(321));
    bundle.spec("hostname", json!("named"));
    let chown = json!(["CAP_CHOWN"]);
    bundle.spec("process/capabilities", json!({ "bounding": chown, "permitted": chown, "effective": chown }));
    let output = bundle.runtime().args(["run", "yado-test"]).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    assert_eq!(
        text(&output.stdout),
        "uid=1000 gid=50 groups=7,8\n0027\n/made/here\nsaid\n66\n321\nCapEff:\t0000000000000000\n\
         CapBnd:\t0000000000000001\nNoNewPrivs:\t1\nnamed\n"
    );
}

#[test]
fn mounts_masks_and_parameters_hold() {
    let Some(bundle) = Bundle::new() else { return };
    std::fs::create_dir(bundle.path("data")).unwrap();
    std::fs::write(bundle.path("data/file"), "shared").unwrap();
    bundle.push(
        "mounts",
        json!({ "destination": "/d", "type": "bind", "source": "data", "options": ["rbind", "ro"] }),
    );
    bundle.push("mounts", json!({ "destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k", "mode=700"] }));
    bundle.spec("linux/sysctl", json!({ "net.ipv4.ip_forward": "1" }));
    bundle.spec("linux/maskedPaths", json!(["/proc/kcore", "/sys/firmware", "/no/such/path"]));
    bundle.spec("linux/readonlyPaths", json!(["/proc/sys"]));
    bundle.spec(
        "linux/devices",
        json!([{ "path": "/dev/made", "type": "c", "major": 1, "minor": 5, "fileMode": 432 }]),
    );
    bundle.process(&[
        "sh",
        "-c",
        "cat /d/file; echo; touch /d/x 2>&1; stat -c %a /t; cat /proc/sys/net/ipv4/ip_forward; head -c 1 /proc/kcore | \
         wc -c; echo 1 2>/dev/null > /proc/sys/kernel/domainname || echo kept; touch /z 2>&1; stat -c '%a %t %T' \
         /dev/made; readlink /dev/fd; echo x > /dev/null && echo null",
    ]);
    let seen = bundle.ok(&["run", "yado-test"]);
    assert_eq!(
        seen,
        "shared\ntouch: /d/x: Read-only file system\n700\n1\n0\nkept\ntouch: /z: Read-only file system\n660 1 5\n\
         /proc/self/fd\nnull\n"
    );
}

#[test]
fn clocks_of_a_time_namespace_are_set() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.push("linux/namespaces", json!({ "type": "time" }));
    bundle.spec("linux/timeOffsets", json!({ "boottime": { "secs": 100_000_000 } }));
    bundle.process(&["cat", "/proc/uptime"]);
    let uptime: f64 = bundle.ok(&["run", "yado-test"]).split(' ').next().unwrap().parse().unwrap();
    assert!(uptime > 1e8, "{uptime}");
}

#[test]
fn hooks_run_in_their_order_and_a_failure_ends_it() {
    let Some(bundle) = Bundle::new() else { return };
    let note = bundle.path("note");
    let hook = |word: &str| {
        let line = format!("grep -o '\"status\":\"[a-z]*\"' | sed 's/^/{word} /' >> {}", note.display());
        json!([{ "path": "/bin/sh", "args": ["sh", "-c", line], "env": ["PATH=/usr/bin:/bin"] }])
    };
    bundle.spec(
        "hooks",
        json!({ "prestart": hook("prestart"), "createRuntime": hook("createRuntime"),
            "createContainer": hook("createContainer"), "poststart": hook("poststart"), "poststop": hook("poststop"),
            "startContainer": [{ "path": "/bin/touch", "args": ["touch", "/tmp/by-hook"] }] }),
    );
    bundle.spec("root/readonly", json!(false));
    bundle.process(&["sh", "-c", "test -e /tmp/by-hook"]);
    bundle.ok(&["create", "yado-test"]);
    let words = || std::fs::read_to_string(&note).unwrap().replace("\"status\":", "").replace('"', "");
    assert_eq!(words(), "prestart created\ncreateRuntime creating\ncreateContainer creating\n");
    bundle.ok(&["start", "yado-test"]);
    bundle.until("yado-test", "stopped");
    bundle.ok(&["delete", "yado-test"]);
    assert!(
        words().ends_with("createContainer creating\npoststart running\npoststop stopped\n"),
        "{}",
        words()
    );
    bundle.spec("hooks", json!({ "createRuntime": [{ "path": "/bin/false" }] }));
    assert!(bundle.fails(&["create", "yado-test"]).contains("/bin/false"));
    bundle.spec("hooks", json!({ "startContainer": [{ "path": "/bin/false" }] }));
    bundle.ok(&["create", "yado-test"]);
    assert!(bundle.fails(&["start", "yado-test"]).contains("/bin/false"));
    bundle.until("yado-test", "stopped");
}

#[test]
fn further_processes_are_run_as_asked() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "--detach", "yado-test"]);
    let words = [
        "exec",
        "-e",
        "A=b",
        "--cwd",
        "/tmp",
        "--user",
        "5:6",
        "-g",
        "9",
        "yado-test",
        "sh",
        "-c",
        "echo $A; pwd; id",
    ];
    assert_eq!(bundle.ok(&words), "b\n/tmp\nuid=5 gid=6 groups=9\n");
    assert_eq!(
        bundle.runtime().args(["exec", "yado-test", "sh", "-c", "exit 9"]).output().unwrap().status.code(),
        Some(9)
    );
    assert!(
        bundle.fails(&["exec", "yado-test", "no-such"]).contains("\"no-such\": executable file not found")
    );
    let process = json!({ "args": ["id", "-u"], "cwd": "/", "user": { "uid": 44 }, "env": ["PATH=/bin"] });
    std::fs::write(bundle.path("process.json"), process.to_string()).unwrap();
    let file = bundle.path("process.json");
    assert_eq!(bundle.ok(&["exec", "--process", file.to_str().unwrap(), "yado-test"]), "44\n");
    let pid_file = bundle.path("exec-pid");
    bundle.ok(&["exec", "-d", "--pid-file", pid_file.to_str().unwrap(), "yado-test", "sleep", "99"]);
    let pid = std::fs::read_to_string(pid_file).unwrap();
    assert!(std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap().contains("99"));
    bundle.ok(&["update", "--memory", "64m", "--pids-limit", "20", "yado-test"]);
    assert!(bundle.ok(&["exec", "yado-test", "cat", "/proc/self/cgroup"]).contains("yado-test"));
}

#[test]
fn the_terminals_master_side_comes_over_the_socket() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.process(&["sh", "-c", "tty; stty -F /dev/console size; read line; echo got $line"]);
    bundle.spec("process/terminal", json!(true));
    bundle.spec("process/consoleSize", json!({ "height": 33, "width": 99 }));
    let path = bundle.path("console");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    bundle.ok(&["create", "--console-socket", path.to_str().unwrap(), "yado-test"]);
    let (socket, _) = listener.accept().unwrap();
    let master = yado_container::receive_console(std::os::fd::AsFd::as_fd(&socket)).unwrap();
    let mut master = std::fs::File::from(master);
    bundle.ok(&["start", "yado-test"]);
    std::io::Write::write_all(&mut master, b"words\n").unwrap();
    let mut seen = String::new();
    // The end of a terminal is an error.
    drop(std::io::Read::read_to_string(&mut master, &mut seen));
    for wanted in ["/dev/pts/0", "33 99", "got words"] {
        assert!(seen.contains(wanted), "{seen}");
    }
}

#[test]
fn callers_learn_what_the_runtime_can_do() {
    let Some(bundle) = Bundle::new() else { return };
    let features: Value = serde_json::from_str(&bundle.ok(&["features"])).unwrap();
    assert_eq!(features["ociVersionMax"], "1.3.0");
    assert!(features["mountOptions"].as_array().unwrap().contains(&json!("rbind")));
    assert!(bundle.ok(&["--version"]).contains("spec: 1.3.0"));
}

/// What `spec` writes is closed without a change: as Docker's containers are, and with a user namespace where asked for.
#[test]
fn a_document_to_start_from_is_closed() {
    let Some(bundle) = Bundle::new() else { return };
    let fresh = |words: &[&str]| {
        std::fs::remove_file(bundle.path("config.json")).unwrap();
        bundle.ok(words);
        let text = std::fs::read_to_string(bundle.path("config.json")).unwrap();
        bundle.spec("process/terminal", json!(false));
        bundle.spec("root/readonly", json!(false));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let spec = fresh(&["spec"]);
    assert_eq!(spec["root"]["path"], "rootfs");
    let rules = &spec["linux"]["resources"]["devices"];
    assert_eq!((&rules[0]["allow"], &rules[0]["access"]), (&json!(false), &json!("rwm")));
    let line = "touch /made/file; stat -c %u /bin /made/file; head -c 1 /proc/keys | wc -c; \
        grep -E 'NoNewPrivs|Seccomp:|CapBnd' /proc/self/status; mount -t tmpfs t /tmp 2>/dev/null && echo mounted; \
        echo x > /dev/null && head -c 3 /dev/zero | wc -c; \
        mknod /made/memory c 1 1 2>/dev/null && head -c 1 /made/memory 2>/dev/null | wc -c; echo end";
    bundle.process(&["sh", "-c", line]);
    let rights = "CapBnd:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2\n";
    assert_eq!(bundle.ok(&["run", "yado-test"]), format!("0\n0\n0\n{rights}3\n0\nend\n"));
    fresh(&["spec", "--rootless"]);
    bundle.process(&[
        "sh",
        "-c",
        "readlink /proc/self/ns/user; mknod /made/other c 1 1 2>/dev/null; echo $?",
    ]);
    let seen = bundle.ok(&["run", "yado-test"]);
    let (namespace, rest) = seen.split_once('\n').unwrap();
    assert_ne!(namespace, std::fs::read_link("/proc/self/ns/user").unwrap().to_str().unwrap());
    assert_eq!(rest, "1\n");
}
