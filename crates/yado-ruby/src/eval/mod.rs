//! The evaluator: walks the tree. Split by theme; this file chooses among them.

mod arguments;
mod arithmetic;
mod assignments;
mod blocks;
mod calls;
mod constants;
mod defined;
mod definitions;
mod flow;
mod globals;
mod literals;
mod patterns;
mod programs;

use crate::args::Args;
use crate::control::Control;
use crate::frame::Context;
use crate::interpreter::Interpreter;
use crate::tree::{Expr, Kind};
use crate::value::{Eval, Value};

impl Interpreter {
    /// Evaluates an expression.
    pub(crate) fn eval(&mut self, expr: &Expr, cx: &Context) -> Eval {
        match &expr.kind {
            Kind::Nil => Ok(Value::Nil),
            Kind::True => Ok(Value::Bool(true)),
            Kind::False => Ok(Value::Bool(false)),
            Kind::SelfValue => Ok(cx.frame.self_value.clone()),
            Kind::Int(number) => Ok(Value::Int(*number)),
            Kind::Sym(symbol) => Ok(Value::Sym(*symbol)),
            Kind::Local { slot, depth } => Ok(cx.scope.out(*depth).get(*slot)),
            Kind::Instance(name) => Ok(self.instance_variable(&cx.frame.self_value, *name)),
            Kind::Call(call) => self.eval_call(expr, call, cx),
            Kind::Seq(items) => self.eval_sequence(items, cx),
            Kind::If { condition, then, otherwise } => {
                let branch = if self.eval(condition, cx)?.truthy() { then } else { otherwise };
                self.eval(branch, cx)
            }
            Kind::And(left, right) => {
                let value = self.eval(left, cx)?;
                if value.truthy() { self.eval(right, cx) } else { Ok(value) }
            }
            Kind::Or(left, right) => {
                let value = self.eval(left, cx)?;
                if value.truthy() { Ok(value) } else { self.eval(right, cx) }
            }
            Kind::Constant(name) => {
                self.span = expr.span;
                self.constant(*name, cx)
            }
            Kind::Assign { target, value } => self.eval_assign(expr, target, value, cx),
            _ => self.eval_literal(expr, cx),
        }
    }

    fn eval_sequence(&mut self, items: &[Expr], cx: &Context) -> Eval {
        let Some((last, before)) = items.split_last() else { return Ok(Value::Nil) };
        for item in before {
            self.eval(item, cx)?;
        }
        self.eval(last, cx)
    }

    /// Literals and the reading of what is not a local variable.
    fn eval_literal(&mut self, expr: &Expr, cx: &Context) -> Eval {
        match &expr.kind {
            Kind::Big(number) => Ok(Value::big(number.clone())),
            Kind::Rational(top, bottom) => {
                let parts = vec![Value::big(top.clone()), Value::big(bottom.clone())];
                self.send(&Value::Nil, "Rational", Args::of(parts))
            }
            Kind::Float(number) => Ok(Value::Float(*number)),
            Kind::Str { bytes, frozen } => Ok(Self::string_literal(bytes, *frozen)),
            Kind::StrParts(parts) => Ok(Value::bytes(self.joined(parts, cx)?)),
            Kind::SymParts(parts) => self.symbol_of_parts(parts, cx),
            Kind::Shell(parts) => self.shell_literal(expr, parts, cx),
            Kind::Regexp(regexp) => Ok(Value::Regexp(regexp.clone())),
            Kind::RegexpParts { parts, options, once } => {
                self.regexp_of_parts(parts, *options, once.as_ref(), cx)
            }
            Kind::Array(items) => self.array_literal(items, cx),
            Kind::Hash(pairs) => self.hash_literal(pairs, cx),
            Kind::Range { begin, end, exclusive } => self.range_literal(expr, begin, end, *exclusive, cx),
            Kind::Splat(inner) => {
                let value = self.eval(inner, cx)?;
                Ok(Value::array(self.splat(&value)?))
            }
            Kind::Global(name) => self.global(*name),
            Kind::ClassVariable(name) => {
                self.span = expr.span;
                let class = Self::class_variable_scope(cx);
                self.class_variable(&class, *name)
            }
            Kind::ConstantPath { parent, name } => self.constant_path(expr, parent.as_deref(), *name, cx),
            Kind::MatchGroup(number) => Ok(Self::match_group(cx, *number as usize)),
            Kind::MatchPart(part) => Ok(Self::match_part(cx, *part)),
            _ => self.eval_statement(expr, cx),
        }
    }

