//! The providers that Vagrant brings. Those of yado's own come with their tables from outside.

use std::collections::HashMap;
use std::rc::Rc;

use yado_core::Schema;
use yado_ruby::{Args, Arity, Eval, Interpreter, Value};

use super::{EMPTY, Fallback, Initial, Section, Setting, plain, starting, with};
use crate::config::{Config, ConfigCell};
use crate::hash::merged;
use crate::session::Session;
use crate::validate::providers as check;

/// The provider of this name.
pub(crate) fn find(name: &str) -> Option<&'static Section> {
    Some(match name {
        "virtualbox" => &VIRTUALBOX,
        "docker" => &DOCKER,
        "podman" => &PODMAN,
        "hyperv" => &HYPERV,
        _ => return None,
    })
}

/// Tables of providers that come from outside. They live as long as the program, as the schemas themselves do.
pub(crate) fn tables(schemas: &[(&'static str, &'static Schema)]) -> HashMap<&'static str, &'static Section> {
    schemas.iter().map(|(name, schema)| (*name, table(name, schema))).collect()
}

fn table(name: &'static str, schema: &'static Schema) -> &'static Section {
    let settings: Vec<Setting> = schema
        .settings
        .iter()
        .map(|setting| Setting {
            name: setting.name,
            initial: Initial::Unset,
            fallback: if setting.default.is_empty() {
                Fallback::Nil
            } else {
                Fallback::Json(setting.default)
            },
        })
        .collect();
    let class: String = name.split(['_', '-']).map(capitalised).collect();
    Box::leak(Box::new(Section {
        class: Box::leak(format!("Yado::Providers::{class}").into_boxed_str()),
        title: Box::leak(format!("{name} provider").into_boxed_str()),
        settings: Box::leak(settings.into_boxed_slice()),
        ..EMPTY
    }))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

static VIRTUALBOX: Section = Section {
    class: "VagrantPlugins::ProviderVirtualBox::Config",
    title: "VirtualBox Provider",
    settings: &[
        with("auto_nat_dns_proxy", "true"),
        with("check_guest_additions", "true"),
        starting("customizations", "[]"),
        plain("default_nic_type"),
        with("destroy_unused_network_interfaces", "false"),
        with("functional_vboxsf", "true"),
        with("gui", "false"),
        with("linked_clone", "false"),
        plain("linked_clone_snapshot"),
        plain("name"),
        starting("network_adapters", "{}"),
    ],
    methods: &[
        ("customize", customize, Arity::at_least(0)),
        ("memory=", memory, Arity::exactly(1)),
        ("cpus=", cpus, Arity::exactly(1)),
        ("network_adapter", network_adapter, Arity::at_least(2)),
    ],
    merge: Some(merge_virtualbox),
    finalize: Some(finish_virtualbox),
    validate: Some(check::virtualbox),
    ..EMPTY
};

/// Notes a command for VBoxManage.
fn push_customization(this: &Value, event: Value, command: Value) {
    let Some(cell) = ConfigCell::of(this) else { return };
    let mut config = cell.config.borrow_mut();
    let mut list = match config.get("customizations") {
        Value::Array(list) => list.to_vec(),
        _ => Vec::new(),
    };
    list.push(Value::array(vec![event, command]));
    config.put("customizations", Value::array(list));
}

/// `customize [command]` or `customize "event", [command]`
fn customize(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (event, command) = match args.positional.as_slice() {
        [event @ Value::Str(_), rest @ ..] => (event.clone(), rest.first().cloned().unwrap_or(Value::Nil)),
        [command, ..] => (Value::str("pre-boot"), command.clone()),
        [] => (Value::str("pre-boot"), Value::Nil),
    };
    push_customization(this, event, command);
    Ok(Value::Nil)
}

fn modify(this: &Value, flag: &str, value: Value) {
    let words = vec![Value::str("modifyvm"), Value::sym("id"), Value::str(flag), value];
    push_customization(this, Value::str("pre-boot"), Value::array(words));
}

fn memory(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let size = interpreter.to_s(&args.at(0))?;
    modify(this, "--memory", Value::str(size));
    Ok(args.at(0))
}

fn cpus(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let count = interpreter.send(&args.at(0), "to_i", Args::none())?;
    modify(this, "--cpus", count);
    Ok(args.at(0))
}

fn network_adapter(_: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let options = crate::hash::take_options(&mut args);
    let Some(cell) = ConfigCell::of(this) else { return Ok(Value::Nil) };
    let config = cell.config.borrow();
    if let Value::Hash(adapters) = config.get("network_adapters") {
        let mut parts: Vec<Value> = args.positional[1..].to_vec();
        parts.push(Value::Hash(options));
        adapters.insert(args.at(0), Value::array(parts));
    }
    Ok(Value::Nil)
}

fn merge_virtualbox(older: &Config, newer: &Config, result: &mut Config) {
    let mut commands = Vec::new();
    for side in [older, newer] {
        if let Value::Array(list) = side.get("customizations") {
            commands.extend(list.to_vec());
        }
    }
    result.put("customizations", Value::array(commands));
}

