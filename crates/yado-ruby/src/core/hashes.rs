//! `Hash`: lookup, change, and what answers a hash rather than an array.

use std::rc::Rc;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::arrays::dig_on;
use crate::core::enumerable::block_or_enumerator;
use crate::core::enumerator::enumerator;
use crate::hash::{HashRef, RHash};
use crate::interpreter::Interpreter;
use crate::procs::Proc;
use crate::value::{Eval, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const TWO: Arity = Arity::exactly(2);
const ANY: Arity = Arity::at_least(0);

/// Methods of hashes.
pub(crate) const METHODS: &[Table] = &[LOOK, CHANGE];

const LOOK: Table = &[
    ("[]", index, ONE),
    ("fetch", fetch, Arity::between(1, 2)),
    ("dig", dig, Arity::at_least(1)),
    ("key?", has_key, ONE),
    ("has_key?", has_key, ONE),
    ("include?", has_key, ONE),
    ("member?", has_key, ONE),
    ("value?", has_value, ONE),
    ("has_value?", has_value, ONE),
    ("key", key, ONE),
    ("keys", keys, NONE),
    ("values", values, NONE),
    ("values_at", values_at, ANY),
    ("fetch_values", fetch_values, ANY),
    ("length", length, NONE),
    ("size", length, NONE),
    ("count", count, Arity::between(0, 1)),
    ("empty?", is_empty, NONE),
    ("default", default, Arity::between(0, 1)),
    ("default_proc", default_proc, NONE),
    ("each", each, NONE),
    ("each_pair", each, NONE),
    ("each_key", each_key, NONE),
    ("each_value", each_value, NONE),
    ("to_h", to_h, NONE),
    ("to_hash", itself, NONE),
    ("to_a", to_a, NONE),
    ("to_s", inspect, NONE),
    ("inspect", inspect, NONE),
    ("to_proc", to_proc, NONE),
    ("==", equal, ONE),
    ("eql?", |_, this, args| Ok(Value::Bool(crate::hash::eql(this, &args.at(0)))), ONE),
    ("hash", hash, NONE),
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
    ("sum", crate::core::enumerable::sum, Arity::between(0, 1)),
    ("assoc", assoc, ONE),
    ("rassoc", rassoc, ONE),
    ("compare_by_identity", compare_by_identity, NONE),
    ("compare_by_identity?", is_by_identity, NONE),
    ("deconstruct_keys", itself, ONE),
    ("min_by", min_by, Arity::between(0, 1)),
];

const CHANGE: Table = &[
    ("initialize", initialize, Arity::between(0, 1)),
    ("[]=", store, TWO),
    ("store", store, TWO),
    ("delete", delete, ONE),
    ("delete_if", |ruby, this, args| keep(ruby, this, args, false, true), NONE),
    ("reject!", |ruby, this, args| keep(ruby, this, args, false, false), NONE),
    ("select!", |ruby, this, args| keep(ruby, this, args, true, false), NONE),
    ("filter!", |ruby, this, args| keep(ruby, this, args, true, false), NONE),
    ("keep_if", |ruby, this, args| keep(ruby, this, args, true, true), NONE),
    ("merge!", update, ANY),
    ("update", update, ANY),
    ("replace", replace, ONE),
    ("initialize_copy", replace, ONE),
    ("clear", clear, NONE),
    ("shift", shift, NONE),
    ("default=", set_default, ONE),
    ("default_proc=", set_default_proc, ONE),
    ("compact!", |ruby, this, args| become_result(ruby, this, args, compact, true), NONE),
    ("transform_values!", |ruby, this, args| become_result(ruby, this, args, transform_values, false), NONE),
    (
        "transform_keys!",
        |ruby, this, args| become_result(ruby, this, args, transform_keys, false),
        Arity::between(0, 1),
    ),
    ("rehash", rehash, NONE),
];

/// Methods of `Hash` itself.
pub(crate) const CLASS_METHODS: Table = &[("[]", literal, ANY), ("try_convert", try_convert, ONE)];

/// The hash that a method was called on.
fn this_hash(ruby: &mut Interpreter, this: &Value) -> Eval<HashRef> {
    match this {
        Value::Hash(hash) => Ok(hash.clone()),
        other => ruby.no_conversion(other, "Hash"),
    }
}

fn changeable(ruby: &mut Interpreter, this: &Value) -> Eval<HashRef> {
    ruby.check_frozen(this)?;
    this_hash(ruby, this)
}

/// A plain hash with these entries.
fn of(ruby: &mut Interpreter, entries: Vec<(Value, Value)>) -> Eval {
    let hash = RHash::new();
    for (key, value) in entries {
        ruby.hash_store(&hash, &key, value)?;
    }
    Ok(Value::Hash(hash))
}

/// The entry of a key, without defaults.
fn lookup(ruby: &mut Interpreter, hash: &HashRef, key: &Value) -> Eval<Option<Value>> {
    if hash.by_identity.get() {
        return Ok(hash.to_vec().into_iter().find(|(known, _)| known.same(key)).map(|(_, value)| value));
    }
    let key = ruby.hash_key(key)?;
    Ok(hash.entries.borrow().get(&key).cloned())
}

fn pair(key: Value, value: Value) -> Value {
    Value::array(vec![key, value])
}

/// Calls the block with a key and its value, as two arguments.
fn give(ruby: &mut Interpreter, block: &Rc<Proc>, key: Value, value: Value) -> Eval {
    if block.lambda.get() && block.arity() == 1 {
        return ruby.call_proc_one(block, pair(key, value));
    }
    ruby.call_proc(block, Args::of(vec![key, value]))
}

fn literal(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let made = match this {
        Value::Class(class) if !Rc::ptr_eq(class, &ruby.core.hash) => ruby.send(this, "new", Args::none())?,
        _ => Value::Hash(RHash::new()),
    };
    let hash = this_hash(ruby, &made)?;
    match (args.len(), args.at(0)) {
        (1, Value::Hash(other)) => hash.entries.borrow_mut().clone_from(&other.entries.borrow()),
        (1, Value::Array(pairs)) => {
            for item in pairs.to_vec() {
                let entry = ruby.expect_array(&item)?.to_vec();
                let key = entry.first().cloned().unwrap_or(Value::Nil);
                ruby.hash_store(&hash, &key, entry.get(1).cloned().unwrap_or(Value::Nil))?;
            }
        }
        (count, _) if count % 2 == 1 => {
            return ruby.raise("ArgumentError", "odd number of arguments for Hash");
        }
        _ => {
            for entry in args.positional.chunks(2) {
                ruby.hash_store(&hash, &entry[0], entry[1].clone())?;
            }
        }
    }
    Ok(made)
}

fn try_convert(_: &mut Interpreter, _: &Value, args: Args) -> Eval {
    Ok(match args.at(0) {
        hash @ Value::Hash(_) => hash,
        _ => Value::Nil,
    })
}

fn initialize(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = changeable(ruby, this)?;
    if args.block.is_some() && !args.is_empty() {
        return ruby.wrong_arguments(args.len(), "0");
    }
    *hash.default.borrow_mut() = args.get(0).cloned();
    *hash.default_proc.borrow_mut() = args.block;
    Ok(Value::Nil)
}

fn index(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = this_hash(ruby, this)?;
    if hash.by_identity.get()
        && let Some(value) = lookup(ruby, &hash, &args.at(0))?
    {
        return Ok(value);
    }
    ruby.hash_fetch(&hash, &args.at(0))
}

fn store(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = changeable(ruby, this)?;
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

fn fetch(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = this_hash(ruby, this)?;
    if let Some(value) = lookup(ruby, &hash, &args.at(0))? {
        return Ok(value);
    }
    if let Some(block) = &args.block {
        return ruby.call_proc_one(block, args.at(0));
    }
    if args.len() > 1 {
        return Ok(args.at(1));
    }
    let shown = ruby.inspect(&args.at(0))?;
    ruby.key_error(format!("key not found: {shown}"), this, &args.at(0))
}

fn dig(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let value = ruby.send(this, "[]", Args::one(args.at(0)))?;
    dig_on(ruby, value, &args.positional[1..])
}

fn has_key(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = this_hash(ruby, this)?;
    Ok(Value::Bool(lookup(ruby, &hash, &args.at(0))?.is_some()))
}

fn key(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    for (key, value) in this_hash(ruby, this)?.to_vec() {
        if ruby.eq(&value, &args.at(0))? {
            return Ok(key);
        }
    }
    Ok(Value::Nil)
}

fn has_value(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    for (_, value) in this_hash(ruby, this)?.to_vec() {
        if ruby.eq(&value, &args.at(0))? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn keys(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::array(this_hash(ruby, this)?.to_vec().into_iter().map(|(key, _)| key).collect()))
}

fn values(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::array(this_hash(ruby, this)?.to_vec().into_iter().map(|(_, value)| value).collect()))
}

fn values_at(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let found =
        args.positional.into_iter().map(|key| index(ruby, this, Args::one(key))).collect::<Eval<_>>()?;
    Ok(Value::array(found))
}

fn fetch_values(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = args.block;
    let found = args
        .positional
        .into_iter()
        .map(|key| fetch(ruby, this, Args::one(key).with_block(block.clone())))
        .collect::<Eval<_>>()?;
    Ok(Value::array(found))
}

fn length(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Int(this_hash(ruby, this)?.len() as i64))
}

fn count(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(block) = &args.block else { return length(ruby, this, args) };
    let mut total = 0;
    for (key, value) in this_hash(ruby, this)?.to_vec() {
        total += i64::from(give(ruby, block, key, value)?.truthy());
    }
    Ok(Value::Int(total))
}

fn is_empty(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Bool(this_hash(ruby, this)?.is_empty()))
}

