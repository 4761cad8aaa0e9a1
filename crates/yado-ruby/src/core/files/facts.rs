//! What `File` asks the disk: kinds, sizes, times, links.

use super::paths::expand_path;
use super::{path_of, path_text, raise_system};
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::host::FileFacts;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};
use std::io;
use std::path::{Path, PathBuf};

const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);

/// Methods of `File` itself.
pub(crate) const FACTS: Table = &[
    ("symlink?", is_symlink, ONE),
    ("size?", size_or_nil, ONE),
    ("ftype", file_type, ONE),
    ("readlink", read_link, ONE),
    ("realpath", real_path, Arity::between(1, 2)),
    ("identical?", identical, Arity::exactly(2)),
];

pub(super) fn facts(ruby: &mut Interpreter, value: &Value, follow: bool) -> Eval<io::Result<FileFacts>> {
    let path = path_of(ruby, value)?;
    Ok(ruby.host.facts(&path, follow))
}

pub(super) fn ask(ruby: &mut Interpreter, args: &Args, question: fn(&FileFacts) -> bool) -> Eval {
    Ok(Value::Bool(facts(ruby, &args.at(0), true)?.is_ok_and(|facts| question(&facts))))
}

pub(super) fn fact(
    ruby: &mut Interpreter,
    args: &Args,
    function: &str,
    answer: fn(&FileFacts) -> Value,
) -> Eval {
    match facts(ruby, &args.at(0), true)? {
        Ok(facts) => Ok(answer(&facts)),
        Err(error) => {
            let path = path_text(ruby, &args.at(0))?;
            raise_system(ruby, &error, function, &path)
        }
    }
}

fn is_symlink(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    Ok(Value::Bool(facts(ruby, &args.at(0), false)?.is_ok_and(|facts| facts.link)))
}

fn size_or_nil(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    Ok(match facts(ruby, &args.at(0), true)? {
        Ok(facts) if facts.size > 0 => Value::Int(facts.size as i64),
        _ => Value::Nil,
    })
}

pub(super) fn time(ruby: &mut Interpreter, args: &Args, function: &str) -> Eval {
    let seconds = fact(ruby, args, function, |facts| Value::Float(facts.modified))?;
    let class = crate::core::library::constant_at(ruby, &["Time"])?;
    ruby.send(&class, "at", Args::one(seconds))
}

pub(super) fn stat(ruby: &mut Interpreter, args: &Args, follow: bool) -> Eval {
    match facts(ruby, &args.at(0), follow)? {
        Ok(facts) => {
            let class = crate::core::library::constant_at(ruby, &["File", "Stat"])?;
            let Value::Class(class) = class else { return Ok(Value::Nil) };
            Ok(ruby.new_object(&class, Some(Box::new(facts))))
        }
        Err(error) => {
            let path = path_text(ruby, &args.at(0))?;
            raise_system(ruby, &error, "rb_file_s_stat", &path)
        }
    }
}

/// Methods of `File::Stat`.
pub(crate) const STAT: Table = &[
    ("size", |_, this, _| seen(this, |facts| Value::Int(facts.size as i64)), ANY),
    ("mode", |_, this, _| seen(this, mode), ANY),
    ("file?", |_, this, _| seen(this, |facts| Value::Bool(facts.file)), ANY),
    ("directory?", |_, this, _| seen(this, |facts| Value::Bool(facts.directory)), ANY),
    ("symlink?", |_, this, _| seen(this, |facts| Value::Bool(facts.link)), ANY),
    ("readable?", |_, this, _| seen(this, |facts| Value::Bool(facts.mode & 0o444 != 0)), ANY),
    ("writable?", |_, this, _| seen(this, |facts| Value::Bool(facts.mode & 0o222 != 0)), ANY),
    ("executable?", |_, this, _| seen(this, |facts| Value::Bool(facts.mode & 0o111 != 0)), ANY),
    ("zero?", |_, this, _| seen(this, |facts| Value::Bool(facts.size == 0)), ANY),
    ("mtime", stat_time, ANY),
    ("ctime", stat_time, ANY),
    ("atime", stat_time, ANY),
];

fn seen(this: &Value, answer: fn(&FileFacts) -> Value) -> Eval {
    Ok(this.data::<FileFacts>().map_or(Value::Nil, |facts| answer(&facts)))
}

pub(super) fn mode(facts: &FileFacts) -> Value {
    let kind = if facts.directory { 0o040_000 } else { 0o100_000 };
    Value::Int(i64::from(facts.mode) | kind)
}

fn stat_time(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let seconds = seen(this, |facts| Value::Float(facts.modified))?;
    let class = crate::core::library::constant_at(ruby, &["Time"])?;
    ruby.send(&class, "at", Args::one(seconds))
}

fn file_type(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    fact(ruby, &args, "rb_file_s_ftype", |facts| {
        Value::str(if facts.directory {
            "directory"
        } else if facts.link {
            "link"
        } else {
            "file"
        })
    })
}

fn read_link(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let path = path_of(ruby, &args.at(0))?;
    match ruby.host.read_link(&path) {
        Ok(target) => Ok(Value::str(target.to_string_lossy())),
        Err(error) => raise_system(ruby, &error, "rb_readlink", &path.to_string_lossy()),
    }
}

/// Follows every link of a path.
fn resolve(ruby: &Interpreter, path: &Path, depth: usize) -> io::Result<PathBuf> {
    let mut resolved = PathBuf::from("/");
    for part in path.components().skip(1) {
        resolved.push(part);
        if ruby.host.facts(&resolved, false)?.link && depth < 40 {
            let target = ruby.host.read_link(&resolved)?;
            resolved.pop();
            resolved = resolve(ruby, &resolved.join(target), depth + 1)?;
        }
    }
    Ok(resolved)
}

fn real_path(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let expanded = expand_path(ruby, this, args)?;
    let path = PathBuf::from(expanded.as_text().unwrap_or_default());
    match resolve(ruby, &path, 0) {
        Ok(path) => Ok(Value::str(path.to_string_lossy())),
        Err(error) => raise_system(ruby, &error, "rb_check_realpath_internal", &path.to_string_lossy()),
    }
}

fn identical(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let (a, b) = (path_of(ruby, &args.at(0))?, path_of(ruby, &args.at(1))?);
    Ok(Value::Bool(match (resolve(ruby, &a, 0), resolve(ruby, &b, 0)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }))
}
