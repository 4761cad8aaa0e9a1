//! A home on a disk that is full: it is said, nothing is left half-made, and machines can be taken away to make room.
//! The small disk is a file system in memory that only the test's own mount namespace sees.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod support;

use std::process::Stdio;

use support::{Answer, Sandbox, audit::Traces, can_make_machines};

/// Runs a script in a mount namespace where the home is a disk of this size. `yado` is the program.
fn on_a_small_disk(sandbox: &Sandbox, size: &str, script: &str) -> Answer {
    std::fs::create_dir_all(sandbox.home()).unwrap();
    let program = sandbox.command(&[]);
    let mut command = std::process::Command::new("unshare");
    command
        .args(["--mount", "sh", "-euc"])
        .arg(format!(
            "mount -t tmpfs -o size={size},mode=0700 small \"$YADO_HOME\"\nyado() {{ \"{}\" \"$@\"; }}\n{script}",
            program.get_program().display()
        ))
        .env_clear()
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(&sandbox.project)
        .stdin(Stdio::null());
    Answer::of(command.output().unwrap(), &["on a small disk"])
}

#[test]
fn a_box_that_does_not_fit_is_refused_and_leaves_nothing() {
    if !can_make_machines("full_disk") {
        return;
    }
    let sandbox = Sandbox::new("Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"./big\"\nend\n");
    sandbox.write("big/etc/os-release", "ID=debian\n");
    sandbox.write("big/usr/bin/program", &"x".repeat(8 << 20));
    let answer = on_a_small_disk(
        &sandbox,
        "2m",
        "yado box add ./big --name big/box || echo added: $?
         yado up || echo up: $?
         yado box list
         ls -A $YADO_HOME/layers $YADO_HOME/boxes
         df --output=pcent $YADO_HOME",
    );
    assert!(answer.out.contains("added: 1\n") && answer.out.contains("up: 1\n"), "{answer:?}");
    assert_eq!(answer.err.matches("There is not enough space in").count(), 2, "{answer:?}");
    assert!(answer.out.contains("There are no installed boxes!"), "{answer:?}");
    assert!(!answer.out.contains("sha256-") && !answer.out.contains("big-"), "{answer:?}");
    let used: u32 = answer.out.lines().last().unwrap().trim().trim_end_matches('%').parse().unwrap();
    assert!(used < 25, "{answer:?}");
    assert!(!sandbox.path(".yado").exists());
    assert_eq!(std::fs::read_dir(sandbox.home()).unwrap().count(), 0);
}

#[test]
fn a_machine_that_filled_the_disk_works_on_and_can_be_destroyed() {
    if !can_make_machines("filled_disk") {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.vm.provision \"shell\", inline: \"head -c 9000000 /dev/zero > /fill\"\nend\n",
    );
    // The store, as it was while the machine was there, is what the audit looks at afterwards.
    let answer = on_a_small_disk(
        &sandbox,
        "3m",
        "yado up || echo up: $?
         cp $YADO_HOME/state.sqlite* $HOME/
         head -c 9000000 /dev/zero > $YADO_HOME/more || true
         yado status
         yado ssh -c 'echo alive'
         yado halt || echo halt: $?
         yado destroy -f || echo destroy: $?
         yado status
         ls -A $YADO_HOME/machines",
    );
    let seen = Sandbox::empty();
    std::fs::create_dir_all(seen.home()).unwrap();
    for entry in std::fs::read_dir(sandbox.home().parent().unwrap()).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("state.sqlite") {
            std::fs::copy(entry.path(), seen.home().join(entry.file_name())).unwrap();
        }
    }
    let traces = Traces::of(&seen);
    std::fs::remove_dir_all(seen.home()).unwrap();
    std::fs::create_dir_all(seen.home()).unwrap();
    assert!(answer.out.contains("up: 1\n") && answer.err.contains("No space left on device"), "{answer:?}");
    assert!(answer.out.contains("alive\n"), "{answer:?}");
    assert!(!answer.out.contains("halt: ") && !answer.out.contains("destroy: "), "{answer:?}");
    assert!(answer.out.contains("not created (container)"), "{answer:?}");
    assert!(!sandbox.path(".yado").exists());
    traces.assert_gone(&seen);
}
