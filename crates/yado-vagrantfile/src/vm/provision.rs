//! `config.vm.provision NAME_OR_TYPE, options do |p| … end`.

use std::cell::RefCell;
use std::rc::Rc;

use yado_core::spec::Origin;
use yado_ruby::{Args, Eval, HashRef, Interpreter, Proc, RHash, Value};

use super::{cell_of, with_vm};
use crate::config::{origin, set_options};
use crate::hash::{put, take, take_options};
use crate::object;
use crate::session::{Kind, Session};

/// One provisioner.
#[derive(Clone)]
pub(crate) struct Provisioner {
    /// What overriding goes by: its name, or a number of its own.
    pub(crate) id: String,
    /// Its name, when it was given one.
    pub(crate) name: Option<String>,
    /// Its type.
    pub(crate) kind: String,
    /// `run:`
    pub(crate) run: Option<String>,
    /// `preserve_order:`
    pub(crate) preserve_order: bool,
    /// `before:`
    pub(crate) before: Option<Value>,
    /// `after:`
    pub(crate) after: Option<Value>,
    /// `communicator_required:`
    pub(crate) communicator_required: bool,
    /// Whether that was neither true nor false.
    pub(crate) communicator_unclear: bool,
    /// Whether there is no such type.
    pub(crate) unknown: bool,
    /// Its settings.
    pub(crate) config: Option<Value>,
    /// Where it was asked for.
    pub(crate) origin: Option<Origin>,
}

impl Provisioner {
    /// A provisioner without settings.
    pub(crate) fn new(session: &Session, name: Option<String>, kind: String, origin: Option<Origin>) -> Self {
        let unknown = session.provisioner(&kind).is_none();
        let id = name.clone().unwrap_or_else(|| format!("#{}", session.number()));
        Self {
            id,
            name,
            kind,
            run: None,
            preserve_order: false,
            before: None,
            after: None,
            communicator_required: true,
            communicator_unclear: false,
            unknown,
            config: None,
            origin,
        }
    }
}

/// Lays the options and what the block sets over what a provisioner has.
pub(crate) fn add_settings(
    interpreter: &mut Interpreter,
    session: &Rc<Session>,
    provisioner: &Rc<RefCell<Provisioner>>,
    options: HashRef,
    block: Option<&Rc<Proc>>,
) -> Eval<()> {
    let kind = provisioner.borrow().kind.clone();
    let kind = session.provisioner(&kind).unwrap_or(Kind::Unknown);
    let mut config = session.make(interpreter, &kind)?;
    set_options(interpreter, &config, &Value::Hash(options))?;
    if let Some(block) = block {
        interpreter.call_proc(block, Args::one(config.clone()))?;
    }
    let older = provisioner.borrow().config.clone();
    if let Some(older) = older {
        config = object::merge(interpreter, session, &older, &config)?;
    }
    provisioner.borrow_mut().config = Some(config);
    Ok(())
}

/// A new provisioner from the arguments of a `provision` call, and the options that are its settings.
pub(crate) fn provisioner_of(
    interpreter: &mut Interpreter,
    session: &Session,
    first: &Value,
    options: &HashRef,
) -> Eval<Provisioner> {
    let first = interpreter.to_s(first)?;
    let (mut name, kind) = match take(options, "type") {
        Some(kind) => {
            // A type of nil is no type at all, and Vagrant falls over it.
            let kind = interpreter.send(&kind, "to_sym", Args::none())?;
            (Some(first), interpreter.to_s(&kind)?)
        }
        None => (None, first),
    };
    if let Some(id) = take(options, "id") {
        name = Some(interpreter.to_s(&id)?);
    }
    let mut made = Provisioner::new(session, name, kind, origin(interpreter));
    made.before = take(options, "before").filter(|value| !value.is_nil());
    made.after = take(options, "after").filter(|value| !value.is_nil());
    Ok(made)
}

