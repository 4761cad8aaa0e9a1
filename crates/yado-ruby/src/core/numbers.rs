//! `Integer` and `Float`: arithmetic between all of 64-bit, 128-bit and floating-point numbers.

use std::cmp::Ordering;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::enumerator::enumerator;
use crate::core::float_text;
use crate::interpreter::Interpreter;
use crate::symbol::{Symbol, names};
use crate::value::{Eval, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const OPTIONAL: Arity = Arity::between(0, 1);

/// Methods of integers and floats.
pub(crate) const NUMERIC: Table = &[
    ("+", |ruby, this, args| arithmetic(ruby, this, &args.at(0), '+'), ONE),
    ("-", |ruby, this, args| arithmetic(ruby, this, &args.at(0), '-'), ONE),
    ("*", |ruby, this, args| arithmetic(ruby, this, &args.at(0), '*'), ONE),
    ("/", |ruby, this, args| arithmetic(ruby, this, &args.at(0), '/'), ONE),
    ("%", |ruby, this, args| arithmetic(ruby, this, &args.at(0), '%'), ONE),
    ("modulo", |ruby, this, args| arithmetic(ruby, this, &args.at(0), '%'), ONE),
    ("**", power, ONE),
    ("pow", power, Arity::between(1, 2)),
    ("==", equal, ONE),
    ("===", equal, ONE),
    ("<=>", compare, ONE),
    ("<", |ruby, this, args| order(ruby, this, &args.at(0), Ordering::is_lt), ONE),
    ("<=", |ruby, this, args| order(ruby, this, &args.at(0), Ordering::is_le), ONE),
    (">", |ruby, this, args| order(ruby, this, &args.at(0), Ordering::is_gt), ONE),
    (">=", |ruby, this, args| order(ruby, this, &args.at(0), Ordering::is_ge), ONE),
    ("-@", negate, NONE),
    ("+@", |_, this, _| Ok(this.clone()), NONE),
    ("abs", abs, NONE),
    ("magnitude", abs, NONE),
    ("div", div, ONE),
    ("fdiv", fdiv, ONE),
    ("quo", fdiv, ONE),
    ("divmod", divmod, ONE),
    ("remainder", remainder, ONE),
    ("coerce", coerce, ONE),
    ("to_i", to_i, NONE),
    ("to_int", to_i, NONE),
    ("truncate", truncate, OPTIONAL),
    ("to_f", to_f, NONE),
    ("to_c", |_, this, _| Ok(this.clone()), NONE),
    ("to_r", rational, Arity::at_least(0)),
    ("rationalize", rational, Arity::at_least(0)),
    ("round", round, OPTIONAL.with_keywords()),
    ("floor", floor, OPTIONAL),
    ("ceil", ceil, OPTIONAL),
    ("zero?", |_, this, _| Ok(Value::Bool(as_float(this) == Some(0.0))), NONE),
    ("positive?", |_, this, _| Ok(Value::Bool(as_float(this).is_some_and(|it| it > 0.0))), NONE),
    ("negative?", |_, this, _| Ok(Value::Bool(as_float(this).is_some_and(|it| it < 0.0))), NONE),
    ("nonzero?", |_, this, _| Ok(if as_float(this) == Some(0.0) { Value::Nil } else { this.clone() }), NONE),
    ("finite?", |_, this, _| Ok(Value::Bool(as_float(this).is_some_and(f64::is_finite))), NONE),
    ("infinite?", infinite, NONE),
    ("integer?", |_, this, _| Ok(Value::Bool(this.as_integer().is_some())), NONE),
    ("real?", |_, _, _| Ok(Value::Bool(true)), NONE),
    ("eql?", |_, this, args| Ok(Value::Bool(crate::hash::eql(this, &args.at(0)))), ONE),
    ("hash", |_, this, _| Ok(Value::Int(crate::core::library::native_hash(this))), NONE),
    ("step", step, Arity::between(0, 2).with_keywords()),
    ("dup", |_, this, _| Ok(this.clone()), NONE),
];

/// Methods of integers only.
pub(crate) const INTEGER: Table = &[
    ("to_s", to_s, OPTIONAL),
    ("inspect", to_s, OPTIONAL),
    ("times", times, NONE),
    ("upto", |ruby, this, args| count(ruby, this, args, 1), ONE),
    ("downto", |ruby, this, args| count(ruby, this, args, -1), ONE),
    ("succ", |ruby, this, _| arithmetic(ruby, this, &Value::Int(1), '+'), NONE),
    ("next", |ruby, this, _| arithmetic(ruby, this, &Value::Int(1), '+'), NONE),
    ("pred", |ruby, this, _| arithmetic(ruby, this, &Value::Int(1), '-'), NONE),
    ("chr", chr, OPTIONAL),
    ("ord", |_, this, _| Ok(this.clone()), NONE),
    ("even?", |_, this, _| Ok(Value::Bool(whole(this) % 2 == 0)), NONE),
    ("odd?", |_, this, _| Ok(Value::Bool(whole(this) % 2 != 0)), NONE),
    ("gcd", gcd, ONE),
    ("lcm", lcm, ONE),
    ("digits", digits, OPTIONAL),
    ("bit_length", |_, this, _| Ok(Value::Int(bit_length(whole(this)))), NONE),
    ("size", |_, _, _| Ok(Value::Int(8)), NONE),
    ("&", |ruby, this, args| bits(ruby, this, &args.at(0), '&'), ONE),
    ("|", |ruby, this, args| bits(ruby, this, &args.at(0), '|'), ONE),
    ("^", |ruby, this, args| bits(ruby, this, &args.at(0), '^'), ONE),
    ("~", |_, this, _| Ok(Value::integer(!whole(this))), NONE),
    ("<<", |ruby, this, args| shift(ruby, this, &args.at(0), 1), ONE),
    (">>", |ruby, this, args| shift(ruby, this, &args.at(0), -1), ONE),
    ("[]", bit, ONE),
    ("numerator", |_, this, _| Ok(this.clone()), NONE),
    ("denominator", |_, _, _| Ok(Value::Int(1)), NONE),
    (
        "allbits?",
        |ruby, this, args| {
            let mask = ruby.expect_int(&args.at(0))?;
            Ok(Value::Bool(whole(this) & i128::from(mask) == i128::from(mask)))
        },
        ONE,
    ),
];

/// Methods of floats only.
pub(crate) const FLOAT: Table = &[
    ("to_s", float_to_s, NONE),
    ("inspect", float_to_s, NONE),
    ("nan?", |_, this, _| Ok(Value::Bool(as_float(this).is_some_and(f64::is_nan))), NONE),
    ("next_float", |_, this, _| Ok(Value::Float(as_float(this).unwrap_or(0.0).next_up())), NONE),
    ("prev_float", |_, this, _| Ok(Value::Float(as_float(this).unwrap_or(0.0).next_down())), NONE),
];

/// Methods of `Integer` itself.
pub(crate) const INTEGER_CLASS: Table = &[("sqrt", square_root, ONE)];

fn whole(value: &Value) -> i128 {
    value.as_integer().unwrap_or(0)
}

/// The number as a float, for anything numeric.
pub(crate) fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        other => other.as_integer().map(|number| number as f64),
    }
}

