//! Making classes, modules and instances, and evaluating in them.

use std::rc::Rc;

use super::module::own;
use crate::args::Args;
use crate::class::{ClassRef, RClass};
use crate::hash::RHash;
use crate::interpreter::Interpreter;
use crate::object::{Meta, RObject};
use crate::symbol::names;
use crate::value::{Eval, RArray, RString, Value};

pub(super) fn class_eval(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    match &args.block {
        Some(block) => interpreter.call_proc_in_class(&block.clone(), &class, Args::one(this.clone())),
        None => {
            let source = interpreter.expect_string(&args.at(0))?;
            interpreter.eval_string_with_self(this, Some(class), &source, &args)
        }
    }
}

pub(super) fn class_exec(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let class = own(interpreter, this)?;
    match args.block.take() {
        Some(block) => interpreter.call_proc_in_class(&block, &class, args),
        None => interpreter.raise("LocalJumpError", "no block given (yield)"),
    }
}

pub(super) fn new_module(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let class = RClass::new(None, None, true);
    if let Some(block) = &args.block {
        interpreter.call_proc_in_class(block, &class, Args::one(Value::Class(class.clone())))?;
    }
    Ok(Value::Class(class))
}

pub(super) fn new_class(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let superclass = match args.get(0) {
        None => interpreter.core.object.clone(),
        Some(Value::Class(class)) if !class.is_module => class.clone(),
        Some(other) => return interpreter.bad_superclass(&other.clone()),
    };
    let class = RClass::new(None, Some(superclass.clone()), false);
    let value = Value::Class(class.clone());
    interpreter.call_method(&Value::Class(superclass), names::INHERITED, Args::one(value.clone()))?;
    if let Some(block) = &args.block {
        interpreter.call_proc_in_class(block, &class, Args::one(value.clone()))?;
    }
    Ok(value)
}

pub(super) fn superclass(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let superclass = class.superclass.borrow().clone();
    Ok(superclass.map_or(Value::Nil, Value::Class))
}

pub(super) fn new(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let made = allocate(interpreter, this, Args::none())?;
    interpreter.call_method(&made, names::INITIALIZE, args)?;
    Ok(made)
}

/// A new instance without `initialize`: for subclasses of built-in classes, one of the built-in kind.
pub(crate) fn allocate(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let meta = |base: &ClassRef| {
        let same = Rc::ptr_eq(base, &class);
        let meta = (!same)
            .then(|| Box::new(Meta { class: class.clone(), variables: crate::object::Variables::default() }));
        std::cell::RefCell::new(meta)
    };
    let core = &interpreter.core;
    if interpreter.descends(&class, &core.string) {
        return Ok(Value::Str(Rc::new(RString { meta: meta(&core.string), ..RString::default() })));
    }
    if interpreter.descends(&class, &core.array) {
        return Ok(Value::Array(Rc::new(RArray { meta: meta(&core.array), ..RArray::default() })));
    }
    if interpreter.descends(&class, &core.hash) {
        return Ok(Value::Hash(Rc::new(RHash { meta: meta(&core.hash), ..RHash::default() })));
    }
    let immediate =
        [&core.integer, &core.float, &core.symbol, &core.nil, &core.true_class, &core.false_class];
    if immediate.iter().any(|it| interpreter.descends(&class, it)) {
        let shown = interpreter.describe_receiver(this);
        return interpreter.raise("NoMethodError", format!("undefined method `new' for {shown}"));
    }
    if class.is_singleton() {
        return interpreter.raise("TypeError", "can't create instance of singleton class");
    }
    Ok(Value::Object(RObject::new(class)))
}
