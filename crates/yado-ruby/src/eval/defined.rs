//! `defined?(…)`: what an expression is, without evaluating more of it than needed.

use crate::control::Control;
use crate::frame::Context;
use crate::interpreter::Interpreter;
use crate::procs::Visibility;
use crate::tree::{Expr, Kind};
use crate::value::{Eval, Value};

impl Interpreter {
    pub(super) fn eval_defined(&mut self, expr: &Expr, cx: &Context) -> Eval<Option<&'static str>> {
        Ok(match &expr.kind {
            Kind::Nil => Some("nil"),
            Kind::Unsupported(_) | Kind::ImplicitSuper => None,
            Kind::True => Some("true"),
            Kind::False => Some("false"),
            Kind::SelfValue => Some("self"),
            Kind::Local { .. } => Some("local-variable"),
            Kind::Instance(name) => {
                let known = self.instance_variable_names(&cx.frame.self_value).contains(name);
                known.then_some("instance-variable")
            }
            Kind::Global(name) => {
                let known = self.globals.contains_key(name) || !self.global(*name)?.is_nil();
                known.then_some("global-variable")
            }
            Kind::ClassVariable(name) => {
                let class = Self::class_variable_scope(cx);
                self.class_variable_owner(&class, *name).map(|_| "class variable")
            }
            Kind::MatchGroup(number) => {
                let value = Self::match_group(cx, *number as usize);
                (!value.is_nil()).then_some("global-variable")
            }
            Kind::Constant(name) => self.lexical_constant(*name, cx)?.map(|_| "constant"),
            Kind::ConstantPath { parent, name } => {
                let module = match parent {
                    None => Some(Value::Class(self.core.object.clone())),
                    Some(parent) if self.eval_defined(parent, cx)?.is_some() => self.quietly(parent, cx)?,
                    Some(_) => None,
                };
                match module {
                    Some(Value::Class(module)) => {
                        self.find_constant(&module, *name, false)?.map(|_| "constant")
                    }
                    _ => None,
                }
            }
            Kind::Call(call) => {
                let receiver = match &call.receiver {
                    None => cx.frame.self_value.clone(),
                    Some(receiver) => {
                        if self.eval_defined(receiver, cx)?.is_none() {
                            return Ok(None);
                        }
                        match self.quietly(receiver, cx)? {
                            Some(value) => value,
                            None => return Ok(None),
                        }
                    }
                };
                let class = self.dispatch_class(&receiver);
                let found = match self.find_method(&class, call.name) {
                    Some(method) => call.own || method.visibility == Visibility::Public,
                    None => self.responds_to(&receiver, call.name)?,
                };
                found.then_some("method")
            }
            Kind::Yield(_) => cx.frame.block.as_ref().map(|_| "yield"),
            Kind::Super(_) => match &cx.frame.method {
                Some(method) => {
                    self.find_super_method(&cx.frame.self_value, &method.owner, method.name).map(|_| "super")
                }
                None => None,
            },
            Kind::Assign { .. } | Kind::MultiAssign { .. } | Kind::OpAssign(_) => Some("assignment"),
            Kind::Seq(items) if items.len() == 1 => return self.eval_defined(&items[0], cx),
            _ => Some("expression"),
        })
    }

    /// Evaluates something that may raise; then it is not defined.
    fn quietly(&mut self, expr: &Expr, cx: &Context) -> Eval<Option<Value>> {
        match self.eval(expr, cx) {
            Ok(value) => Ok(Some(value)),
            Err(Control::Raise(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }
}
