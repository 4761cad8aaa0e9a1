//! `yado compare` with real machines: that a brake shows as what it is, that the same shows as the same, and that
//! nothing is left when it is stopped.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod support;

use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use support::{Answer, Sandbox, can_make_machines, debian, has_programs};

/// A comparison needs no Vagrantfile; the audit's `destroy` does.
const UNUSED: &str = "Vagrant.configure('2') { |config| config.vm.box = 'host' }\n";

/// Held alone by the test whose figures count; the others would take the processors that it measures.
static PROCESSORS: RwLock<()> = RwLock::new(());

fn beside_others() -> RwLockReadGuard<'static, ()> {
    PROCESSORS.read().unwrap_or_else(PoisonError::into_inner)
}

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
    let _beside = beside_others();
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
        "5",
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
        1 + 3 * 5 + 2 * 5
    );

    let mut older = report;
    for sample in older["samples"].as_array_mut().unwrap() {
        if sample["subject"] == "container" && sample["measure"] == "cpu" {
            sample["values"] = serde_json::json!([1.0, 1.1, 0.9, 1.0, 1.05]);
        }
    }
    sandbox.write("old.json", &older.to_string());
    let said = sandbox.ok(&[&words[..2], &words[3..], &["--against", "old.json"]].concat());
    assert!(said.contains("cpu of container:") && said.contains("better"), "{said}");
    sandbox.destroy_and_audit();
}

/// How often a figure is taken to tell two subjects apart or not.
const ROUNDS: &str = "7";

#[test]
fn half_a_processor_shows_as_half_and_the_same_twice_as_no_difference() {
    if !can_compare("honest comparison") {
        return;
    }
    let _alone = PROCESSORS.write().unwrap_or_else(PoisonError::into_inner);
    let sandbox = Sandbox::new(UNUSED);
    let subjects = ["compare", "container", "container", "container:cpus=0.5"];
    let said =
        sandbox
            .ok(&[&subjects[..], &["--measure", "cpu", "--rounds", ROUNDS, "--json", "figures.json"]]
                .concat());
    let report = figures(&sandbox, "figures.json");
    let (one, same) = (median_of(&report, "container"), median_of(&report, "container #2"));
    let half = median_of(&report, "container:cpus=0.5") / one;
    // A busy machine takes from the whole one more than from the half.
    assert!((0.4..0.75).contains(&half), "half a processor shows as {half}\n{said}");
    assert!((0.7..1.4).contains(&(same / one)), "the same shows as {}\n{said}", same / one);
    sandbox.destroy_and_audit();
}

#[test]
fn without_sysbench_the_remedy_is_told_and_what_needs_none_is_measured() {
    if !can_make_machines("no sysbench") {
        return;
    }
    let _beside = beside_others();
    let sandbox = Sandbox::new(UNUSED);
    let programs = sandbox.path("programs");
    std::fs::create_dir(&programs).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let everything = std::env::split_paths(&path)
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(Iterator::flatten);
    for program in everything.filter(|program| program.file_name() != "sysbench") {
        // The first of a name counts, as on the path.
        drop(std::os::unix::fs::symlink(program.path(), programs.join(program.file_name())));
    }
    let sandbox = sandbox.with_variable("PATH", programs.to_str().unwrap());
    let answer = sandbox.run(&["compare", "container", "--measure", "cpu"]);
    assert_ne!(answer.code, 0);
    assert!(answer.err.contains("apt-get install sysbench"), "{}", answer.err);
    assert!(sandbox.machines().is_empty());
    sandbox.ok(&["compare", "container", "--measure", "processes", "--rounds", "1"]);
    sandbox.destroy_and_audit();
}

#[test]
fn every_measure_has_a_figure_within_the_time() {
    if !can_compare("all measures") {
        return;
    }
    let _beside = beside_others();
    let sandbox = Sandbox::new(UNUSED);
    let said = sandbox.ok(&["compare", "container", "--time", "1", "--json", "all.json", "--lang", "ja"]);
    assert!(said.contains("起動時間") && said.contains("回数不足"), "{said}");
    let report = figures(&sandbox, "all.json");
    let measured: Vec<&str> = report["samples"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|sample| sample["subject"] == "container")
        .map(|sample| sample["measure"].as_str().unwrap())
        .collect();
    let mut wanted: Vec<&str> = yado_compare::MEASURES.iter().map(|measure| measure.name).collect();
    // Other tests' memory may shrink by more than these machines take; direct access is the file system's to grant.
    wanted.retain(|name| *name != "density" && !name.ends_with("-direct"));
    for name in wanted {
        assert!(measured.contains(&name), "'{name}' is missing: {}", report["gaps"]);
    }
    // What measuring itself takes is told, and is little beside what it measures.
    let own = |name: &str| report["own"][name].as_f64().unwrap();
    assert!(own("seconds") > 1.0 && (1.0..96.0).contains(&own("memory")), "{}", report["own"]);
    let seen = &report["architectures"][1];
    assert_eq!((seen["family"].as_str(), seen["emulated"].as_bool()), (Some("container"), Some(false)));
    sandbox.destroy_and_audit();
}

