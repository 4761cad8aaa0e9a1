//! Snapshots as a user takes them: halted and running machines, several levels, several machines, deaths at any instant.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use support::{Sandbox, can_make_machines};

const ONE: &str = "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\nend\n";

/// How many layers the only machine has on disk.
fn layers(sandbox: &Sandbox) -> usize {
    let machine = sandbox.machines().remove(0).id;
    let names = std::fs::read_dir(sandbox.home().join("machines").join(machine)).unwrap();
    names
        .filter(|name| {
            let name = name.as_ref().unwrap().file_name();
            name == "root" || name.to_string_lossy().starts_with("layer-")
        })
        .count()
}

#[test]
fn a_snapshot_brings_everything_back_as_it_was() {
    if !can_make_machines("snapshot") {
        return;
    }
    let sandbox = Sandbox::new(ONE);
    assert!(sandbox.ok(&["snapshot", "save", "early"]).contains("VM not created. Moving on..."));
    sandbox.ok(&["up"]);
    assert!(sandbox.ok(&["snapshot", "list"]).contains("==> default: No snapshots have been taken yet!"));
    sandbox.inside("default", "echo one > file; mkdir d; touch d/x; ln file again; echo gone > gone");
    // Of a running machine: its processes go on.
    sandbox.inside("default", "nohup sleep 1000 >/dev/null 2>&1 & echo $! > pid");
    let said = sandbox.ok(&["snapshot", "save", "running"]);
    assert!(said.contains("==> default: Snapshotting the machine as 'running'..."), "{said}");
    assert!(said.contains("==> default: Snapshot saved!"), "{said}");
    assert_eq!(sandbox.inside("default", "kill -0 $(cat pid) && echo lives"), "lives\n");
    sandbox.inside("default", "rm -r d gone; echo two > file; echo new > new");
    sandbox.ok(&["halt"]);
    sandbox.ok(&["snapshot", "save", "default", "halted"]);
    sandbox
        .run(&["snapshot", "save", "halted"])
        .refused(&["already has a snapshot named 'halted'", "--force"]);
    assert!(sandbox.ok(&["snapshot", "list"]).ends_with("==> default: \nrunning\nhalted\n"));

    let said = sandbox.ok(&["snapshot", "restore", "running"]);
    assert!(said.contains("==> default: Restoring the snapshot 'running'..."), "{said}");
    assert!(said.contains("==> default: Machine booted and ready!"), "{said}");
    assert_eq!(
        sandbox.inside("default", "cat file again gone; ls d; ls new 2>/dev/null; stat -c %h file"),
        "one\none\ngone\nx\n2\n"
    );
    let said = sandbox.ok(&["snapshot", "restore", "halted", "--no-start"]);
    assert!(said.contains("Forcing shutdown") && !said.contains("Booting"), "{said}");
    assert!(sandbox.ok(&["status"]).contains("stopped (container)"));
    sandbox.ok(&["up"]);
    assert_eq!(
        sandbox.inside("default", "cat file new; ls d 2>/dev/null; ls gone 2>/dev/null || true"),
        "two\nnew\n"
    );

    sandbox.run(&["snapshot", "restore", "runing"]).refused(&["'runing' was not found", "'running'"]);
    sandbox.ok(&["snapshot", "save", "-f", "halted"]);
    assert!(sandbox.ok(&["snapshot", "delete", "running"]).contains("==> default: Snapshot deleted!"));
    sandbox.run(&["snapshot", "delete", "running"]).refused(&["was not found"]);
    assert_eq!(sandbox.inside("default", "cat file"), "two\n");
    sandbox.destroy_and_audit();
}

