//! Random numbers: from the host, or from a seed where a program asks for repeatable ones.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// Methods of `Random` objects and of `Random` itself, and of `Kernel`.
pub(crate) const METHODS: Table = &[
    ("rand", rand, Arity::between(0, 1)),
    ("bytes", bytes, Arity::exactly(1)),
    ("seed", seed, Arity::exactly(0)),
];

/// Functions of Kernel.
pub(crate) const FUNCTIONS: Table =
    &[("rand", rand, Arity::between(0, 1)), ("srand", |_, _, _| Ok(Value::Int(0)), Arity::between(0, 1))];

/// Methods of `Random` itself.
pub(crate) const CLASS_METHODS: Table = &[
    ("new", new, Arity::between(0, 1)),
    ("rand", rand, Arity::between(0, 1)),
    ("bytes", bytes, Arity::exactly(1)),
    ("new_seed", |ruby, _, _| Ok(Value::Int((word(ruby, &Value::Nil) >> 1) as i64)), Arity::exactly(0)),
    ("srand", |_, _, _| Ok(Value::Int(0)), Arity::between(0, 1)),
];

/// The state of a seeded generator.
struct Seeded {
    seed: i64,
    state: std::cell::Cell<u64>,
}

fn new(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let seed = if args.is_empty() { word(ruby, &Value::Nil) as i64 } else { ruby.expect_int(&args.at(0))? };
    let Value::Class(class) = this else { return Ok(Value::Nil) };
    Ok(ruby.new_object(class, Some(Box::new(Seeded { seed, state: std::cell::Cell::new(seed as u64) }))))
}

/// Sixty-four random bits, from the object's own sequence if it has one.
fn word(ruby: &mut Interpreter, this: &Value) -> u64 {
    if let Some(seeded) = this.data::<Seeded>() {
        // SplitMix64: small, and good enough for picking ports and names.
        let state = seeded.state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        seeded.state.set(state);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        return mixed ^ mixed >> 31;
    }
    let mut buffer = [0; 8];
    ruby.host.random(&mut buffer);
    u64::from_le_bytes(buffer)
}

/// A number from 0 to one less than `limit`.
pub(crate) fn below(ruby: &mut Interpreter, limit: u64) -> u64 {
    word(ruby, &Value::Nil) % limit.max(1)
}

fn seed(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Int(this.data::<Seeded>().map_or(0, |seeded| seeded.seed)))
}

fn rand(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let bits = word(ruby, this);
    let fraction = (bits >> 11) as f64 / (1u64 << 53) as f64;
    match args.at(0) {
        Value::Int(limit) if limit != 0 => Ok(Value::Int((bits % limit.unsigned_abs()) as i64)),
        Value::Float(limit) => Ok(Value::Float(fraction * limit)),
        Value::Range(range) => match (&range.begin, &range.end) {
            (Value::Int(first), Value::Int(last)) => {
                let size = last - first + i64::from(!range.exclusive);
                Ok(if size <= 0 { Value::Nil } else { Value::Int(first + (bits % size as u64) as i64) })
            }
            (first, last) => {
                let first = crate::core::format::float(ruby, first)?;
                let last = crate::core::format::float(ruby, last)?;
                Ok(Value::Float(first + fraction * (last - first)))
            }
        },
        _ => Ok(Value::Float(fraction)),
    }
}

fn bytes(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let count = ruby.expect_int(&args.at(0))?.max(0) as usize;
    ruby.charge(count)?;
    let made = Value::bytes((0..count).map(|_| word(ruby, this) as u8).collect());
    if let Value::Str(text) = &made {
        text.binary.set(true);
    }
    Ok(made)
}
