//! Module and Class.

use std::rc::Rc;

use super::object::{body_of, expect_module, method_names};
use crate::args::{Args, Arity};
use crate::class::{ClassRef, Constant, RClass, Table};
use crate::hash::RHash;
use crate::interpreter::Interpreter;
use crate::object::{Meta, RObject};
use crate::procs::{Method, MethodBody, MethodObject, Visibility};
use crate::symbol::{Symbol, names};
use crate::value::{Eval, RArray, RString, Value};

/// Methods of modules and classes.
pub(crate) const MODULE: Table = &[
    ("name", name, Arity::exactly(0)),
    ("to_s", to_s, Arity::exactly(0)),
    ("inspect", to_s, Arity::exactly(0)),
    ("===", case_equal, Arity::exactly(1)),
    ("==", equal, Arity::exactly(1)),
    ("<", less, Arity::exactly(1)),
    ("<=", less_or_equal, Arity::exactly(1)),
    (">", greater, Arity::exactly(1)),
    (">=", greater_or_equal, Arity::exactly(1)),
    ("<=>", compare, Arity::exactly(1)),
    ("ancestors", ancestors, Arity::exactly(0)),
    ("include", include, Arity::at_least(1)),
    ("prepend", prepend, Arity::at_least(1)),
    ("include?", includes, Arity::exactly(1)),
    ("included_modules", included_modules, Arity::exactly(0)),
    ("included", nothing, Arity::exactly(1)),
    ("extended", nothing, Arity::exactly(1)),
    ("prepended", nothing, Arity::exactly(1)),
    ("method_added", nothing, Arity::exactly(1)),
    ("attr_accessor", attr_accessor, Arity::at_least(0)),
    ("attr_reader", attr_reader, Arity::at_least(0)),
    ("attr", attr_reader, Arity::at_least(0)),
    ("attr_writer", attr_writer, Arity::at_least(0)),
    ("define_method", define_method, Arity::between(1, 2)),
    ("alias_method", alias_method, Arity::exactly(2)),
    ("remove_method", remove_method, Arity::at_least(0)),
    ("undef_method", undef_method, Arity::at_least(0)),
    ("public", public, Arity::at_least(0)),
    ("private", private, Arity::at_least(0)),
    ("protected", protected, Arity::at_least(0)),
    ("module_function", module_function, Arity::at_least(0)),
    ("private_class_method", private_class_method, Arity::at_least(0)),
    ("public_class_method", public_class_method, Arity::at_least(0)),
    ("private_constant", private_constant, Arity::at_least(0)),
    ("public_constant", nothing, Arity::at_least(0)),
    ("deprecate_constant", nothing, Arity::at_least(0)),
    ("instance_methods", instance_methods, Arity::between(0, 1)),
    ("public_instance_methods", instance_methods, Arity::between(0, 1)),
    ("private_instance_methods", private_instance_methods, Arity::between(0, 1)),
    ("instance_method", instance_method, Arity::exactly(1)),
    ("public_instance_method", instance_method, Arity::exactly(1)),
    ("method_defined?", method_defined, Arity::between(1, 2)),
    ("public_method_defined?", public_method_defined, Arity::between(1, 2)),
    ("private_method_defined?", private_method_defined, Arity::between(1, 2)),
    ("protected_method_defined?", protected_method_defined, Arity::between(1, 2)),
    ("instance_methods_list", instance_methods, Arity::between(0, 1)),
    ("const_get", const_get, Arity::between(1, 2)),
    ("const_set", const_set, Arity::exactly(2)),
    ("const_defined?", const_defined, Arity::between(1, 2)),
    ("const_missing", const_missing, Arity::exactly(1)),
    ("constants", constants, Arity::between(0, 1)),
    ("remove_const", remove_const, Arity::exactly(1)),
    ("class_variable_get", class_variable_get, Arity::exactly(1)),
    ("class_variable_set", class_variable_set, Arity::exactly(2)),
    ("class_variable_defined?", class_variable_defined, Arity::exactly(1)),
    ("class_variables", class_variables, Arity::between(0, 1)),
    ("class_eval", class_eval, Arity::between(0, 3)),
    ("module_eval", class_eval, Arity::between(0, 3)),
    ("class_exec", class_exec, Arity::at_least(0).with_keywords()),
    ("module_exec", class_exec, Arity::at_least(0).with_keywords()),
    ("refine", refine, Arity::at_least(0)),
    ("using", refine, Arity::at_least(0)),
    ("autoload", autoload, Arity::exactly(2)),
    ("hash", hash, Arity::exactly(0)),
    ("singleton_class?", is_singleton, Arity::exactly(0)),
];

