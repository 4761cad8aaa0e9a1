//! Assignments: single, multiple, and with operators.

use crate::args::Args;
use crate::dispatch::CallStyle;
use crate::frame::Context;
use crate::interpreter::Interpreter;
use crate::symbol::{Symbol, names};
use crate::tree::{CallArgs, Expr, Kind, MultiTarget, OpAssign, Operator, Target};
use crate::value::{Eval, Value};

impl Interpreter {
    pub(super) fn eval_assign(&mut self, expr: &Expr, target: &Target, value: &Expr, cx: &Context) -> Eval {
        let value = self.eval(value, cx)?;
        if let Target::Local { slot, depth } = target {
            cx.scope.out(*depth).set(*slot, value.clone());
            return Ok(value);
        }
        // `x = *list` gives an array, which the splat already made.
        self.span = expr.span;
        self.assign(target, value.clone(), cx)?;
        Ok(value)
    }

    /// Assigns a value to anything that can be assigned to.
    pub(super) fn assign(&mut self, target: &Target, value: Value, cx: &Context) -> Eval<()> {
        match target {
            Target::Local { slot, depth } => cx.scope.out(*depth).set(*slot, value),
            Target::Instance(name) => {
                self.set_instance_variable(&cx.frame.self_value, *name, value)?;
            }
            Target::Global(name) => self.assign_global(*name, value)?,
            Target::ClassVariable(name) => {
                let class = Self::class_variable_scope(cx);
                self.set_class_variable(&class, *name, value);
            }
            Target::Constant(name) => self.assign_constant(&cx.frame.lexical.module, *name, value),
            Target::ConstantPath { parent, name } => {
                let module = match parent {
                    Some(parent) => self.eval(parent, cx)?,
                    None => Value::Class(self.core.object.clone()),
                };
                match module {
                    Value::Class(module) => self.assign_constant(&module, *name, value),
                    other => return self.not_a_module(&other),
                }
            }
            Target::Index { receiver, args } => {
                let own = matches!(receiver.kind, Kind::SelfValue);
                let receiver = self.eval(receiver, cx)?;
                let mut index = self.eval_items(&args.positional, cx)?;
                index.push(value);
                self.call_styled(&receiver, names::INDEX_SET, Args::of(index), Self::write_style(own))?;
            }
            Target::Attribute { receiver, name, safe } => {
                let own = matches!(receiver.kind, Kind::SelfValue);
                let receiver = self.eval(receiver, cx)?;
                if !(*safe && receiver.is_nil()) {
                    self.call_styled(&receiver, writer(*name), Args::one(value), Self::write_style(own))?;
                }
            }
            Target::Multi(targets) => {
                let values = self.taken_apart(&value)?;
                self.assign_multi(targets, values, cx)?;
            }
        }
        Ok(())
    }

    fn write_style(own: bool) -> CallStyle {
        if own { CallStyle::Own } else { CallStyle::Explicit }
    }

    fn taken_apart(&mut self, value: &Value) -> Eval<Vec<Value>> {
        Ok(match self.try_array(value)? {
            Some(array) => array.to_vec(),
            None => vec![value.clone()],
        })
    }

    pub(super) fn eval_multi_assign(&mut self, targets: &MultiTarget, value: &Expr, cx: &Context) -> Eval {
        let value = self.eval(value, cx)?;
        let values = self.taken_apart(&value)?;
        self.assign_multi(targets, values, cx)?;
        Ok(value)
    }

    pub(super) fn assign_multi(
        &mut self,
        targets: &MultiTarget,
        values: Vec<Value>,
        cx: &Context,
    ) -> Eval<()> {
        let count = values.len();
        let mut values = values.into_iter();
        for target in &targets.lefts {
            let value = values.next().unwrap_or(Value::Nil);
            self.assign(target, value, cx)?;
        }
        if let Some(rest) = &targets.rest {
            let spare = count.saturating_sub(targets.lefts.len() + targets.rights.len());
            let taken: Vec<Value> = values.by_ref().take(spare).collect();
            if let Some(target) = rest {
                self.assign(target, Value::array(taken), cx)?;
            }
        }
        for target in &targets.rights {
            let value = values.next().unwrap_or(Value::Nil);
            self.assign(target, value, cx)?;
        }
        Ok(())
    }

    pub(super) fn eval_op_assign(&mut self, expr: &Expr, assign: &OpAssign, cx: &Context) -> Eval {
        match &assign.target {
            Target::Index { receiver, args } => self.op_assign_index(expr, assign, receiver, args, cx),
            Target::Attribute { receiver, name, safe } => {
                self.op_assign_attribute(expr, assign, receiver, *name, *safe, cx)
            }
            target => {
                let current = self.current_of(expr, target, assign.operator, cx)?;
                match self.combined(expr, assign, &current, cx)? {
                    Some(value) => {
                        self.span = expr.span;
                        self.assign(target, value.clone(), cx)?;
                        Ok(value)
                    }
                    None => Ok(current),
                }
            }
        }
    }

