//! Vagrantfiles that come inside boxes: lowest of all that count for a machine, from its first `up` on.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

mod support;

use support::{Sandbox, can_make_machines, roots};

const OWN: &str = "Vagrant.configure('2') do |config|
  config.ssh.shell = 'sh'
  config.vm.hostname = 'named-by-the-box'
  config.vm.provision 'shell', inline: 'echo said by the box'
end
";
/// What `package --vagrantfile` and its likes add.
const INCLUDED: &str =
    "Vagrant.configure('2') { |config| config.vm.post_up_message = 'Welcome, says the box.' }\n";

#[test]
fn what_a_box_says_counts_from_the_first_up_until_the_machine_is_gone() {
    if !can_make_machines("a machine from a box with a Vagrantfile") {
        return;
    }
    let sandbox = Sandbox::new("Vagrant.configure('2') { |config| config.vm.box = './own.box' }\n");
    let files = [("Vagrantfile", OWN), ("include/_Vagrantfile", INCLUDED)];
    roots::make_box_with(&sandbox.path("own.box"), "lxc", "hello", 0, "gzip", &files);
    let said = sandbox.ok(&["up"]);
    assert!(said.contains("said by the box"), "{said}");
    assert!(said.contains("Welcome, says the box."), "{said}");
    assert_eq!(sandbox.ok(&["ssh", "-c", "cat /etc/hostname"]).trim(), "named-by-the-box");
    let explained = sandbox.ok(&["config", "--explain", "vm.hostname"]);
    assert!(explained.contains("named-by-the-box") && explained.contains("Vagrantfile:3"), "{explained}");

    // The project has the last word.
    sandbox.write(
        "Vagrantfile",
        "Vagrant.configure('2') { |config| config.vm.box = './own.box'; config.vm.hostname = 'mine' }\n",
    );
    sandbox.ok(&["reload"]);
    assert_eq!(sandbox.ok(&["ssh", "-c", "cat /etc/hostname"]).trim(), "mine");
    sandbox.write(
        "Vagrantfile",
        "Vagrant.configure('2') { |config| config.vm.box = './own.box'; config.vm.ignore_box_vagrantfile = true }\n",
    );
    let explained = sandbox.ok(&["config", "--explain", "vm.hostname"]);
    assert!(!explained.contains("named-by-the-box"), "{explained}");
    sandbox.ok(&["destroy", "-f"]);
}

#[test]
fn a_fault_in_the_vagrantfile_of_a_box_is_shown_with_its_place_and_nothing_is_made() {
    if !can_make_machines("a box with a broken Vagrantfile") {
        return;
    }
    let sandbox = Sandbox::new("Vagrant.configure('2') { |config| config.vm.box = './own.box' }\n");
    let files = [("Vagrantfile", "Vagrant.configure('2') do |config|\n  config.vm.hostnam = 'x'\nend\n")];
    roots::make_box_with(&sandbox.path("own.box"), "lxc", "hello", 0, "gzip", &files);
    sandbox.run(&["up"]).refused(&["hostnam", "Vagrantfile:2"]);
    assert!(sandbox.machines().is_empty());
}
