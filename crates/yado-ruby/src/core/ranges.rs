//! `Range`, and the index arithmetic of ranges that strings and arrays share.

use std::rc::Rc;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::enumerator::enumerator;
use crate::core::numbers::as_float;
use crate::core::text::string_range;
use crate::interpreter::Interpreter;
use crate::symbol::names;
use crate::value::{Eval, Range, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);

/// Methods of ranges.
pub(crate) const METHODS: Table = &[
    ("first", first, Arity::between(0, 1)),
    ("begin", begin, NONE),
    ("last", last, Arity::between(0, 1)),
    ("end", end, NONE),
    ("min", min, Arity::between(0, 1)),
    ("max", max, Arity::between(0, 1)),
    ("minmax", minmax, NONE),
    ("size", size, NONE),
    ("count", count, Arity::between(0, 1)),
    ("sum", sum, Arity::between(0, 1)),
    ("exclude_end?", is_exclusive, NONE),
    ("each", each, NONE),
    ("reverse_each", reverse_each, NONE),
    ("step", step, Arity::between(0, 1)),
    ("%", percent, ONE),
    ("bsearch", bsearch, NONE),
    ("include?", include, ONE),
    ("member?", include, ONE),
    ("===", cover, ONE),
    ("cover?", cover, ONE),
    ("to_a", to_a, NONE),
    ("entries", to_a, NONE),
    ("to_s", to_s, NONE),
    ("inspect", inspect, NONE),
    ("==", equal, ONE),
    ("eql?", equal, ONE),
    ("hash", hash, NONE),
    ("dup", itself, NONE),
];

/// Methods of `Range` itself.
pub(crate) const CLASS_METHODS: Table = &[("new", new, Arity::between(2, 3))];

/// Start and length that a range names in something of this length; `None` when outside.
pub(crate) fn bounds(ruby: &mut Interpreter, range: &Range, length: usize) -> Eval<Option<(usize, usize)>> {
    let length = length as i64;
    let start = if range.begin.is_nil() { 0 } else { ruby.expect_int(&range.begin)? };
    let end = if range.end.is_nil() { -1 } else { ruby.expect_int(&range.end)? };
    let start = if start < 0 { start + length } else { start };
    let mut end = if end < 0 { end + length } else { end };
    if !range.exclusive || range.end.is_nil() {
        end += 1;
    }
    if start < 0 || start > length {
        return Ok(None);
    }
    Ok(Some((start as usize, (end.min(length) - start).max(0) as usize)))
}

fn this_range(ruby: &mut Interpreter, this: &Value) -> Eval<Rc<Range>> {
    match this {
        Value::Range(range) => Ok(range.clone()),
        other => ruby.no_conversion(other, "Range"),
    }
}

/// The whole numbers of an integer range, as first and one past the last; `None` for other ranges.
fn integers(range: &Range) -> Option<(i128, i128)> {
    let first = range.begin.as_integer()?;
    let end = match &range.end {
        Value::Nil => return Some((first, i128::MAX)),
        Value::Float(end) if end.is_infinite() => {
            return Some((first, if *end > 0.0 { i128::MAX } else { first }));
        }
        Value::Float(end) => {
            let whole = end.floor();
            return Some((first, whole as i128 + i128::from(!range.exclusive || whole != *end)));
        }
        other => other.as_integer()?,
    };
    Some((first, (end + i128::from(!range.exclusive)).max(first)))
}

