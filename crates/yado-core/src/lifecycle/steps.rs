//! Taking one step. Each may be repeated after an interruption and then finishes the work.

use std::time::Duration;

use super::turns::{Turn, Turns};
use super::{Machine, Options};
use crate::communicator::Communicator;
use crate::context::Context;
use crate::error::{Doing, Error, ErrorKind, Result};
use crate::image::Image;
use crate::plan::Step;
use crate::provider::{MachineState, Provider, StopMode};
use crate::store::{MachineRecord, Operation};

/// What is said before a machine is switched off at once.
pub(super) const FORCED: &str = "Forcing shutdown of machine...";

/// Machines that are being made by this process itself.
static AT_WORK: Turns = Turns::new();

impl Machine {
    /// Takes one step.
    pub(super) fn take(&mut self, context: &Context, step: Step, options: &Options) -> Result<()> {
        tracing::debug!(machine = %self.name, ?step, "step");
        let _time = context.time(words(step));
        match step {
            Step::FetchImage => self.fetch_image(context),
            Step::Create => self.create(context),
            Step::Start => self.start(context),
            Step::WaitReady => self.wait_ready(context, options.copies),
            Step::Adjust => self.adjust(context),
            Step::Provision => self.provision(context, options),
            Step::Stop => self.stop(context, options),
            Step::Suspend | Step::Resume => self.freeze_or_thaw(context, step),
            Step::Destroy => self.destroy(context),
        }
    }

    fn fetch_image(&mut self, context: &Context) -> Result<()> {
        self.reserve(context)?;
        let spec = self.spec()?;
        if let Some(wanted) = &spec.clone_from {
            return self.find_model(wanted).map(drop);
        }
        if !self.kind.needs_box(spec) {
            return Ok(());
        }
        let (images, provider) = (&self.workshop.images, self.kind.name());
        let image = if self.kind.wants_disk() {
            images.resolve_disk(context, &spec.image, &spec.project, provider)?
        } else {
            images.resolve(context, &spec.image, &spec.project, provider)?
        };
        let text = serde_json::to_string(&image).doing(|| "recording the image")?;
        self.workshop.store.set_image(&self.made()?.id, &text)?;
        self.reread()
    }

