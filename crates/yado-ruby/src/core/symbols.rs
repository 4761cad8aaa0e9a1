//! `Symbol`: names that behave a little like strings.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::quote;
use crate::interpreter::Interpreter;
use crate::procs::{Proc, ProcBody};
use crate::symbol::Symbol;
use crate::value::{Eval, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);

/// Methods of symbols.
pub(crate) const METHODS: Table = &[
    ("to_s", to_s, NONE),
    ("name", name, NONE),
    ("id2name", to_s, NONE),
    ("to_sym", itself, NONE),
    ("to_proc", to_proc, NONE),
    ("inspect", inspect, NONE),
    ("<=>", compare, ONE),
    ("length", |ruby, this, args| as_string(ruby, this, "length", args), NONE),
    ("size", |ruby, this, args| as_string(ruby, this, "length", args), NONE),
    ("empty?", |ruby, this, args| as_string(ruby, this, "empty?", args), NONE),
    ("[]", |ruby, this, args| as_string(ruby, this, "[]", args), Arity::between(1, 2)),
    ("=~", |ruby, this, args| as_string(ruby, this, "=~", args), ONE),
    ("match", |ruby, this, args| as_string(ruby, this, "match", args), Arity::between(1, 2)),
    ("match?", |ruby, this, args| as_string(ruby, this, "match?", args), Arity::between(1, 2)),
    ("start_with?", |ruby, this, args| as_string(ruby, this, "start_with?", args), Arity::at_least(0)),
    ("end_with?", |ruby, this, args| as_string(ruby, this, "end_with?", args), Arity::at_least(0)),
    ("casecmp", |ruby, this, args| without_case(ruby, this, "casecmp", args), ONE),
    ("casecmp?", |ruby, this, args| without_case(ruby, this, "casecmp?", args), ONE),
    ("upcase", |ruby, this, args| as_symbol(ruby, this, "upcase", args), NONE),
    ("downcase", |ruby, this, args| as_symbol(ruby, this, "downcase", args), NONE),
    ("capitalize", |ruby, this, args| as_symbol(ruby, this, "capitalize", args), NONE),
    ("swapcase", |ruby, this, args| as_symbol(ruby, this, "swapcase", args), NONE),
    ("encoding", encoding, NONE),
    ("succ", |ruby, this, args| as_symbol(ruby, this, "succ", args), NONE),
    ("next", |ruby, this, args| as_symbol(ruby, this, "succ", args), NONE),
];

/// Names of ASCII alone are in that encoding, whatever the encoding of the program.
fn encoding(ruby: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let ascii = this.text_or_symbol().is_some_and(|text| text.is_ascii());
    crate::core::library::constant_at(ruby, &["Encoding", if ascii { "US_ASCII" } else { "UTF_8" }])
}

fn text(this: &Value) -> Value {
    Value::str(this.text_or_symbol().unwrap_or_default())
}

fn as_string(ruby: &mut Interpreter, this: &Value, method: &str, args: Args) -> Eval {
    ruby.send(&text(this), method, args)
}

fn as_symbol(ruby: &mut Interpreter, this: &Value, method: &str, args: Args) -> Eval {
    let changed = ruby.send(&text(this), method, args)?;
    Ok(Value::sym(&ruby.to_s(&changed)?))
}

/// Compares with another symbol whatever the case; nothing else compares.
fn without_case(ruby: &mut Interpreter, this: &Value, method: &str, args: Args) -> Eval {
    match args.at(0) {
        other @ Value::Sym(_) => as_string(ruby, this, method, Args::one(text(&other))),
        _ => Ok(Value::Nil),
    }
}

fn name(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let name = text(this);
    if let Value::Str(name) = &name {
        name.frozen.set(true);
    }
    Ok(name)
}

fn to_s(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(text(this))
}

fn itself(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(this.clone())
}

fn to_proc(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let name = this.text_or_symbol().unwrap_or_default();
    Ok(Value::Proc(Proc::of(ProcBody::Symbol(Symbol::new(&name)), true)))
}

fn inspect(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(quote::inspect_symbol(&this.text_or_symbol().unwrap_or_default())))
}

fn compare(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(match (this, args.at(0)) {
        (Value::Sym(a), Value::Sym(b)) => Value::Int(a.as_str().cmp(b.as_str()) as i64),
        _ => Value::Nil,
    })
}
