//! Triggers around commands: messages, scripts on both sides, failures, and the trust that programs of the host need.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Sandbox, can_make_machines};

#[test]
fn triggers_run_around_commands_in_their_order() {
    if !can_make_machines("triggers") {
        return;
    }
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.define "web"
  config.vm.define "db"
  config.trigger.before :up, name: "greeting", info: "good morning", warn: "mind the step"
  config.trigger.after :up do |trigger|
    trigger.only_on = /^we/
    trigger.run = { inline: "sh -c 'echo \"$PWD $0\" >> log; echo said outside' up" }
    trigger.run_remote = { inline: "echo inside $(hostname) as $(id -un)" }
  end
  config.trigger.after :all, ignore: [:up, :destroy] do |trigger|
    trigger.only_on = "db"
    trigger.run = { path: "script.sh", args: ["a b", "c"] }
  end
  config.trigger.before :halt, exit_codes: [0, 3], run: { inline: "sh -c 'exit 3'" }
  config.trigger.before :destroy, on_error: :continue, run: { inline: "false" }
end
"#,
    );
    sandbox.write("script.sh", "#!/bin/sh\necho \"$# $1\" >> script.log\n");
    std::process::Command::new("chmod").arg("+x").arg(sandbox.path("script.sh")).status().unwrap();
    sandbox.run(&["up"]).refused(&["may not do yet", "Vagrantfile:7", "yado trust"]);
    assert!(sandbox.ok(&["status"]).contains("not created"), "nothing was begun");
    sandbox.ok(&["trust"]);
    let said = sandbox.ok(&["up", "--no-parallel"]);
    let before = "==> web: Running action triggers before up ...\n==> web: Running trigger: greeting...\n\
                  ==> web: good morning\n==> web: mind the step\n";
    assert!(said.contains(before), "{said}");
    let after = "==> web: Running action triggers after up ...\n==> web: Running trigger...\n    web: Running local: Inline script\n";
    assert!(said.contains(after) && said.contains("    web: said outside\n"), "{said}");
    assert!(said.contains("    web: inside web as root\n") && !said.contains("db: said outside"), "{said}");
    let log = std::fs::read_to_string(sandbox.path("log")).unwrap();
    assert_eq!(log, format!("{} up\n", sandbox.project.canonicalize().unwrap().display()));
    sandbox.ok(&["suspend"]);
    sandbox.ok(&["resume"]);
    sandbox.ok(&["halt"]);
    assert_eq!(std::fs::read_to_string(sandbox.path("script.log")).unwrap(), "2 a b\n".repeat(3));
    let said = sandbox.ok(&["destroy", "-f", "web"]);
    assert!(said.contains("Trigger configured to continue on error..."), "{said}");
    sandbox.destroy_and_audit();
}

#[test]
fn a_failing_trigger_ends_the_command_and_abort_ends_the_program() {
    if !can_make_machines("failing_trigger") {
        return;
    }
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.trigger.before :halt do |trigger|
    trigger.run_remote = { inline: "exit 5" }
  end
  config.trigger.before(:reload) { |trigger| trigger.abort = 4 }
  config.trigger.after(:provision) { |trigger| trigger.ruby { |env, machine| puts machine.name } }
end
"#,
    );
    sandbox.ok(&["up"]);
    sandbox.run(&["halt"]).refused(&["non-zero exit status"]);
    assert!(sandbox.ok(&["status"]).contains("running (container)"));
    assert_eq!(sandbox.run(&["reload"]).code, 4);
    let said = sandbox.ok(&["provision"]);
    assert!(said.contains("The Ruby block of this trigger") && said.contains("Vagrantfile:8"), "{said}");
    sandbox.destroy_and_audit();
}
