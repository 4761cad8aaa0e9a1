//! kill -9 at any instant, then `destroy -f`: nothing is left behind, and nothing is in the way of the next `up`.

mod support;

use std::time::{Duration, Instant};

use yado_core::store::{LeaseKind, Owner};

use support::audit::Traces;
use support::{Sandbox, can_make_machines};

const FILE: &str = r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.define("a") { |m| m.vm.network "private_network", ip: "192.168.202.11" }
  config.vm.define("b") { |m| m.vm.network "forwarded_port", guest: 80, host: 23600, auto_correct: true }
  config.vm.provision "shell", inline: "sleep 0.2"
end
"#;

#[test]
fn up_killed_at_ten_instants_leaves_nothing_after_destroy() {
    if !can_make_machines("killed") {
        return;
    }
    // How long an undisturbed `up` takes here decides where the instants lie.
    let sandbox = Sandbox::new(FILE);
    let begin = Instant::now();
    sandbox.ok(&["up"]);
    let whole = begin.elapsed();
    sandbox.destroy_and_audit();
    for instant in 0..10_u32 {
        let mut child = sandbox.start(&["up"]);
        // Spread over the whole, with a jitter that differs from run to run.
        let jitter =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos() % 1000;
        std::thread::sleep(whole * (instant * 1000 + jitter) / 10_000);
        child.kill().unwrap();
        child.wait().unwrap();
        let traces = Traces::of(&sandbox);
        sandbox.ok(&["destroy", "-f"]);
        traces.assert_gone(&sandbox);
    }
    sandbox.ok(&["up"]);
    sandbox.destroy_and_audit();
}

#[test]
fn any_command_after_a_kill_finishes_or_undoes_the_work() {
    if !can_make_machines("killed_recovery") {
        return;
    }
    let sandbox = Sandbox::new(FILE);
    let mut child = sandbox.start(&["up"]);
    let begin = Instant::now();
    let machines = || {
        let begun = sandbox.home().join("state.sqlite").exists();
        if begun { sandbox.store().machines(None).unwrap().len() } else { 0 }
    };
    while machines() < 2 {
        assert!(begin.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    sandbox.ok(&["status"]);
    assert!(
        sandbox.store().machines_in_progress().unwrap().is_empty(),
        "nothing is half done after any command"
    );
    sandbox.destroy_and_audit();
}

/// Machines enough for some to wait for their turn, each with these words about `machine` and its `number`.
fn of_sixteen_machines(words: &str) -> Sandbox {
    Sandbox::new(&format!(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.synced_folder ".", "/vagrant", disabled: true
  16.times do |number|
    config.vm.define "m#{{number}}" do |machine|
      {words}
    end
  end
end
"#
    ))
}

/// What Ctrl-C does.
fn interrupt(mut child: std::process::Child) {
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("interrupt it");
    child.wait().expect("wait for its end");
}

#[test]
fn machines_that_wait_for_their_turn_when_up_is_interrupted_keep_no_ports() {
    if !can_make_machines("killed_waiting") {
        return;
    }
    let sandbox = of_sixteen_machines(
        r#"machine.vm.network "forwarded_port", guest: 80, host: 23700 + number, auto_correct: true"#,
    );
    sandbox.ok(&["up"]);
    sandbox.ok(&["halt", "-f"]);
    let child = sandbox.start(&["up"]);
    let begin = Instant::now();
    while sandbox.machines().iter().all(|machine| machine.state == "stopped") {
        assert!(begin.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(1));
    }
    interrupt(child);
    for machine in sandbox.machines().iter().filter(|machine| machine.state == "stopped") {
        let held = sandbox.store().leases(LeaseKind::Port, Owner::Machine(&machine.id)).unwrap();
        assert!(held.is_empty(), "{} keeps {held:?}", machine.name);
    }
    sandbox.destroy_and_audit();
}

#[test]
fn machines_that_are_interrupted_before_they_start_leave_no_bridge() {
    if !can_make_machines("killed_before_the_start") {
        return;
    }
    let sandbox = of_sixteen_machines("");
    for instant in 0..14 {
        let child = sandbox.start(&["up"]);
        let begin = Instant::now();
        // The first that are about to start make the bridge, and others are about to be connected to it.
        let bridge = loop {
            assert!(begin.elapsed() < Duration::from_secs(30));
            let id = std::fs::read_to_string(sandbox.path(".yado/id")).unwrap_or_default();
            let bridge =
                id.get(..8).map(|id| std::path::Path::new("/sys/class/net").join(format!("yado-{id}")));
            if let Some(bridge) = bridge.filter(|bridge| bridge.exists()) {
                break bridge;
            }
            std::thread::sleep(Duration::from_micros(100));
        };
        std::thread::sleep(Duration::from_millis(instant));
        interrupt(child);
        sandbox.ok(&["destroy", "-f"]);
        assert!(!bridge.exists(), "{} is left after {instant} ms", bridge.display());
        assert!(!sandbox.path(".yado").exists());
    }
}