/// Raises where a result does not fit 128 bits.
fn fits(ruby: &mut Interpreter, result: Option<i128>) -> Eval {
    match result {
        Some(number) => Ok(Value::integer(number)),
        None => ruby.raise("RangeError", "the integer is too large for this interpreter"),
    }
}

fn arithmetic(ruby: &mut Interpreter, this: &Value, other: &Value, operator: char) -> Eval {
    if let (Some(a), Some(b)) = (this.as_integer(), other.as_integer()) {
        return match operator {
            '+' => fits(ruby, a.checked_add(b)),
            '-' => fits(ruby, a.checked_sub(b)),
            '*' => fits(ruby, a.checked_mul(b)),
            _ if b == 0 => ruby.raise("ZeroDivisionError", "divided by 0"),
            '/' => Ok(Value::integer(floor_div(a, b))),
            _ => Ok(Value::integer(a - floor_div(a, b) * b)),
        };
    }
    let (Some(a), Some(b)) = (as_float(this), as_float(other)) else {
        return coerced(ruby, this, other, &operator.to_string());
    };
    Ok(Value::Float(match operator {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        '/' => a / b,
        _ => {
            let rest = a % b;
            if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
        }
    }))
}

fn floor_div(a: i128, b: i128) -> i128 {
    let quotient = a.wrapping_div(b);
    if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient }
}

