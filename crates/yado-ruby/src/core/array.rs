//! Array.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// Methods of arrays.
pub(crate) const INSTANCE: Table = &[("each", each, Arity::exactly(0)), ("inspect", inspect, Arity::exactly(0))];

/// Methods of `Array` itself.
pub(crate) const SINGLETON: Table = &[];

fn each(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = super::kernel::expect_block(interpreter, &args)?;
    let Value::Array(array) = this else { return Ok(Value::Nil) };
    let mut index = 0;
    while let Some(item) = array.get(index) {
        interpreter.call_proc_one(&block, item)?;
        index += 1;
    }
    Ok(this.clone())
}

fn inspect(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let items = interpreter.elements(this)?;
    let text = interpreter.inspect_guarded(this, "[...]", |interpreter| {
        let shown: Vec<String> = items.iter().map(|item| interpreter.inspect(item)).collect::<Eval<_>>()?;
        Ok(format!("[{}]", shown.join(", ")))
    })?;
    Ok(Value::str(text))
}
