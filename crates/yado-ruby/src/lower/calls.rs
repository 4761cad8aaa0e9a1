//! Calls, their arguments, and blocks.

use std::rc::Rc;

use ruby_prism::{
    ArgumentsNode, BlockNode, CallNode, ConstantList, ForwardingSuperNode, LambdaNode, Node, SuperNode,
    YieldNode,
};

use super::{Lowerer, Nest};
use crate::source::Span;
use crate::symbol::{Symbol, names};
use crate::tree::{BlockArg, BlockCode, Call, CallArgs, Expr, Kind, Pair, Param, Params};

impl Lowerer<'_> {
    /// The place that a call is blamed on: from the line of its name on.
    pub(super) fn call_span(&self, node: &Node<'_>, span: Span) -> Span {
        let Some(call) = node.as_call_node() else { return span };
        let (Some(receiver), Some(message)) = (call.receiver(), call.message_loc()) else { return span };
        let receiver_line = self.source.position(receiver.location().start()).0;
        if self.source.position(message.start()).0 == receiver_line {
            return span;
        }
        Span { start: message.start(), ..span }
    }

    pub(super) fn call(&mut self, node: &CallNode<'_>, _span: Span) -> Kind {
        let receiver = node.receiver();
        let own = node.is_ignore_visibility()
            || receiver.as_ref().is_none_or(|receiver| matches!(receiver, Node::SelfNode { .. }));
        let receiver = receiver.map(|receiver| self.expr(&receiver));
        let args = self.arguments(node.arguments().as_ref(), node.block());
        Kind::Call(Box::new(Call {
            receiver,
            name: self.name(&node.name()),
            args,
            safe: node.is_safe_navigation(),
            variable_like: node.is_variable_call(),
            own,
            attribute_write: node.is_attribute_write(),
        }))
    }

    pub(super) fn arguments(
        &mut self,
        node: Option<&ArgumentsNode<'_>>,
        block: Option<Node<'_>>,
    ) -> CallArgs {
        let mut args = CallArgs::default();
        if let Some(node) = node {
            for argument in &node.arguments() {
                self.argument(&argument, &mut args);
            }
        }
        if let Some(block) = block {
            if let Some(literal) = block.as_block_node() {
                args.block = BlockArg::Literal(self.block(&literal));
            } else if let Some(pass) = block.as_block_argument_node() {
                let span = self.span(&block.location());
                args.block = BlockArg::Pass(match pass.expression() {
                    Some(value) => self.expr(&value),
                    None => self.hidden_read(names::BLOCK_SLOT, span),
                });
            }
        }
        args
    }

    fn argument(&mut self, node: &Node<'_>, args: &mut CallArgs) {
        let span = self.span(&node.location());
        match node {
            Node::KeywordHashNode { .. } => {
                if let Some(hash) = node.as_keyword_hash_node() {
                    args.keywords = self.pairs(&hash.elements());
                }
            }
            Node::ForwardingArgumentsNode { .. } => {
                let rest = self.hidden_read(names::REST_SLOT, span);
                args.positional.push(Expr { kind: Kind::Splat(Box::new(rest)), span });
                args.splat = true;
                args.keywords.push(Pair::Splat(self.hidden_read(names::KEYWORD_REST_SLOT, span)));
                args.block = BlockArg::Pass(self.hidden_read(names::BLOCK_SLOT, span));
            }
            _ => {
                args.splat |= matches!(node, Node::SplatNode { .. });
                let lowered = self.expr(node);
                args.positional.push(lowered);
            }
        }
    }

    fn block(&mut self, node: &BlockNode<'_>) -> Rc<BlockCode> {
        let span = self.span(&node.location());
        self.block_code(&node.locals(), node.parameters(), node.body(), span)
    }

    pub(super) fn block_code(
        &mut self,
        locals: &ConstantList<'_>,
        parameters: Option<Node<'_>>,
        body: Option<Node<'_>>,
        span: Span,
    ) -> Rc<BlockCode> {
        self.open_level(locals, false);
        self.nests.push(Nest::Block);
        let params = match parameters {
            Some(node) => self.block_parameters(&node),
            None => Params::default(),
        };
        let body = self.optional(body, span);
        self.nests.pop();
        let names = self.close_level();
        Rc::new(BlockCode { params, names, body, span })
    }

    fn block_parameters(&mut self, node: &Node<'_>) -> Params {
        if let Some(numbered) = node.as_numbered_parameters_node() {
            let required = (1..=numbered.maximum())
                .map(|number| Param::Slot(self.slot(Symbol::new(&format!("_{number}")), 0)))
                .collect();
            return Params { required, numbered: true, ..Params::default() };
        }
        match node.as_block_parameters_node().and_then(|block| block.parameters()) {
            Some(parameters) => self.parameters(&parameters),
            None => Params::default(),
        }
    }

    pub(super) fn lambda(&mut self, node: &LambdaNode<'_>, span: Span) -> Kind {
        Kind::Lambda(self.block_code(&node.locals(), node.parameters(), node.body(), span))
    }

    pub(super) fn super_call(&mut self, node: &SuperNode<'_>, _span: Span) -> Kind {
        Kind::Super(Box::new(self.arguments(node.arguments().as_ref(), node.block())))
    }

    pub(super) fn yield_call(&mut self, node: &YieldNode<'_>, _span: Span) -> Kind {
        Kind::Yield(Box::new(self.arguments(node.arguments().as_ref(), None)))
    }

    /// `super` without arguments passes on what the method's parameters hold now.
    pub(super) fn bare_super(&mut self, node: &ForwardingSuperNode<'_>, span: Span) -> Kind {
        let mut args = CallArgs::default();
        if let Some(literal) = node.block() {
            args.block = BlockArg::Literal(self.block(&literal));
        }
        let Some(method) = self.methods.last() else {
            return Kind::ImplicitSuper;
        };
        let depth = (self.levels.len() - 1 - method.level) as u32;
        let (required, post) = (method.required.clone(), method.post.clone());
        let (rest, keywords, keyword_rest) = (method.rest, method.keywords.clone(), method.keyword_rest);
        let mut read =
            |name: Symbol| Expr { kind: Kind::Local { slot: self.slot(name, depth), depth }, span };
        args.positional.extend(required.into_iter().map(&mut read));
        if let Some(rest) = rest {
            args.splat = true;
            args.positional.push(Expr { kind: Kind::Splat(Box::new(read(rest))), span });
        }
        args.positional.extend(post.into_iter().map(&mut read));
        // The rest comes first, as in Ruby: a callee that prints its keywords shows the order.
        if let Some(name) = keyword_rest {
            args.keywords.push(Pair::Splat(read(name)));
        }
        for name in keywords {
            args.keywords.push(Pair::Entry(Expr { kind: Kind::Sym(name), span }, read(name)));
        }
        Kind::Super(Box::new(args))
    }
}
