//! Definitions: methods, classes, modules, aliases.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::args::Args;
use crate::class::{ClassRef, RClass};
use crate::frame::{Context, Frame, Lexical, Scope};
use crate::interpreter::{Activation, Interpreter, Label};
use crate::procs::{MethodBody, Visibility};
use crate::symbol::{Symbol, names};
use crate::tree::{ClassDefinition, Expr, MethodCode};
use crate::value::{Eval, Value};

impl Interpreter {
    pub(super) fn eval_def(
        &mut self,
        expr: &Expr,
        code: &Rc<MethodCode>,
        receiver: Option<&Expr>,
        cx: &Context,
    ) -> Eval {
        let body = MethodBody::Ruby { code: code.clone(), lexical: cx.frame.lexical.clone() };
        let name = code.name;
        if let Some(receiver) = receiver {
            let object = self.eval(receiver, cx)?;
            self.span = expr.span;
            self.check_frozen(&object)?;
            let Some(class) = self.singleton_class(&object) else {
                return self.raise("TypeError", "can't define singleton");
            };
            self.add_method(&class, name, Visibility::Public, body);
            self.call_method(&object, names::SINGLETON_METHOD_ADDED, Args::one(Value::Sym(name)))?;
            return Ok(Value::Sym(name));
        }
        self.span = expr.span;
        let class = match &cx.frame.definee {
            Some(class) => class.clone(),
            None => match self.singleton_class(&cx.frame.self_value) {
                Some(class) => class,
                None => return self.raise("TypeError", "can't define singleton"),
            },
        };
        self.check_frozen(&Value::Class(class.clone()))?;
        let always_private = matches!(
            name.as_str(),
            "initialize" | "initialize_copy" | "respond_to_missing?" | "initialize_dup"
        );
        let module_function = cx.frame.module_function.get();
        let visibility =
            if always_private || module_function { Visibility::Private } else { cx.frame.visibility.get() };
        if module_function {
            let singleton = self.singleton_of_class(&class);
            self.add_method(&singleton, name, Visibility::Public, body.clone());
        }
        self.add_method(&class, name, visibility, body);
        let attached = class.attached.borrow().clone();
        match attached {
            Some(object) => {
                self.call_method(&object, names::SINGLETON_METHOD_ADDED, Args::one(Value::Sym(name)))?
            }
            None => {
                self.call_method(&Value::Class(class), names::METHOD_ADDED, Args::one(Value::Sym(name)))?
            }
        };
        Ok(Value::Sym(name))
    }

    pub(super) fn eval_class(&mut self, expr: &Expr, definition: &ClassDefinition, cx: &Context) -> Eval {
        let container = match &definition.parent {
            None => cx.frame.lexical.module.clone(),
            Some(None) => self.core.object.clone(),
            Some(Some(parent)) => match self.eval(parent, cx)? {
                Value::Class(class) => class,
                other => return self.not_a_module(&other),
            },
        };
        let superclass = match &definition.superclass {
            None => None,
            Some(expr) => match self.eval(expr, cx)? {
                Value::Class(class) if !class.is_module => Some(class),
                other => {
                    self.span = expr.span;
                    return self.bad_superclass(&other);
                }
            },
        };
        self.span = expr.span;
        // A nested definition reopens only what is in the very same module; the top level sees everything.
        let existing = match container.constant(definition.name) {
            Some(_) => self.find_constant(&container, definition.name, false)?,
            None if Rc::ptr_eq(&container, &self.core.object) => {
                crate::features::reopened(self, definition.name)?
            }
            None => None,
        };
        let class = match existing {
            Some(Value::Class(class)) => self.reopened(class, definition, superclass.as_ref())?,
            Some(_) => {
                let kind = if definition.module { "module" } else { "class" };
                let path = container.path_of(definition.name.as_str());
                return self.raise("TypeError", format!("{path} is not a {kind}"));
            }
            None => self.new_class(&container, definition, superclass)?,
        };
        let label = Label::Body(definition.name, definition.module);
        self.run_class_body(&class, &definition.body, &definition.names, label, cx)
    }

