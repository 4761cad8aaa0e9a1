//! `ansible` and `ansible_local` with the real Ansible.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "../../yado-plugins/tests/support/dockerd.rs"]
mod dockerd;
mod support;

use std::process::Command;

use support::{Sandbox, can_make_machines, debian, has_programs};

const PLAYBOOK: &str = "- hosts: servers\n  gather_facts: false\n  tasks:\n    - copy:\n        \
                        content: \"{{ word }} {{ http_port }} {{ place }}\\n\"\n        dest: /tmp/said\n";

#[test]
fn ansible_local_applies_a_playbook_inside_the_machine() {
    if !can_make_machines("ansible_local") || !has_programs("ansible", &["ansible-playbook"]) {
        return;
    }
    let sandbox = Sandbox::new(
        r#"Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.provision "ansible_local" do |ansible|
    ansible.playbook = "play/site.yml"
    ansible.install = false
    ansible.extra_vars = { word: "hello there" }
    ansible.groups = { "servers" => ["default"], "servers:vars" => { "place" => "inn" } }
    ansible.host_vars = { "default" => { "http_port" => 8080 } }
    ansible.raw_arguments = ["--diff"]
  end
end
"#,
    );
    // The folder is there, and the playbook is not yet.
    sandbox.run(&["up"]).refused(&[
        "`playbook` does not exist on the guest",
        "play/site.yml",
        "Vagrantfile:3",
    ]);
    sandbox.write("play/site.yml", PLAYBOOK);
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("Running provisioner: ansible_local") && said.contains("changed=1"), "{said}");
    assert_eq!(sandbox.ok(&["ssh", "-c", "cat /tmp/said"]), "hello there 8080 inn\n");
    let again = sandbox.ok(&["provision"]);
    assert!(again.contains("changed=0") && again.contains("failed=0"), "{again}");
    // Through the entry user's files, and none of root's.
    assert_eq!(sandbox.ok(&["ssh", "-c", "stat -c %U /tmp/said /tmp/vagrant-ansible"]), "vagrant\nvagrant\n");

    sandbox.write(
        "play/site.yml",
        "- hosts: servers\n  gather_facts: false\n  tasks:\n    - command: \"false\"\n",
    );
    sandbox.run(&["provision"]).refused(&["Ansible failed to complete successfully", "Vagrantfile:3"]);
    sandbox.destroy_and_audit();
}

#[test]
fn ansible_on_the_host_configures_all_machines_once_it_is_trusted() {
    let Some(home) = debian::home("ansible") else { return };
    if !has_programs("ansible", &["ansible-playbook"]) {
        return;
    }
    let sandbox = Sandbox::new(
        r#"Vagrant.configure("2") do |config|
  config.vm.box = "debian/bookworm64"
  config.vm.define "db"
  config.vm.define "web" do |web|
    web.vm.provision "ansible" do |ansible|
      ansible.playbook = "site.yml"
      ansible.limit = "all"
      ansible.become = true
      ansible.extra_vars = { word: "hello" }
      ansible.groups = { "servers" => ["web", "db", "gone"], "servers:vars" => { "place" => "inn" } }
      ansible.host_vars = { "web" => { "http_port" => 80 }, "db" => { "http_port" => 81 } }
    end
  end
end
"#,
    )
    .with_home(home);
    sandbox.ok(&["validate"]);
    sandbox
        .run(&["--trust", "up"])
        .refused(&["`playbook` does not exist on the host: site.yml", "Vagrantfile:5"]);
    sandbox.write("site.yml", PLAYBOOK);
    // A playbook may run programs here.
    sandbox.run(&["up"]).refused(&[
        "'ansible' provisioner runs a program on this computer",
        "Vagrantfile:5",
        "--trust",
    ]);
    assert!(sandbox.ok(&["status"]).contains("not created"), "nothing is changed before");

    let said = sandbox.ok(&["--trust", "up"]);
    assert!(said.matches("changed=1").count() == 2 && !said.contains("failed=1"), "{said}");
    assert_eq!(
        sandbox.ok(&["ssh", "db", "-c", "cat /tmp/said; stat -c %U /tmp/said"]),
        "hello 81 inn\nroot\n"
    );
    assert_eq!(sandbox.ok(&["ssh", "web", "-c", "cat /tmp/said"]), "hello 80 inn\n");

    // The inventory is where people's own `ansible.cfg` looks for it, and works without yado.
    let inventory = ".vagrant/provisioners/ansible/inventory";
    let output = Command::new("timeout")
        .args(["60", "ansible", "-i", inventory, "servers", "-m", "ping", "-o"])
        .args(["-e", "ansible_ssh_args='-o ControlMaster=no'"])
        .current_dir(&sandbox.project)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.matches("SUCCESS").count() == 2, "{said}");

    // A machine that is provisioned asks for no trust again.
    sandbox.ok(&["up"]);
    sandbox.destroy_and_audit();
}

/// Without a port that leads to their SSH servers.
#[test]
fn ansible_enters_machines_of_docker() {
    let Some(docker) = dockerd::Docker::start_or_say_why_not() else { return };
    if !has_programs("ansible", &["ansible-playbook", "sshd"]) {
        return;
    }
    let sandbox = Sandbox::new(
        r#"Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.provider "docker"
  config.vm.provision "ansible" do |ansible|
    ansible.playbook = "site.yml"
    ansible.extra_vars = { word: "hello" }
    ansible.groups = { "servers" => ["default"], "servers:vars" => { "place" => "inn", "http_port" => 80 } }
  end
end
"#,
    )
    .with_variable("DOCKER_HOST", &docker.address());
    sandbox.write("site.yml", PLAYBOOK);
    let said = sandbox.ok(&["--trust", "up", "--provider", "docker"]);
    assert!(said.contains("changed=1"), "{said}");
    assert_eq!(sandbox.ok(&["ssh", "-c", "cat /tmp/said"]), "hello 80 inn\n");
    sandbox.ok(&["destroy", "-f"]);
}
