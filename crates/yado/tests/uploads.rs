//! Commands that people have in their scripts beside `up`: `upload`, `provider`, `plugin`.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::PermissionsExt;

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
    std::fs::set_permissions(sandbox.path("note.txt"), std::fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.ok(&["upload", "--compress", "tree", "/tmp/packed"]);
    sandbox.ok(&["upload", "-c", "note.txt", "/tmp/packed"]);
    let seen = sandbox.inside(
        "default",
        "cat /tmp/packed/deep/leaf /tmp/packed/note.txt; stat -c :%U:%a /tmp/packed/note.txt",
    );
    assert_eq!(seen.trim(), "leafhello:vagrant:755");
    // What packs and unpacks is each side's own.
    let empty = sandbox.path("no-programs");
    std::fs::create_dir(&empty).unwrap();
    let mut without =
        sandbox.command(&["upload", "-c", "--compression-type", "zip", "note.txt", "/tmp/zipped"]);
    let answer = support::Answer::of(without.env("PATH", &empty).output().unwrap(), &["upload"]);
    answer.refused(&["no 'zip' on the PATH", "apt-get install zip"]);
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
