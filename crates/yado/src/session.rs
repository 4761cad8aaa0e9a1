//! [`Session`]: one run of the program: who is asking, where, and with what. Everything expensive is made when the
//! command first needs it.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use yado_core::lifecycle::{self, Workshop};
use yado_core::registry::{ChosenProvider, ProviderWish};
use yado_core::spec::Problem;
use yado_core::{
    Cancel, Context, Environment, Error, ErrorKind, EventSink, Host, MachineSpec, ProviderKind, Result, Store,
};
use yado_vagrantfile::{BoxVagrantfiles, LoadOptions, Loaded, Stream, Trust, WantedBox};

use crate::agreement::Agreement;
use crate::cli::Global;
use crate::foreign_plugins;
use crate::neighbourhood::Neighbourhood;
use crate::settings::Settings;
use crate::ui::Ui;
use crate::wiring;
use crate::without_effect;

/// One run of the program.
pub(crate) struct Session {
    pub(crate) ui: Arc<Ui>,
    pub(crate) settings: Settings,
    pub(crate) global: Global,
    pub(crate) context: Context,
    /// The directory that the command works in.
    pub(crate) directory: PathBuf,
    workshop: OnceCell<Workshop>,
    store: Rc<OnceCell<Arc<Store>>>,
    /// What the project's lock file says, once a command has opened it.
    pub(crate) agreement: Arc<Agreement>,
    /// What the user was told about settings that have no effect; each is told once, not for every machine.
    told: RefCell<BTreeSet<String>>,
    /// What lies near the project, found out once for all machines.
    around: OnceCell<Neighbourhood>,
    /// Boxes that were found to have no Vagrantfile, or not to be there: names, versions and providers as they are asked for.
    silent_boxes: Rc<RefCell<BTreeSet<WantedImage>>>,
}

/// A box as a Vagrantfile asks for it: its name, the versions that will do, and the kind of machine.
type WantedImage = (String, Option<String>, String);

/// A project whose Vagrantfile was read.
pub(crate) struct Project {
    pub(crate) loaded: Loaded,
    pub(crate) environment: Environment,
}

impl Session {
    pub(crate) fn new(ui: Arc<Ui>, settings: Settings, global: Global) -> Result<Self> {
        let here = || {
            std::env::current_dir().map_err(|problem| Error::system("finding the current directory", problem))
        };
        let directory = match global.chdir.clone().or_else(|| settings.directory.clone()) {
            None => here()?,
            Some(path) => here()?.join(&path).canonicalize().map_err(|problem| {
                Error::system(format!("changing to the directory '{}'", path.display()), problem)
            })?,
        };
        let context = Context {
            machine: None,
            host: Arc::new(Host::new(&settings.home)),
            events: Arc::clone(&ui) as Arc<dyn EventSink>,
            cancel: Cancel::new(),
        };
        Ok(Self {
            ui,
            settings,
            global,
            context,
            directory,
            workshop: OnceCell::new(),
            store: Rc::default(),
            agreement: Arc::default(),
            told: RefCell::default(),
            around: OnceCell::new(),
            silent_boxes: Rc::default(),
        })
    }

    /// State, kinds and boxes.
    pub(crate) fn workshop(&self) -> Result<&Workshop> {
        if let Some(workshop) = self.workshop.get() {
            return Ok(workshop);
        }
        let store = Arc::clone(self.store()?);
        let workshop = Workshop {
            registry: yado_plugins::registry(),
            images: Arc::new(wiring::Boxes::new(&self.settings, Arc::clone(&self.agreement))),
            store,
        };
        Ok(self.workshop.get_or_init(|| workshop))
    }

    /// The boxes on this computer.
    pub(crate) fn boxes(&self) -> Result<yado_boxes::BoxStore> {
        wiring::open(&self.settings.home, &self.settings.network)
    }

    /// The installed box that a machine uses, or would use: the one that it was made from, as far as that is known.
    pub(crate) fn installed_box(
        &self,
        spec: &yado_core::spec::BoxSpec,
        target: &crate::targets::Target,
    ) -> Result<Option<yado_boxes::InstalledBox>> {
        let recorded = target.record.as_ref().and_then(|record| record.image.as_deref());
        let image: Option<yado_core::Image> = recorded.and_then(|text| serde_json::from_str(text).ok());
        let provider = target.kind.boxes();
        match (image, &spec.name) {
            (Some(image), _) => {
                self.boxes()?.find(&image.name, Some(&format!("= {}", image.version)), provider)
            }
            (None, Some(name)) => self.boxes()?.find(name, spec.version.as_deref(), provider),
            (None, None) => Ok(None),
        }
    }

