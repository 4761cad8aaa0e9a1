//! `config.vm`: the plain settings as a table, and everything that is a list: networks, folders, provisioners,
//! providers, machines, disks.

use std::cell::RefCell;
use std::rc::Rc;

use indexmap::IndexMap;
use yado_ruby::{Arity, Eval, Interpreter, Proc, Value};

use crate::config::{Config, ConfigCell, Extra};
use crate::object;
use crate::schema::{EMPTY, Section, plain, starting, with};
use crate::session::{Block, Kind, Session};

mod define;
mod disk;
mod folder;
mod network;
mod provider;
mod provision;

pub(crate) use define::Machine;
pub(crate) use disk::{Disk, experimental};
pub(crate) use folder::Folder;
pub(crate) use network::Network;
pub(crate) use provider::Mention;
pub(crate) use provision::{Provisioner, add_settings, provisioner_of};

/// The name of the Ruby class.
pub(crate) const CLASS: &str = "VagrantPlugins::Kernel_V2::VMConfig";

/// `config.vm`
pub(crate) static VM: Section = Section {
    class: CLASS,
    title: "vm",
    settings: &[
        plain("allow_fstab_modification"),
        with("allow_hosts_modification", "true"),
        plain("allowed_synced_folder_types"),
        plain("base_address"),
        plain("base_mac"),
        with("boot_timeout", "300"),
        plain("box"),
        plain("box_architecture"),
        with("box_check_update", "true"),
        plain("box_download_ca_cert"),
        plain("box_download_ca_path"),
        with("box_download_checksum", "\"\""),
        plain("box_download_checksum_type"),
        plain("box_download_client_cert"),
        plain("box_download_disable_ssl_revoke_best_effort"),
        with("box_download_insecure", "false"),
        with("box_download_location_trusted", "false"),
        starting("box_download_options", "{}"),
        plain("box_server_url"),
        plain("box_url"),
        plain("box_version"),
        plain("clone"),
        plain("cloud_init_first_boot_only"),
        plain("communicator"),
        with("graceful_halt_timeout", "60"),
        plain("guest"),
        plain("hostname"),
        with("ignore_box_vagrantfile", "false"),
        with("post_up_message", "\"\""),
        plain("usable_port_range"),
    ],
    aliases: &[("host_name", "hostname")],
    methods: &[
        ("network", network::network, Arity::at_least(1)),
        ("networks", network::networks, Arity::exactly(0)),
        ("synced_folder", folder::synced_folder, Arity::between(1, 3)),
        ("synced_folders", folder::synced_folders, Arity::exactly(0)),
        ("provision", provision::provision, Arity::at_least(1)),
        ("provisioners", provision::provisioners, Arity::exactly(0)),
        ("provider", provider::provider, Arity::at_least(1)),
        ("get_provider_config", provider::get_provider_config, Arity::exactly(1)),
        ("define", define::define, Arity::at_least(1)),
        ("defined_vms", define::defined_vms, Arity::exactly(0)),
        ("defined_vm_keys", define::defined_vm_keys, Arity::exactly(0)),
        ("disk", disk::disk, Arity::at_least(1)),
        ("cloud_init", disk::cloud_init, Arity::at_least(0)),
    ],
    merge: Some(merge),
    finalize: Some(finish),
    ..EMPTY
};

/// The lists of `config.vm`.
#[derive(Default)]
pub(crate) struct Vm {
    /// Networks by scoped id.
    pub(crate) networks: IndexMap<String, Network>,
    /// Synced folders by guest path or name.
    pub(crate) folders: IndexMap<String, Folder>,
    /// Provisioners.
    pub(crate) provisioners: Vec<Rc<RefCell<Provisioner>>>,
    /// Providers in order of mention.
    pub(crate) providers: IndexMap<String, Mention>,
    /// Machines in order of definition. Every machine's configuration has the list, and nearly all have the same one.
    pub(crate) machines: Rc<IndexMap<String, Machine>>,
    /// `config.vm.disk`
    pub(crate) disks: Vec<Disk>,
    /// `config.vm.cloud_init`
    pub(crate) cloud_init: Vec<Disk>,
    /// The finished configurations of the mentioned providers.
    pub(crate) compiled: IndexMap<String, Value>,
}

impl Vm {
    /// Both together.
    pub(crate) fn merged(
        &self,
        interpreter: &mut Interpreter,
        session: &Rc<Session>,
        newer: &Vm,
    ) -> Eval<Vm> {
        let mut result = Vm {
            networks: self.networks.clone(),
            folders: folder::merged(&self.folders, &newer.folders),
            provisioners: provision::merged(interpreter, session, &self.provisioners, &newer.provisioners)?,
            providers: provider::merged(&self.providers, &newer.providers),
            machines: define::merged(&self.machines, &newer.machines),
            disks: self.disks.iter().chain(&newer.disks).cloned().collect(),
            cloud_init: self.cloud_init.iter().chain(&newer.cloud_init).cloned().collect(),
            compiled: IndexMap::new(),
        };
        for (id, network) in &newer.networks {
            result.networks.insert(id.clone(), network.clone());
        }
        Ok(result)
    }

