//! The provider `kvm` with real virtual machines: emulated where the processor cannot run them, and so few of them, in
//! which one thing after the other is looked at.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod support;

use support::{Sandbox, can_make_machines, debian, free_port, get_until, has_programs};

fn can_boot() -> bool {
    has_programs("virtual machines", &["qemu-system-x86_64", "qemu-img", "ssh", "rsync"])
}

#[test]
fn a_machine_lives_its_whole_life_beside_a_container_of_the_same_box_and_network() {
    if !can_make_machines("virtual machines") || !can_boot() {
        return;
    }
    let Some(home) = debian::home("virtual_machines") else { return };
    let port = free_port();
    let third = std::process::id() % 256;
    let sandbox = Sandbox::new(&format!(
        r#"Vagrant.configure("2") do |config|
  config.vm.box = "debian/bookworm64"
  config.vm.define "db", primary: true do |db|
    db.vm.hostname = "guest.example.org"
    db.vm.network "private_network", ip: "172.30.{third}.10"
    db.vm.network "forwarded_port", guest: 8000, host: {port}
    db.vm.provider("kvm") {{ |v| v.memory = 384 }}
    db.vm.provider("libvirt") {{ |v| v.title = "a guest" }}
    db.vm.provision "shell", inline: "cat /vagrant/word > /root/word; test ! -L /vagrant/link; hostname > /root/name"
  end
  config.vm.define "web" do |web|
    web.vm.network "private_network", ip: "172.30.{third}.11"
  end
end
"#
    ))
    .with_home(home);
    sandbox.write("word", "from outside\n");
    std::os::unix::fs::symlink("word", sandbox.project.join("link")).unwrap();
    std::os::unix::fs::symlink("nothing", sandbox.project.join("broken")).unwrap();

    let said = sandbox.ok(&["up"]);
    assert!(said.contains("'title' of the 'libvirt' block has no effect"), "{said}");
    let status = sandbox.ok(&["status"]);
    assert!(status.contains("running (kvm)") && status.contains("running (container)"), "{status}");
    // A kernel of its own, the box's user with all rights, and a folder of the host's.
    let own = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let inside =
        "cat /proc/sys/kernel/random/boot_id; id -un; sudo cat /root/word /root/name; free -m | sed -n 2p";
    let said = sandbox.ok(&["ssh", "-c", inside]);
    assert!(!said.contains(own.trim()), "{said}");
    assert!(said.contains("vagrant\nfrom outside\nguest.example.org\n"), "{said}");
    let memory: u32 =
        said.split_whitespace().skip_while(|word| *word != "Mem:").nth(1).unwrap().parse().unwrap();
    assert!((280..384).contains(&memory), "{said}");
    assert_eq!(sandbox.run(&["ssh", "-c", "exit 7"]).code, 7);

    // A port of this host leads in, and so does the private network that the container is in, too.
    let serve = "echo served > index.html; nohup busybox httpd -f -p 8000 >/dev/null 2>&1 &";
    sandbox.ok(&["ssh", "-c", serve]);
    assert!(get_until(port, "served").contains("served"));
    assert_eq!(sandbox.inside("web", "curl -s -m 20 http://db:8000/"), "served\n");
    assert!(sandbox.inside("db", "ping -c 1 -W 10 web").contains(&format!("172.30.{third}.11")));

    folders_are_copied_again_when_asked(&sandbox);

    // What was started goes on after a suspension.
    sandbox.inside("db", "touch /vagrant/made");
    sandbox.ok(&["suspend", "db"]);
    assert!(sandbox.ok(&["status"]).contains("suspended (kvm)"));
    // With the hardware that it had, and without its folder being copied again.
    let vagrantfile = std::fs::read_to_string(sandbox.project.join("Vagrantfile")).unwrap();
    let changed = vagrantfile.replace("v.memory = 384", "v.memory = 448; v.cpus = 2");
    sandbox
        .write("Vagrantfile", &changed.replace(&format!("172.30.{third}.10"), &format!("172.31.{third}.10")));
    let said = sandbox.ok(&["resume", "db"]);
    assert!(!said.contains("Mounting shared folders"), "{said}");
    assert!(sandbox.inside("db", "ip -4 -o addr").contains(&format!("172.30.{third}.10")));
    sandbox.inside("db", "ls /vagrant/made");
    suspending_may_be_killed(&sandbox);
    assert!(get_until(port, "served").contains("served"));
    assert_eq!(sandbox.inside("web", "curl -s -m 20 http://db:8000/"), "served\n");
    assert!(sandbox.ok(&["logs", "db"]).contains("login:"));
    the_console_is_talked_to_by_one_at_a_time(&sandbox);
    sandbox.write("Vagrantfile", &changed);
    a_snapshot_keeps_memory(&sandbox);
    assert_eq!(sandbox.inside("web", "curl -s -m 20 http://db:8000/"), "served\n");

    // Whatever is killed, what is there is told, and goes on.
    let id = sandbox.machines().into_iter().find(|machine| machine.name == "db").unwrap().id;
    let killed =
        std::process::Command::new("pkill").args(["-9", "-f", &format!("yado-{id}")]).status().unwrap();
    assert!(killed.success());
    // The kernel takes its memory and its ports back before it is gone.
    let gone = || std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    assert!((0..200).any(|_| gone() || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        false
    }));
    assert!(sandbox.ok(&["status"]).contains("stopped (kvm)"));
    sandbox.ok(&["up", "db"]);
    assert_eq!(sandbox.ok(&["ssh", "-c", "sudo cat /root/word"]), "from outside\n");
    sandbox.ok(&["halt"]);
    assert!(sandbox.ok(&["status"]).contains("stopped (kvm)"));
    sandbox.destroy_and_audit();
}

