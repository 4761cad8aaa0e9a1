//! `IO`, `File` objects and `StringIO`: one kind of channel over the host's output, a file's text or a string.

mod read;
mod write;

use self::write::flush;
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::files::{content, path_of, path_text};
use crate::host::Stream;
use crate::interpreter::Interpreter;
use crate::value::{Eval, RString, StrRef, Value};
use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);

/// Methods of every channel.
pub(crate) const METHODS: &[Table] = &[CHANNEL, read::METHODS, write::METHODS];

const CHANNEL: Table = &[
    ("lineno", |_, this, _| with(this, |channel| Value::Int(channel.line.get())), NONE),
    ("string", string, NONE),
    ("close", close, NONE),
    ("close_read", |_, _, _| Ok(Value::Nil), NONE),
    ("close_write", |_, _, _| Ok(Value::Nil), NONE),
    ("closed?", |_, this, _| with(this, |channel| Value::Bool(channel.closed.get())), NONE),
    ("sync", |_, _, _| Ok(Value::Bool(true)), NONE),
    ("sync=", |_, _, args| Ok(args.at(0)), ONE),
    ("fileno", fileno, NONE),
    ("to_i", fileno, NONE),
    ("tty?", |_, _, _| Ok(Value::Bool(false)), NONE),
    ("isatty", |_, _, _| Ok(Value::Bool(false)), NONE),
    ("noecho", |ruby, this, args| give_self(ruby, this, args), ANY),
    ("raw", |ruby, this, args| give_self(ruby, this, args), ANY),
    ("winsize", |_, _, _| Ok(Value::array(vec![Value::Int(24), Value::Int(80)])), NONE),
    ("path", path, NONE),
    ("to_path", path, NONE),
    ("flock", |_, _, _| Ok(Value::Int(0)), ONE),
    ("chmod", |_, _, _| Ok(Value::Int(0)), ONE),
    ("binmode", |_, this, _| Ok(this.clone()), NONE),
    ("set_encoding", |_, this, _| Ok(this.clone()), ANY),
    ("external_encoding", |_, _, _| Ok(Value::Nil), NONE),
    ("size", size, NONE),
    ("length", size, NONE),
    ("mtime", |ruby, this, _| of_path(ruby, this, "mtime"), NONE),
    ("stat", |ruby, this, _| of_path(ruby, this, "stat"), NONE),
    ("inspect", inspect, NONE),
];

/// Methods of `File` itself that make channels.
pub(crate) const FILE_CLASS: Table = &[
    ("open", open, Arity::between(1, 3).with_keywords()),
    ("new", new, Arity::between(1, 3).with_keywords()),
    ("popen", popen, ANY.with_keywords()),
];

/// Methods of `StringIO` itself.
pub(crate) const STRING_CLASS: Table =
    &[("new", new_string, Arity::between(0, 2)), ("open", new_string, Arity::between(0, 2))];

/// `IO.popen` is part of a library written in Ruby, whose definition comes before this one once it is loaded.
fn popen(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if !ruby.require("open3")? {
        return ruby.raise("NotImplementedError", "popen is not supported on this class");
    }
    ruby.send(this, "popen", args)
}

/// What a channel reads from and writes to.
enum Medium {
    /// Standard output or error.
    Out(Stream),
    /// Standard input.
    In,
    /// A file, whose text is kept until it is written back.
    File { path: PathBuf, shown: String },
    /// A string in memory.
    Memory,
}

struct Channel {
    medium: Medium,
    text: RefCell<StrRef>,
    at: Cell<usize>,
    line: Cell<i64>,
    readable: bool,
    writable: bool,
    append: bool,
    changed: Cell<bool>,
    closed: Cell<bool>,
}

impl Channel {
    fn new(medium: Medium, text: StrRef, readable: bool, writable: bool, append: bool) -> Rc<Self> {
        Rc::new(Self {
            medium,
            text: RefCell::new(text),
            at: Cell::new(0),
            line: Cell::new(0),
            readable,
            writable,
            append,
            changed: Cell::new(false),
            closed: Cell::new(false),
        })
    }
}

/// Makes `$stdout`, `$stderr`, `$stdin` and their constants.
pub(crate) fn define_standard(ruby: &mut Interpreter) {
    let Some(class) = ruby.class_named("IO") else { return };
    for (global, constant, medium) in [
        ("$stdout", "STDOUT", Medium::Out(Stream::Out)),
        ("$stderr", "STDERR", Medium::Out(Stream::Err)),
        ("$stdin", "STDIN", Medium::In),
    ] {
        let reads = matches!(medium, Medium::In);
        let channel = Channel::new(medium, RString::new(""), reads, !reads, false);
        let object = ruby.new_object(&class, Some(Box::new(channel)));
        ruby.set_global(global, object.clone());
        ruby.set_constant(None, constant, object);
    }
}

