//! Rounding floats and integers to a number of decimals, which may be negative.

use num_bigint::{BigInt, Sign};

use super::whole_part;
use crate::args::Args;
use crate::core::float_text;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// Which neighbour a number between two goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Floor,
    Ceil,
    HalfUp,
    HalfDown,
    HalfEven,
}

/// The whole part of a float, or the error for those without one.
pub(super) fn integral(ruby: &mut Interpreter, number: f64) -> Eval {
    if number.is_finite() {
        return Ok(Value::big(whole_part(number)));
    }
    ruby.raise("FloatDomainError", float_text::to_s(number))
}

fn rounded(ruby: &mut Interpreter, this: &Value, args: &Args, rule: Rule) -> Eval {
    let digits = if args.at(0).is_nil() { 0 } else { ruby.expect_int(&args.at(0))? };
    match this {
        Value::Float(number) if digits > 0 => Ok(Value::Float(decimals(*number, digits, rule))),
        Value::Float(number) if digits == 0 || !number.is_finite() => integral(ruby, to_whole(*number, rule)),
        Value::Float(number) => {
            let whole = match rule {
                Rule::Floor => number.floor(),
                Rule::Ceil => number.ceil(),
                _ => number.trunc(),
            };
            Ok(Value::big(tens(&whole_part(whole), digits.unsigned_abs(), rule)))
        }
        other if digits >= 0 => Ok(other.clone()),
        other => Ok(Value::big(tens(&other.as_big().unwrap_or_default(), digits.unsigned_abs(), rule))),
    }
}

fn to_whole(number: f64, rule: Rule) -> f64 {
    match rule {
        Rule::Floor => number.floor(),
        Rule::Ceil => number.ceil(),
        Rule::HalfUp => number.round(),
        Rule::HalfEven => number.round_ties_even(),
        Rule::HalfDown => {
            if (number - number.trunc()).abs() <= 0.5 {
                number.trunc()
            } else {
                number.round()
            }
        }
    }
}

fn decimals(number: f64, digits: i64, rule: Rule) -> f64 {
    if !number.is_finite() || digits >= 17 {
        return number;
    }
    let digits = digits as i32;
    let scale = 10f64.powi(digits);
    match rule {
        Rule::HalfUp => float_text::round_to(number, digits),
        // The number may already have no more decimals than asked for, which multiplying would hide.
        Rule::Floor | Rule::Ceil if float_text::round_to(number, digits) == number => number,
        _ => {
            let result = to_whole(number * scale, rule) / scale;
            if result.is_finite() { result } else { number }
        }
    }
}

/// An integer rounded to a power of ten.
fn tens(number: &BigInt, digits: u64, rule: Rule) -> BigInt {
    let length = number.to_string().len() as u64;
    if digits > length + 1 {
        let up = rule == Rule::Ceil && number.sign() == Sign::Plus;
        let down = rule == Rule::Floor && number.sign() == Sign::Minus;
        if !(up || down) {
            return BigInt::default();
        }
    }
    let scale = BigInt::from(10).pow(digits.min(4096) as u32);
    let below = super::floor_div(number, &scale) * &scale;
    let above = &below + &scale;
    if rule == Rule::Ceil && number.bits() > 62 {
        // Ruby 3.1 goes up with large numbers even from an exact multiple.
        return above;
    }
    if below == *number {
        return below;
    }
    let half = &below * 2 + &scale;
    let twice = number * 2;
    let negative = number.sign() == Sign::Minus;
    let up = match rule {
        Rule::Floor => false,
        Rule::Ceil => true,
        _ if twice != half => twice > half,
        Rule::HalfUp => !negative,
        Rule::HalfDown => negative,
        Rule::HalfEven => {
            let two = BigInt::from(2);
            (&below / &scale) % two != BigInt::default()
        }
    };
    if up { above } else { below }
}

pub(super) fn round(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let half = args.keyword("half").unwrap_or(Value::Nil);
    let rule = match half.text_or_symbol().as_deref() {
        Some("even") => Rule::HalfEven,
        Some("down") => Rule::HalfDown,
        Some("up") => Rule::HalfUp,
        None if half.is_nil() => Rule::HalfUp,
        _ if this.is_integer() && args.is_empty() => Rule::HalfUp,
        _ => {
            let shown = ruby.to_s(&half)?;
            return ruby.raise("ArgumentError", format!("invalid rounding mode: {shown}"));
        }
    };
    rounded(ruby, this, &args, rule)
}

pub(super) fn floor(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    rounded(ruby, this, &args, Rule::Floor)
}

pub(super) fn ceil(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    rounded(ruby, this, &args, Rule::Ceil)
}

pub(super) fn truncate(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if super::is_negative(this) { ceil(ruby, this, args) } else { floor(ruby, this, args) }
}
