//! Random numbers: of a seed where a program gives one, else of one that the host gives.

use std::cell::RefCell;

use num_bigint::{BigInt, Sign};

use super::mersenne::Mersenne;
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// Methods of `Random` objects.
pub(crate) const METHODS: Table = &[
    ("rand", rand, Arity::between(0, 1)),
    ("bytes", bytes, Arity::exactly(1)),
    ("seed", seed, Arity::exactly(0)),
];

/// Functions of Kernel.
pub(crate) const FUNCTIONS: Table =
    &[("rand", kernel_rand, Arity::between(0, 1)), ("srand", srand, Arity::between(0, 1))];

/// Methods of `Random` itself.
pub(crate) const CLASS_METHODS: Table = &[
    ("new", new, Arity::between(0, 1)),
    ("rand", rand, Arity::between(0, 1)),
    ("bytes", bytes, Arity::exactly(1)),
    ("urandom", bytes, Arity::exactly(1)),
    ("seed", seed, Arity::exactly(0)),
    ("new_seed", |ruby, _, _| Ok(Value::big(fresh_seed(ruby))), Arity::exactly(0)),
    ("srand", srand, Arity::between(0, 1)),
];

/// A sequence with the seed that it came from.
pub(crate) struct Sequence {
    seed: BigInt,
    generator: Mersenne,
}

impl Sequence {
    fn new(seed: BigInt) -> Self {
        let generator = Mersenne::new(&seed.magnitude().to_u32_digits());
        Self { seed, generator }
    }
}

fn fresh_seed(ruby: &Interpreter) -> BigInt {
    let mut buffer = [0; 16];
    ruby.host.random(&mut buffer);
    BigInt::from_bytes_le(Sign::Plus, &buffer)
}

fn given_seed(ruby: &mut Interpreter, args: &Args) -> Eval<BigInt> {
    match args.get(0) {
        None => Ok(fresh_seed(ruby)),
        Some(Value::Big(number)) => Ok((**number).clone()),
        Some(other) => Ok(BigInt::from(ruby.expect_int(other)?)),
    }
}

fn new(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let sequence = Sequence::new(given_seed(ruby, &args)?);
    let Value::Class(class) = this else { return Ok(Value::Nil) };
    Ok(ruby.new_object(class, Some(Box::new(RefCell::new(sequence)))))
}

/// Seeds the sequence of the program itself, and answers with the seed before.
fn srand(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let sequence = Sequence::new(given_seed(ruby, &args)?);
    let before = ruby.random.replace(sequence);
    let before = before.map_or_else(|| fresh_seed(ruby), |sequence| sequence.seed);
    Ok(Value::big(before))
}

/// Works with the sequence of `this`, or with that of the program itself.
fn with<T>(ruby: &mut Interpreter, this: &Value, work: impl FnOnce(&mut Sequence) -> T) -> T {
    if let Some(own) = this.data::<RefCell<Sequence>>() {
        return work(&mut own.borrow_mut());
    }
    if ruby.random.is_none() {
        ruby.random = Some(Sequence::new(fresh_seed(ruby)));
    }
    match &mut ruby.random {
        Some(sequence) => work(sequence),
        None => work(&mut Sequence::new(BigInt::ZERO)),
    }
}

/// A number from 0 to one less than `limit`, from the generator that the option `random:` names, if it is there.
pub(crate) fn below(ruby: &mut Interpreter, generator: Option<&Value>, limit: u64) -> u64 {
    let this = generator.cloned().unwrap_or(Value::Nil);
    with(ruby, &this, |sequence| sequence.generator.up_to(limit.saturating_sub(1)))
}

fn seed(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let seed = with(ruby, this, |sequence| sequence.seed.clone());
    Ok(Value::big(seed))
}

/// `Kernel#rand` takes any number for a whole one, and nothing or zero for a fraction.
fn kernel_rand(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let args = match args.at(0) {
        Value::Nil | Value::Bool(false) => Args::none(),
        Value::Float(limit) if limit.abs() < 1.0 => Args::none(),
        Value::Float(limit) => Args::one(Value::Int(limit.abs() as i64)),
        Value::Int(0) => Args::none(),
        Value::Int(limit) => Args::one(Value::Int(limit.saturating_abs())),
        _ => args,
    };
    if let Value::Range(range) = args.at(0)
        && let (Value::Int(first), Value::Int(last)) = (&range.begin, &range.end)
        && last - i64::from(range.exclusive) < *first
    {
        return Ok(Value::Nil);
    }
    rand(ruby, &Value::Nil, args)
}

fn rand(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match args.get(0) {
        None => Ok(Value::Float(with(ruby, this, |sequence| sequence.generator.fraction()))),
        Some(Value::Int(limit)) if *limit > 0 => {
            let number = with(ruby, this, |sequence| sequence.generator.up_to(*limit as u64 - 1));
            Ok(Value::Int(number as i64))
        }
        Some(Value::Float(limit)) if *limit > 0.0 => {
            Ok(Value::Float(with(ruby, this, |sequence| sequence.generator.fraction()) * *limit))
        }
        Some(Value::Range(range)) => match (&range.begin, &range.end) {
            (Value::Int(first), Value::Int(last)) if last - i64::from(range.exclusive) >= *first => {
                let size = last.wrapping_sub(*first) as u64 - u64::from(range.exclusive);
                let number = with(ruby, this, |sequence| sequence.generator.up_to(size));
                Ok(Value::Int(first.wrapping_add(number as i64)))
            }
            (Value::Int(_), Value::Int(_)) => refused(ruby, &args.at(0)),
            (first, last) => {
                let first = crate::core::format::float(ruby, first)?;
                let last = crate::core::format::float(ruby, last)?;
                let fraction = with(ruby, this, |sequence| {
                    if range.exclusive {
                        sequence.generator.fraction()
                    } else {
                        sequence.generator.whole_fraction()
                    }
                });
                Ok(Value::Float(fraction * (last - first) + first))
            }
        },
        Some(Value::Float(0.0)) => rand(ruby, this, Args::none()),
        Some(other @ (Value::Int(_) | Value::Float(_) | Value::Nil)) => refused(ruby, other),
        Some(other) => {
            let limit = ruby.expect_int(other)?;
            rand(ruby, this, Args::one(Value::Int(limit)))
        }
    }
}

fn refused(ruby: &mut Interpreter, limit: &Value) -> Eval {
    let shown = ruby.to_s(limit)?;
    ruby.raise("ArgumentError", format!("invalid argument - {shown}"))
}

fn bytes(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let count = ruby.expect_int(&args.at(0))?.max(0) as usize;
    ruby.charge(count)?;
    let mut made = Vec::with_capacity(count.next_multiple_of(4));
    with(ruby, this, |sequence| {
        while made.len() < count {
            made.extend(sequence.generator.word().to_le_bytes());
        }
    });
    made.truncate(count);
    let made = Value::bytes(made);
    if let Value::Str(text) = &made {
        text.binary.set(true);
    }
    Ok(made)
}
