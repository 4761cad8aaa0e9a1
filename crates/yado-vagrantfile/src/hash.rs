//! Small readings of Ruby hashes whose keys are symbols: the options of calls.

use yado_ruby::{Args, HashRef, RHash, Value};

/// A copy of a hash's entries in a new hash.
pub(crate) fn copied(hash: &HashRef) -> HashRef {
    let copy = RHash::new();
    for (key, value) in hash.to_vec() {
        copy.insert(key, value);
    }
    copy
}

/// The entries of both; the newer ones win, in the place of the older ones.
pub(crate) fn merged(older: &HashRef, newer: &HashRef) -> HashRef {
    let result = copied(older);
    for (key, value) in newer.to_vec() {
        result.insert(key, value);
    }
    result
}

/// A fresh hash of a call's options: its last argument if that is a hash, which is taken off, and its keywords.
pub(crate) fn take_options(args: &mut Args) -> HashRef {
    let keywords = args.keywords.take();
    let last = match args.positional.last() {
        Some(Value::Hash(hash)) => Some(hash.clone()),
        _ => None,
    };
    let options = match &last {
        Some(hash) => {
            args.positional.pop();
            copied(hash)
        }
        None => RHash::new(),
    };
    keywords.map_or_else(|| options.clone(), |keywords| merged(&options, &keywords))
}

/// The option `name`; `None` also when it is nil.
pub(crate) fn option(hash: &HashRef, name: &str) -> Option<Value> {
    hash.get_symbol(name).filter(|value| !value.is_nil())
}

/// The text of an option that is a string or symbol.
pub(crate) fn text(hash: &HashRef, name: &str) -> Option<String> {
    hash.get_symbol(name)?.text_or_symbol()
}

/// Sets an option.
pub(crate) fn put(hash: &HashRef, name: &str, value: Value) {
    hash.insert(Value::sym(name), value);
}

/// Takes an option away; `None` when it was not given.
pub(crate) fn take(hash: &HashRef, name: &str) -> Option<Value> {
    hash.remove(&Value::sym(name))
}