/// The elements of a range that ends.
pub(crate) fn range_elements(ruby: &mut Interpreter, range: &Range) -> Eval<Vec<Value>> {
    if let Some((first, end)) = integers(range) {
        if end == i128::MAX {
            return ruby.raise("RangeError", "cannot convert endless range to an array");
        }
        ruby.charge(usize::try_from(end - first).unwrap_or(usize::MAX).saturating_mul(16))?;
        return Ok((first..end).map(Value::integer).collect());
    }
    if let (Value::Str(first), Value::Str(last)) = (&range.begin, &range.end) {
        let items = string_range(ruby, &first.text(), &last.text(), range.exclusive)?;
        return Ok(items.into_iter().map(Value::str).collect());
    }
    if let (Value::Sym(first), Value::Sym(last)) = (&range.begin, &range.end) {
        let items = string_range(ruby, first.as_str(), last.as_str(), range.exclusive)?;
        return Ok(items.iter().map(|item| Value::sym(item)).collect());
    }
    if !ruby.responds_to(&range.begin, names::SUCC)? {
        let class = ruby.describe_class(&range.begin);
        return ruby.raise("TypeError", format!("can't iterate from {class}"));
    }
    let mut items = Vec::new();
    let mut current = range.begin.clone();
    loop {
        let order = ruby.compare(&current, &range.end)?;
        match order {
            Some(std::cmp::Ordering::Less) => items.push(current.clone()),
            Some(std::cmp::Ordering::Equal) if !range.exclusive => items.push(current.clone()),
            _ => break,
        }
        ruby.charge(64)?;
        current = ruby.call_method(&current, names::SUCC, Args::none())?;
    }
    Ok(items)
}

fn itself(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(this.clone())
}

fn new(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let (begin, end) = (args.at(0), args.at(1));
    if !begin.is_nil() && !end.is_nil() && ruby.compare(&begin, &end)?.is_none() {
        return ruby.raise("ArgumentError", "bad value for range");
    }
    Ok(Value::range(begin, end, args.at(2).truthy()))
}

fn begin(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(this_range(ruby, this)?.begin.clone())
}

fn end(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(this_range(ruby, this)?.end.clone())
}

fn first(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let range = this_range(ruby, this)?;
    if range.begin.is_nil() {
        return ruby.raise("RangeError", "cannot get the first element of beginless range");
    }
    if args.is_empty() {
        return Ok(range.begin.clone());
    }
    let count = ruby.expect_int(&args.at(0))?.max(0);
    if let Some((first, end)) = integers(&range) {
        return Ok(Value::array((first..end.min(first + i128::from(count))).map(Value::integer).collect()));
    }
    let items = range_elements(ruby, &range)?;
    Ok(Value::array(items.into_iter().take(count as usize).collect()))
}

fn last(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let range = this_range(ruby, this)?;
    if args.is_empty() {
        return Ok(range.end.clone());
    }
    let items = Value::array(range_elements(ruby, &range)?);
    ruby.send(&items, "last", args)
}

fn edge(ruby: &mut Interpreter, this: &Value, args: Args, method: &str) -> Eval {
    let range = this_range(ruby, this)?;
    if args.is_empty() && args.block.is_none() {
        if let Some((first, end)) = integers(&range)
            && end != i128::MAX
        {
            let value = if method == "min" { first } else { end - 1 };
            return Ok(if first < end { Value::integer(value) } else { Value::Nil });
        }
        if matches!(range.begin, Value::Float(_)) {
            return Ok(if method == "min" { range.begin.clone() } else { range.end.clone() });
        }
    }
    let items = Value::array(range_elements(ruby, &range)?);
    ruby.send(&items, method, args)
}

fn min(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    edge(ruby, this, args, "min")
}

fn max(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    edge(ruby, this, args, "max")
}

fn minmax(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let (low, high) = (min(ruby, this, Args::none())?, max(ruby, this, Args::none())?);
    Ok(Value::array(vec![low, high]))
}

fn size(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let range = this_range(ruby, this)?;
    if let (Value::Float(first), Some(last)) = (&range.begin, as_float(&range.end)) {
        let steps = (last - first).floor();
        let left_out = range.exclusive && first + steps >= last;
        return Ok(Value::Int((steps as i64 + i64::from(!left_out)).max(0)));
    }
    Ok(match integers(&range) {
        Some((_, i128::MAX)) => Value::Float(f64::INFINITY),
        Some((first, end)) => Value::integer(end - first),
        None => Value::Nil,
    })
}

