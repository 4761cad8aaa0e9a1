//! Commands that people have in their scripts beside `up`: `upload`, `provider`, `plugin`.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

mod support;

use support::{Sandbox, can_make_machines};

#[test]
fn files_and_directories_are_uploaded_as_the_entry_user() {
    if !can_make_machines("an upload") {
        return;
    }
    let sandbox = Sandbox::new("Vagrant.configure('2') { |config| config.vm.box = 'host' }\n");
    sandbox.write("note.txt", "hello");
    sandbox.write("tree/deep/leaf", "leaf");
    sandbox.run(&["upload", "note.txt"]).refused(&["must be created and running", "yado up"]);
    sandbox.ok(&["up"]);
    let said = sandbox.ok(&["upload", "note.txt"]);
    assert!(said.contains("Upload has completed successfully!"), "{said}");
    sandbox.ok(&["upload", "note.txt", "notes/here.txt"]);
    sandbox.ok(&["upload", "tree", "/tmp/tree", "default"]);
    sandbox.ok(&["upload", "-t", "note.txt", "default"]);
    let seen = sandbox.ok(&[
        "ssh",
        "-c",
        "cat ~/note.txt ~/notes/here.txt /tmp/tree/deep/leaf /tmp/note.txt; stat -c :%U ~/note.txt",
    ]);
    assert_eq!(seen.trim(), "hellohelloleafhello:vagrant");
    sandbox.run(&["upload", "missing"]).refused(&["'missing', does not exist"]);
    assert_eq!(sandbox.ok(&["provider"]).trim(), "container");
    sandbox.ok(&["provider", "--usable"]);
    sandbox.ok(&["destroy", "-f"]);
}

#[test]
fn scripts_that_install_plugins_go_on_and_are_told_what_takes_their_place() {
    let sandbox = Sandbox::empty();
    let said =
        sandbox.ok(&["plugin", "install", "vagrant-hostmanager", "vagrant-docker", "vagrant-unheard-of"]);
    assert!(said.contains("machines know each other's names anyway"), "{said}");
    assert!(said.contains("the provider 'docker' is built in"), "{said}");
    assert!(said.contains("'vagrant-unheard-of' was not installed: yado has no plugins."), "{said}");
    assert_eq!(sandbox.ok(&["plugin", "list", "--local"]).trim(), "No plugins installed.");
}
