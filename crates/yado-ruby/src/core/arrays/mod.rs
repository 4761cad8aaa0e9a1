//! `Array`: reading, changing, and making new arrays from old ones.

mod change;
mod combine;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::enumerable::{block_or_enumerator, sorted, sorted_by, without_repeats};
use crate::core::enumerator::enumerator;
use crate::core::ranges::bounds;
use crate::interpreter::Interpreter;
use crate::value::{ArrayRef, Eval, RArray, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const OPTIONAL: Arity = Arity::between(0, 1);
const ANY: Arity = Arity::at_least(0);

/// Methods of arrays.
pub(crate) const METHODS: &[Table] = &[LOOK, change::METHODS, combine::METHODS];

/// Methods of `Array` itself.
pub(crate) const CLASS_METHODS: Table = &[("[]", literal, ANY), ("try_convert", try_convert, ONE)];

const LOOK: Table = &[
    ("[]", index, Arity::between(1, 2)),
    ("slice", index, Arity::between(1, 2)),
    ("at", index, ONE),
    ("dig", dig, Arity::at_least(1)),
    ("fetch", fetch, Arity::between(1, 2)),
    ("values_at", values_at, ANY),
    ("first", first, OPTIONAL),
    ("last", last, OPTIONAL),
    ("length", length, NONE),
    ("size", length, NONE),
    ("empty?", is_empty, NONE),
    ("each", each, NONE),
    ("each_index", each_index, NONE),
    ("index", find_index, OPTIONAL),
    ("find_index", find_index, OPTIONAL),
    ("rindex", rindex, OPTIONAL),
    ("join", join, OPTIONAL),
    ("to_s", inspect, NONE),
    ("inspect", inspect, NONE),
    ("to_a", to_a, NONE),
    ("to_ary", to_a, NONE),
    ("entries", to_a, NONE),
    ("==", equal, ONE),
    ("eql?", eql, ONE),
    ("hash", hash, NONE),
    ("<=>", compare, ONE),
    ("assoc", assoc, ONE),
    ("rassoc", rassoc, ONE),
    ("sample", sample, Arity::between(0, 1).with_keywords()),
    ("bsearch", bsearch, NONE),
    ("pack", pack, Arity::at_least(1)),
    ("frozen?", is_frozen, NONE),
    ("deconstruct", to_a, NONE),
];

/// The array that a method was called on.
fn this_array(ruby: &mut Interpreter, this: &Value) -> Eval<ArrayRef> {
    match this {
        Value::Array(array) => Ok(array.clone()),
        other => ruby.no_conversion(other, "Array"),
    }
}

/// The same for changing.
fn changeable(ruby: &mut Interpreter, this: &Value) -> Eval<ArrayRef> {
    ruby.check_frozen(this)?;
    this_array(ruby, this)
}

/// The place that a possibly negative index names.
fn position(index: i64, length: usize) -> Option<usize> {
    usize::try_from(if index < 0 { index + length as i64 } else { index }).ok()
}

fn literal(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = RArray::new(args.positional);
    if let Value::Class(class) = this
        && !std::rc::Rc::ptr_eq(class, &ruby.core.array)
    {
        let made = ruby.send(this, "new", Args::none())?;
        ruby.send(&made, "replace", Args::one(Value::Array(array)))?;
        return Ok(made);
    }
    Ok(Value::Array(array))
}

fn try_convert(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    Ok(ruby.try_array(&args.at(0))?.map_or(Value::Nil, Value::Array))
}

/// Start and length of what `array[start, length]` or `array[range]` names.
fn span(ruby: &mut Interpreter, length: usize, args: &Args) -> Eval<Option<(usize, usize)>> {
    if let Value::Range(range) = args.at(0) {
        return bounds(ruby, &range, length);
    }
    let (start, count) = (ruby.expect_int(&args.at(0))?, ruby.expect_int(&args.at(1))?);
    Ok(match position(start, length) {
        Some(start) if start <= length && count >= 0 => Some((start, (count as usize).min(length - start))),
        _ => None,
    })
}

fn index(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = this_array(ruby, this)?;
    if args.len() == 1 && !matches!(args.at(0), Value::Range(_)) {
        let at = ruby.expect_int(&args.at(0))?;
        return Ok(position(at, array.len()).and_then(|at| array.get(at)).unwrap_or(Value::Nil));
    }
    Ok(match span(ruby, array.len(), &args)? {
        Some((start, count)) => Value::array(array.items.borrow()[start..start + count].to_vec()),
        None => Value::Nil,
    })
}

fn dig(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let value = index(ruby, this, Args::one(args.at(0)))?;
    dig_on(ruby, value, &args.positional[1..])
}

/// The rest of a `dig`, for whatever class comes next.
pub(crate) fn dig_on(ruby: &mut Interpreter, value: Value, rest: &[Value]) -> Eval {
    if rest.is_empty() || value.is_nil() {
        return Ok(value);
    }
    if !ruby.responds_to(&value, crate::symbol::Symbol::new("dig"))? {
        let class = ruby.describe_class(&value);
        return ruby.raise("TypeError", format!("{class} does not have #dig method"));
    }
    ruby.send(&value, "dig", Args::of(rest.to_vec()))
}

fn fetch(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = this_array(ruby, this)?;
    let at = ruby.expect_int(&args.at(0))?;
    if let Some(value) = position(at, array.len()).and_then(|at| array.get(at)) {
        return Ok(value);
    }
    if let Some(block) = &args.block {
        return ruby.call_proc_one(block, args.at(0));
    }
    if args.len() > 1 {
        return Ok(args.at(1));
    }
    let length = array.len() as i64;
    ruby.raise("IndexError", format!("index {at} outside of array bounds: {}...{length}", -length))
}

fn values_at(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut values = Vec::new();
    for which in args.positional {
        match index(ruby, this, Args::one(which.clone()))? {
            Value::Array(items) if matches!(which, Value::Range(_)) => values.extend(items.to_vec()),
            value => values.push(value),
        }
    }
    Ok(Value::array(values))
}

fn some(ruby: &mut Interpreter, args: &Args) -> Eval<usize> {
    match usize::try_from(ruby.expect_int(&args.at(0))?) {
        Ok(count) => Ok(count),
        Err(_) => ruby.raise("ArgumentError", "negative array size"),
    }
}

fn first(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = this_array(ruby, this)?;
    if args.is_empty() {
        return Ok(array.get(0).unwrap_or(Value::Nil));
    }
    let count = some(ruby, &args)?.min(array.len());
    Ok(Value::array(array.items.borrow()[..count].to_vec()))
}

fn last(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = this_array(ruby, this)?;
    if args.is_empty() {
        return Ok(array.items.borrow().last().cloned().unwrap_or(Value::Nil));
    }
    let start = array.len().saturating_sub(some(ruby, &args)?);
    Ok(Value::array(array.items.borrow()[start..].to_vec()))
}

fn length(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Int(this_array(ruby, this)?.len() as i64))
}

