//! `String`: the method tables, and what its parts share.

mod change;
mod look;
mod pack;
mod pieces;
mod replace;

use std::rc::Rc;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::interpreter::Interpreter;
use crate::regexp::Regexp;
use crate::value::{Eval, StrRef, Value};

pub(crate) use look::string_range;
pub(crate) use pack::pack;
pub(crate) use pieces::lines_for;

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);
const TWO: Arity = Arity::exactly(2);
const OPTIONAL: Arity = Arity::between(0, 1);
const ONE_OR_TWO: Arity = Arity::between(1, 2);
const ANY: Arity = Arity::at_least(0);

/// Instance methods of `String`.
pub(crate) const METHODS: &[Table] =
    &[look::METHODS, change::METHODS, pieces::METHODS, replace::METHODS, pack::METHODS];

/// Methods of the class `String` itself.
pub(crate) const CLASS_METHODS: Table = &[("try_convert", try_convert, ONE)];

fn try_convert(_: &mut Interpreter, _: &Value, args: Args) -> Eval {
    Ok(match args.at(0) {
        text @ Value::Str(_) => text,
        _ => Value::Nil,
    })
}

/// The string that a method was called on.
fn this_string(ruby: &mut Interpreter, this: &Value) -> Eval<StrRef> {
    match this {
        Value::Str(string) => Ok(string.clone()),
        other => ruby.no_conversion(other, "String"),
    }
}

/// The text of the string (or symbol) that a method was called on.
fn text_of(this: &Value) -> String {
    this.text_or_symbol().unwrap_or_default()
}

/// Replaces the content of the string that a method was called on.
fn change(ruby: &mut Interpreter, this: &Value, text: String) -> Eval<()> {
    ruby.check_frozen(this)?;
    this_string(ruby, this)?.set(text);
    Ok(())
}

/// Runs the method that answers a changed copy, and applies it in place: nil when nothing changed.
fn in_place(
    ruby: &mut Interpreter,
    this: &Value,
    args: Args,
    method: fn(&mut Interpreter, &Value, Args) -> Eval,
) -> Eval {
    ruby.check_frozen(this)?;
    let changed = method(ruby, this, args)?;
    let (string, changed) = (this_string(ruby, this)?, this_string(ruby, &changed)?);
    if string.with_bytes(|old| changed.with_bytes(|new| old == new)) {
        return Ok(Value::Nil);
    }
    string.set_bytes(changed.bytes());
    Ok(this.clone())
}

/// What searching methods accept: text or a regular expression.
enum Pattern {
    Text(String),
    Regex(Rc<Regexp>),
}

fn pattern(ruby: &mut Interpreter, value: &Value) -> Eval<Pattern> {
    match value {
        Value::Regexp(regexp) => Ok(Pattern::Regex(regexp.clone())),
        Value::Str(text) => Ok(Pattern::Text(text.text())),
        other => match ruby.expect_string(other) {
            Ok(text) => Ok(Pattern::Text(text)),
            Err(_) => {
                let class = ruby.describe_for_conversion(other);
                ruby.raise("TypeError", format!("wrong argument type {class} (expected Regexp)"))
            }
        },
    }
}

/// The byte position of a character index; the end for an index past it.
fn byte_at(text: &str, index: usize) -> usize {
    if text.is_ascii() {
        return index.min(text.len());
    }
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

/// The number of characters before a byte position.
fn char_index(text: &str, at: usize) -> usize {
    text[..at].chars().count()
}
