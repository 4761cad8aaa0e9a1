//! The provider contract: what must hold for every provider, checked with real machines on every provider that this
//! host can use. A new provider is tested here before it has a test of its own.
#![allow(clippy::unwrap_used, reason = "a check fails by panicking")]

#[path = "support/dockerd.rs"]
mod dockerd;
#[path = "support/podman.rs"]
mod podman;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use yado_boxes::BoxStore;
use yado_core::event::Silent;
use yado_core::lifecycle::{Machine, Options, Workshop, place, recover_interrupted};
use yado_core::plan::Goal;
use yado_core::spec::BoxSpec;
use yado_core::store::Operation;
use yado_core::{
    Cancel, Communicator, Context, Environment, Exec, ExitStatus, Host, Image, ImageSource, MachineRecord,
    MachineSpec, MachineState, ProviderKind, Result, Store, Stream, Usable,
};

struct Boxes(PathBuf);

impl ImageSource for Boxes {
    fn resolve(&self, context: &Context, spec: &BoxSpec, project: &Path, provider: &str) -> Result<Image> {
        BoxStore::open(&self.0)?.resolve(context, spec, project, provider)
    }

    fn resolve_disk(
        &self,
        context: &Context,
        spec: &BoxSpec,
        project: &Path,
        provider: &str,
    ) -> Result<Image> {
        let builder = Arc::new(yado_plugins::providers::Builder::new(&self.0));
        BoxStore::open(&self.0)?.with_chroot(builder).resolve_disk(context, spec, project, provider)
    }
}

/// The home that machines with disks share, since it takes a minute to make a box for them: the one that the program's own
/// tests have, too.
fn home_with_disks() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("debian-ssh-home")
}

fn context(home: &Path) -> Context {
    Context {
        machine: None,
        host: Arc::new(Host::new(home)),
        events: Arc::new(Silent),
        cancel: Cancel::new(),
    }
}

/// An environment of its own for one check; what is left of it is removed at the end, also after a failure.
struct World {
    kind: &'static dyn ProviderKind,
    context: Context,
    workshop: Workshop,
    project: PathBuf,
    _folder: tempfile::TempDir,
}

impl World {
    fn new(kind: &'static dyn ProviderKind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = if kind.wants_disk() { home_with_disks() } else { folder.path().join("home") };
        let project = folder.path().join("project");
        std::fs::create_dir(&project).unwrap();
        let context = context(&home);
        let workshop = Workshop {
            registry: yado_plugins::registry(),
            store: Arc::new(Store::open(&home).unwrap()),
            images: Arc::new(Boxes(home)),
        };
        Self { kind, context, workshop, project, _folder: folder }
    }

    fn spec(&self) -> MachineSpec {
        let document = serde_json::json!({
            "name": "subject", "project": self.project, "primary": true, "autostart": true, "providers": [],
            "image": {"name": "host", "version": null, "urls": [], "checksum": null, "check_update": false, "origin": null},
            "hostname": "subject", "guest": null, "communicator": null, "networks": [], "provisioners": [],
            "synced_folders": [{"id": "/vagrant", "host_path": self.project, "guest_path": "/vagrant", "kind": null,
                                "options": {}, "origin": null}],
            "ssh": {"username": null, "shell": "bash -l", "sudo_command": "", "settings": {}},
            "boot_timeout": 60, "graceful_halt_timeout": 5, "post_up_message": "", "usable_port_range": [2200, 2250],
            "allow_hosts_modification": true, "problems": []
        });
        let mut spec: MachineSpec = serde_json::from_value(document).unwrap();
        if self.kind.wants_disk() {
            spec.image.name = Some(DISK_BOX.to_owned());
            spec.boot_timeout = 300;
            // Where they are emulated, each boot takes as long as ten machines that go on from a kept one.
            let block = serde_json::json!({"name": self.kind.name(), "calls": [], "origins": [], "origin": null,
                                           "settings": {"memory": 256, "warm_start": true}});
            spec.providers.push(serde_json::from_value(block).unwrap());
            let way_in = serde_json::json!({"kind": "forwarded_port", "origin": null, "options": {
                "guest": 22, "host": 2222, "host_ip": "127.0.0.1", "id": "ssh", "protocol": "tcp",
                "auto_correct": true}});
            spec.networks.push(serde_json::from_value(way_in).unwrap());
        }
        if ["docker", "podman"].contains(&self.kind.name()) {
            let settings = serde_json::json!({"image": "contract", "cmd": ["tail", "-f", "/dev/null"]});
            let block = serde_json::json!({"name": self.kind.name(), "settings": settings, "calls": [],
                                           "origins": [], "origin": null});
            spec.providers.push(serde_json::from_value(block).unwrap());
        }
        spec
    }

