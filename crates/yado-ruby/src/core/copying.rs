//! `dup` and `clone`.

use std::rc::Rc;

use super::object::freeze;
use crate::args::{Args, copied};
use crate::class::{ClassRef, RClass};
use crate::interpreter::Interpreter;
use crate::object::{Meta, RObject};
use crate::procs::{Proc, ProcBody};
use crate::symbol::names;
use crate::value::{Eval, RArray, RString, Value};

pub(super) fn dup(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    copy(interpreter, this, false)
}

pub(super) fn clone(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let made = copy(interpreter, this, true)?;
    let keep = args.keyword("freeze").is_none_or(|value| value.truthy());
    if keep && interpreter.is_frozen(this) {
        freeze(interpreter, &made, Args::none())?;
    }
    Ok(made)
}

fn copied_meta(
    meta: &std::cell::RefCell<Option<Box<Meta>>>,
    singleton_too: bool,
) -> std::cell::RefCell<Option<Box<Meta>>> {
    let copy = meta.borrow().as_ref().map(|meta| {
        let class = if singleton_too { meta.class.clone() } else { meta.class.real() };
        Box::new(Meta { class, variables: meta.variables.clone() })
    });
    std::cell::RefCell::new(copy)
}

fn copy(interpreter: &mut Interpreter, this: &Value, singleton_too: bool) -> Eval {
    let made = match this {
        Value::Str(it) => {
            let mut string = Rc::try_unwrap(RString::from_bytes(it.bytes())).unwrap_or_default();
            string.binary.set(it.binary.get());
            string.meta = copied_meta(&it.meta, singleton_too);
            Value::Str(Rc::new(string))
        }
        Value::Array(it) => {
            let meta = copied_meta(&it.meta, singleton_too);
            Value::Array(Rc::new(RArray { items: it.items.clone(), meta, ..RArray::default() }))
        }
        Value::Hash(it) => {
            let made = copied(it);
            made.default.borrow_mut().clone_from(&it.default.borrow());
            made.default_proc.borrow_mut().clone_from(&it.default_proc.borrow());
            made.by_identity.set(it.by_identity.get());
            *made.meta.borrow_mut() = copied_meta(&it.meta, singleton_too).into_inner();
            Value::Hash(made)
        }
        Value::Proc(it) => {
            let body = match &it.body {
                ProcBody::Ruby { code, context, tag } => {
                    ProcBody::Ruby { code: code.clone(), context: context.clone(), tag: *tag }
                }
                ProcBody::Native(run, arity) => ProcBody::Native(run.clone(), *arity),
                ProcBody::Symbol(name) => ProcBody::Symbol(*name),
                ProcBody::Method(method) => ProcBody::Method(method.clone()),
            };
            Value::Proc(Proc::of(body, it.lambda.get()))
        }
        Value::Object(it) => {
            let own = it.class.borrow().clone();
            let made = RObject::new(own.real());
            made.variables.borrow_mut().clone_from(&it.variables.borrow());
            if it.data.borrow().is_some() && !interpreter.is_a(this, &interpreter.core.exception.clone()) {
                let name = interpreter.class_name(&own.real());
                return interpreter.raise("TypeError", format!("allocator undefined for {name}"));
            }
            let value = Value::Object(made);
            if singleton_too
                && own.is_singleton()
                && let Some(class) = interpreter.singleton_class(&value)
            {
                copy_class_content(&own, &class);
            }
            value
        }
        Value::Class(it) => {
            let made = RClass::new(None, it.superclass.borrow().clone(), it.is_module);
            copy_class_content(it, &made);
            if let Some(singleton) = it.singleton.borrow().clone() {
                let other = interpreter.singleton_of_class(&made);
                copy_class_content(&singleton, &other);
            }
            interpreter.hierarchy_changed();
            Value::Class(made)
        }
        other => return Ok(other.clone()),
    };
    if matches!(this, Value::Object(_) | Value::Class(_))
        || crate::embedding::meta_of(this).is_some_and(|meta| meta.borrow().is_some())
    {
        interpreter.call_method(&made, names::INITIALIZE_COPY, Args::one(this.clone()))?;
    }
    Ok(made)
}

fn copy_class_content(from: &ClassRef, to: &ClassRef) {
    to.methods.borrow_mut().clone_from(&from.methods.borrow());
    to.tables.borrow_mut().clone_from(&from.tables.borrow());
    to.includes.borrow_mut().clone_from(&from.includes.borrow());
    to.prepends.borrow_mut().clone_from(&from.prepends.borrow());
    to.constants.borrow_mut().clone_from(&from.constants.borrow());
    to.class_variables.borrow_mut().clone_from(&from.class_variables.borrow());
    to.variables.borrow_mut().clone_from(&from.variables.borrow());
}
