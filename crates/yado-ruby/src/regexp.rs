//! Ruby's regular expressions on top of `fancy-regex`. Ruby differs from the engine in a few places; the
//! pattern is rewritten where it does.

use std::cell::OnceCell;
use std::rc::Rc;

use fancy_regex::{Regex, RegexBuilder};

use crate::value::{RString, StrRef};

/// `i`: letters match regardless of case.
pub(crate) const IGNORE_CASE: u32 = 1;
/// `x`: white space and comments are ignored.
pub(crate) const EXTENDED: u32 = 2;
/// `m`: the dot matches line ends too.
pub(crate) const MULTI_LINE: u32 = 4;

/// A regular expression; compiled when it is first used.
pub struct Regexp {
    /// The pattern as written.
    pub source: String,
    /// `IGNORE_CASE`, `EXTENDED`, `MULTI_LINE`
    pub options: u32,
    compiled: OnceCell<Result<Regex, String>>,
}

/// What a match found; positions are bytes.
pub struct MatchData {
    /// The expression that matched.
    pub regexp: Rc<Regexp>,
    /// The text that was searched, frozen.
    pub text: StrRef,
    /// The whole match and the groups.
    pub groups: Vec<Option<(usize, usize)>>,
}

impl Regexp {
    /// An expression that is not compiled yet.
    pub fn new(source: impl Into<String>, options: u32) -> Rc<Self> {
        Rc::new(Self { source: source.into(), options, compiled: OnceCell::new() })
    }

    /// The compiled expression, or why the pattern is wrong.
    pub fn regex(&self) -> Result<&Regex, String> {
        self.compiled.get_or_init(|| self.compile()).as_ref().map_err(Clone::clone)
    }

    fn compile(&self) -> Result<Regex, String> {
        let pattern = rewrite(&self.source)?;
        RegexBuilder::new(&pattern)
            .oniguruma_mode(true)
            .multi_line(true)
            .case_insensitive(self.options & IGNORE_CASE != 0)
            .ignore_whitespace(self.options & EXTENDED != 0)
            .dot_matches_new_line(self.options & MULTI_LINE != 0)
            .ignore_numbered_groups_when_named_groups_exist(true)
            .backtrack_limit(5_000_000)
            .build()
            .map_err(|error| format!("{error}: /{}/", self.source))
    }

    /// Searches the text from a byte position.
    pub fn search(self: &Rc<Self>, text: &str, from: usize) -> Result<Option<MatchData>, String> {
        if from > text.len() {
            return Ok(None);
        }
        let found = self.regex()?.captures_from_pos(text, from).map_err(|error| error.to_string())?;
        Ok(found.map(|captures| {
            let groups = (0..captures.len()).map(|at| captures.get(at).map(|it| (it.start(), it.end()))).collect();
            let copy = RString::new(text);
            copy.frozen.set(true);
            MatchData { regexp: self.clone(), text: copy, groups }
        }))
    }

    /// The names of the groups, in order, with their numbers.
    pub fn names(&self) -> Vec<(String, usize)> {
        let Ok(regex) = self.regex() else { return Vec::new() };
        regex
            .capture_names()
            .enumerate()
            .filter_map(|(number, name)| name.map(|name| (name.to_owned(), number)))
            .collect()
    }
}

impl MatchData {
    /// The text of a group; 0 is the whole match.
    pub fn group(&self, number: usize) -> Option<String> {
        let (start, end) = (*self.groups.get(number)?)?;
        Some(self.text.with(|text| text[start..end].to_owned()))
    }

    /// The text of a named group.
    pub fn named(&self, name: &str) -> Option<String> {
        self.regexp.names().iter().filter(|(known, _)| known == name).find_map(|(_, number)| self.group(*number))
    }

    /// The text before the match.
    pub fn before(&self) -> String {
        let start = self.groups.first().copied().flatten().map_or(0, |(start, _)| start);
        self.text.with(|text| text[..start].to_owned())
    }

    /// The text after the match.
    pub fn after(&self) -> String {
        let end = self.groups.first().copied().flatten().map_or(0, |(_, end)| end);
        self.text.with(|text| text[end..].to_owned())
    }
}

/// Escapes what is special in a pattern.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            '\u{b}' => escaped.push_str("\\v"),
            '\u{c}' => escaped.push_str("\\f"),
            '.' | '*' | '?' | '+' | '^' | '$' | '|' | '\\' | '(' | ')' | '[' | ']' | '{' | '}' | '-' | '#' | ' ' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// Turns Ruby's pattern into one that means the same to the engine.
