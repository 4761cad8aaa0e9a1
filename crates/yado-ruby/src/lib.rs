//! A sandboxed evaluator for the Ruby (3.1) that configuration files are written in. `ruby-prism` parses,
//! [`lower`] turns its tree into our own, [`eval`] walks that, and [`core`] is the library. It knows nothing
//! of machines or Vagrant; embedding code adds its own classes through [`Interpreter`].

mod args;
mod class;
mod control;
mod core;
mod dispatch;
mod embedding;
mod eval;
mod exceptions;
mod failure;
mod features;
mod frame;
mod hash;
mod host;
mod interpreter;
mod limits;
mod lower;
mod object;
mod procs;
mod protocols;
mod regexp;
mod source;
mod stdlib;
mod symbol;
mod teardown;
mod tree;
mod value;

pub use args::{Args, Arity};
pub use class::{ClassRef, Constant, RClass, Table};
pub use control::{Control, Tag};
pub use failure::{Diagnostic, Failure, FailureKind, Limit, Location};
pub use frame::{Context, Frame, Lexical, Scope};
pub use hash::{HashKey, HashRef, OrderedMap, RHash, eql};
pub use host::{
    Change, Command, FileFacts, Host, HostError, Output, SandboxHost, Stream, real_facts, real_list,
};
pub use interpreter::Interpreter;
pub use limits::{Limits, exhaust, on_big_stack};
pub use object::{Meta, ObjectRef, RObject, Variables};
pub use procs::{
    Method, MethodBody, MethodObject, NativeClosure, NativeFunction, Proc, ProcBody, Visibility,
};
pub use regexp::{MatchData, Regexp};
pub use source::{SourceFile, Span};
pub use stdlib::gem_version::{Constraint, Segment, Version};
pub use symbol::{BySymbol, Symbol, SymbolHasher};
pub use value::{ArrayRef, Eval, RArray, RString, Range, StrRef, Value};
