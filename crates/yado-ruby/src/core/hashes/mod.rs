//! `Hash`: lookup, change, and what answers a hash rather than an array.

mod change;
mod derive;

use self::change::{become_result, keep};
use self::derive::{compact, transform_keys, transform_values};
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::arrays::dig_on;
use crate::core::enumerable::block_or_enumerator;
use crate::core::enumerator::enumerator;
use crate::hash::{HashRef, Iteration, RHash};
use crate::interpreter::Interpreter;
use crate::procs::Proc;
use crate::value::{Eval, Value};
use std::rc::Rc;

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);

/// Methods of hashes.
pub(crate) const METHODS: &[Table] = &[LOOK, CHANGE, change::LOOK, change::CHANGE, derive::LOOK];

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
    ("each_pair", each_pair, NONE),
    ("each_key", each_key, NONE),
    ("each_value", each_value, NONE),
    ("to_hash", itself, NONE),
    ("to_a", to_a, NONE),
    ("to_s", inspect, NONE),
    ("inspect", inspect, NONE),
    ("to_proc", to_proc, NONE),
    ("eql?", |_, this, args| Ok(Value::Bool(crate::hash::eql(this, &args.at(0)))), ONE),
    ("hash", hash, NONE),
    ("sum", crate::core::enumerable::sum, Arity::between(0, 1)),
    ("compare_by_identity?", is_by_identity, NONE),
    ("deconstruct_keys", itself, ONE),
];

const CHANGE: Table = &[
    ("initialize", initialize, Arity::between(0, 1)),
    ("delete_if", |ruby, this, args| keep(ruby, this, args, false, true), NONE),
    ("reject!", |ruby, this, args| keep(ruby, this, args, false, false), NONE),
    ("select!", |ruby, this, args| keep(ruby, this, args, true, false), NONE),
    ("filter!", |ruby, this, args| keep(ruby, this, args, true, false), NONE),
    ("keep_if", |ruby, this, args| keep(ruby, this, args, true, true), NONE),
    ("compact!", |ruby, this, args| become_result(ruby, this, args, compact, true), NONE),
    ("transform_values!", |ruby, this, args| become_result(ruby, this, args, transform_values, false), NONE),
    (
        "transform_keys!",
        |ruby, this, args| become_result(ruby, this, args, transform_keys, false),
        Arity::between(0, 1),
    ),
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

fn each_pair(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.block.is_none() {
        return Ok(enumerator(ruby, this, "each_pair", args));
    }
    each(ruby, this, args)
}

fn each(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "each");
    let hash = this_hash(ruby, this)?;
    let _iteration = Iteration::of(&hash);
    for (key, value) in hash.to_vec() {
        ruby.call_proc_one(&block, pair(key, value))?;
    }
    Ok(this.clone())
}

fn each_key(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "each_key");
    let hash = this_hash(ruby, this)?;
    let _iteration = Iteration::of(&hash);
    for (key, _) in hash.to_vec() {
        ruby.call_proc_one(&block, key)?;
    }
    Ok(this.clone())
}

fn each_value(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "each_value");
    let hash = this_hash(ruby, this)?;
    let _iteration = Iteration::of(&hash);
    for (_, value) in hash.to_vec() {
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

fn hash(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Int(crate::core::library::native_hash(this)))
}

fn is_by_identity(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Bool(this_hash(ruby, this)?.by_identity.get()))
}
