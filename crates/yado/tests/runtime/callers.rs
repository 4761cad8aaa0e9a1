//! What callers of other runtimes count on, beyond what the specification demands.

use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::bundle::{Bundle, text};

#[test]
fn the_last_word_about_a_variable_counts_and_everybody_has_a_home() {
    let Some(bundle) = Bundle::new() else { return };
    std::fs::write(bundle.path("rootfs/etc/passwd"), "root:x:0:0::/root:\nweb:x:33:33::/var/www:\n").unwrap();
    bundle.spec("process/env", json!(["PATH=/nowhere", "ONE=two", "HOME=", "PATH=/bin", "ONE=three"]));
    bundle.process(&["env"]);
    assert_eq!(bundle.ok(&["run", "yado-test"]), "PATH=/bin\nONE=three\nHOME=/root\n");
    bundle.spec("process/user", json!({ "uid": 33, "gid": 7 }));
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "yado-test"]);
    let line = "echo $HOME $ONE; id -g";
    assert_eq!(bundle.ok(&["exec", "-e", "ONE=four", "yado-test", "sh", "-c", line]), "/var/www four\n7\n");
    // Who has no home in the list is at home in the root; a user without a group keeps the container's.
    assert_eq!(bundle.ok(&["exec", "--user", "5", "yado-test", "sh", "-c", line]), "/ three\n7\n");
}

#[test]
fn capabilities_that_there_are_not_are_warned_of() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.spec("process/capabilities", json!({ "bounding": ["CAP_LUCK", "CAP_KILL"] }));
    let output = bundle.runtime().args(["run", "yado-test"]).output().unwrap();
    assert!(output.status.success() && text(&output.stderr).contains("CAP_LUCK"), "{output:?}");
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "yado-test"]);
    let words = [
        "exec",
        "--cap",
        "CAP_LUCK",
        "--cap",
        "CAP_CHOWN",
        "yado-test",
        "grep",
        "CapBnd",
        "/proc/self/status",
    ];
    assert_eq!(bundle.ok(&words), "CapBnd:\t0000000000000021\n");
    // A process file that says nothing about rights does not give them up.
    let file = bundle.path("process.json");
    let process =
        json!({ "args": ["grep", "CapBnd", "/proc/self/status"], "cwd": "/", "env": ["PATH=/bin"] });
    std::fs::write(&file, process.to_string()).unwrap();
    assert_eq!(
        bundle.ok(&["exec", "--process", file.to_str().unwrap(), "yado-test"]),
        "CapBnd:\t0000000000000020\n"
    );
}

/// The code of a command that could not be run is one that programs hardly end with themselves.
#[test]
fn commands_that_cannot_be_run_are_told_from_those_that_failed() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "yado-test"]);
    let code = |words: &[&str]| bundle.runtime().args(words).output().unwrap().status.code();
    assert_eq!(code(&["exec", "yado-test", "false"]), Some(1));
    assert_eq!(code(&["exec", "yado-test", "no-such-program"]), Some(255));
    bundle.ok(&["pause", "yado-test"]);
    assert_eq!(code(&["exec", "yado-test", "true"]), Some(255));
    // Or it waits until somebody lets the container go on.
    let mut waiting =
        bundle.runtime().args(["exec", "--ignore-paused", "yado-test", "true"]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(waiting.try_wait().unwrap().is_none());
    bundle.ok(&["resume", "yado-test"]);
    assert!(waiting.wait().unwrap().success());
}

/// Up to version 1.2 the specification lets a container live whose poststart hook fails; since then not.
#[test]
fn poststart_hooks_end_a_container_by_the_newer_rules_only() {
    let Some(bundle) = Bundle::new() else { return };
    let note = bundle.path("note");
    let hook =
        |line: &str| json!({ "path": "/bin/sh", "args": ["sh", "-c", line], "env": ["PATH=/usr/bin:/bin"] });
    let write = |word: &str| hook(&format!("echo {word} >> {}", note.display()));
    bundle.spec(
        "hooks",
        json!({ "poststart": [write("first"), hook("exit 1"), write("third")], "poststop": [write("stopped")] }),
    );
    bundle.process(&["sleep", "1000"]);
    bundle.spec("ociVersion", json!("1.2.1"));
    bundle.ok(&["create", "yado-test"]);
    bundle.ok(&["start", "yado-test"]);
    assert_eq!(bundle.status("yado-test"), "running");
    bundle.ok(&["delete", "-f", "yado-test"]);
    assert_eq!(std::fs::read_to_string(&note).unwrap(), "first\nthird\nstopped\n");
    bundle.spec("ociVersion", json!("1.3.0"));
    for words in [["run", "-d", "yado-test"], ["create", "yado-test", ""]] {
        std::fs::remove_file(&note).unwrap();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let complaint = if words[0] == "run" {
            bundle.fails(&words)
        } else {
            bundle.ok(&words);
            bundle.fails(&["start", "yado-test"])
        };
        assert!(complaint.contains("error running poststart hook #1"), "{complaint}");
        bundle.fails(&["state", "yado-test"]);
        assert_eq!(std::fs::read_to_string(&note).unwrap(), "first\nstopped\n");
    }
}