fn finish_virtualbox(_: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    if let Value::Hash(adapters) = config.get("network_adapters") {
        let completed =
            Value::hash([(Value::Int(1), Value::array(vec![Value::sym("nat"), Value::hash([])]))]);
        if let Value::Hash(completed) = completed {
            config.put("network_adapters", Value::Hash(merged(&completed, &adapters)));
        }
    }
    Ok(())
}

static DOCKER: Section = ENGINE;

/// Podman's command line is Docker's.
static PODMAN: Section =
    Section { class: "Yado::Providers::Podman", title: "podman provider", validate: None, ..ENGINE };

const ENGINE: Section = Section {
    class: "VagrantPlugins::DockerProvider::Config",
    title: "docker provider",
    settings: &[
        plain("auth_server"),
        starting("build_args", "[]"),
        plain("build_dir"),
        with("cmd", "[]"),
        with("compose", "false"),
        starting("compose_configuration", "{}"),
        with("create_args", "[]"),
        plain("dockerfile"),
        with("email", "\"\""),
        starting("env", "{}"),
        plain("env_file"),
        starting("expose", "[]"),
        with("force_host_vm", "false"),
        plain("git_repo"),
        with("has_ssh", "false"),
        plain("host_vm_build_dir_options"),
        plain("image"),
        starting("links", "[]"),
        plain("name"),
        with("password", "\"\""),
        with("ports", "[]"),
        with("privileged", "false"),
        with("pull", "false"),
        with("remains_running", "true"),
        with("stop_timeout", "1"),
        with("username", "\"\""),
        plain("vagrant_machine"),
        plain("vagrant_vagrantfile"),
        starting("volumes", "[]"),
    ],
    methods: &[("link", link, Arity::exactly(1))],
    merge: Some(merge_docker),
    finalize: Some(|_, _, config| {
        if let Some(name) = config.text("vagrant_machine") {
            config.put("vagrant_machine", Value::sym(&name));
        }
        Ok(())
    }),
    validate: Some(check::docker),
    ..EMPTY
};

fn link(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if let Some(cell) = ConfigCell::of(this)
        && let Value::Array(links) = cell.config.borrow().get("links")
    {
        links.items.borrow_mut().push(args.at(0));
    }
    Ok(Value::Nil)
}

/// Environments and lists add up; a newer source of the image displaces the older ones.
fn merge_docker(older: &Config, newer: &Config, result: &mut Config) {
    if let (Value::Hash(older), Value::Hash(newer)) = (older.get("env"), newer.get("env")) {
        result.put("env", Value::Hash(merged(&older, &newer)));
    }
    for name in ["expose", "links"] {
        let mut list = Vec::new();
        for side in [older, newer] {
            if let Value::Array(items) = side.get(name) {
                list.extend(items.to_vec());
            }
        }
        result.put(name, Value::array(list));
    }
    let sources = ["build_dir", "git_repo", "image"];
    let set: Vec<&str> = sources.into_iter().filter(|name| newer.is_set(name)).collect();
    if let [chosen] = set.as_slice() {
        for other in sources.into_iter().filter(|name| name != chosen) {
            result.put(other, Value::Nil);
        }
    }
}

static HYPERV: Section = Section {
    class: "VagrantPlugins::HyperV::Config",
    title: "Hyper-V",
    settings: &[
        with("auto_start_action", "\"Nothing\""),
        with("auto_stop_action", "\"ShutDown\""),
        plain("cpus"),
        with("enable_automatic_checkpoints", "false"),
        with("enable_checkpoints", "true"),
        with("enable_enhanced_session_mode", "false"),
        with("enable_virtualization_extensions", "false"),
        with("ip_address_timeout", "120"),
        plain("linked_clone"),
        plain("differencing_disk"),
        plain("mac"),
        plain("maxmemory"),
        plain("memory"),
        starting("vm_integration_services", "{}"),
        plain("vlan_id"),
        plain("vmname"),
    ],
    methods: &[("differencing_disk=", differencing_disk, Arity::exactly(1))],
    finalize: Some(finish_hyperv),
    validate: Some(check::hyperv),
    ..EMPTY
};

/// The old name of `linked_clone`; its use is remembered.
fn differencing_disk(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if let Some(cell) = ConfigCell::of(this) {
        let mut config = cell.config.borrow_mut();
        config.put("_differencing_disk_deprecation", Value::Bool(true));
        config.put("differencing_disk", args.at(0));
    }
    Ok(args.at(0))
}

fn finish_hyperv(_: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    for (name, other) in [("linked_clone", "differencing_disk"), ("differencing_disk", "linked_clone")] {
        if config.get(name).is_nil() {
            let value = match config.get(other) {
                Value::Nil => Value::Bool(false),
                known => known,
            };
            config.put(name, value);
        }
    }
    // What is done by itself has to be possible.
    if config.get("enable_automatic_checkpoints").truthy() {
        config.put("enable_checkpoints", Value::Bool(true));
    }
    Ok(())
}