fn with(this: &Value, look: impl FnOnce(&Channel) -> Value) -> Eval {
    Ok(this.data::<Rc<Channel>>().map_or(Value::Nil, |channel| look(&channel)))
}

fn channel(ruby: &mut Interpreter, this: &Value) -> Eval<Rc<Channel>> {
    let found = this.data::<Rc<Channel>>().map(|channel| channel.clone());
    match found {
        Some(channel) if channel.closed.get() => ruby.raise("IOError", "closed stream"),
        Some(channel) => Ok(channel),
        None => ruby.raise("IOError", "uninitialized stream"),
    }
}

fn reading(ruby: &mut Interpreter, this: &Value) -> Eval<Rc<Channel>> {
    let channel = channel(ruby, this)?;
    if channel.readable { Ok(channel) } else { ruby.raise("IOError", "not opened for reading") }
}

fn new(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Value::Class(class) = this else { return Ok(Value::Nil) };
    let shown = path_text(ruby, &args.at(0))?;
    let path = path_of(ruby, &args.at(0))?;
    let mode = match args.get(1).cloned().or_else(|| args.keyword("mode")) {
        Some(Value::Int(bits)) => match (bits & 3, bits & 0o1000 != 0, bits & 0o2000 != 0) {
            (0, ..) => "r",
            (_, _, true) => "a+",
            (_, true, _) => "w+",
            // Read and write: what is not there yet begins empty when creation was asked for.
            _ if bits & 0o100 != 0 => "c+",
            _ => "r+",
        }
        .to_owned(),
        Some(Value::Str(mode)) => mode.text(),
        _ => "r".to_owned(),
    };
    let kind = mode.chars().next().unwrap_or('r');
    let both = mode.contains('+');
    let created = kind == 'w' || (matches!(kind, 'a' | 'c') && ruby.host.facts(&path, true).is_err());
    let text = if created { Vec::new() } else { content(ruby, &args.at(0))? };
    let (readable, writable) = (kind == 'r' || both, kind != 'r' || both);
    let channel = Channel::new(
        Medium::File { path, shown },
        RString::from_bytes(text),
        readable,
        writable,
        kind == 'a',
    );
    channel.changed.set(created);
    Ok(ruby.new_object(class, Some(Box::new(channel))))
}

fn open(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let block = args.block.clone();
    let made = new(ruby, this, Args { block: None, ..args })?;
    let Some(block) = block else { return Ok(made) };
    let result = ruby.call_proc_one(&block, made.clone());
    let closed = close(ruby, &made, Args::none());
    let result = result?;
    closed?;
    Ok(result)
}

fn new_string(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Value::Class(class) = this else { return Ok(Value::Nil) };
    let text = match args.at(0) {
        Value::Str(text) => text,
        Value::Nil => RString::new(""),
        other => RString::new(ruby.expect_string(&other)?),
    };
    let append = args.get(1).and_then(Value::as_text).is_some_and(|mode| mode.starts_with('a'));
    let channel = Channel::new(Medium::Memory, text, true, true, append);
    Ok(ruby.new_object(class, Some(Box::new(channel))))
}

fn string(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    with(this, |channel| Value::Str(channel.text.borrow().clone()))
}

fn close(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let open = this.data::<Rc<Channel>>().is_some_and(|channel| !channel.closed.get());
    if open {
        let written = flush(ruby, this, Args::none());
        with(this, |channel| {
            channel.closed.set(true);
            Value::Nil
        })?;
        written?;
    }
    Ok(Value::Nil)
}

fn fileno(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    with(this, |channel| {
        Value::Int(match channel.medium {
            Medium::In => 0,
            Medium::Out(Stream::Out) => 1,
            Medium::Out(Stream::Err) => 2,
            _ => 3,
        })
    })
}

fn give_self(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match args.block {
        Some(block) => ruby.call_proc_one(&block, this.clone()),
        None => Ok(this.clone()),
    }
}

fn path(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    with(this, |channel| match &channel.medium {
        Medium::File { shown, .. } => Value::str(shown.clone()),
        _ => Value::Nil,
    })
}

fn of_path(ruby: &mut Interpreter, this: &Value, question: &str) -> Eval {
    let path = path(ruby, this, Args::none())?;
    let file = crate::core::library::constant_at(ruby, &["File"])?;
    ruby.send(&file, question, Args::one(path))
}

fn size(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    with(this, |channel| Value::Int(channel.text.borrow().byte_len() as i64))
}

fn inspect(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let class = ruby.describe_class(this);
    with(this, |channel| {
        Value::str(match &channel.medium {
            Medium::File { shown, .. } => format!("#<{class}:{shown}>"),
            Medium::Out(Stream::Out) => "#<IO:<STDOUT>>".to_owned(),
            Medium::Out(Stream::Err) => "#<IO:<STDERR>>".to_owned(),
            Medium::In => "#<IO:<STDIN>>".to_owned(),
            Medium::Memory => format!("#<{class}>"),
        })
    })
}
