//! Demands of the specification that take more than a document and an output to try.

use std::io::Read;
use std::os::fd::AsFd;

use serde_json::{Value, json};

use crate::bundle::Bundle;

#[test]
fn what_has_no_process_can_be_made_and_removed_but_not_started() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.spec("process", Value::Null);
    bundle.ok(&["create", "yado-test"]);
    assert!(bundle.fails(&["start", "yado-test"]).contains("process"));
    assert_eq!(bundle.status("yado-test"), "created");
    bundle.ok(&["kill", "yado-test", "KILL"]);
    bundle.until("yado-test", "stopped");
    bundle.ok(&["delete", "yado-test"]);
}

#[test]
fn what_was_made_and_never_started_is_removed_by_force_only() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.ok(&["create", "yado-test"]);
    assert!(bundle.fails(&["delete", "yado-test"]).contains("not stopped: created"));
    assert_eq!(bundle.status("yado-test"), "created");
    bundle.ok(&["delete", "--force", "yado-test"]);
    bundle.fails(&["state", "yado-test"]);
}

/// Mounts that are shared with the host are let go of with the container, and not on the host.
#[test]
fn shared_mounts_stay_on_the_host_when_the_container_ends() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.process(&["cat", "/shared/inner/word"]);
    let place = bundle.path("place");
    bundle.push(
        "mounts",
        json!({ "destination": "/shared", "source": place, "options": ["rbind", "rshared"] }),
    );
    let line = "mkdir -p $1 && mount -t tmpfs t $1 && mount --make-shared $1 && mkdir $1/inner && \
        mount -t tmpfs t $1/inner && echo there > $1/inner/word && shift && \"$@\" && cat place/inner/word";
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", line, "sh"]).arg(&place);
    let runtime = bundle.runtime();
    command.arg(runtime.get_program()).args(runtime.get_args()).args(["run", "yado-test"]);
    let output = command.current_dir(bundle.path("")).output().unwrap();
    assert_eq!(crate::bundle::text(&output.stdout), "there\nthere\n", "{output:?}");
}

#[test]
fn the_roots_propagation_is_as_the_document_says() {
    let Some(bundle) = Bundle::new() else { return };
    for (word, seen) in [("shared", "shared:\n"), ("unbindable", "unbindable\n"), ("private", "")] {
        bundle.spec("linux/rootfsPropagation", json!(word));
        bundle.process(&[
            "sh",
            "-c",
            "awk '$5 == \"/\"' /proc/self/mountinfo | grep -o 'shared:\\|unbindable\\|master:'; true",
        ]);
        assert_eq!(bundle.ok(&["run", "yado-test"]), seen, "{word}");
    }
    // A slave learns of what is mounted beneath the root directory on the host, if that is shared.
    bundle.spec("linux/rootfsPropagation", json!("slave"));
    let line = "mount --bind $1 $1 && mount --make-shared $1 && shift && exec \"$@\"";
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", line, "sh"]).arg(bundle.path("rootfs"));
    let runtime = bundle.runtime();
    command.arg(runtime.get_program()).args(runtime.get_args()).args(["run", "yado-test"]);
    let output = command.current_dir(bundle.path("")).output().unwrap();
    assert_eq!(crate::bundle::text(&output.stdout), "master:\n", "{output:?}");
    bundle.spec("linux/rootfsPropagation", json!("sideways"));
    assert!(bundle.fails(&["run", "yado-test"]).contains("sideways"));
}

#[test]
fn poststop_hooks_end_what_an_early_hook_forbade() {
    let Some(bundle) = Bundle::new() else { return };
    let note = bundle.path("note");
    let line = format!("grep -o '\"status\":\"[a-z]*\"' > {}", note.display());
    bundle.spec(
        "hooks",
        json!({ "createRuntime": [{ "path": "/bin/false" }],
            "poststop": [{ "path": "/bin/sh", "args": ["sh", "-c", line], "env": ["PATH=/usr/bin:/bin"] }] }),
    );
    bundle.fails(&["create", "yado-test"]);
    assert_eq!(std::fs::read_to_string(note).unwrap(), "\"status\":\"stopped\"\n");
}

