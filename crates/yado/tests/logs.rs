//! `yado logs`: a console's file and systemd's journal, once and as they grow.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use support::{Sandbox, can_make_machines, debian};

const TWO: &str = r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.define "a"
  config.vm.define "b"
end
"#;

/// How long a line may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a program prints, line by line, until it closes its output.
fn lines_of(program: &mut Child) -> Receiver<String> {
    let (send, lines) = std::sync::mpsc::channel();
    let output = BufReader::new(program.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Writes as the machine's first process would.
fn write_to_console(sandbox: &Sandbox, machine: &str, line: &str) {
    use std::io::Write;
    let record = sandbox.machines().into_iter().find(|record| record.name == machine).unwrap();
    let path = sandbox.home().join("machines").join(record.id).join("console.log");
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}

#[test]
fn lines_of_several_machines_carry_their_names_and_following_ends_with_the_machine() {
    if !can_make_machines("logs") {
        return;
    }
    let sandbox = Sandbox::new(TWO);
    sandbox.run(&["logs", "a"]).refused(&["The machine 'a' does not exist yet", "yado up"]);
    sandbox.ok(&["up"]);
    write_to_console(&sandbox, "a", "from a\n");
    write_to_console(&sandbox, "b", "from b\nno end");
    assert_eq!(sandbox.ok(&["logs", "a"]), "from a\n");
    let said = sandbox.ok(&["logs"]);
    for line in ["    a: from a", "    b: from b", "    b: no end"] {
        assert!(said.lines().any(|other| other == line), "{line} in:\n{said}");
    }
    let mut following = sandbox.start(&["logs", "-f", "a"]);
    let lines = lines_of(&mut following);
    let next = || lines.recv_timeout(PATIENCE);
    assert_eq!(next().as_deref(), Ok("from a"));
    write_to_console(&sandbox, "a", "and more\n");
    assert_eq!(next().as_deref(), Ok("and more"));
    sandbox.ok(&["halt", "a"]);
    assert_eq!(next(), Err(RecvTimeoutError::Disconnected));
    assert!(following.wait().unwrap().success());
    sandbox.destroy_and_audit();
}

#[test]
fn systemds_journal_is_the_log_and_ctrl_c_ends_following() {
    let Some(home) = debian::home("journal") else { return };
    let sandbox =
        Sandbox::new("Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"debian/bookworm64\"\nend\n")
            .with_home(home);
    sandbox.ok(&["up"]);
    sandbox.inside("default", "echo the bell rang | systemd-cat -t bell");
    let said = sandbox.ok(&["logs"]);
    assert!(said.contains("systemd[1]: ") && said.contains("the bell rang"), "{said}");
    let mut following = sandbox.start(&["logs", "--follow"]);
    let lines = lines_of(&mut following);
    while !lines.recv_timeout(PATIENCE).unwrap().contains("the bell rang") {}
    rustix::process::kill_process(rustix::process::Pid::from_child(&following), rustix::process::Signal::INT)
        .unwrap();
    while lines.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Disconnected) {}
    assert_eq!(following.wait().unwrap().code(), Some(0));
    assert_eq!(sandbox.inside("default", "pgrep -c journalctl || true"), "0\n");
    sandbox.destroy_and_audit();
}