    /// A copy that can be completed without touching the original.
    pub(crate) fn copy(&self, interpreter: &mut Interpreter, session: &Rc<Session>) -> Eval<Vm> {
        self.merged(interpreter, session, &Vm::default())
    }

    /// The override blocks of a provider, in order.
    pub(crate) fn overrides(&self, provider: &str) -> Vec<Block> {
        self.providers.get(provider).map(|mention| mention.overrides.clone()).unwrap_or_default()
    }
}

fn merge(older: &Config, newer: &Config, result: &mut Config) {
    // The newer object's empty hash must not hide the options that the older one has.
    let emptied = matches!(newer.get("box_download_options"), Value::Hash(hash) if hash.is_empty());
    if emptied && let Some(entry) = older.values.get("box_download_options") {
        result.values.insert("box_download_options", entry.clone());
    }
}

/// Normalises the plain settings.
fn finish(_: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    match config.get("box_url") {
        Value::Nil | Value::Array(_) => {}
        one => config.put("box_url", Value::array(vec![one])),
    }
    if config.get("box_download_checksum").is_nil() {
        config.put("box_download_checksum", Value::str(""));
    }
    if config.get("usable_port_range").is_nil() && config.origin("usable_port_range").is_none() {
        config.put("usable_port_range", Value::range(Value::Int(2200), Value::Int(2250), false));
    }
    for name in ["guest", "communicator"] {
        if let Some(text) = config.text(name) {
            config.put(name, Value::sym(&text));
        }
    }
    let mut extra = Vec::new();
    if let Value::Hash(options) = config.get("box_download_options") {
        for (key, value) in options.to_vec() {
            let Some(key) = key.text_or_symbol() else { continue };
            match value {
                Value::Bool(true) => extra.push(Value::str(format!("--{key}"))),
                Value::Str(text) => extra.extend([Value::str(format!("--{key}")), Value::Str(text)]),
                _ => {}
            }
        }
    }
    config.put("box_extra_download_options", Value::array(extra));
    Ok(())
}

/// The lists behind `self` of a `config.vm` method.
fn with_vm<T>(cell: &ConfigCell, work: impl FnOnce(&mut Vm) -> T) -> Option<T> {
    match &mut *cell.extra.borrow_mut() {
        Extra::Vm(vm) => Some(work(vm)),
        _ => None,
    }
}

/// The cell behind `self` of a `config.vm` method.
fn cell_of(interpreter: &mut Interpreter, this: &Value) -> Eval<Rc<ConfigCell>> {
    match ConfigCell::of(this) {
        Some(cell) => Ok(cell),
        None => interpreter.raise("TypeError", "not a machine configuration"),
    }
}

/// Completes the lists: implicit entries, provider blocks, provisioners.
pub(crate) fn finalize(
    interpreter: &mut Interpreter,
    session: &Rc<Session>,
    cell: &Rc<ConfigCell>,
) -> Eval<()> {
    let communicator = cell.config.borrow().text("communicator");
    with_vm(cell, |vm| {
        network::add_implicit(vm, communicator.as_deref());
        folder::finish(vm);
        if vm.machines.is_empty() {
            Rc::make_mut(&mut vm.machines).insert("default".to_owned(), Machine::default());
        }
    });
    let mut networks = with_vm(cell, |vm| std::mem::take(&mut vm.networks)).unwrap_or_default();
    network::number_ports(interpreter, &mut networks)?;
    with_vm(cell, |vm| vm.networks = networks);
    let mentions: Vec<(String, Vec<Rc<Proc>>)> = with_vm(cell, |vm| {
        vm.providers.iter().map(|(name, mention)| (name.clone(), mention.blocks.clone())).collect()
    })
    .unwrap_or_default();
    for (name, blocks) in mentions {
        if blocks.is_empty() && matches!(session.provider(&name), Kind::Unknown) {
            continue;
        }
        let config = provider::compile(interpreter, session, &name, &blocks)?;
        with_vm(cell, |vm| vm.compiled.insert(name, config));
    }
    let provisioners = with_vm(cell, |vm| vm.provisioners.clone()).unwrap_or_default();
    for provisioner in provisioners {
        let config = provisioner.borrow().config.clone();
        if let Some(config) = config {
            object::finalize(interpreter, session, &config)?;
        }
    }
    Ok(())
}
