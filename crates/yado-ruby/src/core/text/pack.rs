//! `String#unpack` and `Array#pack` for the directives that configuration code uses.

use super::*;
use crate::stdlib::base64;

pub(super) const METHODS: Table = &[("unpack", unpack_all, ONE), ("unpack1", unpack_first, ONE)];

/// One directive: its letter and count (`None` for `*`).
fn directives(template: &str) -> Vec<(char, Option<usize>, bool)> {
    let mut found = Vec::new();
    let mut characters = template.chars().filter(|character| !character.is_whitespace()).peekable();
    while let Some(letter) = characters.next() {
        while characters.next_if(|next| "_!<>".contains(*next)).is_some() {}
        if characters.next_if_eq(&'*').is_some() {
            found.push((letter, None, true));
            continue;
        }
        let mut digits = String::new();
        while let Some(digit) = characters.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        found.push((letter, Some(digits.parse().unwrap_or(1)), !digits.is_empty()));
    }
    found
}

fn width(letter: char) -> Option<(usize, bool)> {
    Some(match letter {
        'C' | 'c' => (1, true),
        'n' => (2, true),
        'N' => (4, true),
        'v' | 'S' | 's' => (2, false),
        'V' | 'L' | 'l' | 'I' | 'i' => (4, false),
        'Q' | 'q' => (8, false),
        _ => return None,
    })
}

/// `String#unpack`.
pub(crate) fn unpack(ruby: &mut Interpreter, bytes: &[u8], template: &str) -> Eval<Vec<Value>> {
    let mut values = Vec::new();
    let mut at = 0;
    for (letter, count, _) in directives(template) {
        let rest = &bytes[at.min(bytes.len())..];
        match letter {
            'a' | 'A' | 'Z' => {
                let length = count.unwrap_or(rest.len()).min(rest.len());
                let mut part = rest[..length].to_vec();
                if letter == 'A' {
                    while part.last().is_some_and(|last| *last == b' ' || *last == 0) {
                        part.pop();
                    }
                }
                if letter == 'Z' {
                    part.truncate(part.iter().position(|byte| *byte == 0).unwrap_or(part.len()));
                }
                let part = Value::bytes(part);
                if let Value::Str(part) = &part {
                    part.binary.set(true);
                }
                values.push(part);
                at += length;
            }
            'H' | 'h' => {
                let digits = base64::hexadecimal(rest);
                let length = count.unwrap_or(digits.len()).min(digits.len());
                values.push(Value::str(&digits[..length]));
                at += length.div_ceil(2);
            }
            'B' | 'b' => {
                let order = |at: i32| if letter == 'B' { 7 - at } else { at };
                let bits: String = rest
                    .iter()
                    .flat_map(|byte| (0..8).map(move |at| if byte >> order(at) & 1 == 1 { '1' } else { '0' }))
                    .collect();
                let length = count.unwrap_or(bits.len()).min(bits.len());
                values.push(Value::str(&bits[..length]));
                at += length.div_ceil(8);
            }
            'U' => {
                let text = String::from_utf8_lossy(rest).into_owned();
                for character in text.chars().take(count.unwrap_or(usize::MAX)) {
                    values.push(Value::Int(character as i64));
                    at += character.len_utf8();
                }
            }
            'm' => {
                values.push(Value::bytes(base64::decode(rest)));
                at = bytes.len();
            }
            'x' => at += count.unwrap_or(0),
            _ => {
                let Some((size, big)) = width(letter) else {
                    return ruby.raise("ArgumentError", format!("unsupported unpack directive '{letter}'"));
                };
                let mut left = count.unwrap_or(rest.len() / size);
                while left > 0 {
                    let Some(group) = bytes.get(at..at + size) else {
                        if count.is_some() {
                            values.push(Value::Nil);
                        }
                        break;
                    };
                    let fold = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
                    let number =
                        if big { group.iter().fold(0, fold) } else { group.iter().rev().fold(0, fold) };
                    let shift = 64 - 8 * size as u32;
                    values.push(if letter.is_ascii_lowercase() && !"nv".contains(letter) {
                        Value::Int((number << shift) as i64 >> shift)
                    } else {
                        Value::integer(i128::from(number))
                    });
                    at += size;
                    left -= 1;
                }
            }
        }
    }
    Ok(values)
}

fn unpack_all(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let template = ruby.expect_string(&args.at(0))?;
    let bytes = this_string(ruby, this)?.bytes();
    Ok(Value::array(unpack(ruby, &bytes, &template)?))
}

fn unpack_first(ruby: &mut Interpreter, this: &Value, args: Args) -> Eval {
    let template = ruby.expect_string(&args.at(0))?;
    let bytes = this_string(ruby, this)?.bytes();
    Ok(unpack(ruby, &bytes, &template)?.into_iter().next().unwrap_or(Value::Nil))
}

/// `Array#pack`.
pub(crate) fn pack(ruby: &mut Interpreter, items: &[Value], template: &str) -> Eval<Vec<u8>> {
    let mut out = Vec::new();
    let mut items = items.iter();
    for (letter, count, counted) in directives(template) {
        if "aAZHhBbm".contains(letter) {
            let Some(item) = items.next() else { return ruby.raise("ArgumentError", "too few arguments") };
            let Value::Str(text) = item else { return ruby.no_conversion(item, "String") };
            let bytes = text.bytes();
            match letter {
                'm' if counted && count == Some(0) => out.extend(base64::encode(&bytes).bytes()),
                'm' => out.extend(base64::encode_lines(&bytes, 45).bytes()),
                'H' | 'h' => {
                    let digits: Vec<u32> =
                        bytes.iter().map(|byte| char::from(*byte).to_digit(16).unwrap_or(0)).collect();
                    out.extend(digits.chunks(2).map(|pair| (pair[0] << 4 | pair.get(1).unwrap_or(&0)) as u8));
                }
                'B' | 'b' => out.extend(bytes.chunks(8).map(|bits| {
                    let order = |at: usize| if letter == 'B' { 7 - at } else { at };
                    bits.iter().enumerate().fold(0, |sum, (at, bit)| sum | (bit & 1) << order(at))
                })),
                _ => {
                    let length = count.unwrap_or(bytes.len() + usize::from(letter == 'Z'));
                    let fill = if letter == 'A' { b' ' } else { 0 };
                    out.extend(bytes.iter().copied().chain(std::iter::repeat(fill)).take(length));
                }
            }
            continue;
        }
        if letter == 'x' {
            out.extend(std::iter::repeat_n(0, count.unwrap_or(0)));
            continue;
        }
        let wanted = count.unwrap_or(items.len());
        for _ in 0..wanted {
            let Some(item) = items.next() else { return ruby.raise("ArgumentError", "too few arguments") };
            let number = match item.as_integer() {
                Some(number) => number,
                None => i128::from(ruby.expect_int(item)?),
            };
            if letter == 'U' {
                let character = u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
                out.extend(character.to_string().bytes());
                continue;
            }
            let Some((size, big)) = width(letter) else {
                return ruby.raise("ArgumentError", format!("unsupported pack directive '{letter}'"));
            };
            let bytes = (number as u64).to_be_bytes();
            let group = &bytes[8 - size..];
            if big { out.extend(group) } else { out.extend(group.iter().rev()) }
        }
    }
    Ok(out)
}
