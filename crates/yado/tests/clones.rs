//! Copies of machines, `config.vm.clone`: of machines at rest and running ones, whatever then becomes of either, refusals,
//! and deaths while a copy is made.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use support::audit::Traces;
use support::{Sandbox, can_make_machines, debian, has_programs};

const BASE: &str = "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\nend\n";

fn copy_of(base: &Sandbox, path: &str, rest: &str) -> Sandbox {
    let file = format!("Vagrant.configure(\"2\") do |config|\n  config.vm.clone = \"{path}\"\n{rest}\nend\n");
    Sandbox::new(&file).with_home(&base.home())
}

fn project(sandbox: &Sandbox) -> String {
    sandbox.project.display().to_string()
}

/// The files of this name in the layers of all machines of a sandbox's home.
fn files(sandbox: &Sandbox, name: &str) -> Vec<PathBuf> {
    let folders =
        sandbox.machines().into_iter().map(|machine| sandbox.home().join("machines").join(machine.id));
    let layers =
        folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|layer| layer.unwrap().path());
    layers.map(|layer| layer.join(name)).filter(|path| path.exists()).collect()
}

fn inode(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().ino()
}

#[test]
fn a_copy_has_everything_and_each_goes_its_own_way() {
    if !can_make_machines("clones") {
        return;
    }
    let base =
        Sandbox::new(&BASE.replace("\nend", "\n  config.vm.provision \"shell\", path: \"prepare\"\nend"));
    base.write(
        "prepare",
        "set -e\nmkdir /srv/d\necho one > /srv/d/file\nrm /etc/debconf.conf\n\
         head -c 30M /dev/urandom > /srv/large\nrm -f /etc/machine-id\n\
         echo 0123456789abcdef0123456789abcdef > /etc/machine-id\nchown -R 1000 /srv/d /srv/large\n",
    );
    base.ok(&["up"]);
    base.ok(&["halt"]);
    let provisioner = "  config.vm.provision \"shell\", inline: \"echo provisioned > /srv/provisioned\"";
    let copy = copy_of(&base, &project(&base), provisioner);
    let said = copy.ok(&["plan"]);
    assert!(said.contains("- create the machine as a copy of that of '"), "{said}");
    let said = copy.ok(&["up"]);
    assert!(
        said.contains(&format!("==> default: Cloning the machine 'default' of '{}'...", project(&base))),
        "{said}"
    );
    let look = "cat /srv/d/file; stat -c %u /srv/d/file; stat -c %s /srv/large; ls /etc/debconf.conf 2>/dev/null; \
                cat /srv/provisioned /etc/machine-id";
    assert_eq!(copy.inside("default", look), "one\n1000\n31457280\nprovisioned\n");
    // Nothing was copied.
    let large: Vec<u64> = files(&base, "srv/large").iter().map(|path| inode(path)).collect();
    assert!(large.len() == 2 && large[0] == large[1], "{large:?}");

    // What one of them writes is nobody else's, also in files that are shared and with snapshots that go.
    copy.inside("default", "echo two > /srv/d/file; echo x >> /srv/large");
    base.ok(&["snapshot", "save", "here"]);
    base.ok(&["snapshot", "delete", "here"]);
    base.ok(&["up"]);
    base.inside("default", "echo three >> /srv/d/file; chmod 600 /srv/large; rm /srv/d/file");
    assert_eq!(copy.inside("default", "cat /srv/d/file; stat -c %a,%s /srv/large"), "two\n644,31457282\n");
    assert_eq!(
        base.inside("default", "ls /srv/d; stat -c %a,%s /srv/large; ls /srv/provisioned 2>&1 | wc -l"),
        "600,31457280\n1\n"
    );

    // A copy of the copy, which runs; then those go that it came from.
    let third = copy_of(&copy, &format!("{}#default", project(&copy)), "");
    third.ok(&["up"]);
    let traces = Traces::of(&base);
    base.ok(&["destroy", "-f"]);
    copy.destroy_and_audit();
    assert_eq!(third.inside("default", "cat /srv/d/file /srv/provisioned"), "two\nprovisioned\n");
    third.ok(&["reload"]);
    assert_eq!(third.inside("default", "stat -c %s /srv/large"), "31457282\n");
    third.ok(&["destroy", "-f"]);
    traces.assert_gone(&base);
}

#[test]
fn several_copies_at_once_come_from_one_machine() {
    if !can_make_machines("several_clones") {
        return;
    }
    let base = Sandbox::new(BASE);
    base.ok(&["up"]);
    base.inside("default", "echo base > file");
    let machines = "  6.times { |number| config.vm.define \"m#{number}\" }";
    let copies = copy_of(&base, &project(&base), machines);
    copies.ok(&["up"]);
    for number in 0..6 {
        assert_eq!(copies.inside(&format!("m{number}"), "cat file; hostname"), format!("base\nm{number}\n"));
    }
    copies.destroy_and_audit();
    assert_eq!(base.inside("default", "cat file"), "base\n");
    base.destroy_and_audit();
}

