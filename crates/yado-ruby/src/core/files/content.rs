//! The content of files: reading it, and the changes that the sandbox may refuse.

use super::{change, path_of, path_text, raise_host};
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::text::lines_for;
use crate::host::{Change, HostError};
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};
use std::io;
use std::path::PathBuf;

const ANY: Arity = Arity::at_least(0);
const PATHS: Arity = Arity::at_least(1);

/// Methods of `File` itself.
pub(crate) const CONTENT: Table = &[
    ("read", read, PATHS.with_keywords()),
    ("binread", binread, PATHS),
    ("readlines", readlines, PATHS.with_keywords()),
    ("foreach", foreach, PATHS.with_keywords()),
    ("write", write, Arity::at_least(2).with_keywords()),
    ("binwrite", write, Arity::at_least(2).with_keywords()),
    ("delete", delete, ANY),
    ("unlink", delete, ANY),
    ("symlink", symlink, Arity::exactly(2)),
    ("chmod", chmod, PATHS),
];

/// The content of a file, or the exception that Ruby raises.
pub(crate) fn content(ruby: &mut Interpreter, value: &Value) -> Eval<Vec<u8>> {
    let shown = path_text(ruby, value)?;
    let path = path_of(ruby, value)?;
    match ruby.host.read_file(&path) {
        Ok(bytes) => {
            ruby.charge(bytes.len())?;
            Ok(bytes)
        }
        Err(error) => {
            let directory =
                matches!(&error, HostError::System(error) if error.kind() == io::ErrorKind::IsADirectory);
            let function = if directory { "io_fread" } else { "rb_sysopen" };
            raise_host(ruby, &error, function, &shown)
        }
    }
}

pub(super) fn read(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let mut bytes = content(ruby, &args.at(0))?;
    if let Some(Value::Int(offset)) = args.get(2) {
        bytes.drain(..(*offset as usize).min(bytes.len()));
    }
    if let Some(Value::Int(length)) = args.get(1) {
        bytes.truncate(*length as usize);
    }
    Ok(Value::bytes(bytes))
}

fn binread(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let made = read(ruby, this, args)?;
    if let Value::Str(text) = &made {
        text.binary.set(true);
    }
    Ok(made)
}

fn file_lines(ruby: &mut Interpreter, args: &Args) -> Eval<Vec<Value>> {
    let bytes = content(ruby, &args.at(0))?;
    let rest =
        Args { positional: args.positional[1..].to_vec(), keywords: args.keywords.clone(), block: None };
    lines_for(ruby, &String::from_utf8_lossy(&bytes), &rest)
}

fn readlines(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    Ok(Value::array(file_lines(ruby, &args)?))
}

fn foreach(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let lines = Value::array(file_lines(ruby, &args)?);
    ruby.send(&lines, "each", Args::none().with_block(args.block))?;
    Ok(Value::Nil)
}

fn write(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let shown = path_text(ruby, &args.at(0))?;
    let path = path_of(ruby, &args.at(0))?;
    let content = match args.at(1) {
        Value::Str(text) => text.bytes(),
        other => ruby.to_s(&other)?.into_bytes(),
    };
    let append =
        args.keyword("mode").and_then(|mode| mode.as_text()).is_some_and(|mode| mode.starts_with('a'));
    let length = content.len() as i64;
    change(ruby, &Change::Write { path, content, append }, "rb_sysopen", &shown)?;
    Ok(Value::Int(length))
}

fn delete(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    for value in &args.positional {
        let shown = path_text(ruby, value)?;
        let path = path_of(ruby, value)?;
        change(ruby, &Change::Remove(path), "apply2files", &shown)?;
    }
    Ok(Value::Int(args.len() as i64))
}

pub(super) fn two_paths(ruby: &mut Interpreter, args: &Args, make: fn(PathBuf, PathBuf) -> Change) -> Eval {
    let (from, to) = (path_of(ruby, &args.at(0))?, path_of(ruby, &args.at(1))?);
    let shown = format!("({}, {})", from.display(), to.display());
    change(ruby, &make(from, to), "rb_file_s_rename", &shown)?;
    Ok(Value::Int(0))
}

fn symlink(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let target = PathBuf::from(path_text(ruby, &args.at(0))?);
    let link = path_of(ruby, &args.at(1))?;
    let shown = format!("({}, {})", target.display(), link.display());
    change(ruby, &Change::Link(target, link), "rb_file_s_symlink", &shown)?;
    Ok(Value::Int(0))
}

fn chmod(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let mode = ruby.expect_int(&args.at(0))? as u32;
    for value in &args.positional[1..] {
        let shown = path_text(ruby, value)?;
        let path = path_of(ruby, value)?;
        change(ruby, &Change::Mode(path, mode), "apply2files", &shown)?;
    }
    Ok(Value::Int(args.len() as i64 - 1))
}