    /// A place among those who make machines, where such places are few.
    fn turn(&self, context: &Context) -> Result<Option<Turn<'static>>> {
        self.kind.is_made_by_this_process().then(|| AT_WORK.take(&context.cancel)).transpose()
    }

    fn create(&mut self, context: &Context) -> Result<()> {
        // A copy waits for whoever is at the machine that is copied.
        let _turn = if self.spec()?.clone_from.is_none() { self.turn(context)? } else { None };
        let record = self.made()?.clone();
        let store = &self.workshop.store;
        store.begin(&record.id, Operation::Create)?;
        let directory = super::machine_directory(store, &record.id);
        std::fs::create_dir_all(&directory).doing(|| format!("creating '{}'", directory.display()))?;
        if let Some(wanted) = self.spec()?.clone_from.clone() {
            self.copy_model(context, &record, &wanted)?;
            self.workshop.store.finish(&record.id, MachineState::Stopped)?;
            return self.reread();
        }
        let image: Option<Image> = record
            .image
            .as_deref()
            .map(serde_json::from_str)
            .transpose()
            .doing(|| "reading the machine's image record")?;
        match &image {
            Some(image) => context.info(format!("Importing base box '{}'...", image_name(image))),
            None if self.kind.needs_box(self.spec()?) => {
                return Err(Error::new(ErrorKind::BoxNotFound, "The machine has no image."));
            }
            None => {}
        }
        self.provider(&record)?.create(context, image.as_ref())?;
        store.finish(&record.id, MachineState::Stopped)
    }

    fn start(&mut self, context: &Context) -> Result<()> {
        self.reserve(context)?;
        let record = self.made()?.clone();
        let turn = self.turn(context)?;
        self.goes_on = false;
        self.remember_what_was_settled(&record);
        let store = &self.workshop.store;
        let spec = serde_json::to_string(self.spec()?).doing(|| "recording the configuration")?;
        let forwards = serde_json::to_string(&self.forwards).doing(|| "recording the forwarded ports")?;
        store.begin_start(&record.id, &spec, &forwards)?;
        if !self.forwards.is_empty() {
            context.info("Forwarding ports...");
            for forward in &self.forwards {
                context.detail(format!(
                    "{} (guest) => {} (host) ({}, {})",
                    forward.guest_port, forward.host_port, forward.protocol, forward.host_ip
                ));
            }
        }
        context.info("Booting machine...");
        if let Err(problem) = self.provider(&record)?.start(context, &self.forwards) {
            // The provider has left nothing half-started.
            self.note_not_started(context)?;
            return Err(problem);
        }
        // What follows may wait for other machines.
        drop(turn);
        store.finish(&record.id, MachineState::Running)?;
        self.reread()?;
        self.introduce(context)
    }

    /// What was reserved for a run that did not come to be is given back.
    pub(super) fn note_not_started(&self, context: &Context) -> Result<()> {
        match &self.record {
            Some(record) if self.state(context)? == MachineState::Stopped => {
                self.workshop.store.finish_stopped(&record.id)
            }
            _ => Ok(()),
        }
    }

    /// Makes this machine known to those that run already. Machines of one provider that share a kernel tell each other
    /// without being asked.
    fn introduce(&self, context: &Context) -> Result<()> {
        let record = self.made()?;
        for other in self.workshop.store.machines_as_known(Some(&record.environment))? {
            let runs = other.id != record.id && other.state == MachineState::Running.id();
            let Some(kind) = self.workshop.registry.provider(&other.provider).filter(|_| runs) else {
                continue;
            };
            if other.provider == record.provider && !kind.wants_disk() {
                continue;
            }
            let place = super::place(&self.workshop.store, &other);
            let told = kind.open(&other, None, &place).and_then(|mut other| other.learn_names(context));
            if let Err(problem) = told {
                // It is that machine's trouble, and this one has started.
                context.warn(format!("'{}' was not told of this machine: {problem}", other.name));
            }
        }
        Ok(())
    }

    pub(super) fn connect(&self, context: &Context) -> Result<Box<dyn Communicator>> {
        self.provider(self.made()?)?.connect(context)
    }

    fn wait_ready(&mut self, context: &Context, copies: bool) -> Result<()> {
        context.info("Waiting for machine to boot. This may take a few minutes...");
        let limit = Duration::from_secs(self.spec()?.boot_timeout);
        // One that goes on is what it was before, whatever the Vagrantfile says by now.
        let record = self.made()?;
        let mut provider = self.as_started(record)?;
        let communicator = provider.connect(context)?;
        communicator.ready(context, limit)?;
        context.info("Machine booted and ready!");
        let awaited = record.awaited;
        if awaited || !self.goes_on {
            self.settle(context, &*communicator)?;
            self.tell_folders(context)?;
        }
        drop(communicator);
        provider.bring(context, copies)?;
        if awaited {
            self.workshop.store.set_ready(&self.made()?.id)?;
        }
        Ok(())
    }

    fn tell_folders(&self, context: &Context) -> Result<()> {
        let folders = &self.spec()?.synced_folders;
        if !folders.is_empty() {
            context.info("Mounting shared folders...");
        }
        for folder in folders {
            context.detail(format!("{} => {}", folder.host_path.display(), folder.guest_path));
        }
        Ok(())
    }

    /// The machine with the configuration that it was last started with.
    fn as_started(&self, record: &MachineRecord) -> Result<Box<dyn Provider>> {
        self.kind.open(record, None, &self.place(record))
    }

    pub(super) fn stop(&mut self, context: &Context, options: &Options) -> Result<()> {
        let record = self.made()?.clone();
        let store = &self.workshop.store;
        store.begin(&record.id, Operation::Stop)?;
        let how = if options.force {
            context.info(FORCED);
            StopMode::Force
        } else {
            context.info("Attempting graceful shutdown of machine...");
            // A command that needs no Vagrantfile goes by what the machine was started with.
            let recorded = record
                .spec
                .as_deref()
                .and_then(|text| serde_json::from_str::<crate::spec::MachineSpec>(text).ok());
            let spec = self.spec.as_ref().or(recorded.as_ref());
            StopMode::Graceful(Duration::from_secs(spec.map_or(60, |spec| spec.graceful_halt_timeout)))
        };
        self.provider(&record)?.stop(context, how)?;
        store.finish_stopped(&record.id)?;
        // The next start takes its ports anew.
        self.forwards.clear();
        self.reread()
    }

    fn freeze_or_thaw(&mut self, context: &Context, step: Step) -> Result<()> {
        let record = self.made()?.clone();
        let mut provider = self.as_started(&record)?;
        let Some(power) = provider.suspend() else {
            return Err(Error::new(
                ErrorKind::Other,
                format!("The provider '{}' cannot suspend machines.", self.kind.name()),
            ));
        };
        let store = &self.workshop.store;
        let (done, state) = if step == Step::Suspend {
            store.begin(&record.id, Operation::Suspend)?;
            context.info("Saving VM state and suspending execution...");
            (power.suspend(context), MachineState::Suspended)
        } else {
            store.begin(&record.id, Operation::Resume)?;
            context.info("Resuming suspended VM...");
            (power.resume(context), MachineState::Running)
        };
        if let Err(problem) = done {
            super::recover::mend(context, &self.workshop, &record, &mut *provider)?;
            return Err(problem);
        }
        self.goes_on = step == Step::Resume;
        store.finish(&record.id, state)
    }

    fn destroy(&mut self, context: &Context) -> Result<()> {
        let record = self.made()?.clone();
        self.workshop.store.begin(&record.id, Operation::Destroy)?;
        context.info("Destroying VM and associated drives...");
        super::recover::remove(context, &self.workshop, self.kind, &record, self.spec.as_ref())?;
        self.record = None;
        self.forwards.clear();
        Ok(())
    }

    pub(super) fn reread(&mut self) -> Result<()> {
        if let Some(record) = &self.record {
            self.record = self.workshop.store.machine(&record.environment, &record.name)?;
        }
        Ok(())
    }
}

/// What a step is called where times are told.
const fn words(step: Step) -> &'static str {
    match step {
        Step::FetchImage => "have the box",
        Step::Create => "make the machine",
        Step::Start => "start it",
        Step::WaitReady => "wait until it answers",
        Step::Adjust => "adjust it",
        Step::Provision => "provision it",
        Step::Stop => "switch it off",
        Step::Suspend => "suspend it",
        Step::Resume => "resume it",
        Step::Destroy => "remove it",
    }
}

fn image_name(image: &Image) -> String {
    if image.version == "0" {
        image.name.clone()
    } else {
        format!("{}' version '{}", image.name, image.version)
    }
}
