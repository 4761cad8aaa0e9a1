//! JSON as Ruby's library reads and writes it.

use crate::args::{Args, Arity};
use crate::class::Table;
use crate::core::{float_text, integer_text};
use crate::hash::RHash;
use crate::interpreter::Interpreter;
use crate::symbol::Symbol;
use crate::value::{Eval, Value};

/// Methods of `JSON` itself.
pub(crate) const METHODS: Table = &[
    ("parse", parse, Arity::between(1, 2).with_keywords()),
    ("parse!", parse, Arity::between(1, 2).with_keywords()),
    ("load", load, Arity::at_least(1).with_keywords()),
    ("load_file", load_file, Arity::at_least(1).with_keywords()),
    ("generate", |ruby, _, args| generate(ruby, &args.at(0), false), Arity::at_least(1)),
    ("dump", dump, Arity::at_least(1)),
    ("fast_generate", |ruby, _, args| generate(ruby, &args.at(0), false), Arity::at_least(1)),
    ("pretty_generate", |ruby, _, args| generate(ruby, &args.at(0), true), Arity::at_least(1)),
];

/// `Object#to_json`, a method of every object.
pub(crate) const TO_JSON: Table =
    &[("to_json", |ruby, this, _| generate(ruby, this, false), Arity::at_least(0).with_keywords())];

/// How objects and arrays are to be made.
#[derive(Default)]
struct Making {
    symbolize: bool,
    object_class: Option<Value>,
    array_class: Option<Value>,
}

impl Making {
    /// What the options of a call say, be they a hash or keywords.
    fn of(args: &Args) -> Self {
        let option = |name: &str| {
            let value = match args.get(1) {
                Some(Value::Hash(options)) => options.get_symbol(name),
                _ => args.keyword(name),
            };
            value.filter(Value::truthy)
        };
        Self {
            symbolize: option("symbolize_names").is_some(),
            object_class: option("object_class"),
            array_class: option("array_class"),
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    making: Making,
    /// The objects (true) and arrays being read, with where they begin.
    open: Vec<(bool, usize)>,
}

fn parse(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let text = match args.at(0) {
        Value::Object(_) if ruby.responds_to(&args.at(0), Symbol::new("read"))? => {
            let text = ruby.send(&args.at(0), "read", Args::none())?;
            ruby.expect_string(&text)?
        }
        other => ruby.expect_string(&other)?,
    };
    read(ruby, &text, Making::of(&args))
}

fn read(ruby: &mut Interpreter, text: &str, making: Making) -> Eval {
    let mut reader = Reader { text, at: 0, making, open: Vec::new() };
    reader.blank();
    let value = reader.value(ruby, 0)?;
    reader.blank();
    if reader.at < text.len() {
        return reader.unexpected(ruby);
    }
    Ok(value)
}

fn load(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if args.at(0).is_nil() {
        return Ok(Value::Nil);
    }
    parse(ruby, this, Args { positional: vec![args.at(0)], ..args })
}

fn load_file(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let bytes = crate::core::files::content(ruby, &args.at(0))?;
    parse(ruby, this, Args { positional: vec![Value::bytes(bytes)], ..args })
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        loop {
            let rest = self.rest();
            let skipped = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            self.at += skipped;
            if self.rest().starts_with("//") {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if self.rest().starts_with("/*") {
                self.at += self.rest().find("*/").map_or(self.rest().len(), |end| end + 2);
            } else if skipped == 0 {
                return;
            }
        }
    }

    /// What Ruby's parser says: an object that cannot be read is named from its beginning, and the number is that
    /// of a line in the parser's own source.
    fn unexpected<T>(&self, ruby: &mut Interpreter) -> Eval<T> {
        let objects = self.open.iter().rev().take_while(|(object, _)| *object);
        let at = objects.last().map_or(self.at, |(_, start)| *start);
        let in_array = self.open.iter().any(|(object, _)| !object);
        let line = match self.rest() {
            rest if rest.starts_with("NaN") => 225,
            rest if rest.starts_with("-Infinity") => 249,
            _ if in_array => 451,
            _ => 859,
        };
        ruby.raise("JSON::ParserError", format!("{line}: unexpected token at '{}'", &self.text[at..]))
    }

    fn value(&mut self, ruby: &mut Interpreter, depth: usize) -> Eval {
        if depth > 100 {
            return ruby.raise("JSON::NestingError", format!("nesting of {depth} is too deep"));
        }
        ruby.charge(32)?;
        for (word, value) in
            [("null", Value::Nil), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        match self.peek() {
            Some(open @ (b'{' | b'[')) => {
                self.open.push((open == b'{', self.at));
                let made = if open == b'{' { self.object(ruby, depth) } else { self.array(ruby, depth) };
                self.open.pop();
                self.of_class(ruby, made?)
            }
            Some(b'"') => self.string(ruby).map(Value::str),
            Some(b'-' | b'0'..=b'9') => self.number(ruby),
            _ => self.unexpected(ruby),
        }
    }

    /// An object or array as one of the class that was asked for, filled the way Ruby's parser fills it.
    fn of_class(&self, ruby: &mut Interpreter, made: Value) -> Eval {
        match (&made, &self.making) {
            (Value::Hash(hash), Making { object_class: Some(class), .. }) => {
                let own = ruby.send(class, "new", Args::none())?;
                for (name, value) in hash.to_vec() {
                    ruby.send(&own, "[]=", Args::of(vec![name, value]))?;
                }
                Ok(own)
            }
            (Value::Array(items), Making { array_class: Some(class), .. }) => {
                let own = ruby.send(class, "new", Args::none())?;
                for item in items.to_vec() {
                    ruby.send(&own, "<<", Args::one(item))?;
                }
                Ok(own)
            }
            _ => Ok(made),
        }
    }

    fn object(&mut self, ruby: &mut Interpreter, depth: usize) -> Eval {
        let hash = RHash::new();
        self.at += 1;
        self.blank();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Hash(hash));
        }
        loop {
            self.blank();
            if self.peek() != Some(b'"') {
                return self.unexpected(ruby);
            }
            let name = self.string(ruby)?;
            self.blank();
            if self.peek() != Some(b':') {
                return self.unexpected(ruby);
            }
            self.at += 1;
            self.blank();
            let value = self.value(ruby, depth + 1)?;
            hash.insert(if self.making.symbolize { Value::sym(&name) } else { Value::str(name) }, value);
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Hash(hash));
                }
                _ => return self.unexpected(ruby),
            }
        }
    }

    fn array(&mut self, ruby: &mut Interpreter, depth: usize) -> Eval {
        let mut items = Vec::new();
        self.at += 1;
        self.blank();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::array(items));
        }
        loop {
            self.blank();
            items.push(self.value(ruby, depth + 1)?);
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::array(items));
                }
                _ => return self.unexpected(ruby),
            }
        }
    }

    fn string(&mut self, ruby: &mut Interpreter) -> Eval<String> {
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let Some(character) = self.rest().chars().next() else {
                self.at = start;
                return self.unexpected(ruby);
            };
            self.at += character.len_utf8();
            match character {
                '"' => return Ok(out),
                '\\' => {
                    let Some(escaped) = self.rest().chars().next() else { continue };
                    self.at += escaped.len_utf8();
                    match escaped {
                        'n' => out.push('\n'),
                        't' => out.push('\t'),
                        'r' => out.push('\r'),
                        'b' => out.push('\x08'),
                        'f' => out.push('\x0c'),
                        'u' => {
                            let mut code = self.hexadecimal();
                            if (0xd800..0xdc00).contains(&code) && self.rest().starts_with("\\u") {
                                self.at += 2;
                                let low = self.hexadecimal();
                                code = 0x10000 + ((code - 0xd800) << 10) + low.wrapping_sub(0xdc00);
                            }
                            out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                        }
                        other => out.push(other),
                    }
                }
                other => out.push(other),
            }
        }
    }

    fn hexadecimal(&mut self) -> u32 {
        let code = self.rest().get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += if code.is_some() { 4 } else { 0 };
        code.unwrap_or(0xfffd)
    }

    fn number(&mut self, ruby: &mut Interpreter) -> Eval {
        let length = self
            .rest()
            .find(|letter: char| !(letter.is_ascii_digit() || "+-.eE".contains(letter)))
            .unwrap_or(self.rest().len());
        let text = &self.text[self.at..self.at + length];
        let value = if text.contains(['.', 'e', 'E']) {
            float_text::parse_strict(text).map(Value::Float)
        } else {
            integer_text::parse_strict(text, 10).map(|found| found.to_value())
        };
        match value {
            Some(value) => {
                self.at += length;
                Ok(value)
            }
            None => self.unexpected(ruby),
        }
    }
}

