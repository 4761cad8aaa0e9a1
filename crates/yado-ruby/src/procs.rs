//! Things that can be called: methods, blocks, lambdas and method objects.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::args::{Args, Arity};
use crate::class::ClassRef;
use crate::control::Tag;
use crate::frame::{Context, Lexical};
use crate::interpreter::Interpreter;
use crate::object::Meta;
use crate::symbol::Symbol;
use crate::tree::{BlockCode, MethodCode};
use crate::value::{Eval, Value};

/// A method of the core library.
pub type NativeFunction = fn(&mut Interpreter, &Value, Args) -> Eval;
/// A method or block of embedding code.
pub type NativeClosure = Rc<dyn Fn(&mut Interpreter, &Value, Args) -> Eval>;

/// Who may call a method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Visibility {
    /// Anyone.
    Public,
    /// Instances of the defining class.
    Protected,
    /// The object itself.
    Private,
}

/// A method as found in a class.
pub struct Method {
    /// The name that it was defined under (an alias keeps the original one).
    pub name: Symbol,
    /// The class or module that it was defined in.
    pub owner: ClassRef,
    /// Who may call it.
    pub visibility: Visibility,
    /// What it does.
    pub body: MethodBody,
}

/// What a method does.
#[derive(Clone)]
pub enum MethodBody {
    /// `def … end`
    Ruby {
        /// The lowered definition.
        code: Rc<MethodCode>,
        /// Where constants are looked up.
        lexical: Rc<Lexical>,
    },
    /// A method of the core library.
    Native(NativeFunction, Arity),
    /// A method of embedding code.
    Closure(NativeClosure),
    /// `attr_reader`, by the variable's full name.
    Reader(Symbol),
    /// `attr_writer`, by the variable's full name.
    Writer(Symbol),
    /// `define_method` with a block.
    Block(Rc<Proc>),
    /// `undef`: stops the search.
    Undefined,
}

/// A block as an object.
pub struct Proc {
    /// What it runs.
    pub body: ProcBody,
    /// Whether it is a lambda: strict about arguments, and `return` leaves only itself.
    pub lambda: Cell<bool>,
    /// Subclass, singleton class and instance variables, when it has any.
    pub meta: RefCell<Option<Box<Meta>>>,
}

/// What a proc runs.
pub enum ProcBody {
    /// A block of Ruby code with its surroundings.
    Ruby {
        /// The lowered block.
        code: Rc<BlockCode>,
        /// Self, method and variables around it.
        context: Context,
        /// The call that `break` leaves.
        tag: Tag,
    },
    /// Native code; the value is `self` where it is evaluated with another one, else nil.
    Native(NativeClosure, Arity),
    /// `&:name`
    Symbol(Symbol),
    /// `&method(:name)`
    Method(Rc<MethodObject>),
}

/// A method taken from an object (`Method`) or a class (`UnboundMethod`).
pub struct MethodObject {
    /// The object that it will be called on; `None` while unbound.
    pub receiver: Option<Value>,
    /// The name that it was asked for.
    pub name: Symbol,
    /// The method.
    pub method: Rc<Method>,
}

impl Proc {
    /// A block made of native code.
    pub fn native(arity: Arity, run: impl Fn(&mut Interpreter, &Value, Args) -> Eval + 'static) -> Rc<Self> {
        Self::of(ProcBody::Native(Rc::new(run), arity), false)
    }

    /// A proc with this body.
    pub fn of(body: ProcBody, lambda: bool) -> Rc<Self> {
        Rc::new(Self { body, lambda: Cell::new(lambda), meta: RefCell::default() })
    }

    /// What `arity` answers.
    pub fn arity(&self) -> i64 {
        match &self.body {
            ProcBody::Ruby { code, .. } => code.params.arity(self.lambda.get()),
            ProcBody::Native(_, arity) => arity.number(),
            ProcBody::Symbol(_) => -2,
            ProcBody::Method(object) => object.method.arity(),
        }
    }
}

impl Method {
    /// What `arity` answers.
    pub fn arity(&self) -> i64 {
        match &self.body {
            MethodBody::Ruby { code, .. } => code.params.arity(true),
            MethodBody::Native(_, arity) => arity.number(),
            MethodBody::Closure(_) => -1,
            MethodBody::Reader(_) | MethodBody::Undefined => 0,
            MethodBody::Writer(_) => 1,
            MethodBody::Block(block) => match &block.body {
                ProcBody::Ruby { code, .. } => code.params.arity(true),
                _ => block.arity(),
            },
        }
    }
}
