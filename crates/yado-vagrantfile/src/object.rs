//! What all configuration objects have in common, whichever of the three sorts they are: tables of ours, stand-ins
//! for what is not installed, and classes that a Vagrantfile defines itself.

use std::rc::Rc;

use yado_ruby::{Args, ClassRef, Eval, Interpreter, Symbol, Value};

use crate::config::{ConfigCell, Extra, set_options};
use crate::dummy::DummyCell;
use crate::session::Session;

/// Where an object of a Vagrantfile's own class notes settings that do not exist.
const INVALID: &str = "__invalid_methods";

/// Gives the base class its methods.
pub(crate) fn define_base(interpreter: &mut Interpreter, class: &ClassRef, session: &Rc<Session>) {
    interpreter.set_constant(Some(class), "UNSET_VALUE", Session::unset());
    let shared = Rc::clone(session);
    interpreter.define_method(class, "method_missing", move |interpreter, this, mut args| {
        args.fold_keywords();
        match ConfigCell::of(this) {
            Some(cell) => cell.missing(interpreter, this, &args),
            None => own_missing(interpreter, &shared, this, &args),
        }
    });
    interpreter.define_method(class, "respond_to_missing?", |_, this, args| {
        let name = args.get(0).and_then(Value::text_or_symbol).unwrap_or_default();
        let known = ConfigCell::of(this).is_some_and(|cell| {
            let section = cell.config.borrow().section;
            section.find(name.strip_suffix('=').unwrap_or(&name)).is_some()
        });
        Ok(Value::Bool(known))
    });
    interpreter.define_method(class, "set_options", |interpreter, this, mut args| {
        args.fold_keywords();
        set_options(interpreter, this, &args.at(0))?;
        Ok(Value::Nil)
    });
    let shared = Rc::clone(session);
    interpreter.define_method(class, "merge", move |interpreter, this, args| {
        let newer = args.at(0);
        if ConfigCell::of(this).is_some() {
            return merge(interpreter, &shared, this, &newer);
        }
        merge_variables(interpreter, this, &newer)
    });
    define_variables(interpreter, class);
    for quiet in ["finalize!", "_finalize!"] {
        interpreter.define_method(class, quiet, |_, _, _| Ok(Value::Nil));
    }
    interpreter.define_method(class, "_detected_errors", |interpreter, this, _| {
        let mut names = invalid_of(interpreter, this);
        names.sort();
        let list = if names.is_empty() {
            Vec::new()
        } else {
            vec![Value::str(format!("The following settings shouldn't exist: {}", names.join(", ")))]
        };
        Ok(Value::array(list))
    });
    interpreter.define_method(class, "validate", |interpreter, this, _| {
        let class = interpreter.class_of(this);
        let title = interpreter.class_name(&class);
        let found = interpreter.send(this, "_detected_errors", Args::none())?;
        Ok(Value::hash([(Value::str(title), found)]))
    });
}

/// Vagrant keeps a setting in the instance variable of its name, and some Vagrantfiles set it there.
fn define_variables(interpreter: &mut Interpreter, class: &ClassRef) {
    let setting = |this: &Value, name: &Value| {
        let name = name.text_or_symbol()?.strip_prefix('@')?.to_owned();
        ConfigCell::of(this)?.config.borrow().section.find(&name).is_some().then_some(name)
    };
    interpreter.define_method(class, "instance_variable_set", move |interpreter, this, args| {
        if args.len() != 2 {
            return interpreter.wrong_arguments(args.len(), "2");
        }
        match setting(this, &args.at(0)) {
            Some(name) => interpreter.send(this, &format!("{name}="), Args::one(args.at(1)))?,
            None => {
                let name = interpreter.to_s(&args.at(0))?;
                interpreter.set_instance_variable(this, Symbol::new(&name), args.at(1))?;
                Value::Nil
            }
        };
        Ok(args.at(1))
    });
    interpreter.define_method(class, "instance_variable_get", move |interpreter, this, args| {
        if args.len() != 1 {
            return interpreter.wrong_arguments(args.len(), "1");
        }
        match setting(this, &args.at(0)) {
            Some(name) => interpreter.send(this, &name, Args::none()),
            None => {
                let name = interpreter.to_s(&args.at(0))?;
                Ok(interpreter.instance_variable(this, Symbol::new(&name)))
            }
        }
    });
}

/// Gives stand-ins their methods.
pub(crate) fn define_dummy(interpreter: &mut Interpreter, class: &ClassRef) {
    interpreter.define_method(class, "method_missing", |interpreter, this, args| match DummyCell::of(this) {
        Some(cell) => cell.missing(interpreter, this, args),
        None => Ok(Value::Nil),
    });
    interpreter.define_method(class, "set_options", |_, _, _| Ok(Value::Nil));
    interpreter.define_method(class, "merge", |_, _, args| Ok(args.at(0)));
}

/// A setting that a class of the Vagrantfile's own does not have.
fn own_missing(interpreter: &mut Interpreter, session: &Rc<Session>, this: &Value, args: &Args) -> Eval {
    let name = args.get(0).and_then(Value::text_or_symbol).unwrap_or_default();
    let bare = name.strip_suffix('=').unwrap_or(&name).to_owned();
    let variable = Symbol::new(INVALID);
    let mut known = invalid_of(interpreter, this);
    if !known.contains(&bare) {
        known.push(bare);
    }
    let list = known.into_iter().map(Value::str).collect();
    interpreter.set_instance_variable(this, variable, Value::array(list))?;
    Ok(session.dummy(interpreter))
}

