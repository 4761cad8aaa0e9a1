//! Module's methods that define, rename and hide methods.

use std::rc::Rc;

use super::module::own;
use super::object::body_of;
use crate::args::Args;
use crate::class::ClassRef;
use crate::interpreter::Interpreter;
use crate::procs::{Method, MethodBody, Visibility};
use crate::symbol::{Symbol, names};
use crate::value::{Eval, Value};

fn default_visibility(interpreter: &Interpreter, class: &ClassRef) -> Visibility {
    match interpreter.caller_context() {
        Some(context) if matches!(&context.frame.self_value, Value::Class(it) if Rc::ptr_eq(it, class)) => {
            context.frame.visibility.get()
        }
        _ => Visibility::Public,
    }
}

fn attributes(interpreter: &mut Interpreter, this: &Value, args: &Args, read: bool, write: bool) -> Eval {
    let class = own(interpreter, this)?;
    interpreter.check_frozen(this)?;
    let visibility = default_visibility(interpreter, &class);
    let mut defined = Vec::new();
    for value in &args.positional {
        let name = interpreter.expect_name(value)?;
        let valid = name.as_str().starts_with(|first: char| first.is_alphabetic() || first == '_');
        if !valid {
            return interpreter.raise("NameError", format!("invalid attribute name `{name}'"));
        }
        let variable = Symbol::new(&format!("@{name}"));
        if read {
            interpreter.add_method(&class, name, visibility, MethodBody::Reader(variable));
            defined.push(Value::Sym(name));
        }
        if write {
            let setter = Symbol::new(&format!("{name}="));
            interpreter.add_method(&class, setter, visibility, MethodBody::Writer(variable));
            defined.push(Value::Sym(setter));
        }
    }
    Ok(Value::array(defined))
}

pub(super) fn attr_accessor(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    attributes(interpreter, this, &args, true, true)
}

pub(super) fn attr_reader(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    attributes(interpreter, this, &args, true, false)
}

pub(super) fn attr_writer(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    attributes(interpreter, this, &args, false, true)
}

pub(super) fn define_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    interpreter.check_frozen(this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    let body = body_of(interpreter, &args)?;
    let visibility = default_visibility(interpreter, &class);
    interpreter.add_method(&class, name, visibility, body);
    interpreter.call_method(this, names::METHOD_ADDED, Args::one(Value::Sym(name)))?;
    Ok(Value::Sym(name))
}

impl Interpreter {
    /// Gives a method of a class another name.
    pub fn alias_method(&mut self, class: &ClassRef, new: Symbol, old: Symbol) -> Eval<()> {
        let found = self.find_in_module(class, old);
        let Some(method) = found else { return self.undefined_method(class, old) };
        // The alias runs as a method of the original's owner, so `super` goes on from there.
        let copy = Method {
            name: method.name,
            owner: method.owner.clone(),
            visibility: method.visibility,
            body: method.body.clone(),
        };
        self.put_method(class, new, Rc::new(copy));
        Ok(())
    }

    /// A method as seen from inside a class or module: a module's methods may also be Object's.
    pub(crate) fn find_in_module(&self, class: &ClassRef, name: Symbol) -> Option<Rc<Method>> {
        self.find_method(class, name).or_else(|| {
            if class.is_module { self.find_method(&self.core.object.clone(), name) } else { None }
        })
    }

    /// Raises what Ruby raises when a class lacks a method that is to be changed.
    pub(crate) fn undefined_method<T>(&mut self, class: &ClassRef, name: Symbol) -> Eval<T> {
        let kind = if class.is_module { "module" } else { "class" };
        let shown = self.class_name(class);
        self.raise("NameError", format!("undefined method `{name}' for {kind} `{shown}'"))
    }

    /// Removes a method from a class and its ancestors' answers (`undef`).
    pub fn undefine_method(&mut self, class: &ClassRef, name: Symbol) -> Eval<()> {
        if self.find_in_module(class, name).is_none() {
            return self.undefined_method(class, name);
        }
        self.add_method(class, name, Visibility::Public, MethodBody::Undefined);
        Ok(())
    }

