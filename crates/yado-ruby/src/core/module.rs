//! Module and Class.

use std::rc::Rc;

use super::class_creation::{allocate, class_eval, class_exec, new, new_class, new_module, superclass};
use super::module_constants::{
    autoload, class_variable_defined, class_variable_get, class_variable_set, class_variables, const_defined,
    const_get, const_missing, const_set, constants, private_constant, remove_const,
};
use super::module_methods::{
    alias_method, attr_accessor, attr_reader, attr_writer, define_method, module_function, private,
    private_class_method, protected, public, public_class_method, remove_method, undef_method,
};
use super::object::{expect_module, method_names};

use crate::args::{Args, Arity};

use crate::class::{ClassRef, Table};

use crate::interpreter::Interpreter;

use crate::procs::{MethodObject, Visibility};

use crate::symbol::names;

use crate::value::{Eval, Value};

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
    ("refine", refine, Arity::exactly(1)),
    ("using", using, Arity::exactly(1)),
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
    ("using", using, Arity::exactly(1)),
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

pub(super) fn own(interpreter: &mut Interpreter, this: &Value) -> Eval<ClassRef> {
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

/// Where a module keeps what it refines: pairs of a class and a module of methods.
const REFINEMENTS: &str = "__refinements";

/// `refine(Class) { … }`: the methods of the block, put aside until somebody is `using` the module.
fn refine(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let module = own(interpreter, this)?;
    let class = expect_module(interpreter, &args.at(0))?;
    let Some(block) = args.block.clone() else {
        return interpreter.raise("ArgumentError", "no block given");
    };
    let refinement = crate::class::RClass::new(None, None, true);
    let pair = Value::array(vec![Value::Class(class), Value::Class(refinement.clone())]);
    let name = crate::symbol::Symbol::new(REFINEMENTS);
    let known = module.variables.borrow().get(&name).cloned();
    match known {
        Some(Value::Array(pairs)) => pairs.items.borrow_mut().push(pair),
        _ => {
            module.variables.borrow_mut().insert(name, Value::array(vec![pair]));
        }
    }
    interpreter.call_proc_in_class(&block, &refinement, Args::none())?;
    Ok(Value::Class(refinement))
}

/// `using`: from here on the refined classes have the methods, and not in this file alone as in Ruby.
fn using(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let module = expect_true_module(interpreter, &args.at(0))?;
    let pairs = module.variables.borrow().get(&crate::symbol::Symbol::new(REFINEMENTS)).cloned();
    for pair in pairs.map_or(Ok(Vec::new()), |pairs| interpreter.elements(&pairs))? {
        let pair = interpreter.elements(&pair)?;
        let (Some(Value::Class(class)), Some(Value::Class(methods))) = (pair.first(), pair.get(1)) else {
            continue;
        };
        if class.prepends.borrow().iter().any(|it| Rc::ptr_eq(it, methods)) {
            continue;
        }
        class.prepends.borrow_mut().push(methods.clone());
        interpreter.operators_redefined = true;
        interpreter.hierarchy_changed();
    }
    Ok(this.clone())
}
