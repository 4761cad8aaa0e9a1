//! `docker` and `podman` as provisioners: the engine is installed in the machine from its own packages, and then pulls
//! images, builds them, and runs containers that are to stay.

mod containers;
mod install;

use serde_json::{Map, Value};
use yado_core::spec::{MachineSpec, Origin, ProvisionerSpec, RunWhen};
use yado_core::{
    Aftermath, Context, Error, ErrorKind, Guest, Kind, Provisioner, ProvisionerKind, Result, Schema, settings,
};

use super::fingerprint::Fingerprint;
use super::guest_command::{quoted, run};
use containers::Wanted;

/// Docker.
pub(super) static DOCKER: EngineKind = EngineKind { program: "docker" };
/// Podman.
pub(super) static PODMAN: EngineKind = EngineKind { program: "podman" };

/// An engine with Docker's command line.
pub(super) struct EngineKind {
    program: &'static str,
}

static SCHEMA: Schema = Schema {
    settings: &settings! {
        "images" List "[]" "Images to pull.";
        "build_images" List "[]" "Directories in the guest to build images from.";
        "containers" List "[]" "Containers that are to run: names and options.";
        "post_install_provisioner" Any "" "What runs once the engine is there.";
        "kubic" Bool "false" "Of no meaning here: the guest's own packages are used.";
    },
};

impl Kind for EngineKind {
    fn name(&self) -> &'static str {
        self.program
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }
}

impl ProvisionerKind for EngineKind {
    fn open(&self, spec: &ProvisionerSpec, machine: &MachineSpec) -> Result<Box<dyn Provisioner>> {
        Ok(Box::new(EngineWork {
            program: self.program,
            images: list(&spec.settings, "images").iter().filter_map(text).collect(),
            builds: list(&spec.settings, "build_images").iter().filter_map(build).collect(),
            containers: containers::wanted(&spec.settings),
            after_installation: after_installation(spec, machine)?,
            kubic: spec.settings.get("kubic") == Some(&Value::Bool(true)),
            settings: spec.settings.clone(),
            origin: spec.origin.clone(),
        }))
    }
}

fn list<'a>(settings: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    settings.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// `["/path", {"args": "…"}]`
fn build(entry: &Value) -> Option<(String, String)> {
    let path = text(entry.get(0)?)?;
    let arguments = entry.get(1).and_then(|options| text(options.get("args")?));
    Some((path, arguments.unwrap_or_default()))
}

/// The provisioner that runs once the engine is there, made from what `post_install_provision` noted.
fn after_installation(spec: &ProvisionerSpec, machine: &MachineSpec) -> Result<Option<Box<dyn Provisioner>>> {
    let Some(noted) = spec.settings.get("post_install_provisioner").and_then(Value::as_object) else {
        return Ok(None);
    };
    let wrong = |text: String| Error::new(ErrorKind::ConfigInvalid, text).at(spec.origin.clone());
    let kind_name = noted.get("type").and_then(text).unwrap_or_default();
    let registry = crate::registry();
    let kind = registry.provisioner(&kind_name).ok_or_else(|| {
        wrong(format!("The provisioner '{kind_name}' of 'post_install_provision' is not done here."))
    })?;
    if kind.runs_on_host() {
        return Err(wrong(format!(
            "The provisioner '{kind_name}' runs on this computer and cannot be a 'post_install_provision'; write it \
             after this one."
        )));
    }
    let inner = ProvisionerSpec {
        kind: kind_name,
        name: noted.get("name").and_then(text),
        run: RunWhen::Once,
        communicator_required: true,
        settings: noted.get("config").and_then(Value::as_object).cloned().unwrap_or_default(),
        origin: spec.origin.clone(),
    };
    kind.open(&inner, machine).map(Some)
}

/// What is to be there in the end.
struct EngineWork {
    program: &'static str,
    images: Vec<String>,
    /// Directories in the guest, and what the command line says besides.
    builds: Vec<(String, String)>,
    containers: Vec<Wanted>,
    after_installation: Option<Box<dyn Provisioner>>,
    kubic: bool,
    settings: Map<String, Value>,
    origin: Option<Origin>,
}

impl Provisioner for EngineWork {
    fn fingerprint(&self) -> Result<String> {
        let mut digest = Fingerprint::new();
        digest.add(&Value::Object(self.settings.clone()).to_string());
        if let Some(inner) = &self.after_installation {
            digest.add(&inner.fingerprint()?);
        }
        Ok(digest.finish())
    }

    fn run(&mut self, context: &Context, guest: &Guest<'_>) -> Result<Aftermath> {
        if self.kubic {
            context.warn("'kubic' names packages that are no longer made; the guest's own are used.");
        }
        let mut aftermath = self.have_engine(context, guest)?;
        if let Some(inner) = &mut self.after_installation {
            match inner.run(context, guest)? {
                Aftermath::Nothing => {}
                wish => aftermath = wish,
            }
        }
        if !(self.images.is_empty() && self.builds.is_empty() && self.containers.is_empty()) {
            self.try_podman(context, guest)?;
        }
        let name = if self.program == "docker" { "Docker" } else { "Podman" };
        if !self.images.is_empty() {
            context.detail(format!("Pulling {name} images..."));
        }
        for image in &self.images {
            context.detail(format!("-- Image: {image}"));
            self.must(
                context,
                guest,
                &format!("{} pull {}", self.program, quoted(image)),
                "pulling an image",
            )?;
        }
        if !self.builds.is_empty() {
            context.detail(format!("Building {name} images..."));
        }
        for (path, arguments) in &self.builds {
            context.detail(format!("-- Path: {path}"));
            let line = format!("{} build {arguments} {}", self.program, quoted(path));
            self.must(context, guest, &line, "building an image")?;
        }
        if !self.containers.is_empty() {
            context.detail(format!("Starting {name} containers..."));
        }
        for container in &self.containers {
            context.detail(format!("-- Container: {}", container.name));
            self.must(context, guest, &container.script(self.program), "starting a container")?;
        }
        Ok(aftermath)
    }
}

impl EngineWork {
    fn must(&self, context: &Context, guest: &Guest<'_>, line: &str, doing: &str) -> Result<()> {
        let status = run(context, guest, true, line)?;
        if status.success() {
            return Ok(());
        }
        Err(self.failed(format!(
            "{} failed in the machine (exit status {}), {doing}; see above.",
            self.program,
            status.code()
        )))
    }

    fn failed(&self, text: String) -> Error {
        Error::new(ErrorKind::GuestCommandFailed, text).at(self.origin.clone())
    }
}
