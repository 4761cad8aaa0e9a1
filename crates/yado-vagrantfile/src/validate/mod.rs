//! What is wrong with a finished configuration: complaints by section, in Vagrant's words, each with the place
//! of the setting that it is about.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use indexmap::IndexMap;
use yado_core::spec::Origin;
use yado_ruby::{Args, Interpreter, Value};

use crate::config::{Config, ConfigCell, Extra};
use crate::dummy::DummyCell;
use crate::loader::vm_cell;
use crate::object::invalid_of;
use crate::root::Root;
use crate::vm::{Provisioner, Vm};

pub(crate) mod access;
pub(crate) mod ansible;
pub(crate) mod chef;
mod disks;
mod folders;
mod machine;
mod nearest;
mod networks;
mod order;
pub(crate) mod providers;
pub(crate) mod provisioners;
pub(crate) mod puppet;
mod pushes;
pub(crate) mod salt;
pub(crate) mod triggers;

/// One complaint.
#[derive(Clone, Debug)]
pub(crate) struct Complaint {
    /// In Vagrant's words.
    pub(crate) message: String,
    /// What was probably meant.
    pub(crate) hint: Option<String>,
    /// The place of the setting.
    pub(crate) origin: Option<Origin>,
}

/// What validation found so far.
pub(crate) struct Report<'a> {
    /// For text of values.
    pub(crate) interpreter: &'a mut Interpreter,
    /// The folder of the project.
    pub(crate) project: PathBuf,
    /// The machine.
    pub(crate) machine: String,
    /// Its provider.
    pub(crate) provider: String,
    /// The home folder, for `~`.
    pub(crate) home: String,
    /// Complaints by section.
    pub(crate) found: IndexMap<String, Vec<Complaint>>,
    /// Whether what came with Vagrant 2.4 counts: newer settings, `before:` and `after:` of provisioners.
    modern: bool,
    title: String,
}

impl Report<'_> {
    /// Complains about a setting of the section at hand.
    pub(crate) fn say(&mut self, message: impl Into<String>, origin: Option<Origin>) {
        let complaint = Complaint { message: message.into(), hint: None, origin };
        self.found.entry(self.title.clone()).or_default().push(complaint);
    }

    /// Complains under another heading.
    pub(crate) fn say_under(&mut self, title: &str, message: impl Into<String>, origin: Option<Origin>) {
        let complaint = Complaint { message: message.into(), hint: None, origin };
        self.found.entry(title.to_owned()).or_default().push(complaint);
    }

    /// A path as Ruby expands it, from the project's folder.
    pub(crate) fn absolute(&self, path: &str) -> PathBuf {
        absolute(&self.project, &self.home, path)
    }

    /// The path that a value names: text, or a `Pathname`.
    pub(crate) fn path(&mut self, value: &Value) -> Option<String> {
        match value {
            Value::Object(_) if self.interpreter.describe_class(value) == "Pathname" => {
                self.interpreter.to_s(value).ok()
            }
            other => other.text_or_symbol(),
        }
    }

    /// Complains about settings that do not exist.
    fn invalid(&mut self, names: &[(String, Option<Origin>)], known: &[&str]) {
        if names.is_empty() {
            return;
        }
        let mut sorted: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
        sorted.sort_unstable();
        let hints: Vec<String> = sorted
            .iter()
            .filter_map(|name| Some(format!("'{name}' looks like '{}'", nearest::name(name, known)?)))
            .collect();
        let complaint = Complaint {
            message: format!("The following settings shouldn't exist: {}", sorted.join(", ")),
            hint: (!hints.is_empty()).then(|| hints.join(", ")),
            origin: names.first().and_then(|(_, origin)| origin.clone()),
        };
        self.found.entry(self.title.clone()).or_default().push(complaint);
    }
}

/// A path as Ruby expands it: `~` is the home folder, `.` and `..` are resolved by name.
pub(crate) fn absolute(project: &Path, home: &str, path: &str) -> PathBuf {
    let full = match path.strip_prefix('~') {
        Some("") => PathBuf::from(home),
        Some(rest) if rest.starts_with('/') => PathBuf::from(home).join(rest.trim_start_matches('/')),
        _ => project.join(path),
    };
    let mut result = PathBuf::new();
    for part in full.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => drop(result.pop()),
            other => result.push(other),
        }
    }
    result
}

/// Whether complaints about unknown settings are made for a section; some of Vagrant's take them silently.
fn reports_unknown(title: &str) -> bool {
    !matches!(title, "WinRM" | "Windows Guest")
}

/// Checks a configuration object of a table.
pub(crate) fn check(report: &mut Report<'_>, config: &Config) {
    let section = config.section;
    let before = std::mem::replace(&mut report.title, section.title.to_owned());
    if reports_unknown(section.title) {
        let mut known: Vec<&str> = section.settings.iter().map(|setting| setting.name).collect();
        known.extend(section.methods.iter().map(|(name, _, _)| *name));
        let names = if report.modern { config.invalid.clone() } else { config.unknown_to_vagrant() };
        report.invalid(&names, &known);
    }
    if let Some(validate) = section.validate {
        validate(config, report);
    }
    report.title = before;
}