/// Once, or whenever something changes. What a container sees needs no copying.
fn folders_are_copied_again_when_asked(sandbox: &Sandbox) {
    sandbox.write("word", "changed\n");
    let said = sandbox.ok(&["rsync"]);
    assert!(said.contains("nothing to copy"), "{said}");
    assert_eq!(sandbox.inside("db", "cat /vagrant/word"), "changed\n");
    let mut watching = sandbox.start(&["rsync-auto", "db"]);
    let copied = (0..60).any(|second| {
        sandbox.write("word", &format!("again {second}\n"));
        std::thread::sleep(std::time::Duration::from_secs(1));
        sandbox.inside("db", "cat /vagrant/word").starts_with("again")
    });
    watching.kill().unwrap();
    watching.wait().unwrap();
    assert!(copied);
    sandbox.write("word", "from outside\n");
}

/// Whatever instant a suspension, or its end, is killed at, the machine goes on afterwards with what it had.
fn suspending_may_be_killed(sandbox: &Sandbox) {
    sandbox.inside("db", "touch /dev/shm/since");
    for (command, milliseconds) in [("suspend", 250), ("suspend", 900), ("resume", 400)] {
        if command == "resume" {
            sandbox.ok(&["suspend", "db"]);
        }
        let mut process = sandbox.start(&[command, "db"]);
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        process.kill().unwrap();
        process.wait().unwrap();
        sandbox.ok(&["status"]);
        sandbox.ok(&["resume", "db"]);
        sandbox.inside("db", "ls /dev/shm/since");
    }
}

fn the_console_is_talked_to_by_one_at_a_time(sandbox: &Sandbox) {
    use std::io::{Read, Write};
    use std::process::Stdio;
    sandbox.run(&["console", "web"]).refused(&["'container' have no console", "yado ssh"]);
    let mut console = sandbox
        .command(&["console", "db"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut keys, mut shown) = (console.stdin.take().unwrap(), console.stdout.take().unwrap());
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = shown.read(&mut piece) {
            drop(send.send(piece[..count].to_vec()));
        }
    });
    let mut text = String::new();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while text.matches("login:").count() < 2 {
        assert!(std::time::Instant::now() < end, "nobody answers: {text}");
        keys.write_all(b"\r").unwrap();
        while let Ok(piece) = receive.recv_timeout(std::time::Duration::from_millis(500)) {
            text.push_str(&String::from_utf8_lossy(&piece));
        }
    }
    sandbox.run(&["console", "db"]).refused(&["Somebody else has the console", "yado logs -f"]);
    keys.write_all(b"\x1d").unwrap();
    assert!(console.wait().unwrap().success());
}

