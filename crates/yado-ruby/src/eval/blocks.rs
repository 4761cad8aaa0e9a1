//! Running methods and blocks: their scopes, and the jumps that end in them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::args::Args;
use crate::class::ClassRef;
use crate::control::{Control, Tag};
use crate::frame::{Context, Frame, Lexical, Scope};
use crate::interpreter::Interpreter;
use crate::procs::{Method, Proc, ProcBody, Visibility};
use crate::tree::{BlockCode, Expr, MethodCode};
use crate::value::{Eval, Value};

impl Interpreter {
    /// A block as an object, and the tag that `break` in it carries.
    pub(super) fn make_block(&mut self, code: &Rc<BlockCode>, cx: &Context, lambda: bool) -> (Rc<Proc>, Tag) {
        let tag = self.fresh_tag();
        let body = ProcBody::Ruby { code: code.clone(), context: cx.clone(), tag };
        (Proc::of(body, lambda), tag)
    }

    /// Evaluates a body with its context on the stack of contexts, where native methods look for it.
    pub(super) fn eval_in(&mut self, body: &Expr, cx: &Context) -> Eval {
        self.contexts.push(cx.clone());
        let result = self.eval(body, cx);
        self.contexts.pop();
        result
    }

    pub(crate) fn run_method(
        &mut self,
        this: &Value,
        method: &Rc<Method>,
        code: &Rc<MethodCode>,
        lexical: &Rc<Lexical>,
        args: Args,
    ) -> Eval {
        let tag = self.fresh_tag();
        let frame = Frame {
            self_value: this.clone(),
            method: Some(method.clone()),
            lexical: lexical.clone(),
            definee: Some(lexical.module.clone()),
            block: args.block.clone(),
            tag,
            visibility: Cell::new(Visibility::Public),
            module_function: Cell::new(false),
            last_match: Rc::new(RefCell::new(Value::Nil)),
        };
        let scope = Scope::new(code.names.clone(), None);
        let cx = Context { frame: Rc::new(frame), scope, break_tag: u64::MAX };
        self.contexts.push(cx.clone());
        // Wrong arguments are blamed on the definition, one level below the call.
        self.span = code.span;
        let active = self.active_tags.len();
        self.active_tags.push(tag);
        let result = self.bind_strictly(&code.params, &cx, args).and_then(|()| self.eval(&code.body, &cx));
        self.active_tags.truncate(active);
        self.contexts.pop();
        match result {
            Err(Control::Return { tag: target, value }) if target == tag => Ok(value),
            other => other,
        }
    }

    pub(crate) fn run_block(
        &mut self,
        block: &Rc<Proc>,
        code: &Rc<BlockCode>,
        context: &Context,
        tag: Tag,
        with_self: Option<(Value, Option<ClassRef>)>,
        args: Args,
    ) -> Eval {
        let frame = match with_self {
            Some((self_value, definee)) => Rc::new(context.frame.with_self(self_value, definee)),
            None => context.frame.clone(),
        };
        if block.lambda.get() {
            return self.run_strictly(code, frame, context, tag, args);
        }
        let scope = Scope::new(code.names.clone(), Some(context.scope.clone()));
        let cx = Context { frame, scope, break_tag: tag };
        self.contexts.push(cx.clone());
        let result =
            self.bind_loosely(&code.params, &cx, args).and_then(|()| self.eval_block_body(&code.body, &cx));
        self.contexts.pop();
        result
    }

    fn eval_block_body(&mut self, body: &Expr, cx: &Context) -> Eval {
        loop {
            match self.eval(body, cx) {
                Err(Control::Next(value)) => return Ok(value),
                Err(Control::Redo) => {}
                other => return other,
            }
        }
    }

    /// Runs a block as a lambda: arguments are checked, `return` and `break` leave only itself.
    fn run_strictly(
        &mut self,
        code: &Rc<BlockCode>,
        frame: Rc<Frame>,
        context: &Context,
        tag: Tag,
        args: Args,
    ) -> Eval {
        let own_tag = self.fresh_tag();
        let mut inner = frame.with_self(frame.self_value.clone(), frame.definee.clone());
        inner.tag = own_tag;
        let scope = Scope::new(code.names.clone(), Some(context.scope.clone()));
        let cx = Context { frame: Rc::new(inner), scope, break_tag: tag };
        self.contexts.push(cx.clone());
        let active = self.active_tags.len();
        self.active_tags.extend([tag, own_tag]);
        let result =
            self.bind_strictly(&code.params, &cx, args).and_then(|()| self.eval_block_body(&code.body, &cx));
        self.active_tags.truncate(active);
        self.contexts.pop();
        match result {
            Err(Control::Return { tag: target, value }) if target == own_tag => Ok(value),
            Err(Control::Break { tag: target, value }) if target == tag => Ok(value),
            other => other,
        }
    }

    /// Runs what `define_method` was given, with the receiver as self.
    pub(crate) fn run_block_as_method(
        &mut self,
        this: &Value,
        method: &Rc<Method>,
        block: &Rc<Proc>,
        args: Args,
    ) -> Eval {
        match &block.body {
            ProcBody::Ruby { code, context, tag } => {
                let mut frame = context.frame.with_self(this.clone(), context.frame.definee.clone());
                frame.method = Some(method.clone());
                self.run_strictly(code, Rc::new(frame), context, *tag, args)
            }
            ProcBody::Native(run, _) => run.clone()(self, this, args),
            ProcBody::Symbol(name) => self.call_public(this, *name, args),
            ProcBody::Method(object) => self.call_method_object(object, args),
        }
    }

    /// Calls a proc as `proc.call` does.
    pub fn call_proc_explicitly(&mut self, block: &Rc<Proc>, args: Args) -> Eval {
        self.call_proc(block, args)
    }
}
