//! Kernel's functions that convert and print values, and the small constants of the language.

use crate::args::{Args, Arity};
use crate::class::{Constant, Table};
use crate::core::format;
use crate::core::library::constant_at;
use crate::host::Stream;
use crate::interpreter::Interpreter;
use crate::symbol::Symbol;
use crate::value::{Eval, Value};

const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);

/// Functions of Kernel.
pub(crate) const FUNCTIONS: Table = &[
    ("format", sprintf, Arity::at_least(1)),
    ("sprintf", sprintf, Arity::at_least(1)),
    ("printf", printf, ANY),
    ("putc", |ruby, _, args| to_stdout(ruby, "putc", args), ONE),
    ("warn", warn, ANY.with_keywords()),
    ("Integer", integer, Arity::between(1, 2).with_keywords()),
    ("Float", float, Arity::between(1, 1).with_keywords()),
    ("String", string, ONE),
    ("Array", array, ONE),
    ("Hash", hash, ONE),
    ("gets", |ruby, _, args| from_stdin(ruby, "gets", args), ANY),
    ("readline", |ruby, _, args| from_stdin(ruby, "readline", args), ANY),
    ("readlines", |ruby, _, args| from_stdin(ruby, "readlines", args), ANY),
    ("open", open, Arity::at_least(1).with_keywords()),
    ("pp", |ruby, this, args| ruby.send(this, "p", args), ANY),
    ("Rational", rational, Arity::between(1, 2).with_keywords()),
    ("test", |_, _, _| Ok(Value::Bool(false)), ANY),
    ("set_trace_func", |_, _, _| Ok(Value::Nil), ANY),
    ("srand", |_, _, _| Ok(Value::Int(0)), ANY),
];

fn sprintf(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let text = ruby.expect_string(&args.at(0))?;
    format::format(ruby, &text, &args.positional[1..]).map(Value::str)
}

fn to_stdout(ruby: &mut Interpreter, method: &str, args: Args) -> Eval {
    let out = ruby.get_global("$stdout");
    ruby.send(&out, method, args)
}

fn printf(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    if args.is_empty() {
        return Ok(Value::Nil);
    }
    to_stdout(ruby, "printf", args)
}

fn from_stdin(ruby: &mut Interpreter, method: &str, args: Args) -> Eval {
    let input = ruby.get_global("$stdin");
    ruby.send(&input, method, args)
}

fn warn(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    if args.is_empty() {
        return Ok(Value::Nil);
    }
    let out = ruby.get_global("$stderr");
    if out.is_nil() {
        let text = crate::core::kernel::lines_of(ruby, &args.positional)?;
        ruby.host.print(Stream::Err, text.as_bytes());
        return Ok(Value::Nil);
    }
    ruby.send(&out, "puts", Args::of(args.positional))
}

/// Whether errors should become nil (`exception: false`).
fn quiet(args: &Args) -> bool {
    args.keyword("exception").is_some_and(|value| !value.truthy())
}

fn integer(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let made = match (args.at(0), args.get(1)) {
        (Value::Str(text), Some(base)) => {
            let base = ruby.expect_int(base)?.unsigned_abs() as u32;
            match text.with(|text| crate::core::integer_text::parse_strict(text, base)) {
                Some(found) => Ok(found.to_value()),
                None => {
                    let shown = ruby.inspect(&args.at(0))?;
                    ruby.raise("ArgumentError", format!("invalid value for Integer(): {shown}"))
                }
            }
        }
        (Value::Float(number), _) if number.is_finite() => {
            Ok(Value::big(crate::core::numbers::whole_part(number.trunc())))
        }
        (value, _) => format::integer(ruby, &value).map(Value::big),
    };
    if made.is_err() && quiet(&args) { Ok(Value::Nil) } else { made }
}

fn float(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let made = format::float(ruby, &args.at(0)).map(Value::Float);
    if made.is_err() && quiet(&args) { Ok(Value::Nil) } else { made }
}

fn string(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    Ok(Value::str(ruby.to_s(&args.at(0))?))
}

fn array(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let value = args.at(0);
    if let Some(array) = ruby.try_array(&value)? {
        return Ok(Value::Array(array));
    }
    if value.is_nil() {
        return Ok(Value::array(Vec::new()));
    }
    if !matches!(value, Value::Str(_) | Value::Int(_))
        && ruby.responds_to(&value, crate::symbol::names::TO_A)?
    {
        return ruby.send(&value, "to_a", Args::none());
    }
    Ok(Value::array(vec![value]))
}

fn hash(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    match args.at(0) {
        Value::Nil => Ok(Value::hash([])),
        Value::Array(items) if items.is_empty() => Ok(Value::hash([])),
        other => match ruby.expect_hash(&other) {
            Ok(hash) => Ok(Value::Hash(hash)),
            Err(_) => {
                let class = ruby.describe_class(&other);
                ruby.raise("TypeError", format!("can't convert {class} into Hash"))
            }
        },
    }
}

