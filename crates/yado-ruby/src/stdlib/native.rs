//! The functions that libraries written in Ruby borrow from Rust: digests, encodings, versions, programs.

use std::cmp::Ordering;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::gem_version::{Constraint, Version};
use super::{base64, erb, shellwords};
use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::processes;
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

const ONE: Arity = Arity::exactly(1);
const TWO: Arity = Arity::exactly(2);

/// Methods of the module `YadoNative`.
pub(crate) const METHODS: Table = &[
    ("digest", digest, TWO),
    ("random_bytes", random_bytes, ONE),
    ("encode64", encode64, ONE),
    ("decode64", decode64, ONE),
    ("hex", |ruby, _, args| Ok(Value::str(base64::hexadecimal(&bytes(ruby, &args.at(0))?))), ONE),
    ("shellsplit", shellsplit, ONE),
    (
        "shellescape",
        |ruby, _, args| Ok(Value::str(shellwords::escape(&ruby.expect_string(&args.at(0))?))),
        ONE,
    ),
    ("erb", compile_erb, Arity::exactly(3)),
    (
        "version?",
        |ruby, _, args| Ok(Value::Bool(Version::parse(&ruby.expect_string(&args.at(0))?).is_some())),
        ONE,
    ),
    ("version_compare", version_compare, TWO),
    ("version_allows", version_allows, TWO),
    ("version_bump", |ruby, _, args| version(ruby, &args, Version::bump), ONE),
    ("version_release", |ruby, _, args| version(ruby, &args, Version::release), ONE),
    ("hostname", |ruby, _, _| Ok(Value::str(ruby.host.hostname())), Arity::exactly(0)),
    (
        "processors",
        |_, _, _| Ok(Value::Int(std::thread::available_parallelism().map_or(1, |it| it.get() as i64))),
        Arity::exactly(0),
    ),
    ("uname", uname, Arity::exactly(0)),
    ("run", run, Arity::at_least(1).with_keywords()),
    ("change", change, Arity::at_least(2)),
    ("connect", processes::connect, Arity::exactly(1)),
    ("math", math, Arity::between(2, 3)),
];

fn bytes(ruby: &mut Interpreter, value: &Value) -> Eval<Vec<u8>> {
    match value {
        Value::Str(text) => Ok(text.bytes()),
        other => Ok(ruby.expect_string(other)?.into_bytes()),
    }
}

fn binary(bytes: Vec<u8>) -> Value {
    let value = Value::bytes(bytes);
    if let Value::Str(text) = &value {
        text.binary.set(true);
    }
    value
}

fn digest(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let name = ruby.expect_string(&args.at(0))?;
    let data = bytes(ruby, &args.at(1))?;
    Ok(binary(match name.as_str() {
        "MD5" => Md5::digest(&data).to_vec(),
        "SHA1" => Sha1::digest(&data).to_vec(),
        "SHA384" => Sha384::digest(&data).to_vec(),
        "SHA512" => Sha512::digest(&data).to_vec(),
        _ => Sha256::digest(&data).to_vec(),
    }))
}

fn random_bytes(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let count = ruby.expect_int(&args.at(0))?.max(0) as usize;
    ruby.charge(count)?;
    let mut buffer = vec![0; count];
    ruby.host.random(&mut buffer);
    Ok(binary(buffer))
}

fn encode64(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    Ok(Value::str(base64::encode(&bytes(ruby, &args.at(0))?)))
}

fn decode64(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    Ok(Value::bytes(base64::decode(&bytes(ruby, &args.at(0))?)))
}

fn shellsplit(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let line = ruby.expect_string(&args.at(0))?;
    match shellwords::split(&line) {
        Ok(words) => Ok(Value::array(words.into_iter().map(Value::str).collect())),
        Err(message) => ruby.raise("ArgumentError", message),
    }
}

fn compile_erb(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let (template, mode) = (ruby.expect_string(&args.at(0))?, ruby.to_s(&args.at(1))?);
    let variable = ruby.expect_string(&args.at(2))?;
    Ok(Value::str(erb::compile(&template, erb::Trim::parse(&mode), &variable)))
}

