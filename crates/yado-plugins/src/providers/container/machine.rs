//! One machine on the engine: `impl Provider`.

use std::path::PathBuf;
use std::time::Duration;

use yado_container::{Container, CreateOptions, Engine, HeldRoot, Init, Overlay, Status, rootless};
use yado_core::error::Doing;
use yado_core::provider::{LiveLimits, Log, Place, Snapshots, StopMode, Suspend};
use yado_core::{
    Communicator, Context, Error, ErrorKind, Forward, Image, MachineRecord, MachineSpec, MachineState,
    Provider, Result,
};

use super::accounts::Accounts;
use super::communicator::Inside;
use super::first_process::FirstProcess;
use super::layers::Layers;
use super::limits::Limits;
use super::root_files::{RootFiles, read_running};
use super::{engine_error, first_process, folders, notices, owners, specification};
use crate::providers::networks::holdings::{Acquaintance, Acquaintances};
use crate::providers::networks::names::{self, Written};
use crate::providers::networks::{self as network, addresses};

/// The names that this process has written into machines. Each that starts looks whether all others know all, and those
/// that are brought up together do from the beginning.
static WRITTEN: Written = Written::new();

/// A machine, wanted, recorded, or real.
pub(super) struct Machine {
    pub(super) record: MachineRecord,
    spec: Option<MachineSpec>,
    pub(super) place: Place,
    pub(super) engine: Engine,
}

impl Machine {
    pub(super) fn open(record: &MachineRecord, spec: Option<&MachineSpec>, place: &Place) -> Result<Self> {
        // Without the Vagrantfile, what the machine was last started with.
        let spec = spec.cloned().or_else(|| serde_json::from_str(record.spec.as_deref()?).ok());
        let engine = Engine::open(place.store.home().join("engine")).map_err(engine_error)?;
        Ok(Self { record: record.clone(), spec, place: place.clone(), engine })
    }