/// Checks whatever stands for a section, provider or provisioner.
fn check_object(report: &mut Report<'_>, object: &Value) {
    if DummyCell::of(object).is_some() || object.is_nil() {
        return;
    }
    if let Some(cell) = ConfigCell::of(object) {
        check(report, &cell.config.borrow());
        return;
    }
    let Ok(Value::Hash(errors)) = report.interpreter.send(object, "validate", Args::one(Value::Nil)) else {
        return;
    };
    for (title, messages) in errors.to_vec() {
        let title = report.interpreter.to_s(&title).unwrap_or_default();
        if let Value::Array(messages) = messages {
            for message in messages.to_vec() {
                let message = report.interpreter.to_s(&message).unwrap_or_default();
                report.say_under(&title, message, None);
            }
        }
    }
    drop(invalid_of(report.interpreter, object));
}

/// Everything that is wrong with a machine's configuration when this provider is to build it.
pub(crate) fn machine(
    interpreter: &mut Interpreter,
    config: &Rc<Root>,
    name: &str,
    provider: &str,
    home: &str,
    modern: bool,
) -> IndexMap<String, Vec<Complaint>> {
    let mut report = Report {
        interpreter,
        project: config.session.project.clone(),
        machine: name.to_owned(),
        provider: provider.to_owned(),
        home: home.to_owned(),
        found: IndexMap::new(),
        modern,
        title: String::new(),
    };
    let sections: Vec<(String, Value)> =
        config.sections.borrow().iter().map(|(name, section)| (name.clone(), section.clone())).collect();
    for (name, section) in &sections {
        if name == "vm" {
            check_vm(&mut report, config);
        } else {
            check_object(&mut report, section);
            check_lists(&mut report, section);
        }
    }
    let mut unknown = config.unknown.borrow().clone();
    unknown.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, origin) in unknown {
        let hint = nearest::name(&name, crate::schema::sections::NAMES)
            .map(|near| format!("'{name}' looks like '{near}'"));
        let message = format!("Unknown configuration section '{name}'.");
        report.found.entry("Vagrant".to_owned()).or_default().push(Complaint { message, hint, origin });
    }
    report.found
}

/// Triggers and pushes.
fn check_lists(report: &mut Report<'_>, section: &Value) {
    let Some(cell) = ConfigCell::of(section) else { return };
    match &*cell.extra.borrow() {
        Extra::Triggers(list) => {
            for trigger in list.before.iter().chain(&list.after) {
                let before = lengths(report);
                check_object(report, &trigger.config);
                point_at(report, &before, trigger.origin.as_ref());
            }
        }
        Extra::Pushes(list) => {
            for (_, config) in list.compiled.values() {
                pushes::check(report, config);
            }
        }
        _ => {}
    }
}

/// The machine section, its provider and its provisioners.
fn check_vm(report: &mut Report<'_>, config: &Rc<Root>) {
    let Some(cell) = vm_cell(config) else { return };
    check(report, &cell.config.borrow());
    "vm".clone_into(&mut report.title);
    machine::check(report, &cell.config.borrow());
    if let Extra::Vm(vm) = &*cell.extra.borrow() {
        folders::check(report, vm, &config.session.inline.borrow().folders);
        networks::check(report, vm);
        check_provider(report, vm);
        check_provisioners(report, vm);
        if report.modern || crate::vm::experimental(report.interpreter, "dependency_provisioners") {
            order::check(report, vm);
        }
        machine::check_names(report, vm);
        disks::check(report, vm);
    }
    machine::check_last(report, &cell.config.borrow());
}

fn check_provider(report: &mut Report<'_>, vm: &Vm) {
    let compiled = vm.compiled.get(&report.provider).cloned();
    if let Some(config) = compiled {
        check_object(report, &config);
    }
}

fn check_provisioners(report: &mut Report<'_>, vm: &Vm) {
    for provisioner in &vm.provisioners {
        let Provisioner { unknown, kind, name, origin, config, communicator_unclear, .. } =
            provisioner.borrow().clone();
        if communicator_unclear && !unknown {
            let message =
                "Provisioner option `communicator_required` is not set as a valid type. Must be a boolean.";
            report.say_under("provisioner", message, origin.clone());
        }
        if unknown {
            let hint = nearest::name(&kind, crate::schema::provisioners::NAMES)
                .map(|near| format!("'{kind}' looks like '{near}'"))
                .or_else(|| name.is_some().then(|| format!("Its type is '{kind}'")));
            let shown = name.filter(|name| !name.is_empty()).unwrap_or(kind);
            let message = format!("The '{shown}' provisioner could not be found.");
            report.found.entry("vm".to_owned()).or_default().push(Complaint { message, hint, origin });
        } else if let Some(config) = config {
            let before = lengths(report);
            check_object(report, &config);
            point_at(report, &before, origin.as_ref());
        }
    }
}

/// How many complaints each section has.
fn lengths(report: &Report<'_>) -> IndexMap<String, usize> {
    report.found.iter().map(|(title, list)| (title.clone(), list.len())).collect()
}

/// New complaints that know no place of their own get that of the call.
fn point_at(report: &mut Report<'_>, before: &IndexMap<String, usize>, origin: Option<&Origin>) {
    for (title, list) in &mut report.found {
        let old = before.get(title).copied().unwrap_or(0);
        for complaint in list.iter_mut().skip(old).filter(|complaint| complaint.origin.is_none()) {
            complaint.origin = origin.cloned();
        }
    }
}
