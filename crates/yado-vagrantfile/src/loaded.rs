//! Reading a Vagrantfile, and what can be asked of one that was read.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use indexmap::IndexMap;
use serde_json::Value as Json;
use yado_core::spec::MachineSpec;
use yado_core::{Error, ErrorKind, Schema};
use yado_ruby::{Args, Control, Interpreter, SandboxHost, Stream, Value};

use crate::config::{ConfigCell, Extra};
use crate::failure::LoadError;
use crate::host::reading::Reading;
use crate::host::{Sink, VagrantfileHost};
use crate::json::to_json;
use crate::loader::{BoxVagrantfiles, Loader, vm_cell, vm_of};
use crate::object;
use crate::push::Push;
use crate::root::Root;
use crate::schema::providers;
use crate::session::{Kind, Session};
use crate::sources::Sources;
use crate::trust::Trust;
use crate::validate::{self, Complaint};

/// How to read a Vagrantfile.
pub struct LoadOptions {
    /// Where the search for it begins.
    pub cwd: PathBuf,
    /// Its name (`VAGRANT_VAGRANTFILE`), instead of the usual ones.
    pub vagrantfile_name: Option<String>,
    /// The user's own Vagrantfile, which lies below every project's.
    pub home_vagrantfile: Option<PathBuf>,
    /// What Ruby code sees as `ARGV`.
    pub argv: Vec<String>,
    /// What Ruby code sees as `ENV`.
    pub env: Vec<(String, String)>,
    /// Whether it may run programs and write files.
    pub trusted: Trust,
    /// Finds the Vagrantfiles of installed boxes, which lie below all others; without one, boxes have nothing to say.
    pub boxes: Option<BoxVagrantfiles>,
    /// Providers of yado's own, with their settings.
    pub extra_providers: Vec<(&'static str, &'static Schema)>,
    /// The provider asked for on the command line or by the environment.
    pub default_provider: Option<String>,
    /// Where the texts of all files that are evaluated are put, also later ones.
    pub sources: Sources,
    /// Takes what it prints; without one, that is kept from the person.
    pub output: Option<Sink>,
}

impl LoadOptions {
    /// The Vagrantfile at or above this folder, in a sandbox, with an empty environment.
    pub fn new(cwd: impl Into<PathBuf>) -> Self {
        Self {
            cwd: cwd.into(),
            vagrantfile_name: None,
            home_vagrantfile: None,
            argv: Vec::new(),
            env: Vec::new(),
            trusted: Trust::from(false),
            boxes: None,
            extra_providers: Vec::new(),
            default_provider: None,
            sources: Sources::default(),
            output: None,
        }
    }
}

/// A machine as `status` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineName {
    /// Its name.
    pub name: String,
    /// Whether commands for one machine take it when none is named.
    pub primary: bool,
    /// Whether `up` without a name brings it up.
    pub autostart: bool,
}

/// The Vagrantfile at this folder or the nearest one above it.
pub fn find(start: &Path, name: Option<&str>) -> Option<PathBuf> {
    let names: &[&str] = match &name {
        Some(name) if !name.is_empty() => std::slice::from_ref(name),
        _ => &["Vagrantfile", "vagrantfile"],
    };
    start
        .ancestors()
        .find_map(|folder| names.iter().map(|name| folder.join(name)).find(|path| path.is_file()))
}

/// A Vagrantfile that was read.
pub struct Loaded {
    pub(crate) interpreter: Interpreter,
    pub(crate) session: Rc<Session>,
    loader: Loader,
    global: Rc<Root>,
    path: PathBuf,
    home: String,
    default_provider: Option<String>,
    refused: Rc<RefCell<Vec<String>>>,
    /// The providers that a machine mentioned when so many blocks had run.
    mentioned: HashMap<String, (usize, Vec<String>)>,
}

