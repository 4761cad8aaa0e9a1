//! Methods that look at a string without changing it.

use super::*;
use crate::core::char_set::{CharSet, all_contain};
use crate::core::regexp_methods::{raise_pattern, search, set_last_match};
use crate::core::{float_text, integer_text, quote, successor};

pub(super) const METHODS: Table = &[
    ("to_s", to_s, NONE),
    ("to_str", to_s, NONE),
    ("itself", to_s, NONE),
    ("inspect", inspect, NONE),
    ("dump", dump, NONE),
    ("to_sym", to_sym, NONE),
    ("intern", to_sym, NONE),
    ("to_i", to_i, OPTIONAL),
    ("to_f", to_f, NONE),
    ("to_r", to_r, NONE),
    ("to_c", to_f, NONE),
    ("hex", hex, NONE),
    ("oct", oct, NONE),
    ("ord", ord, NONE),
    ("length", length, NONE),
    ("size", length, NONE),
    ("bytesize", byte_size, NONE),
    ("empty?", is_empty, NONE),
    ("include?", include, ONE),
    ("start_with?", start_with, ANY),
    ("end_with?", end_with, ANY),
    ("index", index, ONE_OR_TWO),
    ("byteindex", index, ONE_OR_TWO),
    ("rindex", rindex, ONE_OR_TWO),
    ("count", count, ANY),
    ("=~", match_operator, ONE),
    ("match", match_data, ONE_OR_TWO),
    ("match?", is_match, ONE_OR_TWO),
    ("==", equal, ONE),
    ("===", equal, ONE),
    ("eql?", eql, ONE),
    ("<=>", compare, ONE),
    ("casecmp", casecmp, ONE),
    ("casecmp?", is_casecmp, ONE),
    ("hash", hash, NONE),
    ("between?", between, TWO),
    ("ascii_only?", ascii_only, NONE),
    ("valid_encoding?", valid_encoding, NONE),
    ("encoding", encoding, NONE),
    ("sum", sum, OPTIONAL),
    ("crypt", crypt, ONE),
    ("getbyte", get_byte, ONE),
    ("upto", upto, ONE_OR_TWO),
];

fn to_s(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(this.clone())
}

fn inspect(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let string = this_string(ruby, this)?;
    let binary = string.binary.get();
    Ok(Value::str(string.with_bytes(|bytes| {
        if binary { quote::inspect_ascii(bytes, false) } else { quote::inspect_bytes(bytes) }
    })))
}

fn dump(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let string = this_string(ruby, this)?;
    Ok(Value::str(string.with_bytes(|bytes| quote::inspect_ascii(bytes, true))))
}

fn to_sym(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::sym(&text_of(this)))
}

fn to_i(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let base = if args.is_empty() { 10 } else { ruby.expect_int(&args.at(0))? };
    if !(base == 0 || (2..=36).contains(&base)) {
        return ruby.raise("ArgumentError", format!("invalid radix {base}"));
    }
    Ok(integer_text::parse_prefix(&text_of(this), base as u32)
        .map_or(Value::Int(0), |found| found.to_value()))
}

fn to_f(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Float(float_text::parse_prefix(&text_of(this))))
}

fn to_r(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let class = crate::core::library::constant_at(ruby, &["Rational"])?;
    ruby.send(&class, "__read", Args::of(vec![this.clone(), Value::Bool(false)]))
}

fn hex(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(integer_text::parse_prefix(&text_of(this), 16).map_or(Value::Int(0), |found| found.to_value()))
}

fn oct(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let text = text_of(this);
    let digits = text.trim_start().trim_start_matches(['+', '-']);
    let base = if digits.starts_with('0') && digits.len() > 1 { 0 } else { 8 };
    Ok(integer_text::parse_prefix(&text, base).map_or(Value::Int(0), |found| found.to_value()))
}

fn ord(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    match text_of(this).chars().next() {
        Some(character) => Ok(Value::Int(character as i64)),
        None => ruby.raise("ArgumentError", "empty string"),
    }
}

fn length(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    if let Value::Str(string) = this
        && string.binary.get()
    {
        return Ok(Value::Int(string.byte_len() as i64));
    }
    Ok(Value::Int(text_of(this).chars().count() as i64))
}

fn byte_size(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Int(this_string(ruby, this)?.byte_len() as i64))
}

fn is_empty(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Bool(this_string(ruby, this)?.byte_len() == 0))
}

fn include(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let wanted = ruby.expect_string(&args.at(0))?;
    Ok(Value::Bool(text_of(this).contains(&wanted)))
}

