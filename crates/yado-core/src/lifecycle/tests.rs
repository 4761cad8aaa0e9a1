//! The lifecycle with a provider whose machines are one file each, so that a death in the middle can be played.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::*;
use crate::communicator::{Communicator, Exec, ExitStatus, Stream};
use crate::context::Cancel;
use crate::event::{Event, EventSink};
use crate::host::Host;
use crate::image::Image;
use crate::kind::{Kind, Schema};
use crate::provider::{StopMode, Suspend};
use crate::provisioner::{Aftermath, Guest, Provisioner, ProvisionerKind};
use crate::spec::{BoxSpec, NetworkSpec, Problem, ProvisionerSpec, RunWhen, SshSpec};

struct FakeKind;
struct Fake {
    file: PathBuf,
    /// Opened with what it was last started with.
    as_recorded: bool,
}

static NO_SETTINGS: Schema = Schema { settings: &[] };

impl Kind for FakeKind {
    fn name(&self) -> &'static str {
        "fake"
    }
    fn schema(&self) -> &'static Schema {
        &NO_SETTINGS
    }
}

impl ProviderKind for FakeKind {
    fn summary(&self) -> &'static str {
        "files"
    }
    fn check(&self, _spec: &MachineSpec) -> Vec<Problem> {
        Vec::new()
    }
    fn open(
        &self,
        record: &MachineRecord,
        spec: Option<&MachineSpec>,
        place: &Place,
    ) -> Result<Box<dyn Provider>> {
        let file = place.store.home().join(format!("fake-{}", record.name));
        Ok(Box::new(Fake { file, as_recorded: spec.is_none() }))
    }
}

impl Fake {
    fn set(&self, state: &str) {
        std::fs::write(&self.file, state).unwrap();
    }
}

impl Provider for Fake {
    fn state(&self, _context: &Context) -> Result<MachineState> {
        Ok(match std::fs::read_to_string(&self.file).unwrap_or_default().as_str() {
            "running" => MachineState::Running,
            "stopped" => MachineState::Stopped,
            "frozen" => MachineState::Suspended,
            _ => MachineState::NotCreated,
        })
    }
    fn create(&mut self, _context: &Context, image: Option<&Image>) -> Result<()> {
        if image.is_some_and(|image| image.name == "broken") {
            self.set("half");
            return Err(Error::new(ErrorKind::BoxImport, "The disk is full."));
        }
        self.set("stopped");
        Ok(())
    }
    fn start(&mut self, _context: &Context, _forwards: &[Forward]) -> Result<()> {
        self.set("running");
        Ok(())
    }
    fn stop(&mut self, _context: &Context, how: StopMode) -> Result<()> {
        if self.file.with_extension("stuck").exists() {
            return Err(Error::new(ErrorKind::Other, "The engine does not answer."));
        }
        std::fs::write(self.file.with_extension("how"), format!("{how:?}")).unwrap();
        self.set("stopped");
        Ok(())
    }
    fn destroy(&mut self, _context: &Context) -> Result<()> {
        drop(std::fs::remove_file(&self.file));
        Ok(())
    }
    fn connect(&self, _context: &Context) -> Result<Box<dyn Communicator>> {
        Ok(Box::new(Inside))
    }
    fn bring(&mut self, context: &Context, copies: bool) -> Result<()> {
        assert!(self.as_recorded, "what it was started with is what it is");
        context.detail(if copies { "copied" } else { "not copied" });
        Ok(())
    }
    fn suspend(&mut self) -> Option<&mut dyn Suspend> {
        Some(self)
    }
}

impl Suspend for Fake {
    fn suspend(&mut self, _context: &Context) -> Result<()> {
        if self.file.with_extension("freezes").exists() {
            self.set("frozen");
            return Ok(());
        }
        self.set("half frozen");
        Err(Error::new(ErrorKind::System, "The disk is full."))
    }
    fn resume(&mut self, _context: &Context) -> Result<()> {
        assert!(self.as_recorded, "it goes on as it was, whatever the Vagrantfile says by now");
        self.set("running");
        Ok(())
    }
    fn mend(&mut self, _context: &Context) -> Result<()> {
        self.set(if std::fs::read_to_string(&self.file).unwrap() == "half thawed" {
            "frozen"
        } else {
            "running"
        });
        Ok(())
    }
}

struct Inside;

impl Communicator for Inside {
    fn user(&self) -> &'static str {
        "vagrant"
    }
    fn ready(&self, _context: &Context, _within: std::time::Duration) -> Result<()> {
        Ok(())
    }
    fn exec(&self, _: &Context, _: &Exec, _: &mut dyn FnMut(Stream, &[u8])) -> Result<ExitStatus> {
        Ok(ExitStatus::Code(0))
    }
    fn interact(&self, _: &Context, _: &Exec, _: bool) -> Result<ExitStatus> {
        Ok(ExitStatus::Code(0))
    }
    fn upload(&self, _: &Context, _: &Path, _: &str) -> Result<()> {
        Ok(())
    }
    fn download(&self, _: &Context, _: &str, _: &Path) -> Result<()> {
        Ok(())
    }
}

