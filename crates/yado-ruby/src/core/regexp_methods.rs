//! `Regexp` and `MatchData`, and the `$~` that matching sets.

use std::rc::Rc;

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::pattern;
use crate::core::quote;
use crate::interpreter::Interpreter;
use crate::regexp::{MatchData, Regexp};
use crate::value::{Eval, Value};

const NONE: Arity = Arity::exactly(0);
const ONE: Arity = Arity::exactly(1);

/// Methods of regular expressions.
pub(crate) const REGEXP: Table = &[
    ("=~", match_operator, ONE),
    ("===", case_equal, ONE),
    ("match", match_data, Arity::between(1, 2)),
    ("match?", is_match, Arity::between(1, 2)),
    ("source", source, NONE),
    ("to_s", to_s, NONE),
    ("inspect", inspect, NONE),
    ("options", options, NONE),
    ("casefold?", is_casefold, NONE),
    ("names", names, NONE),
    ("named_captures", named_groups, NONE),
    ("==", equal, ONE),
    ("eql?", equal, ONE),
    ("hash", hash, NONE),
    ("~", match_last_line, NONE),
    ("freeze", itself, NONE),
    ("encoding", encoding, NONE),
];

/// Methods of `Regexp` itself.
pub(crate) const REGEXP_CLASS: Table = &[
    ("new", new, Arity::between(1, 3)),
    ("compile", new, Arity::between(1, 3)),
    ("escape", escape, ONE),
    ("quote", escape, ONE),
    ("union", union, Arity::at_least(0)),
    ("last_match", last_match, Arity::between(0, 1)),
];

/// Methods of match data.
pub(crate) const MATCH_DATA: Table = &[
    ("[]", group, Arity::between(1, 2)),
    ("to_a", to_a, NONE),
    ("captures", captures, NONE),
    ("named_captures", named_captures, NONE),
    ("names", match_names, NONE),
    ("pre_match", pre_match, NONE),
    ("post_match", post_match, NONE),
    ("to_s", whole, NONE),
    ("begin", begin, ONE),
    ("end", end, ONE),
    ("offset", offset, ONE),
    ("string", string, NONE),
    ("regexp", regexp, NONE),
    ("size", size, NONE),
    ("length", size, NONE),
    ("values_at", values_at, Arity::at_least(0)),
    ("inspect", inspect_match, NONE),
];

/// Searches, raising `RegexpError` when the pattern is wrong.
pub(crate) fn search(
    ruby: &mut Interpreter,
    regexp: &Rc<Regexp>,
    text: &str,
    from: usize,
) -> Eval<Option<MatchData>> {
    match regexp.search(text, from) {
        Ok(found) => Ok(found),
        Err(message) => raise_pattern(ruby, &message),
    }
}

/// Raises `RegexpError`.
pub(crate) fn raise_pattern<T>(ruby: &mut Interpreter, message: &str) -> Eval<T> {
    ruby.raise("RegexpError", message)
}

/// The Ruby object for a match.
pub(crate) fn match_value(ruby: &mut Interpreter, data: MatchData) -> Value {
    let class = ruby.core.match_data.clone();
    ruby.new_object(&class, Some(Box::new(data)))
}

/// Sets `$~` of the Ruby code that called.
pub(crate) fn set_last_value(ruby: &mut Interpreter, value: Value) {
    if let Some(context) = ruby.caller_context() {
        *context.frame.last_match.borrow_mut() = value;
    }
}

/// Sets `$~` from a search, and answers it.
pub(crate) fn set_last_match(ruby: &mut Interpreter, found: Option<MatchData>) -> Value {
    let value = match found {
        Some(data) => match_value(ruby, data),
        None => Value::Nil,
    };
    set_last_value(ruby, value.clone());
    value
}

fn last_value(ruby: &Interpreter) -> Value {
    ruby.caller_context().map_or(Value::Nil, |context| context.frame.last_match.borrow().clone())
}

/// The text of a group of the last match.
pub(crate) fn last_group_text(ruby: &Interpreter, number: usize) -> Option<String> {
    last_value(ruby).data::<MatchData>().and_then(|data| data.group(number))
}

fn this_regexp(ruby: &mut Interpreter, this: &Value) -> Eval<Rc<Regexp>> {
    match this {
        Value::Regexp(regexp) => Ok(regexp.clone()),
        other => ruby.no_conversion(other, "Regexp"),
    }
}

fn itself(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(this.clone())
}

fn match_operator(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.at(0).is_nil() {
        set_last_value(ruby, Value::Nil);
        return Ok(Value::Nil);
    }
    let regexp = this_regexp(ruby, this)?;
    let text = subject(ruby, &args.at(0))?;
    let found = search(ruby, &regexp, &text, 0)?;
    let at = found.as_ref().and_then(|data| data.groups.first().copied().flatten()).map(|(start, _)| start);
    set_last_match(ruby, found);
    Ok(at.map_or(Value::Nil, |at| Value::Int(text[..at].chars().count() as i64)))
}

