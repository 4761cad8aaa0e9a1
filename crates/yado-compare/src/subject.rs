//! What is measured: the bare machine, or a machine of a provider that is made for it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use yado_core::error::Doing;
use yado_core::lifecycle::{Machine, Options, Workshop, place};
use yado_core::plan::Goal;
use yado_core::{
    Cancel, Communicator, Context, Environment, Error, ErrorKind, Exec, MachineSpec, ProviderKind, Result,
    Usable,
};

/// The longest that one script may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A provider that is to be measured, with settings of its block.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// As the user wrote it, such as `container` or `container:cpus=0.5`; different for each.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// Settings of its block.
    pub settings: Map<String, Value>,
}

impl Wanted {
    /// Reads `provider[:setting=value[,setting=value…]]`; `number` tells apart what was written twice.
    ///
    /// # Errors
    /// When a setting has no value.
    pub fn parse(text: &str, number: usize) -> Result<Self> {
        let (provider, settings) = text.split_once(':').unwrap_or((text, ""));
        let mut map = Map::new();
        for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once('=').ok_or_else(|| {
                Error::new(ErrorKind::Usage, format!("'{setting}' of '{text}' is no setting with a value."))
                    .hinted("Write it as in `container:cpus=0.5,memory=512`.")
            })?;
            // Numbers and truth as such, everything else as text.
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
            map.insert(name.to_owned(), value);
        }
        let name = if number == 1 { text.to_owned() } else { format!("{text} #{number}") };
        Ok(Self { name, provider: provider.to_owned(), settings: map })
    }
}

/// Something that scripts run on.
pub(crate) enum Subject {
    Bare { room: tempfile::TempDir },
    Machine(Box<Made>),
}

/// A machine with a project directory of its own.
pub(crate) struct Made {
    name: String,
    kind: &'static dyn ProviderKind,
    spec: MachineSpec,
    workshop: Workshop,
    project: tempfile::TempDir,
    inside: Option<Box<dyn Communicator>>,
    stop_time: Option<f64>,
}

impl Subject {
    pub(crate) fn bare(context: &Context) -> Result<Self> {
        // On the file system that machines of yado's own are on.
        let home = context.host.home();
        std::fs::create_dir_all(home).doing(|| format!("creating '{}'", home.display()))?;
        Ok(Self::Bare { room: tempfile::tempdir_in(home).doing(|| "making a directory to measure in")? })
    }

    pub(crate) fn machine(
        context: &Context,
        workshop: &Workshop,
        wanted: &Wanted,
        image: &str,
    ) -> Result<Self> {
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
            .prefix("yado-compare-")
            .tempdir()
            .doing(|| "making a project directory to measure in")?;
        let spec = spec(project.path().to_owned(), wanted, image)?;
        let problems = kind.check(&spec);
        if let Some(problem) = problems.first() {
            return Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!("'{}': {}", wanted.name, problem.message),
            ));
        }
        Ok(Self::Machine(Box::new(Made {
            name: wanted.name.clone(),
            kind,
            spec,
            workshop: workshop.clone(),
            project,
            inside: None,
            stop_time: None,
        })))
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Bare { .. } => "bare",
            Self::Machine(made) => &made.name,
        }
    }

    /// Runs a script as root inside, or as the user on the bare machine; what it printed.
    pub(crate) fn run(&mut self, context: &Context, script: &str) -> Result<String> {
        let failed = |code: i32, said: &str| {
            Error::new(ErrorKind::Other, format!("A measure's program ended with {code}: {}", said.trim()))
        };
        match self {
            Self::Bare { room } => {
                let room = room.path().display().to_string();
                let line = format!("ROOM='{room}'; {script}");
                let output = context.host.run(&context.cancel, ["sh", "-c", &line], LIMIT)?;
                let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
                match output.status.code() {
                    Some(0) => Ok(said),
                    code => Err(failed(code.unwrap_or(255), &said)),
                }
            }
            Self::Machine(made) => {
                made.must_run(context)?;
                let Some(inside) = &made.inside else { return Ok(String::new()) };
                let command = Exec {
                    argv: ["sh", "-c", &format!("ROOM=/var/tmp; {script}")].map(str::to_owned).to_vec(),
                    user: Some("root".to_owned()),
                    directory: Some("/".to_owned()),
                    ..Exec::default()
                };
                let mut said = Vec::new();
                let status = inside.exec(context, &command, &mut |_, piece| said.extend_from_slice(piece))?;
                let said = String::from_utf8_lossy(&said).into_owned();
                if status.success() { Ok(said) } else { Err(failed(status.code(), &said)) }
            }
        }
    }

    pub(crate) fn must_have_sysbench(&self, context: &Context) -> Result<()> {
        if matches!(self, Self::Bare { .. }) && context.host.which("sysbench").is_none() {
            return Err(Error::new(ErrorKind::Other, "There is no 'sysbench' on this machine.").hinted(
                "On Debian: apt-get install sysbench. Machines of the box 'host' then have it, too.",
            ));
        }
        Ok(())
    }

    /// How long a machine takes from nothing until it answers, in milliseconds; the bare machine is always there.
    pub(crate) fn start_time(&mut self, context: &Context) -> Result<Option<f64>> {
        let Self::Machine(made) = self else { return Ok(None) };
        made.remove(context)?;
        let begin = Instant::now();
        made.must_run(context)?;
        Ok(Some(begin.elapsed().as_secs_f64() * 1000.0))
    }

    /// How long the removal before the last start took; there is none before the first.
    pub(crate) fn last_stop_time(&self) -> Option<f64> {
        match self {
            Self::Bare { .. } => None,
            Self::Machine(made) => made.stop_time,
        }
    }

    pub(crate) fn remove(self, context: &Context) -> Result<()> {
        match self {
            Self::Bare { .. } => Ok(()),
            Self::Machine(mut made) => made.remove(context),
        }
    }
}

