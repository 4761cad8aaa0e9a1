//! Hash.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// Methods of hashes.
pub(crate) const INSTANCE: Table = &[("[]", index, Arity::exactly(1)), ("[]=", index_set, Arity::exactly(2))];

/// Methods of `Hash` itself.
pub(crate) const SINGLETON: Table = &[];

fn index(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Value::Hash(hash) = this else { return Ok(Value::Nil) };
    interpreter.hash_fetch(hash, &args.at(0))
}

fn index_set(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Value::Hash(hash) = this else { return Ok(Value::Nil) };
    interpreter.hash_store(hash, &args.at(0), args.at(1))?;
    Ok(args.at(1))
}
