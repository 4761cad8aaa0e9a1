//! `Enumerable`: everything that needs nothing but `each`. Arrays, hashes, ranges, structs, enumerators and
//! Ruby's own classes all come here.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::control::Control;
use crate::core::enumerator::enumerator;
use crate::hash::RHash;
use crate::interpreter::Interpreter;
use crate::procs::Proc;
use crate::symbol::{Symbol, names};
use crate::value::{Eval, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const OPTIONAL: Arity = Arity::between(0, 1);
const ANY: Arity = Arity::at_least(0);

/// Methods of everything enumerable.
pub(crate) const METHODS: Table = &[
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
    ("find", find, OPTIONAL),
    ("detect", find, OPTIONAL),
    ("find_index", find_index, OPTIONAL),
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
    ("min", min, OPTIONAL),
    ("max", max, OPTIONAL),
    ("minmax", minmax, NONE),
    ("min_by", min_by, OPTIONAL),
    ("max_by", max_by, OPTIONAL),
    ("minmax_by", minmax_by, NONE),
    ("sort", sort, NONE),
    ("sort_by", sort_by, NONE),
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
    ("grep", grep, ONE),
    ("grep_v", grep_v, ONE),
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

fn map(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "map");
    let mut out = Vec::new();
    for item in ruby.elements(this)? {
        out.push(ruby.call_proc_one(&block, item)?);
    }
    Ok(Value::array(out))
}

fn flat_map(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "flat_map");
    let mut out = Vec::new();
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
    for item in ruby.elements(this)? {
        let value = ruby.call_proc_one(&block, item)?;
        if value.truthy() {
            out.push(value);
        }
    }
    Ok(Value::array(out))
}

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

fn each_with_index(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "each_with_index");
    elements_while(ruby, this, move |ruby, item, index| {
        ruby.call_proc(&block, Args::of(vec![item.clone(), Value::Int(index as i64)]))?;
        Ok(true)
    })?;
    Ok(this.clone())
}

fn each_with_object(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let memo = args.at(0);
    let block = block_or_enumerator!(ruby, this, args, "each_with_object");
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
    for item in ruby.elements(this)? {
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

fn first(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
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

fn one(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(passing(ruby, this, &args, true, 2)? == 1))
}

/// What a comparing block answered.
fn ordering(ruby: &mut Interpreter, answer: &Value, a: &Value, b: &Value) -> Eval<Ordering> {
    match answer {
        Value::Int(number) => Ok(number.cmp(&0)),
        Value::Float(number) if !number.is_nan() => Ok(number.total_cmp(&0.0)),
        _ => {
            let (a, b) = (ruby.describe_class(a), ruby.describe_class(b));
            ruby.raise("ArgumentError", format!("comparison of {a} with {b} failed"))
        }
    }
}

/// Sorts with comparisons that may run Ruby code and fail: a stable merge sort.
pub(crate) fn merge_sort<T: Clone>(
    items: &[T],
    compare: &mut dyn FnMut(&T, &T) -> Eval<Ordering>,
) -> Eval<Vec<T>> {
    if items.len() < 2 {
        return Ok(items.to_vec());
    }
    let (left, right) = items.split_at(items.len() / 2);
    let (left, right) = (merge_sort(left, compare)?, merge_sort(right, compare)?);
    let mut merged = Vec::with_capacity(items.len());
    let (mut a, mut b) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        merged.extend(if compare(x, y)?.is_le() { a.next() } else { b.next() });
    }
    merged.extend(a);
    merged.extend(b);
    Ok(merged)
}

/// Sorts values by `<=>` or a block.
pub(crate) fn sorted(ruby: &mut Interpreter, items: &[Value], block: Option<&Rc<Proc>>) -> Eval<Vec<Value>> {
    merge_sort(items, &mut |a, b| match block {
        Some(block) => {
            let answer = ruby.call_proc(block, Args::of(vec![a.clone(), b.clone()]))?;
            ordering(ruby, &answer, a, b)
        }
        None => ruby.compare_or_raise(a, b),
    })
}

fn sort(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let items = ruby.elements(this)?;
    sorted(ruby, &items, args.block.as_ref()).map(Value::array)
}

/// The elements sorted by what the block answers for each.
pub(crate) fn sorted_by(ruby: &mut Interpreter, this: &Value, block: &Rc<Proc>) -> Eval<Vec<Value>> {
    let mut keyed = Vec::new();
    for item in ruby.elements(this)? {
        keyed.push((ruby.call_proc_one(block, item.clone())?, item));
    }
    let keyed = merge_sort(&keyed, &mut |a, b| ruby.compare_or_raise(&a.0, &b.0))?;
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

fn sort_by(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "sort_by");
    sorted_by(ruby, this, &block).map(Value::array)
}

/// The smallest or largest elements of a sorted list: one, or as many as the argument says.
fn edge(ruby: &mut Interpreter, mut sorted: Vec<Value>, args: &Args, largest: bool) -> Eval {
    if largest {
        sorted.reverse();
    }
    match args.get(0) {
        Some(Value::Nil) | None => Ok(sorted.into_iter().next().unwrap_or(Value::Nil)),
        Some(count) => {
            let count = ruby.expect_int(count)?.max(0) as usize;
            Ok(Value::array(sorted.into_iter().take(count).collect()))
        }
    }
}

fn min(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let items = ruby.elements(this)?;
    let sorted = sorted(ruby, &items, args.block.as_ref())?;
    edge(ruby, sorted, &args, false)
}

fn max(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let items = ruby.elements(this)?;
    let sorted = sorted(ruby, &items, args.block.as_ref())?;
    edge(ruby, sorted, &args, true)
}

fn ends(sorted: &[Value]) -> Value {
    let at = |item: Option<&Value>| item.cloned().unwrap_or(Value::Nil);
    Value::array(vec![at(sorted.first()), at(sorted.last())])
}

fn minmax(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let items = ruby.elements(this)?;
    Ok(ends(&sorted(ruby, &items, args.block.as_ref())?))
}

fn min_by(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "min_by");
    let sorted = sorted_by(ruby, this, &block)?;
    edge(ruby, sorted, &args, false)
}

fn max_by(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "max_by");
    // The first of equals wins, so compare the other way round instead of taking the last.
    let mut keyed = Vec::new();
    for item in ruby.elements(this)? {
        keyed.push((ruby.call_proc_one(&block, item.clone())?, item));
    }
    let keyed = merge_sort(&keyed, &mut |a, b| ruby.compare_or_raise(&b.0, &a.0))?;
    edge(ruby, keyed.into_iter().map(|(_, item)| item).collect(), &args, false)
}

fn minmax_by(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "minmax_by");
    Ok(ends(&sorted_by(ruby, this, &block)?))
}

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

fn lazy(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    ruby.require("enumerator/lazy")?;
    let class = crate::core::library::constant_at(ruby, &["Enumerator", "Lazy"])?;
    ruby.call_method(&class, Symbol::new("new"), Args::one(this.clone()))
}