fn parsed(ruby: &mut Interpreter, value: &Value) -> Eval<Version> {
    let text = ruby.expect_string(value)?;
    match Version::parse(&text) {
        Some(version) => Ok(version),
        None => ruby.raise("ArgumentError", format!("Malformed version number string {text}")),
    }
}

fn version(ruby: &mut Interpreter, args: &Args, change: fn(&Version) -> Version) -> Eval {
    Ok(Value::str(change(&parsed(ruby, &args.at(0))?).text))
}

fn version_compare(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let order: Ordering = parsed(ruby, &args.at(0))?.cmp(&parsed(ruby, &args.at(1))?);
    Ok(Value::Int(order as i64))
}

fn version_allows(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let text = ruby.expect_string(&args.at(0))?;
    let version = parsed(ruby, &args.at(1))?;
    match Constraint::parse(&text) {
        Some(constraint) => Ok(Value::Bool(constraint.allows(&version))),
        None => {
            let shown = ruby.inspect(&args.at(0))?;
            ruby.raise("Gem::Requirement::BadRequirementError", format!("Illformed requirement [{shown}]"))
        }
    }
}

fn uname(_: &mut Interpreter, _: &Value, _: Args) -> Eval {
    let facts = rustix::system::uname();
    let text = |value: &std::ffi::CStr| Value::str(value.to_string_lossy());
    Ok(Value::hash([
        (Value::sym("sysname"), text(facts.sysname())),
        (Value::sym("nodename"), text(facts.nodename())),
        (Value::sym("release"), text(facts.release())),
        (Value::sym("version"), text(facts.version())),
        (Value::sym("machine"), text(facts.machine())),
    ]))
}

/// Runs a program: its output, its errors and its status.
fn run(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let input = args.keyword("stdin_data").and_then(|value| value.as_text()).unwrap_or_default();
    let (output, status) = processes::run(ruby, &args, input.as_bytes())?;
    Ok(Value::array(vec![Value::bytes(output.stdout), Value::bytes(output.stderr), status]))
}

/// Changes of the file system that only `FileUtils` asks for.
fn change(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    use crate::core::files::{change, path_of, path_text};
    use crate::host::Change;
    let what = ruby.expect_string(&args.at(0))?;
    let path = path_of(ruby, &args.at(1))?;
    let shown = path_text(ruby, &args.at(1))?;
    let asked = match what.as_str() {
        "mkdir_p" => Change::MakeDirectory(path),
        "rm_r" => Change::RemoveAll(path),
        "cp" => Change::Copy(path, path_of(ruby, &args.at(2))?),
        "append" => Change::Write { path, content: Vec::new(), append: true },
        _ => Change::Rename(path, path_of(ruby, &args.at(2))?),
    };
    change(ruby, &asked, "", &shown)?;
    Ok(Value::Nil)
}

fn math(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let name = ruby.to_s(&args.at(0))?;
    if let Some(Value::Str(_)) = args.positional[1..].iter().find(|it| matches!(it, Value::Str(_))) {
        return ruby.raise("TypeError", "can't convert String into Float");
    }
    let number = crate::core::format::float(ruby, &args.at(1))?;
    let other = if args.len() > 2 { crate::core::format::float(ruby, &args.at(2))? } else { 0.0 };
    if number < 0.0 && matches!(name.as_str(), "sqrt" | "log" | "log2" | "log10") {
        return ruby.raise("Math::DomainError", format!("Numerical argument is out of domain - {name}"));
    }
    Ok(Value::Float(match name.as_str() {
        "sqrt" => number.sqrt(),
        "cbrt" => number.cbrt(),
        "sin" => number.sin(),
        "cos" => number.cos(),
        "tan" => number.tan(),
        "atan" => number.atan(),
        "atan2" => number.atan2(other),
        "exp" => number.exp(),
        "log" if args.len() > 2 => number.ln() / other.ln(),
        "log" => number.ln(),
        "log2" => number.log2(),
        "log10" => number.log10(),
        _ => number.hypot(other),
    }))
}
