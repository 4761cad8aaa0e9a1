//! Methods that every object has, and the few of nil, true and false.

use std::rc::Rc;

use crate::args::{Args, Arity};

use super::copying::{clone, dup};
use crate::class::{ClassRef, Table};

use crate::interpreter::Interpreter;

use crate::procs::{MethodBody, MethodObject, Visibility};

use crate::symbol::{Symbol, names};

use crate::value::{Eval, Value};

/// Methods of `BasicObject`.
pub(crate) const BASIC: Table = &[
    ("initialize", nothing, Arity::at_least(0)),
    ("==", same, Arity::exactly(1)),
    ("equal?", same, Arity::exactly(1)),
    ("!", not, Arity::exactly(0)),
    ("!=", not_equal, Arity::exactly(1)),
    ("__id__", object_id, Arity::exactly(0)),
    ("__send__", send, Arity::at_least(1).with_keywords()),
    ("instance_eval", instance_eval, Arity::between(0, 3)),
    ("instance_exec", instance_exec, Arity::at_least(0).with_keywords()),
    ("method_missing", method_missing, Arity::at_least(1).with_keywords()),
    ("singleton_method_added", nothing, Arity::at_least(0)),
];

/// Public methods of `Kernel`.
pub(crate) const INSTANCE: Table = &[
    ("class", class, Arity::exactly(0)),
    ("singleton_class", singleton_class, Arity::exactly(0)),
    ("is_a?", is_a, Arity::exactly(1)),
    ("kind_of?", is_a, Arity::exactly(1)),
    ("instance_of?", instance_of, Arity::exactly(1)),
    ("nil?", is_nil, Arity::exactly(0)),
    ("===", case_equal, Arity::exactly(1)),
    ("=~", nothing, Arity::exactly(1)),
    ("!~", not_match, Arity::exactly(1)),
    ("<=>", compare, Arity::exactly(1)),
    ("eql?", eql, Arity::exactly(1)),
    ("hash", hash, Arity::exactly(0)),
    ("object_id", object_id, Arity::exactly(0)),
    ("to_s", to_s, Arity::exactly(0)),
    ("inspect", inspect, Arity::exactly(0)),
    ("respond_to?", respond_to, Arity::between(1, 2)),
    ("respond_to_missing?", respond_to_missing, Arity::exactly(2)),
    ("send", send, Arity::at_least(1).with_keywords()),
    ("public_send", public_send, Arity::at_least(1).with_keywords()),
    ("instance_variable_get", variable_get, Arity::exactly(1)),
    ("instance_variable_set", variable_set, Arity::exactly(2)),
    ("instance_variable_defined?", variable_defined, Arity::exactly(1)),
    ("remove_instance_variable", variable_remove, Arity::exactly(1)),
    ("instance_variables", variables, Arity::exactly(0)),
    ("methods", methods, Arity::between(0, 1)),
    ("public_methods", methods, Arity::between(0, 1)),
    ("singleton_methods", singleton_methods, Arity::between(0, 1)),
    ("method", method, Arity::exactly(1)),
    ("public_method", method, Arity::exactly(1)),
    ("define_singleton_method", define_singleton_method, Arity::between(1, 2)),
    ("extend", extend, Arity::at_least(1)),
    ("freeze", freeze, Arity::exactly(0)),
    ("frozen?", frozen, Arity::exactly(0)),
    ("dup", dup, Arity::exactly(0)),
    ("clone", clone, Arity::exactly(0).with_keywords()),
    ("itself", itself, Arity::exactly(0)),
    ("tap", tap, Arity::exactly(0)),
    ("then", then, Arity::exactly(0)),
    ("yield_self", then, Arity::exactly(0)),
    ("initialize_copy", itself, Arity::at_least(0)),
    ("display", display, Arity::at_least(0)),
    ("enum_for", enum_for, Arity::at_least(0).with_keywords()),
    ("to_enum", enum_for, Arity::at_least(0).with_keywords()),
    ("instance_variable_names", variables, Arity::exactly(0)),
];

fn nothing(_interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    Ok(Value::Nil)
}

fn itself(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(this.clone())
}

fn same(_interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(this.same(&args.at(0))))
}

fn not(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::Bool(!this.truthy()))
}

fn not_equal(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(!interpreter.eq(this, &args.at(0))?))
}

fn not_match(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(!interpreter.call_method(this, names::MATCH, args)?.truthy()))
}

fn case_equal(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = args.at(0);
    Ok(Value::Bool(this.same(&other) || interpreter.eq(this, &other)?))
}

fn compare(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = args.at(0);
    Ok(if this.same(&other) || interpreter.eq(this, &other)? { Value::Int(0) } else { Value::Nil })
}

fn eql(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = args.at(0);
    let _ = interpreter;
    Ok(Value::Bool(crate::hash::eql(this, &other)))
}

fn hash(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    crate::hash::HashKey::new(this.clone()).hash(&mut hasher);
    Ok(Value::Int((hasher.finish() >> 2) as i64))
}

fn object_id(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::Int(this.object_id()))
}