    pub(crate) fn store(&self) -> Result<&Arc<Store>> {
        opened(&self.store, &self.settings.home)
    }

    /// Finishes or undoes what killed processes left half done, and from now on lets Ctrl-C stop cleanly.
    pub(crate) fn prepare_for_changes(&self) -> Result<()> {
        crate::interrupt::watch(&self.context.cancel);
        lifecycle::recover_interrupted(&self.context, self.workshop()?)
    }

    /// The Vagrantfile here or above.
    pub(crate) fn vagrantfile(&self) -> Option<PathBuf> {
        yado_vagrantfile::find(&self.directory, self.settings.vagrantfile.as_deref())
    }

    /// Reads the Vagrantfile.
    pub(crate) fn load(&self) -> Result<Loaded> {
        if self.vagrantfile().is_none() {
            return Err(no_environment());
        }
        let loaded = yado_vagrantfile::load(self.load_options()).map_err(|problem| {
            if let Some(status) = problem.status {
                return Error::new(
                    ErrorKind::VagrantfileExited(status),
                    "The Vagrantfile ended the program.",
                );
            }
            problem.into()
        })?;
        self.ui.hide(loaded.sensitive());
        self.tell_refusals(&loaded);
        Ok(loaded)
    }

    /// Reads the Vagrantfile for a look, if it can be read: it runs nothing, also in a project that is trusted, and
    /// whatever it prints is lost.
    pub(crate) fn load_silently(&self) -> Option<Loaded> {
        self.vagrantfile()?;
        let mut options = self.load_options();
        options.trusted = Trust::from(false);
        options.argv = vec!["status".to_owned()];
        options.output = Some(Box::new(|_, _| {}));
        yado_vagrantfile::load(options).ok()
    }

    /// A Vagrantfile may carry on after something was refused; the configuration is not what it would be then.
    fn tell_refusals(&self, loaded: &Loaded) {
        let refused = loaded.refused();
        if !refused.is_empty() {
            let text = format!(
                "The Vagrantfile went on without what the sandbox refused:\n  {}\n`yado trust` allows it for this \
                 project, `--trust` once.\n",
                refused.join("\n  ")
            );
            self.ui.vagrantfile_said(true, text.as_bytes());
        }
    }

    /// How the Vagrantfile here or above is read.
    fn load_options(&self) -> LoadOptions {
        let ui = Arc::clone(&self.ui);
        let providers = yado_plugins::registry().providers;
        LoadOptions {
            vagrantfile_name: self.settings.vagrantfile.clone(),
            home_vagrantfile: self.settings.home_vagrantfile.clone(),
            argv: std::env::args().skip(1).collect(),
            env: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            trusted: self.trust(),
            boxes: Some(self.box_vagrantfiles()),
            sources: self.ui.sources(),
            extra_providers: providers.iter().map(|kind| (kind.name(), kind.schema())).collect(),
            output: Some(Box::new(move |stream, text| ui.vagrantfile_said(stream == Stream::Err, text))),
            ..LoadOptions::new(&self.directory)
        }
    }

    /// Where the Vagrantfiles of installed boxes are found: that of the box which a machine was made from, or would be.
    fn box_vagrantfiles(&self) -> BoxVagrantfiles {
        let home = self.settings.home.clone();
        let data = self.vagrantfile().and_then(|path| Some(self.data_directory(path.parent()?)));
        let silent = Rc::clone(&self.silent_boxes);
        Box::new(move |wanted| {
            let asked_for = (wanted.name.clone(), wanted.version.clone(), wanted.provider.clone());
            if silent.borrow().contains(&asked_for) {
                return None;
            }
            let found = yado_boxes::installed_vagrantfile(
                &home,
                &wanted.name,
                wanted.version.as_deref(),
                yado_plugins::registry().boxes(&wanted.provider),
            );
            // Most boxes have none in any version, and then nobody has to ask which one the machine was made from.
            let Some(found) = found else {
                silent.borrow_mut().insert(asked_for);
                return None;
            };
            let made_from = data.as_deref().and_then(|data| recorded_image(&home, data, wanted));
            match made_from {
                Some(image) => image.vagrantfile.filter(|path| path.is_file()),
                None => Some(found),
            }
        })
    }

    /// To be told when boxes were installed: the Vagrantfiles that they bring are looked for again.
    pub(crate) fn listen_again(&self) {
        self.silent_boxes.borrow_mut().clear();
    }

