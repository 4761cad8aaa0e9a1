//! [`Made`]: a machine that is made to be measured, with a project directory of its own, and taken away again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use yado_core::error::Doing;
use yado_core::lifecycle::{Machine, Options, Workshop, place};
use yado_core::plan::Goal;
use yado_core::provider::Place;
use yado_core::{
    Cancel, Communicator, Context, Environment, Error, ErrorKind, Exec, MachineSpec, ProviderKind, Result,
    Usable,
};

use crate::leftovers::{self, Held};
use crate::wanted::Wanted;

/// How long a machine may take to boot, in seconds: enough for one whose processor is emulated.
const BOOT: u64 = 600;

/// A machine of one provider. There is none until [`Made::must_run`].
pub(crate) struct Made {
    pub(crate) wanted: Wanted,
    pub(crate) kind: &'static dyn ProviderKind,
    spec: MachineSpec,
    pub(crate) workshop: Workshop,
    project: tempfile::TempDir,
    _held: Held,
    inside: Option<Box<dyn Communicator>>,
    /// Nothing was run in it yet but what tells its size.
    pub(crate) fresh: bool,
    /// What scripts with sysbench begin with, once that is known for this life of the machine.
    pub(crate) sysbench: Option<String>,
}

impl Made {
    pub(crate) fn new(context: &Context, workshop: &Workshop, wanted: &Wanted, image: &str) -> Result<Self> {
        let kind = workshop.registry.provider(&wanted.provider).ok_or_else(|| {
            let known: Vec<&str> = workshop.registry.providers.iter().map(|kind| kind.name()).collect();
            Error::new(
                ErrorKind::ProviderNotFound,
                format!("The provider '{}' could not be found.", wanted.provider),
            )
            .hinted(format!("This yado knows: {}.", known.join(", ")))
        })?;
        if let Usable::No(reason) = kind.usable(&context.host) {
            return Err(Error::new(
                ErrorKind::ProviderNotUsable,
                format!("The provider '{}' cannot be measured here. {reason}", wanted.provider),
            ));
        }
        let project = tempfile::Builder::new()
            .prefix(leftovers::PROJECT)
            .tempdir()
            .doing(|| "making a project directory to measure in")?;
        let held = leftovers::hold(project.path())?;
        let spec = spec(project.path().to_owned(), wanted, image)?;
        if let Some(problem) = kind.check(&spec).first() {
            return Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!("'{}': {}", wanted.name, problem.message),
            ));
        }
        Ok(Self {
            wanted: wanted.clone(),
            kind,
            spec,
            workshop: workshop.clone(),
            project,
            _held: held,
            inside: None,
            fresh: false,
            sysbench: None,
        })
    }

    /// Another of the same, not made yet, for a state that may be elsewhere.
    pub(crate) fn another(&self, context: &Context, workshop: &Workshop) -> Result<Self> {
        let image = self.spec.image.name.clone().unwrap_or_default();
        Self::new(context, workshop, &self.wanted, &image)
    }

    fn environment(&self) -> Result<Environment> {
        let data = self.project.path().join(".yado");
        Environment::open(self.project.path(), "Vagrantfile", &data, &self.workshop.store)
    }

    fn open(&self, context: &Context) -> Result<Machine> {
        let wanted = Some((self.spec.clone(), self.kind));
        Machine::open(context, &self.workshop, &self.environment()?, &self.spec.name, wanted, "compare")
    }

    /// Makes it and starts it; how long that took until it answered, in milliseconds, if it did not run.
    pub(crate) fn must_run(&mut self, context: &Context) -> Result<Option<f64>> {
        if self.inside.is_some() {
            return Ok(None);
        }
        let quiet = quiet(context);
        let begin = Instant::now();
        self.open(&quiet)?.reach(&quiet, Goal::Running, &Options::default())?;
        let took = begin.elapsed().as_secs_f64() * 1000.0;
        let environment = self.environment()?;
        let id = environment.id().unwrap_or_default();
        let record = self.workshop.store.machine(id, &self.spec.name)?.ok_or_else(|| {
            Error::new(ErrorKind::MachineNotFound, format!("The machine of '{}' is gone.", self.wanted.name))
        })?;
        let place = place(&self.workshop.store, &record);
        let provider = self.kind.open(&record, Some(&self.spec), &place)?;
        self.inside = Some(provider.connect(&quiet)?);
        self.fresh = true;
        Ok(Some(took))
    }

    /// Switches it off politely; how long that took, in milliseconds, if it ran.
    pub(crate) fn stop(&mut self, context: &Context) -> Result<Option<f64>> {
        if self.inside.take().is_none() {
            return Ok(None);
        }
        self.sysbench = None;
        let quiet = quiet(context);
        let mut machine = self.open(&quiet)?;
        let begin = Instant::now();
        machine.reach(&quiet, Goal::Stopped, &Options::default())?;
        Ok(Some(begin.elapsed().as_secs_f64() * 1000.0))
    }

    /// Removes the machine if there is one; not stopped by the wish to stop.
    pub(crate) fn remove(&mut self, context: &Context) -> Result<()> {
        self.inside = None;
        self.sysbench = None;
        let context = Context { cancel: Cancel::new(), ..quiet(context) };
        let mut machine = self.open(&context)?;
        machine.reach(&context, Goal::Destroyed, &Options { force: true, ..Options::default() })
    }

    /// Lets the provider forget the box, so that what it keeps of it beside yado's state does not help. No machine of ours
    /// may be there.
    pub(crate) fn forget_box(&self, context: &Context) -> Result<()> {
        let quiet = quiet(context);
        if !self.kind.needs_box(&self.spec) {
            return Ok(());
        }
        let (images, name) = (&self.workshop.images, self.kind.name());
        let (wanted, project) = (&self.spec.image, self.project.path());
        let image = if self.kind.wants_disk() {
            images.resolve_disk(&quiet, wanted, project, name)?
        } else {
            images.resolve(&quiet, wanted, project, name)?
        };
        self.kind.forget_box(&quiet, &image)
    }

    /// The way in, while it runs.
    pub(crate) fn inside(&self) -> Result<&dyn Communicator> {
        self.inside.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::Other, format!("The machine of '{}' does not run.", self.wanted.name))
        })
    }

    /// Where its own files lie, while it exists.
    pub(crate) fn place(&self) -> Result<Place> {
        let environment = self.environment()?;
        let id = environment.id().unwrap_or_default();
        let record = self.workshop.store.machine(id, &self.spec.name)?.ok_or_else(|| {
            Error::new(ErrorKind::MachineNotFound, format!("The machine of '{}' is gone.", self.wanted.name))
        })?;
        Ok(place(&self.workshop.store, &record))
    }
}