fn class(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::Class(interpreter.class_of(this)))
}

fn singleton_class(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    match interpreter.singleton_class(this) {
        Some(class) => Ok(Value::Class(class)),
        None => interpreter.raise("TypeError", "can't define singleton"),
    }
}

/// The class or module that an argument must be.
pub(crate) fn expect_module(interpreter: &mut Interpreter, value: &Value) -> Eval<ClassRef> {
    match value {
        Value::Class(class) => Ok(class.clone()),
        _ => interpreter.raise("TypeError", "class or module required"),
    }
}

fn is_a(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = expect_module(interpreter, &args.at(0))?;
    Ok(Value::Bool(interpreter.is_a(this, &class)))
}

fn instance_of(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = expect_module(interpreter, &args.at(0))?;
    Ok(Value::Bool(Rc::ptr_eq(&interpreter.class_of(this), &class)))
}

fn is_nil(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::Bool(this.is_nil()))
}

fn to_s(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::str(interpreter.plain_inspect(this)))
}

fn inspect(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let variables = interpreter.instance_variable_names(this);
    let plain = interpreter.plain_inspect(this);
    if variables.is_empty() || plain == "main" {
        // Without variables `inspect` follows `to_s` only where that is the default one.
        return Ok(Value::str(plain));
    }
    let opening = plain.trim_end_matches('>').to_owned();
    let again = format!("{opening} ...>");
    let text = interpreter.inspect_guarded(this, &again, |interpreter| {
        let mut shown = Vec::new();
        for name in variables {
            let value = interpreter.instance_variable(this, name);
            shown.push(format!("{name}={}", interpreter.inspect(&value)?));
        }
        Ok(format!("{opening} {}>", shown.join(", ")))
    })?;
    Ok(Value::str(text))
}

fn respond_to(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_name(&args.at(0))?;
    if args.at(1).truthy() {
        let class = interpreter.dispatch_class(this);
        if interpreter.find_method(&class, name).is_some() {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(interpreter.responds_to(this, name)?))
}

fn respond_to_missing(_interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    Ok(Value::Bool(false))
}

fn method_missing(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_name(&args.at(0))?;
    interpreter.raise_missing(this, name, interpreter.missing_style, None)
}

fn send(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let name = interpreter.expect_name(&args.positional.remove(0))?;
    interpreter.call_method(this, name, args)
}

fn public_send(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let name = interpreter.expect_name(&args.positional.remove(0))?;
    interpreter.call_public(this, name, args)
}

fn instance_eval(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match &args.block {
        Some(block) => interpreter.call_proc_with_self(&block.clone(), this, Args::one(this.clone())),
        None => {
            let source = interpreter.expect_string(&args.at(0))?;
            let definee = None;
            interpreter.eval_string_with_self(this, definee, &source, &args)
        }
    }
}

fn instance_exec(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    match args.block.take() {
        Some(block) => interpreter.call_proc_with_self(&block, this, args),
        None => interpreter.raise("LocalJumpError", "no block given (yield)"),
    }
}

fn variable_name(interpreter: &mut Interpreter, value: &Value) -> Eval<Symbol> {
    let name = interpreter.expect_name(value)?;
    if name.as_str().starts_with('@') && name.as_str().len() > 1 {
        return Ok(name);
    }
    interpreter.raise("NameError", format!("`{name}' is not allowed as an instance variable name"))
}

fn variable_get(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = variable_name(interpreter, &args.at(0))?;
    Ok(interpreter.instance_variable(this, name))
}

fn variable_set(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = variable_name(interpreter, &args.at(0))?;
    interpreter.set_instance_variable(this, name, args.at(1))?;
    Ok(args.at(1))
}

fn variable_defined(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = variable_name(interpreter, &args.at(0))?;
    Ok(Value::Bool(interpreter.instance_variable_names(this).contains(&name)))
}

fn variable_remove(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = variable_name(interpreter, &args.at(0))?;
    interpreter.check_frozen(this)?;
    let removed = match this {
        Value::Object(object) => object.variables.borrow_mut().shift_remove(&name),
        Value::Class(class) => class.variables.borrow_mut().shift_remove(&name),
        _ => None,
    };
    match removed {
        Some(value) => Ok(value),
        None => {
            let shown = interpreter.inspect(this)?;
            interpreter.raise("NameError", format!("instance variable {name} not defined for {shown}"))
        }
    }
}

fn variables(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::array(interpreter.instance_variable_names(this).into_iter().map(Value::Sym).collect()))
}

/// The names of methods found in these classes, nearest first, with this visibility test.
pub(crate) fn method_names(classes: &[ClassRef], wanted: impl Fn(Visibility) -> bool) -> Vec<Value> {
    let mut found: Vec<Symbol> = Vec::new();
    let mut hidden: Vec<Symbol> = Vec::new();
    for class in classes {
        for (name, method) in class.methods.borrow().iter() {
            if found.contains(name) || hidden.contains(name) {
                continue;
            }
            if matches!(method.body, MethodBody::Undefined) || !wanted(method.visibility) {
                hidden.push(*name);
            } else {
                found.push(*name);
            }
        }
        for (text, _, _) in class.tables.borrow().iter().flat_map(|table| table.iter()) {
            let name = Symbol::new(text);
            let visibility =
                if super::is_private(class, text) { Visibility::Private } else { Visibility::Public };
            if wanted(visibility) && !found.contains(&name) && !hidden.contains(&name) {
                found.push(name);
            }
        }
    }
    found.into_iter().map(Value::Sym).collect()
}

