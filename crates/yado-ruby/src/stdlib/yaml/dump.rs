//! Writes Ruby values as Psych does: the same quoting, the same layout, anchors for what occurs twice.

use std::collections::HashMap;

use super::scalar::{Meaning, resolve};
use crate::args::Args;
use crate::core::float_text;
use crate::interpreter::Interpreter;
use crate::symbol::names;
use crate::value::{Eval, Value};

/// A document.
pub(super) fn dump(ruby: &mut Interpreter, value: &Value) -> Eval<String> {
    let mut dumper =
        Dumper { out: "---".to_owned(), seen: HashMap::new(), anchors: HashMap::new(), open_end: false };
    dumper.count(value, 0);
    dumper.node(ruby, value, 0, Place::Root)?;
    if dumper.open_end {
        dumper.out.push_str("...\n");
    }
    Ok(dumper.out)
}

/// Where a node stands: what separates it from what is before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    Value,
}

struct Dumper {
    out: String,
    seen: HashMap<usize, usize>,
    anchors: HashMap<usize, usize>,
    open_end: bool,
}

impl Dumper {
    /// Counts how often each array and hash occurs.
    fn count(&mut self, value: &Value, depth: usize) {
        let children: Vec<Value> = match value {
            Value::Array(items) => items.to_vec(),
            Value::Hash(entries) => {
                entries.to_vec().into_iter().flat_map(|(key, value)| [key, value]).collect()
            }
            _ => return,
        };
        let count = self.seen.entry(value.address()).or_default();
        *count += 1;
        if *count == 1 && depth < 500 {
            for child in &children {
                self.count(child, depth + 1);
            }
        }
    }

    /// Writes ` &1` or ` *1` for what occurs twice; true when that is all.
    fn anchor(&mut self, value: &Value) -> bool {
        if self.seen.get(&value.address()).is_none_or(|count| *count < 2) {
            return false;
        }
        if let Some(number) = self.anchors.get(&value.address()) {
            self.out.push_str(&format!(" *{number}\n"));
            return true;
        }
        let number = self.anchors.len() + 1;
        self.anchors.insert(value.address(), number);
        self.out.push_str(&format!(" &{number}"));
        false
    }

    fn node(&mut self, ruby: &mut Interpreter, value: &Value, indent: usize, place: Place) -> Eval<()> {
        ruby.charge(64)?;
        match value {
            Value::Array(items) => {
                if self.anchor(value) {
                    return Ok(());
                }
                let items = items.to_vec();
                if items.is_empty() {
                    self.out.push_str(" []\n");
                    return Ok(());
                }
                // Items of an item begin on its line; items of a value stand under their key.
                let compact = place == Place::Item && !self.anchored(value);
                let inner = if place == Place::Value { indent.saturating_sub(2) } else { indent };
                if !compact {
                    self.out.push('\n');
                }
                for (at, item) in items.iter().enumerate() {
                    self.lead(compact && at == 0, inner);
                    self.out.push('-');
                    self.node(ruby, item, inner + 2, Place::Item)?;
                }
                Ok(())
            }
            Value::Hash(entries) => {
                let entries = entries.to_vec();
                self.entries(ruby, value, &entries, indent, place)
            }
            Value::Object(_) => self.object(ruby, value, indent, place),
            Value::Range(range) => {
                let entries = vec![
                    (Value::str("begin"), range.begin.clone()),
                    (Value::str("end"), range.end.clone()),
                    (Value::str("excl"), Value::Bool(range.exclusive)),
                ];
                self.out.push_str(" !ruby/range");
                self.entries(ruby, value, &entries, indent, Place::Root)
            }
            other => {
                let text = scalar(ruby, other, indent, self.column())?;
                self.open_end |= text.starts_with("|+");
                if !text.is_empty() {
                    self.out.push(' ');
                    self.out.push_str(&text);
                }
                if !self.out.ends_with('\n') {
                    self.out.push('\n');
                }
                Ok(())
            }
        }
    }

    fn anchored(&self, value: &Value) -> bool {
        self.anchors.contains_key(&value.address())
    }

