//! Who called: `caller`, and `caller_locations`, whose answers know their file, line and method.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::library::constant_at;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// Functions of Kernel.
pub(crate) const FUNCTIONS: Table =
    &[("caller", caller, Arity::between(0, 2)), ("caller_locations", locations, Arity::between(0, 2))];

/// The lines of the backtrace that the arguments ask for (a start, a start and a length, or a range), or nil beyond
/// its end. The method that asks is the first of them, and is left out unless they say 0.
fn caller(ruby: &mut Interpreter, _this: &Value, args: Args) -> Eval {
    let lines: Vec<Value> = ruby.backtrace(1).into_iter().map(Value::str).collect();
    if matches!(args.get(0), Some(Value::Range(_))) {
        return ruby.send(&Value::array(lines), "[]", args);
    }
    let start = args.get(0).map_or(Ok(1), |start| ruby.expect_int(start))?;
    let Some(rest) = usize::try_from(start).ok().and_then(|start| lines.get(start..)) else {
        return if start < 0 {
            ruby.raise("ArgumentError", format!("negative level ({start})"))
        } else {
            Ok(Value::Nil)
        };
    };
    let length = match args.get(1) {
        None | Some(Value::Nil) => rest.len(),
        Some(length) => usize::try_from(ruby.expect_int(length)?).unwrap_or(0).min(rest.len()),
    };
    Ok(Value::array(rest[..length].to_vec()))
}

fn locations(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Value::Array(lines) = caller(ruby, this, args)? else { return Ok(Value::Nil) };
    let class = constant_at(ruby, &["Thread", "Backtrace", "Location"])?;
    let made: Eval<Vec<Value>> =
        lines.to_vec().into_iter().map(|line| ruby.send(&class, "new", Args::one(line))).collect();
    Ok(Value::array(made?))
}
