//! Methods that make a new array from old ones.

use super::*;
use crate::hash::RHash;

pub(super) const METHODS: Table = &[
    ("+", plus, ONE),
    ("-", minus, ONE),
    ("*", times, ONE),
    ("&", and, ONE),
    ("|", or, ONE),
    ("union", union, ANY),
    ("difference", difference, ANY),
    ("intersection", intersection, ANY),
    ("intersect?", intersects, ONE),
    ("reverse", reverse, NONE),
    ("rotate", rotate, OPTIONAL),
    ("compact", compact, NONE),
    ("flatten", flatten, OPTIONAL),
    ("uniq", uniq, NONE),
    ("transpose", transpose, NONE),
    ("product", product, ANY),
    ("combination", combination, ONE),
    ("permutation", permutation, OPTIONAL),
    ("each_slice", each_slice, ONE),
    ("shuffle", shuffle, Arity::exactly(0).with_keywords()),
    ("sum", sum, OPTIONAL),
];

fn plus(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut items = this_array(ruby, this)?.to_vec();
    items.extend(ruby.expect_array(&args.at(0))?.to_vec());
    ruby.charge(items.len() * 16)?;
    Ok(Value::array(items))
}

/// The elements as keys, for looking up.
fn keys(ruby: &mut Interpreter, items: &[Value]) -> Eval<std::rc::Rc<RHash>> {
    let keys = RHash::new();
    for item in items {
        let key = ruby.hash_key(item)?;
        keys.entries.borrow_mut().insert(key, Value::Nil);
    }
    Ok(keys)
}

fn has(ruby: &mut Interpreter, keys: &RHash, item: &Value) -> Eval<bool> {
    let key = ruby.hash_key(item)?;
    Ok(keys.entries.borrow().contains_key(&key))
}

/// The elements that are (or are not) among the other's.
fn among(ruby: &mut Interpreter, items: Vec<Value>, other: &Value, wanted: bool) -> Eval<Vec<Value>> {
    let other = ruby.expect_array(other)?.to_vec();
    let keys = keys(ruby, &other)?;
    let mut kept = Vec::new();
    for item in items {
        if has(ruby, &keys, &item)? == wanted {
            kept.push(item);
        }
    }
    Ok(kept)
}

fn minus(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let items = this_array(ruby, this)?.to_vec();
    among(ruby, items, &args.at(0), false).map(Value::array)
}

fn difference(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut items = this_array(ruby, this)?.to_vec();
    for other in &args.positional {
        items = among(ruby, items, other, false)?;
    }
    Ok(Value::array(items))
}

fn and(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let items = without_repeats(ruby, this, None)?;
    among(ruby, items, &args.at(0), true).map(Value::array)
}

fn intersection(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut items = without_repeats(ruby, this, None)?;
    for other in &args.positional {
        items = among(ruby, items, other, true)?;
    }
    Ok(Value::array(items))
}

fn intersects(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let items = this_array(ruby, this)?.to_vec();
    Ok(Value::Bool(!among(ruby, items, &args.at(0), true)?.is_empty()))
}

fn or(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let all = plus(ruby, this, args)?;
    without_repeats(ruby, &all, None).map(Value::array)
}

fn union(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut all = this.clone();
    for other in args.positional {
        all = plus(ruby, &all, Args::one(other))?;
    }
    without_repeats(ruby, &all, None).map(Value::array)
}

fn times(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if let Value::Str(_) = args.at(0) {
        return ruby.send(this, "join", args);
    }
    let count = ruby.expect_int(&args.at(0))?;
    let Ok(count) = usize::try_from(count) else {
        return ruby.raise("ArgumentError", "negative argument");
    };
    let items = this_array(ruby, this)?.to_vec();
    ruby.charge(items.len().saturating_mul(count).saturating_mul(16))?;
    Ok(Value::array(items.iter().cloned().cycle().take(items.len() * count).collect()))
}

fn reverse(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::array(this_array(ruby, this)?.to_vec().into_iter().rev().collect()))
}

fn rotate(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut items = this_array(ruby, this)?.to_vec();
    let by = if args.is_empty() { 1 } else { ruby.expect_int(&args.at(0))? };
    if !items.is_empty() {
        let by = by.rem_euclid(items.len() as i64) as usize;
        items.rotate_left(by);
    }
    Ok(Value::array(items))
}

fn compact(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::array(this_array(ruby, this)?.to_vec().into_iter().filter(|item| !item.is_nil()).collect()))
}

