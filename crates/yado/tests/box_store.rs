//! The boxes on this computer: old versions go, layers are shared, damage is found and made good, and whoever is
//! killed while adding or packaging leaves nothing half done.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Sandbox, busybox_root, can_make_machines, has_programs};

fn add(sandbox: &Sandbox, version: &str) {
    sandbox.ok(&["box", "add", "root", "--name", "a/b", "--box-version", version]);
}

fn layers(sandbox: &Sandbox) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(sandbox.home().join("layers")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// A project whose directory `root` is a small root file system.
fn project() -> Option<Sandbox> {
    if !can_make_machines("boxes") || !has_programs("boxes", &["busybox"]) {
        return None;
    }
    let sandbox = Sandbox::empty();
    busybox_root(&sandbox, "root");
    Some(sandbox)
}

#[test]
fn old_versions_are_pruned_and_equal_content_is_kept_once() {
    let Some(sandbox) = project() else { return };
    add(&sandbox, "1.0");
    add(&sandbox, "1.1");
    assert_eq!(layers(&sandbox).len(), 1);
    let listed = sandbox.ok(&["box", "list", "-i"]);
    assert!(listed.contains("own: 0.0 MiB"), "{listed}");
    sandbox.write("root/etc/version", "2");
    add(&sandbox, "2.0");
    assert_eq!(layers(&sandbox).len(), 2);
    sandbox.write("Vagrantfile", "Vagrant.configure('2') { |c| c.vm.box = 'a/b'; c.vm.box_version = '1.1' }");
    sandbox.ok(&["up"]);

    let said = sandbox.ok(&["box", "prune", "-n"]);
    assert!(said.contains("The following boxes will be kept...\na/b (container, 2.0)\n"), "{said}");
    assert!(said.contains("Would remove a/b container 1.0\n"), "{said}");
    assert_eq!(sandbox.ok(&["box", "list"]).lines().count(), 3);
    assert!(sandbox.ok(&["box", "prune", "--provider", "docker"]).contains("No old versions"));
    sandbox.run(&["box", "prune", "--name", "nobody"]).refused(&["'nobody'"]);

    let said = sandbox.ok(&["box", "prune", "-f", "-k"]);
    assert!(said.contains("'a/b' (v1.1) is still used by: default"), "{said}");
    assert_eq!(sandbox.ok(&["box", "list"]).lines().count(), 2);
    sandbox.ok(&["box", "prune", "-f"]);
    assert_eq!(sandbox.ok(&["box", "list"]), "a/b (container, 2.0)\n");
    // The machine lives on without its box; its layer goes with it.
    sandbox.ok(&["halt"]);
    sandbox.ok(&["up"]);
    assert_eq!(layers(&sandbox).len(), 2);
    sandbox.destroy_and_audit();
    sandbox.ok(&["box", "prune"]);
    assert_eq!(layers(&sandbox).len(), 1);
}

#[test]
fn a_flipped_bit_is_found_and_repaired_where_the_source_is_known() {
    let Some(sandbox) = project() else { return };
    add(&sandbox, "1");
    assert!(sandbox.ok(&["box", "verify"]).contains("a/b (container, 1) is intact"));
    let layer = layers(&sandbox).remove(0);
    let flip = || {
        let file = std::fs::File::options().read(true).write(true).open(layer.join("bin/busybox")).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, 100_000).unwrap();
        file.write_all_at(&[byte[0] ^ 0x10], 100_000).unwrap();
    };
    flip();
    sandbox.run(&["box", "verify", "-n"]).refused(&["a/b (container, 1)", "is not what it was"]);
    let said = sandbox.ok(&["box", "verify", "a/b"]);
    assert!(said.contains("was damaged and is repaired"), "{said}");
    assert!(sandbox.ok(&["box", "verify"]).contains("is intact"));
    assert_eq!(layers(&sandbox), std::slice::from_ref(&layer));

    // Another content now, or nothing at all: said, and what machines live with stays.
    flip();
    sandbox.write("root/etc/other", "x");
    sandbox.run(&["box", "verify"]).refused(&["what its source has today is something else"]);
    std::fs::remove_dir_all(sandbox.path("root")).unwrap();
    sandbox.run(&["box", "verify"]).refused(&["is no longer there"]);
    assert!(layer.join("bin/busybox").is_file());
}

#[test]
fn a_repackaged_box_is_the_same_box() {
    let Some(sandbox) = project() else { return };
    add(&sandbox, "1");
    sandbox.run(&["box", "repackage", "a/b", "container", "2"]).refused(&["'a/b'", "version '2'"]);
    sandbox.ok(&["box", "repackage", "a/b", "container", "1"]);
    sandbox.ok(&["box", "add", "package.box", "--name", "c/d"]);
    assert_eq!(layers(&sandbox).len(), 1, "the same content");
    assert!(sandbox.ok(&["box", "verify", "c/d"]).contains("intact"));
}

/// Kills a command after this time, and says whether it was still running.
fn kill_after(sandbox: &Sandbox, arguments: &[&str], delay: Duration) -> bool {
    let mut child = sandbox.start(arguments);
    std::thread::sleep(delay);
    let was_running = child.try_wait().unwrap().is_none();
    drop(child.kill());
    child.wait().unwrap();
    was_running
}

fn scratches(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".scratch")).count()
}

#[test]
fn killed_while_adding_or_packaging_at_any_instant() {
    let Some(sandbox) = project() else { return };
    for number in 0..300 {
        sandbox.write(&format!("root/usr/file{number}"), &format!("{number} ").repeat(10_000));
    }
    let packed = sandbox.path("root.tar.gz");
    let mut tar = Command::new("tar");
    tar.args(["-C", "root", "-czf"]).arg(&packed).arg(".").current_dir(&sandbox.project);
    assert!(tar.status().unwrap().success());
    let adding = ["box", "add", "root.tar.gz", "--name", "a/b"];
    let begin = Instant::now();
    sandbox.ok(&adding);
    let whole = begin.elapsed();
    let packaging = ["box", "repackage", "a/b", "container", "0"];
    let mut seed = std::process::id();
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        whole.mul_f64(f64::from(seed >> 16) / f64::from(1 << 16))
    };
    let mut interrupted = 0;
    for _ in 0..12 {
        sandbox.ok(&["box", "remove", "a/b"]);
        interrupted += usize::from(kill_after(&sandbox, &adding, random()));
        let again = sandbox.run(&adding);
        assert!(again.code == 0 || again.err.contains("already exists"), "{}", again.err);
        assert_eq!(layers(&sandbox).len(), 1, "nothing is doubled, nothing is left");
        assert!(sandbox.ok(&["box", "verify"]).contains("is intact"));
        interrupted += usize::from(kill_after(&sandbox, &packaging, random()));
        drop(std::fs::remove_file(sandbox.path("package.box")));
        sandbox.ok(&packaging);
        assert_eq!(scratches(&sandbox.project), 0);
        std::fs::remove_file(sandbox.path("package.box")).unwrap();
    }
    eprintln!("{interrupted} of 24 commands were killed while they ran; one takes {whole:?}");
    assert!(interrupted > 4);
}
