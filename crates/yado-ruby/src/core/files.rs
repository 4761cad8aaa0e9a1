//! `File`: the questions and actions of the class itself, all through the host.

use std::io;
use std::path::{Path, PathBuf};

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::fnmatch;
use crate::core::text::lines_for;
use crate::host::{Change, FileFacts, HostError};
use crate::interpreter::Interpreter;
use crate::symbol::Symbol;
use crate::value::{Eval, Value};

const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);
const PATHS: Arity = Arity::at_least(1);

/// Methods of `File` (and `IO`, `FileTest`) themselves.
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
    ("symlink?", is_symlink, ONE),
    ("size", |ruby, _, args| fact(ruby, &args, "rb_file_s_size", |facts| Value::Int(facts.size as i64)), ONE),
    ("size?", size_or_nil, ONE),
    ("mtime", |ruby, _, args| time(ruby, &args, "rb_file_s_mtime"), ONE),
    ("ctime", |ruby, _, args| time(ruby, &args, "rb_file_s_ctime"), ONE),
    ("atime", |ruby, _, args| time(ruby, &args, "rb_file_s_atime"), ONE),
    ("stat", |ruby, _, args| stat(ruby, &args, true), ONE),
    ("lstat", |ruby, _, args| stat(ruby, &args, false), ONE),
    ("ftype", file_type, ONE),
    ("readlink", read_link, ONE),
    ("basename", basename, Arity::between(1, 2)),
    ("dirname", dirname, Arity::between(1, 2)),
    ("extname", extname, ONE),
    ("split", split, ONE),
    ("join", join, ANY),
    ("path", |ruby, _, args| path_text(ruby, &args.at(0)).map(Value::str), ONE),
    ("expand_path", expand_path, Arity::between(1, 2)),
    ("absolute_path", expand_path, Arity::between(1, 2)),
    ("absolute_path?", is_absolute, ONE),
    ("realpath", real_path, Arity::between(1, 2)),
    ("realdirpath", expand_path, Arity::between(1, 2)),
    ("identical?", identical, Arity::exactly(2)),
    ("fnmatch", matches, Arity::between(2, 3)),
    ("fnmatch?", matches, Arity::between(2, 3)),
    ("read", read, PATHS.with_keywords()),
    ("binread", binread, PATHS),
    ("readlines", readlines, PATHS.with_keywords()),
    ("foreach", foreach, PATHS.with_keywords()),
    ("write", write, Arity::at_least(2).with_keywords()),
    ("binwrite", write, Arity::at_least(2).with_keywords()),
    ("delete", delete, ANY),
    ("unlink", delete, ANY),
    ("rename", |ruby, _, args| two_paths(ruby, &args, Change::Rename), Arity::exactly(2)),
    ("symlink", symlink, Arity::exactly(2)),
    ("link", |ruby, _, args| two_paths(ruby, &args, Change::Copy), Arity::exactly(2)),
    ("chmod", chmod, PATHS),
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

fn facts(ruby: &mut Interpreter, value: &Value, follow: bool) -> Eval<io::Result<FileFacts>> {
    let path = path_of(ruby, value)?;
    Ok(ruby.host.facts(&path, follow))
}

fn ask(ruby: &mut Interpreter, args: &Args, question: fn(&FileFacts) -> bool) -> Eval {
    Ok(Value::Bool(facts(ruby, &args.at(0), true)?.is_ok_and(|facts| question(&facts))))
}

