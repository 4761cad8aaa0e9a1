//! Methods that take a string apart: indexing, splitting, lines, characters.

use super::*;
use crate::core::enumerator::enumerator;
use crate::core::ranges::bounds;
use crate::core::regexp_methods::{last_group_text, raise_pattern, search, set_last_match};

pub(super) const METHODS: Table = &[
    ("[]", index, ONE_OR_TWO),
    ("slice", index, ONE_OR_TWO),
    ("byteslice", byte_slice, ONE_OR_TWO),
    ("[]=", assign, Arity::between(2, 3)),
    ("slice!", slice_out, ONE_OR_TWO),
    ("split", split, Arity::between(0, 2)),
    ("lines", lines, ANY.with_keywords()),
    ("each_line", each_line, ANY.with_keywords()),
    ("chars", chars, NONE),
    ("each_char", each_char, NONE),
    ("grapheme_clusters", |_, this, _| Ok(Value::array(clusters(this))), NONE),
    ("each_grapheme_cluster", each_cluster, NONE),
    ("bytes", bytes, NONE),
    ("each_byte", each_byte, NONE),
    ("codepoints", codepoints, NONE),
    ("partition", partition, ONE),
    ("rpartition", rpartition, ONE),
];

/// The character range that an index argument names, as start and length; `None` when outside.
fn span(ruby: &mut Interpreter, text: &str, args: &Args) -> Eval<Option<(usize, usize)>> {
    let total = text.chars().count();
    match (args.at(0), args.get(1)) {
        (first @ Value::Str(_), Some(_)) => ruby.no_conversion(&first, "Integer"),
        (Value::Range(range), _) => bounds(ruby, &range, total),
        (first, Some(length)) => {
            let (start, length) = (ruby.expect_int(&first)?, ruby.expect_int(length)?);
            let start = if start < 0 { start + total as i64 } else { start };
            if start < 0 || start > total as i64 || length < 0 {
                return Ok(None);
            }
            Ok(Some((start as usize, (length as usize).min(total - start as usize))))
        }
        (first, None) => {
            let start = ruby.expect_int(&first)?;
            let start = if start < 0 { start + total as i64 } else { start };
            Ok((0..total as i64).contains(&start).then_some((start as usize, 1)))
        }
    }
}

/// The byte range that any kind of index argument names.
fn place(ruby: &mut Interpreter, text: &str, args: &Args) -> Eval<Option<(usize, usize)>> {
    match args.at(0) {
        Value::Str(wanted) if args.len() == 1 => {
            let wanted = wanted.text();
            Ok(text.find(&wanted).map(|at| (at, at + wanted.len())))
        }
        Value::Regexp(regexp) => {
            let found = search(ruby, &regexp, text, 0)?;
            let group = match (&found, args.get(1)) {
                (Some(found), Some(Value::Int(number))) => {
                    let number = if *number < 0 { number + found.groups.len() as i64 } else { *number };
                    found.groups.get(number as usize).copied().flatten()
                }
                (Some(found), Some(name)) => {
                    let name = ruby.to_s(name)?;
                    match found.regexp.names().into_iter().find(|(known, _)| *known == name) {
                        Some((_, number)) => found.groups.get(number).copied().flatten(),
                        None => {
                            return ruby
                                .raise("IndexError", format!("undefined group name reference: {name}"));
                        }
                    }
                }
                (Some(found), None) => found.groups.first().copied().flatten(),
                (None, _) => None,
            };
            set_last_match(ruby, found);
            Ok(group)
        }
        _ => Ok(span(ruby, text, args)?.map(|(start, length)| {
            let from = byte_at(text, start);
            (from, from + byte_at(&text[from..], length))
        })),
    }
}

fn index(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if let Value::Str(string) = this
        && string.binary.get()
        && !matches!(args.at(0), Value::Str(_) | Value::Regexp(_))
    {
        return byte_slice(ruby, this, args);
    }
    let text = text_of(this);
    Ok(place(ruby, &text, &args)?.map_or(Value::Nil, |(from, to)| Value::str(&text[from..to])))
}

fn byte_slice(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let string = this_string(ruby, this)?;
    // Each byte as one character of a stand-in, so that the index rules are the same.
    let stand_in = "x".repeat(string.byte_len());
    Ok(match span(ruby, &stand_in, &args)? {
        Some((start, length)) => {
            let part = Value::bytes(string.bytes()[start..start + length].to_vec());
            if let Value::Str(part) = &part {
                part.binary.set(string.binary.get());
            }
            part
        }
        None => Value::Nil,
    })
}