fn rewrite(source: &str) -> Result<String, String> {
    let characters: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len() + 8);
    let mut class_depth = 0usize;
    let mut at = 0;
    while at < characters.len() {
        let character = characters[at];
        match character {
            '\\' => {
                at = rewrite_escape(&characters, at, class_depth > 0, &mut out)?;
                continue;
            }
            '[' if class_depth > 0 && characters.get(at + 1) == Some(&':') => {
                while at < characters.len() && characters[at] != ']' {
                    out.push(characters[at]);
                    at += 1;
                }
                out.push(']');
            }
            '[' => {
                class_depth += 1;
                out.push('[');
            }
            ']' => {
                class_depth = class_depth.saturating_sub(1);
                out.push(']');
            }
            '(' if class_depth == 0 && characters.get(at + 1) == Some(&'?') => {
                at = rewrite_group(&characters, at, &mut out)?;
                continue;
            }
            other => out.push(other),
        }
        at += 1;
    }
    Ok(out)
}

fn rewrite_group(characters: &[char], at: usize, out: &mut String) -> Result<usize, String> {
    if characters.get(at + 2) == Some(&'~') {
        return Err("the absent operator (?~…) is not supported".to_owned());
    }
    let mut end = at + 2;
    while characters.get(end).is_some_and(|it| matches!(it, 'i' | 'm' | 'x' | '-' | 'u' | 'a' | 'd')) {
        end += 1;
    }
    out.push_str("(?");
    if end > at + 2 && matches!(characters.get(end), Some(')' | ':')) {
        for flag in &characters[at + 2..end] {
            match flag {
                'm' => out.push('s'),
                'i' | 'x' | '-' => out.push(*flag),
                _ => {}
            }
        }
        return Ok(end);
    }
    Ok(at + 2)
}

fn rewrite_escape(characters: &[char], at: usize, in_class: bool, out: &mut String) -> Result<usize, String> {
    let Some(&next) = characters.get(at + 1) else {
        return Err("too short escape sequence".to_owned());
    };
    let set = match next {
        'w' => Some(("a-zA-Z0-9_", false)),
        'W' => Some(("a-zA-Z0-9_", true)),
        'd' => Some(("0-9", false)),
        'D' => Some(("0-9", true)),
        's' => Some((r"\ \t\r\n\f\x0b", false)),
        'S' => Some((r"\ \t\r\n\f\x0b", true)),
        'h' => Some(("0-9a-fA-F", false)),
        'H' => Some(("0-9a-fA-F", true)),
        _ => None,
    };
    if let Some((members, negated)) = set {
        match (in_class, negated) {
            (true, false) => out.push_str(members),
            (_, true) => out.push_str(&format!("[^{members}]")),
            (false, false) => out.push_str(&format!("[{members}]")),
        }
        return Ok(at + 2);
    }
    match next {
        'u' if characters.get(at + 2) == Some(&'{') => {
            let end = characters[at..].iter().position(|it| *it == '}').map_or(characters.len(), |it| at + it);
            let inner: String = characters[at + 3..end].iter().collect();
            for code in inner.split_whitespace() {
                out.push_str(&format!("\\x{{{code}}}"));
            }
            Ok(end + 1)
        }
        'u' => {
            let code: String = characters.iter().skip(at + 2).take(4).collect();
            out.push_str(&format!("\\x{{{code}}}"));
            Ok(at + 6)
        }
        '0' => {
            let digits: String = characters.iter().skip(at + 1).take(3).take_while(|it| it.is_digit(8)).collect();
            let code = u32::from_str_radix(&digits, 8).unwrap_or(0);
            out.push_str(&format!("\\x{{{code:x}}}"));
            Ok(at + 1 + digits.len())
        }
        // A slash needs no escape once it is out of its delimiters; the engine would complain about others.
        '/' | '"' | '\'' | '%' | ':' | ';' | ',' | '=' | '@' | '_' | '`' | '!' | '~' | '<' | '>' => {
            out.push(next);
            Ok(at + 2)
        }
        _ => {
            out.push('\\');
            out.push(next);
            Ok(at + 2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(pattern: &str, text: &str) -> Option<String> {
        Regexp::new(pattern, 0).search(text, 0).expect("pattern").and_then(|found| found.group(0))
    }

    #[test]
    fn shorthand_classes_are_ascii() {
        assert_eq!(first(r"\w+", "aé").as_deref(), Some("a"));
        assert_eq!(first(r"[^\s]+", " ab c").as_deref(), Some("ab"));
    }

    #[test]
    fn caret_matches_at_every_line() {
        assert_eq!(first("^b$", "a\nb\nc").as_deref(), Some("b"));
    }

    #[test]
    fn named_groups_are_found_by_name() {
        let found = Regexp::new(r"(?<key>\w+)=(?<value>\w+)", 0).search("a=1", 0).expect("pattern").expect("match");
        assert_eq!(found.named("value").as_deref(), Some("1"));
    }
}
