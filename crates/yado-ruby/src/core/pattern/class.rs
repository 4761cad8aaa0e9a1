//! Character classes of a regular expression: `[a-z&&[^aeiou]]`, `[[:alpha:]]`, `\p{Upper}`.

use super::{HEXADECIMAL, SPACE, Translator, WORD, push_literal};

impl Translator {
    /// A class; the opening bracket is read. Every member is written so that the engine cannot misread it.
    pub(super) fn class(&mut self) -> Result<String, String> {
        let mut out = "[".to_owned();
        if self.peek(0) == Some('^') {
            self.at += 1;
            out.push('^');
        }
        let mut first = true;
        // The last single character, in case a dash makes it the start of a range.
        let mut pending: Option<char> = None;
        loop {
            let Some(character) = self.peek(0) else { return Err("premature end of char-class".to_owned()) };
            self.at += 1;
            let was_first = std::mem::replace(&mut first, false);
            let single = match character {
                ']' if !was_first => break,
                '[' if self.peek(0) == Some(':') && self.posix_end().is_some() => {
                    flush(&mut out, &mut pending);
                    let members = self.posix()?;
                    out.push_str(&members);
                    continue;
                }
                '[' => {
                    flush(&mut out, &mut pending);
                    let nested = self.class()?;
                    out.push_str(&nested);
                    continue;
                }
                '&' if self.peek(0) == Some('&') => {
                    self.at += 1;
                    flush(&mut out, &mut pending);
                    out.push_str("&&");
                    continue;
                }
                '-' if pending.is_some() && self.peek(0).is_some_and(|next| next != ']') => {
                    if let Some(end) = self.range_end()? {
                        if let Some(start) = pending.take() {
                            if start > end {
                                return Err("empty range in char class".to_owned());
                            }
                            push_literal(&mut out, start);
                            out.push('-');
                            push_literal(&mut out, end);
                        }
                        continue;
                    }
                    '-'
                }
                '\\' => {
                    let Some(letter) = self.peek(0) else {
                        return Err("premature end of char-class".to_owned());
                    };
                    self.at += 1;
                    if let Some(members) = self.class_escape(letter)? {
                        flush(&mut out, &mut pending);
                        out.push_str(&members);
                        continue;
                    }
                    let mut codes = if letter == 'b' { vec!['\x08'] } else { self.character_escape(letter)? };
                    let last = codes.pop().unwrap_or('\\');
                    for code in codes {
                        flush(&mut out, &mut pending);
                        pending = Some(code);
                    }
                    last
                }
                other => other,
            };
            flush(&mut out, &mut pending);
            pending = Some(single);
        }
        flush(&mut out, &mut pending);
        if out == "[" {
            return Err("empty char-class".to_owned());
        }
        out.push(']');
        Ok(out)
    }

    /// After a dash: the character that ends the range, unless something that is no character follows.
    fn range_end(&mut self) -> Result<Option<char>, String> {
        match self.peek(0) {
            Some('[') => Ok(None),
            Some('\\') => match self.peek(1) {
                Some('w' | 'W' | 'd' | 'D' | 's' | 'S' | 'h' | 'H' | 'p' | 'P' | 'R') => Ok(None),
                Some(letter) => {
                    self.at += 2;
                    Ok(self.character_escape(letter)?.pop())
                }
                None => Ok(None),
            },
            Some(character) => {
                self.at += 1;
                Ok(Some(character))
            }
            None => Ok(None),
        }
    }

    fn class_escape(&mut self, letter: char) -> Result<Option<String>, String> {
        Ok(Some(match letter {
            'w' => WORD.to_owned(),
            'W' => format!("[^{WORD}]"),
            'd' => "0-9".to_owned(),
            'D' => "[^0-9]".to_owned(),
            's' => SPACE.replace(' ', "\\x20"),
            'S' => format!("[^{SPACE}]"),
            'h' => HEXADECIMAL.to_owned(),
            'H' => format!("[^{HEXADECIMAL}]"),
            'R' => "\\n\\x0b\\x0c\\r".to_owned(),
            'p' | 'P' => self.property(letter == 'P')?,
            _ => return Ok(None),
        }))
    }

    /// Where `[:name:]` ends, when that is what stands here.
    fn posix_end(&self) -> Option<usize> {
        let end = self.source[self.at + 1..].iter().position(|character| *character == ':')?;
        (self.peek(end + 2) == Some(']')).then_some(self.at + 1 + end)
    }

    fn posix(&mut self) -> Result<String, String> {
        let end = self.posix_end().ok_or("premature end of char-class")?;
        let name: String = self.source[self.at + 1..end].iter().collect();
        self.at = end + 2;
        let (negation, name) = match name.strip_prefix('^') {
            Some(name) => ("^", name),
            None => ("", name.as_str()),
        };
        match posix_class(name) {
            Some(members) => Ok(format!("[{negation}{members}]")),
            None => Err(format!("invalid POSIX bracket type [:{name}:]")),
        }
    }
}

fn flush(out: &mut String, pending: &mut Option<char>) {
    if let Some(character) = pending.take() {
        push_literal(out, character);
    }
}

/// The members of a POSIX bracket or property of that name; these are Unicode in Ruby.
pub(super) fn posix_class(name: &str) -> Option<&'static str> {
    Some(match name {
        "alpha" => "\\p{Alphabetic}",
        "alnum" => "\\p{Alphabetic}\\p{Nd}",
        "digit" => "\\p{Nd}",
        "upper" => "\\p{Uppercase}",
        "lower" => "\\p{Lowercase}",
        "space" => "\\p{White_Space}",
        "blank" => "\\p{Zs}\\t",
        "punct" => "\\p{P}$+<=>\\^`|\\~",
        "cntrl" => "\\p{Cc}",
        "xdigit" => "0-9a-fA-F",
        "word" => "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}",
        "graph" => "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}",
        "print" => "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Zs}",
        "ascii" => "\\x00-\\x7f",
        _ => return None,
    })
}