fn start_with(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let text = text_of(this);
    for wanted in &args.positional {
        let found = match pattern(ruby, wanted)? {
            Pattern::Text(prefix) => text.starts_with(&prefix),
            Pattern::Regex(regexp) => {
                let found = search(ruby, &regexp, &text, 0)?;
                let at_start = found.as_ref().is_some_and(|found| {
                    found.groups.first().copied().flatten().is_some_and(|(start, _)| start == 0)
                });
                set_last_match(ruby, if at_start { found } else { None });
                at_start
            }
        };
        if found {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn end_with(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let text = text_of(this);
    for wanted in &args.positional {
        if text.ends_with(&ruby.expect_string(wanted)?) {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// Where a search starts, in bytes; `None` when that is outside.
fn start_at(ruby: &mut Interpreter, text: &str, value: &Value) -> Eval<Option<usize>> {
    let length = text.chars().count() as i64;
    let start = ruby.expect_int(value)?;
    let start = if start < 0 { start + length } else { start };
    Ok((0..=length).contains(&start).then(|| byte_at(text, start as usize)))
}

fn index(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let text = text_of(this);
    let from = if args.len() > 1 { start_at(ruby, &text, &args.at(1))? } else { Some(0) };
    let Some(from) = from else { return Ok(Value::Nil) };
    let found = match pattern(ruby, &args.at(0))? {
        Pattern::Text(wanted) => text[from..].find(&wanted).map(|at| at + from),
        Pattern::Regex(regexp) => {
            let found = search(ruby, &regexp, &text, from)?;
            let at = found
                .as_ref()
                .and_then(|found| found.groups.first().copied().flatten())
                .map(|(start, _)| start);
            set_last_match(ruby, found);
            at
        }
    };
    Ok(found.map_or(Value::Nil, |at| Value::Int(char_index(&text, at) as i64)))
}

fn rindex(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let text = text_of(this);
    let last = if args.len() > 1 { start_at(ruby, &text, &args.at(1))? } else { Some(text.len()) };
    let Some(last) = last else { return Ok(Value::Nil) };
    let found = match pattern(ruby, &args.at(0))? {
        Pattern::Text(wanted) => {
            let end = (last + wanted.len()).min(text.len());
            text.get(..end).unwrap_or(&text).rfind(&wanted)
        }
        Pattern::Regex(regexp) => {
            let mut best = None;
            let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]).filter(|at| *at <= last);
            for start in starts.collect::<Vec<_>>().into_iter().rev() {
                let found = search(ruby, &regexp, &text, start)?;
                if found
                    .as_ref()
                    .and_then(|found| found.groups.first().copied().flatten())
                    .is_some_and(|(at, _)| at == start)
                {
                    set_last_match(ruby, found);
                    best = Some(start);
                    break;
                }
            }
            best
        }
    };
    Ok(found.map_or(Value::Nil, |at| Value::Int(char_index(&text, at) as i64)))
}

/// Reads the set arguments of `count`, `delete` and `squeeze`.
pub(super) fn sets(ruby: &mut Interpreter, args: &Args) -> Eval<Vec<CharSet>> {
    let mut sets = Vec::new();
    for value in &args.positional {
        let text = ruby.expect_string(value)?;
        match CharSet::parse(&text) {
            Ok(set) => sets.push(set),
            Err(message) => return ruby.raise("ArgumentError", message),
        }
    }
    Ok(sets)
}

fn count(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.is_empty() {
        return ruby.wrong_arguments(0, "1+");
    }
    let sets = sets(ruby, &args)?;
    Ok(Value::Int(text_of(this).chars().filter(|character| all_contain(&sets, *character)).count() as i64))
}

fn match_operator(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match args.at(0) {
        Value::Regexp(regexp) => {
            let text = text_of(this);
            let found = search(ruby, &regexp, &text, 0)?;
            let at = found
                .as_ref()
                .and_then(|found| found.groups.first().copied().flatten())
                .map(|(start, _)| start);
            set_last_match(ruby, found);
            Ok(at.map_or(Value::Nil, |at| Value::Int(char_index(&text, at) as i64)))
        }
        Value::Str(_) => ruby.raise("TypeError", "type mismatch: String given"),
        other => ruby.send(&other, "=~", Args::one(this.clone())),
    }
}

fn as_regexp(ruby: &mut Interpreter, value: &Value) -> Eval<Rc<Regexp>> {
    match pattern(ruby, value)? {
        Pattern::Regex(regexp) => Ok(regexp),
        Pattern::Text(source) => Ok(Regexp::new(source, 0)),
    }
}

fn match_data(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let regexp = as_regexp(ruby, &args.at(0))?;
    let mut passed = vec![this.clone()];
    passed.extend(args.positional.iter().skip(1).cloned());
    ruby.send(&Value::Regexp(regexp), "match", Args::of(passed).with_block(args.block))
}

fn is_match(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let regexp = as_regexp(ruby, &args.at(0))?;
    let text = text_of(this);
    match regexp.regex().and_then(|regex| regex.is_match(&text).map_err(|error| error.to_string())) {
        Ok(found) => Ok(Value::Bool(found)),
        Err(message) => raise_pattern(ruby, &message),
    }
}

fn equal(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match args.get(0) {
        Some(other @ Value::Str(_)) => Ok(Value::Bool(crate::hash::eql(this, other))),
        Some(other @ Value::Object(_)) if ruby.responds_to(other, crate::symbol::names::TO_STR)? => {
            ruby.send(other, "==", Args::one(this.clone()))
        }
        _ => Ok(Value::Bool(false)),
    }
}

fn eql(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::Bool(matches!(args.at(0), Value::Str(_)) && crate::hash::eql(this, &args.at(0))))
}

fn compare(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    match (this, args.at(0)) {
        (Value::Str(a), Value::Str(b)) => Ok(Value::Int(a.with_bytes(|a| b.with_bytes(|b| a.cmp(b))) as i64)),
        _ => Ok(Value::Nil),
    }
}

fn casecmp(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(match args.at(0) {
        Value::Str(other) => {
            Value::Int(text_of(this).to_ascii_lowercase().cmp(&other.text().to_ascii_lowercase()) as i64)
        }
        _ => Value::Nil,
    })
}

fn is_casecmp(_: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(match args.at(0) {
        Value::Str(other) => Value::Bool(text_of(this).to_lowercase() == other.text().to_lowercase()),
        _ => Value::Nil,
    })
}

fn hash(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Int(crate::core::library::native_hash(this)))
}

fn between(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let low = ruby.compare_or_raise(this, &args.at(0))?;
    let high = ruby.compare_or_raise(this, &args.at(1))?;
    Ok(Value::Bool(low.is_ge() && high.is_le()))
}

fn ascii_only(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::Bool(this_string(ruby, this)?.with_bytes(<[u8]>::is_ascii)))
}

fn valid_encoding(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let string = this_string(ruby, this)?;
    Ok(Value::Bool(string.binary.get() || string.with_bytes(|bytes| std::str::from_utf8(bytes).is_ok())))
}

fn encoding(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let name = match this {
        Value::Str(string) if string.binary.get() => "BINARY",
        _ => "UTF_8",
    };
    crate::core::library::constant_at(ruby, &["Encoding", name])
}

fn sum(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let string = this_string(ruby, this)?;
    let bits = if args.is_empty() { 16 } else { ruby.expect_int(&args.at(0))? };
    let mask = if (1..63).contains(&bits) { (1 << bits) - 1 } else { i64::MAX };
    Ok(Value::Int(string.with_bytes(|bytes| bytes.iter().map(|byte| i64::from(*byte)).sum::<i64>() & mask)))
}

fn crypt(ruby: &mut Interpreter, _: &Value, _: Args) -> Eval {
    ruby.raise("NotImplementedError", "crypt() function is unimplemented on this machine")
}

fn get_byte(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let string = this_string(ruby, this)?;
    let index = ruby.expect_int(&args.at(0))?;
    let length = string.byte_len() as i64;
    let index = if index < 0 { index + length } else { index };
    Ok(string.with_bytes(|bytes| {
        bytes.get(index as usize).map_or(Value::Nil, |byte| Value::Int(i64::from(*byte)))
    }))
}

fn upto(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let last = ruby.expect_string(&args.at(0))?;
    let Some(block) = args.block.clone() else {
        return Ok(crate::core::enumerator::enumerator(ruby, this, "upto", args));
    };
    for item in string_range(ruby, &text_of(this), &last, args.at(1).truthy())? {
        ruby.call_proc(&block, Args::one(Value::str(item)))?;
    }
    Ok(this.clone())
}

/// The strings from one to another, as ranges and `upto` count them.
pub(crate) fn string_range(
    ruby: &mut Interpreter,
    first: &str,
    last: &str,
    exclusive: bool,
) -> Eval<Vec<String>> {
    let numeric = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if numeric(first) && numeric(last) && first.len() <= last.len() && last.len() < 18 {
        let (low, high) = (first.parse::<i64>().unwrap_or(0), last.parse::<i64>().unwrap_or(0));
        let width = first.len();
        let high = if exclusive { high - 1 } else { high };
        ruby.charge(usize::try_from(high - low).unwrap_or(0).saturating_mul(40))?;
        return Ok((low..=high).map(|number| format!("{number:0width$}")).collect());
    }
    let mut items = Vec::new();
    if first > last || (exclusive && first == last) {
        return Ok(items);
    }
    // The first is there however long it is; those that follow end with the first that is longer than the last.
    let mut current = first.to_owned();
    loop {
        ruby.tick()?;
        ruby.charge(40 + 2 * current.len())?;
        items.push(current.clone());
        if current == last {
            break;
        }
        current = successor::successor(&current);
        // Nothing has no successor.
        if current.is_empty() || current.len() > last.len() || (exclusive && current == last) {
            break;
        }
    }
    Ok(items)
}
