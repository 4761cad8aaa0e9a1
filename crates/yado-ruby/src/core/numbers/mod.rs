//! `Integer` and `Float`: arithmetic between 64-bit, arbitrarily large and floating-point numbers.

mod integers;
mod power;
mod rounding;

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

pub(crate) use integers::{INTEGER, INTEGER_CLASS};
use power::power;
use rounding::{ceil, floor, integral, round, truncate};

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
    ("quo", quo, ONE),
    ("real", |_, this, _| Ok(this.clone()), NONE),
    ("imaginary", |_, _, _| Ok(Value::Int(0)), NONE),
    ("conj", |_, this, _| Ok(this.clone()), NONE),
    ("divmod", divmod, ONE),
    ("remainder", remainder, ONE),
    ("coerce", coerce, ONE),
    ("to_i", to_i, NONE),
    ("to_int", to_i, NONE),
    ("truncate", truncate, OPTIONAL),
    ("to_f", to_f, NONE),
    ("to_c", |_, this, _| Ok(this.clone()), NONE),
    ("to_r", rational, Arity::at_least(0)),
    ("rationalize", rationalize, Arity::between(0, 1)),
    ("round", round, OPTIONAL.with_keywords()),
    ("floor", floor, OPTIONAL),
    ("ceil", ceil, OPTIONAL),
    ("zero?", |_, this, _| Ok(Value::Bool(as_float(this) == Some(0.0))), NONE),
    ("positive?", |_, this, _| Ok(Value::Bool(as_float(this).is_some_and(|it| it > 0.0))), NONE),
    ("negative?", |_, this, _| Ok(Value::Bool(as_float(this).is_some_and(|it| it < 0.0))), NONE),
    ("nonzero?", |_, this, _| Ok(if as_float(this) == Some(0.0) { Value::Nil } else { this.clone() }), NONE),
    ("finite?", |_, this, _| Ok(Value::Bool(as_float(this).is_some_and(f64::is_finite))), NONE),
    ("infinite?", infinite, NONE),
    ("integer?", |_, this, _| Ok(Value::Bool(this.is_integer())), NONE),
    ("real?", |_, _, _| Ok(Value::Bool(true)), NONE),
    ("eql?", |_, this, args| Ok(Value::Bool(crate::hash::eql(this, &args.at(0)))), ONE),
    ("hash", |_, this, _| Ok(Value::Int(crate::core::library::native_hash(this))), NONE),
    ("step", step, Arity::between(0, 2).with_keywords()),
    ("dup", |_, this, _| Ok(this.clone()), NONE),
];

/// Methods of floats only.
pub(crate) const FLOAT: Table = &[
    ("to_s", float_to_s, NONE),
    ("inspect", float_to_s, NONE),
    ("numerator", |ruby, this, _| part(ruby, this, "numerator"), NONE),
    ("denominator", |ruby, this, _| part(ruby, this, "denominator"), NONE),
    ("nan?", |_, this, _| Ok(Value::Bool(as_float(this).is_some_and(f64::is_nan))), NONE),
    ("next_float", |_, this, _| Ok(Value::Float(as_float(this).unwrap_or(0.0).next_up())), NONE),
    ("prev_float", |_, this, _| Ok(Value::Float(as_float(this).unwrap_or(0.0).next_down())), NONE),
];

/// The number as a float, for anything numeric.
pub(crate) fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        // Reading the decimal text rounds to the nearest float, and to infinity beyond all of them.
        Value::Big(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// The integer of any size; 0 for what is none.
fn big(value: &Value) -> BigInt {
    value.as_big().unwrap_or_default()
}

/// The exact integer that a float without fraction is.
pub(crate) fn whole_part(number: f64) -> BigInt {
    format!("{number:.0}").parse().unwrap_or_default()
}

fn is_negative(value: &Value) -> bool {
    match value {
        Value::Int(number) => *number < 0,
        Value::Big(number) => number.sign() == Sign::Minus,
        other => as_float(other).is_some_and(|number| number < 0.0),
    }
}

fn arithmetic(ruby: &mut Interpreter, this: &Value, other: &Value, operator: char) -> Eval {
    if this.is_integer() && other.is_integer() {
        return whole_arithmetic(ruby, this, other, operator);
    }
    let (Some(a), Some(b)) = (as_float(this), as_float(other)) else {
        return coerced(ruby, this, other, &operator.to_string());
    };
    if operator == '%' && matches!(other, Value::Int(0)) {
        return ruby.raise("ZeroDivisionError", "divided by 0");
    }
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

fn whole_arithmetic(ruby: &mut Interpreter, this: &Value, other: &Value, operator: char) -> Eval {
    if matches!(operator, '/' | '%') && matches!(other, Value::Int(0)) {
        return ruby.raise("ZeroDivisionError", "divided by 0");
    }
    if let (Value::Int(a), Value::Int(b)) = (this, other) {
        let (a, b) = (i128::from(*a), i128::from(*b));
        return Ok(Value::integer(match operator {
            '+' => a + b,
            '-' => a - b,
            '*' => a * b,
            '/' => a.div_euclid(b) - i128::from(b < 0 && a.rem_euclid(b) != 0),
            _ => {
                let rest = a.rem_euclid(b);
                if b < 0 && rest != 0 { rest + b } else { rest }
            }
        }));
    }
    let (a, b) = (big(this), big(other));
    if operator == '*' {
        ruby.charge((a.bits() + b.bits()) as usize / 8)?;
    }
    Ok(Value::big(match operator {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        '/' => floor_div(&a, &b),
        _ => &a - floor_div(&a, &b) * &b,
    }))
}

/// Division that rounds towards negative infinity, as Ruby's does.
fn floor_div(a: &BigInt, b: &BigInt) -> BigInt {
    let (quotient, rest) = (a / b, a % b);
    if rest.sign() != Sign::NoSign && rest.sign() != b.sign() { quotient - 1 } else { quotient }
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
        Value::Nil | Value::Bool(_) | Value::Float(_) => ruby.inspect(other)?,
        _ => ruby.describe_class(other),
    };
    let class = ruby.describe_class(this);
    ruby.raise("TypeError", format!("{shown} can't be coerced into {class}"))
}

/// The order of two numbers; `None` when one is none.
fn number_order(a: &Value, b: &Value) -> Option<Ordering> {
    if let (Value::Int(a), Value::Int(b)) = (a, b) {
        return Some(a.cmp(b));
    }
    if let (Some(a), Some(b)) = (a.as_big(), b.as_big()) {
        return Some(a.cmp(&b));
    }
    match (a, b) {
        // An integer beyond 53 bits must not be rounded before it is compared.
        (Value::Float(left), _) if left.is_finite() && b.is_integer() => Some(
            whole_part(left.floor()).cmp(&big(b)).then(left.fract().total_cmp(&0.0).max(Ordering::Equal)),
        ),
        (_, Value::Float(right)) if right.is_finite() && a.is_integer() => {
            number_order(b, a).map(Ordering::reverse)
        }
        _ => as_float(a)?.partial_cmp(&as_float(b)?),
    }
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
        other => arithmetic(ruby, &Value::Int(0), other, '-'),
    }
}

