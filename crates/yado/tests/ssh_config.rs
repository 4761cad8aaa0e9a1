//! `yado ssh-config` with the real programs: ssh, scp, sftp, rsync.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use support::{Sandbox, can_make_machines, debian};

/// Runs a program of OpenSSH's or one that uses it, with a time limit; what it printed.
fn outside(sandbox: &Sandbox, script: &str) -> (i32, String) {
    let output = Command::new("timeout")
        .args(["60", "sh", "-c", script])
        .current_dir(&sandbox.project)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn ssh_scp_sftp_and_rsync_enter_machines() {
    let Some(home) = debian::home("ssh_config") else { return };
    let missing: Vec<_> = ["ssh", "scp", "sftp", "rsync"]
        .into_iter()
        .filter(|program| !Command::new("which").arg(program).output().unwrap().status.success())
        .collect();
    if !missing.is_empty() {
        support::skipped::for_want_of_a_peer("ssh_config", &format!("it needs {missing:?}"));
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"debian/bookworm64\"\n  \
         config.vm.define \"web\"\n  config.vm.define \"db\"\nend\n",
    )
    .with_home(home);
    sandbox.run(&["ssh-config", "web"]).refused(&["not ready for SSH", "yado up"]);
    sandbox.ok(&["up"]);
    let config = sandbox.ok(&["ssh-config"]);
    assert!(config.contains("Host web\n  HostName ") && config.contains("\n\nHost db\n"), "{config}");
    assert!(
        config.contains("  User vagrant\n") && config.contains("  StrictHostKeyChecking yes\n"),
        "{config}"
    );
    sandbox.write("ssh.config", &config);
    for line in config.lines().filter_map(|line| line.trim().strip_prefix("IdentityFile ")) {
        let facts = std::fs::metadata(line).unwrap();
        assert_eq!(facts.mode() & 0o7777, 0o600, "{line}");
    }

    assert_eq!(outside(&sandbox, "ssh -F ssh.config web 'hostname; id -un'"), (0, "web\nvagrant\n".into()));
    assert_eq!(outside(&sandbox, "ssh -F ssh.config root@db 'id -un; exit 7'"), (7, "root\n".into()));
    assert_eq!(outside(&sandbox, "echo input | ssh -F ssh.config db cat"), (0, "input\n".into()));
    sandbox.write("tree/inner/file", "content");
    assert_eq!(outside(&sandbox, "scp -qr -F ssh.config tree web:copied"), (0, String::new()));
    assert_eq!(outside(&sandbox, "rsync -a -e 'ssh -F ssh.config' tree/ db:synced/"), (0, String::new()));
    assert_eq!(sandbox.inside("web", "cat copied/inner/file"), "content");
    assert_eq!(sandbox.inside("db", "cat synced/inner/file"), "content");
    let (code, said) =
        outside(&sandbox, "echo 'get copied/inner/file back' | sftp -q -b - -F ssh.config web && cat back");
    assert!(code == 0 && said.ends_with("content"), "{said}");
    // One machine's key opens no other, and another machine is not taken for this one.
    let keys: Vec<&str> =
        config.lines().filter_map(|line| line.trim().strip_prefix("IdentityFile ")).collect();
    sandbox.write("wrong.config", &config.replace(keys[1], keys[0]));
    assert_eq!(outside(&sandbox, "ssh -F wrong.config web echo own").1, "own\n");
    assert_ne!(outside(&sandbox, "ssh -F wrong.config db true").0, 0);
    assert_ne!(outside(&sandbox, "ssh -F ssh.config -o HostKeyAlias=other db true").0, 0);

    // The keys are the machine's, also over a halt.
    sandbox.ok(&["halt", "web"]);
    assert_ne!(outside(&sandbox, "ssh -F ssh.config web true").0, 0);
    sandbox.ok(&["up", "web"]);
    assert_eq!(outside(&sandbox, "ssh -F ssh.config web echo again"), (0, "again\n".into()));
    assert!(sandbox.ok(&["ssh-config", "--host", "other", "web"]).starts_with("Host other\n"));
    sandbox.destroy_and_audit();
}

#[test]
fn a_machine_without_a_server_says_so() {
    if !can_make_machines("no_server") {
        return;
    }
    let sandbox = Sandbox::new(
        "Vagrant.configure(\"2\") do |config|\n  config.vm.box = \"host\"\n  config.vm.provision \"shell\", inline: \
         \"mount | grep -q ' /usr ' && ls /usr/sbin/sshd; true\"\nend\n",
    );
    let said = sandbox.ok(&["up"]);
    let id = sandbox.machines().remove(0).id;
    if !said.contains("/usr/sbin/sshd") {
        sandbox.run(&["ssh-proxy", &id]).refused(&["has no SSH server"]);
    }
    sandbox.run(&["ssh-proxy", "0000"]).refused(&["no machine of this id"]);
    sandbox.destroy_and_audit();
}