fn assign(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let text = text_of(this);
    let mut args = args;
    let new = args.positional.pop().unwrap_or(Value::Nil);
    let replacement = ruby.expect_string(&new)?;
    let Some((from, to)) = place(ruby, &text, &args)? else {
        return match args.at(0) {
            Value::Str(_) => ruby.raise("IndexError", "string not matched"),
            Value::Regexp(_) => ruby.raise("IndexError", "regexp not matched"),
            other => {
                let shown = ruby.inspect(&other)?;
                if matches!(other, Value::Range(_)) {
                    return ruby.raise("RangeError", format!("{shown} out of range"));
                }
                // One past the end may still be assigned.
                if let Value::Int(at) = other
                    && at == text.chars().count() as i64
                {
                    change(ruby, this, text + &replacement)?;
                    return Ok(new);
                }
                ruby.raise("IndexError", format!("index {shown} out of string"))
            }
        };
    };
    change(ruby, this, format!("{}{replacement}{}", &text[..from], &text[to..]))?;
    Ok(new)
}

fn slice_out(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let text = text_of(this);
    let Some((from, to)) = place(ruby, &text, &args)? else { return Ok(Value::Nil) };
    change(ruby, this, format!("{}{}", &text[..from], &text[to..]))?;
    Ok(Value::str(&text[from..to]))
}

fn split(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let limit = if args.len() > 1 { ruby.expect_int(&args.at(1))? } else { 0 };
    let parts = split_text(ruby, &text_of(this), &args.at(0), limit)?;
    let parts: Vec<Value> = parts.into_iter().map(Value::str).collect();
    let Some(block) = args.block else { return Ok(Value::array(parts)) };
    for part in parts {
        ruby.call_proc_one(&block, part)?;
    }
    Ok(this.clone())
}

/// `String#split`.
pub(crate) fn split_text(ruby: &mut Interpreter, text: &str, by: &Value, limit: i64) -> Eval<Vec<String>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if limit == 1 {
        return Ok(vec![text.to_owned()]);
    }
    let most = if limit > 0 { limit as usize } else { usize::MAX };
    let mut parts = if by.is_nil() {
        split_words(text, most)
    } else {
        match pattern(ruby, by)? {
            Pattern::Text(separator) if separator == " " => split_words(text, most),
            Pattern::Text(separator) if separator.is_empty() => split_letters(text, most),
            Pattern::Text(separator) => text.splitn(most, &separator).map(str::to_owned).collect(),
            Pattern::Regex(regexp) => split_regexp(ruby, text, &regexp, most)?,
        }
    };
    if limit == 0 {
        while parts.last().is_some_and(String::is_empty) {
            parts.pop();
        }
    }
    Ok(parts)
}

fn split_words(text: &str, most: usize) -> Vec<String> {
    let blank = |character: char| character.is_ascii_whitespace() || character == '\x0b' || character == '\0';
    let mut parts = Vec::new();
    let mut rest = text.trim_start_matches(blank);
    loop {
        if parts.len() + 1 == most {
            parts.push(rest.to_owned());
            return parts;
        }
        match rest.find(blank) {
            Some(at) => {
                parts.push(rest[..at].to_owned());
                rest = rest[at..].trim_start_matches(blank);
            }
            None => {
                parts.push(rest.to_owned());
                return parts;
            }
        }
    }
}

fn split_letters(text: &str, most: usize) -> Vec<String> {
    let mut parts = Vec::new();
    for (at, character) in text.char_indices() {
        if parts.len() + 1 == most {
            parts.push(text[at..].to_owned());
            return parts;
        }
        parts.push(character.to_string());
    }
    // A negative limit keeps the empty rest; without limit it is dropped again.
    parts.push(String::new());
    parts
}

fn split_regexp(ruby: &mut Interpreter, text: &str, regexp: &Rc<Regexp>, most: usize) -> Eval<Vec<String>> {
    let regex = match regexp.regex() {
        Ok(regex) => regex,
        Err(message) => return raise_pattern(ruby, &message),
    };
    let mut parts = Vec::new();
    // Where the current part begins, where to search next, and whether an empty match was just stepped over.
    let (mut begin, mut at, mut stepped) = (0, 0, false);
    while at <= text.len() && parts.len() + 1 < most {
        let captures = match regex.captures_from_pos(text, at) {
            Ok(Some(captures)) => captures,
            Ok(None) => break,
            Err(error) => return raise_pattern(ruby, &error.to_string()),
        };
        let Some(whole) = captures.get(0) else { break };
        let (start, end) = (whole.start(), whole.end());
        if start == at && start == end {
            let width = |at: usize| text[at..].chars().next().map_or(1, char::len_utf8);
            if !stepped {
                at += width(at);
                stepped = true;
                continue;
            }
            if begin >= text.len() {
                break;
            }
            parts.push(text[begin..begin + width(begin)].to_owned());
            begin = at;
        } else {
            parts.push(text[begin..start].to_owned());
            begin = end;
            at = end;
        }
        stepped = false;
        parts.extend(
            (1..captures.len()).filter_map(|group| captures.get(group)).map(|it| it.as_str().to_owned()),
        );
    }
    parts.push(text[begin..].to_owned());
    Ok(parts)
}

