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
        let pattern = crate::core::pattern::translate(&self.source, i64::from(self.options))
            .map_err(|message| format!("{message}: /{}/", self.source))?;
        RegexBuilder::new(&pattern)
            .oniguruma_mode(true)
            .multi_line(true)
            .case_insensitive(self.options & IGNORE_CASE != 0)
            .dot_matches_new_line(self.options & MULTI_LINE != 0)
            .ignore_numbered_groups_when_named_groups_exist(true)
            .backtrack_limit(5_000_000)
            .build()
            .map_err(|error| format!("{}: /{}/", self.words(&error.to_string()), self.source))
    }

    /// Ruby's words for what the engine found wrong; the engine's own where Ruby has none.
    fn words(&self, found: &str) -> String {
        const WORDS: &[(&str, &str)] = &[
            ("Opening parenthesis without closing", "end pattern with unmatched parenthesis"),
            ("end of string not reached", "unmatched close parenthesis"),
            ("Target of repeat operator is invalid", "target of repeat operator is not specified"),
            ("Unknown group flag", "undefined group option"),
        ];
        if let Some((_, words)) = WORDS.iter().find(|(mark, _)| found.contains(mark)) {
            return (*words).to_owned();
        }
        let name = |head: &str| {
            let rest = self.source.rsplit(head).next().filter(|rest| rest.len() < self.source.len())?;
            Some(rest.split('>').next().unwrap_or(rest).to_owned())
        };
        match (found.contains("Invalid back reference"), found.contains("Could not parse group name")) {
            (true, _) => name("\\k<").map(|name| format!("undefined name <{name}> reference")),
            (_, true) => name("(?<").map(|name| format!("invalid group name <{name}>")),
            _ => None,
        }
        .unwrap_or_else(|| found.to_owned())
    }

    /// Searches the text from a byte position.
    pub fn search(self: &Rc<Self>, text: &str, from: usize) -> Result<Option<MatchData>, String> {
        if from > text.len() {
            return Ok(None);
        }
        let found = self.regex()?.captures_from_pos(text, from).map_err(|error| error.to_string())?;
        Ok(found.map(|captures| {
            let groups =
                (0..captures.len()).map(|at| captures.get(at).map(|it| (it.start(), it.end()))).collect();
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
        self.regexp
            .names()
            .iter()
            .filter(|(known, _)| known == name)
            .find_map(|(_, number)| self.group(*number))
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
        let found =
            Regexp::new(r"(?<key>\w+)=(?<value>\w+)", 0).search("a=1", 0).expect("pattern").expect("match");
        assert_eq!(found.named("value").as_deref(), Some("1"));
    }
}