impl Made {
    fn open(&self, context: &Context) -> Result<Machine> {
        let data = self.project.path().join(".yado");
        let environment = Environment::open(self.project.path(), "Vagrantfile", &data, &self.workshop.store)?;
        let wanted = Some((self.spec.clone(), self.kind));
        Machine::open(context, &self.workshop, &environment, &self.spec.name, wanted, "compare")
    }

    fn must_run(&mut self, context: &Context) -> Result<()> {
        if self.inside.is_some() {
            return Ok(());
        }
        let quiet = quiet(context);
        self.open(&quiet)?.reach(&quiet, Goal::Running, &Options::default())?;
        let data = self.project.path().join(".yado");
        let environment = Environment::open(self.project.path(), "Vagrantfile", &data, &self.workshop.store)?;
        let id = environment.id().unwrap_or_default();
        let record = self.workshop.store.machine(id, &self.spec.name)?.ok_or_else(|| {
            Error::new(ErrorKind::MachineNotFound, format!("The machine of '{}' is gone.", self.name))
        })?;
        let provider = self.kind.open(&record, Some(&self.spec), &place(&self.workshop.store, &record))?;
        self.inside = Some(provider.connect(&quiet)?);
        Ok(())
    }

    /// Removes the machine if there is one; not stopped by the wish to stop.
    fn remove(&mut self, context: &Context) -> Result<()> {
        let was_there = self.inside.take().is_some();
        let context = Context { cancel: Cancel::new(), ..quiet(context) };
        let mut machine = self.open(&context)?;
        let begin = Instant::now();
        machine.reach(&context, Goal::Destroyed, &Options { force: true, ..Options::default() })?;
        if was_there {
            self.stop_time = Some(begin.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(())
    }
}

/// What machines usually tell is of no interest here.
fn quiet(context: &Context) -> Context {
    Context { events: std::sync::Arc::new(yado_core::event::Silent), ..context.clone() }
}

fn spec(project: PathBuf, wanted: &Wanted, image: &str) -> Result<MachineSpec> {
    let block = json!({"name": wanted.provider, "settings": wanted.settings, "calls": [], "origins": [], "origin": null});
    let document = json!({
        "name": "compare", "project": project, "primary": true, "autostart": true, "providers": [block],
        "image": {"name": image, "version": null, "urls": [], "checksum": null, "check_update": false, "origin": null},
        "hostname": null, "guest": null, "communicator": null, "networks": [], "provisioners": [],
        "synced_folders": [],
        "ssh": {"username": null, "shell": "sh", "sudo_command": "", "settings": {}},
        "boot_timeout": 300, "graceful_halt_timeout": 10, "post_up_message": "", "usable_port_range": [2200, 2250],
        "allow_hosts_modification": false, "problems": []
    });
    serde_json::from_value(document).doing(|| "describing the machine to measure")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_have_settings_and_are_told_apart() {
        let wanted = Wanted::parse("container:cpus=0.5,init=yado", 2).unwrap();
        assert_eq!(
            (wanted.provider.as_str(), wanted.name.as_str()),
            ("container", "container:cpus=0.5,init=yado #2")
        );
        assert_eq!(wanted.settings["cpus"], json!(0.5));
        assert_eq!(wanted.settings["init"], json!("yado"));
        assert!(Wanted::parse("container:cpus", 1).is_err());
    }
}
