//! `case … in` and its patterns.

use ruby_prism::{
    ArrayPatternNode, CaseMatchNode, FindPatternNode, HashPatternNode, MatchPredicateNode, MatchRequiredNode,
    Node, SplatNode,
};

use super::Lowerer;
use crate::source::Span;
use crate::symbol::Symbol;
use crate::tree::{CaseIn, Expr, HashRest, Kind, Pattern, Target};

impl Lowerer<'_> {
    pub(super) fn case_in(&mut self, node: &CaseMatchNode<'_>, span: Span) -> Kind {
        let subject = self.optional(node.predicate(), span);
        let mut branches = Vec::new();
        for condition in &node.conditions() {
            let Some(branch) = condition.as_in_node() else { continue };
            let (pattern, guard) = self.guarded_pattern(&branch.pattern());
            branches.push((pattern, guard, self.statements(branch.statements().as_ref(), span)));
        }
        let otherwise = node.else_clause().map(|it| self.statements(it.statements().as_ref(), span));
        Kind::CaseIn(Box::new(CaseIn { subject, branches, otherwise }))
    }

    /// A guard appears as a modifier around the pattern.
    fn guarded_pattern(&mut self, node: &Node<'_>) -> (Pattern, Option<(Expr, bool)>) {
        let (inner, condition, negated) = if let Some(guard) = node.as_if_node() {
            (guard.statements(), guard.predicate(), false)
        } else if let Some(guard) = node.as_unless_node() {
            (guard.statements(), guard.predicate(), true)
        } else {
            return (self.pattern(node), None);
        };
        let pattern = match inner.and_then(|inner| inner.body().first()) {
            Some(inner) => self.pattern(&inner),
            None => Pattern::Value(self.expr(node)),
        };
        (pattern, Some((self.expr(&condition), negated)))
    }

    pub(super) fn match_predicate(&mut self, node: &MatchPredicateNode<'_>, _span: Span) -> Kind {
        let value = self.boxed(&node.value());
        Kind::MatchPattern { value, pattern: Box::new(self.pattern(&node.pattern())), required: false }
    }

    pub(super) fn match_required(&mut self, node: &MatchRequiredNode<'_>, _span: Span) -> Kind {
        let value = self.boxed(&node.value());
        Kind::MatchPattern { value, pattern: Box::new(self.pattern(&node.pattern())), required: true }
    }

    fn pattern(&mut self, node: &Node<'_>) -> Pattern {
        if let Some(target) = node.as_local_variable_target_node() {
            return Pattern::Bind(self.target(&target.as_node()));
        }
        if let Some(either) = node.as_alternation_pattern_node() {
            let left = Box::new(self.pattern(&either.left()));
            return Pattern::Alternatives(left, Box::new(self.pattern(&either.right())));
        }
        if let Some(capture) = node.as_capture_pattern_node() {
            let inner = Box::new(self.pattern(&capture.value()));
            return Pattern::Capture(inner, self.target(&capture.target().as_node()));
        }
        if let Some(array) = node.as_array_pattern_node() {
            return self.array_pattern(&array);
        }
        if let Some(find) = node.as_find_pattern_node() {
            return self.find_pattern(&find);
        }
        if let Some(hash) = node.as_hash_pattern_node() {
            return self.hash_pattern(&hash);
        }
        if let Some(pinned) = node.as_pinned_variable_node() {
            return Pattern::Value(self.expr(&pinned.variable()));
        }
        if let Some(pinned) = node.as_pinned_expression_node() {
            return Pattern::Value(self.expr(&pinned.expression()));
        }
        if let Some(implicit) = node.as_implicit_node() {
            return self.pattern(&implicit.value());
        }
        if let Some(parentheses) = node.as_parentheses_node()
            && let Some(inner) = parentheses.body().and_then(|body| body.as_statements_node())
            && let Some(inner) = inner.body().first()
        {
            return self.pattern(&inner);
        }
        Pattern::Value(self.expr(node))
    }

    fn splat_target(&mut self, node: &SplatNode<'_>) -> Option<Target> {
        node.expression().map(|target| self.target(&target))
    }

    fn array_pattern(&mut self, node: &ArrayPatternNode<'_>) -> Pattern {
        let rest = node.rest().map(|rest| rest.as_splat_node().and_then(|splat| self.splat_target(&splat)));
        Pattern::Array {
            constant: node.constant().map(|constant| self.expr(&constant)),
            before: node.requireds().iter().map(|it| self.pattern(&it)).collect(),
            rest,
            after: node.posts().iter().map(|it| self.pattern(&it)).collect(),
        }
    }

    fn find_pattern(&mut self, node: &FindPatternNode<'_>) -> Pattern {
        Pattern::Find {
            constant: node.constant().map(|constant| self.expr(&constant)),
            before: self.splat_target(&node.left()),
            middle: node.requireds().iter().map(|it| self.pattern(&it)).collect(),
            after: self.splat_target(&node.right()),
        }
    }

    fn hash_pattern(&mut self, node: &HashPatternNode<'_>) -> Pattern {
        let mut entries = Vec::new();
        for element in &node.elements() {
            let Some(assoc) = element.as_assoc_node() else { continue };
            let Some(key) = assoc.key().as_symbol_node() else { continue };
            let name = Symbol::new(&String::from_utf8_lossy(key.unescaped()));
            entries.push((name, self.pattern(&assoc.value())));
        }
        let rest = match node.rest() {
            Some(Node::NoKeywordsParameterNode { .. }) => HashRest::Forbidden,
            Some(rest) => match rest.as_assoc_splat_node().and_then(|splat| splat.value()) {
                Some(target) => HashRest::Bound(self.target(&target)),
                None => HashRest::Ignored,
            },
            None => HashRest::Ignored,
        };
        Pattern::Hash { constant: node.constant().map(|constant| self.expr(&constant)), entries, rest }
    }
}
