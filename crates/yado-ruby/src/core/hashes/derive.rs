//! What makes another collection of a `Hash`, or compares two.

use super::change::{delete, update};
use super::{give, lookup, of, pair, this_hash, to_a};
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::enumerable::block_or_enumerator;
use crate::core::enumerator::enumerator;
use crate::hash::{HashRef, RHash};
use crate::interpreter::Interpreter;
use crate::procs::Proc;
use crate::value::{Eval, Value};
use std::rc::Rc;

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);

/// The lines of `LOOK` for it.
pub(super) const LOOK: Table = &[
    ("to_h", to_h, NONE),
    ("==", equal, ONE),
    (">=", superset, ONE),
    ("<=", subset, ONE),
    ("<", proper_subset, ONE),
    (">", proper_superset, ONE),
    ("merge", merge, ANY),
    ("select", select, NONE),
    ("filter", select, NONE),
    ("reject", reject, NONE),
    ("slice", slice, ANY),
    ("except", except, ANY),
    ("compact", compact, NONE),
    ("invert", invert, NONE),
    ("transform_values", transform_values, NONE),
    ("transform_keys", transform_keys, Arity::between(0, 1)),
    ("any?", any, Arity::between(0, 1)),
    ("all?", all, Arity::between(0, 1)),
    ("find_all", find_all, NONE),
    ("assoc", assoc, ONE),
    ("rassoc", rassoc, ONE),
    ("flatten", flatten, Arity::between(0, 1)),
    ("min_by", min_by, Arity::between(0, 1)),
];

fn to_h(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = this_hash(ruby, this)?;
    let Some(block) = &args.block else {
        if hash.meta.borrow().is_none() {
            return Ok(this.clone());
        }
        return of(ruby, hash.to_vec());
    };
    let mut entries = Vec::new();
    for (key, value) in hash.to_vec() {
        let made = give(ruby, block, key, value)?;
        let Some(entry) = ruby.try_array(&made)? else {
            let class = ruby.describe_class(&made);
            return ruby.raise("TypeError", format!("wrong element type {class} (expected array)"));
        };
        let entry = entry.to_vec();
        let [key, value] = entry.as_slice() else {
            let message = format!("element has wrong array length (expected 2, was {})", entry.len());
            return ruby.raise("ArgumentError", message);
        };
        entries.push((key.clone(), value.clone()));
    }
    of(ruby, entries)
}

fn equal(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Value::Hash(other) = args.at(0) else { return Ok(Value::Bool(false)) };
    let hash = this_hash(ruby, this)?;
    if Rc::ptr_eq(&hash, &other) {
        return Ok(Value::Bool(true));
    }
    Ok(Value::Bool(hash.len() == other.len() && contains_all(ruby, &other, &hash)?))
}

/// Whether every entry of `part` is in `whole`.
fn contains_all(ruby: &mut Interpreter, whole: &HashRef, part: &HashRef) -> Eval<bool> {
    for (key, value) in part.to_vec() {
        match lookup(ruby, whole, &key)? {
            Some(other) if ruby.eq(&value, &other)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn superset(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (whole, part) = (this_hash(ruby, this)?, ruby.expect_hash(&args.at(0))?);
    Ok(Value::Bool(contains_all(ruby, &whole, &part)?))
}

fn subset(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (part, whole) = (this_hash(ruby, this)?, ruby.expect_hash(&args.at(0))?);
    Ok(Value::Bool(contains_all(ruby, &whole, &part)?))
}

fn proper_subset(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (part, whole) = (this_hash(ruby, this)?, ruby.expect_hash(&args.at(0))?);
    Ok(Value::Bool(part.len() < whole.len() && contains_all(ruby, &whole, &part)?))
}

fn proper_superset(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (whole, part) = (this_hash(ruby, this)?, ruby.expect_hash(&args.at(0))?);
    Ok(Value::Bool(part.len() < whole.len() && contains_all(ruby, &whole, &part)?))
}

/// A copy with its defaults, as `merge` and `dup` make it.
pub(super) fn copy(hash: &HashRef) -> HashRef {
    let copy = RHash::new();
    copy.entries.borrow_mut().clone_from(&hash.entries.borrow());
    copy.default.borrow_mut().clone_from(&hash.default.borrow());
    copy.default_proc.borrow_mut().clone_from(&hash.default_proc.borrow());
    copy.by_identity.set(hash.by_identity.get());
    copy
}

fn merge(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let made = match this {
        Value::Hash(hash) if hash.meta.borrow().is_none() => Value::Hash(copy(hash)),
        _ => ruby.send(this, "dup", Args::none())?,
    };
    update(ruby, &made, args)
}

pub(super) fn filtered(
    ruby: &mut Interpreter,
    this: &Value,
    block: &Rc<Proc>,
    wanted: bool,
) -> Eval<Vec<(Value, Value)>> {
    let mut kept = Vec::new();
    for (key, value) in this_hash(ruby, this)?.to_vec() {
        if give(ruby, block, key.clone(), value.clone())?.truthy() == wanted {
            kept.push((key, value));
        }
    }
    Ok(kept)
}

fn select(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "select");
    let kept = filtered(ruby, this, &block, true)?;
    of(ruby, kept)
}

fn reject(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "reject");
    let kept = filtered(ruby, this, &block, false)?;
    of(ruby, kept)
}

fn find_all(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "find_all");
    let kept = filtered(ruby, this, &block, true)?;
    Ok(Value::array(kept.into_iter().map(|(key, value)| pair(key, value)).collect()))
}

