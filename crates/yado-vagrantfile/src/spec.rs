//! From finished configuration to [`MachineSpec`]: plain data that the rest of yado works with.

use std::rc::Rc;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};
use yado_core::guest_settings::{self, PluginSettings};
use yado_core::spec::{
    BoxSpec, CloneSpec, DownloadSpec, EntrySpec, FolderSpec, MachineSpec, NetworkSpec, Problem,
    ProviderSettings, ProvisionerSpec, RunWhen, SshSpec,
};
use yado_ruby::{HashRef, Interpreter, Value};

use crate::config::{Config, ConfigCell, Extra};
use crate::dummy::DummyCell;
use crate::hash::{option, text};
use crate::json::{key_text, to_json};
use crate::loaded::{Loaded, MachineName};
use crate::loader::vm_cell;
use crate::root::Root;
use crate::validate::{Complaint, absolute};
use crate::vm::{Disk, Provisioner, Vm};

mod order;
mod triggers;

/// The specification of one machine.
pub(crate) fn build(
    loaded: &mut Loaded,
    config: &Rc<Root>,
    machine: &MachineName,
    provider: &str,
    found: IndexMap<String, Vec<Complaint>>,
) -> MachineSpec {
    let ssh = ssh(loaded, config);
    let project = loaded.root().to_owned();
    let home = loaded.home().to_owned();
    let interpreter = &mut loaded.interpreter;
    let mut spec = MachineSpec {
        name: machine.name.clone(),
        project,
        primary: machine.primary,
        autostart: machine.autostart,
        providers: Vec::new(),
        image: BoxSpec::default(),
        clone_from: None,
        hostname: None,
        guest: None,
        communicator: None,
        networks: Vec::new(),
        synced_folders: Vec::new(),
        disks: Vec::new(),
        cloud_init: Vec::new(),
        provisioners: Vec::new(),
        ssh,
        boot_timeout: 300,
        graceful_halt_timeout: 60,
        post_up_message: String::new(),
        usable_port_range: (2200, 2250),
        allow_hosts_modification: true,
        triggers: triggers::of(interpreter, config, &machine.name),
        plugins: plugins(interpreter, config),
        problems: problems(found),
    };
    let Some(cell) = vm_cell(config) else { return spec };
    plain_settings(interpreter, &cell.config.borrow(), &mut spec);
    spec.clone_from = clone_from(interpreter, &cell.config.borrow(), &spec.project, &home);
    if let Extra::Vm(vm) = &*cell.extra.borrow() {
        spec.providers = providers(interpreter, vm);
        spec.networks = networks(interpreter, vm, provider);
        spec.synced_folders = folders(interpreter, vm, provider, &spec, &home);
        spec.disks = entries(interpreter, &vm.disks);
        spec.cloud_init = entries(interpreter, &vm.cloud_init);
        spec.provisioners = order::ordered(&vm.provisioners)
            .iter()
            .map(|one| provisioner(interpreter, &one.borrow()))
            .collect();
    }
    spec
}

/// `config.vm.clone` is a project's directory, in which a name after `#` tells one machine from others.
fn clone_from(
    interpreter: &mut Interpreter,
    config: &Config,
    project: &std::path::Path,
    home: &str,
) -> Option<CloneSpec> {
    let value = config.get("clone");
    let text = if value.is_nil() { None } else { interpreter.to_s(&value).ok() }?;
    let whole = absolute(project, home, &text);
    let origin = config.origin("clone");
    match text.rsplit_once('#').filter(|_| !whole.is_dir()) {
        Some((path, machine)) => Some(CloneSpec {
            project: absolute(project, home, path),
            machine: Some(machine.to_owned()),
            origin,
        }),
        None => Some(CloneSpec { project: whole, machine: None, origin }),
    }
}