fn fact(ruby: &mut Interpreter, args: &Args, function: &str, answer: fn(&FileFacts) -> Value) -> Eval {
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

fn time(ruby: &mut Interpreter, args: &Args, function: &str) -> Eval {
    let seconds = fact(ruby, args, function, |facts| Value::Float(facts.modified))?;
    let class = crate::core::library::constant_at(ruby, &["Time"])?;
    ruby.send(&class, "at", Args::one(seconds))
}

fn stat(ruby: &mut Interpreter, args: &Args, follow: bool) -> Eval {
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

fn mode(facts: &FileFacts) -> Value {
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

/// A path without slashes at its end, except the root.
fn trimmed(path: &str) -> &str {
    let shorter = path.trim_end_matches('/');
    if shorter.is_empty() && !path.is_empty() { "/" } else { shorter }
}

/// The last part of a path.
pub(crate) fn base_name(path: &str) -> &str {
    let path = trimmed(path);
    if path == "/" { "/" } else { path.rsplit('/').next().unwrap_or(path) }
}

fn basename(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let path = path_text(ruby, &args.at(0))?;
    let name = base_name(&path);
    if args.len() < 2 {
        return Ok(Value::str(name));
    }
    let suffix = ruby.expect_string(&args.at(1))?;
    let cut = if suffix == ".*" { extension(name) } else { &suffix };
    Ok(Value::str(name.strip_suffix(cut).filter(|rest| !rest.is_empty()).unwrap_or(name)))
}

/// Everything before the last part of a path.
pub(crate) fn dir_name(path: &str) -> &str {
    let path = trimmed(path);
    match path.rfind('/') {
        Some(0) => "/",
        Some(at) => trimmed(&path[..at]),
        None => ".",
    }
}

fn dirname(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let path = path_text(ruby, &args.at(0))?;
    let levels = if args.len() > 1 { ruby.expect_int(&args.at(1))? } else { 1 };
    let mut part = path.as_str();
    for _ in 0..levels.clamp(0, 4096) {
        part = dir_name(part);
    }
    Ok(Value::str(part))
}

/// The extension of a name with its period; nothing for names that only begin with one.
fn extension(name: &str) -> &str {
    let stem = name.trim_start_matches('.');
    match stem.rfind('.') {
        Some(at) if at > 0 && at + 1 < stem.len() => &stem[at..],
        _ => "",
    }
}

fn extname(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let path = path_text(ruby, &args.at(0))?;
    Ok(Value::str(extension(base_name(&path))))
}

fn split(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let path = path_text(ruby, &args.at(0))?;
    Ok(Value::array(vec![Value::str(dir_name(&path)), Value::str(base_name(&path))]))
}

fn join(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let mut parts = Vec::new();
    flatten_paths(ruby, &args.positional, &mut parts, 0)?;
    let mut out = String::new();
    for (at, part) in parts.iter().enumerate() {
        if at == 0 {
            out.push_str(part);
            continue;
        }
        if part.starts_with('/') {
            out.truncate(out.trim_end_matches('/').len());
        } else if !out.ends_with('/') {
            out.push('/');
        }
        out.push_str(part);
    }
    Ok(Value::str(out))
}

fn flatten_paths(
    ruby: &mut Interpreter,
    values: &[Value],
    parts: &mut Vec<String>,
    depth: usize,
) -> Eval<()> {
    if depth > 100 {
        return ruby.raise("ArgumentError", "recursive array");
    }
    for value in values {
        match value {
            Value::Array(items) => flatten_paths(ruby, &items.to_vec(), parts, depth + 1)?,
            other => parts.push(path_text(ruby, other)?),
        }
    }
    Ok(())
}

/// `File.expand_path`: absolute, without `.`, `..` and `~`.
pub(crate) fn expand(ruby: &mut Interpreter, path: &str, from: Option<&str>) -> Eval<String> {
    let full = if path.starts_with('/') {
        path.to_owned()
    } else if path == "~" || path.starts_with("~/") {
        let Some(home) = ruby.environment.get("HOME").cloned() else {
            return ruby.raise("ArgumentError", "couldn't find HOME environment -- expanding `~'");
        };
        format!("{home}{}", &path[1..])
    } else if let Some(rest) = path.strip_prefix('~') {
        let user = rest.split('/').next().unwrap_or(rest);
        let tail = &rest[user.len()..];
        if user == "root" { format!("/root{tail}") } else { format!("/home/{user}{tail}") }
    } else {
        let base = match from {
            Some(from) => expand(ruby, from, None)?,
            None => ruby.directory.to_string_lossy().into_owned(),
        };
        format!("{base}/{path}")
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in full.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    Ok(format!("/{}", parts.join("/")))
}

fn expand_path(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let path = path_text(ruby, &args.at(0))?;
    let from = if args.at(1).is_nil() { None } else { Some(path_text(ruby, &args.at(1))?) };
    expand(ruby, &path, from.as_deref()).map(Value::str)
}

fn is_absolute(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    Ok(Value::Bool(path_text(ruby, &args.at(0))?.starts_with('/')))
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
        Err(error) => raise_system(ruby, &error, "rb_realpath_internal", &path.to_string_lossy()),
    }
}

fn identical(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let (a, b) = (path_of(ruby, &args.at(0))?, path_of(ruby, &args.at(1))?);
    Ok(Value::Bool(match (resolve(ruby, &a, 0), resolve(ruby, &b, 0)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }))
}

fn matches(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let (pattern, path) = (ruby.expect_string(&args.at(0))?, path_text(ruby, &args.at(1))?);
    let bits = if args.len() > 2 { ruby.expect_int(&args.at(2))? } else { 0 };
    Ok(Value::Bool(fnmatch::matches(&pattern, &path, fnmatch::Flags::from_bits(bits))))
}

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

fn read(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
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

fn two_paths(ruby: &mut Interpreter, args: &Args, make: fn(PathBuf, PathBuf) -> Change) -> Eval {
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
