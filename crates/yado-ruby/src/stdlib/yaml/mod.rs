//! YAML as Psych reads and writes it: YAML 1.1 scalars, symbols, merge keys, and only plain data by default.

mod dump;
mod load;
mod scalar;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::files::{content, path_text};
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

const LOADING: Arity = Arity::at_least(1).with_keywords();

/// Methods of `Psych` (and so of `YAML`).
pub(crate) const METHODS: Table = &[
    ("load", |ruby, _, args| load_text(ruby, args, Trust::Symbols), LOADING),
    ("safe_load", |ruby, _, args| load_text(ruby, args, Trust::Nothing), LOADING),
    ("unsafe_load", |ruby, _, args| load_text(ruby, args, Trust::Everything), LOADING),
    ("load_file", |ruby, _, args| load_file(ruby, args, Trust::Symbols), LOADING),
    ("safe_load_file", |ruby, _, args| load_file(ruby, args, Trust::Nothing), LOADING),
    ("unsafe_load_file", |ruby, _, args| load_file(ruby, args, Trust::Everything), LOADING),
    ("load_stream", load_stream, LOADING),
    ("dump", dump_value, Arity::at_least(1)),
    ("safe_dump", dump_value, Arity::at_least(1)),
];

/// `Object#to_yaml`, a method of every object.
pub(crate) const TO_YAML: Table = &[("to_yaml", to_yaml, Arity::at_least(0).with_keywords())];

/// What a document may contain beyond plain data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Nothing,
    Symbols,
    Everything,
}

fn options(ruby: &mut Interpreter, args: &Args, trust: Trust, name: String) -> Eval<load::Options> {
    let mut permitted = match trust {
        Trust::Symbols => vec!["Symbol".to_owned()],
        _ => Vec::new(),
    };
    if let Some(Value::Array(classes)) = args.keyword("permitted_classes") {
        for class in classes.to_vec() {
            permitted.push(ruby.to_s(&class)?);
        }
    }
    Ok(load::Options {
        everything: trust == Trust::Everything,
        aliases: trust == Trust::Everything || args.keyword("aliases").is_some_and(|value| value.truthy()),
        symbolize: args.keyword("symbolize_names").is_some_and(|value| value.truthy()),
        freeze: args.keyword("freeze").is_some_and(|value| value.truthy()),
        permitted,
        file: name,
    })
}

fn text_argument(ruby: &mut Interpreter, value: &Value) -> Eval<String> {
    if matches!(value, Value::Object(_)) && ruby.responds_to(value, crate::symbol::Symbol::new("read"))? {
        let text = ruby.send(value, "read", Args::none())?;
        return ruby.expect_string(&text);
    }
    ruby.expect_string(value)
}

fn load_text(ruby: &mut Interpreter, args: Args, trust: Trust) -> Eval {
    let text = text_argument(ruby, &args.at(0))?;
    let name = match args.keyword("filename") {
        Some(Value::Str(name)) => name.text(),
        _ => "<unknown>".to_owned(),
    };
    let options = options(ruby, &args, trust, name)?;
    first_document(ruby, &text, &options, &args)
}

fn first_document(ruby: &mut Interpreter, text: &str, options: &load::Options, args: &Args) -> Eval {
    let documents = load::documents(ruby, text, options, true)?;
    Ok(documents.into_iter().next().unwrap_or_else(|| {
        args.keyword("fallback").unwrap_or(if options.everything { Value::Bool(false) } else { Value::Nil })
    }))
}

fn load_file(ruby: &mut Interpreter, args: Args, trust: Trust) -> Eval {
    let name = path_text(ruby, &args.at(0))?;
    let bytes = content(ruby, &args.at(0))?;
    let options = options(ruby, &args, trust, name)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    first_document(ruby, &text, &options, &args)
}

fn load_stream(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let text = text_argument(ruby, &args.at(0))?;
    let options = options(ruby, &args, Trust::Everything, "<unknown>".to_owned())?;
    let documents = Value::array(load::documents(ruby, &text, &options, false)?);
    match args.block {
        Some(block) => ruby.send(&documents, "each", Args::none().with_block(Some(block))),
        None => Ok(documents),
    }
}

fn dump_value(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let text = dump::dump(ruby, &args.at(0))?;
    match args.get(1) {
        Some(output @ Value::Object(_)) => {
            ruby.send(output, "write", Args::one(Value::str(text)))?;
            Ok(output.clone())
        }
        _ => Ok(Value::str(text)),
    }
}

fn to_yaml(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    dump::dump(ruby, this).map(Value::str)
}
