//! Methods that change an array in place.

use super::*;

pub(super) const METHODS: Table = &[
    ("initialize", initialize, Arity::between(0, 2)),
    ("[]=", assign, Arity::between(2, 3)),
    ("<<", append, ONE),
    ("push", push, ANY),
    ("append", push, ANY),
    ("pop", pop, OPTIONAL),
    ("shift", shift, OPTIONAL),
    ("unshift", unshift, ANY),
    ("prepend", unshift, ANY),
    ("insert", insert, Arity::at_least(1)),
    ("concat", concat, ANY),
    ("replace", replace, ONE),
    ("initialize_copy", replace, ONE),
    ("clear", clear, NONE),
    ("delete", delete, ONE),
    ("delete_at", delete_at, ONE),
    ("delete_if", |ruby, this, args| keep(ruby, this, args, false, true), NONE),
    ("reject!", |ruby, this, args| keep(ruby, this, args, false, false), NONE),
    ("select!", |ruby, this, args| keep(ruby, this, args, true, false), NONE),
    ("filter!", |ruby, this, args| keep(ruby, this, args, true, false), NONE),
    ("keep_if", |ruby, this, args| keep(ruby, this, args, true, true), NONE),
    ("slice!", slice_out, Arity::between(1, 2)),
    ("fill", fill, Arity::between(0, 3)),
    ("map!", map_in_place, NONE),
    ("collect!", map_in_place, NONE),
    ("compact!", |ruby, this, args| become_result(ruby, this, "compact", args, true), NONE),
    ("flatten!", |ruby, this, args| become_result(ruby, this, "flatten", args, true), OPTIONAL),
    ("uniq!", |ruby, this, args| become_result(ruby, this, "uniq", args, true), NONE),
    ("reverse!", |ruby, this, args| become_result(ruby, this, "reverse", args, false), NONE),
    ("rotate!", |ruby, this, args| become_result(ruby, this, "rotate", args, false), OPTIONAL),
    (
        "shuffle!",
        |ruby, this, args| become_result(ruby, this, "shuffle", args, false),
        Arity::exactly(0).with_keywords(),
    ),
    ("sort!", sort_in_place, NONE),
    ("sort_by!", sort_by_in_place, NONE),
];

fn initialize(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = changeable(ruby, this)?;
    if let Value::Array(other) = args.at(0) {
        *array.items.borrow_mut() = other.to_vec();
        return Ok(Value::Nil);
    }
    let count = if args.is_empty() { 0 } else { ruby.expect_int(&args.at(0))? };
    let Ok(count) = usize::try_from(count) else { return ruby.raise("ArgumentError", "negative array size") };
    ruby.charge(count.saturating_mul(16))?;
    let mut items = Vec::with_capacity(count);
    for at in 0..count {
        items.push(match &args.block {
            Some(block) => ruby.call_proc_one(block, Value::Int(at as i64))?,
            None => args.at(1),
        });
    }
    *array.items.borrow_mut() = items;
    Ok(Value::Nil)
}

