//! Vagrantfiles as people wrote them, unchanged, brought up, entered and taken away again. They come from a collection
//! of public repositories' Vagrantfiles that lies beside the repository; without it, the tests say that they were
//! skipped.
//!
//! Boxes that only exist for other providers are stood in for as a user would do it: `yado box add` of a Debian root
//! file system under the wanted name. Where a Vagrantfile takes its box from the environment, it is asked for Debian.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking and says what it skips")]

#[path = "../../yado-vagrantfile/tests/collection/mod.rs"]
mod collection;
mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};

use collection::collection;
use support::{Sandbox, debian};

/// Several cases want the same addresses and ports, so one is up at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A copy of a case, named by the number that its folder begins with, without what the collection added to it.
fn case(number: &str) -> Option<Sandbox> {
    let collection =
        collection().map_err(|reason| support::skipped::because("corpus_machines", &reason)).ok()?;
    let entries = collection.join("open").read_dir().unwrap();
    let home = debian::home(number)?;
    let folder = entries
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&format!("{number}-")))
        .unwrap_or_else(|| panic!("case {number} is not in the collection"));
    let sandbox = Sandbox::copy_of(&folder).with_home(home);
    for added in ["case.json", "expected.json", "source.txt"] {
        std::fs::remove_file(sandbox.path(added)).unwrap();
    }
    Some(sandbox)
}

/// Case 049: two machines from a YAML inventory, each with a private address, a forwarded port of its own, and one
/// that both want and that is corrected. Stand-in box: `ubuntu/trusty64`.
#[test]
fn case_049_two_machines_from_an_inventory_share_a_port_by_correction() {
    let _turn = turn();
    let Some(sandbox) = case("049") else { return };
    debian::add_as(&sandbox.home(), "ubuntu/trusty64", None);
    let said = sandbox.ok(&["up", "--provider", "container", "--trust"]);
    assert!(said.contains("Fixed port collision for 22 => 2233."), "{said}");
    assert_eq!(
        sandbox.inside("master1", "hostname; getent hosts master2"),
        "master1\n192.168.11.34   master2\n"
    );
    assert_eq!(
        sandbox.inside("master2", "hostname; ls /vagrant"),
        "master2\nVagrantfile\nVagrantfile.lock\ninventory.yml\n"
    );
    assert_eq!((sandbox.port("master1", 8380), sandbox.port("master2", 8380)), (8380, 8381));
    assert_ne!(sandbox.port("master1", 22), sandbox.port("master2", 22));
    sandbox.inside("master2", SERVE_8380);
    support::get_until(8381, "served inside");
    sandbox.destroy_and_audit();
}

const SERVE_8380: &str = "setsid perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(LocalPort=>8380,Listen=>9,ReuseAddr=>1);while($c=$s->accept){<$c>;print $c \"HTTP/1.0 200 OK\\r\\n\\r\\nserved inside\\n\";close $c}' >/dev/null 2>&1 </dev/null &";

/// Case 154: how many machines there are comes from the environment, so does the box (here Debian itself); names with
/// dots, and host names that are made up anew whenever the file is read. No folder is shared.
#[test]
fn case_154_the_environment_says_how_many_machines_there_are() {
    let _turn = turn();
    let Some(sandbox) = case("154") else { return };
    let sandbox = sandbox
        .with_variable("DEFAULT_IMAGE", debian::BOX)
        .with_variable("TOWER_DATABASE_COUNT", "1")
        .with_variable("TOWER_EXECUTION_NODE_COUNT", "2");
    sandbox.ok(&["up", "--provider", "container", "--trust"]);
    let status = sandbox.ok(&["status"]);
    assert_eq!(status.matches("running (container)").count(), 4, "{status}");
    let hostname = sandbox.inside("database1.local", "hostname");
    assert!(hostname.starts_with("database1-2") && hostname.ends_with(".local\n"), "{hostname}");
    // By the machine's name and by its host name, from another machine.
    let found = sandbox.inside("execution2.local", &format!("getent hosts database1.local {hostname}"));
    assert_eq!(found.lines().count(), 2, "{found}");
    assert_ne!(sandbox.run(&["ssh", "controller1.local", "-c", "test -e /vagrant"]).code, 0);
    sandbox.destroy_and_audit();
}

/// Case 164: a machine that is not started by itself, with the box from the environment (Debian itself), an NFS
/// folder, and, because the user has a public key, a file that is uploaded and put in place by a script with `sudo`.
#[test]
fn case_164_a_machine_that_is_asked_for_gets_the_users_key() {
    let _turn = turn();
    let Some(sandbox) = case("164") else { return };
    let sandbox = sandbox.with_variable("BOX_NAME", debian::BOX);
    let key = sandbox.project.join("../.ssh/id_rsa.pub");
    std::fs::create_dir_all(key.parent().unwrap()).unwrap();
    std::fs::write(&key, "ssh-rsa AAAA traveller\n").unwrap();
    let said = sandbox.ok(&["up", "empty", "--provider", "container", "--trust"]);
    assert!(said.contains("    empty: Copying ssh key into vm"), "{said}");
    assert_eq!(sandbox.inside("empty", "sudo cat /root/.ssh/authorized_keys"), "ssh-rsa AAAA traveller\n");
    assert_eq!(sandbox.inside("empty", "ls /vagrant"), "Vagrantfile\nVagrantfile.lock\n");
    assert!(sandbox.ok(&["status", "dokku"]).contains("not created"));
    sandbox.destroy_and_audit();
}

