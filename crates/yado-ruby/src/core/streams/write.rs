//! Writing to a channel.

use super::{Medium, channel};
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::files::change;
use crate::core::kernel::lines_of;
use crate::host::Change;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);

/// The lines of `METHODS` for it.
pub(super) const METHODS: Table = &[
    ("write", write, ANY),
    ("syswrite", write, ANY),
    ("print", print, ANY),
    ("<<", append, ONE),
    ("puts", puts, ANY),
    ("printf", printf, ANY),
    ("putc", putc, ONE),
    ("truncate", truncate, ONE),
    ("flush", flush, NONE),
    ("fsync", flush, NONE),
];

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

pub(super) fn append(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
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

pub(super) fn flush(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let channel = channel(ruby, this)?;
    if let Medium::File { path, shown } = &channel.medium
        && channel.changed.replace(false)
    {
        let content = channel.text.borrow().bytes();
        change(ruby, &Change::Write { path: path.clone(), content, append: false }, "rb_sysopen", shown)?;
    }
    Ok(this.clone())
}
