//! What only integers can do: digits, bits, divisors, counting.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use super::{NONE, ONE, OPTIONAL, arithmetic, as_float, big, coerced, is_negative, number_order};
use crate::args::Args;
use crate::class::Table;
use crate::core::enumerator::enumerator;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

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
    ("even?", |_, this, _| Ok(Value::Bool(!is_odd(this))), NONE),
    ("odd?", |_, this, _| Ok(Value::Bool(is_odd(this))), NONE),
    ("gcd", gcd, ONE),
    ("lcm", lcm, ONE),
    ("gcdlcm", gcdlcm, ONE),
    ("digits", digits, OPTIONAL),
    ("bit_length", |_, this, _| Ok(Value::Int(bit_length(&big(this)) as i64)), NONE),
    ("size", size, NONE),
    ("&", |ruby, this, args| bits(ruby, this, &args.at(0), '&'), ONE),
    ("|", |ruby, this, args| bits(ruby, this, &args.at(0), '|'), ONE),
    ("^", |ruby, this, args| bits(ruby, this, &args.at(0), '^'), ONE),
    ("~", |_, this, _| Ok(Value::big(!big(this))), NONE),
    ("<<", |ruby, this, args| shift(ruby, this, &args.at(0), 1), ONE),
    (">>", |ruby, this, args| shift(ruby, this, &args.at(0), -1), ONE),
    ("[]", bit, ONE),
    ("numerator", |_, this, _| Ok(this.clone()), NONE),
    ("denominator", |_, _, _| Ok(Value::Int(1)), NONE),
    ("allbits?", |ruby, this, args| mask(ruby, this, &args, |bits, mask| bits & mask == *mask), ONE),
    ("anybits?", |ruby, this, args| mask(ruby, this, &args, |bits, mask| bits & mask != BigInt::ZERO), ONE),
    ("nobits?", |ruby, this, args| mask(ruby, this, &args, |bits, mask| bits & mask == BigInt::ZERO), ONE),
];

/// Methods of `Integer` itself.
pub(crate) const INTEGER_CLASS: Table = &[("sqrt", square_root, ONE), ("try_convert", try_convert, ONE)];

fn is_odd(value: &Value) -> bool {
    match value {
        Value::Int(number) => number & 1 == 1,
        other => big(other).bit(0),
    }
}

/// The integer that an argument is, or Ruby's error.
fn expect_big(ruby: &mut Interpreter, value: &Value) -> Eval<BigInt> {
    match value.as_big() {
        Some(number) => Ok(number),
        None if matches!(value, Value::Float(_)) => Ok(BigInt::from(ruby.expect_int(value)?)),
        None => ruby.expect_int(value).map(BigInt::from),
    }
}

fn mask(ruby: &mut Interpreter, this: &Value, args: &Args, question: fn(&BigInt, &BigInt) -> bool) -> Eval {
    let other = expect_big(ruby, &args.at(0))?;
    Ok(Value::Bool(question(&big(this), &other)))
}

fn size(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Int(match this {
        Value::Big(number) => number.bits().div_ceil(8) as i64,
        _ => 8,
    }))
}

fn to_s(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let base = if args.is_empty() { 10 } else { ruby.expect_int(&args.at(0))? };
    if !(2..=36).contains(&base) {
        return ruby.raise("ArgumentError", format!("invalid radix {base}"));
    }
    Ok(Value::str(match this {
        Value::Int(number) if base == 10 => number.to_string(),
        other => big(other).to_str_radix(base as u32),
    }))
}

fn times(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, "times", args)) };
    let end = this.as_integer().unwrap_or(i128::MAX);
    let mut turn = 0;
    while turn < end {
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
        current = arithmetic(ruby, &current, &Value::Int(by), '+')?;
    }
    Ok(this.clone())
}

fn chr(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(number) = this.as_integer().filter(|number| u32::try_from(*number).is_ok()) else {
        let what = if matches!(this, Value::Big(_)) {
            "bignum out of char range".to_owned()
        } else {
            format!("{} out of char range", big(this))
        };
        return ruby.raise("RangeError", what);
    };
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
            _ if !args.is_empty() => {
                ruby.raise("RangeError", format!("invalid codepoint 0x{number:X} in UTF-8"))
            }
            _ => ruby.raise("RangeError", format!("{number} out of char range")),
        },
    }
}