    fn machine(&self) -> Machine {
        let data = self.project.join(".yado");
        let environment =
            Environment::open(&self.project, "Vagrantfile", &data, &self.workshop.store).unwrap();
        Machine::open(
            &self.context,
            &self.workshop,
            &environment,
            "subject",
            Some((self.spec(), self.kind)),
            "test",
        )
        .unwrap()
    }

    fn reach(&self, goal: Goal) {
        self.machine()
            .reach(&self.context, goal, &Options::default())
            .unwrap_or_else(|problem| panic!("{goal:?}: {problem}"));
    }

    fn state(&self) -> MachineState {
        self.machine().state(&self.context).unwrap()
    }

    /// Its machine on record. Others may be in the same home.
    fn records(&self) -> Vec<MachineRecord> {
        let mut records = self.workshop.store.machines(None).unwrap();
        records.retain(|record| record.project == self.project);
        records
    }

    fn inside(&self) -> Box<dyn Communicator> {
        let record = self.records().remove(0);
        let provider = self.kind.open(&record, None, &place(&self.workshop.store, &record)).unwrap();
        provider.connect(&self.context).unwrap()
    }

    fn run(&self, command: &Exec) -> (ExitStatus, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = self
            .inside()
            .exec(&self.context, command, &mut |stream, piece| match stream {
                Stream::Stdout => out.extend_from_slice(piece),
                Stream::Stderr => err.extend_from_slice(piece),
            })
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (status, text(&out), text(&err))
    }

    fn shell(&self, script: &str) -> (ExitStatus, String, String) {
        self.run(&Exec { argv: ["sh", "-c", script].map(str::to_owned).to_vec(), ..Exec::default() })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            drop(self.machine().reach(
                &self.context,
                Goal::Destroyed,
                &Options { force: true, ..Options::default() },
            ));
        }
    }
}

fn up_twice_is_up_once(world: &World) {
    world.reach(Goal::Running);
    let boot = world.shell("cat /proc/1/stat").1;
    world.reach(Goal::Running);
    assert_eq!(world.state(), MachineState::Running);
    assert_eq!(
        world.shell("cat /proc/1/stat").1.split(' ').nth(21),
        boot.split(' ').nth(21),
        "the same first process"
    );
    world.reach(Goal::Destroyed);
}

fn stopping_keeps_files_and_may_be_repeated(world: &World) {
    world.reach(Goal::Running);
    assert!(world.shell("echo kept > ~/file && echo gone > /run/file 2>/dev/null; true").0.success());
    world.reach(Goal::Stopped);
    world.reach(Goal::Stopped);
    assert_eq!(world.state(), MachineState::Stopped);
    world.reach(Goal::Running);
    assert_eq!(world.shell("cat ~/file").1, "kept\n");
    world.reach(Goal::Destroyed);
}

fn destroy_works_from_every_state(world: &World) {
    for goals in
        [&[][..], &[Goal::Running], &[Goal::Running, Goal::Stopped], &[Goal::Running, Goal::Suspended]]
    {
        for goal in goals {
            world.reach(*goal);
        }
        world.reach(Goal::Destroyed);
        assert_eq!(world.state(), MachineState::NotCreated, "after {goals:?}");
        assert!(world.records().is_empty());
    }
}