fn methods(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let class = interpreter.dispatch_class(this);
    let classes = interpreter.ancestors(&class);
    Ok(Value::array(method_names(&classes, |visibility| visibility != Visibility::Private)))
}

fn singleton_methods(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let class = interpreter.dispatch_class(this);
    let mut classes: Vec<ClassRef> = Vec::new();
    for ancestor in interpreter.ancestors(&class).iter() {
        if !ancestor.is_singleton() && !ancestor.is_module {
            break;
        }
        classes.push(ancestor.clone());
    }
    Ok(Value::array(method_names(&classes, |visibility| visibility != Visibility::Private)))
}

fn method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_name(&args.at(0))?;
    let class = interpreter.dispatch_class(this);
    if let Some(method) = interpreter.find_method(&class, name) {
        return Ok(Value::Method(Rc::new(MethodObject { receiver: Some(this.clone()), name, method })));
    }
    if interpreter.responds_to(this, name)? {
        // Answered by method_missing: the method object goes there too.
        let body = MethodBody::Closure(Rc::new(
            move |interpreter: &mut Interpreter, receiver: &Value, args: Args| {
                interpreter.call_method(receiver, name, args)
            },
        ));
        let method = crate::procs::Method { name, owner: class, visibility: Visibility::Public, body };
        return Ok(Value::Method(Rc::new(MethodObject {
            receiver: Some(this.clone()),
            name,
            method: Rc::new(method),
        })));
    }
    let shown = interpreter.class_name(&class.real());
    let kind = if matches!(this, Value::Class(_)) {
        format!("#<Class:{}>", interpreter.inspect(this)?)
    } else {
        shown
    };
    interpreter.raise("NameError", format!("undefined method `{name}' for class `{kind}'"))
}

/// The body that `define_method` and `define_singleton_method` take from their arguments.
pub(crate) fn body_of(interpreter: &mut Interpreter, args: &Args) -> Eval<MethodBody> {
    let given = match (args.get(1), &args.block) {
        (Some(value), _) => value.clone(),
        (None, Some(block)) => Value::Proc(block.clone()),
        (None, None) => {
            return interpreter.raise("ArgumentError", "tried to create Proc object without a block");
        }
    };
    match given {
        Value::Proc(block) => Ok(MethodBody::Block(block)),
        Value::Method(object) => Ok(object.method.body.clone()),
        other => {
            let class = interpreter.class_name(&interpreter.class_of(&other));
            interpreter.raise(
                "TypeError",
                format!("wrong argument type {class} (expected Proc/Method/UnboundMethod)"),
            )
        }
    }
}

fn define_singleton_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_name(&args.at(0))?;
    let body = body_of(interpreter, &args)?;
    let Some(class) = interpreter.singleton_class(this) else {
        return interpreter.raise("TypeError", "can't define singleton");
    };
    interpreter.add_method(&class, name, Visibility::Public, body);
    Ok(Value::Sym(name))
}

fn extend(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    interpreter.check_frozen(this)?;
    for module in args.positional.iter().rev() {
        let module = expect_module(interpreter, module)?;
        let Some(class) = interpreter.singleton_class(this) else {
            return interpreter.raise("TypeError", "can't define singleton");
        };
        interpreter.include_module(&class, &module);
        interpreter.call_method(&Value::Class(module), names::EXTENDED, Args::one(this.clone()))?;
    }
    Ok(this.clone())
}

pub(super) fn freeze(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    match this {
        Value::Str(it) => it.frozen.set(true),
        Value::Array(it) => it.frozen.set(true),
        Value::Hash(it) => it.frozen.set(true),
        Value::Object(it) => it.frozen.set(true),
        Value::Class(it) => it.frozen.set(true),
        _ => {}
    }
    Ok(this.clone())
}

fn frozen(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::Bool(interpreter.is_frozen(this)))
}

fn tap(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = super::kernel::expect_block(interpreter, &args)?;
    interpreter.call_proc_one(&block, this.clone())?;
    Ok(this.clone())
}

fn then(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = super::kernel::expect_block(interpreter, &args)?;
    interpreter.call_proc_one(&block, this.clone())
}

fn display(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let main = interpreter.main.clone();
    interpreter.send(&main, "print", Args::one(this.clone()))?;
    Ok(Value::Nil)
}

fn enum_for(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let Some(class) = interpreter.class_named("Enumerator") else {
        return interpreter.raise("NotImplementedError", "enumerators are not supported");
    };
    if args.is_empty() {
        args.positional.push(Value::Sym(names::EACH));
    }
    args.positional.insert(0, this.clone());
    interpreter.send(&Value::Class(class), "for_method", args)
}