#[test]
fn pushed_snapshots_are_popped_one_after_the_other_and_leave_no_layers() {
    if !can_make_machines("push") {
        return;
    }
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.provision "shell", run: "always", inline: "echo up >> /home/vagrant/starts"
end
"#,
    );
    sandbox.ok(&["up"]);
    assert!(sandbox.ok(&["snapshot", "pop"]).contains("No pushed snapshot found!"));
    for level in ["1", "2", "3"] {
        sandbox.inside("default", &format!("echo {level} > level"));
        sandbox.ok(&["halt"]);
        sandbox.ok(&["snapshot", "push"]);
        sandbox.ok(&["up", "--no-provision"]);
    }
    sandbox.inside("default", "echo 4 > level");
    sandbox.ok(&["snapshot", "pop", "--no-delete", "--no-provision"]);
    assert_eq!(sandbox.inside("default", "cat level; wc -l < starts"), "3\n1\n");
    for level in ["3", "2"] {
        sandbox.inside("default", "echo spoilt > level");
        sandbox.ok(&["snapshot", "pop", "--no-provision"]);
        assert_eq!(sandbox.inside("default", "cat level"), format!("{level}\n"));
    }
    sandbox.ok(&["snapshot", "pop"]);
    assert_eq!(sandbox.inside("default", "cat level; wc -l < starts"), "1\n2\n");
    assert!(sandbox.ok(&["snapshot", "list"]).contains("No snapshots"));
    assert_eq!(layers(&sandbox), 1);
    sandbox.destroy_and_audit();
}

#[test]
fn snapshots_of_several_machines_are_taken_and_restored_together() {
    if !can_make_machines("several") {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\n  config.vm.define \"a\"\n  \
         config.vm.define \"b\"\nend\n",
    );
    sandbox.ok(&["up"]);
    sandbox.ok(&["snapshot", "save", "both"]);
    for machine in ["a", "b"] {
        sandbox.inside(machine, "echo later > file");
    }
    sandbox.ok(&["snapshot", "restore", "b", "both"]);
    assert_eq!(sandbox.inside("a", "ls"), "file\n");
    assert_eq!(sandbox.inside("b", "ls"), "");
    sandbox.ok(&["snapshot", "restore", "both"]);
    assert_eq!(sandbox.inside("a", "ls"), "");
    sandbox.destroy_and_audit();
}

#[test]
fn a_death_at_any_instant_loses_nothing() {
    if !can_make_machines("snapshot_killed") {
        return;
    }
    let sandbox = Sandbox::new(ONE);
    sandbox.ok(&["up"]);
    // Enough files that copying them takes a moment.
    sandbox.inside("default", "echo kept > file; mkdir many; cd many; seq 1 2000 | xargs touch");
    sandbox.ok(&["snapshot", "save", "first"]);
    let begin = Instant::now();
    sandbox.ok(&["snapshot", "save", "-f", "again"]);
    let whole = begin.elapsed();
    for instant in 0..16_u32 {
        let arguments: &[&str] = match instant % 4 {
            0 | 1 => &["snapshot", "save", "-f", "again"],
            2 => &["snapshot", "restore", "first"],
            _ => &["snapshot", "push"],
        };
        let mut child = sandbox.start(arguments);
        std::thread::sleep(whole * instant / 16 + Duration::from_micros(u64::from(instant) * 137));
        child.kill().unwrap();
        child.wait().unwrap();
        // Any command finishes or undoes; a machine that was frozen for the snapshot goes on.
        sandbox.ok(&["up"]);
        assert!(sandbox.store().machines_in_progress().unwrap().is_empty());
        assert_eq!(sandbox.inside("default", "cat file; ls many | wc -l"), "kept\n2000\n");
        assert!(sandbox.ok(&["snapshot", "list"]).contains("first\n"));
    }
    sandbox.ok(&["snapshot", "restore", "again"]);
    assert_eq!(sandbox.inside("default", "cat file; ls many | wc -l"), "kept\n2000\n");
    for name in sandbox.ok(&["snapshot", "list"]).lines().filter(|line| !line.starts_with("==>")) {
        sandbox.ok(&["snapshot", "delete", name]);
    }
    assert!(layers(&sandbox) <= 3, "what is no snapshot's is taken away");
    sandbox.destroy_and_audit();
}
