//! Packaging: what yado writes, its peers take. Real Vagrant adds the boxes, real Docker loads and runs the images.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

#[path = "../../yado-plugins/tests/support/dockerd.rs"]
mod dockerd;
mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use dockerd::Docker;
use support::registry::Registry;
use support::{Sandbox, busybox_root, can_make_machines, has_programs};

const VAGRANTFILE: &str = r#"
Vagrant.configure("2") do |config|
  config.vm.box = "./root"
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.define "web"
  config.ssh.shell = "sh"
  config.ssh.username = "root"
end
"#;

/// A machine that differs from its box: something new, something changed, something removed.
fn changed_machine() -> Sandbox {
    let sandbox = Sandbox::new(VAGRANTFILE);
    busybox_root(&sandbox, "root");
    sandbox.write("root/etc/removed", "x");
    sandbox.write("root/etc/hidden/old", "x");
    sandbox.ok(&["up"]);
    let script = "echo new > /etc/new && rm /etc/removed && rm -r /etc/hidden && mkdir /etc/hidden && \
                  touch /etc/hidden/new && chown 1234:5678 /etc/hidden/new && chmod 4755 /etc/hidden/new";
    sandbox.inside("web", script);
    sandbox
}

/// What the changed machine's `/etc` is like, asked wherever its file system is now.
const LOOK: &str = "cat /etc/new; ls /etc/hidden; test -e /etc/removed && echo still there; \
                    stat -c '%a %u %g' /etc/hidden/new";
const SEEN: &str = "new\nnew\n4755 1234 5678";

/// Vagrant, with a home of its own.
fn vagrant(sandbox: &Sandbox, environment: &[(&str, &str)], words: &[&str]) -> String {
    let output = Command::new("timeout")
        .args(["-k", "5", "120", "vagrant"])
        .args(words)
        .current_dir(&sandbox.project)
        .env("VAGRANT_HOME", sandbox.path("vagrant-home"))
        .env("VAGRANT_CHECKPOINT_DISABLE", "1")
        .env("HOME", sandbox.path("."))
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "vagrant {words:?}: {text}\n{errors}");
    text
}

#[test]
fn a_packaged_machine_is_a_box_for_yado_and_for_vagrant() {
    if !can_make_machines("packaging") || !has_programs("packaging", &["busybox", "vagrant"]) {
        return;
    }
    let sandbox = changed_machine();
    sandbox.write("notes/a.txt", "brought along\n");
    sandbox.write(
        "Vagrantfile.box",
        "Vagrant.configure('2') { |config| config.vm.hostname = 'from-the-box' }\n",
    );
    sandbox.write("info.json", r#"{"author": "someone"}"#);
    let said = sandbox.ok(&[
        "package",
        "--output",
        "web.box",
        "--include",
        "notes",
        "--vagrantfile",
        "Vagrantfile.box",
        "--info",
        "info.json",
    ]);
    assert!(said.contains("Compressing package to:") && said.contains("web.box"), "{said}");
    sandbox.run(&["package", "--output", "web.box"]).refused(&["web.box", "already exists"]);
    // Nothing but the box is left.
    let left: Vec<_> =
        std::fs::read_dir(&sandbox.project).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".scratch")), "{left:?}");

    vagrant(&sandbox, &[], &["box", "add", "web.box", "--name", "test/web"]);
    let listed = vagrant(&sandbox, &[], &["box", "list", "-i"]);
    assert!(listed.contains("test/web") && listed.contains("(lxc, 0)"), "{listed}");
    assert!(listed.contains("author: someone"), "{listed}");
    let kept = sandbox.path("vagrant-home/boxes/test-VAGRANTSLASH-web/0/lxc");
    assert!(kept.join("rootfs.tar.gz").is_file() && kept.join("include/notes/a.txt").is_file());

    sandbox.ok(&["box", "add", "web.box", "--name", "test/web"]);
    is_brought_up_as(&sandbox, "test/web");
    // And one that Vagrant itself has written.
    vagrant(&sandbox, &[], &["box", "repackage", "test/web", "lxc", "0"]);
    sandbox.ok(&["box", "add", "package.box", "--name", "test/of-vagrant"]);
    is_brought_up_as(&sandbox, "test/of-vagrant");
    sandbox.destroy_and_audit();
}

/// The machine is made anew from this box, and is what was packaged.
fn is_brought_up_as(sandbox: &Sandbox, name: &str) {
    sandbox.ok(&["destroy", "-f"]);
    sandbox.write("Vagrantfile", &VAGRANTFILE.replace("./root", name));
    sandbox.ok(&["up"]);
    assert_eq!(sandbox.inside("web", LOOK).trim(), SEEN);
    assert_eq!(sandbox.inside("web", "hostname").trim(), "from-the-box");
}