    fn reopened(
        &mut self,
        class: ClassRef,
        definition: &ClassDefinition,
        superclass: Option<&ClassRef>,
    ) -> Eval<ClassRef> {
        if class.is_module != definition.module {
            let kind = if definition.module { "module" } else { "class" };
            let name = self.class_name(&class);
            return self.raise("TypeError", format!("{name} is not a {kind}"));
        }
        let same = superclass.is_none_or(|wanted| {
            class.superclass.borrow().as_ref().is_some_and(|own| Rc::ptr_eq(own, wanted))
        });
        if !same {
            let name = self.class_name(&class);
            return self.raise("TypeError", format!("superclass mismatch for class {name}"));
        }
        Ok(class)
    }

    fn new_class(
        &mut self,
        container: &ClassRef,
        definition: &ClassDefinition,
        superclass: Option<ClassRef>,
    ) -> Eval<ClassRef> {
        let name = container.path_of(definition.name.as_str());
        if definition.module {
            let module = RClass::new(Some(name), None, true);
            self.assign_constant(container, definition.name, Value::Class(module.clone()));
            return Ok(module);
        }
        let superclass = superclass.unwrap_or_else(|| self.core.object.clone());
        let class = RClass::new(Some(name), Some(superclass.clone()), false);
        let value = Value::Class(class.clone());
        self.assign_constant(container, definition.name, value.clone());
        self.call_method(&Value::Class(superclass), names::INHERITED, Args::one(value))?;
        Ok(class)
    }

    fn run_class_body(
        &mut self,
        class: &ClassRef,
        body: &Expr,
        slots: &Rc<[Symbol]>,
        label: Label,
        cx: &Context,
    ) -> Eval {
        let tag = self.fresh_tag();
        let frame = Frame {
            self_value: Value::Class(class.clone()),
            method: None,
            lexical: Rc::new(Lexical { module: class.clone(), parent: Some(cx.frame.lexical.clone()) }),
            definee: Some(class.clone()),
            block: None,
            tag,
            visibility: Cell::new(Visibility::Public),
            module_function: Cell::new(false),
            last_match: Rc::new(RefCell::new(Value::Nil)),
        };
        let inner =
            Context { frame: Rc::new(frame), scope: Scope::new(slots.clone(), None), break_tag: u64::MAX };
        let span = self.span;
        self.activations.push(Activation { label, called_at: span });
        let result = self.eval_in(body, &inner);
        self.activations.pop();
        self.span = span;
        result
    }

    pub(super) fn eval_singleton_class(
        &mut self,
        object: &Expr,
        body: &Expr,
        slots: &Rc<[Symbol]>,
        cx: &Context,
    ) -> Eval {
        let value = self.eval(object, cx)?;
        self.span = object.span;
        let Some(class) = self.singleton_class(&value) else {
            return self.raise("TypeError", "can't define singleton");
        };
        self.run_class_body(&class, body, slots, Label::Body(Symbol::new("singleton"), false), cx)
    }

    fn definee(&mut self, cx: &Context) -> Eval<ClassRef> {
        match &cx.frame.definee {
            Some(class) => Ok(class.clone()),
            None => match self.singleton_class(&cx.frame.self_value) {
                Some(class) => Ok(class),
                None => self.raise("TypeError", "no class/module to change"),
            },
        }
    }

    pub(super) fn eval_alias(&mut self, expr: &Expr, new: &Expr, old: &Expr, cx: &Context) -> Eval {
        let new = self.eval(new, cx)?;
        let old = self.eval(old, cx)?;
        self.span = expr.span;
        let (new, old) = (self.expect_name(&new)?, self.expect_name(&old)?);
        let class = self.definee(cx)?;
        self.alias_method(&class, new, old)?;
        Ok(Value::Nil)
    }

    pub(super) fn eval_undef(&mut self, expr: &Expr, items: &[Expr], cx: &Context) -> Eval {
        let class = self.definee(cx)?;
        for item in items {
            let value = self.eval(item, cx)?;
            self.span = expr.span;
            let name = self.expect_name(&value)?;
            self.undefine_method(&class, name)?;
        }
        Ok(Value::Nil)
    }
}
