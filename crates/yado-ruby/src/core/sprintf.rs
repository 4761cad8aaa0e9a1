//! The directives of `format`/`sprintf`/`String#%`: reading a format and writing numbers and text into it.
//!
//! Nothing here knows Ruby values; `format.rs` fetches the arguments and calls the writers below.

use num_bigint::{BigInt, Sign};

/// A count that is written in the format or taken from the arguments (`*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// Written as digits.
    Fixed(usize),
    /// `*`: the next argument.
    Star,
}

/// Which argument a directive takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The next one.
    Next,
    /// `%2$s`.
    Numbered(usize),
    /// `%<name>s` or `%{name}`.
    Named(String),
}

/// One `%…` of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directive {
    /// `-`: pad on the right.
    pub left: bool,
    /// `0`: pad numbers with zeros.
    pub zero: bool,
    /// `+`: always write a sign.
    pub plus: bool,
    /// A space where the plus would be.
    pub space: bool,
    /// `#`: the alternate form (`0x`, `0`).
    pub alternate: bool,
    /// The least width.
    pub width: Option<Count>,
    /// What follows the point.
    pub precision: Option<Count>,
    /// Where the value comes from.
    pub source: Source,
    /// The conversion letter; `{` for `%{name}`.
    pub conversion: char,
}

/// A format taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text that stands for itself.
    Text(String),
    /// Something to fill in.
    Directive(Directive),
}

/// Takes a format apart; the error is Ruby's message for an `ArgumentError`.
pub(crate) fn parse(format: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        if at > 0 {
            pieces.push(Piece::Text(rest[..at].to_owned()));
        }
        let (piece, used) = parse_directive(&rest[at + 1..])?;
        pieces.push(piece);
        rest = &rest[at + 1 + used..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

fn parse_directive(text: &str) -> Result<(Piece, usize), String> {
    let mut directive = Directive {
        left: false,
        zero: false,
        plus: false,
        space: false,
        alternate: false,
        width: None,
        precision: None,
        source: Source::Next,
        conversion: 's',
    };
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        let Some(&byte) = bytes.get(at) else {
            return Err("incomplete format specifier; use %% (double %) instead".to_owned());
        };
        at += 1;
        match byte {
            b'-' => directive.left = true,
            b'0' => directive.zero = true,
            b'+' => directive.plus = true,
            b' ' => directive.space = true,
            b'#' => directive.alternate = true,
            b'*' => directive.width = Some(Count::Star),
            b'1'..=b'9' => {
                let (number, end) = digits(bytes, at - 1);
                at = end;
                if at == bytes.len() {
                    return Err("malformed format string - %*[0-9]".to_owned());
                }
                if bytes.get(at) == Some(&b'$') {
                    directive.source = Source::Numbered(number);
                    at += 1;
                } else {
                    directive.width = Some(Count::Fixed(number));
                }
            }
            b'.' => {
                if bytes.get(at) == Some(&b'*') {
                    directive.precision = Some(Count::Star);
                    at += 1;
                } else {
                    let (number, end) = digits(bytes, at);
                    directive.precision = Some(Count::Fixed(number));
                    at = end;
                }
            }
            b'<' | b'{' => {
                let close = if byte == b'<' { '>' } else { '}' };
                let end = text[at..]
                    .find(close)
                    .ok_or_else(|| "malformed name - unmatched parenthesis".to_owned())?;
                directive.source = Source::Named(text[at..at + end].to_owned());
                at += end + 1;
                if byte == b'{' {
                    directive.conversion = '{';
                    return Ok((Piece::Directive(directive), at));
                }
            }
            b'%' if at == 1 => return Ok((Piece::Text("%".to_owned()), at)),
            b'\n' | b'\0' if at == 1 => return Ok((Piece::Text(format!("%{}", char::from(byte))), at)),
            b'd' | b'i' | b'u' | b'f' | b'g' | b'G' | b'e' | b'E' | b'a' | b'A' | b'x' | b'X' | b'o'
            | b'b' | b'B' | b's' | b'p' | b'c' => {
                directive.conversion = char::from(byte);
                return Ok((Piece::Directive(directive), at));
            }
            _ => {
                let character = text[at - 1..].chars().next().unwrap_or('%');
                return Err(format!("malformed format string - %{character}"));
            }
        }
    }
}

fn digits(bytes: &[u8], start: usize) -> (usize, usize) {
    let mut at = start;
    let mut number = 0usize;
    while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit()) {
        number = number.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
        at += 1;
    }
    (number, at)
}