#[test]
fn what_cannot_be_copied_is_refused_with_its_place() {
    if !can_make_machines("clone_refusals") {
        return;
    }
    let base = Sandbox::new(
        "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\n  config.vm.define \"a\"\n  \
         config.vm.define \"b\"\nend\n",
    );
    let place = ["Vagrantfile:2"];
    let refuse = |copy: &Sandbox, words: &[&str]| {
        copy.run(&["up"]).refused(&[words, &place[..]].concat());
        assert!(copy.machines().is_empty());
    };
    let copy = copy_of(&base, &project(&base), "");
    refuse(&copy, &["There is no machine in", "yado up"]);
    base.ok(&["up"]);
    refuse(&copy, &["several machines", "#a'"]);
    refuse(&copy_of(&base, &format!("{}#c", project(&base)), ""), &["no machine 'c'", "a, b"]);
    refuse(&copy_of(&base, ".", ""), &["one of its own project"]);
    copy.write("Vagrantfile.lock", "format = \"1\"\n");
    copy.run(&["up", "--locked"]).refused(&["cannot be locked"]);
    if has_programs("clone_refusals", &["podman"]) {
        copy.run(&["up", "--provider", "podman"]).refused(&[
            "not possible with the provider 'podman', but with 'container' and 'kvm'",
            "Vagrantfile:2",
        ]);
    }
    base.destroy_and_audit();
}

#[test]
fn deaths_while_a_copy_is_made_harm_neither_machine() {
    if !can_make_machines("clone_kills") {
        return;
    }
    let base = Sandbox::new(BASE);
    base.ok(&["up"]);
    base.inside("default", "mkdir many; cd many; for i in $(seq 800); do echo $i > $i; done");
    let copy = copy_of(&base, &project(&base), "");
    for instant in 0..8_u64 {
        // By turns a machine that runs and one that is switched off.
        base.ok(&[if instant % 2 == 0 { "up" } else { "halt" }]);
        let mut child = copy.start(&["up"]);
        std::thread::sleep(Duration::from_millis(10 + instant * 8));
        child.kill().unwrap();
        child.wait().unwrap();
        copy.ok(&["destroy", "-f"]);
        base.ok(&["up"]);
        assert_eq!(
            base.inside("default", "ls many | wc -l; cat many/800"),
            format!("{}\n800\n", 800 + instant.min(1))
        );
        assert_eq!(std::fs::read_dir(base.home().join("machines")).unwrap().count(), 1);
        base.inside("default", &format!("echo {instant} > many/new"));
    }
    copy.ok(&["up"]);
    assert_eq!(copy.inside("default", "ls many | wc -l; cat many/new"), "801\n7\n");
    copy.destroy_and_audit();
    base.destroy_and_audit();
}

/// What tells a virtual machine from others.
const IDENTITY: &str = "hostname; cat /etc/machine-id; cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub; cat /sys/class/net/eth0/address";

#[test]
fn a_virtual_machine_that_runs_is_copied_and_becomes_another() {
    if !has_programs("clones", &["qemu-system-x86_64", "qemu-img", "ssh", "rsync"]) {
        return;
    }
    let Some(home) = debian::home("clones") else { return };
    let settings = "  config.vm.synced_folder \".\", \"/vagrant\", disabled: true\n  \
                    config.vm.disk :disk, name: \"data\", size: \"64MB\"\n  \
                    config.vm.provider(\"kvm\") { |v| v.memory = 256 }\n";
    let base = Sandbox::new(&format!(
        "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"debian/bookworm64\"\n{settings}  \
         config.vm.hostname = \"model\"\n  config.vm.disk :disk, name: \"other\", size: \"8MB\"\nend\n"
    ))
    .with_home(home);
    base.ok(&["up", "--provider", "kvm"]);
    base.inside("default", "sudo sh -c 'echo word > /dev/disk/by-id/virtio-data'; echo one > file");
    let copy = copy_of(&base, &project(&base), &format!("{settings}  config.vm.hostname = \"copy\""));
    let up = ["up", "--provider", "kvm"];
    for milliseconds in [150, 450] {
        let mut killed = copy.start(&up);
        std::thread::sleep(Duration::from_millis(milliseconds));
        killed.kill().unwrap();
        killed.wait().unwrap();
        copy.ok(&["destroy", "-f"]);
        assert_eq!(base.inside("default", "cat file"), "one\n");
    }
    let said = copy.ok(&up);
    assert!(said.contains("==> default: Cloning the machine 'default' of '"), "{said}");
    assert!(said.contains("The disk 'other' is not copied"), "{said}");
    assert!(!said.contains("could not be asked to write out"), "{said}");
    // What was written just before is there, and what comes after is either machine's own.
    base.inside("default", "echo two > file");
    assert_eq!(copy.inside("default", "cat file; sudo head -c 5 /dev/disk/by-id/virtio-data"), "one\nword\n");
    let identities = [&base, &copy].map(|sandbox| sandbox.inside("default", IDENTITY));
    let [model, own] = identities.map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    assert!(model.len() == 4 && model.iter().zip(&own).all(|(one, two)| one != two), "{model:?} {own:?}");
    assert_eq!((model[0].as_str(), own[0].as_str()), ("model", "copy"));
    base.destroy_and_audit();
    assert_eq!(copy.inside("default", "cat file"), "one\n");
    copy.destroy_and_audit();
}