fn is_empty(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Bool(this_array(ruby, this)?.is_empty()))
}

fn is_frozen(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Bool(ruby.is_frozen(this)))
}

fn each(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "each");
    let array = this_array(ruby, this)?;
    let mut at = 0;
    while let Some(item) = array.get(at) {
        ruby.call_proc_one(&block, item)?;
        at += 1;
    }
    Ok(this.clone())
}

fn each_index(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "each_index");
    let array = this_array(ruby, this)?;
    let mut at = 0;
    while at < array.len() {
        ruby.call_proc_one(&block, Value::Int(at as i64))?;
        at += 1;
    }
    Ok(this.clone())
}

fn hit(ruby: &mut Interpreter, item: &Value, args: &Args) -> Eval<bool> {
    match (args.get(0), &args.block) {
        (Some(wanted), _) => ruby.eq(item, wanted),
        (None, Some(block)) => Ok(ruby.call_proc_one(block, item.clone())?.truthy()),
        (None, None) => Ok(false),
    }
}

fn find_index(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.is_empty() && args.block.is_none() {
        return Ok(enumerator(ruby, this, "index", args));
    }
    for (at, item) in this_array(ruby, this)?.to_vec().iter().enumerate() {
        if hit(ruby, item, &args)? {
            return Ok(Value::Int(at as i64));
        }
    }
    Ok(Value::Nil)
}

fn rindex(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    for (at, item) in this_array(ruby, this)?.to_vec().iter().enumerate().rev() {
        if hit(ruby, item, &args)? {
            return Ok(Value::Int(at as i64));
        }
    }
    Ok(Value::Nil)
}

fn join(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if this_array(ruby, this)?.is_empty() {
        return Ok(Value::str(""));
    }
    let separator = match args.at(0) {
        Value::Nil => match ruby.get_global("$,") {
            Value::Str(text) => text.text(),
            _ => String::new(),
        },
        other => ruby.expect_string(&other)?,
    };
    joined(ruby, this, &separator).map(Value::str)
}

fn joined(ruby: &mut Interpreter, this: &Value, separator: &str) -> Eval<String> {
    let address = this.address();
    if ruby.inspecting.contains(&address) {
        return ruby.raise("ArgumentError", "recursive array join");
    }
    let items = this_array(ruby, this)?.to_vec();
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(separator);
        }
        ruby.tick()?;
        let part = match ruby.try_array(item)? {
            Some(inner) => {
                ruby.inspecting.push(address);
                let part = joined(ruby, &Value::Array(inner), separator);
                ruby.inspecting.pop();
                part?
            }
            None => ruby.to_s(item)?,
        };
        ruby.charge(part.len() + separator.len())?;
        out.push_str(&part);
    }
    Ok(out)
}

fn inspect(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let items = this_array(ruby, this)?.to_vec();
    let text = ruby.inspect_guarded(this, "[...]", |ruby| {
        let shown: Vec<String> = items.iter().map(|item| ruby.inspect(item)).collect::<Eval<_>>()?;
        Ok(format!("[{}]", shown.join(", ")))
    })?;
    Ok(Value::str(text))
}

