//! Rewrites a Ruby regular expression for the engine underneath: the two agree on most things, and where they
//! do not (`\w` is ASCII, `(?m)` lets the dot match newlines, `[[:alpha:]]` is Unicode) the pattern is spelled out.

mod class;

use class::posix_class;

/// `Regexp::EXTENDED`
pub(crate) const EXTENDED: i64 = 2;
const WORD: &str = "a-zA-Z0-9_";
const SPACE: &str = " \\t\\r\\n\\x0b\\x0c";
const HEXADECIMAL: &str = "0-9a-fA-F";

/// The pattern for the engine, or why it cannot be one.
pub(crate) fn translate(source: &str, options: i64) -> Result<String, String> {
    let mut translator = Translator {
        source: source.chars().collect(),
        at: 0,
        out: String::with_capacity(source.len() + 16),
        extended: vec![options & EXTENDED != 0],
    };
    translator.run()?;
    calls_are_bounded(source)?;
    Ok(translator.out)
}

/// How many calls of groups (`\\g<name>`) a pattern may have.
const MOST_CALLS: usize = 16;

/// The engine writes out what a call of a group stands for, again inside of itself where groups call themselves: two
/// calls in a circle double the pattern at each level, until memory ends. One call may go anywhere; where there are
/// more, each must name a group that is complete before it, so that no circle can close.
fn calls_are_bounded(source: &str) -> Result<(), String> {
    let calls: Vec<(usize, &str)> = ["\\g<", "\\g'"]
        .iter()
        .flat_map(|head| source.match_indices(head))
        .map(|(at, _)| (at, source[at + 3..].split(['>', '\'']).next().unwrap_or_default()))
        .collect();
    let ends_before = |at: usize, name: &str| {
        let start =
            [format!("(?<{name}>"), format!("(?'{name}'")].iter().find_map(|head| source.find(head))?;
        let (mut depth, mut escaped) = (0i32, false);
        for (offset, byte) in source[start..].bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(start + offset < at);
            }
        }
        None
    };
    let bounded = calls.len() <= MOST_CALLS
        && (calls.len() < 2 || calls.iter().all(|(at, name)| ends_before(*at, name) == Some(true)));
    if bounded { Ok(()) } else { Err("groups that call groups more than once are not supported".to_owned()) }
}

struct Translator {
    source: Vec<char>,
    at: usize,
    out: String,
    /// Whether blanks and comments are ignored, for each open group.
    extended: Vec<bool>,
}

