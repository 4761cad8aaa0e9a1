//! Literals, and reading variables and constants.

use std::cell::RefCell;

use num_bigint::{BigInt, Sign};
use ruby_prism::{
    ArrayNode, BackReferenceReadNode, ClassVariableReadNode, ConstantPathNode, ConstantReadNode,
    EmbeddedStatementsNode, EmbeddedVariableNode, FloatNode, GlobalVariableReadNode, HashNode, ImplicitNode,
    InstanceVariableReadNode, IntegerNode, InterpolatedMatchLastLineNode, InterpolatedRegularExpressionNode,
    InterpolatedStringNode, InterpolatedSymbolNode, InterpolatedXStringNode, KeywordHashNode,
    LocalVariableReadNode, MatchLastLineNode, Node, NodeList, NumberedReferenceReadNode, RangeNode,
    RationalNode, RegularExpressionNode, SourceEncodingNode, SourceFileNode, SplatNode, StringNode,
    SymbolNode, XStringNode,
};

use super::Lowerer;
use crate::regexp::{EXTENDED, IGNORE_CASE, MULTI_LINE, Regexp};
use crate::source::Span;
use crate::symbol::{Symbol, names};
use crate::tree::{Expr, Kind, Pair};

/// The options of a regular expression literal.
macro_rules! regexp_options {
    ($node:ident) => {
        (if $node.is_ignore_case() { IGNORE_CASE } else { 0 })
            | (if $node.is_extended() { EXTENDED } else { 0 })
            | (if $node.is_multi_line() { MULTI_LINE } else { 0 })
    };
}