/// What is searched: strings, symbols, and what converts to a string.
fn subject(ruby: &mut Interpreter, value: &Value) -> Eval<String> {
    match value.text_or_symbol() {
        Some(text) => Ok(text),
        None => ruby.expect_string(value),
    }
}

fn case_equal(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let regexp = this_regexp(ruby, this)?;
    let Some(text) = args.at(0).text_or_symbol() else {
        set_last_value(ruby, Value::Nil);
        return Ok(Value::Bool(false));
    };
    let found = search(ruby, &regexp, &text, 0)?;
    Ok(Value::Bool(set_last_match(ruby, found).truthy()))
}

fn match_data(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.at(0).is_nil() {
        set_last_value(ruby, Value::Nil);
        return Ok(Value::Nil);
    }
    let regexp = this_regexp(ruby, this)?;
    let text = subject(ruby, &args.at(0))?;
    let from = if args.len() > 1 { ruby.expect_int(&args.at(1))?.max(0) as usize } else { 0 };
    let from = text.char_indices().nth(from).map_or(text.len(), |(at, _)| at);
    let found = search(ruby, &regexp, &text, from)?;
    let value = set_last_match(ruby, found);
    match args.block {
        Some(block) if value.truthy() => ruby.call_proc_one(&block, value),
        _ => Ok(value),
    }
}

fn is_match(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.at(0).is_nil() {
        return Ok(Value::Bool(false));
    }
    let regexp = this_regexp(ruby, this)?;
    let text = subject(ruby, &args.at(0))?;
    Ok(Value::Bool(search(ruby, &regexp, &text, 0)?.is_some()))
}

fn source(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(this_regexp(ruby, this)?.source.clone()))
}

/// The letters of the options, as they follow the closing slash.
fn letters(options: u32) -> String {
    let mut text = String::new();
    for (bit, letter) in [(4, 'm'), (1, 'i'), (2, 'x')] {
        if options & bit != 0 {
            text.push(letter);
        }
    }
    text
}

/// What interpolating a regular expression into another writes.
fn to_s(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let regexp = this_regexp(ruby, this)?;
    let on = letters(regexp.options);
    let off: String = "mix".chars().filter(|letter| !on.contains(*letter)).collect();
    let off = if off.is_empty() { off } else { format!("-{off}") };
    Ok(Value::str(format!("(?{on}{off}:{})", regexp.source)))
}

fn inspect(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let regexp = this_regexp(ruby, this)?;
    let mut shown = String::new();
    let mut escaped = false;
    for character in regexp.source.chars() {
        if character == '/' && !escaped {
            shown.push('\\');
        }
        escaped = character == '\\' && !escaped;
        match character {
            '\n' => shown.push_str("\\n"),
            other => shown.push(other),
        }
    }
    Ok(Value::str(format!("/{shown}/{}", letters(regexp.options))))
}

fn options(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Int(i64::from(this_regexp(ruby, this)?.options)))
}

fn is_casefold(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Bool(this_regexp(ruby, this)?.options & 1 != 0))
}

fn names(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let names = this_regexp(ruby, this)?.names();
    Ok(Value::array(names.into_iter().map(|(name, _)| Value::str(name)).collect()))
}

fn named_groups(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let names = this_regexp(ruby, this)?.names();
    let entry =
        |(name, number): (String, usize)| (Value::str(name), Value::array(vec![Value::Int(number as i64)]));
    Ok(Value::hash(names.into_iter().map(entry)))
}

fn equal(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(crate::hash::eql(this, &args.at(0))))
}

fn hash(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Int(crate::core::library::native_hash(this)))
}

fn match_last_line(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let line = ruby.get_global("$_");
    match_operator(ruby, this, Args::one(line))
}

fn encoding(ruby: &mut Interpreter, _: &Value, _: Args) -> Eval {
    crate::core::library::constant_at(ruby, &["Encoding", "US_ASCII"])
}

fn new(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    if let Value::Regexp(_) = args.at(0) {
        return Ok(args.at(0));
    }
    let source = ruby.expect_string(&args.at(0))?;
    let options = match args.at(1) {
        Value::Int(bits) => bits as u32 & 7,
        Value::Nil | Value::Bool(false) => 0,
        _ => 1,
    };
    let regexp = Regexp::new(source, options);
    if let Err(message) = regexp.regex() {
        return raise_pattern(ruby, &message);
    }
    Ok(Value::Regexp(regexp))
}

fn escape(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let text = subject(ruby, &args.at(0))?;
    Ok(Value::str(pattern::escape(&text)))
}

