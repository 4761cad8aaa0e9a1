//! `config.vm.disk TYPE, options` and `config.vm.cloud_init TYPE, options`.

use yado_core::spec::Origin;
use yado_ruby::{Args, Eval, HashRef, Interpreter, RHash, Value};

use super::{cell_of, with_vm};
use crate::config::origin;
use crate::hash::{option, put, take_options, text};

/// A disk, or a part of the user data of cloud-init.
#[derive(Clone)]
pub(crate) struct Disk {
    /// Its options, with defaults.
    pub(crate) options: HashRef,
    /// Whether Vagrant 2.3.4 would have taken it: there it needs an experimental flag.
    pub(crate) flagged: bool,
    /// Options that do not exist.
    pub(crate) invalid: Vec<String>,
    /// Where it was asked for.
    pub(crate) origin: Option<Origin>,
}

/// The options of a disk.
const DISK: &[&str] = &["disk_ext", "file", "name", "primary", "size"];
/// The options of a part of the user data.
const CLOUD_INIT: &[&str] = &["content_disposition_filename", "content_type", "id", "inline", "path"];

/// Whether an experimental feature is switched on by the environment as the Vagrantfile sees it.
pub(crate) fn experimental(interpreter: &mut Interpreter, feature: &str) -> bool {
    let environment = interpreter.constant_named("ENV");
    let Some(environment) = environment else { return false };
    let value = interpreter.send(&environment, "[]", Args::one(Value::str("VAGRANT_EXPERIMENTAL")));
    let text = value.ok().and_then(|value| value.as_text()).unwrap_or_default().to_lowercase();
    text.split(',').any(|word| word == "1" || word.trim() == feature)
}

/// An object whose attributes are the entries of a hash.
pub(super) fn fields(interpreter: &mut Interpreter, entries: &HashRef) -> Value {
    let class = interpreter.define_class("Yado::Fields", None);
    let defined = interpreter.find_method(&class, yado_ruby::Symbol::new("method_missing"));
    if defined.is_none_or(|it| it.owner.name.borrow().as_deref() != Some("Yado::Fields")) {
        interpreter.define_method(&class, "method_missing", |_, this, args| {
            let name = args.get(0).and_then(Value::text_or_symbol).unwrap_or_default();
            let Some(fields) = this.data::<HashRef>().map(|fields| fields.clone()) else {
                return Ok(Value::Nil);
            };
            if let Some(name) = name.strip_suffix('=') {
                put(&fields, name, args.at(1));
            }
            Ok(fields.get_symbol(&name).unwrap_or(Value::Nil))
        });
    }
    interpreter.new_object(&class, Some(Box::new(entries.clone())))
}

/// `config.vm.disk`
pub(super) fn disk(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let origin = origin(interpreter);
    // A block is not run; a type that is no symbol is kept, and complained about later.
    let mut args = args;
    let given = take_options(&mut args);
    let options = RHash::new();
    put(&options, "type", args.get(0).cloned().unwrap_or_else(|| Value::sym("disk")));
    let provider_config = RHash::new();
    let mut invalid = Vec::new();
    for (key, value) in given.to_vec() {
        let name = interpreter.to_s(&key)?;
        match name.split_once("__") {
            Some((provider, setting)) => {
                // The last setting of a provider displaces the others, as in Vagrant.
                let held = RHash::new();
                put(&held, setting, value);
                put(&provider_config, provider, Value::Hash(held));
            }
            None if DISK.contains(&name.as_str()) => put(&options, &name, value),
            None if matches!(value, Value::Hash(_)) => put(&provider_config, &name, value),
            None => invalid.push(name),
        }
    }
    put(&options, "provider_config", Value::Hash(provider_config));
    let primary = option(&options, "primary").is_some_and(|primary| primary.truthy());
    if !primary {
        put(&options, "primary", Value::Bool(false));
    }
    if primary && text(&options, "name").is_none() {
        put(&options, "name", Value::str("vagrant_primary"));
    }
    if let Some(name) = text(&options, "name") {
        let usable = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        let name: String = name.chars().map(|letter| if usable(letter) { letter } else { '_' }).collect();
        put(&options, "name", Value::str(name));
    }
    let flagged = experimental(interpreter, "disks");
    with_vm(&cell, |vm| vm.disks.push(Disk { options, flagged, invalid, origin }));
    Ok(Value::Nil)
}

/// `config.vm.cloud_init`
pub(super) fn cloud_init(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let origin = origin(interpreter);
    let mut args = args;
    let block = args.block.take();
    let options = take_options(&mut args);
    let kind = args.at(0).text_or_symbol().unwrap_or_else(|| "user_data".to_owned());
    if let Some(block) = block {
        let fields = fields(interpreter, &options);
        interpreter.call_proc(&block, Args::one(fields))?;
    }
    let mut invalid = Vec::new();
    for (key, _) in options.to_vec() {
        let name = interpreter.to_s(&key)?;
        if !CLOUD_INIT.contains(&name.as_str()) {
            options.remove(&key);
            invalid.push(name);
        }
    }
    put(&options, "type", Value::sym(&kind));
    let flagged = experimental(interpreter, "cloud_init");
    with_vm(&cell, |vm| vm.cloud_init.push(Disk { options, flagged, invalid, origin }));
    Ok(Value::Nil)
}
