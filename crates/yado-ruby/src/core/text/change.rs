//! Methods that make a changed copy of a string, and their `!` forms that change it in place.

use super::look::sets;
use super::*;
use crate::core::char_set::{self, all_contain};
use crate::core::{format, successor};

pub(super) const METHODS: Table = &[
    ("initialize", initialize, ANY.with_keywords()),
    ("+", plus, ONE),
    ("*", times, ONE),
    ("%", percent, ONE),
    ("+@", unfrozen, NONE),
    ("-@", frozen, NONE),
    ("dedup", frozen, NONE),
    ("<<", append, ONE),
    ("concat", concat, ANY),
    ("setbyte", set_byte, TWO),
    ("prepend", prepend, ANY),
    ("replace", replace, ONE),
    ("initialize_copy", replace, ONE),
    ("clear", clear, NONE),
    ("insert", insert, TWO),
    ("upcase", upcase, ANY),
    ("downcase", downcase, ANY),
    ("capitalize", capitalize, ANY),
    ("swapcase", swapcase, ANY),
    ("strip", strip, NONE),
    ("lstrip", lstrip, NONE),
    ("rstrip", rstrip, NONE),
    ("chomp", chomp, OPTIONAL),
    ("chop", chop, NONE),
    ("chr", chr, NONE),
    ("reverse", reverse, NONE),
    ("succ", succ, NONE),
    ("next", succ, NONE),
    ("ljust", ljust, ONE_OR_TWO),
    ("rjust", rjust, ONE_OR_TWO),
    ("center", center, ONE_OR_TWO),
    ("tr", tr, TWO),
    ("tr_s", tr_s, TWO),
    ("delete", delete, ANY),
    ("squeeze", squeeze, ANY),
    ("delete_prefix", delete_prefix, ONE),
    ("delete_suffix", delete_suffix, ONE),
    ("scrub", scrub, OPTIONAL),
    ("force_encoding", force_encoding, ONE),
    ("encode", encode, ANY),
    ("unicode_normalize", identity, ANY),
    ("b", binary, NONE),
    ("upcase!", |ruby, this, args| in_place(ruby, this, args, upcase), ANY),
    ("downcase!", |ruby, this, args| in_place(ruby, this, args, downcase), ANY),
    ("capitalize!", |ruby, this, args| in_place(ruby, this, args, capitalize), ANY),
    ("swapcase!", |ruby, this, args| in_place(ruby, this, args, swapcase), ANY),
    ("strip!", |ruby, this, args| in_place(ruby, this, args, strip), NONE),
    ("lstrip!", |ruby, this, args| in_place(ruby, this, args, lstrip), NONE),
    ("rstrip!", |ruby, this, args| in_place(ruby, this, args, rstrip), NONE),
    ("chomp!", |ruby, this, args| in_place(ruby, this, args, chomp), OPTIONAL),
    ("chop!", |ruby, this, args| in_place(ruby, this, args, chop), NONE),
    ("tr!", |ruby, this, args| in_place(ruby, this, args, tr), TWO),
    ("tr_s!", |ruby, this, args| in_place(ruby, this, args, tr_s), TWO),
    ("delete!", |ruby, this, args| in_place(ruby, this, args, delete), ANY),
    ("squeeze!", |ruby, this, args| in_place(ruby, this, args, squeeze), ANY),
    ("delete_prefix!", |ruby, this, args| in_place(ruby, this, args, delete_prefix), ONE),
    ("delete_suffix!", |ruby, this, args| in_place(ruby, this, args, delete_suffix), ONE),
    ("reverse!", |ruby, this, args| in_place(ruby, this, args, reverse).map(|_| this.clone()), NONE),
    ("succ!", |ruby, this, args| in_place(ruby, this, args, succ).map(|_| this.clone()), NONE),
    ("next!", |ruby, this, args| in_place(ruby, this, args, succ).map(|_| this.clone()), NONE),
    ("encode!", |_, this, _| Ok(this.clone()), ANY),
    ("scrub!", |_, this, _| Ok(this.clone()), OPTIONAL),
];

fn initialize(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    if !args.is_empty() {
        let text = ruby.expect_string(&args.at(0))?;
        change(ruby, this, text)?;
    }
    Ok(Value::Nil)
}

fn identity(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(this.clone())
}

fn plus(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let left = this_string(ruby, this)?;
    if let Value::Str(right) = args.at(0) {
        ruby.charge(left.byte_len() + right.byte_len())?;
        let mut bytes = left.bytes();
        right.with_bytes(|more| bytes.extend_from_slice(more));
        return Ok(Value::bytes(bytes));
    }
    let right = ruby.expect_string(&args.at(0))?;
    Ok(Value::str(left.text() + &right))
}