/// The settings that were used on an object of a Vagrantfile's own class but do not exist.
pub(crate) fn invalid_of(interpreter: &Interpreter, object: &Value) -> Vec<String> {
    match interpreter.instance_variable(object, Symbol::new(INVALID)) {
        Value::Array(list) => list.to_vec().iter().filter_map(Value::as_text).collect(),
        _ => Vec::new(),
    }
}

/// Merging for classes of a Vagrantfile's own: set variables of the newer object win.
fn merge_variables(interpreter: &mut Interpreter, older: &Value, newer: &Value) -> Eval {
    let result = interpreter.send(older, "dup", Args::none())?;
    for name in interpreter.instance_variable_names(newer) {
        let value = interpreter.instance_variable(newer, name);
        if !name.as_str().starts_with("@__") && !value.same(&Session::unset()) {
            interpreter.set_instance_variable(&result, name, value)?;
        }
    }
    let mut invalid = invalid_of(interpreter, older);
    for name in invalid_of(interpreter, newer) {
        if !invalid.contains(&name) {
            invalid.push(name);
        }
    }
    if !invalid.is_empty() {
        let list = invalid.into_iter().map(Value::str).collect();
        interpreter.set_instance_variable(&result, Symbol::new(INVALID), Value::array(list))?;
    }
    Ok(result)
}

/// What two objects of one section say together; the newer one wins.
pub(crate) fn merge(
    interpreter: &mut Interpreter,
    session: &Rc<Session>,
    older: &Value,
    newer: &Value,
) -> Eval {
    if let (Some(older), Some(after)) = (DummyCell::of(older), DummyCell::of(newer)) {
        if !Rc::ptr_eq(&older, &after) {
            after.prepend(&older);
        }
        return Ok(newer.clone());
    }
    if let (Some(older), Some(newer)) = (ConfigCell::of(older), ConfigCell::of(newer)) {
        let config = older.config.borrow().merged(&newer.config.borrow());
        let result = session.wrap(interpreter, config);
        if let Some(cell) = ConfigCell::of(&result) {
            let extra = merge_extra(interpreter, session, &older, &newer)?;
            *cell.extra.borrow_mut() = extra;
        }
        return Ok(result);
    }
    if matches!(older, Value::Object(_)) && ConfigCell::of(older).is_none() && DummyCell::of(older).is_none()
    {
        return interpreter.send(older, "merge", Args::one(newer.clone()));
    }
    Ok(newer.clone())
}

fn merge_extra(
    interpreter: &mut Interpreter,
    session: &Rc<Session>,
    older: &ConfigCell,
    newer: &ConfigCell,
) -> Eval<Extra> {
    Ok(match (&*older.extra.borrow(), &*newer.extra.borrow()) {
        (Extra::Vm(older), Extra::Vm(newer)) => {
            Extra::Vm(Box::new(older.merged(interpreter, session, newer)?))
        }
        (Extra::Triggers(older), Extra::Triggers(newer)) => Extra::Triggers(older.merged(newer)),
        (Extra::Pushes(older), Extra::Pushes(newer)) => Extra::Pushes(older.merged(newer)),
        _ => Extra::None,
    })
}

/// A copy that can be completed without touching the original.
pub(crate) fn copy(interpreter: &mut Interpreter, session: &Rc<Session>, object: &Value) -> Eval {
    if DummyCell::of(object).is_some() {
        return Ok(object.clone());
    }
    if let Some(cell) = ConfigCell::of(object) {
        let result = session.wrap(interpreter, cell.config.borrow().copy());
        if let Some(copied) = ConfigCell::of(&result) {
            *copied.extra.borrow_mut() = match &*cell.extra.borrow() {
                Extra::None => Extra::None,
                Extra::Vm(vm) => Extra::Vm(Box::new(vm.copy(interpreter, session)?)),
                Extra::Triggers(triggers) => Extra::Triggers(triggers.clone()),
                Extra::Pushes(pushes) => Extra::Pushes(pushes.clone()),
            };
        }
        return Ok(result);
    }
    interpreter.send(object, "dup", Args::none())
}

/// Completes an object.
pub(crate) fn finalize(interpreter: &mut Interpreter, session: &Rc<Session>, object: &Value) -> Eval<()> {
    if DummyCell::of(object).is_some() {
        return Ok(());
    }
    let Some(cell) = ConfigCell::of(object) else {
        interpreter.send(object, "finalize!", Args::none())?;
        return Ok(());
    };
    if cell.config.borrow().finalized {
        return Ok(());
    }
    if !cell.config.borrow_mut().finalize_alone() {
        // The values are taken out while they are worked on: Ruby code that runs meanwhile may look at the object.
        let mut config = cell.config.borrow().copy();
        config.finalize(interpreter, session)?;
        *cell.config.borrow_mut() = config;
    }
    match config_class(&cell) {
        crate::vm::CLASS => crate::vm::finalize(interpreter, session, &cell),
        crate::trigger::CLASS => crate::trigger::finalize(interpreter, session, &cell),
        crate::push::CLASS => crate::push::finalize(interpreter, session, &cell),
        _ => Ok(()),
    }
}

fn config_class(cell: &ConfigCell) -> &'static str {
    cell.config.borrow().section.class
}