#[test]
fn commands_run_on_the_processors_that_were_named() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "yado-test"]);
    let process = json!({ "args": ["grep", "Cpus_allowed_list", "/proc/self/status"], "cwd": "/",
        "env": ["PATH=/bin"], "execCPUAffinity": { "initial": "0", "final": "0" } });
    let file = bundle.path("process.json");
    std::fs::write(&file, process.to_string()).unwrap();
    let seen = bundle.ok(&["exec", "--process", file.to_str().unwrap(), "yado-test"]);
    assert_eq!(seen, "Cpus_allowed_list:\t0\n");
}

/// The descriptor comes with the container's state, and the program waits for whoever holds it: when it is closed, the
/// kernel says that nobody decides.
#[test]
fn calls_can_be_decided_by_a_program_on_the_host() {
    let Some(bundle) = Bundle::new() else { return };
    let path = bundle.path("listener");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    bundle.spec(
        "linux/seccomp",
        json!({ "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path, "listenerMetadata": "mine",
            "syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY" }] }),
    );
    bundle.process(&["sh", "-c", "mkdir /tmp/x 2>&1 | grep -o 'not implemented'"]);
    let agent = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let (descriptor, text) = receive(&mut socket);
        drop(descriptor);
        text
    });
    assert_eq!(bundle.ok(&["run", "yado-test"]), "not implemented\n");
    let told: Value = serde_json::from_str(&agent.join().unwrap()).unwrap();
    assert_eq!((&told["fds"], &told["metadata"]), (&json!(["seccompFd"]), &json!("mine")));
    assert_eq!(told["state"]["id"], "yado-test");
    assert!(told["pid"].as_i64().is_some_and(|pid| pid > 0));
}

/// A command's calls are decided by the same program, which is told of the command's own process.
#[test]
fn calls_of_commands_can_be_decided_as_well() {
    let Some(bundle) = Bundle::new() else { return };
    let path = bundle.path("listener");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    bundle.spec(
        "linux/seccomp",
        json!({ "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path,
            "syscalls": [{ "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY" }] }),
    );
    bundle.process(&["sleep", "1000"]);
    let agent = std::thread::spawn(move || {
        [(); 2].map(|()| {
            let (mut socket, _) = listener.accept().unwrap();
            receive(&mut socket).1
        })
    });
    bundle.ok(&["run", "-d", "yado-test"]);
    let words = ["exec", "yado-test", "sh", "-c", "mkdir /tmp/x 2>&1 | grep -o 'not implemented'"];
    assert_eq!(bundle.ok(&words), "not implemented\n");
    let [first, second] = agent.join().unwrap().map(|text| serde_json::from_str::<Value>(&text).unwrap());
    assert_eq!(first["pid"], first["state"]["pid"]);
    assert_ne!(second["pid"], second["state"]["pid"]);
    assert_eq!((&second["state"]["status"], &second["state"]["pid"]), (&json!("running"), &first["pid"]));
}

/// A descriptor and all of the text that comes with it.
fn receive(socket: &mut std::os::unix::net::UnixStream) -> (std::os::fd::OwnedFd, String) {
    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
    let mut text = vec![0; 4096];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let count = recvmsg(
        socket.as_fd(),
        &mut [std::io::IoSliceMut::new(&mut text)],
        &mut ancillary,
        RecvFlags::empty(),
    )
    .unwrap()
    .bytes;
    let descriptor = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    text.truncate(count);
    let mut text = String::from_utf8(text).unwrap();
    socket.read_to_string(&mut text).unwrap();
    (descriptor.unwrap(), text)
}

