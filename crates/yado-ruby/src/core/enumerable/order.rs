//! What `Enumerable` answers by comparing elements: sorting, the least and the greatest.

use super::block_or_enumerator;
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::enumerator::enumerator;
use crate::interpreter::Interpreter;
use crate::procs::Proc;
use crate::value::{Eval, Value};
use std::cmp::Ordering;
use std::rc::Rc;

const NONE: Arity = Arity::exactly(0);
const OPTIONAL: Arity = Arity::between(0, 1);

/// The lines of `METHODS` for it.
pub(super) const METHODS: Table = &[
    ("min", min, OPTIONAL),
    ("max", max, OPTIONAL),
    ("minmax", minmax, NONE),
    ("min_by", min_by, OPTIONAL),
    ("max_by", max_by, OPTIONAL),
    ("minmax_by", minmax_by, NONE),
    ("sort", sort, NONE),
    ("sort_by", sort_by, NONE),
];

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

/// The one element that none is before (`wanted` is less), or after (greater).
fn extreme(ruby: &mut Interpreter, this: &Value, block: Option<&Rc<Proc>>, wanted: Ordering) -> Eval {
    let mut items = ruby.elements(this)?.into_iter();
    let Some(mut best) = items.next() else { return Ok(Value::Nil) };
    for item in items {
        let order = match block {
            Some(block) => {
                let answer = ruby.call_proc(block, Args::of(vec![item.clone(), best.clone()]))?;
                ordering(ruby, &answer, &item, &best)?
            }
            // Which of the two is asked shows when they cannot be compared.
            None if matches!(this, Value::Array(_)) => ruby.compare_or_raise(&best, &item)?.reverse(),
            None => ruby.compare_or_raise(&item, &best)?,
        };
        if order == wanted {
            best = item;
        }
    }
    Ok(best)
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
    if args.at(0).is_nil() {
        return extreme(ruby, this, args.block.as_ref(), Ordering::Less);
    }
    let items = ruby.elements(this)?;
    let sorted = sorted(ruby, &items, args.block.as_ref())?;
    edge(ruby, sorted, &args, false)
}

fn max(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.at(0).is_nil() {
        return extreme(ruby, this, args.block.as_ref(), Ordering::Greater);
    }
    let items = ruby.elements(this)?;
    let sorted = sorted(ruby, &items, args.block.as_ref())?;
    edge(ruby, sorted, &args, true)
}

fn ends(sorted: &[Value]) -> Value {
    let at = |item: Option<&Value>| item.cloned().unwrap_or(Value::Nil);
    Value::array(vec![at(sorted.first()), at(sorted.last())])
}

fn minmax(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = args.block.as_ref();
    let low = extreme(ruby, this, block, Ordering::Less)?;
    Ok(Value::array(vec![low, extreme(ruby, this, block, Ordering::Greater)?]))
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