/// Asks the other operand to convert both, as Ruby's numbers do for classes that they do not know.
fn coerced(ruby: &mut Interpreter, this: &Value, other: &Value, operator: &str) -> Eval {
    if matches!(other, Value::Object(_))
        && ruby.responds_to(other, names::COERCE)?
        && let Value::Array(pair) = ruby.call_method(other, names::COERCE, Args::one(this.clone()))?
        && let (Some(left), Some(right)) = (pair.get(0), pair.get(1))
    {
        return ruby.call_method(&left, Symbol::new(operator), Args::one(right));
    }
    let shown = match other {
        Value::Nil | Value::Bool(_) => ruby.inspect(other)?,
        _ => ruby.describe_class(other),
    };
    let class = ruby.describe_class(this);
    if "&|^".contains(operator) || operator == "<<" || operator == ">>" {
        return ruby.no_conversion(other, "Integer");
    }
    ruby.raise("TypeError", format!("{shown} can't be coerced into {class}"))
}

fn power(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = args.at(0);
    if let (Some(base), Some(exponent)) = (this.as_integer(), other.as_integer()) {
        if let Some(modulus) = args.get(1).and_then(Value::as_integer) {
            let (mut result, mut base, mut left) = (1i128, base.rem_euclid(modulus.max(1)), exponent);
            while left > 0 {
                if left & 1 == 1 {
                    result = result * base % modulus;
                }
                base = base * base % modulus;
                left >>= 1;
            }
            return Ok(Value::integer(result));
        }
        if exponent < 0 {
            let positive = Value::integer(-exponent);
            let denominator = power(ruby, this, Args::one(positive))?;
            return ruby.send(&Value::Nil, "Rational", Args::of(vec![Value::Int(1), denominator]));
        }
        let exponent = u32::try_from(exponent).unwrap_or(u32::MAX);
        return match base.checked_pow(exponent) {
            Some(result) => Ok(Value::integer(result)),
            None if exponent > 100_000 => Ok(Value::Float(f64::INFINITY)),
            None => fits(ruby, None),
        };
    }
    match (as_float(this), as_float(&other)) {
        (Some(a), Some(b)) => Ok(Value::Float(a.powf(b))),
        _ => coerced(ruby, this, &other, "**"),
    }
}

/// The order of two numbers; `None` when one is none.
fn number_order(a: &Value, b: &Value) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (a.as_integer(), b.as_integer()) {
        return Some(a.cmp(&b));
    }
    as_float(a)?.partial_cmp(&as_float(b)?)
}

fn equal(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match args.at(0) {
        other @ Value::Object(_) => ruby.call_method(&other, names::EQUAL, Args::one(this.clone())),
        other => Ok(Value::Bool(number_order(this, &other) == Some(Ordering::Equal))),
    }
}

fn compare(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = args.at(0);
    if matches!(other, Value::Object(_)) && ruby.responds_to(&other, names::COERCE)? {
        return coerced(ruby, this, &other, "<=>");
    }
    Ok(number_order(this, &other).map_or(Value::Nil, |order| Value::Int(order as i64)))
}

fn order(ruby: &mut Interpreter, this: &Value, other: &Value, wanted: fn(Ordering) -> bool) -> Eval {
    if let Some(order) = number_order(this, other) {
        return Ok(Value::Bool(wanted(order)));
    }
    if as_float(other).is_some() {
        return Ok(Value::Bool(false));
    }
    Ok(Value::Bool(wanted(ruby.compare_or_raise(this, other)?)))
}

fn negate(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    match this {
        Value::Float(number) => Ok(Value::Float(-number)),
        other => fits(ruby, whole(other).checked_neg()),
    }
}

fn abs(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(match this {
        Value::Float(number) => Value::Float(number.abs()),
        other => Value::integer(whole(other).saturating_abs()),
    })
}

fn div(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if as_float(&args.at(0)) == Some(0.0) {
        return ruby.raise("ZeroDivisionError", "divided by 0");
    }
    let quotient = arithmetic(ruby, this, &args.at(0), '/')?;
    floor(ruby, &quotient, Args::none())
}

fn fdiv(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match (as_float(this), as_float(&args.at(0))) {
        (Some(a), Some(b)) => Ok(Value::Float(a / b)),
        _ => coerced(ruby, this, &args.at(0), "/"),
    }
}

fn divmod(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let quotient = div(ruby, this, args.clone())?;
    let rest = arithmetic(ruby, this, &args.at(0), '%')?;
    Ok(Value::array(vec![quotient, rest]))
}

fn remainder(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match (this.as_integer(), args.at(0).as_integer()) {
        (Some(_), Some(0)) => ruby.raise("ZeroDivisionError", "divided by 0"),
        (Some(a), Some(b)) => Ok(Value::integer(a % b)),
        _ => Ok(Value::Float(as_float(this).unwrap_or(0.0) % as_float(&args.at(0)).unwrap_or(f64::NAN))),
    }
}

