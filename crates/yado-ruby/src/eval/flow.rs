//! Loops, `case`, exceptions.

use std::rc::Rc;

use crate::control::Control;
use crate::frame::Context;
use crate::interpreter::Interpreter;
use crate::symbol::Symbol;
use crate::tree::{Begin, BlockCode, Case, Expr, Kind, Rescue, Target};
use crate::value::{Eval, Value};

/// How a turn of a loop ended.
enum Turn {
    Again,
    Left(Value),
}

impl Interpreter {
    /// One turn of a loop body, with the jumps that concern the loop.
    fn eval_turn(&mut self, body: &Expr, cx: &Context) -> Eval<Turn> {
        loop {
            self.usage.step()?;
            match self.eval(body, cx) {
                Ok(_) | Err(Control::Next(_)) => return Ok(Turn::Again),
                Err(Control::Break { tag: 0, value }) => return Ok(Turn::Left(value)),
                Err(Control::Redo) => {}
                Err(other) => return Err(other),
            }
        }
    }

    pub(super) fn eval_loop(
        &mut self,
        condition: &Expr,
        body: &Expr,
        until: bool,
        body_first: bool,
        cx: &Context,
    ) -> Eval {
        let mut check = !body_first;
        loop {
            if check {
                match self.eval(condition, cx) {
                    Ok(value) if value.truthy() == until => return Ok(Value::Nil),
                    Ok(_) => {}
                    Err(Control::Break { tag: 0, value }) => return Ok(value),
                    Err(other) => return Err(other),
                }
            }
            check = true;
            if let Turn::Left(value) = self.eval_turn(body, cx)? {
                return Ok(value);
            }
        }
    }

    pub(super) fn eval_for(&mut self, target: &Target, collection: &Expr, body: &Expr, cx: &Context) -> Eval {
        let collection = self.eval(collection, cx)?;
        if let Value::Range(range) = &collection
            && let (Value::Int(first), Value::Int(last)) = (&range.begin, &range.end)
        {
            let last = if range.exclusive { *last - 1 } else { *last };
            for number in *first..=last {
                self.assign(target, Value::Int(number), cx)?;
                if let Turn::Left(value) = self.eval_turn(body, cx)? {
                    return Ok(value);
                }
            }
            return Ok(collection);
        }
        for item in self.elements(&collection)? {
            self.assign(target, item, cx)?;
            if let Turn::Left(value) = self.eval_turn(body, cx)? {
                return Ok(value);
            }
        }
        Ok(collection)
    }

    pub(super) fn eval_case(&mut self, case: &Case, cx: &Context) -> Eval {
        let subject = match &case.subject {
            Some(subject) => Some(self.eval(subject, cx)?),
            None => None,
        };
        for (conditions, body) in &case.branches {
            for condition in conditions {
                if self.when_holds(condition, subject.as_ref(), cx)? {
                    return self.eval(body, cx);
                }
            }
        }
        self.eval(&case.otherwise, cx)
    }

    fn when_holds(&mut self, condition: &Expr, subject: Option<&Value>, cx: &Context) -> Eval<bool> {
        let patterns = match &condition.kind {
            Kind::Splat(inner) => {
                let list = self.eval(inner, cx)?;
                self.splat(&list)?
            }
            _ => vec![self.eval(condition, cx)?],
        };
        for pattern in patterns {
            self.span = condition.span;
            let holds = match subject {
                Some(subject) => self.case_eq(&pattern, subject)?,
                None => pattern.truthy(),
            };
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn eval_begin(&mut self, begin: &Begin, cx: &Context) -> Eval {
        let result = self.eval_rescued(begin, cx);
        let Some(ensure) = &begin.ensure else { return result };
        if matches!(result, Err(Control::Abort(_))) {
            return result;
        }
        let span = self.span;
        self.eval(ensure, cx)?;
        self.span = span;
        result
    }

    fn eval_rescued(&mut self, begin: &Begin, cx: &Context) -> Eval {
        loop {
            let (contexts, activations) = (self.contexts.len(), self.activations.len());
            let span = self.span;
            let exception = match self.eval(&begin.body, cx) {
                Ok(value) => {
                    return match &begin.otherwise {
                        Some(otherwise) => self.eval(otherwise, cx),
                        None => Ok(value),
                    };
                }
                Err(Control::Raise(exception)) if !begin.rescues.is_empty() => exception,
                Err(other) => return Err(other),
            };
            self.contexts.truncate(contexts);
            self.activations.truncate(activations);
            self.span = span;
            let Some(rescue) = self.matching_rescue(&begin.rescues, &exception, cx)? else {
                return Err(Control::Raise(exception));
            };
            match self.eval_rescue(rescue, &exception, cx) {
                Err(Control::Retry) => self.usage.step()?,
                other => return other,
            }
        }
    }

    fn eval_rescue(&mut self, rescue: &Rescue, exception: &Value, cx: &Context) -> Eval {
        let name = Symbol::new("$!");
        let outer = self.globals.insert(name, exception.clone()).unwrap_or(Value::Nil);
        let result = match &rescue.target {
            Some(target) => self.assign(target, exception.clone(), cx),
            None => Ok(()),
        };
        let result = result.and_then(|()| self.eval(&rescue.body, cx));
        self.globals.insert(name, outer);
        result
    }

    fn matching_rescue<'a>(
        &mut self,
        rescues: &'a [Rescue],
        exception: &Value,
        cx: &Context,
    ) -> Eval<Option<&'a Rescue>> {
        for rescue in rescues {
            if rescue.classes.is_empty() {
                if self.is_a(exception, &self.core.standard_error.clone()) {
                    return Ok(Some(rescue));
                }
                continue;
            }
            for class in self.eval_items(&rescue.classes, cx)? {
                let matches = match &class {
                    Value::Class(class) if class.singleton.borrow().is_none() => self.is_a(exception, class),
                    Value::Class(_) => self.case_eq(&class, exception)?,
                    _ => return self.raise("TypeError", "class or module required for rescue clause"),
                };
                if matches {
                    return Ok(Some(rescue));
                }
            }
        }
        Ok(None)
    }

    pub(super) fn eval_flip_flop(
        &mut self,
        begin: &Expr,
        end: &Expr,
        exclusive: bool,
        (slot, depth): (u32, u32),
        cx: &Context,
    ) -> Eval {
        let scope = cx.scope.out(depth).clone();
        if !scope.get(slot).truthy() {
            if !self.eval(begin, cx)?.truthy() {
                return Ok(Value::Bool(false));
            }
            scope.set(slot, Value::Bool(true));
            if exclusive {
                return Ok(Value::Bool(true));
            }
        }
        if self.eval(end, cx)?.truthy() {
            scope.set(slot, Value::Bool(false));
        }
        Ok(Value::Bool(true))
    }

    /// `END { … }`: registered once, runs in the variables around it.
    pub(super) fn eval_at_exit(&mut self, code: &Rc<BlockCode>, cx: &Context) -> Eval {
        let (code, cx) = (code.clone(), cx.clone());
        let block = crate::procs::Proc::native(crate::args::Arity::at_least(0), move |this, _, _| {
            this.eval_in(&code.body, &cx)
        });
        self.at_exit.push(block);
        Ok(Value::Nil)
    }

    /// Runs what `at_exit` and `END` registered, last first. To be called once, when a program ended.
    pub fn run_at_exit(&mut self) -> Eval<()> {
        let mut result = Ok(());
        while let Some(block) = self.at_exit.pop() {
            if let Err(control) = self.call_proc(&block, crate::args::Args::none()) {
                result = Err(control);
            }
        }
        result
    }
}
