//! `Math`: the functions of a pocket calculator.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

const ONE: Arity = Arity::exactly(1);
const TWO: Arity = Arity::exactly(2);

/// Functions of `Math`.
pub(crate) const FUNCTIONS: Table = &[
    ("sqrt", |ruby, _, args| call(ruby, "sqrt", args), ONE),
    ("cbrt", |ruby, _, args| call(ruby, "cbrt", args), ONE),
    ("sin", |ruby, _, args| call(ruby, "sin", args), ONE),
    ("cos", |ruby, _, args| call(ruby, "cos", args), ONE),
    ("tan", |ruby, _, args| call(ruby, "tan", args), ONE),
    ("atan", |ruby, _, args| call(ruby, "atan", args), ONE),
    ("atan2", |ruby, _, args| call(ruby, "atan2", args), TWO),
    ("exp", |ruby, _, args| call(ruby, "exp", args), ONE),
    ("log", |ruby, _, args| call(ruby, "log", args), Arity::between(1, 2)),
    ("log2", |ruby, _, args| call(ruby, "log2", args), ONE),
    ("log10", |ruby, _, args| call(ruby, "log10", args), ONE),
    ("hypot", |ruby, _, args| call(ruby, "hypot", args), TWO),
];

fn call(ruby: &mut Interpreter, name: &str, args: Args) -> Eval {
    let native = crate::core::library::constant_at(ruby, &["YadoNative"])?;
    let mut passed = vec![Value::sym(name)];
    passed.extend(args.positional);
    ruby.send(&native, "math", Args::of(passed))
}
