//! `Dir`: listing, globbing, the working directory.

use std::path::PathBuf;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::enumerator::enumerator;
use crate::core::files::{change, expand, path_of, path_text, raise_system};
use crate::core::fnmatch::{self, Flags};
use crate::host::Change;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

const ONE: Arity = Arity::exactly(1);
const ANY: Arity = Arity::at_least(0);

/// Methods of `Dir` itself.
pub(crate) const CLASS_METHODS: Table = &[
    ("glob", glob, Arity::between(1, 2).with_keywords()),
    ("[]", glob_all, ANY.with_keywords()),
    ("entries", entries, ONE),
    ("children", children, ONE),
    ("each_child", each_child, ONE),
    ("foreach", foreach, ONE),
    ("exist?", exists, ONE),
    ("exists?", exists, ONE),
    ("empty?", is_empty, ONE),
    ("pwd", pwd, ANY),
    ("getwd", pwd, ANY),
    ("home", home, ANY),
    ("chdir", chdir, ANY),
    ("mkdir", mkdir, Arity::between(1, 2)),
    ("rmdir", rmdir, ONE),
    ("delete", rmdir, ONE),
    ("unlink", rmdir, ONE),
];

fn names(ruby: &mut Interpreter, value: &Value) -> Eval<Vec<String>> {
    let shown = path_text(ruby, value)?;
    let path = path_of(ruby, value)?;
    match ruby.host.list(&path) {
        Ok(names) => Ok(names),
        Err(error) => raise_system(ruby, &error, "dir_initialize", &shown),
    }
}

fn values(names: Vec<String>) -> Value {
    Value::array(names.into_iter().map(Value::str).collect())
}

fn children(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    Ok(values(names(ruby, &args.at(0))?))
}

fn all_entries(ruby: &mut Interpreter, args: &Args) -> Eval {
    let mut found = vec![".".to_owned(), "..".to_owned()];
    found.extend(names(ruby, &args.at(0))?);
    Ok(values(found))
}

fn entries(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    all_entries(ruby, &args)
}

fn foreach(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, "foreach", args)) };
    let all = all_entries(ruby, &args)?;
    ruby.send(&all, "each", Args::none().with_block(Some(block)))?;
    Ok(Value::Nil)
}

fn each_child(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, "each_child", args)) };
    let all = children(ruby, this, args)?;
    ruby.send(&all, "each", Args::none().with_block(Some(block)))?;
    Ok(Value::Nil)
}

fn exists(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let path = path_of(ruby, &args.at(0))?;
    Ok(Value::Bool(ruby.host.facts(&path, true).is_ok_and(|facts| facts.directory)))
}

fn is_empty(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let path = path_of(ruby, &args.at(0))?;
    Ok(Value::Bool(ruby.host.list(&path).is_ok_and(|names| names.is_empty())))
}

fn pwd(ruby: &mut Interpreter, _: &Value, _: Args) -> Eval {
    Ok(Value::str(ruby.directory.to_string_lossy()))
}

fn home(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let user = if args.at(0).is_nil() { String::new() } else { ruby.expect_string(&args.at(0))? };
    expand(ruby, &format!("~{user}"), None).map(Value::str)
}

fn chdir(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let target = if args.is_empty() { home(ruby, this, Args::none())? } else { args.at(0) };
    let path = path_of(ruby, &target)?;
    match ruby.host.facts(&path, true) {
        Ok(facts) if facts.directory => {}
        Ok(_) => {
            let error = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            return raise_system(ruby, &error, "dir_s_chdir", &path.to_string_lossy());
        }
        Err(error) => return raise_system(ruby, &error, "dir_chdir", &path.to_string_lossy()),
    }
    let before = std::mem::replace(&mut ruby.directory, path.clone());
    let Some(block) = &args.block else { return Ok(Value::Int(0)) };
    let result = ruby.call_proc_one(block, Value::str(path.to_string_lossy()));
    ruby.directory = before;
    result
}

fn mkdir(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let shown = path_text(ruby, &args.at(0))?;
    let path = path_of(ruby, &args.at(0))?;
    if ruby.host.facts(&path, true).is_ok() {
        return ruby.raise("Errno::EEXIST", format!("File exists @ dir_s_mkdir - {shown}"));
    }
    change(ruby, &Change::MakeDirectory(path), "dir_s_mkdir", &shown)?;
    Ok(Value::Int(0))
}

