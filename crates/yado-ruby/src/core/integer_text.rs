//! How Ruby reads an integer from text: `String#to_i` takes a prefix, `Integer()` wants all of it.

use num_bigint::BigInt;

use crate::value::Value;

/// Digits that were read, before anyone decides how wide a number they make.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IntegerText {
    /// Whether a minus sign stood before them.
    pub negative: bool,
    /// The base that they are written in.
    pub base: u32,
    /// The digits without underscores; never empty.
    pub digits: String,
}

impl IntegerText {
    /// The Ruby integer.
    pub(crate) fn to_value(&self) -> Value {
        let magnitude = BigInt::parse_bytes(self.digits.as_bytes(), self.base).unwrap_or_default();
        Value::big(if self.negative { -magnitude } else { magnitude })
    }
}

/// The longest prefix that is an integer; `None` reads as 0. Base 0 or an explicit prefix (`0x`) picks the base.
pub(crate) fn parse_prefix(text: &str, base: u32) -> Option<IntegerText> {
    scan(text.trim_start(), base).map(|(integer, _)| integer)
}

/// All of `text` as an integer, as `Integer()` reads it.
pub(crate) fn parse_strict(text: &str, base: u32) -> Option<IntegerText> {
    let text = text.trim();
    let (integer, used) = scan(text, base)?;
    (used == text.len()).then_some(integer)
}

fn scan(text: &str, base: u32) -> Option<(IntegerText, usize)> {
    let bytes = text.as_bytes();
    let negative = bytes.first() == Some(&b'-');
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let prefix = bytes.get(at..at + 2).and_then(|start| match start {
        [b'0', b'x' | b'X'] => Some(16),
        [b'0', b'b' | b'B'] => Some(2),
        [b'0', b'o' | b'O'] => Some(8),
        [b'0', b'd' | b'D'] => Some(10),
        _ => None,
    });
    let base = match (base, prefix) {
        (0, Some(found)) => {
            at += 2;
            found
        }
        (0, None) if bytes.get(at) == Some(&b'0') && bytes.len() > at + 1 => 8,
        (0, None) => 10,
        (given, Some(found)) if given == found => {
            at += 2;
            given
        }
        (given, _) => given,
    };
    let mut digits = String::new();
    while let Some(&byte) = bytes.get(at) {
        let is_digit = |byte: u8| char::from(byte).is_digit(base);
        if is_digit(byte) {
            digits.push(char::from(byte));
        } else if !(byte == b'_'
            && !digits.is_empty()
            && bytes[at - 1] != b'_'
            && bytes.get(at + 1).copied().is_some_and(is_digit))
        {
            break;
        }
        at += 1;
    }
    (!digits.is_empty()).then_some((IntegerText { negative, base, digits }, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str, base: u32) -> Option<i128> {
        parse_prefix(text, base).and_then(|integer| integer.to_value().as_integer())
    }

    fn strict(text: &str) -> Option<i128> {
        parse_strict(text, 0).and_then(|integer| integer.to_value().as_integer())
    }

    #[test]
    fn to_i_reads_as_far_as_it_can() {
        assert_eq!(prefix("2048MB", 10), Some(2048));
        assert_eq!(prefix("  -1_000", 10), Some(-1000));
        assert_eq!(prefix("0x1A", 16), Some(26));
        assert_eq!(prefix("1__0", 10), Some(1));
        assert_eq!(prefix("MB", 10), None);
        assert_eq!(prefix("0x1A", 10), Some(0));
    }

    #[test]
    fn integer_wants_all_of_the_text() {
        assert_eq!(strict(" 42 "), Some(42));
        assert_eq!(strict("0b101"), Some(5));
        assert_eq!(strict("0755"), Some(493));
        assert_eq!(strict("0"), Some(0));
        assert_eq!(strict("42x"), None);
        assert_eq!(strict(""), None);
        assert_eq!(strict("4_"), None);
        assert_eq!(strict("09"), None);
    }
}