fn count(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let range = this_range(ruby, this)?;
    if args.is_empty() && args.block.is_none() && integers(&range).is_some() {
        return size(ruby, this, args);
    }
    let items = Value::array(range_elements(ruby, &range)?);
    ruby.send(&items, "count", args)
}

fn sum(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let range = this_range(ruby, this)?;
    if args.is_empty()
        && args.block.is_none()
        && let Some((first, end)) = integers(&range)
        && end != i128::MAX
    {
        return Ok(Value::integer((first + end - 1) * (end - first) / 2));
    }
    let items = Value::array(range_elements(ruby, &range)?);
    ruby.send(&items, "sum", args)
}

fn is_exclusive(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Bool(this_range(ruby, this)?.exclusive))
}

fn each(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, "each", args)) };
    let range = this_range(ruby, this)?;
    if let Some((first, end)) = integers(&range) {
        let mut current = first;
        while current < end {
            ruby.call_proc_one(&block, Value::integer(current))?;
            current += 1;
        }
        return Ok(this.clone());
    }
    if range.end.is_nil() && ruby.responds_to(&range.begin, names::SUCC)? {
        let mut current = range.begin.clone();
        loop {
            ruby.call_proc_one(&block, current.clone())?;
            current = ruby.call_method(&current, names::SUCC, Args::none())?;
        }
    }
    for item in range_elements(ruby, &range)? {
        ruby.call_proc_one(&block, item)?;
    }
    Ok(this.clone())
}

fn reverse_each(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, "reverse_each", args)) };
    let range = this_range(ruby, this)?;
    for item in range_elements(ruby, &range)?.into_iter().rev() {
        ruby.call_proc_one(&block, item)?;
    }
    Ok(this.clone())
}

fn percent(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.block.is_none() {
        return Ok(enumerator(ruby, this, "%", args));
    }
    step(ruby, this, args)
}

fn step(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, "step", args)) };
    let range = this_range(ruby, this)?;
    let step = if args.is_empty() { Value::Int(1) } else { args.at(0) };
    let floating = [&range.begin, &range.end, &step].iter().any(|value| matches!(value, Value::Float(_)));
    if let (Some((first, end)), Some(step)) = (integers(&range), step.as_integer()) {
        if step <= 0 {
            let reason = if step == 0 { "step can't be 0" } else { "step can't be negative" };
            return ruby.raise("ArgumentError", reason);
        }
        let mut current = first;
        while current < end {
            ruby.call_proc_one(&block, Value::integer(current))?;
            current += step;
        }
    } else if floating {
        let number = |value: &Value| match value {
            Value::Float(number) => Some(*number),
            other => other.as_integer().map(|number| number as f64),
        };
        let (first, step) = (number(&range.begin).unwrap_or(0.0), number(&step).unwrap_or(1.0));
        let last = number(&range.end).unwrap_or(f64::INFINITY);
        let turns = ((last - first) / step + 1e-9).floor();
        let mut turn = 0.0;
        while turn <= turns {
            let value = first + turn * step;
            if !(range.exclusive && value >= last) {
                ruby.call_proc_one(&block, Value::Float(value))?;
            }
            turn += 1.0;
        }
    } else {
        let every = ruby.expect_int(&step)?.max(1) as usize;
        for item in range_elements(ruby, &range)?.into_iter().step_by(every) {
            ruby.call_proc_one(&block, item)?;
        }
    }
    Ok(this.clone())
}

fn cover(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let range = this_range(ruby, this)?;
    if let Value::Range(inner) = args.at(0) {
        let low = within(ruby, &range, &inner.begin)?;
        let high = within(ruby, &range, &inner.end)? || inner.exclusive && ruby.eq(&inner.end, &range.end)?;
        return Ok(Value::Bool(low && high));
    }
    Ok(Value::Bool(within(ruby, &range, &args.at(0))?))
}

