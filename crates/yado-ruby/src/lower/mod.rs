//! Lowering: prism's tree to ours. The only place that knows the parser. Local variables become slots here,
//! and constructs that are only spelled differently become the same kind of node.

mod assignments;
mod calls;
mod definitions;
mod flow;
mod literals;
mod patterns;

use std::rc::Rc;

use ruby_prism::{
    ConstantId, ConstantList, Location as PrismLocation, Node, Options, Scope as PrismScope, Version,
};

use crate::failure::Diagnostic;
use crate::limits::stack_is_low;
use crate::source::{SourceFile, Span};
use crate::symbol::Symbol;
use crate::tree::{Expr, Kind};

/// A lowered file or string.
pub(crate) struct Program {
    /// What it does.
    pub(crate) body: Expr,
    /// Its local variables.
    pub(crate) names: Rc<[Symbol]>,
    /// The text after `__END__`.
    pub(crate) data: Option<String>,
}

/// What encloses the code being lowered, as far as jumps care.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nest {
    Loop,
    Block,
    Method,
}

/// Local variables known at one level.
struct Level {
    names: Vec<Symbol>,
    /// Whether it is a method, class body or file: variables outside are invisible.
    closed: bool,
}

/// The parameters of the enclosing method, for a bare `super`.
#[derive(Default)]
struct MethodParams {
    level: usize,
    required: Vec<Symbol>,
    rest: Option<Symbol>,
    post: Vec<Symbol>,
    keywords: Vec<Symbol>,
    keyword_rest: Option<Symbol>,
}

struct Lowerer<'a> {
    file: u32,
    source: &'a SourceFile,
    levels: Vec<Level>,
    nests: Vec<Nest>,
    methods: Vec<MethodParams>,
    hoisted: Vec<Expr>,
}

/// Parses and lowers a source text. `outer` are the variables around it (for `eval`), outermost level first.
pub(crate) fn lower(
    source: &SourceFile,
    file: u32,
    outer: &[Vec<Symbol>],
) -> Result<Program, Vec<Diagnostic>> {
    let scopes = outer.iter().map(|names| {
        let visible = names.iter().filter(|name| !name.as_str().starts_with('('));
        PrismScope::default().locals(visible.map(|name| name.as_str().as_bytes().to_vec()).collect())
    });
    // The innermost scope given to the parser is the program's own: an empty one for new variables.
    let own = (!outer.is_empty()).then(PrismScope::default);
    let name = if source.name.contains('\0') { "(eval)" } else { &*source.name };
    let options = Options::default()
        .filepath(name)
        .line(source.first_line as i32)
        .version(Version::CRuby3_3)
        .scopes(scopes.chain(own).collect())
        .build();
    let parsed = ruby_prism::parse_with_options(source.text.as_bytes(), &options);
    let diagnostics: Vec<Diagnostic> = parsed
        .errors()
        .map(|error| {
            let place = error.location();
            let span = Span { file, start: place.start(), end: place.end() };
            Diagnostic {
                message: String::from_utf8_lossy(error.message()).into_owned(),
                location: source.location(span),
            }
        })
        .collect();
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let node = parsed.node();
    let levels = outer.iter().map(|names| Level { names: names.clone(), closed: false }).collect();
    let mut lowerer =
        Lowerer { file, source, levels, nests: vec![Nest::Method], methods: Vec::new(), hoisted: Vec::new() };
    let data = parsed.data_loc().map(|place| after_end_marker(&source.text, place.start()));
    let Some(program) = node.as_program_node() else { return Err(Vec::new()) };
    lowerer.open_level(&program.locals(), outer.is_empty());
    let mut body = lowerer.statements(Some(&program.statements()), lowerer.span(&program.location()));
    if !lowerer.hoisted.is_empty() {
        let span = body.span;
        let mut all = std::mem::take(&mut lowerer.hoisted);
        all.push(body);
        body = Expr { kind: Kind::Seq(all), span };
    }
    Ok(Program { body, names: lowerer.close_level(), data })
}

fn after_end_marker(text: &str, start: u32) -> String {
    let rest = text.get(start as usize..).unwrap_or("");
    rest.split_once('\n').map_or_else(String::new, |(_, data)| data.to_owned())
}

/// Chooses the lowering function for each kind of node.
macro_rules! lower_each {
    ($this:ident, $node:ident, $span:ident, { $($variant:ident $cast:ident $method:ident,)* }) => {
        match $node {
            $(Node::$variant { .. } => match $node.$cast() {
                Some(inner) => $this.$method(&inner, $span),
                None => Kind::Unsupported("this syntax"),
            },)*
            _ => Kind::Unsupported("this syntax"),
        }
    };
}