#[test]
fn a_packaged_machine_is_an_image_for_docker() {
    if !can_make_machines("packaging") || !has_programs("packaging", &["busybox", "vagrant"]) {
        return;
    }
    let Some(docker) = Docker::start_or_say_why_not() else { return };
    let sandbox = changed_machine();
    sandbox.ok(&["package", "web", "--format", "oci", "--output", "web.tar"]);
    let image = sandbox.path("web.tar");
    docker.run(&["load", "-i", image.to_str().unwrap()]);
    let run = ["run", "--rm", "--network", "none", "web:latest", "sh", "-c", LOOK];
    assert_eq!(docker.run(&run), SEEN);
    if has_programs("reading images", &["skopeo"]) {
        oci_tools_agree(&image);
    }
    // The same machine again is the same image, byte for byte.
    sandbox.ok(&["package", "web", "--format", "oci", "--output", "again.tar"]);
    assert!(std::fs::read(&image).unwrap() == std::fs::read(sandbox.path("again.tar")).unwrap());
    docker.run(&["image", "rm", "web:latest"]);
    comes_back_through_a_registry(&docker, &image);

    sandbox.ok(&["package", "web", "--format", "docker", "--output", "web.box"]);
    vagrant(&sandbox, &[], &["box", "add", "web.box", "--name", "test/docker"]);
    assert!(vagrant(&sandbox, &[], &["box", "list"]).contains("(docker, 0)"));
    sandbox.destroy_and_audit();
}

/// In a registry it is an image as any other, for Docker and for yado.
fn comes_back_through_a_registry(docker: &Docker, image: &Path) {
    let Some(registry) = Registry::start() else { return };
    let name = registry.image("team/web:1");
    registry.copy(&[&format!("oci-archive:{}", image.display()), &format!("docker://{name}")]);
    // The daemon's network is its own: there, a second server has the same folder.
    let configuration = registry.folder.path().join("registry.yml");
    let serve = ["docker-registry", "serve", configuration.to_str().unwrap()];
    let mut beside = docker.start_in_its_network(&serve);
    assert!((0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        docker.try_run(&["pull", "--quiet", &name]).status.success()
    }));
    assert_eq!(docker.run(&["run", "--rm", "--network", "none", &name, "sh", "-c", LOOK]), SEEN);
    // What Docker pushes is the same once more.
    let pushed = registry.image("team/pushed:1");
    docker.run(&["tag", &name, &pushed]);
    docker.run(&["push", "--quiet", &pushed]);
    docker.run(&["image", "rm", &name, &pushed]);
    beside.kill().unwrap();
    beside.wait().unwrap();
    let colleague = Sandbox::new(&VAGRANTFILE.replace("./root", &format!("oci:{pushed}")));
    colleague.ok(&["up"]);
    assert_eq!(colleague.inside("web", LOOK).trim(), SEEN);
    colleague.destroy_and_audit();
}

/// A strict reader of the OCI's layout, which checks every digest.
fn oci_tools_agree(image: &Path) {
    let copy = tempfile::tempdir().unwrap();
    let output = Command::new("timeout")
        .args(["-k", "5", "60", "skopeo", "copy", "--insecure-policy"])
        .arg(format!("oci-archive:{}", image.display()))
        .arg(format!("dir:{}", copy.path().display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_cannot_be_packaged_is_refused_before_anything_is_switched_off() {
    if !can_make_machines("packaging") {
        return;
    }
    let sandbox = Sandbox::new(&VAGRANTFILE.replace("./root", "host"));
    sandbox.run(&["package"]).refused(&["has not been created yet"]);
    sandbox.ok(&["up"]);
    sandbox.run(&["package"]).refused(&["'host'", "'/usr'"]);
    sandbox.run(&["package", "--base", "nobody"]).refused(&["'nobody'"]);
    sandbox.run(&["package", "--format", "zip"]);
    assert!(sandbox.ok(&["status"]).contains("running"));
    sandbox.destroy_and_audit();
}

#[test]
fn boxes_of_hypervisors_have_clean_disks_and_serve_containers_too() {
    let peers = ["busybox", "vagrant", "qemu-img", "mke2fs", "e2fsck"];
    if !can_make_machines("packaging") || !has_programs("packaging", &peers) {
        return;
    }
    let sandbox = changed_machine();
    for (provider, disk, format) in
        [("libvirt", "box.img", "qcow2"), ("virtualbox", "box-disk001.vmdk", "vmdk")]
    {
        let file = format!("{provider}.box");
        let name = format!("test/{provider}");
        let said = sandbox.ok(&["package", "web", "--format", provider, "--output", &file]);
        assert!(said.contains(&format!("to a disk (format {format})")), "{said}");
        vagrant(&sandbox, &[], &["box", "add", &file, "--name", &name]);
        let kept = sandbox.path(&format!("vagrant-home/boxes/test-VAGRANTSLASH-{provider}/0/{provider}"));
        let (disk, raw) = (kept.join(disk), kept.join("raw"));
        let run = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stdout));
        };
        let (disk, raw) = (disk.to_str().unwrap(), raw.to_str().unwrap());
        if format == "qcow2" {
            run("qemu-img", &["check", "-f", format, disk]);
        }
        run("qemu-img", &["convert", "-f", format, "-O", "raw", disk, raw]);
        run("e2fsck", &["-fn", raw]);
        let said = sandbox.ok(&["box", "add", &file, "--name", &name]);
        assert!(said.contains(&format!("Converting the disk (format {format})")), "{said}");
        sandbox.ok(&["box", "verify", &name]);
    }
    sandbox.ok(&["destroy", "-f"]);
    sandbox.write("Vagrantfile", &VAGRANTFILE.replace("./root", "test/virtualbox"));
    sandbox.ok(&["up"]);
    assert_eq!(sandbox.inside("web", LOOK).trim(), SEEN);
    sandbox.destroy_and_audit();
}