fn assign(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = changeable(ruby, this)?;
    let value = args.positional.last().cloned().unwrap_or(Value::Nil);
    if args.len() == 2 && !matches!(args.at(0), Value::Range(_)) {
        let given = ruby.expect_int(&args.at(0))?;
        let length = array.len();
        let Some(at) = position(given, length) else {
            let message = format!("index {given} too small for array; minimum: -{length}");
            return ruby.raise("IndexError", message);
        };
        if at >= length {
            ruby.charge((at + 1 - length).saturating_mul(16))?;
            array.items.borrow_mut().resize(at + 1, Value::Nil);
        }
        array.items.borrow_mut()[at] = value.clone();
        return Ok(value);
    }
    let (start, count) = match args.at(0) {
        Value::Range(range) => {
            let length = array.len() as i64;
            let start = if range.begin.is_nil() { 0 } else { ruby.expect_int(&range.begin)? };
            let Some(start) = position(start, array.len()) else {
                let shown = ruby.inspect(&args.at(0))?;
                return ruby.raise("RangeError", format!("{shown} out of range"));
            };
            let end = if range.end.is_nil() { -1 } else { ruby.expect_int(&range.end)? };
            let end =
                if end < 0 { end + length } else { end } + i64::from(!range.exclusive || range.end.is_nil());
            (start, (end - start as i64).max(0) as usize)
        }
        start => {
            let (start, count) = (ruby.expect_int(&start)?, ruby.expect_int(&args.at(1))?);
            if count < 0 {
                return ruby.raise("IndexError", format!("negative length ({count})"));
            }
            let Some(start) = position(start, array.len()) else {
                let message = format!("index {start} too small for array; minimum: -{}", array.len());
                return ruby.raise("IndexError", message);
            };
            (start, count as usize)
        }
    };
    let new = match ruby.try_array(&value)? {
        Some(items) => items.to_vec(),
        None => vec![value.clone()],
    };
    ruby.charge(start.saturating_mul(16))?;
    let mut items = array.items.borrow_mut();
    if start > items.len() {
        items.resize(start, Value::Nil);
    }
    let end = start.saturating_add(count).min(items.len());
    items.splice(start..end, new);
    Ok(value)
}

fn append(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    changeable(ruby, this)?.items.borrow_mut().push(args.at(0));
    ruby.charge(16)?;
    Ok(this.clone())
}

fn push(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    changeable(ruby, this)?.items.borrow_mut().extend(args.positional);
    Ok(this.clone())
}

fn pop(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = changeable(ruby, this)?;
    if args.is_empty() {
        return Ok(array.items.borrow_mut().pop().unwrap_or(Value::Nil));
    }
    let start = array.len().saturating_sub(some(ruby, &args)?);
    Ok(Value::array(array.items.borrow_mut().split_off(start)))
}

fn shift(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = changeable(ruby, this)?;
    if args.is_empty() {
        let mut items = array.items.borrow_mut();
        return Ok(if items.is_empty() { Value::Nil } else { items.remove(0) });
    }
    let count = some(ruby, &args)?.min(array.len());
    Ok(Value::array(array.items.borrow_mut().drain(..count).collect()))
}

fn unshift(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    changeable(ruby, this)?.items.borrow_mut().splice(0..0, args.positional);
    Ok(this.clone())
}

fn insert(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = changeable(ruby, this)?;
    let given = ruby.expect_int(&args.at(0))?;
    let place = if given < 0 { given + 1 + array.len() as i64 } else { given };
    let Ok(at) = usize::try_from(place) else {
        let message = format!("index {given} too small for array; minimum: -{}", array.len() + 1);
        return ruby.raise("IndexError", message);
    };
    let mut items = array.items.borrow_mut();
    if at > items.len() {
        items.resize(at, Value::Nil);
    }
    items.splice(at..at, args.positional.into_iter().skip(1));
    Ok(this.clone())
}

fn concat(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = changeable(ruby, this)?;
    let mut more = Vec::new();
    for value in &args.positional {
        more.extend(ruby.expect_array(value)?.to_vec());
    }
    array.items.borrow_mut().extend(more);
    Ok(this.clone())
}

fn replace(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = ruby.expect_array(&args.at(0))?.to_vec();
    *changeable(ruby, this)?.items.borrow_mut() = other;
    Ok(this.clone())
}

fn clear(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    changeable(ruby, this)?.items.borrow_mut().clear();
    Ok(this.clone())
}

fn delete(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = changeable(ruby, this)?;
    let (mut kept, mut found) = (Vec::new(), None);
    for item in array.to_vec() {
        if ruby.eq(&item, &args.at(0))? { found = Some(item) } else { kept.push(item) }
    }
    match (found, &args.block) {
        (Some(item), _) => {
            *array.items.borrow_mut() = kept;
            Ok(item)
        }
        (None, Some(block)) => ruby.call_proc_one(block, args.at(0)),
        (None, None) => Ok(Value::Nil),
    }
}

