//! Exceptions: making, raising, describing, and turning those that nothing rescued into a [`Failure`].

use crate::class::ClassRef;
use crate::control::Control;
use crate::failure::{Diagnostic, Failure, FailureKind, Limit};
use crate::interpreter::Interpreter;
use crate::object::RObject;
use crate::source::Span;
use crate::symbol::names;
use crate::value::{Eval, Value};

/// The span that an exception was raised at, kept as its native data together with what a parser found.
pub(crate) struct Origin {
    pub(crate) span: Span,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Interpreter {
    /// Raises a new exception of the class with this name.
    pub fn raise<T>(&mut self, class: &str, message: impl Into<String>) -> Eval<T> {
        Err(self.exception(class, message))
    }

    /// A new exception of the class with this name, as a [`Control`], for `map_err` and the like.
    pub fn exception(&mut self, class: &str, message: impl Into<String>) -> Control {
        let class = self.class_named(class).unwrap_or_else(|| self.core.standard_error.clone());
        let exception = self.new_exception(&class, Value::str(message));
        self.prepare_raise(&exception);
        Control::Raise(exception)
    }

    /// A new exception object that was not raised yet.
    pub fn new_exception(&mut self, class: &ClassRef, message: Value) -> Value {
        let object = RObject::new(class.clone());
        object.set_variable(names::HIDDEN_MESSAGE, message);
        Value::Object(object)
    }

    /// Gives an exception its backtrace and cause, unless it has them already.
    pub(crate) fn prepare_raise(&mut self, exception: &Value) {
        let Value::Object(object) = exception else { return };
        if object.data.borrow().is_none() {
            *object.data.borrow_mut() =
                Some(Box::new(Origin { span: self.own_span(), diagnostics: Vec::new() }));
        }
        if object.variable(names::HIDDEN_BACKTRACE).is_none() {
            let lines = self.backtrace(0).into_iter().map(Value::str).collect();
            object.set_variable(names::HIDDEN_BACKTRACE, Value::array(lines));
        }
        if object.variable(names::HIDDEN_CAUSE).is_none() {
            let current = self.globals.get(&crate::symbol::Symbol::new("$!")).cloned().unwrap_or(Value::Nil);
            if !current.same(exception) {
                object.set_variable(names::HIDDEN_CAUSE, current);
            }
        }
    }

    /// The message of an exception, through its own `message` method.
    pub fn exception_message(&mut self, exception: &Value) -> String {
        match self.send(exception, "message", crate::args::Args::none()) {
            Ok(Value::Str(text)) => text.text(),
            Ok(other) => self.to_s(&other).unwrap_or_default(),
            Err(_) => self.class_name(&self.class_of(exception)),
        }
    }

    /// What to tell people about an evaluation that ended early.
    pub fn failure(&mut self, control: Control) -> Failure {
        let exception = match control {
            Control::Raise(exception) => exception,
            Control::Abort(limit) => return self.limit_failure(limit),
            other => match self.stray_jump(other) {
                Control::Raise(exception) => exception,
                _ => Value::Nil,
            },
        };
        let class = self.class_name(&self.class_of(&exception));
        let message = self.exception_message(&exception);
        let (mut location, mut diagnostics) = (None, Vec::new());
        if let Some(origin) = exception.data::<Origin>() {
            location = self.location_of(origin.span);
            diagnostics.clone_from(&origin.diagnostics);
        }
        let mut backtrace = Vec::new();
        let mut status = 1;
        if let Value::Object(object) = &exception {
            if let Some(Value::Array(lines)) = object.variable(names::HIDDEN_BACKTRACE) {
                backtrace = lines.to_vec().iter().filter_map(Value::as_text).collect();
            }
            if let Some(Value::Int(code)) = object.variable(names::HIDDEN_STATUS) {
                status = code as i32;
            }
        }
        let kind = match class.as_str() {
            "SyntaxError" => FailureKind::Syntax,
            "SystemExit" => FailureKind::Exit,
            "Refused" => FailureKind::Refused,
            _ => FailureKind::Raised,
        };
        if let (None, Some(first)) = (&location, diagnostics.first()) {
            location = Some(first.location.clone());
        }
        Failure { kind, class, message, location, backtrace, status, diagnostics }
    }

    fn limit_failure(&mut self, limit: Limit) -> Failure {
        let message = match limit {
            Limit::Steps => "the program did not finish within the allowed number of steps",
            Limit::Memory => "the program wants more memory than it is allowed",
            Limit::Output => "the program prints more than it is allowed",
        };
        Failure {
            kind: FailureKind::Limit(limit),
            class: "Limit".to_owned(),
            message: message.to_owned(),
            location: self.location(),
            backtrace: self.backtrace(0),
            status: 1,
            diagnostics: Vec::new(),
        }
    }

    /// The exception for a jump that found no target.
    pub(crate) fn stray_jump(&mut self, control: Control) -> Control {
        match control {
            Control::Break { .. } => self.exception("LocalJumpError", "break from proc-closure"),
            Control::Return { .. } => self.exception("LocalJumpError", "unexpected return"),
            Control::Next(_) => self.exception("LocalJumpError", "unexpected next"),
            Control::Redo => self.exception("LocalJumpError", "unexpected redo"),
            Control::Retry => self.exception("LocalJumpError", "unexpected retry"),
            Control::Throw { tag, .. } => {
                let text = self.inspect(&tag).unwrap_or_default();
                self.exception("UncaughtThrowError", format!("uncaught throw {text}"))
            }
            other @ (Control::Raise(_) | Control::Abort(_)) => other,
        }
    }

    /// Raises what Ruby raises for a wrong number of arguments.
    pub fn wrong_arguments<T>(&mut self, given: usize, expected: &str) -> Eval<T> {
        self.raise("ArgumentError", format!("wrong number of arguments (given {given}, expected {expected})"))
    }

    /// Raises `KeyError`, which knows what was asked and of whom.
    pub fn key_error<T>(&mut self, message: impl Into<String>, receiver: &Value, key: &Value) -> Eval<T> {
        let exception = self.exception("KeyError", message);
        if let Control::Raise(Value::Object(object)) = &exception {
            object.set_variable(names::HIDDEN_RECEIVER, receiver.clone());
            object.set_variable(names::HIDDEN_KEY, key.clone());
        }
        Err(exception)
    }

    /// Raises what Ruby raises where an implicit conversion is impossible.
    pub fn no_conversion<T>(&mut self, value: &Value, into: &str) -> Eval<T> {
        let from = self.describe_for_conversion(value);
        self.raise("TypeError", format!("no implicit conversion of {from} into {into}"))
    }

    /// How conversion errors name a value: `nil`, `true`, or its class.
    pub fn describe_for_conversion(&self, value: &Value) -> String {
        match value {
            Value::Nil => "nil".to_owned(),
            Value::Bool(it) => it.to_string(),
            other => self.class_name(&self.class_of(other)),
        }
    }

    /// Raises `FrozenError` for this object.
    pub fn frozen_error<T>(&mut self, value: &Value) -> Eval<T> {
        let class = self.class_name(&self.class_of(value));
        let text = self.inspect(value)?;
        let exception = self.exception("FrozenError", format!("can't modify frozen {class}: {text}"));
        if let Control::Raise(Value::Object(object)) = &exception {
            object.set_variable(names::HIDDEN_RECEIVER, value.clone());
        }
        Err(exception)
    }

    /// Raises `FrozenError` if this object is frozen; call it before changing anything.
    pub fn check_frozen(&mut self, value: &Value) -> Eval<()> {
        if self.is_frozen(value) { self.frozen_error(value) } else { Ok(()) }
    }

    /// Whether a value is frozen.
    pub fn is_frozen(&self, value: &Value) -> bool {
        match value {
            Value::Str(it) => it.frozen.get(),
            Value::Array(it) => it.frozen.get(),
            Value::Hash(it) => it.frozen.get(),
            Value::Object(it) => it.frozen.get(),
            Value::Class(it) => it.frozen.get(),
            Value::Proc(_) | Value::Method(_) => false,
            _ => true,
        }
    }
}