    pub(super) fn spec(&self) -> Result<&MachineSpec> {
        self.spec.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Other, format!("'{}' has no configuration on record.", self.record.name))
        })
    }

    pub(super) fn container(&self) -> Result<Option<Container>> {
        self.engine.load(&self.record.id).map_err(engine_error)
    }

    pub(super) fn running(&self) -> Result<Container> {
        self.container()?.filter(|container| container.state() != Status::Stopped).ok_or_else(|| {
            Error::new(ErrorKind::Other, format!("The machine '{}' is not running.", self.record.name))
                .hinted("Run `yado up` to start it.")
        })
    }

    pub(super) fn image(&self) -> Result<Image> {
        let text = self.record.image.as_deref().unwrap_or("null");
        serde_json::from_str(text).doing(|| format!("reading what '{}' was made from", self.record.name))
    }

    pub(super) fn own_layers(&self) -> Result<Layers> {
        Layers::of(&self.record)
    }

    /// The writable layer.
    pub(super) fn upper(&self) -> Result<PathBuf> {
        Ok(self.place.machine.join(self.own_layers()?.upper))
    }

    /// Reads the record again, after it was changed.
    pub(super) fn reread(&mut self) -> Result<()> {
        if let Some(record) = self.place.store.machine(&self.record.environment, &self.record.name)? {
            self.record = record;
        }
        Ok(())
    }

    pub(super) fn files(&self, image: &Image) -> Result<RootFiles> {
        let own = self.own_layers()?;
        let lower = image.layers.iter().cloned().chain(own.directories(&self.place)).collect();
        Ok(RootFiles { upper: self.upper()?, lower })
    }

    /// The user that one enters as.
    fn user(&self, accounts: &Accounts) -> String {
        if !owners::are_many() {
            return "root".to_owned();
        }
        let asked = self.spec.as_ref().and_then(|spec| spec.ssh.username.clone());
        asked
            .filter(|name| accounts.user(name).is_some())
            .unwrap_or_else(|| self.image().map_or_else(|_| "vagrant".to_owned(), |image| image.user))
    }

    /// Hosts file, host name and resolver of a machine that is about to be switched on.
    fn write_names(&self, files: &RootFiles) -> Result<()> {
        let spec = self.spec()?;
        let hostname = names::hostname(Some(spec), &self.record.name);
        if spec.allow_hosts_modification {
            let machines = network::known_machines(&self.place.store, &self.record)?;
            files.write_etc("hosts", &names::hosts(&files.read_etc("hosts"), &hostname, &machines))?;
            WRITTEN.note(&self.record.id, &hostname, names::digest(&machines));
        }
        files.write_etc("hostname", &format!("{hostname}\n"))?;
        files.write_etc("resolv.conf", &network::resolver())
    }

    /// Tells machines of the environment that run about those that were not there when they started. This one too:
    /// machines start at the same time, and what was not known yet when its hosts file was written may be by now,
    /// while whoever came to be known found it not running yet.
    fn tell_all(&self, context: &Context) -> Result<()> {
        let acquaintances = Acquaintances::of(&self.place.store, &self.record.environment)?;
        for other in acquaintances.machines() {
            if other.record.provider == self.record.provider {
                self.tell(context, other, &acquaintances)?;
            }
        }
        Ok(())
    }

    /// Tells one of them, if it runs.
    fn tell(&self, context: &Context, other: &Acquaintance, acquaintances: &Acquaintances) -> Result<()> {
        let (record, facts) = (&other.record, &other.facts);
        if !facts.can_be_told {
            return Ok(());
        }
        let (machines, digest) = acquaintances.seen_by(&record.id);
        if WRITTEN.has(&record.id, &facts.hostname, digest) {
            return Ok(());
        }
        let block = names::block(&facts.hostname, &machines);
        // Machines that are brought up together know each other from the beginning: a look at the layer is enough.
        let upper = self.place.machine.with_file_name(&record.id).join(Layers::of(record)?.upper);
        if (RootFiles { upper, lower: Vec::new() }).read_etc("hosts").contains(&block) {
            return Ok(());
        }
        let Some(container) = self.engine.load(&record.id).map_err(engine_error)? else { return Ok(()) };
        if container.state() != Status::Running {
            return Ok(());
        }
        let known = read_running(container.pid() as u32, "etc/hosts").unwrap_or_default();
        if !known.contains(&block) {
            let inside = Inside::root_only(container);
            inside.run_quietly(context, &["sh", "-c", &names::update_script(&block)])?;
        }
        WRITTEN.note(&record.id, &facts.hostname, digest);
        Ok(())
    }

    fn start_container(&self, context: &Context, forwards: &[Forward]) -> Result<()> {
        let spec = self.spec()?;
        let image = self.image()?;
        let files = self.files(&image)?;
        // A machine whose first process ended by itself still has its record.
        if let Some(container) = self.container()?.filter(|container| container.state() == Status::Stopped) {
            container.delete(true).map_err(engine_error)?;
        }
        self.write_names(&files)?;
        let accounts = Accounts::parse(&files.read_etc("passwd"), &files.read_etc("group"));
        let user = self.user(&accounts);
        if let Some(asked) = spec.ssh.username.as_ref().filter(|asked| **asked != user) {
            context.warn(format!(
                "The machine has no user '{asked}' ('config.ssh.username'); it is entered as '{user}'."
            ));
        }
        let first = specification::first_id(&self.record);
        let mounts = folders::mounts(context, &spec.synced_folders, &user, &accounts, first)?;
        let mut limits = Limits::of(spec);
        if let Some(ground) = rootless::ground() {
            let unlimited = self.engine.cannot_limit().map_err(engine_error)?;
            notices::tell(context, ground, &unlimited)?;
            limits = limits.without(&unlimited);
        }
        let interfaces = addresses::assign(&self.place.store, &self.record, &spec.networks)?;
        let time = context.time("network");
        network::prepare(&self.place.store, &self.record, &interfaces, forwards)?;
        drop(time);
        let can_delegate = self.engine.can_delegate_cgroups().map_err(engine_error)?;
        let init = FirstProcess::choose(spec, &files, can_delegate)?;
        let options = CreateOptions {
            init: if init == FirstProcess::Small { Init::Small } else { Init::Process },
            root_overlay: Some(Overlay {
                lower: files.lower.iter().rev().cloned().collect(),
                upper: files.upper.clone(),
                work: self.place.machine.join("work"),
            }),
            id_mapped_root: owners::are_translated(),
            network: Some(network::of_machine(context, &interfaces)?),
            log: Some(self.place.machine.join("console.log")),
            ..CreateOptions::default()
        };
        let oci = specification::build(&self.record, spec, &image, mounts, init, limits);
        let _time = context.time("namespaces, file system and first process");
        let mut container = self.engine.create(&self.record.id, &oci, &options).map_err(engine_error)?;
        // The small init runs already.
        container.start().map_err(engine_error)?;
        self.tell_all(context)
    }
}

impl Provider for Machine {
    fn state(&self, _context: &Context) -> Result<MachineState> {
        Ok(match self.container()?.map(|container| container.state()) {
            Some(Status::Running | Status::Created) => MachineState::Running,
            Some(Status::Paused) => MachineState::Suspended,
            Some(Status::Stopped) => MachineState::Stopped,
            None if self.upper()?.is_dir() => MachineState::Stopped,
            None => MachineState::NotCreated,
        })
    }

    fn reserve(&mut self, _context: &Context) -> Result<()> {
        addresses::assign(&self.place.store, &self.record, &self.spec()?.networks)?;
        Ok(())
    }

    fn let_go(&mut self) -> Result<()> {
        addresses::let_go(&self.place.store, &self.record, &self.spec()?.networks)
    }