    /// The value to store, or `None` where `||=` and `&&=` leave things as they are.
    fn combined(
        &mut self,
        expr: &Expr,
        assign: &OpAssign,
        current: &Value,
        cx: &Context,
    ) -> Eval<Option<Value>> {
        match assign.operator {
            Operator::Or if current.truthy() => Ok(None),
            Operator::And if !current.truthy() => Ok(None),
            Operator::Or | Operator::And => self.eval(&assign.value, cx).map(Some),
            Operator::Call(name) => {
                let value = self.eval(&assign.value, cx)?;
                if let Some(result) = self.quick_operator(current, name, &value) {
                    return Ok(Some(result));
                }
                self.span = expr.span;
                self.call_public(current, name, Args::one(value)).map(Some)
            }
        }
    }

    /// What a variable holds now; with `||=` it need not exist.
    fn current_of(&mut self, expr: &Expr, target: &Target, operator: Operator, cx: &Context) -> Eval {
        self.span = expr.span;
        let lenient = matches!(operator, Operator::Or);
        match target {
            Target::Local { slot, depth } => Ok(cx.scope.out(*depth).get(*slot)),
            Target::Instance(name) => Ok(self.instance_variable(&cx.frame.self_value, *name)),
            Target::Global(name) => self.global(*name),
            Target::ClassVariable(name) => {
                let class = Self::class_variable_scope(cx);
                if lenient && self.class_variable_owner(&class, *name).is_none() {
                    return Ok(Value::Nil);
                }
                self.class_variable(&class, *name)
            }
            Target::Constant(name) => {
                if lenient {
                    return Ok(self.lexical_constant(*name, cx)?.unwrap_or(Value::Nil));
                }
                self.constant(*name, cx)
            }
            Target::ConstantPath { parent, name } => {
                let module = match parent {
                    Some(parent) => self.eval(parent, cx)?,
                    None => Value::Class(self.core.object.clone()),
                };
                let Value::Class(module) = module else { return self.not_a_module(&module) };
                if lenient {
                    return Ok(self.find_constant(&module, *name, false)?.unwrap_or(Value::Nil));
                }
                self.constant_in(&module, *name, false)
            }
            Target::Index { .. } | Target::Attribute { .. } | Target::Multi(_) => Ok(Value::Nil),
        }
    }

    fn op_assign_index(
        &mut self,
        expr: &Expr,
        assign: &OpAssign,
        receiver: &Expr,
        args: &CallArgs,
        cx: &Context,
    ) -> Eval {
        let style = Self::write_style(matches!(receiver.kind, Kind::SelfValue));
        let receiver = self.eval(receiver, cx)?;
        let mut index = self.eval_items(&args.positional, cx)?;
        self.span = expr.span;
        let current = self.call_styled(&receiver, names::INDEX, Args::of(index.clone()), style)?;
        let Some(value) = self.combined(expr, assign, &current, cx)? else { return Ok(current) };
        index.push(value.clone());
        self.span = expr.span;
        self.call_styled(&receiver, names::INDEX_SET, Args::of(index), style)?;
        Ok(value)
    }

    fn op_assign_attribute(
        &mut self,
        expr: &Expr,
        assign: &OpAssign,
        receiver: &Expr,
        name: Symbol,
        safe: bool,
        cx: &Context,
    ) -> Eval {
        let style = Self::write_style(matches!(receiver.kind, Kind::SelfValue));
        let receiver = self.eval(receiver, cx)?;
        if safe && receiver.is_nil() {
            return Ok(Value::Nil);
        }
        self.span = expr.span;
        let current = self.call_styled(&receiver, name, Args::none(), style)?;
        let Some(value) = self.combined(expr, assign, &current, cx)? else { return Ok(current) };
        self.span = expr.span;
        self.call_styled(&receiver, writer(name), Args::one(value.clone()), style)?;
        Ok(value)
    }

    pub(super) fn eval_match_write(
        &mut self,
        call: &Expr,
        targets: &[(Symbol, Target)],
        cx: &Context,
    ) -> Eval {
        let result = self.eval(call, cx)?;
        for (name, target) in targets {
            let value = Self::match_named(cx, name.as_str());
            self.assign(target, value, cx)?;
        }
        Ok(result)
    }
}

fn writer(name: Symbol) -> Symbol {
    Symbol::new(&format!("{name}="))
}
