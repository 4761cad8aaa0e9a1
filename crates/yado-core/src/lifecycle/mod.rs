//! The lifecycle, written once for all providers. A command names a [`Goal`]; [`plan`] finds the steps; this module
//! takes them, journalled, so that a killed process leaves a note for the next one (see [`recover`]).

mod adjust;
mod copy;
mod provisioners;
mod recover;
mod reserve;
mod settle;
mod snapshots;
mod steps;
mod triggers;
mod turns;

use std::path::PathBuf;
use std::sync::Arc;

use crate::context::Context;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};
use crate::guest_settings::PluginSettings;
use crate::image::{Image, ImageSource};
use crate::lock::MachineLock;
use crate::plan::{Goal, Step, plan};
use crate::ports::Forward;
use crate::provider::{MachineState, Place, Provider, ProviderKind};
use crate::provisioning::Wish;
use crate::registry::Registry;
use crate::spec::MachineSpec;
use crate::store::{MachineRecord, Store};

pub use adjust::waiting_for_restart;
pub use recover::recover_interrupted;

/// What the lifecycle works with, the same for all machines of a command.
#[derive(Clone)]
pub struct Workshop {
    /// The kinds.
    pub registry: Registry,
    /// The state.
    pub store: Arc<Store>,
    /// Where boxes come from.
    pub images: Arc<dyn ImageSource + Send + Sync>,
}

/// How a goal is to be reached.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Provisioning.
    pub provision: Wish,
    /// Switch off at once instead of asking politely.
    pub force: bool,
    /// Keep a machine whose making failed for an internal reason or an interrupt.
    pub keep_on_error: bool,
    /// Folders that are copied are copied again when the machine is ready: [`Machine::reach`] says so after a start.
    pub copies: bool,
    /// Triggers may run programs on this host, as the user said for this command.
    pub trusted: bool,
}

/// One machine at work: its lock is held as long as this exists.
pub struct Machine {
    /// Its name.
    pub name: String,
    environment: Environment,
    kind: &'static dyn ProviderKind,
    spec: Option<MachineSpec>,
    record: Option<MachineRecord>,
    forwards: Vec<Forward>,
    triggers: Option<Vec<crate::spec::TriggerSpec>>,
    /// Settings of plugins that the machine was started with before, if anything is to be taken back of them.
    settled: PluginSettings,
    /// It was suspended, and was not started since.
    goes_on: bool,
    workshop: Workshop,
    // Declared last: dropped, and so released, after everything else.
    _lock: MachineLock,
}

