//! One machine as a container of the engine: `impl Provider`.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use yado_core::error::Doing;
use yado_core::provider::{EngineCommands, Log, Place, Snapshots, StopMode, Suspend};
use yado_core::{
    Communicator, Context, Error, ErrorKind, Forward, Image, MachineRecord, MachineSpec, MachineState,
    Provider, Result,
};

use super::communicator::Inside;
use super::engine::{Engine, Found};
use super::image::{self, Source};
use super::recipe::Recipe;
use super::settings::Settings;
use super::snapshots::same_image;
use super::{compose, networks, run};

/// How long a linked container is waited for: machines start side by side.
const LINKED: Duration = Duration::from_secs(60);

/// A machine, wanted, recorded, or real.
pub(super) struct Machine {
    pub(super) engine: Engine,
    pub(super) record: MachineRecord,
    pub(super) spec: Option<MachineSpec>,
    pub(super) place: Place,
}

impl Machine {
    pub(super) fn open(
        program: &'static str,
        record: &MachineRecord,
        spec: Option<&MachineSpec>,
        place: &Place,
    ) -> Self {
        // Without the Vagrantfile, what the machine was last started with.
        let spec = spec.cloned().or_else(|| serde_json::from_str(record.spec.as_deref()?).ok());
        Self { engine: Engine { program }, record: record.clone(), spec, place: place.clone() }
    }