fn a_suspended_machine_goes_on_where_it_was(world: &World) {
    world.reach(Goal::Running);
    world.shell("setsid sleep 600 >/dev/null 2>&1 & echo $! > /tmp/pid");
    world.reach(Goal::Suspended);
    assert_eq!(world.state(), MachineState::Suspended);
    world.reach(Goal::Running);
    assert!(world.shell("kill -0 $(cat /tmp/pid)").0.success(), "the process is still there");
    world.reach(Goal::Destroyed);
}

fn exit_codes_and_signals_pass_through(world: &World) {
    world.reach(Goal::Running);
    assert_eq!(world.shell("exit 0").0, ExitStatus::Code(0));
    assert_eq!(world.shell("exit 37").0, ExitStatus::Code(37));
    assert_eq!(world.shell("kill -KILL $$").0.code(), 137);
    world.reach(Goal::Destroyed);
}

fn large_output_arrives_whole_and_in_order(world: &World) {
    world.reach(Goal::Running);
    let (status, out, err) = world.shell("seq 1 200000; seq 1 1000 >&2");
    assert!(status.success());
    assert_eq!(out.lines().count(), 200_000);
    assert!(out.lines().enumerate().all(|(at, line)| line == (at + 1).to_string()));
    assert_eq!(err.lines().last(), Some("1000"));
    world.reach(Goal::Destroyed);
}

fn commands_run_as_the_user_with_input_and_environment(world: &World) {
    world.reach(Goal::Running);
    assert_eq!(world.shell("id -un; pwd; echo $HOME").1, "vagrant\n/home/vagrant\n/home/vagrant\n");
    let command = Exec {
        argv: ["sh", "-c", "id -un; cat; echo $WORD"].map(str::to_owned).to_vec(),
        user: Some("root".into()),
        input: Some(b"input\n".to_vec()),
        environment: [("WORD".to_owned(), "a b".to_owned())].into(),
        ..Exec::default()
    };
    assert_eq!(world.run(&command).1, "root\ninput\na b\n");
    world.reach(Goal::Destroyed);
}

fn a_command_that_leaves_a_daemon_behind_ends_all_the_same(world: &World) {
    world.reach(Goal::Running);
    let begin = std::time::Instant::now();
    assert_eq!(world.shell("sleep 300 & echo started").1, "started\n");
    assert!(begin.elapsed() < Duration::from_secs(60));
    world.reach(Goal::Destroyed);
}

fn files_and_directories_are_copied_both_ways(world: &World) {
    world.reach(Goal::Running);
    let outside = tempfile::tempdir().unwrap();
    let source = outside.path().join("tree");
    std::fs::create_dir_all(source.join("inner")).unwrap();
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| n as u8).collect();
    std::fs::write(source.join("inner/file"), &content).unwrap();
    let inside = world.inside();
    inside.upload(&world.context, &source, "/home/vagrant/copy").unwrap();
    inside.upload(&world.context, &source.join("inner/file"), "/tmp/single").unwrap();
    assert!(world.shell("cmp /home/vagrant/copy/inner/file /tmp/single").0.success());
    let back = outside.path().join("back");
    inside.download(&world.context, "/tmp/single", &back).unwrap();
    assert_eq!(std::fs::read(back).unwrap(), content);
    assert!(inside.download(&world.context, "/nowhere", &outside.path().join("x")).is_err());
    world.reach(Goal::Destroyed);
}