    /// Everything that does something.
    fn eval_statement(&mut self, expr: &Expr, cx: &Context) -> Eval {
        match &expr.kind {
            Kind::MultiAssign { targets, value } => self.eval_multi_assign(targets, value, cx),
            Kind::OpAssign(assign) => self.eval_op_assign(expr, assign, cx),
            Kind::Super(args) => self.eval_super(expr, args, cx),
            Kind::Yield(args) => self.eval_yield(expr, args, cx),
            Kind::Defined(inner) => Ok(self.eval_defined(inner, cx)?.map_or(Value::Nil, Value::str)),
            Kind::Loop { condition, body, until, body_first } => {
                self.eval_loop(condition, body, *until, *body_first, cx)
            }
            Kind::For { target, collection, body } => self.eval_for(target, collection, body, cx),
            Kind::Case(case) => self.eval_case(case, cx),
            Kind::CaseIn(case) => self.eval_case_in(expr, case, cx),
            Kind::MatchPattern { value, pattern, required } => {
                self.eval_match_pattern(expr, value, pattern, *required, cx)
            }
            Kind::Begin(begin) => self.eval_begin(begin, cx),
            Kind::Def { code, receiver } => self.eval_def(expr, code, receiver.as_deref(), cx),
            Kind::Class(definition) => self.eval_class(expr, definition, cx),
            Kind::SingletonClass { object, body, names } => {
                self.eval_singleton_class(object, body, names, cx)
            }
            Kind::Alias { new, old } => self.eval_alias(expr, new, old, cx),
            Kind::AliasGlobal { new, old } => {
                self.global_aliases.insert(*new, *old);
                Ok(Value::Nil)
            }
            Kind::Undef(items) => self.eval_undef(expr, items, cx),
            Kind::Lambda(code) => Ok(Value::Proc(self.make_block(code, cx, true).0)),
            Kind::FlipFlop { begin, end, exclusive, slot, depth } => {
                self.eval_flip_flop(begin, end, *exclusive, (*slot, *depth), cx)
            }
            Kind::AtExit(code) => self.eval_at_exit(code, cx),
            Kind::MatchWrite { call, targets } => self.eval_match_write(call, targets, cx),
            Kind::MatchLastLine(_) => Ok(Value::Nil),
            Kind::ImplicitSuper => {
                self.span = expr.span;
                self.raise(
                    "RuntimeError",
                    "implicit argument passing of super from method defined by define_method() is not \
                     supported. Specify all arguments explicitly.",
                )
            }
            Kind::Unsupported(what) => {
                self.span = expr.span;
                self.raise("NotImplementedError", format!("{what} is not supported"))
            }
            _ => self.eval_jump(expr, cx),
        }
    }

    fn eval_jump(&mut self, expr: &Expr, cx: &Context) -> Eval {
        let value = match &expr.kind {
            Kind::Return(value) | Kind::BreakLoop(value) | Kind::BreakBlock(value) | Kind::Next(value) => {
                match value {
                    Some(value) => self.eval(value, cx)?,
                    None => Value::Nil,
                }
            }
            _ => Value::Nil,
        };
        let target = match &expr.kind {
            Kind::Return(_) => Some(cx.frame.tag),
            Kind::BreakBlock(_) => Some(cx.break_tag),
            _ => None,
        };
        if target.is_some_and(|tag| !self.active_tags.iter().rev().any(|active| *active == tag)) {
            self.span = expr.span;
            let what = if matches!(expr.kind, Kind::Return(_)) {
                "unexpected return"
            } else {
                "break from proc-closure"
            };
            return self.raise("LocalJumpError", what);
        }
        Err(match &expr.kind {
            Kind::Return(_) => Control::Return { tag: cx.frame.tag, value },
            Kind::BreakLoop(_) => Control::Break { tag: 0, value },
            Kind::BreakBlock(_) => Control::Break { tag: cx.break_tag, value },
            Kind::Next(_) => Control::Next(value),
            Kind::Redo => Control::Redo,
            Kind::Retry => Control::Retry,
            _ => return Ok(Value::Nil),
        })
    }
}