    fn column(&self) -> usize {
        self.out.len() - self.out.rfind('\n').map_or(0, |at| at + 1)
    }

    fn lead(&mut self, same_line: bool, indent: usize) {
        if same_line {
            self.out.push(' ');
        } else {
            self.out.push_str(&" ".repeat(indent));
        }
    }

    fn entries(
        &mut self,
        ruby: &mut Interpreter,
        value: &Value,
        entries: &[(Value, Value)],
        indent: usize,
        place: Place,
    ) -> Eval<()> {
        if self.anchor(value) {
            return Ok(());
        }
        if entries.is_empty() {
            self.out.push_str(" {}\n");
            return Ok(());
        }
        let compact = place == Place::Item && !self.anchored(value);
        if !compact {
            self.out.push('\n');
        }
        for (at, (key, item)) in entries.iter().enumerate() {
            self.lead(compact && at == 0, indent);
            match key {
                Value::Str(text) if text.with_bytes(|bytes| bytes.contains(&b'\n')) => {
                    self.out.push('?');
                    self.node(ruby, key, indent + 2, Place::Item)?;
                    self.out.push_str(&" ".repeat(indent));
                }
                Value::Array(_) | Value::Hash(_) => {
                    self.out.push('?');
                    self.node(ruby, key, indent + 2, Place::Item)?;
                    self.out.push_str(&" ".repeat(indent));
                }
                Value::Nil => self.out.push_str("! ''"),
                _ => {
                    let text = scalar(ruby, key, indent, UNFOLDED)?;
                    self.out.push_str(&text);
                }
            }
            self.out.push(':');
            self.node(ruby, item, indent + 2, Place::Value)?;
        }
        Ok(())
    }

    fn object(&mut self, ruby: &mut Interpreter, value: &Value, indent: usize, place: Place) -> Eval<()> {
        let class = ruby.describe_class(value);
        if class == "Time" {
            let utc = ruby.send(value, "utc?", Args::none())?.truthy();
            let format = if utc { "%Y-%m-%d %H:%M:%S.%9N Z" } else { "%Y-%m-%d %H:%M:%S.%9N %:z" };
            let text = ruby.send(value, "strftime", Args::one(Value::str(format)))?;
            self.out.push_str(&format!(" {}\n", ruby.to_s(&text)?));
            return Ok(());
        }
        if matches!(class.as_str(), "Date" | "Pathname") {
            let text = ruby.to_s(value)?;
            self.out.push_str(&format!(" {text}\n"));
            return Ok(());
        }
        let mut entries = Vec::new();
        for name in ruby.instance_variable_names(value) {
            entries.push((
                Value::str(name.as_str().trim_start_matches('@')),
                ruby.instance_variable(value, name),
            ));
        }
        if entries.is_empty() && ruby.responds_to(value, names::TO_HASH)? {
            let hash = ruby.send(value, "to_hash", Args::none())?;
            return self.node(ruby, &hash, indent, place);
        }
        self.out.push_str(&format!(" !ruby/object:{class}"));
        self.entries(ruby, value, &entries, indent, Place::Root)
    }
}

/// The text of a scalar; block scalars bring their lines.
fn scalar(ruby: &mut Interpreter, value: &Value, indent: usize, column: usize) -> Eval<String> {
    Ok(match value {
        Value::Nil => String::new(),
        Value::Float(number) if number.is_nan() => ".nan".to_owned(),
        Value::Float(number) if number.is_infinite() => {
            if *number > 0.0 { ".inf" } else { "-.inf" }.to_owned()
        }
        Value::Float(number) => float_text::to_s(*number),
        Value::Sym(name) => {
            let text = string(name.as_str(), indent, column);
            if text == name.as_str() { format!(":{text}") } else { symbol(name.as_str(), indent, column) }
        }
        Value::Str(text) => string(&text.text(), indent, column),
        Value::Regexp(_) => format!("!ruby/regexp {}", ruby.inspect(value)?),
        Value::Class(class) => format!("!ruby/class '{}'", ruby.class_name(class)),
        other => ruby.to_s(other)?,
    })
}