fn synced_folders_belong_to_the_user_on_both_sides(world: &World) {
    use std::os::unix::fs::MetadataExt;
    if world.kind.copies_folders() {
        std::fs::write(world.project.join("outside"), "from outside").unwrap();
        world.reach(Goal::Running);
        let look = "stat -c %U /vagrant/outside; cat /vagrant/outside && echo inside > /vagrant/inside";
        assert_eq!(world.shell(look).1, "vagrant\nfrom outside");
        world.reach(Goal::Destroyed);
        return;
    }
    if !world.kind.maps_owners() {
        // Then the folder must belong to the entry user's number for him to write there.
        std::os::unix::fs::chown(&world.project, Some(1000), Some(1000)).unwrap();
        std::fs::write(world.project.join("outside"), "from outside").unwrap();
        world.reach(Goal::Running);
        assert_eq!(world.shell("cat /vagrant/outside; echo inside > /vagrant/inside").1, "from outside");
        assert_eq!(std::fs::metadata(world.project.join("inside")).unwrap().uid(), 1000);
        world.reach(Goal::Destroyed);
        return;
    }
    std::fs::write(world.project.join("outside"), "from outside").unwrap();
    world.reach(Goal::Running);
    assert_eq!(world.shell("stat -c %U /vagrant/outside; cat /vagrant/outside").1, "vagrant\nfrom outside");
    assert!(world.shell("echo inside > /vagrant/inside").0.success());
    let owner = std::fs::metadata(&world.project).unwrap().uid();
    assert_eq!(std::fs::metadata(world.project.join("inside")).unwrap().uid(), owner);
    let as_root = Exec {
        argv: ["sh", "-c", "mkdir /vagrant/made && echo root > /vagrant/made/file"]
            .map(str::to_owned)
            .to_vec(),
        user: Some("root".into()),
        ..Exec::default()
    };
    assert!(world.run(&as_root).0.success());
    assert_eq!(
        std::fs::metadata(world.project.join("made/file")).unwrap().uid(),
        owner,
        "also what root made"
    );
    world.reach(Goal::Destroyed);
}

fn an_interrupted_create_is_undone(world: &World) {
    world.reach(Goal::Running);
    let record = world.records().remove(0);
    world.workshop.store.begin(&record.id, Operation::Create).unwrap();
    recover_interrupted(&world.context, &world.workshop).unwrap();
    assert_eq!(world.state(), MachineState::NotCreated);
    assert!(world.records().is_empty());
}

/// Of providers that have the power.
fn snapshots_bring_back_what_was(world: &World) {
    world.reach(Goal::Running);
    let record = world.records().remove(0);
    let mut provider = world.kind.open(&record, None, &place(&world.workshop.store, &record)).unwrap();
    let has_power = provider.snapshots().is_some();
    drop(provider);
    if has_power {
        let (context, options) = (&world.context, Options::default());
        world.shell("echo one > ~/file");
        world.machine().save_snapshot(context, "running", false).unwrap();
        assert!(world.machine().save_snapshot(context, "running", false).is_err(), "names are unique");
        // What is in memory alone goes with a machine that is switched off while it is suspended.
        world.shell("echo two > ~/file; sync");
        world.reach(Goal::Suspended);
        world.machine().save_snapshot(context, "suspended", false).unwrap();
        assert_eq!(world.state(), MachineState::Suspended, "it stays as it was");
        world.reach(Goal::Stopped);
        world.machine().save_snapshot(context, "stopped", false).unwrap();
        for (name, content) in [("running", "one\n"), ("suspended", "two\n"), ("stopped", "two\n")] {
            world.machine().restore_snapshot(context, name, &options, true).unwrap();
            assert_eq!(world.shell("cat ~/file").1, content, "{name}");
        }
        world.machine().delete_snapshot(context, "running").unwrap();
        assert_eq!(world.machine().snapshots(context).unwrap(), ["suspended", "stopped"]);
        assert!(world.machine().restore_snapshot(context, "running", &options, true).is_err());
        assert_eq!(world.shell("cat ~/file").1, "two\n", "a refused restore changes nothing");
    }
    world.reach(Goal::Destroyed);
}