impl Machine {
    /// Takes the machine's lock for `action`, and finishes or undoes what an earlier process left half done.
    ///
    /// `spec` may be missing when the machine exists and is only switched off or removed.
    pub fn open(
        context: &Context,
        workshop: &Workshop,
        environment: &Environment,
        name: &str,
        wanted: Option<(MachineSpec, &'static dyn ProviderKind)>,
        action: &str,
    ) -> Result<Self> {
        let mut environment = environment.clone();
        let id = match environment.id() {
            Some(id) => id.to_owned(),
            // The id is recorded only when a machine is made; the lock needs one now.
            None => environment.ensure_id(&workshop.store)?,
        };
        let lock = MachineLock::take(workshop.store.home(), &id, name, action)?;
        recover::recover(context, workshop, &id, name)?;
        let record = workshop.store.machine(&id, name)?;
        let (spec, kind) = match (wanted, &record) {
            (Some((spec, kind)), Some(record)) if kind.name() != record.provider => {
                return Err(other_provider(&spec, record, kind));
            }
            (Some((spec, kind)), _) => (Some(spec), kind),
            (None, Some(record)) => (None, kind_of(&workshop.registry, record)?),
            (None, None) => {
                return Err(Error::new(
                    ErrorKind::MachineNotFound,
                    format!("The machine '{name}' does not exist."),
                ));
            }
        };
        let workshop = workshop.clone();
        Ok(Self {
            name: name.to_owned(),
            environment,
            kind,
            spec,
            record,
            forwards: Vec::new(),
            triggers: None,
            settled: PluginSettings::new(),
            goes_on: false,
            workshop,
            _lock: lock,
        })
    }

    /// What the machine is doing.
    pub fn state(&self, context: &Context) -> Result<MachineState> {
        match &self.record {
            None => Ok(MachineState::NotCreated),
            Some(record) => self.provider(record)?.state(&context.for_machine(&self.name)),
        }
    }

    /// Refuses provisioners that are not done here, that would run programs on this computer without the user's
    /// permission, or that lack a file, before anything is changed.
    pub fn check_provisioners(&self, context: &Context, goal: Goal, options: &Options) -> Result<()> {
        // Asking for the state costs something.
        if !self.has_questionable_provisioners() {
            return Ok(());
        }
        if plan(self.state(context)?, goal).contains(&Step::Provision) {
            self.check_due(options)?;
        }
        Ok(())
    }

    /// Walks to the goal.
    pub fn reach(&mut self, context: &Context, goal: Goal, options: &Options) -> Result<()> {
        let context = context.for_machine(&self.name);
        let state = self.state(&context)?;
        let mut steps = plan(state, goal);
        if steps.is_empty() {
            self.nothing_to_do(&context, goal, state);
        }
        // An earlier command was ended while the machine booted: what follows has to wait for it, and what is done inside
        // after a start is still to be done.
        let awaited = self.record.as_ref().is_some_and(|record| record.awaited);
        let works_inside = matches!(steps.first(), Some(Step::Adjust | Step::Provision));
        if awaited && works_inside && state == MachineState::Running {
            steps.insert(0, Step::WaitReady);
        }
        let options = &Options { copies: awaited || steps.contains(&Step::Start), ..options.clone() };
        let result = steps.iter().try_for_each(|step| {
            context.cancel.check()?;
            if goal == Goal::Destroyed && *step == Step::Stop && options.force {
                // Removing it switches it off, too, and knows that nothing of it is needed any more.
                context.info(steps::FORCED);
                return Ok(());
            }
            if goal == Goal::Restarted && *step == Step::Start {
                self.provider(self.made()?)?.renew(&context)?;
                self.reread()?;
            }
            self.take(&context, *step, options)
        });
        if result.is_err() && state == MachineState::NotCreated {
            self.clean_up_after_failure(&context, options);
        } else if result.is_err()
            && steps.contains(&Step::Start)
            && let Err(problem) = self.note_not_started(&context)
        {
            context.warn(format!("What was reserved for the machine could not be given back: {problem}"));
        }
        self.environment.forget_if_empty(&self.workshop.store)?;
        result
    }

    /// What a machine that is switched off was made from, and its file system as layers, lowest first. They stay as
    /// they are for as long as this machine is held.
    pub fn layers(&self, context: &Context) -> Result<(Image, Vec<PathBuf>)> {
        let record = self.made()?;
        let image = record.image.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let layers = self.provider(record)?.layers(&context.for_machine(&self.name))?;
        match (image, layers) {
            (Some(image), Some(layers)) => Ok((image, layers)),
            _ => Err(Error::new(
                ErrorKind::Other,
                format!(
                    "Machines of the provider '{}' cannot be packaged; '{}' is one.",
                    record.provider, self.name
                ),
            )),
        }
    }

    /// Whether it is an engine's container, which is packaged as the image that the engine makes of it.
    pub fn is_engines(&self) -> Result<bool> {
        Ok(self.provider(self.made()?)?.engine().is_some())
    }

    /// Writes the machine's image as its engine makes it, without a name.
    pub fn save_image(&self, context: &Context, output: &std::path::Path) -> Result<()> {
        let provider = self.provider(self.made()?)?;
        let engine = provider.engine().ok_or_else(|| {
            Error::new(ErrorKind::Other, format!("The machine '{}' is no engine's container.", self.name))
        })?;
        engine.save_image(&context.for_machine(&self.name), output)
    }

    /// What it was made from, when it was made from a box.
    pub fn image(&self) -> Result<Option<Image>> {
        Ok(self.made()?.image.as_deref().and_then(|text| serde_json::from_str(text).ok()))
    }

    /// A machine that was never switched on is removed again; an interrupted one too, unless asked to keep it. One
    /// whose provisioner failed stays.
    fn clean_up_after_failure(&mut self, context: &Context, options: &Options) {
        let Some(record) = &self.record else { return };
        let half_made = matches!(self.workshop.store.unfinished(&record.id), Ok(Some(_)));
        let interrupted = context.cancel.is_cancelled() && !record.provisioned && !options.keep_on_error;
        if !half_made && !interrupted {
            return;
        }
        if interrupted && !half_made {
            context.info("The machine was interrupted before it was ready. Removing it...");
        }
        // The wish to stop must not stop the cleaning.
        let cleaning = Context { cancel: crate::context::Cancel::new(), ..context.clone() };
        if let Err(problem) = self.take(&cleaning, Step::Destroy, options) {
            context.warn(format!("What was made so far could not be removed: {problem}"));
        }
    }

    fn nothing_to_do(&self, context: &Context, goal: Goal, state: MachineState) {
        match (goal, state) {
            (_, MachineState::NotCreated) => context.info("VM not created. Moving on..."),
            (Goal::Provisioned | Goal::Suspended, _) => {
                context.info("VM is not currently running. Please, first bring it up with `yado up` then run this command.");
            }
            _ => {}
        }
    }

    fn provider(&self, record: &MachineRecord) -> Result<Box<dyn Provider>> {
        self.kind.open(record, self.spec.as_ref(), &self.place(record))
    }

    fn place(&self, record: &MachineRecord) -> Place {
        place(&self.workshop.store, record)
    }

    fn made(&self) -> Result<&MachineRecord> {
        self.record.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::MachineNotFound, format!("The machine '{}' does not exist.", self.name))
        })
    }

    fn spec(&self) -> Result<&MachineSpec> {
        self.spec.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::NoEnvironment,
                format!("The machine '{}' needs its Vagrantfile for this.", self.name),
            )
        })
    }
}

/// Where what belongs to a machine lies.
pub fn place(store: &Arc<Store>, record: &MachineRecord) -> Place {
    Place { machine: machine_directory(store, &record.id), store: Arc::clone(store) }
}

fn machine_directory(store: &Store, id: &str) -> PathBuf {
    store.home().join("machines").join(id)
}

/// The provider that made a machine.
pub fn kind_of(registry: &Registry, record: &MachineRecord) -> Result<&'static dyn ProviderKind> {
    registry.provider(&record.provider).ok_or_else(|| {
        Error::new(
            ErrorKind::ProviderNotFound,
            format!(
                "The machine '{}' was made by the provider '{}', which this yado does not have.",
                record.name, record.provider
            ),
        )
    })
}

fn other_provider(spec: &MachineSpec, record: &MachineRecord, wanted: &dyn ProviderKind) -> Error {
    Error::new(
        ErrorKind::MachineFoundWithDifferentProvider,
        format!(
            "An active machine was found with a different provider. yado currently allows each machine to be brought \
             up with only a single provider at a time.\n\nMachine name: {}\nActive provider: {}\nRequested provider: {}",
            spec.name,
            record.provider,
            wanted.name()
        ),
    )
    .hinted(format!("Destroy it first: yado destroy {}", spec.name))
}

#[cfg(test)]
mod tests;
