//! What `Enumerable` answers by looking for elements: the first ones, whether any, all or none match.

use super::{block_or_enumerator, elements_while};
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::enumerator::enumerator;
use crate::interpreter::Interpreter;
use crate::symbol::names;
use crate::value::{Eval, Value};
use std::cell::RefCell;
use std::rc::Rc;

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const OPTIONAL: Arity = Arity::between(0, 1);

/// The lines of `METHODS` for it.
pub(super) const METHODS: Table = &[
    ("find", find, OPTIONAL),
    ("detect", find, OPTIONAL),
    ("find_index", find_index, OPTIONAL),
    ("first", first, OPTIONAL),
    ("take", take, ONE),
    ("take_while", take_while, NONE),
    ("drop", drop, ONE),
    ("drop_while", drop_while, NONE),
    ("include?", include, ONE),
    ("member?", include, ONE),
    ("all?", all, OPTIONAL),
    ("any?", any, OPTIONAL),
    ("none?", none, OPTIONAL),
    ("one?", one, OPTIONAL),
    ("grep", grep, ONE),
    ("grep_v", grep_v, ONE),
];

/// Where the first element is that the block (or equality with an argument) accepts.
fn position(ruby: &mut Interpreter, this: &Value, args: &Args) -> Eval<Option<(usize, Value)>> {
    let found: Rc<RefCell<Option<Value>>> = Rc::default();
    let sink = found.clone();
    let (block, wanted) = (args.block.clone(), args.get(0).cloned());
    let before = elements_while(ruby, this, move |ruby, item, _| {
        let hit = match (&wanted, &block) {
            (Some(wanted), _) => ruby.eq(item, wanted)?,
            (None, Some(block)) => ruby.call_proc_one(block, item.clone())?.truthy(),
            (None, None) => true,
        };
        if hit {
            *sink.borrow_mut() = Some(item.clone());
        }
        Ok(!hit)
    })?;
    Ok(found.take().map(|item| (before.len(), item)))
}

fn find(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "find");
    let by_block = Args::none().with_block(Some(block));
    match position(ruby, this, &by_block)? {
        Some((_, item)) => Ok(item),
        None if args.at(0).truthy() => ruby.call_method(&args.at(0), names::CALL, Args::none()),
        None => Ok(Value::Nil),
    }
}

fn find_index(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.is_empty() && args.block.is_none() {
        return Ok(enumerator(ruby, this, "find_index", args));
    }
    Ok(position(ruby, this, &args)?.map_or(Value::Nil, |(at, _)| Value::Int(at as i64)))
}

pub(super) fn first(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.is_empty() {
        let taken = elements_while(ruby, this, |_, _, count| Ok(count < 1))?;
        return Ok(taken.into_iter().next().unwrap_or(Value::Nil));
    }
    take(ruby, this, args)
}

fn how_many(ruby: &mut Interpreter, args: &Args, verb: &str) -> Eval<usize> {
    let count = ruby.expect_int(&args.at(0))?;
    match usize::try_from(count) {
        Ok(count) => Ok(count),
        Err(_) => ruby.raise("ArgumentError", format!("attempt to {verb} negative size")),
    }
}

fn take(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let wanted = how_many(ruby, &args, "take")?;
    if wanted == 0 {
        return Ok(Value::array(Vec::new()));
    }
    // Stop with the last wanted element, not by asking for one more.
    let last: Rc<RefCell<Option<Value>>> = Rc::default();
    let sink = last.clone();
    let mut taken = elements_while(ruby, this, move |_, item, count| {
        if count + 1 == wanted {
            *sink.borrow_mut() = Some(item.clone());
            return Ok(false);
        }
        Ok(true)
    })?;
    taken.extend(last.take());
    Ok(Value::array(taken))
}

fn take_while(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "take_while");
    elements_while(ruby, this, move |ruby, item, _| Ok(ruby.call_proc_one(&block, item.clone())?.truthy()))
        .map(Value::array)
}

fn drop(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let count = how_many(ruby, &args, "drop")?;
    Ok(Value::array(ruby.elements(this)?.into_iter().skip(count).collect()))
}

fn drop_while(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "drop_while");
    let items = ruby.elements(this)?;
    let mut start = items.len();
    for (at, item) in items.iter().enumerate() {
        if !ruby.call_proc_one(&block, item.clone())?.truthy() {
            start = at;
            break;
        }
    }
    Ok(Value::array(items[start..].to_vec()))
}

fn include(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(position(ruby, this, &Args::one(args.at(0)))?.is_some()))
}

/// How many elements pass (pattern, block or truth), counting no further than `enough` of the kind `passing`.
fn passing(ruby: &mut Interpreter, this: &Value, args: &Args, passing: bool, enough: usize) -> Eval<usize> {
    let seen = Rc::new(std::cell::Cell::new(0));
    let sink = seen.clone();
    let (block, pattern) = (args.block.clone(), args.get(0).cloned());
    elements_while(ruby, this, move |ruby, item, _| {
        let pass = match (&pattern, &block) {
            (Some(pattern), _) => ruby.case_eq(pattern, item)?,
            (None, Some(block)) => ruby.call_proc_one(block, item.clone())?.truthy(),
            (None, None) => item.truthy(),
        };
        sink.set(sink.get() + usize::from(pass == passing));
        Ok(sink.get() < enough)
    })?;
    Ok(seen.get())
}

fn all(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(passing(ruby, this, &args, false, 1)? == 0))
}

fn any(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(passing(ruby, this, &args, true, 1)? > 0))
}

fn none(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(passing(ruby, this, &args, true, 1)? == 0))
}

pub(super) fn one(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(passing(ruby, this, &args, true, 2)? == 1))
}

fn grep_for(ruby: &mut Interpreter, this: &Value, args: &Args, wanted: bool) -> Eval {
    let mut out = Vec::new();
    for item in ruby.elements(this)? {
        if ruby.case_eq(&args.at(0), &item)? == wanted {
            out.push(match &args.block {
                Some(block) => ruby.call_proc_one(block, item)?,
                None => item,
            });
        }
    }
    Ok(Value::array(out))
}

fn grep(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    grep_for(ruby, this, &args, true)
}

fn grep_v(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    grep_for(ruby, this, &args, false)
}