/// A provisioner that says its name, and fails while a file named after it exists in the project.
struct Sayer;

impl Kind for Sayer {
    fn name(&self) -> &'static str {
        "say"
    }
    fn schema(&self) -> &'static Schema {
        &NO_SETTINGS
    }
}

impl ProvisionerKind for Sayer {
    fn open(&self, spec: &ProvisionerSpec, machine: &MachineSpec) -> Result<Box<dyn Provisioner>> {
        let name = spec.name.clone().unwrap_or_default();
        Ok(Box::new(Saying { fails: machine.project.join(&name).exists(), name }))
    }
}

struct Saying {
    name: String,
    fails: bool,
}

impl Provisioner for Saying {
    fn fingerprint(&self) -> Result<String> {
        Ok(self.name.clone())
    }
    fn run(&mut self, context: &Context, _guest: &Guest<'_>) -> Result<Aftermath> {
        if self.fails {
            return Err(Error::new(ErrorKind::GuestCommandFailed, format!("{} failed", self.name)));
        }
        context.detail(format!("said {}", self.name));
        Ok(if self.name == "reboot" { Aftermath::Reboot } else { Aftermath::Nothing })
    }
}

struct Images;

impl ImageSource for Images {
    fn resolve(&self, _: &Context, spec: &BoxSpec, _: &Path, _: &str) -> Result<Image> {
        Ok(Image {
            name: spec.name.clone().unwrap_or_default(),
            version: "0".into(),
            digest: String::new(),
            layers: vec![],
            host_mounts: vec![],
            vagrantfile: None,
            user: "vagrant".into(),
            disk: None,
        })
    }
}

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl EventSink for Kept {
    fn emit(&self, event: Event) {
        if let Event::Message { text, .. } = event {
            self.0.lock().unwrap().push(text);
        }
    }
}

struct World {
    folder: tempfile::TempDir,
    workshop: Workshop,
    context: Context,
    said: Arc<Kept>,
    environment: Environment,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("home")).unwrap());
        let registry = Registry { providers: &[&FakeKind], provisioners: &[&Sayer] };
        let said = Arc::new(Kept::default());
        let context = Context {
            machine: None,
            host: Arc::new(Host::new(folder.path().join("home"))),
            events: said.clone(),
            cancel: Cancel::new(),
        };
        let project = folder.path().join("p");
        std::fs::create_dir(&project).unwrap();
        let environment = Environment::open(&project, "Vagrantfile", &project.join(".yado"), &store).unwrap();
        Self {
            folder,
            workshop: Workshop { registry, store, images: Arc::new(Images) },
            context,
            said,
            environment,
        }
    }

    fn spec(&self, image: &str, provisioners: &[&str]) -> MachineSpec {
        MachineSpec {
            name: "web".into(),
            project: self.environment.project.clone(),
            primary: true,
            autostart: true,
            providers: vec![],
            image: BoxSpec { name: Some(image.into()), ..BoxSpec::default() },
            clone_from: None,
            hostname: None,
            guest: None,
            communicator: None,
            networks: vec![],
            synced_folders: vec![],
            disks: Vec::new(),
            cloud_init: Vec::new(),
            provisioners: provisioners
                .iter()
                .map(|name| ProvisionerSpec {
                    kind: "say".into(),
                    name: Some((*name).into()),
                    run: RunWhen::Once,
                    communicator_required: true,
                    settings: serde_json::Map::new(),
                    origin: None,
                })
                .collect(),
            ssh: SshSpec {
                username: None,
                shell: "bash -l".into(),
                sudo_command: String::new(),
                settings: serde_json::Map::new(),
            },
            boot_timeout: 1,
            graceful_halt_timeout: 1,
            post_up_message: String::new(),
            usable_port_range: (2200, 2250),
            allow_hosts_modification: true,
            triggers: vec![],
            plugins: crate::guest_settings::PluginSettings::new(),
            problems: vec![],
        }
    }

    fn machine(&self, spec: MachineSpec) -> Result<Machine> {
        let project = &self.environment.project;
        let environment =
            Environment::open(project, "Vagrantfile", &project.join(".yado"), &self.workshop.store).unwrap();
        Machine::open(&self.context, &self.workshop, &environment, "web", Some((spec, &FakeKind)), "test")
    }

    fn reach(&self, spec: MachineSpec, goal: Goal) -> Result<()> {
        self.machine(spec)?.reach(&self.context, goal, &Options::default())
    }

    fn said(&self, what: &str) -> usize {
        self.said.0.lock().unwrap().iter().filter(|text| text.contains(what)).count()
    }

    fn nothing_is_left(&self) {
        assert!(self.workshop.store.machines(None).unwrap().is_empty());
        assert!(!self.folder.path().join("home/fake-web").exists());
        assert!(!self.environment.data.exists(), "the project holds no trace");
        let machines = self.folder.path().join("home/machines");
        assert!(!machines.exists() || std::fs::read_dir(machines).unwrap().next().is_none());
    }
}