fn within(ruby: &mut Interpreter, range: &Range, value: &Value) -> Eval<bool> {
    if !range.begin.is_nil() && !ruby.compare(&range.begin, value)?.is_some_and(std::cmp::Ordering::is_le) {
        return Ok(false);
    }
    if range.end.is_nil() {
        return Ok(true);
    }
    Ok(ruby
        .compare(value, &range.end)?
        .is_some_and(|order| if range.exclusive { order.is_lt() } else { order.is_le() }))
}

fn include(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let range = this_range(ruby, this)?;
    // Between two strings, only what counting from one to the other meets is included.
    if let (Value::Str(first), Value::Str(last), Value::Str(wanted)) = (&range.begin, &range.end, args.at(0))
    {
        let items = string_range(ruby, &first.text(), &last.text(), range.exclusive)?;
        return Ok(Value::Bool(items.contains(&wanted.text())));
    }
    cover(ruby, this, args)
}

fn to_a(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let range = this_range(ruby, this)?;
    if range.end.is_nil() {
        return ruby.raise("RangeError", "cannot convert endless range to an array");
    }
    Ok(Value::array(range_elements(ruby, &range)?))
}

/// Both ends as `show` shows them; `whole` also spells out that neither is there.
fn shown(
    ruby: &mut Interpreter,
    this: &Value,
    whole: bool,
    show: fn(&mut Interpreter, &Value) -> Eval<String>,
) -> Eval {
    let range = this_range(ruby, this)?;
    let dots = if range.exclusive { "..." } else { ".." };
    let side = |ruby: &mut Interpreter, value: &Value| {
        if value.is_nil() { Ok(String::new()) } else { show(ruby, value) }
    };
    let (mut begin, mut end) = (side(ruby, &range.begin)?, side(ruby, &range.end)?);
    if whole && range.begin.is_nil() && range.end.is_nil() {
        (begin, end) = ("nil".to_owned(), "nil".to_owned());
    }
    Ok(Value::str(format!("{begin}{dots}{end}")))
}

fn to_s(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    shown(ruby, this, false, |ruby, value| ruby.to_s(value))
}

fn inspect(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    shown(ruby, this, true, |ruby, value| ruby.inspect(value))
}

fn equal(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (Value::Range(left), Value::Range(right)) = (this, args.at(0)) else { return Ok(Value::Bool(false)) };
    Ok(Value::Bool(
        left.exclusive == right.exclusive
            && ruby.eq(&left.begin, &right.begin)?
            && ruby.eq(&left.end, &right.end)?,
    ))
}

fn hash(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Int(crate::core::library::native_hash(this)))
}

/// `bsearch` between whole numbers; without an end, up to the largest that fits a machine word.
fn bsearch(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, "bsearch", args)) };
    let range = this_range(ruby, this)?;
    let (Value::Int(begin), Value::Int(_) | Value::Nil) = (&range.begin, &range.end) else {
        let class = ruby.class_name(&ruby.class_of(&range.begin));
        return Err(ruby.exception("TypeError", format!("can't do binary search for {class}")));
    };
    let mut low = i128::from(*begin);
    let mut high = match &range.end {
        Value::Int(end) => i128::from(*end) + i128::from(!range.exclusive),
        _ => i128::from(i64::MAX),
    };
    let mut found = Value::Nil;
    while low < high {
        let middle = low + (high - low) / 2;
        let item = Value::Int(middle as i64);
        match ruby.call_proc_one(&block, item.clone())? {
            Value::Int(0) => return Ok(item),
            Value::Int(number) if number > 0 => low = middle + 1,
            answer if answer.truthy() => {
                if !matches!(answer, Value::Int(_)) {
                    found = item;
                }
                high = middle;
            }
            _ => low = middle + 1,
        }
    }
    Ok(found)
}