fn to_a(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    match this {
        Value::Array(array) if array.meta.borrow().is_some() => Ok(Value::array(array.to_vec())),
        _ => Ok(Value::Array(this_array(ruby, this)?)),
    }
}

fn equal(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let array = this_array(ruby, this)?;
    let other = match args.at(0) {
        Value::Array(other) => other,
        other @ Value::Object(_) if ruby.responds_to(&other, crate::symbol::names::TO_ARY)? => {
            return ruby.send(&other, "==", Args::one(this.clone()));
        }
        _ => return Ok(Value::Bool(false)),
    };
    if std::rc::Rc::ptr_eq(&array, &other) {
        return Ok(Value::Bool(true));
    }
    let (left, right) = (array.to_vec(), other.to_vec());
    if left.len() != right.len() {
        return Ok(Value::Bool(false));
    }
    for (a, b) in left.iter().zip(&right) {
        if !ruby.eq(a, b)? {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

fn eql(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(crate::hash::eql(this, &args.at(0))))
}

fn hash(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Int(crate::core::library::native_hash(this)))
}

fn compare(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let left = this_array(ruby, this)?.to_vec();
    let Some(right) = ruby.try_array(&args.at(0))? else { return Ok(Value::Nil) };
    let right = right.to_vec();
    for (a, b) in left.iter().zip(&right) {
        match ruby.compare(a, b)? {
            Some(std::cmp::Ordering::Equal) => {}
            Some(order) => return Ok(Value::Int(order as i64)),
            None => return Ok(Value::Nil),
        }
    }
    Ok(Value::Int(left.len().cmp(&right.len()) as i64))
}

fn pair_with(ruby: &mut Interpreter, this: &Value, wanted: &Value, place: usize) -> Eval {
    for item in this_array(ruby, this)?.to_vec() {
        if let Value::Array(pair) = &item
            && let Some(value) = pair.get(place)
            && ruby.eq(&value, wanted)?
        {
            return Ok(item);
        }
    }
    Ok(Value::Nil)
}

fn assoc(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    pair_with(ruby, this, &args.at(0), 0)
}

fn rassoc(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    pair_with(ruby, this, &args.at(0), 1)
}

/// The elements in random order.
/// The items in an order by chance; `random:` names the generator.
fn shuffled(ruby: &mut Interpreter, this: &Value, args: &Args) -> Eval<Vec<Value>> {
    let generator = args.keyword("random");
    let mut items = this_array(ruby, this)?.to_vec();
    for left in (1..=items.len()).rev() {
        let other = crate::core::random::below(ruby, generator.as_ref(), left as u64) as usize;
        items.swap(left - 1, other);
    }
    Ok(items)
}

/// Items by chance, drawn in the order in which Ruby draws them.
fn sample(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let generator = args.keyword("random");
    let mut items = this_array(ruby, this)?.to_vec();
    let wanted = match args.get(0) {
        None => {
            let length = items.len() as u64;
            let at =
                if length < 2 { 0 } else { crate::core::random::below(ruby, generator.as_ref(), length) };
            return Ok(items.get(at as usize).cloned().unwrap_or(Value::Nil));
        }
        Some(count) => ruby.expect_int(count)?,
    };
    let Ok(wanted) = usize::try_from(wanted) else {
        return ruby.raise("ArgumentError", "negative sample number");
    };
    let wanted = wanted.min(items.len());
    // Up to ten are drawn without putting them back; more are drawn by swapping them to the front.
    let few = wanted <= 10;
    let mut drawn = Vec::with_capacity(wanted);
    for at in 0..wanted {
        let other = crate::core::random::below(
            ruby,
            generator.as_ref(),
            (items.len() - if few { 0 } else { at }) as u64,
        );
        let other = other as usize;
        if few {
            drawn.push(items.remove(other));
        } else {
            items.swap(at, at + other);
            drawn.push(items[at].clone());
        }
    }
    Ok(Value::array(drawn))
}

fn bsearch(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = block_or_enumerator!(ruby, this, args, "bsearch");
    let items = this_array(ruby, this)?.to_vec();
    let (mut low, mut high, mut found) = (0, items.len(), Value::Nil);
    while low < high {
        let middle = usize::midpoint(low, high);
        match ruby.call_proc_one(&block, items[middle].clone())? {
            Value::Int(0) => return Ok(items[middle].clone()),
            Value::Int(number) if number > 0 => low = middle + 1,
            answer if answer.truthy() => {
                if !matches!(answer, Value::Int(_)) {
                    found = items[middle].clone();
                }
                high = middle;
            }
            _ => low = middle + 1,
        }
    }
    Ok(found)
}

fn pack(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let template = ruby.expect_string(&args.at(0))?;
    let items = this_array(ruby, this)?.to_vec();
    let made = Value::bytes(crate::core::text::pack(ruby, &items, &template)?);
    if let Value::Str(text) = &made {
        // Base64 and hexadecimal digits are text, everything else is bytes.
        text.binary.set(!template.contains(['m', 'U']));
    }
    Ok(made)
}