fn times(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let count = ruby.expect_int(&args.at(0))?;
    let Ok(count) = usize::try_from(count) else { return ruby.raise("ArgumentError", "negative argument") };
    let string = this_string(ruby, this)?;
    ruby.charge(string.byte_len().saturating_mul(count))?;
    Ok(Value::bytes(string.bytes().repeat(count)))
}

fn percent(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let values = match args.at(0) {
        Value::Array(items) => items.to_vec(),
        other => vec![other],
    };
    format::format(ruby, &text_of(this), &values).map(Value::str)
}

fn unfrozen(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    match this {
        Value::Str(string) if string.frozen.get() => Ok(Value::bytes(string.bytes())),
        other => Ok(other.clone()),
    }
}

fn frozen(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    match this {
        Value::Str(string) if !string.frozen.get() => {
            let copy = Value::bytes(string.bytes());
            if let Value::Str(copy) = &copy {
                copy.frozen.set(true);
            }
            Ok(copy)
        }
        other => Ok(other.clone()),
    }
}

fn append(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    ruby.check_frozen(this)?;
    let string = this_string(ruby, this)?;
    match args.at(0) {
        Value::Str(more) => {
            ruby.charge(more.byte_len())?;
            string.push_bytes(&more.bytes());
        }
        Value::Int(code) => match u32::try_from(code).ok().and_then(char::from_u32) {
            Some(character) => string.push_bytes(character.encode_utf8(&mut [0; 4]).as_bytes()),
            None => return ruby.raise("RangeError", format!("{code} out of char range")),
        },
        other => string.push_bytes(ruby.expect_string(&other)?.as_bytes()),
    }
    Ok(this.clone())
}

fn concat(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    for value in args.positional {
        append(ruby, this, Args::one(value))?;
    }
    Ok(this.clone())
}

fn set_byte(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    ruby.check_frozen(this)?;
    let string = this_string(ruby, this)?;
    let (wanted, byte) = (ruby.expect_int(&args.at(0))?, ruby.expect_int(&args.at(1))?);
    let length = string.byte_len() as i64;
    let index = if wanted < 0 { wanted + length } else { wanted };
    if !(0..length).contains(&index) {
        return ruby.raise("IndexError", format!("index {wanted} out of string"));
    }
    string.bytes.borrow_mut()[index as usize] = byte as u8;
    Ok(args.at(1))
}

fn prepend(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let mut text = String::new();
    for value in &args.positional {
        text.push_str(&ruby.expect_string(value)?);
    }
    text.push_str(&text_of(this));
    change(ruby, this, text)?;
    Ok(this.clone())
}

fn replace(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let text = ruby.expect_string(&args.at(0))?;
    change(ruby, this, text)?;
    Ok(this.clone())
}

fn clear(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    change(ruby, this, String::new())?;
    Ok(this.clone())
}

fn insert(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let text = text_of(this);
    let length = text.chars().count() as i64;
    let given = ruby.expect_int(&args.at(0))?;
    let more = ruby.expect_string(&args.at(1))?;
    let index = if given < 0 { given + length + 1 } else { given };
    if !(0..=length).contains(&index) {
        return ruby.raise("IndexError", format!("index {given} out of string"));
    }
    let at = byte_at(&text, index as usize);
    change(ruby, this, format!("{}{more}{}", &text[..at], &text[at..]))?;
    Ok(this.clone())
}

fn upcase(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(text_of(this).to_uppercase()))
}

fn downcase(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(text_of(this).to_lowercase()))
}

/// The first letter large, the others small.
fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters.as_str().to_lowercase().chars()).collect(),
        None => String::new(),
    }
}

fn capitalize(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(capitalized(&text_of(this))))
}

fn swapcase(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let swap = |character: char| -> String {
        if character.is_uppercase() {
            character.to_lowercase().collect()
        } else {
            character.to_uppercase().collect()
        }
    };
    Ok(Value::str(text_of(this).chars().map(swap).collect::<String>()))
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r' | '\0')
}

fn strip(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(text_of(this).trim_matches(is_blank)))
}

fn lstrip(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(text_of(this).trim_start_matches(is_blank)))
}

fn rstrip(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(text_of(this).trim_end_matches(is_blank)))
}

fn chomp(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let text = text_of(this);
    if args.is_empty() {
        let shorter = text.strip_suffix("\r\n").or_else(|| text.strip_suffix(['\n', '\r'])).unwrap_or(&text);
        return Ok(Value::str(shorter));
    }
    if args.at(0).is_nil() {
        return Ok(Value::Str(this_string(ruby, this)?));
    }
    let suffix = ruby.expect_string(&args.at(0))?;
    if suffix.is_empty() {
        let mut shorter = text.as_str();
        while let Some(next) = shorter.strip_suffix("\r\n").or_else(|| shorter.strip_suffix('\n')) {
            shorter = next;
        }
        return Ok(Value::str(shorter));
    }
    Ok(Value::str(text.strip_suffix(suffix.as_str()).unwrap_or(&text)))
}

