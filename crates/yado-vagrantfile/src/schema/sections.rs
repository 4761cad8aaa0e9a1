//! The sections besides `config.vm`, `config.ssh` and its kin: small ones mostly.

use std::rc::Rc;

use yado_ruby::{Args, Eval, HashRef, Interpreter, RHash, Value};

use super::ssh::{SSH, WINRM, WINSSH};
use super::{EMPTY, Section, plain, starting, with};
use crate::config::Config;
use crate::hash::{merged, put};
use crate::session::Session;
use crate::validate::Report;

/// The section of this name.
pub(crate) fn find(name: &str) -> Option<&'static Section> {
    Some(match name {
        "vm" => &crate::vm::VM,
        "ssh" => &SSH,
        "winrm" => &WINRM,
        "winssh" => &WINSSH,
        "vagrant" => &VAGRANT,
        "trigger" => &crate::trigger::TRIGGERS,
        "push" => &crate::push::PUSHES,
        "nfs" => &NFS,
        "smb" => &SMB,
        "package" => &PACKAGE,
        "rdp" => &RDP,
        "windows" => &WINDOWS,
        "smartos" => &SMARTOS,
        "solaris" => &SOLARIS,
        "solaris11" => &SOLARIS11,
        _ => return None,
    })
}

/// Names of all sections that `config` has, for hints.
pub(crate) const NAMES: &[&str] = &[
    "vm",
    "ssh",
    "winrm",
    "winssh",
    "vagrant",
    "trigger",
    "push",
    "nfs",
    "smb",
    "package",
    "rdp",
    "windows",
    "smartos",
    "solaris",
    "solaris11",
];

static NFS: Section = Section {
    class: "VagrantPlugins::SyncedFolderNFS::Config",
    title: "NFS",
    settings: &[
        with("functional", "true"),
        with("map_uid", "\"auto\""),
        with("map_gid", "\"auto\""),
        with("verify_installed", "true"),
    ],
    ..EMPTY
};

static SMB: Section = Section {
    class: "VagrantPlugins::SyncedFolderSMB::Config",
    title: "SMB",
    settings: &[with("functional", "true")],
    ..EMPTY
};

static PACKAGE: Section = Section {
    class: "VagrantPlugins::Kernel_V2::PackageConfig",
    title: "Package",
    settings: &[plain("name")],
    ..EMPTY
};

static RDP: Section = Section {
    class: "VagrantPlugins::CommandRDP::Config",
    title: "RDP",
    settings: &[with("port", "3389"), with("search_port", "3389"), plain("username")],
    ..EMPTY
};

static WINDOWS: Section = Section {
    class: "VagrantPlugins::GuestWindows::Config",
    title: "Windows Guest",
    settings: &[with("set_work_network", "false")],
    ..EMPTY
};

static SMARTOS: Section = Section {
    class: "VagrantPlugins::GuestSmartos::Config",
    title: "VagrantPlugins::GuestSmartos::Config",
    settings: &[with("device", "\"e1000g\""), with("suexec_cmd", "\"pfexec\"")],
    // Vagrant sets both whatever was asked for.
    finalize: Some(|_, _, config| {
        config.put("device", Value::str("e1000g"));
        config.put("suexec_cmd", Value::str("pfexec"));
        Ok(())
    }),
    ..EMPTY
};

static SOLARIS: Section = Section {
    class: "VagrantPlugins::GuestSolaris::Config",
    title: "VagrantPlugins::GuestSolaris::Config",
    settings: &[with("device", "\"e1000g\""), with("suexec_cmd", "\"sudo\"")],
    ..EMPTY
};

static SOLARIS11: Section = Section {
    class: "VagrantPlugins::GuestSolaris11::Config",
    title: "VagrantPlugins::GuestSolaris11::Config",
    settings: &[with("device", "\"net\""), with("suexec_cmd", "\"sudo\"")],
    ..EMPTY
};

static VAGRANT: Section = Section {
    class: "VagrantPlugins::Kernel_V2::VagrantConfig",
    title: "vagrant",
    settings: &[with("host", "\"detect\""), plain("sensitive"), starting("plugins", "{}")],
    merge: Some(merge_plugins),
    finalize: Some(finish_vagrant),
    validate: Some(check_vagrant),
    ..EMPTY
};

/// Plugins of both sides count.
fn merge_plugins(older: &Config, newer: &Config, result: &mut Config) {
    if let (Some(older), Some(newer)) = (plugins(&older.get("plugins")), plugins(&newer.get("plugins"))) {
        result.put("plugins", Value::Hash(merged(&older, &newer)));
    }
}

/// A list, a name or a hash of plugins as a hash of name to options; `None` for anything else.
fn plugins(value: &Value) -> Option<HashRef> {
    let result = RHash::new();
    let add = |name: &Value, options: Value| {
        if let Some(name) = name.text_or_symbol() {
            result.insert(Value::str(name), options);
        }
    };
    match value {
        Value::Hash(hash) => hash.to_vec().iter().for_each(|(name, options)| add(name, options.clone())),
        Value::Array(list) => list.to_vec().iter().for_each(|name| add(name, Value::hash([]))),
        Value::Str(_) | Value::Sym(_) => add(value, Value::hash([])),
        Value::Nil => {}
        _ => return None,
    }
    Some(result)
}

/// Plugins must be named in a form that can be understood.
fn check_vagrant(config: &Config, report: &mut Report<'_>) {
    let sensitive = config.get("sensitive");
    if sensitive.truthy() && !matches!(sensitive, Value::Array(_) | Value::Str(_)) {
        report.say(
            "Invalid type provided for `sensitive`. The sensitive option expects a string\nor an array of strings.",
            config.origin("sensitive"),
        );
    }
    let Value::Hash(named) = config.get("plugins") else {
        report.say("Invalid type provided for `plugins`.", config.origin("plugins"));
        return;
    };
    for (name, options) in named.to_vec() {
        let name = name.text_or_symbol().unwrap_or_default();
        let Value::Hash(options) = options else { continue };
        let strange: Vec<String> = options
            .to_vec()
            .iter()
            .filter_map(|(key, _)| key.text_or_symbol())
            .filter(|key| !["entry_point", "sources", "version"].contains(&key.as_str()))
            .collect();
        if !strange.is_empty() {
            let message = format!(
                "Invalid plugin configuration detected for `{name}` plugin.\n\n  Unknown keys: {}",
                strange.join(", ")
            );
            report.say(message, config.origin("plugins"));
        }
    }
}

fn finish_vagrant(interpreter: &mut Interpreter, _: &Rc<Session>, config: &mut Config) -> Eval<()> {
    let host = config.get("host");
    if let Value::Str(_) = host {
        config.put("host", interpreter.send(&host, "to_sym", Args::none())?);
    }
    let Some(named) = plugins(&config.get("plugins")) else { return Ok(()) };
    // Options of a plugin given as a version alone are written out.
    for (name, options) in named.to_vec() {
        if let Value::Str(version) = options {
            let full = RHash::new();
            put(&full, "version", Value::Str(version));
            named.insert(name, Value::Hash(full));
        }
    }
    config.put("plugins", Value::Hash(named));
    Ok(())
}
