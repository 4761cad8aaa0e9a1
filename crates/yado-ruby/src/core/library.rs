//! What several files of the library need: hashing, naming values in messages, reaching a constant by its path.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::args::Args;
use crate::hash::HashKey;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// What `hash` answers for values that need no Ruby code to decide.
pub(crate) fn native_hash(value: &Value) -> i64 {
    let mut hasher = DefaultHasher::new();
    HashKey::new(value.clone()).hash(&mut hasher);
    (hasher.finish() >> 2) as i64
}

/// The constant of this path, loading the library that defines it if need be.
pub(crate) fn constant_at(ruby: &mut Interpreter, path: &[&str]) -> Eval {
    let mut value = Value::Class(ruby.core.object.clone());
    for name in path {
        value = ruby.send(&value, "const_get", Args::one(Value::sym(name)))?;
    }
    Ok(value)
}

impl Interpreter {
    /// The name of a value's class, for messages.
    pub fn describe_class(&self, value: &Value) -> String {
        self.class_name(&self.class_of(value))
    }
}