/// Methods of `Module` itself.
pub(crate) const MODULE_SINGLETON: Table = &[("new", new_module, Arity::exactly(0))];

/// Methods of classes.
pub(crate) const CLASS: Table = &[
    ("new", new, Arity::at_least(0).with_keywords()),
    ("allocate", allocate, Arity::exactly(0)),
    ("superclass", superclass, Arity::exactly(0)),
    ("inherited", nothing, Arity::exactly(1)),
    ("subclasses", nothing, Arity::exactly(0)),
];

/// Methods of `Class` itself.
pub(crate) const CLASS_SINGLETON: Table = &[("new", new_class, Arity::between(0, 1))];

/// Methods of the top-level object, which stands for `Object` in these.
pub(crate) const MAIN: Table = &[
    ("include", main_include, Arity::at_least(1)),
    ("define_method", main_define_method, Arity::between(1, 2)),
    ("public", public, Arity::at_least(0)),
    ("private", private, Arity::at_least(0)),
    ("using", refine, Arity::at_least(0)),
];

/// Methods that only the module itself may call.
pub(crate) const PRIVATE: &[&str] = &[
    "included",
    "extended",
    "prepended",
    "inherited",
    "method_added",
    "singleton_method_added",
    "module_function",
    "refine",
    "using",
    "remove_const",
];

fn nothing(_interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    Ok(Value::Nil)
}

fn own(interpreter: &mut Interpreter, this: &Value) -> Eval<ClassRef> {
    expect_module(interpreter, this)
}

fn name(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(match this {
        Value::Class(class) => class.name.borrow().clone().map_or(Value::Nil, Value::str),
        _ => Value::Nil,
    })
}

fn to_s(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let class = own(interpreter, this)?;
    Ok(Value::str(interpreter.class_name(&class)))
}

fn hash(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::Int(this.object_id()))
}

fn is_singleton(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::Bool(own(interpreter, this)?.is_singleton()))
}

fn case_equal(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    Ok(Value::Bool(interpreter.is_a(&args.at(0), &class)))
}

fn equal(_interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(this.same(&args.at(0))))
}

fn relation(interpreter: &mut Interpreter, this: &Value, args: &Args) -> Eval<Option<std::cmp::Ordering>> {
    let class = own(interpreter, this)?;
    let Value::Class(other) = args.at(0) else {
        return interpreter.raise("TypeError", "compared with non class/module");
    };
    Ok(if Rc::ptr_eq(&class, &other) {
        Some(std::cmp::Ordering::Equal)
    } else if interpreter.descends(&class, &other) {
        Some(std::cmp::Ordering::Less)
    } else if interpreter.descends(&other, &class) {
        Some(std::cmp::Ordering::Greater)
    } else {
        None
    })
}

fn less(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(relation(interpreter, this, &args)?.map(std::cmp::Ordering::is_lt).into())
}

fn less_or_equal(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(relation(interpreter, this, &args)?.map(std::cmp::Ordering::is_le).into())
}

fn greater(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(relation(interpreter, this, &args)?.map(std::cmp::Ordering::is_gt).into())
}

fn greater_or_equal(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(relation(interpreter, this, &args)?.map(std::cmp::Ordering::is_ge).into())
}

fn compare(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if !matches!(args.at(0), Value::Class(_)) {
        return Ok(Value::Nil);
    }
    Ok(relation(interpreter, this, &args)?.map(|ordering| ordering as i64).into())
}

fn classes(list: impl IntoIterator<Item = ClassRef>) -> Value {
    Value::array(list.into_iter().map(Value::Class).collect())
}

fn ancestors(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let class = own(interpreter, this)?;
    Ok(classes(interpreter.ancestors(&class).iter().cloned()))
}

