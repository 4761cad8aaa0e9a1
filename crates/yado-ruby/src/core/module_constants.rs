//! Module's methods about constants and class variables.

use std::rc::Rc;

use super::module::own;
use super::module_methods::flat_names;
use super::object::expect_module;
use crate::args::Args;
use crate::class::Constant;
use crate::interpreter::Interpreter;
use crate::symbol::Symbol;
use crate::value::{Eval, Value};

pub(super) fn private_constant(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    for name in flat_names(interpreter, &args)? {
        class.private_constants.borrow_mut().push(name);
    }
    Ok(Value::Nil)
}

pub(super) fn const_get(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let path = interpreter.expect_name(&args.at(0))?;
    let mut value = this.clone();
    for segment in path.as_str().trim_start_matches("::").split("::") {
        let class = expect_module(interpreter, &value)?;
        if !segment.starts_with(char::is_uppercase) {
            return interpreter.raise("NameError", format!("wrong constant name {segment}"));
        }
        value = interpreter.constant_in(&class, Symbol::new(segment), true)?;
    }
    Ok(value)
}

pub(super) fn const_set(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    if !name.as_str().starts_with(char::is_uppercase) {
        return interpreter.raise("NameError", format!("wrong constant name {name}"));
    }
    interpreter.assign_constant(&class, name, args.at(1));
    Ok(args.at(1))
}

pub(super) fn const_defined(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let path = interpreter.expect_name(&args.at(0))?;
    let mut class = own(interpreter, this)?;
    for segment in path.as_str().trim_start_matches("::").split("::") {
        match interpreter.find_constant(&class, Symbol::new(segment), true)? {
            None => return Ok(Value::Bool(false)),
            Some(Value::Class(inner)) => class = inner,
            Some(_) => {}
        }
    }
    Ok(Value::Bool(true))
}

pub(super) fn const_missing(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_name(&args.at(0))?;
    let class = own(interpreter, this)?;
    interpreter.uninitialized_constant(&class, name)
}

pub(super) fn constants(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let mut found: Vec<Symbol> = Vec::new();
    let all = args.get(0).is_none_or(Value::truthy);
    for ancestor in interpreter.ancestors(&class).iter() {
        let stop = Rc::ptr_eq(ancestor, &interpreter.core.object) && !Rc::ptr_eq(ancestor, &class);
        if stop || (!all && !Rc::ptr_eq(ancestor, &class)) {
            break;
        }
        for name in ancestor.constants.borrow().keys() {
            if !found.contains(name) && !ancestor.private_constants.borrow().contains(name) {
                found.push(*name);
            }
        }
    }
    Ok(Value::array(found.into_iter().map(Value::Sym).collect()))
}

pub(super) fn remove_const(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    let removed = class.constants.borrow_mut().shift_remove(&name);
    match removed {
        Some(Constant::Value(value)) => Ok(value),
        Some(Constant::Autoload(_)) => Ok(Value::Nil),
        None => {
            let path = class.path_of(name.as_str());
            interpreter.raise("NameError", format!("constant {path} not defined"))
        }
    }
}

pub(super) fn class_variable_get(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    interpreter.class_variable(&class, name)
}

pub(super) fn class_variable_set(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    interpreter.set_class_variable(&class, name, args.at(1));
    Ok(args.at(1))
}

pub(super) fn class_variable_defined(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    Ok(Value::Bool(interpreter.class_variable_owner(&class, name).is_some()))
}

pub(super) fn class_variables(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let mut found = Vec::new();
    for ancestor in interpreter.ancestors(&class).iter() {
        found.extend(ancestor.class_variables.borrow().keys().copied().map(Value::Sym));
    }
    Ok(Value::array(found))
}

pub(super) fn autoload(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    let path = interpreter.expect_string(&args.at(1))?;
    if class.constant(name).is_none() {
        class.constants.borrow_mut().insert(name, Constant::Autoload(path));
    }
    Ok(Value::Nil)
}
