//! The arguments of one call, and how many of them a native method accepts.

use std::rc::Rc;

use crate::hash::{HashRef, RHash};
use crate::procs::Proc;
use crate::symbol::Symbol;
use crate::value::Value;

/// The arguments of a call. Keywords are kept apart from positional arguments, as in Ruby 3.
#[derive(Clone, Default)]
pub struct Args {
    /// Positional arguments.
    pub positional: Vec<Value>,
    /// Keywords given as `name: value` or `**hash`; never an empty hash.
    pub keywords: Option<HashRef>,
    /// The block.
    pub block: Option<Rc<Proc>>,
}

impl Args {
    /// No arguments.
    pub fn none() -> Self {
        Self::default()
    }

    /// One positional argument.
    pub fn one(value: Value) -> Self {
        Self { positional: vec![value], ..Self::default() }
    }

    /// Positional arguments.
    pub fn of(positional: Vec<Value>) -> Self {
        Self { positional, ..Self::default() }
    }

    /// The same with a block.
    pub fn with_block(mut self, block: Option<Rc<Proc>>) -> Self {
        self.block = block;
        self
    }

    /// The same with keywords.
    pub fn with_keywords(mut self, keywords: Option<HashRef>) -> Self {
        self.keywords = keywords.filter(|hash| !hash.is_empty());
        self
    }

    /// The number of positional arguments.
    pub fn len(&self) -> usize {
        self.positional.len()
    }

    /// Whether there are no positional arguments.
    pub fn is_empty(&self) -> bool {
        self.positional.is_empty()
    }

    /// The positional argument at this index.
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.positional.get(index)
    }

    /// The positional argument at this index, or nil.
    pub fn at(&self, index: usize) -> Value {
        self.positional.get(index).cloned().unwrap_or(Value::Nil)
    }

    /// The value of a keyword.
    pub fn keyword(&self, name: &str) -> Option<Value> {
        self.keywords.as_ref()?.get(&Value::Sym(Symbol::new(name)))
    }

    /// Turns keywords into a last positional hash, as for a method that declares none.
    pub fn fold_keywords(&mut self) {
        if let Some(keywords) = self.keywords.take() {
            self.positional.push(Value::Hash(copied(&keywords)));
        }
    }
}

/// A fresh hash with the same entries, so that a callee may change its keywords freely.
pub(crate) fn copied(hash: &HashRef) -> HashRef {
    let copy = RHash::new();
    copy.entries.borrow_mut().clone_from(&hash.entries.borrow());
    copy
}

/// How many positional arguments a native method accepts, and whether it looks at keywords itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arity {
    /// The least number.
    pub least: u8,
    /// The greatest number; `u8::MAX` for any.
    pub most: u8,
    /// Whether keywords stay apart. If not, they arrive as a last positional hash.
    pub keywords: bool,
}

impl Arity {
    /// Exactly so many.
    pub const fn exactly(count: u8) -> Self {
        Self { least: count, most: count, keywords: false }
    }

    /// From `least` to `most`.
    pub const fn between(least: u8, most: u8) -> Self {
        Self { least, most, keywords: false }
    }

    /// `least` or more.
    pub const fn at_least(least: u8) -> Self {
        Self { least, most: u8::MAX, keywords: false }
    }

    /// The same for a method that looks at `args.keywords` itself.
    pub const fn with_keywords(self) -> Self {
        Self { keywords: true, ..self }
    }

    /// Whether so many arguments are accepted.
    pub fn accepts(self, given: usize) -> bool {
        given >= usize::from(self.least) && (self.most == u8::MAX || given <= usize::from(self.most))
    }

    /// What Ruby's `arity` answers for it.
    pub fn number(self) -> i64 {
        if self.least == self.most { i64::from(self.least) } else { -i64::from(self.least) - 1 }
    }

    /// The `expected …` part of the error message.
    pub fn expected(self) -> String {
        if self.most == u8::MAX {
            format!("{}+", self.least)
        } else if self.least == self.most {
            self.least.to_string()
        } else {
            format!("{}..{}", self.least, self.most)
        }
    }
}