    fn set_visibility(&mut self, class: &ClassRef, name: Symbol, visibility: Visibility) -> Eval<()> {
        let Some(method) = self.find_in_module(class, name) else {
            return self.undefined_method(class, name);
        };
        if method.visibility == visibility {
            return Ok(());
        }
        let owner = method.owner.clone();
        let copy = Method { name: method.name, owner, visibility, body: method.body.clone() };
        self.put_method(class, name, Rc::new(copy));
        Ok(())
    }
}

pub(super) fn alias_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    interpreter.check_frozen(this)?;
    let new = interpreter.expect_name(&args.at(0))?;
    let old = interpreter.expect_name(&args.at(1))?;
    interpreter.alias_method(&class, new, old)?;
    Ok(Value::Sym(new))
}

pub(super) fn remove_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    for value in &args.positional {
        let name = interpreter.expect_name(value)?;
        if class.methods.borrow_mut().shift_remove(&name).is_none() {
            let shown = interpreter.class_name(&class);
            return interpreter.raise("NameError", format!("method `{name}' not defined in {shown}"));
        }
        interpreter.hierarchy_changed();
    }
    Ok(this.clone())
}

pub(super) fn undef_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    for value in &args.positional {
        let name = interpreter.expect_name(value)?;
        interpreter.undefine_method(&class, name)?;
    }
    Ok(this.clone())
}

/// Method names given one by one or as an array.
pub(super) fn flat_names(interpreter: &mut Interpreter, args: &Args) -> Eval<Vec<Symbol>> {
    let mut found = Vec::new();
    for value in &args.positional {
        match value {
            Value::Array(array) => {
                for item in array.to_vec() {
                    found.push(interpreter.expect_name(&item)?);
                }
            }
            other => found.push(interpreter.expect_name(other)?),
        }
    }
    Ok(found)
}

fn change_visibility(
    interpreter: &mut Interpreter,
    this: &Value,
    args: &Args,
    visibility: Visibility,
) -> Eval {
    let class = match this {
        Value::Class(class) => class.clone(),
        _ => interpreter.core.object.clone(),
    };
    if args.is_empty() {
        if let Some(context) = interpreter.caller_context() {
            context.frame.visibility.set(visibility);
            context.frame.module_function.set(false);
        }
        return Ok(Value::Nil);
    }
    for name in flat_names(interpreter, args)? {
        interpreter.set_visibility(&class, name, visibility)?;
    }
    Ok(if args.len() == 1 { args.at(0) } else { Value::array(args.positional.clone()) })
}

pub(super) fn public(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    change_visibility(interpreter, this, &args, Visibility::Public)
}

pub(super) fn private(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    change_visibility(interpreter, this, &args, Visibility::Private)
}

pub(super) fn protected(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    change_visibility(interpreter, this, &args, Visibility::Protected)
}

pub(super) fn module_function(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    if args.is_empty() {
        if let Some(context) = interpreter.caller_context() {
            context.frame.module_function.set(true);
        }
        return Ok(Value::Nil);
    }
    for name in flat_names(interpreter, &args)? {
        let Some(method) = interpreter.find_in_module(&class, name) else {
            return interpreter.undefined_method(&class, name);
        };
        let singleton = interpreter.singleton_of_class(&class);
        interpreter.add_method(&singleton, name, Visibility::Public, method.body.clone());
        interpreter.set_visibility(&class, name, Visibility::Private)?;
    }
    Ok(Value::Nil)
}

pub(super) fn private_class_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let singleton = interpreter.singleton_of_class(&class);
    for name in flat_names(interpreter, &args)? {
        interpreter.set_visibility(&singleton, name, Visibility::Private)?;
    }
    Ok(Value::Nil)
}

pub(super) fn public_class_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let singleton = interpreter.singleton_of_class(&class);
    for name in flat_names(interpreter, &args)? {
        interpreter.set_visibility(&singleton, name, Visibility::Public)?;
    }
    Ok(Value::Nil)
}
