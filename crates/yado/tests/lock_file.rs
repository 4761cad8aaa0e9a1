//! The lock file and the fingerprint: that two people have the same, and how they learn that they have not.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

mod support;

use support::web::Web;
use support::{Sandbox, can_make_machines, roots};

const LOCK: &str = "Vagrantfile.lock";

fn vagrantfile(box_url: &str, script_url: &str) -> String {
    format!(
        "Vagrant.configure('2') do |c|\n c.vm.box = 'team/box'\n c.vm.box_url = '{box_url}'\n c.ssh.shell = 'sh'\n \
         c.vm.synced_folder '.', '/vagrant', disabled: true\n \
         c.vm.provision 'shell', path: '{script_url}', privileged: false\n c.vm.provision 'shell', path: 'own.sh', privileged: false\nend\n"
    )
}

fn catalogue(web: &Web, versions: &[(&str, &str)]) {
    let versions: Vec<_> = versions
        .iter()
        .map(|(version, file)| {
            serde_json::json!({"version": version, "providers": [{"name": "lxc", "url": file}]})
        })
        .collect();
    let text = serde_json::json!({"name": "team/box", "versions": versions}).to_string();
    std::fs::write(web.site().join("box.json"), text).unwrap();
}

#[test]
fn colleagues_get_what_was_agreed_on_and_are_told_what_differs() {
    if !can_make_machines("a lock file") {
        return;
    }
    let Some(web) = Web::start("a lock file") else { return };
    let address = |path: &str| format!("http://localhost:{}/{path}", web.plain);
    for (name, word) in [("one.box", "one"), ("two.box", "two"), ("other.box", "other")] {
        roots::make_box(&web.site().join(name), "lxc", word, 1, "gzip");
    }
    catalogue(&web, &[("1.0.0", "one.box")]);
    std::fs::write(web.site().join("setup.sh"), "echo set up > /tmp/setup\n").unwrap();
    let text = vagrantfile(&address("box.json"), &address("setup.sh"));
    let first = Sandbox::new(&text);
    first.write("own.sh", "echo one > /tmp/own\n");
    first.run(&["up", "--locked"]).refused(&["There is no lock file", "yado lock update"]);
    first.run(&["lock", "check"]).refused(&["There is no lock file"]);
    first.ok(&["up"]);
    let lock = std::fs::read_to_string(first.path(LOCK)).unwrap();
    for line in
        ["name = \"team/box\"", "version = \"1.0.0\"", "provider = \"container\"", "setup.sh\"\ndigest"]
    {
        assert!(lock.contains(line), "{line} in\n{lock}");
    }
    first.ok(&["up", "--locked"]);
    first.ok(&["lock", "check"]);
    assert_eq!(std::fs::read_to_string(first.path(LOCK)).unwrap(), lock);

    // There is a newer box by now; a colleague gets the one that was agreed on, after a history of their own.
    catalogue(&web, &[("1.0.0", "one.box"), ("2.0.0", "two.box")]);
    let second = Sandbox::new(&text);
    second.write("own.sh", "echo other > /tmp/own\n");
    second.write(LOCK, &lock);
    second.ok(&["up", "--no-provision"]);
    assert_eq!(second.inside("default", "cat /etc/greeting").trim(), "one");
    second.ok(&["provision"]);
    second.write("own.sh", "echo one > /tmp/own\n");
    let unlike = second.ok(&["verify"]);
    second.ok(&["provision"]);
    second.ok(&["up", "--locked"]);
    let (mine, theirs) = (first.ok(&["verify"]), second.ok(&["verify"]));
    assert_eq!(mine, theirs);
    assert!(mine.starts_with("# yado verify\nfingerprint = sha256:"), "{mine}");
    second.write("colleague", &mine);
    assert!(second.ok(&["verify", "--compare", "colleague"]).contains("Both were built from the same"));
    first.write("before", &unlike);
    let answer = first.run(&["verify", "--compare", "before"]);
    assert_eq!(answer.code, 1);
    assert!(answer.out.contains("default.provisioner.2\n  here:  shell: sha256:"), "{}", answer.out);
    assert!(!answer.out.contains("provisioner.1"), "{}", answer.out);

    differences_are_refused(&web, &text, &lock);
    newer_ones_are_agreed_on(&second);
    first.destroy_and_audit();
    second.destroy_and_audit();
}

/// Somebody changed the box and the script at their addresses.
fn differences_are_refused(web: &Web, text: &str, lock: &str) {
    let third = Sandbox::new(text);
    third.write("own.sh", "true\n");
    third.write(LOCK, lock);
    let script = web.site().join("setup.sh");
    let before = std::fs::read_to_string(&script).unwrap();
    std::fs::write(&script, format!("{before}echo more\n")).unwrap();
    let told = third.run(&["lock", "check"]);
    assert_eq!(told.code, 1);
    assert!(told.err.contains("/setup.sh' is not what the lock file has"), "{}", told.err);
    third.run(&["up", "--locked"]).refused(&["setup.sh", "sha256"]);
    std::fs::write(&script, &before).unwrap();
    third.ok(&["destroy", "-f"]);
    third.ok(&["box", "remove", "team/box"]);
    catalogue(web, &[("1.0.0", "other.box"), ("2.0.0", "two.box")]);
    third.run(&["up", "--locked"]).refused(&[
        "The box 'team/box' for 'container' is not what the lock file has: version 1.0.0 has the digest",
        "yado lock update team/box",
    ]);
    let warned = third.run(&["up"]);
    assert_eq!(warned.code, 0, "{}", warned.err);
    assert!(format!("{}{}", warned.out, warned.err).contains("not what the lock file has"), "{}", warned.out);
    assert_eq!(std::fs::read_to_string(third.path(LOCK)).unwrap(), lock);
    third.destroy_and_audit();
    // What the Vagrantfile asks for is not what was agreed on.
    third.write("Vagrantfile", &text.replace("c.vm.box_url", "c.vm.box_version = '>= 2'\n c.vm.box_url"));
    third.run(&["up", "--locked"]).refused(&["in version 1.0.0", "asks for '>= 2'"]);
    third.write("Vagrantfile", "Vagrant.configure('2') { |c| c.vm.box = 'host' }");
    third.run(&["up", "--locked"]).refused(&["cannot be locked"]);
    third.write(LOCK, &format!("{lock}<<<<<<< ours\n"));
    third.run(&["up"]).refused(&["Vagrantfile.lock:", "this line is not"]);
    assert!(third.machines().is_empty());
}

fn newer_ones_are_agreed_on(second: &Sandbox) {
    let said = second.ok(&["lock", "update", "team/box"]);
    assert!(said.contains("- team/box 1.0.0 (container") && said.contains("+ team/box 2.0.0"), "{said}");
    second.run(&["up", "--locked"]).refused(&["it is version 1.0.0, and 2.0.0 is agreed on", "yado destroy"]);
    second.run(&["lock", "update", "nobody/knows"]).refused(&["No machine of this project uses"]);
    let told = second.run(&["lock", "check"]);
    assert!(told.code == 1 && told.err.contains("The machine 'default'"), "{}", told.err);
}
