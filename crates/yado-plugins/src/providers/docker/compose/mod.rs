//! `compose`: the machines of an environment as services of one project of Docker Compose.
//!
//! Each machine keeps its service in its own directory. Whoever makes a container puts the services of all machines
//! together into one file and has Compose make the one that is wanted, under a lock: two Composes at once would make
//! the project's network twice. From then on it is a container like any other, found by its machine's label.

mod arguments;
mod service;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};
use yado_core::error::Doing;
use yado_core::lock::MachineLock;
use yado_core::{Context, Error, ErrorKind, MachineRecord, Result};

use super::machine::{Machine, uninterrupted};
use super::settings::Settings;

pub(super) use service::{harmful, problems, service, target};

/// The label that Compose gives to all that belongs to a project.
const PROJECT_LABEL: &str = "com.docker.compose.project";

/// Where Docker's program looks for its plugins, besides the user's own directory.
const PLUGINS: &[&str] = &[
    "/usr/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/local/lib/docker/cli-plugins",
];

/// A machine's part of the project.
#[derive(serde::Serialize, serde::Deserialize)]
struct Part {
    /// The machine's service.
    service: Value,
    /// What its Vagrantfile wants in the file besides.
    configuration: Map<String, Value>,
}

/// The command line of Compose: Docker's plugin, or the program of its own.
pub(super) fn program(context: &Context) -> Result<Vec<String>> {
    let own = std::env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".docker")))
        .map(|folder| folder.join("cli-plugins"));
    let mut folders = own.into_iter().chain(PLUGINS.iter().map(PathBuf::from));
    if folders.any(|folder| folder.join("docker-compose").is_file()) {
        return Ok(vec!["docker".to_owned(), "compose".to_owned()]);
    }
    if context.host.which("docker-compose").is_some() {
        return Ok(vec!["docker-compose".to_owned()]);
    }
    Err(Error::new(ErrorKind::Other, "'compose' needs Docker Compose, and neither Docker's plugin nor a program 'docker-compose' is there.")
        .hinted("On Debian, `apt-get install docker-compose` brings it."))
}

/// The project of an environment, named after its folder as Vagrant names it; the id tells two of the same name apart.
fn project(record: &MachineRecord) -> String {
    let folder = record.project.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let folder: String =
        folder.chars().filter(|letter| letter.is_ascii_alphanumeric() || "_-".contains(*letter)).collect();
    let start = if folder.starts_with(|letter: char| letter.is_ascii_alphanumeric()) { "" } else { "yado" };
    format!("{start}{folder}_{}", record.environment.get(..7).unwrap_or(&record.environment))
}

/// The network on which the project's services meet.
pub(super) fn network(record: &MachineRecord) -> String {
    format!("{}_default", project(record))
}

/// Gives a volume that only has a name the one that it has outside of the project.
pub(super) fn name_in_project(record: &MachineRecord, volume: &mut String) {
    if service::volume_name(volume).is_some() {
        *volume = format!("{}_{volume}", project(record));
    }
}

/// Waits for its turn at the environment's project.
fn turn(context: &Context, record: &MachineRecord) -> Result<MachineLock> {
    loop {
        // No machine has such a name.
        let name = "compose/project";
        if let Ok(lock) = MachineLock::try_take(context.host.home(), &record.environment, name, "compose")? {
            return Ok(lock);
        }
        context.cancel.check()?;
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn part_file(folder: &Path) -> PathBuf {
    folder.join("compose.json")
}

fn read(folder: &Path) -> Result<Option<Part>> {
    let path = part_file(folder);
    let doing = || format!("reading '{}'", path.display());
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(serde_json::from_str(&text).doing(doing)?)),
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(problem) => Err(problem).doing(doing),
    }
}

/// Puts `more` over `base`, tables into tables.
fn merge(base: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (name, value) in more {
        match (base.get_mut(name), value) {
            (Some(Value::Object(below)), Value::Object(value)) => merge(below, value),
            _ => drop(base.insert(name.clone(), value.clone())),
        }
    }
}