impl Translator {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.source.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, character)| self.peek(index) == Some(character))
    }

    fn is_extended(&self) -> bool {
        self.extended.last().copied().unwrap_or(false)
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some(character) = self.peek(0) {
            self.at += 1;
            match character {
                '\\' => self.escape()?,
                '[' => {
                    let class = self.class()?;
                    self.out.push_str(&class);
                }
                '(' => self.group()?,
                ')' => {
                    if self.extended.len() > 1 {
                        self.extended.pop();
                    }
                    self.out.push(')');
                }
                '#' if self.is_extended() => {
                    while self.peek(0).is_some_and(|next| next != '\n') {
                        self.at += 1;
                    }
                }
                blank if blank.is_ascii_whitespace() && self.is_extended() => {}
                '{' => self.brace(),
                '}' | ']' => self.literal(character),
                '#' | ' ' | '&' | '~' | '-' => self.literal(character),
                other => self.out.push(other),
            }
        }
        Ok(())
    }

    fn literal(&mut self, character: char) {
        push_literal(&mut self.out, character);
    }

    /// `{2,3}` repeats; any other brace stands for itself.
    fn brace(&mut self) {
        let rest: String = self.source[self.at..].iter().take_while(|character| **character != '}').collect();
        let counts = self.source.get(self.at + rest.chars().count()) == Some(&'}')
            && rest.chars().all(|character| character.is_ascii_digit() || character == ',')
            && rest.chars().filter(|character| *character == ',').count() <= 1
            && rest.chars().any(|character| character.is_ascii_digit());
        if counts && !self.out.is_empty() {
            let rest_length = rest.chars().count();
            let zero = if rest.starts_with(',') { "0" } else { "" };
            self.out.push_str(&format!("{{{zero}{rest}}}"));
            self.at += rest_length + 1;
        } else {
            self.out.push_str("\\{");
        }
    }

    fn group(&mut self) -> Result<(), String> {
        let inherited = self.is_extended();
        if self.starts_with("?#") {
            while let Some(character) = self.peek(0) {
                self.at += 1;
                if character == ')' {
                    return Ok(());
                }
            }
            return Err("end pattern in group".to_owned());
        }
        if self.starts_with("?~") {
            return Err("the absence operator (?~…) is not supported".to_owned());
        }
        if self.peek(0) != Some('?') {
            self.extended.push(inherited);
            self.out.push('(');
            return Ok(());
        }
        let mut flags = String::new();
        let mut ahead = 1;
        while let Some(flag) = self.peek(ahead).filter(|flag| "mixaud-".contains(*flag)) {
            flags.push(flag);
            ahead += 1;
        }
        match self.peek(ahead) {
            Some(end @ (':' | ')')) if !flags.is_empty() || end == ':' => {
                let (on, off) = flags.split_once('-').unwrap_or((&flags, ""));
                let extended = (inherited || on.contains('x')) && !off.contains('x');
                // `m` is the engine's `s`; `x` was dealt with here, `a u d` choose what is spelled out anyway.
                let engine = |flags: &str| -> String {
                    flags
                        .chars()
                        .filter_map(|flag| match flag {
                            'm' => Some('s'),
                            'i' => Some('i'),
                            _ => None,
                        })
                        .collect()
                };
                let (on, off) = (engine(on), engine(off));
                let off = if off.is_empty() { off } else { format!("-{off}") };
                self.at += ahead + 1;
                if end == ':' {
                    self.extended.push(extended);
                    self.out.push_str(&format!("(?{on}{off}:"));
                } else {
                    if let Some(innermost) = self.extended.last_mut() {
                        *innermost = extended;
                    }
                    if !(on.is_empty() && off.is_empty()) {
                        self.out.push_str(&format!("(?{on}{off})"));
                    }
                }
            }
            _ => {
                self.extended.push(inherited);
                self.out.push('(');
                // The head of a look-around or named group: copied so that its punctuation is not escaped.
                self.out.push('?');
                self.at += 1;
                while let Some(head) = self.peek(0).filter(|head| "<!=>'".contains(*head)) {
                    self.out.push(head);
                    self.at += 1;
                    if (head == '<' || head == '\'')
                        && self.peek(0).is_some_and(|next| next != '=' && next != '!')
                    {
                        while let Some(letter) = self.peek(0) {
                            self.at += 1;
                            self.out.push(if letter == '\'' { '>' } else { letter });
                            if letter == '>' || letter == '\'' {
                                break;
                            }
                        }
                        if head == '\'' {
                            self.out = self.out.replacen("(?'", "(?<", 1);
                        }
                        break;
                    }
                    if head != '<' {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(character) = self.peek(0) else { return Err("too short escape sequence".to_owned()) };
        self.at += 1;
        match character {
            'w' => self.out.push_str(&format!("[{WORD}]")),
            'W' => self.out.push_str(&format!("[^{WORD}]")),
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            's' => self.out.push_str(&format!("[{SPACE}]")),
            'S' => self.out.push_str(&format!("[^{SPACE}]")),
            'h' => self.out.push_str(&format!("[{HEXADECIMAL}]")),
            'H' => self.out.push_str(&format!("[^{HEXADECIMAL}]")),
            'R' => self.out.push_str(r"(?>\r\n|[\n\x0b\x0c\r\x{85}\x{2028}\x{2029}])"),
            'X' => return Err("\\X is not supported".to_owned()),
            'Z' => self.out.push_str(r"(?=\n?\z)"),
            'A' | 'z' | 'b' | 'B' | 'G' | 'K' => {
                self.out.push('\\');
                self.out.push(character);
            }
            // Without a name after them they are letters.
            'k' | 'g' if matches!(self.peek(0), Some('<' | '\'')) => {
                self.out.push('\\');
                self.out.push(character);
                while let Some(letter) = self.peek(0) {
                    self.out.push(letter);
                    self.at += 1;
                    if letter == '>' || letter == '\'' {
                        break;
                    }
                }
            }
            'p' | 'P' => {
                let class = self.property(character == 'P')?;
                self.out.push_str(&class);
            }
            '1'..='9' if !self.is_octal(character) => {
                self.out.push('\\');
                self.out.push(character);
                while let Some(digit) = self.peek(0).filter(char::is_ascii_digit) {
                    self.out.push(digit);
                    self.at += 1;
                }
            }
            _ => {
                for code in self.character_escape(character)? {
                    self.literal(code);
                }
            }
        }
        Ok(())
    }

    fn is_octal(&self, first: char) -> bool {
        let octal = |character: Option<char>| character.is_some_and(|digit| ('0'..='7').contains(&digit));
        octal(Some(first)) && octal(self.peek(0)) && octal(self.peek(1))
    }

    /// The characters that an escape such as `\n`, `\x41` or `\u{41 42}` stands for; the backslash and letter are read.
    fn character_escape(&mut self, letter: char) -> Result<Vec<char>, String> {
        Ok(vec![match letter {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'f' => '\x0c',
            'v' => '\x0b',
            'a' => '\x07',
            'e' => '\x1b',
            'x' => self.number(16, 2)?,
            'u' if self.peek(0) == Some('{') => {
                self.at += 1;
                let inner: String = self.source[self.at..].iter().take_while(|next| **next != '}').collect();
                self.at += inner.chars().count() + 1;
                return inner
                    .split_whitespace()
                    .map(|code| u32::from_str_radix(code, 16).ok().and_then(char::from_u32))
                    .collect::<Option<Vec<char>>>()
                    .ok_or_else(|| "invalid Unicode escape".to_owned());
            }
            'u' => self.number(16, 4)?,
            '0'..='7' => {
                self.at -= 1;
                self.number(8, 3)?
            }
            'c' => {
                let control = self.peek(0).ok_or("too short control sequence")?;
                self.at += 1;
                char::from_u32(control as u32 & 0x1f).unwrap_or(control)
            }
            other => other,
        }])
    }

    fn number(&mut self, base: u32, most: usize) -> Result<char, String> {
        let mut value = 0;
        for _ in 0..most {
            let Some(digit) = self.peek(0).and_then(|digit| digit.to_digit(base)) else { break };
            value = value * base + digit;
            self.at += 1;
        }
        char::from_u32(value).ok_or_else(|| "invalid character escape".to_owned())
    }

    /// `\p{Name}`; the letter is read.
    fn property(&mut self, negated: bool) -> Result<String, String> {
        if self.peek(0) != Some('{') {
            return Err("invalid character property name {p}".to_owned());
        }
        let name: String = self.source[self.at + 1..].iter().take_while(|next| **next != '}').collect();
        self.at += name.chars().count() + 2;
        let (name, inner) = match name.strip_prefix('^') {
            Some(name) => (name.to_owned(), true),
            None => (name, false),
        };
        let negation = if negated != inner { "^" } else { "" };
        Ok(match posix_class(&name.to_lowercase()) {
            Some(members) => format!("[{negation}{members}]"),
            None => format!("[{negation}\\p{{{name}}}]"),
        })
    }
}

/// Writes a character so that it stands for itself, in a class or outside, with blanks ignored or not.
fn push_literal(out: &mut String, character: char) {
    match character {
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' | '#' | '&'
        | '-' | '~' => {
            out.push('\\');
            out.push(character);
        }
        blank if blank.is_ascii_whitespace() || blank.is_control() => {
            out.push_str(&format!("\\x{{{:x}}}", blank as u32));
        }
        other => out.push(other),
    }
}

/// `Regexp.escape`.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '[' | ']' | '{' | '}' | '(' | ')' | '|' | '-' | '*' | '.' | '\\' | '?' | '+' | '^' | '$'
            | '#' => {
                out.push('\\');
                out.push(character);
            }
            ' ' => out.push_str("\\ "),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\x0c' => out.push_str("\\f"),
            '\x0b' => out.push_str("\\v"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use fancy_regex::RegexBuilder;

    const IGNORE_CASE: i64 = 1;
    const MULTI_LINE: i64 = 4;

    fn find(pattern: &str, options: i64, text: &str) -> Option<String> {
        let translated = translate(pattern, options).unwrap();
        let regex = RegexBuilder::new(&translated)
            .oniguruma_mode(true)
            .multi_line(true)
            .dot_matches_new_line(options & MULTI_LINE != 0)
            .case_insensitive(options & IGNORE_CASE != 0)
            .build()
            .unwrap_or_else(|error| panic!("{pattern} became {translated}: {error}"));
        regex.find(text).unwrap().map(|found| found.as_str().to_owned())
    }

    #[test]
    fn patterns_match_what_ruby_matches() {
        for (pattern, options, text, found) in [
            (r"\w+", 0, "häuser", Some("h")),
            (r"[[:alpha:]]+", 0, "häuser1", Some("häuser")),
            (r"[[:^alpha:]]+", 0, "ab12", Some("12")),
            (r"\d+", 0, "٣4", Some("4")),
            (r"a.c", 0, "a\nc", None),
            (r"a.c", MULTI_LINE, "a\nc", Some("a\nc")),
            (r"(?m:a.c)", 0, "a\nc", Some("a\nc")),
            (r"^b$", 0, "a\nb\nc", Some("b")),
            (r"\Ab", 0, "a\nb", None),
            (r"b\Z", 0, "ab\n", Some("b")),
            (r"(?-mix:a b)", EXTENDED, "a b", Some("a b")),
            ("a b # (comment\n c", EXTENDED, "abc", Some("abc")),
            (r"[\w.-]+@[\w-.]+", 0, "me a.b-c@d.e x", Some("a.b-c@d.e")),
            (r"[^\s,]+", 0, " ,ab,", Some("ab")),
            (r"\/foo\/", 0, "x/foo/", Some("/foo/")),
            (r"{foo}", 0, "{foo}", Some("{foo}")),
            (r"a{,2}", 0, "aaa", Some("aa")),
            (r"\u{41 42}", 0, "xAB", Some("AB")),
            (r"\101", 0, "A", Some("A")),
            (r"(?<x>a)\k<x>", 0, "baa", Some("aa")),
            (r"(?<=v)\d", 0, "v1", Some("1")),
            (r"(?<!v)\d", 0, "v1x2", Some("2")),
            (r"[a&&b]", 0, "ab&", None),
            (r"[a~~b]", 0, "~", Some("~")),
            (r"\p{Alpha}\p{^Alpha}", 0, "ä1", Some("ä1")),
            (r"foo\ bar", EXTENDED, "foo bar", Some("foo bar")),
            (r"(a)(?:b)(?i)C", 0, "abc", Some("abc")),
            (r"\h{2}:\h{2}", 0, "zz 0a:Ff", Some("0a:Ff")),
            (r"a++b", 0, "aab", Some("aab")),
            (r"[]a]+", 0, "]a", Some("]a")),
            ("(?'n'a)b", 0, "ab", Some("ab")),
        ] {
            assert_eq!(find(pattern, options, text).as_deref(), found, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn what_the_engine_cannot_do_is_said() {
        assert!(translate("(?~ab)", 0).is_err());
        assert!(translate("[a", 0).is_err());
        assert_eq!(translate("[z-a]", 0).unwrap_err(), "empty range in char class");
    }

    #[test]
    fn escape_is_reversible() {
        assert_eq!(escape("a.b-c d\n"), "a\\.b\\-c\\ d\\n");
        assert_eq!(find(&escape("[x] (y)*"), 0, "[x] (y)*").as_deref(), Some("[x] (y)*"));
    }
}
