//! `Enumerable`: everything that needs nothing but `each`. Arrays, hashes, ranges, structs, enumerators and
//! Ruby's own classes all come here.

mod group;
mod order;
mod search;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::control::Control;
use crate::core::enumerator::enumerator;
use crate::interpreter::Interpreter;
use crate::procs::Proc;
use crate::symbol::{Symbol, names};
use crate::value::{Eval, Value};
use std::cell::RefCell;
use std::rc::Rc;

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const OPTIONAL: Arity = Arity::between(0, 1);
const ANY: Arity = Arity::at_least(0);

/// Methods of everything enumerable.
pub(crate) const METHODS: &[Table] = &[EACH, search::METHODS, order::METHODS, group::METHODS];

const EACH: Table = &[
    ("to_a", to_a, ANY),
    ("entries", to_a, ANY),
    ("map", map, NONE),
    ("collect", map, NONE),
    ("flat_map", flat_map, NONE),
    ("collect_concat", flat_map, NONE),
    ("select", select, NONE),
    ("filter", select, NONE),
    ("reject", reject, NONE),
    ("filter_map", filter_map, NONE),
    ("find_all", select, NONE),
    ("each_with_index", each_with_index, ANY),
    ("each_with_object", each_with_object, ONE),
    ("each_entry", each_entry, NONE),
    ("each_slice", each_slice, ONE),
    ("each_cons", each_cons, ONE),
    ("reverse_each", reverse_each, NONE),
    ("inject", inject, Arity::between(0, 2)),
    ("reduce", inject, Arity::between(0, 2)),
    ("sum", sum, OPTIONAL),
    ("count", count, OPTIONAL),
    ("lazy", lazy, NONE),
];

/// The block, or the enumerator that stands in for the call without one.
macro_rules! block_or_enumerator {
    ($ruby:ident, $this:ident, $args:ident, $name:literal) => {
        match $args.block.clone() {
            Some(block) => block,
            None => return Ok(enumerator($ruby, $this, $name, $args)),
        }
    };
}

pub(crate) use block_or_enumerator;
pub(crate) use group::without_repeats;
pub(crate) use order::{sorted, sorted_by};

/// The first elements that `each` yields, as long as `more` says so; stops `each` early.
fn elements_while(
    ruby: &mut Interpreter,
    this: &Value,
    more: impl Fn(&mut Interpreter, &Value, usize) -> Eval<bool> + 'static,
) -> Eval<Vec<Value>> {
    if matches!(this, Value::Array(_) | Value::Hash(_)) {
        let mut taken = Vec::new();
        for item in ruby.elements(this)? {
            if !more(ruby, &item, taken.len())? {
                break;
            }
            taken.push(item);
        }
        return Ok(taken);
    }
    let taken: Rc<RefCell<Vec<Value>>> = Rc::default();
    let tag = ruby.fresh_tag();
    let sink = taken.clone();
    let block = Proc::native(ANY, move |ruby, _, mut args| {
        args.fold_keywords();
        let item = if args.len() == 1 { args.at(0) } else { Value::array(args.positional) };
        let count = sink.borrow().len();
        if !more(ruby, &item, count)? {
            return Err(Control::Break { tag, value: Value::Nil });
        }
        sink.borrow_mut().push(item);
        Ok(Value::Nil)
    });
    match ruby.call_method(this, names::EACH, Args::none().with_block(Some(block))) {
        Err(Control::Break { tag: other, .. }) if other == tag => {}
        Err(other) => return Err(other),
        Ok(_) => {}
    }
    Ok(taken.take())
}

fn to_a(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::array(ruby.elements(this)?))
}

/// While it lasts, a hash takes no new keys.
fn iteration(this: &Value) -> Option<crate::hash::Iteration> {
    match this {
        Value::Hash(hash) => Some(crate::hash::Iteration::of(hash)),
        _ => None,
    }
}

fn map(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "map");
    let mut out = Vec::new();
    let _iteration = iteration(this);
    for item in ruby.elements(this)? {
        out.push(ruby.call_proc_one(&block, item)?);
    }
    Ok(Value::array(out))
}

fn flat_map(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "flat_map");
    let mut out = Vec::new();
    let _iteration = iteration(this);
    for item in ruby.elements(this)? {
        let value = ruby.call_proc_one(&block, item)?;
        match ruby.try_array(&value)? {
            Some(items) => out.extend(items.to_vec()),
            None => out.push(value),
        }
    }
    Ok(Value::array(out))
}

/// The elements for which the block's answer is as wanted.
fn filtered(ruby: &mut Interpreter, this: &Value, block: &Rc<Proc>, wanted: bool) -> Eval {
    let mut out = Vec::new();
    for item in ruby.elements(this)? {
        if ruby.call_proc_one(block, item.clone())?.truthy() == wanted {
            out.push(item);
        }
    }
    Ok(Value::array(out))
}

fn select(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "select");
    filtered(ruby, this, &block, true)
}

fn reject(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "reject");
    filtered(ruby, this, &block, false)
}

fn filter_map(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "filter_map");
    let mut out = Vec::new();
    let _iteration = iteration(this);
    for item in ruby.elements(this)? {
        let value = ruby.call_proc_one(&block, item)?;
        if value.truthy() {
            out.push(value);
        }
    }
    Ok(Value::array(out))
}