fn included_modules(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let list = interpreter.ancestors(&class);
    Ok(classes(list.iter().filter(|it| it.is_module && !Rc::ptr_eq(it, &class)).cloned()))
}

fn expect_true_module(interpreter: &mut Interpreter, value: &Value) -> Eval<ClassRef> {
    match value {
        Value::Class(class) if class.is_module => Ok(class.clone()),
        other => {
            let class = interpreter.class_name(&interpreter.class_of(other));
            interpreter.raise("TypeError", format!("wrong argument type {class} (expected module)"))
        }
    }
}

impl Interpreter {
    /// Raises what Ruby raises for a superclass that is no class.
    pub(crate) fn bad_superclass<T>(&mut self, given: &Value) -> Eval<T> {
        let class = self.class_name(&self.class_of(given));
        self.raise(
            "TypeError",
            format!("superclass must be an instance of Class (given an instance of {class})"),
        )
    }

    /// Includes a module into a class or module.
    pub fn include_module(&mut self, class: &ClassRef, module: &ClassRef) {
        if !self.descends(class, module) {
            class.includes.borrow_mut().push(module.clone());
            self.hierarchy_changed();
        }
    }
}

fn include(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    interpreter.check_frozen(this)?;
    for module in args.positional.iter().rev() {
        let module = expect_true_module(interpreter, module)?;
        interpreter.include_module(&class, &module);
        interpreter.call_method(&Value::Class(module), names::INCLUDED, Args::one(this.clone()))?;
    }
    Ok(this.clone())
}

fn main_include(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let object = Value::Class(interpreter.core.object.clone());
    include(interpreter, &object, args)
}

fn main_define_method(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let object = Value::Class(interpreter.core.object.clone());
    define_method(interpreter, &object, args)
}

fn prepend(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    interpreter.check_frozen(this)?;
    for module in args.positional.iter().rev() {
        let module = expect_true_module(interpreter, module)?;
        if !class.prepends.borrow().iter().any(|it| Rc::ptr_eq(it, &module)) {
            class.prepends.borrow_mut().push(module.clone());
            interpreter.hierarchy_changed();
        }
        interpreter.call_method(&Value::Class(module), names::PREPENDED, Args::one(this.clone()))?;
    }
    Ok(this.clone())
}

fn includes(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let module = expect_module(interpreter, &args.at(0))?;
    Ok(Value::Bool(module.is_module && !Rc::ptr_eq(&class, &module) && interpreter.descends(&class, &module)))
}

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

fn attr_accessor(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    attributes(interpreter, this, &args, true, true)
}

fn attr_reader(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    attributes(interpreter, this, &args, true, false)
}

fn attr_writer(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    attributes(interpreter, this, &args, false, true)
}

fn define_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
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

fn alias_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    interpreter.check_frozen(this)?;
    let new = interpreter.expect_name(&args.at(0))?;
    let old = interpreter.expect_name(&args.at(1))?;
    interpreter.alias_method(&class, new, old)?;
    Ok(Value::Sym(new))
}

fn remove_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
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

fn undef_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    for value in &args.positional {
        let name = interpreter.expect_name(value)?;
        interpreter.undefine_method(&class, name)?;
    }
    Ok(this.clone())
}

/// Method names given one by one or as an array.
fn flat_names(interpreter: &mut Interpreter, args: &Args) -> Eval<Vec<Symbol>> {
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

fn public(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    change_visibility(interpreter, this, &args, Visibility::Public)
}

fn private(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    change_visibility(interpreter, this, &args, Visibility::Private)
}

fn protected(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    change_visibility(interpreter, this, &args, Visibility::Protected)
}

fn module_function(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
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

fn private_class_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let singleton = interpreter.singleton_of_class(&class);
    for name in flat_names(interpreter, &args)? {
        interpreter.set_visibility(&singleton, name, Visibility::Private)?;
    }
    Ok(Value::Nil)
}

fn public_class_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let singleton = interpreter.singleton_of_class(&class);
    for name in flat_names(interpreter, &args)? {
        interpreter.set_visibility(&singleton, name, Visibility::Public)?;
    }
    Ok(Value::Nil)
}

fn private_constant(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    for name in flat_names(interpreter, &args)? {
        class.private_constants.borrow_mut().push(name);
    }
    Ok(Value::Nil)
}