fn default(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(this_hash(ruby, this)?.default.borrow().clone().unwrap_or(Value::Nil))
}

fn default_proc(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(this_hash(ruby, this)?.default_proc.borrow().clone().map_or(Value::Nil, Value::Proc))
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

fn each(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "each");
    for (key, value) in this_hash(ruby, this)?.to_vec() {
        ruby.call_proc_one(&block, pair(key, value))?;
    }
    Ok(this.clone())
}

fn each_key(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "each_key");
    for (key, _) in this_hash(ruby, this)?.to_vec() {
        ruby.call_proc_one(&block, key)?;
    }
    Ok(this.clone())
}

fn each_value(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "each_value");
    for (_, value) in this_hash(ruby, this)?.to_vec() {
        ruby.call_proc_one(&block, value)?;
    }
    Ok(this.clone())
}

fn itself(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(this.clone())
}

fn to_a(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::array(
        this_hash(ruby, this)?.to_vec().into_iter().map(|(key, value)| pair(key, value)).collect(),
    ))
}

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

fn inspect(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let entries = this_hash(ruby, this)?.to_vec();
    let text = ruby.inspect_guarded(this, "{...}", |ruby| {
        let mut shown = Vec::new();
        for (key, value) in &entries {
            let key = ruby.inspect(key)?;
            shown.push(format!("{key}=>{}", ruby.inspect(value)?));
        }
        Ok(format!("{{{}}}", shown.join(", ")))
    })?;
    Ok(Value::str(text))
}

