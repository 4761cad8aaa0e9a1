//! As much of the shell's language as harmless questions need: words with quotes and plain variables, pipes,
//! `&&`, `||` and `;`, and redirections to `/dev/null`. Anything else is not understood, and then nothing is done.

use std::collections::BTreeMap;

/// One command with its words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    /// The program and its arguments.
    pub(super) words: Vec<String>,
    /// Whether its output goes to `/dev/null`.
    pub(super) drops_output: bool,
    /// Whether its errors go to `/dev/null`.
    pub(super) drops_errors: bool,
    /// Whether its errors go where its output goes.
    pub(super) joins_errors: bool,
}

/// What stands before a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    /// Nothing or `;`: it runs.
    Always,
    /// `&&`: it runs if the last one succeeded.
    And,
    /// `||`: it runs if the last one failed.
    Or,
}

/// A line: pipelines and what joins them.
pub(super) type Line = Vec<(Joint, Vec<Simple>)>;

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Operator(&'static str),
}

/// Reads a line; `None` if it says more than is understood here.
pub(super) fn parse(line: &str, environment: &BTreeMap<String, String>) -> Option<Line> {
    let mut result = Line::new();
    let mut joint = Joint::Always;
    let mut pipeline = Vec::new();
    let mut simple = Simple::default();
    let mut tokens = tokens(line.trim(), environment)?.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let operator = match token {
            Token::Word(word) => {
                simple.words.push(word);
                continue;
            }
            Token::Operator(operator) => operator,
        };
        match operator {
            "2>&1" => simple.joins_errors = true,
            ">" | "2>" | "&>" | "<" => {
                if tokens.next() != Some(Token::Word("/dev/null".to_owned())) {
                    return None;
                }
                simple.drops_output |= matches!(operator, ">" | "&>");
                simple.drops_errors |= matches!(operator, "2>" | "&>");
            }
            _ => {
                pipeline.push(finished(&mut simple)?);
                if operator != "|" {
                    result.push((joint, std::mem::take(&mut pipeline)));
                    joint = match operator {
                        "&&" => Joint::And,
                        "||" => Joint::Or,
                        _ => Joint::Always,
                    };
                    // A semicolon may end the line.
                    if operator == ";" && tokens.peek().is_none() {
                        return Some(result);
                    }
                }
            }
        }
    }
    pipeline.push(finished(&mut simple)?);
    result.push((joint, pipeline));
    Some(result)
}

fn finished(simple: &mut Simple) -> Option<Simple> {
    // `NAME=value program` changes the environment, which is more than a question.
    let first = simple.words.first()?;
    let assignment = first.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    (!assignment).then(|| std::mem::take(simple))
}

/// The longest first, so that `||` is not two pipes.
const OPERATORS: &[&str] = &["2>&1", "&>", "2>", "&&", "||", "|", ";", ">", "<"];