/// Without a PID namespace of its own the kernel does not end a container with its first process.
#[test]
fn killing_a_container_among_the_hosts_processes_kills_all_of_it() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.spec("linux/namespaces", json!([{ "type": "mount" }, { "type": "uts" }, { "type": "ipc" }]));
    bundle.spec("linux/sysctl", Value::Null);
    bundle.process(&["sleep", "1000"]);
    for first_is_gone in [false, true] {
        bundle.ok(&["run", "-d", "yado-test"]);
        let pid_file = bundle.path("pid");
        bundle.ok(&["exec", "-d", "--pid-file", pid_file.to_str().unwrap(), "yado-test", "sleep", "1000"]);
        let other = format!("/proc/{}/stat", std::fs::read_to_string(&pid_file).unwrap());
        if first_is_gone {
            let pid =
                rustix::process::Pid::from_raw(bundle.state("yado-test")["pid"].as_i64().unwrap() as i32);
            rustix::process::kill_process(pid.unwrap(), rustix::process::Signal::KILL).unwrap();
            bundle.until("yado-test", "stopped");
        }
        bundle.ok(&["kill", "yado-test", "KILL"]);
        bundle.until("yado-test", "stopped");
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while std::fs::read_to_string(&other).is_ok_and(|text| !text.contains(") Z")) {
            assert!(std::time::Instant::now() < limit, "the second process lives on");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        bundle.ok(&["delete", "yado-test"]);
    }
}

#[test]
fn what_a_container_uses_is_told_until_it_ends() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "yado-test"]);
    let once = bundle.ok(&["events", "--stats", "yado-test"]);
    assert!(once.starts_with("{\"type\":\"stats\",\"id\":\"yado-test\",\"data\":{"), "{once}");
    let told: Value = serde_json::from_str(&once).unwrap();
    assert_eq!(told["data"]["pids"]["current"], 1);
    assert!(told["data"]["memory"]["usage"]["usage"].as_u64().is_some_and(|bytes| bytes > 0), "{once}");
    let mut command = bundle.runtime();
    command.args(["events", "--interval", "20ms", "yado-test"]).stdout(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        assert!(lines.next().unwrap().unwrap().contains("\"stats\""));
    }
    bundle.ok(&["kill", "yado-test", "KILL"]);
    assert!(running.wait().unwrap().success());
    assert!(bundle.fails(&["events", "--stats", "yado-test"]).contains("not running"));
}

/// Listed states have their properties in the order in which programs look for them.
#[test]
fn containers_are_listed_as_other_runtimes_list_them() {
    let Some(bundle) = Bundle::new() else { return };
    std::fs::rename(bundle.path("config.json"), bundle.path("other.json")).unwrap();
    bundle.ok(&["--cgroup-manager", "cgroupfs", "create", "--config", "other.json", "yado-test"]);
    let listed = bundle.ok(&["list", "-f", "json"]);
    let places: Vec<usize> = ["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created"]
        .map(|name| listed.find(&format!("\"{name}\":")).unwrap())
        .to_vec();
    assert!(places.is_sorted(), "{listed}");
    assert!(
        bundle
            .fails(&["checkpoint", "--image-path", "x", "yado-test"])
            .contains("checkpoint is not supported")
    );
    assert!(bundle.fails(&["restore", "yado-test"]).contains("restore is not supported"));
}