fn generate(ruby: &mut Interpreter, value: &Value, pretty: bool) -> Eval {
    let mut out = String::new();
    write(ruby, value, pretty.then_some(0), &mut out, 0)?;
    Ok(Value::str(out))
}

fn dump(ruby: &mut Interpreter, _: &Value, args: Args) -> Eval {
    let text = generate(ruby, &args.at(0), false)?;
    match args.get(1) {
        Some(output @ Value::Object(_)) => {
            ruby.send(output, "write", Args::one(text))?;
            Ok(output.clone())
        }
        _ => Ok(text),
    }
}

fn write(
    ruby: &mut Interpreter,
    value: &Value,
    indent: Option<usize>,
    out: &mut String,
    depth: usize,
) -> Eval<()> {
    if depth > 100 {
        return ruby.raise("JSON::NestingError", "nesting of 101 is too deep");
    }
    ruby.charge(16)?;
    let inner = indent.map(|indent| indent + 2);
    let line = |out: &mut String, indent: Option<usize>| {
        if let Some(indent) = indent {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
        }
    };
    match value {
        Value::Nil => out.push_str("null"),
        Value::Float(number) if !number.is_finite() => {
            let shown = float_text::to_s(*number);
            let line = if number.is_nan() { 1003 } else { 1000 };
            return ruby.raise("JSON::GeneratorError", format!("{line}: {shown} not allowed in JSON"));
        }
        Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => out.push_str(&ruby.to_s(value)?),
        Value::Array(items) => {
            let items = items.to_vec();
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, inner);
                write(ruby, item, inner, out, depth + 1)?;
            }
            if items.is_empty() && indent.is_some() {
                out.push('\n');
            }
            line(out, indent);
            out.push(']');
        }
        Value::Hash(entries) => {
            let entries = entries.to_vec();
            out.push('{');
            for (at, (key, item)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, inner);
                let key = ruby.to_s(key)?;
                quote(&key, out);
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write(ruby, item, inner, out, depth + 1)?;
            }
            line(out, indent);
            out.push('}');
        }
        Value::Object(_) => {
            // A class's own `to_json` decides; `to_h` and `to_s` are the fallbacks.
            let class = ruby.dispatch_class(value);
            let own = ruby.find_method(&class, Symbol::new("to_json"));
            if own.is_some_and(|method| !std::rc::Rc::ptr_eq(&method.owner, &ruby.core.kernel)) {
                let text = ruby.send(value, "to_json", Args::none())?;
                out.push_str(&ruby.to_s(&text)?);
            } else {
                let text = ruby.to_s(value)?;
                quote(&text, out);
            }
        }
        other => {
            let text = ruby.to_s(other)?;
            quote(&text, out);
        }
    }
    Ok(())
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            control if (control as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
}