/// A snapshot of a machine that runs has its memory, too; one that replaces another is the only one, and one of a machine
/// that is switched off is gone back to by a boot.
fn a_snapshot_keeps_memory(sandbox: &Sandbox) {
    sandbox.inside("db", "touch /dev/shm/kept ondisk && sync");
    sandbox.ok(&["snapshot", "save", "db", "here"]);
    sandbox.ok(&["snapshot", "save", "--force", "db", "here"]);
    sandbox.inside("db", "rm /dev/shm/kept ondisk");
    sandbox.ok(&["snapshot", "restore", "db", "here"]);
    let said = sandbox.inside("db", "ls /dev/shm ondisk; date +%s");
    assert!(said.contains("kept") && said.contains("ondisk"), "{said}");
    let inside: u64 = said.lines().last().unwrap().parse().unwrap();
    let outside = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert!(outside.abs_diff(inside) < 30, "the clock was not set: {inside} instead of {outside}");
    assert_eq!(sandbox.ok(&["snapshot", "list", "db"]).matches("here").count(), 1);
    sandbox.run(&["snapshot", "restore", "db", "hre"]).refused(&["'hre'", "'here'"]);
    sandbox.ok(&["snapshot", "delete", "db", "here"]);
    assert!(!sandbox.ok(&["snapshot", "list", "db"]).contains("here"));
}

#[test]
fn a_machine_that_does_not_boot_is_told_of_with_its_consoles_last_lines() {
    if !can_make_machines("virtual machines") || !can_boot() {
        return;
    }
    let Some(home) = debian::home("virtual_machines") else { return };
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"debian/bookworm64\"\n  c.vm.boot_timeout = 30\n  \
         c.vm.provider(\"kvm\") { |v| v.memory = 192; v.cmd_line = \"init=/nowhere nobody-reads-this\" }\nend\n",
    )
    .with_home(home);
    sandbox.run(&["up", "--provider", "kvm"]).refused(&[
        "Timed out",
        "last lines of its console",
        "boot_timeout",
    ]);
    sandbox.destroy_and_audit();
}

#[test]
fn whatever_instant_a_start_is_killed_at_the_truth_is_told_and_nothing_is_left() {
    if !can_make_machines("virtual machines") || !can_boot() {
        return;
    }
    let Some(home) = debian::home("virtual_machines") else { return };
    let third = std::process::id() % 256;
    let sandbox = Sandbox::new(&format!(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"debian/bookworm64\"\n  \
         c.vm.network \"private_network\", ip: \"172.29.{third}.10\"\n  \
         c.vm.provider(\"kvm\") {{ |v| v.memory = 192 }}\nend\n"
    ))
    .with_home(home);
    for milliseconds in [40, 90, 150, 220, 320, 500, 900, 1500] {
        let mut up = sandbox.start(&["up", "--provider", "kvm"]);
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        up.kill().unwrap();
        up.wait().unwrap();
        let runs = || {
            sandbox.machines().iter().any(|machine| {
                let pid = sandbox.home().join("machines").join(&machine.id).join("qemu.pid");
                let pid = std::fs::read_to_string(pid).unwrap_or_default();
                !pid.is_empty() && std::path::Path::new("/proc").join(pid.trim()).exists()
            })
        };
        // QEMU may be coming up just now, and be there a moment after it was looked for.
        let agrees = (0..20).any(|_| runs() == sandbox.ok(&["status"]).contains("running (kvm)"));
        assert!(agrees, "after {milliseconds} ms: {}", sandbox.ok(&["status"]));
        sandbox.destroy_and_audit();
    }
}

