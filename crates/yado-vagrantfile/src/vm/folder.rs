//! `config.vm.synced_folder HOST, GUEST, options`.

use indexmap::IndexMap;
use yado_core::spec::Origin;
use yado_ruby::{Args, Eval, HashRef, Interpreter, RHash, Value};

use super::{Vm, cell_of, with_vm};
use crate::config::origin;
use crate::hash::{copied, merged as merged_options, option, put, take, take_options, text};

impl Folder {
    /// The path on the host, which may have been given as an object.
    pub(crate) fn host_path(&self, interpreter: &mut Interpreter) -> String {
        let path = self.options.get_symbol("hostpath").unwrap_or(Value::Nil);
        interpreter.to_s(&path).unwrap_or_default()
    }
}

/// One synced folder.
#[derive(Clone)]
pub(crate) struct Folder {
    /// Its options, host and guest path among them.
    pub(crate) options: HashRef,
    /// Where it was asked for; `None` for the implicit one.
    pub(crate) origin: Option<Origin>,
}

/// `config.vm.synced_folder`
pub(super) fn synced_folder(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let options = take_options(&mut args);
    while matches!(args.positional.last(), Some(Value::Nil)) && args.len() > 2 {
        args.positional.pop();
    }
    if args.len() != 2 {
        return interpreter.wrong_arguments(args.len(), "2..3");
    }
    let host = args.at(0);
    let guest = interpreter.to_s(&args.at(1))?;
    let name = match take(&options, "name").filter(|name| !name.is_nil()) {
        Some(name) => interpreter.to_s(&name)?,
        None => guest.clone(),
    };
    let path = match args.at(1) {
        Value::Nil => Value::Nil,
        _ => Value::str(guest.strip_suffix('/').unwrap_or(&guest)),
    };
    put(&options, "guestpath", path);
    put(&options, "hostpath", host);
    if option(&options, "disabled").is_none() {
        put(&options, "disabled", Value::Bool(false));
    }
    let origin = origin(interpreter);
    with_vm(&cell, |vm| {
        // Looked up by the guest path without its last slash, kept under the name as it was given.
        let older = vm.folders.get(guest.strip_suffix('/').unwrap_or(&guest));
        let options = older.map_or(options.clone(), |older| merged_options(&older.options, &options));
        vm.folders.insert(name, Folder { options, origin });
    });
    Ok(Value::Nil)
}

/// `config.vm.synced_folders`: options by name.
pub(super) fn synced_folders(interpreter: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let entries: Option<Vec<_>> = with_vm(&cell, |vm| {
        vm.folders
            .iter()
            .map(|(name, folder)| (Value::str(name.as_str()), Value::Hash(folder.options.clone())))
            .collect()
    });
    Ok(Value::hash(entries.unwrap_or_default()))
}

/// Both lists; options of the same folder are laid over each other.
pub(super) fn merged(
    older: &IndexMap<String, Folder>,
    newer: &IndexMap<String, Folder>,
) -> IndexMap<String, Folder> {
    let mut result = older.clone();
    for (name, folder) in newer {
        let options = match result.get(name) {
            Some(known) => merged_options(&known.options, &folder.options),
            None => folder.options.clone(),
        };
        result.insert(name.clone(), Folder { options, origin: folder.origin.clone() });
    }
    result
}

/// Adds the project folder, unless it is shared already, and brings types into one form.
pub(super) fn finish(vm: &mut Vm) {
    let shared = vm.folders.values().any(|folder| text(&folder.options, "hostpath").as_deref() == Some("."));
    if !shared && !vm.folders.contains_key("/vagrant") {
        let options = RHash::new();
        put(&options, "guestpath", Value::str("/vagrant"));
        put(&options, "hostpath", Value::str("."));
        put(&options, "disabled", Value::Bool(false));
        vm.folders.insert("/vagrant".to_owned(), Folder { options, origin: None });
    }
    for folder in vm.folders.values_mut() {
        let options = copied(&folder.options);
        if option(&options, "nfs").is_some_and(|nfs| nfs.truthy()) {
            take(&options, "nfs");
            put(&options, "type", Value::sym("nfs"));
        }
        if let Some(kind) = text(&options, "type") {
            put(&options, "type", Value::sym(&kind));
        }
        folder.options = options;
    }
}