#[test]
fn a_cgroup_that_is_used_or_frozen_is_refused() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.spec("linux/cgroupsPath", json!(format!("/yado-test-{}", std::process::id())));
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "yado-test"]);
    assert!(bundle.fails(&["run", "-d", "second"]).contains("cgroup is not empty: 1 process"));
    assert_eq!(bundle.status("yado-test"), "running");
    bundle.ok(&["delete", "-f", "yado-test"]);
    assert_eq!(bundle.ok(&["list", "-q"]), "");
}

/// A command can be put into a cgroup of its own beneath the container's, which must be there.
#[test]
fn commands_run_in_the_cgroup_beneath_that_was_named() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.spec("linux/resources", json!({ "pids": { "limit": 50 } }));
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "yado-test"]);
    let words =
        ["exec", "--cgroup", "pids:inner", "yado-test", "grep", "-c", "pids:.*/inner$", "/proc/self/cgroup"];
    assert!(bundle.fails(&words).contains("cgroup 'pids:inner'"));
    let pid = bundle.state("yado-test")["pid"].to_string();
    let own = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let Some(path) = own.lines().find_map(|line| line.split_once(":pids:").map(|(_, path)| path)) else {
        // With v2 alone the container's only cgroup is meant by the path alone.
        return;
    };
    let inner = std::path::Path::new("/sys/fs/cgroup/pids").join(path.trim_start_matches('/')).join("inner");
    std::fs::create_dir(&inner).unwrap();
    assert_eq!(bundle.ok(&words), "1\n");
    assert!(bundle.fails(&["exec", "--cgroup", "../..", "yado-test", "true"]).contains("leads out"));
}

#[test]
fn file_systems_in_memory_are_as_open_as_what_they_cover() {
    let Some(bundle) = Bundle::new() else { return };
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(bundle.path("rootfs/t"), std::fs::Permissions::from_mode(0o1710)).unwrap();
    bundle.push("mounts", json!({ "destination": "/t", "type": "tmpfs", "source": "tmpfs" }));
    bundle.push("mounts", json!({ "destination": "/d", "type": "tmpfs", "options": ["mode=0741"] }));
    // A device that there is in any case may be named all the same.
    bundle.spec("linux/devices", json!([{ "path": "/dev/ptmx", "type": "c", "major": 5, "minor": 2 }]));
    bundle.process(&["sh", "-c", "stat -c %a /t /d; stat -L -c '%t %T' /dev/ptmx"]);
    assert_eq!(bundle.ok(&["run", "yado-test"]), "1710\n741\n5 2\n");
}

#[test]
fn sockets_of_a_service_are_handed_on() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.process(&["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES; cat <&3"]);
    std::fs::write(bundle.path("word"), "passed\n").unwrap();
    let runtime = bundle.runtime();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "exec \"$@\" 3< word", "sh"]).arg(runtime.get_program()).args(runtime.get_args());
    command.args(["run", "yado-test"]).current_dir(bundle.path("")).stdin(Stdio::null());
    let output = command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", "web").output().unwrap();
    assert_eq!(text(&output.stdout), "1 1 web\npassed\n", "{output:?}");
    // They are somebody else's when another process is named.
    bundle.process(&["sh", "-c", "echo got $LISTEN_FDS"]);
    let output = command.env("LISTEN_PID", "1").output().unwrap();
    assert_eq!(text(&output.stdout), "got\n", "{output:?}");
}

#[test]
fn descriptors_for_processes_are_handed_out() {
    let Some(bundle) = Bundle::new() else { return };
    let path = bundle.path("socket");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let receive = || yado_container::receive_console(listener.accept().unwrap().0.as_fd()).unwrap();
    let socket = path.to_str().unwrap();
    let kill = |pidfd| {
        rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::KILL).unwrap();
    };
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "--pidfd-socket", socket, "yado-test"]);
    let first = receive();
    let pid_file = bundle.path("pid");
    let words =
        ["exec", "-d", "--pidfd-socket", socket, "--pid-file", pid_file.to_str().unwrap(), "yado-test"];
    bundle.ok(&[&words[..], &["sleep", "1000"]].concat());
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    assert!(std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains("(sleep)"));
    kill(receive());
    assert_eq!(bundle.status("yado-test"), "running");
    kill(first);
    bundle.until("yado-test", "stopped");
}