fn to_proc(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let hash = this.clone();
    let lookup = Proc::native(ONE, move |ruby, _, args| ruby.send(&hash, "[]", Args::one(args.at(0))));
    lookup.lambda.set(true);
    Ok(Value::Proc(lookup))
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

fn hash(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Int(crate::core::library::native_hash(this)))
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
fn copy(hash: &HashRef) -> HashRef {
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

fn update(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
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

fn filtered(
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

fn compact(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let entries = this_hash(ruby, this)?.to_vec().into_iter().filter(|(_, value)| !value.is_nil()).collect();
    of(ruby, entries)
}

fn invert(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let entries = this_hash(ruby, this)?.to_vec().into_iter().map(|(key, value)| (value, key)).collect();
    of(ruby, entries)
}

fn transform_values(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "transform_values");
    let mut entries = Vec::new();
    for (key, value) in this_hash(ruby, this)?.to_vec() {
        entries.push((key, ruby.call_proc_one(&block, value)?));
    }
    of(ruby, entries)
}

fn transform_keys(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
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
        if give(ruby, block, key, value)?.truthy() {
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

fn is_by_identity(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Bool(this_hash(ruby, this)?.by_identity.get()))
}

fn delete(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
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
fn keep(ruby: &mut Interpreter, this: &Value, args: Args, wanted: bool, always: bool) -> Eval {
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

fn become_result(
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