/// Fractions are rare: their class is written in Ruby and loaded with the first one.
fn rational(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let class = constant_at(ruby, &["Rational"])?;
    ruby.send(&class, "__convert", args)
}

fn open(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    if let Value::Str(text) = args.at(0) {
        let text = text.text();
        if let Some(line) = text.strip_prefix('|') {
            let io = constant_at(ruby, &["IO"])?;
            return ruby.send(&io, "popen", Args { positional: vec![Value::str(line.trim())], ..args });
        }
        if text.starts_with("http://") || text.starts_with("https://") || text.starts_with("ftp://") {
            crate::core::processes::connect(ruby, &Value::Nil, Args::one(Value::str(text.clone())))?;
            return ruby.raise(
                "Errno::ECONNREFUSED",
                format!("Connection refused - the network is not available here ({text})"),
            );
        }
    }
    let file = constant_at(ruby, &["File"])?;
    ruby.send(&file, "open", args)
}

/// Defines the constants that every program finds.
pub(crate) fn define_constants(ruby: &mut Interpreter) {
    let texts = [
        ("RUBY_VERSION", "3.1.7"),
        ("RUBY_ENGINE", "ruby"),
        ("RUBY_ENGINE_VERSION", "3.1.7"),
        ("RUBY_PLATFORM", PLATFORM),
        ("RUBY_RELEASE_DATE", "2025-03-26"),
        ("RUBY_COPYRIGHT", "ruby - Copyright (C) 1993-2025 Yukihiro Matsumoto"),
        ("RUBY_DESCRIPTION", "ruby 3.1.7p261 (yado)"),
    ];
    for (name, text) in texts {
        let value = Value::str(text);
        if let Value::Str(text) = &value {
            text.frozen.set(true);
        }
        ruby.set_constant(None, name, value);
    }
    ruby.set_constant(None, "RUBY_PATCHLEVEL", Value::Int(261));
    ruby.set_constant(None, "ARGV", Value::array(Vec::new()));
    for (class, constants) in CONSTANTS {
        let Some(class) = ruby.class_named(class) else { continue };
        for (name, value) in *constants {
            let value = match value {
                Fixed::Int(number) => Value::Int(*number),
                Fixed::Float(number) => Value::Float(*number),
                Fixed::Text(text) => Value::str(*text),
                Fixed::Nil => Value::Nil,
            };
            class.constants.borrow_mut().insert(Symbol::new(name), Constant::Value(value));
        }
    }
    if let Some(class) = ruby.class_named("Encoding") {
        for (name, shown) in [
            ("UTF_8", "UTF-8"),
            ("BINARY", "ASCII-8BIT"),
            ("ASCII_8BIT", "ASCII-8BIT"),
            ("US_ASCII", "US-ASCII"),
            ("UTF_16LE", "UTF-16LE"),
            ("ISO_8859_1", "ISO-8859-1"),
        ] {
            let encoding = ruby.new_object(&class, Some(Box::new(shown)));
            class.constants.borrow_mut().insert(Symbol::new(name), Constant::Value(encoding));
        }
    }
}

/// Methods of encodings.
pub(crate) const ENCODING: Table = &[
    ("to_s", |_, this, _| Ok(this.data::<&str>().map_or(Value::Nil, |name| Value::str(*name))), ANY),
    ("name", |_, this, _| Ok(this.data::<&str>().map_or(Value::Nil, |name| Value::str(*name))), ANY),
    (
        "inspect",
        |_, this, _| {
            Ok(this.data::<&str>().map_or(Value::Nil, |name| Value::str(format!("#<Encoding:{}>", *name))))
        },
        ANY,
    ),
    ("dummy?", |_, _, _| Ok(Value::Bool(false)), ANY),
    (
        "ascii_compatible?",
        |_, this, _| Ok(Value::Bool(this.data::<&str>().is_none_or(|name| !name.starts_with("UTF-16")))),
        ANY,
    ),
    (
        "==",
        |_, this, args| {
            Ok(Value::Bool(this.data::<&str>().map(|it| *it) == args.at(0).data::<&str>().map(|it| *it)))
        },
        ONE,
    ),
];

/// Methods of `Encoding` itself: defaults are always UTF-8, and setting them changes nothing.
pub(crate) const ENCODING_CLASS: Table = &[
    ("default_external", |ruby, _, _| constant_at(ruby, &["Encoding", "UTF_8"]), ANY),
    ("default_internal", |_, _, _| Ok(Value::Nil), ANY),
    ("find", find_encoding, ONE),
    ("default_external=", |_, _, args| Ok(args.at(0)), ONE),
    ("default_internal=", |_, _, args| Ok(args.at(0)), ONE),
];

/// The encodings by their names, and by those that Ruby has for the usual ones.
const ENCODINGS: &[(&str, &str)] = &[
    ("UTF-8", "UTF_8"),
    ("EXTERNAL", "UTF_8"),
    ("LOCALE", "UTF_8"),
    ("FILESYSTEM", "UTF_8"),
    ("ASCII-8BIT", "ASCII_8BIT"),
    ("BINARY", "ASCII_8BIT"),
    ("US-ASCII", "US_ASCII"),
    ("ASCII", "US_ASCII"),
    ("UTF-16LE", "UTF_16LE"),
    ("ISO-8859-1", "ISO_8859_1"),
];