fn chop(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let mut text = text_of(this);
    if text.ends_with("\r\n") {
        text.pop();
    }
    text.pop();
    Ok(Value::str(text))
}

fn chr(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(text_of(this).chars().take(1).collect::<String>()))
}

fn reverse(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(text_of(this).chars().rev().collect::<String>()))
}

fn succ(_: &mut Interpreter, this: &Value, _: Args) -> Eval {
    Ok(Value::str(successor::successor(&text_of(this))))
}

/// How many characters are missing, and the text that fills them.
fn padding(ruby: &mut Interpreter, this: &Value, args: &Args) -> Eval<(usize, Vec<char>)> {
    let width = ruby.expect_int(&args.at(0))?;
    let fill = if args.len() > 1 { ruby.expect_string(&args.at(1))? } else { " ".to_owned() };
    if fill.is_empty() {
        return ruby.raise("ArgumentError", "zero width padding");
    }
    let missing = width - text_of(this).chars().count() as i64;
    let missing = usize::try_from(missing).unwrap_or(0);
    ruby.charge(missing)?;
    Ok((missing, fill.chars().collect()))
}

fn fill(count: usize, with: &[char]) -> String {
    with.iter().cycle().take(count).collect()
}

fn ljust(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (missing, with) = padding(ruby, this, &args)?;
    Ok(Value::str(text_of(this) + &fill(missing, &with)))
}

fn rjust(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (missing, with) = padding(ruby, this, &args)?;
    Ok(Value::str(fill(missing, &with) + &text_of(this)))
}

fn center(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (missing, with) = padding(ruby, this, &args)?;
    let left = missing / 2;
    Ok(Value::str(format!("{}{}{}", fill(left, &with), text_of(this), fill(missing - left, &with))))
}

fn translate(ruby: &mut Interpreter, this: &Value, args: &Args, squeeze: bool) -> Eval {
    let (from, to) = (ruby.expect_string(&args.at(0))?, ruby.expect_string(&args.at(1))?);
    match char_set::translate(&text_of(this), &from, &to, squeeze) {
        Ok(text) => Ok(Value::str(text)),
        Err(message) => ruby.raise("ArgumentError", message),
    }
}

fn tr(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    translate(ruby, this, &args, false)
}

fn tr_s(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    translate(ruby, this, &args, true)
}

fn delete(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    // Nothing has nothing to lose, and Ruby looks at that first.
    if args.is_empty() && !text_of(this).is_empty() {
        return ruby.wrong_arguments(0, "1+");
    }
    let sets = sets(ruby, &args)?;
    Ok(Value::str(
        text_of(this).chars().filter(|character| !all_contain(&sets, *character)).collect::<String>(),
    ))
}

fn squeeze(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let sets = sets(ruby, &args)?;
    Ok(Value::str(char_set::squeeze(&text_of(this), &sets)))
}

fn delete_prefix(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (text, prefix) = (text_of(this), ruby.expect_string(&args.at(0))?);
    Ok(Value::str(text.strip_prefix(prefix.as_str()).unwrap_or(&text)))
}

fn delete_suffix(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let (text, suffix) = (text_of(this), ruby.expect_string(&args.at(0))?);
    Ok(Value::str(text.strip_suffix(suffix.as_str()).unwrap_or(&text)))
}

fn scrub(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let with = if args.is_empty() { "\u{fffd}".to_owned() } else { ruby.expect_string(&args.at(0))? };
    let mut text = String::new();
    for chunk in this_string(ruby, this)?.bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push_str(&with);
        }
    }
    Ok(Value::str(text))
}

/// Whether an encoding (an object or its name) means plain bytes.
fn means_binary(ruby: &mut Interpreter, value: &Value) -> Eval<bool> {
    let name = ruby.to_s(value)?.to_uppercase();
    Ok(name == "ASCII-8BIT" || name == "BINARY")
}

fn force_encoding(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let binary = means_binary(ruby, &args.at(0))?;
    this_string(ruby, this)?.binary.set(binary);
    Ok(this.clone())
}

fn encode(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let string = this_string(ruby, this)?;
    let name = if args.is_empty() { String::new() } else { ruby.to_s(&args.at(0))?.to_uppercase() };
    let text = string.text();
    if name.starts_with("UTF-16") {
        let big = !name.ends_with("LE");
        let bytes =
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
        let encoded = Value::bytes(bytes.collect());
        if let Value::Str(encoded) = &encoded {
            encoded.binary.set(true);
        }
        return Ok(encoded);
    }
    Ok(Value::str(text))
}

fn binary(ruby: &mut Interpreter, this: &Value, _: Args) -> Eval {
    let copy = Value::bytes(this_string(ruby, this)?.bytes());
    if let Value::Str(copy) = &copy {
        copy.binary.set(true);
    }
    Ok(copy)
}
