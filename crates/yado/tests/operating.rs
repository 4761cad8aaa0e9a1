//! Operating machines in ways that are easily told wrong: what was suspended and killed, addresses that are exchanged,
//! terminals that are asked for, provisioners that do not exist.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use support::{Answer, Sandbox, can_make_machines};

/// Ends all processes of a machine at once, as a crash would; frozen ones end when they are thawed or at once, whatever
/// the kernel's freezer does.
fn kill(sandbox: &Sandbox, machine: &str) {
    let id = sandbox.machines().into_iter().find(|known| known.name == machine).unwrap().id;
    let is_its = |pid: &u32| {
        let path = format!("/proc/{pid}/cgroup");
        std::fs::read_to_string(path).is_ok_and(|groups| groups.contains(&id))
    };
    let pids = || -> Vec<u32> {
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(is_its).collect()
    };
    assert!(!pids().is_empty(), "the machine's processes are found by their group");
    for pid in pids() {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        // It may be gone with its parent.
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    for (state, frozen) in [("cgroup.freeze", "0"), ("freezer.state", "THAWED")] {
        thaw(&std::path::PathBuf::from("/sys/fs/cgroup"), &id, state, frozen);
    }
    let begin = Instant::now();
    while !pids().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", pids());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Thaws the groups of a machine below a folder.
fn thaw(folder: &std::path::Path, id: &str, state: &str, value: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            if path.to_string_lossy().contains(id) {
                drop(std::fs::write(path.join(state), value));
            }
            thaw(&path, id, state, value);
        }
    }
}

#[test]
fn what_was_killed_while_it_was_suspended_is_not_said_to_go_on() {
    if !can_make_machines("killed while suspended") {
        return;
    }
    let sandbox = Sandbox::new("Vagrant.configure(\"2\") { |c| c.vm.box = \"host\" }\n");
    assert!(sandbox.ok(&["resume"]).contains("VM not created. Moving on..."));
    sandbox.ok(&["up"]);
    assert!(sandbox.ok(&["resume"]).contains("VM is not suspended. Moving on..."));
    sandbox.ok(&["suspend"]);
    kill(&sandbox, "default");
    let said = sandbox.ok(&["resume"]);
    assert!(said.contains("switched off since") && !said.contains("Resuming"), "{said}");
    assert!(sandbox.ok(&["status"]).contains("stopped (container)"));
    sandbox.ok(&["up"]);
    sandbox.inside("default", "true");
    sandbox.destroy_and_audit();
}

#[test]
fn addresses_are_exchanged_by_machines_that_are_switched_off_together() {
    if !can_make_machines("exchanged addresses") {
        return;
    }
    let third = std::process::id() % 200 + 20;
    let file = |a: u8, b: u8| {
        format!(
            "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.vm.define(\"a\") {{ |m| m.vm.network \
             \"private_network\", ip: \"172.27.{third}.{a}\" }}\n  c.vm.define(\"b\") {{ |m| m.vm.network \
             \"private_network\", ip: \"172.27.{third}.{b}\" }}\nend\n"
        )
    };
    let sandbox = Sandbox::new(&file(10, 11));
    sandbox.ok(&["up"]);
    sandbox.write("Vagrantfile", &file(11, 10));
    for command in [&["reload"][..], &["reload", "a"]] {
        sandbox
            .run(command)
            .refused(&["already belongs to the machine 'b'", "`yado halt b a && yado up b a`"]);
        assert_eq!(sandbox.ok(&["status"]).matches("running").count(), 2, "nothing was switched off");
    }
    sandbox.ok(&["halt", "b", "a"]);
    sandbox.ok(&["up", "b", "a"]);
    assert!(sandbox.inside("a", "ip -4 -o addr").contains(&format!("172.27.{third}.11/")));
    assert!(sandbox.inside("b", "ip -4 -o addr").contains(&format!("172.27.{third}.10/")));
    assert!(sandbox.inside("a", "getent hosts b").starts_with(&format!("172.27.{third}.10 ")));
    // And into another network, without leaving the old one's bridge behind.
    let before = bridge(third);
    assert!(before, "the private network has its bridge");
    sandbox.write("Vagrantfile", &file(11, 10).replace("172.27.", "172.26."));
    sandbox.ok(&["reload"]);
    assert!(!bridge(third), "nobody is in the old network any more");
    sandbox.destroy_and_audit();
}

/// Whether this host has an address in the private network.
fn bridge(third: u32) -> bool {
    std::fs::read_to_string("/proc/net/fib_trie").unwrap().contains(&format!("172.27.{third}.1\n"))
}

