//! What changes a `Hash` in place.

use super::derive::{copy, filtered};
use super::{changeable, lookup, of, pair};
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::enumerable::block_or_enumerator;
use crate::core::enumerator::enumerator;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const TWO: Arity = Arity::exactly(2);
const ANY: Arity = Arity::at_least(0);

/// The lines of `LOOK` for it.
pub(super) const LOOK: Table = &[("compare_by_identity", compare_by_identity, NONE)];

/// The lines of `CHANGE` for it.
pub(super) const CHANGE: Table = &[
    ("[]=", store, TWO),
    ("store", store, TWO),
    ("delete", delete, ONE),
    ("merge!", update, ANY),
    ("update", update, ANY),
    ("replace", replace, ONE),
    ("initialize_copy", replace, ONE),
    ("clear", clear, NONE),
    ("shift", shift, NONE),
    ("default=", set_default, ONE),
    ("default_proc=", set_default_proc, ONE),
    ("rehash", rehash, NONE),
];

fn store(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = changeable(ruby, this)?;
    if hash.iterating.get() > 0 && lookup(ruby, &hash, &args.at(0))?.is_none() {
        return Err(ruby.exception("RuntimeError", "can't add a new key into hash during iteration"));
    }
    if hash.by_identity.get() {
        let address = args.at(0).address() as i64;
        let key = if address == 0 {
            crate::hash::HashKey::new(args.at(0))
        } else {
            crate::hash::HashKey::with_hash(args.at(0), address)
        };
        hash.entries.borrow_mut().insert(key, args.at(1));
    } else {
        ruby.hash_store(&hash, &args.at(0), args.at(1))?;
        ruby.charge(64)?;
    }
    Ok(args.at(1))
}

fn set_default(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = changeable(ruby, this)?;
    *hash.default.borrow_mut() = Some(args.at(0));
    *hash.default_proc.borrow_mut() = None;
    Ok(args.at(0))
}

fn set_default_proc(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = changeable(ruby, this)?;
    *hash.default_proc.borrow_mut() = match args.at(0) {
        Value::Proc(block) => Some(block),
        _ => None,
    };
    Ok(args.at(0))
}

pub(super) fn update(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = changeable(ruby, this)?;
    for other in &args.positional {
        for (key, value) in ruby.expect_hash(other)?.to_vec() {
            let value = match (&args.block, lookup(ruby, &hash, &key)?) {
                (Some(block), Some(old)) => ruby.call_proc(block, Args::of(vec![key.clone(), old, value]))?,
                _ => value,
            };
            store(ruby, this, Args::of(vec![key, value]))?;
        }
    }
    Ok(this.clone())
}

fn compare_by_identity(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let hash = changeable(ruby, this)?;
    let entries = hash.to_vec();
    hash.by_identity.set(true);
    hash.entries.borrow_mut().clear();
    for (key, value) in entries {
        store(ruby, this, Args::of(vec![key, value]))?;
    }
    Ok(this.clone())
}

pub(super) fn delete(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = changeable(ruby, this)?;
    let key = ruby.hash_key(&args.at(0))?;
    let found = hash.entries.borrow_mut().shift_remove(&key);
    match (found, &args.block) {
        (Some(value), _) => Ok(value),
        (None, Some(block)) => ruby.call_proc_one(block, args.at(0)),
        (None, None) => Ok(Value::Nil),
    }
}

/// Keeps the entries for which the block's answer is as wanted; nil when nothing changed, unless `always`.
pub(super) fn keep(ruby: &mut Interpreter, this: &Value, args: Args, wanted: bool, always: bool) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "select!");
    let hash = changeable(ruby, this)?;
    let before = hash.len();
    let kept = filtered(ruby, this, &block, wanted)?;
    let changed = kept.len() != before;
    let kept = of(ruby, kept)?;
    if let Value::Hash(kept) = kept {
        *hash.entries.borrow_mut() = kept.entries.take();
    }
    Ok(if changed || always { this.clone() } else { Value::Nil })
}

pub(super) fn become_result(
    ruby: &mut Interpreter,
    this: &Value,
    args: Args,
    method: fn(&mut Interpreter, &Value, Args) -> Eval,
    nil_unchanged: bool,
) -> Eval {
    let hash = changeable(ruby, this)?;
    let before = hash.len();
    if let Value::Hash(made) = method(ruby, this, args)? {
        *hash.entries.borrow_mut() = made.entries.take();
    }
    Ok(if nil_unchanged && hash.len() == before { Value::Nil } else { this.clone() })
}

fn replace(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = changeable(ruby, this)?;
    let other = copy(&ruby.expect_hash(&args.at(0))?);
    *hash.entries.borrow_mut() = other.entries.take();
    *hash.default.borrow_mut() = other.default.take();
    *hash.default_proc.borrow_mut() = other.default_proc.take();
    Ok(this.clone())
}

fn clear(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    changeable(ruby, this)?.entries.borrow_mut().clear();
    Ok(this.clone())
}

fn shift(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let hash = changeable(ruby, this)?;
    let first = hash.entries.borrow_mut().shift_remove_index(0);
    Ok(first.map_or(Value::Nil, |(key, value)| pair(key.value().clone(), value)))
}

fn rehash(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let hash = changeable(ruby, this)?;
    let entries = hash.to_vec();
    hash.entries.borrow_mut().clear();
    for (key, value) in entries {
        ruby.hash_store(&hash, &key, value)?;
    }
    Ok(this.clone())
}
