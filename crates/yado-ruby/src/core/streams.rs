//! `IO`, `File` objects and `StringIO`: one kind of channel over the host's output, a file's text or a string.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::enumerator::enumerator;
use crate::core::files::{change, content, path_of, path_text, raise_host};
use crate::core::kernel::lines_of;
use crate::core::text::lines_for;
use crate::host::{Change, Stream};
use crate::interpreter::Interpreter;
use crate::value::{Eval, RString, StrRef, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);

/// Methods of every channel.
pub(crate) const METHODS: Table = &[
    ("read", read, Arity::between(0, 2)),
    ("gets", gets, ANY.with_keywords()),
    ("readline", readline, ANY.with_keywords()),
    ("readlines", readlines, ANY.with_keywords()),
    ("each_line", each_line, ANY.with_keywords()),
    ("each", each_line, ANY.with_keywords()),
    ("getc", getc, NONE),
    ("readchar", getc, NONE),
    ("readpartial", read, Arity::between(0, 2)),
    ("eof?", is_at_end, NONE),
    ("eof", is_at_end, NONE),
    ("rewind", rewind, NONE),
    ("pos", position, NONE),
    ("tell", position, NONE),
    ("pos=", seek, ONE),
    ("seek", seek, Arity::between(1, 2)),
    ("lineno", |_, this, _| with(this, |channel| Value::Int(channel.line.get())), NONE),
    ("write", write, ANY),
    ("syswrite", write, ANY),
    ("print", print, ANY),
    ("<<", append, ONE),
    ("puts", puts, ANY),
    ("printf", printf, ANY),
    ("putc", putc, ONE),
    ("string", string, NONE),
    ("truncate", truncate, ONE),
    ("close", close, NONE),
    ("close_read", |_, _, _| Ok(Value::Nil), NONE),
    ("close_write", |_, _, _| Ok(Value::Nil), NONE),
    ("closed?", |_, this, _| with(this, |channel| Value::Bool(channel.closed.get())), NONE),
    ("flush", flush, NONE),
    ("fsync", flush, NONE),
    ("sync", |_, _, _| Ok(Value::Bool(true)), NONE),
    ("sync=", |_, _, args| Ok(args.at(0)), ONE),
    ("fileno", fileno, NONE),
    ("to_i", fileno, NONE),
    ("tty?", |_, _, _| Ok(Value::Bool(false)), NONE),
    ("isatty", |_, _, _| Ok(Value::Bool(false)), NONE),
    ("noecho", |ruby, this, args| give_self(ruby, this, args), ANY),
    ("raw", |ruby, this, args| give_self(ruby, this, args), ANY),
    ("winsize", |_, _, _| Ok(Value::array(vec![Value::Int(24), Value::Int(80)])), NONE),
    ("getpass", gets, ANY),
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

/// Everything from the position on; for standard input everything that is left.
fn rest(ruby: &mut Interpreter, channel: &Channel) -> Eval<Vec<u8>> {
    if let Medium::In = channel.medium {
        let mut all = Vec::new();
        while let Some(line) = input_line(ruby)? {
            all.extend(line.into_bytes());
        }
        return Ok(all);
    }
    let at = channel.at.get();
    Ok(channel.text.borrow().with_bytes(|bytes| bytes.get(at..).unwrap_or(&[]).to_vec()))
}

fn input_line(ruby: &mut Interpreter) -> Eval<Option<String>> {
    match ruby.host.read_line() {
        Ok(line) => Ok(line),
        Err(error) => raise_host(ruby, &error, "gets", "standard input"),
    }
}

fn read(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let channel = reading(ruby, this)?;
    let mut bytes = rest(ruby, &channel)?;
    if let Value::Int(length) = args.at(0) {
        if bytes.is_empty() && length > 0 {
            return Ok(Value::Nil);
        }
        bytes.truncate(length.max(0) as usize);
    }
    channel.at.set(channel.at.get() + bytes.len());
    Ok(Value::bytes(bytes))
}

fn gets(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let channel = reading(ruby, this)?;
    let chomp = args.keyword("chomp").is_some_and(|value| value.truthy());
    if let Medium::In = channel.medium {
        let line = input_line(ruby)?
            .map(|line| if chomp { line.trim_end_matches(['\n', '\r']).to_owned() } else { line });
        let line = Value::from(line);
        ruby.set_global("$_", line.clone());
        return Ok(line);
    }
    let bytes = rest(ruby, &channel)?;
    if bytes.is_empty() {
        return Ok(Value::Nil);
    }
    let plain = Args { keywords: None, ..args.clone() };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let Some(Value::Str(line)) = lines_for(ruby, &text, &plain)?.into_iter().next() else {
        return Ok(Value::Nil);
    };
    channel.at.set(channel.at.get() + line.byte_len());
    channel.line.set(channel.line.get() + 1);
    if chomp {
        let short = line.text().trim_end_matches(['\n', '\r']).to_owned();
        return Ok(Value::str(short));
    }
    ruby.set_global("$_", Value::Str(line.clone()));
    Ok(Value::Str(line))
}

fn readline(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match gets(ruby, this, args)? {
        Value::Nil => ruby.raise("EOFError", "end of file reached"),
        line => Ok(line),
    }
}

fn readlines(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let channel = reading(ruby, this)?;
    let bytes = rest(ruby, &channel)?;
    channel.at.set(channel.at.get() + bytes.len());
    Ok(Value::array(lines_for(ruby, &String::from_utf8_lossy(&bytes), &args)?))
}

fn each_line(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, "each_line", args)) };
    loop {
        let line = gets(ruby, this, Args { block: None, ..args.clone() })?;
        if line.is_nil() {
            return Ok(this.clone());
        }
        ruby.call_proc_one(&block, line)?;
    }
}

