//! Ruby's Hash: insertion-ordered, with default value or default block, keys compared by `eql?`.

use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use indexmap::IndexMap;

use crate::object::Meta;
use crate::procs::Proc;
use crate::value::{RString, Value};

/// A map that keeps its order and is found fast. Its hasher takes few instructions for short names and starts from a
/// number that a program cannot know, so that it cannot make keys collide.
pub type OrderedMap<K, V> = IndexMap<K, V, foldhash::fast::RandomState>;

/// A shared, mutable hash.
pub type HashRef = Rc<RHash>;

/// A Ruby hash.
#[derive(Default)]
pub struct RHash {
    /// The entries in insertion order.
    pub entries: RefCell<OrderedMap<HashKey, Value>>,
    /// What a missing key answers when there is no block.
    pub default: RefCell<Option<Value>>,
    /// The block that answers for a missing key.
    pub default_proc: RefCell<Option<Rc<Proc>>>,
    /// Whether changing it is an error.
    pub frozen: Cell<bool>,
    /// How many loops are going through it; new keys are refused meanwhile.
    pub iterating: Cell<usize>,
    /// Whether keys are compared by identity.
    pub by_identity: Cell<bool>,
    /// Subclass, singleton class and instance variables, when it has any.
    pub meta: RefCell<Option<Box<Meta>>>,
}

/// A value as a key: hashed and compared as `hash` and `eql?` would. Strings are copied and frozen.
#[derive(Clone)]
pub struct HashKey {
    value: Value,
    /// What the object's own `hash` method answered, for classes that define one.
    own_hash: Option<i64>,
}

impl HashKey {
    /// The key for this value. Use `Interpreter::hash_key` where the value may define `hash` itself.
    pub fn new(value: Value) -> Self {
        let value = match value {
            Value::Str(string) if !string.frozen.get() => {
                let copy = RString::from_bytes(string.bytes());
                copy.binary.set(string.binary.get());
                copy.frozen.set(true);
                Value::Str(copy)
            }
            other => other,
        };
        Self { value, own_hash: None }
    }

    /// The key for an object that answered `hash` itself.
    pub fn with_hash(value: Value, hash: i64) -> Self {
        Self { value, own_hash: Some(hash) }
    }

    /// The value that is the key.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

/// How deep and how far into arrays a hash looks: enough to tell keys apart, too little to be kept busy by an array
/// that holds itself many times over.
const DEEP: usize = 4;
const FAR: usize = 32;

fn hash_value<H: Hasher>(value: &Value, state: &mut H, depth: usize) {
    if depth > DEEP {
        return;
    }
    match value {
        Value::Nil => 0u8.hash(state),
        Value::Bool(it) => it.hash(state),
        Value::Int(it) => it.hash(state),
        Value::Big(it) => it.hash(state),
        Value::Float(it) => it.to_bits().hash(state),
        Value::Sym(it) => it.hash(state),
        Value::Str(it) => it.with_bytes(|bytes| bytes.hash(state)),
        Value::Array(it) => {
            let items = it.items.borrow();
            items.len().hash(state);
            for item in items.iter().take(FAR) {
                hash_value(item, state, depth + 1);
            }
        }
        Value::Hash(it) => it.entries.borrow().len().hash(state),
        Value::Range(it) => {
            hash_value(&it.begin, state, depth + 1);
            hash_value(&it.end, state, depth + 1);
        }
        Value::Regexp(it) => it.source.hash(state),
        other => other.address().hash(state),
    }
}

/// `eql?` for values that need no Ruby code to decide.
pub fn eql(a: &Value, b: &Value) -> bool {
    eql_within(a, b, 0)
}

fn eql_within(a: &Value, b: &Value, depth: usize) -> bool {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => Rc::ptr_eq(a, b) || a.with_bytes(|a| b.with_bytes(|b| a == b)),
        (Value::Array(a), Value::Array(b)) => {
            if Rc::ptr_eq(a, b) || depth > 64 {
                return true;
            }
            if !crate::limits::spend() {
                return false;
            }
            let (a, b) = (a.items.borrow(), b.items.borrow());
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| eql_within(a, b, depth + 1))
        }
        (Value::Hash(a), Value::Hash(b)) => {
            if Rc::ptr_eq(a, b) || depth > 64 {
                return true;
            }
            if !crate::limits::spend() {
                return false;
            }
            let (a, b) = (a.entries.borrow(), b.entries.borrow());
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| eql_within(value, other, depth + 1)))
        }
        (Value::Range(a), Value::Range(b)) => {
            a.exclusive == b.exclusive
                && eql_within(&a.begin, &b.begin, depth + 1)
                && eql_within(&a.end, &b.end, depth + 1)
        }
        (Value::Regexp(a), Value::Regexp(b)) => a.source == b.source && a.options == b.options,
        (Value::Float(a), Value::Float(b)) => a == b,
        _ => a.same(b),
    }
}

impl Hash for HashKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.own_hash {
            Some(hash) => hash.hash(state),
            None => hash_value(&self.value, state, 0),
        }
    }
}

impl PartialEq for HashKey {
    fn eq(&self, other: &Self) -> bool {
        match (self.own_hash, other.own_hash) {
            (None, None) => eql(&self.value, &other.value),
            (Some(a), Some(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for HashKey {}

/// A loop through a hash, until it is dropped.
pub(crate) struct Iteration(HashRef);

impl Iteration {
    pub(crate) fn of(hash: &HashRef) -> Self {
        hash.iterating.set(hash.iterating.get() + 1);
        Self(hash.clone())
    }
}

impl Drop for Iteration {
    fn drop(&mut self) {
        self.0.iterating.set(self.0.iterating.get() - 1);
    }
}

impl RHash {
    /// A new empty hash.
    pub fn new() -> HashRef {
        Rc::new(Self::default())
    }

    /// Stores an entry; later entries for the same key replace earlier ones in place.
    pub fn insert(&self, key: Value, value: Value) {
        self.entries.borrow_mut().insert(HashKey::new(key), value);
    }

    /// The entry for this key, without consulting defaults.
    pub fn get(&self, key: &Value) -> Option<Value> {
        self.entries.borrow().get(&HashKey::new(key.clone())).cloned()
    }

    /// The entry under `:name`.
    pub fn get_symbol(&self, name: &str) -> Option<Value> {
        self.get(&Value::sym(name))
    }

    /// Removes an entry, keeping the order of the others.
    pub fn remove(&self, key: &Value) -> Option<Value> {
        self.entries.borrow_mut().shift_remove(&HashKey::new(key.clone()))
    }

    /// A copy of the entries, safe to iterate while Ruby code changes the hash.
    pub fn to_vec(&self) -> Vec<(Value, Value)> {
        self.entries.borrow().iter().map(|(key, value)| (key.value().clone(), value.clone())).collect()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_keys_are_compared_by_content_and_copied() {
        let hash = RHash::new();
        let key = RString::new("box");
        hash.insert(Value::Str(key.clone()), Value::Int(1));
        key.set("changed");
        assert!(matches!(hash.get(&Value::str("box")), Some(Value::Int(1))));
    }

    #[test]
    fn one_and_one_point_zero_are_different_keys() {
        let hash = RHash::new();
        hash.insert(Value::Int(1), Value::Nil);
        assert!(hash.get(&Value::Float(1.0)).is_none());
    }
}