/// The lines of a text with their ends.
fn split_lines(text: &str, separator: &str, chomp: bool) -> Vec<String> {
    let lines: Vec<&str> =
        if separator.is_empty() { paragraphs(text) } else { text.split_inclusive(separator).collect() };
    let cut = |line: &str| {
        if !chomp {
            return line.to_owned();
        }
        let shorter =
            line.strip_suffix(if separator.is_empty() { "\n\n" } else { separator }).unwrap_or(line);
        if separator == "\n" {
            shorter.strip_suffix('\r').unwrap_or(shorter).to_owned()
        } else {
            shorter.to_owned()
        }
    };
    lines.into_iter().map(cut).collect()
}

fn paragraphs(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start_matches('\n');
    while let Some(at) = rest.find("\n\n") {
        let end = at + rest[at..].len() - rest[at..].trim_start_matches('\n').len();
        parts.push(&rest[..at + 2]);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

/// The lines that `lines`, `each_line` and the reading methods of files answer for these arguments.
pub(crate) fn lines_for(ruby: &mut Interpreter, text: &str, args: &Args) -> Eval<Vec<Value>> {
    let chomp = args.keyword("chomp").is_some_and(|value| value.truthy());
    let separator = match args.get(0) {
        None => "\n".to_owned(),
        Some(Value::Nil) => return Ok(vec![Value::str(text)]),
        Some(other) => ruby.expect_string(other)?,
    };
    Ok(split_lines(text, &separator, chomp).into_iter().map(Value::str).collect())
}

fn lines(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    Ok(Value::array(lines_for(ruby, &text_of(this), &args)?))
}

/// Gives each item to the block, or answers an enumerator of them.
fn each(ruby: &mut Interpreter, this: &Value, method: &str, items: Vec<Value>, args: Args) -> Eval {
    let Some(block) = args.block.clone() else { return Ok(enumerator(ruby, this, method, args)) };
    for item in items {
        ruby.call_proc_one(&block, item)?;
    }
    Ok(this.clone())
}

fn each_line(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let items = lines_for(ruby, &text_of(this), &args)?;
    each(ruby, this, "each_line", items, args)
}

fn characters(this: &Value) -> Vec<Value> {
    text_of(this).chars().map(|character| Value::str(character.to_string())).collect()
}

fn chars(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::array(characters(this)))
}

fn each_char(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    each(ruby, this, "each_char", characters(this), args)
}

/// The characters as people see them: with the marks on them, joined ones, and flags as one.
fn clusters(this: &Value) -> Vec<Value> {
    let mut found: Vec<String> = Vec::new();
    for character in text_of(this).chars() {
        let goes_on = found.last().and_then(|cluster| cluster.chars().last()).is_some_and(|before| {
            (before == '\r' && character == '\n')
                || before == '\u{200D}'
                || matches!(u32::from(character),
                    0x300..=0x36F | 0x483..=0x489 | 0x591..=0x5BD | 0x610..=0x61A | 0x64B..=0x65F | 0x1AB0..=0x1AFF
                    | 0x1DC0..=0x1DFF | 0x200D | 0x20D0..=0x20FF | 0xFE00..=0xFE0F | 0xFE20..=0xFE2F
                    | 0x1F3FB..=0x1F3FF | 0xE0020..=0xE007F)
        });
        let flag = |character: char| ('\u{1F1E6}'..='\u{1F1FF}').contains(&character);
        match found.last_mut() {
            Some(cluster) if goes_on => cluster.push(character),
            Some(cluster) if flag(character) && cluster.chars().all(flag) && cluster.chars().count() == 1 => {
                cluster.push(character);
            }
            _ => found.push(character.to_string()),
        }
    }
    found.into_iter().map(Value::str).collect()
}

fn each_cluster(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    each(ruby, this, "each_grapheme_cluster", clusters(this), args)
}

fn byte_values(ruby: &mut Interpreter, this: &Value) -> Eval<Vec<Value>> {
    let string = this_string(ruby, this)?;
    Ok(string.with_bytes(|bytes| bytes.iter().map(|byte| Value::Int(i64::from(*byte))).collect()))
}

fn bytes(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::array(byte_values(ruby, this)?))
}

fn each_byte(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let items = byte_values(ruby, this)?;
    each(ruby, this, "each_byte", items, args)
}

fn codepoints(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::array(text_of(this).chars().map(|character| Value::Int(character as i64)).collect()))
}

fn three(parts: [&str; 3]) -> Value {
    Value::array(parts.into_iter().map(Value::str).collect())
}

fn partition(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let text = text_of(this);
    Ok(match place(ruby, &text, &args)? {
        Some((from, to)) => three([&text[..from], &text[from..to], &text[to..]]),
        None => three([&text, "", ""]),
    })
}

fn rpartition(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let text = text_of(this);
    let at = ruby.send(this, "rindex", args.clone())?;
    let Value::Int(at) = at else { return Ok(three(["", "", &text])) };
    let from = byte_at(&text, at as usize);
    let length = match args.at(0) {
        Value::Regexp(_) => last_group_text(ruby, 0).map_or(0, |found| found.len()),
        other => ruby.expect_string(&other)?.len(),
    };
    Ok(three([&text[..from], &text[from..from + length], &text[from + length..]]))
}