fn union(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let parts = match args.at(0) {
        Value::Array(items) if args.len() == 1 => items.to_vec(),
        _ => args.positional,
    };
    if parts.is_empty() {
        return Ok(Value::Regexp(Regexp::new("(?!)", 0)));
    }
    if let [only @ Value::Regexp(_)] = parts.as_slice() {
        return Ok(only.clone());
    }
    let mut sources = Vec::new();
    for part in &parts {
        sources.push(match part {
            Value::Regexp(_) => ruby.to_s(part)?,
            other => pattern::escape(&subject(ruby, other)?),
        });
    }
    Ok(Value::Regexp(Regexp::new(sources.join("|"), 0)))
}

fn last_match(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let last = last_value(ruby);
    if args.is_empty() || last.is_nil() { Ok(last) } else { group(ruby, &last, args) }
}

/// Looks at the match that a method was called on.
fn look<T>(ruby: &mut Interpreter, this: &Value, look: impl FnOnce(&MatchData) -> T) -> Eval<T> {
    if let Some(data) = this.data::<MatchData>() {
        return Ok(look(&data));
    }
    ruby.raise("TypeError", "wrong argument type (expected MatchData)")
}

fn group(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match args.at(0) {
        Value::Int(number) if args.len() == 1 => look(ruby, this, |data| {
            let number = if number < 0 { number + data.groups.len() as i64 } else { number };
            Value::from(usize::try_from(number).ok().and_then(|number| data.group(number)))
        }),
        Value::Str(_) | Value::Sym(_) => {
            let name = ruby.to_s(&args.at(0))?;
            let (known, found) = look(ruby, this, |data| {
                (data.regexp.names().iter().any(|(known, _)| *known == name), data.named(&name))
            })?;
            if !known {
                return ruby.raise("IndexError", format!("undefined group name reference: {name}"));
            }
            Ok(Value::from(found))
        }
        _ => {
            let all = to_a(ruby, this, Args::none())?;
            ruby.send(&all, "[]", args)
        }
    }
}

fn to_a(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    look(ruby, this, |data| {
        Value::array((0..data.groups.len()).map(|at| Value::from(data.group(at))).collect())
    })
}

fn captures(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    look(ruby, this, |data| {
        Value::array((1..data.groups.len()).map(|at| Value::from(data.group(at))).collect())
    })
}

fn named_captures(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    look(ruby, this, |data| {
        let names = data.regexp.names();
        Value::hash(
            names.into_iter().map(|(name, _)| (Value::str(name.clone()), Value::from(data.named(&name)))),
        )
    })
}

fn match_names(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    look(ruby, this, |data| {
        Value::array(data.regexp.names().into_iter().map(|(name, _)| Value::str(name)).collect())
    })
}

fn pre_match(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    look(ruby, this, |data| Value::str(data.before()))
}

fn post_match(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    look(ruby, this, |data| Value::str(data.after()))
}

fn whole(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    look(ruby, this, |data| Value::from(data.group(0)))
}

/// Start and end of a group, in characters.
fn positions(ruby: &mut Interpreter, this: &Value, which: &Value) -> Eval<Option<(i64, i64)>> {
    let number = match which {
        Value::Int(number) => *number as usize,
        name => {
            let name = ruby.to_s(name)?;
            look(ruby, this, |data| {
                data.regexp.names().iter().find(|(known, _)| *known == name).map_or(usize::MAX, |(_, at)| *at)
            })?
        }
    };
    look(ruby, this, |data| {
        let (start, end) = data.groups.get(number).copied().flatten()?;
        let count = |at: usize| data.text.with(|text| text[..at].chars().count() as i64);
        Some((count(start), count(end)))
    })
}

fn begin(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(positions(ruby, this, &args.at(0))?.map_or(Value::Nil, |(start, _)| Value::Int(start)))
}

fn end(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(positions(ruby, this, &args.at(0))?.map_or(Value::Nil, |(_, end)| Value::Int(end)))
}

fn offset(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (start, end) = match positions(ruby, this, &args.at(0))? {
        Some((start, end)) => (Value::Int(start), Value::Int(end)),
        None => (Value::Nil, Value::Nil),
    };
    Ok(Value::array(vec![start, end]))
}

fn string(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    look(ruby, this, |data| Value::Str(data.text.clone()))
}

fn regexp(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    look(ruby, this, |data| Value::Regexp(data.regexp.clone()))
}

fn size(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    look(ruby, this, |data| Value::Int(data.groups.len() as i64))
}

fn values_at(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut values = Vec::new();
    for which in args.positional {
        values.push(group(ruby, this, Args::one(which))?);
    }
    Ok(Value::array(values))
}

fn inspect_match(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    look(ruby, this, |data| {
        let names = data.regexp.names();
        let show = |at: usize| data.group(at).map_or("nil".to_owned(), |text| quote::inspect(&text));
        let mut shown = format!("#<MatchData {}", show(0));
        for at in 1..data.groups.len() {
            let name = names
                .iter()
                .find(|(_, number)| *number == at)
                .map_or(at.to_string(), |(name, _)| name.clone());
            shown.push_str(&format!(" {name}:{}", show(at)));
        }
        Value::str(shown + ">")
    })
}
