//! `Shellwords`: splitting a line as a POSIX shell does, and quoting so that it comes back whole.

/// Splits a line into words; the error is Ruby's message for unmatched quotes.
pub(crate) fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            blank if blank.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let current = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(other) => current.push(other),
                        None => {
                            return Err(format!("Unmatched quote: {}", crate::core::quote::inspect(line)));
                        }
                    }
                }
            }
            '"' => {
                let current = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('"') => break,
                        Some('\\') => match characters.next() {
                            Some(special @ ('$' | '`' | '"' | '\\')) => current.push(special),
                            Some('\n') => {}
                            Some(other) => current.extend(['\\', other]),
                            None => {
                                return Err(format!(
                                    "Unmatched quote: {}",
                                    crate::core::quote::inspect(line)
                                ));
                            }
                        },
                        Some(other) => current.push(other),
                        None => {
                            return Err(format!("Unmatched quote: {}", crate::core::quote::inspect(line)));
                        }
                    }
                }
            }
            '\\' => match characters.next() {
                Some('\n') => {}
                Some(other) => word.get_or_insert_default().push(other),
                None => word.get_or_insert_default().push('\\'),
            },
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Quotes one word.
pub(crate) fn escape(word: &str) -> String {
    if word.is_empty() {
        return "''".to_owned();
    }
    let mut out = String::with_capacity(word.len());
    for character in word.chars() {
        match character {
            '\n' => out.push_str("'\n'"),
            plain if plain.is_ascii_alphanumeric() || "_-.,:+/@".contains(plain) => out.push(plain),
            other => out.extend(['\\', other]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_a_shell_does() {
        assert_eq!(split(r#"a 'b c' "d \"e\" \x" f\ g """#).unwrap(), ["a", "b c", r#"d "e" \x"#, "f g", ""]);
        assert_eq!(split("a 'b").unwrap_err(), "Unmatched quote: \"a 'b\"");
    }

    #[test]
    fn quoted_words_come_back() {
        let words = ["it's", "a b", "", "$HOME", "x=1"];
        let line = words.map(escape).join(" ");
        assert_eq!(split(&line).unwrap(), words);
    }
}