fn symbol(name: &str, indent: usize, column: usize) -> String {
    if name.is_empty() {
        return "!ruby/symbol ''".to_owned();
    }
    // A symbol whose name reads as something else is still a symbol behind its colon.
    let text = format!(":{name}");
    if plain_allowed(&text) { text } else { string(&text, indent, column) }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn string(text: &str, indent: usize, column: usize) -> String {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let special = text.chars().any(|it| (it.is_control() && it != '\n') || it == '\u{feff}');
    let blank_before_break = text.contains(" \n") || text.ends_with(' ') && text.contains('\n');
    if body.contains('\n') && !special {
        return if blank_before_break && text.ends_with(' ') {
            double_quoted(text, indent, column)
        } else {
            literal(text, indent)
        };
    }
    if text == "<<" {
        return "!!str '<<'".to_owned();
    }
    if matches!(text, "y" | "Y" | "n" | "N") || special {
        return double_quoted(text, indent, column);
    }
    let odd_start =
        text.chars().next().is_some_and(|first| !is_word(first)) && !text.chars().skip(1).any(|it| it == '"');
    if odd_start {
        return double_quoted(text, indent, column);
    }
    let means_text = matches!(resolve(text), Meaning::Plain(Value::Str(_)));
    let octal_like =
        text.len() > 1 && text.starts_with('0') && text.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    if !means_text || octal_like || !plain_allowed(text) {
        return single_quoted(text, indent, column);
    }
    folded(text, indent, column + 1)
}

/// Whether text can stand without quotes.
fn plain_allowed(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let follows_blank = text.chars().nth(1).is_none_or(char::is_whitespace);
    let means_something_else = text.starts_with([' ', '\t'])
        || text.ends_with([' ', '\t', ':'])
        || ",[]{}#&*!|>'\"%@`".contains(first)
        || ("-?:".contains(first) && follows_blank)
        || ["\n", ": ", " #"].iter().any(|mark| text.contains(mark))
        || ["---", "..."].iter().any(|mark| text.starts_with(mark));
    !means_something_else
}

fn literal(text: &str, indent: usize) -> String {
    let hint = if text.starts_with([' ', '\n']) { "2" } else { "" };
    let chomp = match (text.ends_with('\n'), text.ends_with("\n\n")) {
        (_, true) => "+",
        (true, false) => "",
        (false, _) => "-",
    };
    let pad = " ".repeat(indent.max(2));
    let mut out = format!("|{hint}{chomp}\n");
    for line in text.split_inclusive('\n') {
        if line != "\n" {
            out.push_str(&pad);
        }
        out.push_str(line);
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// The column of what must stay on its line: keys.
const UNFOLDED: usize = usize::MAX / 2;

/// Breaks long text at blanks after column eighty.
fn folded(text: &str, indent: usize, column: usize) -> String {
    if column >= UNFOLDED {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut column = column;
    let characters: Vec<char> = text.chars().collect();
    for (at, character) in characters.iter().enumerate() {
        let single =
            characters.get(at + 1).is_some_and(|next| *next != ' ') && at > 0 && characters[at - 1] != ' ';
        if *character == ' ' && column > 80 && single {
            out.push('\n');
            out.push_str(&" ".repeat(indent.max(2)));
            column = indent.max(2);
        } else {
            out.push(*character);
            column += 1;
        }
    }
    out
}

fn single_quoted(text: &str, indent: usize, column: usize) -> String {
    let escaped = text.replace('\'', "''");
    match escaped.strip_suffix('\n') {
        // A break inside quotes is an empty line.
        Some(body) => format!("'{body}\n\n{}'", " ".repeat(indent.max(2))),
        None => format!("'{}'", folded(&escaped, indent, column + 2)),
    }
}

fn double_quoted(text: &str, indent: usize, column: usize) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            '\x1b' => out.push_str("\\e"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            control if control.is_control() => out.push_str(&format!("\\x{:02X}", control as u32)),
            '\u{feff}' => out.push_str("\\uFEFF"),
            other => out.push(other),
        }
    }
    format!("\"{}\"", folded(&out, indent, column + 2))
}