    fn check_reservation(&self) -> Result<()> {
        addresses::check_free(&self.place.store, &self.record, &self.spec()?.networks)
    }

    fn create(&mut self, _context: &Context, _image: Option<&Image>) -> Result<()> {
        for folder in [self.place.machine.join("work"), self.upper()?] {
            std::fs::create_dir_all(&folder).doing(|| format!("creating '{}'", folder.display()))?;
        }
        // The layer's own mode and owner are those of `/` inside.
        use std::os::unix::fs::PermissionsExt;
        let upper = self.upper()?;
        let doing = || format!("creating '{}'", upper.display());
        std::fs::set_permissions(&upper, std::fs::Permissions::from_mode(0o755)).doing(doing)?;
        owners::give_to_root(std::fs::File::open(&upper).doing(doing)?).doing(doing)
    }

    fn create_as_copy(&mut self, context: &Context, model: &MachineRecord) -> Result<()> {
        self.copy(context, model)
    }

    fn start(&mut self, context: &Context, forwards: &[Forward]) -> Result<()> {
        let started = self.start_container(context, forwards);
        if started.is_err() {
            // Nothing half-started stays; the first failure is the one to tell.
            if let Err(problem) = self.stop(context, StopMode::Force) {
                tracing::warn!(%problem, "cleaning up after a failed start");
            }
        }
        started
    }

    fn stop(&mut self, _context: &Context, how: StopMode) -> Result<()> {
        if let Some(mut container) = self.container()? {
            let patience = match how {
                StopMode::Graceful(patience) => patience,
                StopMode::Force => Duration::ZERO,
            };
            if container.state() == Status::Paused {
                container.resume().map_err(engine_error)?;
            }
            if container.state() == Status::Running {
                container.stop(patience).map_err(engine_error)?;
            }
            container.delete(true).map_err(engine_error)?;
            if let Some(spec) = &self.spec {
                let first = specification::first_id(&self.record);
                spec.synced_folders.iter().for_each(|folder| folders::adopt(&folder.host_path, first));
            }
        }
        let is_up = |other: &MachineRecord| {
            if other.provider != self.record.provider {
                return other.state == MachineState::Running.id();
            }
            matches!(self.engine.load(&other.id), Ok(Some(container)) if container.state() != Status::Stopped)
        };
        network::without_machine(&self.place.store, &self.record, self.spec.as_ref(), &is_up)
    }

    fn learn_names(&mut self, context: &Context) -> Result<()> {
        let acquaintances = Acquaintances::of(&self.place.store, &self.record.environment)?;
        let own = acquaintances.machines().iter().find(|machine| machine.record.id == self.record.id);
        own.map_or(Ok(()), |own| self.tell(context, own, &acquaintances))
    }

    fn destroy(&mut self, context: &Context) -> Result<()> {
        // Its files are removed: there is nothing in them to wait for.
        let root = self.container()?.and_then(|container| container.hold_root());
        self.stop(context, StopMode::Force)?;
        let removed = std::fs::remove_dir_all(&self.place.machine);
        root.into_iter().for_each(HeldRoot::let_go);
        match removed {
            Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
                Err(problem).doing(|| format!("removing '{}'", self.place.machine.display()))
            }
            _ => Ok(()),
        }
    }

    fn connect(&self, _context: &Context) -> Result<Box<dyn Communicator>> {
        let container = self.running()?;
        let pid = container.pid() as u32;
        let text = |name: &str| read_running(pid, name).unwrap_or_default();
        let accounts = Accounts::parse(&text("etc/passwd"), &text("etc/group"));
        let user = self.user(&accounts);
        let folders = self.spec()?.synced_folders.iter().map(|folder| folder.host_path.clone()).collect();
        Ok(Box::new(Inside::new(container, accounts, user, folders, specification::first_id(&self.record))))
    }

    fn layers(&self, _context: &Context) -> Result<Option<Vec<PathBuf>>> {
        let files = self.files(&self.image()?)?;
        Ok(Some(files.lower.into_iter().chain([files.upper]).collect()))
    }

    fn log(&self, _context: &Context, follow: bool) -> Result<Option<Log>> {
        let running = self.container()?.filter(|container| container.state() == Status::Running);
        Ok(Some(match running.filter(FirstProcess::is_systemd) {
            Some(_) => Log::Command(first_process::journal(follow)),
            None => Log::File(self.place.machine.join("console.log")),
        }))
    }

    fn limits(&mut self) -> Option<&mut dyn LiveLimits> {
        Some(self)
    }

    fn suspend(&mut self) -> Option<&mut dyn Suspend> {
        Some(self)
    }

    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        Some(self)
    }
}

impl Suspend for Machine {
    fn suspend(&mut self, _context: &Context) -> Result<()> {
        self.running()?.pause().map_err(engine_error)
    }

    fn resume(&mut self, _context: &Context) -> Result<()> {
        self.running()?.resume().map_err(engine_error)
    }
}