#[test]
fn a_terminal_is_there_when_it_is_asked_for() {
    if !can_make_machines("terminals") {
        return;
    }
    let sandbox = Sandbox::new("Vagrant.configure(\"2\") { |c| c.vm.box = \"host\" }\n");
    sandbox.ok(&["up"]);
    assert_eq!(sandbox.run(&["ssh", "-c", "tty"]).code, 1);
    for words in
        [&["ssh", "-tt", "-c", "tty"][..], &["ssh", "--", "-tt", "tty"], &["ssh", "--", "-t", "-t", "tty"]]
    {
        let answer = sandbox.run(words);
        assert!(answer.code == 0 && answer.out.starts_with("/dev/pts/"), "{words:?} {answer:?}");
    }
    // Once takes the terminal that we have ourselves.
    assert_eq!(sandbox.run(&["ssh", "-t", "-c", "tty"]).code, 1);
    let program = env!("CARGO_BIN_EXE_yado");
    for (options, code) in
        [("ssh -t -c tty", 0), ("ssh -c tty", 1), ("ssh -T -c tty", 1), ("ssh -- -t tty", 0)]
    {
        let mut script = std::process::Command::new("script");
        let line = format!("{program} {options} | cat; exit ${{PIPESTATUS[0]}}");
        script.args(["-qec", &format!("bash -c '{line}'"), "/dev/null"]).current_dir(&sandbox.project);
        let like = sandbox.command(&[]);
        script.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let answer = Answer::of(script.stdin(std::process::Stdio::null()).output().unwrap(), &[options]);
        assert_eq!(answer.code, code, "{options} {answer:?}");
    }
    sandbox.destroy_and_audit();
}

#[test]
fn a_provisioner_that_does_not_exist_is_told_and_no_failure() {
    if !can_make_machines("unknown provisioner") {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.vm.provision \"one\", type: \"shell\", inline: \"echo \
         did one\"\nend\n",
    );
    sandbox.run(&["up", "--provision-with", "unknown"]).refused(&["'unknown' is not a known provisioner"]);
    sandbox.ok(&["up", "--no-provision"]);
    let said = sandbox.ok(&["provision", "--provision-with", "unknown"]);
    assert!(said.contains("No provisioner has the name or the type 'unknown'"), "{said}");
    let said = sandbox.ok(&["provision", "--provision-with", "one"]);
    assert!(said.contains("did one") && !said.contains("No provisioner"), "{said}");
    sandbox.destroy_and_audit();
}

#[test]
fn abilities_are_asked_for_and_used() {
    if !can_make_machines("abilities") {
        return;
    }
    let sandbox = Sandbox::new("Vagrant.configure(\"2\") { |c| c.vm.box = \"host\" }\n");
    assert_eq!(sandbox.run(&["cap", "--check", "guest", "halt"]).code, 0);
    assert_eq!(sandbox.run(&["cap", "--check", "host", "nfs_installed"]).code, 1);
    sandbox.run(&["cap", "provider", "nic_mac_addresses"]).refused(&["no ability", "snapshot_list"]);
    sandbox.run(&["cap", "guest", "create_tmp_path"]).refused(&["must be created and running"]);
    sandbox.ok(&["up"]);
    assert!(sandbox.ok(&["cap", "guest", "shell_expand_guest_path", "~/x y"]).ends_with("/x y\n"));
    sandbox.ok(&["cap", "guest", "insert_public_key", "ssh-ed25519 AAAA one"]);
    sandbox.ok(&["cap", "guest", "insert_public_key", "ssh-ed25519 BBBB two"]);
    sandbox.ok(&["cap", "guest", "remove_public_key", "ssh-ed25519 AAAA one"]);
    assert_eq!(sandbox.inside("default", "cat ~/.ssh/authorized_keys"), "ssh-ed25519 BBBB two\n");
    sandbox.run(&["cap", "guest", "insert_public_key"]).refused(&["takes 1 argument, not 0"]);
    assert_eq!(sandbox.ok(&["cap", "provider", "has_communicator"]), "true\n");
    sandbox.ok(&["snapshot", "save", "here"]);
    assert_eq!(sandbox.ok(&["cap", "provider", "snapshot_list"]), "here\n");
    sandbox.ok(&["cap", "guest", "halt"]);
    assert!(sandbox.ok(&["status"]).contains("stopped"));
    sandbox.destroy_and_audit();
}
