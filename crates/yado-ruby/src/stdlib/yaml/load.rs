//! Builds Ruby values from YAML events.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::scalar::{Meaning, resolve};
use crate::args::Args;
use crate::hash::RHash;
use crate::interpreter::Interpreter;
use crate::stdlib::base64;
use crate::value::{Eval, Value};

/// What may be in a document, and how it is read.
pub(super) struct Options {
    pub(super) everything: bool,
    pub(super) aliases: bool,
    pub(super) symbolize: bool,
    pub(super) freeze: bool,
    pub(super) permitted: Vec<String>,
    pub(super) file: String,
}

struct Loader<'o, 't> {
    ruby: &'o mut Interpreter,
    options: &'o Options,
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    anchors: HashMap<usize, Value>,
    /// Where the last event ended, in characters.
    end: usize,
    /// How long the text is when it has no line end at its end; a block scalar there has none either.
    cut: Option<usize>,
}

/// The documents of a stream; only the first if so wanted.
pub(super) fn documents(
    ruby: &mut Interpreter,
    text: &str,
    options: &Options,
    first: bool,
) -> Eval<Vec<Value>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let cut = (!text.ends_with('\n')).then(|| text.chars().count());
    let mut loader =
        Loader { ruby, options, parser: Parser::new_from_str(text), anchors: HashMap::new(), end: 0, cut };
    let mut documents = Vec::new();
    loop {
        match loader.event()? {
            Event::StreamEnd => return Ok(documents),
            Event::DocumentStart(_) => {
                let event = loader.event()?;
                documents.push(loader.node(event, 0)?);
                if first {
                    return Ok(documents);
                }
            }
            _ => {}
        }
    }
}

