//! `yado compare` with real machines: that a brake shows as what it is, that the same shows as the same, and that
//! nothing is left when it is stopped.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod support;

use std::time::{Duration, Instant};

use support::{Answer, Sandbox, can_make_machines, has_programs};

/// A comparison needs no Vagrantfile; the audit's `destroy` does.
const UNUSED: &str = "Vagrant.configure('2') { |config| config.vm.box = 'host' }\n";

fn can_compare(test: &str) -> bool {
    can_make_machines(test) && has_programs(test, &["sysbench"])
}

fn figures(sandbox: &Sandbox, name: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(sandbox.path(name)).unwrap()).unwrap()
}

fn median_of(report: &serde_json::Value, subject: &str) -> f64 {
    let samples = report["samples"].as_array().unwrap();
    let sample =
        samples.iter().find(|sample| sample["subject"] == subject && sample["measure"] == "cpu").unwrap();
    let mut values: Vec<f64> =
        sample["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn a_brake_shows_and_reports_can_be_compared() {
    if !can_compare("compare") {
        return;
    }
    let sandbox = Sandbox::new(UNUSED);
    let words = [
        "compare",
        "container",
        "container:cpus=0.1",
        "--measure",
        "cpu",
        "--measure",
        "start",
        "--rounds",
        "3",
    ];
    let files = ["--json", "new.json", "--html", "page.html", "--csv", "values.csv"];
    let said = sandbox.ok(&[&words[..], &files].concat());
    assert!(said.contains("Processor, one thread") && said.contains("Start-up"), "{said}");
    let report = figures(&sandbox, "new.json");
    let braked = median_of(&report, "container:cpus=0.1") / median_of(&report, "container");
    // A tenth of a processor; on a busy machine the other one does not get a whole one either.
    assert!((0.02..0.5).contains(&braked), "a brake shows, and not as {braked}");
    assert!(
        std::fs::read_to_string(sandbox.path("page.html")).unwrap().contains("data-subject=\"container\"")
    );
    assert_eq!(
        std::fs::read_to_string(sandbox.path("values.csv")).unwrap().lines().count(),
        1 + 3 * 3 + 2 * 3
    );

    let mut older = report;
    for sample in older["samples"].as_array_mut().unwrap() {
        if sample["subject"] == "container" && sample["measure"] == "cpu" {
            sample["values"] = serde_json::json!([1.0, 1.1, 0.9]);
        }
    }
    sandbox.write("old.json", &older.to_string());
    let said = sandbox.ok(&[&words[..2], &words[3..], &["--against", "old.json"]].concat());
    assert!(said.contains("cpu of container:") && said.contains("better"), "{said}");
    sandbox.destroy_and_audit();
}

#[test]
fn nothing_is_left_when_it_is_stopped() {
    if !can_compare("stopped comparison") {
        return;
    }
    let sandbox = Sandbox::new(UNUSED);
    let child = sandbox.start(&["compare", "container", "--measure", "cpu"]);
    let limit = Instant::now() + Duration::from_secs(60);
    while sandbox.machines().is_empty() {
        assert!(Instant::now() < limit, "a machine is made");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    let answer = Answer::of(child.wait_with_output().unwrap(), &["compare"]);
    assert_ne!(answer.code, 0);
    assert!(sandbox.machines().is_empty());
    sandbox.destroy_and_audit();
}

#[test]
fn what_cannot_be_measured_is_refused_at_once() {
    let sandbox = Sandbox::empty();
    sandbox.run(&["compare", "no-such"]).refused(&["'no-such' could not be found"]);
    sandbox
        .run(&["compare", "container", "--measure", "luck"])
        .refused(&["no measure 'luck'", "memory-write"]);
    sandbox.run(&["compare", "--against", "missing.json"]).refused(&["missing.json"]);
    sandbox.run(&["compare", "container:cpus"]).refused(&["'cpus'", "cpus=0.5"]);
}