/// Case 389: two machines, one of them with seven networks whose configuration the Vagrantfile leaves to the user; nothing is
/// shared. Stand-in
/// boxes: `juniper/vqfx10k-pfe` and `juniper/vqfx10k-re`.
#[test]
fn case_389_interfaces_that_the_user_configures_are_there_and_left_alone() {
    let _turn = turn();
    let Some(sandbox) = case("389") else { return };
    debian::add_as(&sandbox.home(), "juniper/vqfx10k-pfe", None);
    debian::add_as(&sandbox.home(), "juniper/vqfx10k-re", None);
    sandbox.ok(&["up", "--provider", "container", "--trust"]);
    assert_eq!(sandbox.inside("vqfx", "hostname; ls /sys/class/net | grep -c eth"), "vqfx\n8\n");
    assert_eq!(sandbox.inside("vqfx-pfe", "ls /sys/class/net | grep -c eth"), "2\n");
    let addresses = sandbox.inside("vqfx", "ip -4 -o addr show scope global");
    assert_eq!(addresses.lines().count(), 1, "{addresses}");
    assert!(addresses.contains("eth0"), "{addresses}");
    sandbox.destroy_and_audit();
}

/// Case 440: one machine in the old spelling of its host name, with a folder with owner and modes, and two scripts;
/// the first asks for a package manager that is not there and goes on, the second adds to the user's shell start-up.
/// Stand-in box: `russmckendrick/centos7`.
#[test]
fn case_440_scripts_that_go_on_after_an_error_leave_their_marks() {
    let _turn = turn();
    let Some(sandbox) = case("440") else { return };
    debian::add_as(&sandbox.home(), "russmckendrick/centos7", None);
    let said = sandbox.ok(&["up", "--provider", "container", "--trust"]);
    assert_eq!(said.matches("Running provisioner: shell...").count(), 2, "{said}");
    assert_eq!(
        sandbox.inside("mon01", "hostname -f; hostname -I | grep -o 192.168.0.107"),
        "mon01.vagrant.dev\n192.168.0.107\n"
    );
    assert_eq!(sandbox.inside("mon01", "grep -c \"alias ll='ls -alF'\" .bashrc"), "2\n");
    assert!(sandbox.inside("mon01", "ls /vagrant").contains("bootstrp-nagios.sh"));
    sandbox.destroy_and_audit();
}

/// Case 484: two of five machines, one by one; chosen provisioners only (the others want systemd): scripts with
/// arguments that are methods' results, a package that one of them installs, uploaded files from beside and above the
/// project, forwarded SSH ports. The Vagrantfile is not at the top of the copy. Stand-in box: `ubuntu/jammy64`.
#[test]
fn case_484_chosen_provisioners_run_with_their_arguments() {
    let _turn = turn();
    let Some(mut sandbox) = case("484") else { return };
    sandbox.project.push("vagrant");
    debian::add_as(&sandbox.home(), "ubuntu/jammy64", None);
    for machine in ["controlplane01", "loadbalancer"] {
        let chosen = ["--provision-with", "setup-hosts,setup-ssh,file"];
        let arguments = [&["up", machine, "--provider", "container", "--trust"][..], &chosen].concat();
        let said = sandbox.ok(&arguments);
        assert!(said.contains("Running provisioner: setup-hosts (shell)..."), "{said}");
        assert!(!said.contains("setup-kernel"), "{said}");
    }
    let lines = sandbox.inside(
        "controlplane01",
        "grep -c -e node01 -e controlplane02 /etc/hosts; tail -n 1 /etc/environment",
    );
    assert_eq!(lines, "2\nARCH=amd64\n");
    sandbox.inside("controlplane01", "which sshpass && test -e .tmux.conf -a -e .vimrc -a -e approve-csr.sh");
    assert_ne!(sandbox.run(&["ssh", "loadbalancer", "-c", "which sshpass"]).code, 0);
    assert_eq!((sandbox.port("controlplane01", 22), sandbox.port("loadbalancer", 22)), (2711, 2730));
    assert!(sandbox.inside("loadbalancer", "getent hosts controlplane01").starts_with("192.168.56.11 "));
    sandbox.destroy_and_audit();
}

/// Case 685: three machines on a private network with host names unlike their names, an exact box version, a folder
/// of the type rsync. Stand-in box: `zhaoyunxing/docker`, version 1.8.
#[test]
fn case_685_three_machines_of_one_box_version_find_each_other() {
    let _turn = turn();
    let Some(sandbox) = case("685") else { return };
    debian::add_as(&sandbox.home(), "zhaoyunxing/docker", Some("1.8"));
    let said = sandbox.ok(&["up", "--provider", "container", "--trust"]);
    assert_eq!(said.matches("'zhaoyunxing/docker' version '1.8'").count(), 3, "{said}");
    assert_eq!(
        sandbox.inside("node2", "hostname; getent hosts kube-master kube-node1 node1 | tr -s ' '"),
        "kube-node2\n192.168.56.100 kube-master\n192.168.56.101 kube-node1\n192.168.56.101 node1\n"
    );
    assert_eq!(sandbox.inside("kube-master", "ls /vagrant"), "Vagrantfile\nVagrantfile.lock\n");
    sandbox.destroy_and_audit();
}
