//! Finding methods and calling them, blocks and procs.

use std::rc::Rc;

use crate::args::Args;
use crate::class::ClassRef;
use crate::control::Control;
use crate::frame::Context;
use crate::interpreter::{Activation, Interpreter, Label};
use crate::limits::stack_is_low;
use crate::procs::{Method, MethodBody, MethodObject, Proc, ProcBody, Visibility};
use crate::symbol::{Symbol, names};
use crate::value::{Eval, Value};

/// How a call was written, which decides what it may reach and how its failure is worded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallStyle {
    /// `receiver.name`
    Explicit,
    /// `name(…)` or `self.name`
    Own,
    /// A bare `name` that could have been a variable.
    VariableLike,
    /// `super`
    Super,
}

impl Interpreter {
    /// Finds a method by searching the ancestors of a class; `None` also where `undef` hides it.
    pub fn find_method(&self, class: &ClassRef, name: Symbol) -> Option<Rc<Method>> {
        {
            let cache = class.cache.borrow();
            if cache.0 == self.generation
                && let Some(known) = cache.1.get(&name)
            {
                return known.clone();
            }
        }
        let found = self.ancestors(class).iter().find_map(|owner| Self::method_in(owner, name));
        let found = found.filter(|method| !matches!(method.body, MethodBody::Undefined));
        let mut cache = class.cache.borrow_mut();
        if cache.0 != self.generation {
            cache.0 = self.generation;
            cache.1.clear();
        }
        cache.1.insert(name, found.clone());
        found
    }

    /// The method that a class or module defines itself.
    pub fn method_in(owner: &ClassRef, name: Symbol) -> Option<Rc<Method>> {
        if let Some(method) = owner.methods.borrow().get(&name) {
            return Some(method.clone());
        }
        let text = name.as_str();
        let tables = owner.tables.borrow();
        let (_, function, arity) =
            tables.iter().flat_map(|table| table.iter()).find(|(known, _, _)| *known == text)?;
        let private = crate::core::is_private(owner, text);
        Some(Rc::new(Method {
            name,
            owner: owner.clone(),
            visibility: if private { Visibility::Private } else { Visibility::Public },
            body: MethodBody::Native(*function, *arity),
        }))
    }

    /// The method that comes after `owner`'s for this receiver: what `super` calls.
    pub(crate) fn find_super_method(
        &self,
        receiver: &Value,
        owner: &ClassRef,
        name: Symbol,
    ) -> Option<Rc<Method>> {
        let class = self.dispatch_class(receiver);
        let ancestors = self.ancestors(&class);
        let position = ancestors.iter().position(|it| Rc::ptr_eq(it, owner))?;
        let found = ancestors[position + 1..].iter().find_map(|owner| Self::method_in(owner, name));
        found.filter(|method| !matches!(method.body, MethodBody::Undefined))
    }

    /// Calls a method by name, private ones too, through `method_missing` if need be.
    pub fn send(&mut self, receiver: &Value, method: &str, args: Args) -> Eval {
        self.call_method(receiver, Symbol::new(method), args)
    }

    /// Calls a method by name, private ones too, through `method_missing` if need be.
    pub fn call_method(&mut self, receiver: &Value, name: Symbol, args: Args) -> Eval {
        self.call_styled(receiver, name, args, CallStyle::Own)
    }

    /// Calls a public method by name, as `receiver.name` in the source would.
    pub fn call_public(&mut self, receiver: &Value, name: Symbol, args: Args) -> Eval {
        self.call_styled(receiver, name, args, CallStyle::Explicit)
    }

    pub(crate) fn call_styled(
        &mut self,
        receiver: &Value,
        name: Symbol,
        args: Args,
        style: CallStyle,
    ) -> Eval {
        let class = self.dispatch_class(receiver);
        match self.find_method(&class, name) {
            Some(method) => {
                if style == CallStyle::Explicit && method.visibility != Visibility::Public {
                    let allowed = method.visibility == Visibility::Protected && self.self_is_a(&method.owner);
                    if !allowed {
                        return self.method_missing(receiver, name, args, style, Some(method.visibility));
                    }
                }
                self.invoke(receiver, &method, args)
            }
            None => self.method_missing(receiver, name, args, style, None),
        }
    }

    fn self_is_a(&self, owner: &ClassRef) -> bool {
        self.contexts.last().is_some_and(|context| self.is_a(&context.frame.self_value, &owner.real()))
    }

