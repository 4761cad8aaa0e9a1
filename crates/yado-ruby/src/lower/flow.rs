//! Conditions, loops, jumps, exceptions, sequences.

use ruby_prism::{
    AndNode, ArgumentsNode, BeginNode, BreakNode, CaseNode, DefinedNode, ElseNode, FlipFlopNode, ForNode,
    IfNode, NextNode, OrNode, ParenthesesNode, PostExecutionNode, PreExecutionNode, RescueModifierNode,
    RescueNode, ReturnNode, StatementsNode, UnlessNode, UntilNode, WhileNode,
};

use super::{Lowerer, Nest};
use crate::source::Span;
use crate::symbol::Symbol;
use crate::tree::{Begin, BlockCode, Case, Expr, Kind, Params, Rescue};

impl Lowerer<'_> {
    pub(super) fn statements(&mut self, node: Option<&StatementsNode<'_>>, span: Span) -> Expr {
        let Some(node) = node else { return self.nil(span) };
        let body = node.body();
        if body.len() == 1
            && let Some(only) = body.first()
        {
            return self.expr(&only);
        }
        let span = self.span(&node.location());
        Expr { kind: Kind::Seq(self.list(&body)), span }
    }

    pub(super) fn statement_list(&mut self, node: &StatementsNode<'_>, span: Span) -> Kind {
        self.statements(Some(node), span).kind
    }

    pub(super) fn parentheses(&mut self, node: &ParenthesesNode<'_>, span: Span) -> Kind {
        let inner = self.optional(node.body(), span);
        // The place of the inner expression is the better one; a sequence of one keeps it.
        Kind::Seq(vec![inner])
    }

    pub(super) fn and(&mut self, node: &AndNode<'_>, _span: Span) -> Kind {
        Kind::And(self.boxed(&node.left()), self.boxed(&node.right()))
    }

    pub(super) fn or(&mut self, node: &OrNode<'_>, _span: Span) -> Kind {
        Kind::Or(self.boxed(&node.left()), self.boxed(&node.right()))
    }

    pub(super) fn defined(&mut self, node: &DefinedNode<'_>, _span: Span) -> Kind {
        Kind::Defined(self.boxed(&node.value()))
    }

    pub(super) fn if_then(&mut self, node: &IfNode<'_>, span: Span) -> Kind {
        let condition = self.boxed(&node.predicate());
        let then = Box::new(self.statements(node.statements().as_ref(), span));
        let otherwise = Box::new(self.optional(node.subsequent(), span));
        Kind::If { condition, then, otherwise }
    }

    pub(super) fn unless(&mut self, node: &UnlessNode<'_>, span: Span) -> Kind {
        let condition = self.boxed(&node.predicate());
        let otherwise = Box::new(self.statements(node.statements().as_ref(), span));
        let then = Box::new(self.else_of(node.else_clause().as_ref(), span));
        Kind::If { condition, then, otherwise }
    }

    pub(super) fn else_branch(&mut self, node: &ElseNode<'_>, span: Span) -> Kind {
        self.statements(node.statements().as_ref(), span).kind
    }

    pub(super) fn else_of(&mut self, node: Option<&ElseNode<'_>>, span: Span) -> Expr {
        match node {
            Some(node) => self.statements(node.statements().as_ref(), span),
            None => self.nil(span),
        }
    }

    pub(super) fn while_loop(&mut self, node: &WhileNode<'_>, span: Span) -> Kind {
        self.nests.push(Nest::Loop);
        let condition = self.boxed(&node.predicate());
        let body = Box::new(self.statements(node.statements().as_ref(), span));
        self.nests.pop();
        Kind::Loop { condition, body, until: false, body_first: node.is_begin_modifier() }
    }

    pub(super) fn until_loop(&mut self, node: &UntilNode<'_>, span: Span) -> Kind {
        self.nests.push(Nest::Loop);
        let condition = self.boxed(&node.predicate());
        let body = Box::new(self.statements(node.statements().as_ref(), span));
        self.nests.pop();
        Kind::Loop { condition, body, until: true, body_first: node.is_begin_modifier() }
    }

    pub(super) fn for_loop(&mut self, node: &ForNode<'_>, span: Span) -> Kind {
        let collection = self.boxed(&node.collection());
        let target = Box::new(self.target(&node.index()));
        self.nests.push(Nest::Loop);
        let body = Box::new(self.statements(node.statements().as_ref(), span));
        self.nests.pop();
        Kind::For { target, collection, body }
    }

    pub(super) fn case(&mut self, node: &CaseNode<'_>, span: Span) -> Kind {
        let subject = node.predicate().map(|subject| self.expr(&subject));
        let mut branches = Vec::new();
        for condition in &node.conditions() {
            if let Some(when) = condition.as_when_node() {
                let conditions = self.list(&when.conditions());
                branches.push((conditions, self.statements(when.statements().as_ref(), span)));
            }
        }
        let otherwise = self.else_of(node.else_clause().as_ref(), span);
        Kind::Case(Box::new(Case { subject, branches, otherwise }))
    }

    pub(super) fn begin(&mut self, node: &BeginNode<'_>, span: Span) -> Kind {
        let body = self.statements(node.statements().as_ref(), span);
        let mut rescues = Vec::new();
        let mut next = node.rescue_clause();
        while let Some(clause) = next {
            rescues.push(self.rescue(&clause, span));
            next = clause.subsequent();
        }
        let otherwise = node.else_clause().map(|it| self.statements(it.statements().as_ref(), span));
        let ensure = node.ensure_clause().map(|it| self.statements(it.statements().as_ref(), span));
        if rescues.is_empty() && otherwise.is_none() && ensure.is_none() {
            return Kind::Seq(vec![body]);
        }
        Kind::Begin(Box::new(Begin { body, rescues, otherwise, ensure }))
    }

    fn rescue(&mut self, node: &RescueNode<'_>, span: Span) -> Rescue {
        Rescue {
            classes: self.list(&node.exceptions()),
            target: node.reference().map(|reference| self.target(&reference)),
            body: self.statements(node.statements().as_ref(), span),
        }
    }

    pub(super) fn rescue_modifier(&mut self, node: &RescueModifierNode<'_>, _span: Span) -> Kind {
        let body = self.expr(&node.expression());
        let rescue = Rescue { classes: Vec::new(), target: None, body: self.expr(&node.rescue_expression()) };
        Kind::Begin(Box::new(Begin { body, rescues: vec![rescue], otherwise: None, ensure: None }))
    }

    /// The value of a jump: none, one, or several as an array.
    fn jump_value(&mut self, node: Option<&ArgumentsNode<'_>>, span: Span) -> Option<Box<Expr>> {
        let args = self.arguments(node, None);
        let mut items = args.positional;
        if !args.keywords.is_empty() {
            items.push(Expr { kind: Kind::Hash(args.keywords), span });
        }
        match items.len() {
            0 => None,
            1 if !args.splat => items.pop().map(Box::new),
            _ => Some(Box::new(Expr { kind: Kind::Array(items), span })),
        }
    }

    pub(super) fn return_jump(&mut self, node: &ReturnNode<'_>, span: Span) -> Kind {
        Kind::Return(self.jump_value(node.arguments().as_ref(), span))
    }

    pub(super) fn break_jump(&mut self, node: &BreakNode<'_>, span: Span) -> Kind {
        let value = self.jump_value(node.arguments().as_ref(), span);
        match self.nests.last() {
            Some(Nest::Loop) => Kind::BreakLoop(value),
            _ => Kind::BreakBlock(value),
        }
    }

    pub(super) fn next_jump(&mut self, node: &NextNode<'_>, span: Span) -> Kind {
        Kind::Next(self.jump_value(node.arguments().as_ref(), span))
    }

    /// A flip-flop remembers whether it is on in a hidden variable of the method.
    pub(super) fn flip_flop(&mut self, node: &FlipFlopNode<'_>, span: Span) -> Kind {
        let closed = self.levels.iter().rposition(|level| level.closed).unwrap_or(0);
        let depth = (self.levels.len() - 1 - closed) as u32;
        let slot = self.slot(Symbol::new(&format!("(flip-flop {})", span.start)), depth);
        let begin = Box::new(self.optional(node.left(), span));
        let end = Box::new(self.optional(node.right(), span));
        Kind::FlipFlop { begin, end, exclusive: node.is_exclude_end(), slot, depth }
    }

    pub(super) fn pre_execution(&mut self, node: &PreExecutionNode<'_>, span: Span) -> Kind {
        let body = self.statements(node.statements().as_ref(), span);
        self.hoisted.push(body);
        Kind::Nil
    }

    pub(super) fn post_execution(&mut self, node: &PostExecutionNode<'_>, span: Span) -> Kind {
        // The parser opens no scope here, so the block runs directly in the variables around it.
        let body = self.statements(node.statements().as_ref(), span);
        let names: std::rc::Rc<[Symbol]> = std::rc::Rc::new([]);
        Kind::AtExit(std::rc::Rc::new(BlockCode { params: Params::default(), names, body, span }))
    }
}
