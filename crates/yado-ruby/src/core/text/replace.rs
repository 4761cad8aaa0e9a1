//! `sub`, `gsub`, `scan` and their kin.

use super::*;
use crate::core::enumerator::enumerator;
use crate::core::regexp_methods::{match_value, raise_pattern, set_last_match, set_last_value};
use crate::procs::Proc;
use crate::regexp::MatchData;
use crate::value::RString;

pub(super) const METHODS: Table = &[
    ("sub", sub, ONE_OR_TWO),
    ("gsub", gsub, ONE_OR_TWO),
    ("sub!", |ruby, this, args| in_place(ruby, this, args, sub), ONE_OR_TWO),
    ("gsub!", |ruby, this, args| in_place(ruby, this, args, gsub), ONE_OR_TWO),
    ("scan", scan, ONE),
];

/// All matches of a pattern, in order; `once` stops after the first.
fn matches(ruby: &mut Interpreter, text: &str, by: &Value, once: bool) -> Eval<Vec<MatchData>> {
    let regexp = match pattern(ruby, by)? {
        Pattern::Regex(regexp) => regexp,
        Pattern::Text(plain) => Regexp::new(crate::core::pattern::escape(&plain), 0),
    };
    let regex = match regexp.regex() {
        Ok(regex) => regex,
        Err(message) => return raise_pattern(ruby, &message),
    };
    let frozen = RString::new(text);
    frozen.frozen.set(true);
    let mut found = Vec::new();
    let mut at = 0;
    while at <= text.len() {
        let captures = match regex.captures_from_pos(text, at) {
            Ok(Some(captures)) => captures,
            Ok(None) => break,
            Err(error) => return raise_pattern(ruby, &error.to_string()),
        };
        let groups: Vec<_> =
            (0..captures.len()).map(|group| captures.get(group).map(|it| (it.start(), it.end()))).collect();
        let Some((start, end)) = groups.first().copied().flatten() else { break };
        at = if start == end { end + text[end..].chars().next().map_or(1, char::len_utf8) } else { end };
        found.push(MatchData { regexp: regexp.clone(), text: frozen.clone(), groups });
        if once {
            break;
        }
    }
    Ok(found)
}

/// What each match is replaced by.
enum Replacement {
    Template(String),
    Table(Value),
    Block(Rc<Proc>),
}

fn substitute(ruby: &mut Interpreter, this: &Value, args: Args, once: bool) -> Eval {
    let replacement = match (args.get(1), &args.block) {
        (Some(table @ Value::Hash(_)), _) => Replacement::Table(table.clone()),
        (Some(other), _) => Replacement::Template(ruby.expect_string(other)?),
        (None, Some(block)) => Replacement::Block(block.clone()),
        (None, None) if !once => return Ok(enumerator(ruby, this, "gsub", args)),
        (None, None) => return ruby.wrong_arguments(args.len(), "2"),
    };
    let text = text_of(this);
    let found = matches(ruby, &text, &args.at(0), once)?;
    if found.is_empty() {
        set_last_match(ruby, None);
        return Ok(Value::str(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut last = Value::Nil;
    for data in found {
        let Some((start, end)) = data.groups.first().copied().flatten() else { continue };
        out.push_str(&text[copied..start]);
        copied = end;
        match &replacement {
            Replacement::Template(template) => expand(&mut out, template, &data),
            Replacement::Table(table) => {
                let value = ruby.send(table, "[]", Args::one(Value::str(&text[start..end])))?;
                out.push_str(&ruby.to_s(&value)?);
            }
            Replacement::Block(block) => {
                let whole = Value::str(&text[start..end]);
                last = match_value(ruby, data);
                set_last_value(ruby, last.clone());
                let value = ruby.call_proc_one(block, whole)?;
                out.push_str(&ruby.to_s(&value)?);
                continue;
            }
        }
        last = match_value(ruby, data);
    }
    set_last_value(ruby, last);
    out.push_str(&text[copied..]);
    ruby.charge(out.len())?;
    Ok(Value::str(out))
}

/// Writes a replacement with its `\1`, `\0`, `\k<name>`, `\&`, `` \` ``, `\'` and `\\`.
fn expand(out: &mut String, template: &str, data: &MatchData) {
    let mut characters = template.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some(digit @ '0'..='9') => {
                out.push_str(&data.group(digit.to_digit(10).unwrap_or(0) as usize).unwrap_or_default());
            }
            Some('&') => out.push_str(&data.group(0).unwrap_or_default()),
            Some('`') => out.push_str(&data.before()),
            Some('\'') => out.push_str(&data.after()),
            Some('\\') => out.push('\\'),
            Some('k') if characters.peek() == Some(&'<') => {
                characters.next();
                let name: String = characters.by_ref().take_while(|next| *next != '>').collect();
                out.push_str(&data.named(&name).unwrap_or_default());
            }
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
}

fn sub(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    substitute(ruby, this, args, true)
}

fn gsub(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    substitute(ruby, this, args, false)
}

fn scan(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let found = matches(ruby, &text_of(this), &args.at(0), false)?;
    let mut results = Vec::new();
    let mut last = Value::Nil;
    for data in found {
        let item = if data.groups.len() == 1 {
            Value::from(data.group(0))
        } else {
            Value::array((1..data.groups.len()).map(|group| Value::from(data.group(group))).collect())
        };
        last = match_value(ruby, data);
        match &args.block {
            Some(block) => {
                set_last_value(ruby, last.clone());
                ruby.call_proc_one(block, item)?;
            }
            None => results.push(item),
        }
    }
    set_last_value(ruby, last);
    Ok(if args.block.is_some() { this.clone() } else { Value::array(results) })
}