    pub(super) fn spec(&self) -> Result<&MachineSpec> {
        self.spec.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Other, format!("'{}' has no configuration on record.", self.record.name))
        })
    }

    pub(super) fn settings(&self) -> Settings {
        self.spec.as_ref().map_or_else(Settings::default, |spec| Settings::of(spec, self.engine.program))
    }

    /// Its container; one that was given up for a snapshot is none any more.
    pub(super) fn find(&self, context: &Context) -> Result<Option<Found>> {
        let Some(found) = self.engine.find(context, &self.record.id)? else { return Ok(None) };
        let given_up = self.source().ok().and_then(|source| source.given_up);
        Ok((given_up.as_ref() != Some(&found.id)).then_some(found))
    }

    pub(super) fn must_exist(&self, context: &Context) -> Result<Found> {
        self.find(context)?.ok_or_else(|| {
            Error::new(ErrorKind::Other, format!("The container of '{}' is gone.", self.record.name))
                .hinted("Run `yado up` to make it again.")
        })
    }

    /// What the container is made from, noted when the machine was made.
    fn source_file(&self) -> PathBuf {
        self.place.machine.join("image.json")
    }

    pub(super) fn source(&self) -> Result<Source> {
        let path = self.source_file();
        let doing = || format!("reading '{}'", path.display());
        serde_json::from_str(&std::fs::read_to_string(&path).doing(doing)?).doing(doing)
    }

    /// By folder and machine, as Vagrant names containers; the id instead of the time, since two may be made in one
    /// second.
    pub(super) fn container_name(&self, settings: &Settings) -> String {
        settings.name.clone().unwrap_or_else(|| {
            let folder = self.record.project.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
            let folder: String = folder.chars().filter(|letter| allowed(*letter)).collect();
            let start =
                if folder.starts_with(|letter: char| letter.is_ascii_alphanumeric()) { "" } else { "yado" };
            format!("{start}{folder}_{}_{}", self.record.name, self.record.id.get(..7).unwrap_or_default())
        })
    }

    /// Machines start side by side, and the engine wants linked containers to be there first.
    fn await_links(&self, context: &Context, settings: &Settings) -> Result<()> {
        let end = Instant::now() + LINKED;
        for link in &settings.links {
            let name = compose::target(link);
            loop {
                if self.link_runs(context, settings, name)? {
                    break;
                }
                let others = self.place.store.machines(Some(&self.record.environment))?;
                if Instant::now() > end || !others.iter().any(|other| other.id != self.record.id) {
                    return Err(Error::new(
                        ErrorKind::Other,
                        format!("The container '{name}' that is linked to does not run."),
                    ));
                }
                context.cancel.check()?;
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        Ok(())
    }

    /// Whether what a link leads to runs: with Compose a machine of the environment, else a container.
    fn link_runs(&self, context: &Context, settings: &Settings, name: &str) -> Result<bool> {
        if settings.compose
            && let Some(runs) = self.linked_service_runs(context, name)?
        {
            return Ok(runs);
        }
        let output = self.engine.try_run(context, &["inspect", "--format", "{{.State.Running}}", name])?;
        Ok(output.stdout.starts_with(b"true"))
    }

    /// Makes the container, running.
    fn make(&self, context: &Context, settings: &Settings, recipe: &Recipe) -> Result<Found> {
        self.await_links(context, settings)?;
        let id = self.follow(context, settings, recipe)?;
        Ok(Found { id, state: MachineState::Running })
    }

    /// A container that was made with other settings is made anew from its present content: nothing is lost.
    fn make_anew(
        &self,
        context: &Context,
        old: &Found,
        settings: &Settings,
        forwards: &[Forward],
    ) -> Result<Found> {
        context.info("The configuration has changed; the container is made anew with its present content.");
        let source = self.source()?;
        let kept =
            Source { image: self.engine.commit(context, &old.id, &self.record.id)?, built: true, ..source };
        self.note(&kept)?;
        self.engine.run(context, &["rm", "-f", &old.id])?;
        self.make(context, settings, &self.recipe(settings, &kept, forwards)?)
    }

    /// Pulls, and has the container made anew when its image's name has come to mean another. One that was committed
    /// meanwhile, for its settings or a snapshot, has content of its own and stays.
    fn renew_pulled(&self, context: &Context, settings: &Settings, source: Source) -> Result<()> {
        if source.built || settings.image.as_ref() != Some(&source.image) {
            return Ok(());
        }
        let Some(found) = self.find(context)? else { return Ok(()) };
        let before = self.engine.inspect(context, &found.id, "{{.Image}}")?;
        let fresh = image::obtain(self.engine, context, settings)?;
        let now = self.engine.run(context, &["image", "inspect", "--format", "{{.Id}}", &fresh.image])?;
        if same_image(&before, &now) {
            return Ok(());
        }
        context.info("A newer image was pulled; the container is made anew, and what was in it is gone.");
        self.give_up_for(context, fresh)
    }

    /// Notes another source, for which the container is given up at the next start, with what provisioners did in it.
    fn give_up_for(&self, context: &Context, fresh: Source) -> Result<()> {
        self.place.store.forget_provisioning(&self.record.id)?;
        let given_up = self.engine.find(context, &self.record.id)?.map(|found| found.id);
        self.note(&Source { given_up, ..fresh })?;
        self.collect(context)
    }

    pub(super) fn note(&self, source: &Source) -> Result<()> {
        let text = serde_json::to_string(source).doing(|| "noting the image")?;
        let path = self.source_file();
        let half = path.with_extension("new");
        // Whoever is killed meanwhile leaves the old note or the new one.
        let written = std::fs::write(&half, text).and_then(|()| std::fs::rename(&half, &path));
        written.doing(|| format!("writing '{}'", path.display()))
    }

    /// An engine on another computer takes its own directories for volumes, and opens its own ports.
    fn tell_of_distance(&self, context: &Context, spec: &MachineSpec, forwards: &[Forward]) {
        if spec.synced_folders.is_empty() && forwards.is_empty() {
            return;
        }
        let Some(address) = self.engine.distant(context) else { return };
        for folder in &spec.synced_folders {
            context.warn(format!(
                "The engine runs at {address}: '{}' in the machine is the directory '{}' of that computer.",
                folder.guest_path,
                folder.host_path.display()
            ));
        }
        for forward in forwards {
            context.warn(format!("The engine runs at {address}: port {} is open there.", forward.host_port));
        }
    }

    fn started(&self, context: &Context, forwards: &[Forward]) -> Result<()> {
        let (spec, settings) = (self.spec()?, self.settings());
        self.tell_of_distance(context, spec, forwards);
        let recipe = self.recipe(&settings, &self.source()?, forwards)?;
        self.remove_what_was_given_up(context)?;
        let found = match self.find(context)? {
            None => self.make(context, &settings, &recipe)?,
            Some(old) => {
                let template = format!("{{{{index .Config.Labels \"{}\"}}}}", run::SETTINGS_LABEL);
                if self.engine.inspect(context, &old.id, &template)? == recipe.fingerprint() {
                    self.await_links(context, &settings)?;
                    self.switch_on(context, &old.id, &recipe)?;
                    old
                } else {
                    self.make_anew(context, &old, &settings, forwards)?
                }
            }
        };
        networks::connect(self.engine, context, spec, &found.id)
    }
}

impl Provider for Machine {
    fn state(&self, context: &Context) -> Result<MachineState> {
        Ok(match self.find(context)? {
            Some(found) => found.state,
            None if self.source_file().is_file() => MachineState::Stopped,
            None => MachineState::NotCreated,
        })
    }

    fn create(&mut self, context: &Context, image: Option<&Image>) -> Result<()> {
        if self.settings().compose {
            // Before anything is fetched or built.
            compose::program(context)?;
        }
        self.note(&match image {
            Some(image) => image::from_box(self.engine, context, image)?,
            None => image::obtain(self.engine, context, &self.settings())?,
        })
    }

    fn start(&mut self, context: &Context, forwards: &[Forward]) -> Result<()> {
        let started = self.started(context, forwards);
        if started.is_err()
            && let Err(problem) = self.stop(&uninterrupted(context), StopMode::Force)
        {
            // The first failure is the one to tell.
            tracing::warn!(%problem, "cleaning up after a failed start");
        }
        started
    }

    fn renew(&mut self, context: &Context) -> Result<()> {
        let source = self.source()?;
        let settings = self.settings();
        let Some(before) = &source.build else {
            return if settings.pull { self.renew_pulled(context, &settings, source) } else { Ok(()) };
        };
        let fresh = image::obtain(self.engine, context, &settings)?;
        if fresh.build.is_none() || fresh.build == source.build {
            return Ok(());
        }
        context.info(
            "What it is built from has changed; the container is made anew, and what was in it is gone.",
        );
        self.give_up_for(context, fresh)?;
        // The engine keeps what is in use, by a snapshot or by another machine.
        drop(self.engine.try_run(context, &["rmi", before])?);
        Ok(())
    }

    fn stop(&mut self, context: &Context, how: StopMode) -> Result<()> {
        let Some(found) = self.find(context)? else { return Ok(()) };
        if found.state == MachineState::Suspended {
            self.engine.run(context, &["unpause", &found.id])?;
        }
        if found.state != MachineState::Stopped {
            let patience = match how {
                StopMode::Graceful(_) => self.settings().stop_timeout,
                StopMode::Force => 0,
            };
            // Asking may take as long as it is given, whatever the time limit of ordinary calls.
            self.engine.run_patiently(context, &["stop", "-t", &patience.to_string(), &found.id])?;
        }
        self.compose_stop(context)
    }

    fn destroy(&mut self, context: &Context) -> Result<()> {
        let context = &uninterrupted(context);
        while let Some(found) = self.engine.find(context, &self.record.id)? {
            self.engine.run(context, &["rm", "-f", "-v", &found.id])?;
        }
        self.compose_down(context)?;
        self.remove_kept_images(context, &[])?;
        if let Ok(Source { image, built: true, .. }) = self.source() {
            // Another machine may have been built from the same, and the engine keeps what is in use.
            drop(self.engine.try_run(context, &["rmi", &image])?);
        }
        networks::tidy(self.engine, context)?;
        match std::fs::remove_file(self.source_file()) {
            Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => {
                Err(problem).doing(|| format!("removing '{}'", self.source_file().display()))
            }
            _ => Ok(()),
        }
    }

    fn connect(&self, context: &Context) -> Result<Box<dyn Communicator>> {
        let found = self.must_exist(context)?;
        let remains_running = self.settings().remains_running;
        Ok(Box::new(Inside {
            engine: self.engine,
            machine: self.record.id.clone(),
            container: found.id,
            asked: self.spec.as_ref().and_then(|spec| spec.ssh.username.clone()),
            remains_running,
            context: context.clone(),
            seen: OnceLock::new(),
        }))
    }

    fn suspend(&mut self) -> Option<&mut dyn Suspend> {
        Some(self)
    }

    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        Some(self)
    }

    fn engine(&self) -> Option<&dyn EngineCommands> {
        Some(self)
    }

    fn log(&self, context: &Context, follow: bool) -> Result<Option<Log>> {
        EngineCommands::logs(self, context, follow).map(|argv| Some(Log::Program(argv)))
    }
}

/// Cleaning up is not stopped by the wish to stop.
pub(super) fn uninterrupted(context: &Context) -> Context {
    Context { cancel: yado_core::Cancel::new(), ..context.clone() }
}

impl Suspend for Machine {
    fn suspend(&mut self, context: &Context) -> Result<()> {
        let found = self.must_exist(context)?;
        self.engine.run(context, &["pause", &found.id]).map(drop)
    }

    fn resume(&mut self, context: &Context) -> Result<()> {
        let found = self.must_exist(context)?;
        self.engine.run(context, &["unpause", &found.id]).map(drop)
    }
}
