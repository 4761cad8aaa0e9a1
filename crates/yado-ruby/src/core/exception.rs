//! Exception and what is special in its descendants.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::symbol::{Symbol, names};
use crate::value::{Eval, Value};

/// Methods of exceptions.
pub(crate) const INSTANCE: Table = &[
    ("initialize", initialize, Arity::at_least(0).with_keywords()),
    ("message", message, Arity::exactly(0)),
    ("to_s", to_s, Arity::exactly(0)),
    ("detailed_message", message, Arity::at_least(0)),
    ("full_message", full_message, Arity::at_least(0)),
    ("inspect", inspect, Arity::exactly(0)),
    ("backtrace", backtrace, Arity::exactly(0)),
    ("set_backtrace", set_backtrace, Arity::exactly(1)),
    ("backtrace_locations", backtrace, Arity::at_least(0)),
    ("cause", cause, Arity::exactly(0)),
    ("exception", again, Arity::between(0, 1)),
    ("==", equal, Arity::exactly(1)),
    ("status", status, Arity::exactly(0)),
    ("success?", success, Arity::exactly(0)),
    ("name", name, Arity::exactly(0)),
    ("receiver", receiver, Arity::exactly(0)),
    ("args", |_, _, _| Ok(Value::array(Vec::new())), Arity::exactly(0)),
    ("key", key, Arity::exactly(0)),
    ("result", result, Arity::exactly(0)),
    ("path", |_, this, _| Ok(hidden(this, Symbol::new("@path"))), Arity::exactly(0)),
];

/// Methods of exception classes.
pub(crate) const SINGLETON: Table = &[("exception", make, Arity::at_least(0).with_keywords())];

fn hidden(this: &Value, name: Symbol) -> Value {
    match this {
        Value::Object(object) => object.variable(name).unwrap_or(Value::Nil),
        _ => Value::Nil,
    }
}

fn set_hidden(this: &Value, name: Symbol, value: Value) {
    if let Value::Object(object) = this {
        object.set_variable(name, value);
    }
}

fn make(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    interpreter.call_method(this, names::NEW, args)
}

fn initialize(interpreter: &mut Interpreter, this: &Value, mut args: Args) -> Eval {
    if let Some(keywords) = args.keywords.take() {
        for (name, place) in
            [("receiver", names::HIDDEN_RECEIVER), ("key", names::HIDDEN_KEY), ("name", names::HIDDEN_NAME)]
        {
            if let Some(value) = keywords.remove(&Value::sym(name)) {
                set_hidden(this, place, value);
            }
        }
        if !keywords.is_empty() {
            args.positional.push(Value::Hash(keywords));
        }
    }
    let exits = interpreter.class_named("SystemExit").is_some_and(|exit| interpreter.is_a(this, &exit));
    if exits {
        let status = match args.get(0) {
            Some(Value::Int(status)) => Some(*status),
            Some(Value::Bool(success)) => Some(i64::from(!success)),
            _ => None,
        };
        if let Some(status) = status {
            set_hidden(this, names::HIDDEN_STATUS, Value::Int(status));
            args.positional.remove(0);
        }
    }
    if let Some(message) = args.get(0) {
        set_hidden(this, names::HIDDEN_MESSAGE, message.clone());
    }
    Ok(Value::Nil)
}

fn to_s(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    match hidden(this, names::HIDDEN_MESSAGE) {
        Value::Nil => Ok(Value::str(interpreter.class_name(&interpreter.class_of(this)))),
        message => Ok(Value::str(interpreter.to_s(&message)?)),
    }
}

fn message(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(Value::str(interpreter.to_s(this)?))
}

fn full_message(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let class = interpreter.class_name(&interpreter.class_of(this));
    let message = interpreter.exception_message(this);
    let lines = match hidden(this, names::HIDDEN_BACKTRACE) {
        Value::Array(lines) => lines.to_vec().iter().filter_map(Value::as_text).collect(),
        _ => Vec::new(),
    };
    let mut text = match lines.first() {
        Some(first) => format!("{first}: {message} ({class})"),
        None => format!("{message} ({class})"),
    };
    for line in lines.iter().skip(1) {
        text.push_str(&format!("\n\tfrom {line}"));
    }
    Ok(Value::str(text))
}

fn inspect(interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    let class = interpreter.class_name(&interpreter.class_of(this));
    let message = interpreter.to_s(this)?;
    Ok(Value::str(if message.is_empty() { class } else { format!("#<{class}: {message}>") }))
}

fn backtrace(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(hidden(this, names::HIDDEN_BACKTRACE))
}

fn set_backtrace(_interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    set_hidden(this, names::HIDDEN_BACKTRACE, args.at(0));
    Ok(args.at(0))
}

fn cause(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(hidden(this, names::HIDDEN_CAUSE))
}

fn again(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(message) = args.get(0) else { return Ok(this.clone()) };
    let copy = interpreter.send(this, "clone", Args::none())?;
    set_hidden(&copy, names::HIDDEN_MESSAGE, message.clone());
    Ok(copy)
}

fn equal(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let other = args.at(0);
    if this.same(&other) {
        return Ok(Value::Bool(true));
    }
    let alike = interpreter.class_of(this).name == interpreter.class_of(&other).name;
    Ok(Value::Bool(alike && interpreter.exception_message(this) == interpreter.exception_message(&other)))
}

fn status(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(match hidden(this, names::HIDDEN_STATUS) {
        Value::Nil => Value::Int(0),
        status => status,
    })
}

fn success(interpreter: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(matches!(status(interpreter, this, args)?, Value::Int(0))))
}

fn name(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(hidden(this, names::HIDDEN_NAME))
}

fn receiver(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(hidden(this, names::HIDDEN_RECEIVER))
}

fn key(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(hidden(this, names::HIDDEN_KEY))
}

fn result(_interpreter: &mut Interpreter, this: &Value, _args: Args) -> Eval {
    Ok(hidden(this, names::HIDDEN_RESULT))
}