impl Machine {
    /// The other machines of the environment that are services, with what they are.
    fn neighbours(&self) -> Result<Vec<(MachineRecord, Part)>> {
        let mut found = Vec::new();
        for other in self.place.store.machines(Some(&self.record.environment))? {
            let folder = self.place.machine.with_file_name(&other.id);
            if other.id != self.record.id
                && let Some(part) = read(&folder)?
            {
                found.push((other, part));
            }
        }
        Ok(found)
    }

    /// Whether a link leads to a machine of this environment, which then has to run; `None` when it leads elsewhere.
    pub(super) fn linked_service_runs(&self, context: &Context, name: &str) -> Result<Option<bool>> {
        let machines = self.place.store.machines(Some(&self.record.environment))?;
        let Some(other) = machines.iter().find(|other| other.name == name) else { return Ok(None) };
        let found = self.engine.find(context, &other.id)?;
        Ok(Some(found.is_some_and(|found| found.state == yado_core::MachineState::Running)))
    }

    /// Has Compose make the machine's container; its id. One that it makes anew is expected to be gone.
    pub(super) fn compose_up(&self, context: &Context, service: &Value, fingerprint: &str) -> Result<String> {
        let settings = self.settings();
        let mut service = service.clone();
        if let Some(labels) = service.get_mut("labels").and_then(Value::as_object_mut) {
            labels.insert(super::engine::MACHINE_LABEL.to_owned(), self.record.id.clone().into());
            labels.insert(super::run::SETTINGS_LABEL.to_owned(), fingerprint.to_owned().into());
        }
        let part = Part { service, configuration: settings.compose_configuration.clone() };
        let compose = program(context)?;
        let _turn = turn(context, &self.record)?;
        let text = serde_json::to_string(&part).doing(|| "writing down a service")?;
        let path = part_file(&self.place.machine);
        std::fs::write(&path, text).doing(|| format!("writing '{}'", path.display()))?;

        let neighbours = self.neighbours()?;
        let parts = neighbours.iter().map(|(record, part)| (record.name.as_str(), part));
        let document = together(parts.chain([(self.record.name.as_str(), &part)]));
        let file = self.place.machine.join("docker-compose.yml");
        let text = serde_json::to_string_pretty(&document).doing(|| "writing down the project")?;
        std::fs::write(&file, text).doing(|| format!("writing '{}'", file.display()))?;

        let name = project(&self.record);
        let words = [
            "-f",
            &file.display().to_string(),
            "-p",
            &name,
            "--project-directory",
            &self.record.project.display().to_string(),
            "up",
            "-d",
            "--no-recreate",
            &self.record.name,
        ]
        .map(str::to_owned);
        let besides = services(&part.configuration).filter(|service| *service != self.record.name);
        let besides = besides.filter(|service| neighbours.iter().all(|(record, _)| record.name != *service));
        let argv = compose.into_iter().chain(words).chain(besides.map(str::to_owned)).collect();
        if let Some(said) = super::engine::show(context, argv, b"")? {
            let said = String::from_utf8_lossy(&said);
            return Err(Error::new(ErrorKind::Other, format!("Docker Compose failed: {}", said.trim())));
        }
        let found = self.engine.find(context, &self.record.id)?;
        found.map(|found| found.id).ok_or_else(|| Error::new(ErrorKind::Other, "Compose made no container."))
    }

    /// Stops what the Vagrantfile has Compose run besides machines, once the last machine has stopped.
    pub(super) fn compose_stop(&self, context: &Context) -> Result<()> {
        let Some(part) = read(&self.place.machine)? else { return Ok(()) };
        if services(&part.configuration).next().is_none() {
            return Ok(());
        }
        let _turn = turn(context, &self.record)?;
        for (other, _) in self.neighbours()? {
            if self
                .engine
                .find(context, &other.id)?
                .is_some_and(|found| found.state != yado_core::MachineState::Stopped)
            {
                return Ok(());
            }
        }
        for container in self.listed(context, &["ps", "-q"])? {
            self.engine.run_patiently(context, &["stop", &container])?;
        }
        Ok(())
    }

