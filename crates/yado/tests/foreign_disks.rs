//! Virtual machines from disks that yado did not make: they boot by firmware and their own boot loader, and are entered
//! with what cloud-init takes from the seed, or with the key that boxes for Vagrant let in.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod support;

use support::cloud_image::{self, pack};
use support::{Sandbox, can_make_machines, free_port, has_programs};

fn can_boot() -> bool {
    can_make_machines("virtual machines")
        && has_programs("virtual machines", &["qemu-system-x86_64", "qemu-img", "ssh", "rsync"])
}

#[test]
fn an_image_for_clouds_boots_by_its_own_loader_and_does_what_its_seed_says() {
    if !can_boot() || !has_programs("discs", &["genisoimage"]) {
        return;
    }
    let Some(images) = cloud_image::images() else { return };
    let (third, ssh) = (std::process::id() % 256, free_port());
    let sandbox = Sandbox::new(&format!(
        r##"Vagrant.configure("2") do |config|
  config.vm.box = "foreign/cloud"
  config.vm.box_url = "cloud.box"
  config.vm.boot_timeout = 900
  config.vm.hostname = "guest.example.org"
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.network "forwarded_port", guest: 22, host: {ssh}, id: "ssh"
  config.vm.network "private_network", ip: "172.27.{third}.10", mtu: 1400
  config.vm.disk :disk, primary: true, size: "1536MB"
  config.vm.disk :disk, name: "data", size: "64MB"
  config.vm.disk :dvd, name: "tools", file: "tools.iso"
  config.vm.cloud_init content_type: "text/cloud-config",
    inline: "#cloud-config\nusers:\n- default\n- name: other\nwrite_files:\n- path: /root/written\n  content: by cloud-init\n"
  config.vm.cloud_init content_type: "text/x-shellscript", path: "setup.sh"
end
"##
    ));
    pack(&sandbox.project, "cloud.box", "libvirt", &images.cloud, "box.img");
    sandbox.write("setup.sh", "#!/bin/sh\nhostname > /root/ran\n");
    sandbox.write("disc/word", "on a disc\n");
    let mut disc = std::process::Command::new("genisoimage");
    disc.args(["-quiet", "-r", "-o", "tools.iso", "disc"]).current_dir(&sandbox.project);
    assert!(disc.status().unwrap().success());

    let said = sandbox.ok(&["up", "--provider", "kvm"]);
    assert!(said.contains("Keeping the disk (format qcow2)") && said.contains("from the box"), "{said}");
    let script = "hostname; id -un; id -un other; sudo cat /root/written; echo; sudo cat /root/ran
        df --output=size -m / | tail -n 1; lsblk -dbno SERIAL,SIZE | grep data
        cat /sys/class/net/eth1/mtu; ip -4 -o addr show eth1
        sudo mount -o ro /dev/sr0 /mnt && cat /mnt/word; grep guest /etc/hosts";
    let said = sandbox.ok(&["ssh", "-c", script]);
    let begin = "guest.example.org\nvagrant\nother\nby cloud-init\nguest.example.org\n";
    assert!(said.starts_with(begin), "{said}");
    let rest: Vec<&str> = said[begin.len()..].lines().collect();
    assert!(rest[0].trim().parse::<u32>().unwrap() > 1300, "the file system did not grow: {said}");
    assert_eq!(rest[1].split_whitespace().collect::<Vec<_>>(), ["data", &(64 << 20).to_string()]);
    assert_eq!(rest[2], "1400", "{said}");
    assert!(rest[3].contains(&format!("172.27.{third}.10/24")), "{said}");
    assert_eq!(rest[4], "on a disc", "{said}");
    assert!(rest[5].contains("guest.example.org guest"), "{said}");
    // Kept once, and checked as other boxes are.
    assert!(sandbox.ok(&["box", "list"]).contains("foreign/cloud"));
    sandbox.ok(&["box", "verify"]);
    sandbox.destroy_and_audit();
    let disks = || std::fs::read_dir(sandbox.home().join("disks")).unwrap().count();
    assert_eq!(disks(), 1);
    sandbox.ok(&["box", "remove", "foreign/cloud"]);
    assert_eq!(disks(), 0);
}