fn magnitude(number: BigInt) -> BigInt {
    if number.sign() == Sign::Minus { -number } else { number }
}

fn gcd_of(mut a: BigInt, mut b: BigInt) -> BigInt {
    while b.sign() != Sign::NoSign {
        let rest = &a % &b;
        a = b;
        b = rest;
    }
    magnitude(a)
}

fn integer_only(ruby: &mut Interpreter, value: &Value) -> Eval<BigInt> {
    match value.as_big() {
        Some(number) => Ok(number),
        None => ruby.raise("TypeError", "not an integer"),
    }
}

fn gcd(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = integer_only(ruby, &args.at(0))?;
    Ok(Value::big(gcd_of(big(this), other)))
}

fn lcm(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = integer_only(ruby, &args.at(0))?;
    let divisor = gcd_of(big(this), other.clone());
    if divisor.sign() == Sign::NoSign {
        return Ok(Value::Int(0));
    }
    Ok(Value::big(magnitude(big(this) / divisor * other)))
}

fn gcdlcm(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::array(vec![gcd(ruby, this, args.clone())?, lcm(ruby, this, args)?]))
}

fn digits(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let base = if args.is_empty() { BigInt::from(10) } else { expect_big(ruby, &args.at(0))? };
    if is_negative(this) {
        return ruby.raise("Math::DomainError", "out of domain");
    }
    if base.sign() == Sign::Minus {
        return ruby.raise("ArgumentError", "negative radix");
    }
    if base < BigInt::from(2) {
        return ruby.raise("ArgumentError", format!("invalid radix {base}"));
    }
    let mut left = big(this);
    let mut found = vec![Value::big(&left % &base)];
    while left >= base {
        left /= &base;
        found.push(Value::big(&left % &base));
    }
    Ok(Value::array(found))
}

fn bit_length(number: &BigInt) -> u64 {
    if number.sign() == Sign::Minus { (!number).bits() } else { number.bits() }
}

fn bits(ruby: &mut Interpreter, this: &Value, other: &Value, operator: char) -> Eval {
    if let (Value::Int(a), Value::Int(b)) = (this, other) {
        return Ok(Value::Int(match operator {
            '&' => a & b,
            '|' => a | b,
            _ => a ^ b,
        }));
    }
    let Some(b) = other.as_big() else { return coerced(ruby, this, other, &operator.to_string()) };
    let a = big(this);
    Ok(Value::big(match operator {
        '&' => a & b,
        '|' => a | b,
        _ => a ^ b,
    }))
}

fn shift(ruby: &mut Interpreter, this: &Value, other: &Value, direction: i64) -> Eval {
    let by = ruby.expect_int(other)?.saturating_mul(direction);
    let number = big(this);
    if by < 0 {
        if by.unsigned_abs() > number.bits() {
            return Ok(Value::Int(if is_negative(this) { -1 } else { 0 }));
        }
        return Ok(Value::big(number >> by.unsigned_abs()));
    }
    if number.sign() == Sign::NoSign {
        return Ok(Value::Int(0));
    }
    ruby.charge(by as usize / 8)?;
    if by > 1 << 40 {
        return ruby.raise("RangeError", "shift width too big");
    }
    Ok(Value::big(number << by))
}

fn bit(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let at = match args.at(0) {
        Value::Big(number) => {
            let beyond = number.sign() == Sign::Plus && is_negative(this);
            return Ok(Value::Int(i64::from(beyond)));
        }
        other => ruby.expect_int(&other)?,
    };
    Ok(Value::Int(i64::from(at >= 0 && big(this).bit(at as u64))))
}

fn square_root(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let number = expect_big(ruby, &args.at(0))?;
    if number.sign() == Sign::Minus {
        return ruby.raise("Math::DomainError", "Numerical argument is out of domain - \"isqrt\"");
    }
    Ok(Value::big(number.sqrt()))
}

fn try_convert(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let value = args.at(0);
    if value.is_integer() {
        return Ok(value);
    }
    if ruby.responds_to(&value, crate::symbol::names::TO_INT)? {
        return ruby.send(&value, "to_int", Args::none());
    }
    Ok(Value::Nil)
}