/// `config.vm.disk` or `config.vm.cloud_init`.
fn entries(interpreter: &mut Interpreter, list: &[Disk]) -> Vec<EntrySpec> {
    let mut entry = |entry: &Disk| {
        let mut options = map(to_json(interpreter, &Value::Hash(entry.options.clone())));
        let kind = options.remove("type").unwrap_or_default();
        let kind = kind.get("$symbol").unwrap_or(&kind).as_str().unwrap_or_default();
        EntrySpec {
            kind: kind.trim_start_matches(':').to_owned(),
            unknown: entry.invalid.clone(),
            checked: entry.flagged,
            origin: entry.origin.clone(),
            options,
        }
    };
    list.iter().map(&mut entry).collect()
}

fn problems(found: IndexMap<String, Vec<Complaint>>) -> Vec<(String, Vec<Problem>)> {
    let shown = |complaint: Complaint| Problem {
        message: complaint.message,
        origin: complaint.origin,
        remedy: complaint.hint,
    };
    found.into_iter().map(|(title, list)| (title, list.into_iter().map(shown).collect())).collect()
}

/// Plain settings of the plugins whose work yado does.
fn plugins(interpreter: &mut Interpreter, config: &Rc<Root>) -> PluginSettings {
    let sections = config.sections.borrow().clone();
    let mut found = PluginSettings::new();
    for (name, section) in &sections {
        if guest_settings::SERVED.iter().any(|(served, _)| served == name)
            && let Some(dummy) = DummyCell::of(section)
        {
            found.insert(name.clone(), dummy.settings(interpreter).0);
        }
    }
    found
}

fn whole_number(config: &Config, name: &str, default: u64) -> u64 {
    match config.get(name) {
        Value::Int(number) => u64::try_from(number).unwrap_or(default),
        Value::Str(text) => text.text().trim().parse().unwrap_or(default),
        Value::Float(number) => number as u64,
        _ => default,
    }
}

/// `config.vm`'s plain settings.
fn plain_settings(interpreter: &mut Interpreter, config: &Config, spec: &mut MachineSpec) {
    let mut shown = |name: &str| {
        let value = config.get(name);
        if value.is_nil() { None } else { interpreter.to_s(&value).ok() }
    };
    spec.hostname = shown("hostname").filter(|name| !name.is_empty());
    spec.guest = shown("guest");
    spec.communicator = shown("communicator").filter(|name| !name.is_empty());
    spec.post_up_message = shown("post_up_message").unwrap_or_default();
    let checksum = shown("box_download_checksum").filter(|sum| !sum.is_empty());
    let path = |text: Option<String>| text.filter(|text| !text.is_empty()).map(std::path::PathBuf::from);
    let download = DownloadSpec {
        insecure: config.get("box_download_insecure").truthy(),
        location_trusted: config.get("box_download_location_trusted").truthy(),
        ca_certificate: path(shown("box_download_ca_cert")),
        ca_directory: path(shown("box_download_ca_path")),
        client_certificate: path(shown("box_download_client_cert")),
        options: Vec::new(),
    };
    spec.image = BoxSpec {
        // Where nobody said anything, the host's; an explicit `nil` is the catalogue's default.
        architecture: shown("box_architecture")
            .or_else(|| config.origin("box_architecture").is_none().then(|| "auto".to_owned())),
        server: shown("box_server_url").filter(|url| !url.is_empty()),
        download,
        name: shown("box").filter(|name| !name.trim().is_empty()),
        version: shown("box_version"),
        urls: list(&config.get("box_url")),
        checksum: checksum.zip(shown("box_download_checksum_type")),
        check_update: config.get("box_check_update").truthy(),
        origin: config.origin("box"),
    };
    spec.image.download.options = download_options(interpreter, config);
    spec.boot_timeout = whole_number(config, "boot_timeout", 300);
    spec.graceful_halt_timeout = whole_number(config, "graceful_halt_timeout", 60);
    spec.allow_hosts_modification = config.get("allow_hosts_modification").truthy();
    if let Value::Range(range) = config.get("usable_port_range")
        && let (Value::Int(first), Value::Int(last)) = (&range.begin, &range.end)
    {
        let last = if range.exclusive { last - 1 } else { *last };
        if let (Ok(first), Ok(last)) = (u16::try_from(*first), u16::try_from(last)) {
            spec.usable_port_range = (first, last);
        }
    }
}