/// Reads the Vagrantfile at or above the starting folder, and every machine in it once.
pub fn load(options: LoadOptions) -> Result<Loaded, LoadError> {
    let Some(path) = find(&options.cwd, options.vagrantfile_name.as_deref()) else {
        return Err(LoadError::none(&options.cwd));
    };
    let project = path.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
    let refused = Rc::new(RefCell::new(Vec::new()));
    let home = options.env.iter().find(|(name, _)| name == "HOME").map(|(_, home)| home.clone());
    let variable =
        |wanted: &str| options.env.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let reading = Rc::new(Reading::new(&project, home.as_deref(), variable("VAGRANT_HOME")));
    let foreign = Rc::new(Cell::new(false));
    let host = VagrantfileHost {
        directory: options.cwd.clone(),
        environment: options.env.into_iter().collect(),
        trusted: options.trusted,
        foreign: Rc::clone(&foreign),
        sink: options.output.unwrap_or_else(|| Box::new(|_: Stream, _: &[u8]| {})),
        refused: Rc::clone(&refused),
        reading: Rc::clone(&reading),
        sources: options.sources,
        sandbox: SandboxHost::new(),
        printed: Cell::new(0),
        plugins_asked_for: Cell::new(false),
    };
    let mut interpreter = Interpreter::new(Box::new(host));
    let session = Session::new(project, providers::tables(&options.extra_providers));
    crate::vagrant::define(&mut interpreter, &session);
    let argv = options.argv.iter().map(|word| Value::str(word.as_str())).collect();
    interpreter.set_constant(None, "ARGV", Value::array(argv));
    interpreter.set_global("$0", Value::str("vagrant"));
    interpreter.set_global("$PROGRAM_NAME", Value::str("vagrant"));
    let mut loader = Loader::new(&session, reading, foreign, options.boxes);
    let own = options.home_vagrantfile.filter(|own| own.is_file() && *own != path);
    for file in own.iter().chain([&path]) {
        let blocks = loader.read(&mut interpreter, file);
        let blocks = blocks.map_err(|control| {
            LoadError::new(&mut interpreter, file, control, false).after_refusals(&refused.borrow())
        })?;
        loader.base.extend(blocks);
    }
    let base = loader.base.clone();
    let global = loader.load(&mut interpreter, &[&base]);
    let global = global.map_err(|control| {
        LoadError::new(&mut interpreter, &path, control, true).after_refusals(&refused.borrow())
    })?;
    let mut loaded = Loaded {
        interpreter,
        session,
        loader,
        global,
        path,
        home: home.unwrap_or_default(),
        default_provider: options.default_provider,
        refused,
        mentioned: HashMap::new(),
    };
    if loaded.look_at_every_machine()? {
        // Missing plugins make Vagrant look once more, to name them.
        loaded.look_at_every_machine()?;
    }
    Ok(loaded)
}

