//! String and Symbol.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// Methods of strings.
pub(crate) const INSTANCE: Table = &[
    ("to_s", itself, Arity::exactly(0)),
    ("to_str", itself, Arity::exactly(0)),
    ("inspect", inspect, Arity::exactly(0)),
    ("upcase", upcase, Arity::exactly(0)),
    ("+", plus, Arity::exactly(1)),
];

/// Methods of `String` itself.
pub(crate) const SINGLETON: Table = &[];

/// Methods of symbols.
pub(crate) const SYMBOL: Table = &[("inspect", symbol_inspect, Arity::exactly(0))];

fn itself(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(this.clone())
}

fn inspect(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let text = interpreter.to_s(this)?;
    Ok(Value::str(format!("{text:?}")))
}

fn upcase(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::str(interpreter.to_s(this)?.to_uppercase()))
}

fn plus(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut text = interpreter.to_s(this)?;
    text.push_str(&interpreter.expect_string(&args.at(0))?);
    interpreter.charge(text.len())?;
    Ok(Value::str(text))
}

fn symbol_inspect(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::str(format!(":{}", interpreter.to_s(this)?)))
}