fn listed(
    interpreter: &mut Interpreter,
    this: &Value,
    args: &Args,
    wanted: impl Fn(Visibility) -> bool,
) -> Eval {
    let class = own(interpreter, this)?;
    let all = args.get(0).is_none_or(Value::truthy);
    let list = if all { interpreter.ancestors(&class).to_vec() } else { vec![class] };
    Ok(Value::array(method_names(&list, wanted)))
}

fn instance_methods(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    listed(interpreter, this, &args, |visibility| visibility != Visibility::Private)
}

fn private_instance_methods(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    listed(interpreter, this, &args, |visibility| visibility == Visibility::Private)
}

fn instance_method(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    match interpreter.find_in_module(&class, name) {
        Some(method) => Ok(Value::Method(Rc::new(MethodObject { receiver: None, name, method }))),
        None => interpreter.undefined_method(&class, name),
    }
}

fn visibility_of(interpreter: &mut Interpreter, this: &Value, args: &Args) -> Eval<Option<Visibility>> {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    Ok(interpreter.find_method(&class, name).map(|method| method.visibility))
}

fn method_defined(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let found = visibility_of(interpreter, this, &args)?;
    Ok(Value::Bool(found.is_some_and(|visibility| visibility != Visibility::Private)))
}

fn public_method_defined(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(visibility_of(interpreter, this, &args)? == Some(Visibility::Public)))
}

fn private_method_defined(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(visibility_of(interpreter, this, &args)? == Some(Visibility::Private)))
}

fn protected_method_defined(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(visibility_of(interpreter, this, &args)? == Some(Visibility::Protected)))
}

fn const_get(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
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

fn const_set(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    if !name.as_str().starts_with(char::is_uppercase) {
        return interpreter.raise("NameError", format!("wrong constant name {name}"));
    }
    interpreter.assign_constant(&class, name, args.at(1));
    Ok(args.at(1))
}

fn const_defined(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
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

fn const_missing(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let name = interpreter.expect_name(&args.at(0))?;
    let class = own(interpreter, this)?;
    interpreter.uninitialized_constant(&class, name)
}

fn constants(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
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

fn remove_const(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
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

fn class_variable_get(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    interpreter.class_variable(&class, name)
}

fn class_variable_set(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    interpreter.set_class_variable(&class, name, args.at(1));
    Ok(args.at(1))
}

fn class_variable_defined(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    Ok(Value::Bool(interpreter.class_variable_owner(&class, name).is_some()))
}

fn class_variables(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let mut found = Vec::new();
    for ancestor in interpreter.ancestors(&class).iter() {
        found.extend(ancestor.class_variables.borrow().keys().copied().map(Value::Sym));
    }
    Ok(Value::array(found))
}

fn class_eval(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    match &args.block {
        Some(block) => interpreter.call_proc_in_class(&block.clone(), &class, Args::one(this.clone())),
        None => {
            let source = interpreter.expect_string(&args.at(0))?;
            interpreter.eval_string_with_self(this, Some(class), &source, &args)
        }
    }
}

fn class_exec(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    let class = own(interpreter, this)?;
    match args.block.take() {
        Some(block) => interpreter.call_proc_in_class(&block, &class, args),
        None => interpreter.raise("LocalJumpError", "no block given (yield)"),
    }
}

fn refine(interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    interpreter.raise("NotImplementedError", "refinements are not supported")
}

fn autoload(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let name = interpreter.expect_name(&args.at(0))?;
    let path = interpreter.expect_string(&args.at(1))?;
    if class.constant(name).is_none() {
        class.constants.borrow_mut().insert(name, Constant::Autoload(path));
    }
    Ok(Value::Nil)
}

fn new_module(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let class = RClass::new(None, None, true);
    if let Some(block) = &args.block {
        interpreter.call_proc_in_class(block, &class, Args::one(Value::Class(class.clone())))?;
    }
    Ok(Value::Class(class))
}

fn new_class(interpreter: &mut Interpreter, _this: &Value, args: Args) -> Eval {
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

fn superclass(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let class = own(interpreter, this)?;
    let superclass = class.superclass.borrow().clone();
    Ok(superclass.map_or(Value::Nil, Value::Class))
}

fn new(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
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