fn delete_at(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = changeable(ruby, this)?;
    let at = ruby.expect_int(&args.at(0))?;
    Ok(match position(at, array.len()) {
        Some(at) if at < array.len() => array.items.borrow_mut().remove(at),
        _ => Value::Nil,
    })
}

/// Keeps the elements for which the block's answer is as wanted; nil when nothing changed, unless `always`.
fn keep(ruby: &mut Interpreter, this: &Value, args: Args, wanted: bool, always: bool) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "select!");
    let array = changeable(ruby, this)?;
    let before = array.len();
    let mut kept = Vec::new();
    for item in array.to_vec() {
        if ruby.call_proc_one(&block, item.clone())?.truthy() == wanted {
            kept.push(item);
        }
    }
    let changed = kept.len() != before;
    *array.items.borrow_mut() = kept;
    Ok(if changed || always { this.clone() } else { Value::Nil })
}

fn slice_out(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = changeable(ruby, this)?;
    if args.len() == 1 && !matches!(args.at(0), Value::Range(_)) {
        return delete_at(ruby, this, args);
    }
    let Some((start, count)) = span(ruby, array.len(), &args)? else { return Ok(Value::Nil) };
    Ok(Value::array(array.items.borrow_mut().drain(start..start + count).collect()))
}

fn fill(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = changeable(ruby, this)?;
    let value = args.at(0);
    let places: Vec<Value> =
        args.positional.iter().skip(usize::from(args.block.is_none())).cloned().collect();
    let (start, count) = match places.as_slice() {
        [] | [Value::Nil] => (0, array.len()),
        [Value::Range(range)] => bounds(ruby, range, array.len())?.unwrap_or((0, 0)),
        [start, rest @ ..] => {
            let start = ruby.expect_int(start)?;
            let start = position(start, array.len()).unwrap_or(0);
            let count = match rest.first() {
                Some(count) => ruby.expect_int(count)?.max(0) as usize,
                None => array.len().saturating_sub(start),
            };
            (start, count)
        }
    };
    ruby.charge(count.saturating_mul(16))?;
    for at in start..start + count {
        let item = match &args.block {
            Some(block) => ruby.call_proc_one(block, Value::Int(at as i64))?,
            None => value.clone(),
        };
        let mut items = array.items.borrow_mut();
        if at >= items.len() {
            items.resize(at + 1, Value::Nil);
        }
        items[at] = item;
    }
    Ok(this.clone())
}

fn map_in_place(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "map!");
    let array = changeable(ruby, this)?;
    for (at, item) in array.to_vec().into_iter().enumerate() {
        let value = ruby.call_proc_one(&block, item)?;
        if let Some(place) = array.items.borrow_mut().get_mut(at) {
            *place = value;
        }
    }
    Ok(this.clone())
}

/// Takes over the result of the method without `!`; nil when nothing changed, if that is how it answers.
fn become_result(
    ruby: &mut Interpreter,
    this: &Value,
    method: &str,
    args: Args,
    nil_unchanged: bool,
) -> Eval {
    let array = changeable(ruby, this)?;
    let result = ruby.send(this, method, args)?;
    let items = ruby.expect_array(&result)?.to_vec();
    let same =
        items.len() == array.len() && items.iter().zip(array.items.borrow().iter()).all(|(a, b)| a.same(b));
    *array.items.borrow_mut() = items;
    Ok(if same && nil_unchanged { Value::Nil } else { this.clone() })
}

fn sort_in_place(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = changeable(ruby, this)?;
    let items = sorted(ruby, &array.to_vec(), args.block.as_ref())?;
    *array.items.borrow_mut() = items;
    Ok(this.clone())
}

fn sort_by_in_place(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "sort_by!");
    let array = changeable(ruby, this)?;
    let items = sorted_by(ruby, this, &block)?;
    *array.items.borrow_mut() = items;
    Ok(this.clone())
}