#[test]
fn a_box_for_vagrant_is_entered_by_the_key_that_everybody_has_and_gets_one_of_its_own() {
    if !can_boot() {
        return;
    }
    let Some(images) = cloud_image::images() else { return };
    let (third, ssh) = (std::process::id() % 256, free_port());
    let sandbox = Sandbox::new(&format!(
        r#"Vagrant.configure("2") do |config|
  config.vm.box = "box.box"
  config.vm.boot_timeout = 900
  config.vm.hostname = "plain"
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.network "forwarded_port", guest: 22, host: {ssh}, id: "ssh"
  config.vm.network "private_network", ip: "172.26.{third}.10"
  config.vm.provider("libvirt") {{ |v| v.disk_bus = "virtio" }}
end
"#
    ));
    pack(&sandbox.project, "box.box", "virtualbox", &images.vagrant, "box-disk001.vmdk");
    let said = sandbox.ok(&["up", "--provider", "kvm"]);
    assert!(said.contains("Keeping the disk (format vmdk)"), "{said}");
    assert!(said.contains("it was replaced by one of the machine's own"), "{said}");
    let said = sandbox.ok(&["ssh", "-c", "hostname; cat .ssh/authorized_keys; ip -4 -o addr show eth1"]);
    assert!(said.starts_with("plain\nssh-ed25519 ") && !said.contains("insecure"), "{said}");
    assert!(said.contains(&format!("172.26.{third}.10/24")), "{said}");
    let settings = sandbox.ok(&["ssh-config"]);
    assert!(settings.contains("StrictHostKeyChecking yes"), "{settings}");
    assert!(!settings.contains("shared_key"), "{settings}");

    // A copy is entered by the key of the machine that it was made from, and gets one of its own, too.
    sandbox.ok(&["ssh", "-c", "echo kept > file"]);
    sandbox.ok(&["halt"]);
    let copy = Sandbox::new(&format!(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.clone = \"{}\"\n  c.vm.boot_timeout = 900\n  \
         c.vm.hostname = \"copy\"\n  c.vm.synced_folder \".\", \"/vagrant\", disabled: true\n  \
         c.vm.network \"forwarded_port\", guest: 22, host: {}, id: \"ssh\"\n  \
         c.vm.provider(\"libvirt\") {{ |v| v.disk_bus = \"virtio\" }}\nend\n",
        sandbox.project.display(),
        free_port()
    ))
    .with_home(&sandbox.home());
    let key = |sandbox: &Sandbox| {
        let machine = sandbox.home().join("machines").join(&sandbox.machines()[0].id);
        std::fs::read_to_string(machine.join("ssh/private_key.pub")).unwrap()
    };
    let of_model = key(&sandbox);
    let said = copy.ok(&["up", "--provider", "kvm"]);
    assert!(said.contains("it was replaced by one of its own"), "{said}");
    let said = copy.ok(&["ssh", "-c", "hostname; cat file .ssh/authorized_keys"]);
    assert_eq!(said, format!("copy\nkept\n{}", key(&copy)));
    assert_ne!(of_model, key(&copy));
    copy.destroy_and_audit();
    sandbox.destroy_and_audit();
}

