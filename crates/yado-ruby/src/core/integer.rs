//! Integer.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// Methods of integers.
pub(crate) const INSTANCE: Table = &[
    ("to_s", to_s, Arity::between(0, 1)),
    ("inspect", to_s, Arity::between(0, 1)),
    ("times", times, Arity::exactly(0)),
    ("==", equal, Arity::exactly(1)),
];

fn to_s(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::str(this.as_integer().unwrap_or(0).to_string()))
}

fn times(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = super::kernel::expect_block(interpreter, &args)?;
    let mut turn = 0;
    while i128::from(turn) < this.as_integer().unwrap_or(0) {
        interpreter.call_proc_one(&block, Value::Int(turn))?;
        turn += 1;
    }
    Ok(this.clone())
}

fn equal(_interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(this.same(&args.at(0))))
}