fn getc(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let channel = reading(ruby, this)?;
    let bytes = rest(ruby, &channel)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let Some(character) = text.chars().next() else { return Ok(Value::Nil) };
    channel.at.set(channel.at.get() + character.len_utf8());
    Ok(Value::str(character.to_string()))
}

fn is_at_end(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let channel = reading(ruby, this)?;
    let at_end = channel.at.get() >= channel.text.borrow().byte_len();
    Ok(Value::Bool(at_end))
}

fn rewind(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    with(this, |channel| {
        channel.at.set(0);
        channel.line.set(0);
        Value::Int(0)
    })
}

fn position(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    with(this, |channel| Value::Int(channel.at.get() as i64))
}

fn seek(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let offset = ruby.expect_int(&args.at(0))?;
    with(this, |channel| {
        let base = match args.at(1) {
            Value::Int(1) => channel.at.get() as i64,
            Value::Int(2) => channel.text.borrow().byte_len() as i64,
            _ => 0,
        };
        channel.at.set((base + offset).max(0) as usize);
        Value::Int(0)
    })
}

/// Writes bytes at the position, or at the end.
fn put(ruby: &mut Interpreter, this: &Value, more: &[u8]) -> Eval<()> {
    let channel = channel(ruby, this)?;
    if let Medium::Out(stream) = channel.medium {
        ruby.host.print(stream, more);
        return Ok(());
    }
    if !channel.writable {
        return ruby.raise("IOError", "not opened for writing");
    }
    let text = channel.text.borrow().clone();
    ruby.check_frozen(&Value::Str(text.clone()))?;
    ruby.charge(more.len())?;
    let at = if channel.append { text.byte_len() } else { channel.at.get() };
    if at == text.byte_len() {
        text.push_bytes(more);
    } else {
        let mut bytes = text.bytes();
        bytes.resize(bytes.len().max(at + more.len()), 0);
        bytes[at..at + more.len()].copy_from_slice(more);
        text.set_bytes(bytes);
    }
    channel.at.set(at + more.len());
    channel.changed.set(true);
    Ok(())
}

fn bytes_of(ruby: &mut Interpreter, value: &Value) -> Eval<Vec<u8>> {
    match value {
        Value::Str(text) => Ok(text.bytes()),
        other => Ok(ruby.to_s(other)?.into_bytes()),
    }
}

fn write(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut total = 0;
    for value in &args.positional {
        let bytes = bytes_of(ruby, value)?;
        total += bytes.len();
        put(ruby, this, &bytes)?;
    }
    Ok(Value::Int(total as i64))
}

fn print(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    write(ruby, this, args)?;
    Ok(Value::Nil)
}

fn append(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    write(ruby, this, args)?;
    Ok(this.clone())
}

fn puts(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let text = lines_of(ruby, &args.positional)?;
    put(ruby, this, text.as_bytes())?;
    Ok(Value::Nil)
}

fn printf(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let format = ruby.expect_string(&args.at(0))?;
    let text = crate::core::format::format(ruby, &format, &args.positional[1.min(args.len())..])?;
    put(ruby, this, text.as_bytes())?;
    Ok(Value::Nil)
}

fn putc(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let bytes = match args.at(0) {
        Value::Int(byte) => vec![byte as u8],
        other => ruby.expect_string(&other)?.chars().take(1).collect::<String>().into_bytes(),
    };
    put(ruby, this, &bytes)?;
    Ok(args.at(0))
}

fn string(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    with(this, |channel| Value::Str(channel.text.borrow().clone()))
}

fn truncate(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let length = ruby.expect_int(&args.at(0))?.max(0) as usize;
    let channel = channel(ruby, this)?;
    let text = channel.text.borrow().clone();
    let mut bytes = text.bytes();
    bytes.resize(length, 0);
    text.set_bytes(bytes);
    channel.changed.set(true);
    Ok(Value::Int(0))
}

fn flush(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let channel = channel(ruby, this)?;
    if let Medium::File { path, shown } = &channel.medium
        && channel.changed.replace(false)
    {
        let content = channel.text.borrow().bytes();
        change(ruby, &Change::Write { path: path.clone(), content, append: false }, "rb_sysopen", shown)?;
    }
    Ok(this.clone())
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
