//! How Ruby writes a float and how it reads one: `Float#to_s`, `String#to_f` and `Float()`.
//!
//! Kept apart from the value model because `sprintf`, `JSON`, `YAML` and `inspect` all need it.

/// The text of `Float#to_s`: the shortest digits that read back to the same number.
pub(crate) fn to_s(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if number == 0.0 {
        return format!("{sign}0.0");
    }
    let (digits, exponent) = shortest_digits(number.abs());
    // The position of the decimal point counted from the first digit.
    let point = exponent + 1;
    if (1..=15).contains(&point) {
        let point = point as usize;
        if digits.len() <= point {
            return format!("{sign}{digits}{}.0", "0".repeat(point - digits.len()));
        }
        return format!("{sign}{}.{}", &digits[..point], &digits[point..]);
    }
    if (-3..=0).contains(&point) {
        return format!("{sign}0.{}{digits}", "0".repeat(-point as usize));
    }
    let (first, rest) = digits.split_at(1);
    let rest = if rest.is_empty() { "0" } else { rest };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{first}.{rest}e{exponent_sign}{:02}", exponent.abs())
}

/// The significant digits of a positive number and its decimal exponent.
fn shortest_digits(number: f64) -> (String, i32) {
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// The longest prefix of `text` that is a number, as `String#to_f` reads it; 0.0 when there is none.
pub(crate) fn parse_prefix(text: &str) -> f64 {
    let text = text.trim_start();
    let length = number_prefix(text);
    text[..length].replace('_', "").parse().unwrap_or(0.0)
}

/// The whole of `text` as a number, as `Float()` reads it; `None` when it is not one.
pub(crate) fn parse_strict(text: &str) -> Option<f64> {
    let text = text.trim();
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if let Some(hexadecimal) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        let value = u64::from_str_radix(&hexadecimal.replace('_', ""), 16).ok()? as f64;
        return Some(if negative { -value } else { value });
    }
    if text.is_empty() || number_prefix(text) != text.len() {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// How many bytes at the start of `text` form a decimal number (digits, one point, one exponent, single underscores).
fn number_prefix(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let digits = |mut at: usize| {
        let start = at;
        while at < bytes.len() {
            let underscore = bytes[at] == b'_'
                && at > start
                && bytes[at - 1] != b'_'
                && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            if !(bytes[at].is_ascii_digit() || underscore) {
                break;
            }
            at += 1;
        }
        at
    };
    let whole = digits(at);
    if whole == at {
        // ".5" is half to `to_f`, but a lone sign is nothing.
        if bytes.get(at) != Some(&b'.') || digits(at + 1) == at + 1 {
            return 0;
        }
    }
    at = whole;
    if bytes.get(at) == Some(&b'.') && digits(at + 1) > at + 1 {
        at = digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let mark = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        if digits(mark) > mark {
            at = digits(mark);
        }
    }
    at
}

/// `Float#round(digits)`: half away from zero, on the decimal value that a reader sees.
pub(crate) fn round_to(number: f64, digits: i32) -> f64 {
    if !number.is_finite() || digits >= 17 {
        return number;
    }
    let scale = 10f64.powi(digits);
    let scaled = number * scale;
    if !scaled.is_finite() {
        return number;
    }
    let mut rounded = scaled.round();
    // 1.005 * 100 is a little below 100.5 in binary: the half that the reader sees still counts.
    if number > 0.0 && (rounded + 0.5) / scale <= number {
        rounded += 1.0;
    } else if number < 0.0 && (rounded - 0.5) / scale >= number {
        rounded -= 1.0;
    }
    rounded / scale
}

/// A number that is not negative, with this many decimals, as `%f` writes it.
///
/// Ruby's own conversion first tries with doubles, and where those find the rest as good as half a digit, it rounds to
/// the even one, even if the number is a trifle more or less: `%.2f` of 8.445 is 8.44, of 28.115 it is 28.12.
pub(crate) fn fixed(number: f64, decimals: usize) -> String {
    let exact = format!("{number:.decimals$}");
    match nearly_half(number, decimals) {
        Some(below) if below.as_bytes().last().is_some_and(|digit| digit % 2 == 1) => next_decimal(&below),
        Some(below) => below,
        None => exact,
    }
}

/// The number cut after its decimals, if doubles find what is left to be half of the last one.
fn nearly_half(number: f64, decimals: usize) -> Option<String> {
    /// The most digits that Ruby tries with doubles.
    const QUICK: i32 = 14;
    if decimals == 0 || !number.is_finite() || number <= 0.0 {
        return None;
    }
    let exponent: i32 = format!("{number:e}").split_once('e')?.1.parse().ok()?;
    let digits = i32::try_from(decimals).ok()? + 1 + exponent;
    if !(1..=QUICK).contains(&digits) || exponent.abs() > 15 {
        return None;
    }
    let mut rest = if exponent > 0 { number / 10f64.powi(exponent) } else { number * 10f64.powi(-exponent) };
    let mut error = (2.0 * rest + 7.0) * f64::EPSILON;
    error *= 10f64.powi(digits - 1);
    let mut found = String::new();
    for place in 1..=digits {
        let digit = rest.trunc();
        rest -= digit;
        found.push(char::from_digit(digit as u32, 10)?);
        if rest == 0.0 {
            return None;
        }
        if place < digits {
            rest *= 10.0;
        }
    }
    if (rest - 0.5).abs() > error {
        return None;
    }
    let point = usize::try_from(exponent + 1).unwrap_or(0);
    let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
    let found = format!("{}{found}", "0".repeat(zeros));
    let (whole, fraction) = found.split_at(point.min(found.len()));
    Some(format!("{}.{fraction}", if whole.is_empty() { "0" } else { whole }))
}

/// The decimal number after this one that has as many decimals.
fn next_decimal(text: &str) -> String {
    let mut digits: Vec<u8> = text.bytes().collect();
    for digit in digits.iter_mut().rev() {
        match digit {
            b'.' => {}
            b'9' => *digit = b'0',
            _ => {
                *digit += 1;
                return String::from_utf8_lossy(&digits).into_owned();
            }
        }
    }
    format!("1{}", String::from_utf8_lossy(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_ruby_writes_them() {
        for (number, text) in [
            (0.1 + 0.2, "0.30000000000000004"),
            (1e14, "100000000000000.0"),
            (1e15, "1.0e+15"),
            (1e16, "1.0e+16"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
            (-2.0, "-2.0"),
            (123_456.789, "123456.789"),
            (1e100, "1.0e+100"),
            (-0.0, "-0.0"),
        ] {
            assert_eq!(to_s(number), text);
        }
    }

    #[test]
    fn a_prefix_is_enough_for_to_f_but_not_for_float() {
        assert_eq!(parse_prefix(" 12.5kg"), 12.5);
        assert_eq!(parse_prefix("1_000.5"), 1000.5);
        assert_eq!(parse_prefix("1e3x"), 1000.0);
        assert_eq!(parse_prefix("abc"), 0.0);
        assert_eq!(parse_strict("12.5kg"), None);
        assert_eq!(parse_strict(" 1e3 "), Some(1000.0));
        assert_eq!(parse_strict(""), None);
        assert_eq!(parse_strict("1."), None);
    }

    #[test]
    fn rounding_goes_away_from_zero() {
        assert_eq!(round_to(2.5, 0), 3.0);
        assert_eq!(round_to(-2.5, 0), -3.0);
        assert_eq!(round_to(1.234_56, 2), 1.23);
        assert_eq!(round_to(2.675, 2), 2.68);
        assert_eq!(round_to(1.005, 2), 1.01);
        assert_eq!(round_to(1234.0, -2), 1200.0);
    }
}
