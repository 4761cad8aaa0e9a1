//! `Integer#**` and `Integer#pow`, with Ruby 3.1's own limit on the size of what comes out.

use num_bigint::{BigInt, Sign};

use super::{as_float, coerced};
use crate::args::Args;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// In bits: what would become larger is infinite (`BIGLEN_LIMIT` of Ruby 3.1).
const LIMIT: u64 = 32 * 1024 * 1024;

pub(super) fn power(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = args.at(0);
    if let (Some(base), Some(exponent)) = (this.as_big(), other.as_big()) {
        if let Some(modulus) = args.get(1) {
            return power_modulo(ruby, &base, &exponent, modulus);
        }
        if exponent.sign() == Sign::Minus {
            let parts = vec![this.clone(), Value::Int(1)];
            let fraction = ruby.send(&Value::Nil, "Rational", Args::of(parts))?;
            return ruby.send(&fraction, "**", Args::one(other));
        }
        if base.bits() <= 1 {
            // 0, 1 and -1 stay small whatever the exponent is.
            let odd = exponent.bit(0);
            let zero = exponent.sign() == Sign::NoSign;
            return Ok(Value::big(if zero || (!odd && base.sign() == Sign::Minus) {
                1.into()
            } else {
                base
            }));
        }
        return match u32::try_from(&exponent) {
            Ok(exponent) if size(this, &base, exponent) <= LIMIT => {
                ruby.charge((base.bits() * u64::from(exponent)) as usize / 8)?;
                Ok(Value::big(base.pow(exponent)))
            }
            _ => {
                // Of floating-point numbers, those of more than 53 bits are even.
                let odd = exponent.bit(0) && exponent.bits() <= 53;
                let negative = odd && matches!(this, Value::Big(_)) && base.sign() == Sign::Minus;
                Ok(Value::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY }))
            }
        };
    }
    match (as_float(this), as_float(&other)) {
        (Some(a), Some(b)) => Ok(Value::Float(a.powf(b))),
        _ => coerced(ruby, this, &other, "**"),
    }
}

/// What Ruby takes for the bits of a power: small numbers are squared as long as that leaves them small, large ones are
/// as long as their length tells.
fn size(this: &Value, base: &BigInt, exponent: u32) -> u64 {
    let Value::Int(small) = this else { return base.bits() * u64::from(exponent) };
    let (mut square, mut left, mut rest) = (small.unsigned_abs(), exponent & !1, 1_u64);
    if exponent & 1 == 1 {
        rest = square;
    }
    while left > 0 {
        while left % 2 == 0 {
            if square >= 1 << 31 {
                return bits(square) * u64::from(left);
            }
            square *= square;
            left /= 2;
        }
        match rest.checked_mul(square).filter(|product| *product < 1 << 62) {
            Some(product) => rest = product,
            None => return bits(square) * u64::from(left),
        }
        left -= 1;
    }
    bits(rest)
}

fn bits(number: u64) -> u64 {
    u64::from(u64::BITS - number.leading_zeros())
}

fn power_modulo(ruby: &mut Interpreter, base: &BigInt, exponent: &BigInt, modulus: &Value) -> Eval {
    let Some(modulus) = modulus.as_big() else {
        return ruby
            .raise("TypeError", "Integer#pow() 2nd argument not allowed unless all arguments are integers");
    };
    if exponent.sign() == Sign::Minus {
        return ruby.raise(
            "RangeError",
            "Integer#pow() 1st argument cannot be negative when 2nd argument specified",
        );
    }
    if modulus.sign() == Sign::NoSign {
        return ruby.raise("ZeroDivisionError", "divided by 0");
    }
    Ok(Value::big(base.modpow(exponent, &modulus)))
}
