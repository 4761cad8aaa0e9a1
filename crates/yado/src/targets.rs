//! Which machines a command means: all, by name, by `/regex/`, or by the beginning of an id.

use yado_core::lifecycle;
use yado_core::spec::TriggerSpec;
use yado_core::{Environment, Error, ErrorKind, MachineRecord, MachineSpec, ProviderKind, Result};

use crate::session::{Project, Session, no_environment};

/// A machine that a command means.
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) environment: Environment,
    pub(crate) record: Option<MachineRecord>,
    pub(crate) kind: &'static dyn ProviderKind,
    /// The present configuration; `None` when the Vagrantfile was not needed or is gone.
    pub(crate) spec: Option<MachineSpec>,
    /// The triggers of the present Vagrantfile, where it can be read; else those on record count.
    pub(crate) triggers: Option<Vec<TriggerSpec>>,
}

/// What a command needs of its targets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted<'a> {
    /// `--provider`.
    pub(crate) provider: Option<&'a str>,
    /// Leave out machines with `autostart: false` when none is named.
    pub(crate) autostart: bool,
    /// Evaluate the configuration.
    pub(crate) spec: bool,
    /// What is recorded about machines that exist is enough; a missing or broken Vagrantfile is no obstacle then.
    pub(crate) recorded: bool,
    /// Find out about triggers, also where the configuration is not needed otherwise.
    pub(crate) triggers: bool,
    /// Check the configuration and refuse what cannot be done.
    pub(crate) checked: bool,
}

impl Session {
    /// The machines that `names` mean, in the order of definition.
    pub(crate) fn targets(&self, names: &[String], wanted: Wanted<'_>) -> Result<Vec<Target>> {
        self.targets_of(&mut self.project_for(wanted)?, names, wanted)
    }

    /// The project here or above, unless the machines that are meant can do without.
    pub(crate) fn project_for(&self, wanted: Wanted<'_>) -> Result<Option<Project>> {
        match self.project() {
            Ok(project) => Ok(Some(project)),
            // By id from anywhere.
            Err(problem) if problem.kind() == ErrorKind::NoEnvironment => Ok(None),
            Err(problem) if wanted.recorded && self.environment_without_vagrantfile()?.is_some() => {
                self.context.warn(format!(
                    "The Vagrantfile could not be read; going by what is recorded.\n{}",
                    problem.message()
                ));
                Ok(None)
            }
            Err(problem) => Err(problem),
        }
    }

    /// The machines of this project that `names` mean.
    pub(crate) fn targets_of(
        &self,
        project: &mut Option<Project>,
        names: &[String],
        wanted: Wanted<'_>,
    ) -> Result<Vec<Target>> {
        if names.is_empty() {
            return match project {
                Some(project) => self.all_of(project, wanted),
                None => self.recorded_here(wanted),
            };
        }
        let mut targets: Vec<Target> = Vec::new();
        for name in names {
            for target in self.named(project.as_mut(), name, wanted)? {
                if !targets.iter().any(|known| {
                    known.name == target.name && known.environment.id() == target.environment.id()
                }) {
                    targets.push(target);
                }
            }
        }
        Ok(targets)
    }

    /// The one machine that a command means: the named one, the only one, or the primary one.
    pub(crate) fn one_target(&self, name: Option<&String>, wanted: Wanted<'_>) -> Result<Target> {
        if let Some(name) = name {
            let mut found = self.targets(std::slice::from_ref(name), wanted)?;
            if found.len() == 1 {
                return Ok(found.remove(0));
            }
            return Err(several());
        }
        let mut project = match self.project() {
            Ok(project) => project,
            Err(problem) if wanted.recorded => {
                if self.environment_without_vagrantfile()?.is_none() {
                    return Err(problem);
                }
                let mut found = self.recorded_here(wanted)?;
                return if found.len() == 1 { Ok(found.remove(0)) } else { Err(several()) };
            }
            Err(problem) => return Err(problem),
        };
        let machines = project.loaded.machines();
        let machine = match machines.as_slice() {
            [only] => only.name.clone(),
            several_machines => match several_machines.iter().find(|machine| machine.primary) {
                Some(primary) => primary.name.clone(),
                None => return Err(several()),
            },
        };
        self.target(&mut project, &machine, wanted)
    }

    fn all_of(&self, project: &mut Project, wanted: Wanted<'_>) -> Result<Vec<Target>> {
        let machines = project.loaded.machines();
        machines
            .iter()
            .filter(|machine| machine.autostart || !wanted.autostart)
            .map(|machine| self.target(project, &machine.name, wanted))
            .collect()
    }