/// `config.vm.provision`
pub(super) fn provision(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let block = args.block.take();
    let options = take_options(&mut args);
    if args.len() != 1 {
        return interpreter.wrong_arguments(args.len(), "1");
    }
    let made = provisioner_of(interpreter, &cell.session, &args.at(0), &options)?;
    let known = with_vm(&cell, |vm| {
        let same =
            |other: &&Rc<RefCell<Provisioner>>| made.name.is_some() && other.borrow().name == made.name;
        vm.provisioners.iter().find(same).cloned()
    })
    .flatten();
    let provisioner = known.unwrap_or_else(|| {
        let made = Rc::new(RefCell::new(made));
        with_vm(&cell, |vm| vm.provisioners.push(Rc::clone(&made)));
        made
    });
    if let Some(value) = take(&options, "preserve_order") {
        provisioner.borrow_mut().preserve_order = value.truthy();
    }
    if let Some(value) = take(&options, "run") {
        let run = if value.is_nil() { None } else { Some(interpreter.to_s(&value)?) };
        provisioner.borrow_mut().run = run;
    }
    if let Some(value) = take(&options, "communicator_required") {
        let mut provisioner = provisioner.borrow_mut();
        provisioner.communicator_required = value.truthy();
        provisioner.communicator_unclear = !matches!(value, Value::Bool(_));
    }
    add_settings(interpreter, &cell.session, &provisioner, options, block.as_ref())?;
    Ok(Value::Nil)
}

/// `config.vm.provisioners`: what was asked for so far, as objects that tell type, name, `run` and settings.
pub(super) fn provisioners(interpreter: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let cell = cell_of(interpreter, this)?;
    let list = with_vm(&cell, |vm| vm.provisioners.clone()).unwrap_or_default();
    let shown = list.iter().map(|one| {
        let one = one.borrow();
        let fields = RHash::new();
        put(&fields, "type", Value::sym(&one.kind));
        put(&fields, "name", one.name.as_deref().map_or(Value::Nil, Value::sym));
        put(&fields, "run", one.run.as_deref().map_or(Value::Nil, Value::str));
        put(&fields, "preserve_order", Value::Bool(one.preserve_order));
        put(&fields, "config", one.config.clone().unwrap_or(Value::Nil));
        super::disk::fields(interpreter, &fields)
    });
    Ok(Value::array(shown.collect()))
}

type List = Vec<Rc<RefCell<Provisioner>>>;

/// A copy whose settings can be completed without touching the original's.
fn copy(
    interpreter: &mut Interpreter,
    session: &Rc<Session>,
    one: &Rc<RefCell<Provisioner>>,
) -> Eval<Rc<RefCell<Provisioner>>> {
    let mut copied = one.borrow().clone();
    if let Some(config) = &copied.config {
        copied.config = Some(object::copy(interpreter, session, config)?);
    }
    Ok(Rc::new(RefCell::new(copied)))
}

/// The list of both scopes. One of the same name in the newer scope overrides: it takes the older one's settings as
/// its base and runs in its own place, or in the older one's with `preserve_order`.
pub(super) fn merged(
    interpreter: &mut Interpreter,
    session: &Rc<Session>,
    older: &List,
    newer: &List,
) -> Eval<List> {
    let mut rest: List = newer.clone();
    let mut result = Vec::with_capacity(older.len() + newer.len());
    for one in older {
        let position = rest.iter().position(|other| other.borrow().id == one.borrow().id);
        let Some(position) = position else {
            result.push(copy(interpreter, session, one)?);
            continue;
        };
        let other = Rc::clone(&rest[position]);
        let base = one.borrow().config.clone();
        let over = other.borrow().config.clone();
        if let (Some(base), Some(over)) = (base, over) {
            let config = object::merge(interpreter, session, &base, &over)?;
            other.borrow_mut().config = Some(config);
        }
        if other.borrow().run.is_none() {
            let run = one.borrow().run.clone();
            other.borrow_mut().run = run;
        }
        if other.borrow().preserve_order {
            rest.remove(position);
            result.push(copy(interpreter, session, &other)?);
        }
    }
    for one in &rest {
        result.push(copy(interpreter, session, one)?);
    }
    Ok(result)
}