/// Pads `text` to `width` characters.
pub(crate) fn pad(text: &str, width: usize, left: bool) -> String {
    let missing = " ".repeat(width.saturating_sub(text.chars().count()));
    if left { format!("{text}{missing}") } else { format!("{missing}{text}") }
}

impl Directive {
    /// Writes text (`%s`, `%p`, `%c`): the precision cuts it.
    pub(crate) fn write_text(&self, text: &str, width: usize, precision: Option<usize>) -> String {
        match precision {
            Some(limit) => pad(&text.chars().take(limit).collect::<String>(), width, self.left),
            None => pad(text, width, self.left),
        }
    }

    /// Writes an integer given as its decimal digits (`%d`), so that width knows no limit of size.
    pub(crate) fn write_decimal(&self, decimal: &str, width: usize, precision: Option<usize>) -> String {
        let (negative, digits) = match decimal.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, decimal),
        };
        self.write_number(negative, "", digits, width, precision, self.zero && precision.is_none())
    }

    /// Writes an integer in base 2, 8 or 16; a negative one as Ruby does, `..f` unless a sign is asked for.
    pub(crate) fn write_radix(&self, number: &BigInt, width: usize, precision: Option<usize>) -> String {
        let negative = number.sign() == Sign::Minus;
        let (base, prefix) = match self.conversion {
            'x' => (16, "0x"),
            'X' => (16, "0X"),
            'o' => (8, "0"),
            'B' => (2, "0B"),
            _ => (2, "0b"),
        };
        let prefix = if self.alternate && number.sign() != Sign::NoSign { prefix } else { "" };
        let upper = self.conversion == 'X';
        let finish = |text: String| if upper { text.to_uppercase() } else { text };
        if negative && !self.plus && !self.space {
            let top = finish(char::from_digit(base - 1, base).unwrap_or('1').to_string());
            let digits = finish(complement(number, base));
            if self.zero || precision.is_some() {
                let wanted = precision.unwrap_or(width.saturating_sub(prefix.len()));
                let dots = if precision.is_none() && wanted > digits.len() && base == 2 { ".." } else { "" };
                let missing = wanted.saturating_sub(digits.len() + dots.len());
                let filled = format!("{dots}{}{digits}", top.repeat(missing));
                return pad(&format!("{prefix}{filled}"), width, self.left);
            }
            return pad(&format!("{prefix}..{digits}"), width, self.left);
        }
        let digits = finish(number.magnitude().to_str_radix(base));
        self.write_number(negative, prefix, &digits, width, precision, self.zero && precision.is_none())
    }

    /// Writes a float (`%f %e %g`).
    pub(crate) fn write_float(&self, number: f64, width: usize, precision: Option<usize>) -> String {
        if !number.is_finite() {
            let digits = if number.is_nan() { "NaN" } else { "Inf" };
            return self.write_number(number < 0.0, "", digits, width, None, false);
        }
        let magnitude = number.abs();
        if matches!(self.conversion, 'a' | 'A') {
            let digits = hexadecimal(magnitude, precision);
            let digits = if self.conversion == 'A' { digits.to_uppercase() } else { digits };
            return self.write_number(number.is_sign_negative(), "", &digits, width, None, false);
        }
        let precision = precision.unwrap_or(6);
        let digits = match self.conversion {
            'e' | 'E' => exponential(magnitude, precision),
            'g' | 'G' => general(magnitude, precision, self.alternate),
            _ => crate::core::float_text::fixed(magnitude, precision),
        };
        let digits = if self.conversion.is_ascii_uppercase() { digits.to_uppercase() } else { digits };
        self.write_number(number.is_sign_negative(), "", &digits, width, None, self.zero)
    }

    fn write_number(
        &self,
        negative: bool,
        prefix: &str,
        digits: &str,
        width: usize,
        precision: Option<usize>,
        zeros: bool,
    ) -> String {
        let sign = match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        };
        let taken = sign.len() + prefix.len();
        let wanted = precision.unwrap_or(if zeros && !self.left { width.saturating_sub(taken) } else { 0 });
        let fill = "0".repeat(wanted.saturating_sub(digits.len()));
        pad(&format!("{sign}{prefix}{fill}{digits}"), width, self.left)
    }
}

/// The two's complement of a negative number, shortened to one leading digit of the endless run.
fn complement(number: &BigInt, base: u32) -> String {
    let bits = base.trailing_zeros();
    let (mask, end) = (BigInt::from(base - 1), BigInt::from(-1));
    let mut digits = Vec::new();
    let mut rest = number.clone();
    while rest != end {
        digits.push(u32::try_from(&rest & &mask).unwrap_or(0));
        rest >>= bits;
    }
    if digits.last() != Some(&(base - 1)) {
        digits.push(base - 1);
    }
    digits.into_iter().rev().map(|digit| char::from_digit(digit, base).unwrap_or('0')).collect()
}