fn coerce(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = args.at(0);
    if this.as_integer().is_some() && other.as_integer().is_some() {
        return Ok(Value::array(vec![other, this.clone()]));
    }
    let number = match &other {
        Value::Str(text) => text.with(float_text::parse_strict),
        other => as_float(other),
    };
    match (number, as_float(this)) {
        (Some(other), Some(this)) => Ok(Value::array(vec![Value::Float(other), Value::Float(this)])),
        _ => ruby.no_conversion(&other, "Float"),
    }
}

/// The whole part of a float, or the error for those without one.
fn integral(ruby: &mut Interpreter, number: f64) -> Eval {
    if number.is_finite() {
        return Ok(Value::integer(number as i128));
    }
    ruby.raise("FloatDomainError", float_text::to_s(number))
}

fn to_i(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    match this {
        Value::Float(number) => integral(ruby, number.trunc()),
        other => Ok(other.clone()),
    }
}

fn to_f(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Float(as_float(this).unwrap_or(0.0)))
}

fn rational(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    ruby.send(&Value::Nil, "Rational", Args::one(this.clone()))
}

/// Rounds to a number of decimals by a rule; negative numbers round before the point.
fn rounded(ruby: &mut Interpreter, this: &Value, args: &Args, rule: fn(f64, i32) -> f64) -> Eval {
    let digits = if args.at(0).is_nil() { 0 } else { ruby.expect_int(&args.at(0))? } as i32;
    match this {
        Value::Float(number) if digits > 0 => Ok(Value::Float(rule(*number, digits))),
        Value::Float(number) => integral(ruby, rule(*number, digits)),
        other if digits >= 0 => Ok(other.clone()),
        other => Ok(Value::integer(rule(whole(other) as f64, digits) as i128)),
    }
}

fn round(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.keyword("half").and_then(|half| half.text_or_symbol()).as_deref() == Some("even") {
        return rounded(ruby, this, &args, |number, digits| {
            let scale = 10f64.powi(digits);
            (number * scale).round_ties_even() / scale
        });
    }
    rounded(ruby, this, &args, float_text::round_to)
}

fn floor(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    rounded(ruby, this, &args, |number, digits| {
        let scale = 10f64.powi(digits);
        let result = (number * scale).floor() / scale;
        if digits > 0 && float_text::round_to(number, digits) == number { number } else { result }
    })
}

fn ceil(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    rounded(ruby, this, &args, |number, digits| {
        let scale = 10f64.powi(digits);
        let result = (number * scale).ceil() / scale;
        if digits > 0 && float_text::round_to(number, digits) == number { number } else { result }
    })
}

fn truncate(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if as_float(this).is_some_and(|number| number < 0.0) {
        ceil(ruby, this, args)
    } else {
        floor(ruby, this, args)
    }
}

fn infinite(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(match this {
        Value::Float(number) if number.is_infinite() => Value::Int(if *number > 0.0 { 1 } else { -1 }),
        _ => Value::Nil,
    })
}

fn step(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let by = args.keyword("by").or(args.get(1).cloned()).unwrap_or(Value::Int(1));
    let to = args.keyword("to").or(args.get(0).cloned()).unwrap_or(Value::Nil);
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, "step", args)) };
    let down = as_float(&by).is_some_and(|by| by < 0.0);
    if as_float(&by) == Some(0.0) {
        return ruby.raise("ArgumentError", "step can't be 0");
    }
    let floating = [this, &by, &to].iter().any(|value| matches!(value, Value::Float(_)));
    if floating && let (Some(first), Some(last), Some(by)) = (as_float(this), as_float(&to), as_float(&by)) {
        let turns = ((last - first) / by + 1e-9).floor() as i64;
        for turn in 0..=turns {
            ruby.call_proc_one(&block, Value::Float(first + turn as f64 * by))?;
        }
        return Ok(this.clone());
    }
    let mut current = this.clone();
    loop {
        if !to.is_nil()
            && ruby.compare_or_raise(&current, &to)? == if down { Ordering::Less } else { Ordering::Greater }
        {
            return Ok(this.clone());
        }
        ruby.call_proc_one(&block, current.clone())?;
        current = arithmetic(ruby, &current, &by, '+')?;
    }
}

