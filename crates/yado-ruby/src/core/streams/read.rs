//! Reading from a channel, and where the reading stands.

use super::{Channel, Medium, reading, with};
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::enumerator::enumerator;
use crate::core::files::raise_host;
use crate::core::text::lines_for;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);

/// The lines of `METHODS` for it.
pub(super) const METHODS: Table = &[
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
    ("getpass", gets, ANY),
];

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

pub(super) fn position(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
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
