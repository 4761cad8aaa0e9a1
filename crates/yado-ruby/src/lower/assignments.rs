//! Assignments: single, multiple, and with operators.

use ruby_prism::{
    CallAndWriteNode, CallOperatorWriteNode, CallOrWriteNode, ClassVariableAndWriteNode,
    ClassVariableOperatorWriteNode, ClassVariableOrWriteNode, ClassVariableWriteNode, ConstantAndWriteNode,
    ConstantOperatorWriteNode, ConstantOrWriteNode, ConstantPathAndWriteNode, ConstantPathNode,
    ConstantPathOperatorWriteNode, ConstantPathOrWriteNode, ConstantPathWriteNode, ConstantWriteNode,
    GlobalVariableAndWriteNode, GlobalVariableOperatorWriteNode, GlobalVariableOrWriteNode,
    GlobalVariableWriteNode, IndexAndWriteNode, IndexOperatorWriteNode, IndexOrWriteNode,
    InstanceVariableAndWriteNode, InstanceVariableOperatorWriteNode, InstanceVariableOrWriteNode,
    InstanceVariableWriteNode, LocalVariableAndWriteNode, LocalVariableOperatorWriteNode,
    LocalVariableOrWriteNode, LocalVariableWriteNode, MatchWriteNode, MultiTargetNode, MultiWriteNode, Node,
    NodeList, ShareableConstantNode,
};

use super::Lowerer;
use crate::source::Span;
use crate::tree::{Expr, Kind, MultiTarget, OpAssign, Operator, Target};

/// The same lowering for one kind of variable in its three forms of combined assignment.
macro_rules! combined {
    ($($or:ident: $or_node:ident, $and:ident: $and_node:ident, $operator:ident: $operator_node:ident => $target:ident;)*) => {
        $(
            pub(super) fn $or(&mut self, node: &$or_node<'_>, _span: Span) -> Kind {
                let target = $target!(self, node);
                self.combined(target, Operator::Or, &node.value())
            }

            pub(super) fn $and(&mut self, node: &$and_node<'_>, _span: Span) -> Kind {
                let target = $target!(self, node);
                self.combined(target, Operator::And, &node.value())
            }

            pub(super) fn $operator(&mut self, node: &$operator_node<'_>, _span: Span) -> Kind {
                let target = $target!(self, node);
                let operator = Operator::Call(self.name(&node.binary_operator()));
                self.combined(target, operator, &node.value())
            }
        )*
    };
}

macro_rules! local_target {
    ($this:ident, $node:ident) => {{
        let name = $this.name(&$node.name());
        Target::Local { slot: $this.slot(name, $node.depth()), depth: $node.depth() }
    }};
}
macro_rules! instance_target {
    ($this:ident, $node:ident) => {
        Target::Instance($this.name(&$node.name()))
    };
}
macro_rules! global_target {
    ($this:ident, $node:ident) => {
        Target::Global($this.name(&$node.name()))
    };
}
macro_rules! class_variable_target {
    ($this:ident, $node:ident) => {
        Target::ClassVariable($this.name(&$node.name()))
    };
}
macro_rules! constant_target {
    ($this:ident, $node:ident) => {
        Target::Constant($this.name(&$node.name()))
    };
}
macro_rules! constant_path_target {
    ($this:ident, $node:ident) => {
        $this.path_target(&$node.target())
    };
}
macro_rules! index_target {
    ($this:ident, $node:ident) => {{
        let span = $this.span(&$node.location());
        let receiver = $this.optional_self($node.receiver(), span);
        Target::Index { receiver, args: $this.arguments($node.arguments().as_ref(), None) }
    }};
}
macro_rules! call_target {
    ($this:ident, $node:ident) => {{
        let span = $this.span(&$node.location());
        let receiver = $this.optional_self($node.receiver(), span);
        Target::Attribute { receiver, name: $this.name(&$node.read_name()), safe: $node.is_safe_navigation() }
    }};
}

