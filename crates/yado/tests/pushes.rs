//! Pushes: programs that a Vagrantfile wants run on this computer, the trust that they need, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::Sandbox;

const SEVERAL: &str = r##"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.push.define "inline", strategy: "local-exec" do |push|
    push.inline = "#!/bin/bash\necho \"${0##*/} got $# and $1\" | sed 's/^yado-push-[^ ]*/it/'\nexit 7"
    push.args = ["a b", "c"]
  end
  config.push.define "script", strategy: "local-exec" do |push|
    push.script = "deploy.sh"
    push.args = "one $((1 + 1))"
  end
  config.push.define "noop"
  config.push.define "away", strategy: "ftp" do |push|
    push.host = "ftp.invalid"
    push.username = "me"
  end
  config.push.define "odd", strategy: "pigeon"
end
"##;

fn mode(sandbox: &Sandbox) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    sandbox.path("deploy.sh").metadata().unwrap().permissions().mode()
}

#[test]
fn programs_of_pushes_need_trust_and_end_the_command_as_they_end() {
    let sandbox = Sandbox::new(SEVERAL);
    sandbox.write("deploy.sh", "echo \"$@\" > deployed\n");
    assert_eq!(mode(&sandbox) & 0o111, 0);
    sandbox.run(&["push", "script"]).refused(&["'script'", "may not do yet", "Vagrantfile:8", "yado trust"]);
    assert!(!sandbox.path("deployed").exists());
    sandbox.ok(&["push", "script", "--trust"]);
    assert_eq!(std::fs::read_to_string(sandbox.path("deployed")).unwrap(), "one 2\n");
    assert_eq!(mode(&sandbox) & 0o444, (mode(&sandbox) & 0o111) << 2, "whoever may read it may run it");
    std::fs::remove_file(sandbox.path("deploy.sh")).unwrap();
    sandbox.run(&["push", "script", "--trust"]).refused(&["deploy.sh", "No such file", "Vagrantfile:8"]);
    let answer = sandbox.run(&["push", "inline", "--trust"]);
    assert_eq!((answer.code, answer.out.as_str()), (7, "it got 2 and a b\n"), "{}", answer.err);
    assert_eq!(sandbox.ok(&["push", "noop"]), "");
}

#[test]
fn pushes_that_cannot_be_done_are_refused_with_their_place() {
    let sandbox = Sandbox::new(SEVERAL);
    sandbox.run(&["push", "away"]).refused(&["'away'", "'ftp'", "Vagrantfile:13", "local-exec"]);
    sandbox.run(&["push", "odd"]).refused(&["no push strategy 'pigeon'", "Vagrantfile:17"]);
    sandbox.run(&["push"]).refused(&["several pushes", "'inline', 'script', 'noop', 'away', 'odd'"]);
    sandbox.run(&["push", "home"]).refused(&["no push 'home'", "'script'"]);
    Sandbox::new("Vagrant.configure(\"2\") { |c| c.vm.box = \"host\" }").run(&["push"]).refused(&["no push"]);
}