/// `box_download_options`; a flag that is off is as good as not given.
fn download_options(interpreter: &mut Interpreter, config: &Config) -> Vec<(String, Option<String>)> {
    map(to_json(interpreter, &config.get("box_download_options")))
        .into_iter()
        .filter_map(|(name, value)| match value {
            Json::Bool(true) => Some((name, None)),
            Json::Bool(false) | Json::Null => None,
            Json::String(text) => Some((name, Some(text))),
            other => Some((name, Some(other.to_string()))),
        })
        .collect()
}

fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.to_vec().iter().filter_map(Value::text_or_symbol).collect(),
        other => other.text_or_symbol().into_iter().collect(),
    }
}

fn map(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

/// Providers whose names stand before options.
const PROVIDERS: &[&str] = &[
    "container",
    "docker",
    "hyperv",
    "libvirt",
    "lxc",
    "lxd",
    "parallels",
    "podman",
    "qemu",
    "virtualbox",
    "vmware_desktop",
    "vmware_fusion",
    "vmware_workstation",
];

/// Names of plugins that a provider stands in for: what is meant for them is meant for it, too.
pub(crate) fn also_called(provider: &str) -> &'static [&'static str] {
    match provider {
        "kvm" => &["libvirt", "qemu"],
        _ => &[],
    }
}

/// Options with those that are meant for this provider (`NAME__option`) applied and those for others left out.
fn options_for(interpreter: &mut Interpreter, options: &HashRef, provider: &str) -> Map<String, Json> {
    let all = map(to_json(interpreter, &Value::Hash(options.clone())));
    let (mut plain, mut scoped) = (Map::new(), Map::new());
    for (name, value) in all {
        match name.split_once("__") {
            Some((scope, setting)) if scope == provider || also_called(provider).contains(&scope) => {
                scoped.insert(setting.to_owned(), value);
            }
            Some((scope, _)) if PROVIDERS.contains(&scope) => {}
            _ => drop(plain.insert(name, value)),
        }
    }
    plain.extend(scoped);
    plain
}

fn providers(interpreter: &mut Interpreter, vm: &Vm) -> Vec<ProviderSettings> {
    let mut result = Vec::new();
    for (name, mention) in &vm.providers {
        let config = vm.compiled.get(name).cloned().unwrap_or(Value::Nil);
        let (mut settings, mut calls, mut origins) = (Map::new(), Vec::new(), Vec::new());
        if let Some(dummy) = DummyCell::of(&config) {
            calls = dummy.calls_json(interpreter, 0);
            (settings, origins) = dummy.settings(interpreter);
            calls.retain(|call| {
                let called = call.get(0).and_then(Json::as_str).unwrap_or_default();
                !called.ends_with('=') || called == "[]="
            });
        } else if let Some(cell) = ConfigCell::of(&config) {
            let config = cell.config.borrow();
            for (setting, entry) in &config.values {
                // Lists and hashes may be filled without being assigned: `link`, `volumes << …`, `env["A"] = …`.
                let value = with_empty_entries(interpreter, &entry.value);
                let filled = match &value {
                    Json::Array(items) => !items.is_empty(),
                    Json::Object(entries) => !entries.is_empty(),
                    _ => false,
                };
                if let Some(origin) = &entry.origin {
                    origins.push(((*setting).to_owned(), origin.clone()));
                }
                if filled || entry.origin.is_some() {
                    settings.insert((*setting).to_owned(), value);
                }
            }
            calls = customizations(interpreter, &config);
        }
        result.push(ProviderSettings {
            name: name.clone(),
            settings,
            calls,
            origins,
            origin: mention.origin.clone(),
        });
    }
    result
}

/// As JSON, where an entry without a value is one all the same: a variable of the environment that is set to nothing.
fn with_empty_entries(interpreter: &mut Interpreter, value: &Value) -> Json {
    let Value::Hash(entries) = value else { return to_json(interpreter, value) };
    let entries = entries.to_vec();
    let pairs = entries.iter().map(|(key, value)| (key_text(interpreter, key), to_json(interpreter, value)));
    Json::Object(pairs.collect())
}