#[test]
fn machines_that_are_interrupted_together_leave_no_network_behind() {
    if !can_make_machines("virtual machines") || !can_boot() {
        return;
    }
    let Some(home) = debian::home("virtual_machines") else { return };
    let third = std::process::id() % 256;
    let machine = |name: &str, last: u32| {
        format!(
            "  c.vm.define(\"{name}\") {{ |m| m.vm.network \"private_network\", ip: \"172.28.{third}.{last}\" }}\n"
        )
    };
    let sandbox = Sandbox::new(&format!(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"debian/bookworm64\"\n  \
         c.vm.provider(\"kvm\") {{ |v| v.memory = 192 }}\n{}{}{}end\n",
        machine("a", 11),
        machine("b", 12),
        machine("c", 13)
    ))
    .with_home(home);
    let mut up = sandbox.start(&["up", "--provider", "kvm"]);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(120);
    let started = |machine: &yado_core::MachineRecord| {
        sandbox.home().join("machines").join(&machine.id).join("qemu.pid").exists()
    };
    while sandbox.machines().iter().filter(|machine| started(machine)).count() < 3 {
        assert!(std::time::Instant::now() < end, "the machines do not start");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let interrupted = std::process::Command::new("kill").args(["-INT", &up.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    assert!(!up.wait().unwrap().success());
    assert!(sandbox.machines().is_empty());
    let bridge = format!("/sys/class/net/yado-n{:08x}", (0xAC1C_0000 | third << 8) ^ 0x18);
    assert!(!std::path::Path::new(&bridge).exists(), "{bridge} is left");
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_made() {
    if !can_boot() {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"host\"\n  c.vm.provider(\"kvm\") { |v| v.memroy = 512 }\n  \
         c.vm.provider(\"libvirt\") { |v| v.cpus = \"many\" }\nend\n",
    );
    sandbox.run(&["up", "--provider", "kvm"]).refused(&[
        "memroy",
        "'memory'",
        "Vagrantfile:3",
        "'many'",
        "Vagrantfile:4",
    ]);
    sandbox.write(
        "Vagrantfile",
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"debian/bookworm64\"\n  \
         c.vm.network \"forwarded_port\", guest: 80, host: 8089, host_ip: \"::1\"\nend\n",
    );
    sandbox.run(&["up", "--provider", "kvm"]).refused(&["IPv6 address '::1'", "Vagrantfile:3"]);
    sandbox.write("Vagrantfile", "Vagrant.configure(\"2\") { |c| c.vm.box = \"host\" }\n");
    sandbox
        .run(&["up", "--provider", "kvm"])
        .refused(&["takes '/usr' from this computer", "debian/bookworm64"]);
    assert!(sandbox.machines().is_empty());
}

#[test]
fn what_hands_this_computer_to_a_virtual_machine_needs_trust() {
    if !can_boot() {
        return;
    }
    let sandbox = Sandbox::new("").with_variable("VAGRANT_DEFAULT_PROVIDER", "kvm");
    std::fs::create_dir(sandbox.project.join("linked")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", sandbox.project.join("linked/passwd")).unwrap();
    for (line, word) in [
        ("v.storage :file, path: '/dev/sda', allow_existing: true", "The path '/dev/sda' lies outside"),
        ("v.storage :file, device: :cdrom, path: '/etc/shadow'", "The path '/etc/shadow' lies outside"),
        ("v.kernel = '/proc/kcore'", "The path '/proc/kcore' lies outside"),
        ("v.initrd = '/etc/shadow'", "The path '/etc/shadow' lies outside"),
        ("v.qemuargs value: '-virtfs'; v.qemuargs value: 'local,path=/'", "The argument '-virtfs' for QEMU"),
        ("v.nic_model_type = 'vfio-pci,host=00:02.0'", "may be a device of this computer"),
        (
            "c.vm.synced_folder '.', '/x', type: 'rsync', rsync__args: ['-e', \"sh -c 'touch /tmp/x'\"]",
            "'-e' in 'rsync__args'",
        ),
        ("c.vm.synced_folder 'linked', '/x', type: 'rsync'", "The path '/etc/passwd' lies outside"),
    ] {
        sandbox.write(
            "Vagrantfile",
            &format!(
                "Vagrant.configure('2') do |c|\n  c.vm.box = 'debian/bookworm64'\n  c.vm.provider 'libvirt' do |v|\n    \
                 {line}\n  end\nend\n"
            ),
        );
        sandbox.run(&["validate"]).refused(&[word, "yado trust", "Vagrantfile:"]);
        let trusted = sandbox.run(&["validate", "--trust"]);
        assert!(!trusted.err.contains("yado trust"), "{line}: {}", trusted.err);
    }
}

/// What makes a machine one of its own, as it tells it: id, number of its boot, keys, names, hardware addresses, and a
/// number that only its generator of random numbers can have come to.
const IDENTITY: &str = "for n in $(seq 100); do [ -d /var/log/journal/$(cat /etc/machine-id) ] && break; sleep 0.1; done; \
    cat /etc/machine-id /proc/sys/kernel/random/boot_id; hostname; \
    ls /var/log/journal; cat /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2; cat /sys/class/net/eth*/address; \
    cat /proc/sys/kernel/random/uuid";

#[test]
fn machines_that_go_on_from_a_kept_boot_are_machines_of_their_own() {
    if !can_make_machines("virtual machines") || !can_boot() {
        return;
    }
    let Some(home) = debian::home("virtual_machines") else { return };
    // What an earlier run has kept would hide that nothing can be kept any more.
    for disk in std::fs::read_dir(home.join("disks")).into_iter().flatten().flatten() {
        for kept in std::fs::read_dir(disk.path()).into_iter().flatten().flatten() {
            if kept.file_name().to_string_lossy().starts_with("warm-") {
                std::fs::remove_dir_all(kept.path()).unwrap();
            }
        }
    }
    let third = std::process::id() % 256;
    let machine = |name: &str, last: u32| {
        format!(
            "  c.vm.define(\"{name}\") {{ |m| m.vm.hostname = \"{name}.example.org\"; \
             m.vm.network \"private_network\", ip: \"172.26.{third}.{last}\" }}\n"
        )
    };
    let sandbox = Sandbox::new(&format!(
        "Vagrant.configure(\"2\") do |c|\n  c.vm.box = \"debian/bookworm64\"\n  \
         c.vm.provider(\"kvm\") {{ |v| v.memory = 256; v.warm_start = true }}\n{}{}end\n",
        machine("one", 11),
        machine("two", 12)
    ))
    .with_home(home);
    sandbox.write("word", "from outside\n");
    let said = sandbox.ok(&["up", "--provider", "kvm"]);
    assert_eq!(said.matches("Booting the box once").count(), 1, "{said}");
    assert!(!said.contains("does not go on from a kept state"), "{said}");

    let identities: Vec<Vec<String>> = ["one", "two"]
        .map(|name| sandbox.inside(name, IDENTITY).lines().map(str::to_owned).collect())
        .to_vec();
    for (one, two) in identities[0].iter().zip(&identities[1]) {
        assert_ne!(one, two, "{identities:?}");
    }
    assert_eq!(identities[0].len(), 8, "{identities:?}");
    assert_eq!(
        (identities[0][2].as_str(), identities[1][2].as_str()),
        ("one.example.org", "two.example.org")
    );
    // The journal lies where its readers look for it.
    assert_eq!(identities[0][0], identities[0][3], "{identities:?}");
    let outside = || std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let (before, inside) = (outside(), sandbox.inside("two", "date +%s"));
    let inside: u64 = inside.trim().parse().unwrap();
    assert!((before.saturating_sub(3)..=outside() + 3).contains(&inside), "{before} {inside}");
    assert!(sandbox.inside("one", "ping -c 1 -W 10 two").contains(&format!("172.26.{third}.12")));
    assert_eq!(sandbox.inside("two", "cat /vagrant/word"), "from outside\n");
    assert!(sandbox.ok(&["logs", "one"]).contains("login:"));

    // Whatever can be done with one that has booted can be done with it.
    sandbox.inside("one", "touch /dev/shm/kept");
    sandbox.ok(&["suspend", "one"]);
    sandbox.ok(&["resume", "one"]);
    assert_eq!(sandbox.inside("one", "ls /dev/shm"), "kept\n");
    sandbox.ok(&["reload", "one"]);
    let again: Vec<String> = sandbox.inside("one", IDENTITY).lines().map(str::to_owned).collect();
    for fact in [0, 2, 4, 5, 6] {
        assert_eq!(again[fact], identities[0][fact], "{again:?} {identities:?}");
    }
    sandbox.destroy_and_audit();
}