impl Loaded {
    /// The Vagrantfile.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.session.project
    }

    /// What the sandbox refused, in words. The Vagrantfile may have carried on without it.
    pub fn refused(&self) -> Vec<String> {
        self.refused.borrow().clone()
    }

    /// Words that are to be shown nowhere (`config.vagrant.sensitive`).
    pub fn sensitive(&self) -> Vec<String> {
        let section = self.global.sections.borrow().get("vagrant").and_then(ConfigCell::of);
        let words = section.map(|section| section.config.borrow().get("sensitive"));
        match words {
            Some(Value::Array(list)) => list.to_vec().iter().filter_map(Value::text_or_symbol).collect(),
            Some(word) => word.text_or_symbol().into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// The machines in order of definition.
    pub fn machines(&self) -> Vec<MachineName> {
        let list: Vec<(String, bool, bool)> = vm_of(&self.global, |vm| {
            vm.machines
                .iter()
                .map(|(name, machine)| {
                    let primary = machine.options.get_symbol("primary").is_some_and(|it| it.truthy());
                    let autostart =
                        !matches!(machine.options.get_symbol("autostart"), Some(Value::Bool(false)));
                    (name.clone(), primary, autostart)
                })
                .collect()
        })
        .unwrap_or_default();
        let single = list.len() == 1;
        let chosen = list.iter().position(|(_, primary, _)| *primary);
        list.into_iter()
            .enumerate()
            .map(|(index, (name, _, autostart))| MachineName {
                name,
                primary: single || chosen == Some(index),
                autostart,
            })
            .collect()
    }

    /// Options of `config.vm.define` that have no meaning of their own.
    pub(crate) fn define_options(&mut self, name: &str) -> Vec<(String, Json)> {
        let options = vm_of(&self.global, |vm| vm.machines.get(name).map(|machine| machine.options.to_vec()));
        let mut result = Vec::new();
        for (key, value) in options.flatten().unwrap_or_default() {
            let key = crate::json::key_text(&mut self.interpreter, &key);
            if !["primary", "autostart", "config_version"].contains(&key.as_str()) {
                result.push((key, to_json(&mut self.interpreter, &value)));
            }
        }
        result
    }

    /// Vagrant reads every machine once before anything else, which Vagrantfiles can notice: what a machine's block
    /// says to the outer `config` counts for all of them.
    fn look_at_every_machine(&mut self) -> Result<bool, LoadError> {
        let mut wants_plugins = false;
        for machine in self.machines() {
            let config = self.configured(&machine.name, None)?;
            self.note_providers(&machine.name, &config);
            let Some(cell) = vm_cell(&config) else { continue };
            let (image, version) = {
                let config = cell.config.borrow();
                (config.get("box"), config.get("box_version"))
            };
            if !matches!(image, Value::Nil | Value::Str(_)) {
                let shown = self.interpreter.inspect(&image).unwrap_or_default();
                let class = self.interpreter.class_of(&image);
                let class = self.interpreter.class_name(&class);
                return Err(
                    self.raised_as("NoMethodError", format!("undefined method `gsub!' for {shown}:{class}"))
                );
            }
            if image.text_or_symbol().is_some_and(|image| !image.is_empty()) && !version.is_nil() {
                self.check_box_version(&version)?;
            }
            wants_plugins |= self.check_plugins_section(&config, &machine.name)?;
        }
        Ok(wants_plugins)
    }

    fn check_box_version(&mut self, version: &Value) -> Result<(), LoadError> {
        let text = self.interpreter.to_s(version).unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(());
        }
        let Some(wrong) = text.split(',').find(|part| !crate::vagrant::is_requirement(part)) else {
            return Ok(());
        };
        let message = format!(
            "The format of box version provided ({wrong}) is incorrect. The\nversion must follow the semantic versioning format or semantic\nversioning compatible constraint format. Examples of valid values:\n\n  2.0\n  2.1.4\n  >= 2\n  < 3.0.0"
        );
        Err(self.raised("BoxVersionInvalid", message))
    }

    /// Vagrant looks into `config.vagrant` for plugins, and stops when something is wrong there.
    fn check_plugins_section(&mut self, config: &Rc<Root>, name: &str) -> Result<bool, LoadError> {
        let section = config.sections.borrow().get("vagrant").and_then(ConfigCell::of);
        let Some(section) = section else { return Ok(false) };
        let found = self.complaints(config, name, "virtualbox", false);
        let Some(list) = found.get("vagrant") else {
            let plugins = section.config.borrow().get("plugins");
            return Ok(matches!(plugins, Value::Hash(plugins) if !plugins.is_empty()));
        };
        let lines: Vec<String> = list.iter().map(|complaint| format!("* {}\n", complaint.message)).collect();
        let lines = lines.concat();
        let message = format!(
            "There are errors in the configuration of this machine. Please fix\nthe following errors and try again:\n\nvagrant:\n{lines}\n"
        );
        Err(self.raised("ConfigInvalid", message))
    }

    /// An error of Ruby's own that Vagrant runs into when it looks for the box.
    fn raised_as(&mut self, class: &str, message: String) -> LoadError {
        let control = self.interpreter.exception(class, message);
        self.failed(control)
    }

    fn raised(&mut self, class: &str, message: String) -> LoadError {
        let control = crate::vagrant::error(&mut self.interpreter, class, message);
        self.failed(control)
    }

    fn failed(&mut self, control: Control) -> LoadError {
        if let Some(path) = self.loader.at_fault.take() {
            return LoadError::new(&mut self.interpreter, &path, control, true).of_a_box();
        }
        let path = self.path.clone();
        LoadError::new(&mut self.interpreter, &path, control, true).after_refusals(&self.refused.borrow())
    }

    /// A machine's finished configuration.
    pub(crate) fn configured(&mut self, name: &str, provider: Option<&str>) -> Result<Rc<Root>, LoadError> {
        let global = Rc::clone(&self.global);
        let outcome = self.loader.machine(&mut self.interpreter, &global, name, provider);
        outcome.map_err(|control| self.failed(control))
    }

    /// A finished object with nothing set.
    pub(crate) fn finished(&mut self, kind: &Kind) -> Option<Value> {
        let made = self.session.make(&mut self.interpreter, kind).ok()?;
        object::finalize(&mut self.interpreter, &self.session, &made).ok()?;
        Some(made)
    }

    /// What is wrong with a machine's configuration.
    pub(crate) fn complaints(
        &mut self,
        config: &Rc<Root>,
        name: &str,
        provider: &str,
        modern: bool,
    ) -> IndexMap<String, Vec<Complaint>> {
        validate::machine(&mut self.interpreter, config, name, provider, &self.home, modern)
    }

    /// The provider of a machine when nothing is known about the host: the one asked for, else the first one
    /// mentioned, else Vagrant's own default.
    pub(crate) fn first_provider(&mut self, name: &str) -> Result<String, LoadError> {
        if let Some(forced) = self.forced_provider() {
            return Ok(forced);
        }
        let config = self.configured(name, None)?;
        let first = vm_of(&config, |vm| vm.providers.keys().next().cloned()).flatten();
        Ok(first.unwrap_or_else(|| "virtualbox".to_owned()))
    }

    /// The provider that the command line or the environment asks for; a Vagrantfile may set the environment.
    pub fn forced_provider(&mut self) -> Option<String> {
        if let Some(asked) = &self.default_provider {
            return Some(asked.clone());
        }
        let environment = self.interpreter.constant_named("ENV")?;
        let name = Value::str("VAGRANT_DEFAULT_PROVIDER");
        let value = self.interpreter.send(&environment, "[]", Args::one(name)).ok()?;
        value.as_text().filter(|text| !text.is_empty())
    }

    /// The providers that a machine's configuration mentions, in order of first mention.
    pub fn mentioned_providers(&mut self, machine: &str) -> Vec<String> {
        if let Some((run, known)) = self.mentioned.get(machine)
            && *run == self.loader.blocks_run()
        {
            return known.clone();
        }
        let global = Rc::clone(&self.global);
        let Ok(config) = self.loader.machine_ahead(&mut self.interpreter, &global, machine) else {
            return Vec::new();
        };
        self.note_providers(machine, &config)
    }

    fn note_providers(&mut self, machine: &str, config: &Root) -> Vec<String> {
        let names: Vec<String> =
            vm_of(config, |vm| vm.providers.keys().cloned().collect()).unwrap_or_default();
        self.mentioned.insert(machine.to_owned(), (self.loader.blocks_run(), names.clone()));
        names
    }

    /// What a machine should be when this provider builds it. To be asked again when its box was installed meanwhile,
    /// which may bring a Vagrantfile of its own.
    pub fn machine(&mut self, name: &str, provider: &str) -> yado_core::Result<MachineSpec> {
        self.interpreter.renew_limits();
        let machines = self.machines();
        let Some(machine) = machines.iter().find(|machine| machine.name == name) else {
            let message = format!(
                "The machine with the name '{name}' was not found configured for\nthis Vagrant environment."
            );
            return Err(Error::new(ErrorKind::MachineNotFound, message));
        };
        let config = self.configured(name, Some(provider))?;
        let found = self.complaints(&config, name, provider, true);
        let spec = crate::spec::build(self, &config, machine, provider, found);
        match self.interpreter.check_limits() {
            Ok(()) => Ok(spec),
            Err(control) => Err(self.failed(control).into()),
        }
    }

    /// Everything that is configured for a machine when this provider builds it, also what [`MachineSpec`] has no
    /// place for: triggers, pushes, disks, and sections such as `winrm`, `nfs` and `vagrant` where they differ from
    /// their defaults.
    pub fn machine_json(&mut self, name: &str, provider: &str) -> Result<Json, LoadError> {
        crate::dump::machine(self, name, provider)
    }

    /// The pushes that are defined beside this machine, in their order.
    pub fn pushes(&mut self, machine: &str, provider: &str) -> Result<Vec<Push>, LoadError> {
        let config = self.configured(machine, Some(provider))?;
        let whole = self.machine_json(machine, provider)?;
        let place = |name: &str| {
            let sections = config.sections.borrow();
            let cell = sections.get("push").and_then(ConfigCell::of)?;
            let extra = cell.extra.borrow();
            let Extra::Pushes(pushes) = &*extra else { return None };
            pushes.places.get(name).cloned()
        };
        let list = whole.get("pushes").and_then(Json::as_array);
        let text = |push: &Json, key: &str| push.get(key).and_then(Json::as_str).map(str::to_owned);
        let read = |push: &Json| {
            let (name, strategy) = (text(push, "name")?, text(push, "strategy")?);
            let settings = push.get("config").cloned().unwrap_or_default();
            Some(Push { origin: place(&name), name, strategy, settings })
        };
        Ok(list.into_iter().flatten().filter_map(read).collect())
    }

    /// The whole configuration as canonical JSON.
    pub fn canonical_json(&mut self) -> Json {
        crate::dump::all(self)
    }

    /// The folder that Ruby expands `~` to.
    pub(crate) fn home(&self) -> &str {
        &self.home
    }
}

/// The canonical JSON of a failure to load.
pub fn failure_json(error: &LoadError) -> Json {
    crate::dump::failed(error)
}