impl Lowerer<'_> {
    pub(super) fn integer(&mut self, node: &IntegerNode<'_>, _span: Span) -> Kind {
        let value = node.value();
        let (negative, digits) = value.to_u32_digits();
        let number = big(negative, digits);
        i64::try_from(&number).map_or(Kind::Big(number), Kind::Int)
    }

    pub(super) fn rational(&mut self, node: &RationalNode<'_>, _span: Span) -> Kind {
        let (top, bottom) = (node.numerator(), node.denominator());
        let ((negative, digits), (_, below)) = (top.to_u32_digits(), bottom.to_u32_digits());
        Kind::Rational(big(negative, digits), big(false, below))
    }

    pub(super) fn float(&mut self, node: &FloatNode<'_>, _span: Span) -> Kind {
        Kind::Float(node.value())
    }

    pub(super) fn string(&mut self, node: &StringNode<'_>, _span: Span) -> Kind {
        Kind::Str { bytes: node.unescaped().into(), frozen: node.is_frozen() }
    }

    fn parts(&mut self, parts: &NodeList<'_>) -> Vec<Expr> {
        let mut lowered: Vec<Expr> = Vec::new();
        for part in parts {
            if let Some(inner) = part.as_interpolated_string_node() {
                lowered.extend(self.parts(&inner.parts()));
            } else {
                lowered.push(self.expr(&part));
            }
        }
        lowered
    }

    pub(super) fn string_parts(&mut self, node: &InterpolatedStringNode<'_>, _span: Span) -> Kind {
        let parts = self.parts(&node.parts());
        if parts.iter().all(|part| matches!(part.kind, Kind::Str { .. })) {
            // Adjacent literals and dedented here documents are one string.
            let bytes: Vec<u8> = parts.iter().flat_map(|part| plain_bytes(&part.kind).to_vec()).collect();
            return Kind::Str { bytes: bytes.into(), frozen: node.is_frozen() };
        }
        Kind::StrParts(parts)
    }

    pub(super) fn shell(&mut self, node: &XStringNode<'_>, span: Span) -> Kind {
        Kind::Shell(vec![Expr { kind: Kind::Str { bytes: node.unescaped().into(), frozen: false }, span }])
    }

    pub(super) fn shell_parts(&mut self, node: &InterpolatedXStringNode<'_>, _span: Span) -> Kind {
        Kind::Shell(self.parts(&node.parts()))
    }

    pub(super) fn symbol(&mut self, node: &SymbolNode<'_>, _span: Span) -> Kind {
        Kind::Sym(Symbol::new(&String::from_utf8_lossy(node.unescaped())))
    }

    pub(super) fn symbol_parts(&mut self, node: &InterpolatedSymbolNode<'_>, _span: Span) -> Kind {
        Kind::SymParts(self.parts(&node.parts()))
    }

    pub(super) fn regexp(&mut self, node: &RegularExpressionNode<'_>, _span: Span) -> Kind {
        Kind::Regexp(Regexp::new(String::from_utf8_lossy(node.unescaped()), regexp_options!(node)))
    }

    pub(super) fn regexp_parts(&mut self, node: &InterpolatedRegularExpressionNode<'_>, _span: Span) -> Kind {
        let once = node.is_once().then(|| RefCell::new(None));
        Kind::RegexpParts { parts: self.parts(&node.parts()), options: regexp_options!(node), once }
    }

    pub(super) fn match_last_line(&mut self, node: &MatchLastLineNode<'_>, span: Span) -> Kind {
        let regexp = Regexp::new(String::from_utf8_lossy(node.unescaped()), regexp_options!(node));
        Kind::MatchLastLine(Box::new(Expr { kind: Kind::Regexp(regexp), span }))
    }

    pub(super) fn match_last_line_parts(
        &mut self,
        node: &InterpolatedMatchLastLineNode<'_>,
        span: Span,
    ) -> Kind {
        let parts = self.parts(&node.parts());
        let kind = Kind::RegexpParts { parts, options: regexp_options!(node), once: None };
        Kind::MatchLastLine(Box::new(Expr { kind, span }))
    }

    pub(super) fn embedded(&mut self, node: &EmbeddedStatementsNode<'_>, span: Span) -> Kind {
        self.statements(node.statements().as_ref(), span).kind
    }

    pub(super) fn embedded_variable(&mut self, node: &EmbeddedVariableNode<'_>, _span: Span) -> Kind {
        self.expr(&node.variable()).kind
    }

    pub(super) fn list(&mut self, nodes: &NodeList<'_>) -> Vec<Expr> {
        nodes.iter().map(|node| self.expr(&node)).collect()
    }

    pub(super) fn array(&mut self, node: &ArrayNode<'_>, _span: Span) -> Kind {
        let elements = node.elements();
        let mut items = Vec::with_capacity(elements.len());
        for element in &elements {
            items.push(self.expr(&element));
        }
        Kind::Array(items)
    }

    pub(super) fn pairs(&mut self, nodes: &NodeList<'_>) -> Vec<Pair> {
        nodes.iter().map(|node| self.pair(&node)).collect()
    }

    fn pair(&mut self, node: &Node<'_>) -> Pair {
        if let Some(assoc) = node.as_assoc_node() {
            let key = self.expr(&assoc.key());
            return Pair::Entry(key, self.expr(&assoc.value()));
        }
        let span = self.span(&node.location());
        match node.as_assoc_splat_node().and_then(|splat| splat.value()) {
            Some(value) => Pair::Splat(self.expr(&value)),
            None => Pair::Splat(self.hidden_read(names::KEYWORD_REST_SLOT, span)),
        }
    }

    pub(super) fn hidden_read(&mut self, name: Symbol, span: Span) -> Expr {
        match self.find_hidden(name) {
            Some((slot, depth)) => Expr { kind: Kind::Local { slot, depth }, span },
            None => self.nil(span),
        }
    }

    pub(super) fn hash(&mut self, node: &HashNode<'_>, _span: Span) -> Kind {
        Kind::Hash(self.pairs(&node.elements()))
    }

    pub(super) fn keyword_hash(&mut self, node: &KeywordHashNode<'_>, _span: Span) -> Kind {
        Kind::Hash(self.pairs(&node.elements()))
    }

    pub(super) fn range(&mut self, node: &RangeNode<'_>, span: Span) -> Kind {
        let begin = Box::new(self.optional(node.left(), span));
        let end = Box::new(self.optional(node.right(), span));
        Kind::Range { begin, end, exclusive: node.is_exclude_end() }
    }

    pub(super) fn splat(&mut self, node: &SplatNode<'_>, span: Span) -> Kind {
        let inner = match node.expression() {
            Some(inner) => self.expr(&inner),
            None => self.hidden_read(names::REST_SLOT, span),
        };
        Kind::Splat(Box::new(inner))
    }

    pub(super) fn source_file(&mut self, node: &SourceFileNode<'_>, _span: Span) -> Kind {
        Kind::Str { bytes: node.filepath().into(), frozen: false }
    }

    pub(super) fn source_encoding(&mut self, _node: &SourceEncodingNode<'_>, span: Span) -> Kind {
        let parent = Expr { kind: Kind::Constant(Symbol::new("Encoding")), span };
        Kind::ConstantPath { parent: Some(Box::new(parent)), name: Symbol::new("UTF_8") }
    }

    pub(super) fn implicit(&mut self, node: &ImplicitNode<'_>, _span: Span) -> Kind {
        self.expr(&node.value()).kind
    }

    pub(super) fn local_read(&mut self, node: &LocalVariableReadNode<'_>, _span: Span) -> Kind {
        let name = self.name(&node.name());
        Kind::Local { slot: self.slot(name, node.depth()), depth: node.depth() }
    }

    pub(super) fn instance_read(&mut self, node: &InstanceVariableReadNode<'_>, _span: Span) -> Kind {
        Kind::Instance(self.name(&node.name()))
    }

    pub(super) fn global_read(&mut self, node: &GlobalVariableReadNode<'_>, _span: Span) -> Kind {
        Kind::Global(self.name(&node.name()))
    }

    pub(super) fn class_variable_read(&mut self, node: &ClassVariableReadNode<'_>, _span: Span) -> Kind {
        Kind::ClassVariable(self.name(&node.name()))
    }

    pub(super) fn constant_read(&mut self, node: &ConstantReadNode<'_>, _span: Span) -> Kind {
        Kind::Constant(self.name(&node.name()))
    }

    pub(super) fn constant_path(&mut self, node: &ConstantPathNode<'_>, _span: Span) -> Kind {
        let parent = node.parent().map(|parent| self.boxed(&parent));
        match node.name() {
            Some(name) => Kind::ConstantPath { parent, name: self.name(&name) },
            None => Kind::Unsupported("this constant"),
        }
    }

    pub(super) fn match_group(&mut self, node: &NumberedReferenceReadNode<'_>, _span: Span) -> Kind {
        Kind::MatchGroup(node.number())
    }

    pub(super) fn match_part(&mut self, node: &BackReferenceReadNode<'_>, _span: Span) -> Kind {
        Kind::MatchPart(self.name(&node.name()).as_str().chars().nth(1).unwrap_or('&'))
    }
}

fn plain_bytes(kind: &Kind) -> &[u8] {
    match kind {
        Kind::Str { bytes, .. } => bytes,
        _ => &[],
    }
}

fn big(negative: bool, digits: &[u32]) -> BigInt {
    BigInt::from_slice(if negative { Sign::Minus } else { Sign::Plus }, digits)
}
