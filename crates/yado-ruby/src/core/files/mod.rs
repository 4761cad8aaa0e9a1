//! `File`: the questions and actions of the class itself, all through the host.

mod content;
mod facts;
mod paths;

use self::content::two_paths;
use self::facts::{ask, fact, stat, time};
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::host::{Change, HostError};
use crate::interpreter::Interpreter;
use crate::symbol::Symbol;
use crate::value::{Eval, Value};
use std::io;
use std::path::PathBuf;

const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);

/// Methods of `File` (and `IO`, `FileTest`) themselves.
pub(crate) use content::{CONTENT, content};
pub(crate) use facts::{FACTS, STAT};
pub(crate) use paths::{PATHS, expand};

/// Methods of `File` itself that only ask or order something.
pub(crate) const CLASS_METHODS: Table = &[
    ("exist?", |ruby, _, args| ask(ruby, &args, |_| true), ONE),
    ("exists?", |ruby, _, args| ask(ruby, &args, |_| true), ONE),
    ("file?", |ruby, _, args| ask(ruby, &args, |facts| facts.file), ONE),
    ("directory?", |ruby, _, args| ask(ruby, &args, |facts| facts.directory), ONE),
    ("readable?", |ruby, _, args| ask(ruby, &args, |facts| facts.mode & 0o444 != 0), ONE),
    ("writable?", |ruby, _, args| ask(ruby, &args, |facts| facts.mode & 0o222 != 0), ONE),
    ("executable?", |ruby, _, args| ask(ruby, &args, |facts| facts.mode & 0o111 != 0), ONE),
    ("zero?", |ruby, _, args| ask(ruby, &args, |facts| facts.size == 0), ONE),
    ("empty?", |ruby, _, args| ask(ruby, &args, |facts| facts.size == 0), ONE),
    ("owned?", |ruby, _, args| ask(ruby, &args, |_| true), ONE),
    ("size", |ruby, _, args| fact(ruby, &args, "rb_file_s_size", |facts| Value::Int(facts.size as i64)), ONE),
    ("mtime", |ruby, _, args| time(ruby, &args, "rb_file_s_mtime"), ONE),
    ("ctime", |ruby, _, args| time(ruby, &args, "rb_file_s_ctime"), ONE),
    ("atime", |ruby, _, args| time(ruby, &args, "rb_file_s_atime"), ONE),
    ("stat", |ruby, _, args| stat(ruby, &args, true), ONE),
    ("lstat", |ruby, _, args| stat(ruby, &args, false), ONE),
    ("path", |ruby, _, args| path_text(ruby, &args.at(0)).map(Value::str), ONE),
    ("rename", |ruby, _, args| two_paths(ruby, &args, Change::Rename), Arity::exactly(2)),
    ("link", |ruby, _, args| two_paths(ruby, &args, Change::Copy), Arity::exactly(2)),
    ("chown", |_, _, args| Ok(Value::Int(args.len() as i64 - 2)), Arity::at_least(2)),
    ("utime", |_, _, args| Ok(Value::Int(args.len() as i64 - 2)), Arity::at_least(2)),
    ("umask", |_, _, _| Ok(Value::Int(0o22)), ANY),
];

/// The text of a path argument: a string, or what answers `to_path`.
pub(crate) fn path_text(ruby: &mut Interpreter, value: &Value) -> Eval<String> {
    if matches!(value, Value::Object(_)) && ruby.responds_to(value, Symbol::new("to_path"))? {
        let path = ruby.send(value, "to_path", Args::none())?;
        return ruby.expect_string(&path);
    }
    ruby.expect_string(value)
}

/// The absolute path of an argument.
pub(crate) fn path_of(ruby: &mut Interpreter, value: &Value) -> Eval<PathBuf> {
    let text = path_text(ruby, value)?;
    Ok(PathBuf::from(expand(ruby, &text, None)?))
}

/// The `Errno` class and words for an error of the system.
fn system_words(error: &io::Error) -> (&'static str, String) {
    let class = match error.kind() {
        io::ErrorKind::NotFound => "Errno::ENOENT",
        io::ErrorKind::PermissionDenied => "Errno::EACCES",
        io::ErrorKind::AlreadyExists => "Errno::EEXIST",
        io::ErrorKind::NotADirectory => "Errno::ENOTDIR",
        io::ErrorKind::IsADirectory => "Errno::EISDIR",
        io::ErrorKind::DirectoryNotEmpty => "Errno::ENOTEMPTY",
        io::ErrorKind::InvalidInput => "Errno::EINVAL",
        _ => "SystemCallError",
    };
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text).to_owned();
    (class, words)
}

/// Methods of `SystemCallError`: its subclasses begin their messages with the system's words.
pub(crate) const SYSTEM_CALL_ERROR: Table = &[("initialize", initialize_error, ANY)];

fn initialize_error(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let class = ruby.describe_class(this);
    let words = match class.as_str() {
        "Errno::ENOENT" => "No such file or directory",
        "Errno::EACCES" => "Permission denied",
        "Errno::EEXIST" => "File exists",
        "Errno::ENOTDIR" => "Not a directory",
        "Errno::EISDIR" => "Is a directory",
        "Errno::ENOTEMPTY" => "Directory not empty",
        "Errno::EINVAL" => "Invalid argument",
        "Errno::EPIPE" => "Broken pipe",
        "Errno::ECONNREFUSED" => "Connection refused",
        "Errno::EPERM" => "Operation not permitted",
        _ => "unknown error",
    };
    let message =
        if args.is_empty() { words.to_owned() } else { format!("{words} - {}", ruby.to_s(&args.at(0))?) };
    if let Value::Object(object) = this {
        object.set_variable(crate::symbol::names::HIDDEN_MESSAGE, Value::str(message));
    }
    Ok(Value::Nil)
}

/// Raises what Ruby raises when the system refuses: `No such file or directory @ rb_sysopen - path`.
pub(crate) fn raise_system<T>(
    ruby: &mut Interpreter,
    error: &io::Error,
    function: &str,
    path: &str,
) -> Eval<T> {
    let (class, words) = system_words(error);
    let place = if function.is_empty() { String::new() } else { format!(" @ {function}") };
    ruby.raise(class, format!("{words}{place} - {path}"))
}

/// Raises for what the host did not do.
pub(crate) fn raise_host<T>(
    ruby: &mut Interpreter,
    error: &HostError,
    function: &str,
    path: &str,
) -> Eval<T> {
    match error {
        HostError::Refused(what) => ruby.refuse(what),
        HostError::System(error) => raise_system(ruby, error, function, path),
    }
}

/// Asks the host for a change.
pub(crate) fn change(ruby: &mut Interpreter, change: &Change, function: &str, path: &str) -> Eval<()> {
    match ruby.host.change(change) {
        Ok(()) => Ok(()),
        Err(error) => raise_host(ruby, &error, function, path),
    }
}
