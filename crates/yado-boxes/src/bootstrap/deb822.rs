//! Debian's control format: paragraphs of `Field: value` with continuation lines.

use std::io::{self, BufRead};

/// One paragraph: fields in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Paragraph(Vec<(String, String)>);

impl Paragraph {
    /// The value of a field; names are compared without case. Continuation lines are joined by newlines.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The words of a field's value.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        self.get(name).unwrap_or("").split_whitespace().map(str::to_owned).collect()
    }
}

/// Reads paragraphs one after the other.
pub(crate) struct Paragraphs<'a, R> {
    source: R,
    /// The only fields to keep; all when empty.
    wanted: &'a [&'a str],
    line: Vec<u8>,
}

impl<'a, R: BufRead> Paragraphs<'a, R> {
    /// Paragraphs of `source`, reduced to the `wanted` fields (all when empty).
    pub(crate) fn new(source: R, wanted: &'a [&'a str]) -> Self {
        Self { source, wanted, line: Vec::new() }
    }

    /// The next paragraph; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Paragraph>> {
        let mut paragraph = Paragraph::default();
        let mut seen = false;
        let mut keep = false;
        loop {
            self.line.clear();
            if self.source.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(seen.then_some(paragraph));
            }
            let line = self.line.trim_ascii_end();
            match line.first() {
                None if seen => return Ok(Some(paragraph)),
                None | Some(b'#') => {}
                Some(b' ' | b'\t') => {
                    if keep && let Some((_, value)) = paragraph.0.last_mut() {
                        value.push('\n');
                        value.push_str(&String::from_utf8_lossy(line.trim_ascii_start()));
                    }
                }
                Some(_) => {
                    seen = true;
                    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                        keep = false;
                        continue;
                    };
                    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
                    keep = self.wanted.is_empty()
                        || self.wanted.iter().any(|wanted| wanted.as_bytes().eq_ignore_ascii_case(name));
                    if keep {
                        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                        paragraph.0.push((text(name), text(value)));
                    }
                }
            }
        }
    }
}

/// All paragraphs of a text.
pub(crate) fn parse(text: &[u8]) -> Vec<Paragraph> {
    let mut paragraphs = Paragraphs::new(text, &[]);
    // Reading from memory does not fail.
    std::iter::from_fn(|| paragraphs.next().ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_fields_comments_and_continuations() {
        let text = b"# comment\nPackage: a\nDescription: one\n two\n .\n three\nempty:\n\n\n\nPackage: b\n";
        let found = parse(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].get("description"), Some("one\ntwo\n.\nthree"));
        assert_eq!(found[0].get("Empty"), Some(""));
        assert_eq!(found[1].get("Package"), Some("b"));
        assert_eq!(found[1].get("Description"), None);
    }

    #[test]
    fn unwanted_fields_and_their_continuations_are_dropped() {
        let mut paragraphs = Paragraphs::new(&b"A: 1\nB: 2\n more\nC: 3\n"[..], &["A", "C"]);
        let only = paragraphs.next().unwrap().unwrap();
        assert_eq!(only, Paragraph(vec![("A".into(), "1".into()), ("C".into(), "3".into())]));
        assert!(paragraphs.next().unwrap().is_none());
    }
}
