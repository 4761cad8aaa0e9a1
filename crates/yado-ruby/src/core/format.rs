//! `format`/`sprintf`: fetches the arguments that the directives ask for and writes them.

use num_bigint::BigInt;

use crate::args::Args;
use crate::core::numbers::as_float;
use crate::core::sprintf::{Count, Directive, Piece, Source, parse};
use crate::core::{float_text, integer_text};
use crate::interpreter::Interpreter;
use crate::value::{Eval, Value};

/// Writes `values` by a format.
pub(crate) fn format(ruby: &mut Interpreter, format: &str, values: &[Value]) -> Eval<String> {
    let pieces = match parse(format) {
        Ok(pieces) => pieces,
        Err(message) => return ruby.raise("ArgumentError", message),
    };
    let mut arguments = Arguments { values, next: 0 };
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(&text),
            Piece::Directive(directive) => {
                let written = write(ruby, directive, &mut arguments)?;
                ruby.charge(written.len())?;
                out.push_str(&written);
            }
        }
    }
    Ok(out)
}

struct Arguments<'v> {
    values: &'v [Value],
    next: usize,
}

impl Arguments<'_> {
    fn take(&mut self, ruby: &mut Interpreter) -> Eval {
        let value = self.values.get(self.next).cloned();
        self.next += 1;
        match value {
            Some(value) => Ok(value),
            None => ruby.raise("ArgumentError", "too few arguments"),
        }
    }

    fn named(&self, ruby: &mut Interpreter, name: &str, braces: bool) -> Eval {
        let Some(Value::Hash(hash)) = self.values.first() else {
            return ruby.raise("ArgumentError", "one hash required");
        };
        if let Some(value) = hash.get_symbol(name) {
            return Ok(value);
        }
        let value = ruby.hash_fetch(hash, &Value::sym(name))?;
        if value.is_nil() && hash.default_proc.borrow().is_none() && hash.default.borrow().is_none() {
            let shown = if braces { format!("key{{{name}}}") } else { format!("key<{name}>") };
            return ruby.key_error(
                format!("{shown} not found"),
                &Value::Hash(hash.clone()),
                &Value::sym(name),
            );
        }
        Ok(value)
    }

    fn count(&mut self, ruby: &mut Interpreter, count: Option<Count>) -> Eval<Option<i64>> {
        Ok(match count {
            None => None,
            Some(Count::Fixed(number)) => Some(number as i64),
            Some(Count::Star) => {
                let value = self.take(ruby)?;
                Some(ruby.expect_int(&value)?)
            }
        })
    }
}

fn write(ruby: &mut Interpreter, mut directive: Directive, arguments: &mut Arguments) -> Eval<String> {
    let width = arguments.count(ruby, directive.width)?.unwrap_or(0);
    if width < 0 {
        directive.left = true;
    }
    let width = width.unsigned_abs() as usize;
    ruby.charge(width)?;
    let precision = arguments.count(ruby, directive.precision)?.and_then(|count| usize::try_from(count).ok());
    let value = match &directive.source {
        Source::Next => arguments.take(ruby)?,
        Source::Named(name) => arguments.named(ruby, name, directive.conversion == '{')?,
        Source::Numbered(number) => match arguments.values.get(number.wrapping_sub(1)) {
            Some(value) => value.clone(),
            None => return ruby.raise("ArgumentError", "too few arguments"),
        },
    };
    match directive.conversion {
        's' | '{' => {
            let text = ruby.to_s(&value)?;
            Ok(directive.write_text(&text, width, precision))
        }
        'p' => {
            let text = ruby.inspect(&value)?;
            Ok(directive.write_text(&text, width, precision))
        }
        'c' => {
            let text = character(ruby, &value)?;
            Ok(directive.write_text(&text, width, None))
        }
        'd' | 'i' | 'u' => {
            let number = integer(ruby, &value)?;
            Ok(directive.write_decimal(&number.to_string(), width, precision))
        }
        'x' | 'X' | 'o' | 'b' | 'B' => {
            let number = integer(ruby, &value)?;
            Ok(directive.write_radix(&number, width, precision))
        }
        _ => {
            let number = float(ruby, &value)?;
            Ok(directive.write_float(number, width, precision))
        }
    }
}

/// What `%c` writes: a text of one character, or the character with this code.
fn character(ruby: &mut Interpreter, value: &Value) -> Eval<String> {
    if let Value::Str(text) = value {
        let text = text.text();
        if text.chars().count() == 1 {
            return Ok(text);
        }
        return ruby.raise("ArgumentError", "%c requires a character");
    }
    let code = ruby.expect_int(value)?;
    let Ok(short) = i32::try_from(code) else {
        return ruby.raise("RangeError", format!("integer {code} too big to convert to `int'"));
    };
    match u32::try_from(short).ok().and_then(char::from_u32) {
        Some(character) => Ok(character.to_string()),
        None => ruby.raise("ArgumentError", "invalid character"),
    }
}

/// `Kernel#Integer` without options.
pub(crate) fn integer(ruby: &mut Interpreter, value: &Value) -> Eval<BigInt> {
    match value {
        Value::Float(number) if number.is_finite() => Ok(crate::core::numbers::whole_part(number.trunc())),
        Value::Float(number) => ruby.raise("FloatDomainError", float_text::to_s(*number)),
        Value::Str(text) => match text.with(|text| integer_text::parse_strict(text, 0)) {
            Some(found) => Ok(found.to_value().as_big().unwrap_or_default()),
            None => {
                let shown = ruby.inspect(value)?;
                ruby.raise("ArgumentError", format!("invalid value for Integer(): {shown}"))
            }
        },
        Value::Nil => ruby.raise("TypeError", "can't convert nil into Integer"),
        other => match other.as_big() {
            Some(number) => Ok(number),
            None => {
                for method in ["to_int", "to_i"] {
                    if ruby.responds_to(other, crate::symbol::Symbol::new(method))? {
                        let converted = ruby.send(other, method, Args::none())?;
                        if let Some(number) = converted.as_big() {
                            return Ok(number);
                        }
                    }
                }
                let class = ruby.describe_for_conversion(other);
                ruby.raise("TypeError", format!("can't convert {class} into Integer"))
            }
        },
    }
}

/// `Kernel#Float`.
pub(crate) fn float(ruby: &mut Interpreter, value: &Value) -> Eval<f64> {
    match value {
        Value::Str(text) => match text.with(float_text::parse_strict) {
            Some(number) => Ok(number),
            None => {
                let shown = ruby.inspect(value)?;
                ruby.raise("ArgumentError", format!("invalid value for Float(): {shown}"))
            }
        },
        other => match as_float(other) {
            Some(number) => Ok(number),
            None if !matches!(other, Value::Nil | Value::Bool(_))
                && ruby.responds_to(other, crate::symbol::names::TO_F)? =>
            {
                let converted = ruby.send(other, "to_f", Args::none())?;
                float(ruby, &converted)
            }
            None => {
                let class = ruby.describe_for_conversion(other);
                ruby.raise("TypeError", format!("can't convert {class} into Float"))
            }
        },
    }
}