fn to_s(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let base = if args.is_empty() { 10 } else { ruby.expect_int(&args.at(0))? };
    if base == 10 {
        return Ok(Value::str(whole(this).to_string()));
    }
    if !(2..=36).contains(&base) {
        return ruby.raise("ArgumentError", format!("invalid radix {base}"));
    }
    let (mut left, mut digits) = (whole(this).unsigned_abs(), Vec::new());
    loop {
        digits.push(char::from_digit((left % base as u128) as u32, base as u32).unwrap_or('0'));
        left /= base as u128;
        if left == 0 {
            break;
        }
    }
    let sign = if whole(this) < 0 { "-" } else { "" };
    Ok(Value::str(format!("{sign}{}", digits.iter().rev().collect::<String>())))
}

fn float_to_s(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(float_text::to_s(as_float(this).unwrap_or(0.0))))
}

fn times(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, "times", args)) };
    let mut turn = 0;
    while turn < whole(this) {
        ruby.call_proc_one(&block, Value::integer(turn))?;
        turn += 1;
    }
    Ok(this.clone())
}

fn count(ruby: &mut Interpreter, this: &Value, args: Args, by: i64) -> Eval {
    let name = if by > 0 { "upto" } else { "downto" };
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, name, args)) };
    if as_float(&args.at(0)).is_none() {
        ruby.compare_or_raise(this, &args.at(0))?;
    }
    let beyond = if by > 0 { Ordering::Greater } else { Ordering::Less };
    let mut current = this.clone();
    while number_order(&current, &args.at(0)) != Some(beyond) {
        ruby.call_proc_one(&block, current.clone())?;
        current = Value::integer(whole(&current) + i128::from(by));
    }
    Ok(this.clone())
}

fn chr(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let number = whole(this);
    match u8::try_from(number) {
        Ok(byte) if args.is_empty() => {
            let made = Value::bytes(vec![byte]);
            if let Value::Str(text) = &made {
                text.binary.set(byte > 127);
            }
            Ok(made)
        }
        _ => match u32::try_from(number).ok().and_then(char::from_u32) {
            Some(character) if !args.is_empty() => Ok(Value::str(character.to_string())),
            _ => ruby.raise("RangeError", format!("{number} out of char range")),
        },
    }
}

fn gcd_of(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs() } else { gcd_of(b, a % b) }
}

fn gcd(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = i128::from(ruby.expect_int(&args.at(0))?);
    Ok(Value::integer(gcd_of(whole(this), other)))
}

fn lcm(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = i128::from(ruby.expect_int(&args.at(0))?);
    let divisor = gcd_of(whole(this), other).max(1);
    fits(ruby, (whole(this) / divisor).checked_mul(other).map(i128::abs))
}

fn digits(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let base = if args.is_empty() { 10 } else { i128::from(ruby.expect_int(&args.at(0))?.max(2)) };
    let mut left = whole(this);
    if left < 0 {
        return ruby.raise("Math::DomainError", "out of domain");
    }
    let mut found = vec![Value::integer(left % base)];
    while left >= base {
        left /= base;
        found.push(Value::integer(left % base));
    }
    Ok(Value::array(found))
}

fn bit_length(number: i128) -> i64 {
    i64::from(128 - if number < 0 { (!number).leading_zeros() } else { number.leading_zeros() })
}

fn bits(ruby: &mut Interpreter, this: &Value, other: &Value, operator: char) -> Eval {
    let Some(b) = other.as_integer() else { return coerced(ruby, this, other, &operator.to_string()) };
    let a = whole(this);
    Ok(Value::integer(match operator {
        '&' => a & b,
        '|' => a | b,
        _ => a ^ b,
    }))
}

fn shift(ruby: &mut Interpreter, this: &Value, other: &Value, direction: i64) -> Eval {
    let by = ruby.expect_int(other)? * direction;
    let number = whole(this);
    if by < 0 {
        return Ok(Value::integer(number >> by.unsigned_abs().min(127)));
    }
    let fitting = bit_length(number) + by < 127;
    fits(ruby, if fitting || number == 0 { Some(number << by.min(126)) } else { None })
}

fn bit(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let at = ruby.expect_int(&args.at(0))?;
    Ok(Value::Int(if at < 0 { 0 } else { (whole(this) >> at.min(127) & 1) as i64 }))
}

fn square_root(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let number = ruby.expect_int(&args.at(0))?;
    match u64::try_from(number) {
        Ok(number) => Ok(Value::Int(number.isqrt() as i64)),
        Err(_) => ruby.raise("Math::DomainError", "Numerical argument is out of domain - \"isqrt\""),
    }
}
