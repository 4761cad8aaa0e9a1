//! `Comparable`: everything that needs nothing but `<=>`.

use std::cmp::Ordering;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// Methods of everything comparable.
pub(crate) const METHODS: Table = &[
    ("==", equal, Arity::exactly(1)),
    ("<", |ruby, this, args| order(ruby, this, &args, Ordering::is_lt), Arity::exactly(1)),
    ("<=", |ruby, this, args| order(ruby, this, &args, Ordering::is_le), Arity::exactly(1)),
    (">", |ruby, this, args| order(ruby, this, &args, Ordering::is_gt), Arity::exactly(1)),
    (">=", |ruby, this, args| order(ruby, this, &args, Ordering::is_ge), Arity::exactly(1)),
    ("between?", between, Arity::exactly(2)),
    ("clamp", clamp, Arity::between(1, 2)),
];

fn equal(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if this.same(&args.at(0)) {
        return Ok(Value::Bool(true));
    }
    Ok(Value::Bool(ruby.compare(this, &args.at(0))? == Some(Ordering::Equal)))
}

fn order(ruby: &mut Interpreter, this: &Value, args: &Args, wanted: fn(Ordering) -> bool) -> Eval {
    Ok(Value::Bool(wanted(ruby.compare_or_raise(this, &args.at(0))?)))
}

fn between(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let low = ruby.compare_or_raise(this, &args.at(0))?;
    Ok(Value::Bool(low.is_ge() && ruby.compare_or_raise(this, &args.at(1))?.is_le()))
}

fn clamp(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (low, high) = match args.at(0) {
        Value::Range(range) => (range.begin.clone(), range.end.clone()),
        low => (low, args.at(1)),
    };
    if !low.is_nil() && !high.is_nil() && ruby.compare_or_raise(&low, &high)?.is_gt() {
        return ruby.raise("ArgumentError", "min argument must be smaller than max argument");
    }
    if !low.is_nil() && ruby.compare_or_raise(this, &low)?.is_lt() {
        return Ok(low);
    }
    if !high.is_nil() && ruby.compare_or_raise(this, &high)?.is_gt() {
        return Ok(high);
    }
    Ok(this.clone())
}
