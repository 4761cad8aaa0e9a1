//! `String#inspect`, `String#dump` and `Symbol#inspect`: how text is shown as source code.

/// `String#inspect` of bytes that are usually UTF-8.
pub(crate) fn inspect_bytes(bytes: &[u8]) -> String {
    let mut result = String::with_capacity(bytes.len() + 2);
    result.push('"');
    for chunk in bytes.utf8_chunks() {
        let mut characters = chunk.valid().chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '#' if matches!(characters.peek(), Some('{' | '$' | '@')) => result.push_str("\\#"),
                other => push_escaped(&mut result, other),
            }
        }
        for byte in chunk.invalid() {
            result.push_str(&format!("\\x{byte:02X}"));
        }
    }
    result.push('"');
    result
}

/// `String#inspect`.
pub(crate) fn inspect(text: &str) -> String {
    inspect_bytes(text.as_bytes())
}

/// `String#inspect` of a binary string, and `String#dump`: nothing but ASCII.
pub(crate) fn inspect_ascii(bytes: &[u8], unicode: bool) -> String {
    let mut shown = inspect_bytes(bytes);
    if !unicode {
        // Bytes have no code points: a control character is `\x01`, not `\u0001`.
        for code in 0..0x20 {
            shown = shown.replace(&format!("\\u{code:04X}"), &format!("\\x{code:02X}"));
        }
    }
    let mut result = String::with_capacity(shown.len());
    for character in shown.chars() {
        if character.is_ascii() {
            result.push(character);
        } else if unicode {
            result.push_str(&escape_unicode(character));
        } else {
            let mut buffer = [0; 4];
            for byte in character.encode_utf8(&mut buffer).bytes() {
                result.push_str(&format!("\\x{byte:02X}"));
            }
        }
    }
    result
}

fn escape_unicode(character: char) -> String {
    let code = character as u32;
    if code > 0xffff { format!("\\u{{{code:X}}}") } else { format!("\\u{code:04X}") }
}

fn push_escaped(result: &mut String, character: char) {
    match character {
        '"' => result.push_str("\\\""),
        '\\' => result.push_str("\\\\"),
        '\n' => result.push_str("\\n"),
        '\r' => result.push_str("\\r"),
        '\t' => result.push_str("\\t"),
        '\x07' => result.push_str("\\a"),
        '\x08' => result.push_str("\\b"),
        '\x0b' => result.push_str("\\v"),
        '\x0c' => result.push_str("\\f"),
        '\x1b' => result.push_str("\\e"),
        control if (control as u32) < 0x20 || control as u32 == 0x7f => {
            result.push_str(&if control as u32 == 0x7f {
                "\\u007F".to_owned()
            } else {
                escape_unicode(control)
            });
        }
        invisible if is_invisible(invisible) => result.push_str(&escape_unicode(invisible)),
        other => result.push(other),
    }
}

/// Characters that Ruby does not print as themselves.
fn is_invisible(character: char) -> bool {
    let code = character as u32;
    character.is_control()
        || matches!(code, 0xad | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe000..=0xf8ff)
}

/// `Symbol#inspect`.
pub(crate) fn inspect_symbol(name: &str) -> String {
    if is_plain_symbol(name) { format!(":{name}") } else { format!(":{}", inspect(name)) }
}

/// How a symbol key is written inside `{key: …}` by newer Rubies and in keyword messages.
pub(crate) fn is_plain_symbol(name: &str) -> bool {
    const OPERATORS: [&str; 27] = [
        "+", "-", "*", "/", "%", "**", "==", "!=", "===", "=~", "!~", "!", "<", "<=", ">", ">=", "<=>", "<<",
        ">>", "&", "|", "^", "~", "[]", "[]=", "+@", "-@",
    ];
    if OPERATORS.contains(&name) || name == "`" {
        return true;
    }
    let (prefixed, body) = match name.strip_prefix("@@").or_else(|| name.strip_prefix(['@', '$'])) {
        Some(body) => (true, body),
        None => (false, name),
    };
    if prefixed && name.starts_with('$') && body.len() == 1 && !body.starts_with(char::is_whitespace) {
        return true;
    }
    let stem = if prefixed { body } else { body.strip_suffix(['?', '!', '=']).unwrap_or(body) };
    let mut characters = stem.chars();
    characters.next().is_some_and(|first| first == '_' || first.is_alphabetic() || !first.is_ascii())
        && characters.all(|other| other == '_' || other.is_alphanumeric() || !other.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_shown_as_their_source() {
        assert_eq!(inspect("a\"b\\c\n\t\u{1b}\0"), r#""a\"b\\c\n\t\e\u0000""#);
        assert_eq!(inspect("#{x} #x #$y"), "\"\\#{x} #x \\#$y\"");
        assert_eq!(inspect("häß€"), "\"häß€\"");
        assert_eq!(inspect_bytes(b"a\xffb"), "\"a\\xFFb\"");
        assert_eq!(inspect_ascii("ä".as_bytes(), true), "\"\\u00E4\"");
        assert_eq!(inspect_ascii("ä".as_bytes(), false), "\"\\xC3\\xA4\"");
    }

    #[test]
    fn symbols_are_quoted_only_when_needed() {
        for plain in ["a", "a?", "a=", "[]=", "@a", "@@b", "$c", "Foo", "<=>", "ä"] {
            assert_eq!(inspect_symbol(plain), format!(":{plain}"));
        }
        for quoted in ["a b", "a-b", "1a", "", "a?=", "@1"] {
            assert_eq!(inspect_symbol(quoted), format!(":\"{quoted}\""));
        }
    }
}
