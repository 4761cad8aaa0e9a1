//! `config.vm.define NAME, options do |m| … end`.

use std::rc::Rc;

use indexmap::IndexMap;
use yado_core::spec::Origin;
use yado_ruby::{Args, Eval, HashRef, Interpreter, RHash, Value};

use super::{cell_of, with_vm};
use crate::config::origin;
use crate::hash::{merged as merged_options, take, take_options};
use crate::session::Block;

/// A machine of the Vagrantfile.
#[derive(Clone)]
pub(crate) struct Machine {
    /// `primary:`, `autostart:` and whatever else was given.
    pub(crate) options: HashRef,
    /// Its blocks, in order.
    pub(crate) blocks: Vec<Block>,
    /// Where it was defined first.
    pub(crate) origin: Option<Origin>,
}

impl Default for Machine {
    fn default() -> Self {
        Self { options: RHash::new(), blocks: Vec::new(), origin: None }
    }
}

/// `config.vm.define`
pub(super) fn define(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let block = args.block.take();
    let options = take_options(&mut args);
    while matches!(args.positional.last(), Some(Value::Nil)) && args.len() > 1 {
        args.positional.pop();
    }
    if args.len() != 1 {
        return interpreter.wrong_arguments(args.len(), "1..2");
    }
    let Some(name) = args.at(0).text_or_symbol() else {
        let shown = interpreter.inspect(&args.at(0))?;
        return interpreter.raise("NoMethodError", format!("undefined method `to_sym' for {shown}"));
    };
    let version = match take(&options, "config_version") {
        Some(version) => interpreter.to_s(&version)?,
        None => "2".to_owned(),
    };
    let origin = origin(interpreter);
    with_vm(&cell, |vm| {
        let machines = Rc::make_mut(&mut vm.machines);
        let machine = machines.entry(name).or_insert_with(|| Machine { origin, ..Machine::default() });
        machine.options = merged_options(&machine.options, &options);
        machine.blocks.extend(block.map(|body| Block { version, body }));
    });
    Ok(Value::Nil)
}

/// `config.vm.defined_vms`: machines by name.
pub(super) fn defined_vms(interpreter: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let entries: Option<Vec<_>> = with_vm(&cell, |vm| {
        vm.machines
            .iter()
            .map(|(name, machine)| (Value::sym(name), Value::Hash(machine.options.clone())))
            .collect()
    });
    Ok(Value::hash(entries.unwrap_or_default()))
}

/// `config.vm.defined_vm_keys`: the names.
pub(super) fn defined_vm_keys(interpreter: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let names = with_vm(&cell, |vm| vm.machines.keys().map(|name| Value::sym(name)).collect());
    Ok(Value::array(names.unwrap_or_default()))
}

/// Both scopes: blocks and options of one name add up.
pub(super) fn merged(
    older: &Rc<IndexMap<String, Machine>>,
    newer: &Rc<IndexMap<String, Machine>>,
) -> Rc<IndexMap<String, Machine>> {
    if newer.is_empty() {
        return Rc::clone(older);
    }
    if older.is_empty() {
        return Rc::clone(newer);
    }
    let mut result = IndexMap::clone(older);
    for (name, machine) in newer.iter() {
        match result.get_mut(name) {
            Some(known) => {
                known.options = merged_options(&known.options, &machine.options);
                known.blocks.extend(machine.blocks.iter().cloned());
            }
            None => {
                result.insert(name.clone(), machine.clone());
            }
        }
    }
    Rc::new(result)
}
