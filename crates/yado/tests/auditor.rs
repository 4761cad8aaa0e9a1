//! An auditor's view: the same small program looks around in a machine with default settings and in what `docker run`
//! makes by default, and the machine must be weaker nowhere. `docs/isolation.md` has what it saw.
//!
//! Skipped, with the reason, where there is no dockerd, no Python, or no right to make machines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../yado-plugins/tests/support/dockerd.rs"]
mod dockerd;
#[path = "auditor/report.rs"]
mod report;
mod support;

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::Value;
use support::{Sandbox, can_make_machines, has_programs};

const PROGRAM: &str = include_str!("auditor/look.py");

/// Calls that Linux learned after the Docker that Debian has was made (numbers are the same on every architecture):
/// cachestat, `fchmodat2`, `map_shadow_stack`, three of futexes, mseal, and the four of extended attributes. None does
/// more than older calls, which are allowed everywhere, do.
const YOUNGER_THAN_DOCKER: [u64; 11] = [451, 452, 453, 454, 455, 456, 462, 463, 464, 465, 466];

/// Calls that Docker allows in later versions: `name_to_handle_at` (opening by a handle stays refused),
/// `process_vm_readv` and its sister (`ptrace` is allowed, and does as much), and three of protection keys. On this
/// processor also a probe's way back, which nothing but the kernel's own trampoline may take.
const ALLOWED_BY_LATER_DOCKER: &[u64] = if cfg!(target_arch = "x86_64") {
    &[303, 310, 311, 329, 330, 331, 335]
} else {
    &[264, 270, 271, 288, 289, 290]
};

fn machine() -> Value {
    let sandbox = Sandbox::new(
        r#"
Vagrant.configure("2") do |config|
  config.vm.box = "host"
  config.vm.provision "shell", inline: "python3 /vagrant/look.py > /vagrant/report.json"
end
"#,
    );
    sandbox.write("look.py", PROGRAM);
    sandbox.ok(&["up"]);
    let report =
        serde_json::from_str(&std::fs::read_to_string(sandbox.path("report.json")).unwrap()).unwrap();
    sandbox.destroy_and_audit();
    report
}

fn docker() -> Option<Value> {
    let docker = dockerd::Docker::start_or_say_why_not()?;
    docker.import_busybox("box", &[], "");
    std::fs::write(docker.folder.path().join("look.py"), PROGRAM).unwrap();
    let mut volumes = vec![format!("{}:/look.py:ro", docker.folder.path().join("look.py").display())];
    for folder in ["/usr", "/lib", "/lib64"] {
        if std::path::Path::new(folder).exists() {
            volumes.push(format!("{folder}:{folder}:ro"));
        }
    }
    let mut words = vec!["run", "--rm"];
    words.extend(volumes.iter().flat_map(|volume| ["-v", volume]));
    words.extend(["box", "/usr/bin/python3", "/look.py"]);
    Some(serde_json::from_str(&docker.run(&words)).unwrap())
}

/// The items of a list in a report.
fn items(report: &Value, name: &str) -> BTreeSet<String> {
    report[name].as_array().unwrap().iter().map(Value::to_string).collect()
}

fn number(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap()
}

#[test]
fn a_machine_is_nowhere_weaker_than_dockers_default() {
    if !can_make_machines("auditor") || !has_programs("the auditor", &["python3"]) {
        return;
    }
    let Some(docker) = docker() else { return };
    let machine = machine();
    // Past the harness: whoever runs the tests is to see it, not only whoever sees them fail.
    writeln!(std::io::stderr(), "{}", report::side_by_side(&machine, &docker)).unwrap();
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let (ours, theirs) = (number(&machine, set), number(&docker, set));
        assert_eq!(ours & !theirs, 0, "{set}: {ours:#x}, and Docker has {theirs:#x}");
    }
    assert_eq!((number(&machine, "Seccomp"), number(&docker, "Seccomp")), (2, 2), "both have a filter");
    assert!(number(&machine, "NoNewPrivs") >= number(&docker, "NoNewPrivs"));
    for (kind, ours) in machine["namespaces"].as_object().unwrap() {
        let host = std::fs::read_link(format!("/proc/self/ns/{kind}")).unwrap();
        assert_ne!(ours.as_str().unwrap(), host.to_str().unwrap(), "the {kind} namespace is the host's");
    }
    for (what, name) in [
        ("calls with arguments", "special"),
        ("writable files of the kernel", "writable"),
        ("devices", "devices"),
        ("files that tell of the host", "readable"),
    ] {
        let (ours, theirs) = (items(&machine, name), items(&docker, name));
        let more: Vec<&String> = ours.difference(&theirs).collect();
        assert!(more.is_empty(), "{what} that Docker does not give: {more:?}");
    }
    let mut allowed = items(&docker, "calls");
    allowed.extend(YOUNGER_THAN_DOCKER.iter().chain(ALLOWED_BY_LATER_DOCKER).map(u64::to_string));
    let ours = items(&machine, "calls");
    let more: Vec<&String> = ours.difference(&allowed).collect();
    assert!(more.is_empty(), "system calls, by number, that Docker refuses: {more:?}");
    // The auditor sees something at all.
    assert!(ours.len() > 200 && items(&machine, "devices").len() > 3, "{machine}");
}