    pub(crate) fn method_missing(
        &mut self,
        receiver: &Value,
        name: Symbol,
        mut args: Args,
        style: CallStyle,
        hidden: Option<Visibility>,
    ) -> Eval {
        let class = self.dispatch_class(receiver);
        if let Some(method) = self.find_method(&class, names::METHOD_MISSING)
            && !matches!(method.body, MethodBody::Native(..))
        {
            args.positional.insert(0, Value::Sym(name));
            self.missing_style = style;
            return self.invoke(receiver, &method, args);
        }
        self.raise_missing(receiver, name, style, hidden)
    }

    /// Raises what Ruby raises for a method that nothing answers.
    pub(crate) fn raise_missing(
        &mut self,
        receiver: &Value,
        name: Symbol,
        style: CallStyle,
        hidden: Option<Visibility>,
    ) -> Eval {
        let message = self.missing_text(receiver, name, style, hidden);
        let kind = if style == CallStyle::VariableLike { "NameError" } else { "NoMethodError" };
        let exception = self.exception(kind, message);
        if let Control::Raise(Value::Object(object)) = &exception {
            object.set_variable(names::HIDDEN_NAME, Value::Sym(name));
            object.set_variable(names::HIDDEN_RECEIVER, receiver.clone());
        }
        Err(exception)
    }

    fn missing_text(
        &mut self,
        receiver: &Value,
        name: Symbol,
        style: CallStyle,
        hidden: Option<Visibility>,
    ) -> String {
        let shown = self.describe_receiver(receiver);
        match (style, hidden) {
            (_, Some(Visibility::Private)) => format!("private method `{name}' called for {shown}"),
            (_, Some(_)) => format!("protected method `{name}' called for {shown}"),
            (CallStyle::VariableLike, _) => {
                format!("undefined local variable or method `{name}' for {shown}")
            }
            (CallStyle::Super, _) => format!("super: no superclass method `{name}' for {shown}"),
            _ => format!("undefined method `{name}' for {shown}"),
        }
    }

    /// How `NoMethodError` names a receiver.
    pub(crate) fn describe_receiver(&mut self, receiver: &Value) -> String {
        match receiver {
            Value::Nil => "nil:NilClass".to_owned(),
            Value::Bool(true) => "true:TrueClass".to_owned(),
            Value::Bool(false) => "false:FalseClass".to_owned(),
            Value::Class(class) => {
                let kind = if class.is_module { "Module" } else { "Class" };
                format!("{}:{kind}", self.class_name(class))
            }
            other => {
                let class = self.class_name(&self.class_of(other));
                let can_inspect = self.find_method(&self.dispatch_class(other), names::INSPECT).is_some();
                let shown = match can_inspect.then(|| self.inspect(other)) {
                    Some(Ok(text)) => text,
                    _ => self.plain_inspect(other),
                };
                if shown.starts_with("#<") && shown != "main" { shown } else { format!("{shown}:{class}") }
            }
        }
    }

    /// Runs a method that was found.
    pub fn invoke(&mut self, receiver: &Value, method: &Rc<Method>, args: Args) -> Eval {
        self.invoke_as(receiver, method, method.name, args)
    }

    /// Runs a method that was found; `name` is what the backtrace calls it.
    pub(crate) fn invoke_as(
        &mut self,
        receiver: &Value,
        method: &Rc<Method>,
        name: Symbol,
        mut args: Args,
    ) -> Eval {
        self.usage.step()?;
        if stack_is_low() {
            return self.raise("SystemStackError", "stack level too deep");
        }
        let span = self.span;
        match &method.body {
            MethodBody::Native(function, arity) => {
                if !arity.keywords {
                    args.fold_keywords();
                }
                self.activations.push(Activation { label: Label::Method(name), called_at: span });
                let result = if arity.accepts(args.positional.len()) {
                    function(self, receiver, args)
                } else {
                    self.wrong_arguments(args.positional.len(), &arity.expected())
                };
                self.activations.pop();
                self.span = span;
                result
            }
            MethodBody::Closure(closure) => {
                self.activations.push(Activation { label: Label::Method(name), called_at: span });
                let result = closure(self, receiver, args);
                self.activations.pop();
                self.span = span;
                result
            }
            MethodBody::Ruby { code, lexical } => {
                self.activations.push(Activation { label: Label::Method(name), called_at: span });
                let result = self.run_method(receiver, method, code, lexical, args);
                self.activations.pop();
                self.span = span;
                result
            }
            MethodBody::Reader(variable) => {
                if !args.is_empty() {
                    return self.wrong_arguments(args.len(), "0");
                }
                Ok(self.instance_variable(receiver, *variable))
            }
            MethodBody::Writer(variable) => {
                if args.len() != 1 {
                    return self.wrong_arguments(args.len(), "1");
                }
                let value = args.at(0);
                self.set_instance_variable(receiver, *variable, value.clone())?;
                Ok(value)
            }
            MethodBody::Block(block) => {
                self.activations.push(Activation { label: Label::Method(name), called_at: span });
                let result = self.run_block_as_method(receiver, method, block, args);
                self.activations.pop();
                self.span = span;
                result
            }
            MethodBody::Undefined => self.method_missing(receiver, name, args, CallStyle::Explicit, None),
        }
    }