/// `%a`: the bits of a float as a hexadecimal fraction.
fn hexadecimal(number: f64, precision: Option<usize>) -> String {
    let bits = number.to_bits();
    let (raw, mut fraction) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
    let (mut lead, exponent) = match (raw, fraction) {
        (0, 0) => (0u64, 0),
        (0, _) => (0, -1022),
        _ => (1, raw - 1023),
    };
    if let Some(digits) = precision.filter(|digits| *digits < 13) {
        let shift = 52 - 4 * digits as u32;
        let all = (lead << 52 | fraction) + (1 << (shift - 1)) - 1 + (((lead << 52 | fraction) >> shift) & 1);
        let kept = all >> shift << shift;
        (lead, fraction) = (kept >> 52, kept & ((1 << 52) - 1));
    }
    let digits = format!("{fraction:013x}");
    let digits = match precision {
        Some(precision) => format!("{digits:0<precision$}")[..precision].to_owned(),
        None => digits.trim_end_matches('0').to_owned(),
    };
    let point = if digits.is_empty() { "" } else { "." };
    format!("0x{lead}{point}{digits}p{exponent:+}")
}

fn exponential(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn general(number: f64, precision: usize, keep_zeros: bool) -> String {
    let precision = precision.max(1);
    let scientific = exponential(number, precision - 1);
    let exponent: i32 = scientific.split_once('e').and_then(|(_, text)| text.parse().ok()).unwrap_or(0);
    let strip = |text: &str| {
        if keep_zeros || !text.contains('.') {
            return text.to_owned();
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if exponent < -4 || exponent >= precision as i32 {
        let (mantissa, tail) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
        return format!("{}e{tail}", strip(mantissa));
    }
    let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
    strip(&format!("{number:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directive(format: &str) -> (Directive, usize, Option<usize>) {
        let Piece::Directive(directive) = parse(format).unwrap().remove(0) else {
            panic!("no directive in {format}")
        };
        let count = |count| match count {
            Some(Count::Fixed(number)) => Some(number),
            _ => None,
        };
        let (width, precision) = (count(directive.width).unwrap_or(0), count(directive.precision));
        (directive, width, precision)
    }

    fn decimal(format: &str, number: i64) -> String {
        let (directive, width, precision) = directive(format);
        directive.write_decimal(&number.to_string(), width, precision)
    }

    fn radix(format: &str, number: i128) -> String {
        let (directive, width, precision) = directive(format);
        directive.write_radix(&number.into(), width, precision)
    }

    fn float(format: &str, number: f64) -> String {
        let (directive, width, precision) = directive(format);
        directive.write_float(number, width, precision)
    }

    #[test]
    fn integers_take_width_sign_and_zeros() {
        assert_eq!(decimal("%05d", -42), "-0042");
        assert_eq!(decimal("%-6d", 42), "42    ");
        assert_eq!(decimal("%+d", 42), "+42");
        assert_eq!(decimal("%.3d", 7), "007");
        assert_eq!(decimal("%02d", 7), "07");
    }

    #[test]
    fn other_bases_have_prefixes_and_complements() {
        assert_eq!(radix("%x", 255), "ff");
        assert_eq!(radix("%#X", 255), "0XFF");
        assert_eq!(radix("%08b", 5), "00000101");
        assert_eq!(radix("%x", -255), "..f01");
        assert_eq!(radix("%o", 8), "10");
        assert_eq!(radix("%+x", -255), "-ff");
    }

    #[test]
    fn floats_in_all_three_forms() {
        assert_eq!(float("%.2f", 2.71528), "2.72");
        assert_eq!(float("%8.3f", -2.71528), "  -2.715");
        assert_eq!(float("%e", 12345.678), "1.234568e+04");
        assert_eq!(float("%g", 0.0001), "0.0001");
        assert_eq!(float("%g", 1e10), "1e+10");
    }

    #[test]
    fn names_and_numbers_choose_the_argument() {
        assert_eq!(directive("%<port>05d").0.source, Source::Named("port".to_owned()));
        assert_eq!(directive("%2$s").0.source, Source::Numbered(2));
        assert_eq!(directive("%{name}").0.conversion, '{');
    }

    #[test]
    fn a_broken_format_is_named() {
        assert_eq!(parse("%y").unwrap_err(), "malformed format string - %y");
        assert_eq!(parse("50%").unwrap_err(), "incomplete format specifier; use %% (double %) instead");
        assert_eq!(parse("100%%").unwrap().len(), 2);
    }
}
