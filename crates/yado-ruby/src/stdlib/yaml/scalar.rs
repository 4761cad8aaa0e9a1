//! What an unquoted YAML scalar means by Psych's rules, which are those of YAML 1.1 with Ruby's symbols.

use num_bigint::BigInt;

use crate::core::float_text;
use crate::core::integer_text;
use crate::value::Value;

/// The meaning of an unquoted scalar.
pub(super) enum Meaning {
    /// Nil, a boolean, a number or text.
    Plain(Value),
    /// A symbol of this name.
    Symbol(String),
    /// A date.
    Date,
    /// A time.
    Time,
}

/// What the text of an unquoted scalar means.
pub(super) fn resolve(text: &str) -> Meaning {
    let plain = Meaning::Plain;
    let Some(first) = text.chars().next() else { return plain(Value::Nil) };
    match text.to_ascii_lowercase().as_str() {
        "~" | "null" => return plain(Value::Nil),
        "yes" | "true" | "on" => return plain(Value::Bool(true)),
        "no" | "false" | "off" => return plain(Value::Bool(false)),
        ".inf" | "+.inf" => return plain(Value::Float(f64::INFINITY)),
        "-.inf" => return plain(Value::Float(f64::NEG_INFINITY)),
        ".nan" => return plain(Value::Float(f64::NAN)),
        _ => {}
    }
    if first == ':' && text.len() > 1 {
        let name = &text[1..];
        let quoted = ['"', '\''].iter().find_map(|quote| name.strip_prefix(*quote)?.strip_suffix(*quote));
        return Meaning::Symbol(quoted.unwrap_or(name).to_owned());
    }
    if !(first.is_ascii_digit() || "+-.".contains(first)) {
        return plain(Value::str(text));
    }
    if is_date(text) {
        return Meaning::Date;
    }
    if is_time(text) {
        return Meaning::Time;
    }
    plain(number(text).unwrap_or_else(|| Value::str(text)))
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &str, least: usize, most: usize| {
        (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let within = |part: &str, most: u32| part.parse::<u32>().is_ok_and(|number| number <= most);
    match parts.as_slice() {
        [year, month, day] => {
            digits(year, 4, 4)
                && digits(month, 1, 2)
                && digits(day, 1, 2)
                && within(month, 12)
                && within(day, 31)
        }
        _ => false,
    }
}

fn is_time(text: &str) -> bool {
    let Some(at) = text.find([' ', '\t', 'T', 't']) else { return false };
    let gap = &text[at..];
    let clock = gap.strip_prefix(['T', 't']).unwrap_or_else(|| gap.trim_start());
    let mut fields = clock.splitn(3, ':');
    let (Some(hour), Some(minute), Some(rest)) = (fields.next(), fields.next(), fields.next()) else {
        return false;
    };
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let (second, rest) = rest.split_at_checked(2).unwrap_or_default();
    let day = text.strip_prefix('-').map_or(&text[..at], |year| &year[..at - 1]);
    is_date(day)
        && digits(hour, 2)
        && minute.len() == 2
        && digits(minute, 2)
        && second.len() == 2
        && digits(second, 2)
        && is_zone(after_fraction(rest).trim_start())
}

/// What stands behind the fraction of a second, if there is one.
fn after_fraction(rest: &str) -> &str {
    rest.strip_prefix('.')
        .map_or(rest, |fraction| fraction.trim_start_matches(|it: char| it.is_ascii_digit()))
}

/// Nothing, `Z`, or hours and perhaps minutes away from it.
fn is_zone(text: &str) -> bool {
    let Some(offset) = text.strip_prefix(['+', '-']) else { return matches!(text, "" | "Z") };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (hours, minutes) = match offset.split_once(':') {
        Some(parts) => parts,
        None if offset.len() > 2 && offset.is_ascii() => offset.split_at(offset.len() - 2),
        None => (offset, ""),
    };
    matches!(hours.len(), 1 | 2) && matches!(minutes.len(), 0 | 2) && digits(hours) && digits(minutes)
}

fn number(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    if unsigned.contains(':') {
        return sexagesimal(unsigned, negative);
    }
    let all = |text: &str, allowed: fn(char) -> bool| !text.is_empty() && text.chars().all(allowed);
    let signed = |value: Option<integer_text::IntegerText>| {
        value.map(|mut found| {
            found.negative = negative;
            found.to_value()
        })
    };
    if let Some(digits) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        return if all(digits, |it| it.is_ascii_hexdigit() || "_,".contains(it)) {
            signed(integer_text::parse_strict(&digits.replace(['_', ','], ""), 16))
        } else {
            None
        };
    }
    if let Some(digits) = unsigned.strip_prefix("0b") {
        return if all(digits, |it| "01_,".contains(it)) {
            signed(integer_text::parse_strict(&digits.replace(['_', ','], ""), 2))
        } else {
            None
        };
    }
    if unsigned.starts_with('0')
        && unsigned.len() > 1
        && all(unsigned, |it| ('0'..='7').contains(&it) || "_,".contains(it))
    {
        return signed(integer_text::parse_strict(&unsigned.replace(['_', ','], ""), 8));
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit() || b"_,".contains(&byte)) {
        let bytes = unsigned.as_bytes();
        let doubled = bytes.windows(2).any(|pair| !pair[0].is_ascii_digit() && !pair[1].is_ascii_digit());
        let sound = bytes.first().is_some_and(|byte| byte.is_ascii_digit())
            && bytes.last().is_some_and(|byte| byte.is_ascii_digit())
            && !doubled
            && (unsigned == "0" || !unsigned.starts_with('0'));
        return if sound {
            signed(integer_text::parse_strict(&unsigned.replace(['_', ','], ""), 10))
        } else {
            None
        };
    }
    float(unsigned, negative)
}

/// A float needs its point, and a sign in its exponent.
fn float(unsigned: &str, negative: bool) -> Option<Value> {
    let (whole, rest) = unsigned.split_once('.')?;
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !whole.bytes().all(|byte| byte.is_ascii_digit() || b"_,".contains(&byte)) || !digits(fraction) {
        return None;
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let exponent = match exponent {
        None => String::new(),
        Some(text) if text.starts_with(['+', '-']) && text.len() > 1 && digits(&text[1..]) => {
            format!("e{text}")
        }
        Some(_) => return None,
    };
    let whole = whole.replace(['_', ','], "");
    let whole = if whole.is_empty() { "0" } else { &whole };
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    let number = float_text::parse_strict(&format!("{whole}.{fraction}{exponent}"))?;
    Some(Value::Float(if negative { -number } else { number }))
}

/// `1:30` is ninety minutes in seconds of an hour: base sixty, and any sign belongs to the first part alone.
fn sexagesimal(unsigned: &str, negative: bool) -> Option<Value> {
    let parts: Vec<&str> = unsigned.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    let (first, others) = parts.split_first()?;
    let (last, middle) = others.split_last()?;
    let (last, fraction) = match last.split_once('.') {
        Some((last, fraction)) => (last, Some(fraction)),
        None => (*last, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Ruby reads a number up to where two underscores follow each other.
    let hours = first.split("__").next().unwrap_or_default().replace('_', "");
    let sound = first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if !sound || !first.starts_with(|character: char| character.is_ascii_digit()) || !digits(&hours) {
        return None;
    }
    let sixtieth = |part: &str| -> Option<i64> {
        part.parse().ok().filter(|number| digits(part) && part.len() <= 2 && *number < 60)
    };
    // `1:30` counts hours and minutes, as if seconds followed.
    let seconds = match middle {
        [] => sixtieth(last)? * 60,
        middle => {
            middle.iter().try_fold(0, |sum, part| Some(sum * 60 + sixtieth(part)?))? * 60 + sixtieth(last)?
        }
    };
    let unit = if middle.is_empty() { 60.0 } else { 1.0 };
    let mut hours: BigInt = hours.parse().ok()?;
    if negative {
        hours = -hours;
    }
    Some(match fraction {
        None => Value::big(hours * 3600 + seconds),
        Some(fraction) if fraction.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') => {
            let hours: f64 = hours.to_string().parse().ok()?;
            let digits = if fraction.starts_with('_') { String::new() } else { fraction.replace('_', "") };
            let fraction: f64 = format!("0.{digits}0").parse().ok()?;
            Value::Float(hours * 3600.0 + seconds as f64 + fraction * unit)
        }
        Some(_) => return None,
    })
}