fn rmdir(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let shown = path_text(ruby, &args.at(0))?;
    let path = path_of(ruby, &args.at(0))?;
    change(ruby, &Change::Remove(path), "dir_s_rmdir", &shown)?;
    Ok(Value::Int(0))
}

fn glob(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let bits = match args.get(1) {
        Some(flags) => ruby.expect_int(flags)?,
        None => args.keyword("flags").and_then(|flags| flags.as_integer()).unwrap_or(0) as i64,
    };
    let patterns = match args.at(0) {
        Value::Array(items) => items.to_vec(),
        one => vec![one],
    };
    let base = args.keyword("base").filter(|base| !base.is_nil());
    let found = glob_patterns(ruby, &patterns, bits, base)?;
    let found = values(found);
    match args.block {
        Some(block) => {
            ruby.send(&found, "each", Args::none().with_block(Some(block)))?;
            Ok(Value::Nil)
        }
        None => Ok(found),
    }
}

fn glob_all(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let base = args.keyword("base").filter(|base| !base.is_nil());
    let mut patterns = Vec::new();
    for value in args.positional {
        match value {
            Value::Array(items) => patterns.extend(items.to_vec()),
            one => patterns.push(one),
        }
    }
    Ok(values(glob_patterns(ruby, &patterns, 0, base)?))
}

fn glob_patterns(
    ruby: &mut Interpreter,
    patterns: &[Value],
    bits: i64,
    base: Option<Value>,
) -> Eval<Vec<String>> {
    let base = match base {
        Some(base) => path_of(ruby, &base)?,
        None => ruby.directory.clone(),
    };
    let flags = Flags { pathname: true, braces: false, ..Flags::from_bits(bits) };
    let mut found = Vec::new();
    for value in patterns {
        let text = path_text(ruby, value)?;
        for pattern in fnmatch::expand_braces(&text) {
            let mut walk = Walk { ruby, base: base.clone(), flags, found: Vec::new() };
            let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
            let root = if pattern.starts_with('/') { "/" } else { "" };
            if !pattern.is_empty() {
                walk.step(root, &parts, pattern.ends_with('/'));
            }
            found.append(&mut walk.found);
        }
    }
    Ok(found)
}

struct Walk<'r> {
    ruby: &'r mut Interpreter,
    base: PathBuf,
    flags: Flags,
    found: Vec<String>,
}

impl Walk<'_> {
    fn names(&self, prefix: &str) -> Vec<String> {
        self.ruby.host.list(&self.base.join(prefix)).unwrap_or_default()
    }

    fn is_directory(&self, path: &str, follow: bool) -> bool {
        self.ruby.host.facts(&self.base.join(path), follow).is_ok_and(|facts| facts.directory)
    }

    fn join(prefix: &str, name: &str) -> String {
        if prefix.is_empty() || prefix.ends_with('/') {
            format!("{prefix}{name}")
        } else {
            format!("{prefix}/{name}")
        }
    }

    /// Goes on below `prefix` with the parts of the pattern that are left.
    fn step(&mut self, prefix: &str, parts: &[&str], only_directories: bool) {
        let Some((first, rest)) = parts.split_first() else {
            let exists = self.ruby.host.facts(&self.base.join(prefix), true).is_ok();
            if exists && (!only_directories || self.is_directory(prefix, true)) {
                let slash = if only_directories { "/" } else { "" };
                self.found.push(format!("{}{slash}", prefix));
            }
            return;
        };
        if *first == "**" && !rest.is_empty() {
            self.step(prefix, rest, only_directories);
            for name in self.names(prefix) {
                let hidden = name.starts_with('.') && !self.flags.dot_match;
                let below = Self::join(prefix, &name);
                if !hidden && self.is_directory(&below, false) {
                    self.step(&below, parts, only_directories);
                }
            }
            return;
        }
        if !first.contains(['*', '?', '[', '\\']) {
            self.step(&Self::join(prefix, first), rest, only_directories);
            return;
        }
        let wildcard = if *first == "**" { "*" } else { first };
        for name in self.names(prefix) {
            if fnmatch::matches(wildcard, &name, self.flags) {
                let path = Self::join(prefix, &name);
                if rest.is_empty() || self.is_directory(&path, true) {
                    self.step(&path, rest, only_directories);
                }
            }
        }
    }
}
