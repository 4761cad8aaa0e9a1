//! Methods with their parameters, classes, modules, aliases.

use std::rc::Rc;

use ruby_prism::{
    AliasGlobalVariableNode, AliasMethodNode, ClassNode, ConstantList, DefNode, ModuleNode, Node,
    ParametersNode, SingletonClassNode, UndefNode,
};

use super::{Lowerer, MethodParams, Nest};
use crate::source::Span;
use crate::symbol::{Symbol, names};
use crate::tree::{ClassDefinition, Expr, KeywordRest, Kind, MethodCode, Param, Params};

impl Lowerer<'_> {
    pub(super) fn def(&mut self, node: &DefNode<'_>, span: Span) -> Kind {
        let receiver = node.receiver().map(|receiver| self.boxed(&receiver));
        self.open_level(&node.locals(), true);
        self.nests.push(Nest::Method);
        self.methods.push(MethodParams { level: self.levels.len() - 1, ..MethodParams::default() });
        let params = match node.parameters() {
            Some(parameters) => {
                self.remember_parameters(&parameters);
                self.parameters(&parameters)
            }
            None => Params::default(),
        };
        let body = self.optional(node.body(), span);
        self.methods.pop();
        self.nests.pop();
        let names = self.close_level();
        let name = self.name(&node.name());
        Kind::Def { code: Rc::new(MethodCode { name, params, names, body, span }), receiver }
    }

    /// Notes the parameters' names for a bare `super` in the body.
    fn remember_parameters(&mut self, node: &ParametersNode<'_>) {
        let mut known = MethodParams { level: self.levels.len() - 1, ..MethodParams::default() };
        let required = |node: &Node<'_>| node.as_required_parameter_node().map(|it| self.name(&it.name()));
        known.required.extend(node.requireds().iter().filter_map(|it| required(&it)));
        known.post.extend(node.posts().iter().filter_map(|it| required(&it)));
        for optional in &node.optionals() {
            known.required.extend(optional.as_optional_parameter_node().map(|it| self.name(&it.name())));
        }
        if let Some(rest) = node.rest().and_then(|rest| rest.as_rest_parameter_node()) {
            known.rest = Some(rest.name().map_or(names::REST_SLOT, |name| self.name(&name)));
        }
        for keyword in &node.keywords() {
            known
                .keywords
                .extend(keyword.as_required_keyword_parameter_node().map(|it| self.name(&it.name())));
            known
                .keywords
                .extend(keyword.as_optional_keyword_parameter_node().map(|it| self.name(&it.name())));
        }
        match node.keyword_rest() {
            Some(Node::ForwardingParameterNode { .. }) => {
                known.rest = Some(names::REST_SLOT);
                known.keyword_rest = Some(names::KEYWORD_REST_SLOT);
            }
            Some(rest) => {
                if let Some(rest) = rest.as_keyword_rest_parameter_node() {
                    known.keyword_rest =
                        Some(rest.name().map_or(names::KEYWORD_REST_SLOT, |name| self.name(&name)));
                }
            }
            None => {}
        }
        if let Some(last) = self.methods.last_mut() {
            *last = known;
        }
    }

    pub(super) fn parameters(&mut self, node: &ParametersNode<'_>) -> Params {
        let mut params = Params {
            required: node.requireds().iter().map(|it| self.required_parameter(&it)).collect(),
            post: node.posts().iter().map(|it| self.required_parameter(&it)).collect(),
            ..Params::default()
        };
        for optional in &node.optionals() {
            if let Some(optional) = optional.as_optional_parameter_node() {
                let name = self.name(&optional.name());
                let slot = self.slot(name, 0);
                let value = self.expr(&optional.value());
                params.optional.push((slot, value));
            }
        }
        match node.rest() {
            Some(Node::ImplicitRestNode { .. }) => params.trailing_comma = true,
            Some(rest) => {
                let name = rest.as_rest_parameter_node().and_then(|rest| rest.name());
                let name = name.map_or(names::REST_SLOT, |name| self.name(&name));
                params.rest = Some(Some(self.slot(name, 0)));
            }
            None => {}
        }
        for keyword in &node.keywords() {
            self.keyword_parameter(&keyword, &mut params);
        }
        self.keyword_rest(node.keyword_rest(), &mut params);
        if let Some(block) = node.block().and_then(|block| block.as_block_parameter_node()) {
            let name = block.name().map_or(names::BLOCK_SLOT, |name| self.name(&name));
            params.block = Some(self.slot(name, 0));
        }
        params
    }

    fn keyword_parameter(&mut self, node: &Node<'_>, params: &mut Params) {
        if let Some(required) = node.as_required_keyword_parameter_node() {
            let name = self.name(&required.name());
            let slot = self.slot(name, 0);
            params.keywords.push((name, slot, None));
        } else if let Some(optional) = node.as_optional_keyword_parameter_node() {
            let name = self.name(&optional.name());
            let slot = self.slot(name, 0);
            let value = self.expr(&optional.value());
            params.keywords.push((name, slot, Some(value)));
        }
    }

    fn keyword_rest(&mut self, node: Option<Node<'_>>, params: &mut Params) {
        match node {
            None => {}
            Some(Node::ForwardingParameterNode { .. }) => {
                params.rest = Some(Some(self.slot(names::REST_SLOT, 0)));
                params.keyword_rest = KeywordRest::Slot(Some(self.slot(names::KEYWORD_REST_SLOT, 0)));
                params.block = Some(self.slot(names::BLOCK_SLOT, 0));
            }
            Some(Node::NoKeywordsParameterNode { .. }) => params.keyword_rest = KeywordRest::Forbidden,
            Some(rest) => {
                let name = rest.as_keyword_rest_parameter_node().and_then(|rest| rest.name());
                let name = name.map_or(names::KEYWORD_REST_SLOT, |name| self.name(&name));
                params.keyword_rest = KeywordRest::Slot(Some(self.slot(name, 0)));
            }
        }
    }

    fn required_parameter(&mut self, node: &Node<'_>) -> Param {
        match node.as_multi_target_node() {
            Some(multi) => Param::Multi(self.multi_target(&multi)),
            None => {
                let name = node.as_required_parameter_node().map(|it| self.name(&it.name()));
                Param::Slot(self.slot(name.unwrap_or_else(|| Symbol::new("(unnamed)")), 0))
            }
        }
    }

    /// A class, module or singleton class body, with variables of its own.
    fn class_body(
        &mut self,
        locals: &ConstantList<'_>,
        body: Option<Node<'_>>,
        span: Span,
    ) -> (Expr, Rc<[Symbol]>) {
        self.open_level(locals, true);
        self.nests.push(Nest::Method);
        let methods = std::mem::take(&mut self.methods);
        let body = self.optional(body, span);
        self.methods = methods;
        self.nests.pop();
        (body, self.close_level())
    }

    fn class_path(&mut self, path: &Node<'_>) -> Option<Option<Expr>> {
        let path = path.as_constant_path_node()?;
        Some(path.parent().map(|parent| self.expr(&parent)))
    }

    pub(super) fn class(&mut self, node: &ClassNode<'_>, span: Span) -> Kind {
        let parent = self.class_path(&node.constant_path());
        let superclass = node.superclass().map(|superclass| self.expr(&superclass));
        let (body, names) = self.class_body(&node.locals(), node.body(), span);
        let name = self.name(&node.name());
        Kind::Class(Box::new(ClassDefinition { module: false, parent, name, superclass, body, names }))
    }

    pub(super) fn module(&mut self, node: &ModuleNode<'_>, span: Span) -> Kind {
        let parent = self.class_path(&node.constant_path());
        let (body, names) = self.class_body(&node.locals(), node.body(), span);
        let name = self.name(&node.name());
        Kind::Class(Box::new(ClassDefinition { module: true, parent, name, superclass: None, body, names }))
    }

    pub(super) fn singleton_class(&mut self, node: &SingletonClassNode<'_>, span: Span) -> Kind {
        let object = self.boxed(&node.expression());
        let (body, names) = self.class_body(&node.locals(), node.body(), span);
        Kind::SingletonClass { object, body: Rc::new(body), names }
    }

    pub(super) fn alias(&mut self, node: &AliasMethodNode<'_>, _span: Span) -> Kind {
        Kind::Alias { new: self.boxed(&node.new_name()), old: self.boxed(&node.old_name()) }
    }

    pub(super) fn alias_global(&mut self, node: &AliasGlobalVariableNode<'_>, _span: Span) -> Kind {
        let text = |node: &Node<'_>| Symbol::new(&String::from_utf8_lossy(node.location().as_slice()));
        Kind::AliasGlobal { new: text(&node.new_name()), old: text(&node.old_name()) }
    }

    pub(super) fn undef(&mut self, node: &UndefNode<'_>, _span: Span) -> Kind {
        Kind::Undef(self.list(&node.names()))
    }
}
