//! NilClass, TrueClass and FalseClass.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// Methods of `nil`.
pub(crate) const NIL: Table = &[
    ("to_s", nil_to_s, Arity::exactly(0)),
    ("to_a", nil_to_a, Arity::exactly(0)),
    ("to_h", nil_to_h, Arity::exactly(0)),
    ("to_i", nil_to_i, Arity::exactly(0)),
    ("to_f", nil_to_f, Arity::exactly(0)),
    ("inspect", nil_inspect, Arity::exactly(0)),
    ("&", logic_and, Arity::exactly(1)),
    ("|", logic_or, Arity::exactly(1)),
    ("^", logic_xor, Arity::exactly(1)),
];

/// Methods of `true` and `false`.
pub(crate) const BOOLEAN: Table = &[
    ("to_s", boolean_to_s, Arity::exactly(0)),
    ("inspect", boolean_to_s, Arity::exactly(0)),
    ("&", logic_and, Arity::exactly(1)),
    ("|", logic_or, Arity::exactly(1)),
    ("^", logic_xor, Arity::exactly(1)),
];

fn nil_to_s(_interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    Ok(Value::str(""))
}

fn nil_to_a(_interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    Ok(Value::array(Vec::new()))
}

fn nil_to_h(_interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    Ok(Value::hash([]))
}

fn nil_to_i(_interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    Ok(Value::Int(0))
}

fn nil_to_f(_interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    Ok(Value::Float(0.0))
}

fn nil_inspect(_interpreter: &mut Interpreter, _this: &Value, _args: Args) -> Eval {
    Ok(Value::str("nil"))
}

fn boolean_to_s(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::str(if this.truthy() { "true" } else { "false" }))
}

fn logic_and(_interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(this.truthy() && args.at(0).truthy()))
}

fn logic_or(_interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(this.truthy() || args.at(0).truthy()))
}

fn logic_xor(_interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(this.truthy() != args.at(0).truthy()))
}