#[test]
fn up_twice_provisions_once_and_destroy_leaves_nothing() {
    let world = World::new();
    world.reach(world.spec("box", &["a"]), Goal::Running).unwrap();
    assert_eq!(world.said("said a"), 1);
    world.reach(world.spec("box", &["a"]), Goal::Running).unwrap();
    assert_eq!(world.said("said a"), 1);
    assert_eq!(world.said("already provisioned"), 1);
    world.reach(world.spec("box", &["a"]), Goal::Destroyed).unwrap();
    world.nothing_is_left();
}

#[test]
fn a_failed_provisioner_keeps_the_machine_and_up_goes_on_there() {
    let world = World::new();
    std::fs::write(world.environment.project.join("b"), "").unwrap();
    let failure = world.reach(world.spec("box", &["a", "b", "c"]), Goal::Running).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::GuestCommandFailed);
    assert_eq!(world.workshop.store.machines(None).unwrap()[0].state, "running");
    std::fs::remove_file(world.environment.project.join("b")).unwrap();
    world.reach(world.spec("box", &["a", "b", "c"]), Goal::Running).unwrap();
    assert_eq!((world.said("said a"), world.said("said b"), world.said("said c")), (1, 1, 1));
    assert_eq!(world.said("Going on at b (say)"), 1);
}

#[test]
fn a_machine_that_cannot_be_made_leaves_nothing() {
    let world = World::new();
    assert!(world.reach(world.spec("broken", &[]), Goal::Running).is_err());
    world.nothing_is_left();
}

#[test]
fn a_collision_is_found_before_anything_is_made() {
    let world = World::new();
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut spec = world.spec("box", &[]);
    let options = serde_json::json!({"guest": 80, "host": busy.local_addr().unwrap().port()});
    let serde_json::Value::Object(options) = options else { unreachable!() };
    spec.networks.push(NetworkSpec { kind: "forwarded_port".into(), options, origin: None });
    let mut machine = world.machine(spec).unwrap();
    assert_eq!(machine.reserve(&world.context).unwrap_err().kind(), ErrorKind::Collision);
    machine.give_back().unwrap();
    drop(machine);
    world.nothing_is_left();
}

#[test]
fn what_a_killed_process_began_is_undone_or_finished() {
    use crate::store::Operation;
    for (operation, file, expected) in [
        (Operation::Create, "half", None),
        (Operation::Destroy, "stopped", None),
        (Operation::Start, "running", Some("stopped")),
        (Operation::Stop, "running", Some("stopped")),
        (Operation::Suspend, "half frozen", Some("running")),
        (Operation::Resume, "half thawed", Some("suspended")),
    ] {
        let world = World::new();
        world.reach(world.spec("box", &[]), Goal::Running).unwrap();
        let record = world.workshop.store.machines(None).unwrap().remove(0);
        world.workshop.store.begin(&record.id, operation).unwrap();
        std::fs::write(world.folder.path().join("home/fake-web"), file).unwrap();
        recover_interrupted(&world.context, &world.workshop).unwrap();
        match expected {
            None => world.nothing_is_left(),
            Some(state) => {
                assert_eq!(world.workshop.store.machines(None).unwrap()[0].state, state, "{operation:?}");
                assert_eq!(world.workshop.store.unfinished(&record.id).unwrap(), None);
            }
        }
    }
}

#[test]
fn a_machine_that_cannot_be_recovered_does_not_hinder_others_commands() {
    let world = World::new();
    world.reach(world.spec("box", &[]), Goal::Running).unwrap();
    let record = world.workshop.store.machines(None).unwrap().remove(0);
    world.workshop.store.begin(&record.id, crate::store::Operation::Stop).unwrap();
    std::fs::write(world.folder.path().join("home/fake-web.stuck"), "").unwrap();
    recover_interrupted(&world.context, &world.workshop).unwrap();
    assert_eq!(world.said("The engine does not answer."), 1);
    assert!(world.workshop.store.unfinished(&record.id).unwrap().is_some());
    let Err(problem) = world.machine(world.spec("box", &[])) else { panic!("its own command goes on") };
    assert!(problem.to_string().contains("The engine does not answer."), "{problem}");
}