/// The provider says nothing of this: it is seen from what its program holds open.
#[test]
fn a_virtual_machine_is_seen_as_one_and_whether_it_is_emulated() {
    if !can_compare("virtual machines") || !has_programs("virtual machines", &["qemu-system-x86_64"]) {
        return;
    }
    let Some(home) = debian::home("virtual machines") else { return };
    let _beside = beside_others();
    let sandbox = Sandbox::new(UNUSED).with_home(home);
    let words =
        ["compare", "kvm", "--box", debian::BOX, "--measure", "cpu", "--rounds", "1", "--json", "vm.json"];
    let said = sandbox.ok(&words);
    let report = figures(&sandbox, "vm.json");
    assert!(median_of(&report, "kvm") > 1.0, "{said}");
    let seen = &report["architectures"][1];
    let name_of = |role: &str| {
        let layers = seen["layers"].as_array().unwrap();
        layers.iter().find(|layer| layer["role"] == role).map(|layer| layer["name"].as_str().unwrap())
    };
    assert!(name_of("machine").unwrap().contains("QEMU"), "{seen}");
    assert_ne!(name_of("guest-kernel").unwrap(), name_of("kernel").unwrap());
    let emulated = seen["emulated"].as_bool().unwrap();
    assert_eq!(emulated, name_of("hypervisor").is_none(), "{seen}");
    assert_eq!(emulated, said.contains("emulation, not KVM"), "{said}");
    assert_eq!(seen["family"], if emulated { "host" } else { "hypervisor" });
    assert!(sandbox.machines().is_empty());
}

/// One of each way of measuring: what is under way when the user interrupts differs.
#[test]
fn nothing_is_left_in_whatever_phase_it_is_stopped() {
    if !can_compare("stopped in each phase") {
        return;
    }
    let _beside = beside_others();
    std::thread::scope(|scope| {
        for measure in ["start-cold", "start", "memory", "density", "stop", "file-write", "network-in"] {
            scope.spawn(move || stopped_while_measuring(measure));
        }
    });
}

fn stopped_while_measuring(measure: &str) {
    let sandbox = Sandbox::new(UNUSED).with_variable("YADO_LOG", "debug");
    let mut child = sandbox.start(&["compare", "container", "--measure", measure, "--rounds", "1000"]);
    let log = child.stderr.take().unwrap();
    let (sender, reached) = std::sync::mpsc::channel();
    // Read to the end: a full pipe would stop the program.
    let reader = std::thread::spawn(move || {
        let lines = std::io::BufRead::lines(std::io::BufReader::new(log)).map_while(Result::ok);
        for line in lines.filter(|line| line.contains("measuring") && line.contains("container")) {
            drop(sender.send(line));
        }
    });
    reached.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("'{measure}' is reached"));
    std::thread::sleep(Duration::from_millis(30));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    let answer = Answer::of(child.wait_with_output().unwrap(), &["compare"]);
    reader.join().unwrap();
    assert_ne!(answer.code, 0, "{measure}: {}", answer.out);
    assert!(sandbox.machines().is_empty(), "{measure}");
    assert!(states(&sandbox).is_empty(), "{measure}: {:?}", states(&sandbox));
    sandbox.destroy_and_audit();
}

/// The states in which cold starts are measured.
fn states(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(sandbox.home()).into_iter().flatten().flatten();
    let states = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("measuring-"));
    states.map(|entry| entry.path()).collect()
}

#[test]
fn what_a_killed_comparison_left_is_taken_away_by_the_next_one() {
    if !can_compare("killed comparison") {
        return;
    }
    let _beside = beside_others();
    let sandbox = Sandbox::new(UNUSED);
    let mut projects = Vec::new();
    for measure in ["start-cold", "density"] {
        let mut child = sandbox.start(&["compare", "container", "--measure", measure, "--rounds", "1000"]);
        let limit = Instant::now() + Duration::from_secs(60);
        // Until there is a machine, in the state where this measure has its machines.
        let homes = || if measure == "start-cold" { states(&sandbox) } else { vec![sandbox.home()] };
        let made = || {
            homes()
                .iter()
                .any(|home| home.join("machines").read_dir().is_ok_and(|mut all| all.next().is_some()))
        };
        while !made() {
            assert!(Instant::now() < limit, "'{measure}' makes a machine");
            std::thread::sleep(Duration::from_millis(5));
        }
        projects.extend(sandbox.machines().into_iter().map(|machine| machine.project));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    sandbox.ok(&["compare", "container", "--measure", "processes", "--rounds", "1"]);
    assert!(sandbox.machines().is_empty() && states(&sandbox).is_empty(), "{:?}", states(&sandbox));
    assert!(!projects.is_empty() && projects.iter().all(|project| !project.exists()), "{projects:?}");
    sandbox.destroy_and_audit();
}

#[test]
fn nothing_is_left_when_it_is_stopped() {
    if !can_compare("stopped comparison") {
        return;
    }
    let _beside = beside_others();
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
