//! What embedding code uses to add classes, methods, constants and globals of its own.

use std::any::Any;
use std::rc::Rc;

use crate::args::Args;
use crate::class::{ClassRef, Constant, RClass, Table};
use crate::interpreter::Interpreter;
use crate::object::{Meta, RObject};
use crate::procs::{Method, MethodBody, Visibility};
use crate::symbol::Symbol;
use crate::value::{Eval, Value};

impl Interpreter {
    /// The class of this path, made if it does not exist. Missing parents become modules.
    pub fn define_class(&mut self, path: &str, superclass: Option<&ClassRef>) -> ClassRef {
        let superclass = superclass.cloned().unwrap_or_else(|| self.core.object.clone());
        self.define_path(path, Some(superclass))
    }

    /// The module of this path, made if it does not exist. Missing parents become modules.
    pub fn define_module(&mut self, path: &str) -> ClassRef {
        self.define_path(path, None)
    }

    fn define_path(&mut self, path: &str, superclass: Option<ClassRef>) -> ClassRef {
        let mut parent = self.core.object.clone();
        let mut segments = segments(path).peekable();
        while let Some(segment) = segments.next() {
            let name = Symbol::new(segment);
            let last = segments.peek().is_none();
            if let Some(Constant::Value(Value::Class(existing))) = parent.constant(name) {
                parent = existing;
                continue;
            }
            let full = parent.path_of(segment);
            let class = match &superclass {
                Some(superclass) if last => RClass::new(Some(full), Some(superclass.clone()), false),
                _ => RClass::new(Some(full), None, true),
            };
            parent.constants.borrow_mut().insert(name, Constant::Value(Value::Class(class.clone())));
            parent = class;
        }
        parent
    }

    /// The class or module with this path, if it was defined.
    pub fn class_named(&self, path: &str) -> Option<ClassRef> {
        let mut class = self.core.object.clone();
        for segment in segments(path) {
            match class.constant(Symbol::new(segment)) {
                Some(Constant::Value(Value::Class(inner))) => class = inner,
                _ => return None,
            }
        }
        Some(class)
    }

    /// Adds a table of native methods to a class.
    pub fn add_methods(&mut self, class: &ClassRef, table: Table) {
        class.tables.borrow_mut().push(table);
        self.hierarchy_changed();
    }

    /// Adds a table of native methods to a class itself (`Class.method`).
    pub fn add_singleton_methods(&mut self, class: &ClassRef, table: Table) {
        let singleton = self.singleton_of_class(class);
        self.add_methods(&singleton, table);
    }

    /// Defines a method with a closure. Keywords arrive in `args.keywords`.
    pub fn define_method(
        &mut self,
        class: &ClassRef,
        name: &str,
        run: impl Fn(&mut Interpreter, &Value, Args) -> Eval + 'static,
    ) {
        self.add_method(class, Symbol::new(name), Visibility::Public, MethodBody::Closure(Rc::new(run)));
    }

    /// Defines a method of a class itself, or of a module, with a closure.
    pub fn define_singleton_method(
        &mut self,
        class: &ClassRef,
        name: &str,
        run: impl Fn(&mut Interpreter, &Value, Args) -> Eval + 'static,
    ) {
        let singleton = self.singleton_of_class(class);
        self.define_method(&singleton, name, run);
    }

    /// Puts a method into a class's table.
    pub fn add_method(&mut self, class: &ClassRef, name: Symbol, visibility: Visibility, body: MethodBody) {
        let method = Method { name, owner: class.clone(), visibility, body };
        self.put_method(class, name, Rc::new(method));
    }

    /// Puts a method into a class's table under a name that may differ from its own (an alias).
    pub(crate) fn put_method(&mut self, class: &ClassRef, name: Symbol, method: Rc<Method>) {
        let numeric = Rc::ptr_eq(class, &self.core.integer) || Rc::ptr_eq(class, &self.core.float);
        if numeric && !name.as_str().starts_with(|first: char| first.is_alphabetic() || first == '_') {
            self.operators_redefined = true;
        }
        class.methods.borrow_mut().insert(name, method);
        self.hierarchy_changed();
    }

