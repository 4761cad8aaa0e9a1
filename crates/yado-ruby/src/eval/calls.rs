//! Method calls, `super` and `yield`.

use std::rc::Rc;

use crate::args::Args;
use crate::control::{Control, Tag};
use crate::dispatch::CallStyle;
use crate::frame::Context;
use crate::interpreter::Interpreter;
use crate::limits::stack_is_low;
use crate::procs::Proc;
use crate::symbol::names;
use crate::tree::{BlockArg, Call, CallArgs, Expr};
use crate::value::{Eval, Value};

impl Interpreter {
    pub(super) fn eval_call(&mut self, expr: &Expr, call: &Call, cx: &Context) -> Eval {
        if stack_is_low() {
            return self.raise("SystemStackError", "stack level too deep");
        }
        let receiver = match &call.receiver {
            Some(receiver) => self.eval(receiver, cx)?,
            None => cx.frame.self_value.clone(),
        };
        if call.safe && receiver.is_nil() {
            return Ok(Value::Nil);
        }
        if let [only] = call.args.positional.as_slice()
            && matches!(receiver, Value::Int(_) | Value::Float(_))
            && !call.args.splat
            && call.receiver.is_some()
        {
            let value = self.eval(only, cx)?;
            if let Some(result) = self.quick_operator(&receiver, call.name, &value) {
                return Ok(result);
            }
            if call.args.keywords.is_empty() && matches!(call.args.block, BlockArg::None) {
                self.span = expr.span;
                return self.call_styled(&receiver, call.name, Args::one(value), Self::style(call));
            }
            return self.call_with(expr, call, cx, &receiver, Some(value));
        }
        self.call_with(expr, call, cx, &receiver, None)
    }

    fn style(call: &Call) -> CallStyle {
        if call.variable_like {
            CallStyle::VariableLike
        } else if call.own {
            CallStyle::Own
        } else {
            CallStyle::Explicit
        }
    }

    /// The general call; `first` is the only positional argument if it was evaluated already.
    fn call_with(
        &mut self,
        expr: &Expr,
        call: &Call,
        cx: &Context,
        receiver: &Value,
        first: Option<Value>,
    ) -> Eval {
        let (args, tag) = self.eval_arguments(&call.args, cx, first, call)?;
        let assigned = call.attribute_write.then(|| args.positional.last().cloned().unwrap_or(Value::Nil));
        self.span = expr.span;
        let active = self.active_tags.len();
        self.active_tags.extend(tag);
        let result = self.call_styled(receiver, call.name, args, Self::style(call));
        self.active_tags.truncate(active);
        let result = Self::caught_break(result, tag)?;
        Ok(assigned.unwrap_or(result))
    }

    fn caught_break(result: Eval, tag: Option<Tag>) -> Eval {
        match result {
            Err(Control::Break { tag: target, value }) if Some(target) == tag => Ok(value),
            other => other,
        }
    }

    fn eval_arguments(
        &mut self,
        args: &CallArgs,
        cx: &Context,
        first: Option<Value>,
        call: &Call,
    ) -> Eval<(Args, Option<Tag>)> {
        let positional = match first {
            Some(value) => vec![value],
            None => self.eval_items(&args.positional, cx)?,
        };
        let keywords =
            if args.keywords.is_empty() { None } else { Some(self.eval_pairs(&args.keywords, cx)?) };
        let lambda = call.name == names::LAMBDA && call.receiver.is_none();
        let (block, tag) = self.eval_block_arg(&args.block, cx, lambda)?;
        Ok((Args { positional, ..Args::default() }.with_keywords(keywords).with_block(block), tag))
    }

    fn eval_block_arg(
        &mut self,
        block: &BlockArg,
        cx: &Context,
        lambda: bool,
    ) -> Eval<(Option<Rc<Proc>>, Option<Tag>)> {
        match block {
            BlockArg::None => Ok((None, None)),
            BlockArg::Literal(code) => {
                let (block, tag) = self.make_block(code, cx, lambda);
                Ok((Some(block), Some(tag)))
            }
            BlockArg::Pass(expr) => {
                let value = self.eval(expr, cx)?;
                self.span = expr.span;
                Ok((self.to_block(&value)?, None))
            }
        }
    }

    /// Arguments of `super` and `yield`.
    fn plain_arguments(&mut self, args: &CallArgs, cx: &Context) -> Eval<(Args, Option<Tag>)> {
        let positional = self.eval_items(&args.positional, cx)?;
        let keywords =
            if args.keywords.is_empty() { None } else { Some(self.eval_pairs(&args.keywords, cx)?) };
        let (block, tag) = self.eval_block_arg(&args.block, cx, false)?;
        Ok((Args { positional, ..Args::default() }.with_keywords(keywords).with_block(block), tag))
    }

    pub(super) fn eval_super(&mut self, expr: &Expr, args: &CallArgs, cx: &Context) -> Eval {
        let (mut actual, tag) = self.plain_arguments(args, cx)?;
        if actual.block.is_none() && !matches!(args.block, BlockArg::Pass(_)) {
            actual.block.clone_from(&cx.frame.block);
        }
        self.span = expr.span;
        let Some(method) = cx.frame.method.clone() else {
            return self.raise("RuntimeError", "super called outside of method");
        };
        let receiver = cx.frame.self_value.clone();
        let active = self.active_tags.len();
        self.active_tags.extend(tag);
        let result = match self.find_super_method(&receiver, &method.owner, method.name) {
            Some(next) => self.invoke(&receiver, &next, actual),
            None => self.method_missing(&receiver, method.name, actual, CallStyle::Super, None),
        };
        self.active_tags.truncate(active);
        Self::caught_break(result, tag)
    }

    pub(super) fn eval_yield(&mut self, expr: &Expr, args: &CallArgs, cx: &Context) -> Eval {
        let (actual, _) = self.plain_arguments(args, cx)?;
        self.span = expr.span;
        match cx.frame.block.clone() {
            Some(block) => self.call_proc(&block, actual),
            None => self.raise("LocalJumpError", "no block given (yield)"),
        }
    }
}