fn tokens(line: &str, environment: &BTreeMap<String, String>) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line;
    while let Some(next) = rest.chars().next() {
        // A digit begins an operator only at the beginning of a word.
        let operator = OPERATORS
            .iter()
            .find(|known| rest.starts_with(**known) && (word.is_none() || !known.starts_with('2')));
        if let Some(operator) = operator {
            // `1>file` names a stream; the digit is no word then.
            let stream = word.as_ref().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
            if stream && matches!(*operator, ">" | "<") {
                return None;
            }
            found.extend(word.take().map(Token::Word));
            found.push(Token::Operator(operator));
            rest = &rest[operator.len()..];
            continue;
        }
        rest = &rest[next.len_utf8()..];
        match next {
            ' ' | '\t' => found.extend(word.take().map(Token::Word)),
            '\'' => {
                let end = rest.find('\'')?;
                word.get_or_insert_default().push_str(&rest[..end]);
                rest = &rest[end + 1..];
            }
            '"' => rest = double_quoted(rest, word.get_or_insert_default(), environment)?,
            '\\' => {
                let escaped = rest.chars().next().filter(|it| *it != '\n')?;
                word.get_or_insert_default().push(escaped);
                rest = &rest[escaped.len_utf8()..];
            }
            // What a variable holds would be split into words and matched against names of files.
            '$' => {
                let (value, after) = variable(rest, environment)?;
                if value.is_empty() || value.contains([' ', '\t', '\n', '*', '?', '[']) {
                    return None;
                }
                word.get_or_insert_default().push_str(&value);
                rest = after;
            }
            '~' if word.is_none() && (rest.is_empty() || rest.starts_with(['/', ' '])) => {
                word = Some(environment.get("HOME")?.clone());
            }
            '`' | '(' | ')' | '{' | '}' | '*' | '?' | '[' | '&' | '\n' | '!' | '#' | '~' => {
                // `[` alone is the test program, and its `]` an ordinary word.
                if next == '[' && word.is_none() && rest.starts_with(' ') {
                    found.push(Token::Word("[".to_owned()));
                } else {
                    return None;
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    found.extend(word.map(Token::Word));
    Some(found)
}

/// Adds what stands before the closing quote, and gives what stands after it.
fn double_quoted<'a>(
    text: &'a str,
    word: &mut String,
    environment: &BTreeMap<String, String>,
) -> Option<&'a str> {
    let mut rest = text;
    loop {
        let next = rest.chars().next()?;
        rest = &rest[next.len_utf8()..];
        match next {
            '"' => return Some(rest),
            '`' => return None,
            '$' if rest.starts_with(|next: char| next.is_ascii_alphabetic() || "_{(".contains(next)) => {
                let (value, after) = variable(rest, environment)?;
                word.push_str(&value);
                rest = after;
            }
            '\\' => {
                let escaped = rest.chars().next()?;
                if !"$`\"\\".contains(escaped) {
                    word.push('\\');
                }
                word.push(escaped);
                rest = &rest[escaped.len_utf8()..];
            }
            other => word.push(other),
        }
    }
}

/// The value of the variable whose name begins here, and what follows the name.
fn variable<'a>(text: &'a str, environment: &BTreeMap<String, String>) -> Option<(String, &'a str)> {
    let braced = text.strip_prefix('{');
    let body = braced.unwrap_or(text);
    let end = body.find(|next: char| !next.is_ascii_alphanumeric() && next != '_').unwrap_or(body.len());
    let (name, rest) = body.split_at(end);
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let rest = if braced.is_some() { rest.strip_prefix('}')? } else { rest };
    Some((environment.get(name).cloned().unwrap_or_default(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Line> {
        let environment = [("HOME", "/h"), ("TWO", "a b"), ("WORD", "w")];
        parse(
            line,
            &environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        )
    }

    fn words(line: &str) -> Vec<String> {
        read(line).unwrap().remove(0).1.remove(0).words
    }

    #[test]
    fn words_are_split_as_the_shell_splits_them() {
        assert_eq!(
            words("a 'b c' \"d $WORD\\\"\" e\\ f ~/x $WORD"),
            ["a", "b c", "d w\"", "e f", "/h/x", "w"]
        );
        assert_eq!(words("awk '/a/ {print $2}' f"), ["awk", "/a/ {print $2}", "f"]);
        assert_eq!(words("a ''"), ["a", ""]);
    }

    #[test]
    fn pipes_lists_and_silence_are_understood() {
        let line = read("a 2>/dev/null | b >/dev/null 2>&1 && c || d; e").unwrap();
        let joints: Vec<Joint> = line.iter().map(|(joint, _)| *joint).collect();
        assert_eq!(joints, [Joint::Always, Joint::And, Joint::Or, Joint::Always]);
        assert!(line[0].1[0].drops_errors && !line[0].1[0].drops_output);
        assert!(line[0].1[1].drops_output && line[0].1[1].joins_errors);
    }

    #[test]
    fn everything_else_is_not_understood() {
        for line in [
            "a $(b)",
            "a `b`",
            "a > file",
            "a >> file",
            "a < file",
            "a &",
            "a *",
            "(a)",
            "a\nb",
            "X=1 a",
            "\"$(b)\"",
            "a $TWO",
            "a 'b",
            "{ a; }",
            "a <<< b",
            "a | ",
            "! a",
            "a 2>&3",
            "$1",
            "a ${X:-b}",
            "a # b",
            "eval=1",
            "a >/dev/nullx",
            "a >/dev/../etc/passwd",
            "",
            "a 1>/dev/null",
            "a 0</dev/null",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