    /// The configuration in its canonical form; a Vagrantfile that cannot be read has one, too. What the Vagrantfile
    /// prints goes to standard error, so that the document stands alone.
    pub(crate) fn canonical_configuration(&self) -> Result<serde_json::Value> {
        if self.vagrantfile().is_none() {
            return Err(no_environment());
        }
        let ui = Arc::clone(&self.ui);
        let mut options = self.load_options();
        // Vagrantfiles that look at the command line see one that changes nothing.
        options.argv = vec!["status".to_owned()];
        options.output = Some(Box::new(move |_, text| ui.vagrantfile_said(true, text)));
        Ok(match yado_vagrantfile::load(options) {
            Ok(mut loaded) => {
                let document = loaded.canonical_json();
                self.tell_refusals(&loaded);
                document
            }
            Err(problem) => {
                let document = yado_vagrantfile::failure_json(&problem);
                self.ui.failure(&problem.into());
                document
            }
        })
    }

    /// Whether the user lets this project's Vagrantfile run programs and write files.
    pub(crate) fn trusted(&self) -> Result<bool> {
        match self.vagrantfile() {
            _ if self.global.trust => Ok(true),
            Some(path) => is_trusted(&self.store, &self.settings.home, &path),
            None => Ok(false),
        }
    }

    /// The same, to be asked when it matters.
    fn trust(&self) -> Trust {
        let Some(path) = self.vagrantfile().filter(|_| !self.global.trust) else {
            return self.global.trust.into();
        };
        let (store, home) = (Rc::clone(&self.store), self.settings.home.clone());
        Trust::ask(move || is_trusted(&store, &home, &path))
    }

    /// The project here or above.
    pub(crate) fn project(&self) -> Result<Project> {
        let loaded = self.load()?;
        let root = loaded.root().to_owned();
        let name =
            loaded.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let environment = Environment::open(&root, &name, &self.data_directory(&root), self.store()?)?;
        Ok(Project { loaded, environment })
    }

    pub(crate) fn data_directory(&self, root: &Path) -> PathBuf {
        self.settings.data.as_ref().map_or_else(|| root.join(".yado"), |path| root.join(path))
    }

    /// The environment whose Vagrantfile is gone, or cannot be read: by its `.yado` here or above.
    pub(crate) fn environment_without_vagrantfile(&self) -> Result<Option<Environment>> {
        for folder in self.directory.ancestors() {
            let environment =
                Environment::open(folder, "Vagrantfile", &self.data_directory(folder), self.store()?)?;
            if environment.id().is_some() {
                return Ok(Some(environment));
            }
        }
        Ok(None)
    }

    /// The provider that a new machine gets.
    pub(crate) fn choose_provider(
        &self,
        mentioned: &[String],
        asked: Option<&str>,
    ) -> Result<ChosenProvider> {
        let wish = ProviderWish {
            forced: asked.or(self.settings.default_provider.as_deref()),
            preferred: &self.settings.preferred_providers,
        };
        yado_plugins::registry().choose(&self.context.host, mentioned, wish)
    }

    /// What hands the machine more of this computer than the project and the user's own files: with a folder like
    /// `/etc`, whoever wrote the Vagrantfile would write into this system. It needs the user's trust.
    fn untrusted(&self, spec: &MachineSpec, kind: &dyn ProviderKind) -> Result<Vec<Problem>> {
        let around =
            self.around.get_or_init(|| Neighbourhood::of(&spec.project, std::env::home_dir().as_deref()));
        let needs_trust = |what: String, origin: &Option<yado_core::spec::Origin>| Problem {
            message: what,
            origin: origin.clone(),
            remedy: Some("`yado trust` allows it for this project, `--trust` once.".to_owned()),
        };
        let outside = |what: &str, path: &Path, origin: &Option<yado_core::spec::Origin>| {
            let text =
                format!("{what} '{}' lies outside the project and the user's own files.", path.display());
            (!around.holds(path)).then(|| needs_trust(text, origin))
        };
        let folders = spec.synced_folders.iter();
        let mut problems: Vec<Problem> = folders
            .filter_map(|folder| outside("The synced folder", &folder.host_path, &folder.origin))
            .collect();
        // A copy has everything that the machine has.
        let model = spec.clone_from.as_ref();
        problems.extend(
            model.and_then(|model| outside("The machine to copy, in", &model.project, &model.origin)),
        );
        let reach = kind.reach(spec);
        problems.extend(reach.paths.iter().filter_map(|(path, origin)| outside("The path", path, origin)));
        problems.extend(reach.rights.into_iter().map(|right| needs_trust(right.message, &right.origin)));
        if problems.is_empty() || self.trusted()? {
            return Ok(Vec::new());
        }
        Ok(problems)
    }