fn each_with_index(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "each_with_index");
    let _iteration = iteration(this);
    elements_while(ruby, this, move |ruby, item, index| {
        ruby.call_proc(&block, Args::of(vec![item.clone(), Value::Int(index as i64)]))?;
        Ok(true)
    })?;
    Ok(this.clone())
}

fn each_with_object(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let memo = args.at(0);
    let block = block_or_enumerator!(ruby, this, args, "each_with_object");
    let _iteration = iteration(this);
    for item in ruby.elements(this)? {
        ruby.call_proc(&block, Args::of(vec![item, memo.clone()]))?;
    }
    Ok(memo)
}

fn each_entry(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "each_entry");
    for item in ruby.elements(this)? {
        ruby.call_proc_one(&block, item)?;
    }
    Ok(this.clone())
}

fn group_size(ruby: &mut Interpreter, args: &Args, what: &str) -> Eval<usize> {
    match ruby.expect_int(&args.at(0))? {
        size if size > 0 => Ok(size as usize),
        _ => ruby.raise("ArgumentError", if what == "cons" { "invalid size" } else { "invalid slice size" }),
    }
}

fn each_slice(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let size = group_size(ruby, &args, "slice")?;
    let block = block_or_enumerator!(ruby, this, args, "each_slice");
    for group in ruby.elements(this)?.chunks(size) {
        ruby.call_proc_one(&block, Value::array(group.to_vec()))?;
    }
    Ok(this.clone())
}

fn each_cons(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let size = group_size(ruby, &args, "cons")?;
    let block = block_or_enumerator!(ruby, this, args, "each_cons");
    for group in ruby.elements(this)?.windows(size) {
        ruby.call_proc_one(&block, Value::array(group.to_vec()))?;
    }
    Ok(this.clone())
}

fn reverse_each(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "reverse_each");
    for item in ruby.elements(this)?.into_iter().rev() {
        ruby.call_proc_one(&block, item)?;
    }
    Ok(this.clone())
}

fn inject(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let items = ruby.elements(this)?;
    let (start, operator) = match (args.len(), &args.block) {
        (0, _) => (None, None),
        (1, Some(_)) => (Some(args.at(0)), None),
        (1, None) => (None, Some(ruby.expect_name(&args.at(0))?)),
        _ => (Some(args.at(0)), Some(ruby.expect_name(&args.at(1))?)),
    };
    let mut items = items.into_iter();
    let Some(mut memo) = start.or_else(|| items.next()) else { return Ok(Value::Nil) };
    let _iteration = iteration(this);
    for item in items {
        memo = match (&operator, &args.block) {
            (Some(name), _) => ruby.call_method(&memo, *name, Args::one(item))?,
            (None, Some(block)) => ruby.call_proc(block, Args::of(vec![memo, item]))?,
            (None, None) => return ruby.raise("LocalJumpError", "no block given"),
        };
    }
    Ok(memo)
}

pub(crate) fn sum(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut total = if args.is_empty() { Value::Int(0) } else { args.at(0) };
    // Floats are added with the error carried along, so that many small numbers do not drift.
    let mut carry: Option<(f64, f64)> = None;
    let items = ruby.elements(this)?;
    // Whole numbers are added up before the start value is looked at, so it is they who refuse it.
    if args.block.is_none() && matches!(total, Value::Str(_)) && items.first().is_some_and(Value::is_integer)
    {
        let class = ruby.describe_for_conversion(&total);
        return ruby.raise("TypeError", format!("{class} can't be coerced into Integer"));
    }
    for item in items {
        let item = match &args.block {
            Some(block) => ruby.call_proc_one(block, item)?,
            None => item,
        };
        let number = match &item {
            Value::Float(number) => Some(*number),
            other => other.as_integer().map(|number| number as f64),
        };
        match (&mut carry, number, &total) {
            (Some((sum, error)), Some(number), _) => {
                let next = *sum + number;
                *error +=
                    if sum.abs() >= number.abs() { (*sum - next) + number } else { (number - next) + *sum };
                *sum = next;
                continue;
            }
            (None, Some(number), Value::Int(_) | Value::Float(_)) if matches!(item, Value::Float(_)) => {
                let start = match total {
                    Value::Float(start) => start,
                    ref other => other.as_integer().unwrap_or(0) as f64,
                };
                let next = start + number;
                let error = if start.abs() >= number.abs() {
                    (start - next) + number
                } else {
                    (number - next) + start
                };
                carry = Some((next, error));
                continue;
            }
            (Some((sum, error)), None, _) => {
                total = Value::Float(*sum + *error);
                carry = None;
            }
            _ => {}
        }
        total = ruby.call_method(&total, names::PLUS, Args::one(item))?;
    }
    Ok(match carry {
        Some((sum, error)) if (sum + error).is_nan() => Value::Float(sum),
        Some((sum, error)) => Value::Float(sum + error),
        None => total,
    })
}

fn count(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut total = 0;
    for item in ruby.elements(this)? {
        let counts = match (args.get(0), &args.block) {
            (Some(wanted), _) => ruby.eq(&item, wanted)?,
            (None, Some(block)) => ruby.call_proc_one(block, item)?.truthy(),
            (None, None) => true,
        };
        total += i64::from(counts);
    }
    Ok(Value::Int(total))
}

fn lazy(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    ruby.require("enumerator/lazy")?;
    let class = crate::core::library::constant_at(ruby, &["Enumerator", "Lazy"])?;
    ruby.call_method(&class, Symbol::new("new"), Args::one(this.clone()))
}