    /// Sets a constant, at the top level without a module.
    pub fn set_constant(&mut self, module: Option<&ClassRef>, name: &str, value: Value) {
        let module = module.cloned().unwrap_or_else(|| self.core.object.clone());
        self.assign_constant(&module, Symbol::new(name), value);
    }

    /// Sets a constant; a nameless class gets its name by it.
    pub(crate) fn assign_constant(&mut self, module: &ClassRef, name: Symbol, value: Value) {
        if let Value::Class(class) = &value
            && class.name.borrow().is_none()
        {
            let path = module.path_of(name.as_str());
            *class.name.borrow_mut() = Some(path);
        }
        module.constants.borrow_mut().insert(name, Constant::Value(value));
    }

    /// The constant of this path, if it is defined and not an autoload that did not happen yet.
    pub fn constant_named(&self, path: &str) -> Option<Value> {
        let mut value = Value::Class(self.core.object.clone());
        for segment in segments(path) {
            let Value::Class(class) = &value else { return None };
            let Some(Constant::Value(inner)) = class.constant(Symbol::new(segment)) else { return None };
            value = inner;
        }
        Some(value)
    }

    /// Sets a global variable, by its name with the `$`.
    pub fn set_global(&mut self, name: &str, value: Value) {
        self.globals.insert(Symbol::new(name), value);
    }

    /// A global variable, by its name with the `$`; nil if it was never set.
    pub fn get_global(&self, name: &str) -> Value {
        self.globals.get(&Symbol::new(name)).cloned().unwrap_or(Value::Nil)
    }

    /// A new object of a class, without calling `initialize`.
    pub fn new_object(&mut self, class: &ClassRef, data: Option<Box<dyn Any>>) -> Value {
        Value::Object(RObject::with_data(class.clone(), data))
    }

    /// An instance variable, by its full name (`@name`).
    pub fn instance_variable(&self, value: &Value, name: Symbol) -> Value {
        let found = match value {
            Value::Object(object) => object.variable(name),
            Value::Class(class) => class.variables.borrow().get(&name).cloned(),
            other => meta_of(other).and_then(|meta| meta.borrow().as_ref()?.variables.get(&name).cloned()),
        };
        found.unwrap_or(Value::Nil)
    }

    /// Sets an instance variable, by its full name (`@name`).
    pub fn set_instance_variable(&mut self, target: &Value, name: Symbol, value: Value) -> Eval<()> {
        self.check_frozen(target)?;
        match target {
            Value::Object(object) => object.set_variable(name, value),
            Value::Class(class) => {
                class.variables.borrow_mut().insert(name, value);
            }
            other => {
                let class = self.dispatch_class(other);
                let Some(meta) = meta_of(other) else {
                    return self
                        .raise("NotImplementedError", "instance variables of this object are not supported");
                };
                let mut meta = meta.borrow_mut();
                let meta = meta.get_or_insert_with(|| {
                    Box::new(Meta { class, variables: crate::object::Variables::default() })
                });
                meta.variables.insert(name, value);
            }
        }
        Ok(())
    }

    /// The names of the instance variables that Ruby code may see, in order of assignment.
    pub fn instance_variable_names(&self, value: &Value) -> Vec<Symbol> {
        let names: Vec<Symbol> = match value {
            Value::Object(object) => object.variables.borrow().keys().copied().collect(),
            Value::Class(class) => class.variables.borrow().keys().copied().collect(),
            other => meta_of(other)
                .and_then(|meta| meta.borrow().as_ref().map(|meta| meta.variables.keys().copied().collect()))
                .unwrap_or_default(),
        };
        names.into_iter().filter(|name| name.as_str().starts_with('@')).collect()
    }
}

/// The names of a path such as `Gem::Version`. Searching for two letters costs more than all that follows here, and most
/// paths are one name.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split(':').filter(|name| !name.is_empty())
}

/// Where a built-in value keeps its subclass, singleton class and instance variables.
pub(crate) fn meta_of(value: &Value) -> Option<&std::cell::RefCell<Option<Box<Meta>>>> {
    match value {
        Value::Str(it) => Some(&it.meta),
        Value::Array(it) => Some(&it.meta),
        Value::Hash(it) => Some(&it.meta),
        Value::Proc(it) => Some(&it.meta),
        _ => None,
    }
}