/// A script for the machine's shell, as root.
pub(crate) fn as_root(script: &str) -> Exec {
    Exec {
        argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
        user: Some("root".to_owned()),
        directory: Some("/".to_owned()),
        ..Exec::default()
    }
}

/// What machines usually tell is of no interest here.
fn quiet(context: &Context) -> Context {
    Context { events: Arc::new(yado_core::event::Silent), ..context.clone() }
}

fn spec(project: PathBuf, wanted: &Wanted, image: &str) -> Result<MachineSpec> {
    let block = json!({"name": wanted.provider, "settings": wanted.settings, "calls": [], "origins": [], "origin": null});
    // As every Vagrantfile has it; kinds with a shorter way in leave it out.
    let ssh = json!({"kind": "forwarded_port", "origin": null, "options": {
        "id": "ssh", "guest": 22, "host": 2222, "host_ip": "127.0.0.1", "protocol": "tcp", "auto_correct": true
    }});
    let document = json!({
        "name": "compare", "project": project, "primary": true, "autostart": true, "providers": [block],
        "image": {"name": image, "version": null, "urls": [], "checksum": null, "check_update": false, "origin": null},
        "hostname": null, "guest": null, "communicator": null, "networks": [ssh], "provisioners": [],
        "synced_folders": [],
        "ssh": {"username": null, "shell": "sh", "sudo_command": "sudo -E -H %c", "settings": {}},
        "boot_timeout": BOOT, "graceful_halt_timeout": 10, "post_up_message": "", "usable_port_range": [2200, 2250],
        "allow_hosts_modification": false, "problems": []
    });
    serde_json::from_value(document).doing(|| "describing the machine to measure")
}