#[test]
fn a_disk_that_nothing_can_be_started_from_is_told_of_with_what_the_firmware_says() {
    if !can_boot() {
        return;
    }
    let vagrantfile = |more: &str| {
        format!(
            "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"disk.img\"\n  c.vm.boot_timeout = 20\n  \
             c.vm.network \"forwarded_port\", guest: 22, host: {}, id: \"ssh\"\n  {more}\nend\n",
            free_port()
        )
    };
    let sandbox = Sandbox::new(&vagrantfile(""));
    // Boot code that gives up, as that of a disk without a system.
    let mut disk = vec![0_u8; 4 << 20];
    disk[..3].copy_from_slice(&[0xcd, 0x18, 0xf4]);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    std::fs::write(sandbox.path("disk.img"), &disk).unwrap();
    sandbox.run(&["up", "--provider", "kvm"]).refused(&[
        "Timed out",
        "Booting from Hard Disk",
        "No bootable device",
        "config.ssh.private_key_path",
    ]);
    sandbox.destroy_and_audit();

    // More memory than there is: said before anything is switched on.
    sandbox.write("Vagrantfile", &vagrantfile("c.vm.provider(\"kvm\") { |v| v.memory = \"64T\" }"));
    sandbox.run(&["up", "--provider", "kvm"]).refused(&["67108864 MiB of memory", "MiB left", "'memory'"]);
    sandbox.ok(&["destroy", "-f"]);

    // The same by UEFI, which is asked for, and whose files are not where the Vagrantfile says.
    sandbox.write(
        "Vagrantfile",
        &vagrantfile("c.vm.provider(\"libvirt\") { |v| v.loader = \"/usr/share/OVMF/NONE.fd\" }"),
    );
    sandbox.run(&["up", "--provider", "kvm"]).refused(&["/usr/share/OVMF/NONE.fd", "apt-get install ovmf"]);
    sandbox.ok(&["destroy", "-f"]);
    if has_programs("UEFI", &["/usr/share/OVMF/OVMF_CODE.fd"]) {
        sandbox.write("Vagrantfile", &vagrantfile("c.vm.provider(\"kvm\") { |v| v.firmware = \"efi\" }"));
        sandbox.run(&["up", "--provider", "kvm"]).refused(&["Timed out", "BdsDxe: "]);
        sandbox.destroy_and_audit();
    }
}

#[test]
fn without_qemu_its_package_is_named() {
    let sandbox = Sandbox::new("Vagrant.configure(\"2\") { |c| c.vm.box = \"host\" }\n");
    let arguments = ["up", "--provider", "kvm"];
    let output = sandbox.command(&arguments).env("PATH", sandbox.path("nothing")).output().unwrap();
    support::Answer::of(output, &arguments)
        .refused(&["qemu-system-x86_64", "apt-get install qemu-system-x86"]);
}

#[test]
fn a_broken_image_is_refused_before_there_is_a_machine() {
    if !can_boot() {
        return;
    }
    let sandbox = Sandbox::new("Vagrant.configure(\"2\") { |c| c.vm.box = \"disk.qcow2\" }\n");
    let image = |arguments: &[&str]| {
        let mut program = std::process::Command::new("qemu-img");
        assert!(program.args(arguments).current_dir(&sandbox.project).status().unwrap().success());
    };
    let mut raw = vec![7_u8; 4 << 20];
    raw[510..512].copy_from_slice(&[0x55, 0xaa]);
    std::fs::write(sandbox.path("raw"), &raw).unwrap();
    let up = || sandbox.run(&["up", "--provider", "kvm"]);
    // A download that broke off.
    image(&["convert", "-f", "raw", "-O", "qcow2", "raw", "disk.qcow2"]);
    let file = std::fs::File::options().write(true).open(sandbox.path("disk.qcow2")).unwrap();
    file.set_len(1 << 20).unwrap();
    up().refused(&["The disk is damaged", "qemu-img check"]);
    // A header that says nothing sensible.
    std::os::unix::fs::FileExt::write_all_at(&file, &[0xff; 60], 8).unwrap();
    up().refused(&["'qemu-img info' failed"]);
    // One that leads to a file of this computer.
    std::fs::remove_file(sandbox.path("disk.qcow2")).unwrap();
    image(&["create", "-q", "-f", "qcow2", "-F", "raw", "-b", "raw", "disk.qcow2"]);
    up().refused(&["leads to another file"]);
    assert!(sandbox.machines().is_empty());
}
