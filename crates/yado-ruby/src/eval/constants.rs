//! Constants and class variables.

use std::rc::Rc;

use crate::args::Args;
use crate::class::{ClassRef, Constant};
use crate::control::Control;
use crate::frame::Context;
use crate::interpreter::Interpreter;
use crate::procs::MethodBody;
use crate::symbol::{Symbol, names};
use crate::tree::Expr;
use crate::value::{Eval, Value};

impl Interpreter {
    /// A constant as code sees it: in the modules around it, then in ancestors, then through `const_missing`.
    pub(super) fn constant(&mut self, name: Symbol, cx: &Context) -> Eval {
        if let Some(value) = self.lexical_constant(name, cx)? {
            return Ok(value);
        }
        let module = cx.frame.lexical.module.clone();
        self.missing_constant(&module, name)
    }

    /// `const_missing`; the one that raises is not worth a line in the backtrace.
    fn missing_constant(&mut self, module: &ClassRef, name: Symbol) -> Eval {
        let value = Value::Class(module.clone());
        let class = self.dispatch_class(&value);
        match self.find_method(&class, names::CONST_MISSING) {
            Some(method) if !matches!(method.body, MethodBody::Native(..)) => {
                self.invoke(&value, &method, Args::one(Value::Sym(name)))
            }
            _ => self.uninitialized_constant(module, name),
        }
    }

    /// The same without `const_missing`.
    pub(super) fn lexical_constant(&mut self, name: Symbol, cx: &Context) -> Eval<Option<Value>> {
        let mut lexical = Some(&cx.frame.lexical);
        while let Some(here) = lexical {
            // The top level comes last, after ancestors.
            if here.parent.is_some()
                && let Some(found) = here.module.constant(name)
            {
                return self.loaded_constant(&here.module.clone(), name, found).map(Some);
            }
            lexical = here.parent.as_ref();
        }
        let module = cx.frame.lexical.module.clone();
        self.find_constant(&module, name, true)
    }

    /// A constant of a module, its ancestors, and (for code inside of it) the top level.
    pub fn find_constant(&mut self, class: &ClassRef, name: Symbol, top_too: bool) -> Eval<Option<Value>> {
        let object = self.core.object.clone();
        for ancestor in self.ancestors(class).iter() {
            if !top_too && Rc::ptr_eq(ancestor, &object) && !Rc::ptr_eq(class, &object) {
                break;
            }
            if let Some(found) = ancestor.constant(name) {
                return self.loaded_constant(ancestor, name, found).map(Some);
            }
        }
        if top_too && let Some(found) = object.constant(name) {
            return self.loaded_constant(&object, name, found).map(Some);
        }
        if top_too && let Some(found) = crate::features::constant(self, name)? {
            return Ok(Some(found));
        }
        // A singleton class sees the constants of the class that it belongs to.
        let attached = class.attached.borrow().clone();
        if let Some(Value::Class(inner)) = attached {
            return self.find_constant(&inner, name, top_too);
        }
        Ok(None)
    }

    fn loaded_constant(&mut self, owner: &ClassRef, name: Symbol, constant: Constant) -> Eval {
        match constant {
            Constant::Value(value) => Ok(value),
            Constant::Autoload(path) => {
                owner.constants.borrow_mut().shift_remove(&name);
                self.require(&path)?;
                match owner.constant(name) {
                    Some(Constant::Value(value)) => Ok(value),
                    _ => self.uninitialized_constant(owner, name),
                }
            }
        }
    }

    /// A constant of a module, through `const_missing` if need be.
    pub fn constant_in(&mut self, class: &ClassRef, name: Symbol, top_too: bool) -> Eval {
        match self.find_constant(class, name, top_too)? {
            Some(value) => Ok(value),
            None => self.missing_constant(class, name),
        }
    }

    pub(super) fn constant_path(
        &mut self,
        expr: &Expr,
        parent: Option<&Expr>,
        name: Symbol,
        cx: &Context,
    ) -> Eval {
        let module = match parent {
            Some(parent) => self.eval(parent, cx)?,
            None => Value::Class(self.core.object.clone()),
        };
        self.span = expr.span;
        let Value::Class(module) = module else { return self.not_a_module(&module) };
        if module.private_constants.borrow().contains(&name) {
            let path = module.path_of(name.as_str());
            return self.raise("NameError", format!("private constant {path} referenced"));
        }
        self.constant_in(&module, name, false)
    }

    pub(super) fn not_a_module<T>(&mut self, value: &Value) -> Eval<T> {
        let shown = self.inspect(value)?;
        self.raise("TypeError", format!("{shown} is not a class/module"))
    }

    pub(crate) fn uninitialized_constant<T>(&mut self, class: &ClassRef, name: Symbol) -> Eval<T> {
        let path = class.path_of(name.as_str());
        let exception = self.exception("NameError", format!("uninitialized constant {path}"));
        if let Control::Raise(Value::Object(object)) = &exception {
            object.set_variable(names::HIDDEN_NAME, Value::Sym(name));
            object.set_variable(names::HIDDEN_RECEIVER, Value::Class(class.clone()));
        }
        Err(exception)
    }

    /// The class whose `@@variables` code sees.
    pub(super) fn class_variable_scope(cx: &Context) -> ClassRef {
        let mut lexical = &cx.frame.lexical;
        while lexical.module.is_singleton() {
            let attached = lexical.module.attached.borrow().clone();
            if let Some(Value::Class(class)) = attached {
                return class;
            }
            match &lexical.parent {
                Some(parent) => lexical = parent,
                None => break,
            }
        }
        lexical.module.clone()
    }

    /// The class or module in which a `@@variable` was set.
    pub(crate) fn class_variable_owner(&self, class: &ClassRef, name: Symbol) -> Option<ClassRef> {
        self.ancestors(class).iter().find(|it| it.class_variables.borrow().contains_key(&name)).cloned()
    }

    pub(crate) fn class_variable(&mut self, class: &ClassRef, name: Symbol) -> Eval {
        let found = self
            .class_variable_owner(class, name)
            .and_then(|owner| owner.class_variables.borrow().get(&name).cloned());
        match found {
            Some(value) => Ok(value),
            None => {
                let shown = self.class_name(class);
                self.raise("NameError", format!("uninitialized class variable {name} in {shown}"))
            }
        }
    }

    pub(crate) fn set_class_variable(&mut self, class: &ClassRef, name: Symbol, value: Value) {
        let owner = self.class_variable_owner(class, name).unwrap_or_else(|| class.clone());
        owner.class_variables.borrow_mut().insert(name, value);
    }
}
