//! What `Enumerable` answers by putting elements together: groups, chunks, tallies, other collections.

use super::{block_or_enumerator, elements_while};
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::enumerator::enumerator;
use crate::hash::RHash;
use crate::interpreter::Interpreter;
use crate::procs::Proc;
use crate::symbol::names;
use crate::value::{Eval, Value};
use std::rc::Rc;

const NONE: Arity = Arity::exactly(0);
const OPTIONAL: Arity = Arity::between(0, 1);
const ANY: Arity = Arity::at_least(0);

/// The lines of `METHODS` for it.
pub(super) const METHODS: Table = &[
    ("group_by", group_by, NONE),
    ("partition", partition, NONE),
    ("chunk_while", chunk_while, NONE),
    ("slice_when", slice_when, NONE),
    ("chunk", chunk, NONE),
    ("tally", tally, NONE),
    ("uniq", uniq, NONE),
    ("to_h", to_h, ANY),
    ("to_set", to_set, NONE),
    ("zip", zip, ANY),
    ("cycle", cycle, OPTIONAL),
];

fn group_by(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "group_by");
    let groups = RHash::new();
    for item in ruby.elements(this)? {
        let key = ruby.call_proc_one(&block, item.clone())?;
        let key = ruby.hash_key(&key)?;
        let known = groups.entries.borrow().get(&key).cloned();
        match known {
            Some(Value::Array(group)) => group.items.borrow_mut().push(item),
            _ => {
                groups.entries.borrow_mut().insert(key, Value::array(vec![item]));
            }
        }
    }
    Ok(Value::Hash(groups))
}

fn partition(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "partition");
    let (mut yes, mut no) = (Vec::new(), Vec::new());
    for item in ruby.elements(this)? {
        if ruby.call_proc_one(&block, item.clone())?.truthy() { yes.push(item) } else { no.push(item) }
    }
    Ok(Value::array(vec![Value::array(yes), Value::array(no)]))
}

/// Cuts between neighbours where the block's answer is `cut`.
fn cut_between(ruby: &mut Interpreter, this: &Value, block: &Rc<Proc>, cut: bool) -> Eval {
    let mut groups: Vec<Vec<Value>> = Vec::new();
    for item in ruby.elements(this)? {
        let previous = groups.last().and_then(|group| group.last()).cloned();
        let starts = match previous {
            Some(previous) => ruby.call_proc(block, Args::of(vec![previous, item.clone()]))?.truthy() == cut,
            None => true,
        };
        match groups.last_mut() {
            Some(group) if !starts => group.push(item),
            _ => groups.push(vec![item]),
        }
    }
    let groups = Value::array(groups.into_iter().map(Value::array).collect());
    Ok(enumerator(ruby, &groups, "each", Args::none()))
}

fn chunk_while(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "chunk_while");
    cut_between(ruby, this, &block, false)
}

fn slice_when(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "slice_when");
    cut_between(ruby, this, &block, true)
}

fn chunk(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "chunk");
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for item in ruby.elements(this)? {
        let key = ruby.call_proc_one(&block, item.clone())?;
        match groups.last_mut() {
            Some((last, group)) if ruby.eq(last, &key)? => group.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    let groups =
        groups.into_iter().map(|(key, group)| Value::array(vec![key, Value::array(group)])).collect();
    Ok(enumerator(ruby, &Value::array(groups), "each", Args::none()))
}

fn tally(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let counts = RHash::new();
    for item in ruby.elements(this)? {
        let key = ruby.hash_key(&item)?;
        let mut entries = counts.entries.borrow_mut();
        let entry = entries.entry(key).or_insert(Value::Int(0));
        if let Value::Int(number) = entry {
            *number += 1;
        }
    }
    Ok(Value::Hash(counts))
}

/// The elements without those that equal (or whose block answer equals) an earlier one.
pub(crate) fn without_repeats(
    ruby: &mut Interpreter,
    this: &Value,
    block: Option<&Rc<Proc>>,
) -> Eval<Vec<Value>> {
    let seen = RHash::new();
    for item in ruby.elements(this)? {
        let key = match block {
            Some(block) => ruby.call_proc_one(block, item.clone())?,
            None => item.clone(),
        };
        let key = ruby.hash_key(&key)?;
        seen.entries.borrow_mut().entry(key).or_insert(item);
    }
    let entries = seen.entries.borrow();
    Ok(entries.values().cloned().collect())
}

fn uniq(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    without_repeats(ruby, this, args.block.as_ref()).map(Value::array)
}

fn to_h(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let hash = RHash::new();
    for (at, item) in ruby.elements(this)?.into_iter().enumerate() {
        let pair = match &args.block {
            Some(block) => ruby.call_proc_one(block, item)?,
            None => item,
        };
        let Some(entry) = ruby.try_array(&pair)? else {
            let class = ruby.describe_class(&pair);
            let place = if matches!(this, Value::Array(_)) && args.block.is_none() {
                format!(" at {at}")
            } else {
                String::new()
            };
            return ruby.raise("TypeError", format!("wrong element type {class}{place} (expected array)"));
        };
        let entry = entry.to_vec();
        let [key, value] = entry.as_slice() else {
            let message = if matches!(this, Value::Array(_)) && args.block.is_none() {
                format!("wrong array length at {at} (expected 2, was {})", entry.len())
            } else {
                format!("element has wrong array length (expected 2, was {})", entry.len())
            };
            return ruby.raise("ArgumentError", message);
        };
        ruby.hash_store(&hash, key, value.clone())?;
    }
    Ok(Value::Hash(hash))
}

fn to_set(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let set = crate::core::library::constant_at(ruby, &["Set"])?;
    ruby.send(&set, "new", Args::one(this.clone()).with_block(args.block))
}

fn zip(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut others = Vec::new();
    for other in &args.positional {
        if !ruby.responds_to(other, names::EACH)? {
            let class = ruby.describe_class(other);
            return ruby.raise("TypeError", format!("wrong argument type {class} (must respond to :each)"));
        }
        let needed = ruby.elements(this)?.len();
        others.push(elements_while(ruby, other, move |_, _, count| Ok(count < needed))?);
    }
    let mut rows = Vec::new();
    for (at, item) in ruby.elements(this)?.into_iter().enumerate() {
        let mut row = vec![item];
        row.extend(others.iter().map(|other| other.get(at).cloned().unwrap_or(Value::Nil)));
        rows.push(Value::array(row));
    }
    let Some(block) = &args.block else { return Ok(Value::array(rows)) };
    for row in rows {
        ruby.call_proc_one(block, row)?;
    }
    Ok(Value::Nil)
}

fn cycle(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let limit = if args.at(0).is_nil() { i64::MAX } else { ruby.expect_int(&args.at(0))? };
    let block = block_or_enumerator!(ruby, this, args, "cycle");
    let items = ruby.elements(this)?;
    let mut turn = 0;
    while turn < limit && !items.is_empty() {
        for item in &items {
            ruby.call_proc_one(&block, item.clone())?;
        }
        turn += 1;
    }
    Ok(Value::Nil)
}