fn min_by(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.block.is_none() {
        return Ok(enumerator(ruby, this, "min_by", args));
    }
    let pairs = to_a(ruby, this, Args::none())?;
    ruby.send(&pairs, "min_by", args)
}

fn slice(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = this_hash(ruby, this)?;
    let mut kept = Vec::new();
    for key in args.positional {
        if let Some(value) = lookup(ruby, &hash, &key)? {
            kept.push((key, value));
        }
    }
    of(ruby, kept)
}

fn except(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = this_hash(ruby, this)?;
    let made = of(ruby, hash.to_vec())?;
    for key in args.positional {
        delete(ruby, &made, Args::one(key))?;
    }
    Ok(made)
}

pub(super) fn compact(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let entries = this_hash(ruby, this)?.to_vec().into_iter().filter(|(_, value)| !value.is_nil()).collect();
    of(ruby, entries)
}

fn invert(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let entries = this_hash(ruby, this)?.to_vec().into_iter().map(|(key, value)| (value, key)).collect();
    of(ruby, entries)
}

pub(super) fn transform_values(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "transform_values");
    let mut entries = Vec::new();
    for (key, value) in this_hash(ruby, this)?.to_vec() {
        entries.push((key, ruby.call_proc_one(&block, value)?));
    }
    of(ruby, entries)
}

pub(super) fn transform_keys(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.is_empty() && args.block.is_none() {
        return Ok(enumerator(ruby, this, "transform_keys", args));
    }
    let mut entries = Vec::new();
    for (key, value) in this_hash(ruby, this)?.to_vec() {
        let mapped = match args.at(0) {
            Value::Hash(table) => lookup(ruby, &table, &key)?,
            _ => None,
        };
        let key = match (mapped, &args.block) {
            (Some(mapped), _) => mapped,
            (None, Some(block)) => ruby.call_proc_one(block, key)?,
            (None, None) => key,
        };
        entries.push((key, value));
    }
    of(ruby, entries)
}

/// The pairs as one flat array; the argument says how many levels of it are opened.
fn flatten(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let pairs = to_a(ruby, this, Args::none())?;
    let depth = if args.is_empty() { Value::Int(1) } else { args.at(0) };
    ruby.send(&pairs, "flatten", Args::one(depth))
}

fn any(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = this_hash(ruby, this)?;
    let Some(block) = &args.block else {
        if args.is_empty() {
            return Ok(Value::Bool(!hash.is_empty()));
        }
        let pairs = to_a(ruby, this, Args::none())?;
        return ruby.send(&pairs, "any?", args);
    };
    for (key, value) in hash.to_vec() {
        if ruby.call_proc_one(block, pair(key, value))?.truthy() {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn all(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let pairs = to_a(ruby, this, Args::none())?;
    ruby.send(&pairs, "all?", args)
}

fn assoc(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = this_hash(ruby, this)?;
    Ok(lookup(ruby, &hash, &args.at(0))?.map_or(Value::Nil, |value| pair(args.at(0), value)))
}

fn rassoc(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let pairs = to_a(ruby, this, Args::none())?;
    ruby.send(&pairs, "rassoc", args)
}