/// Kinds of namespaces that are not named are the runtime's, all of them: then the container's mounts lie on the host,
/// for as long as there is the container.
#[test]
fn without_namespaces_of_its_own_it_shares_the_runtimes_and_leaves_no_mount() {
    let Some(bundle) = Bundle::new() else { return };
    bundle.spec("linux/namespaces", json!([]));
    bundle.spec("hostname", Value::Null);
    bundle.spec("linux/sysctl", Value::Null);
    bundle.process(&["sleep", "1000"]);
    bundle.push("mounts", json!({ "destination": "/t", "source": "/dev", "options": ["rbind", "rshared"] }));
    bundle.ok(&["create", "yado-test"]);
    let pid = bundle.state("yado-test")["pid"].as_i64().unwrap();
    for kind in ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"] {
        let of = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/{kind}")).unwrap();
        assert_eq!(of(&pid.to_string()), of("self"), "{kind}");
    }
    let folder = bundle.path("").canonicalize().unwrap().display().to_string();
    let table = || std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounts = || table().lines().filter(|line| line.contains(&folder)).count();
    assert!(mounts() > 3, "{}", table());
    bundle.ok(&["start", "yado-test"]);
    // Commands find the container's root, too.
    assert_eq!(bundle.ok(&["exec", "yado-test", "sh", "-c", "test -d /made/here && pwd"]), "/\n");
    bundle.ok(&["delete", "--force", "yado-test"]);
    assert_eq!(mounts(), 0, "{}", table());
    assert!(table().contains(" /dev/pts "), "the host's own mounts stay");
    // What fails on the way leaves nothing, either.
    bundle.process(&["no-such-program"]);
    bundle.fails(&["create", "yado-test"]);
    assert_eq!(mounts(), 0, "{}", table());
    bundle.push("linux/namespaces", json!({ "type": "user" }));
    bundle.spec("linux/uidMappings", json!([{ "containerID": 0, "hostID": 0, "size": 10 }]));
    bundle.spec("linux/gidMappings", json!([{ "containerID": 0, "hostID": 0, "size": 10 }]));
    assert!(bundle.fails(&["create", "yado-test"]).contains("mount namespace"));
}

/// With `--no-pivot` the root lies on top of the host's, which cannot be climbed out to and shows no full `/proc`.
#[test]
fn on_top_of_the_hosts_root_the_container_is_closed_as_well() {
    let Some(bundle) = Bundle::new() else { return };
    std::fs::write(bundle.path("rootfs/etc/mine"), "").unwrap();
    bundle.process(&[
        "sh",
        "-c",
        "ls /etc; mkdir /tmp/x; chroot /tmp/x /bin/sh 2>/dev/null; ls ../../../etc; ls -d /proc/1/root/home;
            awk '$5 == \"/proc\"' /proc/self/mountinfo | wc -l",
    ]);
    bundle.spec("root/readonly", json!(false));
    let output = bundle.runtime().args(["run", "--no-pivot", "yado-test"]).output().unwrap();
    assert_eq!(crate::bundle::text(&output.stdout), "mine\nmine\n1\n", "{output:?}");
    assert!(crate::bundle::text(&output.stderr).contains("/proc/1/root/home"));
    bundle.process(&["sleep", "1000"]);
    bundle.ok(&["run", "-d", "--no-pivot", "yado-test"]);
    assert_eq!(bundle.ok(&["exec", "yado-test", "ls", "/etc"]), "mine\n");
}

/// The setting is one of a PID namespace's, so that it can be tried in one.
#[test]
fn where_files_in_memory_cannot_be_run_containers_are_made_all_the_same() {
    let Some(bundle) = Bundle::new() else { return };
    if !std::path::Path::new("/proc/sys/vm/memfd_noexec").exists() {
        crate::skipped::because("runtime", "this kernel cannot forbid to run files in memory");
        return;
    }
    bundle.spec("process/noNewPrivileges", json!(true));
    bundle.process(&["sh", "-c", "echo ran; : > /proc/1/exe"]);
    let line = "echo 2 > /proc/sys/vm/memfd_noexec && exec \"$@\"";
    let mut command = std::process::Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "sh", "-c", line, "sh"]);
    let runtime = bundle.runtime();
    command.arg(runtime.get_program()).args(runtime.get_args()).args(["run", "yado-test"]);
    let output = command.current_dir(bundle.path("")).output().unwrap();
    assert_eq!(crate::bundle::text(&output.stdout), "ran\n", "{output:?}");
}

/// However many are asked for: what the runtime itself has open is none of them.
#[test]
fn only_descriptors_that_the_caller_passed_are_preserved() {
    let Some(bundle) = Bundle::new() else { return };
    let ours = "memfd\\|socket:\\|/state/\\|cgroup\\|/config.json";
    bundle.process(&["sh", "-c", &format!("ls -l /proc/self/fd 2>&1 | grep -c '{ours}'; cat <&5")]);
    std::fs::write(bundle.path("word"), "passed\n").unwrap();
    for count in ["3", "100"] {
        let runtime = bundle.runtime();
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "exec \"$@\" 5< word", "sh"]).arg(runtime.get_program()).args(runtime.get_args());
        command.args(["run", "--preserve-fds", count, "yado-test"]).stdin(std::process::Stdio::null());
        let output = command.current_dir(bundle.path("")).output().unwrap();
        assert_eq!(crate::bundle::text(&output.stdout), "0\npassed\n", "{count}: {output:?}");
    }
}