fn find_encoding(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let given = args.at(0);
    if given.data::<&str>().is_some() {
        return Ok(given);
    }
    let name = ruby.expect_string(&given)?;
    match ENCODINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
        Some((_, constant)) => constant_at(ruby, &["Encoding", constant]),
        None => ruby.raise("ArgumentError", format!("unknown encoding name - {name}")),
    }
}

/// Methods of `GC` and `ObjectSpace`, which have nothing to do here.
pub(crate) const GARBAGE: Table = &[
    ("start", |_, _, _| Ok(Value::Nil), ANY),
    ("enable", |_, _, _| Ok(Value::Bool(false)), ANY),
    ("disable", |_, _, _| Ok(Value::Bool(false)), ANY),
    ("stress", |_, _, _| Ok(Value::Bool(false)), ANY),
    ("compact", |_, _, _| Ok(Value::Nil), ANY),
];

/// Methods of `ObjectSpace`: nothing keeps a list of all objects.
pub(crate) const OBJECT_SPACE: Table = &[
    ("each_object", no_object_space, ANY),
    ("count_objects", no_object_space, ANY),
    ("garbage_collect", |_, _, _| Ok(Value::Nil), ANY),
];

fn no_object_space(ruby: &mut Interpreter, _: &Value, _: Args) -> Eval {
    ruby.raise("NotImplementedError", "ObjectSpace cannot list objects here")
}

/// What `RUBY_PLATFORM` says.
pub(crate) const PLATFORM: &str =
    if cfg!(target_arch = "aarch64") { "aarch64-linux" } else { "x86_64-linux" };

enum Fixed {
    Int(i64),
    Float(f64),
    Text(&'static str),
    Nil,
}

const CONSTANTS: &[(&str, &[(&str, Fixed)])] = &[
    (
        "Float",
        &[
            ("INFINITY", Fixed::Float(f64::INFINITY)),
            ("NAN", Fixed::Float(f64::NAN)),
            ("EPSILON", Fixed::Float(f64::EPSILON)),
            ("MAX", Fixed::Float(f64::MAX)),
            ("MIN", Fixed::Float(f64::MIN_POSITIVE)),
            ("DIG", Fixed::Int(15)),
        ],
    ),
    ("Integer", &[("MAX", Fixed::Int(i64::MAX))]),
    ("Math", &[("PI", Fixed::Float(std::f64::consts::PI)), ("E", Fixed::Float(std::f64::consts::E))]),
    ("Regexp", &[("IGNORECASE", Fixed::Int(1)), ("EXTENDED", Fixed::Int(2)), ("MULTILINE", Fixed::Int(4))]),
    (
        "Process",
        &[
            ("CLOCK_REALTIME", Fixed::Int(0)),
            ("CLOCK_MONOTONIC", Fixed::Int(1)),
            ("CLOCK_PROCESS_CPUTIME_ID", Fixed::Int(2)),
            ("WNOHANG", Fixed::Int(1)),
        ],
    ),
    (
        "File",
        &[
            ("SEPARATOR", Fixed::Text("/")),
            ("Separator", Fixed::Text("/")),
            ("ALT_SEPARATOR", Fixed::Nil),
            ("PATH_SEPARATOR", Fixed::Text(":")),
        ],
    ),
    (
        "IO",
        &[
            ("NULL", Fixed::Text("/dev/null")),
            ("SEEK_SET", Fixed::Int(0)),
            ("SEEK_CUR", Fixed::Int(1)),
            ("SEEK_END", Fixed::Int(2)),
            ("BINARY", Fixed::Int(0)),
            ("SHARE_DELETE", Fixed::Int(0)),
            ("NONBLOCK", Fixed::Int(0o4000)),
            ("RDONLY", Fixed::Int(0)),
            ("WRONLY", Fixed::Int(1)),
            ("RDWR", Fixed::Int(2)),
            ("CREAT", Fixed::Int(0o100)),
            ("EXCL", Fixed::Int(0o200)),
            ("TRUNC", Fixed::Int(0o1000)),
            ("APPEND", Fixed::Int(0o2000)),
            ("LOCK_SH", Fixed::Int(1)),
            ("LOCK_EX", Fixed::Int(2)),
            ("LOCK_NB", Fixed::Int(4)),
            ("LOCK_UN", Fixed::Int(8)),
            ("FNM_NOESCAPE", Fixed::Int(1)),
            ("FNM_PATHNAME", Fixed::Int(2)),
            ("FNM_DOTMATCH", Fixed::Int(4)),
            ("FNM_CASEFOLD", Fixed::Int(8)),
            ("FNM_EXTGLOB", Fixed::Int(16)),
            ("FNM_SYSCASE", Fixed::Int(0)),
        ],
    ),
];