#[test]
fn a_user_namespace_without_mappings_has_the_caller_as_its_root() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.push("linux/namespaces", json!({ "type": "user" }));
    // Terminals of a group that there is not.
    let text = std::fs::read_to_string(bundle.path("config.json")).unwrap().replace(",\"gid=5\"", "");
    std::fs::write(bundle.path("config.json"), text).unwrap();
    bundle.process(&["sh", "-c", "id -u; tr -s ' ' < /proc/self/uid_map"]);
    assert_eq!(bundle.ok(&["run", "yado-test"]), "0\n 0 0 1\n");
}

/// Whoever starts the runtime on some of the processors does not mean the container.
#[test]
fn containers_run_on_all_processors_of_their_cgroup() {
    let Some(bundle) = Bundle::new() else { return };
    let all = std::fs::read_to_string("/proc/self/status").unwrap();
    let all = all.lines().find(|line| line.starts_with("Cpus_allowed_list")).unwrap().to_owned() + "\n";
    let on_first = |words: &[&str]| {
        let runtime = bundle.runtime();
        let mut command = std::process::Command::new("taskset");
        command.args(["-c", "0"]).arg(runtime.get_program()).args(runtime.get_args()).args(words);
        let output = command.current_dir(bundle.path("")).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout)
    };
    let words = ["grep", "Cpus_allowed_list", "/proc/self/status"];
    bundle.process(&words);
    assert_eq!(on_first(&["run", "yado-test"]), all);
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "yado-test"]);
    assert_eq!(on_first(&[&["exec", "yado-test"][..], &words].concat()), all);
}

#[test]
fn memory_comes_from_the_nodes_that_were_named() {
    let Some(bundle) = Bundle::new() else { return };
    if !std::path::Path::new("/proc/self/numa_maps").exists() {
        crate::skipped::because("runtime", "this kernel does not tell from which nodes memory comes");
        return;
    }
    let line = "head -n 1 /proc/self/numa_maps | cut -d ' ' -f 2";
    bundle.spec("linux/memoryPolicy", json!({ "mode": "MPOL_INTERLEAVE", "nodes": "0" }));
    bundle.process(&["sh", "-c", line]);
    assert_eq!(bundle.ok(&["run", "yado-test"]), "interleave:0\n");
    bundle.spec(
        "linux/memoryPolicy",
        json!({ "mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"] }),
    );
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "yado-test"]);
    assert_eq!(bundle.ok(&["exec", "yado-test", "sh", "-c", line]), "bind=static:0\n");
    bundle.spec("linux/memoryPolicy", json!({ "mode": "MPOL_DEFAULT", "nodes": "0" }));
    assert!(bundle.fails(&["run", "second"]).contains("Invalid argument"));
}

/// In a network namespace of its own, which is the host for the runtime.
#[test]
fn network_devices_of_the_host_move_inside_with_their_addresses() {
    let Some(bundle) = Bundle::new() else { return };
    let run = |devices: Value| {
        bundle.spec("linux/netDevices", devices);
        let line = "ip link add one type veth peer name two && ip addr add 10.9.8.7/24 brd 10.9.8.250 dev one && \
            ip addr add fd00::7/64 dev one nodad && exec \"$@\"";
        let runtime = bundle.runtime();
        let mut command = std::process::Command::new("unshare");
        command.args(["--net", "sh", "-c", line, "sh"]).arg(runtime.get_program()).args(runtime.get_args());
        command.args(["run", "yado-test"]).current_dir(bundle.path("")).stdin(Stdio::null());
        command.output().unwrap()
    };
    bundle.process(&[
        "sh",
        "-c",
        "ip -o addr show dev inner; ip -o link | grep -c ': two@'; ip -o link show up | grep -c ': inner@'",
    ]);
    let output = run(json!({ "one": { "name": "inner" }, "two": {} }));
    let seen = text(&output.stdout);
    for wanted in ["10.9.8.7/24 brd 10.9.8.250 scope global inner", "fd00::7/64 scope global"] {
        assert!(seen.contains(wanted), "{output:?}");
    }
    assert!(seen.ends_with("1\n1\n"), "{output:?}");
    for (devices, complaint) in [
        (json!({ "three": {} }), "no such network device"),
        (json!({ "one": { "name": "lo" } }), "has an interface 'lo' already"),
    ] {
        let output = run(devices);
        assert!(!output.status.success() && text(&output.stderr).contains(complaint), "{output:?}");
    }
}