fn abs(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match this {
        Value::Float(number) => Ok(Value::Float(number.abs())),
        other if is_negative(other) => negate(ruby, other, args),
        other => Ok(other.clone()),
    }
}

fn div(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if as_float(&args.at(0)) == Some(0.0) {
        return ruby.raise("ZeroDivisionError", "divided by 0");
    }
    let quotient = arithmetic(ruby, this, &args.at(0), '/')?;
    ruby.send(&quotient, "floor", Args::none())
}

/// The exact quotient of two integers, or that of floats.
fn quo(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if this.is_integer() && args.at(0).is_integer() {
        return ruby.send(&Value::Nil, "Rational", Args::of(vec![this.clone(), args.at(0)]));
    }
    fdiv(ruby, this, args)
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
    match (this.as_big(), args.at(0)) {
        (Some(_), Value::Int(0)) => ruby.raise("ZeroDivisionError", "divided by 0"),
        (Some(a), other) if other.is_integer() => Ok(Value::big(a % big(&other))),
        (_, other) => match (as_float(this), as_float(&other)) {
            (Some(a), Some(b)) => Ok(Value::Float(a % b)),
            _ => coerced(ruby, this, &other, "remainder"),
        },
    }
}

fn coerce(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = args.at(0);
    if this.is_integer() && other.is_integer() {
        return Ok(Value::array(vec![other, this.clone()]));
    }
    let number = match &other {
        Value::Str(_) => Some(crate::core::format::float(ruby, &other)?),
        other => as_float(other),
    };
    match (number, as_float(this)) {
        (Some(other), Some(this)) => Ok(Value::array(vec![Value::Float(other), Value::Float(this)])),
        _ => ruby.no_conversion(&other, "Float"),
    }
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

/// The fraction that a float is exactly.
fn exact(number: f64) -> (BigInt, BigInt) {
    let bits = number.to_bits();
    let stored = (bits >> 52 & 0x7ff) as i64;
    let hidden = if stored == 0 { 0 } else { 1u64 << 52 };
    let mantissa = BigInt::from(bits & ((1 << 52) - 1) | hidden);
    let mantissa = if number.is_sign_negative() { -mantissa } else { mantissa };
    let exponent = stored.max(1) - 1075;
    let scale = BigInt::from(1) << exponent.unsigned_abs();
    if exponent < 0 { (mantissa, scale) } else { (mantissa * scale, 1.into()) }
}

/// One of the parts of a float as a fraction.
fn part(ruby: &mut Interpreter, this: &Value, name: &str) -> Eval {
    let fraction = rational(ruby, this, Args::none())?;
    ruby.send(&fraction, name, Args::none())
}

fn rational(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    if let Value::Float(number) = this {
        if !number.is_finite() {
            return ruby.raise("FloatDomainError", float_text::to_s(*number));
        }
        let (top, bottom) = exact(*number);
        return ruby.send(&Value::Nil, "Rational", Args::of(vec![Value::big(top), Value::big(bottom)]));
    }
    ruby.send(&Value::Nil, "Rational", Args::one(this.clone()))
}

/// The simplest fraction that is no farther away than the argument.
fn rationalize(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let exact = rational(ruby, this, Args::none())?;
    if !matches!(this, Value::Float(_)) {
        return Ok(exact);
    }
    let class = Value::Class(ruby.class_of(&exact));
    ruby.send(&class, "__rationalize", Args::of(vec![this.clone(), args.at(0)]))
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

fn float_to_s(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(float_text::to_s(as_float(this).unwrap_or(0.0))))
}