impl Lowerer<'_> {
    fn span(&self, place: &PrismLocation<'_>) -> Span {
        Span { file: self.file, start: place.start(), end: place.end() }
    }

    fn name(&self, id: &ConstantId<'_>) -> Symbol {
        Symbol::new(&String::from_utf8_lossy(id.as_slice()))
    }

    fn open_level(&mut self, locals: &ConstantList<'_>, closed: bool) {
        let names = locals.iter().map(|id| self.name(&id)).collect();
        self.levels.push(Level { names, closed });
    }

    fn close_level(&mut self) -> Rc<[Symbol]> {
        self.levels.pop().map(|level| level.names).unwrap_or_default().into()
    }

    /// The slot of a variable so many levels out.
    fn slot(&mut self, name: Symbol, depth: u32) -> u32 {
        let index = (self.levels.len() - 1).saturating_sub(depth as usize);
        let names = &mut self.levels[index].names;
        match names.iter().rposition(|known| *known == name) {
            Some(slot) => slot as u32,
            None => {
                names.push(name);
                (names.len() - 1) as u32
            }
        }
    }

    /// Finds a hidden variable (an anonymous parameter) in this method.
    fn find_hidden(&mut self, name: Symbol) -> Option<(u32, u32)> {
        for (depth, level) in self.levels.iter().rev().enumerate() {
            if let Some(slot) = level.names.iter().rposition(|known| *known == name) {
                return Some((slot as u32, depth as u32));
            }
            if level.closed {
                break;
            }
        }
        None
    }

    fn expr(&mut self, node: &Node<'_>) -> Expr {
        let span = self.span(&node.location());
        if stack_is_low() {
            return Expr { kind: Kind::Unsupported("code nested this deeply"), span };
        }
        let kind = self.kind(node, span);
        let span = match &kind {
            // A chain over several lines is blamed on the line of its last call.
            Kind::Call(_) => self.call_span(node, span),
            _ => span,
        };
        Expr { kind, span }
    }

    fn boxed(&mut self, node: &Node<'_>) -> Box<Expr> {
        Box::new(self.expr(node))
    }

    fn nil(&self, span: Span) -> Expr {
        Expr { kind: Kind::Nil, span }
    }

    /// An optional node; nil where there is none.
    fn optional(&mut self, node: Option<Node<'_>>, span: Span) -> Expr {
        match node {
            Some(node) => self.expr(&node),
            None => self.nil(span),
        }
    }

    fn kind(&mut self, node: &Node<'_>, span: Span) -> Kind {
        match node {
            Node::NilNode { .. } => Kind::Nil,
            Node::TrueNode { .. } => Kind::True,
            Node::FalseNode { .. } => Kind::False,
            Node::SelfNode { .. } => Kind::SelfValue,
            Node::RedoNode { .. } => Kind::Redo,
            Node::RetryNode { .. } => Kind::Retry,
            Node::SourceLineNode { .. } => Kind::Int(self.source.position(span.start).0 as i64),
            Node::ImaginaryNode { .. } => Kind::Unsupported("a complex number"),
            Node::ItLocalVariableReadNode { .. } => Kind::Unsupported("the block parameter `it`"),
            _ => self.other_kind(node, span),
        }
    }

    fn other_kind(&mut self, node: &Node<'_>, span: Span) -> Kind {
        lower_each!(self, node, span, {
            IntegerNode as_integer_node integer,
            RationalNode as_rational_node rational,
            FloatNode as_float_node float,
            StringNode as_string_node string,
            InterpolatedStringNode as_interpolated_string_node string_parts,
            XStringNode as_x_string_node shell,
            InterpolatedXStringNode as_interpolated_x_string_node shell_parts,
            SymbolNode as_symbol_node symbol,
            InterpolatedSymbolNode as_interpolated_symbol_node symbol_parts,
            RegularExpressionNode as_regular_expression_node regexp,
            InterpolatedRegularExpressionNode as_interpolated_regular_expression_node regexp_parts,
            MatchLastLineNode as_match_last_line_node match_last_line,
            InterpolatedMatchLastLineNode as_interpolated_match_last_line_node match_last_line_parts,
            EmbeddedStatementsNode as_embedded_statements_node embedded,
            EmbeddedVariableNode as_embedded_variable_node embedded_variable,
            ArrayNode as_array_node array,
            HashNode as_hash_node hash,
            KeywordHashNode as_keyword_hash_node keyword_hash,
            RangeNode as_range_node range,
            SplatNode as_splat_node splat,
            SourceFileNode as_source_file_node source_file,
            SourceEncodingNode as_source_encoding_node source_encoding,
            ImplicitNode as_implicit_node implicit,
            LocalVariableReadNode as_local_variable_read_node local_read,
            InstanceVariableReadNode as_instance_variable_read_node instance_read,
            GlobalVariableReadNode as_global_variable_read_node global_read,
            ClassVariableReadNode as_class_variable_read_node class_variable_read,
            ConstantReadNode as_constant_read_node constant_read,
            ConstantPathNode as_constant_path_node constant_path,
            NumberedReferenceReadNode as_numbered_reference_read_node match_group,
            BackReferenceReadNode as_back_reference_read_node match_part,
            LocalVariableWriteNode as_local_variable_write_node local_write,
            InstanceVariableWriteNode as_instance_variable_write_node instance_write,
            GlobalVariableWriteNode as_global_variable_write_node global_write,
            ClassVariableWriteNode as_class_variable_write_node class_variable_write,
            ConstantWriteNode as_constant_write_node constant_write,
            ConstantPathWriteNode as_constant_path_write_node constant_path_write,
            MultiWriteNode as_multi_write_node multi_write,
            LocalVariableOrWriteNode as_local_variable_or_write_node local_or,
            LocalVariableAndWriteNode as_local_variable_and_write_node local_and,
            LocalVariableOperatorWriteNode as_local_variable_operator_write_node local_operator,
            InstanceVariableOrWriteNode as_instance_variable_or_write_node instance_or,
            InstanceVariableAndWriteNode as_instance_variable_and_write_node instance_and,
            InstanceVariableOperatorWriteNode as_instance_variable_operator_write_node instance_operator,
            GlobalVariableOrWriteNode as_global_variable_or_write_node global_or,
            GlobalVariableAndWriteNode as_global_variable_and_write_node global_and,
            GlobalVariableOperatorWriteNode as_global_variable_operator_write_node global_operator,
            ClassVariableOrWriteNode as_class_variable_or_write_node class_variable_or,
            ClassVariableAndWriteNode as_class_variable_and_write_node class_variable_and,
            ClassVariableOperatorWriteNode as_class_variable_operator_write_node class_variable_operator,
            ConstantOrWriteNode as_constant_or_write_node constant_or,
            ConstantAndWriteNode as_constant_and_write_node constant_and,
            ConstantOperatorWriteNode as_constant_operator_write_node constant_operator,
            ConstantPathOrWriteNode as_constant_path_or_write_node constant_path_or,
            ConstantPathAndWriteNode as_constant_path_and_write_node constant_path_and,
            ConstantPathOperatorWriteNode as_constant_path_operator_write_node constant_path_operator,
            CallOrWriteNode as_call_or_write_node call_or,
            CallAndWriteNode as_call_and_write_node call_and,
            CallOperatorWriteNode as_call_operator_write_node call_operator,
            IndexOrWriteNode as_index_or_write_node index_or,
            IndexAndWriteNode as_index_and_write_node index_and,
            IndexOperatorWriteNode as_index_operator_write_node index_operator,
            CallNode as_call_node call,
            SuperNode as_super_node super_call,
            ForwardingSuperNode as_forwarding_super_node bare_super,
            YieldNode as_yield_node yield_call,
            LambdaNode as_lambda_node lambda,
            AndNode as_and_node and,
            OrNode as_or_node or,
            DefinedNode as_defined_node defined,
            IfNode as_if_node if_then,
            UnlessNode as_unless_node unless,
            ElseNode as_else_node else_branch,
            WhileNode as_while_node while_loop,
            UntilNode as_until_node until_loop,
            ForNode as_for_node for_loop,
            CaseNode as_case_node case,
            CaseMatchNode as_case_match_node case_in,
            MatchPredicateNode as_match_predicate_node match_predicate,
            MatchRequiredNode as_match_required_node match_required,
            MatchWriteNode as_match_write_node match_write,
            BeginNode as_begin_node begin,
            RescueModifierNode as_rescue_modifier_node rescue_modifier,
            ParenthesesNode as_parentheses_node parentheses,
            StatementsNode as_statements_node statement_list,
            DefNode as_def_node def,
            ClassNode as_class_node class,
            ModuleNode as_module_node module,
            SingletonClassNode as_singleton_class_node singleton_class,
            AliasMethodNode as_alias_method_node alias,
            AliasGlobalVariableNode as_alias_global_variable_node alias_global,
            UndefNode as_undef_node undef,
            ReturnNode as_return_node return_jump,
            BreakNode as_break_node break_jump,
            NextNode as_next_node next_jump,
            FlipFlopNode as_flip_flop_node flip_flop,
            PreExecutionNode as_pre_execution_node pre_execution,
            PostExecutionNode as_post_execution_node post_execution,
            ShareableConstantNode as_shareable_constant_node shareable_constant,
        })
    }
}