    /// Calls a block as `yield` does.
    pub fn call_proc(&mut self, block: &Rc<Proc>, args: Args) -> Eval {
        self.call_proc_inner(block, None, args)
    }

    /// Calls a block with one value, as `yield value` does.
    pub fn call_proc_one(&mut self, block: &Rc<Proc>, value: Value) -> Eval {
        self.call_proc(block, Args::one(value))
    }

    /// Calls a block with another self, as `instance_exec` does; `def` in it defines on `self`'s singleton.
    pub fn call_proc_with_self(&mut self, block: &Rc<Proc>, self_value: &Value, args: Args) -> Eval {
        self.call_proc_inner(block, Some((self_value.clone(), None)), args)
    }

    /// Calls a block with a class as self and as the place where `def` defines, as `class_exec` does.
    pub fn call_proc_in_class(&mut self, block: &Rc<Proc>, class: &ClassRef, args: Args) -> Eval {
        self.call_proc_inner(block, Some((Value::Class(class.clone()), Some(class.clone()))), args)
    }

    fn call_proc_inner(
        &mut self,
        block: &Rc<Proc>,
        with_self: Option<(Value, Option<ClassRef>)>,
        mut args: Args,
    ) -> Eval {
        self.usage.step()?;
        match &block.body {
            ProcBody::Ruby { code, context, tag } => {
                if stack_is_low() {
                    return self.raise("SystemStackError", "stack level too deep");
                }
                let name = context.frame.method.as_ref().map_or(names::MAIN, |method| method.name);
                let span = self.span;
                self.activations.push(Activation { label: Label::Block(name), called_at: span });
                let result = self.run_block(block, code, context, *tag, with_self, args);
                self.activations.pop();
                self.span = span;
                result
            }
            ProcBody::Native(closure, arity) => {
                let self_value = with_self.map_or(Value::Nil, |(value, _)| value);
                if block.lambda.get() && !arity.accepts(args.len()) {
                    return self.wrong_arguments(args.len(), &arity.expected());
                }
                let span = self.span;
                let result = closure.clone()(self, &self_value, args);
                self.span = span;
                result
            }
            ProcBody::Symbol(name) => {
                if args.is_empty() {
                    return self.raise("ArgumentError", "no receiver given");
                }
                let receiver = args.positional.remove(0);
                self.call_public(&receiver, *name, args)
            }
            ProcBody::Method(object) => self.call_method_object(object, args),
        }
    }

    /// Calls a bound method object.
    pub fn call_method_object(&mut self, object: &Rc<MethodObject>, args: Args) -> Eval {
        let receiver = object.receiver.clone().unwrap_or(Value::Nil);
        self.invoke_as(&receiver, &object.method, object.name, args)
    }

    /// The block's code as an object that `&value` passes on.
    pub fn to_block(&mut self, value: &Value) -> Eval<Option<Rc<Proc>>> {
        match value {
            Value::Nil => Ok(None),
            Value::Proc(block) => Ok(Some(block.clone())),
            Value::Sym(name) => Ok(Some(Proc::of(ProcBody::Symbol(*name), true))),
            Value::Method(object) => Ok(Some(Proc::of(ProcBody::Method(object.clone()), true))),
            other => {
                if self.responds_to(other, names::TO_PROC)?
                    && let Value::Proc(block) = self.call_method(other, names::TO_PROC, Args::none())?
                {
                    return Ok(Some(block));
                }
                let class = self.class_name(&self.class_of(other));
                self.raise("TypeError", format!("wrong argument type {class} (expected Proc)"))
            }
        }
    }

    /// The surroundings of the Ruby code that called the native method being run.
    pub fn caller_context(&self) -> Option<&Context> {
        self.contexts.last()
    }
}
