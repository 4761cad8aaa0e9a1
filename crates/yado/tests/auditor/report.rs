//! What the auditor saw in two places, side by side, for people.

use std::fmt::Write;

use serde_json::Value;

/// How many system calls the auditor tries: all numbers below its limit but for one.
const TRIED: usize = 479;

/// The report of a machine beside that of Docker's container, as lines.
pub(crate) fn side_by_side(machine: &Value, docker: &Value) -> String {
    let mut text = String::new();
    line(&mut text, "", "machine", "Docker");
    for (set, name) in [
        ("CapBnd", "capabilities, bounding"),
        ("CapEff", "capabilities, effective"),
        ("CapPrm", "capabilities, permitted"),
        ("CapInh", "capabilities, inheritable"),
        ("CapAmb", "capabilities, ambient"),
    ] {
        line(&mut text, name, &capabilities(&machine[set]), &capabilities(&docker[set]));
    }
    line(&mut text, "no_new_privs", &switch(&machine["NoNewPrivs"]), &switch(&docker["NoNewPrivs"]));
    line(&mut text, "system call filter", filter(machine), filter(docker));
    line(&mut text, "system calls refused", &refused(machine), &refused(docker));
    let alone = |one, other| format!("{} (by number)", refused_alone(one, other));
    line(&mut text, "  by this one alone", &alone(machine, docker), &alone(docker, machine));
    line(&mut text, "namespaces of its own", &own_namespaces(machine), &own_namespaces(docker));
    for (name, title) in [
        ("special", "new namespaces, key rings, …"),
        ("devices", "devices that open"),
        ("writable", "kernel files that open for writing"),
        ("readable", "kernel files that tell of the host"),
    ] {
        line(&mut text, title, &list(&machine[name]), &list(&docker[name]));
    }
    text
}

/// One thing that was looked at; long answers stand below each other.
fn line(text: &mut String, name: &str, machine: &str, docker: &str) {
    let answer = if machine.len() + docker.len() < 60 {
        writeln!(text, "{name:36} {machine:30} {docker}")
    } else if machine == docker {
        writeln!(text, "{name:36} in both: {machine}")
    } else {
        writeln!(text, "{name}\n    machine: {machine}\n    Docker:  {docker}")
    };
    answer.unwrap();
}

fn capabilities(set: &Value) -> String {
    let bits = set.as_u64().unwrap();
    let names = yado_container::capability_names().into_iter().enumerate();
    let names = names.filter(|(number, _)| bits >> number & 1 == 1);
    let names: Vec<_> = names.map(|(_, name)| name.trim_start_matches("CAP_").to_lowercase()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(" ") }
}

fn switch(value: &Value) -> String {
    if value == 1 { "yes" } else { "no" }.to_owned()
}

fn filter(report: &Value) -> &'static str {
    match report["Seccomp"].as_u64() {
        Some(0) => "none",
        Some(1) => "strict",
        Some(2) => "filtering",
        _ => "unknown",
    }
}

fn refused(report: &Value) -> String {
    format!("{} of {TRIED}", TRIED - report["calls"].as_array().unwrap().len())
}

/// Calls that one refuses and the other lets through. What Docker alone refuses is younger than it, or is let through by
/// its later versions: the test has the list.
fn refused_alone(report: &Value, other: &Value) -> String {
    let (ours, theirs) = (report["calls"].as_array().unwrap(), other["calls"].as_array().unwrap());
    let more = theirs.iter().filter(|call| !ours.contains(call));
    more.map(Value::to_string).collect::<Vec<_>>().join(" ")
}

fn own_namespaces(report: &Value) -> String {
    let namespaces = report["namespaces"].as_object().unwrap().iter();
    let own = namespaces.filter(|(kind, theirs)| {
        let host = std::fs::read_link(format!("/proc/self/ns/{kind}")).unwrap();
        theirs.as_str().unwrap() != host.to_str().unwrap()
    });
    own.map(|(kind, _)| kind.as_str()).collect::<Vec<_>>().join(" ")
}

/// The first few of a list and how many there are.
fn list(values: &Value) -> String {
    let names: Vec<&str> = values.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    match names.len() {
        0 => "none".to_owned(),
        count @ 1..=10 => format!("{count}: {}", names.join(", ")),
        count => format!("{count}: {}, …", names[..10].join(", ")),
    }
}
