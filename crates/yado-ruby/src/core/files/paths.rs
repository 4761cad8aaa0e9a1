//! What `File` knows of paths as text, without asking the disk.

use super::path_text;
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::fnmatch;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);

/// Methods of `File` itself.
pub(crate) const PATHS: Table = &[
    ("basename", basename, Arity::between(1, 2)),
    ("dirname", dirname, Arity::between(1, 2)),
    ("extname", extname, ONE),
    ("split", split, ONE),
    ("join", join, ANY),
    ("expand_path", expand_path, Arity::between(1, 2)),
    ("absolute_path", expand_path, Arity::between(1, 2)),
    ("absolute_path?", is_absolute, ONE),
    ("realdirpath", expand_path, Arity::between(1, 2)),
    ("fnmatch", matches, Arity::between(2, 3)),
    ("fnmatch?", matches, Arity::between(2, 3)),
];

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
        Some(at) if at > 0 => &stem[at..],
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

pub(super) fn expand_path(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let path = path_text(ruby, &args.at(0))?;
    let from = if args.at(1).is_nil() { None } else { Some(path_text(ruby, &args.at(1))?) };
    expand(ruby, &path, from.as_deref()).map(Value::str)
}

fn is_absolute(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    Ok(Value::Bool(path_text(ruby, &args.at(0))?.starts_with('/')))
}

pub(super) fn matches(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let (pattern, path) = (ruby.expect_string(&args.at(0))?, path_text(ruby, &args.at(1))?);
    let bits = if args.len() > 2 { ruby.expect_int(&args.at(2))? } else { 0 };
    Ok(Value::Bool(fnmatch::matches(&pattern, &path, fnmatch::Flags::from_bits(bits))))
}