/// VirtualBox's commands as calls.
fn customizations(interpreter: &mut Interpreter, config: &Config) -> Vec<Json> {
    let Value::Array(list) = config.get("customizations") else { return Vec::new() };
    let mut calls = Vec::new();
    for entry in list.to_vec() {
        let mut call = vec![Json::from("customize")];
        if let Json::Array(pair) = to_json(interpreter, &entry) {
            call.extend(pair);
        }
        calls.push(Json::Array(call));
    }
    calls
}

fn networks(interpreter: &mut Interpreter, vm: &Vm, provider: &str) -> Vec<NetworkSpec> {
    let mut result = Vec::new();
    for network in vm.networks.values() {
        let options = options_for(interpreter, &network.options, provider);
        result.push(NetworkSpec { kind: network.kind.clone(), options, origin: network.origin.clone() });
    }
    result
}

fn folders(
    interpreter: &mut Interpreter,
    vm: &Vm,
    provider: &str,
    spec: &MachineSpec,
    home: &str,
) -> Vec<FolderSpec> {
    let mut result = Vec::new();
    for (id, folder) in &vm.folders {
        if option(&folder.options, "disabled").is_some_and(|disabled| disabled.truthy()) {
            continue;
        }
        let host = folder.host_path(interpreter);
        result.push(FolderSpec {
            id: text(&folder.options, "id").unwrap_or_else(|| id.clone()),
            host_path: absolute(&spec.project, home, &host),
            guest_path: text(&folder.options, "guestpath").unwrap_or_default(),
            kind: text(&folder.options, "type"),
            options: options_for(interpreter, &folder.options, provider),
            origin: folder.origin.clone(),
        });
    }
    result
}

fn provisioner(interpreter: &mut Interpreter, one: &Provisioner) -> ProvisionerSpec {
    let config = one.config.clone().unwrap_or(Value::Nil);
    let mut settings = map(to_json(interpreter, &config));
    let mut name = one.name.clone();
    if let Some(cell) = ConfigCell::of(&config) {
        let config = cell.config.borrow();
        // As pairs: containers are started in the order in which they are said.
        if let Value::Hash(containers) = config.get("__containers") {
            let pairs =
                containers.to_vec().into_iter().map(|(name, options)| Value::array(vec![name, options]));
            let pairs = Value::array(pairs.collect());
            settings.insert("containers".to_owned(), to_json(interpreter, &pairs));
        }
        let builds = config.get("__build_images");
        if !builds.is_nil() {
            settings.insert("build_images".to_owned(), to_json(interpreter, &builds));
        }
        name = name.or_else(|| config.text("name"));
    }
    let run = match one.run.as_deref() {
        Some("always") => RunWhen::Always,
        Some("never") => RunWhen::Never,
        _ => RunWhen::Once,
    };
    ProvisionerSpec {
        kind: one.kind.clone(),
        name,
        run,
        communicator_required: one.communicator_required,
        settings,
        origin: one.origin.clone(),
    }
}

/// `config.ssh`, completed even where nobody mentioned it.
fn ssh(loaded: &mut Loaded, config: &Rc<Root>) -> SshSpec {
    let known = config.sections.borrow().get("ssh").cloned();
    let kind = loaded.session.section("ssh");
    let section = known.or_else(|| loaded.finished(&kind)).unwrap_or(Value::Nil);
    let mut settings = map(to_json(&mut loaded.interpreter, &section));
    settings.remove("$invalid");
    if let Some(cell) = ConfigCell::of(&section) {
        let config = cell.config.borrow();
        for (name, entry) in config.values.iter().filter(|(name, _)| config.section.is_newer(name)) {
            if !entry.value.is_nil() {
                settings.insert((*name).to_owned(), to_json(&mut loaded.interpreter, &entry.value));
            }
        }
    }
    let mut take = |name: &str| match settings.remove(name) {
        Some(Json::String(text)) => Some(text),
        _ => None,
    };
    SshSpec {
        username: take("username"),
        shell: take("shell").unwrap_or_else(|| "bash -l".to_owned()),
        sudo_command: take("sudo_command").unwrap_or_else(|| "sudo -E -H %c".to_owned()),
        settings,
    }
}