    /// Tells the user which parts of the configuration were understood and have no effect here.
    pub(crate) fn tell_what_has_no_effect(
        &self,
        loaded: &mut Loaded,
        spec: &MachineSpec,
        kind: &dyn ProviderKind,
    ) -> Result<()> {
        let (machine, provider) = (&spec.name, kind.name());
        let whole = loaded.machine_json(machine, provider)?;
        let mut sentences = without_effect::parts(&whole);
        sentences.extend(kind.without_effect(spec));
        if provider != "container" && !kind.wants_disk() {
            sentences.extend(without_effect::disks(spec));
        }
        if provider == "container" {
            sentences.extend(without_effect::settings(&loaded.settings(machine, provider)?));
        }
        for sentence in sentences {
            if self.told.borrow_mut().insert(sentence.clone()) {
                self.context.warn(sentence);
            }
        }
        Ok(())
    }

    /// Everything about a machine that would stop it from being brought up, as one error.
    pub(crate) fn check(&self, spec: &MachineSpec, kind: &dyn ProviderKind) -> Result<()> {
        let registry = yado_plugins::registry();
        let mut sections = spec.problems.clone();
        for (_, problems) in &mut sections {
            problems.retain(|problem| !is_no_mistake_here(&registry, &problem.message));
            // With yado, a box can take the place of Docker's image; the provider says when there is neither.
            problems.retain(|problem| !problem.message.starts_with("One of \"build_dir\""));
        }
        let foreign = self.untrusted(spec, kind)?;
        if !foreign.is_empty() {
            sections.push(("trust".to_owned(), foreign));
        }
        let mut refused = kind.check(spec);
        if let Some(wanted) = spec.clone_from.as_ref().filter(|_| !kind.can_clone()) {
            let able: Vec<String> = registry
                .providers
                .iter()
                .filter(|kind| kind.can_clone())
                .map(|kind| format!("'{}'", kind.name()))
                .collect();
            refused.push(Problem {
                message: format!(
                    "Copies of machines ('config.vm.clone') are not possible with the provider '{}', but with {}.",
                    kind.name(),
                    able.join(" and ")
                ),
                origin: wanted.origin.clone(),
                remedy: None,
            });
        }
        if !refused.is_empty() {
            sections.push((format!("{} provider", kind.name()), refused));
        }
        if sections.iter().all(|(_, problems)| problems.is_empty()) {
            return Ok(());
        }
        let head = "There are errors in the configuration of this machine. Please fix\nthe following errors and try \
                    again:\n";
        Err(Error::new(ErrorKind::ConfigInvalid, head).with_problems(sections))
    }
}

/// What a machine was made from, if it was from the box that it wants now.
fn recorded_image(home: &Path, data: &Path, wanted: &WantedBox) -> Option<yado_core::Image> {
    let environment = std::fs::read_to_string(data.join("id")).ok()?;
    let record = Store::open(home).ok()?.machine(environment.trim(), &wanted.machine).ok()??;
    let image: yado_core::Image = serde_json::from_str(record.image.as_deref()?).ok()?;
    (image.name == wanted.name && record.provider == wanted.provider).then_some(image)
}

/// The state in this home, opened once.
fn opened<'cell>(store: &'cell OnceCell<Arc<Store>>, home: &Path) -> Result<&'cell Arc<Store>> {
    if let Some(store) = store.get() {
        return Ok(store);
    }
    let opened = Arc::new(Store::open(home)?);
    Ok(store.get_or_init(|| opened))
}

/// Whether the project of this Vagrantfile is trusted.
fn is_trusted(store: &OnceCell<Arc<Store>>, home: &Path, vagrantfile: &Path) -> Result<bool> {
    // Without a state file nothing was ever trusted, and reading must not create one.
    if !home.join("state.sqlite").is_file() {
        return Ok(false);
    }
    opened(store, home)?.is_trusted(vagrantfile.parent().unwrap_or(Path::new("/")))
}

/// What Vagrant without plugins complains of, and yado does or knows by itself.
fn is_no_mistake_here(registry: &yado_core::Registry, message: &str) -> bool {
    foreign_plugins::unknown_section(message).is_some_and(foreign_plugins::is_known)
        || foreign_plugins::unknown_provisioner(message)
            .is_some_and(|name| registry.provisioner(name).is_some())
}

/// The error when a command needs a Vagrantfile and there is none.
pub(crate) fn no_environment() -> Error {
    Error::new(
        ErrorKind::NoEnvironment,
        "A Vagrant environment or target machine is required to run this command. Run `yado init` to create a new \
         Vagrant environment. Or, get an ID of a target machine from `yado global-status` to run this command on. A \
         final option is to change to a directory with a Vagrantfile and to try again.",
    )
}