#[test]
fn without_a_vagrantfile_a_machine_gets_the_grace_that_it_was_started_with() {
    let world = World::new();
    let mut spec = world.spec("box", &[]);
    spec.graceful_halt_timeout = 17;
    world.reach(spec, Goal::Running).unwrap();
    let project = &world.environment.project;
    let environment =
        Environment::open(project, "Vagrantfile", &project.join(".yado"), &world.workshop.store).unwrap();
    let mut machine =
        Machine::open(&world.context, &world.workshop, &environment, "web", None, "halt").unwrap();
    machine.reach(&world.context, Goal::Stopped, &Options::default()).unwrap();
    let how = std::fs::read_to_string(world.folder.path().join("home/fake-web.how")).unwrap();
    assert_eq!(how, "Graceful(17s)");
}

#[test]
fn folders_are_copied_after_a_start_and_not_when_a_machine_goes_on_or_a_provisioner_restarts_it() {
    let world = World::new();
    let spec = || world.spec("box", &["reboot"]);
    world.reach(spec(), Goal::Running).unwrap();
    let copied = || (world.said("copied") - world.said("not copied"), world.said("not copied"));
    assert_eq!(copied(), (1, 1));
    std::fs::write(world.folder.path().join("home/fake-web.freezes"), "").unwrap();
    world.reach(spec(), Goal::Suspended).unwrap();
    world.reach(spec(), Goal::Running).unwrap();
    assert_eq!(copied(), (1, 2));
    world.reach(spec(), Goal::Restarted).unwrap();
    assert_eq!(copied(), (2, 2));
}

#[test]
fn a_machine_whose_boot_nobody_waited_for_is_waited_for_by_the_next_command() {
    let world = World::new();
    world.reach(world.spec("box", &[]), Goal::Running).unwrap();
    let waited =
        || (world.said("Machine booted and ready!"), world.said("copied") - world.said("not copied"));
    world.reach(world.spec("box", &[]), Goal::Running).unwrap();
    assert_eq!(waited(), (1, 1));
    // As a process leaves it that is killed when the machine was switched on, and had not answered yet.
    let record = world.workshop.store.machines(None).unwrap().remove(0);
    let (spec, forwards) = (record.spec.as_deref().unwrap(), record.forwards.as_deref().unwrap());
    let die_while_it_boots = || {
        world.workshop.store.begin_start(&record.id, spec, forwards).unwrap();
        world.workshop.store.finish(&record.id, MachineState::Running).unwrap();
    };
    die_while_it_boots();
    world.reach(world.spec("box", &[]), Goal::Running).unwrap();
    world.reach(world.spec("box", &[]), Goal::Running).unwrap();
    assert_eq!(waited(), (2, 2));
    // Frozen before anybody has seen it ready, it is still to be set up when it goes on.
    die_while_it_boots();
    std::fs::write(world.folder.path().join("home/fake-web.freezes"), "").unwrap();
    world.reach(world.spec("box", &[]), Goal::Suspended).unwrap();
    world.reach(world.spec("box", &[]), Goal::Running).unwrap();
    assert_eq!(waited(), (3, 3));
}

#[test]
fn a_machine_that_could_not_be_frozen_goes_on_and_is_told_to_run() {
    let world = World::new();
    world.reach(world.spec("box", &[]), Goal::Running).unwrap();
    let failure = world.reach(world.spec("box", &[]), Goal::Suspended).unwrap_err();
    assert!(failure.message().contains("full"), "{failure}");
    let record = world.workshop.store.machines(None).unwrap().remove(0);
    assert_eq!(
        (record.state.as_str(), world.workshop.store.unfinished(&record.id).unwrap()),
        ("running", None)
    );
}

#[test]
fn a_machine_that_a_living_process_works_on_is_left_to_it() {
    let world = World::new();
    world.reach(world.spec("box", &[]), Goal::Running).unwrap();
    let record = world.workshop.store.machines(None).unwrap().remove(0);
    let busy = world.machine(world.spec("box", &[])).unwrap();
    world.workshop.store.begin(&record.id, crate::store::Operation::Create).unwrap();
    recover_interrupted(&world.context, &world.workshop).unwrap();
    assert_eq!(world.workshop.store.machines(None).unwrap().len(), 1);
    let Err(refusal) = world.machine(world.spec("box", &[])) else { panic!("two at once") };
    assert_eq!(refusal.kind(), ErrorKind::Locked);
    drop(busy);
}

#[test]
fn an_interrupt_before_the_machine_is_ready_removes_it() {
    let world = World::new();
    let mut machine = world.machine(world.spec("box", &["a"])).unwrap();
    machine.reserve(&world.context).unwrap();
    world.context.cancel.cancel();
    let stop = machine.reach(&world.context, Goal::Running, &Options::default()).unwrap_err();
    assert_eq!(stop.kind(), ErrorKind::Interrupted);
    drop(machine);
    world.nothing_is_left();
}