    /// Takes away what Compose made for the project, when this is the last machine in it.
    pub(super) fn compose_down(&self, context: &Context) -> Result<()> {
        let Some(part) = read(&self.place.machine)? else { return Ok(()) };
        let context = &uninterrupted(context);
        let _turn = turn(context, &self.record)?;
        if self.neighbours()?.is_empty() {
            for container in self.listed(context, &["ps", "-aq"])? {
                self.engine.run(context, &["rm", "-f", "-v", &container])?;
            }
            for network in self.listed(context, &["network", "ls", "-q"])? {
                self.engine.run(context, &["network", "rm", &network])?;
            }
            for volume in self.listed(context, &["volume", "ls", "-q"])? {
                self.engine.run(context, &["volume", "rm", &volume])?;
            }
            let project = project(&self.record);
            for service in services(&part.configuration) {
                // What Compose built has one of these names; what it pulled has another, and stays.
                for separator in ["_", "-"] {
                    drop(self.engine.try_run(context, &["rmi", &format!("{project}{separator}{service}")])?);
                }
            }
        }
        for name in ["docker-compose.yml", "compose.json"] {
            drop(std::fs::remove_file(self.place.machine.join(name)));
        }
        Ok(())
    }

    /// What of a kind carries the project's label.
    fn listed(&self, context: &Context, words: &[&str]) -> Result<Vec<String>> {
        let filter = format!("label={PROJECT_LABEL}={}", project(&self.record));
        let words: Vec<&str> = words.iter().copied().chain(["--filter", &filter]).collect();
        Ok(self.engine.run(context, &words)?.lines().map(str::to_owned).collect())
    }
}

/// The services that a configuration describes or changes.
fn services(configuration: &Map<String, Value>) -> impl Iterator<Item = &str> {
    configuration
        .get("services")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|services| services.keys().map(String::as_str))
}

/// Whether Compose is to run more than the machine.
pub(super) fn has_more(settings: &Settings) -> bool {
    services(&settings.compose_configuration).next().is_some()
}

/// The whole project: every machine's service, then what is wanted besides, then volumes that only have a name.
fn together<'a>(parts: impl Iterator<Item = (&'a str, &'a Part)> + Clone) -> Map<String, Value> {
    let own: Map<String, Value> =
        parts.clone().map(|(name, part)| (name.to_owned(), part.service.clone())).collect();
    let mut document = Map::new();
    document.insert("services".to_owned(), Value::Object(own));
    parts.for_each(|(_, part)| merge(&mut document, &part.configuration));
    let named: Vec<String> = service::named_volumes(&document);
    if !named.is_empty() {
        let mut volumes: Map<String, Value> =
            named.into_iter().map(|name| (name, Value::Object(Map::new()))).collect();
        if let Some(Value::Object(said)) = document.get("volumes") {
            merge(&mut volumes, said);
        }
        document.insert("volumes".to_owned(), Value::Object(volumes));
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_meet_in_one_project_and_named_volumes_are_declared() {
        let part = |service: Value, configuration: Value| {
            serde_json::from_value::<Part>(
                serde_json::json!({"service": service, "configuration": configuration}),
            )
            .unwrap()
        };
        let web = part(
            serde_json::json!({"image": "box", "volumes": ["data:/data", "/srv:/srv"]}),
            serde_json::json!({"services": {"web": {"mem_limit": "64m"}, "cache": {"image": "redis"}}, "volumes": {"data": {"labels": ["a"]}}}),
        );
        let db = part(serde_json::json!({"image": "box", "volumes": ["rows:/rows"]}), serde_json::json!({}));
        let document = together([("web", &web), ("db", &db)].into_iter());
        assert_eq!(
            Value::Object(document),
            serde_json::json!({
                "services": {
                    "web": {"image": "box", "volumes": ["data:/data", "/srv:/srv"], "mem_limit": "64m"},
                    "db": {"image": "box", "volumes": ["rows:/rows"]},
                    "cache": {"image": "redis"},
                },
                "volumes": {"data": {"labels": ["a"]}, "rows": {}},
            })
        );
    }
}
