//! Our own syntax tree: what lowering makes of the parser's and what the evaluator walks. Owned, free of the
//! parser's memory, with local variables already resolved to slots.

use std::cell::RefCell;
use std::rc::Rc;

use crate::regexp::Regexp;
use crate::source::Span;
use crate::symbol::Symbol;

/// An expression with its place.
pub struct Expr {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub span: Span,
}

/// The kinds of expressions.
#[allow(missing_docs, reason = "named after what they are in the language")]
pub enum Kind {
    Nil,
    True,
    False,
    SelfValue,
    Int(i64),
    Big(num_bigint::BigInt),
    /// `super` without arguments where no method definition says what they are
    ImplicitSuper,
    /// `1.5r`: numerator and denominator
    Rational(num_bigint::BigInt, num_bigint::BigInt),
    Float(f64),
    Str {
        bytes: Rc<[u8]>,
        frozen: bool,
    },
    StrParts(Vec<Expr>),
    Shell(Vec<Expr>),
    Sym(Symbol),
    SymParts(Vec<Expr>),
    Regexp(Rc<Regexp>),
    RegexpParts {
        parts: Vec<Expr>,
        options: u32,
        once: Option<RefCell<Option<Rc<Regexp>>>>,
    },
    Array(Vec<Expr>),
    Hash(Vec<Pair>),
    Range {
        begin: Box<Expr>,
        end: Box<Expr>,
        exclusive: bool,
    },
    /// `*x` among array elements or arguments.
    Splat(Box<Expr>),
    Local {
        slot: u32,
        depth: u32,
    },
    Instance(Symbol),
    Global(Symbol),
    ClassVariable(Symbol),
    Constant(Symbol),
    /// `parent::NAME`; without a parent, `::NAME`.
    ConstantPath {
        parent: Option<Box<Expr>>,
        name: Symbol,
    },
    /// `$1` and so on.
    MatchGroup(u32),
    /// ``$& $` $' $+``
    MatchPart(char),
    Assign {
        target: Box<Target>,
        value: Box<Expr>,
    },
    MultiAssign {
        targets: Box<MultiTarget>,
        value: Box<Expr>,
    },
    OpAssign(Box<OpAssign>),
    Call(Box<Call>),
    Super(Box<CallArgs>),
    Yield(Box<CallArgs>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Defined(Box<Expr>),
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    Loop {
        condition: Box<Expr>,
        body: Box<Expr>,
        until: bool,
        body_first: bool,
    },
    For {
        target: Box<Target>,
        collection: Box<Expr>,
        body: Box<Expr>,
    },
    Case(Box<Case>),
    CaseIn(Box<CaseIn>),
    /// `value => pattern`, or with `in` the test.
    MatchPattern {
        value: Box<Expr>,
        pattern: Box<Pattern>,
        required: bool,
    },
    Seq(Vec<Expr>),
    Begin(Box<Begin>),
    Def {
        code: Rc<MethodCode>,
        receiver: Option<Box<Expr>>,
    },
    Class(Box<ClassDefinition>),
    SingletonClass {
        object: Box<Expr>,
        body: Rc<Expr>,
        names: Rc<[Symbol]>,
    },
    Alias {
        new: Box<Expr>,
        old: Box<Expr>,
    },
    AliasGlobal {
        new: Symbol,
        old: Symbol,
    },
    Undef(Vec<Expr>),
    Return(Option<Box<Expr>>),
    BreakLoop(Option<Box<Expr>>),
    BreakBlock(Option<Box<Expr>>),
    Next(Option<Box<Expr>>),
    Redo,
    Retry,
    Lambda(Rc<BlockCode>),
    FlipFlop {
        begin: Box<Expr>,
        end: Box<Expr>,
        exclusive: bool,
        slot: u32,
        depth: u32,
    },
    AtExit(Rc<BlockCode>),
    /// `/(?<name>…)/ =~ text`, which assigns locals.
    MatchWrite {
        call: Box<Expr>,
        targets: Vec<(Symbol, Target)>,
    },
    /// A bare regular expression as a condition, compared with `$_`.
    MatchLastLine(Box<Expr>),
    /// Syntax that is understood but not supported; the text names it.
    Unsupported(&'static str),
}

/// An element of a hash literal or of keyword arguments.
#[allow(missing_docs, reason = "named after what they are in the language")]
pub enum Pair {
    Entry(Expr, Expr),
    Splat(Expr),
}

/// The arguments of a call.
#[derive(Default)]
pub struct CallArgs {
    /// Positional arguments, splats among them.
    pub positional: Vec<Expr>,
    /// Whether there are splats.
    pub splat: bool,
    /// `name: value`, `**hash`
    pub keywords: Vec<Pair>,
    /// The block.
    pub block: BlockArg,
}

/// How a call is given a block.
#[derive(Default)]
#[allow(missing_docs, reason = "named after what they are in the language")]
pub enum BlockArg {
    #[default]
    None,
    Literal(Rc<BlockCode>),
    Pass(Expr),
}

/// A method call.
pub struct Call {
    /// The receiver; without one it is a call to self.
    pub receiver: Option<Expr>,
    /// The method.
    pub name: Symbol,
    /// The arguments.
    pub args: CallArgs,
    /// `&.`
    pub safe: bool,
    /// A bare name that could have been a variable.
    pub variable_like: bool,
    /// Whether private methods may be called.
    pub own: bool,
    /// `x.y = z` and `x[y] = z`, which evaluate to `z`.
    pub attribute_write: bool,
}

/// What can be assigned to.
#[allow(missing_docs, reason = "named after what they are in the language")]
pub enum Target {
    Local { slot: u32, depth: u32 },
    Instance(Symbol),
    Global(Symbol),
    ClassVariable(Symbol),
    Constant(Symbol),
    ConstantPath { parent: Option<Expr>, name: Symbol },
    Index { receiver: Expr, args: CallArgs },
    Attribute { receiver: Expr, name: Symbol, safe: bool },
    Multi(MultiTarget),
}

/// The left side of a multiple assignment, or a destructured block parameter.
pub struct MultiTarget {
    /// Before the splat.
    pub lefts: Vec<Target>,
    /// The splat: absent, anonymous, or named.
    pub rest: Option<Option<Box<Target>>>,
    /// After the splat.
    pub rights: Vec<Target>,
}

/// `x ||= y`, `x += y` and the like.
pub struct OpAssign {
    /// What is read and written. For `Index` and `Attribute` receiver and arguments are evaluated once.
    pub target: Target,
    /// The operator.
    pub operator: Operator,
    /// The right side.
    pub value: Expr,
}

/// The operator of an [`OpAssign`].
#[allow(missing_docs, reason = "named after what they are in the language")]
#[derive(Clone, Copy)]
pub enum Operator {
    Or,
    And,
    Call(Symbol),
}

/// `case … when`
pub struct Case {
    /// What is compared; without it the conditions themselves decide.
    pub subject: Option<Expr>,
    /// The branches: conditions (splats among them) and body.
    pub branches: Vec<(Vec<Expr>, Expr)>,
    /// `else`
    pub otherwise: Expr,
}

/// `case … in`
pub struct CaseIn {
    /// What is matched.
    pub subject: Expr,
    /// The branches: pattern, guard (with whether it is `unless`), body.
    pub branches: Vec<(Pattern, Option<(Expr, bool)>, Expr)>,
    /// `else`, if there is one.
    pub otherwise: Option<Expr>,
}

/// A pattern of `case … in`.
#[allow(missing_docs, reason = "named after what they are in the language")]
pub enum Pattern {
    /// Anything that is compared with `===`.
    Value(Expr),
    /// Binds a variable.
    Bind(Target),
    Alternatives(Box<Pattern>, Box<Pattern>),
    Capture(Box<Pattern>, Target),
    Array {
        constant: Option<Expr>,
        before: Vec<Pattern>,
        rest: Option<Option<Target>>,
        after: Vec<Pattern>,
    },
    Find {
        constant: Option<Expr>,
        before: Option<Target>,
        middle: Vec<Pattern>,
        after: Option<Target>,
    },
    Hash {
        constant: Option<Expr>,
        entries: Vec<(Symbol, Pattern)>,
        rest: HashRest,
    },
}

/// What a hash pattern says about other keys.
#[allow(missing_docs, reason = "named after what they are in the language")]
pub enum HashRest {
    /// They do not matter.
    Ignored,
    /// There must be none (`**nil`).
    Forbidden,
    /// They are bound (`**rest`).
    Bound(Target),
}

/// `begin … rescue … else … ensure … end`
pub struct Begin {
    /// The body.
    pub body: Expr,
    /// The `rescue` clauses.
    pub rescues: Vec<Rescue>,
    /// `else`
    pub otherwise: Option<Expr>,
    /// `ensure`
    pub ensure: Option<Expr>,
}

/// A `rescue` clause.
pub struct Rescue {
    /// The exception classes, splats among them; none means `StandardError`.
    pub classes: Vec<Expr>,
    /// `=> name`
    pub target: Option<Target>,
    /// What to do.
    pub body: Expr,
}

/// `class` or `module`.
pub struct ClassDefinition {
    /// Whether it is a module.
    pub module: bool,
    /// The module that it is defined in, when written as `A::B`; `Some(None)` for `::B`.
    pub parent: Option<Option<Expr>>,
    /// Its name.
    pub name: Symbol,
    /// The superclass.
    pub superclass: Option<Expr>,
    /// The body.
    pub body: Expr,
    /// Local variables of the body.
    pub names: Rc<[Symbol]>,
}

/// A method definition.
pub struct MethodCode {
    /// Its name.
    pub name: Symbol,
    /// Its parameters.
    pub params: Params,
    /// Its local variables, parameters first.
    pub names: Rc<[Symbol]>,
    /// Its body.
    pub body: Expr,
    /// Where it is defined.
    pub span: Span,
}

/// A block or lambda.
pub struct BlockCode {
    /// Its parameters.
    pub params: Params,
    /// Its local variables, parameters first.
    pub names: Rc<[Symbol]>,
    /// Its body.
    pub body: Expr,
    /// Where it is.
    pub span: Span,
}

/// The parameters of a method or block.
#[derive(Default)]
pub struct Params {
    /// Required ones at the front.
    pub required: Vec<Param>,
    /// Optional ones with their defaults.
    pub optional: Vec<(u32, Expr)>,
    /// `*rest`: absent, anonymous, or a slot.
    pub rest: Option<Option<u32>>,
    /// Required ones after the optional ones.
    pub post: Vec<Param>,
    /// Keywords with their slots and defaults.
    pub keywords: Vec<(Symbol, u32, Option<Expr>)>,
    /// `**rest`
    pub keyword_rest: KeywordRest,
    /// `&block`
    pub block: Option<u32>,
    /// Whether a block ends its only parameter with a comma (`|a,|`), which takes arrays apart.
    pub trailing_comma: bool,
    /// Names for `parameters`: those of required ones are slots.
    pub numbered: bool,
}

/// A required parameter.
#[allow(missing_docs, reason = "named after what they are in the language")]
pub enum Param {
    Slot(u32),
    Multi(MultiTarget),
}

/// `**rest` of a parameter list.
#[allow(missing_docs, reason = "named after what they are in the language")]
#[derive(Default)]
pub enum KeywordRest {
    #[default]
    None,
    /// `**nil`
    Forbidden,
    /// `**rest` or anonymous.
    Slot(Option<u32>),
}

impl Params {
    /// What `arity` answers; blocks that are not lambdas do not count optional parameters.
    pub fn arity(&self, strict: bool) -> i64 {
        let required = (self.required.len() + self.post.len()) as i64;
        let needs_keywords = self.keywords.iter().any(|(_, _, default)| default.is_none());
        let open = self.rest.is_some() || (strict && !self.optional.is_empty());
        if open {
            -required - i64::from(needs_keywords) - 1
        } else if needs_keywords {
            required + 1
        } else if (!self.keywords.is_empty() || matches!(self.keyword_rest, KeywordRest::Slot(_))) && strict {
            -required - 1
        } else {
            required
        }
    }

    /// Whether the parameter list mentions keywords at all.
    pub fn takes_keywords(&self) -> bool {
        !self.keywords.is_empty() || matches!(self.keyword_rest, KeywordRest::Slot(_))
    }
}