    fn named(&self, project: Option<&mut Project>, name: &str, wanted: Wanted<'_>) -> Result<Vec<Target>> {
        let Some(project) = project else {
            if let Some(record) = self.by_id(name)? {
                return Ok(vec![self.recorded(record)?]);
            }
            if let Some(environment) = self.environment_without_vagrantfile()?
                && let Some(id) = environment.id()
                && let Some(record) = self.store()?.machine(id, name)?
            {
                return Ok(vec![self.recorded(record)?]);
            }
            return Err(no_environment());
        };
        let machines = project.loaded.machines();
        if machines.iter().any(|machine| machine.name == name) {
            return Ok(vec![self.target(project, name, wanted)?]);
        }
        if let Some(pattern) = name.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            let pattern = fancy_regex::Regex::new(pattern).map_err(|problem| {
                Error::new(ErrorKind::Usage, format!("'{name}' is not a regular expression: {problem}"))
            })?;
            let matching: Vec<_> = machines
                .iter()
                .filter(|machine| pattern.is_match(&machine.name).unwrap_or(false))
                .map(|machine| machine.name.clone())
                .collect();
            if matching.is_empty() {
                return Err(Error::new(
                    ErrorKind::MachineNotFound,
                    format!("No machines matched the regular expression given: '{name}'"),
                ));
            }
            return matching.iter().map(|name| self.target(project, name, wanted)).collect();
        }
        if let Some(record) = self.by_id(name)? {
            return Ok(vec![self.recorded(record)?]);
        }
        let error = Error::new(
            ErrorKind::MachineNotFound,
            format!(
                "The machine with the name '{name}' was not found configured for\nthis Vagrant environment."
            ),
        );
        Err(match yado_core::registry::nearest(name, machines.iter().map(|machine| machine.name.as_str())) {
            Some(near) => error.hinted(format!("Did you mean '{near}'?")),
            None => error,
        })
    }

    /// Names come first, so that no machine hides behind another one's id; ids need four digits and a unique match.
    fn by_id(&self, prefix: &str) -> Result<Option<MachineRecord>> {
        if prefix.len() < 4 || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let mut found: Vec<_> = self
            .store()?
            .machines(None)?
            .into_iter()
            .filter(|record| record.id.starts_with(prefix))
            .collect();
        Ok(if found.len() == 1 { found.pop() } else { None })
    }

    fn target(&self, project: &mut Project, name: &str, wanted: Wanted<'_>) -> Result<Target> {
        let record = match project.environment.id() {
            Some(id) => self.store()?.machine(id, name)?,
            None => None,
        };
        let kind = match &record {
            Some(record) if wanted.provider.is_none_or(|provider| is_called(&record.provider, provider)) => {
                lifecycle::kind_of(&self.workshop()?.registry, record)?
            }
            _ => {
                let mentioned = project.loaded.mentioned_providers(name);
                let chosen = self.choose_provider(&mentioned, wanted.provider)?;
                if let (true, Some(reason)) = (wanted.checked, chosen.instead_of) {
                    self.context.for_machine(name).warn(reason);
                }
                chosen.kind
            }
        };
        let spec = wanted.spec.then(|| self.spec_of(project, name, kind, wanted.checked)).transpose()?;
        let triggers = match &spec {
            Some(spec) => Some(spec.triggers.clone()),
            // What was recorded is enough for the machine; a configuration that cannot be read has no triggers.
            None if wanted.triggers => {
                project.loaded.machine(name, kind.name()).ok().map(|spec| spec.triggers)
            }
            None => None,
        };
        let environment = project.environment.clone();
        Ok(Target { name: name.to_owned(), environment, record, kind, spec, triggers })
    }

    /// What a machine should be.
    pub(crate) fn spec_of(
        &self,
        project: &mut Project,
        name: &str,
        kind: &dyn ProviderKind,
        checked: bool,
    ) -> Result<MachineSpec> {
        let spec = project.loaded.machine(name, kind.name())?;
        if checked {
            self.check(&spec, kind)?;
            self.tell_what_has_no_effect(&mut project.loaded, &spec, kind)?;
        }
        Ok(spec)
    }

    fn recorded_here(&self, wanted: Wanted<'_>) -> Result<Vec<Target>> {
        if !wanted.recorded {
            return Err(no_environment());
        }
        let environment = self.environment_without_vagrantfile()?.ok_or_else(no_environment)?;
        self.store()?.machines(environment.id())?.into_iter().map(|record| self.recorded(record)).collect()
    }

    /// A machine as it is recorded, its configuration the one it was last started with.
    fn recorded(&self, record: MachineRecord) -> Result<Target> {
        Ok(Target {
            name: record.name.clone(),
            environment: Environment::of_machine(&record),
            kind: lifecycle::kind_of(&self.workshop()?.registry, &record)?,
            spec: record.spec.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            triggers: None,
            record: Some(record),
        })
    }
}

/// Whether the provider of this name is meant by another one.
fn is_called(provider: &str, asked: &str) -> bool {
    yado_plugins::registry().provider_called(asked).map_or(asked, |kind| kind.name()) == provider
}

fn several() -> Error {
    Error::new(
        ErrorKind::MultiVmTargetRequired,
        "This command requires a specific VM name to target in a multi-VM environment.",
    )
}