impl Lowerer<'_> {
    combined! {
        local_or: LocalVariableOrWriteNode, local_and: LocalVariableAndWriteNode,
            local_operator: LocalVariableOperatorWriteNode => local_target;
        instance_or: InstanceVariableOrWriteNode, instance_and: InstanceVariableAndWriteNode,
            instance_operator: InstanceVariableOperatorWriteNode => instance_target;
        global_or: GlobalVariableOrWriteNode, global_and: GlobalVariableAndWriteNode,
            global_operator: GlobalVariableOperatorWriteNode => global_target;
        class_variable_or: ClassVariableOrWriteNode, class_variable_and: ClassVariableAndWriteNode,
            class_variable_operator: ClassVariableOperatorWriteNode => class_variable_target;
        constant_or: ConstantOrWriteNode, constant_and: ConstantAndWriteNode,
            constant_operator: ConstantOperatorWriteNode => constant_target;
        constant_path_or: ConstantPathOrWriteNode, constant_path_and: ConstantPathAndWriteNode,
            constant_path_operator: ConstantPathOperatorWriteNode => constant_path_target;
        index_or: IndexOrWriteNode, index_and: IndexAndWriteNode,
            index_operator: IndexOperatorWriteNode => index_target;
        call_or: CallOrWriteNode, call_and: CallAndWriteNode,
            call_operator: CallOperatorWriteNode => call_target;
    }

    fn combined(&mut self, target: Target, operator: Operator, value: &Node<'_>) -> Kind {
        let value = self.expr(value);
        Kind::OpAssign(Box::new(OpAssign { target, operator, value }))
    }

    fn optional_self(&mut self, node: Option<Node<'_>>, span: Span) -> Expr {
        match node {
            Some(node) => self.expr(&node),
            None => Expr { kind: Kind::SelfValue, span },
        }
    }

    fn assign(&mut self, target: Target, value: &Node<'_>) -> Kind {
        Kind::Assign { target: Box::new(target), value: self.boxed(value) }
    }

    pub(super) fn local_write(&mut self, node: &LocalVariableWriteNode<'_>, _span: Span) -> Kind {
        let target = local_target!(self, node);
        self.assign(target, &node.value())
    }

    pub(super) fn instance_write(&mut self, node: &InstanceVariableWriteNode<'_>, _span: Span) -> Kind {
        let target = instance_target!(self, node);
        self.assign(target, &node.value())
    }

    pub(super) fn global_write(&mut self, node: &GlobalVariableWriteNode<'_>, _span: Span) -> Kind {
        let target = global_target!(self, node);
        self.assign(target, &node.value())
    }

    pub(super) fn class_variable_write(&mut self, node: &ClassVariableWriteNode<'_>, _span: Span) -> Kind {
        let target = class_variable_target!(self, node);
        self.assign(target, &node.value())
    }

    pub(super) fn constant_write(&mut self, node: &ConstantWriteNode<'_>, _span: Span) -> Kind {
        let target = constant_target!(self, node);
        self.assign(target, &node.value())
    }

    pub(super) fn constant_path_write(&mut self, node: &ConstantPathWriteNode<'_>, _span: Span) -> Kind {
        let target = self.path_target(&node.target());
        self.assign(target, &node.value())
    }

    pub(super) fn shareable_constant(&mut self, node: &ShareableConstantNode<'_>, span: Span) -> Kind {
        self.kind(&node.write(), span)
    }

    fn path_target(&mut self, node: &ConstantPathNode<'_>) -> Target {
        let parent = node.parent().map(|parent| self.expr(&parent));
        let name = node.name().map_or_else(|| crate::symbol::Symbol::new("?"), |name| self.name(&name));
        Target::ConstantPath { parent, name }
    }

    pub(super) fn multi_write(&mut self, node: &MultiWriteNode<'_>, _span: Span) -> Kind {
        let targets = Box::new(self.multi(&node.lefts(), node.rest(), &node.rights()));
        Kind::MultiAssign { targets, value: self.boxed(&node.value()) }
    }

    fn multi(&mut self, lefts: &NodeList<'_>, rest: Option<Node<'_>>, rights: &NodeList<'_>) -> MultiTarget {
        // `a, = list` takes the list apart as `a, * = list` does.
        let rest = rest.map(|node| {
            let inner = node.as_splat_node().and_then(|splat| splat.expression());
            inner.map(|inner| Box::new(self.target(&inner)))
        });
        MultiTarget {
            lefts: lefts.iter().map(|node| self.target(&node)).collect(),
            rest,
            rights: rights.iter().map(|node| self.target(&node)).collect(),
        }
    }

    pub(super) fn multi_target(&mut self, node: &MultiTargetNode<'_>) -> MultiTarget {
        self.multi(&node.lefts(), node.rest(), &node.rights())
    }

    /// What is assigned to by multiple assignment, `for`, `rescue =>` and patterns.
    pub(super) fn target(&mut self, node: &Node<'_>) -> Target {
        if let Some(node) = node.as_local_variable_target_node() {
            return local_target!(self, node);
        }
        if let Some(node) = node.as_instance_variable_target_node() {
            return instance_target!(self, node);
        }
        if let Some(node) = node.as_global_variable_target_node() {
            return global_target!(self, node);
        }
        if let Some(node) = node.as_class_variable_target_node() {
            return class_variable_target!(self, node);
        }
        if let Some(node) = node.as_constant_target_node() {
            return constant_target!(self, node);
        }
        if let Some(node) = node.as_required_parameter_node() {
            let name = self.name(&node.name());
            return Target::Local { slot: self.slot(name, 0), depth: 0 };
        }
        if let Some(node) = node.as_constant_path_target_node() {
            let parent = node.parent().map(|parent| self.expr(&parent));
            let name = node.name().map_or_else(|| crate::symbol::Symbol::new("?"), |name| self.name(&name));
            return Target::ConstantPath { parent, name };
        }
        if let Some(node) = node.as_index_target_node() {
            let receiver = self.expr(&node.receiver());
            return Target::Index { receiver, args: self.arguments(node.arguments().as_ref(), None) };
        }
        if let Some(node) = node.as_call_target_node() {
            // The parser gives the writer's name (`x=`); targets carry the reader's.
            let name = self.name(&node.name());
            let name = crate::symbol::Symbol::new(name.as_str().trim_end_matches('='));
            let receiver = self.expr(&node.receiver());
            return Target::Attribute { receiver, name, safe: node.is_safe_navigation() };
        }
        if let Some(node) = node.as_multi_target_node() {
            return Target::Multi(self.multi_target(&node));
        }
        Target::Multi(MultiTarget { lefts: Vec::new(), rest: Some(None), rights: Vec::new() })
    }

    pub(super) fn match_write(&mut self, node: &MatchWriteNode<'_>, span: Span) -> Kind {
        let kind = self.call(&node.call(), span);
        let mut targets = Vec::new();
        for target in &node.targets() {
            if let Some(local) = target.as_local_variable_target_node() {
                targets.push((self.name(&local.name()), self.target(&target)));
            }
        }
        Kind::MatchWrite { call: Box::new(Expr { kind, span }), targets }
    }
}