impl<'t> Loader<'_, 't> {
    fn event(&mut self) -> Eval<Event<'t>> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.end = span.end.index();
                Ok(event)
            }
            None => Ok(Event::StreamEnd),
            Some(Err(error)) => {
                let (line, column) = (error.marker().line(), error.marker().col() + 1);
                let what = error.info();
                if what.contains("anchor") && what.contains("unknown") {
                    return self.ruby.raise("Psych::BadAlias", format!("Unknown alias: {what}"));
                }
                let message = format!("({}): {what} at line {line} column {column}", self.options.file);
                self.ruby.raise("Psych::SyntaxError", message)
            }
        }
    }

    fn permit(&mut self, class: &str) -> Eval<()> {
        if self.options.everything || self.options.permitted.iter().any(|known| known == class) {
            return Ok(());
        }
        self.ruby.raise("Psych::DisallowedClass", format!("Tried to load unspecified class: {class}"))
    }

    fn remember(&mut self, anchor: usize, value: &Value) {
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
    }

    fn node(&mut self, event: Event<'t>, depth: usize) -> Eval {
        if depth > 500 {
            return self.ruby.raise("Psych::SyntaxError", "the document is nested too deeply");
        }
        self.ruby.charge(64)?;
        match event {
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                match known {
                    Some(value) if self.options.aliases => Ok(value),
                    Some(_) => self.ruby.raise(
                        "Psych::BadAlias",
                        "Unknown alias: the document uses aliases; pass `aliases: true`",
                    ),
                    None => self.ruby.raise("Psych::BadAlias", "Unknown alias"),
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let text = match self.cut {
                    Some(length) if block && self.end >= length => {
                        text.strip_suffix('\n').unwrap_or(&text).into()
                    }
                    _ => text,
                };
                let value = self.scalar(&text, style, tag.as_deref())?;
                self.remember(anchor, &value);
                Ok(value)
            }
            Event::SequenceStart(anchor, _) => {
                let value = Value::array(Vec::new());
                self.remember(anchor, &value);
                loop {
                    let event = self.event()?;
                    if matches!(event, Event::SequenceEnd | Event::StreamEnd) {
                        break;
                    }
                    let item = self.node(event, depth + 1)?;
                    if let Value::Array(array) = &value {
                        array.items.borrow_mut().push(item);
                    }
                }
                if let (Value::Array(array), true) = (&value, self.options.freeze) {
                    array.frozen.set(true);
                }
                Ok(value)
            }
            Event::MappingStart(anchor, tag) => self.mapping(anchor, tag.as_deref(), depth),
            _ => Ok(Value::Nil),
        }
    }

    fn mapping(&mut self, anchor: usize, tag: Option<&Tag>, depth: usize) -> Eval {
        let class = tag.map(|tag| format!("{}{}", tag.handle, tag.suffix)).and_then(|tag| {
            tag.rsplit_once("ruby/object:")
                .or_else(|| tag.rsplit_once("ruby/struct:"))
                .map(|(_, class)| class.to_owned())
        });
        if let Some(class) = &class {
            self.permit(class)?;
        }
        let hash = RHash::new();
        let value = Value::Hash(hash.clone());
        self.remember(anchor, &value);
        loop {
            let event = self.event()?;
            if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                break;
            }
            let key = self.node(event, depth + 1)?;
            let event = self.event()?;
            let merges = key.as_text().as_deref() == Some("<<")
                && matches!(event, Event::Alias(_) | Event::MappingStart(..) | Event::SequenceStart(..));
            let item = self.node(event, depth + 1)?;
            if merges && self.merge(&value, &item)? {
                continue;
            }
            let key = match &key {
                Value::Str(text) if self.options.symbolize => Value::sym(&text.text()),
                _ => key,
            };
            self.ruby.hash_store(&hash, &key, item)?;
        }
        if self.options.freeze {
            hash.frozen.set(true);
        }
        match class {
            Some(class) => self.object(&class, &value),
            None => Ok(value),
        }
    }

    /// Merges `<<`: a mapping, or several of which the first wins.
    fn merge(&mut self, target: &Value, item: &Value) -> Eval<bool> {
        match item {
            Value::Hash(_) => {
                self.ruby.send(target, "merge!", Args::one(item.clone()))?;
                Ok(true)
            }
            Value::Array(items) if items.to_vec().iter().all(|item| matches!(item, Value::Hash(_))) => {
                for item in items.to_vec().into_iter().rev() {
                    self.ruby.send(target, "merge!", Args::one(item))?;
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// An object of a Ruby class, its instance variables from the mapping.
    fn object(&mut self, class: &str, value: &Value) -> Eval {
        let Some(found) = self.ruby.class_named(class) else {
            return self.ruby.raise("ArgumentError", format!("undefined class/module {class}"));
        };
        let object = self.ruby.send(&Value::Class(found), "allocate", Args::none())?;
        if let Value::Hash(entries) = value {
            for (name, value) in entries.to_vec() {
                let name = format!("@{}", self.ruby.to_s(&name)?);
                self.ruby.set_instance_variable(&object, crate::symbol::Symbol::new(&name), value)?;
            }
        }
        Ok(object)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Eval {
        let quoted = style != ScalarStyle::Plain;
        let tag = tag.map(|tag| format!("{}{}", tag.handle, tag.suffix));
        match tag.as_deref() {
            Some("tag:yaml.org,2002:str") => return Ok(Value::str(text)),
            Some("tag:yaml.org,2002:int") => {
                return Ok(Value::Int(text.replace(['_', ','], "").parse().unwrap_or(0)));
            }
            Some("tag:yaml.org,2002:float") => {
                return Ok(Value::Float(crate::core::float_text::parse_prefix(text)));
            }
            Some("tag:yaml.org,2002:binary" | "!binary") => {
                return Ok(Value::bytes(base64::decode(text.as_bytes())));
            }
            Some("!ruby/symbol" | "!ruby/sym") => {
                self.permit("Symbol")?;
                return Ok(Value::sym(text));
            }
            Some("!ruby/regexp") => {
                self.permit("Regexp")?;
                let end = text.rfind('/').unwrap_or(0);
                let options = text[end..].chars().fold(0, |sum, letter| {
                    sum | match letter {
                        'i' => 1,
                        'x' => 2,
                        'm' => 4,
                        _ => 0,
                    }
                });
                return Ok(Value::Regexp(crate::regexp::Regexp::new(
                    text.get(1..end).unwrap_or(""),
                    options,
                )));
            }
            Some(_) | None if quoted => return Ok(Value::str(text)),
            _ => {}
        }
        match resolve(text) {
            Meaning::Plain(value) => Ok(value),
            Meaning::Symbol(name) => {
                self.permit("Symbol")?;
                Ok(Value::sym(&name))
            }
            Meaning::Date => {
                self.permit("Date")?;
                self.ruby.require("date")?;
                let class = crate::core::library::constant_at(self.ruby, &["Date"])?;
                self.ruby.send(&class, "parse", Args::one(Value::str(text)))
            }
            Meaning::Time => {
                self.permit("Time")?;
                match crate::core::times::parse_text(text) {
                    Some(time) => Ok(crate::core::times::time_value(self.ruby, time)),
                    None => Ok(Value::str(text)),
                }
            }
        }
    }
}