fn flatten(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let depth = if args.at(0).is_nil() { -1 } else { ruby.expect_int(&args.at(0))? };
    let array = this_array(ruby, this)?;
    let mut out = Vec::new();
    flatten_into(ruby, &array, depth, &mut out, 0)?;
    Ok(Value::array(out))
}

fn flatten_into(
    ruby: &mut Interpreter,
    array: &ArrayRef,
    depth: i64,
    out: &mut Vec<Value>,
    level: usize,
) -> Eval<()> {
    if level > 1000 {
        return ruby.raise("ArgumentError", "tried to flatten recursive array");
    }
    for item in array.to_vec() {
        ruby.tick()?;
        match ruby.try_array(&item)? {
            Some(inner) if depth != 0 => flatten_into(ruby, &inner, depth - 1, out, level + 1)?,
            _ => out.push(item),
        }
    }
    Ok(())
}

fn uniq(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    without_repeats(ruby, this, args.block.as_ref()).map(Value::array)
}

fn transpose(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let mut rows = Vec::new();
    for row in this_array(ruby, this)?.to_vec() {
        rows.push(ruby.expect_array(&row)?.to_vec());
    }
    let width = rows.first().map_or(0, Vec::len);
    if let Some(odd) = rows.iter().find(|row| row.len() != width) {
        let message = format!("element size differs ({} should be {width})", odd.len());
        return ruby.raise("IndexError", message);
    }
    let column = |at: usize| Value::array(rows.iter().map(|row| row[at].clone()).collect());
    Ok(Value::array((0..width).map(column).collect()))
}

fn product(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut rows: Vec<Vec<Value>> =
        this_array(ruby, this)?.to_vec().into_iter().map(|item| vec![item]).collect();
    for other in &args.positional {
        let other = ruby.expect_array(other)?.to_vec();
        ruby.charge(rows.len().saturating_mul(other.len()).saturating_mul(64))?;
        rows = rows
            .iter()
            .flat_map(|row| other.iter().map(|item| row.iter().cloned().chain([item.clone()]).collect()))
            .collect();
    }
    give(ruby, this, rows, &args)
}

/// Gives each row to the block, or answers all of them.
fn give(ruby: &mut Interpreter, this: &Value, rows: Vec<Vec<Value>>, args: &Args) -> Eval {
    let rows: Vec<Value> = rows.into_iter().map(Value::array).collect();
    let Some(block) = &args.block else { return Ok(Value::array(rows)) };
    for row in rows {
        ruby.call_proc_one(block, row)?;
    }
    Ok(this.clone())
}

/// The choices of `count` places out of `total`, in order or in every order.
fn choices(ruby: &mut Interpreter, total: usize, count: usize, every_order: bool) -> Eval<Vec<Vec<usize>>> {
    let mut found: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..count {
        let mut longer = Vec::new();
        for choice in &found {
            let start = if every_order { 0 } else { choice.last().map_or(0, |last| last + 1) };
            longer.extend((start..total).filter(|at| !choice.contains(at)).map(|at| {
                let mut next = choice.clone();
                next.push(at);
                next
            }));
        }
        ruby.charge(longer.len().saturating_mul(64))?;
        found = longer;
    }
    Ok(found)
}

fn chosen(ruby: &mut Interpreter, this: &Value, args: &Args, every_order: bool, name: &str) -> Eval {
    let items = this_array(ruby, this)?.to_vec();
    let count = if args.is_empty() { items.len() as i64 } else { ruby.expect_int(&args.at(0))? };
    let rows = match usize::try_from(count) {
        Ok(count) => choices(ruby, items.len(), count, every_order)?,
        Err(_) => Vec::new(),
    };
    let rows: Vec<Vec<Value>> =
        rows.into_iter().map(|row| row.into_iter().map(|at| items[at].clone()).collect()).collect();
    if args.block.is_none() {
        return Ok(enumerator(ruby, this, name, args.clone()));
    }
    give(ruby, this, rows, args)
}

fn combination(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    chosen(ruby, this, &args, false, "combination")
}

fn permutation(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    chosen(ruby, this, &args, true, "permutation")
}

fn each_slice(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let size = ruby.expect_int(&args.at(0))?;
    if size <= 0 {
        return ruby.raise("ArgumentError", "invalid slice size");
    }
    let block = block_or_enumerator!(ruby, this, args, "each_slice");
    for group in this_array(ruby, this)?.to_vec().chunks(size as usize) {
        ruby.call_proc_one(&block, Value::array(group.to_vec()))?;
    }
    Ok(this.clone())
}

fn shuffle(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    shuffled(ruby, this, &args).map(Value::array)
}

fn sum(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    crate::core::enumerable::sum(ruby, this, args)
}