/// A check's name and itself.
type Check = (&'static str, fn(&World));

const CHECKS: &[Check] = &[
    ("up_twice_is_up_once", up_twice_is_up_once),
    ("stopping_keeps_files_and_may_be_repeated", stopping_keeps_files_and_may_be_repeated),
    ("destroy_works_from_every_state", destroy_works_from_every_state),
    ("a_suspended_machine_goes_on_where_it_was", a_suspended_machine_goes_on_where_it_was),
    ("exit_codes_and_signals_pass_through", exit_codes_and_signals_pass_through),
    ("large_output_arrives_whole_and_in_order", large_output_arrives_whole_and_in_order),
    (
        "commands_run_as_the_user_with_input_and_environment",
        commands_run_as_the_user_with_input_and_environment,
    ),
    (
        "a_command_that_leaves_a_daemon_behind_ends_all_the_same",
        a_command_that_leaves_a_daemon_behind_ends_all_the_same,
    ),
    ("files_and_directories_are_copied_both_ways", files_and_directories_are_copied_both_ways),
    ("synced_folders_belong_to_the_user_on_both_sides", synced_folders_belong_to_the_user_on_both_sides),
    ("an_interrupted_create_is_undone", an_interrupted_create_is_undone),
    ("snapshots_bring_back_what_was", snapshots_bring_back_what_was),
];

const COMMANDS: &[&str] = &[
    "cat", "chmod", "cmp", "echo", "grep", "id", "kill", "mkdir", "pwd", "rm", "seq", "setsid", "sh",
    "sleep", "stat", "tail", "tar", "test", "tr", "true",
];

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nvagrant:x:1000:1000::/home/vagrant:/bin/sh\n";

/// A daemon that the provider finds as a user's would be found.
fn docker_for_all() -> Option<dockerd::Docker> {
    let docker = dockerd::Docker::start_or_say_why_not()?;
    docker.import_busybox("contract", COMMANDS, PASSWD);
    #[expect(unsafe_code, reason = "no thread has been started yet that could read the environment")]
    // SAFETY: the program has one thread here.
    unsafe {
        std::env::set_var("DOCKER_HOST", docker.address());
    }
    Some(docker)
}

/// Podman with a store of its own, found as a user's would be.
fn podman_for_all() -> Option<podman::Podman> {
    let podman = podman::Podman::start_or_say_why_not()?;
    podman.import_busybox("contract", COMMANDS, PASSWD);
    #[expect(unsafe_code, reason = "no thread has been started yet that could read the environment")]
    // SAFETY: the program has one thread here.
    unsafe {
        std::env::set_var("PATH", podman.search_path());
    }
    Some(podman)
}

/// The box that machines with disks are made from.
const DISK_BOX: &str = "debian/bookworm64";

/// Has that box at hand. Only a missing mirror is a reason to do without it.
fn box_with_disk(provider: &str) -> std::result::Result<(), String> {
    let home = home_with_disks();
    let wanted = BoxSpec { name: Some(DISK_BOX.to_owned()), ..BoxSpec::default() };
    let Err(problem) = Boxes(home.clone()).resolve_disk(&context(&home), &wanted, &home, provider) else {
        return Ok(());
    };
    let text = problem.to_string();
    let no_mirror = ["mirror does not answer", "Nothing says where Debian's packages are", "needs root"];
    assert!(no_mirror.iter().any(|words| text.contains(words)), "{text}");
    Err(text)
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let docker = if arguments.list { None } else { docker_for_all() };
    let podman = if arguments.list { None } else { podman_for_all() };
    let host = Host::new("/nonexistent");
    let mut trials = Vec::new();
    for kind in yado_plugins::registry().providers {
        let missing = match kind.name() {
            "docker" => docker.is_none(),
            "podman" => podman.is_none(),
            _ => false,
        };
        if missing {
            continue;
        }
        let skip = |reason: &str| {
            dockerd::skipped::for_want_of_a_peer(&format!("the contract of '{}'", kind.name()), reason);
        };
        if let Usable::No(reason) = kind.usable(&host) {
            skip(&reason);
            continue;
        }
        if kind.wants_disk()
            && !arguments.list
            && let Err(reason) = box_with_disk(kind.name())
        {
            skip(&reason);
            continue;
        }
        for (name, check) in CHECKS {
            let run = move || -> std::result::Result<(), Failed> {
                check(&World::new(*kind));
                Ok(())
            };
            trials.push(Trial::test(format!("{}::{name}", kind.name()), run));
        }
    }
    let ended = libtest_mimic::run(&arguments, trials).exit_code();
    drop((docker, podman));
    ended
}
